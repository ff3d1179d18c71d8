"""Pattern generators: the wanted period, the fewest neurons, and the time between slips."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signed_permutations import partitions, ring_map

import flux


def successor(W, x):
    return np.where(W @ x > 0, 1, -1)


def period_of(W, x0):
    x, steps = successor(W, x0), 1
    while not np.array_equal(x, x0):
        x, steps = successor(W, x), steps + 1
    return steps


@settings(max_examples=60, deadline=None)
@given(period=st.integers(1, 300), more=st.integers(0, 4), seed=st.integers(0, 2**32))
def test_generator_has_the_wanted_period(period, more, seed):
    n = sum(flux.fewest_rooks(period)) + more
    made = flux.pattern_generator(period, strength=3.0, rng=np.random.default_rng(seed), n=n)
    assert made.W.shape == (n, n)
    assert sum(made.rings) == n
    assert period_of(made.W, made.x0) == period
    assert period in flux.rook_periods(made.permutation, made.signs).period
    assert np.array_equal(made.W, flux.rooks_matrix(made.permutation, made.signs, strength=3.0))


def test_no_rooks_have_a_period_with_fewer_neurons():
    fewest = {}
    for n in range(1, 12):
        for rings in partitions(n, n):
            for products in itertools.product((-1, 1), repeat=len(rings)):
                for period in flux.rook_periods(*ring_map(rings, products)).period:
                    fewest.setdefault(period, n)
    assert all(sum(flux.fewest_rooks(period)) == n for period, n in fewest.items())
    built = {period for period in range(1, 61) if sum(flux.fewest_rooks(period)) <= 11}
    assert built <= fewest.keys()
    assert max(fewest) == 60


@given(st.integers(1, 10**12))
@settings(max_examples=100, deadline=None)
def test_rings_give_the_period(period):
    try:
        rings = flux.fewest_rooks(period)
    except ValueError:
        return
    odd = period // (period & -period)
    assert math.lcm(*rings) in (period, period // 2)
    assert math.lcm(*rings) % odd == 0
    assert all(math.gcd(a, b) == 1 for a, b in itertools.combinations(rings, 2))


def test_same_seed_same_generator():
    made = [flux.pattern_generator(30, strength=2, rng=np.random.default_rng(5)) for _ in range(2)]
    assert np.array_equal(made[0].W, made[1].W)
    assert np.array_equal(made[0].x0, made[1].x0)


def test_slips_come_as_often_as_the_formula_says():
    made = flux.pattern_generator(12, strength=5.0, rng=np.random.default_rng(1))
    rng, chains = np.random.default_rng(2), 4000
    x = np.tile(made.x0, (chains, 1))
    x = flux.simulate_chains(made.W, 400, chains, rng=rng, x0=x)
    slipped = (x[:, 1:] != np.where(x[:, :-1] @ made.W.T > 0, 1, -1)).any(2)
    # slips in distinct steps are independent, so their rate estimates one over the mean time
    rate, expected = slipped.mean(), 1 / flux.slip_time(5, 5.0)
    assert abs(rate - expected) < 5 * np.sqrt(expected / slipped.size)


def test_slip_time_limits():
    assert flux.slip_time(1, 0.0) == 2
    assert flux.slip_time(3, 0.0) == pytest.approx(8 / 7, rel=1e-14)
    # weak slips: 1 / (n eps), to relative precision where 1 - eps rounds to 1
    assert flux.slip_time(10, 50.0) == pytest.approx(math.exp(50) / 10, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"period": 0}, "period"),
        ({"period": 2.0}, "period"),
        ({"period": 10_007}, "period"),
        ({"period": 12, "n": 4}, "n must"),
        ({"period": 12, "strength": -1.0}, "strength"),
        ({"period": 12, "rng": 1}, "rng"),
    ],
)
def test_pattern_generator_refuses(arguments, message):
    usual = {"strength": 1.0, "rng": np.random.default_rng(1)}
    with pytest.raises(ValueError, match=message):
        flux.pattern_generator(**(usual | arguments))


def test_slip_time_refuses():
    with pytest.raises(ValueError, match="n must"):
        flux.slip_time(0, 1.0)
    with pytest.raises(ValueError, match="strength"):
        flux.slip_time(3, np.inf)
