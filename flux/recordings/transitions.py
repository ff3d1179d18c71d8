"""Recordings in chains of any lengths, and the transitions in them, those alike counted once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flux._base.checks import as_array, check_count, check_spins
from flux._base.errors import ArgumentError
from flux._base.types import Spins
from flux.model.states import MAX_CODED
from flux.recordings.counting import check_recording, state_codes

FOLDS = 5
BLOCKS_PER_FOLD = 4
"""Blocks of time in each part that is held out: spread, lest a drift be held out in one piece."""


class Transitions(NamedTuple):
    """Distinct states X (m, n), how often each occurred (m,), and how often each neuron followed.

    `on[s, i]` is how often neuron i was on one step after state s. Where nearly all states
    differ they are not sought for: each transition then has a row of its own.
    """

    X: Spins
    counts: NDArray[np.int64]
    on: NDArray[np.int8] | NDArray[np.int64]


def as_chains(name: str, x: ArrayLike | Sequence[ArrayLike]) -> list[Spins]:
    """Return the chains of a recording as (steps, n) int8 each.

    `x` is one array (steps, n) or (chains, steps, n), or a list of (steps, n) arrays.
    """
    if isinstance(x, (list, tuple)) and len(x) and _dimensions(x[0]) == 2:
        each = [as_array(name, chain) for chain in x]
        if any(chain.ndim != 2 or chain.shape[1] != each[0].shape[1] for chain in each):
            raise ArgumentError(
                f"{name} must hold chains of shape (steps, n) with the same n, but had shapes"
                f" {sorted({chain.shape for chain in each})[:4]}"
            )
        return [check_spins(name, chain).astype(np.int8) for chain in each]
    return list(check_spins(name, check_recording(x, name)))


def read_chains(x: ArrayLike, lag: object) -> tuple[list[Spins], int]:
    """Return the chains of a recording, and the lag: together enough for a fit to be judged by."""
    chains = [chain for chain in as_chains("x", x) if len(chain)]
    longest = max((len(chain) for chain in chains), default=0)
    if longest < 2:
        raise ArgumentError("x must have a chain of at least 2 steps")
    lag = check_count("lag", lag, 1, longest - 1)
    found = sum((len(chain) - 1) // lag for chain in chains)
    if found < FOLDS * BLOCKS_PER_FOLD:
        raise ArgumentError(
            f"x must have at least {FOLDS * BLOCKS_PER_FOLD} transitions of {lag} steps within its"
            f" chains, but had {found}: a fit needs a longer recording"
        )
    return chains, lag


def split_by_lag(chains: list[Spins], lag: int) -> list[Spins]:
    """Return chains whose steps are `lag` steps of the recording, together all its transitions."""
    split = [chain[start::lag] for chain in chains for start in range(lag)]
    return [chain for chain in split if len(chain) > 1]


def every(chains: list[Spins], lag: int) -> list[Spins]:
    """Return every `lag`-th state of the chains: the first of those that `split_by_lag` makes."""
    return [chain[::lag] for chain in chains if len(chain) > lag]


def transitions(chains: list[Spins]) -> tuple[Spins, Spins]:
    """Return the states and their successors, in order of time, (pairs, n) each."""
    before = np.concatenate([chain[:-1] for chain in chains])
    after = np.concatenate([chain[1:] for chain in chains])
    return before, after


def gather(X: Spins, Y: Spins) -> Transitions:
    """Return transitions from X to Y with equal states counted once, if that makes them fewer."""
    steps, n = X.shape
    if n <= MAX_CODED:
        codes = state_codes(np.ascontiguousarray(X)[None])[0][0]
        _, first, which, counts = np.unique(
            codes, return_index=True, return_inverse=True, return_counts=True
        )
        if 2 * len(first) < steps:
            on = [np.bincount(which[Y[:, i] > 0], minlength=len(first)) for i in range(n)]
            return Transitions(X[first], counts, np.stack(on, 1))
    return Transitions(X, np.ones(steps, np.int64), (Y > 0).astype(np.int8))


def time_blocks(steps: int, blocks: int) -> NDArray[np.int64]:
    """Return the number of the block in which each of the successive steps lies."""
    return np.arange(steps) * blocks // steps


def held_out(steps: int, fold: int) -> NDArray[np.bool_]:
    """Tell which steps are held out: every fifth of twenty blocks of time."""
    return time_blocks(steps, FOLDS * BLOCKS_PER_FOLD) % FOLDS == fold


def _dimensions(value: object) -> int:
    try:
        return as_array("x", value).ndim
    except ArgumentError:
        return 0
