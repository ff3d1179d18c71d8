"""Pattern generators: N-rooks built for a wanted period, and how long they keep it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from flux._base.checks import check_count, check_real, check_rng, short
from flux._base.errors import ArgumentError
from flux._base.integers import prime_power
from flux._base.memory import check_memory
from flux._base.types import Codes, Floats, Spins
from flux.attractors.rook_periods import rooks_matrix

LARGEST_RING = 10_000
"""Neurons of the largest ring of a pattern generator."""


class PatternGenerator(NamedTuple):
    """N-rooks with a state that recurs with a wanted period.

    Without noise y_i = signs[i] x_permutation[i], and W = strength times that signed permutation.

    Attributes
    ----------
    W : (n, n) float64
        Weights.
    x0 : (n,) int8
        A state on the attractor of that period.
    rings : tuple of int
        Lengths of the rings.
    permutation : (n,) int64
        The neuron that each neuron hears.
    signs : (n,) float64
        Whether it copies (+1) or inverts (-1) that neuron.

    Examples
    --------
    >>> made = pattern_generator(6, strength=40.0, rng=np.random.default_rng(1))
    >>> states = [made.x0]
    >>> for _ in range(6):
    ...     states.append(np.sign(made.W @ states[-1]))
    >>> [np.array_equal(state, made.x0) for state in states]
    [True, False, False, False, False, False, True]
    """

    W: Floats
    x0: Spins
    rings: tuple[int, ...]
    permutation: Codes
    signs: Floats


def fewest_rooks(period: int) -> tuple[int, ...]:
    """Return the rings of the smallest N-rooks that have a state of a given period.

    Their sum is the number of neurons, equation :eq:`eq-mem-fewest` of the book: one ring of p^e
    for each odd prime power p^e of the period, and one of 2^(a-1) neurons, inverting, for 2^a if
    a > 1. A single factor 2 is free, by an inverting ring.

    It cannot be fewer. The period is the least common multiple of those in the rings, which
    divide 2 L: so each p^e divides the length of some ring, and 2^(a-1) does. A ring that
    serves several of these coprime numbers is at least as long as their product, which is no less
    than their sum.

    Parameters
    ----------
    period : int
        Wanted period, at least 1.

    Returns
    -------
    tuple of int
        Ring lengths, longest first.

    Raises
    ------
    ValueError
        If `period` is no positive integer, or needs a ring of more than 10 000 neurons.

    Examples
    --------
    >>> fewest_rooks(60)
    (5, 3, 2)
    """
    left = check_count("period", period, 1, np.inf)
    rings = []
    for p in range(2, LARGEST_RING + 1):
        power = 1
        while left % p == 0:
            left, power = left // p, power * p
        rings.append(power // 2 if p == 2 else power)
    if left > 1 or max(rings) > LARGEST_RING:
        raise ArgumentError(
            f"period must need no ring of more than {LARGEST_RING} neurons, but was {short(period)}"
        )
    return tuple(sorted((ring for ring in rings if ring > 1), reverse=True)) or (1,)


def pattern_generator(
    period: int, *, strength: float, rng: np.random.Generator, n: int | None = None
) -> PatternGenerator:
    """Draw N-rooks with an attractor of a wanted period, and a state on it.

    Its rings are those of `fewest_rooks`, equation :eq:`eq-mem-fewest` of the book. Signs, the
    order of the neurons and the state are drawn at random.

    Parameters
    ----------
    period : int
        Wanted period, at least 1.
    strength : float
        Magnitude w of the weights.
    rng : numpy.random.Generator
        Source of randomness.
    n : int, optional
        Number of neurons: the fewest that have the period by default; more are constant.

    Returns
    -------
    PatternGenerator
        Weights, initial state, ring lengths, permutation and signs.

    Raises
    ------
    ValueError
        If an argument is out of its range, or n neurons are too few for the period.

    Examples
    --------
    >>> made = pattern_generator(12, strength=8.0, rng=np.random.default_rng(1))
    >>> made.rings, made.W.shape
    ((3, 2), (5, 5))
    """
    rings = fewest_rooks(period)
    strength = check_real("strength", strength, 0.0)
    check_rng(rng)
    fewest = sum(rings)
    if n is not None and check_count("n", n, 1) < fewest:
        raise ArgumentError(f"n must be at least {fewest} for period {period}, but was {n}")
    n = n or fewest
    check_memory(8.0 * n * n, f"a dense weight matrix of n = {n} neurons", "a shorter period")
    rings += (1,) * (n - fewest)

    # an inverting ring has the factor 2: that of 2^(a-1) neurons, or else any one
    inverting = next((k for k, ring in enumerate(rings) if ring % 2 == 0), 0)
    order = rng.permutation(n)
    permutation, signs, x0 = np.empty(n, np.int64), np.empty(n), np.empty(n, np.int8)
    for k, (ring, neurons) in enumerate(
        zip(rings, np.split(order, np.cumsum(rings)[:-1]), strict=True)
    ):
        negative = period % 2 == 0 and k == inverting
        permutation[neurons] = np.roll(neurons, 1)
        signs[neurons] = rng.choice([-1.0, 1.0], ring)
        signs[neurons[0]] = (-1.0 if negative else 1.0) * np.prod(signs[neurons[1:]])
        x0[neurons] = _draw_state(signs[neurons], 1 + negative, rng)
    return PatternGenerator(
        rooks_matrix(permutation, signs, strength=strength), x0, rings, permutation, signs
    )


def slip_time(n: int, strength: float) -> float:
    """Return the mean number of steps to the first slip of N-rooks: 1 / (1 - (1 - eps)^n).

    Each neuron fails to copy its sender with probability eps = sigma(-w), so that a step
    of n neurons goes without a slip with probability (1 - eps)^n. Equation :eq:`eq-mem-slip` of the
    book.

    Parameters
    ----------
    n : int
        Number of neurons.
    strength : float
        Magnitude w of the weights, at most 700.

    Returns
    -------
    float
        Mean number of the step in which the first neuron fails, at least 1.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Examples
    --------
    >>> round(slip_time(10, 8.0))
    299
    """
    n = check_count("n", n, 1)
    strength = check_real("strength", strength, 0.0, 700.0)
    return float(-1 / np.expm1(n * np.log1p(-expit(-strength))))


def _draw_state(signs: Floats, turns: int, rng: np.random.Generator) -> Spins:
    """Draw a state of the longest period, `turns` times the ring's length, a prime power.

    All states of an inverting ring of 2^a neurons have it. If the length is p^e with p odd, a
    shorter period is one of turns p^(e-1), or divides it.
    """
    length = len(signs)
    prime, _ = prime_power(length) or (2, 0)
    while True:
        x0 = rng.choice(np.array([-1, 1], np.int8), length)
        if prime == 2:
            return x0
        x = x0
        for _ in range(turns * length // prime):
            x = (signs * np.roll(x, 1)).astype(np.int8)
        if not np.array_equal(x, x0):
            return x0
