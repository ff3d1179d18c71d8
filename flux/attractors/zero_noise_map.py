"""The zero-noise map of a network: the successor of every state, with no rounding at all.

Doubles are whole multiples of powers of two, so a row of weights is a row of integers times a
common factor, and u_i is zero or not as an integer is. The 2**n sums of a neuron are u = L + H,
one table for each half of the neurons; sorting both tables once turns the sign of every sum into
a comparison of two small ranks, and ties into equal ranks.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flux._base.checks import check_bias, check_choice, check_weights
from flux._base.errors import ArgumentError, FluxError
from flux._base.jit import jit
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.threads import share, thread_pool
from flux._base.types import Codes, Floats

MAX_MAPPED = 30
"""Neurons whose successors fit 32-bit codes beside the two marks of `find_attractors`."""
LONGEST_ROW = 14
"""Neurons of the low half at most: ranks of its table fit 16 bits."""
SHORTEST_ROW = 9
"""Neurons of the low half at least, where there are as many: shorter loops are slower."""
LIMB = 56
"""Bits of a digit of long integers: 64 of them add up within 64 bits."""
TOP = 61
"""Bits of the highest digit, which has a sign and takes a carry."""
GRAIN = 1 << 18
"""States that are worth a thread."""
SPAN = 1 << 26
"""States, whole rows of the tables, between two looks at the progress bar."""
SHOWN = 8
"""States with ties that a report names."""
INSTEAD = "follow some of its states with sample_attractors"
REMEDY = "a sign of zero must be chosen, by ties='keep' (the neuron keeps its spin), 'up' or 'down'"

TieRule = Literal["raise", "keep", "up", "down"]
TIE_RULES = get_args(TieRule)

Int32s = NDArray[np.int32]
Ranks = NDArray[np.int16]


class TieError(FluxError, ValueError):
    """A neuron's field is exactly zero, and nobody has said which sign it then takes.

    Examples
    --------
    >>> try:
    ...     successor_map([[1.0, 1.0], [0.0, 1.0]])
    ... except TieError:
    ...     print(successor_map([[1.0, 1.0], [0.0, 1.0]], ties="keep"))
    [0 1 2 3]
    """


class Ties(NamedTuple):
    """States in which a local field u_i is exactly zero.

    Attributes
    ----------
    n_states : int
        How many states have such a neuron.
    per_neuron : (n,) int64
        In how many states each neuron is it.
    first : (up to 8,) int64
        The smallest of these codes.

    Examples
    --------
    >>> from flux import find_attractors
    >>> find_attractors([[1.0, 1.0], [0.0, 1.0]], ties="keep").ties
    Ties(n_states=2, per_neuron=array([2, 0]), first=array([1, 2]))
    """

    n_states: int
    per_neuron: Codes
    first: Codes


class Tables(NamedTuple):
    """y_i = +1 where `keys[i, x_lo] > thresholds[x_hi, i]`, the two halves of the state's code.

    A tie is where `ranks[i, x_lo] == marks[x_hi, i]`. With `odd`, the map of -x is minus that of x.
    """

    keys: Ranks
    thresholds: Ranks
    ranks: Ranks
    marks: Ranks
    odd: bool
    ties: Ties


def successor_map(
    W: ArrayLike,
    b: ArrayLike | None = None,
    *,
    ties: TieRule = "raise",
    progress: bool = True,
) -> Int32s:
    """Return the next state of every state in the limit of no noise: y = sign(W x + b).

    Signs are those of the exact sums of the given doubles, free of rounding: the doubles
    0.1 + 0.2 - 0.3 are no tie, since they add up to 2.8e-17. Equation :eq:`eq-att-map` of the book.

    Parameters
    ----------
    W : (n, n) array
        Weights, W[i, j] from neuron j to neuron i; n at most 30.
    b : (n,) array, optional
        Biases; zero by default.
    ties : {"raise", "keep", "up", "down"}
        What a neuron with u_i = 0 does: stop with an error, keep its spin, or take +1 or -1.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    (2**n,) int32
        Entry k is the code of the state that follows the one with code k.

    Raises
    ------
    ValueError
        If W or b are not finite, do not fit together or are too large, or ties is unknown.
    TieError
        If a field is zero and `ties` is "raise"; a ValueError.
    TooLargeError
        If the map would not fit into memory.

    Examples
    --------
    >>> successor_map([[0.0, 1.0], [-1.0, 0.0]])
    array([2, 0, 3, 1], dtype=int32)
    """
    weights, bias = check_map(W, b, ties)
    n = len(bias)
    check_memory(8 * 2.0**n + table_bytes(n), f"the map of all states of n = {n} neurons", INSTEAD)
    tables = make_tables(weights, bias, ties)
    codes = fill_codes(tables, progress)
    if tables.odd:
        codes = np.concatenate([codes, (1 << n) - 1 - codes[::-1]], dtype=np.int32)
    return codes


def check_map(W: ArrayLike, b: ArrayLike | None, ties: TieRule) -> tuple[Floats, Floats]:
    """Return W and b checked for a map of all states."""
    weights = check_weights(W)
    n = len(weights)
    if n > MAX_MAPPED:
        raise ArgumentError(
            f"W must be of at most {MAX_MAPPED} neurons for the map of all states, but was of {n}:"
            f" {INSTEAD}"
        )
    bias = check_bias(b, n)
    check_choice("ties", ties, TIE_RULES)
    return weights, bias


def table_bytes(n: int) -> float:
    """Return the most memory that `make_tables` takes."""
    lo = low_neurons(n)
    return 100.0 * n * (2**lo + 2 ** (n - lo))


def low_neurons(n: int) -> int:
    """Return how many neurons make the low half of a code."""
    return min(n - 1, max(n // 2, SHORTEST_ROW), LONGEST_ROW)


def make_tables(W: Floats, b: Floats, ties: TieRule) -> Tables:
    """Return the map in the form of tables; raise a TieError if ties are not allowed."""
    n = len(b)
    lo = low_neurons(n)
    ranks = np.empty((n, 1 << lo), np.int16)
    marks = np.empty((1 << (n - lo), n), np.int16)
    rows = [_integers(W[i], b[i]) for i in range(n)]
    bits = np.array([(2 * sum(map(abs, row))).bit_length() for row in rows])
    n_limbs = 1 + np.maximum(0, -(-(bits - TOP) // LIMB))
    for count in np.unique(n_limbs).tolist():
        alike = np.flatnonzero(n_limbs == count)
        for some in [alike] if count <= 2 else alike[:, None]:
            # the highest digit in full use tells most sums apart
            shifts = (count - 1) * LIMB + TOP - bits[some]
            shifted = [[v << int(k) for v in rows[i]] for i, k in zip(some, shifts, strict=True)]
            ranks[some], marks[:, some] = _rank(shifted, lo, count)
    report = _report(ranks, marks, lo)
    keys, thresholds = ranks, marks
    if report.n_states:
        if ties == "raise":
            raise TieError(_complaint(report, n))
        keys, thresholds = _settle(ranks, marks, lo, ties)
    odd = not b.any() and (report.n_states == 0 or ties == "keep")
    return Tables(keys, thresholds, ranks, marks, odd, report)


def fill_codes(tables: Tables, progress: bool) -> Int32s:
    """Return the successor of all states, or where the map is odd of those with top neuron -1."""
    keys, thresholds = tables.keys, tables.thresholds
    rows, size = len(thresholds) >> tables.odd, keys.shape[1]
    codes = np.zeros(rows * size, np.int32)
    if codes.size <= GRAIN:
        _fill(0, rows, keys, thresholds, codes)
        return codes
    _fill(0, 0, keys, thresholds, codes)  # compiled before the bar's time begins
    bar = progress_bar("zero-noise map", codes.size, unit="state", show=progress)
    with thread_pool() as pool, bar:
        for first in range(0, codes.size, SPAN):
            some = codes[first : first + SPAN]
            work = keys, thresholds[first // size :], some
            share(pool, _fill, len(some) // size, GRAIN // size, *work)
            bar.update(len(some))
    return codes


def _integers(w: Floats, b: float) -> list[int]:
    """Return integers in the same proportions as the weights and the bias, which comes last."""
    ratios = [value.as_integer_ratio() for value in (*w.tolist(), float(b))]
    common = max(denominator for _, denominator in ratios)
    whole = [numerator * (common // denominator) for numerator, denominator in ratios]
    factor = math.gcd(*whole) or 1
    return [value // factor for value in whole]


def _rank(rows: list[list[int]], lo: int, n_limbs: int) -> tuple[Ranks, Ranks]:
    """Return the ranks 2 r of L among its values, and where -H lies: 2 r if equal, else 2 r + 1."""
    low = _sums(
        [row[-1] - sum(row[:lo]) for row in rows],
        [[2 * v for v in row[:lo]] for row in rows],
        n_limbs,
    )
    high = _sums(
        [sum(row[lo:-1]) for row in rows], [[-2 * v for v in row[lo:-1]] for row in rows], n_limbs
    )
    split = low.shape[2]
    limbs = np.concatenate([low, high], axis=2)
    order = np.argsort(limbs[-1], axis=1)
    ordered = np.take_along_axis(limbs, order[None], axis=2)
    is_fresh = (ordered[:, :, 1:] != ordered[:, :, :-1]).any(0)
    same_top = ordered[-1, :, 1:] == ordered[-1, :, :-1]
    for r in np.flatnonzero((is_fresh & same_top).any(1)).tolist():
        order[r] = np.lexsort(limbs[:, r])
        row = limbs[:, r, order[r]]
        is_fresh[r] = (row[:, 1:] != row[:, :-1]).any(0)
    # groups of equal sums, and how many groups with a sum of L lie below each or at it
    group = np.zeros(order.shape, np.int64)
    np.cumsum(is_fresh, axis=1, out=group[:, 1:])
    is_low = order < split
    place = np.empty(order.shape, np.int64)
    for r in range(len(rows)):
        has_low = np.zeros(group[r, -1] + 1, bool)
        has_low[group[r, is_low[r]]] = True
        place[r, order[r]] = (2 * np.cumsum(has_low) - 1 - has_low)[group[r]]
    return place[:, :split].astype(np.int16), place[:, split:].astype(np.int16).T


def _sums(starts: list[int], steps: list[list[int]], n_limbs: int) -> Codes:
    """Return start plus every subset of steps, in the order of codes, for each row of a network.

    As digits of base 2**LIMB (limbs, rows, 2**steps), lowest first; only the highest may be
    negative.
    """
    sums = np.array([_digits(value, n_limbs) for value in starts]).T[:, :, None]
    for column in zip(*steps, strict=True):
        step = np.array([_digits(value, n_limbs) for value in column]).T[:, :, None]
        sums = np.concatenate([sums, sums + step], axis=2)
    for k in range(n_limbs - 1):
        sums[k + 1] += sums[k] >> LIMB
        sums[k] &= (1 << LIMB) - 1
    return sums


def _digits(value: int, n_limbs: int) -> list[int]:
    """Return digits of base 2**LIMB, lowest first; only the last may be negative or longer."""
    lower = [(value >> (LIMB * k)) & ((1 << LIMB) - 1) for k in range(n_limbs - 1)]
    return [*lower, value >> (LIMB * (n_limbs - 1))]


def _report(ranks: Ranks, marks: Ranks, lo: int) -> Ties:
    """Count the states in which a field is zero."""
    n, size = ranks.shape
    is_even = marks & 1 == 0
    per_neuron = np.zeros(n, np.int64)
    for i in range(n):
        times = np.bincount(ranks[i] >> 1, minlength=size)
        per_neuron[i] = times[marks[is_even[:, i], i] >> 1].sum()
    if not per_neuron.any():
        return Ties(0, per_neuron, np.zeros(0, np.int64))
    per_row = np.zeros(len(marks), np.int64)
    with thread_pool() as pool:
        share(pool, _count_ties, len(marks), GRAIN // size, ranks, marks, per_row)
    rows = np.flatnonzero(per_row)[:SHOWN]
    first = [np.flatnonzero((ranks == marks[h][:, None]).any(0)) + (h << lo) for h in rows]
    return Ties(int(per_row.sum()), per_neuron, np.concatenate(first)[:SHOWN])


def _complaint(report: Ties, n: int) -> str:
    neurons = np.flatnonzero(report.per_neuron).tolist()
    named = ", ".join(map(str, neurons[:SHOWN])) + (", ..." if len(neurons) > SHOWN else "")
    return (
        f"W x + b is zero in {report.n_states} of the {2**n} states (the first has code"
        f" {report.first[0]}), at neurons {named}: {REMEDY}"
    )


def _settle(ranks: Ranks, marks: Ranks, lo: int, ties: TieRule) -> tuple[Ranks, Ranks]:
    """Return keys and thresholds that decide equal ranks too."""
    n, size = ranks.shape
    if ties == "down":
        return ranks, marks
    is_even = marks & 1 == 0
    if ties == "up":
        return ranks, (marks - is_even).astype(np.int16)
    keys, thresholds = ranks.copy(), marks.copy()
    for i in range(n):
        if i < lo:
            keys[i] += ((np.arange(size) >> i) & 1).astype(np.int16)
        else:
            thresholds[:, i] -= is_even[:, i] & ((np.arange(len(marks)) >> (i - lo)) & 1 == 1)
    return keys, thresholds


@jit
def _fill(first: int, last: int, keys: Ranks, thresholds: Ranks, codes: Int32s) -> None:
    n, size = keys.shape
    for h in range(first, last):
        row = codes[h * size : (h + 1) * size]
        for i in range(n):
            key, threshold, bit = keys[i], thresholds[h, i], np.int32(1 << i)
            for k in range(size):
                row[k] |= bit if key[k] > threshold else np.int32(0)


@jit
def _count_ties(first: int, last: int, ranks: Ranks, marks: Ranks, per_row: Codes) -> None:
    n, size = ranks.shape
    tied = np.empty(size, np.bool_)
    for h in range(first, last):
        tied[:] = False
        for i in range(n):
            rank, mark = ranks[i], marks[h, i]
            for k in range(size):
                tied[k] |= rank[k] == mark
        per_row[h] = tied.sum()
