"""Weighing matrices: that they are some, what exists, and what is refused and why."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from flux import TooLargeError, weighing_matrix
from flux._base.integers import prime_power
from flux.search.weighing_matrices import find_design, obstacle, split_order

# orders below 28 with a k that no theorem here excludes and no construction here reaches
UNKNOWN = (
    {(9, 4), (15, 9), (17, 9), (18, 9), (19, 9), (21, 9), (23, 16), (25, 16)}
    | {(26, k) for k in (13, 16, 17, 20)}
    | {(27, 16)}
)


def assert_weighing(W: np.ndarray, n: int, k: int) -> None:
    assert W.shape == (n, n)
    assert set(np.unique(W)) <= {-1, 0, 1}
    assert np.array_equal(W.astype(int) @ W.T.astype(int), k * np.eye(n))
    assert np.array_equal(W.T.astype(int) @ W.astype(int), k * np.eye(n))


@pytest.mark.parametrize("n", range(1, 29))
def test_all_that_may_exist_is_built_but_the_unknown(n: int) -> None:
    for k in range(1, n + 1):
        if obstacle(n, k) or (n, k) in UNKNOWN:
            assert find_design(n, k) is None
        else:
            assert_weighing(find_design(n, k)(), n, k)


@pytest.mark.parametrize(
    ("n", "k"),
    [(40, 27), (31, 25), (73, 64), (57, 49), (82, 81), (126, 125), (48, 47), (88, 88), (16, 15)],
)
def test_larger_ones(n: int, k: int) -> None:
    assert_weighing(find_design(n, k)(), n, k)


def test_hadamard_orders_below_116_are_all_known_but_92() -> None:
    known = [n for n in range(1, 116) if find_design(n, n)]
    assert known == [1, 2, *(n for n in range(4, 116, 4) if n != 92)]


@pytest.mark.parametrize(("n", "k"), [(4, 3), (6, 5), (8, 7), (12, 11), (16, 15), (18, 17)])
def test_conference_matrices_hear_all_but_themselves(n: int, k: int) -> None:
    W = find_design(n, k)()
    assert not W.diagonal().any()
    assert np.array_equal(W.T, -W if n % 4 == 0 else W)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_obstacles_against_all_matrices(n: int) -> None:
    entries = np.array(list(product((-1, 0, 1), repeat=n * n))).reshape(-1, n, n)
    products = entries @ entries.transpose(0, 2, 1)
    for k in range(1, n + 1):
        exists = bool(np.all(products == k * np.eye(n, dtype=int), axis=(1, 2)).any())
        assert exists == (obstacle(n, k) == "")
        assert exists == (find_design(n, k) is not None)


def test_strength_scales() -> None:
    W = weighing_matrix(12, 7, strength=2.5)
    np.testing.assert_allclose(W @ W.T, 7 * 2.5**2 * np.eye(12), rtol=1e-14)
    assert np.array_equal(np.unique(np.abs(W)), [0, 2.5])
    assert not weighing_matrix(4, 3, strength=0.0).any()


def test_the_matrix_is_always_the_same_and_ones_own() -> None:
    W = weighing_matrix(6, 5, strength=1.0)
    W[:] = 9
    assert np.array_equal(np.unique(weighing_matrix(6, 5, strength=1.0)), [-1, 0, 1])


@pytest.mark.parametrize(
    ("n", "k", "message"),
    [
        (5, 4, r"there is no weighing matrix W\(5, 4\).*Nearest: W\(4, 4\), W\(6, 4\), W\(5, 1\)$"),
        (
            6,
            3,
            r"there is no weighing matrix W\(6, 3\).*two squares.*W\(4, 3\), W\(8, 3\)",
        ),
        (10, 10, r"there is no weighing matrix W\(10, 10\).*divisible by 4"),
        (7, 5, r"there is no weighing matrix W\(7, 5\).*square"),
        (17, 9, r"no weighing matrix W\(17, 9\) is known here, though one may exist"),
        (92, 92, r"no weighing matrix W\(92, 92\) is known here.*W\(96, 92\)"),
    ],
)
def test_what_is_not_there_is_told(n: int, k: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        weighing_matrix(n, k, strength=1.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("n", value) for value in (0, -1, 2.0, None, "3", True)],
        *[("k", value) for value in (0, -1, 5, 2.0, None)],
        *[("strength", value) for value in (-1, np.nan, np.inf, None, "1")],
    ],
)
def test_weighing_matrix_refuses(name: str, value: Any) -> None:
    arguments: dict[str, Any] = {"n": 4, "k": 3, "strength": 1.0, name: value}
    with pytest.raises(ValueError, match=f"^{name} must"):
        weighing_matrix(**arguments)


def test_matrices_may_be_too_large() -> None:
    with pytest.raises(TooLargeError, match="design_flux"):
        weighing_matrix(10**7, 1, strength=1.0)


def test_orders_are_split_into_fewest() -> None:
    assert len(split_order(22, 4, 8)) == 3
    assert sum(split_order(22, 4, 8)) == 22
    assert split_order(5, 4, 8) is None
    assert split_order(16, 3, 4) == [4, 4, 4, 4]


def test_prime_powers() -> None:
    found = [q for q in range(33) if prime_power(q)]
    assert found == [2, 3, 4, 5, 7, 8, 9, 11, 13, 16, 17, 19, 23, 25, 27, 29, 31, 32]
    assert prime_power(3**7) == (3, 7)
