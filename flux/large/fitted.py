"""The flux of the network that made a recording, by way of a fit, with its error."""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import check_count, check_real, check_rng
from flux._base.errors import ArgumentError
from flux._base.progress import progress_bar
from flux._base.types import Floats, Spins
from flux._base.warn import warn
from flux.exact.flux import exact_flux
from flux.exact.gradient import flux_gradient
from flux.exact.law import solve
from flux.large.approximation import approximate_flux
from flux.model.information import Flux
from flux.recordings.bias_reduced import fit_bias_reduced
from flux.recordings.logistic import ROUGH, Regressions, maximise
from flux.recordings.misfit import Misfit, examine, mock_chains
from flux.recordings.transitions import every, gather, read_chains, transitions

LARGEST = 18
"""Neurons up to which the flux of a fit is exact."""
LARGE_REFITS = 20
"""Refits of more neurons, which alone tell the error."""
WEIGHTS_OF_REFITS = 600
"""Refits are as many as bring so many weights together: what they tell of the bias adds up."""
REFITS = 3
SIMULATIONS = 100


class FittedFlux(NamedTuple):
    """The flux of a fitted network, in bits per step, its error, and the fit.

    Attributes
    ----------
    I, H, D : float
        Flux, less the bias of the fit; divergence of the fit; and H = I + D.
    I_se : float
        Standard error of I.
    lower, upper : float
        The confidence interval, 0 <= lower <= upper <= n.
    bias : float
        What was subtracted from the flux of the network W, b.
    W, b : float64 arrays of shapes (n, n) and (n,)
        The fitted network.
    misfit : Misfit
        Whether a network of one step could have made the recording.

    Examples
    --------
    >>> from flux import exact_flux, simulate
    >>> rng, W = np.random.default_rng(1), [[0.0, 2.0], [2.0, 0.0]]
    >>> found = fitted_flux(simulate(W, 3000, rng=rng), rng=rng)
    >>> found.lower < exact_flux(W).I < found.upper
    True
    """

    I: float
    H: float
    D: float
    I_se: float
    lower: float
    upper: float
    bias: float
    W: Floats
    b: Floats
    misfit: Misfit


