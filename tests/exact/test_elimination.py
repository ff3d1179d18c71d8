"""Elimination: blocked, plain and in extended range; differences of the Poisson equation."""

from concurrent.futures import ThreadPoolExecutor

import mpmath as mp
import numpy as np
import oracles
import pytest
from networks import biases, weights

from flux.exact import _chain as chain
from flux.exact import _elimination as elimination

POOL = ThreadPoolExecutor(2)


@pytest.mark.parametrize(("n", "width", "diagonal"), [(8, 1, 0), (9, 6, 0), (8, 1, 30), (8, 20, 0)])
@pytest.mark.parametrize("folded", [True, False])
def test_blocked_plain_and_extended_elimination_agree_in_every_entry(n, width, diagonal, folded):
    b = np.zeros(n) if folded else biases(n, 1, n)
    links = chain.make_chain(weights(n, width, n) + diagonal * np.eye(n), b, folded=folded)
    P = chain.dense_transitions(links)
    plain, _ = elimination.eliminate(P.copy())
    extended = elimination.solve_extended(*chain.extended_transitions(links, POOL), POOL)
    blocked, _ = elimination.solve_direct(P, POOL)
    np.testing.assert_allclose(blocked, plain, rtol=1e-12)
    np.testing.assert_allclose(extended, plain, rtol=1e-12)


@pytest.mark.parametrize("rare", [1e-3, 1e-100, 1e-240])
def test_two_states_have_their_closed_form_however_rarely_they_change(rare):
    P = np.array([[1 - rare, rare], [3 * rare, 1 - 3 * rare]])
    pi, smallest_exit = elimination.eliminate(P)
    np.testing.assert_allclose(pi, [0.75, 0.25], rtol=1e-15)
    assert smallest_exit == 3 * rare


@pytest.mark.parametrize("size", [2, 64, 65, 200])
def test_every_block_is_reported(size):
    P = np.random.default_rng(size).dirichlet(np.ones(size), size)
    blocks = []
    elimination.solve_direct(P, POOL, blocks.append)
    assert blocks == [elimination.BLOCK] * ((size - 1) // elimination.BLOCK)


@pytest.mark.parametrize("diagonal", [0.0, 25.0])
def test_differences_solve_the_poisson_equation(diagonal):
    """z of z(x) - E(z(y) | x) = cost(x) at 50 digits, also where a chain nearly falls apart."""
    W = weights(3, 1, 4) + diagonal * np.eye(3)
    b = biases(3, 1, 4)
    P = mp.matrix(oracles.transitions(W.tolist(), b.tolist()))
    pi = oracles.stationary(P.tolist())
    cost = np.random.default_rng(5).normal(size=8)
    exact = [mp.mpf(float(c)) for c in cost]
    shift = mp.fsum(p * c for p, c in zip(pi, exact, strict=True))
    right = mp.matrix([c - shift for c in exact])
    ones = mp.matrix([[p] * 8 for p in pi]).T  # 1 - P + 1 pi^T can be inverted
    z = mp.lu_solve(mp.eye(8) - P + ones, right)

    factors = chain.dense_transitions(chain.make_chain(W, b, folded=False))
    elimination.eliminate(factors)
    d = elimination.solve_differences(factors, np.array(right, float).ravel())
    expected = np.array([[float(z[y] - z[x]) for y in range(8)] for x in range(8)])
    np.testing.assert_allclose(d, expected, rtol=1e-9, atol=1e-9)
