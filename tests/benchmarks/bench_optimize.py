"""Maximizing the flux: the objective, gradient against evolution, and other optimizers.

Run as `python tests/benchmarks/bench_optimize.py`; needs the extras bench and cma.
"""

from __future__ import annotations

import itertools
import sys
import time
import warnings
from pathlib import Path

import cma
import nevergrad
import numpy as np
from common import Row, compare, median, print_table
from quantecon.markov import gth_solve

import flux

sys.path.insert(0, str(Path(__file__).parents[2] / "book" / "data"))
from make_gradient import CLIMB_SEEDS, EVOLVE_SEEDS, STEPS, WIDTHS, rooks_flux, run

SEEDS = 5
BUDGET = 3000


def numpy_flux(W: np.ndarray) -> float:
    """The flux in plain numpy: the law by quantecon's elimination, and H - D."""
    x = 2.0 * (np.arange(1 << len(W))[:, None] >> np.arange(len(W)) & 1) - 1
    p = 1 / (1 + np.exp(-(x @ W.T)))
    P = np.ones((len(x), 1))
    for i in range(len(W)):
        P = np.hstack([P * (1 - p[:, i, None]), P * p[:, i, None]])
    pi = gth_solve(P)
    q = np.clip(p, 1e-300, 1 - 1e-16)
    D = pi @ -(q * np.log2(q) + (1 - q) * np.log2(1 - q)).sum(1)
    return float(-(pi @ np.log2(np.maximum(pi, 1e-300))) - D)


def numpy_flux_gradient(W: np.ndarray) -> np.ndarray:
    """What is usual without a formula: forward differences, one flux for each weight."""
    h, base = 1e-6, flux.exact_flux(W).I
    return np.array(
        [(flux.exact_flux(W + h * e).I - base) / h for e in np.eye(W.size).reshape(-1, *W.shape)]
    )


def objective_rows() -> list[Row]:
    rows = []
    for kind, width in (("weak", 1.0), ("strong", 6.0)):
        rng = np.random.default_rng(1)
        tried = [flux.gaussian_weights(6, rng=rng, width=width) for _ in range(BUDGET)]
        assert all(abs(flux.exact_flux(W).I - numpy_flux(W)) < 1e-9 for W in tried[:50])
        rows.append(
            compare(
                f"{BUDGET} fluxes, N = 6, {kind}",
                lambda tried=tried: [flux.exact_flux(W) for W in tried],
                "numpy and quantecon gth_solve",
                lambda tried=tried: [numpy_flux(W) for W in tried],
                wanted=">= 3",
                repeats=3,
            )
        )
    some = tried[:200]
    rows.append(
        compare(
            "200 gradients, N = 6",
            lambda: [flux.flux_gradient(W) for W in some],
            "differences of exact_flux",
            lambda: [numpy_flux_gradient(W) for W in some],
            wanted=">= 5",
            repeats=3,
        )
    )
    return rows


def race_rows() -> list[Row]:
    """The race of the chapter on the gradient with fewer seeds, where evolution may give up."""
    rows = []
    for w, n in itertools.product((5.0, 10.0), range(3, 8)):
        tried = {way: run(way, n, w, EVOLVE_SEEDS[:SEEDS]) for way in WIDTHS}
        climbs = {way: run(way, n, w, CLIMB_SEEDS[: 3 * SEEDS]) for way in ("l1", "entry")}
        for (way, width), norm in itertools.product(WIDTHS.items(), ("l1", "entry")):
            ours, theirs = median(climbs[norm][0]), median(tried[way][0])
            given_up = " (gave up)" if theirs > STEPS else ""
            rows.append(
                Row(
                    f"99 % of rooks, N = {n}, w = {w:g}, {norm} bound",
                    ours,
                    f"flux.evolve, width {width}{given_up}",
                    theirs,
                    theirs / ours,
                    ">= 50",
                    "fluxes",
                )
            )
        ours, theirs = climbs["l1"][1], min(seconds for _, seconds in tried.values())
        rows.append(Row("   mean time, l1 bound", ours, "mean time", theirs, theirs / ours, ""))
    return rows


def best_of_ascent(seed: int) -> float:
    rng = np.random.default_rng(seed)
    left, best = BUDGET, -np.inf
    while left > 0:
        W0 = 0.5 * rng.standard_normal((6, 6))
        found = flux.ascend(W0, bound=10.0, max_evaluations=min(left, 1000))
        left -= found.evaluations
        best = max(best, found.I)
    return best


def best_of_cma(seed: int) -> float:
    best = -np.inf

    def loss(w: np.ndarray) -> float:
        nonlocal best
        value = flux.exact_flux(w.reshape(6, 6)).I
        best = max(best, value)
        return -value

    options = {"bounds": [-10, 10], "maxfevals": BUDGET, "seed": seed + 1, "verbose": -9}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cma.fmin2(loss, 0.1 * np.random.default_rng(seed).standard_normal(36), 3.0, options)
    return best


def best_of_nevergrad(name: str, seed: int) -> float:
    space = nevergrad.p.Array(shape=(6, 6)).set_bounds(-10, 10)
    space.random_state.seed(seed)
    optimizer = nevergrad.optimizers.registry[name](space, budget=BUDGET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = optimizer.minimize(lambda W: -flux.exact_flux(W).I)
    return flux.exact_flux(found.value).I


def best_of_evolution(seed: int) -> float:
    rng = np.random.default_rng(seed)
    return flux.evolve(
        lambda W: flux.exact_flux(W).I,
        np.zeros((6, 6)),
        rng=rng,
        steps=BUDGET - 1,
        mutation=2.0,
        share=0.1,
        bound=10.0,
        progress=False,
    ).fitness


def print_peers() -> None:
    print(f"\nBest flux, N = 6, weights in [-10, 10], {BUDGET} evaluations; {SEEDS} seeds, sorted")
    print(f"N-rooks: {rooks_flux(6, 10.0):.4f}")
    ways = {
        "flux.ascend": best_of_ascent,
        "flux.evolve, sparse mutations": best_of_evolution,
        "pycma": best_of_cma,
        "nevergrad CMA": lambda seed: best_of_nevergrad("CMA", seed),
        "nevergrad DE": lambda seed: best_of_nevergrad("DE", seed),
    }
    for name, way in ways.items():
        start = time.perf_counter()
        found = sorted(way(seed) for seed in range(SEEDS))
        taken = (time.perf_counter() - start) / SEEDS
        print(f"{name:30s} {' '.join(f'{I:.4f}' for I in found)}   {taken:.2f} s a run")


if __name__ == "__main__":
    print_table("Objective and gradient", objective_rows())
    print_peers()
    print_table("Gradient against evolution: medians", race_rows())
