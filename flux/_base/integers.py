"""Number theory: factors, primes, divisors, squares."""

from __future__ import annotations

from functools import cache
from math import isqrt


def factorize(number: int) -> dict[int, int]:
    """Return the exponent of each prime factor; fast where all factors are small."""
    exponents: dict[int, int] = {}
    p = 2
    while number > 1:
        if p * p > number:
            p = number
        while number % p == 0:
            exponents[p] = exponents.get(p, 0) + 1
            number //= p
        p += 1
    return exponents


def prime_power(q: int) -> tuple[int, int] | None:
    """Return (p, m) with q = p**m and p prime, or None."""
    powers = list(factorize(q).items())
    return powers[0] if len(powers) == 1 else None


def is_prime(number: int) -> bool:
    return factorize(number) == {number: 1}


def is_square(number: int) -> bool:
    return isqrt(number) ** 2 == number


@cache
def divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]
