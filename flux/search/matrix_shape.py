"""Measures of the shape of a weight matrix: how near it is to rooks, and to orthogonal rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment

from flux._base.checks import check_weights
from flux._base.memory import check_memory


def rookness(W: ArrayLike) -> float:
    """Return how near W is to N-rooks: the squared cosine to the nearest signed permutation.

    It is max_S (sum_ij W_ij S_ij)**2 / (n sum_ij W_ij**2) over all matrices S with one entry +-1 in
    each row and column, equation :eq:`eq-evo-rookness` of the book: 1 for N-rooks of any strength,
    1 / k for a weighing matrix W(n, k), and 1 / n for a full matrix of entries of equal magnitude.

    Parameters
    ----------
    W : (n, n) array
        Weights. Their scale, signs, and the order of rows and columns make no difference.

    Returns
    -------
    float
        From 0 (for W = 0 only) to 1 (for N-rooks only).

    Raises
    ------
    ValueError
        If W is no finite square matrix.
    TooLargeError
        If the work arrays would not fit into memory.

    Examples
    --------
    >>> rookness([[0.0, -2.0], [2.0, 0.0]])
    1.0
    >>> rookness([[1.0, 1.0], [1.0, 1.0]])
    0.5
    """
    weights = check_weights(W)
    n = len(weights)
    check_memory(16.0 * n * n, f"the assignment of n = {n} neurons", "measure parts")
    top = np.abs(weights).max()
    if top == 0:
        return 0.0
    size = np.abs(weights) / top
    chosen = size[linear_sum_assignment(size, maximize=True)]
    return float(chosen.sum() ** 2 / (n * np.square(size).sum()))


def row_overlap(W: ArrayLike) -> float:
    """Return the root-mean-square cosine of the angle between two different rows of W.

    Equation :eq:`eq-bey-overlap` of the book.

    Parameters
    ----------
    W : (n, n) array
        Weights. The scale and the order of rows and the signs make no difference.

    Returns
    -------
    float
        From 0 (orthogonal rows) to 1 (parallel rows). A row of zeros has cosine 0 with every
        other, and a single row overlaps with none.

    Raises
    ------
    ValueError
        If W is no finite square matrix.
    TooLargeError
        If the work arrays would not fit into memory.

    Examples
    --------
    >>> row_overlap([[1.0, 1.0], [1.0, -1.0]]), row_overlap([[1.0, 1.0], [2.0, 2.0]])
    (0.0, 1.0)
    """
    weights = check_weights(W)
    n = len(weights)
    check_memory(32.0 * n * n, f"the row products of n = {n} neurons", "measure parts")
    if n == 1:
        return 0.0
    top = np.abs(weights).max(1, keepdims=True)
    rows = np.divide(weights, top, out=np.zeros_like(weights), where=top > 0)
    products = rows @ rows.T
    squares = products.diagonal().copy()
    np.fill_diagonal(products, 0)
    scale = np.where(squares > 0, squares, 1.0)
    total = (np.square(products) / scale / scale[:, None]).sum()
    return float(np.sqrt(total / (n * (n - 1))))
