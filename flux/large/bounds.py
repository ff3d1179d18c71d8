"""The flux of networks too large to enumerate, between a lower and an upper bound.

The kernel p(y | x) is known, and independent samples of the stationary law can be drawn. That is
enough for the bounds in the notes of `flux_interval`.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, log_expit

from flux._base.checks import check_count, check_rng
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.threads import share, thread_pool
from flux._base.types import Floats, Spins, Weights
from flux.exact.flux import exact_flux
from flux.exact.law import solve_small
from flux.exact.parts import Part
from flux.large.autoregressive import fit_autoregression, surprise
from flux.large.stationary_samples import draw_windows
from flux.model.information import field_entropy
from flux.model.states import encode, product_laws

EXACT = 13
"""Neurons of a part up to which it is solved exactly."""
TERMS = 5
"""Terms of the decoded lower bound."""
EVALUATED = 8192
"""Samples at most that are compared with all others, which is quadratic work."""
BLOCK = 8
"""Neurons of a block in the partition bound."""
RIDGES = (3e-3, 0.1)
"""Variances added to every predictor, of which the best on fresh samples is taken."""
CERTAIN = 50.0
"""Fields of a fitted law q at most: any q bounds the flux, and beyond single precision fails."""
LN2 = float(np.log(2.0))
_NORMAL = 1.96


class FluxInterval(NamedTuple):
    """A 95 % confidence interval of the information flux, in bits, from two bounds.

    Attributes
    ----------
    lower, upper : float
        Ends of the interval, 0 <= lower <= upper <= n: the bounds below, moved outwards by 1.96
        standard errors.
    lower_se, upper_se : float
        The standard errors, 0 where the flux is exact.
    limited_by : str
        Which bounds they are, and what limits them.
    lower_estimate, upper_estimate : float
        The estimated bounds themselves, E[lower_estimate] <= I <= E[upper_estimate]: by chance
        they may be negative, or cross where they are close.

    Examples
    --------
    >>> interval = flux_interval(np.zeros((20, 20)), rng=np.random.default_rng(1))
    >>> interval.lower, interval.upper, interval.limited_by
    (0.0, 0.0, 'nothing: exact')
    """

    lower: float
    upper: float
    lower_se: float
    upper_se: float
    limited_by: str
    lower_estimate: float
    upper_estimate: float


class _Bound(NamedTuple):
    value: float
    se: float
    name: str


def flux_interval(
    W: Weights,
    b: ArrayLike | None = None,
    *,
    rng: np.random.Generator,
    samples: int | None = None,
    progress: bool = True,
) -> FluxInterval:
    """Bound the information flux of a network of any size.

    Parts of up to 13 neurons, and N-rooks-like parts of any size, are solved exactly. For the
    others the tightest of the bounds below is taken. Half of the samples fit, the other half
    are averaged over. Burn-in and spacing follow the measured autocorrelation.

    Parameters
    ----------
    W : (n, n) array or scipy.sparse array
        Weights, W[i, j] from neuron j to neuron i.
    b : (n,) array, optional
        Biases; zero by default.
    rng : numpy.random.Generator
        Source of randomness.
    samples : int, optional
        Number of stationary samples of each part, at least 1000; by default 1.2e7 / n, from
        20 000 to 120 000.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    FluxInterval
        Ends of a 95 % confidence interval in bits per step, the standard errors, in words which
        bounds they come from and what limits them, and the estimated bounds.

    Warns
    -----
    UserWarning
        If chains disagree (split R-hat above 1.05): the network may be metastable.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    TooLargeError
        If the samples would not fit into memory.

    Notes
    -----
    Equations :eq:`eq-large-divergence`, :eq:`eq-large-kernel` and :eq:`eq-large-chain` of the
    book. With the known kernel p(y | x),

    - for any law q, I <= E[-log2 q(y)] - D, since the cross entropy is at least H. Here q is the
      mixture of the kernels of all samples, an autoregressive model, or blocks of neurons;
    - I >= E log2 [p(y | x) / mean of p(y | .) over x and K other states], at most log2 (K + 1):
      the contrastive bound;
    - I = sum_k I[x(t-k); x(t) | x(t-k-1)] with x(t) = y, and for any decoder r each term is at
      least E[log2 r(x(t-k) | x(t), x(t-k-1))] + D, because the entropy of x(t-k) given its
      predecessor is known: it is D. No sample size limits this decoded bound, but the decoder
      does.

    Each is an average over fresh samples that lies on its side of I, however well q and r were
    fitted.

    References
    ----------
    Barber & Agakov (2003), The IM algorithm; van den Oord, Li & Vinyals (2018),
    arXiv 1807.03748; McAllester & Stratos (2020), Formal limitations on the measurement of
    mutual information; Vehtari et al. (2021), Bayesian Analysis 16(2), 667-718.

    Examples
    --------
    >>> flux_interval([[0.0, 2.0], [2.0, 0.0]], rng=np.random.default_rng(1)).limited_by
    'nothing: exact'
    """
    check_rng(rng)
    if samples is not None:
        samples = check_count("samples", samples, 1000)
    law, large = solve_small(W, b, EXACT, progress=progress)
    if samples is None:
        samples = int(np.clip(12_000_000 // law.network.n, 20_000, 120_000))
    for part in large:
        n = len(part.neurons)
        needed = 1.5 * samples * n * (TERMS + 2) + 40.0 * samples * n + 64.0 * n * n
        check_memory(needed, f"{samples} samples of {n} neurons", "ask for fewer samples")
    lowers = [_Bound(exact_flux(law).I, 0.0, "exact")]
    uppers = lowers[:]
    with progress_bar("flux interval", 4 * len(large), show=progress) as bar:
        for part in large:
            best = _bounds(part, samples, rng, bar)
            lowers.append(best[0])
            uppers.append(best[1])
    low, low_se = _add(lowers)
    high, high_se = _add(uppers)
    ends = np.clip([low - _NORMAL * low_se, high + _NORMAL * high_se], 0.0, law.network.n)
    # bounds that contradict each other leave all between them open
    lower, upper = sorted(ends.tolist())
    limits = f"lower: {lowers[1].name}; upper: {uppers[1].name}" if large else "nothing: exact"
    return FluxInterval(lower, upper, low_se, high_se, limits, low, high)


def _add(bounds: list[_Bound]) -> tuple[float, float]:
    """Return the sum of independent bounds, and its standard error."""
    total = sum(bound.value for bound in bounds)
    return total, float(np.hypot.reduce([bound.se for bound in bounds]))


def _bounds(part: Part, samples: int, rng: np.random.Generator, bar: Any) -> tuple[_Bound, _Bound]:
    """Return the best lower and upper bound of a part."""
    W, b = part.W, part.b
    windows, _ = draw_windows(W, b, samples, TERMS + 2, rng)
    bar.update()
    chains, rounds, length, n = windows.shape
    middle = chains // 2
    train = windows[:middle].reshape(-1, length, n)
    # samples of one chain stand together, so that each standard error is that of chain means
    test = windows[middle:].reshape(-1, length, n)
    adding = field_entropy(test[:, -2] @ W.T + b).sum(1)
    few = slice(0, min(EVALUATED, len(test)) // rounds * rounds)
    mixture, contrast = _compare(W, b, train[:, -2], test[few])
    bar.update()
    fit, check = _split(train[:, -1])
    law = fit_autoregression(fit, check, biased=bool(b.any()))
    upper = [
        _average(mixture - adding[few], rounds, "mixture of kernels"),
        _average(surprise(law, test[:, -1]) - adding, rounds, "autoregression"),
        _average(_blocks(W, b, train[:, -2], test[:, -1]) - adding, rounds, "blocks"),
    ]
    bar.update()
    cap = np.log2(len(train) + 1)
    lower = [
        _average(
            contrast - adding[few], rounds, f"contrast, at most {cap:.1f} bits for this sample size"
        ),
        _average(_decoded(W, b, train, test), rounds, "decoder"),
    ]
    bar.update()
    return max(lower), min(upper)


def _average(values: Floats, rounds: int, name: str) -> _Bound:
    """Return the mean, with the standard error of the means of chains."""
    means = values.reshape(-1, rounds).mean(1)
    return _Bound(float(means.mean()), float(means.std(ddof=1) / np.sqrt(len(means))), name)


def _compare(W: Floats, b: Floats, others: Spins, pairs: Spins) -> tuple[Floats, Floats]:
    """Return -log2 of the mean of p(y | .) over the others, without and with the state x itself.

    log p(y | x) = y . u(x) / 2 - sum_i log 2 cosh(u_i(x) / 2) is a matrix product for all pairs.
    """
    u = _fields(W, b, others)
    weight = np.logaddexp(u / 2, -u / 2).sum(1).astype(np.float32)
    half = np.ascontiguousarray(u.T / 2, dtype=np.float32)
    own = log_expit(_fields(W, b, pairs[:, -2]) * pairs[:, -1]).sum(1)
    rest = np.empty(len(pairs))

    def sum_up(lo: int, hi: int) -> None:
        for block in range(lo, hi):
            rows = slice(16 * block, 16 * block + 16)
            scores = pairs[rows, -1].astype(np.float32) @ half - weight
            top = scores.max(1, keepdims=True)
            total = np.exp(scores - top).sum(1, dtype=np.float64)
            rest[rows] = top[:, 0] + np.log(total)

    with thread_pool() as pool:
        share(pool, sum_up, -(-len(pairs) // 16), 4)
    count = len(others)
    without, together = rest - np.log(count), np.logaddexp(rest, own) - np.log(count + 1)
    return -without / LN2, -together / LN2


def _fields(W: Floats, b: Floats, x: Spins) -> Floats:
    return np.clip(x @ W.T + b, -CERTAIN, CERTAIN)


def _blocks(W: Floats, b: Floats, others: Spins, test: Spins) -> Floats:
    """Return -log2 q(y) for q the product of the laws of blocks of neurons."""
    u = _fields(W, b, others)
    total = np.zeros(len(test))
    for start in range(0, len(b), BLOCK):
        block = slice(start, start + BLOCK)
        law = np.zeros(1 << len(b[block]))
        for rows in range(0, len(u), 4096):
            part = u[rows : rows + 4096, block]
            law += product_laws(expit(part), expit(-part)).sum(0)
        total -= np.log2(law / len(u))[encode(test[:, block])]
    return total


def _decoded(W: Floats, b: Floats, train: Spins, test: Spins) -> Floats:
    """Return for each test window the terms of the decoded bound that are worth adding."""
    total = np.zeros(len(test))
    for back in range(TERMS):
        gain, decoder = _fit_decoder(W, b, train, back)
        if gain <= 0:
            break
        total += decoder(test)
    return total


def _fit_decoder(
    W: Floats, b: Floats, train: Spins, back: int
) -> tuple[float, Callable[[Spins], Floats]]:
    """Return the gain of a decoder of the state `back` before x, and the function that has it.

    The decoder adds to the prior field of that state a linear reading of how y differs from
    what its predecessor foretold: one Newton step of the logistic regression from 0, then the
    best scale and shift for each neuron.
    """
    x, before = -2 - back, -3 - back

    def look(w: Spins) -> tuple[Floats, Floats]:
        u = w[:, before] @ W.T + b
        return u, w[:, -1] - _foretell(W, b, np.tanh(u / 2), back + 1)

    fit, check = _split(train)
    u, r = look(fit)
    mean = np.tanh(u / 2)
    scatter, together = r.T @ r / len(r), r.T @ (fit[:, x] - mean) / len(r)
    change = np.mean(1 - mean**2, axis=0) + 1e-12
    u_check, r_check = look(check)

    def fit_with(ridge: float) -> tuple[float, Callable[[Spins], Floats]]:
        reading = np.linalg.solve(scatter + ridge * np.eye(len(b)), together) / change
        scale, shift = _fit_logistic(r_check @ reading, check[:, x], u_check / 2)

        def gain(u: Floats, r: Floats, x: Spins) -> Floats:
            field = u + 2 * (shift + scale * (r @ reading))
            return field_entropy(u).sum(1) + log_expit(x * field).sum(1) / LN2

        mean_gain = float(gain(u_check, r_check, check[:, x]).mean())
        return mean_gain, lambda w: gain(*look(w), w[:, x])

    return max(map(fit_with, RIDGES), key=itemgetter(0))


def _foretell(W: Floats, b: Floats, m: Floats, steps: int) -> Floats:
    """Return the mean state some steps later, if fields are normal around their means."""
    for _ in range(steps):
        spread = (1 - m**2) @ (np.clip(W, -1e150, 1e150) ** 2).T
        m = np.tanh((m @ W.T + b) / 2 / np.sqrt(1 + np.pi / 16 * spread))
    return m


def _fit_logistic(f: Floats, x: Spins, offset: Floats) -> tuple[Floats, Floats]:
    """Fit E[x_i] = tanh(offset_i + a_i f_i + c_i) by Newton steps; return a and c."""
    a, c = np.ones(f.shape[1]), np.zeros(f.shape[1])
    for _ in range(8):
        m = np.tanh(offset + a * f + c)
        error, slope = x - m, 1 - m**2
        g0, g1 = error.mean(0), (error * f).mean(0)
        h00, h01, h11 = slope.mean(0), (slope * f).mean(0), (slope * f**2).mean(0)
        h00, h11 = h00 + 1e-6, h11 + 1e-6
        determinant = h00 * h11 - h01**2
        a = a + np.clip((h00 * g1 - h01 * g0) / determinant, -1, 1)
        c = c + np.clip((h11 * g0 - h01 * g1) / determinant, -1, 1)
    return a, c


def _split(train: Spins) -> tuple[Spins, Spins]:
    """Return three quarters to fit and one to check the fit."""
    cut = len(train) * 3 // 4
    return train[:cut], train[cut:]
