"""Exact laws and flux: against the oracle, closed forms, invariances, bounds, refusals."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.special import expit

import flux
from flux.exact import _chain as chain
from flux.exact import _elimination as stationary
from flux.exact import law as exact
from flux.model.information import field_entropy

POOL = ThreadPoolExecutor(2)


def weights(n, width, seed, **kinds):
    return flux.gaussian_weights(n, rng=np.random.default_rng(seed), width=width, **kinds)


def biases(n, width, seed):
    return np.random.default_rng(1000 + seed).normal(0, width, n)


def symmetric(n, width, seed):
    W = weights(n, width, seed)
    return (W + W.T) / 2


def with_silent_row(n, seed):
    W = weights(n, 1.0, seed)
    W[1] = 0
    return W


def dale(n, width, seed):
    """Every neuron excites all others, or inhibits all."""
    return np.abs(weights(n, width, seed)) * np.resize([1.0, -1.0, 1.0], n)


CASES = {
    "zero": (np.zeros((3, 3)), None),
    "one neuron": ([[1.5]], [0.3]),
    "width 0.1": (weights(6, 0.1, 1), None),
    "width 1, n = 6": (weights(6, 0.9, 2), biases(6, 1, 2)),
    "zero row": (with_silent_row(4, 3), None),
    "zero row, strong bias": (with_silent_row(4, 3), [0.0, 800.0, 0.0, 0.0]),
    "Dale": (dale(5, 1.0, 4), biases(5, 0.3, 4)),
    "symmetric": (symmetric(5, 1.0, 5), biases(5, 1, 5)),
    "rooks": (flux.nrooks(5, rng=np.random.default_rng(6), strength=2.0), None),
    "rooks with bias": (
        flux.nrooks(5, rng=np.random.default_rng(6), strength=2.5),
        biases(5, 1, 6),
    ),
    "line": (np.diag([1.0, -2.0, 3.0], -1), biases(4, 1, 7)),
    "line into a part": (
        np.array([[0, 2, 0, 0], [1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0.0]]),
        biases(4, 1, 8),
    ),
    "width 3": (weights(4, 3, 9), biases(4, 3, 9)),
    "width 10, n = 6": (weights(6, 10, 10), None),
    "width 20": (weights(4, 20, 11), None),
    "width 20, bias": (weights(4, 20, 12), biases(4, 20, 12)),
    "symmetric, strong": (symmetric(4, 10, 13), None),
    "Dale, strong": (dale(4, 10, 14), None),
    "rooks, strong": (flux.nrooks(4, rng=np.random.default_rng(15), strength=30.0), None),
    "rooks, strong, bias": (
        flux.nrooks(4, rng=np.random.default_rng(16), strength=60.0),
        biases(4, 5, 16),
    ),
    "metastable, 12": (weights(4, 1, 17) + 12 * np.eye(4), None),
    "metastable, 12, bias": (weights(4, 1, 18) + 12 * np.eye(4), biases(4, 1, 18)),
    "metastable, 100": (weights(3, 1, 19) + 100 * np.eye(3), biases(3, 1, 19)),
    "beyond double range": (weights(4, 1, 20) + 400 * np.eye(4), biases(4, 1, 20)),
    "nearly periodic": (weights(4, 0.1, 21) + 25 * np.roll(np.eye(4), 1, 0), None),
}


@pytest.mark.parametrize("name", CASES)
def test_matches_the_oracle(name):
    W, b = (np.asarray(a, float) if a is not None else None for a in CASES[name])
    I, H, D, pi, rms, C = oracles.flux(W, b)
    tolerance = 1e-12 if np.abs(W).max() <= 3 else 1e-9
    np.testing.assert_allclose(flux.exact_flux(W, b), (I, H, D), rtol=0, atol=tolerance)
    np.testing.assert_allclose(flux.stationary_distribution(W, b), pi, rtol=0, atol=tolerance)
    found = flux.exact_correlation(W, b)
    np.testing.assert_allclose(found, np.array(C, float), rtol=0, atol=1e-9)
    assert flux.rms_correlation(found) == pytest.approx(rms, abs=tolerance)


@pytest.mark.parametrize("lag", [2, 3, 7])
@pytest.mark.parametrize(
    "name", ["zero row", "width 3", "rooks with bias", "line", "metastable, 12"]
)
def test_lagged_flux_matches_the_oracle(name, lag):
    W, b = CASES[name]
    I, H, D, *_ = oracles.flux(W, b, lag)
    np.testing.assert_allclose(flux.exact_flux(W, b, lag), (I, H, D), rtol=0, atol=1e-9)


def test_transition_matrix_matches_the_oracle():
    W, b = CASES["width 3"]
    expected = np.array(oracles.transitions(W.tolist(), b.tolist()), float)
    np.testing.assert_allclose(flux.transition_matrix(W, b), expected, rtol=1e-13)


def test_rare_states_keep_their_relative_precision():
    W, b = CASES["width 20, bias"]
    pi = oracles.flux(W, b)[3]
    assert pi.min() < 1e-12
    np.testing.assert_allclose(flux.stationary_distribution(W, b), pi, rtol=1e-11)


# --- the ways to the stationary law agree with each other -------------------------------------


@pytest.mark.parametrize(("n", "width", "diagonal"), [(8, 1, 0), (9, 6, 0), (8, 1, 30), (8, 20, 0)])
@pytest.mark.parametrize("folded", [True, False])
def test_blocked_plain_and_extended_elimination_agree_in_every_entry(n, width, diagonal, folded):
    b = np.zeros(n) if folded else biases(n, 1, n)
    links = chain.make_chain(weights(n, width, n) + diagonal * np.eye(n), b, folded=folded)
    P = chain.dense_transitions(links)
    plain, _ = stationary.eliminate(P.copy())
    extended = stationary.solve_extended(*chain.extended_transitions(links, POOL), POOL)
    blocked, _ = stationary.solve_direct(P, POOL)
    np.testing.assert_allclose(blocked, plain, rtol=1e-12)
    np.testing.assert_allclose(extended, plain, rtol=1e-12)


@pytest.mark.parametrize("folded", [True, False])
@pytest.mark.parametrize("width", [0.3, 1, 3])
def test_iteration_keeps_its_error_bound(width, folded):
    n = 10
    b = np.zeros(n) if folded else biases(n, 1, n)
    links = chain.make_chain(weights(n, width, n), b, folded=folded)
    pi, _ = stationary.solve_direct(chain.dense_transitions(links), POOL)
    found = stationary.solve_krylov(
        chain.make_step(links, POOL), len(pi), target=1e-12, max_steps=exact.MAX_STEPS
    )
    assert np.abs(found.p - pi).sum() <= found.error <= exact.TOLERANCE


@pytest.mark.parametrize("width", [0.0, 1e-8, 1e-3, 0.02, 0.05, 0.07, 0.1, 0.2])
@pytest.mark.parametrize("biased", [True, False])
def test_weak_networks_are_exact_though_one_step_forgets_nearly_all(width, biased):
    """Images of random differences are then nearly parallel, and few of them are of use."""
    for seed in range(6):
        W = weights(11, width, seed) + 1e-12 * np.ones((11, 11))
        b = biases(11, 1, seed) if biased else np.zeros(11)
        links = chain.make_chain(W, b, folded=not biased)
        pi, _ = stationary.solve_direct(chain.dense_transitions(links), POOL)
        found = stationary.solve_krylov(
            chain.make_step(links, POOL), len(pi), target=exact.TARGET, max_steps=exact.MAX_STEPS
        )
        assert np.abs(found.p - pi).sum() <= found.error <= exact.TOLERANCE
        assert found.steps < 40


@pytest.mark.parametrize("coupling", [12, 20, 28])
def test_iteration_does_not_promise_what_metastable_chains_deny(coupling):
    """Ferromagnets with a field: the uniform start hides the slow mode, the probe finds it."""
    n = 10
    W = np.full((n, n), coupling / n)
    links = chain.make_chain(W, np.full(n, 1e-6), folded=False)
    pi, _ = stationary.solve_direct(chain.dense_transitions(links), POOL)
    found = stationary.solve_krylov(
        chain.make_step(links, POOL), len(pi), target=1e-12, max_steps=exact.MAX_STEPS
    )
    assert np.abs(found.p - pi).sum() <= found.error
    assert found.error > exact.TOLERANCE


@pytest.mark.parametrize("folded", [True, False])
@pytest.mark.parametrize("n", [6, 7])
def test_step_in_chunks_is_the_dense_step(monkeypatch, n, folded):
    b = np.zeros(n) if folded else biases(n, 1, 1)
    links = chain.make_chain(weights(n, 1, 1), b, folded=folded)
    p = np.random.default_rng(0).dirichlet(np.ones(len(links.on)))
    expected = p @ chain.dense_transitions(links)
    monkeypatch.setattr(chain, "CHUNK", 64)
    monkeypatch.setattr(chain, "WORTHWHILE", 64)
    for stored in (0, 1 << 28):
        monkeypatch.setattr(chain, "STORED", stored)
        np.testing.assert_allclose(chain.make_step(links, POOL)(p), expected, rtol=1e-12)


def test_slow_networks_beyond_iteration_fall_back_to_elimination():
    W = weights(11, 1, 3) + 15 * np.eye(11)
    slow = flux.exact_flux(W)
    turn = np.random.default_rng(4).choice([-1.0, 1.0], 11)
    order = np.random.default_rng(5).permutation(11)
    other = flux.exact_flux((turn[:, None] * W * turn)[np.ix_(order, order)])
    np.testing.assert_allclose(slow, other, rtol=0, atol=1e-10)


def test_slow_networks_beyond_elimination_are_refused(monkeypatch):
    monkeypatch.setattr(exact, "LARGEST_DIRECT", 64)
    with pytest.raises(flux.ConvergenceError, match=r"spectral gap.*simulate_chains"):
        flux.exact_flux(weights(11, 1, 3) + 15 * np.eye(11))


def test_extended_range_has_its_limits():
    coupled = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0.0]])
    with pytest.raises(flux.ConvergenceError, match="too strong"):
        flux.exact_flux(coupled * 2.0**60, [0.5, 0.0, 0.0])


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
    rms = flux.rms_correlation(flux.exact_correlation(W))
    assert rms == pytest.approx(np.tanh(strength / 2) / np.sqrt(n), rel=1e-12)


def test_ten_thousand_rooks():
    W = flux.nrooks(10_000, rng=np.random.default_rng(1), strength=3.0)
    per_neuron = 1 - float(field_entropy(np.array(3.0)))
    assert flux.exact_flux(W).I == pytest.approx(10_000 * per_neuron, rel=1e-12)
    assert flux.exact_flux(sparse.csr_array(W)).I == pytest.approx(10_000 * per_neuron, rel=1e-12)


@given(seed=st.integers(0, 10**6), width=st.floats(0.05, 4))
@settings(max_examples=20, deadline=None)
def test_symmetric_networks_have_their_closed_form(seed, width):
    """Detailed balance of the parallel chain: pi ~ exp(b x / 2) prod_i cosh(u_i / 2)."""
    W, b = symmetric(5, width, seed), biases(5, 1, seed)
    x = flux.all_states(5)
    log_pi = x @ b / 2 + np.log(np.cosh((x @ W.T + b) / 2)).sum(1)
    pi = np.exp(log_pi - log_pi.max())
    np.testing.assert_allclose(flux.stationary_distribution(W, b), pi / pi.sum(), rtol=1e-9)


def test_lag_of_two_rooks_is_a_squared_channel():
    """Two steps of a noisy copy with error q err with 2 q (1 - q)."""
    q = expit(-1.5)
    error = 2 * q * (1 - q)
    expected = 6 * (1 - float(flux.binary_entropy(error)))
    W = flux.nrooks(6, rng=np.random.default_rng(2), strength=1.5)
    assert flux.exact_flux(W, lag=2).I == pytest.approx(expected, rel=1e-13)


# --- invariances and bounds ----------------------------------------------------------------------

networks = st.tuples(
    st.integers(2, 7), st.floats(0.05, 8), st.floats(0.3, 1), st.booleans(), st.integers(0, 10**6)
)


def draw(network):
    n, width, density, biased, seed = network
    W = weights(n, width, seed, density=density)
    return W, (biases(n, 1, seed) if biased else None)


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
    rng = np.random.default_rng(network[-1])
    order, turn = rng.permutation(len(W)), rng.choice([-1.0, 1.0], len(W))
    turned = (turn[:, None] * W * turn)[np.ix_(order, order)]
    turned_b = None if b is None else (turn * b)[order]
    np.testing.assert_allclose(
        flux.exact_flux(turned, turned_b), flux.exact_flux(W, b), rtol=0, atol=1e-10
    )
    expected = (turn[:, None] * flux.exact_correlation(W, b) * turn)[np.ix_(order, order)]
    np.testing.assert_allclose(flux.exact_correlation(turned, turned_b), expected, atol=1e-9)


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


@given(networks)
@settings(max_examples=25, deadline=None)
def test_stationary_law_stays_under_its_transitions(network):
    W, b = draw(network)
    pi = flux.stationary_distribution(W, b)
    assert pi.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(pi @ flux.transition_matrix(W, b), pi, rtol=0, atol=1e-13)
    joint = pi[:, None] * flux.transition_matrix(W, b)
    assert flux.mutual_information(joint) == pytest.approx(flux.exact_flux(W, b).I, abs=1e-11)


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


def test_silent_neurons_correlate_with_nothing():
    C = flux.exact_correlation(weights(4, 1, 1), [0.0, 2000.0, 0.0, 0.0])
    assert not C[1].any()
    assert not C[:, 1].any()
    assert C[0, 2] != 0


# --- refusals ------------------------------------------------------------------------------------


def test_too_large_networks_are_refused_at_once():
    start = time.perf_counter()
    with pytest.raises(flux.TooLargeError, match=r"60 connected neurons.*bytes.*simulate_chains"):
        flux.exact_flux(weights(60, 1, 1))
    with pytest.raises(flux.TooLargeError, match="transition matrix of n = 30"):
        flux.transition_matrix(weights(30, 1, 1))
    with pytest.raises(flux.TooLargeError, match="law of n = 45"):
        flux.stationary_distribution(np.eye(45))
    with pytest.raises(flux.TooLargeError, match="60 connected neurons"):
        flux.exact_correlation(weights(60, 1, 1))
    with pytest.raises(flux.TooLargeError, match="18 connected neurons"):
        flux.exact_flux(weights(18, 1, 1), lag=2)
    # minutes of work or gigabytes of memory would show here; the limit itself is no benchmark
    assert time.perf_counter() - start < 20


BAD = {
    "not square": (np.zeros((2, 3)), None, "W must have shape"),
    "a vector": (np.zeros(3), None, "W must have shape"),
    "empty": (np.zeros((0, 0)), None, "W must have shape"),
    "NaN": ([[np.nan, 0], [0, 0]], None, "W must be finite"),
    "infinite": ([[0, np.inf], [0, 0]], None, "W must be finite"),
    "words": ([["a", "b"], ["c", "d"]], None, "W must be an array of real numbers"),
    "complex": ([[1j, 0], [0, 0]], None, "W must be an array of real numbers"),
    "bias too long": (np.eye(2), [0, 0, 0], "b must have shape"),
    "bias NaN": (np.eye(2), [0, np.nan], "b must be finite"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize(
    "function",
    [flux.exact_flux, flux.exact_correlation, flux.stationary_distribution, flux.transition_matrix],
)
def test_bad_networks_are_named(function, name):
    W, b, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        function(W, b)


@pytest.mark.parametrize("lag", [0, -1, 1.5, "two", True])
def test_bad_lags_are_named(lag):
    with pytest.raises(ValueError, match="lag must be an integer at least 1"):
        flux.exact_flux(np.eye(2), lag=lag)


def test_sparse_bad_weights_are_named():
    with pytest.raises(ValueError, match="W must be finite"):
        flux.exact_flux(sparse.csr_array([[0, np.nan], [0, 0]]))
    with pytest.raises(ValueError, match="W must be a dense array here"):
        flux.transition_matrix(sparse.csr_array(np.eye(2)))
