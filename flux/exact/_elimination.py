"""Solvers of pi = pi P for ergodic chains: direct, in extended range, and iterative."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np

from flux._base.jit import jit
from flux._base.threads import share
from flux._base.types import Floats, Integers

BLOCK = 64
"""States that one block of the elimination takes out at once."""
PANEL = 512
"""Rows that one thread updates at once, which keeps the temporary product small."""
GRAIN = 10_000
"""Products in extended range from which a thread of its own pays: a tenth of a millisecond."""
SMALLEST_EXIT = 1e-250
"""Exit probability under which double precision may have lost a path: 1e-58 of it at most."""
LARGEST_FIELD = 2.0**50
"""Local fields whose spacing as doubles is a quarter: beyond, transitions mean nothing."""

NEGATIVE_POWERS = 0.5 ** np.arange(61)


def solve_direct(
    P: Floats, pool: Executor, report: Callable[[int], object] = int
) -> tuple[Floats, float]:
    """Return the stationary law of P, right to rounding in every entry, and the smallest exit.

    Grassmann-Taksar-Heyman elimination adds, multiplies and divides positive numbers only, so
    that nothing cancels however nearly decomposable or periodic the chain is. States leave in
    blocks K, last ones first: with G = (1 - P_KK)^-1 the chain watched on the rest R has
    P_RR + P_RK G P_KR, one matrix product. Afterwards pi_K = pi_R P_RK G. P is overwritten, and
    `report` told the number of states that each block took out.

    References
    ----------
    Grassmann, Taksar & Heyman (1985), Operations Research 33, 1107-1116;
    O'Cinneide (1993), Numerische Mathematik 65, 109-120.
    """
    size = len(P)
    starts = list(range(size % BLOCK or BLOCK, size, BLOCK))
    smallest = np.inf
    for start in reversed(starts):
        block = slice(start, start + BLOCK)
        leaving = P[block, :start].sum(1)
        G, exit_ = _block_inverse(np.ascontiguousarray(P[block, block]), leaving)
        smallest = min(smallest, exit_)
        entering = P[:start, block] = P[:start, block] @ G

        def watch(top: int, start: int = start, block: slice = block, K: Floats = entering) -> None:
            panel = slice(top, min(top + PANEL, start))
            P[panel, :start] += K[panel] @ P[block, :start]

        list(pool.map(watch, range(0, start, PANEL)))
        report(BLOCK)
    pi = np.empty(size)
    first = slice(0, starts[0] if starts else size)
    pi[first], exit_ = eliminate(np.ascontiguousarray(P[first, first]))
    for start in starts:
        block = slice(start, start + BLOCK)
        pi[block] = pi[:start] @ P[:start, block]
        pi[: block.stop] /= pi[: block.stop].sum()
    return pi, min(smallest, exit_)


@jit(error_model="numpy")
def eliminate(P: Floats) -> tuple[Floats, float]:
    """Return the stationary law and the smallest exit by unblocked GTH; P is overwritten."""
    size = len(P)
    smallest = np.inf
    for k in range(size - 1, 0, -1):
        leaving = P[k, :k]
        exit_ = leaving.sum()
        smallest = min(smallest, exit_)
        for i in range(k):
            row, entering = P[i, :k], P[i, k] / exit_
            P[i, k] = entering
            for j in range(k):
                row[j] += entering * leaving[j]
    pi = np.zeros(size)
    pi[0] = 1.0
    for k in range(1, size):
        for i in range(k):
            pi[k] += pi[i] * P[i, k]
        pi[: k + 1] /= 1.0 + pi[k]
    return pi, smallest


@jit(error_model="numpy")
def solve_differences(factors: Floats, cost: Floats) -> Floats:
    """Return d[x, y] = z(y) - z(x) for z(x) - E(z(y) | x) = cost(x), with sum pi cost = 0.

    `factors` is what `eliminate` left of P. State k on the chain watched on 0..k costs c_k a
    visit, so z(k) = c_k / exit_k + sum_j q_kj z(j) where q_kj = P_kj / exit_k over j < k adds up
    to 1. Differences obey the same recursion: d[i, k] = c_k / exit_k + sum_j q_kj d[i, j].
    In a nearly decomposable chain z is huge, and z(y) - z(x) within a group lost in rounding;
    here only d between groups is huge, which rare transitions multiply.
    """
    size = len(factors)
    c = cost.copy()
    for k in range(size - 1, 0, -1):
        for i in range(k):
            c[i] += factors[i, k] * c[k]
    d = np.zeros((size, size))
    for k in range(1, size):
        exit_ = factors[k, :k].sum()
        row = d[k]
        row[:k] = -c[k] / exit_
        for j in range(k):
            q = factors[k, j] / exit_
            for i in range(k):  # d[j, i] = -d[i, j] lies in a row
                row[i] += q * d[j, i]
        for i in range(k):
            d[i, k] = -row[i]
    return d


@jit(error_model="numpy")
def _block_inverse(Q: Floats, leaving: Floats) -> tuple[Floats, float]:
    """Return (1 - Q)^-1 and the smallest exit, for a block that exits with `leaving`.

    GTH factors 1 - Q = (1 - U) S (1 - L) with U, L, S >= 0: the inverse is made of sums only.
    """
    size = len(Q)
    exits = np.empty(size)
    for k in range(size - 1, -1, -1):
        exits[k] = Q[k, :k].sum() + leaving[k]
        for i in range(k):
            Q[i, k] /= exits[k]
            leaving[i] += Q[i, k] * leaving[k]
            for j in range(k):
                Q[i, j] += Q[i, k] * Q[k, j]
    G = np.eye(size)
    for i in range(size - 2, -1, -1):
        for k in range(i + 1, size):
            G[i] += Q[i, k] * G[k]
    for k in range(size):
        for j in range(k):
            G[k] += Q[k, j] * G[j]
        G[k] /= exits[k]
    return G, exits.min()


def solve_extended(mantissa: Floats, exponent: Integers, pool: Executor) -> Floats:
    """Return the stationary law by GTH for P = mantissa 2**exponent, which are overwritten.

    Mantissas lie from 1/2 to 1 (or are 0), so that probabilities far below the smallest double
    keep full precision.
    """
    for k in range(len(mantissa) - 1, 0, -1):
        share(pool, _take_out, k, GRAIN // k + 1, k, mantissa, exponent)
    return _extended_law(mantissa, exponent)


@jit(error_model="numpy")
def _take_out(first: int, last: int, k: int, mantissa: Floats, exponent: Integers) -> None:
    """Take state k out of the chain watched on 0..k, in some rows."""
    m_exit, e_exit = 0.0, 0
    for j in range(k):
        m_exit, e_exit = _add(m_exit, e_exit, mantissa[k, j], exponent[k, j])
    for i in range(first, last):
        m, e = _multiply(mantissa[i, k], exponent[i, k], 0.5 / m_exit, 1 - e_exit)
        mantissa[i, k], exponent[i, k] = m, e
        for j in range(k):
            m_step, e_step = _multiply(m, e, mantissa[k, j], exponent[k, j])
            m_sum, e_sum = _add(mantissa[i, j], exponent[i, j], m_step, e_step)
            mantissa[i, j], exponent[i, j] = m_sum, e_sum


@jit(error_model="numpy")
def _extended_law(mantissa: Floats, exponent: Integers) -> Floats:
    """Return the law from what the elimination left."""
    size = len(mantissa)
    m_pi, e_pi = np.zeros(size), np.zeros(size, np.int64)
    m_pi[0], e_pi[0] = 0.5, 1
    for k in range(1, size):
        for i in range(k):
            m_step, e_step = _multiply(m_pi[i], e_pi[i], mantissa[i, k], exponent[i, k])
            m_pi[k], e_pi[k] = _add(m_pi[k], e_pi[k], m_step, e_step)
    top = e_pi[m_pi > 0].max()
    pi = np.ldexp(m_pi, np.maximum(e_pi - top, -1100))
    return pi / pi.sum()


@jit(inline="always", error_model="numpy")
def _multiply(m1: float, e1: int, m2: float, e2: int) -> tuple[float, int]:
    m, e = m1 * m2, e1 + e2
    if 0 < m < 0.5:
        m, e = 2.0 * m, e - 1
    return m, e


@jit(inline="always", error_model="numpy")
def _add(m1: float, e1: int, m2: float, e2: int) -> tuple[float, int]:
    if m1 == 0:
        m1, e1 = m2, e2
    elif m2 > 0:
        if e1 >= e2:
            m1 += m2 * NEGATIVE_POWERS[min(e1 - e2, 60)]
        else:
            m1 = m2 + m1 * NEGATIVE_POWERS[min(e2 - e1, 60)]
            e1 = e2
        if m1 >= 1:
            m1, e1 = 0.5 * m1, e1 + 1
    return m1, e1


def extended_products(
    mantissa: Floats, exponent: Integers, fold: bool, pool: Executor
) -> tuple[Floats, Integers]:
    """Return all 2**n products of factors [..., 0 or 1] a row, as mantissas and exponents.

    `mantissa` and `exponent` have shape (rows, n, 2); bit i of a product's index picks the
    factor of neuron i. With `fold`, a product and that of the complementary index are added.
    """
    rows, n, _ = mantissa.shape
    size = 1 << (n - fold)
    out = np.empty((rows, size)), np.empty((rows, size), np.int64)
    share(pool, _multiply_rows, rows, GRAIN // (n << n) + 1, mantissa, exponent, fold, *out)
    return out


@jit(error_model="numpy")
def _multiply_rows(
    first: int, last: int, m_in: Floats, e_in: Integers, fold: bool, m_out: Floats, e_out: Integers
) -> None:
    for row in range(first, last):
        for k in range(m_out.shape[1]):
            m, e, m_not, e_not = 0.5, 1, 0.5, 1
            for i in range(m_in.shape[1]):
                bit = (k >> i) & 1
                m, e = _multiply(m, e, m_in[row, i, bit], e_in[row, i, bit])
                m_not, e_not = _multiply(m_not, e_not, m_in[row, i, 1 - bit], e_in[row, i, 1 - bit])
            if fold:
                m, e = _add(m, e, m_not, e_not)
            m_out[row, k], e_out[row, k] = m, e
