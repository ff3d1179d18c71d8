"""Signed permutations: periods by theory against enumeration, and invariances."""

import itertools
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signed_permutations import ring_map, signed_permutations

from flux import best_rooks, nrooks, rook_periods, rooks_matrix


def walk(permutation: list[int], signs: list[int]) -> Counter[int]:
    """Count the cycles of each period by following all states, one after the other."""
    successor = {
        x: tuple(sign * x[j] for j, sign in zip(permutation, signs, strict=True))
        for x in itertools.product((-1, 1), repeat=len(signs))
    }
    cycles: Counter[int] = Counter()
    while successor:
        state = next(iter(successor))
        length = 0
        while state in successor:
            state = successor.pop(state)
            length += 1
        cycles[length] += 1
    return cycles


@settings(max_examples=60, deadline=None)
@given(signed_permutations(10))
def test_periods_match_enumeration(rooks: tuple[list[int], list[int]]) -> None:
    found = rook_periods(*rooks)
    cycles = walk(*rooks)
    assert dict(zip(found.period, found.n_cycles, strict=True)) == cycles
    assert found.period == tuple(sorted(cycles))
    assert found.mean_attractor == Fraction(2 ** len(rooks[0]), cycles.total())
    squares = sum(period**2 * count for period, count in cycles.items())
    assert found.mean_state == Fraction(squares, 2 ** len(rooks[0]))


def test_periods_of_twelve_neurons_match_enumeration() -> None:
    for rings, products in [([6, 4, 2], (1, -1, 1)), ([12], (-1,)), ([9, 3], (-1, 1))]:
        rooks = ring_map(rings, products)
        found = rook_periods(*rooks)
        assert dict(zip(found.period, found.n_cycles, strict=True)) == walk(*rooks)


@given(signed_permutations(120))
@settings(max_examples=30, deadline=None)
def test_counts_add_up_at_any_size(rooks: tuple[list[int], list[int]]) -> None:
    found = rook_periods(*rooks)
    assert sum(found.n_states) == 2 ** len(rooks[0])
    for period, cycles, states in zip(found.period, found.n_cycles, found.n_states, strict=True):
        assert period * cycles == states
    assert found.mean_attractor <= found.mean_state <= found.longest


@given(signed_permutations(30), st.randoms())
@settings(max_examples=30, deadline=None)
def test_periods_do_not_depend_on_names_or_flips(rooks, random) -> None:
    permutation, signs = rooks
    n = len(signs)
    name = random.sample(range(n), n)
    flip = [random.choice((-1, 1)) for _ in range(n)]
    renamed, flipped = [0] * n, [0] * n
    for i, (j, sign) in enumerate(zip(permutation, signs, strict=True)):
        renamed[name[i]] = name[j]
        flipped[name[i]] = sign * flip[i] * flip[j]
    assert rook_periods(renamed, flipped) == rook_periods(permutation, signs)


def test_one_ring_has_the_necklace_numbers() -> None:
    # binary necklaces A000031, and those of twice the length that invert halfway, A000016
    plain = [2, 3, 4, 6, 8, 14, 20, 36, 60, 108]
    twisted = [1, 1, 2, 2, 4, 6, 10, 16, 30, 52]
    for n in range(1, 11):
        for product, count in ((1, plain[n - 1]), (-1, twisted[n - 1])):
            assert sum(rook_periods(*ring_map([n], (product,))).n_cycles) == count


def test_best_rooks_of_400_neurons_have_few_enough_periods() -> None:
    best = best_rooks(400)
    found = rook_periods(best.permutation, best.signs)
    assert len(found.period) == 49152
    assert found.mean_attractor == best.value


def test_too_many_periods_are_refused() -> None:
    best = best_rooks(1000)
    with pytest.raises(ValueError, match="number of possible periods"):
        rook_periods(best.permutation, best.signs)


def test_rooks_matrix_has_the_weights_of_its_map() -> None:
    W = rooks_matrix([2, 0, 1], [1, -1, 1], strength=2.5)
    assert W.tolist() == [[0, 0, 2.5], [-2.5, 0, 0], [0, 2.5, 0]]
    drawn = nrooks(9, rng=np.random.default_rng(1), strength=2.0)
    senders = np.abs(drawn).argmax(1)
    signs = np.sign(drawn[np.arange(9), senders])
    assert np.array_equal(rooks_matrix(senders, signs, strength=2.0), drawn)


@pytest.mark.parametrize(
    ("permutation", "signs", "message"),
    [
        ([0, 0], [1, 1], "permutation"),
        ([1, 2], [1, 1], "permutation"),
        ([], [], "permutation"),
        ([[0]], [1], "permutation"),
        ([0.0, 1.0], [1, 1], "permutation"),
        ([1, 0], [1], "signs"),
        ([1, 0], [1, 0], "signs"),
    ],
)
def test_no_signed_permutation_is_refused(permutation, signs, message) -> None:
    with pytest.raises(ValueError, match=message):
        rook_periods(permutation, signs)
    with pytest.raises(ValueError, match=message):
        rooks_matrix(permutation, signs, strength=1.0)


def test_mean_period_of_one_odd_ring_is_known() -> None:
    # an inverting ring of a prime length p: two states of period 2, all others of 2 p
    for p in (3, 5, 7, 11):
        found = rook_periods(*ring_map([p], (-1,)))
        assert found.period == (2, 2 * p)
        assert found.n_cycles == (1, (2**p - 2) // (2 * p))
