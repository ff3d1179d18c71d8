"""Kernels of the simulation: random words, integer fields with their slack, the exponential."""

from fractions import Fraction

import numpy as np
import oracles
import pytest
from scipy import sparse

from flux.model.ensembles import gaussian_weights
from flux.model.simulation_kernels import _exp, _word, prepare_weights
from flux.model.states import all_states


def test_words_are_those_of_splitmix():
    keys = np.random.default_rng(1).integers(0, 2**64, 50, np.uint64)
    for key in keys:
        for counter in (0, 1, 12345, 2**63):
            expected = oracles.random_word(int(key), counter)
            assert int(_word(key, np.uint64(counter))) == expected


@pytest.mark.parametrize("factor", [1e-300, 1.0, 1e290])
def test_integer_fields_enclose_the_exact_ones(factor):
    """scale (q . x + q_bias) -+ slack encloses u = W x + b, in rational arithmetic."""
    n, cap = 12, 40
    rng = np.random.default_rng(3)
    W, b = gaussian_weights(n, rng=rng) * np.logspace(-9, 9, n), rng.standard_normal(n)
    W, b = W * factor, b * factor
    prepared = prepare_weights(W, b)
    q = prepared.q.reshape(n, n).T.astype(np.float64)
    for x in all_states(n)[::41]:
        field = (q @ x + prepared.q_bias) * prepared.scale.astype(np.float64)
        for i in range(n):
            u = Fraction(b[i]) + sum(Fraction(W[i, j]) * int(x[j]) for j in range(n))
            # beyond the cap sigma is 0 or 1, so that only the side counts
            u = min(max(u, -cap), cap)
            assert min(max(field[i] - prepared.slack[i], -cap), cap) <= u
            assert u <= min(max(field[i] + prepared.slack[i], -cap), cap)


def test_approximate_exponential_keeps_its_promise():
    v = np.linspace(-40, 40, 100_001).astype(np.float32)
    got = np.array([_exp(each) for each in v], np.float64)
    np.testing.assert_allclose(got, np.exp(v.astype(np.float64)), rtol=5e-6)


@pytest.mark.parametrize("density", [0.2, 1.0])
def test_sparse_weights_are_prepared_as_dense_ones_are(density):
    """By rows they are W itself; by columns W rounded to whole steps, each row its own."""
    W = gaussian_weights(15, rng=np.random.default_rng(4), density=density)
    b = np.random.default_rng(5).normal(size=15)
    dense, thin = prepare_weights(W, b), prepare_weights(sparse.csr_array(W), b)
    rows = (thin.W, thin.senders, thin.row_starts)
    columns = (thin.q, thin.receivers, thin.column_starts)
    np.testing.assert_array_equal(sparse.csr_array(rows, shape=W.shape).toarray(), W)
    thin_q = sparse.csc_array(columns, shape=W.shape).toarray()
    for prepared, q in ((dense, dense.q.reshape(15, 15).T), (thin, thin_q)):
        scale = prepared.scale.astype(float)
        error = np.abs(q * scale[:, None] - W).sum(1) + np.abs(prepared.q_bias * scale - b)
        assert np.all(error <= prepared.slack)
        np.testing.assert_array_equal(q, np.rint(q))


def test_rows_of_too_many_weights_are_refused():
    n = 2**23
    W = sparse.csr_array((np.ones(n), (np.zeros(n, int), np.arange(n))), shape=(n, n))
    with pytest.raises(ValueError, match=r"rows of less than 2\*\*23 .* one of 8388608"):
        prepare_weights(W, np.zeros(n))
