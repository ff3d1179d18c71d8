"""Inputs, outputs and nodes that several tests of relays share."""

import itertools

import numpy as np
from hypothesis import strategies as st


def rng(seed=1):
    return np.random.default_rng(seed)


def enumerate_bits(n):
    """All states of n fair coins, each 32 times over, one array a coin."""
    return np.tile(np.array(list(itertools.product((0, 1), repeat=n))).T, 32)


def cases(max_nodes, max_samples=40):
    """Labels and node states with up to four values."""

    @st.composite
    def draw_case(draw):
        samples = draw(st.integers(1, max_samples))
        nodes = draw(st.integers(1, max_nodes))
        column = st.lists(st.integers(0, 3), min_size=samples, max_size=samples)
        xin, xout, *Y = draw(st.lists(column, min_size=nodes + 2, max_size=nodes + 2))
        return np.array(xin), np.array(xout), np.array(Y).T

    return draw_case()


def copy_and_noise(bits, samples=4096):
    """A node that copies a bit, and `bits` nodes of noise: I_R({0}) = 1, whatever Y0 knows."""
    generator = rng(bits)
    x = generator.integers(0, 2, samples)
    return x, np.column_stack([x, generator.integers(0, 2, (samples, bits))])


X = np.array([0, 1, 0, 1])
Y4 = np.eye(4, dtype=int)
