"""Entropies of distributions, and the flux as a named result. Everything is in bits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import vectorize
from numpy.typing import ArrayLike
from scipy.special import xlog1py, xlogy

from flux._base.checks import as_array, check_floats, short
from flux._base.errors import ArgumentError
from flux._base.types import Floats


class Flux(NamedTuple):
    """Information flux of a free-running network, in bits per time step: I = H - D.

    Attributes
    ----------
    I : float
        Information flux, the mutual information of successive states.
    H : float
        Entropy H(x) of the stationary states.
    D : float
        Divergence H(y | x): the entropy that one step adds.

    Examples
    --------
    >>> from flux import exact_flux
    >>> I, H, D = exact_flux([[0.0, 2.0], [2.0, 0.0]])
    >>> round(H, 4), round(D, 4), round(I, 4)
    (2.0, 1.0541, 0.9459)
    """

    I: float
    H: float
    D: float


def entropy(p: ArrayLike) -> float:
    """Return the Shannon entropy H = -sum_k p_k log2 p_k, with 0 log2 0 = 0.

    Parameters
    ----------
    p : array of any shape
        Probabilities, adding up to 1 (to 1e-9; to 4e-6 in float32).

    Returns
    -------
    float
        Entropy in bits.

    Raises
    ------
    ValueError
        If `p` is no probability distribution.

    Notes
    -----
    H in equation :eq:`eq-flux-parts` of the book.

    References
    ----------
    Shannon (1948), A mathematical theory of communication.

    Examples
    --------
    >>> entropy([0.5, 0.25, 0.25])
    1.5
    """
    return float(-xlogy(q := _check_distribution("p", p), q).sum() / np.log(2.0) + 0.0)


def binary_entropy(p: ArrayLike) -> Floats:
    """Return h2(p) = -p log2 p - (1 - p) log2 (1 - p), elementwise.

    Parameters
    ----------
    p : array of any shape
        Probabilities of one of two outcomes.

    Returns
    -------
    array of the same shape
        Entropies in bits, from 0 to 1.

    Raises
    ------
    ValueError
        If a value of `p` is not from 0 to 1.

    Notes
    -----
    The h2 of equation :eq:`eq-flux-parts` of the book.

    Examples
    --------
    >>> binary_entropy([0.0, 0.5, 1.0])
    array([0., 1., 0.])
    """
    q = check_floats("p", p)
    if not np.all((q >= 0) & (q <= 1)):
        raise ArgumentError(f"p must lie from 0 to 1, but ranged from {q.min()} to {q.max()}")
    return np.asarray(-(xlogy(q, q) + xlog1py(1 - q, -q)) / np.log(2.0) + 0.0)


@vectorize(cache=True)  # type: ignore[no-untyped-call]
def field_entropy(u: float) -> float:
    """Return h2(sigma(u)) in bits, to relative precision for fields u of any size."""
    away = abs(u)
    ebb = np.exp(-away)
    return (np.log1p(ebb) + away * ebb / (1 + ebb)) / np.log(2.0)


def row_entropies(P: Floats) -> Floats:
    """Return the entropy of each row; its largest entry is 1 minus the others, however rare."""
    rest = P.copy()
    np.put_along_axis(rest, P.argmax(1)[:, None], 0.0, 1)
    away = rest.sum(1)
    return np.asarray(-(xlogy(rest, rest).sum(1) + xlog1py(1 - away, -away)) / np.log(2.0))


def mutual_information(joint: ArrayLike) -> float:
    """Return I[x; y] = sum_xy p(x, y) log2 [p(x, y) / (p(x) p(y))].

    Parameters
    ----------
    joint : (n_x, n_y) array
        Joint probabilities, adding up to 1 (to 1e-9; to 4e-6 in float32).

    Returns
    -------
    float
        Mutual information in bits.

    Raises
    ------
    ValueError
        If `joint` is not two-dimensional or no probability distribution.

    Notes
    -----
    Equation :eq:`eq-flux` of the book.

    Examples
    --------
    >>> mutual_information([[0.5, 0.0], [0.0, 0.5]])
    1.0
    """
    p = _check_distribution("joint", joint)
    if p.ndim != 2:
        raise ArgumentError(f"joint must have two dimensions, but had shape {p.shape}")
    seen = p > 0
    # not p / (p(x) p(y)): a product of small probabilities may vanish
    given = (p / np.where(p.any(1), p.sum(1), 1.0)[:, None])[seen]
    alone = np.broadcast_to(p.sum(0), p.shape)[seen]
    return float((p[seen] * (np.log2(given) - np.log2(alone))).sum())


def _check_distribution(name: str, value: ArrayLike) -> Floats:
    given = as_array(name, value)
    p = check_floats(name, given)
    if p.size == 0 or not np.all(np.isfinite(p)) or p.min() < 0:
        raise ArgumentError(
            f"{name} must hold probabilities, all at least 0, but was {short(value)}"
        )
    # what was added up to 1 in a shorter type does so to some units of its last place
    rounding = 32 * float(np.finfo(given.dtype).eps) if given.dtype.kind == "f" else 0.0
    if abs(p.sum() - 1.0) > max(1e-9, rounding):
        raise ArgumentError(f"{name} must add up to 1, but added up to {float(p.sum())!r}")
    return p
