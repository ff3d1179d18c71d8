"""Exact correlations: against the oracle, closed forms, invariances, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from networks import CASES, arrays, draw, flipped, networks, oracle, tolerance, weights
from scipy import sparse

import flux


@pytest.mark.parametrize("name", CASES)
def test_matches_the_oracle(name):
    *_, rms, C = oracle(name)
    found = flux.exact_correlation(*arrays(name))
    np.testing.assert_allclose(found, np.array(C, float), rtol=0, atol=1e-9)
    assert flux.rms_correlation(found) == pytest.approx(rms, abs=tolerance(name))


@pytest.mark.parametrize("strength", [0.3, 2.0, 10.0, 800.0])
@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_rooks_have_their_closed_form(n, strength):
    """Each neuron correlates with the one it hears, by +-tanh(w / 2), and with no other."""
    W = flux.nrooks(n, rng=np.random.default_rng(n), strength=strength)
    expected = np.tanh(strength / 2) * np.sign(W)
    np.testing.assert_allclose(flux.exact_correlation(W), expected, rtol=1e-12, atol=0)


def test_silent_neurons_correlate_with_nothing():
    C = flux.exact_correlation(weights(4, 1, 1), [0.0, 2000.0, 0.0, 0.0])
    assert not C[1].any()
    assert not C[:, 1].any()
    assert C[0, 2] != 0


@given(networks)
@settings(max_examples=40, deadline=None)
def test_relabelling_and_gauge_flips_turn_the_correlations_too(network):
    W, b = draw(network)
    turned, turned_b, order, turn = flipped(W, b, network[-1])
    expected = (turn[:, None] * flux.exact_correlation(W, b) * turn)[np.ix_(order, order)]
    np.testing.assert_allclose(flux.exact_correlation(turned, turned_b), expected, atol=1e-9)


def test_too_large_networks_are_refused_before_any_work(monkeypatch):
    monkeypatch.setattr("flux.exact.law._solve_part", None)
    with pytest.raises(flux.TooLargeError, match="60 connected neurons"):
        flux.exact_correlation(weights(60, 1, 1))
    W = sparse.block_diag([weights(5, 1, 1), sparse.eye_array(10**6)])
    with pytest.raises(flux.TooLargeError, match="correlation matrix of n = 1000005"):
        flux.exact_correlation(W)
