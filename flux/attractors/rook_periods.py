"""Theory of N-rooks without noise: the periods of signed permutations, exact for any size.

Neuron i copies or inverts the neuron `permutation[i]`: y_i = signs[i] x_permutation[i]. The
permutation falls into rings, and a ring's length L and its product of signs s decide all.

*One ring.* The map F has F^L x = s x, so that each period divides L (s = +1) or 2 L (s = -1).
The states with F^d x = x number 2^gcd(d, L), but there are none if s = -1 and d / gcd(d, L) is
odd. Moebius inversion gives the states whose least period is p; with s = -1 they are the
twisted necklaces of combinatorics.

*All rings.* Periods combine as least common multiples, and numbers of states multiply.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from math import gcd, lcm, prod
from operator import mul
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import as_array, check_count, check_floats, check_real, short
from flux._base.errors import ArgumentError
from flux._base.integers import divisors, factorize
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.types import Codes, Floats

MOST_PERIODS = 1 << 18
"""Different periods of one network that are counted within seconds."""

StateCounts = dict[int, int]
"""Number of states of each period."""


class RookPeriods(NamedTuple):
    """Periods of N-rooks without noise, ascending, with exact counts and means.

    Attributes
    ----------
    period : tuple of int
        Every period that occurs.
    n_cycles : tuple of int
        Number of attractors of each period, all of them cycles: n_states / period.
    n_states : tuple of int
        Number of states on these cycles.
    mean_attractor : fractions.Fraction
        Mean period, each attractor counted once.
    mean_state : fractions.Fraction
        Mean period, each state counted once.
    longest : int
        Longest period.

    Examples
    --------
    >>> found = rook_periods([2, 0, 1], [1, 1, -1])
    >>> found.mean_attractor, found.mean_state, found.longest
    (Fraction(4, 1), Fraction(5, 1), 6)
    """

    period: tuple[int, ...]
    n_cycles: tuple[int, ...]
    n_states: tuple[int, ...]
    mean_attractor: Fraction
    mean_state: Fraction
    longest: int


def rook_periods(permutation: ArrayLike, signs: ArrayLike, *, progress: bool = True) -> RookPeriods:
    """Return all periods of a signed permutation, and how many cycles and states have each.

    By theory, equation :eq:`eq-per-fixed` of the book, not by enumeration: the map
    y_i = signs[i] x_permutation[i] may have hundreds of neurons. All 2**n states lie on cycles, as
    it is one to one.

    Parameters
    ----------
    permutation : (n,) array of int
        The neuron that each neuron hears; each of 0 to n - 1 once.
    signs : (n,) array of -1 and +1
        Whether it copies or inverts that neuron.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    RookPeriods
        Periods, numbers of cycles and states (Python integers), exact means, and the longest.

    Raises
    ------
    ValueError
        If `permutation` is no permutation, `signs` does not fit, or there might be more than
        2**18 different periods (best rooks of 400 neurons have fewer).

    References
    ----------
    Metzner et al. (2024), Neural Computation 36(3), 351-384.

    Examples
    --------
    >>> found = rook_periods([2, 0, 1], [1, 1, -1])
    >>> found.period, found.n_cycles, found.n_states
    ((2, 6), (1, 1), (2, 6))
    """
    senders, sign = _check_rooks(permutation, signs)
    rings = [count_ring_states(len(r), int(np.prod(sign[r]))) for r in _rings_of(senders)]
    check_count("the number of possible periods", _count_divisors(rings), 1, MOST_PERIODS)
    counts: StateCounts = {1: 1}
    with progress_bar("periods of rooks", len(rings), unit="ring", show=progress) as bar:
        for ring in rings:
            counts = combine(counts, ring)
            bar.update()
    period, n_states = zip(*sorted(counts.items()), strict=True)
    n_cycles = tuple(count // p for p, count in zip(period, n_states, strict=True))
    total = 2 ** len(senders)
    mean_attractor = Fraction(total, sum(n_cycles))
    mean_state = Fraction(sum(map(mul, period, n_states)), total)
    return RookPeriods(period, n_cycles, n_states, mean_attractor, mean_state, max(period))


def rooks_matrix(permutation: ArrayLike, signs: ArrayLike, *, strength: float) -> Floats:
    """Return the N-rooks matrix of a signed permutation: W[i, permutation[i]] = w signs[i].

    Its flux is equation :eq:`eq-rooks` of the book.

    Parameters
    ----------
    permutation : (n,) array of int
        The neuron that each neuron hears; each of 0 to n - 1 once.
    signs : (n,) array of -1 and +1
        Whether it copies or inverts that neuron.
    strength : float
        Magnitude w of the n weights.

    Returns
    -------
    (n, n) float64
        Weights.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Examples
    --------
    >>> rooks_matrix([1, 0], [1, -1], strength=3.0)
    array([[ 0.,  3.],
           [-3.,  0.]])
    """
    senders, sign = _check_rooks(permutation, signs)
    strength = check_real("strength", strength, 0.0)
    n = len(senders)
    check_memory(8.0 * n * n, f"a dense weight matrix of n = {n} neurons", "use scipy.sparse")
    W = np.zeros((n, n))
    W[np.arange(n), senders] = strength * sign
    return W


def _check_rooks(permutation: ArrayLike, signs: ArrayLike) -> tuple[Codes, Floats]:
    senders = as_array("permutation", permutation)
    n = senders.size
    if (
        senders.ndim != 1
        or n == 0
        or senders.dtype.kind not in "iu"
        or not np.array_equal(np.sort(senders), np.arange(n))
    ):
        raise ArgumentError(
            f"permutation must hold each of 0 to n - 1 once, but was {short(permutation)}"
        )
    sign = check_floats("signs", signs)
    if sign.shape != (n,) or not np.all(np.abs(sign) == 1):
        raise ArgumentError(f"signs must be {n} values of -1 or +1, but was {short(signs)}")
    return senders.astype(np.int64), sign


def _rings_of(senders: Codes) -> Iterator[list[int]]:
    """Yield the neurons of each ring."""
    left = set(range(len(senders)))
    while left:
        ring = [left.pop()]
        while (heard := int(senders[ring[-1]])) in left:
            left.remove(heard)
            ring.append(heard)
        yield ring


@cache
def count_ring_states(length: int, sign: int) -> StateCounts:
    """Return the number of states of each least period in one ring."""
    counts: StateCounts = {}
    for period in divisors(length if sign > 0 else 2 * length):
        free = gcd(period, length)
        if sign > 0 or period // free % 2 == 0:
            counts[period] = 2**free - sum(counts[p] for p in counts if period % p == 0)
    return {period: count for period, count in counts.items() if count}


def _count_divisors(rings: list[StateCounts]) -> int:
    """Return how many divisors the longest period has: no fewer than there are periods."""
    longest = lcm(*(max(counts) for counts in rings))
    return prod(exponent + 1 for exponent in factorize(longest).values())


def combine(first: StateCounts, second: StateCounts) -> StateCounts:
    """Return the number of states of each period in two independent systems side by side."""
    joint: StateCounts = {}
    for p, count in first.items():
        for q, other in second.items():
            joint[lcm(p, q)] = joint.get(lcm(p, q), 0) + count * other
    return joint
