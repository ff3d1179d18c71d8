"""Finite fields: the axioms, squares, and a generator."""

import numpy as np
import pytest

from flux.search._finite_fields import add, character, galois_field, multiply, negative


@pytest.mark.parametrize("q", [2, 3, 4, 5, 7, 8, 9, 16, 25, 27])
def test_galois_field_is_a_field(q: int) -> None:
    F = galois_field(q)
    a, b, c = (g.ravel() for g in np.meshgrid(*[np.arange(q)] * 3))
    assert np.array_equal(
        multiply(F, a, add(F, b, c)), add(F, multiply(F, a, b), multiply(F, a, c))
    )
    assert np.array_equal(multiply(F, a, multiply(F, b, c)), multiply(F, multiply(F, a, b), c))
    assert not add(F, a, negative(F, a)).any()
    one = np.arange(1, q)
    assert np.array_equal(np.sort(multiply(F, one[:, None], one), axis=1), np.tile(one, (q - 1, 1)))
    assert np.array_equal(multiply(F, np.ones_like(a), a), a)


@pytest.mark.parametrize("q", [3, 5, 9, 27])
def test_character_marks_the_squares(q: int) -> None:
    F = galois_field(q)
    squares = {int(multiply(F, np.array(a), np.array(a))) for a in range(1, q)}
    expected = [0, *(1 if a in squares else -1 for a in range(1, q))]
    assert character(F, np.arange(q)).tolist() == expected


@pytest.mark.parametrize("q", [2, 5, 8, 9, 49])
def test_powers_of_the_generator_are_all_but_zero(q: int) -> None:
    F = galois_field(q)
    assert sorted(F.power) == list(range(1, q))
    assert np.array_equal(F.power[F.log[1:]], np.arange(1, q))


@pytest.mark.parametrize("p", [2, 3, 7, 13])
def test_prime_fields_are_the_integers_modulo_p(p: int) -> None:
    F = galois_field(p)
    a, b = np.meshgrid(np.arange(p), np.arange(p))
    assert np.array_equal(add(F, a, b), (a + b) % p)
    assert np.array_equal(multiply(F, a, b), a * b % p)
    assert np.array_equal(negative(F, a), -a % p)
