"""Comparison of two conditions: equal samples, exact tests, and what they find."""

from itertools import combinations

import numpy as np
import pytest
from sample_recordings import network, spins

from flux.exact.flux import exact_flux
from flux.model.ensembles import gaussian_weights
from flux.model.simulation import simulate_chains
from flux.recordings.comparison import _flux as flux_of_units
from flux.recordings.comparison import _label_pairs, compare_flux
from flux.recordings.estimators import sample_flux

pytestmark = pytest.mark.filterwarnings("ignore:.*samples are few:UserWarning")


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def trials(W, count, *, seed, steps=40):
    return simulate_chains(
        W, steps, count, rng=np.random.default_rng(seed), burn_in=100, progress=False
    )


@pytest.mark.parametrize("method", ["plugin", "shuffle", "nsb", "chao-wang-jost"])
def test_estimates_are_those_of_sample_flux_from_equal_numbers_of_trials(method, rng):
    W = gaussian_weights(3, rng=rng)
    x1, x2 = trials(W, 10, seed=1), trials(2 * W, 25, seed=2)
    found = compare_flux(x1, x2, rng=rng, method=method, lag=2, resamples=20)
    # two groups of ten of the 25, and five are left over
    groups = [sample_flux(part, method=method, lag=2).I for part in (x2[:10], x2[10:20])]
    assert found.flux1 == pytest.approx(sample_flux(x1, method=method, lag=2).I, abs=1e-12)
    assert found.flux2 == pytest.approx(np.mean(groups), abs=1e-12)
    assert found.difference == found.flux2 - found.flux1
    assert found.samples == 10 * 38
    assert found.units == (10, 20)


def test_variance_is_that_of_the_local_flux(rng):
    x = trials(gaussian_weights(3, rng=rng), 8, seed=4)
    I, v = flux_of_units(_label_pairs(x, 1), np.arange(8), 8, "plugin")
    codes = ((x > 0) @ [1, 2, 4]).astype(int)
    p = np.zeros((8, 8))
    np.add.at(p, (codes[:, :-1], codes[:, 1:]), 1 / (8 * 39))
    with np.errstate(divide="ignore", invalid="ignore"):
        local = np.log2(p / np.outer(p.sum(1), p.sum(0)))[codes[:, :-1], codes[:, 1:]]
    assert pytest.approx(local.mean(), abs=1e-12) == I
    assert v == pytest.approx(local.mean(1).var(ddof=1) / 8, rel=1e-9)
    # of the mean of two groups of four: both have a variance, and all eight units count
    both = [
        flux_of_units(_label_pairs(half, 1), np.arange(4), 4, "plugin") for half in (x[:4], x[4:])
    ]
    found = flux_of_units(_label_pairs(x, 1), np.arange(8), 4, "plugin")
    np.testing.assert_allclose(found, np.mean(both, 0) / [1, 2], rtol=1e-9)


def test_p_value_is_that_of_all_ways_to_deal_out(rng):
    W = gaussian_weights(2, rng=rng)
    x1, x2 = trials(W, 5, seed=5), trials(1.6 * W, 5, seed=6)
    pairs = _label_pairs(np.concatenate([x1, x2]), 1)

    def t(first):
        second = np.setdiff1d(np.arange(10), first)
        (I1, v1), (I2, v2) = (
            flux_of_units(pairs, np.array(side), 5, "plugin") for side in (first, second)
        )
        return abs(I2 - I1) / np.sqrt(v1 + v2)

    every = np.array([t(first) for first in combinations(range(10), 5)])
    exact = (every >= every[0] - 1e-12).mean()
    found = compare_flux(x1, x2, rng=rng, method="plugin", resamples=2000)
    assert 0.01 < exact < 0.9
    assert found.p_value == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 2000))


def test_swapping_conditions_turns_the_sign(rng):
    W = gaussian_weights(3, rng=rng)
    x1, x2 = trials(W, 12, seed=7), trials(2 * W, 12, seed=8)
    one = compare_flux(x1, x2, rng=np.random.default_rng(1), resamples=199)
    other = compare_flux(x2, x1, rng=np.random.default_rng(1), resamples=199)
    assert other.difference == -one.difference
    assert (other.flux1, other.flux2) == (one.flux2, one.flux1)
    assert other.p_value == pytest.approx(one.p_value, abs=0.1)
    assert one == compare_flux(x1, x2, rng=np.random.default_rng(1), resamples=199)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_interval_and_test_agree(level):
    rejected = 0
    for seed in range(20):
        W = gaussian_weights(3, rng=np.random.default_rng(seed))
        x1, x2 = trials(W, 12, seed=seed), trials(1.25 * W, 12, seed=100 + seed)
        found = compare_flux(
            x1, x2, rng=np.random.default_rng(seed), level=level, resamples=39, method="plugin"
        )
        outside = not found.lower <= 0 <= found.upper
        assert outside == (found.p_value <= 1 - level + 1e-9)
        rejected += outside
    assert 3 <= rejected <= 19


