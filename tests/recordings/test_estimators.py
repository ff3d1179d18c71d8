"""Flux from samples: counts by hand, exact fluxes, and invariances."""

import math
from collections import Counter

import numpy as np
import pytest
from sample_recordings import network, spins
from scipy import sparse

from flux.exact.flux import exact_flux
from flux.model.ensembles import gaussian_weights, nrooks
from flux.model.simulation import simulate
from flux.model.states import all_states
from flux.recordings.entropies import (
    ENTROPY_METHODS,
    FLUX_METHODS,
    entropy_from_counts,
)
from flux.recordings.estimators import model_flux, sample_flux
from flux.recordings.intervals import sample_flux_interval

pytestmark = pytest.mark.filterwarnings("ignore:.*samples are few:UserWarning")


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def counted_flux(x, lag, method):
    """H(x), H(y), H(x, y) from dictionaries of tuples."""
    chains = [x] if x.ndim == 2 else list(x)
    n = x.shape[-1]
    pairs = [
        (tuple(c[t].tolist()), tuple(c[t + lag].tolist()))
        for c in chains
        for t in range(len(c) - lag)
    ]
    counts = [Counter(p[0] for p in pairs), Counter(p[1] for p in pairs), Counter(pairs)]
    bits = [
        entropy_from_counts(list(c.values()), method, k)
        for c, k in zip(counts, (2**n, 2**n, 4**n), strict=True)
    ]
    return bits[0] + bits[1] - bits[2], bits[1], bits[2] - bits[0]


@pytest.mark.parametrize("method", ENTROPY_METHODS)
@pytest.mark.parametrize(("shape", "lag"), [((300, 3), 1), ((4, 50, 5), 3), ((2, 90, 70), 2)])
def test_flux_is_made_of_counted_entropies(rng, method, shape, lag):
    x = spins(rng, *shape, on=0.8)
    if shape[-1] == 70:
        x[..., 3:] = x[..., :1]
    result = sample_flux(x, method=method, lag=lag)
    assert tuple(result) == pytest.approx(counted_flux(x, lag, method), abs=1e-9)
    assert result.I == result.H - result.D


def test_shuffle_takes_off_the_mean_of_shuffles(rng):
    x = spins(rng, 400, 3)
    y = x[1:].copy()
    fluxes = []
    for _ in range(400):
        rng.shuffle(y)
        fluxes.append(sample_flux(np.stack([x[:-1], y], axis=1)).I)
    taken = sample_flux(x).I - sample_flux(x, method="shuffle").I
    assert abs(taken - np.mean(fluxes)) < 5 * np.std(fluxes) / math.sqrt(400)
    result = sample_flux(x, method="shuffle")
    assert result.I == result.H - result.D
    assert result.H == sample_flux(x).H


def test_flux_of_deterministic_cycles():
    # four states in a ring: H = 2 bits, no divergence
    ring = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]])
    x = np.tile(ring, (100, 1))[:-3]
    for lag in (1, 2, 3):
        assert sample_flux(x, lag=lag).D == pytest.approx(0.0, abs=1e-12)
    assert sample_flux(np.ones((9, 9))) == (0.0, 0.0, 0.0)


def test_chains_are_not_joined():
    up, down = np.ones((5, 2), int), -np.ones((5, 2), int)
    apart = sample_flux(np.stack([up, down]))
    joined = sample_flux(np.concatenate([up, down]))
    assert apart == pytest.approx((1.0, 1.0, 0.0))
    assert joined.D > 0.3


@pytest.mark.parametrize("method", FLUX_METHODS)
def test_flux_is_invariant(rng, method):
    _, x = network(5, 3000)
    I = sample_flux(x, method=method).I
    order, sign = rng.permutation(5), rng.choice([-1, 1], 5)
    assert sample_flux(x[:, order], method=method).I == pytest.approx(I, abs=1e-10)
    assert sample_flux(x * sign, method=method).I == pytest.approx(I, abs=1e-10)
    # H(x) and H(y) swap when time runs backwards
    assert sample_flux(x[::-1], method=method).I == pytest.approx(I, abs=1e-10)


