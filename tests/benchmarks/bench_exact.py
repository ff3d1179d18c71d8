"""The exact flux against dense numpy; run as `python tests/benchmarks/bench_exact.py`."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
from common import Row, compare, median, peak_megabytes, print_table, seconds

import flux
from flux import chain, stationary
from flux.exact import MAX_STEPS, TARGET
from flux.threads import thread_pool

IMPORT = """
import numpy as np, sys
sys.path.insert(0, "tests/benchmarks")
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


def dense_rows() -> list[Row]:
    W = weights(12)
    assert abs(flux.exact_flux(W).I - dense_power(W)) < 1e-9
    rows = [
        compare(
            "exact flux, N = 12, width 1",
            lambda: flux.exact_flux(W),
            "numpy: dense P, power iteration",
            lambda: dense_power(W),
            wanted=">= 40",
        )
    ]
    eig = seconds(lambda: dense_eig(W))
    rows.append(
        Row(
            rows[0].job,
            rows[0].ours,
            "numpy: dense P, linalg.eig",
            eig,
            eig / rows[0].ours,
            ">= 500",
        )
    )
    ours, theirs = (
        peak_megabytes(IMPORT, call) for call in ("flux.exact_flux(W)", "dense_power(W)")
    )
    rows.append(
        Row("its peak memory", ours, rows[0].baseline, theirs, theirs / ours, ">= 10", "MB")
    )
    return rows


def step_rows(n: int) -> list[Row]:
    """The iteration against the matrix product in each step, and against plain power iteration."""
    whole, products, found, plain = [], [], [], []
    for seed in range(3):
        links = chain.make_chain(weights(n, seed), np.zeros(n), folded=True)
        size = len(links.on)
        with thread_pool() as pool:
            step = chain.make_step(links, pool)
            start = time.perf_counter()
            steps = stationary.solve_krylov(step, size, target=TARGET, max_steps=MAX_STEPS).steps
            whole.append((time.perf_counter() - start) / steps)
            found.append(steps)
            plain.append(power_steps(step, size))
        A, B = np.random.default_rng(0).random((2, size, 1 << (n // 2)))
        products.append(median(seconds(lambda A=A, B=B: A.T @ B) for _ in range(7)))
    each, product, ours, theirs = map(median, (whole, products, found, plain))
    return [
        Row(
            f"time per step, N = {n}, width 1",
            each,
            "numpy: the matrix product in it",
            product,
            product / each,
            ">= 0.5",
        ),
        Row(
            f"steps, N = {n}, width 1",
            ours,
            "power iteration to 1e-12",
            theirs,
            theirs / ours,
            "> 1",
            "steps",
        ),
    ]


def power_steps(step, size: int) -> int:
    p, count = np.full(size, 1 / size), 0
    while True:
        following = step(p)
        count += 1
        if np.abs(following - p).sum() < 1e-12:
            return count
        p = following


def whole_rows() -> list[Row]:
    rows = []
    for n in (14, 16):
        rows.append(
            compare(
                f"exact flux, N = {n}, width 1",
                lambda n=n: flux.exact_flux(weights(n)),
                "the same steps, unaccelerated, no bound",
                lambda n=n: power_flux(n),
                repeats=3,
            )
        )
    setup = IMPORT.replace("W = W(12)", "W = W(16)")
    memory = peak_megabytes(setup, "flux.exact_flux(W)")
    dense = 3 * 8 * 4.0**16 / 2**20
    rows.append(
        Row(
            "peak memory, N = 16",
            memory,
            "numpy: dense P (computed)",
            dense,
            dense / memory,
            "",
            "MB",
        )
    )
    return rows


def power_flux(n: int) -> None:
    links = chain.make_chain(weights(n), np.zeros(n), folded=True)
    with thread_pool() as pool:
        power_steps(chain.make_step(links, pool), len(links.on))


def direct_rows() -> list[Row]:
    """Elimination where nothing else is right: a metastable network."""
    rows = []
    for n in (10, 12, 13):
        W = weights(n) + 15 * np.eye(n)
        taken = seconds(lambda W=W: flux.exact_flux(W))
        links = chain.make_chain(W, np.zeros(n), folded=True)
        P = chain.dense_transitions(links)
        if n <= 10:
            from quantecon.markov import gth_solve

            theirs, name = seconds(lambda P=P: gth_solve(P)), "quantecon gth_solve alone"
        else:
            theirs, name = (
                seconds(lambda P=P: np.linalg.solve(P, P[0])),
                "numpy LU solve alone (inexact)",
            )
        rows.append(Row(f"metastable network, N = {n}", taken, name, theirs, theirs / taken, ""))
    return rows


def import_rows() -> list[Row]:
    base = "import numpy, numba, scipy.special, scipy.sparse"

    def start(code: str) -> float:
        return seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True))

    pairs = [(start(base), start(base + ", flux")) for _ in range(5)]
    added = median(b - a for a, b in pairs)
    alone = median(a for a, _ in pairs)
    return [
        Row(
            "import flux, added",
            added,
            "import numpy, numba, scipy",
            alone,
            alone / added,
            "ours < 1 s",
        )
    ]


def rows() -> list[Row]:
    return [
        *dense_rows(),
        *step_rows(12),
        *step_rows(14),
        *step_rows(16),
        *whole_rows(),
        *direct_rows(),
        *import_rows(),
    ]


if __name__ == "__main__":
    print_table("Exact flux", rows())
