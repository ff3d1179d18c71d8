"""Counting of states and of pairs: by hand, by dictionaries, and across the cuts of the kernels."""

from collections import Counter

import numpy as np
import pytest
from sample_recordings import spins

from flux.model.states import encode
from flux.recordings.counting import (
    count_codes,
    count_pairs,
    count_successors,
    multiplicities,
    relabel,
    state_codes,
)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("n", [1, 5, 30, 31, 32, 62, 63, 64, 124, 125, 200])
def test_codes_are_equal_where_states_are(rng, n):
    # four states that differ at the first, the last, or both ends, each seen many times
    base = spins(rng, n)
    kinds = np.stack([base] * 4)
    kinds[1, -1] *= -1
    kinds[2, 0] *= -1
    kinds[3, [0, -1]] *= -1
    kinds = np.unique(kinds, axis=0)
    which = rng.integers(0, len(kinds), 500)
    codes, size = state_codes(kinds[which].reshape(2, 250, n))
    assert codes.shape == (2, 250)
    assert 0 <= codes.min() <= codes.max() < size
    labels, count = relabel(codes)
    assert count == len(kinds)
    assert np.array_equal(np.unique(which * 4 + labels.reshape(-1)).size, len(kinds))


@pytest.mark.parametrize("n", [1, 3, 7, 8, 9, 10, 31, 61, 62])
@pytest.mark.parametrize("steps", [1, 2, 7, 64, 129])
def test_codes_are_those_of_encode(rng, n, steps):
    x = spins(rng, steps + 1, n)
    # a view that starts in the middle of a word
    assert np.array_equal(state_codes(x[None, 1:])[0][0], encode(x[1:]))


@pytest.mark.parametrize("size", [3, 400, 70_000, 2**40])
def test_counts_of_pairs(rng, size):
    x, y = rng.integers(0, size, (2, 600)) // max(1, size // 7) * max(1, size // 7)
    counts = count_pairs(x, y, size)
    for found, seen in zip(counts, (x, y, zip(x, y, strict=True)), strict=True):
        expected = Counter(tuple(s) if isinstance(s, tuple) else int(s) for s in seen)
        assert sorted(found[found > 0].tolist()) == sorted(expected.values())
    assert count_codes(x, size).sum() == 600


@pytest.mark.parametrize("lag", [1, 3, 4096, 5000])
@pytest.mark.parametrize("n", [1, 3, 9, 20])
def test_successors_are_counted_across_blocks(rng, n, lag):
    x = spins(rng, 2, 11_000, n, on=0.8)
    codes = encode(x)
    before, after = codes[:, :-lag].reshape(-1), codes[:, lag:].reshape(-1)
    for found, seen in zip(
        count_successors(x, lag), (before, after, before << n | after), strict=True
    ):
        expected = np.unique(seen, return_counts=True)[1]
        assert np.array_equal(found[found > 0], expected)


def test_multiplicities_of_a_few_large_counts():
    value, times = multiplicities(np.array([10**12, 5, 5, 0, 1]))
    assert value.tolist() == [1, 5, 10**12]
    assert times.tolist() == [1, 2, 1]
