"""Timing of the same work done in two ways, in turn, in one run, and the table of what was found.

A benchmark hands its rows to `print_table`. Under `run_all.py` the rows, and the baselines left
out, also go to the file named by the environment variable `RECORD`, one JSON object a line.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np  # noqa: F401  (loads the BLAS whose kernel is named)
import scipy.linalg  # noqa: F401
from threadpoolctl import threadpool_info

RECORD = "FLUX_BENCHMARK_RECORD"
LONG_ENOUGH = 0.05
"""Seconds: below, a single call is measured by what ran before it has left in the caches."""
MORE_IS_BETTER = {"bits"}
"""Units of which the better way has more; of all others it takes less."""
KINDS = ("rival", "computed", "yardstick", "alone")
WANTED = re.compile(r"(>=|ours <|ours about) ([\d.]+)( \w+)?")


class Row(NamedTuple):
    """Ours beside a baseline, both in `unit`; above a ratio of 1 ours is better.

    `kind` is "rival" if the baseline is what one would take instead; "computed" if what it takes
    is arithmetic, as where nobody would wait for it; "yardstick" if it is no race, but a part of
    the work or a simpler way of our own; "alone" if there is no baseline. `wanted` is what the
    project set out to reach: of the ratio (">= 5"), or of ours ("ours < 1 s").
    """

    job: str
    ours: float
    baseline: str
    theirs: float
    ratio: float
    wanted: str
    unit: str
    kind: str


def compare(
    job: str,
    ours: Callable[[], Any],
    baseline: str,
    theirs: Callable[[], Any],
    *,
    wanted: str = "",
    kind: str = "rival",
    repeats: int = 5,
) -> Row:
    """Time both in turn after a warm-up: medians of both, and of the ratio pair by pair."""
    ours()
    theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(repeats)]
    return of_pairs(job, baseline, pairs, wanted=wanted, kind=kind)


def of_pairs(
    job: str,
    baseline: str,
    pairs: list[tuple[float, float]],
    *,
    wanted: str = "",
    kind: str = "rival",
) -> Row:
    """Return the row of times taken in turn, ours first in each pair."""
    ours, theirs = (median(times) for times in zip(*pairs, strict=True))
    return Row(job, ours, baseline, theirs, median(b / a for a, b in pairs), wanted, "s", kind)


def versus(
    job: str,
    ours: float,
    baseline: str,
    theirs: float,
    *,
    wanted: str = "",
    unit: str = "s",
    kind: str = "rival",
) -> Row:
    """Return the row of two numbers."""
    ratio = ours / theirs if unit in MORE_IS_BETTER else theirs / ours
    return Row(job, ours, baseline, theirs, ratio, wanted, unit, kind)


def alone(job: str, ours: float, *, wanted: str = "", unit: str = "s") -> Row:
    """Return a row without a baseline."""
    return Row(job, ours, "", math.nan, math.nan, wanted, unit, "alone")


def meets(row: Row) -> bool | None:
    """Say whether a row reaches what was wanted of it; None if nothing was."""
    if not row.wanted:
        return None
    what, bound, _ = WANTED.fullmatch(row.wanted).groups()
    if what == ">=":
        return bool(row.ratio >= float(bound))
    return bool(row.ours < float(bound) * (1.5 if what == "ours about" else 1))


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


def run_alone(command: list[str], **variables: str) -> float:
    """Return the number that another Python process prints, some environment variables set."""
    environment = {**os.environ, **variables}
    environment.pop(RECORD, None)
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return float(done.stdout)


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
    return run_alone(["-c", script])


def available(package: str, baseline: str = "") -> bool:
    """Say whether a package can be imported; a baseline whose package is not is left out."""
    if importlib.util.find_spec(package) is not None:
        return True
    leave_out(baseline or package, "not installed")
    return False


def weighable(what: str) -> bool:
    """Say whether peaks of memory can be read here; what cannot be measured is left out."""
    if sys.platform == "linux":
        return True
    leave_out(what, "read from /proc, on Linux only")
    return False


def leave_out(what: str, reason: str) -> None:
    """Tell that a baseline or a measurement has no rows, and why."""
    print(f"{what} left out: {reason}", flush=True)
    _record({"left_out": what, "reason": reason})


def print_table(title: str, rows: Iterable[Row]) -> None:
    """Print rows as they come, and record them."""
    print(f"\n{title} ({machine()})")
    print(
        f"{'job':54s} {'ours':>12s}  {'baseline':40s} {'theirs':>12s} {'ratio':>8s}  wanted",
        flush=True,
    )
    for row in rows:
        print(
            f"{row.job:54s} {_amount(row.ours, row.unit):>12s}  {row.baseline:40s}"
            f" {_amount(row.theirs, row.unit):>12s} {row.ratio:8.3g}  {row.wanted}",
            flush=True,
        )
        fields = {key: _plain(value) for key, value in row._asdict().items()}
        _record({"table": title, **fields, "met": meets(row)})


def machine() -> str:
    """Return the cores and the kernels of BLAS, which decide what a product costs."""
    return f"{os.cpu_count()} cores, BLAS kernels {blas_kernels()}"


def blas_kernels() -> str:
    """Return the kernels of the BLAS libraries that are loaded, those of numpy and of scipy."""
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return ", ".join(sorted({library.get("architecture", "?") for library in libraries}))


def _record(entry: dict[str, Any]) -> None:
    if RECORD in os.environ:
        with Path(os.environ[RECORD]).open("a") as file:
            file.write(json.dumps(entry, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    """Return four digits of a number, which are more than it is good for; None for nan."""
    if not isinstance(value, float):
        return value
    return None if math.isnan(value) else float(f"{value:.4g}")


def _amount(value: float, unit: str) -> str:
    if math.isnan(value):
        return ""
    if unit != "s":
        return f"{value:.4g} {unit}"
    for factor, name in ((1.0, "s"), (1e3, "ms")):
        if value * factor >= 1:
            return f"{value * factor:.3g} {name}"
    return f"{value * 1e6:.3g} us"
