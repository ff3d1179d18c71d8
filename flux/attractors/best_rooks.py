"""The N-rooks of the longest periods, found and proven by a search over all sets of rings.

Let a ring have length L = 2^a M with M odd, and a product of signs s. The odd part of a state's
period divides m | M for 2^(2^a m) of the 2^L states, whatever s is. The even part is 2^(a+1) for
all states if s = -1, and less if s = +1. So rings with s = -1 are best for any objective that grows
with the period, and the even part of the whole is 2^(1 + max a). The odd part of a ring of 2^a M
neurons has the law of 2^a rings of M, so that what remains is to choose odd rings, of which one
group of 2^a equal ones counts as one ring with the even part 2^(a+1). No mean exceeds the longest
period, which caps the search.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from fractions import Fraction
from functools import cache, reduce
from math import gcd, lcm, prod
from typing import Literal, NamedTuple, get_args

import numpy as np

from flux._base.checks import check_choice, check_count
from flux._base.integers import is_prime
from flux._base.types import Codes, Floats
from flux.attractors.rook_periods import combine, count_ring_states

LARGEST_BEST = 1000
"""Neurons up to which the search for the best rooks ends within a second."""

Objective = Literal["attractor", "state", "longest"]
OBJECTIVES = get_args(Objective)


class BestRooks(NamedTuple):
    """Signed permutation that maximizes an objective.

    Attributes
    ----------
    permutation : (n,) int64
        The neuron that each neuron hears.
    signs : (n,) float64
        Whether it copies (+1) or inverts (-1) that neuron.
    rings : tuple of int
        Lengths of the rings.
    value : fractions.Fraction
        The objective, exact.

    Examples
    --------
    >>> best = best_rooks(3)
    >>> best.rings, best.value
    ((3,), Fraction(4, 1))
    """

    permutation: Codes
    signs: Floats
    rings: tuple[int, ...]
    value: Fraction


def best_rooks(n: int, objective: Objective = "attractor") -> BestRooks:
    """Return the signed permutation of n neurons with the longest periods of all.

    Exact and proven for every n: a search over all signed permutations, cut down by the theory of
    their rings, equation :eq:`eq-per-fixed` of the book. The longest period is 2 g(n), with
    Landau's function g(n), the largest order of a permutation of n things.

    Parameters
    ----------
    n : int
        Number of neurons, 1 to 1000.
    objective : {"attractor", "state", "longest"}
        Mean period with each attractor counted once, or with each state; or the longest period.

    Returns
    -------
    BestRooks
        Permutation, signs, ring lengths and the exact value of the objective.

    Raises
    ------
    ValueError
        If n or the objective is out of range.

    References
    ----------
    Landau (1903), Archiv der Mathematik und Physik 5, 92-103.

    Examples
    --------
    >>> from flux import rook_periods
    >>> best = best_rooks(10, "longest")
    >>> best.rings, best.value
    ((5, 3, 2), Fraction(60, 1))
    >>> best.value == rook_periods(best.permutation, best.signs).longest
    True
    """
    n = check_count("n", n, 1, LARGEST_BEST)
    check_choice("objective", objective, OBJECTIVES)
    best: tuple[int, ...] = ()
    value = Fraction(0)
    for cap, doublings, powers in _longest_periods(n):
        if cap <= value:
            break
        for merged, others in _ring_sets(n, doublings, powers):
            odd = (*others, *merged * 2**doublings)
            reached = 2 ** (1 + doublings) * _odd_mean(tuple(sorted(odd)), objective)
            if reached > value:
                best, value = (*others, *(length * 2**doublings for length in merged)), reached
    rings = tuple(sorted((*best, *(1,) * (n - sum(best))), reverse=True))
    first = np.cumsum([0, *rings[:-1]])
    permutation, signs = np.arange(-1, n - 1), np.ones(n)
    permutation[first], signs[first] = first + rings - 1, -1.0
    return BestRooks(permutation, signs, rings, value)


def _longest_periods(n: int) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Yield 2**(1 + a) m, a and the prime powers of the odd m, as far as n neurons have it.

    In decreasing order of 2**(1 + a) m. It takes one ring for each prime power of m, and one of
    2**a neurons if a > 0; rings that serve several prime powers at once are no shorter.
    """
    primes = [p for p in range(3, n + 1, 2) if is_prime(p)]
    # most[k][left]: the largest product of powers of primes[k:] whose sum is at most `left`
    most = [[1] * (n + 1)]
    for p in reversed(primes):
        later, row = most[-1], most[-1].copy()
        power = p
        while power <= n:
            for left in range(power, n + 1):
                row[left] = max(row[left], power * later[left - power])
            power *= p
        most.append(row)
    most.reverse()

    # best first: a node is its cap, negative, then a, the prime at hand, neurons left, powers
    nodes: list[tuple[int, int, int, int, tuple[int, ...]]] = []

    def add(doublings: int, at: int, left: int, powers: tuple[int, ...]) -> None:
        cap = 2 ** (1 + doublings) * prod(powers) * most[at][left]
        heapq.heappush(nodes, (-cap, doublings, at, left, powers))

    for doublings in range(n.bit_length()):
        add(doublings, 0, n - (2**doublings if doublings else 0), ())
    while nodes:
        cap, doublings, at, left, powers = heapq.heappop(nodes)
        if at == len(primes) or primes[at] > left:
            yield -cap, doublings, powers
            continue
        add(doublings, at + 1, left, powers)
        power = primes[at]
        while power <= left:
            add(doublings, at + 1, left - power, (*powers, power))
            power *= primes[at]


