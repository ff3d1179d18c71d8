"""Networks of many kinds on which the exact functions are tested, and what the oracle says."""

from functools import cache

import numpy as np
import oracles
from hypothesis import strategies as st

import flux


def weights(n, width, seed, **kinds):
    return flux.gaussian_weights(n, rng=np.random.default_rng(seed), width=width, **kinds)


def biases(n, width, seed):
    return np.random.default_rng(1000 + seed).normal(0, width, n)


def symmetric(n, width, seed):
    W = weights(n, width, seed)
    return (W + W.T) / 2


def with_silent_row(n, seed):
    W = weights(n, 1.0, seed)
    W[1] = 0
    return W


def dale(n, width, seed):
    """Every neuron excites all others, or inhibits all."""
    return np.abs(weights(n, width, seed)) * np.resize([1.0, -1.0, 1.0], n)


CASES = {
    "zero": (np.zeros((3, 3)), None),
    "one neuron": ([[1.5]], [0.3]),
    "width 0.1": (weights(6, 0.1, 1), None),
    "width 1, n = 6": (weights(6, 0.9, 2), biases(6, 1, 2)),
    "zero row": (with_silent_row(4, 3), None),
    "zero row, strong bias": (with_silent_row(4, 3), [0.0, 800.0, 0.0, 0.0]),
    "Dale": (dale(5, 1.0, 4), biases(5, 0.3, 4)),
    "symmetric": (symmetric(5, 1.0, 5), biases(5, 1, 5)),
    "rooks": (flux.nrooks(5, rng=np.random.default_rng(6), strength=2.0), None),
    "rooks with bias": (
        flux.nrooks(5, rng=np.random.default_rng(6), strength=2.5),
        biases(5, 1, 6),
    ),
    "line": (np.diag([1.0, -2.0, 3.0], -1), biases(4, 1, 7)),
    "line into a part": (
        np.array([[0, 2, 0, 0], [1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0.0]]),
        biases(4, 1, 8),
    ),
    "width 3": (weights(4, 3, 9), biases(4, 3, 9)),
    "width 10, n = 6": (weights(6, 10, 10), None),
    "width 20": (weights(4, 20, 11), None),
    "width 20, bias": (weights(4, 20, 12), biases(4, 20, 12)),
    "symmetric, strong": (symmetric(4, 10, 13), None),
    "Dale, strong": (dale(4, 10, 14), None),
    "rooks, strong": (flux.nrooks(4, rng=np.random.default_rng(15), strength=30.0), None),
    "rooks, strong, bias": (
        flux.nrooks(4, rng=np.random.default_rng(16), strength=60.0),
        biases(4, 5, 16),
    ),
    "metastable, 12": (weights(4, 1, 17) + 12 * np.eye(4), None),
    "metastable, 12, bias": (weights(4, 1, 18) + 12 * np.eye(4), biases(4, 1, 18)),
    "metastable, 100": (weights(3, 1, 19) + 100 * np.eye(3), biases(3, 1, 19)),
    "beyond double range": (weights(4, 1, 20) + 400 * np.eye(4), biases(4, 1, 20)),
    "nearly periodic": (weights(4, 0.1, 21) + 25 * np.roll(np.eye(4), 1, 0), None),
}


def arrays(name):
    """Return W and b of a case as arrays, b None where it has none."""
    W, b = CASES[name]
    return np.asarray(W, float), None if b is None else np.asarray(b, float)


@cache
def oracle(name):
    """Return I, H, D, the stationary law, the rms correlation and the correlations of a case."""
    return oracles.flux(*arrays(name))


def tolerance(name):
    """Return how far the exact functions may be off: strong weights lose digits."""
    return 1e-12 if np.abs(arrays(name)[0]).max() <= 3 else 1e-9


networks = st.tuples(
    st.integers(2, 7), st.floats(0.05, 8), st.floats(0.3, 1), st.booleans(), st.integers(0, 10**6)
)
"""Random networks for hypothesis: n, width, density, whether there is a bias, and a seed."""


def draw(network):
    """Return W and b of a random network."""
    n, width, density, biased, seed = network
    W = weights(n, width, seed, density=density)
    return W, (biases(n, 1, seed) if biased else None)


def flipped(W, b, seed):
    """Return a network with its neurons in another order and some spins flipped, and how."""
    rng = np.random.default_rng(seed)
    order, turn = rng.permutation(len(W)), rng.choice([-1.0, 1.0], len(W))
    turned = (turn[:, None] * W * turn)[np.ix_(order, order)]
    return turned, None if b is None else (turn * b)[order], order, turn
