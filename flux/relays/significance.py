"""Where noise ends: p-values and intervals of relay scores, greedy orders and drift."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flux._base.checks import check_choice, check_count, check_resamples, check_rng
from flux._base.errors import ArgumentError
from flux._base.progress import progress_bar
from flux._base.types import Codes, Floats
from flux.relays._checked_samples import Samples, check_samples
from flux.relays._information_given import TIE
from flux.relays._sample_groups import information_along
from flux.relays.drift import check_profiles, correlate
from flux.relays.node_scores import KINDS, Kind, score_nodes
from flux.relays.relay_information import RelayOrder, find_order


class ScoreSignificance(NamedTuple):
    """Relay scores, with what noise would make of them.

    Attributes
    ----------
    scores : (nodes,) float64
        Scores in bits, as `relay_scores` returns them.
    p_value : (nodes,) float64
        Chance that the best of as many noise nodes would score as high.
    noise : float
        Score in bits that the best of as many noise nodes exceeds with a chance of 1 - level.
    lower, upper : (nodes,) float64
        Interval of each score in bits, from resampled samples.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> bit, Y = rng.integers(0, 2, 400), rng.integers(0, 2, (400, 3))
    >>> Y[:, 1] = bit
    >>> found = score_significance(bit, bit, Y, rng=rng, resamples=99)
    >>> found.p_value <= 0.05
    array([False,  True, False])
    """

    scores: Floats
    p_value: Floats
    noise: float
    lower: Floats
    upper: Floats


class OrderSignificance(NamedTuple):
    """A greedy order, and from which node on it is more than noise.

    Attributes
    ----------
    found : RelayOrder
        As `relay_order` returns it.
    p_value : (nodes,) float64
        Of the k-th node of the order: the chance of a fall as significant, by then, if all
        nodes up to and with it were noise. Never rises along the order.
    noise : (1 + nodes,) float64
        Bits of I(in;out|Y0), beside found.curve + found.leak, below which it falls with a chance
        of 1 - level at each step by itself if Y0 is noise.
    relays : (n_relays,) int64
        Nodes of the order from the first whose p-value is at most 1 - level; none if no node's is.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> bit, Y = rng.integers(0, 2, 400), rng.integers(0, 2, (400, 3))
    >>> Y[:, 1] = bit
    >>> order_significance(bit, bit, Y, rng=rng, resamples=99).relays
    array([1])
    """

    found: RelayOrder
    p_value: Floats
    noise: Floats
    relays: Codes


class DriftSignificance(NamedTuple):
    """Likeness of profiles over time, with what unrelated nodes would make of it.

    Attributes
    ----------
    correlation : (steps - lag,) float64
        As `drift` returns it; nan where a profile is flat.
    p_value : (steps - lag,) float64
        Chance that the most alike of as many pairs of unrelated profiles would be as alike.
    noise : float
        Correlation that the most alike of them exceeds with a chance of 1 - level.
    mean : float
        Mean correlation over the steps where there is one.
    mean_p_value : float
        Chance of a mean as high if nodes were unrelated.

    Examples
    --------
    >>> kept = np.tile(np.random.default_rng(1).random(30), (4, 1))
    >>> found = drift_significance(kept, rng=np.random.default_rng(1), resamples=99)
    >>> round(found.mean, 9), found.mean_p_value
    (1.0, 0.01)
    """

    correlation: Floats
    p_value: Floats
    noise: float
    mean: float
    mean_p_value: float


def score_significance(
    xin: ArrayLike,
    xout: ArrayLike,
    Y: ArrayLike,
    *,
    rng: np.random.Generator,
    kind: Kind = "single",
    orders: int = 20,
    level: float = 0.95,
    resamples: int = 199,
    progress: bool = True,
) -> ScoreSignificance:
    """Test which nodes score higher than noise, of all nodes at once.

    The rows of Y are shuffled against inputs and outputs, which makes noise of all nodes and
    leaves each node, and all of them together, the states that they had. With r the number of
    shuffles whose **largest** score is at least that of node j ::

        p_j = (r + 1) / (resamples + 1),

    so that with a chance of `level` no noise node among all has p_j <= 1 - level. For ``single``
    that holds whatever the other nodes are, since no other node enters its score; for the
    others it is exact where all are noise.

    The interval of each score comes from samples drawn with replacement: with q_a the a-quantile
    of the scores of such draws, from 2 s_j - q_{(1 + level) / 2} to 2 s_j - q_{(1 - level) / 2},
    which takes off the bias that a second counting adds. It holds one node at a time.

    Parameters
    ----------
    xin, xout : (samples,) int, bool or str
        Labels of inputs and outputs.
    Y : (samples, nodes) int
        State of each hidden node, at most 256 different values a node.
    rng : numpy.random.Generator
        Draws shuffles, samples and orders.
    kind : "single", "aggregated" or "shapley"
        Which score. ``aggregated`` seldom tells relays from noise.
    orders : int
        Number of orders of ``shapley``, in each shuffle too.
    level : float
        Confidence level, between 0 and 1.
    resamples : int
        Number of shuffles, and of draws; enough for a p-value of 1 - level.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    ScoreSignificance
        (scores, p_value, noise, lower, upper).

    Raises
    ------
    ValueError
        If an argument is of wrong shape, type or value.
    TooLargeError
        If the tables would not fit into memory.

    Notes
    -----
    Equation :eq:`eq-rel-largest` of the book. Samples must be independent: take one row a trial.

    References
    ----------
    Westfall & Young (1993), Resampling-based multiple testing; Efron & Tibshirani (1993), An
    introduction to the bootstrap, for the interval.

    Examples
    --------
    A bit that node 0 has, and node 1 has nine times in ten:

    >>> rng = np.random.default_rng(1)
    >>> bit = rng.integers(0, 2, 500)
    >>> Y = np.stack([bit, bit ^ (rng.random(500) < 0.1), rng.integers(0, 2, 500)], 1)
    >>> found = score_significance(bit, bit, Y, rng=rng)
    >>> found.p_value[:2], bool(found.p_value[2] > 0.05)
    (array([0.005, 0.005]), True)
    >>> bool(found.lower[1] < 1 - 0.469 < found.upper[1])
    True
    """
    check_choice("kind", kind, KINDS)
    orders = check_count("orders", orders, 1)
    level, resamples = check_resamples(level, resamples)
    check_rng(rng)
    samples = check_samples(xin, xout, Y)
    n, n_samples = samples.Y.shape
    scores = score_nodes(samples, kind, rng, orders, False)
    shuffled, drawn = np.empty((2, resamples, n))
    with progress_bar("significance", resamples, unit="resample", show=progress) as bar:
        for r in range(resamples):
            other = _with_pairs(samples, rng.permutation(n_samples))
            shuffled[r] = score_nodes(other, kind, rng, orders, False)
            drawn[r] = score_nodes(
                _with_rows(samples, rng.integers(n_samples, size=(n_samples,))),
                kind,
                rng,
                orders,
                False,
            )
            bar.update()
    largest = shuffled.max(1)
    high, low = np.quantile(drawn, [(1 + level) / 2, (1 - level) / 2], axis=0)
    return ScoreSignificance(
        scores,
        _p_values(largest, scores),
        float(np.quantile(largest, level)),
        2 * scores - high,
        2 * scores - low,
    )


def order_significance(
    xin: ArrayLike,
    xout: ArrayLike,
    Y: ArrayLike,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 199,
    progress: bool = True,
) -> OrderSignificance:
    """Find from which node on a greedy order is more than noise.

    As long as the nodes taken away are noise, I(in;out|Y0) stays as it is, but for what few
    samples do to it. The rows of Y are shuffled against inputs and outputs and I(in;out|Y0)
    counted along the same order. With m_k and s_k its mean and standard deviation over
    shuffles after k removals, and z_k = (m_k - I(in;out|Y0)) / s_k ::

        p_k = (r_k + 1) / (resamples + 1),   r_k: shuffles in which max_j z_j >= z_k.

    A fall at step k says that the nodes taken away so far are not all noise: the k-th, or one
    before it that only showed together with it. Since the greedy search takes away what costs
    least, noise goes first, and its choice among noise nodes makes the test careful.

    Parameters
    ----------
    xin, xout : (samples,) int, bool or str
        Labels of inputs and outputs.
    Y : (samples, nodes) int
        State of each hidden node, at most 256 different values a node.
    rng : numpy.random.Generator
        Chooses among nodes that tie, and draws the shuffles.
    level : float
        Confidence level, between 0 and 1.
    resamples : int
        Number of shuffles; enough for a p-value of 1 - level.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    OrderSignificance
        (found, p_value, noise, relays).

    Raises
    ------
    ValueError
        If an argument is of wrong shape, type or value.
    TooLargeError
        If the tables would not fit into memory.

    Notes
    -----
    Equation :eq:`eq-rel-fall` of the book. It needs no warning of too few samples: where there
    are, noise falls as well, and nothing is significant. Nodes that carry a bit only together
    go unseen but for the last of them, and of twins that carry the same both are found.

    References
    ----------
    Westfall & Young (1993), Resampling-based multiple testing.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> bit, Y = rng.integers(0, 2, 1000), rng.integers(0, 2, (1000, 7))
    >>> Y[:, 2] = Y[:, 4] = bit
    >>> sorted(order_significance(bit, bit, Y, rng=rng).relays.tolist())
    [2, 4]
    """
    level, resamples = check_resamples(level, resamples)
    check_rng(rng)
    samples = check_samples(xin, xout, Y)
    n_samples = samples.Y.shape[1]
    found = find_order(samples, rng, False)
    given = found.curve + found.leak
    shuffled = np.empty((resamples, len(given)))
    with progress_bar("significance", resamples, unit="resample", show=progress) as bar:
        for r in range(resamples):
            other = _with_pairs(samples, rng.permutation(n_samples))
            bits = information_along(0, 1, found.order[None], other.Y, other.n_values, other.pairs)
            shuffled[r] = bits[0] / n_samples
            bar.update()
    spread = shuffled.std(0, ddof=1)
    # where shuffles agree to rounding, so must the order
    spread[spread <= TIE] = np.inf
    fall = ((shuffled.mean(0) - np.vstack([given, shuffled])) / spread)[:, 1:]
    p = np.minimum.accumulate(_p_values(fall[1:].max(1), fall[0]))
    noise = np.quantile(shuffled, 1 - level, axis=0)
    return OrderSignificance(found, p, noise, found.order[p <= 1 - level + TIE])


def drift_significance(
    scores: ArrayLike,
    lag: int = 1,
    again: ArrayLike | None = None,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 199,
) -> DriftSignificance:
    """Test whether profiles of scores are more alike after `lag` steps than by chance.

    The later profiles are given to other nodes, by one permutation of the nodes for all steps.
    P-values of single steps compare with the most alike pair of each permutation, as in
    `score_significance`; that of the mean with the means.

    Parameters
    ----------
    scores : (steps, nodes) float
        Scores of each node at each step.
    lag : int
        Number of steps between two profiles, from 1 to steps - 1.
    again : (steps, nodes) float, optional
        Scores of the same network from other samples, as for `drift`. Without them, noise that
        the steps share counts as likeness.
    rng : numpy.random.Generator
        Draws the permutations.
    level : float
        Confidence level, between 0 and 1.
    resamples : int
        Number of permutations; enough for a p-value of 1 - level.

    Returns
    -------
    DriftSignificance
        (correlation, p_value, noise, mean, mean_p_value).

    Raises
    ------
    ValueError
        If an argument is of wrong shape or value, or all profiles are flat.

    Notes
    -----
    Equation :eq:`eq-rel-largest` of the book, with nodes shuffled in place of samples.

    Examples
    --------
    >>> noise = np.random.default_rng(1).random((5, 20))
    >>> found = drift_significance(noise, rng=np.random.default_rng(1))
    >>> bool(found.p_value.min() > 0.05), bool(found.mean_p_value > 0.05)
    (True, True)
    """
    level, resamples = check_resamples(level, resamples)
    check_rng(rng)
    profiles, other, lag = check_profiles(scores, lag, again)
    now, later = profiles[:-lag], other[lag:]
    found = correlate(now, later)
    if np.isnan(found).all():
        raise ArgumentError("scores must differ between nodes, but each profile was flat")
    orders = (rng.permutation(now.shape[1]) for _ in range(resamples))
    shuffled = np.array([correlate(now, later[:, order]) for order in orders])
    largest, mean = np.nanmax(shuffled, 1), float(np.nanmean(found))
    p = _p_values(largest, np.nan_to_num(found, nan=-np.inf))
    p_mean = _p_values(np.nanmean(shuffled, 1), np.array([mean]))
    return DriftSignificance(found, p, float(np.quantile(largest, level)), mean, float(p_mean[0]))


def _p_values(noise: Floats, found: Floats) -> Floats:
    """Return for each value the share of noise, and of itself, that is as high."""
    as_high = (noise[:, None] >= found - TIE).sum(0)
    return np.asarray((as_high + 1) / (len(noise) + 1))


def _with_pairs(samples: Samples, order: Codes) -> Samples:
    """Return samples whose inputs and outputs come in another order."""
    pairs = samples.pairs
    return samples._replace(pairs=pairs._replace(pair=pairs.pair[order]))


def _with_rows(samples: Samples, rows: NDArray[np.int64]) -> Samples:
    """Return some of the samples, some of them several times."""
    drawn = _with_pairs(samples, rows)
    return drawn._replace(Y=np.ascontiguousarray(samples.Y[:, rows]))
