"""Do two conditions differ in flux? A test by permutation, of trials or of blocks of time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import (
    check_choice,
    check_count,
    check_resamples,
    check_rng,
)
from flux._base.errors import ArgumentError
from flux._base.progress import progress_bar
from flux._base.types import Codes, Floats, Spins
from flux._base.warn import warn
from flux.recordings.counting import multiplicities, relabel, state_codes
from flux.recordings.entropies import FLUX_METHODS, FluxMethod, flux_from_counts
from flux.recordings.transitions import as_chains

# blocks of time into which a recording without trials is cut
_BLOCKS = 40
# fewer units cannot be dealt out in enough ways
_FEWEST = 5
# share of the steps that may be left out before the user is told
_LEFT_OUT = 0.2
# bits: a standard error that rounding leaves of none
_LEAST_ERROR = 1e-9


class FluxComparison(NamedTuple):
    """Difference in flux between two conditions, in bits, with its interval and test.

    Attributes
    ----------
    difference : float
        Flux of the second less that of the first.
    lower, upper : float
        Confidence interval of the difference; 0 is inside unless p_value is at most 1 - level.
    p_value : float
        Chance of a difference as significant as the one seen if both were alike.
    flux1, flux2 : float
        Flux by the chosen method in each condition, from equal numbers of samples.
    samples : int
        The number of pairs of states behind each estimate.
    units : tuple of int
        Trials, or blocks of time, that were used of each condition.

    Examples
    --------
    >>> from flux import simulate_chains
    >>> rng = np.random.default_rng(1)
    >>> weak, strong = (
    ...     simulate_chains([[0.0, w], [w, 0.0]], 50, 30, rng=rng) for w in (0.5, 2.0)
    ... )
    >>> found = compare_flux(weak, strong, rng=rng, resamples=99)
    >>> found.lower > 0, found.p_value, found.samples
    (True, 0.01, 1470)
    """

    difference: float
    lower: float
    upper: float
    p_value: float
    flux1: float
    flux2: float
    samples: int
    units: tuple[int, int]


class _Pairs(NamedTuple):
    """Pairs of states: their label in each unit (units, pairs), and what each label stands for."""

    labels: Codes
    x: Codes
    y: Codes
    n_states: int
    n: int


def compare_flux(
    x1: ArrayLike | Sequence[ArrayLike],
    x2: ArrayLike | Sequence[ArrayLike],
    *,
    rng: np.random.Generator,
    method: FluxMethod = "chao-wang-jost",
    lag: int = 1,
    level: float = 0.95,
    resamples: int = 200,
    block: int | None = None,
    progress: bool = True,
) -> FluxComparison:
    """Test whether two conditions differ in flux, and by how much.

    Each condition is a set of *units*: trials, or blocks of time of a recording in one piece.
    Counting adds flux, the more the fewer the samples, so all estimates are made from equal
    numbers of them: trials are cut to the length of the shortest, and of k1 and k2 units the
    larger set is divided into as many groups of k = min(k1, k2) as there are, whose estimates
    are averaged. Equation :eq:`eq-fit-difference` of the book ::

        t = (I2 - I1) / se,   se^2 = v1 / m1 + v2 / m2,

    where v is the variance over the m units used of the mean local flux
    log2 [p(x, y) / (p(x) p(y))] in each unit. The units are dealt out anew to the conditions
    `resamples` times; with r of the resulting \\|t\\| at least as large as the one seen, the
    p-value is (r + 1) / (resamples + 1), and ::

        lower, upper = I2 - I1 -+ q se,   q the (1 - level) (resamples + 1)-th largest \\|t\\|.

    Parameters
    ----------
    x1, x2 : (steps, n) or (trials, steps, n) array of -1 and +1, or list of (steps, n) arrays
        The two conditions, of the same neurons. A list holds trials of any lengths; a recording
        in one piece is cut into 40 blocks, or those of `block` steps. If one has trials, both
        must.
    rng : numpy.random.Generator
        Source of randomness.
    method : str
        As for `sample_flux`. ``nsb`` takes ten times as long as the others.
    lag : int
        Number of steps from a state to its successor, in the same unit.
    level : float
        Confidence level, between 0 and 1.
    resamples : int
        How often the units are dealt out; at least 20, and enough for a p-value of 1 - level.
    block : int, optional
        Steps in a block: recordings, and trials, are cut into such.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    FluxComparison
        (difference, lower, upper, p_value, flux1, flux2, samples, units).

    Warns
    -----
    UserWarning
        If more than a fifth of the steps are left out because trials differ in length.

    Raises
    ------
    ValueError
        If an argument is of wrong shape or value, there are less than 5 units in a condition, or
        ``method`` corrects from pairs seen again where there are none.

    Notes
    -----
    *What is tested.* If both conditions follow one law and the units are independent, the test
    is exact: at most 1 - level of the p-values are at most that. The division by se makes it hold
    approximately for conditions that share their flux and nothing else [1]_, so far as `method`
    leaves equal bias in both: counting adds more flux where more states occur. Where coverage is
    low, compare fitted networks instead.

    *Independence.* Trials are, as a rule. Blocks are if they are long against the memory of the
    network; slow drifts within a recording make its blocks alike, and count as a difference.

    References
    ----------
    .. [1] Chung & Romano (2013), Exact and asymptotically robust permutation tests,
       Ann. Stat. 41, 484-507.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> one, other = 2 * rng.integers(0, 2, (2, 1000, 3)) - 1
    >>> found = compare_flux(one, other, rng=rng, resamples=99)
    >>> found.lower < 0 < found.upper, found.p_value > 0.05
    (True, True)
    """
    check_rng(rng)
    check_choice("method", method, FLUX_METHODS)
    level, resamples = check_resamples(level, resamples)
    trials = [as_chains("x1", x1), as_chains("x2", x2)]
    if trials[0][0].shape[1] != trials[1][0].shape[1]:
        raise ArgumentError(
            f"x2 must have the n = {trials[0][0].shape[1]} neurons of x1, but had"
            f" {trials[1][0].shape[1]}"
        )
    cut = _cut(trials, block)
    steps = cut[0].shape[1]
    lag = check_count("lag", lag, 1, steps - 1)
    units = (len(cut[0]), len(cut[1]))
    if min(units) < _FEWEST:
        raise ArgumentError(
            f"x1 and x2 must have at least {_FEWEST} trials or blocks each, but had {units[0]} and"
            f" {units[1]} of {steps} steps: pass a smaller block, in steps"
        )
    pairs = _label_pairs(np.concatenate(cut), lag)

    def statistic(order: Codes) -> tuple[float, float, float, float]:
        """Return t, the standard error, and both fluxes for the units in this order."""
        sides = order[: units[0]], order[units[0] :]
        (I1, v1), (I2, v2) = (_flux(pairs, side, min(units), method) for side in sides)
        se = max(math.sqrt(v1 + v2), _LEAST_ERROR)
        return (I2 - I1) / se, se, I1, I2

    t, se, I1, I2 = statistic(np.arange(sum(units)))
    sizes = []
    with progress_bar("deal out", resamples, unit="deal", show=progress) as bar:
        for _ in range(resamples):
            sizes.append(abs(statistic(rng.permutation(sum(units)))[0]))
            bar.update()
    p_value = (int(np.sum(np.array(sizes) >= abs(t) - 1e-12)) + 1) / (resamples + 1)
    # the interval holds 0 just where the test does not reject
    rank = int((1 - level) * (resamples + 1) + 1e-9)
    q = sorted(sizes, reverse=True)[rank - 1]
    k = min(units)
    return FluxComparison(
        difference=I2 - I1,
        lower=I2 - I1 - q * se,
        upper=I2 - I1 + q * se,
        p_value=p_value,
        flux1=I1,
        flux2=I2,
        samples=k * pairs.labels.shape[1],
        units=(units[0] // k * k, units[1] // k * k),
    )


def _cut(trials: list[list[Spins]], block: int | None) -> list[Spins]:
    """Return the units (units, steps, n) of each condition: trials, or blocks of time."""
    lengths = [len(trial) for side in trials for trial in side]
    shortest, total = min(lengths), sum(lengths)
    if shortest < 2:
        raise ArgumentError(f"x1 and x2 must have at least 2 steps a trial, but had {shortest}")
    if block is not None:
        return [_blocks(side, check_count("block", block, 2, shortest)) for side in trials]
    pieces = [len(side) for side in trials]
    if pieces == [1, 1]:
        return [_blocks(side, max(2, shortest // _BLOCKS)) for side in trials]
    if 1 in pieces:
        raise ArgumentError(
            f"x1 and x2 must both have trials, or neither, but had {pieces[0]} and {pieces[1]}:"
            " pass block, the steps of pieces into which all are cut"
        )
    left_out = 1 - shortest * len(lengths) / total
    if left_out > _LEFT_OUT:
        warn(
            f"trials of up to {max(lengths)} steps are cut to the {shortest} of the shortest, which"
            f" leaves out {left_out:.0%} of all steps: leave out short trials, or pass block, the"
            " steps of pieces into which all are cut"
        )
    return [np.stack([trial[:shortest] for trial in side]) for side in trials]


def _blocks(trials: list[Spins], steps: int) -> Spins:
    n = trials[0].shape[1]
    whole = (trial[: len(trial) // steps * steps].reshape(-1, steps, n) for trial in trials)
    return np.concatenate(list(whole))


def _label_pairs(spins: Spins, lag: int) -> _Pairs:
    codes, n_states = relabel(state_codes(spins)[0])
    labels, _ = relabel(codes[:, :-lag] * n_states + codes[:, lag:])
    first = np.unique(labels, return_index=True)[1]
    x, y = (part.reshape(-1)[first] for part in (codes[:, :-lag], codes[:, lag:]))
    return _Pairs(labels, x, y, n_states, spins.shape[-1])


def _flux(pairs: _Pairs, units: Codes, k: int, method: str) -> tuple[float, float]:
    """Return the mean flux over groups of k units, and the variance of that mean."""
    groups = units[: units.size // k * k].reshape(-1, k)
    found, variances = [], []
    for group in groups:
        labels = pairs.labels[group]
        xy = np.bincount(labels.reshape(-1), minlength=pairs.x.size)
        x, y = (np.bincount(of, xy, pairs.n_states) for of in (pairs.x, pairs.y))
        x_seen, y_seen, xy_seen = (multiplicities(c.astype(np.int64)) for c in (x, y, xy))
        if method not in ("plugin", "shuffle") and xy_seen.value[-1] == 1:
            raise ArgumentError(
                f"method must be plugin or shuffle where none of the {labels.size} pairs of states"
                f" was seen twice, but was {method!r}: record for longer, or choose fewer neurons"
            )
        found.append(flux_from_counts(x_seen, y_seen, xy_seen, method, pairs.n).I)
        # but for a constant; pairs of other groups are counted 0 times and are not asked for
        local: Floats = np.log2(np.maximum(xy, 1) / np.maximum(x[pairs.x] * y[pairs.y], 1))
        variances.append(float(local[labels].mean(1).var(ddof=1)))
    return float(np.mean(found)), float(np.mean(variances)) / groups.size
