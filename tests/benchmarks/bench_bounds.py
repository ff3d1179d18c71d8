"""How tight the interval is; run as `python tests/benchmarks/bench_bounds.py`."""

from __future__ import annotations

import time

import numpy as np

import flux

CASES = [(100, 0.05), (100, 0.1), (100, 0.2), (100, 0.4), (100, 1.0), (1000, 0.03), (1000, 0.1)]


def main() -> None:
    print(f"{'N':>5s} {'width':>6s} {'lower':>8s} {'upper':>8s} {'seconds':>8s}  limited by")
    for n, width in CASES:
        W = flux.gaussian_weights(n, rng=np.random.default_rng(1), width=width)
        start = time.perf_counter()
        found = flux.flux_interval(W, rng=np.random.default_rng(2), progress=False)
        taken = time.perf_counter() - start
        print(
            f"{n:5d} {width:6g} {found.lower:8.2f} {found.upper:8.2f} {taken:8.1f}"
            f"  {found.limited_by}",
            flush=True,
        )


if __name__ == "__main__":
    main()
