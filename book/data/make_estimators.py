"""Bias and rms error of every estimator of the flux; writes estimators.json.

Run from anywhere: python book/data/make_estimators.py (some minutes).
"""

import json
import warnings
from pathlib import Path

import numpy as np

import flux
from flux.entropies import FLUX_METHODS

METHODS = [*FLUX_METHODS, "model"]
SIZES = [4, 6, 8, 10]
WIDTHS = [0.3, 1.0, 3.0]
STEPS = [1_000, 10_000, 100_000, 1_000_000]
NETWORKS = 12


def estimate(W, x):
    """Return the flux by every method, with the weights known (`model`) last."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fluxes = [flux.sample_flux(x, method=method).I for method in METHODS[:-1]]
        return [*fluxes, flux.model_flux(W, x).I]


def errors(n, width, steps):
    """Return estimate less exact flux: (networks, methods), one recording a network."""
    differences = []
    for network in range(NETWORKS):
        rng = np.random.default_rng([n, round(10 * width), network])
        W = flux.gaussian_weights(n, rng=rng, width=width)
        x = flux.simulate(W, steps, rng=rng, burn_in=1_000, progress=False)
        differences.append(np.array(estimate(W, x)) - flux.exact_flux(W).I)
    return np.array(differences)


def large_network():
    """Return the exact flux of 16 neurons and its estimates from 10^6 steps."""
    rng = np.random.default_rng(16)
    W = flux.gaussian_weights(16, rng=rng)
    x = flux.simulate(W, 1_000_000, rng=rng, burn_in=1_000, progress=False)
    estimates = dict(zip(METHODS, np.round(estimate(W, x), 4).tolist(), strict=True))
    return {"exact": round(float(flux.exact_flux(W).I), 4), **estimates}


def main():
    """Compute the table and store it next to this file."""
    cells = []
    for n in SIZES:
        for width in WIDTHS:
            for steps in STEPS:
                error = errors(n, width, steps)
                bias, rms = error.mean(0), np.sqrt((error**2).mean(0))
                cells.append(
                    {
                        "n": n,
                        "width": width,
                        "steps": steps,
                        "bias": dict(zip(METHODS, bias.round(5).tolist(), strict=True)),
                        "rms": dict(zip(METHODS, rms.round(5).tolist(), strict=True)),
                    }
                )
    table = {"networks": NETWORKS, "cells": cells, "n16": large_network()}
    Path(__file__).with_name("estimators.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
