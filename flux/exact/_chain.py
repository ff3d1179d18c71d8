"""The Markov chain of a network on all its states, and one step of a law."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, NamedTuple

import numpy as np

from flux._base.errors import ConvergenceError
from flux._base.jit import jit
from flux._base.types import Floats, Integers
from flux.exact._elimination import LARGEST_FIELD, extended_products
from flux.model.states import fill_product_law, product_laws

STORED = 1 << 28
"""Bytes of half laws that are kept between steps; larger ones are made anew in chunks."""
CHUNK = 1 << 22
"""Entries of a half law that are made at once."""
PIECES = 8
"""Pieces of a step, to be shared by threads; fixed, so that rounding is, too."""
WORTHWHILE = 1 << 23
"""Products of numbers that make a piece worth a thread."""
NARROW = 32
"""Columns up to which a product is done before BLAS has rearranged its factors."""


class Chain(NamedTuple):
    """The chain of a network on all states, or on those with the last neuron -1.

    Without bias the chain commutes with flipping all spins, and is `folded`: it follows pairs
    {x, -x}. `on` and `off` (states, n) are Pr(y_i = +1 | x) and Pr(y_i = -1 | x); `u` the
    local fields.
    """

    u: Floats
    on: Floats
    off: Floats
    folded: bool


class Steps(NamedTuple):
    """One step of a chain: `law` is p -> p P, `mean` is z -> P z, the expectation E(z(y) | x)."""

    law: Callable[[Floats], Floats]
    mean: Callable[[Floats], Floats]


def make_chain(W: Floats, b: Floats, *, folded: bool) -> Chain:
    """Return the chain of a network; `folded` only where its bias is zero."""
    u, on, off = _all_fields(W, b, 1 << (len(W) - folded))
    return Chain(u, on, off, folded)


@jit
def _all_fields(W: Floats, b: Floats, size: int) -> tuple[Floats, Floats, Floats]:
    """Return u, sigma(u) and sigma(-u) for the first states."""
    n = len(b)
    u = np.empty((size, n))
    on, off = np.empty((size, n)), np.empty((size, n))
    for k in range(size):
        for i in range(n):
            field = b[i]
            for j in range(n):
                field += W[i, j] if (k >> j) & 1 else -W[i, j]
            ebb = np.exp(-abs(field))
            likely, rare = 1 / (1 + ebb), ebb / (1 + ebb)
            u[k, i] = field
            on[k, i], off[k, i] = (likely, rare) if field > 0 else (rare, likely)
    return u, on, off


def dense_transitions(chain: Chain) -> Floats:
    """Return P[k, l] = Pr(l | k) of a chain; a folded one has Pr(l | k) + Pr(~l | k)."""
    size, n = chain.on.shape
    P = np.empty((size, size))
    rows = max(1, CHUNK >> n)
    for top in range(0, size, rows):
        part = slice(top, top + rows)
        P[part] = transitions(chain.on[part], chain.off[part], chain.folded)
    return P


@jit
def transitions(on: Floats, off: Floats, folded: bool) -> Floats:
    """Return `dense_transitions` of a few rows."""
    laws = product_laws(on, off)
    return fold(laws) if folded else laws


def extended_transitions(chain: Chain, pool: Executor) -> tuple[Floats, Integers]:
    """Return `dense_transitions` as mantissa 2**exponent, right where doubles underflow."""
    factors = np.stack([chain.off, chain.on], axis=-1)
    mantissa, exponent = np.frexp(factors)
    exponent = exponent.astype(np.int64)
    # sigma(-v) = exp(-v) = 2**(-v log2 e): its exponent is exact with log2 e in two parts
    rare = np.abs(chain.u) > 700
    v = np.abs(chain.u[rare])
    if v.max(initial=0.0) > LARGEST_FIELD:
        raise ConvergenceError(
            f"a local field of {v.max():.3g} is too strong: at most {LARGEST_FIELD:.3g}"
        )
    high, low = _split_product(v)
    whole = np.floor(high)
    where = (*np.nonzero(rare), (chain.u[rare] < 0).astype(int))
    mantissa[where], shift = np.frexp(np.exp2(-((high - whole) + low)))
    exponent[where] = shift - whole.astype(np.int64)
    return extended_products(mantissa, exponent, chain.folded, pool)


def _split_product(v: Floats) -> tuple[Floats, Floats]:
    """Return v log2 e as the sum of two doubles, by Dekker's exact product."""
    factor, rest = 1.4426950408889634, 2.0355273740931033e-17
    product = v * factor
    v_high = (134217729.0 * v) - (134217729.0 * v - v)
    f_high = (134217729.0 * factor) - (134217729.0 * factor - factor)
    v_low, f_low = v - v_high, factor - f_high
    error = ((v_high * f_high - product) + v_high * f_low + v_low * f_high) + v_low * f_low
    return product, error + v * rest


