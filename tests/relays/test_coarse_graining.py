"""Coarse-graining against all cuts."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flux
from flux.relays.coarse_graining import METHODS


def cut_costs(values):
    """Sum of squared distances to the means of both parts, for each cut below a new value."""
    ordered = sorted(values)
    costs = {}
    for k in range(1, len(ordered)):
        if ordered[k] > ordered[k - 1]:
            parts = ordered[:k], ordered[k:]
            means = [Fraction(sum(part), len(part)) for part in parts]
            costs[k] = sum(
                (v - mean) ** 2 for part, mean in zip(parts, means, strict=True) for v in part
            )
    return costs


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=12), st.sampled_from([int, np.float32]))
def test_two_means_is_the_best_of_all_cuts(values, dtype):
    states = flux.coarse_grain(np.array(values, dtype)[:, None])[:, 0]
    costs = cut_costs(values)
    if not costs:
        assert not states.any()
        return
    low = int((states == 0).sum())
    assert sorted(values)[:low] == sorted(v for v, s in zip(values, states, strict=True) if s == 0)
    assert costs[low] == min(costs.values())


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=12))
def test_median_and_sign(values):
    column = np.array(values)[:, None]
    states = flux.coarse_grain(column, "median")[:, 0]
    assert 2 * states.sum() <= len(values)
    if len(set(values)) == len(values):
        assert states.sum() == len(values) // 2
    assert np.array_equal(flux.coarse_grain(column, "sign")[:, 0], column[:, 0] > 0)


@pytest.mark.parametrize("method", METHODS)
def test_each_node_and_step_is_cut_by_itself(method, monkeypatch):
    H = np.random.default_rng(1).normal(size=(50, 4, 3)).astype(np.float32)
    H[:, 1, 2] = 7.0
    states = flux.coarse_grain(H, method)
    assert states.dtype == np.int8
    for t in range(4):
        for j in range(3):
            assert np.array_equal(
                states[:, t, j], flux.coarse_grain(H[:, t, j : j + 1], method)[:, 0]
            )
    monkeypatch.setattr("flux.relays.coarse_graining._BLOCK", 100)
    assert np.array_equal(flux.coarse_grain(H, method), states)
    shuffled = np.random.default_rng(2).permutation(50)
    assert np.array_equal(flux.coarse_grain(H[shuffled], method), states[shuffled])


def test_two_means_far_from_zero():
    """Running sums start from the mean, so that large offsets do not drown the distances."""
    values = 1e9 + np.array([0.0, 0.1, 0.2, 0.9, 1.0])[:, None]
    assert flux.coarse_grain(values)[:, 0].tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("H", "method", "message"),
    [
        (np.zeros((3, 2)), "mean", "method must be one of kmeans2, median, sign"),
        (np.zeros(3), "sign", r"H must have shape \(samples, ..., nodes\)"),
        (np.zeros((0, 3)), "sign", "H must have shape"),
        (np.array([[np.nan]]), "kmeans2", "H must hold finite"),
        (np.array([["a"]]), "kmeans2", "H must hold finite"),
    ],
)
def test_bad_activities(H, method, message):
    with pytest.raises(ValueError, match=message):
        flux.coarse_grain(H, method)
