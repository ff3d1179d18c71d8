"""Whether a network of one step made a recording: residuals that should know nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from scipy.stats import chi2

from flux._base.checks import check_count, check_rng, check_type
from flux._base.errors import ArgumentError
from flux._base.progress import progress_bar
from flux._base.threads import thread_pool
from flux._base.types import Floats, Spins
from flux._base.warn import warn
from flux.model.simulation import simulate_chains
from flux.recordings.fit import NetworkFit, ascend
from flux.recordings.logistic import ROUGH, Regressions, recentre, regressions
from flux.recordings.transitions import (
    every,
    gather,
    read_chains,
    time_blocks,
    transitions,
)

FALSE_ALARM = 0.02
"""Chance that any of the checks warns of a recording that the model made."""
PERIODS = 10
"""Stretches of time whose rates are compared."""
PASTS = range(2, 7)
"""Steps back at which a neuron's own past is looked at."""
REMEDIES = {
    "two_steps": (
        "the state before the last one foretells the next beyond the fit, so that the recording"
        " remembers more than one step: take larger bins, or a larger lag"
    ),
    "equal_time": (
        "neurons turn on together beyond the fit, as from a common input or couplings faster than"
        " a bin: take smaller bins, and leave out times of common input"
    ),
    "drift": (
        "rates drift beyond the fit: fit stationary stretches one by one, or take out the trend"
    ),
    "own_past": (
        "neurons know their own past of 2 to 6 steps, as by refractoriness or bursts: take bins"
        " longer than that, or a larger lag"
    ),
}


class Misfit(NamedTuple):
    """Checks of a fitted network against the recording it was fitted to.

    Attributes
    ----------
    two_steps, equal_time, drift, own_past : float
        p-values of the checks.
    found : bool
        Whether any of them is below 0.005: by chance that happens in at most 2 of 100
        recordings that the model made.
    gain : float
        Held-out bits per step by which the couplings foretell more than constant rates do.
    text : str
        What was found, and what to do about it.

    Examples
    --------
    >>> from flux import fit_network, simulate
    >>> rng = np.random.default_rng(1)
    >>> x = simulate([[0.0, 1.0], [-2.0, 0.5]], 2000, rng=rng)
    >>> check_fit(fit_network(x, penalty=1.0), x, rng=rng).found
    False
    """

    two_steps: float
    equal_time: float
    drift: float
    own_past: float
    found: bool
    gain: float
    text: str


def check_fit(
    fit: NetworkFit,
    x: ArrayLike,
    *,
    rng: np.random.Generator,
    lag: int = 1,
    simulations: int = 100,
    progress: bool = True,
) -> Misfit:
    """Tell whether a network of one step could have made the recording that was fitted.

    The residuals r_i(t) = [y_i(t) = +1] - sigma(u_i(t)) of a true model cannot be foretold, and
    are independent of each other. Four sums of squares, each over standardized sums of products,
    would grow if they were not: r_i(t) with x_j(t - 1); r_i(t) with r_j(t); r_i over each tenth
    of the time; r_i(t) with x_i(t - k + 1), k = 2 to 6. Equation :eq:`eq-fit-residuals` of
    the book.

    Each is compared with those of recordings as long, simulated from the fit and fitted in the
    same way: a chi-square law of their mean and variance gives the p-value.

    Parameters
    ----------
    fit : NetworkFit
        What `fit_network` made of `x`.
    x : (steps, n) or (chains, steps, n) array of -1 and +1, or a list of (steps, n) arrays
        The recording, as it was fitted.
    rng : numpy.random.Generator
        Source of randomness.
    lag : int
        The lag of the fit; every lag-th state is looked at.
    simulations : int
        Number of simulated recordings, at least 20.
    progress : bool
        Whether a run of more than two seconds shows a progress bar.

    Returns
    -------
    Misfit
        p-values, one decision for all, and the words of the warning.

    Warns
    -----
    UserWarning
        If a misfit was found, with its kind and its remedy.

    Raises
    ------
    ValueError
        If an argument is of wrong shape or value.
    ConvergenceError
        If a simulated recording cannot be fitted.

    References
    ----------
    Truccolo et al. (2005), J. Neurophysiology 93, 1074-1089, for residuals of spike trains;
    Satterthwaite (1946), Biometrics Bulletin 2, 110-114.

    Examples
    --------
    A recording in which every state lasts two steps:

    >>> from flux import fit_network, simulate
    >>> rng = np.random.default_rng(1)
    >>> x = simulate(np.zeros((2, 2)), 500, rng=rng).repeat(2, axis=0)
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     check_fit(fit_network(x, penalty=1.0), x, rng=rng).two_steps < 1e-6
    True
    """
    check_type("fit", fit, NetworkFit, "a result of fit_network")
    chains, lag = read_chains(x, lag)
    check_rng(rng)
    simulations = check_count("simulations", simulations, 20, 100_000)
    n = chains[0].shape[1]
    if fit.W.shape != (n, n):
        raise ArgumentError(
            f"x must be the recording of the fit, of n = {len(fit.W)}, but had n = {n}"
        )

    def refit(r: Regressions, A: Floats) -> Floats:
        return ascend(r, fit.penalty, fit.norm, A, ROUGH)

    found = examine(every(chains, lag), fit.W, fit.b, refit, rng, simulations, progress=progress)
    found = found._replace(gain=fit.heldout - fit.independent)
    if found.found:
        warn(found.text)
    return found


