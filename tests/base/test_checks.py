"""Argument checks: what they accept, make of it, and refuse."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from flux import ArgumentError
from flux._base.checks import (
    LARGEST_SUM,
    check_any_weights,
    check_bias,
    check_choice,
    check_count,
    check_real,
    check_rng,
    check_spins,
    check_type,
    check_unmasked,
    check_weights,
    read_only,
    short,
)

RAGGED = [[1, 1], [1]]


@pytest.mark.parametrize(
    "W",
    [
        [],
        [[]],
        [1.0],
        1.0,
        None,
        "ab",
        np.ones((2, 3)),
        np.ones((2, 2, 2)),
        [[np.nan]],
        [[1, np.inf], [-np.inf, 0]],
        [[1j]],
        RAGGED,
        np.array([[None]]),
    ],
)
def test_check_weights_refuses(W: Any) -> None:
    for check in (check_weights, check_any_weights):
        with pytest.raises(ValueError, match=r"^W must"):
            check(W)


def test_check_weights_accepts_all_whose_fields_are_finite() -> None:
    largest = np.array([[LARGEST_SUM / 2, -LARGEST_SUM / 2], [0, LARGEST_SUM]])
    for check in (check_weights, check_any_weights):
        assert np.array_equal(check(largest), largest)
        with pytest.raises(ValueError, match=r"^W must have row sums .* but one was 4.4e\+307"):
            check(largest * 1.1)
    assert check_any_weights(sparse.csr_array(largest)).nnz == 3
    with pytest.raises(ValueError, match=r"^W must have row sums"):
        check_any_weights(sparse.csr_array(largest * 1.1))
    assert check_bias([LARGEST_SUM, -LARGEST_SUM], 2).tolist() == [LARGEST_SUM, -LARGEST_SUM]
    with pytest.raises(ValueError, match=r"^b must lie from -4e\+307 to 4e\+307"):
        check_bias([1.1 * LARGEST_SUM, 0], 2)
    assert check_weights([[1, 2], [3, 4]]).dtype == np.float64
    assert check_weights(np.asfortranarray(largest)).flags.c_contiguous


@pytest.mark.parametrize(
    "W",
    [
        sparse.csr_array(np.ones((2, 3))),
        sparse.csr_array(np.array([[np.nan]])),
        sparse.csr_array(np.array([[1j]])),
    ],
)
def test_check_any_weights_refuses_sparse(W: Any) -> None:
    with pytest.raises(ValueError, match=r"^W must"):
        check_any_weights(W)


def test_sparse_weights_become_canonical() -> None:
    doubled = sparse.coo_array(([1.0, 2.0, 0.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    rows = check_any_weights(doubled)
    assert rows.nnz == 1
    assert rows.toarray().tolist() == [[0, 3], [0, 0]]
    assert doubled.nnz == 3
    with pytest.raises(ValueError, match=r"was sparse"):
        check_weights(doubled)


def test_sparse_float32_duplicates_keep_what_their_sum_would_round_away() -> None:
    data = np.array([2.0**24, *[1.0] * 9], np.float32)
    doubled = sparse.coo_array((data, (np.zeros(10, int), np.zeros(10, int))), shape=(2, 2))
    assert check_any_weights(doubled)[0, 0] == 2**24 + 9


def test_check_bias() -> None:
    assert check_bias(None, 3).tolist() == [0, 0, 0]
    assert check_bias([1, 2], 2).dtype == np.float64


@pytest.mark.parametrize("b", [[], [1.0], [1, 2, 3], 1.0, [[1, 2]], [1, np.nan], "ab", [1, 1j]])
def test_check_bias_refuses(b: Any) -> None:
    with pytest.raises(ValueError, match=r"^b must"):
        check_bias(b, 2)


def test_check_spins_names_what_it_refuses() -> None:
    assert check_spins("x0", [1, -1], 2).tolist() == [1, -1]
    with pytest.raises(ValueError, match=r"^x0 must have shape \(..., n\) with n = 3"):
        check_spins("x0", [1, -1], 3)
    with pytest.raises(ValueError, match=r"only spins -1 and .1, but held 7"):
        check_spins("x0", [1, 7])


@pytest.mark.parametrize(
    "value", [-0.1, 1.1, np.nan, np.inf, None, "0.5", True, 1j, [0.5], 10**400]
)
def test_check_real_refuses(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^density must be a finite number from 0 to 1"):
        check_real("density", value, 0.0, 1.0)


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.5), np.int8(1)])
def test_check_real_accepts(value: Any) -> None:
    assert check_real("density", value, 0.0, 1.0) == value


def test_check_count_says_what_is_allowed() -> None:
    assert check_count("steps", np.int32(4), 1) == 4
    with pytest.raises(ValueError, match=r"^steps must be an integer at least 1, but was 0$"):
        check_count("steps", 0, 1)


@pytest.mark.parametrize("rng", [None, 1, np.random, "rng"])
def test_check_rng_refuses(rng: Any) -> None:
    with pytest.raises(ValueError, match=r"^rng must be a numpy Generator"):
        check_rng(rng)


@pytest.mark.parametrize("value", ["C", "", None, 1, ["a"]])
def test_check_choice_names_the_choices(value: Any) -> None:
    assert check_choice("method", "b", ("a", "b")) == "b"
    with pytest.raises(ArgumentError, match=r"^method must be one of a, b, but was "):
        check_choice("method", value, ("a", "b"))


def test_check_type_says_what_makes_one() -> None:
    check_type("task", 3, int, "made by hand")
    with pytest.raises(ArgumentError, match=r"^task must be made by hand, but was 'three'"):
        check_type("task", "three", int, "made by hand")


@pytest.mark.parametrize(
    "hidden", [lambda a: a, lambda a: [1, a], lambda a: {"x": a}, lambda a: [{"x": (a,)}]]
)
def test_masked_entries_are_found_wherever_they_are(hidden: Any) -> None:
    masked = np.ma.MaskedArray([1.0, 2.0], [False, True])
    with pytest.raises(ArgumentError, match=r"^x must have no masked entries"):
        check_unmasked("x", hidden(masked))
    check_unmasked("x", hidden(np.ma.MaskedArray([1.0, 2.0], [False, False])))


def test_read_only_is_a_view() -> None:
    values = np.zeros(3)
    view = read_only(values)
    assert np.shares_memory(view, values)
    assert values.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1.0


@pytest.mark.parametrize("value", [np.zeros((1000, 1000)), [1] * 10**6, 10**400, "a" * 10**6])
def test_short_is_one_line(value: Any) -> None:
    text = short(value)
    assert len(text) <= 200
    assert "\n" not in text
