"""What the other numbers depend on: the first call, threads and the kernel of BLAS; and the import.

Run as `python tests/benchmarks/bench_conditions.py`. Each time is taken in a process of its own.
"""

from __future__ import annotations

import platform
import sys
import tempfile
from collections.abc import Iterator

from common import Row, median, of_pairs, print_table, run_alone, versus

START = """
import time
start = time.perf_counter()
import numpy, numba, scipy.special, scipy.sparse
{code}
print(time.perf_counter() - start)
"""
CALL = """
import time
import numpy as np
import flux
W = flux.gaussian_weights({n}, rng=np.random.default_rng(1))
x = np.random.default_rng(2).choice(np.array([-1, 1], np.int8), (1000, {n}))
taken = []
for _ in range({calls}):
    start = time.perf_counter()
    {call}
    taken.append(time.perf_counter() - start)
print(sorted(taken[{skip}:])[(len(taken) - {skip}) // 2])
"""
FIRST = {
    "exact_flux(W), N = 8": "flux.exact_flux(W)",
    "simulate(W, 1000), N = 8": "flux.simulate(W, 1000, rng=np.random.default_rng(2))",
    "sample_flux(x), T = 1000, N = 8": "flux.sample_flux(x)",
    "find_attractors(W), N = 8": "flux.find_attractors(W)",
}


def timed(call: str, *, n: int = 8, calls: int = 1, skip: int = 0, **variables: str) -> float:
    """Return the median seconds of some calls in a fresh process, the first `skip` left out."""
    script = CALL.format(n=n, call=call, calls=calls, skip=skip)
    return run_alone(["-c", script], **variables)


def import_rows() -> Iterator[Row]:
    def start(code: str) -> float:
        return run_alone(["-c", START.format(code=code)])

    pairs = [(start("import flux"), start("")) for _ in range(5)]
    added, alone = median(a - b for a, b in pairs), median(b for _, b in pairs)
    baseline = "import numpy, numba, scipy"
    job = "import flux after these"
    yield versus(job, added, baseline, alone, wanted="ours < 1 s", kind="yardstick")


def first_rows() -> Iterator[Row]:
    """First calls with an empty cache of compiled code, and with a filled one."""
    for name, call in FIRST.items():
        with tempfile.TemporaryDirectory() as cache:
            compiled, loaded = (timed(call, NUMBA_CACHE_DIR=cache) for _ in range(2))
        later = timed(call, calls=20, skip=1)
        for how, first in (("compiled", compiled), ("loaded", loaded)):
            job = f"first {name}, {how}"
            yield versus(job, first, "a later call", later, kind="yardstick")


def setting_rows() -> Iterator[Row]:
    """One flux that is mostly matrix products, with all threads and the kernel found, or not."""
    settings = {"one thread": {"NUMBA_NUM_THREADS": "1"}}
    if platform.machine() in ("x86_64", "AMD64") and sys.platform != "darwin":
        settings["BLAS kernel of 2008 (Nehalem)"] = {"OPENBLAS_CORETYPE": "Nehalem"}

    def taken(variables: dict[str, str]) -> float:
        return timed("flux.exact_flux(W)", n=14, calls=6, skip=1, **variables)

    for name, variables in settings.items():
        pairs = [(taken({}), taken(variables)) for _ in range(3)]
        yield of_pairs("exact flux, N = 14, as it comes", name, pairs, kind="yardstick")


def main() -> None:
    print_table("Import", import_rows())
    print_table("First calls", first_rows())
    print_table("Threads and kernels", setting_rows())


if __name__ == "__main__":
    main()