def test_no_difference_is_found_where_there_is_none_and_a_large_one_is():
    false, true, held = 0, 0, 0
    for seed in range(40):
        W = gaussian_weights(3, rng=np.random.default_rng(seed), width=0.7)
        turn = np.array([1.0, -1.0, 1.0])
        x = trials(W, 20, seed=seed)
        rng = np.random.default_rng(seed)
        # flipped spins have the very same flux, and hardly a state in common
        same = compare_flux(
            x, trials(turn[:, None] * W * turn, 50, seed=200 + seed), rng=rng, resamples=39
        )
        more = compare_flux(x, trials(1.8 * W, 20, seed=300 + seed), rng=rng, resamples=39)
        false += same.p_value <= 0.05
        true += more.p_value <= 0.05
        truth = exact_flux(1.8 * W).I - exact_flux(W).I
        held += more.lower <= truth <= more.upper
    # two are expected, and more than 6 by chance once in 300 times
    assert false <= 6
    assert true >= 30
    assert held >= 32


def test_recordings_in_one_piece_are_cut_into_blocks(rng):
    _, x1 = network(3, 3000, width=0.5)
    _, x2 = network(3, 5000, width=1.5)
    found = compare_flux(x1, x2, rng=rng, resamples=39)
    assert found.units == (40, 40)  # of 75 steps; 26 of the second are left over
    assert found.samples == 40 * 74
    assert found.lower > 0
    assert compare_flux(x1, x2, rng=rng, resamples=39, block=100).units == (30, 30)


def test_lists_of_trials_of_any_length(rng):
    W = gaussian_weights(3, rng=rng)
    x1 = list(trials(W, 8, seed=9))
    x2 = [x[: 36 + k] for k, x in enumerate(trials(W, 5, seed=10))]
    found = compare_flux(x1, x2, rng=np.random.default_rng(1), resamples=20)
    cut = compare_flux(
        np.stack(x1)[:, :36],
        np.stack([x[:36] for x in x2]),
        rng=np.random.default_rng(1),
        resamples=20,
    )
    assert found == cut
    with pytest.warns(UserWarning, match=r"leaves out 7\d% of all steps"):
        compare_flux(x1, [*x2, x2[0][:9]], rng=rng, resamples=20, method="plugin")
    # in blocks nothing is
    assert compare_flux(x1, x2, rng=rng, resamples=20, block=18).units == (10, 10)


def test_frozen_conditions(rng):
    ring = np.tile([[1, -1], [-1, 1]], (50, 1))
    still = np.tile([[1, -1]], (100, 1))
    differ = compare_flux(still, ring, rng=rng, resamples=39, block=9)
    assert differ.difference == pytest.approx(1, abs=0.01)
    assert differ.p_value == 1 / 40
    alike = compare_flux(still, still, rng=rng, resamples=39, block=9)
    assert (alike.difference, alike.p_value) == (0, 1)


def test_refuses(rng):
    x = spins(rng, 100, 3)
    with pytest.raises(ValueError, match=r"^x2 must have the n = 3 neurons of x1, but had 2"):
        compare_flux(x, x[:, :2], rng=rng)
    with pytest.raises(ValueError, match=r"must have at least 5 trials or blocks .* 4 and 4"):
        compare_flux(x, x, rng=rng, block=25)
    with pytest.raises(ValueError, match=r"must both have trials, or neither, but had 1 and 4"):
        compare_flux(x, x.reshape(4, 25, 3), rng=rng)
    with pytest.raises(ValueError, match=r"^x1 must have shape \(steps, n\)"):
        compare_flux(x[0], x, rng=rng)
    with pytest.raises(
        ValueError, match=r"^x1 must hold chains of shape \(steps, n\) with the same n"
    ):
        compare_flux([x, x[:, :2]], x, rng=rng)
    for empty in ([x[:0]], [x[:0], *[x[:20]] * 6]):
        with pytest.raises(ValueError, match=r"must have at least 2 steps a trial, but had 0"):
            compare_flux(empty, [x[:20]] * 6, rng=rng)
    with pytest.raises(ValueError, match=r"^method must be plugin or shuffle"):
        compare_flux(spins(rng, 100, 40), spins(rng, 100, 40), rng=rng)
    with pytest.raises(ValueError, match=r"^resamples must be an integer at least 99"):
        compare_flux(x, x, rng=rng, level=0.99, resamples=98)
