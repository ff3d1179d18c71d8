"""Spins and codes: analytic, against plain Python, invariances, and what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from flux import TooLargeError, all_states, decode, encode
from flux._base.checks import (
    LARGEST_SUM,
    check_any_weights,
    check_bias,
    check_count,
    check_real,
    check_rng,
    check_spins,
    check_weights,
)
from flux._base.memory import check_memory, format_bytes, memory_limit

RAGGED = [[1, 1], [1]]


@st.composite
def codes_and_sizes(draw: st.DrawFn) -> tuple[list[int], int]:
    n = draw(st.integers(1, 62))
    return draw(st.lists(st.integers(0, 2**n - 1), min_size=1, max_size=20)), n


def test_two_neurons() -> None:
    states = all_states(2)
    assert states.tolist() == [[-1, -1], [1, -1], [-1, 1], [1, 1]]
    assert states.dtype == np.int8
    assert encode(states).tolist() == [0, 1, 2, 3]


@given(codes_and_sizes())
def test_decode_against_plain_python(case: tuple[list[int], int]) -> None:
    codes, n = case
    expected = [[1 if code & (1 << i) else -1 for i in range(n)] for code in codes]
    assert decode(codes, n).tolist() == expected


@given(codes_and_sizes())
def test_encode_inverts_decode(case: tuple[list[int], int]) -> None:
    codes, n = case
    assert encode(decode(codes, n)).tolist() == codes


@given(codes_and_sizes())
def test_opposite_state_has_complementary_code(case: tuple[list[int], int]) -> None:
    codes, n = case
    assert encode(-decode(codes, n)).tolist() == [2**n - 1 - code for code in codes]


@pytest.mark.parametrize("n", range(1, 11))
def test_all_states_are_in_the_order_of_their_codes(n: int) -> None:
    assert np.array_equal(encode(all_states(n)), np.arange(2**n))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
def test_codes_of_any_integer_type(dtype: type) -> None:
    expected = decode([5, 0], 3)
    assert np.array_equal(decode(np.array([5, 0], dtype), 3), expected)
    assert np.array_equal(decode(dtype(5), 3), expected[0])


def test_shapes_follow_the_input() -> None:
    assert decode(3, 2).shape == (2,)
    assert decode(np.zeros((4, 5), np.int64), 3).shape == (4, 5, 3)
    assert encode([1, -1]).shape == ()
    assert encode(np.ones((4, 5, 3))).shape == (4, 5)
    assert encode(np.ones((0, 3))).shape == (0,)
    assert decode(np.zeros(0, np.int64), 3).shape == (0, 3)


def test_largest_code() -> None:
    assert encode(np.ones(62)) == 2**62 - 1
    assert np.all(decode(2**62 - 1, 62) == 1)


@pytest.mark.parametrize("n", [0, -1, 63, 2.0, True, None, "3", np.nan, [2]])
def test_all_states_refuses(n: Any) -> None:
    with pytest.raises(ValueError, match=r"^n must be an integer from 1 to 62"):
        all_states(n)


def test_all_states_too_large() -> None:
    with pytest.raises(TooLargeError, match=r"n = 55 neurons would need .* available: sample"):
        all_states(55)


@pytest.mark.parametrize(
    "x",
    [[], [[]], 1, None, "ab", [0, 1], [1, np.nan], [1, 2], [True], [1j], RAGGED, [1, None]],
)
def test_encode_refuses(x: Any) -> None:
    with pytest.raises(ValueError, match=r"^x must"):
        encode(x)


def test_encode_refuses_more_neurons_than_a_code_holds() -> None:
    with pytest.raises(ValueError, match=r"from 1 to 62, but was 63"):
        encode(np.ones(63))


@pytest.mark.parametrize("codes", [-1, 8, 2**70, 0.0, None, "a", [True], [np.nan], RAGGED, []])
def test_decode_refuses(codes: Any) -> None:
    with pytest.raises(ValueError, match=r"^codes must"):
        decode(codes, 3)


@pytest.mark.parametrize("n", [0, 63, 2.0, None])
def test_decode_refuses_sizes(n: Any) -> None:
    with pytest.raises(ValueError, match=r"^n must"):
        decode([0], n)


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


def test_memory_is_asked_for_before_it_is_taken() -> None:
    check_memory(0.5 * memory_limit(), "the half", "nothing")
    with pytest.raises(TooLargeError, match=r"all of it would need .* available: take less"):
        check_memory(2 * memory_limit(), "all of it", "take less")
    # callers may catch it as either
    assert issubclass(TooLargeError, MemoryError)
    assert issubclass(TooLargeError, ValueError)


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 kB"), (2048, "2.05 kB"), (2.1e9, "2.1 GB"), (3e18, "3 EB"), (1e30, "10^30 bytes")],
)
def test_format_bytes(count: float, words: str) -> None:
    assert format_bytes(count) == words
