"""Intervals and tests of a flux from samples: coverage, what they hide, and their blocks."""

import math
import warnings

import numpy as np
import pytest
from sample_recordings import network, sparse_recording, spins

from flux.exact.flux import exact_flux
from flux.model.ensembles import gaussian_weights, nrooks
from flux.model.simulation import simulate, simulate_chains
from flux.model.states import all_states
from flux.recordings.estimators import sample_flux
from flux.recordings.intervals import _block_length, sample_flux_interval

pytestmark = pytest.mark.filterwarnings("ignore:.*samples are few:UserWarning")


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_interval_holds_the_exact_flux():
    inside, widths = 0, []
    for seed in range(40):
        W, x = network(4, 4000, seed=seed)
        result = sample_flux_interval(x, rng=np.random.default_rng(seed), resamples=60)
        inside += result.lower <= exact_flux(W).I <= result.upper
        widths.append(result.upper - result.lower)
        assert result.estimate == pytest.approx(sample_flux(x, method="nsb").I, abs=0.01)
        assert result.lower < result.estimate < result.upper
    # 38 are expected of an exact 95 % interval, and less than 31 by chance once in 1000
    assert inside >= 31
    assert np.mean(widths) < 0.15


def test_interval_shrinks_with_the_sample_and_grows_with_the_level():
    _, x = network(4, 40_000)
    widths = {}
    for steps, level in ((2500, 0.95), (40_000, 0.95), (2500, 0.5)):
        r = sample_flux_interval(x[:steps], rng=np.random.default_rng(1), level=level, block=20)
        widths[steps, level] = r.upper - r.lower
        assert r.block == 20
    assert widths[40_000, 0.95] < widths[2500, 0.95] / 2.5
    assert widths[2500, 0.5] < widths[2500, 0.95]


def test_interval_is_reproducible_and_takes_chains():
    W = gaussian_weights(3, rng=np.random.default_rng(2))
    x = simulate_chains(W, 300, 5, rng=np.random.default_rng(3), progress=False)
    first = sample_flux_interval(x, rng=np.random.default_rng(4), resamples=30)
    assert sample_flux_interval(x, rng=np.random.default_rng(4), resamples=30) == first
    assert first.estimate == pytest.approx(sample_flux(x, method="nsb").I, abs=0.01)
    # chains in any order
    again = sample_flux_interval(x[::-1], rng=np.random.default_rng(4), resamples=30)
    assert again[:3] == pytest.approx(first[:3], abs=0.03)


def test_coins_have_no_flux(rng):
    results = [
        sample_flux_interval(spins(rng, 500, 3), rng=rng, resamples=39, method="miller-madow")
        for _ in range(60)
    ]
    p = np.array([r.p_value for r in results])
    # a tenth lie below 0.1: 6 of 60, within four standard deviations
    assert (p < 0.101).sum() <= 15
    assert 0.35 < p.mean() < 0.65
    assert sum(r.lower <= 0 <= r.upper for r in results) >= 55


@pytest.mark.parametrize(
    ("kind", "n", "steps"),
    [
        ("independent", 5, 1000),
        ("independent", 20, 20_000),
        ("independent", 60, 3000),
        ("refractory", 20, 20_000),
        ("coupled", 5, 10_000),
        ("coupled", 20, 3000),
        ("coupled", 60, 3000),
        ("width 0.3", 8, 3000),
        ("width 1", 8, 20_000),
        ("width 3", 4, 1000),
    ],
)
@pytest.mark.parametrize("method", ["nsb", "chao-wang-jost", "shuffle"])
def test_intervals_hold_the_truth_where_firing_is_sparse_and_dense(kind, n, steps, method):
    held, tight, alarms = 0, 0, 0
    for seed in range(20):
        W, b, x = sparse_recording(kind, n, steps, seed)
        found = sample_flux_interval(
            x, rng=np.random.default_rng(seed), resamples=20, method=method
        )
        truth = max(0.0, round(exact_flux(W, b).I, 12))
        held += found.lower <= truth <= found.upper
        tight += found.upper - found.lower < n / 4
        alarms += found.p_value <= 0.05
        assert 0 <= found.lower <= found.estimate <= found.upper <= n
        assert found.lower <= found.resolvable <= n
        # no contradiction with the test
        assert found.p_value <= 0.05 or found.lower == 0
    # 19 are expected of an exact 95 % interval, less than 16 once in 400 times
    assert held >= 16
    if n < 60 and kind != "width 0.3":
        assert tight >= 18
    if kind == "independent":
        # one of 20 is expected, more than 5 once in 3000 times
        assert alarms <= 5