def examine(
    chains: list[Spins],
    W: Floats,
    b: Floats,
    refit: Callable[[Regressions, Floats], Floats],
    rng: np.random.Generator,
    simulations: int,
    *,
    progress: bool,
) -> Misfit:
    """Return the checks of a network against chains of which it is a fit by `refit`."""
    with thread_pool() as pool, progress_bar("misfit", simulations, show=progress) as bar:
        seen = _statistics(chains, *_fitted(chains, W, b, refit, pool))
        null = np.empty((simulations, len(seen)))
        for k in range(simulations):
            mock = mock_chains(chains, W, b, rng)
            null[k] = _statistics(mock, *_fitted(mock, W, b, refit, pool))
            bar.update()
    # of so few simulations neither mean nor variance is known exactly
    wider = (1 + 1 / simulations) * (simulations - 1) / (simulations - 3)
    mean, variance = null.mean(0), null.var(0, ddof=1) * wider
    # chains too short for a check, and neurons that never change, leave it without a value
    tested = variance > 0
    scale = np.where(tested, variance, 1.0) / (2 * np.where(tested, mean, 1.0))
    p = np.where(tested, chi2.sf(seen / scale, mean / scale), 1.0)
    bad = p < FALSE_ALARM / len(p)
    words = [
        f"{text} (p = {value:.2g})"
        for text, value, is_bad in zip(REMEDIES.values(), p, bad, strict=True)
        if is_bad
    ]
    text = "; ".join(words)
    if words:
        text = f"a network of one step did not make this recording: {text}"
    two_steps, equal_time, drift, own_past = p.tolist()
    found = bool(bad.any())
    return Misfit(two_steps, equal_time, drift, own_past, found, 0.0, text or "no misfit found")


def mock_chains(chains: list[Spins], W: Floats, b: Floats, rng: np.random.Generator) -> list[Spins]:
    """Return chains as long as those given, and from the same first states, of a network."""
    lengths = [len(chain) for chain in chains]
    first = np.stack([chain[0] for chain in chains])
    drawn = simulate_chains(W, max(lengths), len(chains), rng=rng, b=b, x0=first, progress=False)
    return [chain[:length] for chain, length in zip(drawn, lengths, strict=True)]


def _fitted(
    chains: list[Spins],
    W: Floats,
    b: Floats,
    refit: Callable[[Regressions, Floats], Floats],
    pool: ThreadPoolExecutor,
) -> tuple[Floats, Floats]:
    """Return the W and b that fit chains best, sought from those given."""
    r = regressions(gather(*transitions(chains)), pool)
    A = refit(r, recentre(np.column_stack([W, b]), 0 * r.mean, r.mean))
    return A[:, :-1], recentre(A, r.mean, 0 * r.mean)[:, -1]


def _statistics(chains: list[Spins], W: Floats, b: Floats) -> Floats:
    """Return the four sums of squares for the residuals of chains."""
    X, Y = transitions(chains)
    n = X.shape[1]
    age = np.concatenate([np.arange(len(chain) - 1) for chain in chains])
    p = expit(X.astype(np.float32) @ W.T.astype(np.float32) + b.astype(np.float32))
    r, w = (Y > 0) - p, p * (1 - p)
    centred = X - X.mean(0, dtype=np.float32)

    def products(past: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return r(t), x(t - past), and w(t) for all t that have such a past."""
        old = np.flatnonzero(age >= past)
        return r[old], centred[old - past], w[old]

    now, before, weight = products(1)
    two_steps = _squares(now.T @ before, np.outer(weight.sum(0), (before**2).mean(0)))
    together, chance = r.T @ r, w.T @ w
    pairs = np.triu_indices(n, 1)
    equal_time = _squares(together[pairs], chance[pairs])
    periods = time_blocks(len(X), PERIODS)
    edges = np.searchsorted(periods, np.arange(PERIODS))
    drift = _squares(np.add.reduceat(r, edges), np.add.reduceat(w, edges))
    own_past = 0.0
    for past in PASTS:
        now, before, weight = products(past - 1)
        own_past += _squares((now * before).sum(0), (weight * before**2).sum(0))
    return np.array([two_steps, equal_time, drift, own_past])


def _squares(sums: NDArray[Any], variances: NDArray[Any]) -> float:
    """Return the sum of squares over variances, without what cannot vary."""
    ratio = np.divide(
        sums.astype(float) ** 2, variances, where=variances > 0, out=np.zeros(np.shape(sums))
    )
    return float(ratio.sum())
