"""Samples of inputs, outputs and nodes: checked, followed along an order of nodes, and doubted."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flux._base.checks import as_array, short
from flux._base.errors import ArgumentError
from flux._base.memory import check_memory
from flux._base.types import Codes, Floats
from flux.recordings.counting import multiplicities, relabel
from flux.recordings.entropies import entropy_bits, shuffled_pair_bits
from flux.relays._refinement import Labels, Task, Values, refine, split_information, whole

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
    states = as_array("Y", Y)
    if states.ndim != 2 or 0 in states.shape:
        raise ArgumentError(f"Y must have shape (samples, nodes), none 0, but had {states.shape}")
    if states.dtype.kind not in "biu":
        raise ArgumentError(
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
    return Samples(task, *_count_from_zero(states))


def walk(data: Samples, moves: Iterable[Codes]) -> tuple[Floats, Floats, Codes, Flags]:
    """Return I(in;out|Y0), its null, the states of Y0, and whether both can be relied upon.

    First for no node in Y0, and then after each of `moves`, the nodes that join Y0 together.
    """
    task, n_samples = data.task, data.task.pair.size
    labels = [multiplicities(np.bincount(label)) for label in _labels(task)]
    nobody = np.zeros((1, n_samples), np.uint8)
    live = groups = whole(n_samples)
    bits, states, given = [], [], []
    for nodes in (np.empty(0, np.int64), *moves):
        for j in nodes:
            live = refine(data.Y[j], data.n_values, task, live, False)
            groups = refine(data.Y[j], data.n_values, task, groups, True)
        bits += split_information(0, 1, np.zeros(1, np.int64), nobody, 1, task, live).tolist()
        states.append(groups.start.size - 1)
        size = multiplicities(np.diff(groups.start))
        alone = entropy_bits(size, "plugin", 1)
        given.append([shuffled_pair_bits(size, label) - alone for label in labels])
    I = np.array(bits) / n_samples
    # entropies of input, output and both, given a Y0 that is shuffled against them
    H_in, H_out, H_both = np.array(given).T
    null = H_in + H_out - H_both
    reliable = (
        (null >= 0.9 * I[0] - TIE)
        & (null <= I[0] + 0.1 * min(H_in[0], H_out[0]) + TIE)
        # else the null may fall back to I(in;out) on its way from too high to too low
        & (H_both >= 0.9 * H_both[0] - TIE)
    )
    return I, null, np.array(states), reliable


def _labels(task: Task) -> tuple[Labels, Labels, Labels]:
    return task.pair_in[task.pair], task.pair_out[task.pair], task.pair


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


def _count_from_zero(states: NDArray[np.integer]) -> tuple[Values, int]:
    """Return node states (nodes, samples) from 0 to below the second value returned."""
    check_memory(3.0 * states.size, "the node states by column", "use fewer samples")
    low = states.min(0)
    spread = [int(high) - int(least) for high, least in zip(states.max(0), low, strict=True)]
    # unsigned bytes wrap around: differences below 256 come out right from any type
    columns = np.ascontiguousarray(states.T.astype(np.uint8))
    columns -= low.astype(np.uint8)[:, None]
    for j in np.flatnonzero(np.array(spread) >= MAX_VALUES):
        names, codes = np.unique(states[:, j], return_inverse=True)
        if names.size > MAX_VALUES:
            raise ArgumentError(
                f"Y must hold at most {MAX_VALUES} different values a node, but node {j} had"
                f" {names.size}: use coarse_grain first"
            )
        columns[j], spread[j] = codes, names.size - 1
    return columns, max(spread) + 1


def _check_labels(name: str, value: ArrayLike, n_samples: int) -> Codes:
    labels = as_array(name, value)
    if labels.shape != (n_samples,):
        raise ArgumentError(
            f"{name} must have shape ({n_samples},), one label for each row of Y,"
            f" but had {labels.shape}"
        )
    if labels.dtype.kind in "OT" and len({type(label) for label in labels.tolist()}) == 1:
        labels = np.array(labels.tolist())  # such as the words of pandas
    if labels.dtype.kind == "f" and np.all(np.isfinite(labels) & (labels == np.rint(labels))):
        return relabel(labels)[0]
    if labels.dtype.kind not in "biuUS":
        raise ArgumentError(
            f"{name} must hold whole numbers or words, none missing, but was {short(value)}"
        )
    return relabel(labels)[0]
