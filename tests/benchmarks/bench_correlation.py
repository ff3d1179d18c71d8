"""Lagged correlation against np.corrcoef and single-precision BLAS: time and extra memory.

Run `python tests/benchmarks/bench_correlation.py` on an idle machine. Ours and the baselines start
from the same int8 spins of shape (steps, n), packing and conversion included, and alternate in
one run. Memory (Linux only) is the growth of the peak resident set, each in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
from numpy.typing import NDArray

from flux.correlation import lagged_correlation
from flux.packing import pack

Array = NDArray[Any]


class Row(NamedTuple):
    """One comparison; seconds, or bytes of extra memory. ratio = baseline / ours."""

    name: str
    ours: float
    baseline_name: str
    baseline: float
    ratio: float


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


def times(n: int, steps: int, repeats: int, baselines: list[str]) -> list[Row]:
    """Median seconds; ours runs before each baseline, so that drift hits both."""
    x = spins(n, steps)
    lagged_correlation(x[:100])
    packed = pack(x)
    ours: list[float] = []
    packing: list[float] = []
    from_bits: list[float] = []
    seconds: dict[str, list[float]] = {name: [] for name in baselines}
    for _ in range(repeats):
        for name in baselines:
            C = timed(lambda: lagged_correlation(x), ours)
            timed(lambda: pack(x), packing)
            timed(lambda: lagged_correlation(packed), from_bits)
            other = timed(lambda name=name: BASELINES[name](x), seconds[name])
            assert np.allclose(C, other, rtol=0, atol=1e-5)
    label = f"N={n}, T={steps:.0e}"
    middle = float(np.median(ours))
    rows = [row(label, middle, name, float(np.median(seconds[name]))) for name in baselines]
    last = baselines[-1]
    base = float(np.median(seconds[last]))
    return [
        *rows,
        row(f"{label}, pack only", float(np.median(packing)), last, base),
        row(f"{label}, once packed", float(np.median(from_bits)), last, base),
    ]


def timed(call: Callable[[], Any], into: list[float]) -> Any:
    # the threads of BLAS go on spinning for a while after their work
    time.sleep(0.1)
    start = time.perf_counter()
    result = call()
    into.append(time.perf_counter() - start)
    return result


def memory(n: int, steps: int, baselines: list[str]) -> list[Row]:
    """Bytes beyond the int8 input, result included."""
    ours = extra_memory(OURS, n, steps)
    label = f"N={n}, T={steps:.0e}, bytes"
    return [row(label, ours, name, extra_memory(name, n, steps)) for name in baselines]


def extra_memory(name: str, n: int, steps: int) -> float:
    command = [sys.executable, __file__, "--peak", name, str(n), str(steps)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


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
    print(1024 * peak - before)


def row(name: str, ours: float, baseline_name: str, baseline: float) -> Row:
    return Row(name, ours, baseline_name, baseline, baseline / ours)


def main() -> None:
    everything = list(BASELINES)
    rows = [
        *times(100, 100_000, 5, everything),
        *times(1000, 100_000, 3, everything),
        *times(4000, 100_000, 2, ["sgemm float32"]),
        *memory(1000, 100_000, everything),
        *memory(4000, 100_000, ["sgemm float32"]),
    ]
    print(f"{'case':<30}{'ours':>12}  {'baseline':<22}{'baseline':>12}{'ratio':>9}")
    for r in rows:
        print(
            f"{r.name:<30}{r.ours:>12.4g}  {r.baseline_name:<22}{r.baseline:>12.4g}{r.ratio:>9.1f}"
        )


if __name__ == "__main__":
    if "--peak" in sys.argv:
        print_peak(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
