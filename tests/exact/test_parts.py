"""Networks taken apart: against scipy's components, invariances, and what is a delay line."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import biases, weights
from scipy import sparse
from scipy.sparse.csgraph import connected_components

import flux
from flux.exact.parts import take_apart


@given(st.integers(1, 30), st.floats(0, 0.2), st.integers(0, 10**6), st.booleans())
def test_parts_are_the_components_that_are_no_lines(n, density, seed, is_sparse):
    W, b = weights(n, 1, seed, density=density), biases(n, 1, seed)
    network = take_apart(sparse.csr_array(W) if is_sparse else W, b)
    n_components, labels = connected_components(W != 0, connection="weak")
    crowded = ((W != 0).sum(1) > 1) | ((W != 0).sum(0) > 1)
    wanted = [
        np.flatnonzero(labels == k) for k in range(n_components) if crowded[labels == k].any()
    ]
    assert sorted(part.neurons.tolist() for part in network.parts) == sorted(
        neurons.tolist() for neurons in wanted
    )
    for part in network.parts:
        np.testing.assert_array_equal(part.W, W[np.ix_(part.neurons, part.neurons)])
        np.testing.assert_array_equal(part.b, b[part.neurons])
    sizes = [len(part.neurons) for part in network.parts]
    assert sizes == sorted(sizes, reverse=True)

    # parts and lines together are the network
    whole = np.zeros((n, n))
    for part in network.parts:
        whole[np.ix_(part.neurons, part.neurons)] = part.W
    whole[network.line_entries] = network.lines.w
    np.testing.assert_array_equal(whole, W)
    np.testing.assert_array_equal(network.lines.b, b[network.line_neurons])


def test_a_neuron_that_hears_none_is_its_own_sender_with_no_weight():
    network = take_apart(np.zeros((3, 3)), None)
    assert network.parts == []
    assert network.lines.sender.tolist() == [0, 1, 2]
    assert not network.lines.w.any()


@pytest.mark.parametrize("n", [1, 2, 50])
def test_rooks_are_lines_alone(n):
    W = flux.nrooks(n, rng=np.random.default_rng(n), strength=2.0)
    network = take_apart(W, None)
    assert network.parts == []
    receiver, sender = network.line_entries
    np.testing.assert_array_equal(network.lines.w, W[receiver, sender])


def test_lines_too_strong_beside_a_bias_are_refused():
    with pytest.raises(flux.ConvergenceError, match=r"weight of 1e\+17 is too strong"):
        take_apart([[1e17]], [0.5])
    assert take_apart([[1e17]], None).parts == []
