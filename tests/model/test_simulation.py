"""Simulation: a plain double-precision loop as oracle, the exact transition law, invariances."""

import math

import numba
import numpy as np
import oracles
import pytest
from scipy import sparse

from flux._base.errors import TooLargeError
from flux.model import simulation as boltzmann
from flux.model.ensembles import gaussian_weights, nrooks
from flux.model.simulation import advance, on_probability, simulate, simulate_chains, start_chains
from flux.model.simulation_kernels import prepare_weights
from flux.model.states import all_states, encode


def oracle(W, b, chains, steps):
    """The plain loop that defines the simulation: double precision, fixed order of summation."""
    trace = np.empty((len(chains.keys), steps, len(b)), np.int8)
    trace[:, 0] = chains.x
    for c, key in enumerate(int(k) for k in chains.keys):
        for t in range(steps - 1):
            x = [float(v) for v in trace[c, t]]
            for i in range(len(b)):
                u = float(b[i])
                for j in range(len(b)):
                    u += W[i, j] * x[j]
                p = 1.0 / (1.0 + math.exp(-u)) if u > -700 else 0.0
                r = (oracles.random_word(key, t * len(b) + i) >> 11) * 2.0**-53
                trace[c, t + 1, i] = 1 if r < p else -1
    return trace


def networks():
    rng = np.random.default_rng(5)
    zero = np.zeros(9)
    for width in (0.01, 0.3, 1.0, 5.0, 50.0):
        yield pytest.param(gaussian_weights(9, rng=rng, width=width), zero, id=f"width {width}")
    W = gaussian_weights(9, rng=rng)
    bias = rng.standard_normal(9)
    yield pytest.param(W, bias, id="bias")
    yield pytest.param(W * 0, 3 * bias, id="bias alone")
    yield pytest.param(W * np.logspace(-3, 6, 9)[:, None], bias, id="mixed rows")
    yield pytest.param(W * np.logspace(-3, 6, 9), bias, id="mixed columns")
    yield pytest.param(W * 1e300, bias, id="huge")
    yield pytest.param(W * 1e-300, bias * 1e-320, id="tiny")
    yield pytest.param(np.sign(W[:8, :8]), np.zeros(8), id="ties")
    yield pytest.param(1e300 * np.sign(W[:8, :8]), np.zeros(8), id="huge ties")
    yield pytest.param(gaussian_weights(40, rng=rng, density=0.1), np.zeros(40), id="zero rows")
    yield pytest.param(gaussian_weights(37, rng=rng, width=0.2), np.zeros(37), id="37 neurons")
    yield pytest.param(np.array([[0.7]]), np.array([-0.2]), id="one neuron")
    yield pytest.param(nrooks(16, rng=rng, strength=3.0), np.zeros(16), id="rooks")


@pytest.mark.parametrize("kind", [np.array, sparse.csr_array, sparse.coo_matrix])
@pytest.mark.parametrize("chains", [1, 3, 20])
@pytest.mark.parametrize(("W", "b"), list(networks()))
def test_every_spin_equals_the_plain_loop(W, b, chains, kind):
    steps = 400 // chains
    start = start_chains(len(b), chains, rng=np.random.default_rng(7))
    expected = oracle(W, b, start, steps)
    got = simulate_chains(kind(W), steps, chains, rng=np.random.default_rng(7), b=b)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("width", [0.02, 0.3, 5.0])
def test_fast_and_exact_decisions_agree(width, monkeypatch):
    """With an infinite slack every spin is worked out by the definition."""
    n, steps = 200, 120
    network = prepare_weights(
        gaussian_weights(n, rng=np.random.default_rng(1), width=width), np.ones(n)
    )
    start = start_chains(n, 32, rng=np.random.default_rng(2))
    exact = network._replace(slack=np.full(n, np.inf, np.float32))
    fast_by_products = advance(network, start, steps)[0]
    np.testing.assert_array_equal(fast_by_products, advance(exact, start, steps)[0])
    monkeypatch.setattr(boltzmann, "_PRODUCT_CHAINS", 33)
    np.testing.assert_array_equal(fast_by_products, advance(network, start, steps)[0])


