"""Stationary samples: known autocorrelations, chains that agree or not, the law they follow."""

import numpy as np
import pytest

import flux
from flux.large.stationary_samples import ROUNDS, autocorrelation_time, draw_windows, split_r_hat


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_autocorrelation_time_of_an_autoregressive_series(rho):
    """tau = (1 + rho) / (1 - rho) for x(t+1) = rho x(t) + noise."""
    rng = np.random.default_rng(9)
    noise = rng.standard_normal((200, 2000, 3))
    x = np.zeros_like(noise)
    for t in range(1, 2000):
        x[:, t] = rho * x[:, t - 1] + noise[:, t]
    assert autocorrelation_time(x[:, 100:]) == pytest.approx((1 + rho) / (1 - rho), rel=0.1)


def test_split_r_hat_tells_mixed_chains_from_separate_ones():
    rng = np.random.default_rng(10)
    mixed = rng.standard_normal((50, 400, 2))
    assert split_r_hat(mixed) < 1.01
    assert split_r_hat(mixed + rng.standard_normal((50, 1, 2))) > 1.2
    assert split_r_hat(np.sign(rng.standard_normal((50, 1, 2))) + 0 * mixed) == np.inf
    assert split_r_hat(np.ones((5, 40, 1))) == 1


def test_windows_follow_the_exact_law():
    """Frequencies of the first and the last state of windows, by a chi-square of 31 degrees."""
    n, samples = 5, 20_000
    W = flux.gaussian_weights(n, rng=np.random.default_rng(1), width=0.7)
    b = np.random.default_rng(2).normal(size=n)
    windows, _ = draw_windows(W, b, samples, 3, np.random.default_rng(3))
    assert windows.shape == (samples // ROUNDS, ROUNDS, 3, n)
    expected = samples * flux.stationary_distribution(W, b)
    for place in (0, 2):
        counts = np.bincount(flux.encode(windows[:, :, place]).ravel(), minlength=32)
        assert ((counts - expected) ** 2 / expected).sum() < 62  # beyond once in a thousand times


def test_chains_that_disagree_are_told():
    with pytest.warns(UserWarning, match=r"chains disagree after 12800 steps \(split R-hat"):
        draw_windows(np.full((16, 16), 1.0), np.zeros(16), 1000, 2, np.random.default_rng(1))
