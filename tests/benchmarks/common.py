"""Timing of the same work done in two ways, in turn, in one run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from threadpoolctl import threadpool_info

LONG_ENOUGH = 0.05
"""Seconds: below, a single call is measured by what ran before it has left in the caches."""


class Row(NamedTuple):
    """Medians of both ways and of their ratio, pair by pair; `unit` is s, MB or steps."""

    job: str
    ours: float
    baseline: str
    theirs: float
    ratio: float
    wanted: str
    unit: str = "s"


def compare(
    job: str,
    ours: Callable[[], Any],
    baseline: str,
    theirs: Callable[[], Any],
    *,
    wanted: str = "",
    repeats: int = 5,
) -> Row:
    """Time both in turn after a warm-up; the ratio is theirs over ours, above 1 if we lead."""
    ours()
    theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(repeats)]
    return Row(
        job,
        median(a for a, _ in pairs),
        baseline,
        median(b for _, b in pairs),
        median(b / a for a, b in pairs),
        wanted,
    )


def seconds(work: Callable[[], Any]) -> float:
    """Return the time of one call: the median of as many as fill `LONG_ENOUGH`, at least one."""
    # the threads of BLAS go on spinning after a product, and would disturb what is timed next
    time.sleep(0.1)
    taken: list[float] = []
    while not taken or sum(taken) < LONG_ENOUGH:
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return median(taken)


def median(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def peak_megabytes(setup: str, work: str) -> float:
    """Return by how much `work` raises the memory of a fresh process at its peak (Linux)."""
    script = f"""
import re
{setup}
def kilobytes(field):
    return int(re.search(field + r":\\s+(\\d+)", open("/proc/self/status").read())[1])
open("/proc/self/clear_refs", "w").write("5")  # the peak starts anew
before = kilobytes("VmRSS")
{work}
print((kilobytes("VmHWM") - before) / 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def print_table(title: str, rows: Iterable[Row]) -> None:
    print(f"\n{title} ({machine()})")
    print(f"{'job':44s} {'ours':>12s}  {'baseline':34s} {'theirs':>12s} {'ratio':>8s}  wanted")
    for row in rows:
        print(
            f"{row.job:44s} {_amount(row.ours, row.unit):>12s}  {row.baseline:34s}"
            f" {_amount(row.theirs, row.unit):>12s} {row.ratio:8.3g}  {row.wanted}"
        )


def machine() -> str:
    """Return the cores and the kernels of numpy's BLAS, which decide what a product costs."""
    kernels = {library.get("architecture", "?") for library in threadpool_info()}
    return f"{os.cpu_count()} cores, BLAS kernels {', '.join(sorted(kernels))}"


def _amount(value: float, unit: str) -> str:
    if unit != "s":
        return f"{value:.3g} {unit}"
    for factor, name in ((1.0, "s"), (1e3, "ms")):
        if value * factor >= 1:
            return f"{value * factor:.3g} {name}"
    return f"{value * 1e6:.3g} us"
