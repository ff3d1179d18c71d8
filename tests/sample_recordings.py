"""Recordings that tests of several modules make."""

import runpy
from functools import cache
from pathlib import Path

import numpy as np

from flux.model.ensembles import gaussian_weights
from flux.model.simulation import simulate


def spins(rng, *shape, on=0.5):
    return (2 * (rng.random(shape) < on) - 1).astype(np.int8)


def network(n, steps, *, seed=1, width=1.0):
    W = gaussian_weights(n, rng=np.random.default_rng(seed), width=width)
    trace = simulate(W, steps, rng=np.random.default_rng(seed + 1), burn_in=1000, progress=False)
    return W, trace


def sparse_recording(kind, n, steps, seed):
    """Neurons on in 1 to 5 % of the bins, as the table of the chapter has them."""
    rng = np.random.default_rng([n, seed])
    W, b = maker()["network"](kind, n, rng)
    return W, b, simulate(W, steps, rng=rng, b=b, burn_in=1000, progress=False)


@cache
def maker():
    return runpy.run_path(Path(__file__).parents[1] / "book" / "data" / "make_estimators.py")


def coupled(rng, *shape):
    """Spins that hear their neighbour's last step, so that correlations are not all near 0."""
    x = spins(rng, *shape, on=0.4)
    follow = rng.random(x[..., 1:, 1:].shape) < 0.3
    x[..., 1:, 1:] = np.where(follow, x[..., :-1, :-1], x[..., 1:, 1:])
    return x
