"""Entropy from counts: estimators that correct, more or less, for the states not yet seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, polygamma, psi

from flux._base.checks import as_array, check_choice, short
from flux._base.errors import ArgumentError, ConvergenceError
from flux._base.jit import jit
from flux._base.types import Codes, Floats
from flux.model.information import Flux
from flux.recordings.counting import Counts, Multiplicities, multiplicities

EntropyMethod = Literal[
    "plugin", "miller-madow", "grassberger", "chao-shen", "chao-wang-jost", "nsb"
]
FluxMethod = Literal[EntropyMethod, "shuffle"]
ENTROPY_METHODS, FLUX_METHODS = get_args(EntropyMethod), get_args(FluxMethod)

MOST_SAMPLES = 2**53
"""Up to here doubles count exactly."""


def entropy_from_counts(
    counts: ArrayLike, method: EntropyMethod = "miller-madow", n_symbols: float | None = None
) -> float:
    """Estimate the Shannon entropy of a distribution from how often each symbol was seen.

    With T samples, symbol k seen n_k times, K symbols seen, f1 and f2 symbols seen once and
    twice, and psi the digamma function (H in nats here, in bits as returned):

    - ``plugin``: H = -sum_k (n_k / T) log(n_k / T). Biased down by about (K - 1) / 2T.
    - ``miller-madow``: plugin + (K - 1) / 2T [1]_, by :eq:`eq-est-entropy-bias` of the book.
    - ``grassberger``: H = log T - (1/T) sum_k n_k G(n_k), where
      G(m) = psi(m) + (-1)^m [psi((m + 1)/2) - psi(m/2)] / 2 [2]_.
    - ``chao-shen``: H = -sum_k C p_k log(C p_k) / (1 - (1 - C p_k)^T), with p_k = n_k / T
      and the coverage C = 1 - f1 / T, or 1 / T where every symbol was seen once [3]_.
    - ``chao-wang-jost``: H = sum_k (n_k / T) [psi(T) - psi(n_k)]
      + (f1 / T) (1 - A)^(1-T) [-log A - sum_{r<T} (1 - A)^r / r], with
      A = 2 f2 / ((T - 1) f1 + 2 f2), or 2 / ((T - 1)(f1 - 1) + 2) where f2 = 0 [4]_.
    - ``nsb``: posterior mean of H under a mixture of symmetric Dirichlet priors, weighted such
      that the prior of H is nearly flat from 0 to log(n_symbols) [5]_.

    Parameters
    ----------
    counts : (m,) array of int
        How often each symbol was seen; symbols never seen may be left out.
    method : str
        One of those above.
    n_symbols : int or float, optional
        Size of the alphabet, seen or not; ``nsb`` needs it, the others ignore it. Any size goes,
        an int of a thousand digits included.

    Returns
    -------
    float
        Entropy in bits.

    Raises
    ------
    ValueError
        If `counts` are not whole numbers of at least 0 with at least one above 0, or add up to
        more than 2**53, `method` is unknown, or ``nsb`` has no `n_symbols`, or fewer than the
        symbols seen.

    References
    ----------
    .. [1] Miller (1955), Note on the bias of information estimates.
    .. [2] Grassberger (2003), Entropy estimates from insufficient samplings,
       arXiv physics/0307138, eqs. 30-31.
    .. [3] Chao & Shen (2003), Environ. Ecol. Stat. 10, 429-443.
    .. [4] Chao, Wang & Jost (2013), Methods Ecol. Evol. 4, 1091-1100.
    .. [5] Nemenman, Shafee & Bialek (2002), Entropy and inference, revisited, NIPS 14.

    Examples
    --------
    >>> entropy_from_counts([2, 1, 1], "plugin")
    1.5
    >>> round(entropy_from_counts([2, 1, 1], "nsb", n_symbols=4), 4)
    1.6777
    """
    number = as_array("counts", counts)
    if number.ndim != 1 or number.dtype.kind not in "iuf":
        raise ArgumentError(
            f"counts must be a one-dimensional list of numbers, but was {short(counts)}"
        )
    if not np.all(np.isfinite(number) & (number >= 0) & (number == np.rint(number))):
        raise ArgumentError(f"counts must be whole numbers of at least 0, but was {short(counts)}")
    if not np.any(number > 0):
        raise ArgumentError(f"counts must not all be 0, but was {short(counts)}")
    total = number.sum(dtype=np.float64)
    if total > MOST_SAMPLES:
        raise ArgumentError(
            f"counts must add up to at most 2**53, but added up to {total:.3g}: take"
            " entropy of their shares"
        )
    check_choice("method", method, ENTROPY_METHODS)
    seen = multiplicities(number.astype(np.int64))
    n_seen = int(seen.times.sum())
    if method == "nsb" and not (
        isinstance(n_symbols, (int, float, np.number)) and n_seen <= n_symbols < math.inf
    ):
        raise ArgumentError(
            f"n_symbols must be a number of at least the {n_seen} symbols seen for method 'nsb',"
            f" but was {short(n_symbols)}"
        )
    return entropy_bits(seen, method, 0.0 if n_symbols is None else math.log2(n_symbols))


def entropy_bits(seen: Multiplicities, method: str, bits: float) -> float:
    """Return the entropy in bits; `bits` is log2 of the alphabet's size."""
    if method == "nsb":
        return _nsb(seen, bits * math.log(2.0)) / math.log(2.0)
    return _ESTIMATORS[method](seen) / math.log(2.0)


