"""Theory of N-rooks without noise: the periods of signed permutations, exact for any size.

Neuron i copies or inverts the neuron `permutation[i]`: y_i = signs[i] x_permutation[i]. The
permutation falls into rings, and a ring's length L and its product of signs s decide all.

*One ring.* The map F has F^L x = s x, so that each period divides L (s = +1) or 2 L (s = -1).
The states with F^d x = x number 2^gcd(d, L), but there are none if s = -1 and d / gcd(d, L) is
odd. Moebius inversion gives the states whose least period is p; with s = -1 they are the
twisted necklaces of combinatorics.

*All rings.* Periods combine as least common multiples, and numbers of states multiply.

*The best.* Let L = 2^a M with M odd. The odd part of a state's period divides m | M for
2^(2^a m) of the 2^L states, whatever s is. The even part is 2^(a+1) for all states if s = -1,
and less if s = +1. So rings with s = -1 are best for any objective that grows with the
period, and the even part of the whole is 2^(1 + max a). The odd part of a ring of 2^a M neurons
has the law of 2^a rings of M, so that what remains is to choose odd rings, of which one group
of 2^a equal ones counts as one ring with the even part 2^(a+1). No mean exceeds the longest
period, which caps the search.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from math import gcd, lcm, prod
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from flux.states import Codes, Floats, check_count, check_floats, check_memory, check_real

LARGEST_BEST = 1000
"""Neurons up to which the search for the best rooks ends within seconds."""

MOST_PERIODS = 1 << 18
"""Different periods of one network that are counted within seconds."""

Law = dict[int, int]
"""Number of states of each period."""


class RookPeriods(NamedTuple):
    """Periods of the states of N-rooks without noise, ascending, with exact counts.

    `n_states[k]` states lie on `n_cycles[k]` = n_states[k] / period[k] cycles of period
    `period[k]`. `mean_attractor` averages the period over cycles, `mean_state` over states.
    """

    period: tuple[int, ...]
    n_cycles: tuple[int, ...]
    n_states: tuple[int, ...]
    mean_attractor: Fraction
    mean_state: Fraction


class BestRooks(NamedTuple):
    """Signed permutation that maximizes an objective, which is `value`; lengths of its rings."""

    permutation: Codes
    signs: Floats
    rings: tuple[int, ...]
    value: Fraction


def rook_periods(permutation: ArrayLike, signs: ArrayLike) -> RookPeriods:
    """Return all periods of a signed permutation, and how many cycles and states have each.

    By theory, not by enumeration: the map y_i = signs[i] x_permutation[i] may have hundreds of
    neurons. All 2**n states lie on cycles, as the map is one to one.

    Parameters
    ----------
    permutation : (n,) array of int
        The neuron that each neuron hears; each of 0 to n - 1 once.
    signs : (n,) array of -1 and +1
        Whether it copies or inverts that neuron.

    Returns
    -------
    RookPeriods
        Periods, numbers of cycles and states (Python integers), and exact mean periods.

    Raises
    ------
    ValueError
        If `permutation` is no permutation, `signs` does not fit, or there might be more than
        2**18 different periods (best rooks of 500 neurons have fewer).

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
    laws = [_ring_law(len(ring), int(np.prod(sign[ring]))) for ring in _rings_of(senders)]
    check_count("the number of possible periods", _count_divisors(laws), 1, MOST_PERIODS)
    law: Law = {1: 1}
    for one in laws:
        law = _join(law, one)
    n_states = dict(sorted(law.items()))
    n_cycles = {period: count // period for period, count in n_states.items()}
    total = 2 ** len(senders)
    return RookPeriods(
        tuple(n_states),
        tuple(n_cycles.values()),
        tuple(n_states.values()),
        Fraction(total, sum(n_cycles.values())),
        Fraction(sum(period * count for period, count in n_states.items()), total),
    )


def best_rooks(n: int, objective: str = "mean") -> BestRooks:
    """Return the signed permutation of n neurons with the longest periods of all.

    Exact and proven for every n: a search over all signed permutations, cut down by the theory
    in the head of this module. The longest period is 2 g(n), with Landau's function g(n), the
    largest order of a permutation of n things.

    Parameters
    ----------
    n : int
        Number of neurons, 1 to 1000.
    objective : {"mean", "state", "max"}
        Mean period over attractors, mean period over states, or longest period.

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
    >>> best = best_rooks(10, "max")
    >>> best.rings, best.value
    ((5, 3, 2), Fraction(60, 1))
    >>> best.value == max(rook_periods(best.permutation, best.signs).period)
    True
    """
    n = check_count("n", n, 1, LARGEST_BEST)
    if objective not in ("mean", "state", "max"):
        raise ValueError(f"objective must be 'mean', 'state' or 'max', but was {objective!r}")
    best: tuple[int, ...] = ()
    value = Fraction(0)
    for longest, doublings, powers in _longest_periods(n):
        if longest <= value:
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


def rooks_matrix(permutation: ArrayLike, signs: ArrayLike, *, strength: float) -> Floats:
    """Return the N-rooks matrix of a signed permutation: W[i, permutation[i]] = w signs[i].

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
    senders = np.asarray(permutation)
    n = senders.size
    if (
        senders.ndim != 1
        or n == 0
        or senders.dtype.kind not in "iu"
        or not np.array_equal(np.sort(senders), np.arange(n))
    ):
        raise ValueError(f"permutation must hold each of 0 to n - 1 once, but was {permutation!r}")
    sign = check_floats("signs", signs)
    if sign.shape != (n,) or not np.all(np.abs(sign) == 1):
        raise ValueError(f"signs must be {n} values of -1 or +1, but was {signs!r}")
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
def _ring_law(length: int, sign: int) -> Law:
    """Return the number of states of each least period in one ring."""
    law: Law = {}
    for period in _divisors(length if sign > 0 else 2 * length):
        free = gcd(period, length)
        if sign > 0 or period // free % 2 == 0:
            law[period] = 2**free - sum(law[p] for p in law if period % p == 0)
    return {period: count for period, count in law.items() if count}


@cache
def _divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]


def _count_divisors(laws: list[Law]) -> int:
    """Return how many divisors the longest period has: no fewer than there are periods."""
    longest = lcm(*(max(law) for law in laws))
    count = 1
    for p in range(2, max(max(law) for law in laws) + 1):
        exponent = 0
        while longest % p == 0:
            longest //= p
            exponent += 1
        count *= exponent + 1
    return count


def _join(first: Law, second: Law) -> Law:
    """Return the law of two independent systems side by side."""
    joint: Law = {}
    for p, count in first.items():
        for q, other in second.items():
            joint[lcm(p, q)] = joint.get(lcm(p, q), 0) + count * other
    return joint


def _longest_periods(n: int) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Yield 2**(1 + a) m, a and the prime powers of the odd m, as far as n neurons have it.

    In decreasing order of 2**(1 + a) m. It takes one ring for each prime power of m, and one of
    2**a neurons if a > 0; rings that serve several prime powers at once are no shorter.
    """
    primes = [p for p in range(3, n + 1, 2) if len(_divisors(p)) == 2]
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
def _odd_mean(rings: tuple[int, ...], objective: str) -> Fraction:
    """Return the mean odd period of odd rings; groups without a common factor multiply."""
    if objective == "max":
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
def _group_mean(rings: tuple[int, ...], objective: str) -> Fraction:
    law: Law = {1: 1}
    for length in rings:
        law = _join(law, _ring_law(length, 1))
    total = sum(law.values())
    if objective == "state":
        return Fraction(sum(period * count for period, count in law.items()), total)
    return 1 / sum((Fraction(count, period * total) for period, count in law.items()), Fraction(0))
