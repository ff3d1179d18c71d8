"""Fluxes of fitted networks: large recordings, intervals, bias, chains, and refusals."""

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from flux import (
    FittedFlux,
    exact_flux,
    fitted_flux,
    gaussian_weights,
    simulate,
)
from flux.large import fitted as fitted_module


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def network(n: int, seed: int = 1) -> tuple[NDArray[Any], NDArray[Any]]:
    return gaussian_weights(n, rng=rng(seed)), rng(seed).normal(0, 0.5, n)


def fitted(x: Any, seed: int = 1, **options: Any) -> FittedFlux:
    with warnings.catch_warnings():
        # so few simulations give false alarms
        warnings.filterwarnings("ignore", "a network of one step did not")
        return fitted_flux(x, rng=rng(seed), simulations=20, **options)


def test_long_recordings_give_the_exact_flux() -> None:
    W, b = network(4)
    found = fitted(simulate(W, 400_000, rng=rng(), b=b, burn_in=100))
    I, H, D = exact_flux(W, b)
    assert found.I == pytest.approx(I, abs=4 * found.I_se)
    assert found.I_se < 0.005
    assert (found.H, found.D) == (pytest.approx(H, abs=0.01), pytest.approx(D, abs=0.01))
    assert found.I == pytest.approx(found.H - found.D, abs=1e-12)
    np.testing.assert_allclose(found.W, W, atol=0.05)


def test_one_neuron_has_the_error_of_its_table() -> None:
    """By the delta method on the two transition probabilities, with derivatives by differences."""
    x = simulate([[1.0]], 4000, rng=rng(), b=[0.4])
    found = fitted(x)

    def flux_of(u: NDArray[Any]) -> float:
        return exact_flux([[(u[1] - u[0]) / 2]], [(u[1] + u[0]) / 2]).I

    on = np.array([np.sum((x[:-1] == a) & (x[1:] == 1)) for a in (-1, 1)]) + 0.5
    off = np.array([np.sum((x[:-1] == a) & (x[1:] == -1)) for a in (-1, 1)]) + 0.5
    u, h = np.log(on / off), 1e-4
    slope = np.array([(flux_of(u + h * e) - flux_of(u - h * e)) / (2 * h) for e in np.eye(2)])
    assert found.I + found.bias == pytest.approx(flux_of(u), abs=1e-9)
    assert found.I_se == pytest.approx(np.sqrt(slope**2 @ (1 / on + 1 / off)), rel=0.05)


def test_intervals_hold_the_truth() -> None:
    """40 networks: at least 33 of 40 by chance with 95 % (p < 1e-3 of less); rms by its error."""
    held, error, se = 0, [], []
    for seed in range(40):
        W, b = network(4, seed)
        x = simulate(W, 1000, rng=rng(seed), b=b, burn_in=100)
        truth, found = exact_flux(W, b).I, fitted(x, seed)
        held += found.lower <= truth <= found.upper
        error.append(found.I - truth)
        se.append(found.I_se)
    assert held >= 33
    assert 0.7 < np.sqrt(np.mean(np.square(error))) / np.sqrt(np.mean(np.square(se))) < 1.3
    assert abs(np.mean(error)) < 3 * np.std(error) / np.sqrt(40)


def test_no_flux_has_an_interval_that_begins_at_zero() -> None:
    """Without the bias removed, the flux of 100 coins' tosses is n^2 / (2 T ln 2) too high."""
    raw, found = [], []
    for seed in range(20):
        coins = 2 * rng(seed).integers(0, 2, (500, 4)) - 1
        one = fitted(coins, seed)
        assert one.lower == 0
        found.append(one.I)
        raw.append(one.I + one.bias)
    assert np.mean(raw) == pytest.approx(16 / (2 * 500 * np.log(2)), rel=0.25)
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(20)


def test_levels_nest() -> None:
    W, b = network(4)
    x = simulate(W, 500, rng=rng(), b=b)
    wide, narrow = fitted(x, level=0.99), fitted(x, level=0.5)
    assert wide.lower < narrow.lower < narrow.upper < wide.upper
    assert wide.I == narrow.I


def test_chains_and_lags_are_read_as_by_fit_network() -> None:
    W, b = network(3)
    x = simulate(W, 1200, rng=rng(), b=b)
    found = fitted([x[:500], x[500:501], x[501:]])
    assert found.I == pytest.approx(fitted(x).I, abs=found.I_se / 2)
    later = fitted(x, lag=2)
    assert later.I == pytest.approx(exact_flux(W, b, 2).I, abs=4 * later.I_se)


def test_neurons_that_never_change_and_are_foretold_have_finite_fluxes() -> None:
    W, b = network(5)
    x = simulate(W, 300, rng=rng(), b=b)
    x[:, 0] = -1
    x[1:, 2] = x[:-1, 3]
    found = fitted(x)
    assert np.isfinite([*found[:7]]).all()
    assert found.lower < found.I < found.upper
    assert found.W[:, 0].tolist() == [0.0] * 5
    assert found.W[2, 3] > 2


def test_misfit_is_never_silent() -> None:
    W, b = network(3)
    x = simulate(W, 500, rng=rng(), b=b).repeat(2, axis=0)
    with pytest.warns(UserWarning, match="did not make this recording.*; the flux is that of"):
        assert fitted_flux(x, rng=rng(), simulations=20).misfit.found


def test_beyond_exact_sizes_refits_tell_the_whole_error(monkeypatch: pytest.MonkeyPatch) -> None:
    W, b = network(6)
    x = simulate(W, 2000, rng=rng(), b=b, burn_in=100)
    exact = fitted(x)
    monkeypatch.setattr(fitted_module, "LARGEST", 5)
    near = fitted(x)
    assert near.I == pytest.approx(exact.I, abs=exact.I_se)
    assert 0.5 < near.I_se / exact.I_se < 2
    assert near.lower < exact_flux(W, b).I < near.upper