@pytest.mark.parametrize("chains", [3, 40])
def test_same_result_for_any_threads_chunks_and_cuts(chains, monkeypatch):
    W = gaussian_weights(60, rng=np.random.default_rng(1))
    run = lambda: simulate_chains(W, 50, chains, rng=np.random.default_rng(3), burn_in=7, thin=3)  # noqa: E731
    expected = run()
    before = numba.get_num_threads()
    monkeypatch.setattr(boltzmann, "_SPINS_PER_THREAD", 1)
    try:
        for threads in range(1, before + 1):
            numba.set_num_threads(threads)
            np.testing.assert_array_equal(run(), expected)
    finally:
        numba.set_num_threads(before)
    monkeypatch.setattr(boltzmann, "_CHUNK_SECONDS", 0.0)
    np.testing.assert_array_equal(run(), expected)


def test_parts_make_up_the_whole():
    network = prepare_weights(gaussian_weights(20, rng=np.random.default_rng(1)), np.zeros(20))
    start = start_chains(20, 2, rng=np.random.default_rng(2))
    whole, end = advance(network, start, 30, burn_in=4, thin=2)
    first, middle = advance(network, start, 10, burn_in=4, thin=2)
    second, last = advance(network, middle, 20, burn_in=2, thin=2)
    np.testing.assert_array_equal(np.concatenate([first, second], axis=1), whole)
    np.testing.assert_array_equal(last.x, end.x)
    assert start.updates == 0
    assert last.updates == end.updates == 4 + 29 * 2


def test_burn_in_and_thin_select_from_the_full_trace():
    W = gaussian_weights(6, rng=np.random.default_rng(1))
    full = simulate_chains(W, 60, 3, rng=np.random.default_rng(2))
    part = simulate_chains(W, 10, 3, rng=np.random.default_rng(2), burn_in=5, thin=4)
    np.testing.assert_array_equal(part, full[:, 5:45:4])


def test_simulate_is_one_chain_and_reproducible():
    W = gaussian_weights(6, rng=np.random.default_rng(1))
    x = simulate(W, 50, rng=np.random.default_rng(2))
    assert x.shape == (50, 6)
    assert x.dtype == np.int8
    np.testing.assert_array_equal(x, simulate(W, 50, rng=np.random.default_rng(2)))
    np.testing.assert_array_equal(x, simulate_chains(W, 50, 1, rng=np.random.default_rng(2))[0])
    assert not np.array_equal(x, simulate(W, 50, rng=np.random.default_rng(3)))


def test_trace_begins_at_x0_and_arguments_stay_as_they_are():
    W = gaussian_weights(4, rng=np.random.default_rng(1))
    W.setflags(write=False)
    x0 = np.array([[1, -1, 1, 1], [-1, -1, 1, -1]], np.int8)
    x = simulate_chains(W, 3, 2, rng=np.random.default_rng(2), x0=x0)
    np.testing.assert_array_equal(x[:, 0], x0)
    x = simulate_chains(W, 1, 2, rng=np.random.default_rng(2), x0=x0[0])
    np.testing.assert_array_equal(x[:, 0], x0[[0, 0]])
    np.testing.assert_array_equal(simulate(W, 1, rng=np.random.default_rng(2), x0=x0[0]), x0[:1])
    assert x0[0].tolist() == [1, -1, 1, 1]


