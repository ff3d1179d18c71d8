"""Warnings name the line of the caller, from whatever depth they come."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import flux

RNG = np.random.default_rng(1)
COINS = 2 * RNG.integers(0, 2, (40, 4), dtype=np.int8) - 1
WIDE = 2 * RNG.integers(0, 2, (30, 40), dtype=np.int8) - 1
TRIALS = [COINS[:steps] for steps in (4, 30, 30, 30, 30, 30)]
DRIFT = np.where(RNG.random((2000, 2)) < np.linspace(0.1, 0.9, 2000)[:, None], 1, -1)
VALLEYS = np.ones((14, 14))

CALLS: dict[str, Callable[[], Any]] = {
    "sample_flux": lambda: flux.sample_flux(COINS),
    "transposed": lambda: flux.sample_flux(WIDE),
    "transposed, fit_network": lambda: flux.fit_network(WIDE, progress=False),
    "transposed, compare_flux": lambda: flux.compare_flux(
        WIDE, WIDE, rng=RNG, block=2, method="plugin", progress=False
    ),
    "undetermined": lambda: flux.fit_network(np.ones((50, 2)), progress=False),
    "misfit": lambda: flux.check_fit(
        flux.fit_network(DRIFT, progress=False), DRIFT, rng=RNG, progress=False
    ),
    "fitted_flux": lambda: flux.fitted_flux(DRIFT, rng=RNG, simulations=20, progress=False),
    "trials cut": lambda: flux.compare_flux(TRIALS, TRIALS, rng=RNG, progress=False),
    "metastable": lambda: flux.flux_interval(VALLEYS, rng=RNG, samples=2000, progress=False),
    "approximate_flux": lambda: flux.approximate_flux(
        VALLEYS, rng=RNG, samples=1000, progress=False
    ),
    "relays": lambda: flux.relay_order(COINS[:, 0], COINS[:, 1], COINS, rng=RNG),
    "spike trains": lambda: flux.spike_trains(COINS[:3] > 0, bin_width=1, row_width=1),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_warning_names_the_callers_line(name: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        CALLS[name]()
    assert caught
    assert {Path(warning.filename).name for warning in caught} == {Path(__file__).name}
