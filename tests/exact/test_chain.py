"""Chains: transitions against the oracle, steps against dense products, powers."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import oracles
import pytest
from networks import CASES, biases, weights

import flux
from flux.exact import _chain as chain

POOL = ThreadPoolExecutor(2)


def links(n, width, folded):
    b = np.zeros(n) if folded else biases(n, 1, 1)
    return chain.make_chain(weights(n, width, 1), b, folded=folded)


def test_transition_matrix_matches_the_oracle():
    W, b = CASES["width 3"]
    expected = np.array(oracles.transitions(W.tolist(), b.tolist()), float)
    np.testing.assert_allclose(flux.transition_matrix(W, b), expected, rtol=1e-13)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_folded_chain_adds_what_leads_to_opposite_states(n):
    """Pairs {x, -x} are lumped: Pr(y | x) + Pr(-y | x), which is the same from -x."""
    P = flux.transition_matrix(weights(n, 2, 1))
    half = len(P) // 2
    expected = P[:half, :half] + P[:half, : half - 1 : -1]
    np.testing.assert_allclose(chain.dense_transitions(links(n, 2, True)), expected, rtol=1e-13)
    np.testing.assert_allclose(P[::-1, ::-1], P, rtol=1e-13)


@pytest.mark.parametrize("folded", [True, False])
@pytest.mark.parametrize("n", [6, 7])
def test_steps_in_chunks_are_the_dense_steps(monkeypatch, n, folded):
    whole = links(n, 1, folded)
    p = np.random.default_rng(0).dirichlet(np.ones(len(whole.on)))
    z = np.random.default_rng(1).normal(size=len(p))
    P = chain.dense_transitions(whole)
    monkeypatch.setattr(chain, "CHUNK", 64)
    monkeypatch.setattr(chain, "WORTHWHILE", 64)
    for stored in (0, 1 << 28):
        monkeypatch.setattr(chain, "STORED", stored)
        steps = chain.make_steps(whole, POOL)
        np.testing.assert_allclose(steps.law(p), p @ P, rtol=1e-12)
        np.testing.assert_allclose(steps.mean(z), P @ z, rtol=0, atol=1e-12)


@pytest.mark.parametrize("columns", [1, 7, 32, 33])
@pytest.mark.parametrize("rows", [1, 7, 8, 21])
def test_weighted_product_is_the_plain_one(rows, columns):
    rng = np.random.default_rng(rows)
    A, p, B = rng.random((rows, 5)), rng.random(rows), rng.random((rows, columns))
    expected = np.einsum("xk,x,xj->kj", A, p, B)
    np.testing.assert_allclose(chain.weighted_product(A, p, B), expected, rtol=1e-13)


@pytest.mark.parametrize("exponent", [1, 2, 3, 6, 13, 64])
def test_power_is_that_of_numpy_and_keeps_rows_at_one(exponent):
    P = flux.transition_matrix(weights(4, 1, 2), biases(4, 1, 2))
    power = chain.matrix_power(P, exponent)
    np.testing.assert_allclose(power, np.linalg.matrix_power(P, exponent), rtol=1e-12)
    np.testing.assert_allclose(power.sum(1), 1, rtol=0, atol=1e-15)


@pytest.mark.parametrize("width", [1, 30, 300])
def test_extended_transitions_are_the_plain_ones_where_doubles_reach(width):
    whole = links(4, width, False)
    P = chain.dense_transitions(whole)
    mantissa, exponent = chain.extended_transitions(whole, POOL)
    np.testing.assert_allclose(np.ldexp(mantissa, exponent)[P > 0], P[P > 0], rtol=1e-12)
    assert mantissa.min() >= 0.5
    assert exponent[P == 0].max(initial=-2000) < -1000