@pytest.mark.parametrize("n", [70, 130])
def test_copied_neurons_add_nothing(n):
    _, x = network(4, 2000)
    assert sample_flux(np.tile(x, (1, n // 4 + 1))[:, :n]) == sample_flux(x)


def test_flux_of_any_type_and_memory_layout():
    _, x = network(4, 1000)
    expected = sample_flux(x)
    for dtype in (np.int16, np.int64, np.float32, np.float64):
        assert sample_flux(x.astype(dtype)) == expected
    assert sample_flux(np.asfortranarray(x)) == expected
    assert sample_flux(x.tolist()) == expected
    assert sample_flux(np.repeat(x, 2, axis=0)[::2]) == expected


@pytest.mark.parametrize(
    ("x", "kwargs", "message"),
    [
        (np.ones(5), {}, "x must have shape"),
        (np.ones((2, 2, 2, 2)), {}, "x must have shape"),
        (np.ones((0, 3)), {}, "x must have shape"),
        (np.ones((3, 0)), {}, "x must have shape"),
        (np.ones((0, 5, 3)), {}, "x must have shape"),
        (np.ones((1, 1)), {}, "x must have at least 2 steps"),
        (np.zeros((20, 2), np.int8), {}, "x must hold only spins -1 and"),
        (np.full((20, 2), 3, np.int8), {}, "x must hold only spins -1 and"),
        (np.full((20, 2), -128, np.int8), {}, "x must hold only spins -1 and"),
        (np.full((5, 2), 2, np.int64), {}, "x must hold only spins -1 and"),
        (np.full((5, 2), 257, np.int64), {}, "x must hold only spins -1 and"),
        (np.full((5, 2), np.nan), {}, "x must hold only spins -1 and"),
        ([[1, -1], [1]], {}, "x must be"),
        (np.full((5, 2), "a"), {}, "x must hold only spins -1 and"),
        (np.ones((5, 2), bool), {}, "x must hold only spins -1 and"),
        (np.ones((5, 2)), {"lag": 0}, "lag must be an integer from 1 to 4"),
        (np.ones((5, 2)), {"lag": 5}, "lag must be an integer from 1 to 4"),
        (np.ones((5, 2)), {"lag": 1.5}, "lag must be an integer"),
        (np.ones((5, 2)), {"method": "magic"}, "method must be one of plugin, .*nsb, shuffle"),
    ],
)
def test_sample_flux_rejects(x, kwargs, message):
    with pytest.raises(ValueError, match=message):
        sample_flux(x, **kwargs)
    with pytest.raises(ValueError, match=message):
        sample_flux_interval(x, rng=np.random.default_rng(1), **kwargs)


def test_a_single_wrong_spin_is_found():
    for n in (3, 70):
        x = np.ones((1000, n), np.int8)
        x[700, n - 1] = 0
        with pytest.raises(ValueError, match="held 0"):
            sample_flux(x)


@pytest.mark.parametrize("method", FLUX_METHODS)
def test_nothing_is_corrected_from_pairs_seen_once(rng, method):
    for x in (np.ones((2, 1), np.int8), spins(rng, 50, 40)):
        if method in ("plugin", "shuffle"):
            assert 0 <= sample_flux(x, method=method).I < 6
        else:
            with pytest.raises(ValueError, match=r"method must be .* none of the \d+ pairs"):
                sample_flux(x, method=method)


def test_corrections_help():
    errors = {method: [] for method in FLUX_METHODS}
    for seed in range(5):
        W, x = network(6, 10**4, seed=seed)
        I = exact_flux(W).I
        for method in FLUX_METHODS:
            errors[method].append(sample_flux(x, method=method).I - I)
    rms = {method: math.sqrt(np.mean(np.square(e))) for method, e in errors.items()}
    assert rms["nsb"] < rms["chao-wang-jost"] < rms["miller-madow"] < rms["plugin"]
    assert rms["nsb"] < rms["plugin"] / 5


def test_model_flux_averages_the_divergence(rng):
    W, b = rng.normal(size=(3, 3)), rng.normal(size=3)
    x = spins(rng, 2, 50, 3)
    p = 1 / (1 + np.exp(-(x.reshape(-1, 3) @ W.T + b)))
    D = -(p * np.log2(p) + (1 - p) * np.log2(1 - p)).sum(1).mean()
    result = model_flux(W, x, b, method="plugin")
    H = entropy_from_counts(list(Counter(map(tuple, x.reshape(-1, 3).tolist())).values()), "plugin")
    assert (result.H, result.D) == pytest.approx((H, D), abs=1e-12)
    assert result.I == result.H - result.D


@pytest.mark.parametrize("n", [4, 70])
def test_model_flux_forms_agree(rng, n):
    W, b, x = rng.normal(size=(n, n)) / n, rng.normal(size=n), spins(rng, 3, 40, n)
    expected = model_flux(W, x, b)
    same = [
        model_flux(sparse.csr_array(W), x, b),
        model_flux(W, x.reshape(-1, n), b),
        model_flux(W, rng.permutation(x.reshape(-1, n)), b),
        model_flux(W.tolist(), x.astype(float), b.tolist()),
    ]
    order, sign = rng.permutation(n), rng.choice([-1, 1], n)
    same.append(model_flux(W[np.ix_(order, order)], x[..., order], b[order]))
    same.append(model_flux(W * np.outer(sign, sign), x * sign, b * sign))
    for other in same:
        assert tuple(other) == pytest.approx(tuple(expected), abs=1e-9)


def test_model_flux_of_strong_weights():
    W = 1000 * np.eye(3)
    assert model_flux(W, np.ones((5, 3))).D == 0.0
    # h2(sigma(u)) = (u + 1) exp(-u) / ln 2 for large u, far below the rounding of sigma(u)
    assert model_flux(60 * np.eye(1), np.ones((5, 1))).D == pytest.approx(
        61 * math.exp(-60) / math.log(2), rel=1e-12
    )


def test_model_flux_of_all_states_is_exact():
    # no bias and N-rooks: all states alike
    W = nrooks(4, rng=np.random.default_rng(1), strength=1.5)
    x = np.tile(all_states(4), (3, 1))
    assert tuple(model_flux(W, x, method="plugin")) == pytest.approx(
        tuple(exact_flux(W)), abs=1e-12
    )


def test_model_flux_ten_times_closer_than_plugin():
    for seed in range(3):
        W, x = network(10, 10**5, seed=seed)
        I = exact_flux(W).I
        known, counted = abs(model_flux(W, x).I - I), abs(sample_flux(x).I - I)
        assert known < counted / 10
        assert known < 0.03


def test_model_flux_of_16_neurons():
    W = gaussian_weights(16, rng=np.random.default_rng(3))
    x = simulate(W, 10**6, rng=np.random.default_rng(4), burn_in=1000, progress=False)
    I = exact_flux(W).I
    assert abs(model_flux(W, x).I - I) < 0.05
    assert sample_flux(x).I - I > 1.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"W": np.ones((3, 2))}, "W must"),
        ({"W": np.full((3, 3), np.nan)}, "W must"),
        ({"b": np.ones(2)}, "b must have shape"),
        ({"x": np.ones((5, 2))}, "x must have shape .* n = 3"),
        ({"x": np.ones(3)}, "x must have shape"),
        ({"x": np.zeros((5, 3))}, "x must hold only spins"),
        ({"method": "shuffle"}, "method must be one of"),
    ],
)
def test_model_flux_rejects(change, message):
    with pytest.raises(ValueError, match=message):
        model_flux(**{"W": np.eye(3), "x": np.ones((5, 3)), **change})