def flux_from_counts(
    x: Multiplicities, y: Multiplicities, xy: Multiplicities, method: str, n: int
) -> Flux:
    """Return the flux between states of n spins, where I = H - D holds to the last digit."""
    if method == "shuffle":
        H = entropy_bits(y, "plugin", n)
        D = H - (shuffled_pair_bits(x, y) - entropy_bits(xy, "plugin", 2 * n))
    else:
        H = entropy_bits(y, method, n)
        D = entropy_bits(xy, method, 2 * n) - entropy_bits(x, method, n)
    return Flux(H - D, H, D)


def shuffled_pair_bits(x: Multiplicities, y: Multiplicities) -> float:
    """Return the mean plug-in entropy of pairs (x, y) over all ways to shuffle y against x.

    A pair of symbols counted a and b times meets m times with hypergeometric probability, so
    the mean is exact: no shuffle is drawn. Vinh, Epps & Bailey (2010), JMLR 11, 2837-2854.
    """
    T = n_samples(x)
    top = int(min(x.value.max(), y.value.max()))
    log_of = np.log(np.arange(top + 1.0), where=np.arange(top + 1) > 0, out=np.zeros(top + 1))
    met = x.times @ sum_shuffled(x.value, y.value, y.times, T, np.arange(top + 1) * log_of)
    return (math.log(T) - float(met) / T) / math.log(2.0)


@jit
def sum_shuffled(a: Codes, b: Codes, times_b: Codes, T: int, m_log_m: Floats) -> Floats:
    """Return for each a the sum of E[m log m] over all b, m ~ Hypergeometric(T, a, b)."""
    total = np.zeros(a.size)
    for i in range(a.size):
        for j in range(b.size):
            mode = (a[i] + 1) * (b[j] + 1) // (T + 2)
            rest = T - a[i] - b[j]
            # chances relative to the mode, out to both sides until they no longer count
            chance, norm, mean = 1.0, 1.0, m_log_m[mode]
            for m in range(mode, min(a[i], b[j])):
                chance *= (a[i] - m) * (b[j] - m) / ((m + 1) * (rest + m + 1))
                norm += chance
                mean += chance * m_log_m[m + 1]
                if chance < 1e-18:
                    break
            chance = 1.0
            for m in range(mode, max(0, -rest), -1):
                chance *= m * (rest + m) / ((a[i] - m + 1) * (b[j] - m + 1))
                norm += chance
                mean += chance * m_log_m[m - 1]
                if chance < 1e-18:
                    break
            total[i] += times_b[j] * mean / norm
    return total


