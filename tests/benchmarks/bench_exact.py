"""The exact flux against dense numpy; run as `python tests/benchmarks/bench_exact.py`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from common import (
    Row,
    alone,
    available,
    compare,
    median,
    peak_megabytes,
    print_table,
    seconds,
    versus,
    weighable,
)

import flux
from flux._base.threads import thread_pool
from flux.exact import _chain as chain
from flux.exact import _krylov as krylov
from flux.exact.law import MAX_STEPS, TARGET

IMPORT = f"""
import numpy as np, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import flux
from bench_exact import dense_power
W = lambda n: flux.gaussian_weights(n, rng=np.random.default_rng(1))
flux.exact_flux(W(10)), dense_power(W(4))
W = W(12)
"""


def weights(n: int, seed: int = 1) -> np.ndarray:
    return flux.gaussian_weights(n, rng=np.random.default_rng(seed), width=1.0)


def dense_transitions(W: np.ndarray) -> np.ndarray:
    """The textbook way: the (2**n, 2**n) matrix from the product of all neurons' chances."""
    x = flux.all_states(len(W)).astype(float)
    p = 1 / (1 + np.exp(-(x @ W.T)))
    P = np.ones((len(x), len(x)))
    for i in range(len(W)):
        P *= np.where(x[:, i] > 0, p[:, i, None], 1 - p[:, i, None])
    return P


def information(P: np.ndarray, pi: np.ndarray) -> float:
    joint = pi[:, None] * P
    return float((joint * np.log2(P / pi)).sum())


def dense_power(W: np.ndarray) -> float:
    P = dense_transitions(W)
    pi = np.full(len(P), 1 / len(P))
    while True:
        following = pi @ P
        change = np.abs(following - pi).sum()
        pi = following
        if change < 1e-12:
            return information(P, pi)


def dense_eig(W: np.ndarray) -> float:
    P = dense_transitions(W)
    values, vectors = np.linalg.eig(P.T)
    pi = np.real(vectors[:, np.argmax(values.real)])
    return information(P, pi / pi.sum())


def dense_rows() -> Iterator[Row]:
    job, power = "exact flux, N = {}, width 1", "numpy: dense P, power iteration"
    for n in (6, 8, 10, 12):
        W = weights(n)
        assert abs(flux.exact_flux(W).I - dense_power(W)) < 1e-9
        ours, theirs = lambda W=W: flux.exact_flux(W), lambda W=W: dense_power(W)
        yield compare(job.format(n), ours, power, theirs, wanted=">= 40" if n == 12 else "")
    taken = median(seconds(ours) for _ in range(5))
    found: list[float] = []
    eig = seconds(lambda: found.append(dense_eig(W)))
    assert abs(flux.exact_flux(W).I - found[0]) < 1e-6
    yield versus(job.format(12), taken, "numpy: dense P, linalg.eig", eig, wanted=">= 500")


def memory_rows() -> Iterator[Row]:
    calls = ("flux.exact_flux(W)", "dense_power(W)")
    ours, theirs = (peak_megabytes(IMPORT, call) for call in calls)
    baseline = "numpy: dense P, power iteration"
    yield versus("its peak memory, N = 12", ours, baseline, theirs, wanted=">= 10", unit="MB")
    ours = peak_megabytes(IMPORT.replace("W = W(12)", "W = W(16)"), "flux.exact_flux(W)")
    dense = 3 * 8 * 4.0**16 / 2**20
    baseline = "numpy: dense P, three copies"
    yield versus("its peak memory, N = 16", ours, baseline, dense, unit="MB", kind="computed")


def step_rows(n: int) -> Iterator[Row]:
    """The iteration against the matrix product in each step, and against plain power iteration."""
    whole, products, found, plain = [], [], [], []
    for seed in range(3):
        links = chain.make_chain(weights(n, seed), np.zeros(n), folded=True)
        size = len(links.on)
        with thread_pool() as pool:
            step = chain.make_step(links, pool)
            start = time.perf_counter()
            steps = krylov.solve_krylov(step, size, target=TARGET, max_steps=MAX_STEPS).steps
            whole.append((time.perf_counter() - start) / steps)
            found.append(steps)
            plain.append(power_steps(step, size))
        A, B = np.random.default_rng(0).random((2, size, 1 << (n // 2)))
        products.append(median(seconds(lambda A=A, B=B: A.T @ B) for _ in range(7)))
    each, product, ours, theirs = map(median, (whole, products, found, plain))
    yield versus(
        f"time per step, N = {n}, width 1",
        each,
        "numpy: the matrix product in it",
        product,
        wanted=">= 0.5",
        kind="yardstick",
    )
    yield versus(
        f"steps, N = {n}, width 1",
        ours,
        "power iteration to 1e-12",
        theirs,
        wanted=">= 1",
        unit="steps",
        kind="yardstick",
    )


def power_steps(step, size: int) -> int:
    p, count = np.full(size, 1 / size), 0
    while True:
        following = step(p)
        count += 1
        if np.abs(following - p).sum() < 1e-12:
            return count
        p = following


def whole_rows() -> Iterator[Row]:
    for n in (14, 16):
        yield compare(
            f"exact flux, N = {n}, width 1",
            lambda n=n: flux.exact_flux(weights(n)),
            "the same steps, unaccelerated, no bound",
            lambda n=n: power_flux(n),
            kind="yardstick",
            repeats=3,
        )
    yield alone("exact flux, N = 18, width 1", seconds(lambda: flux.exact_flux(weights(18))))


def power_flux(n: int) -> None:
    links = chain.make_chain(weights(n), np.zeros(n), folded=True)
    with thread_pool() as pool:
        power_steps(chain.make_step(links, pool), len(links.on))


def direct_rows() -> Iterator[Row]:
    """Elimination where nothing else is right: a metastable network."""
    for n in (10, 12, 13):
        W = weights(n) + 15 * np.eye(n)
        taken = seconds(lambda W=W: flux.exact_flux(W))
        P = chain.dense_transitions(chain.make_chain(W, np.zeros(n), folded=True))
        job = f"metastable network, N = {n}"
        if n > 10:
            solved = seconds(lambda P=P: np.linalg.solve(P, P[0]))
            yield versus(job, taken, "numpy LU solve alone (inexact)", solved)
        elif available("quantecon"):
            from quantecon.markov import gth_solve

            gth_solve(P)  # the first call compiles it
            solved = seconds(lambda P=P: gth_solve(P))
            yield versus(job, taken, "quantecon gth_solve alone", solved)


def law_rows() -> Iterator[Row]:
    """What one law saves: the gradient is most of the work, all else nearly free."""
    W = weights(10)

    def all_of_one_law() -> None:
        law = flux.solve(W)
        flux.exact_flux(law), flux.exact_correlation(law), flux.flux_gradient(law)

    yield compare(
        "flux, correlation and gradient of one law, N = 10",
        all_of_one_law,
        "the gradient alone",
        lambda: flux.flux_gradient(W),
        wanted=">= 0.87",  # at most 1.15 times as long
        kind="yardstick",
    )


def main() -> None:
    print_table("Exact flux against dense numpy", dense_rows())
    if weighable("memory of the exact flux"):
        print_table("Memory of the exact flux", memory_rows())
    print_table("Steps of the exact flux", (row for n in (12, 14, 16) for row in step_rows(n)))
    print_table("Exact flux of larger networks", whole_rows())
    print_table("Exact flux by elimination", direct_rows())
    print_table("One law for all that follows from it", law_rows())


if __name__ == "__main__":
    main()
