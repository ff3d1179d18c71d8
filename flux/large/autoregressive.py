"""An autoregressive law of spins, fitted to samples: q(x) = prod_i q(x_i | x_0, ..., x_i-1).

Each factor is a logistic regression, q(x_i | ...) = sigma(2 x_i f_i). As H <= -E log2 q(x) for
any law q, the mean surprise of fresh samples bounds the entropy from above, however q was found.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.special import log_expit

from flux._base.memory import check_memory
from flux._base.threads import thread_pool
from flux._base.types import Floats, Integers, Spins

ROWS = 2048
"""Samples that one matrix product takes together; fixed, so that rounding is, too."""
STEPS = 4
"""Steps of a fit: what is left to gain, 1e-4 bits a neuron, is below the error of sampling."""
LINEAR_RIDGES = (1e-6, 0.1, 1.0)
PRODUCT_RIDGES = (1e-4, 1e-3, 1e-2)
"""Pulls of coefficients to 0, a sample, of which each neuron takes the best on fresh samples."""
SAMPLES_A_PRODUCT = 50
"""Samples at least for each product of spins that a neuron may heed."""
WORK = 4e11
"""Products of numbers that go into the second moments of products of spins at most."""
CERTAIN = 25.0
"""Fields f of the law at most."""
LN2 = float(np.log(2.0))

Narrow = NDArray[np.float32]


class Products(NamedTuple):
    """What products of spins add to the field of a neuron.

    `words` (count, 3) are the spins of each product, n for a factor of 1; with n neurons.
    """

    words: Integers
    coefficients: Floats


class Autoregression(NamedTuple):
    """The law q(x) = prod_i sigma(2 x_i f_i), f_i = c_i + sum_{j<i} A_ij x_j + products."""

    c: Floats
    A: Floats
    products: tuple[Products, ...]


def fit_autoregression(
    x: Spins, fresh: Spins, *, biased: bool, weights: Floats | None = None
) -> Autoregression:
    """Fit the fields to samples x, as linear ones first, then with products of up to three spins.

    The spins that a neuron's products are made of are those that it heeds most. Without bias
    odd orders vanish, and constants and products of two are left out. `fresh` samples choose how
    strongly coefficients are pulled to 0. With `weights`, a probability for each of the states
    x, those are all there are: they judge themselves, and `fresh` is x again.
    """
    n = x.shape[1]
    w = np.full(len(x), 1 / len(x)) if weights is None else weights
    w_fresh = np.full(len(fresh), 1 / len(fresh)) if weights is None else weights
    worth = len(x) if weights is None else np.inf
    heeds = next((m for m in range(n - 1, 2, -1) if _is_worth(m, n, biased, worth, len(x))), 0)
    size = _count(heeds, biased)
    needed = 10.0 * len(x) * size + 24.0 * size**2 + 20.0 * len(x) * n
    check_memory(needed, f"products of {heeds} of {n} spins", "ask for fewer samples")
    with thread_pool() as pool:
        law = _fit_linear(x, w, fresh, w_fresh, biased, pool)
        if not heeds:
            return law
        f, f_fresh = _linear_fields(law, x, pool), _linear_fields(law, fresh, pool)

        def add(i: int) -> Products:
            heeded = np.sort(np.argsort(-np.abs(law.A[i, :i]), kind="stable")[:heeds])
            words = _words(heeded, n, biased)
            own, own_fresh = x[:, [i]], fresh[:, [i]]
            F = _multiply(x, words)
            if not len(words) or (weights is None and _is_noise(F, own, f[:, [i]])):
                return Products(words[:0], np.zeros(0))
            F_fresh = _multiply(fresh, words)

            def loss(a: Floats) -> float:
                narrow = a.astype(np.float32)
                return float(
                    w_fresh @ _surprises(own_fresh, f_fresh[:, [i]] + F_fresh.T @ narrow)[:, 0]
                )

            return Products(words, _fit_products(F, own, w, f[:, [i]], loss))

        return law._replace(products=tuple(pool.map(add, range(n))))


def surprise(law: Autoregression, x: Spins) -> Floats:
    """Return -log2 q(x) of each state, in bits."""
    with thread_pool() as pool:
        f = _linear_fields(law, x, pool)

        def add(i: int) -> None:
            words, coefficients = law.products[i]
            f[:, i] += coefficients.astype(np.float32) @ _multiply(x, words)

        list(pool.map(add, range(len(law.products))))
    return _surprises(x, f).sum(1)


def _surprises(x: Spins, f: Floats) -> Floats:
    return np.asarray(-log_expit(2 * x * np.clip(f, -CERTAIN, CERTAIN)) / LN2)


def _linear_fields(law: Autoregression, x: Spins, pool: Executor) -> Floats:
    return law.c + _times(partial(_rows, x), len(x), law.A.T, pool)


def _rows(x: Spins, start: int) -> Narrow:
    return x[start : start + ROWS].astype(np.float32)


def _times(rows: Callable[[int], Narrow], steps: int, A: Floats, pool: Executor) -> Floats:
    narrow = A.astype(np.float32)
    parts = pool.map(lambda start: rows(start) @ narrow, range(0, steps, ROWS))
    return np.concatenate(list(parts)).astype(float)


def _fit_linear(
    x: Spins, w: Floats, fresh: Spins, w_fresh: Floats, biased: bool, pool: Executor
) -> Autoregression:
    """Fit all linear fields at once, each with the best of some ridges."""
    n = x.shape[1]

    def rows(start: int) -> Narrow:
        spins = _rows(x, start)
        return np.concatenate([np.full((len(spins), 1), np.float32(biased)), spins], 1)

    def transposed_times(r: Floats) -> Floats:
        narrow = r.astype(np.float32)
        parts = pool.map(
            lambda start: (rows(start).T @ narrow[start : start + ROWS]).astype(float),
            range(0, len(x), ROWS),
        )
        return np.asarray(sum(parts))

    moments = np.zeros((n + 1, n + 1))
    for start in range(0, len(x), ROWS):
        z = rows(start).astype(float)
        moments += z.T @ (z * w[start : start + ROWS, None])
    best, least = np.zeros((n + 1, n)), np.full(n, np.inf)
    for ridge in LINEAR_RIDGES:
        L = np.asarray(np.linalg.cholesky(moments + (2 * ridge + 1e-6) * np.eye(n + 1)), float)

        a = _climb(
            x,
            w,
            np.zeros(x.shape),
            ridge,
            partial(_solve_before, L),
            lambda a: _times(rows, len(x), a, pool),
            lambda r: np.triu(transposed_times(r)),
        )
        law = Autoregression(a[0] * biased, a[1:].T, ())
        loss = w_fresh @ _surprises(fresh, _linear_fields(law, fresh, pool))
        better = loss < least
        best[:, better], least[better] = a[:, better], loss[better]
    return Autoregression(best[0] * biased, best[1:].T, ())


def _solve_before(L: Floats, g: Floats) -> Floats:
    """Solve for column i of g with the moments that the first i + 1 rows of their factor have."""
    half = np.triu(solve_triangular(L, g, lower=True))
    return np.asarray(solve_triangular(L, half, lower=True, trans="T"))


def _is_noise(F: Narrow, x: Spins, f: Floats) -> bool:
    """Whether no product tells more of a neuron than its linear field does.

    Squared scores are then 1 in the mean, and vary by 2.
    """
    m = np.tanh(f)
    scores = F @ (x - m).astype(np.float32)
    limit = len(F) + 3 * np.sqrt(2 * len(F))
    return bool((scores**2).sum() < limit * (1 - m**2).sum())


def _fit_products(
    F: Narrow, x: Spins, w: Floats, f: Floats, loss: Callable[[Floats], float]
) -> Floats:
    """Return the coefficients of products F of spins besides a neuron's linear fields f."""
    slope = w[:, None] * (1 - np.tanh(f) ** 2)
    # Newton's Hessian where the fit begins
    H = np.zeros((len(F), len(F)))
    for start in range(0, len(x), ROWS):
        part = F[:, start : start + ROWS]
        H += part @ (part.T * slope[start : start + ROWS].astype(np.float32))
    found = [np.zeros((len(F), 1))]
    for ridge in PRODUCT_RIDGES:
        solve = partial(cho_solve, cho_factor(H + ridge * np.eye(len(F))))
        found.append(
            _climb(
                x,
                w,
                f,
                ridge,
                solve,
                lambda a: (F.T @ a.astype(np.float32)).astype(float),
                lambda r: (F @ r.astype(np.float32)).astype(float),
            )
        )
    return min(found, key=loss)[:, 0]


