"""Iteration: laws and solutions of the Poisson equation stay within the promised error."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from networks import biases, weights

from flux.exact import _chain as chain
from flux.exact import _elimination as elimination
from flux.exact import _krylov as krylov
from flux.exact import law

POOL = ThreadPoolExecutor(2)


@pytest.mark.parametrize("folded", [True, False])
@pytest.mark.parametrize("width", [0.3, 1, 3])
def test_iteration_keeps_its_error_bound(width, folded):
    n = 10
    b = np.zeros(n) if folded else biases(n, 1, n)
    links = chain.make_chain(weights(n, width, n), b, folded=folded)
    pi, _ = elimination.solve_direct(chain.dense_transitions(links), POOL)
    found = krylov.solve_krylov(
        chain.make_step(links, POOL), len(pi), target=1e-12, max_steps=law.MAX_STEPS
    )
    assert np.abs(found.p - pi).sum() <= found.error <= law.TOLERANCE


@pytest.mark.parametrize("width", [0.0, 1e-8, 1e-3, 0.02, 0.05, 0.07, 0.1, 0.2])
@pytest.mark.parametrize("biased", [True, False])
def test_weak_networks_are_exact_though_one_step_forgets_nearly_all(width, biased):
    """Images of random differences are then nearly parallel, and few of them are of use."""
    for seed in range(6):
        W = weights(11, width, seed) + 1e-12 * np.ones((11, 11))
        b = biases(11, 1, seed) if biased else np.zeros(11)
        links = chain.make_chain(W, b, folded=not biased)
        pi, _ = elimination.solve_direct(chain.dense_transitions(links), POOL)
        found = krylov.solve_krylov(
            chain.make_step(links, POOL), len(pi), target=law.TARGET, max_steps=law.MAX_STEPS
        )
        assert np.abs(found.p - pi).sum() <= found.error <= law.TOLERANCE
        assert found.steps < 40


@pytest.mark.parametrize("seed", [0, 3, 75, *range(110, 120)])
def test_neurons_that_are_seldom_on_converge(seed):
    """Most states then have next to no probability, and rounding makes some of them negative."""
    n, rng = 10, np.random.default_rng(seed)
    W = rng.normal(size=(n, n))
    np.fill_diagonal(W, -2.0)
    links = chain.make_chain(W, W.sum(1) + rng.uniform(-8, -2, n), folded=False)
    pi, _ = elimination.solve_direct(chain.dense_transitions(links), POOL)
    found = krylov.solve_krylov(
        chain.make_step(links, POOL), len(pi), target=law.TARGET, max_steps=law.MAX_STEPS
    )
    assert np.abs(found.p - pi).sum() <= found.error <= law.TOLERANCE


@pytest.mark.parametrize("coupling", [12, 20, 28])
def test_iteration_does_not_promise_what_metastable_chains_deny(coupling):
    """Ferromagnets with a field: the uniform start hides the slow mode, the probe finds it."""
    n = 10
    W = np.full((n, n), coupling / n)
    links = chain.make_chain(W, np.full(n, 1e-6), folded=False)
    pi, _ = elimination.solve_direct(chain.dense_transitions(links), POOL)
    found = krylov.solve_krylov(
        chain.make_step(links, POOL), len(pi), target=1e-12, max_steps=law.MAX_STEPS
    )
    assert np.abs(found.p - pi).sum() <= found.error
    assert found.error > law.TOLERANCE


@pytest.mark.parametrize("coupling", [4, 6, 8])
def test_poisson_iteration_does_not_promise_what_metastable_chains_deny(coupling):
    """Ferromagnets: what a small residual hides is in the condition number."""
    n = 9
    with ThreadPoolExecutor(1) as pool:
        links = chain.make_chain(np.full((n, n), coupling / n), np.full(n, 0.01), folded=False)
        P = chain.dense_transitions(links)
        pi, _ = elimination.solve_direct(P.copy(), pool)
        cost = np.random.default_rng(1).normal(size=len(pi))
        cost -= pi @ cost
        expected = np.linalg.solve(np.eye(len(pi)) - P + pi, cost)
        mean = chain.make_steps(links, pool).mean
        found = krylov.solve_poisson(mean, pi, cost, target=1e-7, max_steps=200)
    error = found.p - expected
    assert pi @ np.square(error - pi @ error) <= found.error**2
