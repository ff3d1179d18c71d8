"""How sure is a flux from samples: an interval that widens where counts cannot tell, and a test."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft
from scipy.special import expit
from scipy.stats import t as student

from flux._base.checks import check_choice, check_count, check_real, check_rng
from flux._base.errors import ArgumentError
from flux._base.progress import progress_bar
from flux._base.types import Codes, Floats, Spins
from flux._base.warn import warn
from flux.model.information import binary_entropy
from flux.recordings.adequacy import coverage, samples_for_pairs
from flux.recordings.counting import (
    Counts,
    Multiplicities,
    check_lag,
    check_recording,
    count_pairs,
    multiplicities,
    relabel,
    state_codes,
)
from flux.recordings.entropies import (
    FLUX_METHODS,
    FluxMethod,
    entropy_bits,
    flux_from_counts,
    n_samples,
)

# neurons whose autocorrelation is looked at, evenly spread over all
_NEURONS_LOOKED_AT = 32
# share of pairs already seen from which on the bias after shuffling bounds that of any method
_COVERED = 0.8
# shuffled recordings from which the bias is taken
_BIASES = 20
# bits that states not yet seen may add before the user is told
_HIDDEN = 0.1


class SampleInterval(NamedTuple):
    """Confidence interval of a flux from samples, in bits, and a test against zero flux.

    Attributes
    ----------
    lower, upper : float
        The interval: 0 <= lower <= estimate <= upper <= n.
    estimate : float
        The flux by the chosen method, less half of the bias that it may have.
    p_value : float
        Chance of a flux as high as the one seen if there were none; where it is above
        1 - level, lower is 0.
    block : int
        Steps in a block.
    resolvable : float
        The largest flux that these samples could tell apart: what lower would be if each
        state foretold its successor.

    Examples
    --------
    >>> from flux import exact_flux, simulate
    >>> rng, W = np.random.default_rng(1), [[0.0, 2.0], [2.0, 0.0]]
    >>> found = sample_flux_interval(simulate(W, 5000, rng=rng), rng=rng)
    >>> found.lower < exact_flux(W).I < found.upper, round(found.p_value, 3)
    (True, 0.005)
    """

    lower: float
    upper: float
    estimate: float
    p_value: float
    block: int
    resolvable: float


def sample_flux_interval(
    x: ArrayLike,
    *,
    rng: np.random.Generator,
    method: FluxMethod = "nsb",
    lag: int = 1,
    level: float = 0.95,
    resamples: int = 200,
    block: int | None = None,
    progress: bool = True,
) -> SampleInterval:
    """Give a confidence interval for the flux, and test it against zero flux.

    The recording is taken to be stationary. What counting adds is seen by shuffling the
    successors, which leaves no flux: B, the mean flux by `method` then, is what equation
    :eq:`eq-est-bias` of the book approximates. Flux makes pairs less diverse, so the bias at
    hand lies between 0 and B. If it were 1/T, it would also be d, the mean flux from the two
    halves of the recording less that from all of it. ::

        lower = I - max(B, 2 d, 0) - e,   upper = I + max(-B, -2 d, 0) + e + h,
        estimate = I - B / 2,   moved to the nearer end if outside; all between 0 and n.

    *Few samples.* This holds where a new pair of states has been seen before with a chance
    (the coverage, 1 - [pairs seen once] / T) of 0.8 or more, and for all methods but ``shuffle``.
    Elsewhere lower is the ``shuffle`` flux less e, upper the ``plugin`` flux plus e + h. Where
    the coverage is less, a warning says how many samples would do and how much flux could be told
    apart at all.

    *Error* e: blocks of successive steps give as many means of the local flux
    log2 [p(x, y) / (p(x) p(y))]; their standard error times the quantile of Student's t, and the
    standard deviation over the shuffles times the normal one, added in squares.

    *Hidden states* h: let m be the share of time in states that belong to a single stretch
    between surprises, a surprise being any successor but a state's commonest. The m that was
    new is taken for the m not yet seen; at most h2(m) + m (n - H) bits of entropy are missing,
    and at most sum_i H(x_i) - H. A neuron that changes k times up and down, where independent
    steps would have it c times, adds (1 - k/c) times what its own entropy would gain if the
    log-odds of its +1 were off by z sqrt((2 - k/c) / k). One that never changes adds 1 bit: it may
    be frozen for longer than the recording. Leave out neurons known to be silent.

    *Test* of independence of x(t) and x(t + lag): with k shuffled plug-in fluxes at least as
    high as the measured one, the p-value is (k + 1) / (resamples + 1), and lower is 0 unless
    it is at most 1 - level. The successors are cut into blocks of random (geometric) length, in
    the mean `lag` steps or `block` if that is shorter. So at lag 1 they are shuffled singly:
    without flux, the successive states of a Markov chain are independent. At longer lags
    correlation within the lag is no flux across it. Rates that drift do tie a state to its
    successor: of what kind the flux is, no test of pairs can tell.

    *Block length.* If not given, the rule of Politis & White [1]_: with R the autocovariance of
    a series of N values, M twice the lag from which on its correlation stays below
    2 sqrt(log10(N) / N), and w the flat-top window ::

        block = (1.5 G^2 N / g^2)^(1/3),  G = sum_k w(k/M) |k| R(k),  g = sum_k w(k/M) R(k),

    at most 3 sqrt(N): the largest over the series of the local flux and those of up to 32
    neurons.

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
        Number of shuffles; at least 20, and enough for a p-value of 1 - level.
    block : int, optional
        Length of the blocks in steps, of the test as well; at most half of the pairs in a chain.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    SampleInterval
        (lower, upper, estimate, p_value, block, resolvable).

    Warns
    -----
    UserWarning
        If the samples are few for the pairs seen, or hidden states may add more than 0.1 bit.

    Raises
    ------
    ValueError
        If an argument is of wrong shape or value.

    Notes
    -----
    No interval from samples can do better than this in two respects. A network may have states
    where it behaves otherwise than in all that was recorded; and no lower bound for all laws
    exceeds the logarithm of the number of samples by much [2]_.

    References
    ----------
    .. [1] Politis & White (2004), Econometric Reviews 23, 53-70, with the correction of
       Patton, Politis & White (2009), 28, 372-375.
    .. [2] McAllester & Stratos (2020), Formal limitations on the measurement of mutual
       information, AISTATS.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> coins = 2 * rng.integers(0, 2, (500, 2)) - 1
    >>> result = sample_flux_interval(coins, rng=rng)
    >>> result.lower, result.upper < 0.1, result.p_value > 0.05
    (0.0, True, True)
    """
    check_rng(rng)
    spins = check_recording(x)
    lag = check_lag(spins, lag)
    check_choice("method", method, FLUX_METHODS)
    level = check_real("level", level, 1e-6, 1 - 1e-6)
    # fewer could never reject
    resamples = check_count("resamples", resamples, max(20, math.ceil(1 / (1 - level) - 1e-6) - 1))
    pairs = spins.shape[1] - lag
    if pairs < 8:
        raise ArgumentError(
            f"x must have at least {lag + 8} steps at lag {lag}, but had {pairs + lag}"
        )
    if block is not None:
        block = check_count("block", block, 1, pairs // 2)

    n = spins.shape[-1]
    codes, n_states = relabel(state_codes(spins)[0])
    x_codes, y_codes = codes[:, :-lag].reshape(-1), codes[:, lag:].reshape(-1)
    distinct, labels, xy = np.unique(
        x_codes * n_states + y_codes, return_inverse=True, return_counts=True
    )
    pair_x, pair_y = np.divmod(distinct, n_states)
    x_counts, y_counts = (np.bincount(codes, minlength=n_states) for codes in (x_codes, y_codes))
    x_seen, y_seen, xy_seen = (multiplicities(part) for part in (x_counts, y_counts, xy))
    local = np.log2(xy * (labels.size / (x_counts[pair_x] * y_counts[pair_y])))
    local = local[labels].reshape(-1, pairs)
    looked_at = np.linspace(0, n - 1, min(n, _NEURONS_LOOKED_AT)).astype(int)
    series = [local, *(spins[:, :pairs, i].astype(np.float64) for i in looked_at)]
    if block is None:
        block = min(pairs // 2, max(_block_length(values) for values in series))
        cut = min(block, lag)
    else:
        cut = block

    def flux(seen: Multiplicities, by: str = method) -> float:
        return flux_from_counts(x_seen, y_seen, seen, by, n).I

    plugin = flux(xy_seen, "plugin")
    chance, biased = [], []
    with progress_bar("shuffle", resamples, unit="shuffle", show=progress) as bar:
        for k in range(resamples):
            mixed = count_pairs(x_codes, _shuffle_blocks(y_codes, cut, rng), n_states).xy
            seen = multiplicities(mixed)
            chance.append(flux(seen, "plugin"))
            if k < _BIASES:
                biased.append(flux(seen))
            bar.update()
    p_value = (int(np.sum(np.array(chance) >= plugin - 1e-12)) + 1) / (resamples + 1)

    labels = labels.reshape(-1, pairs)
    falls = []
    for half in np.array_split(labels, 2, axis=1):
        times = np.bincount(half.reshape(-1), minlength=distinct.size)
        x_half, y_half, xy_half = (
            multiplicities(np.bincount(pair, times, n_states).astype(np.int64))
            for pair in (pair_x, pair_y, np.arange(distinct.size))
        )
        falls.append(flux_from_counts(x_half, y_half, xy_half, method, n).I - flux(xy_seen))
    bias, fall = float(np.mean(biased)), 2 * float(np.mean(falls))

    def ends(seen: Multiplicities) -> tuple[float, float, float]:
        """Return flux less and plus its bias, and how much it varies without flux."""
        # shuffling takes too much off, counting too little
        if method == "shuffle" or coverage(seen) < _COVERED:
            return flux(seen, "shuffle"), flux(seen, "plugin"), float(np.std(chance, ddof=1))
        low = min(flux(seen) - max(bias, fall, 0.0), flux(seen, "plugin"))
        high = max(flux(seen) - min(bias, fall, 0.0), flux(seen, "shuffle"))
        return low, high, float(np.std(biased, ddof=1))

    low, high, spread = ends(xy_seen)
    z = NormalDist().inv_cdf((1 + level) / 2)
    means = local[:, : pairs // block * block].reshape(-1, block).mean(1)
    quantile = float(student.ppf((1 + level) / 2, means.size - 1))
    error = math.hypot(quantile * means.std(ddof=1) / math.sqrt(means.size), z * spread)
    states = codes[:, :pairs]
    hidden = _bits_unseen(spins, states, _surprises(labels, pair_x, xy), z)
    lower = min(max(low - error, 0.0), float(n)) if p_value <= 1 - level + 1e-9 else 0.0
    upper = min(max(high + error + hidden, lower), float(n))
    least, _, spread = ends(x_seen)
    resolvable = max(least - z * spread, lower)
    _warn(
        spins, xy_seen, min(hidden, n - max(flux(xy_seen), 0.0)), resolvable, float(np.mean(chance))
    )
    estimate = min(max(flux(xy_seen) - bias / 2, lower), upper)
    return SampleInterval(lower, upper, estimate, p_value, block, resolvable)


def _warn(
    spins: Spins, seen: Multiplicities, hidden: float, resolvable: float, bias: float
) -> None:
    """Warn where the pairs of states are too many, or hidden states too weighty."""
    samples = n_samples(seen)
    if coverage(seen) < _COVERED:
        needed = max(2.0 * samples, samples_for_pairs(spins, 0.84))
        text = (
            f"the {int(seen.times.sum())} distinct pairs of states"
            f" seen: the interval is wide, since counting finds {bias:.2g} bits in shuffled"
            f" successors; these samples could tell apart no flux above {resolvable:.2g} bits;"
        )
    elif hidden > _HIDDEN:
        needed = samples * hidden / _HIDDEN
        text = (
            "a network that so seldom leaves its course: states not"
            f" yet seen may add {hidden:.2g} bits, which widens the interval;"
        )
    else:
        return
    warn(f"{samples} samples are few for {text} about {needed:.2g} samples or more would do")


def _surprises(labels: Codes, pair_x: Codes, xy: Counts) -> NDArray[np.bool_]:
    """Tell where a state is not followed by its commonest successor."""
    order = np.lexsort((xy, pair_x))
    commonest = order[np.append(pair_x[order][1:] != pair_x[order][:-1], True)]
    rare = np.ones(xy.size, bool)
    rare[commonest] = False
    return np.asarray(rare[labels])


def _bits_unseen(spins: Spins, states: Codes, surprise: NDArray[np.bool_], z: float) -> float:
    """Return the bits that states not yet seen, and slow neurons, may add to the entropy."""
    n, flat = spins.shape[-1], states.reshape(-1)
    # a stretch begins with each chain, and after each surprise
    begins = np.ones_like(surprise)
    begins[:, 1:] = surprise[:, :-1]
    stretch = np.cumsum(begins.reshape(-1))
    seen, first, counts = np.unique(flat, return_index=True, return_counts=True)
    last = flat.size - 1 - np.unique(flat[::-1], return_index=True)[1]
    alone = float(counts[stretch[first] == stretch[last]].sum()) / flat.size
    jumps = int(surprise.sum())
    alone += (1 - alone) / (jumps + 1)
    H = entropy_bits(multiplicities(counts), "plugin", n)
    p = (spins > 0).mean((0, 1))
    H_each = binary_entropy(p)
    unseen = float(binary_entropy(min(alone, 1.0))) + alone * (n - H)

    ups = (spins[:, 1:] != spins[:, :-1]).sum((0, 1)) / 2
    if flat.size > 2 * seen.size:
        # where states recur, neurons turn in step within a stretch
        ups = np.minimum(ups, jumps)
    slack = np.ones(n)
    turns = ups > 0
    p, ups = p[turns], ups[turns]
    slow = np.clip(1 - ups / (spins[..., 0].size * p * (1 - p)), 0.0, 1.0)
    away = np.abs(np.log(p / (1 - p))) - z * np.sqrt((1 + slow) / ups)
    slack[turns] = slow * (binary_entropy(expit(np.maximum(away, 0.0))) - H_each[turns])
    return min(unseen, max(0.0, float(H_each.sum()) - H)) + float(np.maximum(slack, 0.0).sum())


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