@jit
def fold(laws: Floats, sign: int = 1) -> Floats:
    """Return p(y) + p(-y), or their difference; the code of -y is the complement of that of y."""
    half = laws.shape[1] // 2
    return laws[:, :half] + sign * laws[:, : half - 1 : -1]


@jit
def parity_laws(on: Floats, off: Floats) -> tuple[Floats, Floats]:
    """Return for each row p(y) + p(-y) and p(y) - p(-y), over the codes with the last spin -1."""
    rows, n = on.shape
    last = (1 << n) - 1  # the code of -y is the complement of that of y
    law = np.empty(1 << n)
    even, odd = np.empty((rows, 1 << (n - 1))), np.empty((rows, 1 << (n - 1)))
    for row in range(rows):
        fill_product_law(on[row], off[row], law)
        for k in range(1 << (n - 1)):
            even[row, k] = law[k] + law[last - k]
            odd[row, k] = law[k] - law[last - k]
    return even, odd


def weighted_product(A: Floats, p: Floats, B: Floats) -> Floats:
    """Return A^T diag(p) B."""
    if B.shape[1] <= NARROW:
        return _narrow_product(A, p, B)
    return np.asarray(A.T @ (p[:, None] * B))


@jit(fastmath={"contract", "reassoc"})
def _narrow_product(A: Floats, p: Floats, B: Floats) -> Floats:
    rows, n_out = A.shape
    out = np.zeros((n_out, B.shape[1]))
    # eight rows at a time, so that an entry is loaded and stored once for eight
    whole = rows - rows % 8
    for x in range(0, whole, 8):
        b0, b1, b2, b3 = B[x], B[x + 1], B[x + 2], B[x + 3]
        b4, b5, b6, b7 = B[x + 4], B[x + 5], B[x + 6], B[x + 7]
        for k in range(n_out):
            a0, a1 = A[x, k] * p[x], A[x + 1, k] * p[x + 1]
            a2, a3 = A[x + 2, k] * p[x + 2], A[x + 3, k] * p[x + 3]
            a4, a5 = A[x + 4, k] * p[x + 4], A[x + 5, k] * p[x + 5]
            a6, a7 = A[x + 6, k] * p[x + 6], A[x + 7, k] * p[x + 7]
            for j in range(B.shape[1]):
                out[k, j] += (a0 * b0[j] + a1 * b1[j] + a2 * b2[j] + a3 * b3[j]) + (
                    a4 * b4[j] + a5 * b5[j] + a6 * b6[j] + a7 * b7[j]
                )
    for x in range(whole, rows):
        for k in range(n_out):
            out[k] += A[x, k] * p[x] * B[x]
    return out


def make_step(chain: Chain, pool: Executor) -> Callable[[Floats], Floats]:
    """Return the map p -> p P of a chain, as matrix products and without P."""
    return make_steps(chain, pool).law


