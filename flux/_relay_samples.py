"""Samples of inputs, outputs and nodes: checked, followed along an order of nodes, and doubted."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flux._groups import Task, Values, refine, split_information, whole
from flux.counts import multiplicities, relabel
from flux.entropies import entropy_bits, shuffled_pair_bits
from flux.states import Codes, Floats, check_memory

SAMPLES_PER_STATE = 16
"""Samples for each occupied state of Y0 that keep relay information from collapsing."""

MAX_VALUES = 256
"""Most different values that a node may take."""

TIE = 1e-9
"""Bits that count as no difference."""

Flags = NDArray[np.bool_]


class Samples(NamedTuple):
    """Checked arguments: Y is (nodes, samples), every label counts from 0."""

    task: Task
    Y: Values
    n_values: int


def check_samples(xin: ArrayLike, xout: ArrayLike, Y: ArrayLike) -> Samples:
    """Return labels and node states as the kernels take them, or raise a ValueError."""
    states = np.asarray(Y)
    if states.ndim != 2 or 0 in states.shape:
        raise ValueError(f"Y must have shape (samples, nodes), none 0, but had {states.shape}")
    if states.dtype.kind not in "biu":
        raise ValueError(
            f"Y must hold small integers, but was of type {states.dtype}: use coarse_grain first"
        )
    labels_in, labels_out = (
        _check_labels(name, x, len(states)) for name, x in (("xin", xin), ("xout", xout))
    )
    pairs, pair = np.unique(np.stack([labels_in, labels_out]), axis=1, return_inverse=True)
    counts = np.arange(len(states) + 1.0)
    task = Task(
        pair.reshape(-1).astype(np.int32),
        pairs[0].astype(np.int32),
        pairs[1].astype(np.int32),
        counts * np.log2(np.maximum(counts, 1.0)),
    )
    check_memory(9.0 * states.size, "the node states by column", "use fewer samples")
    columns, n_values = np.empty(states.shape[::-1], np.uint8), 0
    for j, column in enumerate(states.T):
        columns[j], n = _small(column, j)
        n_values = max(n_values, n)
    return Samples(task, columns, n_values)


def walk(data: Samples, order: Codes) -> tuple[Floats, Floats, Codes, Flags]:
    """Return I(in;out|Y0), its null, the states of Y0 and what is reliable, along an order."""
    n_samples = data.task.pair.size
    labels = (data.task.pair, data.task.pair_in[data.task.pair], data.task.pair_out[data.task.pair])
    pair, one_in, one_out = (multiplicities(np.bincount(label)) for label in labels)
    bits, null, spread = np.empty((3, order.size + 1))
    states = np.empty(order.size + 1, np.int64)
    live = groups = whole(n_samples)
    nobody = np.zeros((1, n_samples), np.uint8)
    for k in range(order.size + 1):
        if k:
            values = data.Y[order[k - 1]]
            live = refine(values, data.n_values, data.task, live, False)
            groups = refine(values, data.n_values, data.task, groups, True)
        bits[k] = split_information(0, 1, np.zeros(1, np.int64), nobody, 1, data.task, live)[0]
        size = multiplicities(np.diff(groups.start))
        states[k] = groups.start.size - 1
        together = shuffled_pair_bits(size, pair)
        null[k] = shuffled_pair_bits(size, one_in) + shuffled_pair_bits(size, one_out) - together
        alone = entropy_bits(size, "plugin", 1)
        null[k] -= alone
        spread[k] = together - alone
    bits /= n_samples
    most = min(entropy_bits(one_in, "plugin", 1), entropy_bits(one_out, "plugin", 1))
    reliable = (
        (null >= 0.9 * bits[0] - TIE)
        & (null <= bits[0] + 0.1 * most + TIE)
        # else the null may fall back to I(in;out) on its way from too high to too low
        & (spread >= 0.9 * spread[0] - TIE)
    )
    return bits, null, states, reliable


def warn_if_unreliable(reliable: Flags, states: Codes, data: Samples) -> None:
    """Warn once, with the remedy, if the null of any step is far from I(in;out)."""
    if reliable.all():
        return
    n_samples, fewest = data.task.pair.size, int(states[~reliable].min())
    warnings.warn(
        f"{n_samples} samples are too few where Y0 has {fewest} occupied states or more: noise"
        " nodes would change the relay information as much (compare curve + leak with null);"
        f" take at least {SAMPLES_PER_STATE} samples a state, here"
        f" {SAMPLES_PER_STATE * fewest}, or fewer nodes",
        UserWarning,
        stacklevel=3,
    )


def _small(column: NDArray[np.integer], j: int) -> tuple[NDArray[np.integer], int]:
    low, high = int(column.min()), int(column.max())
    if high - low < MAX_VALUES:
        return column.astype(np.int64) - low, high - low + 1
    codes, n = relabel(column.astype(np.int64))
    if n > MAX_VALUES:
        raise ValueError(
            f"Y must hold at most {MAX_VALUES} different values a node, but node {j} had {n}:"
            " use coarse_grain first"
        )
    return codes, n


def _check_labels(name: str, value: ArrayLike, n_samples: int) -> Codes:
    labels = np.asarray(value)
    if labels.shape != (n_samples,):
        raise ValueError(
            f"{name} must have shape ({n_samples},), one label for each row of Y,"
            f" but had {labels.shape}"
        )
    if labels.dtype.kind not in "biuUS":
        raise ValueError(f"{name} must hold whole numbers or words, but was of type {labels.dtype}")
    return relabel(labels)[0]
