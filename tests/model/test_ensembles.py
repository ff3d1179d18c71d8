"""Weight ensembles: their statistics, the shape of N-rooks, and what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from flux import TooLargeError, gaussian_weights, nrooks


def make_rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_default_weights_are_standard_normal() -> None:
    W = gaussian_weights(300, rng=make_rng())
    assert stats.kstest(W.ravel(), "norm").pvalue > 1e-3
    assert np.count_nonzero(W) == W.size


def test_magnitudes_are_half_normal() -> None:
    W = gaussian_weights(300, rng=make_rng(), width=2.5, density=0.4, balance=0.6)
    magnitudes = np.abs(W[W != 0])
    assert stats.kstest(magnitudes / 2.5, "halfnorm").pvalue > 1e-3


@given(
    width=st.floats(0.01, 100),
    density=st.floats(0, 1),
    balance=st.floats(-1, 1),
    seed=st.integers(0, 2**32),
)
def test_width_density_and_balance(width: float, density: float, balance: float, seed: int) -> None:
    n = 100
    W = gaussian_weights(n, rng=make_rng(seed), width=width, density=density, balance=balance)
    assert W.shape == (n, n)
    present = W[W != 0]
    # 6 standard errors, for so many cases
    assert abs(present.size - density * n**2) <= 6 * n * np.sqrt(density * (1 - density))
    positive = (1 + balance) / 2
    spread = np.sqrt(present.size * positive * (1 - positive))
    assert abs(np.count_nonzero(present > 0) - positive * present.size) <= 6 * spread
    squares = (present / width) ** 2
    assert abs(squares.sum() - present.size) <= 6 * np.sqrt(2 * present.size) + 30


def test_width_only_scales() -> None:
    drawn = [gaussian_weights(20, rng=make_rng(), width=width, density=0.5) for width in (1, 4)]
    assert np.array_equal(4 * drawn[0], drawn[1])


@pytest.mark.parametrize("balance", [-1.0, 1.0])
def test_extreme_balance_has_one_sign(balance: float) -> None:
    W = gaussian_weights(50, rng=make_rng(), balance=balance)
    assert np.all(W * balance > 0)


def test_nothing_is_present_at_density_or_width_zero() -> None:
    assert not gaussian_weights(20, rng=make_rng(), density=0.0).any()
    assert not gaussian_weights(20, rng=make_rng(), width=0.0).any()


def test_same_seed_same_weights() -> None:
    assert np.array_equal(gaussian_weights(9, rng=make_rng()), gaussian_weights(9, rng=make_rng()))
    first = nrooks(9, rng=make_rng(), strength=2)
    assert np.array_equal(first, nrooks(9, rng=make_rng(), strength=2))
    assert not np.array_equal(first, nrooks(9, rng=make_rng(2), strength=2))


@given(n=st.integers(1, 30), strength=st.floats(0.01, 50), seed=st.integers(0, 2**32))
def test_nrooks_is_a_signed_permutation(n: int, strength: float, seed: int) -> None:
    W = nrooks(n, rng=make_rng(seed), strength=strength)
    assert np.array_equal(np.count_nonzero(W, axis=0), np.ones(n))
    assert np.array_equal(np.count_nonzero(W, axis=1), np.ones(n))
    assert np.all(np.abs(W[W != 0]) == strength)
    assert np.allclose(W @ W.T, strength**2 * np.eye(n), rtol=1e-12)


def test_nrooks_draws_permutations_and_signs_evenly() -> None:
    rng = make_rng()
    total = 6000
    drawn = [nrooks(3, rng=rng, strength=1) for _ in range(total)]
    counts = np.unique([(W @ [1, 2, 4]).astype(int) for W in drawn], axis=0, return_counts=True)[1]
    # 3! permutations with 2**3 signs each
    assert counts.size == 48
    assert stats.chisquare(counts).pvalue > 1e-3


def test_nrooks_takes_signs() -> None:
    signs = [1, -1, -1, 1]
    W = nrooks(4, rng=make_rng(), strength=3.0, signs=signs)
    assert W.sum(axis=1).tolist() == [3, -3, -3, 3]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("n", value) for value in (0, -1, 2.0, None, "3", True)],
        *[("width", value) for value in (-1, np.nan, np.inf, None, "1", [1.0])],
        *[("density", value) for value in (-0.1, 1.1, np.nan, None)],
        *[("balance", value) for value in (-1.1, 1.1, np.nan, None)],
        *[("rng", value) for value in (None, 1, np.random)],
    ],
)
def test_gaussian_weights_refuses(name: str, value: Any) -> None:
    arguments: dict[str, Any] = {"n": 3, "rng": make_rng(), name: value}
    with pytest.raises(ValueError, match=f"^{name} must"):
        gaussian_weights(**arguments)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("n", value) for value in (0, -1, 2.0, None)],
        *[("strength", value) for value in (-1, np.nan, np.inf, None, "1")],
        *[("signs", value) for value in ([], [1], [1, 0, 1], [1, np.nan, 1], "abc", [1, 1, 1j])],
        *[("rng", value) for value in (None, 1)],
    ],
)
def test_nrooks_refuses(name: str, value: Any) -> None:
    arguments: dict[str, Any] = {"n": 3, "rng": make_rng(), "strength": 1.0, name: value}
    with pytest.raises(ValueError, match=f"^{name} must"):
        nrooks(**arguments)


def test_dense_matrices_may_be_too_large() -> None:
    with pytest.raises(TooLargeError, match=r"scipy\.sparse"):
        gaussian_weights(10**7, rng=make_rng())
    with pytest.raises(TooLargeError, match=r"scipy\.sparse"):
        nrooks(10**7, rng=make_rng(), strength=1.0)
