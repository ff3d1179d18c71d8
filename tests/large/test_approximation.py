"""The flux of large networks as a number: near the exact one, under its bound, or in doubt."""

import numba
import numpy as np
import pytest
from scipy import sparse
from scipy.special import digamma

import flux
from flux.large import approximation


@pytest.fixture
def no_exact(monkeypatch):
    """Approximate even small networks, so that the truth is known."""
    monkeypatch.setattr(approximation, "EXACT", 1)


def network(n, width, seed, *, biased=False):
    rng = np.random.default_rng(seed)
    W = flux.gaussian_weights(n, rng=rng, width=width)
    return W, rng.standard_normal(n) if biased else None


def off(found, truth):
    """How far a flux is off, in its own errors."""
    return abs(found.I - truth) / np.hypot(found.I_se, found.I_error)


@pytest.mark.parametrize(("width", "allowed"), [(0.3, 0.01), (1.0, 0.01), (1.5, 0.02)])
@pytest.mark.parametrize("biased", [False, True])
def test_is_near_the_exact_flux(no_exact, width, allowed, biased):
    W, b = network(10, width, 1, biased=biased)
    truth = flux.exact_flux(W, b).I
    found = flux.approximate_flux(W, b, rng=np.random.default_rng(2), progress=False)
    assert found.I == pytest.approx(truth, rel=allowed)
    assert off(found, truth) < 3
    assert pytest.approx(found.H - found.D, abs=1e-12) == found.I
    assert flux.exact_flux(W, b).D == pytest.approx(found.D, abs=0.02)
    assert found.doubt == ""


def test_bound_holds_in_a_hundred_networks(no_exact):
    """At three standard errors it may fail by chance about once in 700 cases."""
    rng = np.random.default_rng(0)
    missed, far = [], []
    for seed in range(100):
        n, width = int(rng.integers(6, 12)), float(np.exp(rng.uniform(np.log(0.1), np.log(2))))
        W, b = network(n, width, seed, biased=seed % 4 == 0)
        truth = flux.exact_flux(W, b).I
        found = flux.approximate_flux(W, b, rng=rng, samples=4000, progress=False)
        if truth > found.upper + 3 * found.upper_se:
            missed.append((n, width, truth, found))
        if off(found, truth) > 3 and not found.doubt:
            far.append((n, width, truth, found))
    assert missed == []
    assert len(far) <= 3, far


@pytest.mark.parametrize(("n", "width", "samples"), [(100, 0.05, 1000), (200, 0.03, 2000)])
def test_pairs_take_the_place_of_a_law_that_fits_noise(n, width, samples):
    """Thousands of weights fitted to a thousand states: the law was off by half of the flux."""
    W, _ = network(n, width, 1)
    found = flux.approximate_flux(W, rng=np.random.default_rng(2), samples=samples)
    many = flux.approximate_flux(
        W, rng=np.random.default_rng(3), samples=100_000, method="gaussian", progress=False
    )
    assert found.I == found.gaussian
    assert off(found, many.I) < 3
    assert found.doubt == ""
    # the bound of independent neurons is lower than that of the law here
    assert found.upper - many.upper < 3 * found.upper_se


def test_from_a_law_only_the_formula_errs():
    """Of four neurons without bias nothing is beyond products of three earlier spins."""
    law = flux.solve(network(4, 1.0, 3)[0])
    found = flux.approximate_flux(law, rng=np.random.default_rng(1))
    truth = flux.exact_flux(law)
    assert found.I_se == found.upper_se == 0
    assert pytest.approx(truth.D, abs=1e-12) == found.D
    assert found.I == pytest.approx(truth.I, abs=1e-4)
    for n, biased in ((8, False), (9, True)):
        law = flux.solve(*network(n, 0.5, 4, biased=biased))
        found = flux.approximate_flux(law, rng=np.random.default_rng(1))
        truth = flux.exact_flux(law).I
        assert truth <= found.upper < truth * 1.002
        assert found.gaussian == pytest.approx(truth, rel=0.01)
        assert off(found, truth) < 1


def test_gaussian_form_of_two_neurons_by_hand():
    """W = w J: x_0 and x_1 hear the same; R, m = 0 and D in closed form."""
    w = 0.7
    law = flux.solve(np.full((2, 2), w))
    t = np.tanh(w)
    # pairs (1, 1) and (-1, -1) send fields +-2 w, the others none
    p = (1 / 4 + 1 / 4) / (1 + 1 / 2 - (1 + t**2) / 2)
    r = 2 * p - 1
    D = 2 * (p * flux.binary_entropy((1 + t) / 2) + 1 - p)
    expected = 2 + np.log2(1 - r**2) / 2 - D
    found = flux.approximate_flux(law, rng=np.random.default_rng(1), method="gaussian")
    assert found.gaussian == found.I == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("n", "T"), [(5, 40), (20, 60)])
