"""The exact flux: against the oracle, closed forms, invariances, bounds, and what is refused."""

import time

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import CASES, arrays, biases, draw, flipped, networks, oracle, tolerance, weights
from scipy import sparse
from scipy.special import expit

import flux
from flux.exact.flux import lagged_fluxes
from flux.model.information import field_entropy


@pytest.mark.parametrize("name", CASES)
def test_matches_the_oracle(name):
    I, H, D, *_ = oracle(name)
    np.testing.assert_allclose(
        flux.exact_flux(*arrays(name)), (I, H, D), rtol=0, atol=tolerance(name)
    )


@pytest.mark.parametrize("lag", [2, 3, 7])
@pytest.mark.parametrize(
    "name", ["zero row", "width 3", "rooks with bias", "line", "metastable, 12"]
)
def test_lagged_flux_matches_the_oracle(name, lag):
    W, b = CASES[name]
    I, H, D, *_ = oracles.flux(W, b, lag)
    np.testing.assert_allclose(flux.exact_flux(W, b, lag), (I, H, D), rtol=0, atol=1e-9)


def test_several_lags_at_once_are_those_one_by_one():
    W, b = weights(6, 1, 3, density=0.3), biases(6, 1, 3)
    lags = [1, 2, 5, 6, 40]
    together = lagged_fluxes(flux.solve(W, b), lags)
    alone = [flux.exact_flux(W, b, lag) for lag in lags]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-13)
    assert together[0] == flux.exact_flux(W, b)


# --- closed forms --------------------------------------------------------------------------------


@pytest.mark.parametrize("strength", [0.3, 2.0, 10.0, 800.0])
@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_rooks_have_their_closed_form(n, strength):
    W = flux.nrooks(n, rng=np.random.default_rng(n), strength=strength)
    I, H, D = flux.exact_flux(W)
    divergence = n * float(field_entropy(np.array(strength)))
    assert H == pytest.approx(n, rel=1e-14)
    assert D == pytest.approx(divergence, rel=1e-12, abs=1e-13 * n)
    assert I == pytest.approx(n - divergence, rel=1e-12)


def test_ten_thousand_rooks():
    W = flux.nrooks(10_000, rng=np.random.default_rng(1), strength=3.0)
    per_neuron = 1 - float(field_entropy(np.array(3.0)))
    assert flux.exact_flux(W).I == pytest.approx(10_000 * per_neuron, rel=1e-12)
    assert flux.exact_flux(sparse.csr_array(W)).I == pytest.approx(10_000 * per_neuron, rel=1e-12)


def test_lag_of_two_rooks_is_a_squared_channel():
    """Two steps of a noisy copy with error q err with 2 q (1 - q)."""
    q = expit(-1.5)
    error = 2 * q * (1 - q)
    expected = 6 * (1 - float(flux.binary_entropy(error)))
    W = flux.nrooks(6, rng=np.random.default_rng(2), strength=1.5)
    assert flux.exact_flux(W, lag=2).I == pytest.approx(expected, rel=1e-13)


# --- invariances and bounds ----------------------------------------------------------------------


@given(networks)
@settings(max_examples=60, deadline=None)
def test_bounds(network):
    W, b = draw(network)
    I, H, D = flux.exact_flux(W, b)
    assert -1e-12 <= I <= H + 1e-12
    assert -1e-12 <= D
    assert H <= len(W) + 1e-12
    assert I == H - D
    assert flux.exact_flux(W, b, lag=2).I <= I + 1e-10


@given(networks)
@settings(max_examples=40, deadline=None)
def test_relabelling_and_gauge_flips_change_nothing(network):
    W, b = draw(network)
    turned, turned_b, _, _ = flipped(W, b, network[-1])
    np.testing.assert_allclose(
        flux.exact_flux(turned, turned_b), flux.exact_flux(W, b), rtol=0, atol=1e-10
    )


@given(networks, networks)
@settings(max_examples=25, deadline=None)
def test_fluxes_of_separate_networks_add(first, second):
    W1, b1 = draw(first)
    W2, b2 = draw(second)
    both = np.zeros((len(W1) + len(W2),) * 2)
    both[: len(W1), : len(W1)], both[len(W1) :, len(W1) :] = W1, W2
    b = None
    if b1 is not None or b2 is not None:
        b = np.concatenate(
            [np.zeros(len(W1)) if b1 is None else b1, np.zeros(len(W2)) if b2 is None else b2]
        )
    apart = np.add(flux.exact_flux(W1, b1), flux.exact_flux(W2, b2))
    np.testing.assert_allclose(flux.exact_flux(both, b), apart, rtol=0, atol=1e-10)


@given(st.integers(2, 6), st.floats(0.1, 6), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_no_network_within_the_l1_bound_beats_rooks(n, bound, seed):
    W = weights(n, 1.0, seed)
    W *= bound / np.abs(W).sum(1, keepdims=True)
    rooks = n * (1 - float(field_entropy(np.array(bound))))
    assert flux.exact_flux(W).I <= rooks + 1e-12


def test_sparse_and_dense_weights_agree():
    W = weights(8, 1, 5, density=0.3)
    for kind in (sparse.csr_array, sparse.csc_matrix, sparse.coo_array):
        assert flux.exact_flux(kind(W)) == flux.exact_flux(W)


# --- refusals ------------------------------------------------------------------------------------


def test_too_large_networks_are_refused_at_once():
    start = time.perf_counter()
    with pytest.raises(flux.TooLargeError, match=r"60 connected neurons.*bytes.*simulate_chains"):
        flux.exact_flux(weights(60, 1, 1))
    with pytest.raises(flux.TooLargeError, match="18 connected neurons"):
        flux.exact_flux(weights(18, 1, 1), lag=2)
    # minutes of work or gigabytes of memory would show here; the limit itself is no benchmark
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize("lag", [0, -1, 1.5, "two", True])
def test_bad_lags_are_named(lag):
    with pytest.raises(ValueError, match="lag must be an integer at least 1"):
        flux.exact_flux(np.eye(2), lag=lag)