def _climb(
    x: Spins,
    w: Floats,
    f: Floats,
    ridge: float,
    solve: Callable[[Floats], Floats],
    times: Callable[[Floats], Floats],
    transposed_times: Callable[[Floats], Floats],
) -> Floats:
    """Return coefficients a that maximize E log q - ridge a**2 / 2, in each column alone.

    The fields are f plus the features times a. `solve` divides by a rough Hessian: each step is
    conjugate to the one before, and as long as the curvature along it says.
    """
    a = d = last = np.zeros(1)
    last_size = np.inf
    for _ in range(STEPS):
        m = np.tanh(f)
        g = transposed_times(w[:, None] * (x - m)) - ridge * a
        s = solve(g)
        size = (g * s).sum(0)
        turn = np.maximum((size - (last * s).sum(0)) / last_size, 0)
        d, last, last_size = s + turn * d, g, np.maximum(size, 1e-300)
        along = times(d)
        curvature = w @ ((1 - m**2) * along**2) + ridge * (d**2).sum(0)
        step = (g * d).sum(0) / np.maximum(curvature, 1e-300)
        a, f = a + step * d, f + step * along
    return a


def _is_worth(heeds: int, n: int, biased: bool, worth: float, samples: int) -> bool:
    """Whether neurons can heed so many spins each, by the samples there are and by the work."""
    work = sum(_count(min(i, heeds), biased) ** 2 for i in range(n)) * float(samples)
    return _count(heeds, biased) * SAMPLES_A_PRODUCT <= worth and work <= WORK


def _count(m: int, biased: bool) -> int:
    return m + comb(m, 3) + (1 + comb(m, 2)) * biased


def _words(heeded: Integers, n: int, biased: bool) -> Integers:
    """Return the products of up to three spins as rows of their numbers, filled up with n."""
    orders = (0, 1, 2, 3) if biased else (1, 3)
    if len(heeded) < (2 if biased else 3):
        return np.zeros((0, 3), np.int64)
    words = [[*word, *[n] * (3 - k)] for k in orders for word in combinations(heeded.tolist(), k)]
    return np.array(words)


def _multiply(x: Spins, words: Integers) -> Narrow:
    """Return the value of each product of spins in each state, (products, states)."""
    spins = np.concatenate([x.T, np.ones((1, len(x)), np.int8)])
    found = spins[words[:, 0]]
    found *= spins[words[:, 1]]
    found *= spins[words[:, 2]]
    return found.astype(np.float32)
