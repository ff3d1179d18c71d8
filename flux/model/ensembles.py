"""Weight ensembles and constructions. W[i, j] is the weight from neuron j to neuron i."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import check_count, check_floats, check_real, check_rng, short
from flux._base.errors import ArgumentError
from flux._base.memory import check_memory
from flux._base.types import Floats


def gaussian_weights(
    n: int,
    *,
    rng: np.random.Generator,
    width: float = 1.0,
    density: float = 1.0,
    balance: float = 0.0,
) -> Floats:
    """Draw random weights with a given width, density and balance.

    Magnitudes are half-normal: ``|W_ij| = width |z|``, z standard normal. An entry is present
    with probability `density`, and positive with probability (1 + `balance`) / 2.
    Density 1 and balance 0 give plain normal weights.

    Parameters
    ----------
    n : int
        Number of neurons.
    rng : numpy.random.Generator
        Source of randomness.
    width : float
        Root-mean-square magnitude of the present weights.
    density : float
        Probability from 0 to 1 that a weight is present.
    balance : float
        From -1 (all inhibitory) to +1 (all excitatory).

    Returns
    -------
    (n, n) float64
        Weights, axis 0 the receiving and axis 1 the sending neuron.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    Krauss et al. (2019), PLoS ONE 14(4) e0214541; Metzner et al. (2024),
    Neural Computation 36(3), 351-384.

    Examples
    --------
    >>> gaussian_weights(3, rng=np.random.default_rng(1), balance=1.0).min() > 0
    np.True_
    """
    n = check_count("n", n, 1)
    check_rng(rng)
    width = check_real("width", width, 0.0)
    density = check_real("density", density, 0.0, 1.0)
    balance = check_real("balance", balance, -1.0, 1.0)
    check_memory(33.0 * n * n, f"a dense weight matrix of n = {n} neurons", "use scipy.sparse")
    size = np.abs(rng.standard_normal((n, n)))
    size *= width
    sign = np.where(rng.random((n, n)) < (1 + balance) / 2, 1.0, -1.0)
    return np.where(rng.random((n, n)) < density, size * sign, 0.0)


def nrooks(
    n: int, *, rng: np.random.Generator, strength: float, signs: ArrayLike | None = None
) -> Floats:
    """Draw an N-rooks matrix: one weight of equal magnitude in each row and each column.

    Every neuron copies (or inverts) one other neuron, and no two copy the same. With
    weights of magnitude w and no bias the flux is I = n (1 - h2(sigma(w))).

    Parameters
    ----------
    n : int
        Number of neurons.
    rng : numpy.random.Generator
        Draws the permutation, and the signs unless they are given.
    strength : float
        Magnitude w of the n weights.
    signs : (n,) array of -1 and +1, optional
        Sign of the weight in each row; random by default.

    Returns
    -------
    (n, n) float64
        Weights: a signed permutation matrix times `strength`.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Notes
    -----
    Equation :eq:`eq-rooks` of the book.

    References
    ----------
    Metzner et al. (2024), Neural Computation 36(3), 351-384.

    Examples
    --------
    >>> W = nrooks(3, rng=np.random.default_rng(1), strength=2.0)
    >>> np.abs(W).sum(0), np.abs(W).sum(1)
    (array([2., 2., 2.]), array([2., 2., 2.]))
    """
    n = check_count("n", n, 1)
    check_rng(rng)
    strength = check_real("strength", strength, 0.0)
    check_memory(8.0 * n * n, f"a dense weight matrix of n = {n} neurons", "use scipy.sparse")
    senders = rng.permutation(n)
    sign = rng.choice([-1.0, 1.0], n) if signs is None else check_floats("signs", signs)
    if sign.shape != (n,) or not np.all(np.abs(sign) == 1):
        raise ArgumentError(f"signs must be {n} values of -1 or +1, but was {short(signs)}")
    W = np.zeros((n, n))
    W[np.arange(n), senders] = strength * sign
    return W