@pytest.mark.parametrize("kind", [np.array, sparse.csr_array])
@pytest.mark.parametrize("chains", [1, 64])
def test_transitions_follow_the_exact_law(kind, chains):
    """The count of each of the 64 transitions of three neurons, to 5 standard errors."""
    rng = np.random.default_rng(11)
    W, b = gaussian_weights(3, rng=rng), np.array([0.3, -0.5, 0.0])
    codes = encode(simulate_chains(kind(W), 640_000 // chains, chains, rng=rng, b=b))
    counts = np.zeros((8, 8))
    np.add.at(counts, (codes[:, :-1].ravel(), codes[:, 1:].ravel()), 1)
    on = 1 / (1 + np.exp(-(all_states(3) @ W.T + b)))
    to = all_states(3)[None] > 0
    P = np.where(to, on[:, None], 1 - on[:, None]).prod(-1)
    visits = counts.sum(1, keepdims=True)
    assert np.all(visits > 1000)
    assert np.all(np.abs(counts - visits * P) <= 5 * np.sqrt(visits * P * (1 - P)))


def test_random_words_are_uniform_and_independent():
    """Without weights all spins are fair coins, between neurons, steps and chains."""
    x = simulate_chains(np.zeros((64, 64)), 2000, 16, rng=np.random.default_rng(1)).astype(float)
    assert abs(x.mean()) <= 5 / math.sqrt(x.size)
    for lagged in (x[:, 1:] * x[:, :-1], x[:, :, 1:] * x[:, :, :-1], x[1:] * x[:-1]):
        assert abs(lagged.mean()) <= 5 / math.sqrt(lagged.size)


def test_gauge_flips_and_opposite_field_mirror_probabilities():
    rng = np.random.default_rng(2)
    W, b, s = gaussian_weights(5, rng=rng), rng.standard_normal(5), np.array([1, -1, -1, 1, -1])
    x = all_states(5)
    p = on_probability(W, x, b)
    flipped = on_probability(s[:, None] * W * s, x * s, b * s)
    np.testing.assert_allclose(flipped, np.where(s > 0, p, 1 - p), rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", [np.array, sparse.csr_array, sparse.csc_matrix])
def test_on_probability(kind):
    rng = np.random.default_rng(2)
    W, b = gaussian_weights(4, rng=rng), rng.standard_normal(4)
    x = rng.choice([-1, 1], (2, 3, 4))
    expected = [[1 / (1 + np.exp(-(W @ state + b))) for state in row] for row in x]
    np.testing.assert_allclose(on_probability(kind(W), x, b), expected, rtol=1e-14)
    np.testing.assert_allclose(on_probability(kind(W), x[0, 0], b), expected[0][0], rtol=1e-14)
    assert on_probability(kind(W), x).shape == x.shape


def test_on_probability_keeps_small_probabilities():
    p = on_probability(np.array([[-700.0]]), [1])
    assert p[0] == pytest.approx(math.exp(-700), rel=1e-12)


def test_large_sparse_network():
    n, degree = 100_000, 10
    rng = np.random.default_rng(1)
    rows = np.repeat(np.arange(n), degree)
    data = rng.standard_normal(n * degree)
    W = sparse.csr_array((data, (rows, rng.integers(0, n, n * degree))), shape=(n, n))
    x = simulate(W, 20, rng=rng)
    p = on_probability(W, x[:-1])
    excess = ((x[1:] > 0) - p).sum() / math.sqrt((p * (1 - p)).sum())
    assert abs(excess) <= 5


BAD = [
    ("steps", {"steps": 0}),
    ("steps", {"steps": 2.5}),
    ("chains", {"chains": 0}),
    ("thin", {"thin": 0}),
    ("burn_in", {"burn_in": -1}),
    ("rng", {"rng": 3}),
    ("W", {"W": np.zeros((2, 3))}),
    ("W", {"W": np.full((2, 2), np.nan)}),
    ("W", {"W": np.full((2, 2), 1.7e308)}),
    ("b", {"b": [1.0, 2.0, 3.0]}),
    ("b", {"b": [np.inf, 0.0]}),
    ("x0", {"x0": [1, 0]}),
    ("x0", {"x0": [1, 1, 1]}),
    ("x0", {"x0": [[1, 1]] * 4}),
    ("x0", {"x0": 1}),
]


@pytest.mark.parametrize(("name", "change"), BAD)
def test_bad_input_is_named(name, change):
    good = {"W": np.eye(2), "steps": 3, "chains": 2, "rng": np.random.default_rng(1)}
    with pytest.raises(ValueError, match=rf"^{name} must"):
        simulate_chains(**(good | change))
    if not {"chains", "thin"} & set(change):
        del good["chains"]
        with pytest.raises(ValueError, match=rf"^{name} must"):
            simulate(**(good | change))


def test_simulate_takes_a_single_x0():
    with pytest.raises(ValueError, match=r"^x0 must have shape \(n,\)"):
        simulate(np.eye(2), 3, rng=np.random.default_rng(1), x0=[[1, 1]])


def test_too_large_says_what_to_do():
    with pytest.raises(TooLargeError, match="fewer steps or chains"):
        simulate(np.eye(2), 10**15, rng=np.random.default_rng(1))


def test_on_probability_rejects_overflow_and_bad_states():
    with pytest.raises(ValueError, match=r"^W must have row sums"):
        on_probability(np.full((2, 2), 1.7e308), [1, 1])
    with pytest.raises(ValueError, match=r"^x must"):
        on_probability(np.eye(2), [1, 0.5])


def test_short_runs_are_silent(capfd):
    simulate(np.eye(5), 1000, rng=np.random.default_rng(1))
    assert capfd.readouterr() == ("", "")
