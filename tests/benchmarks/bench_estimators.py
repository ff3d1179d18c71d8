"""Flux from samples against other libraries; run as `python tests/benchmarks/bench_estimators.py`.

Ours starts from raw int8 spins and checks them; the baselines get ready-made state codes, which
spares them the work of coding. Baselines that are not installed are named and left out.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from common import Row, available, compare, leave_out, print_table
from numpy.typing import NDArray

from flux.model.ensembles import gaussian_weights
from flux.model.simulation import simulate
from flux.model.states import encode
from flux.recordings.entropies import entropy_from_counts
from flux.recordings.estimators import model_flux, sample_flux
from flux.recordings.intervals import sample_flux_interval

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


def compare_library(
    job: str,
    ours: Callable[[], Any],
    package: str,
    make: Callable[[Codes, Codes], Callable[[], Any]],
    codes: tuple[Codes, Codes],
    wanted: str = "",
    repeats: int = 5,
) -> Iterator[Row]:
    """Yield one row, or none if the library is not there or fails on numbers of this size."""
    baseline = f"{package}, ready codes"
    if available(package, baseline):
        try:
            yield compare(job, ours, baseline, make(*codes), wanted=wanted, repeats=repeats)
        except Exception as reason:
            leave_out(f"{baseline}: {job}", f"{type(reason).__name__}: {reason}".splitlines()[0])


def flux_rows() -> Iterator[Row]:
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
        yield from compare_library(job, plugin, "sklearn", sklearn_baseline, pair, wanted)
        if n == 10:
            yield from compare_library(job, plugin, "pyinform", pyinform_baseline, pair, ">= 1")
            yield from compare_library(job, plugin, "infomeasure", infomeasure_baseline, pair)
            corrected = "Chao-Wang-Jost flux, N=10, T=1e6"
            yield from compare_library(
                corrected, cwj, "infomeasure", infomeasure_cwj, pair, repeats=1
            )
            assert abs(sample_flux(x).I - bincount_flux(*pair, n)) < 1e-9
            counted = lambda p=pair: bincount_flux(*p, 10)  # noqa: E731
            yield compare(job, plugin, "numpy bincount, ready codes", counted)
        assert abs(sample_flux(x).I - unique_flux(*pair, n)) < 1e-9
        unique = lambda p=pair, n=n: unique_flux(*p, n)  # noqa: E731
        yield compare(job, plugin, "numpy unique, ready codes", unique)
        coded = lambda x=x, n=n: from_spins(x, n)  # noqa: E731
        yield compare(job, plugin, "encode and numpy unique", coded)


def from_spins(x: Spins, n: int) -> float:
    codes = encode(x)
    return unique_flux(codes[:-1], codes[1:], n)


def method_rows() -> Iterator[Row]:
    """Every method against the plug-in estimate of the same spins."""
    W, x = trace(10)
    plugin = lambda: sample_flux(x)  # noqa: E731
    ways = {
        f"{method} flux": lambda m=method: sample_flux(x, method=m)
        for method in ("chao-wang-jost", "nsb", "shuffle")
    }
    ways["model_flux"] = lambda: model_flux(W, x)
    for name, way in ways.items():
        yield compare(f"{name}, N=10, T=1e6", way, "plug-in", plugin, kind="yardstick")
    short = x[:10_000]
    yield compare(
        "interval by nsb, N=10, T=1e4",
        lambda: sample_flux_interval(short, rng=np.random.default_rng(1)),
        "one nsb flux",
        lambda: sample_flux(short, method="nsb"),
        kind="yardstick",
        repeats=1,
    )
    counts = np.bincount(np.random.default_rng(1).zipf(1.5, 10**6) % 10**5)
    yield compare(
        "nsb entropy of 1e6 Zipf samples",
        lambda: entropy_from_counts(counts, "nsb", 10**6),
        "plug-in",
        lambda: entropy_from_counts(counts, "plugin"),
        kind="yardstick",
    )


def main() -> None:
    # that traces are short for a plug-in estimate is no news here
    warnings.simplefilter("ignore")
    print_table("Flux from samples", flux_rows())
    print_table("What corrections cost", method_rows())


if __name__ == "__main__":
    main()
