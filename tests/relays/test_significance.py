"""Where noise ends: p-values by their definitions, few false relays, true ones found."""

import numpy as np
import oracles
import pytest
from relay_cases import rng
from scipy.stats import binom

import flux

pytestmark = pytest.mark.filterwarnings("ignore:.*samples are too few")


def coins(seed, n_relays, samples=300, nodes=6):
    generator = rng([seed, n_relays])
    x, Y = generator.integers(0, 2, samples), generator.integers(0, 2, (samples, nodes))
    for j in range(n_relays):
        Y[:, j] = x ^ (generator.random(samples) < 0.1)
    return x, Y


@pytest.mark.parametrize("kind", ["single", "aggregated", "shapley"])
def test_scores_by_their_definition(kind):
    """With three nodes, all orders of leaving are gone through: nothing but shuffles is drawn."""
    x, Y = coins(1, 1, samples=60, nodes=3)
    out = x ^ (rng(2).random(60) < 0.2)
    found = flux.score_significance(x, out, Y, rng=rng(3), kind=kind, resamples=39, level=0.9)

    draws = rng(3)
    scores = flux.relay_scores(x, out, Y, kind=kind, rng=draws)
    np.testing.assert_array_equal(found.scores, scores)
    shuffled, drawn = [], []
    for _ in range(39):
        order = draws.permutation(60)
        shuffled.append(flux.relay_scores(x[order], out[order], Y, kind=kind, rng=draws))
        rows = draws.integers(60, size=60)
        drawn.append(flux.relay_scores(x[rows], out[rows], Y[rows], kind=kind, rng=draws))
    best = np.max(shuffled, axis=1)
    p = [(1 + sum(b >= score - 1e-9 for b in best)) / 40 for score in scores]
    np.testing.assert_allclose(found.p_value, p)
    assert found.noise == pytest.approx(np.quantile(best, 0.9))
    high, low = np.quantile(drawn, [0.95, 0.05], axis=0)
    np.testing.assert_allclose([found.lower, found.upper], [2 * scores - high, 2 * scores - low])


def test_order_by_its_definition():
    x, Y = coins(1, 2, samples=100, nodes=4)
    found = flux.order_significance(x, x, Y, rng=rng(3), resamples=39, level=0.9)

    draws = rng(3)
    order = flux.relay_order(x, x, Y, rng=draws).order
    np.testing.assert_array_equal(found.found.order, order)

    def along(labels):
        given = [oracles.relay_information(labels, labels, Y, list(order[k:])) for k in range(5)]
        return [I + leak for I, leak, *_ in given]

    noise = np.array([along(x[draws.permutation(100)]) for _ in range(39)])
    z = (noise.mean(0) - np.vstack([along(x), noise]))[:, 1:] / noise.std(0, ddof=1)[1:]
    p = [(1 + np.sum(z[1:].max(1) >= fall - 1e-9)) / 40 for fall in z[0]]
    np.testing.assert_allclose(found.p_value, np.minimum.accumulate(p))
    np.testing.assert_allclose(found.noise, np.quantile(noise, 0.1, axis=0), atol=1e-12)
    assert found.relays.tolist() == [
        j for j, q in zip(order, found.p_value, strict=True) if q <= 0.1
    ]


def test_drift_by_its_definition():
    scores, again = rng(1).random((2, 6, 9))
    again[2:] += scores[:-2]
    found = flux.drift_significance(scores, 2, again, rng=rng(3), resamples=39, level=0.9)
    draws = rng(3)
    now, later = scores[:-2], again[2:]

    def alike(order):
        return [np.corrcoef(a, b[order])[0, 1] for a, b in zip(now, later, strict=True)]

    np.testing.assert_allclose(found.correlation, alike(np.arange(9)))
    noise = np.array([alike(draws.permutation(9)) for _ in range(39)])
    p = [(1 + np.sum(noise.max(1) >= value)) / 40 for value in found.correlation]
    np.testing.assert_allclose(found.p_value, p)
    assert found.noise == pytest.approx(np.quantile(noise.max(1), 0.9))
    assert found.mean_p_value == (1 + np.sum(noise.mean(1) >= found.mean)) / 40


def test_flat_profiles_have_no_likeness():
    scores = rng(1).random((4, 8))
    scores[1] = 0.5
    found = flux.drift_significance(scores, rng=rng())
    assert np.isnan(found.correlation).tolist() == [True, True, False]
    assert found.p_value[:2].tolist() == [1.0, 1.0]
    assert found.mean == found.correlation[2]
    with pytest.raises(ValueError, match="scores must differ"):
        flux.drift_significance(np.ones((3, 8)), rng=rng())


@pytest.mark.parametrize("n_relays", [0, 1, 2])
def test_few_false_relays_and_no_true_one_missed(n_relays):
    """At a level of 80 %, so that too many of them would show among a hundred sets."""
    false = {"single": 0, "shapley": 0, "order": 0}
    for seed in range(100):
        x, Y = coins(seed, n_relays)
        options = {"rng": rng(seed), "resamples": 39, "level": 0.8, "progress": False}
        named = {
            kind: flux.score_significance(x, x, Y, kind=kind, orders=2, **options).p_value <= 0.2
            for kind in ("single", "shapley")
        }
        order = flux.order_significance(x, x, Y, **options).relays
        named["order"] = np.isin(np.arange(6), order)
        for way, nodes in named.items():
            assert nodes[:n_relays].all(), way
            false[way] += nodes[n_relays:].any()
    assert max(false.values()) <= binom.ppf(0.999, 100, 0.2)
    if not n_relays:
        assert min(false["single"], false["shapley"]) >= binom.ppf(0.001, 100, 0.2)


def test_intervals_hold_the_true_score():
    truth, inside = 1 - flux.binary_entropy(0.1), 0
    for seed in range(100):
        x, Y = coins(seed, 1)
        found = flux.score_significance(x, x, Y, rng=rng(seed), resamples=99, progress=False)
        inside += found.lower[0] <= truth <= found.upper[0]
    assert binom.ppf(0.0005, 100, 0.95) <= inside


def test_twins_are_both_found_and_of_an_xor_pair_the_last():
    x, Y = coins(1, 0, samples=2000, nodes=5)
    Y[:, 1] = Y[:, 3] = x
    found = flux.order_significance(x, x, Y, rng=rng())
    assert sorted(found.relays) == [1, 3]
    x = Y[:, 0] ^ Y[:, 1]
    found = flux.order_significance(x, x, Y[:, [0, 1, 2, 4]], rng=rng())
    assert len(found.relays) == 1
    assert found.relays[0] in (0, 1)


@pytest.mark.parametrize(("level", "resamples"), [(0.99, 98), (0.95, 10), (1.5, 99)])
def test_too_few_resamples_are_refused(level, resamples):
    x, Y = coins(1, 1)
    for significance in (flux.score_significance, flux.order_significance):
        with pytest.raises(ValueError, match=r"resamples must|level must"):
            significance(x, x, Y, rng=rng(), level=level, resamples=resamples)