def _ring_sets(
    n: int, doublings: int, powers: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield all sets of odd rings that reach a longest period, with no room for one ring more.

    Each as (M,), the length whose 2**doublings rings become one, and the lengths of all others;
    without doublings as () and all lengths.
    """
    order = prod(powers)
    lengths = [d for d in range(n, 1, -1) if order % d == 0]

    def missing(covered: int) -> list[int]:
        return [power for power in powers if covered % power]

    def extend(
        start: int, left: int, covered: int, chosen: tuple[int, ...]
    ) -> Iterator[tuple[int, ...]]:
        full = True
        wanted = max(missing(covered), default=0)
        for k in range(start, len(lengths)):
            if lengths[k] < wanted:
                return
            wider = lcm(covered, lengths[k])
            if lengths[k] + sum(missing(wider)) <= left:
                full = False
                yield from extend(k, left - lengths[k], wider, (*chosen, lengths[k]))
        if full:
            yield chosen

    if doublings == 0:
        yield from (((), chosen) for chosen in extend(0, n, 1, ()))
        return
    for merged in (1, *lengths):
        left = n - merged * 2**doublings
        if sum(missing(merged)) <= left:
            yield from (((merged,), chosen) for chosen in extend(0, left, merged, ()))


@cache
def _odd_mean(rings: tuple[int, ...], objective: Objective) -> Fraction:
    """Return the mean odd period of odd rings; groups without a common factor multiply."""
    if objective == "longest":
        return Fraction(lcm(*rings))
    left = [length for length in rings if length > 1]
    mean = Fraction(1)
    while left:
        group = [left.pop()]
        while linked := [length for length in left if gcd(length, lcm(*group)) > 1]:
            group.append(linked[0])
            left.remove(linked[0])
        mean *= _group_mean(tuple(sorted(group)), objective)
    return mean


@cache
def _group_mean(rings: tuple[int, ...], objective: Objective) -> Fraction:
    n_states = reduce(combine, (count_ring_states(length, 1) for length in rings))
    total = sum(n_states.values())
    if objective == "state":
        return Fraction(sum(period * count for period, count in n_states.items()), total)
    return total / sum((Fraction(count, period) for period, count in n_states.items()), Fraction(0))
