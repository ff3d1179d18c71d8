"""The flux of a network too large to enumerate as a number, with what it may be off by.

D is an average over states, so that only the entropy H of the stationary law is to be
approximated: from the correlations of pairs, or by an autoregressive law.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma, log_expit

from flux._base.checks import check_choice, check_count, check_rng
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.threads import thread_pool
from flux._base.types import Floats, Spins, Weights
from flux.exact.flux import entropies, exact_flux
from flux.exact.law import Law, PartLaw, read, solve_parts, solve_small, unfolded
from flux.exact.parts import Part
from flux.large.autoregressive import ROWS, fit_autoregression, surprise
from flux.large.bounds import EXACT
from flux.large.stationary_samples import ROUNDS, draw_windows
from flux.model.information import binary_entropy, field_entropy
from flux.model.states import all_states

QUICK = 20_000
"""Samples for correlations of pairs alone."""
SHARES = (0.6, 0.75)
"""Samples up to which a law is fitted, and up to which it is chosen; the rest is fresh."""
DOUBTFUL = 0.1
"""Share of the flux that the formula may be off by without a word."""
LN2 = float(np.log(2.0))

Method = Literal["autoregressive", "gaussian"]


class ApproximateFlux(NamedTuple):
    """The approximate information flux, in bits per step, I = H - D.

    Attributes
    ----------
    I, H, D : float
        Flux, entropy of the states, and the entropy that a step adds.
    I_se : float
        Standard error of sampling; 0 from a solved law.
    I_error : float
        What the formula itself may be off by, beyond that: an estimate.
    upper, upper_se : float
        An upper bound of the flux, estimated on states that fitted nothing, and its standard
        error: the flux is less than `upper` + 3 `upper_se` with 99.9 % confidence.
    gaussian : float
        The quick form: the flux from correlations of pairs alone.
    doubt : str
        Why the numbers are not to be trusted, in words; empty where nothing speaks against them.

    Examples
    --------
    >>> W = np.kron(np.eye(9), [[0.0, 2.0], [2.0, 0.0]])
    >>> round(approximate_flux(W, rng=np.random.default_rng(1)).I, 4)
    8.5128
    """

    I: float
    H: float
    D: float
    I_se: float
    I_error: float
    upper: float
    upper_se: float
    gaussian: float
    doubt: str


def approximate_flux(
    W: Weights | Law,
    b: ArrayLike | None = None,
    *,
    rng: np.random.Generator,
    method: Method = "autoregressive",
    samples: int | None = None,
    progress: bool = True,
) -> ApproximateFlux:
    """Approximate the information flux of a network of any size.

    Parts of up to 13 neurons, and N-rooks-like parts of any size, are exact. Of the others
    stationary states are sampled; of a `Law`, all states are known.

    Parameters
    ----------
    W : (n, n) array, scipy.sparse array or Law
        Weights, W[i, j] from neuron j to neuron i. Of a network that is solved already no part
        is taken as exact: what remains is the error of the formula alone.
    b : (n,) array, optional
        Biases; zero by default.
    rng : numpy.random.Generator
        Source of randomness.
    method : {"autoregressive", "gaussian"}
        How H is found: by an autoregressive law, or, in a second, from correlations of pairs.
    samples : int, optional
        Number of stationary states of each part, at least 1000; by default 20 000 for
        "gaussian", else 1.2e7 / n, from 20 000 to 120 000.
    progress : bool
        Whether a run of more than two seconds shows a progress bar.

    Returns
    -------
    ApproximateFlux
        Flux, entropies, errors, an upper bound, and doubts in words.

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
    With means m and the equal-time correlations R of the neurons that change at all,

    - "gaussian" takes H = sum_i h2((1 + m_i) / 2) + log2 det R / 2, as if only correlations of
      pairs counted, and these as among normal variables. Equation :eq:`eq-large-gaussian` of
      the book. It may be off by about (log2 det R / 2)**2 / n;
    - "autoregressive" fits q(x) = prod_i q(x_i | x_0, ..., x_i-1) with logistic factors, whose
      fields are linear and have products of two (with bias) and three earlier spins besides.
      H <= -E log2 q on fresh states is the bound, equation :eq:`eq-large-autoregressive`, or
      that of independent neurons where it is lower. H is the mean of fitted and fresh states,
      in which what fitting noise gains and loses cancels. It may be off by about half of what
      the products gained. Where that is no more than chance, it may be off by as much as
      "gaussian", which takes its place if the two differ by more: with many neurons and few
      samples the law fits noise.

    The bias of log det R of T sampled states is taken out, sum_i psi((T - i) / 2) - psi((T - 1)
    / 2) with i from 1 to n, and so is that of h2, -1 / (2 T ln 2) each.

    References
    ----------
    Cover & Thomas (2006), Elements of information theory, for the bound by cross entropy;
    Goodman (1963), Ann. Math. Stat. 34, 178-180, and Cai, Liang & Zhou (2015), J. Multivariate
    Anal. 137, 161-172, for the log determinant.

    Examples
    --------
    >>> from flux import gaussian_weights, solve
    >>> law = solve(gaussian_weights(8, rng=np.random.default_rng(1), width=0.5))
    >>> found = approximate_flux(law, rng=np.random.default_rng(2))
    >>> f"{found.I:.3f} {found.upper:.3f} {found.gaussian:.3f} {exact_flux(law).I:.3f}"
    '1.266 1.266 1.266 1.266'
    """
    check_rng(rng)
    check_choice("method", method, ("autoregressive", "gaussian"))
    if samples is not None:
        samples = check_count("samples", samples, 1000)
    if isinstance(W, Law):
        law = solve_parts(read(W, b))
        known: list[PartLaw] = list(law.parts)
        sampled: list[Part] = []
        law = Law(law.network, ())
    else:
        known = []
        law, sampled = solve_small(W, b, EXACT, progress=progress)
    n = law.network.n
    if samples is None:
        samples = QUICK if method == "gaussian" else int(np.clip(12_000_000 // n, QUICK, 120_000))
    for part in sampled:
        size = len(part.neurons)
        needed = 60.0 * samples * size + 64.0 * size**2
        check_memory(needed, f"{samples} samples of {size} neurons", "ask for fewer samples")
    exact = exact_flux(law)
    found = [ApproximateFlux(*exact, 0.0, 0.0, exact.I, 0.0, exact.I, "")]
    with progress_bar("approximate flux", len(sampled) + len(known), show=progress) as bar:
        for solved in known:
            found.append(_from_law(solved, method))
            bar.update()
        for part in sampled:
            found.append(_from_samples(part, samples, method, rng))
            bar.update()
    return _add(found)


def _add(parts: list[ApproximateFlux]) -> ApproximateFlux:
    """Return the flux of independent parts: errors of sampling add up as squares."""
    I, H, D, _, I_error, upper, _, gaussian = np.sum([p[:-1] for p in parts], axis=0).tolist()
    I_se, upper_se = np.hypot.reduce([(part.I_se, part.upper_se) for part in parts]).tolist()
    doubt = "; ".join(dict.fromkeys(part.doubt for part in parts if part.doubt))
    return ApproximateFlux(I, H, D, I_se, I_error, upper, upper_se, gaussian, doubt)


def _from_law(solved: PartLaw, method: Method) -> ApproximateFlux:
    """Return the approximate flux of a part whose stationary law is known."""
    pi = unfolded(solved)
    _, D = entropies(solved.pi, solved.chain.u, solved.chain.folded)
    x = all_states(len(solved.part.neurons))[pi > 0]
    pi = pi[pi > 0]
    biased = bool(solved.part.b.any())
    alone, pairs, _ = _pair_entropy(x, pi)
    I = gaussian = alone + pairs - D
    error, upper = pairs**2 / len(solved.part.b), alone - D
    if method == "autoregressive":
        law = fit_autoregression(x, x, biased=biased, weights=pi)
        linear, full = (float(pi @ surprise(q, x)) for q in (law._replace(products=()), law))
        I = upper = full - D
        error = (linear - full) / 2
    return _judged(I, I + D, D, 0.0, error, upper, 0.0, gaussian, "")


def _from_samples(
    part: Part, samples: int, method: Method, rng: np.random.Generator
) -> ApproximateFlux:
    """Return the approximate flux of a part from samples of its states."""
    W, b = part.W, part.b
    windows, doubt = draw_windows(W, b, samples, 2, rng)
    # samples of one chain stand together, so that each standard error is that of chain means
    x, y = (windows[:, :, k].reshape(-1, len(b)) for k in (0, 1))
    T, n = y.shape
    D, noise = _entropy_added(W, b, x, y)
    alone, pairs, influence = _pair_entropy(y, np.full(T, 1 / T))
    alive = influence.alive
    alone += alive / (2 * T * LN2)
    lost = digamma((T - np.arange(1, alive + 1)) / 2) - digamma((T - 1) / 2)
    pairs -= float(lost.sum()) / (2 * LN2)
    every = slice(0, T)
    steady = influence.values - D - _follow(influence.values - D, noise, every) * noise
    mean_D = float(D.mean())
    independent = alone + float(steady.mean() - influence.values.mean())
    gaussian, pairs_se = independent + pairs, _chain_se(steady)
    if method == "gaussian":
        values = gaussian, gaussian + mean_D, mean_D, pairs_se, pairs**2 / n, independent, pairs_se
        return _judged(*values, gaussian, doubt)
    fitted, chosen = (int(share * len(windows)) * ROUNDS for share in SHARES)
    old, fresh = slice(0, fitted), slice(chosen, T)
    law = fit_autoregression(y[:fitted], y[fitted:chosen], biased=bool(b.any()))
    H = surprise(law, y)
    gain = surprise(law._replace(products=()), y) - H
    steady = H - D - _follow(H - D, noise, old) * noise
    I, gained = (float(v[old].mean() + v[fresh].mean()) / 2 for v in (steady, gain))
    upper_se = _chain_se(steady[fresh])
    se = float(np.hypot(_chain_se(steady[old]), upper_se)) / 2
    error = gained / 2
    if gained <= 3 * se:
        # the law says what pairs say; where it differs by more than these are off, it fits noise
        error = pairs**2 / n
        if abs(I - gaussian) > error + 3 * se:
            I, se = gaussian, pairs_se
    bound = float(steady[fresh].mean()), upper_se
    if np.isfinite(pairs):
        bound = min(bound, (independent, pairs_se))
    return _judged(I, I + mean_D, mean_D, se, error, *bound, gaussian, doubt)


def _follow(values: Floats, noise: Floats, rows: slice) -> float:
    """Return how much of a noise of mean 0 is in values: without it their mean is steadier."""
    values, noise = values[rows], noise[rows]
    return float((values - values.mean()) @ noise / max(noise @ noise, 1e-300))


def _judged(*values: Any) -> ApproximateFlux:
    found = ApproximateFlux(*values)
    if found.I_error <= DOUBTFUL * abs(found.I) or found.I_error < 3 * found.I_se:
        return found
    strong = "neurons depend so strongly on one another that the formula is a guess"
    return found._replace(doubt="; ".join(filter(None, [found.doubt, strong])))


class _Influence(NamedTuple):
    """What each state adds to the entropy, to first order; how many neurons change at all."""

    values: Floats
    alive: int


def _pair_entropy(x: Spins, w: Floats) -> tuple[float, float, _Influence]:
    """Return sum_i h2((1 + m_i) / 2) and log2 det R / 2 of states x of probabilities w."""
    m = w @ x
    alive = np.flatnonzero(np.abs(m) < 1)
    m = m[alive]
    z = (x[:, alive] - m) / np.sqrt(1 - m**2)
    R = z.T @ (w[:, None] * z)
    alone = float(binary_entropy((1 + m) / 2).sum())
    sign, log_det = np.linalg.slogdet(R)
    if sign <= 0 or not np.isfinite(log_det):
        return alone, -np.inf, _Influence(np.zeros(len(x)), len(alive))
    slope = np.log2((1 - m) / (1 + m)) / 2 * np.sqrt(1 - m**2)
    inner = ((z @ np.linalg.inv(R)) * z).sum(1) - (z**2).sum(1)
    return alone, float(log_det) / (2 * LN2), _Influence(z @ slope + inner / (2 * LN2), len(alive))


def _entropy_added(W: Floats, b: Floats, x: Spins, y: Spins) -> tuple[Floats, Floats]:
    """Return sum_i h2(sigma(u_i)) of each state x, and by how much -log2 p(y | x) is less."""

    def block(start: int) -> tuple[Floats, Floats]:
        rows = slice(start, start + ROWS)
        u = x[rows] @ W.T + b
        added = np.asarray(field_entropy(u).sum(1))
        return added, added + log_expit(u * y[rows]).sum(1) / LN2

    field_entropy(0.0)  # compiled here, or each thread would
    with thread_pool() as pool:
        parts = list(pool.map(block, range(0, len(x), ROWS)))
    added, noise = (np.concatenate(values) for values in zip(*parts, strict=True))
    return added, noise


def _chain_se(values: Floats) -> float:
    """Return the standard error of a mean from those of chains."""
    means = values.reshape(-1, ROUNDS).mean(1)
    return float(means.std(ddof=1) / np.sqrt(len(means)))
