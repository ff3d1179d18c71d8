"""Fits of small networks whose bias is of second order in 1/T: Firth's likelihood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from flux._base.errors import ConvergenceError
from flux._base.threads import thread_pool
from flux._base.types import Floats
from flux.recordings.logistic import FLOOR, ROUGH, independent, maximise, recentre, regressions
from flux.recordings.transitions import Transitions

ACCURACY = 1e-5
"""Distance from the maximum, in standard errors, after which one more step ends the ascent."""
MAX_STEPS = 200
LONGEST = 3.0
"""Largest change of a weight in one step, since the function is not concave everywhere."""
BLOCK = 1 << 16
"""Entries of Z that are worked on at a time, and stay in the cache."""


class Reduced(NamedTuple):
    """W (n, n), b (n,), and the covariance of each row [W_i | b_i], (n, n + 1, n + 1)."""

    W: Floats
    b: Floats
    covariance: Floats


def fit_bias_reduced(data: Transitions, accuracy: float = ACCURACY) -> Reduced:
    """Return the W and b of the largest log-likelihood + log det F_i / 2 of each neuron.

    Jeffreys' prior removes the bias of order 1/T from the maximum (Firth 1993, Biometrika 80,
    27-38), and keeps weights finite where a neuron is foretold without error (Heinze & Schemper
    2002, Statistics in Medicine 21, 2409-2419). The ascent starts from the fit with a weak ridge;
    its last step starts less than `accuracy` standard errors from the maximum.
    """
    X = data.X.astype(float)
    # a neuron that never changes tells nothing but a bias
    changing = np.ptp(X, axis=0) > 0
    Z = np.column_stack([X[:, changing], np.ones(len(X))])
    n, places = len(changing), np.append(np.flatnonzero(changing), len(changing))
    A, C = np.zeros((n, n + 1)), np.zeros((n, n + 1, n + 1))
    with thread_pool() as pool:
        r = regressions(data, pool)
        start = maximise(r, 1.0, independent(r), floor=1.0, accuracy=ROUGH)
        start = recentre(start, r.mean, 0 * r.mean)[:, places]

        def fit(i: int) -> None:
            row = _Row(Z, data.counts.astype(float), data.on[:, i].astype(float))
            A[i, places], C[i][np.ix_(places, places)] = row.climb(start[i], accuracy, i)

        list(pool.map(fit, range(n)))
    return Reduced(A[:, :n], A[:, n], C)


class _Row(NamedTuple):
    """States Z with a last column of 1, how often each occurred, and how often one was on next."""

    Z: Floats
    counts: Floats
    on: Floats

    def climb(self, a: Floats, accuracy: float, i: int) -> tuple[Floats, Floats]:
        """Return the parameters of neuron i, sought from `a` on, and their covariance."""
        value, F = self.evaluate(a)
        for _ in range(MAX_STEPS):
            C = np.asarray(np.linalg.inv(F), float)
            score, more = self.slope(a, C)
            step = np.linalg.solve(F + more, score)
            if score @ C @ score <= accuracy**2:
                return a + step, C
            step *= min(1.0, LONGEST / np.abs(step).max())
            for _ in range(30):
                tried, F = self.evaluate(a + step)
                if tried >= value - 1e-9 * abs(value):
                    break
                step /= 2
            a, value = a + step, tried
        raise ConvergenceError(
            f"the fit of neuron {i} did not reach its maximum in {MAX_STEPS} steps: record for"
            " longer, or leave out neurons that hardly ever change"
        )

    def evaluate(self, a: Floats) -> tuple[float, Floats]:
        """Return log-likelihood + log det F / 2, and the Fisher information F."""
        value, F = 0.0, FLOOR * np.eye(len(a))
        for z, counts, on in self.blocks():
            u = z @ a
            root = z * np.sqrt(counts * expit(u) * expit(-u))[:, None]
            F += root.T @ root
            value += float(on @ u - counts @ np.logaddexp(0, u))
        return float(value + np.linalg.slogdet(F)[1] / 2), F

    def slope(self, a: Floats, C: Floats) -> tuple[Floats, Floats]:
        """Return the gradient, and what the prior adds to the curvature F.

        The prior acts like as many counts more as there is leverage: without these the steps are
        too long where data are few.
        """
        score, more = np.zeros_like(a), np.zeros_like(C)
        for z, counts, on in self.blocks():
            p = expit(z @ a)
            leverage = counts * p * (1 - p) * ((z @ C) * z).sum(1)
            score += (on - counts * p + leverage * (0.5 - p)) @ z
            root = z * np.sqrt(leverage * p * (1 - p))[:, None]
            more += root.T @ root
        return score, more

    def blocks(self) -> Iterator[tuple[Floats, Floats, Floats]]:
        """Yield Z, counts and on, some rows at a time."""
        rows = max(64, BLOCK // self.Z.shape[1])
        for k in range(0, len(self.Z), rows):
            yield self.Z[k : k + rows], self.counts[k : k + rows], self.on[k : k + rows]
