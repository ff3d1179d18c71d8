"""Fits of networks against one scikit-learn regression a neuron, and large fits.

Run from anywhere: python tests/benchmarks/bench_fit.py (some minutes).
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from common import Row, alone, available, of_pairs, peak_megabytes, print_table, weighable
from numpy.typing import NDArray

from flux.model.ensembles import gaussian_weights
from flux.model.simulation import simulate
from flux.recordings.fit import fit_network

Spins = NDArray[np.int8]
STEPS = 100_000
PENALTY = 1.0
TOLERANCE = 1e-8
"""At 1e-6 scikit-learn ends up to 8e-6 from the maximum, ours less than 1e-7."""
LARGE = """
from flux import fit_network, gaussian_weights, simulate
import numpy as np
rng = np.random.default_rng(1)
W = gaussian_weights(1000, rng=rng, width=1000**-0.5)
x = simulate(W, 100_000, rng=rng, burn_in=100, progress=False)
"""


def recording(n: int, steps: int = STEPS) -> Spins:
    rng = np.random.default_rng(1)
    W, b = gaussian_weights(n, rng=rng, width=n**-0.5), rng.normal(0, 0.5, n)
    return simulate(W, steps, rng=rng, b=b, burn_in=100, progress=False)


def by_sklearn(x: Spins) -> tuple[Any, Any]:
    """Return W and b by as many regressions as there are neurons, with the default solver."""
    linear = importlib.import_module("sklearn.linear_model")
    X = x[:-1].astype(float)
    fits = [
        linear.LogisticRegression(C=1 / PENALTY, tol=TOLERANCE, max_iter=1000).fit(X, on > 0)
        for on in x[1:].T
    ]
    return np.array([fit.coef_[0] for fit in fits]), np.array([fit.intercept_[0] for fit in fits])


def rows() -> Iterator[Row]:
    x = recording(50)
    if available("sklearn", "50 sklearn LogisticRegression fits"):
        pairs = []
        fit_network(x[:1000], penalty=PENALTY)
        for _ in range(3):
            start = time.perf_counter()
            ours = fit_network(x, penalty=PENALTY, progress=False)
            middle = time.perf_counter()
            W, b = by_sklearn(x)
            pairs.append((middle - start, time.perf_counter() - middle))
            assert np.abs(ours.W - W).max() < 1e-6
            assert np.abs(ours.b - b).max() < 1e-6
        yield of_pairs(
            "fit_network, N=50, T=1e5, with errors", "50 sklearn LogisticRegression fits", pairs,
            wanted=">= 10",
        )  # fmt: skip
    large = recording(1000)
    start = time.perf_counter()
    fit_network(large, penalty=PENALTY, progress=False)
    yield alone("fit_network, N=1000, T=1e5", time.perf_counter() - start, wanted="ours < 600 s")
    if weighable("memory of a large fit"):
        peak = peak_megabytes(LARGE, "fit_network(x, penalty=1.0, progress=False)")
        yield alone("fit_network, N=1000, T=1e5, memory", peak, wanted="ours < 4000 MB", unit="MB")


def main() -> None:
    print_table("Fits of networks", rows())


if __name__ == "__main__":
    main()
