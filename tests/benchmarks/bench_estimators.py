"""Flux from samples against other libraries; run as `python tests/benchmarks/bench_estimators.py`.

Ours starts from raw int8 spins and checks them; the baselines get ready-made state codes, which
spares them the work of coding. Baselines that are not installed are named and left out.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from common import Row, compare, print_table
from numpy.typing import NDArray

from flux.boltzmann import simulate
from flux.entropies import entropy_from_counts
from flux.estimators import model_flux, sample_flux
from flux.resampling import sample_flux_interval
from flux.states import encode
from flux.weights import gaussian_weights

Spins = NDArray[np.int8]
Codes = NDArray[np.int64]
STEPS = 1_000_000


def trace(n: int, steps: int = STEPS) -> tuple[NDArray[np.float64], Spins]:
    W = gaussian_weights(n, rng=np.random.default_rng(1))
    return W, simulate(W, steps, rng=np.random.default_rng(2), burn_in=1000, progress=False)


def bincount_flux(a: Codes, b: Codes, n: int) -> float:
    joint = np.bincount(a << n | b, minlength=4**n)
    return sum(entropy(c) for c in (np.bincount(a), np.bincount(b))) - entropy(joint)


def unique_flux(a: Codes, b: Codes, n: int) -> float:
    counts = [np.unique(c, return_counts=True)[1] for c in (a, b, a << n | b)]
    return entropy(counts[0]) + entropy(counts[1]) - entropy(counts[2])


def entropy(counts: Codes) -> float:
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log2(p)).sum())


def sklearn_baseline(a: Codes, b: Codes) -> Callable[[], Any]:
    metrics = importlib.import_module("sklearn.metrics")
    return lambda: metrics.mutual_info_score(a, b)


def pyinform_baseline(a: Codes, b: Codes) -> Callable[[], Any]:
    measure = importlib.import_module("pyinform.mutualinfo")
    return lambda: measure.mutual_info(a, b)


def infomeasure_baseline(a: Codes, b: Codes) -> Callable[[], Any]:
    library = importlib.import_module("infomeasure")
    return lambda: library.mutual_information(a, b, approach="discrete", base=2)


def infomeasure_cwj(a: Codes, b: Codes) -> Callable[[], Any]:
    library = importlib.import_module("infomeasure")
    return lambda: library.mutual_information(a, b, approach="chao_wang_jost", base=2)


def try_compare(
    job: str,
    ours: Callable[[], Any],
    baseline: str,
    make: Callable[[Codes, Codes], Callable[[], Any]],
    codes: tuple[Codes, Codes],
    wanted: str = "",
    repeats: int = 5,
) -> list[Row]:
    try:
        return [compare(job, ours, baseline, make(*codes), wanted=wanted, repeats=repeats)]
    except Exception as reason:
        print(f"{baseline} left out: {type(reason).__name__}: {str(reason).splitlines()[0]}")
        return []


def flux_rows() -> list[Row]:
    rows = []
    for n in (10, 16):
        _, x = trace(n)
        codes = encode(x)
        pair = codes[:-1].copy(), codes[1:].copy()

        def plugin(x: Spins = x) -> Any:
            return sample_flux(x)

        def cwj(x: Spins = x) -> Any:
            return sample_flux(x, method="chao-wang-jost")

        job = f"plug-in flux, N={n}, T=1e6"
        wanted = ">= 30" if n == 10 else ""
        rows += try_compare(job, plugin, "sklearn, ready codes", sklearn_baseline, pair, wanted)
        if n == 10:
            rows += try_compare(
                job, plugin, "pyinform, ready codes", pyinform_baseline, pair, ">= 1"
            )
            rows += try_compare(job, plugin, "infomeasure, ready codes", infomeasure_baseline, pair)
            rows += try_compare(
                "Chao-Wang-Jost flux, N=10, T=1e6",
                cwj,
                "infomeasure, ready codes",
                infomeasure_cwj,
                pair,
                repeats=1,
            )
            rows.append(
                compare(
                    job, plugin, "numpy bincount, ready codes", lambda p=pair: bincount_flux(*p, 10)
                )
            )
        rows.append(
            compare(
                job, plugin, "numpy unique, ready codes", lambda p=pair, n=n: unique_flux(*p, n)
            )
        )
        rows.append(
            compare(job, plugin, "encode and numpy unique", lambda x=x, n=n: from_spins(x, n))
        )
    return rows


def from_spins(x: Spins, n: int) -> float:
    codes = encode(x)
    return unique_flux(codes[:-1], codes[1:], n)


def method_rows() -> list[Row]:
    """Every method against the plug-in estimate of the same spins."""
    W, x = trace(10)
    counts = np.bincount(np.random.default_rng(1).zipf(1.5, 10**6) % 10**5)
    rows = [
        compare(
            f"{method} flux, N=10, T=1e6",
            lambda m=method: sample_flux(x, method=m),
            "plug-in",
            lambda: sample_flux(x),
        )
        for method in ("chao-wang-jost", "nsb", "shuffle")
    ]
    rows.append(
        compare(
            "model_flux, N=10, T=1e6", lambda: model_flux(W, x), "plug-in", lambda: sample_flux(x)
        )
    )
    short = x[:10_000]
    rows.append(
        compare(
            "interval by nsb, N=10, T=1e4",
            lambda: sample_flux_interval(short, rng=np.random.default_rng(1)),
            "one nsb flux",
            lambda: sample_flux(short, method="nsb"),
            repeats=1,
        )
    )
    rows.append(
        compare(
            "nsb entropy of 1e6 Zipf samples",
            lambda: entropy_from_counts(counts, "nsb", 10**6),
            "plug-in",
            lambda: entropy_from_counts(counts, "plugin"),
        )
    )
    return rows


def main() -> None:
    print_table("Flux from samples", flux_rows())
    print_table("What corrections cost", method_rows())


if __name__ == "__main__":
    main()
