"""All attractors of a network without noise: cycles of the map of its states, with basins.

Every state is looked at a few times, in the memory of the map alone: the walk from a state marks
its path in the map itself, and where it meets what is known, the path takes over the number of
the attractor. Without bias the map is odd, f(-x) = -f(x), and one of each two opposite states is
enough: half the work in half the memory.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from tqdm import tqdm

from flux._base.checks import check_choice, check_type
from flux._base.jit import jit
from flux._base.memory import check_memory
from flux._base.types import Codes
from flux.attractors.zero_noise_map import (
    INSTEAD,
    Int32s,
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


def find_attractors(W: ArrayLike, b: ArrayLike | None = None, *, ties: str = "raise") -> Attractors:
    """Find all attractors of the zero-noise map y = sign(W x + b), with periods and basins.

    Parameters
    ----------
    W : (n, n) array
        Weights, W[i, j] from neuron j to neuron i; n at most 30.
    b : (n,) array, optional
        Biases; zero by default.
    ties : {"raise", "keep", "up", "down"}
        What a neuron with u_i = 0 does: stop with an error, keep its spin, or take +1 or -1.
        Signs are those of the exact sums of the given doubles; see `successor_map`.

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
    found = _follow(fill_codes(tables), n)
    if tables.odd:
        found = _unfold(found, n)
    period, basin, representative, _ = found[np.argsort(found[:, 2])].T.copy()
    return Attractors(period, basin, representative, tables.ties)


def mean_period(attractors: Attractors, weight: str = "attractor") -> float:
    """Return the mean period of attractors, or that of the attractor of a random state.

    Parameters
    ----------
    attractors : Attractors
        From `find_attractors`.
    weight : {"attractor", "state"}
        Whether each attractor counts once, or each state: an attractor then counts by the
        size of its basin.

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
    check_choice("weight", weight, ("attractor", "state"))
    weights = attractors.basin if weight == "state" else None
    return float(np.average(attractors.period, weights=weights))


def _follow(codes: Int32s, n: int) -> Codes:
    """Return period, basin, smallest and largest code of cycles (k, 4); `codes` are used up."""
    found, count, start = np.zeros((1024, 4), np.int64), 0, 0
    with tqdm(
        total=len(codes), desc=f"attractors, {n} neurons", unit="state", delay=2, leave=False
    ) as bar:
        while start < len(codes):
            stop = min(start + SPAN, len(codes))
            reached, count = _walk(start, stop, n, codes, found, count)
            bar.update(reached - start)
            start = reached
            if count == len(found) and start < len(codes):
                # the longer list, and what sorting and unfolding will need
                check_memory(320.0 * count, f"more than {count} attractors", INSTEAD)
                found = np.concatenate([found, np.zeros_like(found)])
    return found[:count]


def _unfold(found: Codes, n: int) -> Codes:
    """Return the cycles of all states from those of pairs of opposite states.

    A cycle that leads from x to -x is its own opposite. Any other has a twin of opposite states.
    """
    last = (1 << n) - 1
    smallest, largest = found[:, 2], found[:, 3]
    is_own = smallest + largest == last
    found[is_own, 1] *= 2
    twins = found[~is_own]
    twins[:, 2:] = last - twins[:, :1:-1]
    return np.concatenate([found, twins])


@jit
def _walk(
    start: int, stop: int, n: int, codes: Int32s, found: Codes, count: int
) -> tuple[int, int]:
    """Walk from each state of a span, while the list has room; return the next state and count.

    In a folded map, with half of the codes, the lower of two opposite states stands for both.
    """
    last = np.int32((1 << n) - 1)
    for k in range(start, stop):
        if codes[k] < 0:
            continue
        if count == len(found):
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
            _measure(state, last, codes, found[count])
            label = np.int32(count)
            count += 1
        found[label, 1] += steps
        state, entry = np.int32(k), codes[k]
        while entry >= 0:
            codes[state] = ~label
            entry ^= ON_PATH
            state = entry if entry < len(codes) else last ^ entry
            entry = codes[state]
    return stop, count


@jit
def _measure(start: np.int32, last: np.int32, codes: Int32s, cycle: Codes) -> None:
    """Enter period, smallest and largest code of the cycle through a state of the whole map."""
    state, period, smallest, largest = start, 0, start, start
    while period == 0 or state != start:
        if state < len(codes):
            state = codes[state] ^ ON_PATH
        else:
            state = last ^ codes[last ^ state] ^ ON_PATH
        period += 1
        smallest, largest = min(smallest, state), max(largest, state)
    cycle[0], cycle[2], cycle[3] = period, smallest, largest
