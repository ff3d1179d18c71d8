"""Scores of nodes by their definitions, and over time."""

import itertools

import numba
import numpy as np
import oracles
import pytest
from hypothesis import given
from relay_cases import Y4, X, cases, enumerate_bits, rng

import flux
from flux.relays._checked_samples import MAX_VALUES

pytestmark = pytest.mark.filterwarnings("ignore:.*samples are too few")

TOLERANCE = 1e-12


@given(cases(4))
def test_scores_by_their_definitions(case):
    xin, xout, Y = case
    n = Y.shape[1]

    def I_R(relay):
        return oracles.relay_information(xin, xout, Y, list(relay))[0]

    found = flux.relay_order(xin, xout, Y, rng=rng())
    curve = [I_R(found.order[k:]) for k in range(n + 1)]
    np.testing.assert_allclose(found.curve, curve, rtol=0, atol=1e-12)
    for k in range(n):
        # no other choice would have left more, and a tie is one
        left = [I_R(set(found.order[k:]) - {j}) for j in found.order[k:]]
        assert curve[k + 1] > max(left) - 1e-8
        assert found.tied[k] == (sum(value > max(left) - 1e-8 for value in left) > 1)

    single = [I_R(range(n)) - I_R(set(range(n)) - {j}) for j in range(n)]
    scores = flux.relay_scores(xin, xout, Y, kind="single", rng=rng())
    np.testing.assert_allclose(scores, single, rtol=0, atol=1e-12)

    aggregated = np.zeros(n)
    for removed in range(1, n + 1):
        for j in found.order[removed:]:
            aggregated[j] += curve[1] - curve[removed]
    scores = flux.relay_scores(xin, xout, Y, kind="aggregated", rng=rng())
    np.testing.assert_allclose(scores, aggregated, rtol=0, atol=1e-11)

    shapley = np.zeros(n)
    orders = list(itertools.permutations(range(n)))
    for order in orders:
        for k, j in enumerate(order):
            shapley[j] += (I_R(order[k:]) - I_R(order[k + 1 :])) / len(orders)
    scores = flux.relay_scores(xin, xout, Y, kind="shapley", rng=rng())
    np.testing.assert_allclose(scores, shapley, rtol=0, atol=1e-12)


@pytest.mark.parametrize("values", [2, 3, MAX_VALUES])
def test_threads_and_seeds(values):
    generator = rng(5)
    Y = generator.integers(0, values, (20_000, 30)).astype(np.uint8)
    xin = Y[:, 3] % 2
    before = numba.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 2):
            numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
            order = flux.relay_order(xin, xin, Y, rng=rng(7))
            shapley = flux.relay_scores(xin, xin, Y, kind="shapley", rng=rng(7), orders=50)
            results.append([*order, shapley])
    finally:
        numba.set_num_threads(before)
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))
    assert np.argmax(flux.relay_scores(xin, xin, Y, kind="single", rng=rng())) == 3


def test_shapley_by_drawn_orders():
    """Eleven bits of which the output is the parity of a pair: half a bit each, by symmetry.

    Each order is gone both ways, and in one of the two ways each is the last of the pair.
    """
    *bits, xin = rng(2).integers(0, 2, (12, 1 << 15))
    xin = bits[4] ^ bits[9]
    Y = np.stack(bits, 1)
    scores = flux.relay_scores(xin, xin, Y, kind="shapley", rng=rng(), orders=99)
    found = flux.relay_information(xin, xin, Y, range(11))
    assert scores.sum() == pytest.approx(found.I, abs=1e-12)
    assert scores[[4, 9]] == pytest.approx(0.5, abs=0.05)
    assert np.delete(scores, [4, 9]) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("orders", [1, 2])
def test_shapley_goes_each_order_both_ways(orders):
    """Of a pair, each is the last in one of the two ways: exactly half a bit each."""
    a, b, *noise = enumerate_bits(7)
    Y = np.stack([*noise[:2], a, *noise[2:], b], 1)
    scores = flux.relay_scores(a ^ b, a ^ b, Y, kind="shapley", rng=rng(), orders=orders)
    np.testing.assert_allclose(scores, [0, 0, 0.5, 0, 0, 0, 0.5], rtol=0, atol=TOLERANCE)


def test_over_time_is_step_by_step():
    generator = rng(3)
    Y = generator.integers(0, 2, (600, 5, 6))
    xin = generator.integers(0, 3, 600)
    xout = (xin + Y[:, 2, 1]) % 3
    for kind in ("single", "aggregated", "shapley"):
        found = flux.relay_over_time(xin, xout, Y, rng=rng(), kind=kind, orders=6)
        assert found.scores.shape == found.order.shape == (5, 6)
        assert found.leak.shape == found.I_in_out.shape == (5,)
        same = rng()
        for t in range(5):
            one = flux.relay_order(xin, xout, Y[:, t], rng=same)
            for name, value in one._asdict().items():
                assert np.array_equal(getattr(found, name)[t], value)
            if kind != "aggregated":
                scores = flux.relay_scores(xin, xout, Y[:, t], kind=kind, rng=same, orders=6)
                assert np.array_equal(found.scores[t], scores)
            else:
                # the last to go has the largest score, and the first has none
                assert found.scores[t, one.order[0]] == 0
    with pytest.warns(UserWarning, match="too few"):
        flux.relay_over_time(
            xin, xout, np.arange(600 * 2)[:, None].reshape(600, 1, 2) % 256, rng=rng()
        )


def test_bad_options():
    with pytest.raises(ValueError, match="kind must be one of single, aggregated, shapley"):
        flux.relay_scores(X, X, Y4, kind="double", rng=rng())
    with pytest.raises(ValueError, match="orders must be"):
        flux.relay_scores(X, X, Y4, kind="shapley", rng=rng(), orders=0)
    with pytest.raises(ValueError, match="rng must be"):
        flux.relay_order(X, X, Y4, rng=1)
    with pytest.raises(ValueError, match=r"Y must have shape \(samples, steps, nodes\)"):
        flux.relay_over_time(X, X, Y4, rng=rng())


def test_only_what_is_drawn_needs_a_generator():
    generator = rng(1)
    Y, xin = generator.integers(0, 3, (200, 70)), generator.integers(0, 2, 200)
    single = flux.relay_scores(xin, xin, Y)
    drawing = rng(1)
    assert np.array_equal(single, flux.relay_scores(xin, xin, Y, kind="single", rng=drawing))
    assert drawing.random() == rng(1).random()
    for kind in ("aggregated", "shapley"):
        with pytest.raises(ValueError, match="rng must be"):
            flux.relay_scores(xin, xin, Y, kind=kind)
    with pytest.raises(ValueError, match="rng must be"):
        flux.relay_scores(xin, xin, Y, rng=1)
