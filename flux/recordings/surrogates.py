"""Surrogate recordings: one kind of dependence is destroyed, and all else is kept exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import check_count, check_rng, check_spins
from flux._base.errors import ArgumentError
from flux._base.types import Spins
from flux.recordings.counting import as_recording


def shift_neurons(x: ArrayLike, *, rng: np.random.Generator) -> Spins:
    """Shift each neuron's trace in a circle by a time of its own, in each chain anew.

    Equation :eq:`eq-fit-shift` of the book: x'_i(t) = x_i((t + s_i) mod steps), with s_i drawn
    evenly from 0 to steps - 1.

    - *Kept exactly*: in each chain, how often each neuron fires, and its whole course but for
      the seam between end and start: intervals between spikes, autocorrelation, and so its own
      memory I[x_i(t); x_i(t+1)].
    - *Destroyed*: all that neurons share, at any lag, what a common stimulus causes included.

    Parameters
    ----------
    x : (steps, n) or (chains, steps, n) array of -1 and +1
        Recorded states.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (steps, n) or (chains, steps, n) int8
        A surrogate of the shape of `x`.

    Raises
    ------
    ValueError
        If `x` is of wrong shape or holds anything but -1 and +1.

    Notes
    -----
    The flux of the surrogates is not zero: it is the sum of what each neuron tells of its own
    next state, sum_i I[x_i(t); x_i(t+1)]. What the recording has beyond is due to coupling, or
    to a cause in common.

    References
    ----------
    Grün (2009), Data-driven significance estimation for precise spike correlation,
    J. Neurophysiol. 101, 1126-1140.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = np.array([[1, 1], [1, -1], [-1, -1], [-1, -1]])
    >>> shift_neurons(x, rng=rng).sum(0)
    array([ 0, -2])
    """
    check_rng(rng)
    spins = _check(x)
    steps = spins.shape[-2]
    surrogate = np.empty_like(spins)
    for i in range(spins.shape[-1]):
        s = rng.integers(steps, size=(*spins.shape[:-2], 1))
        surrogate[..., i] = np.take_along_axis(spins[..., i], (np.arange(steps) + s) % steps, -1)
    return surrogate


def shuffle_trials(x: ArrayLike, *, rng: np.random.Generator) -> Spins:
    """Deal the trials out anew to each neuron, so that its partners are from other trials.

    Equation :eq:`eq-fit-trial-shuffle` of the book: x'_i in trial k is x_i in trial pi_i(k), each
    pi_i a random permutation.

    - *Kept exactly*: each neuron's trials, whole, and so its rate at each time after the start of
      a trial, and what neurons share because the stimulus drives them all.
    - *Destroyed*: what neurons share within a trial beyond that: noise correlations, at any
      lag, and drifts from trial to trial.

    Parameters
    ----------
    x : (chains, steps, n) array of -1 and +1
        Recorded states, one chain a trial, at least 2 of them.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (chains, steps, n) int8
        A surrogate of the shape of `x`.

    Raises
    ------
    ValueError
        If `x` is of wrong shape, has less than 2 trials, or holds anything but -1 and +1.

    References
    ----------
    Perkel, Gerstein & Moore (1967), Neuronal spike trains and stochastic point processes II,
    Biophys. J. 7, 419-440.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = 2 * rng.integers(0, 2, (5, 4, 3)) - 1
    >>> bool((shuffle_trials(x, rng=rng).sum(0) == x.sum(0)).all())
    True
    """
    check_rng(rng)
    spins = _check(x)
    if spins.ndim != 3 or len(spins) < 2:
        raise ArgumentError(
            "x must have shape (chains, steps, n) with at least 2 chains, the trials, but had shape"
            f" {spins.shape}: without trials, use shift_neurons"
        )
    orders = (rng.permutation(len(spins)) for _ in range(spins.shape[-1]))
    return np.stack([spins[order, :, i] for i, order in enumerate(orders)], axis=-1)


def jitter_spikes(x: ArrayLike, window: int, *, rng: np.random.Generator) -> Spins:
    """Move each spike to any bin of its window, the number in each window being kept.

    Equation :eq:`eq-fit-jitter` of the book: within each of the windows of `window` bins from
    the start of each chain, the bins of each neuron are permuted (the last window may be shorter).

    - *Kept exactly*: each neuron's number of spikes in every window, and so all that is slower
      than a window, drifts and responses to stimuli included.
    - *Destroyed*: all timing that is finer, between neurons as well as in each: refractoriness
      and bursts go as well.

    Parameters
    ----------
    x : (steps, n) or (chains, steps, n) array of -1 and +1
        Recorded states.
    window : int
        Bins in a window, from 2 to steps.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (steps, n) or (chains, steps, n) int8
        A surrogate of the shape of `x`.

    Raises
    ------
    ValueError
        If `x` is of wrong shape or holds anything but -1 and +1, or `window` is out of range.

    References
    ----------
    Amarasingham, Harrison, Hatsopoulos & Geman (2012), Conditional modeling and the jitter method
    of spike resampling, J. Neurophysiol. 107, 517-531: interval jitter.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = np.array([[1], [-1], [-1], [-1], [-1], [-1]])
    >>> jitter_spikes(x, 3, rng=rng)[:, 0].reshape(2, 3).sum(1)
    array([-1, -3])
    """
    check_rng(rng)
    spins = _check(x)
    steps = spins.shape[-2]
    if steps < 2:
        raise ArgumentError(f"x must have at least 2 steps, but had shape {spins.shape}")
    window = check_count("window", window, 2, steps)
    whole = steps - steps % window
    chains, n = spins.shape[:-2], spins.shape[-1]
    windows = spins[..., :whole, :].reshape(*chains, -1, window, n)
    inside = rng.permuted(windows, axis=-2).reshape(*chains, whole, n)
    return np.concatenate([inside, rng.permuted(spins[..., whole:, :], axis=-2)], axis=-2)


def _check(x: ArrayLike) -> Spins:
    return check_spins("x", as_recording(x)).astype(np.int8)
