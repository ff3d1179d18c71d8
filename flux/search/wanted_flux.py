"""Networks built for a wanted flux, of up to many thousand neurons."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.optimize import brentq

from flux._base.checks import check_count, check_real, check_rng
from flux._base.errors import ArgumentError
from flux._base.memory import check_memory
from flux.exact.flux import exact_flux
from flux.model.information import field_entropy
from flux.search.weighing_matrices import Signs, find_design, split_order

LARGEST_BLOCK = 8
"""Neurons in a block at most, so that its exact flux takes no time."""
STRENGTHS = np.concatenate([[0.0], np.geomspace(1e-3, 50.0, 100)])
"""Strengths among which the first that is strong enough is sought."""
BYTES_A_ROOK, BYTES_IN_BLOCKS = 60.0, 500.0
"""Memory for each neuron, of rooks and of networks that consist of blocks."""
HALF_A_BIT, STRONGEST = 3.0, 100.0
"""Strengths beyond those at which a rook carries half a bit, and all but 1e-16 of one."""


def design_flux(n: int, flux: float, *, rng: np.random.Generator, k: int = 1) -> sparse.csr_array:
    """Build a network of n neurons without bias that has a wanted flux.

    With `k` = 1 it is an N-rooks matrix, and equation :eq:`eq-rooks` of the book is solved for the
    strength w. With more it consists of weighing matrices of at most 8 neurons, k entries +-w a
    row, that do not hear one another, so that their exact fluxes add.

    Parameters
    ----------
    n : int
        Number of neurons.
    flux : float
        Wanted flux in bits per step, more than 0 and less than `n`.
    rng : numpy.random.Generator
        Draws the order of the neurons, who hears whom in it, and the meaning of each spin.
    k : int
        Number of weights in each row and column, 1 to 8.

    Returns
    -------
    (n, n) scipy.sparse.csr_array
        n k weights of equal magnitude. The flux is right to 1e-9 bits or better.

    Raises
    ------
    ValueError
        If a parameter is out of its range, if no blocks with this `k` make up `n` neurons, or
        if they have less flux at any strength.
    TooLargeError
        If the network would not fit into memory.

    References
    ----------
    Metzner et al. (2024), Neural Computation 36(3), 351-384.

    Examples
    --------
    >>> W = design_flux(1000, 750.0, rng=np.random.default_rng(1))
    >>> print(f"{exact_flux(W).I:.6f}, {W.nnz} weights of {W.data.max():.4f}")
    750.000000, 1000 weights of 3.1348
    """
    n = check_count("n", n, 1)
    flux = check_real("flux", flux, 0.0)
    if not 0 < flux < n:
        raise ArgumentError(f"flux must be more than 0 and less than n = {n}, but was {flux!r}")
    check_rng(rng)
    k = check_count("k", k, 1, LARGEST_BLOCK)
    needed = (BYTES_A_ROOK if k == 1 else BYTES_IN_BLOCKS) * n
    check_memory(needed, f"a network of n = {n} neurons", "design several smaller ones")
    if k == 1:
        sign = rng.choice([-1.0, 1.0], n)
        weights = sign * _rook_strength(flux / n, (n - flux) / n)
        return sparse.csr_array((weights, rng.permutation(n), np.arange(n + 1)), shape=(n, n))
    orders = split_order(n, k, LARGEST_BLOCK)
    if orders is None:
        raise ArgumentError(
            f"k must be such that weighing matrices W(m, k) with m <= {LARGEST_BLOCK} add up to"
            f" n = {n} neurons, but was {k}"
        )
    blocks = {m: build() for m in set(orders) if (build := find_design(m, k))}
    strength = _block_strength(flux, Counter(orders), blocks)
    whole = sparse.block_diag([sparse.coo_array(blocks[m]) for m in orders], format="coo")
    place, sign = rng.permutation(n), rng.choice([-1.0, 1.0], n)
    weights = strength * sign[whole.row] * whole.data * sign[whole.col]
    return sparse.csr_array((weights, (place[whole.row], place[whole.col])), shape=(n, n))


def _rook_strength(bits: float, missing: float) -> float:
    """Return w with 1 - h2(sigma(w)) = bits = 1 - missing, to full precision at both ends."""

    def too_strong(w: float) -> float:
        return missing - float(field_entropy(np.array(w)))

    def too_weak(w: float) -> float:  # 1 - h2 without a difference of nearly equal numbers
        log_cosh = np.log1p(2 * np.sinh(w / 4) ** 2)
        return bits - float((w / 2 * np.tanh(w / 2) - log_cosh) / np.log(2.0))

    excess, strongest = (too_strong, STRONGEST) if bits > missing else (too_weak, HALF_A_BIT)
    return brentq(excess, 0.0, strongest, xtol=1e-300, rtol=1e-13)


def _block_strength(flux: float, counts: Counter[int], blocks: dict[int, Signs]) -> float:
    """Return the least strength at which the blocks together have the flux."""

    def excess(w: float) -> float:
        return sum(c * exact_flux(w * blocks[m]).I for m, c in counts.items()) - flux

    # not by bisection alone: blocks with ties (even k) may lose flux as they get stronger
    most = -flux
    for weaker, stronger in pairwise(STRENGTHS):
        surplus = excess(stronger)
        if surplus >= 0:
            return brentq(excess, weaker, stronger, xtol=1e-14, rtol=1e-13)
        most = max(most, surplus)
    kinds = " and ".join(f"{c} blocks W({m}, k)" for m, c in sorted(counts.items()))
    raise ArgumentError(
        f"flux must be at most {most + flux:.6g} here, the most that {kinds} have at any strength,"
        f" but was {flux!r}"
    )