@pytest.mark.parametrize("period", [2, 3, 4, 16])
@pytest.mark.parametrize("steps", [100, 4000])
def test_cycles_have_flux(period, steps, rng):
    ring = all_states(4)[:period]
    x = np.tile(ring, (steps // period + 1, 1))[: steps + 1]
    result = sample_flux_interval(x, rng=rng, resamples=50)
    assert result.p_value < 0.05
    assert 0 < result.lower <= math.log2(period) + 0.02
    assert min(math.log2(period) + 0.02, 4.0) <= result.upper


def frozen(W, steps, seed=1):
    return simulate(W, steps, rng=np.random.default_rng(seed), progress=False)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "W",
    [
        12 * np.eye(3),
        7 * np.eye(3),
        14 * nrooks(4, rng=np.random.default_rng(3), strength=1.0),
        np.kron(np.eye(2), [[0.0, 9.0], [9.0, 0.0]]),
    ],
    ids=["frozen", "slow", "cycle", "swaps"],
)
def test_what_a_trapped_network_hides_widens_the_interval(W):
    truth = exact_flux(W).I
    for seed in range(5):
        with pytest.warns(UserWarning, match="samples are few .* may add .* or more would do"):
            found = sample_flux_interval(
                frozen(W, 1000, seed), rng=np.random.default_rng(seed), resamples=20
            )
        assert found.lower <= truth <= found.upper


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("kind", "n", "steps"), [("width 1", 8, 2000), ("independent", 20, 500)])
def test_as_many_samples_as_the_warning_asks_for_do(kind, n, steps):
    with pytest.warns(UserWarning, match="the interval is wide") as caught:
        sample_flux_interval(
            sparse_recording(kind, n, steps, 1)[2], rng=np.random.default_rng(1), resamples=20
        )
    needed = int(float(str(caught[0].message).split("; about ")[1].split()[0]))
    assert steps < needed < 200 * steps
    x = sparse_recording(kind, n, needed, 1)[2]
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "the interval is wide")
        sample_flux_interval(x, rng=np.random.default_rng(1), resamples=20)


def test_no_flux_beyond_the_resolvable_one_can_be_told(rng):
    # states that foretell their successors, but none comes twice
    x = spins(rng, 300, 40)
    found = sample_flux_interval(x, rng=rng, resamples=20)
    assert (found.lower, found.p_value, found.resolvable) == (0.0, 1.0, 0.0)
    assert found.upper > 39
    # a ring of 8 states, 100 times: all that there is
    ring = sample_flux_interval(np.tile(all_states(3), (100, 1)), rng=rng, resamples=20)
    assert ring.resolvable == pytest.approx(ring.lower, abs=0.1)
    assert ring.resolvable > 2.8


def test_slow_neurons_do_not_fool_the_test():
    # states that last for 40 steps say nothing about those 400 steps later
    false_alarms = {1: 0, None: 0}
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x = np.where(np.cumsum(rng.random((3000, 3)) < 1 / 40, axis=0) % 2, 1, -1)
        for block in false_alarms:
            r = sample_flux_interval(
                x, rng=rng, lag=400, resamples=39, block=block, method="plugin"
            )
            false_alarms[block] += r.p_value < 0.06
    assert false_alarms[1] > 20
    assert false_alarms[None] <= 8


@pytest.mark.parametrize("stay", [0.5, 0.75, 0.9, 0.95])
def test_block_length_follows_the_correlation(rng, stay):
    # a two-state chain has R(k) = r^k: G = 2 r / (1 - r)^2 and g = (1 + r) / (1 - r)
    x = np.where(np.cumsum(rng.random(200_000) > stay) % 2, 1.0, -1.0)
    r = 2 * stay - 1
    expected = (1.5 * 200_000 * (2 * r / (1 - r * r)) ** 2) ** (1 / 3)
    assert _block_length(x[None]) == pytest.approx(expected, rel=0.3, abs=15)


def test_block_length_of_what_never_changes():
    assert _block_length(np.ones((2, 100))) == 1
    assert 1 <= _block_length(np.tile([1.0, -1.0], 500)[None]) <= 95


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rng": None}, "rng must be"),
        ({"level": 1.0}, "level must be"),
        ({"level": math.nan}, "level must be"),
        ({"resamples": 5}, "resamples must be"),
        ({"block": 0}, "block must be"),
        ({"block": 25}, "block must be"),
        ({"level": 0.99}, "resamples must be an integer at least 99"),
        ({"lag": 45}, "x must have at least 53 steps"),
    ],
)
def test_interval_rejects(change, message):
    arguments = {"x": np.ones((50, 3)), "rng": np.random.default_rng(1), "resamples": 20, **change}
    with pytest.raises(ValueError, match=message):
        sample_flux_interval(**arguments)
