"""Samples of the stationary law: burn-in and spacing from the measured autocorrelation."""

from __future__ import annotations

import numpy as np

from flux._base.types import Floats, Spins
from flux._base.warn import warn
from flux.model.simulation import advance, start_chains
from flux.model.simulation_kernels import prepare_weights

PILOT_CHAINS = 64
PILOT_STEPS = 400
LONGEST_PILOT = 12_800
"""Steps of a pilot run at first, and at last: it doubles while its chains disagree."""
PROJECTIONS = 16
"""Random directions, beside the mean activity, whose autocorrelation is measured."""
ROUNDS = 4
"""Windows that one chain gives."""
DISAGREEMENT = 1.05
"""Split R-hat from which on chains count as not mixed."""


def draw_windows(
    W: Floats, b: Floats, samples: int, length: int, rng: np.random.Generator
) -> tuple[Spins, str]:
    """Draw nearly independent windows of `length` successive states, (chains, rounds, length, n).

    Pilot runs of several chains from random states, as long as it takes for them to agree,
    measure the integrated autocorrelation time tau of random projections of the state. Burn-in
    is 20 tau, the space between the windows of a chain 3 tau. Chains that still disagree after
    the longest pilot run cause a warning, whose words are returned, too.
    """
    n = len(b)
    prepared = prepare_weights(W, b)
    directions = rng.standard_normal((n, PROJECTIONS)) / np.sqrt(n)
    directions[:, 0] = 1 / n
    pilot = start_chains(n, PILOT_CHAINS, rng=rng)
    steps, worst = PILOT_STEPS // 2, np.inf
    while worst > DISAGREEMENT and steps < LONGEST_PILOT:
        # each run forgets the one before, which was too short
        steps *= 2
        trace, pilot = advance(prepared, pilot, steps, burn_in=1)
        series = trace[:, steps // 4 :].astype(np.float32) @ directions.astype(np.float32)
        worst = split_r_hat(series)
    tau = autocorrelation_time(series)
    doubt = ""
    if worst > DISAGREEMENT:
        doubt = (
            f"the chains disagree after {steps} steps (split R-hat {worst:.2f}, at most"
            f" {DISAGREEMENT} expected): the network may be metastable, and the samples then tell"
            " only of the states near those they began in"
        )
        warn(doubt)
        tau = min(tau, steps / 20)  # no wait would be long enough
    burn_in, space = max(50, int(20 * tau)), int(np.ceil(3 * tau))
    chains = start_chains(n, -(-samples // ROUNDS), rng=rng)
    windows = np.empty((len(chains.keys), ROUNDS, length, n), np.int8)
    for window in range(ROUNDS):
        wait = space if window else burn_in
        windows[:, window], chains = advance(prepared, chains, length, burn_in=wait)
    return windows, doubt


def autocorrelation_time(series: Floats) -> float:
    """Return the longest integrated autocorrelation time, in steps, of (chains, steps, k) series.

    tau = 1 + 2 sum_t rho(t), summed up to the first lag beyond 5 tau (Sokal's window).
    """
    steps = series.shape[1]
    centred = series - series.mean((0, 1))
    power = np.abs(np.fft.rfft(centred, 2 * steps, axis=1)) ** 2
    covariance = np.fft.irfft(power.mean(0), axis=0)[:steps]
    covariance = covariance / np.arange(steps, 0, -1)[:, None]
    # a projection that never changes has no memory to wait for
    alive = covariance[0] > 0
    rho = covariance[:, alive] / covariance[0, alive]
    taus = 2 * np.cumsum(np.abs(rho), axis=0) - 1
    enough = np.arange(steps)[:, None] >= 5 * taus
    first = np.where(enough.any(0), enough.argmax(0), steps - 1)
    return float(max(taus[first, np.arange(len(first))], default=1.0))


def split_r_hat(series: Floats) -> float:
    """Return the largest split R-hat of (chains, steps, k) series (Vehtari et al. 2021)."""
    half = series.shape[1] // 2
    halves = np.concatenate([series[:, :half], series[:, half : 2 * half]])
    within = halves.var(1, ddof=1).mean(0)
    between = half * halves.mean(1).var(0, ddof=1)
    total = (half - 1) / half * within + between / half
    ratios = np.sqrt(np.divide(total, within, out=np.ones_like(total), where=within > 0))
    return float(np.where((within == 0) & (between > 0), np.inf, ratios).max())
