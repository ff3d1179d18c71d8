"""Bounds on the flux: on their side of the exact value, normalized, reproducible, honest."""

import numba
import numpy as np
import pytest
from scipy.special import expit

import flux
from flux.large import bounds
from flux.large import stationary_samples as sampling
from flux.large.autoregressive import fit_autoregression, surprise


@pytest.fixture
def no_exact(monkeypatch):
    """Bound even small networks, so that the truth is known."""
    monkeypatch.setattr(bounds, "EXACT", 1)


def network(n, width, seed, *, biased=False):
    rng = np.random.default_rng(seed)
    W = flux.gaussian_weights(n, rng=rng, width=width)
    return W, rng.standard_normal(n) if biased else None


def test_contains_the_exact_flux_of_a_hundred_networks(no_exact):
    """At three standard errors each bound may fail by chance about once in 700 cases."""
    rng = np.random.default_rng(0)
    missed = []
    for seed in range(100):
        n, width = int(rng.integers(10, 15)), float(np.exp(rng.uniform(np.log(0.1), np.log(2))))
        W, b = network(n, width, seed, biased=seed % 4 == 0)
        found = flux.flux_interval(W, b, rng=rng, samples=2000, progress=False)
        truth = flux.exact_flux(W, b).I
        assert 0 <= found.lower <= found.upper <= n
        low = found.lower_estimate - 3 * found.lower_se
        high = found.upper_estimate + 3 * found.upper_se
        if not low <= truth <= high:
            missed.append((n, width, truth, found))
    assert len(missed) <= 1, missed


@pytest.mark.parametrize("width", [0.3, 1.0, 4.0])
def test_every_single_bound_is_on_its_side(no_exact, width):
    W, b = network(9, width, 5, biased=True)
    truth = flux.exact_flux(W, b).I
    rng = np.random.default_rng(6)
    windows, _ = sampling.draw_windows(W, b, 8000, bounds.TERMS + 2, rng)
    train, test = (half.reshape(-1, *half.shape[2:]) for half in np.split(windows, 2))
    adding = bounds.field_entropy(test[:, -2] @ W.T + b).sum(1)
    mixture, contrast = bounds._compare(W, b, train[:, -2], test)
    decoded = bounds._decoded(W, b, train, test)
    law = fit_autoregression(*bounds._split(train[:, -1]), biased=True)
    error = 5 / np.sqrt(len(test))
    for bits in (
        mixture,
        surprise(law, test[:, -1]),
        bounds._blocks(W, b, train[:, -2], test[:, -1]),
    ):
        gain = bits - adding
        assert gain.mean() + error * gain.std() > truth
    for gain in (contrast - adding, decoded):
        assert gain.mean() - error * gain.std() < truth
    assert decoded.mean() > 0


def test_upper_laws_are_normalized():
    W, b = network(6, 1.0, 7, biased=True)
    x = flux.simulate(W, 2000, rng=np.random.default_rng(8), b=b)
    states = flux.all_states(6)
    pairs = np.stack([states, states], axis=1)
    law = fit_autoregression(*bounds._split(x), biased=True)
    for bits in (
        surprise(law, states),
        bounds._blocks(W, b, x, states),
        bounds._compare(W, b, x, pairs)[0],
    ):
        assert np.exp2(-bits).sum() == pytest.approx(1, abs=1e-4)


def test_mixture_is_the_mean_of_the_kernels():
    W, b = network(5, 1.5, 9, biased=True)
    x = flux.simulate(W, 40, rng=np.random.default_rng(10), b=b)
    pairs = np.stack([x[:-1], x[1:]], axis=1)
    others = flux.simulate(W, 30, rng=np.random.default_rng(11), b=b)
    P = flux.transition_matrix(W, b)
    kernel = P[flux.encode(others)][:, flux.encode(x[1:])]
    own = P[flux.encode(x[:-1]), flux.encode(x[1:])]
    without, together = bounds._compare(W, b, others, pairs)
    np.testing.assert_allclose(without, -np.log2(kernel.mean(0)), rtol=1e-4)
    np.testing.assert_allclose(together, -np.log2((kernel.sum(0) + own) / 31), rtol=1e-4)


