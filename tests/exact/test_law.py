"""The law of a network: against the oracle and closed forms, solved once, chosen ways, refusals."""

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import (
    CASES,
    arrays,
    biases,
    draw,
    networks,
    oracle,
    symmetric,
    tolerance,
    weights,
)
from scipy import sparse

import flux
from flux.exact import _device
from flux.exact import law as law_module


@pytest.mark.parametrize("name", CASES)
def test_stationary_distribution_is_that_of_the_oracle(name):
    pi = oracle(name)[3]
    found = flux.stationary_distribution(*arrays(name))
    np.testing.assert_allclose(found, pi, rtol=0, atol=tolerance(name))


def test_rare_states_keep_their_relative_precision():
    W, b = CASES["width 20, bias"]
    pi = oracles.flux(W, b)[3]
    assert pi.min() < 1e-12
    np.testing.assert_allclose(flux.stationary_distribution(W, b), pi, rtol=1e-11)


@given(seed=st.integers(0, 10**6), width=st.floats(0.05, 4))
@settings(max_examples=20, deadline=None)
def test_symmetric_networks_have_their_closed_form(seed, width):
    """Detailed balance of the parallel chain: pi ~ exp(b x / 2) prod_i cosh(u_i / 2)."""
    W, b = symmetric(5, width, seed), biases(5, 1, seed)
    x = flux.all_states(5)
    log_pi = x @ b / 2 + np.log(np.cosh((x @ W.T + b) / 2)).sum(1)
    pi = np.exp(log_pi - log_pi.max())
    np.testing.assert_allclose(flux.stationary_distribution(W, b), pi / pi.sum(), rtol=1e-9)


@given(networks)
@settings(max_examples=25, deadline=None)
def test_stationary_law_stays_under_its_transitions(network):
    W, b = draw(network)
    pi = flux.stationary_distribution(W, b)
    assert pi.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(pi @ flux.transition_matrix(W, b), pi, rtol=0, atol=1e-13)
    joint = pi[:, None] * flux.transition_matrix(W, b)
    assert flux.mutual_information(joint) == pytest.approx(flux.exact_flux(W, b).I, abs=1e-11)


# --- one law for all that follows from it --------------------------------------------------------

FOLLOWS = {
    "exact_flux": flux.exact_flux,
    "exact_flux, lag": lambda W, b=None: flux.exact_flux(W, b, 3),
    "exact_correlation": flux.exact_correlation,
    "flux_gradient": flux.flux_gradient,
    "stationary_distribution": flux.stationary_distribution,
    "memory_curve": lambda W, b=None: flux.memory_curve(W, [1, 4, 2], b=b),
}

# without and with bias, in one part or several: eliminated, in extended range, iterated, lines
SOLVED = {
    "eliminated": (weights(5, 1, 1), None),
    "eliminated, bias": (weights(9, 1, 2), biases(9, 1, 2)),
    "extended range": (weights(4, 1, 20) + 400 * np.eye(4), None),
    "iterated": (weights(10, 0.8, 3), biases(10, 1, 3)),
    "slow": (weights(11, 0.2, 4) + 15 * np.eye(11), None),
    "rooks": (flux.nrooks(6, rng=np.random.default_rng(5), strength=2.0), biases(6, 1, 5)),
    "parts": (weights(11, 1, 6, density=0.12), biases(11, 1, 6)),
    "sparse": (sparse.csr_array(weights(11, 1, 7, density=0.12)), None),
}
WITHOUT_GRADIENT = {"extended range", "slow"}


@pytest.fixture
def solved(monkeypatch):
    """Return the sizes of the parts that were solved, in order."""
    sizes = []
    plain = law_module._solve_part

    def counted(part, *arguments, **keywords):
        sizes.append(len(part.neurons))
        return plain(part, *arguments, **keywords)

    monkeypatch.setattr(law_module, "_solve_part", counted)
    return sizes


@pytest.mark.parametrize("name", SOLVED)
def test_one_law_gives_what_the_network_gives_bit_for_bit(name, solved):
    W, b = SOLVED[name]
    expected = {
        kind: function(W, b)
        for kind, function in FOLLOWS.items()
        if not (kind == "flux_gradient" and name in WITHOUT_GRADIENT)
    }
    solved.clear()
    law = flux.solve(W, b)
    assert len(solved) == len(law.parts)
    for kind, values in expected.items():
        found = FOLLOWS[kind](law)
        for one, other in zip(np.atleast_1d(*found), np.atleast_1d(*values), strict=True):
            np.testing.assert_array_equal(one, other)
    assert len(solved) == len(law.parts), "a part was solved again"


def test_each_function_solves_each_part_once(solved):
    W = np.zeros((9, 9))
    W[:4, :4], W[4:7, 4:7], W[7, 8] = weights(4, 1, 1), weights(3, 1, 2), 2.0
    for function in FOLLOWS.values():
        solved.clear()
        function(W)
        assert solved == [4, 3]


def test_law_knows_its_network():
    W = np.zeros((7, 7))
    W[:4, :4] = weights(4, 1, 1)
    law = flux.solve(W, biases(7, 1, 1))
    (part,) = law.parts
    assert law.n == law.network.n == 7
    assert part.part.neurons.tolist() == [0, 1, 2, 3]
    assert law.network.line_neurons.tolist() == [4, 5, 6]
    np.testing.assert_allclose(
        part.pi, flux.stationary_distribution(W[:4, :4], part.part.b), rtol=1e-14
    )


@pytest.mark.parametrize("name", FOLLOWS)
def test_a_bias_beside_a_law_is_an_error(name):
    law = flux.solve(np.eye(3))
    with pytest.raises(flux.ArgumentError, match="b must be left out where W is a Law"):
        FOLLOWS[name](law, [0.0, 0.0, 0.0])


