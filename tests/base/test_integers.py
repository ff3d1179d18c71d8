"""Number theory: against definitions, for every small number."""

from math import isqrt, prod

import pytest

from flux._base.integers import divisors, factorize, is_prime, is_square, prime_power

NUMBERS = range(1, 2000)
PRIMES = [p for p in NUMBERS if p > 1 and all(p % d for d in range(2, p))]


def test_primes_are_divided_by_no_other() -> None:
    assert [number for number in NUMBERS if is_prime(number)] == PRIMES


def test_factors_are_primes_whose_powers_make_the_number() -> None:
    for number in NUMBERS:
        factors = factorize(number)
        assert prod(p**exponent for p, exponent in factors.items()) == number
        assert set(factors) <= set(PRIMES)
        assert list(factors) == sorted(factors)


def test_large_numbers_of_small_factors_take_no_time() -> None:
    assert factorize(2**500 * 3**100 * 499) == {2: 500, 3: 100, 499: 1}


def test_prime_powers_are_those_of_one_prime() -> None:
    powers = {p**m: (p, m) for p in PRIMES for m in range(1, 12) if p**m in NUMBERS}
    assert {q: found for q in NUMBERS if (found := prime_power(q))} == powers


@pytest.mark.parametrize("number", [1, 2, 12, 97, 360, 1024])
def test_divisors_divide(number: int) -> None:
    assert divisors(number) == [d for d in range(1, number + 1) if number % d == 0]


def test_squares() -> None:
    squares = {i * i for i in range(100)}
    assert {i for i in range(9802) if is_square(i)} == squares
    assert is_square(10**40)
    assert not is_square(10**40 + 1)
    assert isqrt(10**40) == 10**20