def test_parts_that_can_be_solved_are_exact():
    W = np.zeros((34, 34))
    W[:8, :8] = network(8, 1.0, 1)[0]
    W[8:12, 8:12] = flux.nrooks(4, rng=np.random.default_rng(1), strength=2.0)
    found = flux.flux_interval(W, rng=np.random.default_rng(2))
    assert found.lower == found.upper == pytest.approx(flux.exact_flux(W).I, rel=1e-12)
    assert found.lower_se == found.upper_se == 0
    assert found.limited_by == "nothing: exact"
    W[12:, 12:] = network(22, 0.3, 3)[0]
    whole = flux.flux_interval(W, rng=np.random.default_rng(2), samples=2000, progress=False)
    assert whole.lower > found.lower + 1
    assert whole.lower - 3 * whole.lower_se < whole.upper + 3 * whole.upper_se
    assert whole.limited_by.startswith("lower: ")


def test_ends_are_ordered_and_not_negative(no_exact):
    """Where the flux is weak the estimates cross, or are negative; the ends may not."""
    crossed, held = 0, 0
    for seed in range(20):
        W, _ = network(5, 0.02, seed)
        found = flux.flux_interval(W, rng=np.random.default_rng(seed), samples=1000)
        assert 0 <= found.lower <= found.upper <= 5
        assert found.lower <= max(found.lower_estimate, 0)
        assert found.upper >= min(found.upper_estimate, 5)
        crossed += not 0 <= found.lower_estimate <= found.upper_estimate
        held += found.lower <= flux.exact_flux(W).I <= found.upper
    # or the test would show nothing
    assert crossed >= 1
    # 19 are expected of an exact 95 % interval, less than 16 once in 400 times
    assert held >= 16


def test_decoder_passes_the_limit_of_the_sample_size():
    """With 1000 samples to compare with, no contrast reaches 10 bits."""
    W, _ = network(100, 0.2, 4)
    found = flux.flux_interval(W, rng=np.random.default_rng(5), samples=8000, progress=False)
    assert found.limited_by.startswith("lower: decoder; upper: autoregression")
    assert found.lower - 3 * found.lower_se > np.log2(4001)


def test_same_seed_same_interval_whatever_the_threads():
    W, b = network(20, 0.5, 6, biased=True)
    results = []
    threads = numba.get_num_threads()
    for count in (1, threads):
        numba.set_num_threads(count)
        results.append(flux.flux_interval(W, b, rng=np.random.default_rng(7), samples=2000))
    numba.set_num_threads(threads)
    assert results[0] == results[1]


def test_metastable_networks_warn():
    W = np.full((16, 16), 1.0)
    with pytest.warns(UserWarning, match="chains disagree"):
        flux.flux_interval(W, rng=np.random.default_rng(8), samples=1000, progress=False)


def test_logistic_fit_finds_the_coefficients():
    rng = np.random.default_rng(11)
    f, offset = rng.standard_normal((2, 200_000, 1))
    x = np.where(rng.random(f.shape) < expit(2 * (0.3 * offset + 0.7 * f - 0.2)), 1, -1)
    scale, shift = bounds._fit_logistic(f, x, 0.3 * offset)
    np.testing.assert_allclose([scale[0], shift[0]], [0.7, -0.2], atol=0.02)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples": 999}, "samples must be an integer at least 1000"),
        ({"rng": None}, "rng must be a numpy Generator"),
        ({"W": [[np.nan]]}, "W must be finite"),
        ({"W": np.zeros((2, 3))}, "W must have shape"),
        ({"b": [1.0]}, "b must have shape"),
    ],
)
def test_bad_input_is_named(changes, message):
    arguments = {"W": np.eye(2), "rng": np.random.default_rng(1)} | changes
    with pytest.raises(ValueError, match=message):
        flux.flux_interval(**arguments)


def test_too_many_samples_are_refused_at_once():
    W, _ = network(30, 1.0, 1)
    with pytest.raises(flux.TooLargeError, match=r"samples of 30 neurons.*fewer samples"):
        flux.flux_interval(W, rng=np.random.default_rng(1), samples=10**12)
