"""From a recording to a network: maximum likelihood of the kinetic Ising model."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flux._base.checks import check_choice, check_real
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.threads import thread_pool
from flux._base.types import Floats, Spins
from flux._base.warn import warn
from flux.recordings.logistic import (
    FLOOR,
    ROUGH,
    Regressions,
    independent,
    maximise,
    maximise_l1,
    recentre,
    regressions,
)
from flux.recordings.transitions import (
    FOLDS,
    gather,
    held_out,
    read_chains,
    split_by_lag,
    transitions,
)

Norm = Literal["l2", "l1"]
ENOUGH = 20_000
"""Held-out steps from which on one part of five is enough to judge by."""
PENALTIES = 10.0 ** np.arange(4.0, -2.1, -0.5)
"""Ridge penalties that are tried, from the largest on; of l1 so many times the largest useful."""
UNDETERMINED = 30.0
"""Standard error of a weight from which on the data do not bound it."""
SAMPLED, ENTRIES, FEWEST = 20_000, 2_000_000, 6
"""States that Fisher information is taken from: so many, fewer if n is large, but 6 n at least."""


class NetworkFit(NamedTuple):
    """A network fitted to a recording, with standard errors and how well it foretells.

    Attributes
    ----------
    W : (n, n) float64
        Weights, W[i, j] from neuron j to neuron i.
    b : (n,) float64
        Biases.
    W_se, b_se : float64 arrays of the same shapes
        Standard errors.
    log_likelihood : float
        Mean of log2 p(x(t + lag) | x(t)) over all transitions, in bits per step: minus what the
        next state adds on average, in the eyes of the fit.
    heldout : float
        The same over steps that were not fitted to, by networks fitted to the others.
    independent : float
        The same as `heldout` for neurons without couplings, of constant rate. The difference is
        what the couplings foretell.
    penalty : float
        The penalty, chosen or given.
    norm : str
        What was penalized: ``l2`` or ``l1``.
    transitions : int
        Number of transitions fitted to.
    undetermined : tuple of int
        Neurons that no finite weights fit best, and which a ridge of at least 1 therefore
        holds.

    Examples
    --------
    >>> from flux import simulate
    >>> W = np.array([[0.0, 1.0], [-2.0, 0.5]])
    >>> fit = fit_network(simulate(W, 5000, rng=np.random.default_rng(1)), penalty=0)
    >>> bool(np.all(np.abs(fit.W - W) < 3 * fit.W_se)), fit.heldout > fit.independent
    (True, True)
    """

    W: Floats
    b: Floats
    W_se: Floats
    b_se: Floats
    log_likelihood: float
    heldout: float
    independent: float
    penalty: float
    norm: Norm
    transitions: int
    undetermined: tuple[int, ...]


def fit_network(
    x: ArrayLike,
    *,
    lag: int = 1,
    penalty: float | None = None,
    norm: Norm = "l2",
    progress: bool = True,
) -> NetworkFit:
    """Fit the weights and biases of a network to a recording of its states.

    With u(t) = W x(t) + b and y(t) = x(t + lag), the penalized log-likelihood ::

        L(W, b) = sum_t sum_i log sigma(y_i(t) u_i(t)) - penalty * R(W),

    R = ``sum_ij W_ij^2 / 2`` (l2) or ``sum_ij |W_ij|`` (l1), is concave: a logistic regression
    for each neuron, all on the same states. Biases are not penalized. Equation
    :eq:`eq-fit-likelihood` of the book.

    Parameters
    ----------
    x : (steps, n) or (chains, steps, n) array of -1 and +1, or a list of (steps, n) arrays
        Recorded states. Chains, such as trials, may differ in length; no transition leads from
        one to the next.
    lag : int
        Number of steps of the recording that make one step of the network.
    penalty : float, optional
        Strength of the penalty; 0 for plain maximum likelihood. By default that of the
        highest likelihood on held-out blocks of time, the same for all neurons.
    norm : {"l2", "l1"}
        What is penalized: squares (ridge), or magnitudes, which sets weak weights to 0.
    progress : bool
        Whether a fit of more than two seconds shows a progress bar.

    Returns
    -------
    NetworkFit
        Weights, biases, standard errors, likelihoods in bits per step, and the penalty.

    Warns
    -----
    UserWarning
        If neurons never, or always, are on, or are foretold without error, so that the likelihood
        has its supremum at infinite weights: they are named, and held by a ridge of at
        least 1, their biases too.

    Raises
    ------
    ValueError
        If an argument is of wrong shape or value.
    TooLargeError
        If the fit would not fit into memory.
    ConvergenceError
        If the maximum is not reached.

    Notes
    -----
    Standard errors are roots of the diagonal of (F_i + penalty)^-1, with F_i the Fisher
    information of row i; with l1 they are those of the likelihood alone, and do not know of the
    selection. They hold for autocorrelated recordings too, as the score of a Markov chain is a
    martingale. With a lag above 1 there are `lag` interleaved recordings that tell nearly
    the same, and the errors are those of one. Of more than 40 000 states (for n up
    to 100) F_i is taken from 20 000, for larger n from fewer, but at least 6 n: this moves
    standard errors by a few percent.

    Held out are four blocks of time, spread over the recording, in turn for each fifth, or for
    one fifth if that has 20 000 steps. The held-out likelihood is that of the chosen penalty, a
    little flattered by the choice.

    References
    ----------
    Roudi & Hertz (2011), Physical Review Letters 106, 048702; Hoerl & Kennard (1970),
    Technometrics 12, 55-67; Tibshirani (1996), J. R. Stat. Soc. B 58, 267-288.

    Examples
    --------
    >>> from flux import simulate
    >>> x = simulate([[0.0, 3.0], [-3.0, 0.0]], 5000, rng=np.random.default_rng(1))
    >>> fit_network(x, penalty=1.0).W[0, 1].round(1)
    np.float64(2.9)
    """
    chains, lag = read_chains(x, lag)
    check_choice("norm", norm, ("l2", "l1"))
    if penalty is not None:
        penalty = check_real("penalty", penalty, 0.0)
    n = chains[0].shape[1]
    X, Y = transitions(split_by_lag(chains, lag))
    check_memory(16.0 * X.size + 400.0 * n * n, f"the fit of {X.shape} states", "fit parts of x")
    with thread_pool() as pool, progress_bar("fit", unit="fit", show=progress) as bar:
        best = _by_held_out(X, Y, penalty, norm, pool, bar)
        r = regressions(gather(X, Y), pool)
        A, C, value, bad = _fit(r, best.penalty, norm, recentre(best.start, 0 * r.mean, r.mean))
        W, b = A[:, :-1], recentre(A, r.mean, 0 * r.mean)[:, -1]
    if bad:
        warn(_undetermined_text(bad, r))
    se, bits = np.sqrt(lag * C), float(value / r.total / np.log(2.0))
    return NetworkFit(
        W, b, se[:, :-1], se[:, -1], bits, best.heldout, best.independent, best.penalty, norm,
        r.total, tuple(bad),
    )  # fmt: skip


def _fit(
    r: Regressions, penalty: float, norm: Norm, start: Floats
) -> tuple[Floats, Floats, float, list[int]]:
    """Return A, the variances of W and b, the log-likelihood, and who is not determined."""
    A = ascend(r, penalty, norm, start)
    point = r.at(A)
    ridge = np.full(A.shape, FLOOR)
    ridge[:, :-1] = max(penalty, FLOOR) if norm == "l2" else FLOOR
    ridge[r.constant()] = max(penalty, 1.0)
    C, doubt = _variances(r, point.w, ridge)
    bad = np.flatnonzero(doubt > UNDETERMINED**2)
    if len(bad):
        A[bad], part = _hold(r.of(bad), penalty), r.of(bad)
        C[bad] = _variances(
            part, part.at(A[bad]).w, np.full((len(bad), len(A) + 1), max(penalty, 1.0))
        )[0]
        point = r.at(A)
    return A, C, float(point.value.sum()), np.union1d(bad, np.flatnonzero(r.constant())).tolist()


def ascend(
    r: Regressions, penalty: float, norm: Norm, start: Floats, accuracy: float = 0.0
) -> Floats:
    """Return A of the largest penalized log-likelihood, sought from `start`.

    Neurons that never change, whose biases have no finite best, are held by a ridge.
    """
    A, constant = start.copy(), r.constant()
    if constant.any():
        A[constant] = _hold(r.of(constant), penalty)
    if constant.all():
        return A
    rest = r.of(~constant) if constant.any() else r
    if norm == "l1" and penalty > 0:
        A[~constant] = maximise_l1(rest, penalty, A[~constant], accuracy=accuracy)
    else:
        A[~constant] = maximise(rest, penalty, A[~constant], accuracy=accuracy)
    return A


def _hold(r: Regressions, penalty: float) -> Floats:
    """Return the fit of neurons for which no finite weights are best, biases penalized as well."""
    return maximise(r, max(penalty, 1.0), independent(r), floor=max(penalty, 1.0))


def _variances(r: Regressions, w: NDArray[Any], ridge: Floats) -> tuple[Floats, Floats]:
    """Return the variances of W and b of each neuron, and the largest of any field there is.

    They are the diagonal of the inverse of F + ridge. Senders that never change, or copy one
    another, leave weights undetermined, but no field.
    """
    rows, n = r.data.X.shape
    enough = max(FEWEST * n, min(SAMPLED, ENTRIES // n))
    sample: Any = slice(0, rows)
    if rows > 2 * enough:  # an even sequence without a period
        sample = np.unique((np.arange(enough) * 0.6180339887498949 % 1 * rows).astype(np.int64))
    z, taken = r.design(sample), w[sample]
    mass, spread = w.sum(0, dtype=float), np.linalg.eigh(r.covariance)
    Q = spread[1][:, spread[0] > 1e-9]
    back = np.append(-r.mean, 1.0)  # b = c - W m

    def invert(i: int) -> tuple[Floats, float]:
        F = ((taken[:, i, None] * z).T @ z).astype(float)
        inverse = np.linalg.inv(F * (mass[i] / F[-1, -1]) + np.diag(ridge[i]))
        # the inverse of a matrix from few states is too large
        inverse *= 1 - (n + 1) / len(z) if len(z) < rows else 1.0
        C = np.diag(inverse).copy()
        C[-1] = back @ inverse @ back
        doubt = ((inverse[:-1, :-1] @ Q) * Q).sum(0).max(initial=inverse[-1, -1])
        return C, float(doubt)

    found = (r.pool.map if n > 30 else map)(invert, range(len(ridge)))
    C, doubt = zip(*found, strict=True)
    return np.array(C), np.array(doubt)


class _Best(NamedTuple):
    penalty: float
    heldout: float
    independent: float
    start: Floats


def _by_held_out(
    X: Spins,
    Y: Spins,
    penalty: float | None,
    norm: Norm,
    pool: ThreadPoolExecutor,
    bar: Any,
) -> _Best:
    """Return the penalty, its likelihood and that of independent neurons, and a fit [W | b]."""
    steps = len(X)
    folds = min(FOLDS, int(np.ceil(FOLDS * ENOUGH / steps)))
    parts = []
    for fold in range(folds):
        out = held_out(steps, fold)
        parts.append([regressions(gather(X[k], Y[k]), pool) for k in (~out, out)])
    bits = sum(test.total for _, test in parts) * np.log(2.0)
    fits = [independent(train) for train, _ in parts]

    def score(fits: list[Floats]) -> float:
        values = [
            test.at(recentre(A, train.mean, test.mean)).value.sum()
            for A, (train, test) in zip(fits, parts, strict=True)
        ]
        return float(sum(values) / bits)

    alone = score(fits)
    grid = PENALTIES if penalty is None else np.array([penalty])
    if norm == "l1" and penalty is None:
        slopes = [train.at(A).gradient[:, :-1] for A, (train, _) in zip(fits, parts, strict=True)]
        grid = PENALTIES / PENALTIES[0] * max(np.abs(slope).max() for slope in slopes)
    best, worse = _Best(np.nan, -np.inf, alone, fits[0]), 0
    for tried in grid.tolist():
        fits = [
            ascend(train, tried, norm, A, ROUGH) for A, (train, _) in zip(fits, parts, strict=True)
        ]
        bar.update(folds)
        found = score(fits)
        worse = 0 if found > best.heldout else worse + 1
        if not worse:
            mean = parts[0][0].mean
            best = _Best(tried, found, alone, recentre(fits[0], mean, 0 * mean))
        if worse == 2:
            break
    return best


def _undetermined_text(bad: list[int], r: Regressions) -> str:
    on = r.data.on.sum(0, dtype=np.int64)
    kinds = {
        "never on": [i for i in bad if on[i] == 0],
        "always on": [i for i in bad if on[i] == r.total],
        "foretold without error in some states": [i for i in bad if 0 < on[i] < r.total],
    }
    listed = "; ".join(
        f"{what}: {', '.join(map(str, which[:20]))}{' ...' if len(which) > 20 else ''}"
        for what, which in kinds.items()
        if which
    )
    return (
        f"no finite weights fit best for {len(bad)} of {len(on)} neurons ({listed}): their weights"
        " are held by a ridge, and say little but their sign; record for longer, give a"
        " larger penalty, or leave these neurons out"
    )