def make_steps(chain: Chain, pool: Executor) -> Steps:
    """Return both maps of a chain, p -> p P and z -> P z, as matrix products and without P.

    The high and the low half of the neurons are independent given x, so with their laws
    A[x, y_hi] and B[x, y_lo] the next law is (A^T diag(p) B)[y_hi, y_lo], and the expectation
    of z at x the sum of (A Z)[x, y_lo] B[x, y_lo]. A folded chain wants these at y plus these
    at -y, which is even and odd parts with half as many columns each: with A+ = A(y) + A(-y)
    and A- = A(y) - A(-y), the law is (A+^T diag(p) B+ + A-^T diag(p) B-) / 2.
    """
    size, n = chain.on.shape
    low = n // 2
    rows = max(-(-size // PIECES), WORTHWHILE >> n)
    rows = max(1, min(rows, CHUNK >> (n - low)))
    stored = 16 * (size << (n - low)) <= STORED
    pieces = [slice(top, top + rows) for top in range(0, size, rows)]

    def everywhere(work: Callable[[int], Any]) -> list[Any]:
        others = [pool.submit(work, number) for number in range(1, len(pieces))]
        return [work(0), *(other.result() for other in others)]

    def halves(number: int) -> list[tuple[Floats, Floats]]:
        return step_factors(chain, pieces[number])

    kept = everywhere(halves) if stored else []

    def pairs(number: int) -> list[tuple[Floats, Floats]]:
        return kept[number] if stored else halves(number)

    def law(p: Floats) -> Floats:
        def advance(number: int) -> Floats:
            return np.array([weighted_product(A, p[pieces[number]], B) for A, B in pairs(number)])

        parts, *others = everywhere(advance)
        for other in others:
            parts += other
        return join_parts(chain, parts)

    def mean(z: Floats) -> Floats:
        Z = z.reshape(-1, 1 << low)
        parts = [Z]
        if chain.folded:
            parts = [fold(Z) / 2, fold(Z, -1) / 2]

        def expect(number: int) -> Floats:
            terms = [
                ((A @ part) * B).sum(1) for part, (A, B) in zip(parts, pairs(number), strict=True)
            ]
            return sum(terms[1:], terms[0])

        return np.concatenate(everywhere(expect))

    return Steps(law, mean)


def step_factors(chain: Chain, rows: slice) -> list[tuple[Floats, Floats]]:
    """Return A and B for some x, or of a folded chain A+, B+ and A-, B-; see `make_steps`."""
    A, B = _half_chances(chain, rows)
    if chain.folded:
        return list(zip(parity_laws(*A), parity_laws(*B), strict=True))
    return [(product_laws(*A), product_laws(*B))]


def join_parts(chain: Chain, parts: Floats) -> Floats:
    """Return the next law from the products A^T diag(p) B of the `step_factors`."""
    if not chain.folded:
        return np.asarray(parts.ravel())
    even, odd = parts / 2
    return np.hstack([even + odd, (even - odd)[:, ::-1]]).ravel()


def half_laws(chain: Chain, rows: slice) -> tuple[Floats, Floats]:
    """Return A[x, y_hi] and B[x, y_lo] for some x; the low half are the first n // 2 neurons."""
    A, B = _half_chances(chain, rows)
    return product_laws(*A), product_laws(*B)


def _half_chances(chain: Chain, rows: slice) -> tuple[tuple[Floats, Floats], ...]:
    """Return `on` and `off` of some rows for the high half of the neurons, and for the low one."""
    on, off = chain.on[rows], chain.off[rows]
    low = on.shape[1] // 2
    return (on[:, low:], off[:, low:]), (on[:, :low], off[:, :low])


def matrix_power(P: Floats, exponent: int) -> Floats:
    """Return P**exponent by squaring; renewing the row sums keeps rounding from adding up."""
    power = P
    for bit in bin(exponent)[3:]:
        power = power @ power
        if bit == "1":
            power = power @ P
        power /= power.sum(1, keepdims=True)
    return power
