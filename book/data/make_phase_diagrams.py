"""Make the stored result of the chapter *Phase diagrams of flux*: one sweep of 10 080 networks.

python book/data/make_phase_diagrams.py [FOLDER]   writes phase_diagrams.nc; minutes on two cores

A run that was stopped goes on where it was: its store lies in FOLDER, by default the current one.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

import flux

HERE = Path(__file__).parent
GRID = {
    "width": [0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0],
    "density": [0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0],
    "balance": [-1.0, -0.5, 0.0, 0.5, 1.0],
}
REPEATS = 24


class Point(NamedTuple):
    """Exact values of a network, and what its map without noise does."""

    I: float
    H: float
    D: float
    c_rms: float
    mean_period: float


def measure(*, rng: np.random.Generator, width: float, density: float, balance: float) -> Point:
    """Return what is drawn in the chapter, for one network of 8 neurons."""
    W = flux.gaussian_weights(8, rng=rng, width=width, density=density, balance=balance)
    law = flux.solve(W)
    c_rms = flux.rms_correlation(flux.exact_correlation(law))
    attractors = flux.find_attractors(W, ties="keep")
    return Point(*flux.exact_flux(law), c_rms, flux.mean_period(attractors, "state"))


if __name__ == "__main__":
    store = Path(sys.argv[1] if len(sys.argv) > 1 else ".") / "phase_diagrams.sqlite"
    found = flux.sweep(measure, GRID, repeats=REPEATS, seed=1, store=store)
    # five digits are enough to draw
    single = {name: {"dtype": "float32"} for name in found}
    found.to_netcdf(HERE / "phase_diagrams.nc", encoding=single, engine="scipy")
