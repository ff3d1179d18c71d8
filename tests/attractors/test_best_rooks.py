"""Best rooks: against all signed permutations, Landau's function, and what they must reach."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signed_permutations import partitions, ring_map, signed_permutations

from flux import best_rooks, rook_periods

# A000793, Landau's function g(1), g(2), ...
LANDAU = [1, 2, 3, 4, 6, 6, 12, 15, 20, 30, 30, 60, 60, 84, 105, 140, 210, 210, 420, 420, 420, 420]


@pytest.mark.parametrize("n", range(1, 11))
def test_best_is_best_of_all_signed_partitions(n: int) -> None:
    every = [
        rook_periods(*ring_map(rings, products))
        for rings in partitions(n, n)
        for products in itertools.product((-1, 1), repeat=len(rings))
    ]
    assert best_rooks(n, "attractor").value == max(found.mean_attractor for found in every)
    assert best_rooks(n, "state").value == max(found.mean_state for found in every)
    assert best_rooks(n, "longest").value == max(found.longest for found in every)


@pytest.mark.parametrize("n", [18, 23])
def test_best_is_best_of_all_partitions_with_inverting_rings(n: int) -> None:
    every = [rook_periods(*ring_map(rings, (-1,) * len(rings))) for rings in partitions(n, n)]
    assert best_rooks(n, "attractor").value == max(found.mean_attractor for found in every)
    assert best_rooks(n, "state").value == max(found.mean_state for found in every)


@pytest.mark.parametrize("n", [1, 2, 7, 30, 100, 250])
def test_best_rooks_reach_their_value(n: int) -> None:
    for objective in ("attractor", "state", "longest"):
        best = best_rooks(n, objective)
        assert sum(best.rings) == n
        found = rook_periods(best.permutation, best.signs)
        value = {
            "attractor": found.mean_attractor,
            "state": found.mean_state,
            "longest": found.longest,
        }[objective]
        assert best.value == value


def test_longest_period_is_twice_landaus_function() -> None:
    assert [best_rooks(n, "longest").value for n in range(1, 23)] == [2 * g for g in LANDAU]
    # A000793, n = 100
    assert best_rooks(100, "longest").value == 2 * 232792560
    largest = best_rooks(1000, "longest")
    assert largest.value == 2 * math.lcm(*largest.rings)


@given(st.integers(2, 400))
@settings(max_examples=20, deadline=None)
def test_best_means_are_ordered_and_rise_with_n(n: int) -> None:
    mean, state, longest = (best_rooks(n, kind).value for kind in ("attractor", "state", "longest"))
    assert mean <= state <= longest
    # one more neuron may stand by, inverting itself: 2 divides every period already
    assert best_rooks(n - 1, "attractor").value <= mean
    assert best_rooks(n - 1, "state").value <= state


@given(signed_permutations(60))
@settings(max_examples=30, deadline=None)
def test_no_rooks_are_better_than_the_best(rooks: tuple[list[int], list[int]]) -> None:
    n = len(rooks[0])
    found = rook_periods(*rooks)
    assert found.mean_attractor <= best_rooks(n, "attractor").value
    assert found.mean_state <= best_rooks(n, "state").value
    assert found.longest <= best_rooks(n, "longest").value


@pytest.mark.parametrize(
    ("n", "objective", "message"),
    [(0, "attractor", "n must"), (1001, "attractor", "n must"), (5, "max", "objective")],
)
def test_best_rooks_refuses(n: int, objective: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        best_rooks(n, objective)
