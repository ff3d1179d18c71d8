"""The gradient of the flux: against differences of the oracle, closed forms, invariances."""

import time

import mpmath as mp
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import biases, weights
from scipy import sparse

import flux
from flux.exact import gradient


def rooks(n, strength, seed):
    return flux.nrooks(n, rng=np.random.default_rng(seed), strength=strength)


def oracle_flux(W, b):
    P = oracles.transitions(W, b)
    pi = oracles.stationary(P)
    return oracles.entropy(pi) - mp.fsum(
        p * oracles.entropy(row) for p, row in zip(pi, P, strict=True)
    )


def oracle_gradient(W, b):
    """Central differences at 50 digits: their error is of the order of 1e-30."""
    values = [mp.mpf(float(v)) for v in [*np.ravel(W), *b]]
    n, h = len(b), mp.mpf(10) ** -15

    def at(k, change):
        moved = [v + change * (i == k) for i, v in enumerate(values)]
        return oracle_flux([moved[n * i : n * i + n] for i in range(n)], moved[n * n :])

    slopes = np.array([float((at(k, h) - at(k, -h)) / (2 * h)) for k in range(n * n + n)])
    return slopes[: n * n].reshape(n, n), slopes[n * n :]


PAIRS = np.zeros((4, 4))
PAIRS[:2, :2], PAIRS[2:, 2:] = [[0, 2], [1, -1]], [[0, 1.5], [0, 0]]

CASES = {
    "one neuron": ([[1.5]], [0.3]),
    "no weights": (np.zeros((3, 3)), [0.3, 0.2, 1.0]),
    "width 0.01": (weights(3, 0.01, 1), None),
    "width 1": (weights(4, 1, 2), None),
    "width 1, bias": (weights(4, 1, 3), biases(4, 1, 3)),
    "width 10": (weights(3, 10, 4), None),
    "width 10, bias": (weights(3, 10, 5), biases(3, 3, 5)),
    "zero row, bias": ([[1, 2, 0], [0, 0, 0], [0, 1, 1]], [0.1, 0.3, 0.5]),
    "rooks": (rooks(4, 2.0, 6), None),
    "rooks, bias": (rooks(4, 2.5, 7), biases(4, 0.5, 7)),
    "rooks, strong": (rooks(3, 25.0, 8), None),
    "rooks, strong, bias": (rooks(3, 20.0, 9), biases(3, 1, 9)),
    "line, bias": (np.diag([1.0, -2.0, 1.5], -1), biases(4, 0.5, 10)),
    "unconnected parts": (PAIRS, None),
    "unconnected parts, bias": (PAIRS, biases(4, 0.7, 11)),
    "silent neuron": (weights(3, 1, 20), [0.3, -800.0, 0.5]),
    "silent network": (weights(3, 1, 21), [-900.0, -800.0, -800.0]),
    "metastable": (weights(3, 1, 12) + 12 * np.eye(3), None),
    "metastable, bias": (weights(3, 1, 13) + 30 * np.eye(3), biases(3, 0.5, 13)),
    "nearly periodic, bias": (weights(3, 0.1, 14) + 25 * np.roll(np.eye(3), 1, 0), [0.1, 0.2, 0.3]),
}


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_that_of_the_oracle(name):
    W, b = CASES[name]
    found = flux.flux_gradient(W, b)
    dW, db = oracle_gradient(W, np.zeros(len(W)) if b is None else b)
    # far better than the 1e-6 that optimization needs, even where derivatives are as small as 1e-9
    np.testing.assert_allclose(found.dW, dW, rtol=1e-10, atol=1e-10 * np.abs(dW).max() + 1e-16)
    np.testing.assert_allclose(found.db, db, rtol=1e-10, atol=1e-10 * np.abs(db).max() + 1e-16)
    np.testing.assert_allclose(found.flux, flux.exact_flux(W, b), rtol=0, atol=1e-12)


@pytest.mark.parametrize("width", [0.1, 1.5, 8])
def test_five_neurons_along_one_direction(width):
    """All 30 derivatives would take the oracle a minute."""
    W, b, V, v = weights(5, width, 15), biases(5, 1, 15), weights(5, 1, 16), biases(5, 1, 16)
    h = mp.mpf(10) ** -15

    def along(step):
        moved = [mp.mpf(x) + step * mp.mpf(y) for x, y in zip(W.flat, V.flat, strict=True)]
        bias = [mp.mpf(x) + step * mp.mpf(y) for x, y in zip(b, v, strict=True)]
        return oracle_flux([moved[5 * i : 5 * i + 5] for i in range(5)], bias)

    found = flux.flux_gradient(W, b)
    slope = (found.dW * V).sum() + found.db @ v
    assert slope == pytest.approx(float((along(h) - along(-h)) / (2 * h)), rel=1e-10)


@pytest.mark.parametrize(
    ("n", "width", "biased"),
    [(9, 1, True), (9, 1, False), (8, 3, True), (9, 0.05, False), (8, 0.3, True)],
)
def test_iteration_agrees_with_elimination(monkeypatch, n, width, biased):
    W, b = weights(n, width, n), biases(n, 1, n) if biased else None
    direct = flux.flux_gradient(W, b)
    monkeypatch.setattr(gradient, "SMALL", 1)
    monkeypatch.setattr(gradient, "ROWS", 1024)
    iterated = flux.flux_gradient(W, b)
    np.testing.assert_allclose(iterated.dW, direct.dW, rtol=0, atol=gradient.ALLOWED)
    np.testing.assert_allclose(iterated.db, direct.db, rtol=0, atol=gradient.ALLOWED)


