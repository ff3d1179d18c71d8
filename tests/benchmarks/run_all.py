"""Run the benchmarks and store their tables, which the page *How fast is it?* shows.

    python3 -m venv .venv-bench && .venv-bench/bin/pip install -e '.[bench]' infomeasure==0.6.3
    .venv-bench/bin/python tests/benchmarks/run_all.py

writes book/data/benchmarks.json (the environment is apart as the baselines pull in much that the
book does not need). Do it on an idle machine. With names it runs only those, as in `run_all.py
exact sweep`, and keeps what the file says of the others; each has a date and machine of its own.

Every bench_*.py runs in a process of its own, one after the other, and is written when it ends, so
that Ctrl-C loses only the one that runs. One that fails is stored with its error, and a baseline
that is not installed is named; neither stops the rest.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
from common import RECORD, blas_kernels

import flux

HERE = Path(__file__).parent
FILE = HERE.parents[1] / "book" / "data" / "benchmarks.json"
OURS = ("flux", "numpy", "scipy", "numba")
BASELINES = (
    "cana",
    "cma",
    "distributed",
    "infomeasure",
    "jax",
    "networkx",
    "nevergrad",
    "pyinform",
    "quantecon",
    "scikit-learn",
)

Block = dict[str, Any]


def run_file(path: Path) -> Block:
    """Run one benchmark; return its rows, and when, where and with what it ran."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "rows.jsonl"
        record.touch()
        found = os.environ.get("PYTHONPATH")
        paths = [str(HERE), str(HERE.parents[1]), *([found] if found else [])]
        environment = {
            **os.environ,
            RECORD: str(record),
            "PYTHONPATH": os.pathsep.join(paths),
            "TQDM_DISABLE": "1",
        }
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, str(path)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        taken = time.perf_counter() - start
        entries = [json.loads(line) for line in record.read_text().splitlines()]
    sys.stderr.write(done.stderr)
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return {
        "date": datetime.date.today().isoformat(),
        "seconds": round(taken, 1),
        "machine": describe_machine(),
        "versions": find_versions(),
        "error": f"exit status {done.returncode}: {last}" if done.returncode else None,
        "left_out": [entry for entry in entries if "left_out" in entry],
        "rows": [entry for entry in entries if "job" in entry],
    }


def describe_machine() -> dict[str, Any]:
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "os": f"{platform.system()} {platform.release()}",
        "blas": blas_kernels(),
    }


def find_versions() -> dict[str, str | None]:
    """Return the version of each package, None where it is not installed."""
    found: dict[str, str | None] = {
        "python": platform.python_version(),
        "flux": flux.__version__,
    }
    for name in (*OURS[1:], *BASELINES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def _cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def write(blocks: dict[str, Block], file: Path) -> None:
    """Write a line for each row, so that a later run shows what has changed."""
    lines = []
    for name, block in sorted(blocks.items()):
        rows = ",\n".join(f"  {json.dumps(row)}" for row in block["rows"])
        head = json.dumps({key: value for key, value in block.items() if key != "rows"})
        lines.append(f' "{name}": {head[:-1]}, "rows": [\n{rows}\n ]}}')
    # the old file stays whole until the new one is
    part = file.with_suffix(".part")
    part.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    part.replace(file)


def run_all(paths: Sequence[Path], file: Path) -> list[str]:
    """Run benchmarks, store each as it ends, and return the names of those that failed."""
    blocks = json.loads(file.read_text()) if file.is_file() else {}
    failed = []
    for number, path in enumerate(paths, 1):
        name = path.stem.removeprefix("bench_")
        print(f"\n=== {number} of {len(paths)}: {name}", flush=True)
        blocks[name] = block = run_file(path)
        write(blocks, file)
        if block["error"]:
            failed.append(name)
        print(f"--- {name} {'FAILED' if block['error'] else 'done'}, {block['seconds']:.0f} s")
    return failed


def main() -> int:
    known = {path.stem.removeprefix("bench_"): path for path in sorted(HERE.glob("bench_*.py"))}
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(known)}; all by default")
    parser.add_argument("--file", type=Path, default=FILE, help="where to, by default %(default)s")
    wanted = parser.parse_args()
    if unknown := set(wanted.names) - set(known):
        parser.error(f"names must be of {', '.join(known)}, but one was {min(unknown)!r}")
    try:
        failed = run_all([known[name] for name in wanted.names or known], wanted.file)
    except KeyboardInterrupt:
        print(f"\nstopped; what had ended is in {wanted.file}")
        return 130
    print(f"\n{wanted.file} is written; failed: {', '.join(failed) or 'none'}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
