"""Finite fields GF(q), as far as the constructions of `flux.search.weighing_matrices` need them."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flux._base.integers import prime_power
from flux._base.types import Codes


class Field(NamedTuple):
    """GF(p**m). Element a is the polynomial with the base-p digits of a as its coefficients.

    `power[i]` is g**i for a generator g, and `log` its inverse; `log[0]` means nothing.
    """

    p: int
    digits: Codes
    power: Codes
    log: Codes


@cache
def galois_field(q: int) -> Field:
    """Return GF(q), q a prime power, for the first polynomial that has x as a generator."""
    p, m = prime_power(q) or (q, 1)
    places = p ** np.arange(m)
    digits = np.arange(q)[:, None] // places % p
    for coefficients in product(range(p), repeat=m):
        times_x = np.roll(digits, 1, axis=1)
        times_x[:, 0] = 0
        times_x = (times_x - digits[:, -1:] * np.array(coefficients)) % p @ places
        power = _orbit(times_x)
        if len(power) == q - 1:
            break
    log = np.zeros(q, np.int64)
    log[power] = np.arange(q - 1)
    return Field(p, digits, power, log)


def add(F: Field, a: Codes, b: Codes) -> Codes:
    """Return a + b, elementwise."""
    places = F.p ** np.arange(F.digits.shape[1])
    return np.asarray((F.digits[a] + F.digits[b]) % F.p @ places)


def multiply(F: Field, a: Codes, b: Codes) -> Codes:
    """Return a b, elementwise."""
    product = F.power[(F.log[a] + F.log[b]) % len(F.power)]
    return np.where((a == 0) | (b == 0), 0, product)


def negative(F: Field, a: Codes) -> Codes:
    """Return -a, elementwise."""
    places = F.p ** np.arange(F.digits.shape[1])
    return np.asarray(-F.digits[a] % F.p @ places)


def character(F: Field, a: Codes) -> NDArray[np.int8]:
    """Return the quadratic character of GF(q), q odd: 0 of 0, 1 of squares, -1 of the others."""
    return np.where(a == 0, 0, 1 - 2 * (F.log[a] % 2)).astype(np.int8)


def _orbit(times_x: Codes) -> Codes:
    """Return 1, x, x**2, ... up to the power before the first that came before."""
    seen = [1]
    while (after := int(times_x[seen[-1]])) > 1 and len(seen) < len(times_x):
        seen.append(after)
    return np.array(seen)
