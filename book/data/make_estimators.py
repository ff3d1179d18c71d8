"""Errors of every estimator of the flux, and how often its interval holds the truth.

python book/data/make_estimators.py [FOLDER]   writes estimators.json; half an hour

A run that was stopped goes on: its stores lie in FOLDER, by default the current one.
"""

import json
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np

import flux
from flux.recordings.entropies import FLUX_METHODS

METHODS = [*FLUX_METHODS, "model"]
SIZES = [4, 6, 8, 10]
WIDTHS = [0.3, 1.0, 3.0]
STEPS = [1_000, 10_000, 100_000, 1_000_000]
NETWORKS = 20

RECORDINGS = 100
# kind and neurons: firing probability 1/2 first, then 1 to 5 %
KINDS = {
    "coins": [4, 8],
    "width 0.3": [4, 8],
    "width 1": [4, 8],
    "width 3": [4, 8],
    "independent": [5, 20, 60],
    "refractory": [5, 20, 60],
    "coupled": [5, 20, 60],
}
LARGEST = 6_000_000
"""Spins of a recording stay below this."""
SPARSE = ["independent", "refractory", "coupled"]
COMPARED = ["plugin", "chao-wang-jost", "nsb", "shuffle"]


def count(x, methods):
    """Return the flux by some methods, NaN where one refuses as no pair was seen twice."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for method in methods:
            try:
                found.append(flux.sample_flux(x, method=method).I)
            except ValueError:
                found.append(np.nan)
    return found


def estimate(W, x):
    """Return the flux by every method, with the weights known (`model`) last."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return [*count(x, METHODS[:-1]), flux.model_flux(W, x).I]


def by_name(names, values):
    """Return rounded values by name, None for NaN, which JSON does not know."""
    return {
        name: None if np.isnan(v) else round(float(v), 5)
        for name, v in zip(names, values, strict=True)
    }


def error(*, n, width, steps, network):
    """Return estimate less exact flux by every method, for one recording of one network."""
    rng = np.random.default_rng([n, round(10 * width), network])
    W = flux.gaussian_weights(n, rng=rng, width=width)
    x = flux.simulate(W, steps, rng=rng, burn_in=1_000, progress=False)
    return dict(zip(METHODS, np.array(estimate(W, x)) - flux.exact_flux(W).I, strict=True))


def network(kind, n, rng):
    """Return weights and biases: dense ones without bias, or neurons on in 1 to 5 % of the bins.

    Refractory neurons never fire twice in a row; coupled ones rarely do, and stand in groups of
    five with weights of width 1 between them, so that the exact flux is known at any n.
    """
    if kind == "coins":
        return np.zeros((n, n)), np.zeros(n)
    if kind not in SPARSE:
        return flux.gaussian_weights(n, rng=rng, width=float(kind.split()[1])), np.zeros(n)
    rate = np.exp(rng.uniform(np.log(0.01), np.log(0.05), n))
    silent = np.log(rate / (1 - rate))
    W = np.zeros((n, n))
    if kind == "refractory":
        # fires with odds rate / (1 - 2 rate) if it did not, so that `rate` is its share of bins
        np.fill_diagonal(W, -20.0)
        return W, np.log(rate / (1 - 2 * rate)) - 20.0
    if kind == "coupled":
        for start in range(0, n, 5):
            group = slice(start, start + 5)
            W[group, group] = flux.gaussian_weights(5, rng=rng)
        np.fill_diagonal(W, -2.0)
    # b + W (-1, ..., -1) is the field of a silent network
    return W, silent + W.sum(1)


def interval(*, kind, n, steps, recording):
    """Return the truth, the interval with its test, and estimates, from one network each."""
    rng = np.random.default_rng([*kind.encode(), n, recording])
    W, b = network(kind, n, rng)
    x = flux.simulate(W, steps, rng=rng, b=b, burn_in=1_000, progress=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        found = flux.sample_flux_interval(x, rng=rng, resamples=20)
    others = count(x, COMPARED)
    # rounding leaves the flux of independent neurons a little beside 0
    truth = max(0.0, round(float(flux.exact_flux(W, b).I), 12))
    return {
        "truth": truth,
        "lower": found.lower,
        "upper": found.upper,
        "p_value": found.p_value,
        "resolvable": found.resolvable,
        "warned": bool(caught),
        "interval": found.estimate,
        **dict(zip(COMPARED, others, strict=True)),
    }


def coverage(kind, n, steps, found):
    """Return how often the interval holds the truth, and how wide it is, over all recordings."""
    names = ["interval", *COMPARED]
    error = np.array([found[name] - found.truth for name in names])
    held = (found.lower <= found.truth) & (found.truth <= found.upper)
    means = {
        name: round(float(found[name].mean()), 5)
        for name in ("truth", "lower", "upper", "resolvable")
    }
    return {
        "kind": kind,
        "n": n,
        "steps": steps,
        **means,
        "held": int(held.sum()),
        "rejected": int((found.p_value <= 0.05).sum()),
        "warned": int(found.warned.sum()),
        "rms": by_name(names, np.sqrt((error**2).mean(1))),
    }


def large_network():
    """Return the exact flux of 16 neurons and its estimates from 10^6 steps."""
    rng = np.random.default_rng(16)
    W = flux.gaussian_weights(16, rng=rng)
    x = flux.simulate(W, 1_000_000, rng=rng, burn_in=1_000, progress=False)
    return {"exact": round(float(flux.exact_flux(W).I), 4), **by_name(METHODS, estimate(W, x))}


def bias_and_rms(n, width, steps, found):
    """Return bias and root-mean-square error of every method over all networks."""
    error = np.array([found[name] for name in METHODS])
    return {
        "n": n,
        "width": width,
        "steps": steps,
        "bias": by_name(METHODS, error.mean(1)),
        "rms": by_name(METHODS, np.sqrt((error**2).mean(1))),
    }


def sweep(function, grid, store):
    """Return all results of a function that has seeds of its own on its last axis."""
    found = flux.sweep(function, grid, repeats=1, seed=None, store=store)
    return found.isel(repeat=0, drop=True)


def main():
    """Compute the table and store it next to this file."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    grid = {"n": SIZES, "width": WIDTHS, "steps": STEPS, "network": range(NETWORKS)}
    errors = sweep(error, grid, folder / "estimators_errors.sqlite")
    cells = [
        bias_and_rms(n, width, steps, errors.sel(n=n, width=width, steps=steps))
        for n in SIZES
        for width in WIDTHS
        for steps in STEPS
    ]
    intervals = []
    for kind, sizes in KINDS.items():
        for n in sizes:
            lengths = [steps for steps in STEPS[:3] if n * steps < LARGEST]
            held = sweep(
                partial(interval, kind=kind, n=n),
                {"steps": lengths, "recording": range(RECORDINGS)},
                folder / f"estimators_{kind}_{n}.sqlite",
            )
            intervals += [coverage(kind, n, steps, held.sel(steps=steps)) for steps in lengths]
    intervals.sort(key=lambda cell: cell["steps"])
    table = {
        "networks": NETWORKS,
        "recordings": RECORDINGS,
        "cells": cells,
        "n16": large_network(),
        "intervals": intervals,
    }
    Path(__file__).with_name("estimators.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
