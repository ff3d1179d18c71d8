"""Iterative solvers of pi = pi P and of the Poisson equation, with error bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from flux._base.types import Floats

PROBE = 6
"""Directions drawn from a random difference of laws, to see slow modes that the start hides."""


EXHAUSTED = 1e-4
"""Product of the shares of probed images that are new, at which probing ends (rounding grows)."""


NOTHING_NEW = 1e-12
"""Share of an image at which it is but rounding: all that the chain remembers is known."""


ROUNDS = 3
"""Times that the iteration starts anew where rounding keeps it from its target."""


SAFETY = 10.0
"""Factor on the measured condition number, which approaches the true one from below."""


ROUNDING = 4.0 * float(np.finfo(float).eps)
"""Relative rounding of one step of the chain, a sum of products of positive numbers."""


class Krylov(NamedTuple):
    """What the iteration found: the law, its error bound, condition number and steps.

    `error` bounds sum_k |p_k - pi_k|; `condition` estimates the norm of (1 - P)^-1 on
    differences of laws, which is 1 / spectral gap for a normal chain.
    """

    p: Floats
    error: float
    condition: float
    steps: int


def solve_krylov(
    step: Callable[[Floats], Floats], size: int, *, target: float, max_steps: int
) -> Krylov:
    """Return the stationary law of p -> step(p) by minimal residuals, with an error bound.

    After two plain steps from the uniform law, errors e are measured by
    |e|^2 = sum e_k^2 / p_k. In this norm no step enlarges a difference of laws, and
    |e| >= sum |e_k| (a floor under the p_k keeps rounding from being magnified).
    Directions d_j with orthonormal images a_j = d_j (1 - P) are collected, first from a random
    difference of laws, which finds the slow modes whether or not the start excites them, then
    from the residual r. The error is r (1 - P)^-1, at most the largest singular value of the
    d_j times |r|. Where setting negative entries to zero has brought the error above
    2 SAFETY target, all is done once more from there.
    """
    p = step(np.full(size, 1.0 / size))
    moved, steps, condition = step(p), 2, np.inf
    best = Krylov(p, np.inf, np.inf, steps)
    for _ in range(ROUNDS):
        scale = np.sqrt(moved + 1e-6 / size)

        def image(d: Floats, scale: Floats = scale) -> Floats:
            return d - step(d * scale) / scale

        correction, gain, count = _minimal_residuals(
            image, (moved - p) / scale, scale, target=target, max_steps=max_steps
        )
        # directions that ran into rounding have no finite gain: the next round knows better
        condition = max(condition, gain) if np.isfinite(condition) else gain
        # rounding can leave entries below zero: what setting them to zero moves is in the residual
        p = np.maximum(p + scale * correction, 0.0)
        p /= p.sum()
        moved = step(p)
        steps += count + 1
        size_r = float(np.linalg.norm((moved - p) / scale))
        error = SAFETY * condition * (size_r + ROUNDING) * float(np.linalg.norm(scale))
        best = min(best, Krylov(p, error, condition, steps), key=lambda found: found.error)
        if best.error <= 2 * SAFETY * target or count == max_steps:
            break
    return best._replace(steps=steps)


def solve_poisson(
    mean: Callable[[Floats], Floats], pi: Floats, cost: Floats, *, target: float, max_steps: int
) -> Krylov:
    """Return z of z(x) - E(z(y) | x) = cost(x), with sum pi cost = 0, as `Krylov.p`.

    `mean` is z -> E(z(y) | x). As in `solve_krylov`, by minimal residuals, now in the norm
    |z|^2 = sum pi z^2, in which no expectation is longer than what it is taken of; `error` is
    a bound in this norm on z, which is unique up to a constant.
    """
    scale = np.sqrt(pi + 1e-6 / len(pi))
    z, condition, count = _minimal_residuals(
        lambda d: d - mean(d / scale) * scale,
        cost * scale,
        scale,
        target=target,
        max_steps=max_steps,
    )
    z /= scale
    size_r = float(np.linalg.norm((cost - (z - mean(z))) * scale))
    size_z = float(np.linalg.norm(z * scale))
    error = SAFETY * condition * (size_r + ROUNDING * size_z)
    return Krylov(z, error, condition, count + 1)


def _minimal_residuals(
    image: Callable[[Floats], Floats],
    residual: Floats,
    null: Floats,
    *,
    target: float,
    max_steps: int,
) -> tuple[Floats, float, int]:
    """Return e with image(e) = residual, the largest gain |d| / |image(d)| seen, and the steps.

    Directions d_j with orthonormal images a_j are collected, first from a random start
    orthogonal to `null`, then from the residual.
    """
    size = len(residual)
    directions, images = np.empty((max_steps, size)), np.empty((max_steps, size))
    solution = np.zeros(size)
    count = 0

    def collect(d: Floats) -> float:
        """Return the share of the image that is new; a direction without any is left out."""
        nonlocal count
        a = image(d)
        size_a = np.linalg.norm(a)
        overlap = images[:count] @ a
        a -= overlap @ images[:count]
        norm = np.linalg.norm(a)
        if norm < 0.5 * size_a:  # what cancelled left rounding behind: once more
            more = images[:count] @ a
            a -= more @ images[:count]
            overlap += more
            norm = np.linalg.norm(a)
        if norm <= NOTHING_NEW * size_a:
            return 0.0
        directions[count] = (d - overlap @ directions[:count]) / norm
        images[count] = a / norm
        count += 1
        return float(norm / size_a)

    # one fixed stream: the answer is a function of the chain alone
    d = np.random.default_rng(0).standard_normal(size)
    d -= null * (d @ null) / (null @ null)
    new = 1.0
    while count < PROBE and new > EXHAUSTED:
        new *= collect(d / np.linalg.norm(d))
        d = images[count - 1]

    used, new = 0, 1.0
    while True:
        gain = images[used:count] @ residual
        residual = residual - gain @ images[used:count]
        solution += gain @ directions[used:count]
        used = count
        size_r = float(np.linalg.norm(residual))
        ends = count == max_steps or new == 0.0
        if ends or size_r <= target:
            condition = _largest_singular_value(directions[:count])
            if ends or condition * size_r <= target:
                return solution, condition, count
        new = collect(residual / size_r)


def _largest_singular_value(rows: Floats) -> float:
    # from the Gram matrix: relative to the largest, squaring loses nothing
    gram = rows @ rows.T
    if not np.all(np.isfinite(gram)):
        return np.inf
    return float(np.sqrt(np.linalg.eigvalsh(gram)[-1]))