def test_bias_of_the_log_determinant_is_that_of_normal_samples(n, T):
    """As digammas say; of spins to a tenth of it."""
    rng = np.random.default_rng(5)
    i = np.arange(1, n + 1)
    expected = (digamma((T - i) / 2) - digamma((T - 1) / 2)).sum() / (2 * np.log(2))
    weights = np.full(T, 1 / T)
    for draw, tolerance in (
        (lambda: rng.standard_normal((T, n)), 0.02),
        (lambda: 2 * rng.integers(0, 2, (T, n)) - 1, 0.1),
    ):
        found = []
        for _ in range(3000 // n):
            x = draw()
            R = np.corrcoef(x.T)
            found.append(np.linalg.slogdet(R)[1] / (2 * np.log(2)))
            if tolerance == 0.1:
                assert approximation._pair_entropy(x, weights)[1] == pytest.approx(found[-1])
        noise = 3 * np.std(found) / np.sqrt(len(found))
        assert np.mean(found) == pytest.approx(expected, abs=noise + tolerance * abs(expected))


def test_influence_is_the_slope_of_the_entropy():
    """A state that weighs a little more changes the entropy by its influence."""
    W, b = network(5, 1.0, 6, biased=True)
    pi, x = flux.stationary_distribution(W, b), flux.all_states(5)
    alone, pairs, influence = approximation._pair_entropy(x, pi)
    for k in (0, 7, 20):
        small = 1e-6
        tilted = (1 - small) * pi + small * (np.arange(32) == k)
        later = sum(approximation._pair_entropy(x, tilted)[:2])
        slope = (later - alone - pairs) / small
        centred = influence.values[k] - pi @ influence.values
        assert slope == pytest.approx(centred, rel=1e-3, abs=1e-4)


def test_delay_lines_and_small_parts_are_exact():
    rooks = flux.nrooks(200, rng=np.random.default_rng(7), strength=2.0)
    for W in (rooks, sparse.csr_array(rooks)):
        found = flux.approximate_flux(W, rng=np.random.default_rng(1))
        assert found.I == found.upper == found.gaussian == flux.exact_flux(W).I
        assert found.I_se == found.I_error == found.upper_se == 0
    assert flux.approximate_flux(np.zeros((50, 50)), rng=np.random.default_rng(1)).I == 0


def test_parts_add_up(no_exact):
    first, second = network(6, 1.0, 8)[0], network(7, 0.5, 9)[0]
    W = sparse.csr_array(sparse.block_diag([first, second]))
    truth = flux.exact_flux(W).I
    found = flux.approximate_flux(W, rng=np.random.default_rng(1), samples=20_000, progress=False)
    assert off(found, truth) < 3
    law = flux.solve(W)
    alone = [
        flux.approximate_flux(flux.solve(P), rng=np.random.default_rng(1)) for P in (first, second)
    ]
    both = flux.approximate_flux(law, rng=np.random.default_rng(1))
    assert both.I == pytest.approx(sum(part.I for part in alone), abs=1e-9)


def test_relabelling_changes_the_gaussian_form_by_rounding():
    W, b = network(7, 1.0, 10, biased=True)
    order = np.random.default_rng(1).permutation(7)
    both = [
        flux.approximate_flux(flux.solve(V, c), rng=np.random.default_rng(1), method="gaussian").I
        for V, c in ((W, b), (W[np.ix_(order, order)], b[order]))
    ]
    assert both[0] == pytest.approx(both[1], abs=1e-9)


def test_lies_in_the_certified_interval():
    for n, width in ((16, 0.5), (40, 0.3)):
        W, _ = network(n, width, 11)
        bounds = flux.flux_interval(W, rng=np.random.default_rng(1), samples=8000, progress=False)
        found = flux.approximate_flux(W, rng=np.random.default_rng(2), samples=8000, progress=False)
        error = 2 * found.I_se + found.I_error
        assert bounds.lower - error <= found.I <= bounds.upper + error


def test_trapped_networks_are_flagged():
    W = np.full((16, 16), 1.0)
    with pytest.warns(UserWarning, match="chains disagree"):
        found = flux.approximate_flux(W, rng=np.random.default_rng(8), samples=1000, progress=False)
    assert "the chains disagree" in found.doubt


def test_strong_dependence_is_flagged(no_exact):
    """Three pairs of neurons that copy each other."""
    W = np.kron(np.eye(3), np.full((2, 2), 2.0))
    W[0, 3] = W[2, 5] = 0.3
    found = flux.approximate_flux(W, rng=np.random.default_rng(1), method="gaussian")
    assert "depend so strongly" in found.doubt


def test_same_seed_same_result_whatever_the_threads(no_exact):
    W, b = network(9, 0.8, 12, biased=True)
    threads, results = numba.get_num_threads(), []
    for count in (1, threads):
        numba.set_num_threads(count)
        results.append(flux.approximate_flux(W, b, rng=np.random.default_rng(1), samples=9000))
    numba.set_num_threads(threads)
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples": 999}, "samples must be an integer at least 1000"),
        ({"method": "ising"}, "method must be one of autoregressive, gaussian"),
        ({"rng": None}, "rng must be a numpy Generator"),
        ({"W": [[np.nan]]}, "W must be finite"),
        ({"b": [1.0]}, "b must have shape"),
    ],
)
def test_bad_input_is_named(changes, message):
    arguments = {"W": np.eye(2), "rng": np.random.default_rng(1)} | changes
    with pytest.raises(ValueError, match=message):
        flux.approximate_flux(**arguments)


def test_nothing_is_made_of_few_samples():
    """Neurons that hear next to nothing of each other have no flux, whatever the samples' noise."""
    rng = np.random.default_rng(1)
    W, b = 1e-6 * rng.standard_normal((30, 30)), rng.standard_normal(30)
    found = [
        flux.approximate_flux(
            W, b, rng=np.random.default_rng(seed), samples=1000, method="gaussian", progress=False
        ).I
        for seed in range(60)
    ]
    noise = np.std(found) / np.sqrt(len(found))
    assert noise < 0.005
    assert abs(np.mean(found)) < 3 * noise
