"""Fits of small networks whose bias is of second order in 1/T: Firth's likelihood."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from flux._base.errors import ConvergenceError
from flux._base.threads import single_blas
from flux._base.types import Floats
from flux.recordings.transitions import Transitions

TOLERANCE = 1e-6
"""Distance from the maximum, in standard errors, at which the ascent ends."""
MAX_STEPS = 200
LONGEST = 3.0
"""Largest change of a weight in one step, since the function is not concave everywhere."""


class Reduced(NamedTuple):
    """W (n, n), b (n,), and the covariance of each row [W_i | b_i], (n, n + 1, n + 1)."""

    W: Floats
    b: Floats
    covariance: Floats


def fit_bias_reduced(data: Transitions) -> Reduced:
    """Return the W and b of the largest log-likelihood + log det F_i / 2 of each neuron.

    Jeffreys' prior removes the bias of order 1/T from the maximum (Firth 1993, Biometrika 80,
    27-38), and keeps weights finite where a neuron is foretold without error (Heinze & Schemper
    2002, Statistics in Medicine 21, 2409-2419).
    """
    X = data.X.astype(float)
    # a neuron that never changes tells nothing but a bias
    changing = np.ptp(X, axis=0) > 0
    Z = np.column_stack([X[:, changing], np.ones(len(X))])
    n, places = len(changing), np.append(np.flatnonzero(changing), len(changing))
    A, C = np.zeros((n, n + 1)), np.zeros((n, n + 1, n + 1))
    with single_blas():
        for i in range(n):
            A[i, places], C[i][np.ix_(places, places)] = _fit_row(
                Z, data.counts.astype(float), data.on[:, i].astype(float), i
            )
    return Reduced(A[:, :n], A[:, n], C)


def _fit_row(Z: Floats, counts: Floats, on: Floats, i: int) -> tuple[Floats, Floats]:
    """Return the parameters of neuron i and their covariance."""
    a = np.zeros(Z.shape[1])
    a[-1] = np.log((on.sum() + 0.5) / (counts.sum() - on.sum() + 0.5))
    value, F = _evaluate(Z, counts, on, a)
    for _ in range(MAX_STEPS):
        p = expit(Z @ a)
        C = np.linalg.inv(F)
        leverage = counts * p * (1 - p) * ((Z @ C) * Z).sum(1)
        score = (on - counts * p + leverage * (0.5 - p)) @ Z
        if score @ C @ score <= TOLERANCE**2:
            return a, np.asarray(C)
        # the prior acts like as many counts more as there is leverage: without these counts in
        # the curvature the steps are too long where data are few
        step = np.linalg.solve(F + (Z * (leverage * p * (1 - p))[:, None]).T @ Z, score)
        step *= min(1.0, LONGEST / np.abs(step).max())
        for _ in range(30):
            tried, F = _evaluate(Z, counts, on, a + step)
            if tried >= value - 1e-9 * abs(value):
                break
            step /= 2
        a, value = a + step, tried
    raise ConvergenceError(
        f"the fit of neuron {i} did not reach its maximum in {MAX_STEPS} steps: record for longer,"
        " or leave out neurons that hardly ever change"
    )


def _evaluate(Z: Floats, counts: Floats, on: Floats, a: Floats) -> tuple[float, Floats]:
    """Return log-likelihood + log det F / 2, and the Fisher information F."""
    u = Z @ a
    w = counts * expit(u) * expit(-u)
    F = (Z * w[:, None]).T @ Z
    value = on @ u - counts @ np.logaddexp(0, u)
    return float(value + np.linalg.slogdet(F)[1] / 2), F