def fitted_flux(
    x: ArrayLike,
    *,
    rng: np.random.Generator,
    lag: int = 1,
    level: float = 0.95,
    simulations: int = SIMULATIONS,
    progress: bool = True,
) -> FittedFlux:
    """Estimate the flux of the network that made a recording: fit it, and solve the fit.

    No states are counted. With g the exact gradient of the flux by the rows [W_i | b_i] and F_i
    their Fisher information, the variance of the flux is ::

        Var I = sum_i g_i' F_i^-1 g_i + Var q + (bias / 2)^2,

    and q what refits of recordings simulated from the fit find beyond the gradient:
    q = I(W*, b*) - I(W, b) - sum_i g_i' [W*_i - W_i | b*_i - b_i]. Its median is the bias, which
    is subtracted; half of it is counted as its error, for that of a network with the fitted
    weights is not quite that of the true one. Equations :eq:`eq-fit-error` and :eq:`eq-fit-bias`
    of the book. Beyond 18 neurons the flux is that of `approximate_flux`, g is left out, and q, of
    20 refits, tells the whole error.

    Parameters
    ----------
    x : (steps, n) or (chains, steps, n) array of -1 and +1, or a list of (steps, n) arrays
        Recorded states; see `fit_network`.
    rng : numpy.random.Generator
        Source of randomness.
    lag : int
        Number of steps of the recording that make one step of the network; the flux is that of
        such a step.
    level : float
        Confidence level, between 0 and 1.
    simulations : int
        Number of simulated recordings that the misfit is judged by, at least 20; see `check_fit`.
    progress : bool
        Whether a run of more than two seconds shows a progress bar.

    Returns
    -------
    FittedFlux
        Flux with its interval, the fitted network, and the misfit.

    Warns
    -----
    UserWarning
        If a network of one step did not make the recording: the flux is that of the fit.

    Raises
    ------
    ValueError
        If an argument is of wrong shape or value, or the recording too short to tell the neurons
        apart.
    TooLargeError
        If the flux or the fit does not fit into memory.
    ConvergenceError
        If the fit, or the stationary law of the fitted network, does not converge.

    Notes
    -----
    The fit is that of Firth: the maximum of the likelihood times Jeffreys' prior, whose weights
    have a bias of second order in 1/T and are finite for every recording. A ridge would take
    from the flux of weak couplings what its interval does not know of.

    Transitions lead from state to state within chains. Given the state before, they are
    independent, so that autocorrelation needs no correction. With a lag above 1 every lag-th state
    is taken: what lies between tells nearly the same again.

    References
    ----------
    Firth (1993), Bias reduction of maximum likelihood estimates, Biometrika 80, 27-38; Efron &
    Tibshirani (1993), An introduction to the bootstrap, for biases by simulation.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> coins = 2 * rng.integers(0, 2, (500, 2)) - 1
    >>> found = fitted_flux(coins, rng=rng)
    >>> found.lower, found.upper < 0.03
    (0.0, True)
    """
    chains, lag = read_chains(x, lag)
    check_rng(rng)
    level = check_real("level", level, 1e-6, 1 - 1e-6)
    simulations = check_count("simulations", simulations, 20, 100_000)
    n = chains[0].shape[1]
    chains = every(chains, lag)
    _check_apart(chains)
    fit = fit_bias_reduced(gather(*transitions(chains)))
    if n <= LARGEST:
        plain, dW, db = flux_gradient(solve(fit.W, fit.b, progress=progress), progress=progress)
        start, g = plain.I, np.column_stack([dW, db])
        variance = float(np.einsum("ij,ijk,ik->", g, fit.covariance, g))
        refits = max(REFITS, -(-WEIGHTS_OF_REFITS // n**2))
    else:
        near = approximate_flux(fit.W, fit.b, rng=rng, progress=progress)
        plain, start, g = Flux(near.I, near.H, near.D), near.gaussian, np.zeros((n, n + 1))
        variance = near.I_se**2 + near.I_error**2
        refits = LARGE_REFITS
    q = np.empty(refits)
    with progress_bar("bias of the flux", refits, unit="refit", show=progress) as bar:
        for k in range(refits):
            mock = mock_chains(chains, fit.W, fit.b, rng)
            again = fit_bias_reduced(gather(*transitions(mock)), ROUGH)
            moved = np.column_stack([again.W - fit.W, again.b - fit.b])
            q[k] = _flux_of(again.W, again.b, rng) - start - (g * moved).sum()
            bar.update()
    # refits with a neuron nearly foretold are outliers
    bias = float(np.median(q))
    se = float(np.sqrt(variance + q.var(ddof=1) * (1 + 1 / refits) + (bias / 2) ** 2))
    I = plain.I - bias
    z = NormalDist().inv_cdf((1 + level) / 2)
    lower, upper = np.clip([I - z * se, I + z * se], 0.0, n).tolist()

    def refit(r: Regressions, A: Floats) -> Floats:
        return maximise(r, 1.0, A, floor=1.0, accuracy=ROUGH)

    misfit = examine(chains, fit.W, fit.b, refit, rng, simulations, progress=progress)
    if misfit.found:
        warn(f"{misfit.text}; the flux is that of the fit")
    return FittedFlux(I, I + plain.D, plain.D, se, lower, upper, bias, fit.W, fit.b, misfit)


def _check_apart(chains: list[Spins]) -> None:
    """Refuse neurons that cannot be told apart, whose weights, and so the flux, may be anything."""
    X, _ = transitions(chains)
    moving = X[:, np.ptp(X, axis=0) > 0].astype(float)
    centred = moving - moving.mean(0)
    rank, n = int(np.linalg.matrix_rank(centred.T @ centred, hermitian=True)), moving.shape[1]
    if rank < n:
        raise ArgumentError(
            f"x must tell its neurons apart, but the {len(X)} states that another one follows have"
            f" only {rank} independent directions for {n} neurons that change: leave out neurons"
            " that copy others, or record for longer"
        )


def _flux_of(W: Floats, b: Floats, rng: np.random.Generator) -> float:
    """Return the flux of a refit: exact, or from pairs."""
    if len(b) <= LARGEST:
        return exact_flux(W, b, progress=False).I
    return approximate_flux(W, b, rng=rng, method="gaussian", progress=False).gaussian
