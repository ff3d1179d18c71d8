"""Autoregressive laws: logistic regressions as others find them, normalized, above the entropy."""

import numpy as np
import pytest
from scipy.optimize import minimize

import flux
from flux.large import autoregressive as ar


def law_and_states(n, width, seed, *, biased=False):
    rng = np.random.default_rng(seed)
    W = flux.gaussian_weights(n, rng=rng, width=width)
    law = flux.solve(W, rng.standard_normal(n) if biased else None)
    return flux.stationary_distribution(law), flux.all_states(n), flux.exact_flux(law).H


def smallest_cross_entropy(F, x, pi):
    """-E log2 sigma(2 x f) at its smallest over linear f = F a, by another optimizer."""

    def loss(a):
        return pi @ np.logaddexp(0, -2 * x * (F @ a)) / np.log(2)

    return minimize(loss, np.zeros(F.shape[1]), method="BFGS", options={"gtol": 1e-9}).fun


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("width", [0.3, 1.0])
def test_each_factor_is_the_best_logistic_regression(biased, width):
    """Of linear fields, and of fields with all products up to three; a step short of 1e-4 bits."""
    pi, x, H = law_and_states(6, width, 1, biased=biased)
    law = ar.fit_autoregression(x, x, biased=biased, weights=pi)
    for q, orders in ((law._replace(products=()), (1,)), (law, (1, 3))):
        expected = 0.0
        for i in range(6):
            words = [w for k in orders for w in ar.combinations(range(i), k)]
            if biased:
                words += [
                    w for k in (0, *range(2, max(orders))) for w in ar.combinations(range(i), k)
                ]
            F = np.array([x[:, list(w)].prod(1) for w in words] or [0 * x[:, 0]]).T
            expected += smallest_cross_entropy(F, x[:, i], pi)
        found = pi @ ar.surprise(q, x)
        assert found >= H - 1e-12
        assert expected - 1e-6 < found < expected + 6e-4
    assert found < pi @ ar.surprise(law._replace(products=()), x)


def test_four_neurons_without_bias_have_no_other_law():
    """Pairs and the product of all four are all even moments: q is the law itself."""
    pi, x, H = law_and_states(4, 1.0, 2)
    law = ar.fit_autoregression(x, x, biased=False, weights=pi)
    assert pi @ ar.surprise(law, x) == pytest.approx(H, abs=1e-4)
    np.testing.assert_allclose(np.exp2(-ar.surprise(law, x)), pi, rtol=0.02)


@pytest.mark.parametrize("biased", [False, True])
def test_law_is_normalized(biased):
    pi, x, _ = law_and_states(7, 1.5, 3, biased=biased)
    rng = np.random.default_rng(4)
    drawn = x[rng.choice(len(x), 4000, p=pi)]
    law = ar.fit_autoregression(drawn[:3000], drawn[3000:], biased=biased)
    assert any(len(product.words) for product in law.products)
    assert np.exp2(-ar.surprise(law, x)).sum() == pytest.approx(1, abs=1e-5)


def test_gauge_flips_change_nothing():
    pi, x, _ = law_and_states(6, 1.0, 5, biased=True)
    rng = np.random.default_rng(6)
    drawn = x[rng.choice(len(x), 3000, p=pi)]
    flips = np.array([1, -1, -1, 1, -1, 1], np.int8)
    plain = ar.fit_autoregression(drawn[:2000], drawn[2000:], biased=True)
    flipped = ar.fit_autoregression(flips * drawn[:2000], flips * drawn[2000:], biased=True)
    np.testing.assert_allclose(ar.surprise(flipped, flips * x), ar.surprise(plain, x), rtol=1e-4)


def test_noise_gets_no_products():
    rng = np.random.default_rng(7)
    x = 2 * rng.integers(0, 2, (8000, 9), np.int8) - np.int8(1)
    law = ar.fit_autoregression(x[:6000], x[6000:], biased=False)
    assert sum(len(product.words) for product in law.products) <= 84
    fresh = 2 * rng.integers(0, 2, (20_000, 9), np.int8) - np.int8(1)
    assert ar.surprise(law, fresh).mean() == pytest.approx(9, abs=0.02)


def test_few_samples_of_many_neurons_are_pulled_to_nothing():
    """With fewer samples than coefficients the law is little worse than that of no coupling."""
    rng = np.random.default_rng(8)
    x = 2 * rng.integers(0, 2, (400, 300), np.int8) - np.int8(1)
    law = ar.fit_autoregression(x[:300], x[300:], biased=False)
    fresh = 2 * rng.integers(0, 2, (1000, 300), np.int8) - np.int8(1)
    assert 300 - 1e-6 < ar.surprise(law, fresh).mean() < 360
