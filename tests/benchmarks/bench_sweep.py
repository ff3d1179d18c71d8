"""Sweeps on one and two processes and on a Dask cluster, against a plain loop.

Run `python tests/benchmarks/bench_sweep.py` on an idle machine with at least two cores. Tasks spin
for a given time, so that what is left of the time is the cost of sweeping.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Any

import joblib
import numpy as np
from common import Row, available, peak_megabytes, print_table, seconds, versus, weighable

from flux import sweep

TASKS = {0.001: 3000, 0.01: 300, 0.1: 30}
REPEATS = 2
DASK = "Dask, 2 workers"
WORKERS = {"1 process": 1, "2 processes": 2, DASK: 2}


def spin(*, rng: np.random.Generator, duration: float) -> float:
    """Keep one core busy."""
    end = perf_counter() + duration
    while perf_counter() < end:
        pass
    return float(rng.random())


def plain_loop(duration: float, count: int) -> Callable[[], Any]:
    def run() -> list[float]:
        rng = np.random.default_rng(1)
        return [spin(rng=rng, duration=duration) for _ in range(count)]

    return run


def swept(duration: float, count: int, engine: str, store: Path | None = None) -> Callable[[], Any]:
    settings = {"backend": "dask"} if engine == DASK else {"n_jobs": WORKERS[engine]}

    def run() -> None:
        if store is not None:
            store.unlink(missing_ok=True)
        with joblib.parallel_config(**settings):
            sweep(
                spin, {"duration": [duration]}, repeats=count, seed=1, store=store, progress=False
            )

    return run


def scaling(folder: Path, engines: list[str]) -> Iterator[Row]:
    # it spins by the clock: once is enough
    loops = {task: seconds(plain_loop(task, count)) for task, count in TASKS.items()}
    cases = [(engine, None, task) for engine in engines for task in TASKS]
    for engine, store, task in [*cases, ("2 processes", folder / "store.sqlite", 0.001)]:
        swept(0.0, 100, engine)()  # the workers are there, and have imported flux
        taken = min(seconds(swept(task, TASKS[task], engine, store)) for _ in range(REPEATS))
        workers, loop = WORKERS[engine], loops[task]
        kept = "" if store is None else ", store"
        job = f"{TASKS[task]} tasks of {1000 * task:.0f} ms, {engine}{kept}"
        yield versus(job, taken, "plain loop", loop, kind="yardstick")
        cost = (workers * taken - loop) / TASKS[task]
        yield versus(f"{job}: cost of one", cost, "the task", task, kind="yardstick")


def memory() -> Iterator[Row]:
    setup = """
import joblib
from flux import sweep
def draw(*, rng, x): return rng.random()
def run(count):
    with joblib.parallel_config(n_jobs=2):
        sweep(draw, {"x": [0.0]}, repeats=count, seed=1, progress=False)
run(100)
"""
    few, many = (peak_megabytes(setup, f"run({count})") for count in (2_000, 40_000))
    job = "peak memory, 40 000 tasks"
    yield versus(job, many, "2 000 tasks", few, unit="MB", kind="yardstick")


def main() -> None:
    logging.getLogger("distributed").setLevel(logging.ERROR)
    engines = [engine for engine in WORKERS if engine != DASK or available("distributed", DASK)]
    with ExitStack() as stack:
        if DASK in engines:
            from distributed import Client, LocalCluster

            cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
            stack.enter_context(Client(stack.enter_context(cluster)))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        print_table("Sweeps", scaling(folder, engines))
    if weighable("memory of sweeps"):
        print_table("Memory of sweeps", memory())


if __name__ == "__main__":
    main()
