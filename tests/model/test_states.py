"""Spins and codes: analytic, against plain Python, invariances, and what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux import TooLargeError, all_states, decode, encode

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