# --- the way to the law --------------------------------------------------------------------------


def test_lines_need_no_solver(solved):
    W = flux.nrooks(3000, rng=np.random.default_rng(1), strength=3.0)
    assert flux.solve(W).parts == ()
    assert solved == []


@pytest.mark.parametrize("biased", [True, False])
def test_elimination_and_iteration_agree(monkeypatch, biased):
    W, b = weights(8, 1, 1), biases(8, 1, 1) if biased else None
    direct = flux.solve(W, b)
    monkeypatch.setattr(law_module, "SMALL", 1)
    monkeypatch.setattr(law_module, "_eliminate", None)
    iterated = flux.solve(W, b)
    assert direct.parts[0].factors is not None
    assert iterated.parts[0].factors is None
    difference = np.abs(direct.parts[0].pi - iterated.parts[0].pi).sum()
    assert 0 < difference <= law_module.TOLERANCE


def test_slow_networks_beyond_iteration_fall_back_to_elimination():
    W = weights(11, 1, 3) + 15 * np.eye(11)
    slow = flux.exact_flux(W)
    turn = np.random.default_rng(4).choice([-1.0, 1.0], 11)
    order = np.random.default_rng(5).permutation(11)
    other = flux.exact_flux((turn[:, None] * W * turn)[np.ix_(order, order)])
    np.testing.assert_allclose(slow, other, rtol=0, atol=1e-10)


def test_slow_networks_beyond_elimination_are_refused(monkeypatch):
    monkeypatch.setattr(law_module, "LARGEST_DIRECT", 64)
    with pytest.raises(flux.ConvergenceError, match=r"spectral gap.*simulate_chains"):
        flux.exact_flux(weights(11, 1, 3) + 15 * np.eye(11))


def test_extended_range_has_its_limits():
    coupled = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0.0]])
    with pytest.raises(flux.ConvergenceError, match="too strong"):
        flux.exact_flux(coupled * 2.0**60, [0.5, 0.0, 0.0])


def test_parts_too_large_or_too_slow_are_handed_back(monkeypatch):
    W = np.zeros((17, 17))
    W[:8, :8], W[8:13, 8:13], W[13:, 13:] = weights(8, 1, 1), weights(5, 1, 2), weights(4, 1, 3)
    law, others = law_module.solve_small(W, None, 6)
    assert [len(part.part.neurons) for part in law.parts] == [5, 4]
    assert [len(part.neurons) for part in others] == [8]
    plain = law_module._solve_part

    def too_slow_of_five(part, *arguments):
        if len(part.neurons) == 5:
            raise flux.ConvergenceError
        return plain(part, *arguments)

    monkeypatch.setattr(law_module, "_solve_part", too_slow_of_five)
    law, others = law_module.solve_small(W, None, 6)
    assert [len(part.part.neurons) for part in law.parts] == [4]
    assert [len(part.neurons) for part in others] == [8, 5]


# --- refusals ------------------------------------------------------------------------------------

BIG = np.zeros((63, 63))
BIG[:3, :3], BIG[3:, 3:] = weights(3, 1, 1), weights(60, 1, 1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: flux.solve(np.ones((3, 3)), device="tpu"), ValueError, "device must be one of"),
        (lambda: flux.solve(np.ones((3, 3)), device="gpu"), ValueError, "device 'gpu'"),
        (
            lambda: flux.exact_flux(np.ones((3, 3)), device="tpu"),
            ValueError,
            "device must be one of",
        ),
        (lambda: flux.solve(BIG), flux.TooLargeError, "60 connected neurons.*simulate_chains"),
        (lambda: flux.stationary_distribution(np.eye(45)), flux.TooLargeError, "law of n = 45"),
        (
            lambda: flux.solve(np.diag([1e17, 0, 0]) + BIG[:3, :3] * 0, [0.5, 0, 0]),
            flux.ConvergenceError,
            "too strong beside a bias",
        ),
        (
            lambda: flux.transition_matrix(np.ones((30, 30))),
            flux.TooLargeError,
            "transition matrix of n = 30",
        ),
    ],
)
def test_refusals_come_before_any_work(monkeypatch, call, error, message):
    monkeypatch.setattr(_device, "PLATFORM", "no-such-platform")
    monkeypatch.setattr(law_module, "_solve_part", None)
    with pytest.raises(error, match=message):
        call()


def test_a_lag_that_does_not_fit_is_refused_of_a_law_too(monkeypatch):
    law = flux.solve(weights(10, 0.5, 1))
    monkeypatch.setattr("flux._base.memory.ALWAYS_FREE", 0)
    monkeypatch.setattr("flux._base.memory.memory_limit", lambda: 1e7)
    assert flux.exact_flux(law).I > 0
    with pytest.raises(flux.TooLargeError, match="10 connected neurons"):
        flux.exact_flux(law, lag=2)
    with pytest.raises(flux.TooLargeError, match="laws of 1000 parts"):
        flux.solve(sparse.block_diag([np.ones((7, 7))] * 1000))


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
    [
        flux.solve,
        flux.exact_flux,
        flux.exact_correlation,
        flux.stationary_distribution,
        flux.transition_matrix,
    ],
)
def test_bad_networks_are_named(function, name):
    W, b, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        function(W, b)


def test_sparse_bad_weights_are_named():
    with pytest.raises(ValueError, match="W must be finite"):
        flux.exact_flux(sparse.csr_array([[0, np.nan], [0, 0]]))
    with pytest.raises(ValueError, match="W must be a dense array here"):
        flux.transition_matrix(sparse.csr_array(np.eye(2)))
