"""The flux from the canonical correlations of successive states: a proxy that needs no W."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import check_count
from flux._base.errors import ArgumentError
from flux._base.memory import check_memory
from flux._base.types import Floats
from flux.exact.correlation import exact_correlation
from flux.exact.law import Law, unfolded
from flux.model.information import binary_entropy
from flux.model.states import all_states
from flux.recordings.correlation import correlation_at
from flux.recordings.packed_spins import PackedSpins, check_packed, pack

NULLS = (4, 3)
"""Parts of the longest chain by which time is shifted for the flux of nothing."""
SINGULAR = 1e-9
"""Variances of combinations of neurons up to which they count as none."""
LN2 = float(np.log(2.0))


class CanonicalFlux(NamedTuple):
    """Two proxies of the information flux in bits per step, and the correlations behind them.

    Attributes
    ----------
    gaussian : float
        -sum_k log2(1 - rho_k**2) / 2, what normal variables would transmit; without its bias.
    binary : float
        sum_k [1 - h2((1 + rho_k) / 2)], what pairs of fair spins would; without its bias.
    correlations : (k,) float64
        The canonical correlations rho_k, falling; as measured, bias included.
    gaussian_se, binary_se : float
        Standard errors of sampling; 0 from a law.
    gaussian_bias, binary_bias : float
        What has been taken off: the proxies at times shifted so far that nothing is transmitted.

    Examples
    --------
    >>> from flux import solve
    >>> found = canonical_flux(solve([[0.0, 2.0], [2.0, 0.0]]))
    >>> found.correlations.round(4), round(found.binary, 4)
    (array([0.7616, 0.7616]), 0.9459)
    """

    gaussian: float
    binary: float
    correlations: Floats
    gaussian_se: float
    binary_se: float
    gaussian_bias: float
    binary_bias: float


def canonical_flux(
    x: ArrayLike | PackedSpins | Iterator[ArrayLike] | Law, *, lag: int = 1
) -> CanonicalFlux:
    """Return the flux as canonical correlations of x(t) and x(t + lag) tell it.

    Parameters
    ----------
    x : (steps, n) or (chains, steps, n) array of -1 and +1, PackedSpins, iterator of arrays, or Law
        Spins as `lagged_correlation` takes them; or the law of a network, whose canonical
        correlations are exact, at lag 1.
    lag : int
        Steps from a state to its successor, at least 1.

    Returns
    -------
    CanonicalFlux
        Both proxies without their bias, in bits, the correlations, standard errors and biases.

    Raises
    ------
    ValueError
        If `x` holds anything but spins, if there are fewer than 4 n pairs of steps at the
        longest shift, or if `lag` is out of its range.
    TooLargeError
        If (n, n) correlations would not fit into memory.

    Notes
    -----
    With the correlations R at equal times and C[i, j] of x_i(t + lag) with x_j(t), rho_k are the
    singular values of R^(-1/2) C R^(-1/2): equation :eq:`eq-can-rho` of the book. Combinations
    of neurons that never change are left out. The proxies are equations :eq:`eq-can-gaussian`
    and :eq:`eq-can-binary`; the second is exact for N-rooks without bias.

    With T pairs both are too high by about n**2 / (2 T ln 2). Time shifted by a fourth and a
    third of the longest chain measures that, scaled to T. It must be long against the memory of
    the network, else too much is taken off. Standard errors are those of correlations of fair
    spins, sqrt((1 - rho**2) tau / T), where tau >= 1 is how much the correlations at shifted
    times exceed 1 / T.

    References
    ----------
    Hotelling (1936), Relations between two sets of variates, Biometrika 28, 321-377; Gelfand &
    Yaglom (1959), Amer. Math. Soc. Transl. 12, 199-246, for the flux of normal variables.

    Examples
    --------
    >>> from flux import nrooks, simulate
    >>> W = nrooks(4, rng=np.random.default_rng(1), strength=2.0)
    >>> found = canonical_flux(simulate(W, 20_000, rng=np.random.default_rng(2)))
    >>> f"{found.binary:.2f} +- {found.binary_se:.2f}"
    '1.90 +- 0.02'
    """
    lag = check_count("lag", lag, 1)
    if isinstance(x, Law):
        if lag > 1:
            raise ArgumentError(f"lag must be 1 where x is a Law, but was {lag}")
        C = exact_correlation(x)
        rho = _canonical(_whitening(_equal_time(x)), C)
        return CanonicalFlux(_gaussian(rho), _binary(rho), rho, 0.0, 0.0, 0.0, 0.0)
    packed = check_packed("x", x) if isinstance(x, PackedSpins) else pack(x)
    n, longest = len(packed.bits), int(packed.lengths.max())
    if lag >= longest:
        raise ArgumentError(f"lag must be less than the steps of a chain in x, but was {lag}")
    shifts = [lag + longest // part for part in NULLS]
    fewest = _n_pairs(packed, shifts[-1])
    if fewest < 4 * n:
        raise ArgumentError(
            f"x must have at least {4 * n} pairs of steps for n = {n} neurons, shifted by a third"
            f" of the longest chain, but had {fewest}: record for longer, or take fewer neurons"
        )
    check_memory(48.0 * n * n, f"the correlations of n = {n} neurons", "take fewer neurons")
    K = _whitening(correlation_at(packed, 0))
    rho = _canonical(K, correlation_at(packed, lag))
    T = _n_pairs(packed, lag)
    taus, nulls = [], []
    for shift in shifts:
        C = correlation_at(packed, shift)
        share = _n_pairs(packed, shift) / T
        taus.append(float(np.mean(C**2)) * share * T)
        null = _canonical(K, C)
        nulls.append((_gaussian(null) * share, _binary(null) * share))
    gaussian_bias, binary_bias = np.mean(nulls, axis=0).tolist()
    noise = max(1.0, float(np.mean(taus))) / T
    # the slopes of both proxies, by which errors of rho become theirs; infinite and 0 at rho = 1
    spread = np.sqrt(1 - rho**2)
    with np.errstate(divide="ignore"):
        gaussian_slope = rho / spread
    binary_slope = np.arctanh(np.where(spread > 0, rho, 0.0)) * spread
    floor = n * n / 2 * noise**2
    gaussian_se, binary_se = (
        float(np.sqrt(noise * np.sum(slope**2) + floor)) / LN2
        for slope in (gaussian_slope, binary_slope)
    )
    gaussian = _gaussian(rho)
    return CanonicalFlux(
        gaussian - gaussian_bias if np.isfinite(gaussian) else gaussian,
        _binary(rho) - binary_bias,
        rho,
        gaussian_se,
        binary_se,
        gaussian_bias,
        binary_bias,
    )


def _n_pairs(packed: PackedSpins, lag: int) -> int:
    return int(np.maximum(packed.lengths - lag, 0).sum())


def _equal_time(law: Law) -> Floats:
    """Return the correlations of spins at the same time; delay lines are independent."""
    R = np.eye(law.network.n)
    for solved in law.parts:
        neurons = solved.part.neurons
        x, pi = all_states(len(neurons)).astype(float), unfolded(solved)
        x -= pi @ x
        covariance = x.T @ (pi[:, None] * x)
        spread = np.sqrt(np.diag(covariance))
        scale = np.outer(spread, spread)
        part = np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 0)
        R[np.ix_(neurons, neurons)] = part
    return R


def _whitening(R: Floats) -> Floats:
    """Return K with K.T R K = 1, without combinations of neurons that never change."""
    size, axes = np.linalg.eigh(R)
    alive = size > SINGULAR * len(R)
    return np.asarray(axes[:, alive] / np.sqrt(size[alive]))


def _canonical(K: Floats, C: Floats) -> Floats:
    """Return the canonical correlations; sampled ones may pass 1 by the ends of chains."""
    return np.asarray(np.minimum(np.linalg.svd(K.T @ C @ K, compute_uv=False), 1.0))


def _gaussian(rho: Floats) -> float:
    with np.errstate(divide="ignore"):
        return float(-np.log1p(-(rho**2)).sum() / (2 * LN2) + 0.0)


def _binary(rho: Floats) -> float:
    return float((1 - binary_entropy((1 + rho) / 2)).sum() + 0.0)
