"""Maximizing the flux: the objective, gradient against evolution, and other optimizers.

Run as `python tests/benchmarks/bench_optimize.py`.
"""

from __future__ import annotations

import itertools
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from common import Row, alone, available, compare, median, print_table, versus

import flux

sys.path.insert(0, str(Path(__file__).parents[2] / "book" / "data"))
from make_gradient import STEPS, WIDTHS, race, rooks_flux

SEEDS = 5
BUDGET = 3000


def numpy_flux(W: np.ndarray) -> float:
    """The flux in plain numpy: the law by quantecon's elimination, and H - D."""
    from quantecon.markov import gth_solve

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


def objective_rows() -> Iterator[Row]:
    for kind, width in (("weak", 1.0), ("strong", 6.0)):
        rng = np.random.default_rng(1)
        tried = [flux.gaussian_weights(6, rng=rng, width=width) for _ in range(BUDGET)]
        if available("quantecon"):
            assert all(abs(flux.exact_flux(W).I - numpy_flux(W)) < 1e-9 for W in tried[:50])
            yield compare(
                f"{BUDGET} fluxes, N = 6, {kind}",
                lambda tried=tried: [flux.exact_flux(W) for W in tried],
                "numpy and quantecon gth_solve",
                lambda tried=tried: [numpy_flux(W) for W in tried],
                wanted=">= 3",
                repeats=3,
            )
    some = tried[:200]
    _, gradient, _ = flux.flux_gradient(some[0])
    np.testing.assert_allclose(numpy_flux_gradient(some[0]).reshape(6, 6), gradient, atol=1e-4)
    yield compare(
        "200 gradients, N = 6",
        lambda: [flux.flux_gradient(W) for W in some],
        "200 fluxes",
        lambda: [flux.exact_flux(W) for W in some],
        kind="yardstick",
        repeats=3,
    )
    yield compare(
        "200 gradients, N = 6",
        lambda: [flux.flux_gradient(W) for W in some],
        "differences of exact_flux",
        lambda: [numpy_flux_gradient(W) for W in some],
        wanted=">= 5",
        repeats=3,
    )


def run(way: str, n: int, w: float, runs: int) -> tuple[list[int], float]:
    """Return the evaluations of each run of the race, and their mean time."""
    start = time.perf_counter()
    found = [race(way=way, bound=w, n=n, run=k)["evaluations"] for k in range(runs)]
    return found, (time.perf_counter() - start) / runs


def race_rows() -> Iterator[Row]:
    """The race of the chapter on the gradient with fewer seeds, where evolution may give up."""
    for way in (*WIDTHS, "l1", "entry"):
        run(way, 3, 5.0, 1)  # loads what is compiled
    for w, n in itertools.product((5.0, 10.0), range(3, 8)):
        tried = {way: run(way, n, w, SEEDS) for way in WIDTHS}
        climbs = {way: run(way, n, w, 3 * SEEDS) for way in ("l1", "entry")}
        job = f"99 % of rooks, N = {n}, w = {w:g}"
        for (way, width), norm in itertools.product(WIDTHS.items(), ("l1", "entry")):
            evolution = median(tried[way][0])
            yield versus(
                f"{job}, {norm} bound",
                median(climbs[norm][0]),
                f"flux.evolve, width {width}" + (" (gave up)" if evolution > STEPS else ""),
                evolution,
                wanted=">= 50",
                unit="fluxes",
                kind="yardstick",
            )
        fastest = min(WIDTHS, key=lambda way: tried[way][1])
        yield versus(
            f"{job}, l1 bound, mean time",
            climbs["l1"][1],
            f"flux.evolve, width {WIDTHS[fastest]}",
            tried[fastest][1],
            kind="yardstick",
        )


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
    import cma

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
    import nevergrad

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


def peer_rows() -> Iterator[Row]:
    """The best flux found in a budget: median and lowest of the seeds, and the time of a run."""
    rivals = {
        "pycma": ("cma", best_of_cma),
        "nevergrad CMA": ("nevergrad", lambda seed: best_of_nevergrad("CMA", seed)),
        "nevergrad DE": ("nevergrad", lambda seed: best_of_nevergrad("DE", seed)),
    }
    ours, taken = best_fluxes(best_of_ascent)
    evolved = best_fluxes(best_of_evolution)
    found = {"flux.evolve, sparse mutations": ("yardstick", *evolved)}
    for name, (package, way) in rivals.items():
        if available(package, name):
            found[name] = ("rival", *best_fluxes(way))
    job = f"in {BUDGET} evaluations, N = 6"
    for name, (kind, theirs, time_theirs) in found.items():
        for which, of in (("median", median), ("lowest", min)):
            best = f"best flux {job}, {which} of {SEEDS}"
            yield versus(best, of(ours), name, of(theirs), unit="bits", kind=kind)
        yield versus(f"time of the search {job}", taken, name, time_theirs, kind=kind)
    yield alone("flux of N-rooks, N = 6", rooks_flux(6, 10.0), unit="bits")


def best_fluxes(way: Callable[[int], float]) -> tuple[list[float], float]:
    """Return what a search finds from each seed, and the mean seconds of a run."""
    start = time.perf_counter()
    found = [way(seed) for seed in range(SEEDS)]
    return found, (time.perf_counter() - start) / SEEDS


def main() -> None:
    print_table("Objective and gradient", objective_rows())
    print_table("Best flux with weights in [-10, 10]", peer_rows())
    print_table("Gradient against evolution: medians", race_rows())


if __name__ == "__main__":
    main()