@pytest.mark.parametrize("biased", [True, False])
def test_large_networks_against_differences_of_the_flux(biased):
    W, b = weights(11, 0.7, 17), biases(11, 0.5, 17) if biased else None
    V, h = weights(11, 1, 18), 1e-3
    slope = (flux.flux_gradient(W, b).dW * V).sum()
    near, far = (
        (flux.exact_flux(W + s * V, b).I - flux.exact_flux(W - s * V, b).I) / (2 * s)
        for s in (h, 2 * h)
    )
    assert slope == pytest.approx((4 * near - far) / 3, abs=1e-6)


# --- closed forms and invariances ----------------------------------------------------------------


@pytest.mark.parametrize("n", [3, 400])
def test_rooks_have_their_closed_form(n):
    """I = sum_i 1 - h2(sigma(w_i)) for rooks of any strengths: dI/dw = w sigma'(w) / ln 2."""
    W, w = rooks(n, 2.5, n), 2.5
    found = flux.flux_gradient(W)
    slope = w / (2 + 2 * np.cosh(w)) / np.log(2)
    np.testing.assert_allclose(found.dW, slope * np.sign(W), rtol=0, atol=1e-14)
    assert not found.db.any()


def test_a_long_line_with_bias_is_the_same_as_its_parts_joined():
    """A weight of 1e-9 joins the lines into one part, which elimination then solves."""
    W, b = np.diag([2.0, -1.0, 0, 1.5, -2.5], -1), biases(6, 1, 19)
    W[0, 2] = 1.2  # a ring, and a line
    joined = W.copy()
    joined[0, 5] = 1e-9
    apart, together = flux.flux_gradient(W, b), flux.flux_gradient(joined, b)
    np.testing.assert_allclose(apart.dW, together.dW, rtol=0, atol=1e-8)
    np.testing.assert_allclose(apart.db, together.db, rtol=0, atol=1e-8)


networks = st.tuples(
    st.integers(2, 6), st.floats(0.05, 8), st.floats(0.3, 1), st.booleans(), st.integers(0, 10**6)
)


def draw(network):
    n, width, density, biased, seed = network
    return weights(n, width, seed, density=density), biases(n, 1, seed) if biased else None


@given(networks)
@settings(max_examples=40, deadline=None)
def test_relabelling_and_gauge_flips_turn_the_gradient_with_the_network(network):
    W, b = draw(network)
    rng = np.random.default_rng(network[-1])
    order, turn = rng.permutation(len(W)), rng.choice([-1.0, 1.0], len(W))
    found = flux.flux_gradient(W, b)
    turned = flux.flux_gradient(
        (turn[:, None] * W * turn)[np.ix_(order, order)], None if b is None else (turn * b)[order]
    )
    expected = (turn[:, None] * found.dW * turn)[np.ix_(order, order)]
    np.testing.assert_allclose(turned.dW, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(turned.db, (turn * found.db)[order], rtol=0, atol=1e-12)


@given(networks)
@settings(max_examples=20, deadline=None)
def test_no_bias_is_a_stationary_point_of_the_bias(network):
    W, _ = draw(network)
    assert not flux.flux_gradient(W).db.any()
    # the unfolded chain, which a bias too small to matter makes, agrees
    close = flux.flux_gradient(W, np.full(len(W), 1e-14))
    np.testing.assert_allclose(close.db, 0, rtol=0, atol=1e-11)
    np.testing.assert_allclose(close.dW, flux.flux_gradient(W).dW, rtol=0, atol=1e-11)


def test_sparse_and_dense_weights_agree():
    W = weights(7, 1, 5, density=0.3)
    dense, thin = flux.flux_gradient(W), flux.flux_gradient(sparse.csr_array(W))
    assert dense.flux == thin.flux
    assert np.array_equal(dense.dW, thin.dW)


# --- refusals ------------------------------------------------------------------------------------


def test_too_large_networks_are_refused_at_once():
    start = time.perf_counter()
    with pytest.raises(flux.TooLargeError, match="60 connected neurons"):
        flux.flux_gradient(weights(60, 1, 1))
    with pytest.raises(flux.TooLargeError, match="gradient by all weights of n = 1000000"):
        flux.flux_gradient(sparse.eye_array(10**6))
    assert time.perf_counter() - start < 20


def test_slow_networks_beyond_elimination_are_refused():
    with pytest.raises(flux.ConvergenceError, match="too slowly for the gradient"):
        flux.flux_gradient(weights(11, 1, 3) + 15 * np.eye(11))


def test_weights_beyond_double_range_are_refused():
    with pytest.raises(flux.ConvergenceError, match="scale them down"):
        flux.flux_gradient(weights(4, 1, 20) + 700 * np.eye(4), biases(4, 1, 20))


@pytest.mark.parametrize(
    ("W", "b", "message"),
    [
        (np.zeros((2, 3)), None, "W must have shape"),
        ([[np.nan, 0], [0, 0]], None, "W must be finite"),
        (np.eye(2), [0, 0, 0], "b must have shape"),
    ],
)
def test_bad_networks_are_named(W, b, message):
    with pytest.raises(ValueError, match=message):
        flux.flux_gradient(W, b)
