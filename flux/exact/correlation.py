"""Exact correlations between the next spins and the present ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from flux._base.memory import check_memory
from flux._base.types import Floats, Weights
from flux.exact._delay_lines import line_correlation
from flux.exact.law import Law, PartLaw, read, solve_parts
from flux.model.states import all_states


def exact_correlation(
    W: Weights | Law, b: ArrayLike | None = None, *, progress: bool = True
) -> Floats:
    """Return the Pearson correlation of each neuron's next spin with each present one.

    C[i, j] correlates x_i(t+1) with x_j(t) under the stationary law, the direction of W. A
    neuron that never changes has correlation 0.

    Parameters
    ----------
    W : (n, n) array, scipy.sparse array or Law
        Weights, W[i, j] from neuron j to neuron i; or a network that is solved already.
    b : (n,) array, optional
        Biases; zero by default.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    (n, n) float64
        Correlations from -1 to 1.

    Raises
    ------
    ValueError
        If W or b are not finite or do not fit together.
    TooLargeError
        If the computation would not fit into memory.
    ConvergenceError
        If a part is too large for elimination and mixes too slowly for iteration.

    Notes
    -----
    Equation :eq:`eq-proxy-correlation` of the book.

    References
    ----------
    Metzner et al. (2024), Neural Computation 36(3), 351-384.

    Examples
    --------
    >>> exact_correlation([[0.0, 2.0], [2.0, 0.0]]).round(4)
    array([[0.    , 0.7616],
           [0.7616, 0.    ]])
    """
    given = read(W, b)
    n = given.n
    check_memory(8.0 * n * n, f"the correlation matrix of n = {n} neurons", "take its parts")
    law = solve_parts(given, progress=progress)
    C = np.zeros((n, n))
    C[law.network.line_entries] = line_correlation(law.network.lines)
    for solved in law.parts:
        C[np.ix_(solved.part.neurons, solved.part.neurons)] = _part_correlation(solved)
    return C


def _part_correlation(solved: PartLaw) -> Floats:
    chain, pi = solved.chain, solved.pi
    x = all_states(chain.on.shape[1])[: len(pi)]
    weighted = pi[:, None]
    if chain.folded:  # all means are 0 and all variances 1
        return (weighted * (chain.on - chain.off)).T @ x
    up = (x > 0).astype(float)
    on, off = (weighted * chain.on).T, (weighted * chain.off).T
    # the covariance as a determinant of sums of positive numbers cancels less than E[yx] - E[y]E[x]
    covariance = (on @ up) * (off @ (1 - up)) - (on @ (1 - up)) * (off @ up)
    spread = np.sqrt(pi @ up) * np.sqrt(pi @ (1 - up))
    scale = spread[:, None] * spread
    return np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0)
