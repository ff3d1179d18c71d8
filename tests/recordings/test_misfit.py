"""Checks of misfit: sums of squares by plain loops, invariances, and what they find."""

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from flux import ArgumentError, Misfit, check_fit, fit_network, gaussian_weights, simulate
from flux.recordings.misfit import _statistics, mock_chains

Spins = NDArray[Any]
N = 4


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def network(seed: int = 1) -> tuple[Spins, Spins]:
    return gaussian_weights(N, rng=rng(seed)), rng(seed).normal(0, 0.5, N)


def recording(steps: int = 1500, seed: int = 1) -> Spins:
    W, b = network(seed)
    return simulate(W, steps, rng=rng(seed), b=b, burn_in=100)


def check(x: Any, seed: int = 1, **options: Any) -> Misfit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return check_fit(fit_network(x, penalty=1.0), x, rng=rng(seed), simulations=40, **options)


def test_statistics_are_those_of_plain_loops() -> None:
    W, b = network()
    x = recording(300)
    chains = [x[:120], x[120:140], x[140:]]
    residual, weight, before, start = [], [], [], []
    for chain in chains:
        for t in range(len(chain) - 1):
            p = expit(W @ chain[t] + b)
            residual.append((chain[t + 1] > 0) - p)
            weight.append(p * (1 - p))
            before.append(chain)
            start.append(t)
    mean = np.concatenate([chain[:-1] for chain in chains]).mean(0)
    total, steps = np.zeros(4), len(residual)

    def past(k: int) -> tuple[Spins, Spins, Spins]:
        """Return residuals, states k steps before the last, and weights, where there are such."""
        kept = [s for s in range(steps) if start[s] >= k]
        old = [before[s][start[s] - k] - mean for s in kept]
        return np.array(residual)[kept], np.array(old), np.array(weight)[kept]

    r, old, w = past(1)
    for i in range(N):
        for j in range(N):
            top = sum(r[s, i] * old[s, j] for s in range(len(r)))
            total[0] += top**2 / (w[:, i].sum() * np.mean(old[:, j] ** 2))
    r, w = np.array(residual), np.array(weight)
    for i in range(N):
        for j in range(i):
            total[1] += (r[:, i] @ r[:, j]) ** 2 / (w[:, i] @ w[:, j])
        for part in np.array_split(np.arange(steps), 10):
            total[2] += r[part, i].sum() ** 2 / w[part, i].sum()
    for k in range(1, 6):
        r, old, w = past(k)
        total[3] += np.sum((r * old).sum(0) ** 2 / (w * old**2).sum(0))
    found = _statistics(chains, W, b)
    np.testing.assert_allclose(found[[0, 1, 3]], total[[0, 1, 3]], rtol=1e-4)
    # steps that do not divide by ten may fall into either tenth
    np.testing.assert_allclose(found[2], total[2], rtol=0.3)


def test_flips_and_relabelling_change_nothing() -> None:
    W, b = network()
    x, sign, order = recording(), np.array([1, -1, -1, 1]), np.array([2, 0, 3, 1])
    plain = _statistics([x], W, b)
    np.testing.assert_allclose(
        _statistics([x * sign], W * np.outer(sign, sign), b * sign), plain, rtol=1e-4
    )
    np.testing.assert_allclose(
        _statistics([x[:, order]], W[np.ix_(order, order)], b[order]), plain, rtol=1e-4
    )


def test_mock_chains_begin_and_last_like_their_models() -> None:
    x = recording(300)
    chains = [x[:120], x[120:140], x[140:]]
    W, b = network()
    mock = mock_chains(chains, W, b, rng())
    assert [m.shape for m in mock] == [c.shape for c in chains]
    for chain, copy in zip(chains, mock, strict=True):
        np.testing.assert_array_equal(chain[0], copy[0])
    assert not np.array_equal(mock[0], chains[0])


def test_p_values_of_the_model_are_even() -> None:
    """30 recordings, 120 p-values: mean 1/2 within 4 standard errors, none far too small."""
    p = np.array([check(recording(600, seed), seed)[:4] for seed in range(30)])
    assert abs(p.mean() - 0.5) < 4 * np.sqrt(1 / 12 / 60)  # checks of one recording go together
    assert p.min() > 1e-5
    assert (p < 0.05).mean() < 0.15


def test_memory_of_two_steps_is_found() -> None:
    (W, b), draw = network(), rng()
    x = np.ones((2000, N), np.int8)
    for t in range(2, 2000):
        u = W @ x[t - 1] + b + 0.7 * np.roll(x[t - 2], 1)
        x[t] = 2 * (draw.random(N) < expit(u)) - 1
    found = check(x)
    assert found.found
    assert found.two_steps < 1e-10
    assert "larger bins, or a larger lag" in found.text
    assert f"(p = {found.two_steps:.2g})" in found.text


def test_common_input_is_found() -> None:
    (W, b), draw = network(), rng()
    x = np.ones((2000, N), np.int8)
    for t in range(1, 2000):
        u = W @ x[t - 1] + b + draw.normal()
        x[t] = 2 * (draw.random(N) < expit(u)) - 1
    found = check(x)
    assert found.equal_time < 1e-10
    assert found.two_steps > 1e-4
    assert "smaller bins" in found.text


def test_drift_is_found() -> None:
    (W, b), draw = network(), rng()
    x = np.ones((2000, N), np.int8)
    for t in range(1, 2000):
        u = W @ x[t - 1] + b + np.array([1, -1, 0, 0]) * (t / 1000 - 1)
        x[t] = 2 * (draw.random(N) < expit(u)) - 1
    found = check(x)
    assert found.drift < 1e-4
    assert "stationary stretches" in found.text


def test_refractory_neurons_are_found() -> None:
    """Neurons that are silent for three steps after each spike."""
    draw, last = rng(), np.full(N, -9)
    x = np.full((3000, N), -1, np.int8)
    for t in range(3000):
        fires = (draw.random(N) < 0.2) & (t - last > 3)
        last[fires] = t
        x[t, fires] = 1
    found = check(x)
    assert found.own_past < 1e-10
    assert "bins longer" in found.text


def test_a_lag_is_taken_along() -> None:
    """A state that lasts two steps has memory at lag 1, and none at lag 2 of which to warn."""
    x = recording(1500).repeat(2, axis=0)
    assert check(x).two_steps < 1e-10
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fit = fit_network(x, lag=2, penalty=1.0)
    assert check_fit(fit, x, lag=2, rng=rng(), simulations=40).two_steps > 1e-4


def test_the_warning_says_what_was_found() -> None:
    x = recording(600).repeat(2, axis=0)
    fit = fit_network(x, penalty=1.0)
    with pytest.warns(UserWarning, match="^a network of one step did not make this recording: "):
        found = check_fit(fit, x, rng=rng(), simulations=20)
    assert found.gain == fit.heldout - fit.independent


def test_l1_fits_and_neurons_that_never_change_can_be_checked() -> None:
    x = recording(800)
    x[:, 1] = -1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fit = fit_network(x, penalty=5.0, norm="l1")
    assert not check_fit(fit, x, rng=rng(), simulations=20).found


def test_the_recording_must_be_that_of_the_fit() -> None:
    fit = fit_network(recording(200), penalty=1.0)
    with pytest.raises(ArgumentError, match="x must be the recording of the fit, of n = 4"):
        check_fit(fit, recording(200)[:, :3], rng=rng())
    with pytest.raises(ArgumentError, match="fit must be a result of fit_network"):
        check_fit((1, 2), recording(200), rng=rng())  # type: ignore[arg-type]
