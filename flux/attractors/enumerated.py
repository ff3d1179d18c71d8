"""All attractors of a network without noise: cycles of the map of its states, with basins.

Every state is looked at a few times, in the memory of the map alone: the walk from a state marks
its path in the map itself, and where it meets what is known, the path takes over the number of
the attractor. Without bias the map is odd, f(-x) = -f(x), and one of each two opposite states is
enough: half the work in half the memory.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import check_choice, check_type
from flux._base.jit import jit
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.types import Codes
from flux.attractors.zero_noise_map import (
    INSTEAD,
    Int32s,
    TieRule,
    Ties,
    check_map,
    fill_codes,
    make_tables,
    table_bytes,
)

ON_PATH = np.int32(1 << 30)
"""Mark of the states of the present walk; known states are negative."""
SPAN = 1 << 22
"""States from which walks begin between two looks at the progress bar."""
CYCLE = np.dtype([(name, np.int64) for name in ("period", "basin", "smallest", "largest")])
"""A cycle: number of states on it and of those that end there, smallest and largest code on it."""

Weighting = Literal["attractor", "state"]
WEIGHTINGS = get_args(Weighting)


class Attractors(NamedTuple):
    """Every attractor of a network, one entry each, in the order of `representative`.

    Attributes
    ----------
    period : (k,) int64
        Number of states on the cycle.
    basin : (k,) int64
        Number of states that end there, those of the cycle included.
    representative : (k,) int64
        Smallest code on the cycle.
    ties : Ties
        Where a field is zero.

    Examples
    --------
    >>> found = find_attractors([[0.0, 1.0], [1.0, 0.0]])
    >>> found.period, found.basin, found.representative
    (array([1, 2, 1]), array([1, 2, 1]), array([0, 1, 3]))
    """

    period: Codes
    basin: Codes
    representative: Codes
    ties: Ties


def find_attractors(
    W: ArrayLike,
    b: ArrayLike | None = None,
    *,
    ties: TieRule = "raise",
    progress: bool = True,
) -> Attractors:
    """Find all attractors of the zero-noise map y = sign(W x + b), with periods and basins.

    The map is equation :eq:`eq-att-map` of the book.

    Parameters
    ----------
    W : (n, n) array
        Weights, W[i, j] from neuron j to neuron i; n at most 30.
    b : (n,) array, optional
        Biases; zero by default.
    ties : {"raise", "keep", "up", "down"}
        What a neuron with u_i = 0 does: stop with an error, keep its spin, or take +1 or -1.
        Signs are those of the exact sums of the given doubles; see `successor_map`.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    Attractors
        period, basin and representative (k,) of the k attractors, and the ties met. The basins
        add up to 2**n.

    Raises
    ------
    ValueError
        If W or b are not finite, do not fit together or are too large, or ties is unknown.
    TieError
        If a field is zero and `ties` is "raise"; a ValueError.
    TooLargeError
        If the map, or the list of attractors, would not fit into memory.

    Examples
    --------
    >>> found = find_attractors([[0.0, 1.0], [-1.0, 0.0]])
    >>> found.period, found.basin, found.representative
    (array([4]), array([4]), array([0]))
    """
    weights, bias = check_map(W, b, ties)
    n = len(bias)
    states = 2.0 ** (n if bias.any() else n - 1)
    check_memory(4 * states + table_bytes(n), f"the map of all states of n = {n} neurons", INSTEAD)
    tables = make_tables(weights, bias, ties)
    if not bias.any() and not tables.odd:
        check_memory(8 * states, f"the map of all states of n = {n} neurons", INSTEAD)
    cycles = _follow(fill_codes(tables, progress), n, progress)
    if tables.odd:
        cycles = _unfold(cycles, n)
    cycles = cycles[np.argsort(cycles["smallest"])]
    period, basin, smallest = (cycles[name].copy() for name in ("period", "basin", "smallest"))
    return Attractors(period, basin, smallest, tables.ties)


def mean_period(attractors: Attractors, weight: Weighting = "attractor") -> float:
    """Return the mean period of all attractors, or of the attractors of all states.

    Equation :eq:`eq-per-mean` of the book.

    Parameters
    ----------
    attractors : Attractors
        From `find_attractors`.
    weight : {"attractor", "state"}
        Whether each attractor counts once, or each state, by the attractor it ends in.

    Returns
    -------
    float
        Mean period in steps.

    Raises
    ------
    ValueError
        If `attractors` is no such result, or `weight` is unknown.

    Examples
    --------
    >>> found = find_attractors([[1.0, 0.0], [0.0, 1.0]])
    >>> mean_period(found), mean_period(found, weight="state")
    (1.0, 1.0)
    """
    check_type("attractors", attractors, Attractors, "a result of find_attractors")
    check_choice("weight", weight, WEIGHTINGS)
    weights = attractors.basin if weight == "state" else None
    return float(np.average(attractors.period, weights=weights))


def _follow(codes: Int32s, n: int, progress: bool) -> Any:
    """Return the cycles of a map, in the order in which they are met; `codes` are used up."""
    cycles, count, start = np.zeros(1024, CYCLE), 0, 0
    _walk(0, 0, n, codes, cycles, count)  # compiled before the bar's time begins
    what = f"attractors, {n} neurons"
    with progress_bar(what, len(codes), unit="state", show=progress) as bar:
        while start < len(codes):
            stop = min(start + SPAN, len(codes))
            reached, count = _walk(start, stop, n, codes, cycles, count)
            bar.update(reached - start)
            start = reached
            if count == len(cycles) and start < len(codes):
                # the longer list, and what sorting and unfolding will need
                check_memory(320.0 * count, f"more than {count} attractors", INSTEAD)
                cycles = np.concatenate([cycles, np.zeros_like(cycles)])
    return cycles[:count]


def _unfold(cycles: Any, n: int) -> Any:
    """Return the cycles of all states from those of pairs of opposite states.

    A cycle that leads from x to -x is its own opposite. Any other has a twin of opposite states.
    """
    last = (1 << n) - 1
    is_own = cycles["smallest"] + cycles["largest"] == last
    cycles["basin"][is_own] *= 2
    twins = cycles[~is_own]
    twins["smallest"], twins["largest"] = last - twins["largest"], last - twins["smallest"]
    return np.concatenate([cycles, twins])


@jit
def _walk(start: int, stop: int, n: int, codes: Int32s, cycles: Any, count: int) -> tuple[int, int]:
    """Walk from each state of a span, while the list has room; return the next state and count.

    In a folded map, with half of the codes, the lower of two opposite states stands for both.
    """
    last = np.int32((1 << n) - 1)
    for k in range(start, stop):
        if codes[k] < 0:
            continue
        if count == len(cycles):
            return k, count
        state, entry, steps = np.int32(k), codes[k], 0
        while 0 <= entry < ON_PATH:
            codes[state] = entry | ON_PATH
            steps += 1
            state = entry if entry < len(codes) else last ^ entry
            entry = codes[state]
        if entry < 0:
            label = ~entry
        else:
            _measure(state, last, codes, cycles[count])
            label = np.int32(count)
            count += 1
        cycles[label].basin += steps
        state, entry = np.int32(k), codes[k]
        while entry >= 0:
            codes[state] = ~label
            entry ^= ON_PATH
            state = entry if entry < len(codes) else last ^ entry
            entry = codes[state]
    return stop, count


@jit
def _measure(start: np.int32, last: np.int32, codes: Int32s, cycle: Any) -> None:
    """Enter period, smallest and largest code of the cycle through a state of the whole map."""
    state, period, smallest, largest = start, 0, start, start
    while period == 0 or state != start:
        if state < len(codes):
            state = codes[state] ^ ON_PATH
        else:
            state = last ^ codes[last ^ state] ^ ON_PATH
        period += 1
        smallest, largest = min(smallest, state), max(largest, state)
    cycle.period, cycle.smallest, cycle.largest = period, smallest, largest
