"""Lagged correlation against np.corrcoef and single-precision BLAS: time and extra memory.

Run `python tests/benchmarks/bench_correlation.py` on an idle machine. Ours and the baselines start
from the same int8 spins of shape (steps, n), packing and conversion included, and alternate in
one run. Memory (Linux only) is the growth of the peak resident set, each in a process of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from common import Row, compare, print_table, run_alone, versus, weighable
from numpy.typing import NDArray

from flux.recordings.correlation import lagged_correlation
from flux.recordings.packed_spins import pack

Array = NDArray[Any]


def corrcoef(x: Array) -> Array:
    """The ready-made way: one np.corrcoef of the later above the earlier spins, in float64."""
    n = x.shape[1]
    return np.corrcoef(x[1:].T, x[:-1].T)[:n, n:]


def corrcoef_float32(x: Array) -> Array:
    n = x.shape[1]
    return np.corrcoef(x[1:].T, x[:-1].T, dtype=np.float32)[:n, n:]


def sgemm(x: Array) -> Array:
    """The same sums by single-precision BLAS: exact in float32 up to 2**24 steps."""
    spins = x.astype(np.float32)
    pairs = len(x) - 1
    C = spins[1:].T @ spins[:-1]
    mean = x.sum(0, dtype=np.int64)
    later, earlier = (mean - x[0]) / pairs, (mean - x[-1]) / pairs
    C /= pairs
    C -= np.outer(later, earlier)
    C /= np.sqrt(np.outer(1 - later**2, 1 - earlier**2))
    return C


BASELINES = {
    "np.corrcoef float64": corrcoef,
    "np.corrcoef float32": corrcoef_float32,
    "sgemm float32": sgemm,
}
OURS = "lagged_correlation"


def spins(n: int, steps: int) -> Array:
    """Return fair coins, made piece by piece so that no other array sets the peak of memory."""
    rng = np.random.default_rng(1)
    x = np.empty((steps, n), np.int8)
    for part in np.array_split(x, max(1, x.size >> 20)):
        part[:] = rng.integers(0, 2, part.shape, np.int8)
        part *= 2
        part -= 1
    return x


def times(n: int, steps: int, repeats: int, wanted: dict[str, str]) -> Iterator[Row]:
    """Time ours and each baseline in `wanted` in turn, which maps it to the ratio wanted."""
    x = spins(n, steps)
    packed = pack(x)
    label = f"N={n}, T={steps}"
    for name, ratio in wanted.items():
        baseline = BASELINES[name]
        assert np.allclose(lagged_correlation(x[:1000]), baseline(x[:1000]), rtol=0, atol=1e-5)
        ours, theirs = lambda: lagged_correlation(x), lambda baseline=baseline: baseline(x)
        yield compare(label, ours, name, theirs, wanted=ratio, repeats=repeats)
    parts = {"packing": lambda: pack(x), "once packed": lambda: lagged_correlation(packed)}
    for name, part in parts.items():
        job = f"{label}, {name}"
        yield compare(job, part, "the whole", ours, kind="yardstick", repeats=repeats)


def memory(n: int, steps: int, wanted: dict[str, str]) -> Iterator[Row]:
    """Megabytes beyond the int8 input, result included."""
    ours = extra_memory(OURS, n, steps)
    for name, ratio in wanted.items():
        job, theirs = f"N={n}, T={steps}, memory", extra_memory(name, n, steps)
        yield versus(job, ours, name, theirs, wanted=ratio, unit="MB")


def extra_memory(name: str, n: int, steps: int) -> float:
    return run_alone([__file__, "--peak", name, str(n), str(steps)])


def print_peak(name: str, n: int, steps: int) -> None:
    function = lagged_correlation if name == OURS else BASELINES[name]
    x = spins(n, steps)
    # load the compiled code and BLAS before the first reading
    function(x[:200, :70])
    before = psutil.Process().memory_info().rss
    function(x)
    # not ru_maxrss, which a process inherits from the one that started it
    status = Path("/proc/self/status").read_text().splitlines()
    (peak,) = [int(line.split()[1]) for line in status if line.startswith("VmHWM")]
    print(peak / 1024 - before / 2**20)


def main() -> None:
    everything = {
        "np.corrcoef float64": ">= 20",
        "np.corrcoef float32": "",
        "sgemm float32": ">= 5",
    }
    anything = dict.fromkeys(everything, "")
    timed = chain(
        times(100, 100_000, 5, anything),
        times(1000, 100_000, 3, everything),
        times(4000, 100_000, 1, {"sgemm float32": ">= 4"}),
    )
    print_table("Lagged correlation", timed)
    weighed = chain(
        memory(1000, 100_000, dict.fromkeys(everything, ">= 20")),
        memory(4000, 100_000, {"sgemm float32": ""}),
    )
    if weighable("memory of lagged correlation"):
        print_table("Memory of lagged correlation", weighed)


if __name__ == "__main__":
    if "--peak" in sys.argv:
        print_peak(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
