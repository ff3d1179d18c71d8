"""How sure is a flux from samples: a block bootstrap, and a test against zero flux."""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import fft

from flux.counts import (
    PairCounts,
    check_lag,
    check_recording,
    count_pairs,
    multiplicities,
    relabel,
    state_codes,
)
from flux.entropies import (
    FLUX_METHODS,
    check_method,
    entropy_bits,
    flux_from_counts,
    warn_if_few,
)
from flux.states import Codes, Floats, check_count, check_real, check_rng

# neurons whose autocorrelation is looked at, evenly spread over all
_NEURONS_LOOKED_AT = 32


class SampleInterval(NamedTuple):
    """Confidence interval of a flux from samples, in bits, and a test against zero flux.

    Attributes
    ----------
    lower, upper : float
        The interval.
    estimate : float
        The flux by the chosen method.
    p_value : float
        Chance of a flux as high as the one seen if there were none.
    block : int
        Steps in a resampled block.

    Examples
    --------
    >>> x = np.tile([[1, -1], [-1, 1]], (50, 1))
    >>> found = sample_flux_interval(x, rng=np.random.default_rng(1), block=5)
    >>> found.lower < found.estimate < found.upper, found.block
    (True, 5)
    """

    lower: float
    upper: float
    estimate: float
    p_value: float
    block: int


def sample_flux_interval(
    x: ArrayLike,
    *,
    rng: np.random.Generator,
    method: str = "nsb",
    lag: int = 1,
    level: float = 0.95,
    resamples: int = 200,
    block: int | None = None,
) -> SampleInterval:
    """Give a confidence interval for the flux, and test it against zero flux.

    *Interval.* Blocks of successive pairs (x_t, x_{t+lag}) are drawn with replacement and laid
    end to end (the circular block bootstrap [1]_), `resamples` times; s is the standard
    deviation of their estimates, and z the normal quantile of `level`. What bias the method
    leaves shows in how the estimate falls as the recording grows: with d the mean estimate
    from its two halves less the estimate from all of it ::

        lower = estimate - z s - 2 max(d, 0),   upper = estimate + z s + 2 max(-d, 0).

    (A bias that shrinks as T^-0.6 is 2 d. The bootstrap's own shift cannot serve: a resample
    has fewer distinct pairs than the recording, so it is biased anew, and its percentiles miss
    the flux nearly always.)

    *Test.* The successors are cut into blocks of random (geometric) length that are laid out in
    random order, `resamples` times. That keeps the states and their autocorrelation within
    blocks, and undoes what ties successors to states. With k shuffled plug-in fluxes at least as
    high as the measured one, the p-value is (k + 1) / (resamples + 1).

    *Block length.* If not given, the rule of Politis & White [2]_: with R the autocovariance of
    a series of N values, M twice the lag from which on its correlation stays below
    2 sqrt(log10(N) / N), and w the flat-top window ::

        block = (1.5 G^2 N / g^2)^(1/3),  G = sum_k w(k/M) |k| R(k),  g = sum_k w(k/M) R(k),

    at most 3 sqrt(N): the largest over the series of the local flux
    log2 [p(x, y) / (p(x) p(y))] and those of up to 32 neurons.

    Parameters
    ----------
    x : (steps, n) or (chains, steps, n) array of -1 and +1
        Recorded states, at least 8 pairs of them in each chain.
    rng : numpy.random.Generator
        Source of randomness.
    method : str
        As for `sample_flux`.
    lag : int
        Number of steps from a state to its successor.
    level : float
        Confidence level, between 0 and 1.
    resamples : int
        Number of bootstrap samples, and of permutations; at least 20.
    block : int, optional
        Length of the blocks in steps.

    Returns
    -------
    SampleInterval
        (lower, upper, estimate, p_value, block); lower may be negative.

    Warns
    -----
    UserWarning
        If the samples are too few for the pairs seen: the interval is then too high.

    Raises
    ------
    ValueError
        If an argument is of wrong shape or value.

    References
    ----------
    .. [1] Politis & Romano (1992), A circular block-resampling procedure for stationary data.
    .. [2] Politis & White (2004), Econometric Reviews 23, 53-70, with the correction of
       Patton, Politis & White (2009), 28, 372-375.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> coins = 2 * rng.integers(0, 2, (500, 2)) - 1
    >>> result = sample_flux_interval(coins, rng=rng)
    >>> result.lower < 0 < result.upper, result.p_value > 0.05
    (True, True)
    """
    check_rng(rng)
    spins = check_recording(x)
    lag = check_lag(spins, lag)
    check_method(method, FLUX_METHODS)
    level = check_real("level", level, 1e-6, 1 - 1e-6)
    resamples = check_count("resamples", resamples, 20)
    pairs = spins.shape[1] - lag
    if pairs < 8:
        raise ValueError(
            f"x must have at least {lag + 8} steps at lag {lag}, but had {pairs + lag}"
        )
    if block is not None:
        block = check_count("block", block, 1, pairs)

    n = spins.shape[-1]
    codes, n_states = relabel(state_codes(spins)[0])
    x_codes, y_codes = codes[:, :-lag], codes[:, lag:]
    seen, labels = np.unique(x_codes * n_states + y_codes, return_inverse=True)
    pair_x, pair_y = np.divmod(seen, n_states)

    def count(sample: Codes) -> PairCounts:
        xy = np.bincount(sample.reshape(-1), minlength=seen.size)
        x_counts, y_counts = (
            np.bincount(part, xy, n_states).astype(np.int64) for part in (pair_x, pair_y)
        )
        return PairCounts(x_counts, y_counts, xy)

    def flux_of(sample: Codes) -> float:
        x_seen, y_seen, xy_seen = (multiplicities(part) for part in count(sample))
        return flux_from_counts(x_seen, y_seen, xy_seen, method, n).I

    labels = labels.reshape(-1, pairs)
    counts = count(labels)
    warn_if_few(multiplicities(counts.xy), method, "pairs of states")
    if block is None:
        local = np.log2(counts.xy * (labels.size / (counts.x[pair_x] * counts.y[pair_y])))
        looked_at = np.linspace(0, n - 1, min(n, _NEURONS_LOOKED_AT)).astype(int)
        series = [local[labels], *(spins[:, :pairs, i] for i in looked_at)]
        block = max(_block_length(values.astype(np.float64)) for values in series)

    estimate = flux_of(labels)
    resampled = [flux_of(_draw_blocks(labels, block, rng)) for _ in range(resamples)]
    error = NormalDist().inv_cdf((1 + level) / 2) * float(np.std(resampled, ddof=1))
    halves = np.array_split(labels, 2, axis=1)
    fall = sum(flux_of(half) for half in halves) / 2 - estimate

    x_flat, y_flat = x_codes.reshape(-1), y_codes.reshape(-1)
    measured = entropy_bits(multiplicities(counts.xy), "plugin", 2 * n)
    # shuffling leaves H(x) and H(y) as they are, so less joint entropy is more flux
    as_high = 0
    for _ in range(resamples):
        shuffled = count_pairs(x_flat, _shuffle_blocks(y_flat, block, rng), n_states).xy
        bits = entropy_bits(multiplicities(shuffled), "plugin", 2 * n)
        as_high += bits <= measured + 1e-12
    return SampleInterval(
        lower=estimate - error - 2 * max(fall, 0.0),
        upper=estimate + error + 2 * max(-fall, 0.0),
        estimate=estimate,
        p_value=(as_high + 1) / (resamples + 1),
        block=block,
    )


