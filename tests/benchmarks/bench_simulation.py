"""Simulation against plain numpy loops, the same loop in JAX, and the matrix product in it.

Run `python tests/benchmarks/bench_simulation.py` on an idle machine: the threads of BLAS spin while
they wait, and slow each other down where another program wants a core. For this reason ours and
JAX are timed in processes of their own, in turn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import numpy as np
from common import Row, available, compare, median, of_pairs, print_table, run_alone, seconds
from numpy.typing import NDArray
from scipy import sparse

from flux.model.ensembles import gaussian_weights
from flux.model.simulation import simulate, simulate_chains

Floats = NDArray[np.float64]


def loop(W: Floats | sparse.csr_array, steps: int) -> Callable[[], NDArray[np.int8]]:
    """Return one chain of the plain float64 loop, dense or sparse."""

    def run() -> NDArray[np.int8]:
        n, rng = W.shape[0], np.random.default_rng(1)
        x = np.ones(n)
        trace = np.empty((steps, n), np.int8)
        for t in range(steps):
            trace[t] = x
            x = np.where(rng.random(n) < 1 / (1 + np.exp(-(W @ x))), 1.0, -1.0)
        return trace

    return run


def matrix_loop(W: Floats, steps: int, chains: int) -> Callable[[], NDArray[np.int8]]:
    """Return many chains of the plain float64 loop."""

    def run() -> NDArray[np.int8]:
        n, rng = len(W), np.random.default_rng(1)
        X = np.ones((chains, n))
        traces = np.empty((chains, steps, n), np.int8)
        for t in range(steps):
            traces[:, t] = X
            X = np.where(rng.random((chains, n)) < 1 / (1 + np.exp(-(X @ W.T))), 1.0, -1.0)
        return traces

    return run


def products(W: Floats, steps: int, chains: int) -> Callable[[], None]:
    """Return the float32 matrix products alone, as many as there are updates."""
    columns = np.ascontiguousarray(W.T, np.float32)
    X = np.ones((chains, len(W)), np.float32)
    fields = np.empty_like(X)

    def run() -> None:
        for _ in range(steps - 1):
            np.matmul(X, columns, out=fields)

    return run


def jax_chains(W: Floats, steps: int, chains: int) -> Callable[[], object]:
    """Return the plain loop as JAX compiles it: float32, threefry words, int8 spins out."""
    import jax
    import jax.numpy as jnp

    columns = jnp.asarray(W.T, jnp.float32)

    @jax.jit
    def run(key: jax.Array) -> jax.Array:
        def step(X: jax.Array, words: jax.Array) -> tuple[jax.Array, jax.Array]:
            on = jax.random.uniform(words, X.shape) < jax.nn.sigmoid(X @ columns)
            return jnp.where(on, 1.0, -1.0).astype(jnp.float32), X.astype(jnp.int8)

        X = jnp.ones((chains, len(W)), jnp.float32)
        return jax.lax.scan(step, X, jax.random.split(key, steps))[1]

    return lambda: run(jax.random.key(1)).block_until_ready()


def our_chains(W: Floats, steps: int, chains: int) -> Callable[[], object]:
    rng = np.random.default_rng(1)
    return lambda: simulate_chains(W, steps, chains, rng=rng, progress=False)


def jax_rows() -> Iterator[Row]:
    if not available("jax", "JAX"):
        return
    for n, chains, steps, wanted in (
        (100, 1, 20_000, ""),
        (1000, 1, 500, ""),
        (1000, 256, 50, ">= 1"),
    ):

        def apart(way: str, job: tuple[int, ...] = (n, steps, chains)) -> float:
            return run_alone([__file__, way, *map(str, job)])

        pairs = [(apart("ours"), apart("jax")) for _ in range(3)]
        job = f"N = {n}, {_chains(chains)}, {steps} steps"
        yield of_pairs(job, "JAX: jit of the loop, float32", pairs, wanted=wanted)


def _chains(count: int) -> str:
    return f"{count} chain" + "s" * (count > 1)


def time_alone(way: str, n: int, steps: int, chains: int) -> None:
    """Print the median seconds of one way; what a process of `jax_rows` runs."""
    W = gaussian_weights(n, rng=np.random.default_rng(2))
    work = (our_chains if way == "ours" else jax_chains)(W, steps, chains)
    work()
    print(median(seconds(work) for _ in range(7)))


def dense_rows() -> Iterator[Row]:
    for n, steps, wanted in ((10, 20_000, ""), (100, 20_000, ">= 5"), (1000, 500, "")):
        W = gaussian_weights(n, rng=np.random.default_rng(2))

        def ours(W: Floats = W, steps: int = steps) -> NDArray[np.int8]:
            return simulate(W, steps, rng=np.random.default_rng(1), progress=False)

        job = f"N = {n}, 1 chain, {steps} steps"
        yield compare(job, ours, "numpy loop, float64", loop(W, steps), wanted=wanted)


def chain_rows() -> Iterator[Row]:
    for n, chains, steps, wanted in (
        (10, 10_000, 20, ""),
        (100, 1000, 50, ""),
        (1000, 256, 50, ">= 2"),
    ):
        W = gaussian_weights(n, rng=np.random.default_rng(2))

        def ours(W: Floats = W, steps: int = steps, chains: int = chains) -> NDArray[np.int8]:
            return simulate_chains(W, steps, chains, rng=np.random.default_rng(1), progress=False)

        job = f"N = {n}, {chains} chains, {steps} steps"
        plain = matrix_loop(W, steps, chains)
        yield compare(job, ours, "numpy loop, float64", plain, wanted=wanted)
    sgemm = products(W, steps, chains)
    yield compare(job, ours, "its sgemm alone", sgemm, wanted=">= 0.67", kind="yardstick")


def sparse_rows() -> Iterator[Row]:
    n, degree, steps = 100_000, 10, 200
    rng = np.random.default_rng(3)
    place = (np.repeat(np.arange(n), degree), rng.integers(0, n, n * degree))
    W = sparse.csr_array((rng.standard_normal(n * degree), place), shape=(n, n))
    yield compare(
        f"N = {n}, {degree} weights each, {steps} steps",
        lambda: simulate(W, steps, rng=np.random.default_rng(1), progress=False),
        "the same loop, scipy.sparse",
        loop(W, steps),
    )


def main() -> None:
    print_table("One chain", dense_rows())
    print_table("Many chains", chain_rows())
    print_table("Against JAX", jax_rows())
    print_table("Sparse", sparse_rows())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        time_alone(sys.argv[1], *map(int, sys.argv[2:]))
    else:
        main()
