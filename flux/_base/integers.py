"""Number theory: primes, divisors."""

from __future__ import annotations

from functools import cache


def prime_power(q: int) -> tuple[int, int] | None:
    """Return (p, m) with q = p**m and p prime, or None."""
    p = next((d for d in range(2, int(q**0.5) + 1) if q % d == 0), q)
    m, rest = 0, q
    while p > 1 and rest % p == 0:
        m, rest = m + 1, rest // p
    return (p, m) if q > 1 and rest == 1 else None


@cache
def divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]
