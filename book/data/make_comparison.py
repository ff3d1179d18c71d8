"""How often the test of two conditions finds a difference in flux, where there is one and not.

python book/data/make_comparison.py [FOLDER]   writes comparison.json; five minutes

A run that was stopped goes on: its stores lie in FOLDER, by default the current one.
"""

import json
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from scipy.optimize import brentq

import flux

N = 4
WIDTHS = [0.6]
"""Of the weights of the first network."""
STEPS = 50
UNITS = 40
"""Trials of the first condition, or blocks of time."""
RECORDINGS = 200
RESAMPLES = 39
SECOND = ["same", "flipped", "other", "x 1.1", "x 1.2"]
"""The second network: the first; with its spins flipped; another of the same flux; stronger."""
LAYOUTS = ["trials", "time"]


def second_network(kind, W, rng):
    """Return the weights of the second condition."""
    if kind == "same":
        return W
    if kind == "flipped":
        turn = rng.choice([-1.0, 1.0], N)
        return turn[:, None] * W * turn
    if kind == "other":
        wanted, other = flux.exact_flux(W).I, flux.gaussian_weights(N, rng=rng)
        # some networks have little flux at any strength
        while flux.exact_flux(6.0 * other).I <= wanted:
            other = flux.gaussian_weights(N, rng=rng)
        return other * brentq(lambda s: flux.exact_flux(s * other).I - wanted, 0.01, 6.0)
    return W * float(kind.split()[1])


def compare(*, layout, second, width, recording):
    """Return the true difference and what the test says; the second condition is twice as long."""
    rng = np.random.default_rng([round(10 * width), recording])
    W1 = flux.gaussian_weights(N, rng=rng, width=width)
    W2 = second_network(second, W1, rng)
    if layout == "trials":
        x1, x2 = (
            flux.simulate_chains(W, STEPS, k, rng=rng, burn_in=200, progress=False)
            for W, k in ((W1, UNITS), (W2, 2 * UNITS))
        )
    else:
        x1, x2 = (
            flux.simulate(W, STEPS * k, rng=rng, burn_in=200, progress=False)
            for W, k in ((W1, UNITS), (W2, 2 * UNITS))
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = flux.compare_flux(x1, x2, rng=rng, resamples=RESAMPLES, progress=False)
        counted = [flux.sample_flux(x).I for x in (x1, x2)]
    return {
        "truth": flux.exact_flux(W2).I - flux.exact_flux(W1).I,
        "difference": found.difference,
        "lower": found.lower,
        "upper": found.upper,
        "p_value": found.p_value,
        "counted": counted[1] - counted[0],
    }


def summary(layout, second, width, found):
    """Return how often a difference was found, and the interval held the truth."""
    held = (found.lower <= found.truth) & (found.truth <= found.upper)
    return {
        "layout": layout,
        "second": second,
        "width": width,
        "truth": round(float(found.truth.mean()), 4),
        "found": int((found.p_value <= 0.05).sum()),
        "held": int(held.sum()),
        "bias": round(float((found.difference - found.truth).mean()), 4),
        "counted_bias": round(float((found.counted - found.truth).mean()), 4),
        "length": round(float((found.upper - found.lower).mean()), 4),
    }


def main():
    """Compute the table and store it next to this file."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    cells = []
    for layout in LAYOUTS:
        found = flux.sweep(
            partial(compare, layout=layout),
            {"second": SECOND, "width": WIDTHS, "recording": range(RECORDINGS)},
            repeats=1,
            seed=None,
            store=folder / f"comparison_{layout}.sqlite",
        ).isel(repeat=0, drop=True)
        cells += [
            summary(layout, second, width, found.sel(second=second, width=width))
            for second in SECOND
            for width in WIDTHS
        ]
    table = {
        "n": N,
        "steps": STEPS,
        "units": UNITS,
        "recordings": RECORDINGS,
        "resamples": RESAMPLES,
        "cells": cells,
    }
    Path(__file__).with_name("comparison.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