def _draw_blocks(labels: Codes, block: int, rng: np.random.Generator) -> Codes:
    """Return as many labels as there are, in blocks that wrap around the end of their chain."""
    chains, pairs = labels.shape
    n_blocks = -(-labels.size // block)
    chain = rng.integers(0, chains, n_blocks)
    start = rng.integers(0, pairs, n_blocks)
    step = (start[:, None] + np.arange(block)) % pairs
    return labels[chain[:, None], step].reshape(-1)[: labels.size]


def _shuffle_blocks(y: Codes, block: int, rng: np.random.Generator) -> Codes:
    """Return y cut into blocks of random length, `block` in the mean, in random order.

    Blocks of one length, if it is a multiple of the period of a cycle, would stay in step.
    """
    cuts = np.flatnonzero(rng.random(y.size - 1) < 1 / block) + 1
    edges = np.concatenate([[0], cuts, [y.size]])
    order = rng.permutation(edges.size - 1)
    lengths = np.diff(edges)[order]
    ends = np.cumsum(lengths)
    # a run of consecutive places for each block, all blocks at once
    place = np.repeat(edges[order] - (ends - lengths), lengths) + np.arange(y.size)
    return y[place]


def _block_length(series: Floats) -> int:
    """Return the block length of Politis & White for a series (chains, steps)."""
    steps = series.shape[1]
    away = series - series.mean()
    total, longest = series.size, min(steps, int(np.ceil(3 * np.sqrt(series.size))))
    size = fft.next_fast_len(2 * steps, real=True)
    power = sum(np.abs(fft.rfft(chain, size)) ** 2 for chain in away)
    R = fft.irfft(power, size)[:steps] / total
    if R[0] <= 1e-12:
        return 1
    # the correlation has died out at lag m if it stays small for `wait` more lags
    wait = max(5, int(np.ceil(np.sqrt(np.log10(total)))))
    last = min(steps - 1, int(np.ceil(np.sqrt(total))) + wait)
    large = np.abs(R[1 : last + 1]) > 2 * np.sqrt(np.log10(total) / total) * R[0]
    lags = np.concatenate([[0], np.flatnonzero(large) + 1, [last + wait + 1]])
    m = max(1, int(lags[np.argmax(np.diff(lags) > wait)]))
    M = min(2 * m, steps - 1)
    k = np.arange(-M, M + 1)
    window = np.clip(2 * (1 - np.abs(k) / M), 0.0, 1.0)
    G = float((window * np.abs(k)) @ R[np.abs(k)])
    g = float(window @ R[np.abs(k)])
    # where the sum turns out negative the rule has no answer: be careful
    if g <= 0:
        return longest
    return max(1, min(longest, int(np.ceil((1.5 * G * G * total / g**2) ** (1 / 3)))))
