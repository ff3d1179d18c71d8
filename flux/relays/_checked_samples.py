"""Samples of inputs, outputs and nodes, checked and as the kernels take them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flux._base.checks import as_array, short
from flux._base.errors import ArgumentError
from flux._base.memory import check_memory
from flux._base.types import Codes
from flux.recordings.counting import relabel
from flux.relays._sample_groups import Pairs, Values

MAX_VALUES = 256
"""Most different values that a node may take."""


class Samples(NamedTuple):
    """Checked arguments: Y is (nodes, samples), every label counts from 0."""

    pairs: Pairs
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
    both, pair = np.unique(np.stack([labels_in, labels_out]), axis=1, return_inverse=True)
    counts = np.arange(len(states) + 1.0)
    pairs = Pairs(
        pair.reshape(-1).astype(np.int32),
        both[0].astype(np.int32),
        both[1].astype(np.int32),
        counts * np.log2(np.maximum(counts, 1.0)),
    )
    return Samples(pairs, *_count_from_zero(states))


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