def n_samples(seen: Multiplicities) -> int:
    return int(seen.value @ seen.times)


def n_seen_times(seen: Multiplicities, value: int) -> int:
    return int(seen.times[seen.value == value].sum())


def _plugin(seen: Multiplicities) -> float:
    p = seen.value / n_samples(seen)
    # adding zero turns -0.0 into 0.0
    return float(-(seen.times * p) @ np.log(p)) + 0.0


def _miller_madow(seen: Multiplicities) -> float:
    return _plugin(seen) + (int(seen.times.sum()) - 1) / (2 * n_samples(seen))


def _grassberger(seen: Multiplicities) -> float:
    m = seen.value
    G = psi(m) + np.where(m % 2 == 0, 0.5, -0.5) * (psi((m + 1) / 2) - psi(m / 2))
    T = n_samples(seen)
    return float(math.log(T) - (seen.times * m) @ G / T)


def _chao_shen(seen: Multiplicities) -> float:
    T, f1 = n_samples(seen), n_seen_times(seen, 1)
    # a coverage of 0 would leave nothing to estimate from
    p = seen.value / T * (1 - min(f1, T - 1) / T)
    if T == 1:
        return 0.0
    with np.errstate(divide="ignore"):
        missed = np.exp(T * np.log1p(-p))
    return float(-(seen.times * p * np.log(p) / (1 - missed)).sum()) + 0.0


def _chao_wang_jost(seen: Multiplicities) -> float:
    T, f1, f2 = n_samples(seen), n_seen_times(seen, 1), n_seen_times(seen, 2)
    H = float((seen.times * seen.value) @ (psi(T) - psi(seen.value))) / T
    if f1 == 0 or T == 1:
        return H
    A = 2 * f2 / ((T - 1) * f1 + 2 * f2) if f2 else 2 / ((T - 1) * (f1 - 1) + 2)
    return H if A >= 1 else H + f1 / T * _unseen(T, A)


def _unseen(T: int, A: float) -> float:
    """Return (1 - A)^(1-T) [-log A - sum_{r<T} (1 - A)^r / r] without its cancellation.

    It is the integral over s > 0 of exp(-s) q / (T (1 - q exp(-s/T))), q = 1 - A: by
    Gauss-Laguerre, or where the pole at -T A comes close, by its series in A.
    """
    if T * A > 1:
        s, weight = _laguerre()
        return float(weight @ ((1 - A) / (T * (A - (1 - A) * np.expm1(-s / T)))))
    k = np.arange(60)
    term = np.cumprod(np.append(1.0, (T + k[:-1]) / (k[:-1] + 1) * A))
    return float((1 - A) * term @ (psi(k + 1) - psi(T + k) - math.log(A)))


@cache
def _laguerre() -> tuple[Floats, Floats]:
    return np.polynomial.laguerre.laggauss(100)


_ESTIMATORS: dict[str, Callable[[Multiplicities], float]] = {
    "plugin": _plugin,
    "miller-madow": _miller_madow,
    "grassberger": _grassberger,
    "chao-shen": _chao_shen,
    "chao-wang-jost": _chao_wang_jost,
}


def _nsb(seen: Multiplicities, log_size: float) -> float:
    """Return the NSB posterior mean of the entropy in nats; `log_size` = log K.

    The integral runs over t = log kappa, kappa = K beta, where the integrand falls off
    exponentially on both sides: the trapezoidal rule converges faster than any power.
    """
    if log_size == 0:
        return 0.0
    first, last = -60.0, log_size + 60.0
    while True:
        t = np.linspace(first, last, 65)
        log_weight = _nsb_log_weight(t, seen, log_size)
        inside = np.flatnonzero(log_weight > log_weight.max() - 45)
        ends = t[max(inside[0] - 1, 0)], t[min(inside[-1] + 1, 64)]
        if ends[1] - ends[0] > 0.7 * (last - first):
            break
        first, last = ends
    before = math.inf
    for points in (2**k + 1 for k in range(6, 15)):
        t = np.linspace(first, last, points)
        log_weight = _nsb_log_weight(t, seen, log_size)
        weight = np.exp(log_weight - log_weight.max())
        H = float(weight @ _nsb_mean(t, seen, log_size) / weight.sum())
        if abs(H - before) < 1e-10 * max(1.0, H):
            return H
        before = H
    raise ConvergenceError(f"the NSB integral did not converge: {H} after {points} points")


