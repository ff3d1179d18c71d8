"""The zero-noise map: against exact fractions and plain numpy, ties, and what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import exact_successors
from random_weights import DECISIONS, ensembles

import flux
from flux import TieError, find_attractors, gaussian_weights, successor_map


@pytest.mark.parametrize("n", range(1, 11))
def test_against_exact_fractions(n: int) -> None:
    rng = np.random.default_rng(n)
    for W in ensembles(n, rng).values():
        for b in (np.zeros(n), rng.normal(size=n), rng.integers(-1, 2, n).astype(float)):
            for ties in DECISIONS if n <= 6 else DECISIONS[:1]:
                expected, tied = exact_successors(W, b, ties)
                assert successor_map(W, b, ties=ties).tolist() == expected
                report = find_attractors(W, b, ties=ties).ties
                assert report.n_states == tied.any(1).sum()
                assert report.per_neuron.tolist() == tied.sum(0).tolist()
                assert report.first.tolist() == np.flatnonzero(tied.any(1))[:8].tolist()


@pytest.mark.parametrize("n", [11, 15, 17])
def test_long_tables_against_numpy(n: int) -> None:
    rng = np.random.default_rng(n)
    W, b = gaussian_weights(n, rng=rng), rng.normal(size=n)
    for bias in (np.zeros(n), b):
        expected = flux.encode(2 * (flux.all_states(n) @ W.T + bias > 0) - 1)
        assert np.array_equal(successor_map(W, bias), expected)


@pytest.mark.parametrize("bias", [0.0, 0.3])
def test_map_in_spans_is_the_map(bias: float, monkeypatch: pytest.MonkeyPatch) -> None:
    W, b = gaussian_weights(20, rng=np.random.default_rng(4)), np.full(20, bias)
    whole = successor_map(W, b)
    monkeypatch.setattr("flux.attractors.zero_noise_map.SPAN", 3 << 17)
    assert np.array_equal(successor_map(W, b), whole)


@given(n=st.integers(1, 12), seed=st.integers(0, 2**32))
def test_map_without_bias_is_odd(n: int, seed: int) -> None:
    codes = successor_map(gaussian_weights(n, rng=np.random.default_rng(seed)))
    assert np.array_equal(codes[::-1], 2**n - 1 - codes)


@pytest.mark.parametrize("n", [1, 2, 9, 13])
def test_delay_line_shifts_the_bits(n: int) -> None:
    codes = np.arange(2**n)
    rotated = (codes << 1 | codes >> (n - 1)) & (2**n - 1)
    assert np.array_equal(successor_map(np.roll(np.eye(n), 1, axis=0)), rotated)


def test_ties_are_those_of_the_doubles() -> None:
    # 0.1 + 0.2 - 0.3 is 2.8e-17 in doubles, and 0.5 + 0.25 - 0.75 is nothing
    W = np.zeros((3, 3))
    W[0] = 0.1, 0.2, -0.3
    W[1, 1] = W[2, 2] = 1
    assert successor_map(W)[7] == 7
    assert successor_map(W)[0] == 0
    W[0] = 0.5, 0.25, -0.75
    for ties, code in (("keep", 7), ("up", 7), ("down", 6)):
        assert successor_map(W, ties=ties)[7] == code
    with pytest.raises(TieError, match=r"zero in 2 of the 8 states .* code 0\), at neurons 0: "):
        successor_map(W)


def test_tiny_weights_decide_beside_large_ones() -> None:
    W = np.zeros((3, 3))
    W[0] = 1e300, -1e300, 1e-300
    W[1, 1] = W[2, 2] = 1
    assert successor_map(W)[7] == 7
    assert successor_map(W)[3] == 2


def test_subnormal_fields_are_no_ties() -> None:
    assert successor_map([[5e-324]]).tolist() == [0, 1]


@pytest.mark.parametrize("function", [successor_map, find_attractors, flux.state_graph])
def test_ties_stop_by_default(function: Any) -> None:
    with pytest.raises(TieError, match=r"zero in 16 of the 16 states .* at neurons 0, 1, 2, 3:"):
        function(np.zeros((4, 4)))
    with pytest.raises(ValueError, match=r"ties='keep' \(the neuron keeps its spin\), 'up' or 'do"):
        function([[1.0, 1.0], [0.0, 1.0]])


@pytest.mark.parametrize("function", [successor_map, find_attractors])
def test_refuses(function: Any) -> None:
    with pytest.raises(
        ValueError, match=r"^W must be of at most 30 neurons .* but was of 31: .* sample_attractors"
    ):
        function(np.ones((31, 31)))
    with pytest.raises(ValueError, match=r"^ties must be one of raise, keep, up, down, but was 'x"):
        function(np.eye(2), ties="x")
    with pytest.raises(ValueError, match=r"^W must be finite"):
        function([[np.nan]])
    with pytest.raises(ValueError, match=r"^b must have shape \(1,\)"):
        function([[1.0]], [1.0, 2.0])


@pytest.mark.parametrize("function", [successor_map, find_attractors])
def test_too_large_is_known_beforehand(function: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flux._base.memory.memory_limit", lambda: 1e9)
    with pytest.raises(
        flux.TooLargeError, match=r"n = 30 neurons would need .*GB.*sample_attractors"
    ):
        function(np.eye(30))
