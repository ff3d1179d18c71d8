"""Rookness and row overlap: closed forms, a search of all permutations, invariances."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux import gaussian_weights, nrooks, rookness, row_overlap, weighing_matrix

measures = pytest.mark.parametrize("measure", [rookness, row_overlap])
seeds = st.integers(0, 2**32)
sizes = st.integers(1, 6)


def draw(n: int, seed: int) -> tuple[np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return gaussian_weights(n, rng=rng, density=0.8), rng


@given(n=st.integers(1, 20), strength=st.floats(1e-200, 1e200), seed=seeds)
def test_rooks_are_rooks(n: int, strength: float, seed: int) -> None:
    W = nrooks(n, rng=np.random.default_rng(seed), strength=strength)
    assert rookness(W) == 1
    assert row_overlap(W) == 0


@pytest.mark.parametrize(("n", "k"), [(2, 2), (4, 3), (6, 5), (7, 4), (8, 8), (13, 9)])
def test_weighing_matrices(n: int, k: int) -> None:
    W = weighing_matrix(n, k, strength=3.0)
    assert rookness(W) == pytest.approx(1 / k, rel=1e-14)
    assert row_overlap(W) == 0


@pytest.mark.parametrize("n", [2, 3, 7])
def test_rank_one(n: int) -> None:
    W = np.outer(np.arange(1, n + 1), np.ones(n))
    assert row_overlap(W) == pytest.approx(1, rel=1e-14)
    assert row_overlap(np.ones((n, n))) == 1
    assert rookness(np.ones((n, n))) == pytest.approx(1 / n, rel=1e-14)


def test_two_rows_at_an_angle() -> None:
    assert row_overlap([[1.0, 0.0], [1.0, 1.0]]) == pytest.approx(np.sqrt(0.5), rel=1e-14)
    three = [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 5.0]]
    assert row_overlap(three) == pytest.approx(np.sqrt(0.5 / 3), rel=1e-14)


@given(n=sizes, seed=seeds)
def test_rookness_is_the_best_of_all_signed_permutations(n: int, seed: int) -> None:
    W, _ = draw(n, seed)
    best = max(np.abs(W[range(n), p]).sum() for p in permutations(range(n)))
    assert rookness(W) == pytest.approx(best**2 / n / max((W**2).sum(), 1e-300), rel=1e-12)


@given(n=sizes, seed=seeds)
def test_row_overlap_is_the_rms_cosine(n: int, seed: int) -> None:
    W, _ = draw(n, seed)
    norm = np.sqrt((W**2).sum(1))
    cosines = [
        W[i] @ W[j] / (norm[i] * norm[j]) if norm[i] * norm[j] else 0.0
        for i, j in permutations(range(n), 2)
    ]
    rms = np.sqrt(np.mean(np.square(cosines or [0.0])))
    assert row_overlap(W) == pytest.approx(rms, abs=1e-12)


@measures
@given(n=sizes, seed=seeds, scale=st.floats(1e-150, 1e150))
def test_invariances(measure: Callable[..., float], n: int, seed: int, scale: float) -> None:
    W, rng = draw(n, seed)
    value = measure(W)
    assert 0 <= value <= 1
    P, S = rng.permutation(n), rng.choice([-1, 1], n)
    assert measure(W[np.ix_(P, P)]) == pytest.approx(value, rel=1e-12, abs=1e-12)
    assert measure(S[:, None] * W * S) == pytest.approx(value, rel=1e-12, abs=1e-12)
    rows, columns, signs = rng.permutation(n), rng.permutation(n), rng.choice([-1, 1], n)
    assert measure(signs * W[rows][:, columns]) == pytest.approx(value, rel=1e-12, abs=1e-12)
    assert measure(scale * W) == pytest.approx(value, rel=1e-9, abs=1e-12)


@measures
def test_nothing_has_no_shape(measure: Callable[..., float]) -> None:
    assert measure(np.zeros((3, 3))) == 0
    assert measure([[0.0]]) == 0


@measures
@pytest.mark.parametrize("W", [[1.0], [[1.0, 2.0]], [[np.nan]], [[np.inf]], "W", [[1j]], None])
def test_measures_refuse(measure: Callable[..., float], W: Any) -> None:
    with pytest.raises(ValueError, match=r"^W must"):
        measure(W)
