"""States and their codes, and the laws of independent spins over all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import as_array, check_count, check_spins
from flux._base.errors import ArgumentError
from flux._base.jit import jit
from flux._base.memory import check_memory
from flux._base.types import Codes, Floats, Spins

MAX_CODED = 62
"""Largest number of neurons whose state fits a signed 64-bit code."""


def all_states(n: int) -> Spins:
    """Return every state of `n` neurons, in the order of their codes.

    Parameters
    ----------
    n : int
        Number of neurons, at least 1.

    Returns
    -------
    (2**n, n) int8
        Row k is the state with code k: neuron i is +1 where bit i of k is 1, else -1.

    Raises
    ------
    ValueError
        If `n` is not a positive integer.
    TooLargeError
        If the table would not fit into memory.

    Notes
    -----
    Equation :eq:`eq-code` of the book.

    Examples
    --------
    >>> all_states(2)
    array([[-1, -1],
           [ 1, -1],
           [-1,  1],
           [ 1,  1]], dtype=int8)
    """
    n = check_count("n", n, 1, MAX_CODED)
    # 16 bytes more for each state: its code and the bit at hand
    check_memory(
        (n + 16) * 2.0**n, f"the table of all states of n = {n} neurons", "sample with simulate"
    )
    return decode(np.arange(1 << n), n)


def encode(x: ArrayLike) -> Codes:
    """Return the code of each state: bit i is neuron i, and bit 1 means +1.

    Parameters
    ----------
    x : (..., n) array of -1 and +1
        States; n at most 62.

    Returns
    -------
    (...) int64
        Codes k = sum_i 2**i [x_i = +1].

    Raises
    ------
    ValueError
        If `x` holds anything but -1 and +1, or more than 62 neurons.

    Notes
    -----
    Equation :eq:`eq-code` of the book.

    Examples
    --------
    >>> encode([[-1, -1, -1], [1, -1, 1]])
    array([0, 5])
    """
    spins = check_spins("x", x)
    n = spins.shape[-1]
    check_count("x.shape[-1]", n, 1, MAX_CODED)
    codes = np.zeros(spins.shape[:-1], np.int64)
    for i in range(n):
        codes |= (spins[..., i] > 0).astype(np.int64) << i
    return codes


def decode(codes: ArrayLike, n: int) -> Spins:
    """Return the states that belong to codes; the inverse of `encode`.

    Parameters
    ----------
    codes : (...) array of int
        State codes, from 0 to 2**n - 1.
    n : int
        Number of neurons, 1 to 62.

    Returns
    -------
    (..., n) int8
        States of -1 and +1.

    Raises
    ------
    ValueError
        If a code is not an integer from 0 to 2**n - 1, or `n` is out of range.

    Notes
    -----
    Equation :eq:`eq-code` of the book.

    Examples
    --------
    >>> decode([0, 5], 3)
    array([[-1, -1, -1],
           [ 1, -1,  1]], dtype=int8)
    """
    n = check_count("n", n, 1, MAX_CODED)
    k = as_array("codes", codes, "iu")
    if k.size and (k.min() < 0 or k.max() >= 1 << n):
        raise ArgumentError(
            f"codes must lie from 0 to 2**{n} - 1, but ranged from {k.min()} to {k.max()}"
        )
    k = k.astype(np.int64, copy=False)
    x = np.empty((*k.shape, n), np.int8)
    for i in range(n):
        x[..., i] = 2 * ((k >> i) & 1) - 1
    return x


@jit
def product_laws(on: Floats, off: Floats) -> Floats:
    """Return for each row the law of independent spins, over the codes of all their states."""
    rows, n = on.shape
    laws = np.empty((rows, 1 << n))
    for row in range(rows):
        fill_product_law(on[row], off[row], laws[row])
    return laws


@jit
def fill_product_law(on: Floats, off: Floats, law: Floats) -> None:
    """Write the law of independent spins into `law`."""
    law[0] = 1.0
    for i in range(len(on)):
        for k in range(1 << i):
            law[k + (1 << i)] = law[k] * on[i]
            law[k] *= off[i]