def _nsb_log_weight(t: Floats, seen: Multiplicities, log_size: float) -> Floats:
    """Return log [likelihood x prior x dxi/dt] at t = log kappa, up to a constant."""
    log_beta = t - log_size
    # N log beta - N log kappa is constant: out with it, its rounding errors would count
    log_counts = _log_rising(log_beta[:, None], seen.value, log_size) @ seen.times
    log_total = _log_rising(t[:, None], np.array([n_samples(seen)]), 0.0)[:, 0]
    # the prior is flat in xi = psi(kappa + 1) - psi(beta + 1), so dxi/dt is the difference of
    # z psi'(z + 1) at kappa and at beta; for large z only its distance from 1 keeps its digits
    near = _slope(t) - _slope(log_beta)
    far = _slope_from_one(log_beta) - _slope_from_one(t)
    return np.asarray(log_counts - log_total + np.log(np.where(t > 0, far, near)))


def _nsb_mean(t: Floats, seen: Multiplicities, log_size: float) -> Floats:
    """Return the mean entropy in nats under the posterior of one Dirichlet prior."""
    log_beta = t - log_size
    log_total = np.logaddexp(math.log(n_samples(seen)), t)
    share = np.exp(np.logaddexp(np.log(seen.value), log_beta[:, None]) - log_total[:, None])
    unseen = np.exp(t - log_total) * -math.expm1(min(0.0, math.log(seen.times.sum()) - log_size))
    log_after = np.logaddexp(np.log(seen.value), log_beta[:, None])
    return np.asarray(
        _psi_after(log_total)
        - (share * _psi_after(log_after)) @ seen.times
        - unseen * _psi_after(log_beta)
    )


def _psi_after(log_z: Floats) -> Floats:
    """Return psi(z + 1) for z = exp(log_z) of any size."""
    return np.where(log_z > 40, log_z, psi(np.exp(np.minimum(log_z, 40.0)) + 1))


def _log_rising(log_z: Floats, m: Counts, shift: float) -> Floats:
    """Return log [Gamma(z + m) / Gamma(z)] - m log z - (m - 1) shift for z = exp(log_z), m >= 1."""
    switch = math.log(32.0)
    z = np.exp(np.minimum(log_z, switch))
    small = (1 - m) * (log_z + shift) + gammaln(z + m) - gammaln(z + 1)
    z = np.exp(np.clip(log_z, switch, 600.0))
    stirling = _stirling(z + m) - _stirling(z)
    large = (z + m - 0.5) * np.log1p(m / z) - m + stirling - (m - 1) * shift
    return np.asarray(np.where(log_z < switch, small, large))


def _stirling(z: Floats) -> Floats:
    """Return the correction to Stirling's formula for log Gamma(z), to 1e-15 for z >= 32."""
    w = (1 / z) ** 2
    return np.asarray((1 / 12 - (1 / 360 - (1 / 1260 - w / 1680) * w) * w) / z)


def _slope(log_z: Floats) -> Floats:
    """Return z psi'(z + 1) for z = exp(log_z) up to 1."""
    z = np.exp(np.minimum(log_z, 0.0))
    return np.asarray(z * polygamma(1, z + 1))


def _slope_from_one(log_z: Floats) -> Floats:
    """Return 1 - z psi'(z + 1) for z = exp(log_z) of any size."""
    z = np.exp(np.minimum(log_z, math.log(50.0)))
    near = 1 - z * polygamma(1, z + 1)
    w = np.exp(-np.maximum(log_z, math.log(50.0)))
    far = (0.5 - (1 / 6 - (1 / 30 - w**2 / 42) * w**2) * w) * w
    return np.asarray(np.where(log_z < math.log(50.0), near, far))
