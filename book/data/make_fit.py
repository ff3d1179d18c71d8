"""Fitted fluxes of many random networks, and checks of misfit on recordings of many kinds.

Writes fit_coverage.json and fit_misfit.json, recording by recording, and goes on where it was
stopped. To compute all anew, remove the files first. Run from anywhere:
python book/data/make_fit.py coverage, and python book/data/make_fit.py misfit.
"""

import json
import sys
import warnings
from itertools import product
from pathlib import Path

import numpy as np

import flux

RECORDINGS = 100
# neurons and steps, each dense and sparse
COVERAGE = [
    (kind, n, steps)
    for n, steps in [(6, 1_000), (10, 2_000), (10, 20_000), (16, 50_000)]
    for kind in ("dense", "sparse")
]
COVERAGE_COLUMNS = ["truth", "I", "I_se", "lower", "upper", "bias", "plugin", "alarm"]
# what made the recording, neurons and steps
MISFIT = [
    ("model, dense", 8, 5_000),
    ("model, sparse", 8, 5_000),
    ("two steps", 8, 5_000),
    ("refractory", 10, 6_000),
    ("drift", 8, 5_000),
    ("model, 50 trials", 8, 5_000),
]
MISFIT_COLUMNS = ["two_steps", "equal_time", "drift", "own_past", "found"]


def network(kind, n, rng):
    """Return weights of width 1 and biases: neurons on half of the time, or in about 1 to 5 %.

    Sparse neurons have this chance while all are silent, and seldom fire twice in a row.
    """
    W = flux.gaussian_weights(n, rng=rng)
    if kind == "dense":
        return W, rng.normal(0, 0.5, n)
    np.fill_diagonal(W, -2.0)
    rate = np.exp(rng.uniform(np.log(0.01), np.log(0.05), n))
    return W, np.log(rate / (1 - rate)) + W.sum(1)


def covered(kind, n, steps, recording):
    """Return the truth and what `fitted_flux` and counting make of one recording."""
    rng = np.random.default_rng([*kind.encode(), n, steps, recording])
    W, b = network(kind, n, rng)
    truth = flux.exact_flux(W, b, progress=False).I
    x = flux.simulate(W, steps, rng=rng, b=b, burn_in=300, progress=False)
    found = flux.fitted_flux(x, rng=rng, simulations=20, progress=False)
    plugin = flux.sample_flux(x).I
    return [truth, found.I, found.I_se, found.lower, found.upper, found.bias, plugin,
            int(found.misfit.found)]  # fmt: skip


def recorded(kind, n, steps, rng):
    """Return a recording of one of the kinds."""
    W, b = network("sparse" if "sparse" in kind else "dense", n, rng)
    if kind == "model, 50 trials":
        return flux.simulate_chains(W, steps // 50, 50, rng=rng, b=b, burn_in=300)
    if kind.startswith("model"):
        return flux.simulate(W, steps, rng=rng, b=b, burn_in=300, progress=False)
    if kind == "refractory":
        return refractory_spikes(n, steps, rng)
    # a second weight matrix for the state before the last; biases that move by 1 over the time
    earlier = flux.gaussian_weights(n, rng=rng, width=0.5) * (kind == "two steps")
    ramp = np.outer(np.linspace(-0.5, 0.5, steps), rng.choice([-1, 1], n)) * (kind == "drift")
    x = np.ones((steps, n), np.int8)
    for t in range(2, steps):
        u = W @ x[t - 1] + earlier @ x[t - 2] + b + ramp[t]
        x[t] = 2 * (rng.random(n) < 1 / (1 + np.exp(-u))) - 1
    return x[2:]


def refractory_spikes(n, bins, rng):
    """Return spikes of 20 to 60 Hz in bins of 5 ms: no neuron fires within 12 ms of a spike.

    Steps of 1 ms; a spike adds to the log rates of others, for about 10 ms.
    """
    rate = rng.uniform(0.02, 0.06, n)
    coupling = rng.normal(0, 0.3, (n, n))
    drive, last = np.zeros(n), np.full(n, -100)
    x = np.full((bins, n), -1, np.int8)
    for t in range(5 * bins):
        fires = (rng.random(n) < rate * np.exp(drive)) & (t - last > 12)
        last[fires] = t
        drive = 0.9 * drive + coupling @ fires
        x[t // 5, fires] = 1
    return x


def checked(kind, n, steps, recording):
    """Return the p-values of a fit to one recording, and the decision."""
    rng = np.random.default_rng([*kind.encode(), n, steps, recording])
    x = recorded(kind, n, steps, rng)
    fit = flux.fit_network(x, progress=False)
    found = flux.check_fit(fit, x, rng=rng, progress=False)
    return [found.two_steps, found.equal_time, found.drift, found.own_past, int(found.found)]


def main():
    """Compute one of the tables and store it next to this file, whenever a recording is done."""
    what = sys.argv[1] if len(sys.argv) > 1 else "coverage"
    cells, measure, columns = {
        "coverage": (COVERAGE, covered, COVERAGE_COLUMNS),
        "misfit": (MISFIT, checked, MISFIT_COLUMNS),
    }[what]
    path = Path(__file__).with_name(f"fit_{what}.json")
    table = json.loads(path.read_text()) if path.exists() else {"columns": columns, "cells": []}
    warnings.simplefilter("ignore", UserWarning)
    own = {(c["kind"], c["n"], c["steps"]): c["rows"] for c in table["cells"]}
    for kind, n, steps in cells:
        if (kind, n, steps) not in own:
            own[kind, n, steps] = []
            new = {"kind": kind, "n": n, "steps": steps, "rows": own[kind, n, steps]}
            table["cells"].append(new)
    # one recording of each kind after the other: all grow alike
    for recording, cell in product(range(RECORDINGS), cells):
        if len(own[cell]) == recording:
            own[cell].append([float(f"{value:.5g}") for value in measure(*cell, recording)])
            path.write_text(json.dumps(table) + "\n")


if __name__ == "__main__":
    main()
