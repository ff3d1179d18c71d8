"""How relay scores change: over time, and from concept to concept."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import check_count, check_floats
from flux._base.errors import ArgumentError
from flux._base.types import Floats


class Drift(NamedTuple):
    """How alike the profiles of scores are at steps t and t + lag, for each t.

    Attributes
    ----------
    correlation : (steps - lag,) float64
        Pearson correlation over nodes; nan where a profile is flat.
    jaccard : (steps - lag,) float64
        Sum of minima over sum of maxima of the positive scores; nan where none is positive.
    ceiling_correlation, ceiling_jaccard : (steps - lag,) float64
        The same between two sets of samples at step t: as much as sampling noise leaves of
        profiles that do not move.

    Examples
    --------
    >>> alike = drift([[1, 0], [1, 1], [0, 1]])
    >>> alike.correlation, alike.jaccard
    (array([nan, nan]), array([0.5, 0.5]))
    """

    correlation: Floats
    jaccard: Floats
    ceiling_correlation: Floats
    ceiling_jaccard: Floats


def drift(scores: ArrayLike, lag: int = 1, again: ArrayLike | None = None) -> Drift:
    """Compare profiles of scores with those `lag` steps later.

    Correlation ignores how much is relayed in all, weighted Jaccard does not::

        jaccard = sum_j min(s_j, s'_j) / sum_j max(s_j, s'_j),

    over positive scores, since what loses information relays none.

    Parameters
    ----------
    scores : (steps, nodes) float
        Scores of each node at each step.
    lag : int
        Number of steps between two profiles, from 1 to steps - 1.
    again : (steps, nodes) float, optional
        Scores of the same network from other samples. Then profiles at t + lag are taken from
        them, and the ceilings compare both at t; otherwise both come from the same samples,
        which share their noise, and the ceilings are 1.

    Returns
    -------
    Drift
        (correlation, jaccard, ceiling_correlation, ceiling_jaccard), each (steps - lag,).

    Raises
    ------
    ValueError
        If an argument is of wrong shape or value.

    Notes
    -----
    Where hidden states rotate, equation :eq:`eq-trn-drift` of the book says what to expect.

    Examples
    --------
    >>> drift([[1, 0], [1, 0], [0, 1]]).correlation
    array([ 1., -1.])
    """
    profiles, other, lag = check_profiles(scores, lag, again)
    now, later, same = profiles[:-lag], other[lag:], other[:-lag]
    return Drift(
        correlate(now, later), _jaccard(now, later), correlate(now, same), _jaccard(now, same)
    )


def smearedness(scores: ArrayLike) -> Floats:
    """Return for each node the sum of its scores over all concepts but the largest.

    Parameters
    ----------
    scores : (concepts, ..., nodes) float
        Scores of each node for each concept.

    Returns
    -------
    (..., nodes) float64
        0 for a node that serves one concept.

    Raises
    ------
    ValueError
        If `scores` are not finite numbers, or have fewer than two axes.

    References
    ----------
    Hintze & Adami (2023), Entropy 25(3), 401.

    Examples
    --------
    >>> smearedness([[1.0, 0.5], [0.0, 0.25]])
    array([0.  , 0.25])
    """
    values = _check_scores("scores", scores, None)
    return np.asarray(values.sum(0) - values.max(0))


def check_profiles(
    scores: ArrayLike, lag: int, again: ArrayLike | None
) -> tuple[Floats, Floats, int]:
    """Return scores, those of the other samples or the same, and the lag, or raise."""
    profiles = _check_scores("scores", scores, 2)
    lag = check_count("lag", lag, 1, len(profiles) - 1)
    other = profiles if again is None else _check_scores("again", again, 2)
    if other.shape != profiles.shape:
        raise ArgumentError(
            f"again must have shape {profiles.shape} like scores, but had {other.shape}"
        )
    return profiles, other, lag


def correlate(a: Floats, b: Floats) -> Floats:
    """Return the Pearson correlations of rows, nan where one of both is flat."""
    a, b = (x - x.mean(1, keepdims=True) for x in (a, b))
    spread = np.sqrt((a * a).sum(1) * (b * b).sum(1))
    return np.divide((a * b).sum(1), spread, where=spread > 0, out=np.full(len(a), np.nan))


def _check_scores(name: str, value: ArrayLike, dimensions: int | None) -> Floats:
    scores = check_floats(name, value)
    if scores.ndim < 2 or 0 in scores.shape or (dimensions and scores.ndim != dimensions):
        wanted = "(steps, nodes)" if dimensions else "(concepts, ..., nodes)"
        raise ArgumentError(f"{name} must have shape {wanted}, none 0, but had {scores.shape}")
    if not np.isfinite(scores).all():
        raise ArgumentError(f"{name} must be finite, but held other values")
    return scores


def _jaccard(a: Floats, b: Floats) -> Floats:
    a, b = np.maximum(a, 0.0), np.maximum(b, 0.0)
    most = np.maximum(a, b).sum(1)
    return np.divide(np.minimum(a, b).sum(1), most, where=most > 0, out=np.full(len(a), np.nan))
