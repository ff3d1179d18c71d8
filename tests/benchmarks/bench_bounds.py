"""How long the interval of a large network takes, and how much it leaves open.

Run as `python tests/benchmarks/bench_bounds.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from common import Row, alone, print_table, versus

import flux

CASES = [(100, 0.05), (100, 0.1), (100, 0.2), (100, 0.4), (100, 1.0), (1000, 0.03), (1000, 0.1)]


def rows() -> Iterator[Row]:
    for n, width in CASES:
        W = flux.gaussian_weights(n, rng=np.random.default_rng(1), width=width)
        start = time.perf_counter()
        found = flux.flux_interval(W, rng=np.random.default_rng(2), progress=False)
        taken = time.perf_counter() - start
        job = f"N = {n}, width {width:g}"
        yield alone(f"interval, {job}", taken)
        yield versus(
            f"bits from {found.lower:.2f} to {found.upper:.2f}, {job}",
            found.upper - found.lower,
            f"from 0 to {n}",
            float(n),
            unit="bits left open",
            kind="yardstick",
        )


if __name__ == "__main__":
    print_table("Intervals of large networks", rows())
