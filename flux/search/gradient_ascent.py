"""Gradient ascent of the flux under a bound on the weights, from one or many starts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize

from flux._base.checks import check_choice, check_count, check_floats, check_real, check_rng
from flux._base.errors import ArgumentError
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.threads import single_blas
from flux._base.types import Codes, Floats
from flux.exact.gradient import flux_gradient

Norm = Literal["entry", "l1", "l2", "frobenius"]
NORMS = get_args(Norm)
MEMORY = 10
"""Former values that a step of the projected gradient may fall back to at worst."""
SUFFICIENT = 1e-4
"""Share of the gain promised by the slope that a step must bring."""
SHORTEST = 1e-10
"""Share of a step at which shortening it ends."""
FARTHEST = 100.0
"""Largest move before projection, in units of the bound: farther ones lose digits to rounding."""
ROUNDED = 1 + 1e-12
"""Factor by which a matrix may exceed a bound, as one scaled to it may."""
STRONGEST = 1e100
"""Largest bound: sums of squares, and fields, stay finite."""
ROUGH = 0.01
"""Tolerance, in bits per unit of weight, at which the moderate bound is left for the full one."""


class Runs(NamedTuple):
    """Where every start ended, in the order of the starts: arrays with one entry for each."""

    I: Floats
    W: Floats
    evaluations: Codes


class Ascent(NamedTuple):
    """The best matrix of an ascent, and where every start ended.

    Attributes
    ----------
    W : (n, n) float64
        The best matrix.
    I : float
        Its flux in bits.
    evaluations : int
        Evaluations of flux and gradient, of all starts together.
    runs : Runs
        The end of each start, in their order: arrays I, W and evaluations.

    Examples
    --------
    >>> W0, rng = [[0.3, 0.1], [-0.1, 0.4]], np.random.default_rng(1)
    >>> found = ascend(W0, bound=2.0, starts=3, rng=rng)
    >>> found.runs.W.shape, found.runs.I.max() == found.I
    ((3, 2, 2), np.True_)
    """

    W: Floats
    I: float
    evaluations: int
    runs: Runs


def ascend(
    W0: ArrayLike,
    *,
    bound: float,
    norm: Norm = "entry",
    starts: int = 1,
    rng: np.random.Generator | None = None,
    jobs: int = 1,
    target: float = np.inf,
    tolerance: float = 1e-7,
    max_evaluations: int = 1000,
    moderate: float = 4.0,
    progress: bool = True,
) -> Ascent:
    """Climb to a local maximum of the flux I[x(t); x(t+1)] under a bound on the weights.

    It follows the exact gradient, equation :eq:`eq-gradient` of the book.

    The norm that must not exceed `bound` is ``max_ij |W_ij|`` ("entry"), ``sum_j |W_ij|`` of each
    row ("l1"), ``sqrt(sum_j W_ij**2)`` of each row ("l2") or ``sqrt(sum_ij W_ij**2)``
    ("frobenius"). The entry bound is left to L-BFGS-B, the others to the spectral projected
    gradient method.

    Strong weights saturate the neurons, and the gradient fades. A start within a moderate bound
    therefore climbs under that first. The matrix it reaches is scaled up to the full bound, and
    the climb goes on from there; if it ends lower than it has been, it goes on from its best.

    A start that the gradient cannot leave ends where it began: W0 = 0, and any matrix whose
    symmetries the optimum lacks. Further starts are random: normal directions, with norms from
    0 to the moderate bound or, if it is smaller, to the full one.

    Parameters
    ----------
    W0 : (n, n) array
        First start, within the bound.
    bound : float
        Largest allowed norm, above 0 and at most 1e100.
    norm : {"entry", "l1", "l2", "frobenius"}
        What must not exceed the bound.
    starts : int
        Number of starts, `W0` among them.
    rng : numpy.random.Generator, optional
        Draws the other starts; needed if there are any.
    jobs : int
        Number of processes that share the starts; the result does not depend on it.
    target : float
        Flux in bits at which a run ends at once.
    tolerance : float
        A run has converged if no entry moves by more than this along the projected gradient
        (bits per unit of weight).
    max_evaluations : int
        Evaluations of flux and gradient after which a run ends.
    moderate : float
        The moderate bound is the norm of N-rooks of this strength, above 0. Starts beyond it
        climb under the full bound at once.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    Ascent
        Best matrix and its flux, number of evaluations, and the end of every run.

    Raises
    ------
    ValueError
        If an argument is out of its range, or W0 exceeds the bound.
    TooLargeError
        If the gradient would not fit into memory.
    ConvergenceError
        If a network on the way mixes too slowly for its gradient (see `flux_gradient`).

    References
    ----------
    Byrd, Lu, Nocedal & Zhu (1995), SIAM Journal on Scientific Computing 16, 1190-1208;
    Birgin, Martínez & Raydan (2000), SIAM Journal on Optimization 10, 1196-1211.

    Examples
    --------
    >>> found = ascend([[0.3, 0.1], [-0.1, 0.4]], bound=2.0, norm="l1")
    >>> print(f"{found.I:.4f}")
    0.9459
    >>> print(np.abs(found.W).round(3))
    [[2. 0.]
     [0. 2.]]
    """
    first = check_floats("W0", W0)
    if first.ndim != 2 or first.shape[0] != first.shape[1] or first.size == 0:
        raise ArgumentError(f"W0 must have shape (n, n) with n >= 1, but had shape {first.shape}")
    n = len(first)
    bound = check_real("bound", bound, 0.0, STRONGEST)
    if bound == 0:
        raise ArgumentError("bound must be above 0, but was 0")
    check_choice("norm", norm, NORMS)
    starts = check_count("starts", starts, 1)
    jobs = check_count("jobs", jobs, 1)
    tolerance = check_real("tolerance", tolerance, 0.0)
    max_evaluations = check_count("max_evaluations", max_evaluations, 1)
    moderate = check_real("moderate", moderate, 0.0)
    if moderate == 0:
        raise ArgumentError("moderate must be above 0, but was 0")
    low = min(bound, moderate * (np.sqrt(n) if norm == "frobenius" else 1.0))
    if not isinstance(target, float) or np.isnan(target):
        target = check_real("target", target, -np.inf)
    with np.errstate(over="ignore"):
        reached = _norms(first, norm).max()
    if not reached <= bound * ROUNDED:
        raise ArgumentError(
            f"W0 must stay within the bound {bound:g}, but its norm was {reached:g}"
        )
    check_memory(16.0 * n * n * starts, f"{starts} starts of {n} x {n} weights", "ask for fewer")
    points = [first]
    if starts > 1:
        points += _random_starts(n, low, norm, starts - 1, check_rng(rng))

    options = (low, bound, norm, target, tolerance, max_evaluations)
    is_one = starts == 1
    total, unit = (None, "evaluation") if is_one else (starts, "start")
    ends = []
    with progress_bar("ascent", total, unit=unit, show=progress) as bar:
        for end in _share(jobs, points, options, bar.update if is_one else bool):
            ends.append(end)
            bar.update(not is_one)
    W, I, evaluations = zip(*ends, strict=True)
    best = int(np.argmax(I))
    runs = Runs(np.array(I), np.array(W), np.array(evaluations))
    return Ascent(W[best], I[best], int(sum(evaluations)), runs)


def _share(
    jobs: int, points: list[Floats], options: tuple[Any, ...], tick: Callable[[], object]
) -> Any:
    """Yield the end of each start, in their order; `tick` is called after each evaluation here."""
    if min(jobs, len(points)) == 1:
        return (_climb(W, tick, *options) for W in points)
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", inner_max_num_threads=1):
        pool = Parallel(n_jobs=min(jobs, len(points)), return_as="generator")
        return pool(delayed(_climb)(W, bool, *options) for W in points)


class _Enough(Exception):
    """Target or last evaluation reached; no optimizer knows another way to end at once."""


class _Loss:
    """Minus the flux and minus its slope, as functions of the flat weights.

    The best matrix and the number of evaluations are kept, and the last values: optimizers ask
    for them again.
    """

    def __init__(
        self, W: Floats, target: float, max_evaluations: int, tick: Callable[[], object]
    ) -> None:
        self.target, self.max_evaluations, self.tick = target, max_evaluations, tick
        self.best_W, self.best_I, self.evaluations = W, -np.inf, 0
        self.last, self.known = np.empty(0), (0.0, np.empty(0))

    def __call__(self, flat: Floats) -> tuple[float, Floats]:
        """Return value and slope, or raise _Enough."""
        if np.array_equal(flat, self.last):
            return self.known
        W = flat.reshape(self.best_W.shape)
        flux, dW, _ = flux_gradient(W)
        self.evaluations += 1
        self.tick()
        if flux.I > self.best_I:
            self.best_I, self.best_W = flux.I, W.copy()
        if self.best_I >= self.target or self.evaluations == self.max_evaluations:
            raise _Enough
        self.last, self.known = flat.copy(), (-flux.I, -dW.ravel())
        return self.known


def _climb(
    W: Floats,
    tick: Callable[[], object],
    low: float,
    bound: float,
    norm: Norm,
    target: float,
    tolerance: float,
    max_evaluations: int,
) -> tuple[Floats, float, int]:
    """Return the best matrix on the way from W, its flux, and the number of evaluations."""
    loss = _Loss(W, target, max_evaluations, tick)
    with single_blas(), suppress(_Enough):
        x = W.ravel()
        if low < bound and _norms(W, norm).max() <= low * ROUNDED:
            x = _minimize(loss, x, low, norm, max(tolerance, ROUGH)) * (bound / low)
        x = _minimize(loss, x, bound, norm, tolerance)
        while -loss(x)[0] < loss.best_I:  # a run may pass a better matrix than it ends at
            x = _minimize(loss, loss.best_W.ravel(), bound, norm, tolerance)
    return loss.best_W, loss.best_I, loss.evaluations


def _minimize(loss: _Loss, x: Floats, bound: float, norm: Norm, tolerance: float) -> Floats:
    """Return where the descent from x under the bound ends."""
    if norm != "entry":
        shape = loss.best_W.shape
        return _descend(
            loss, lambda x: _project(x.reshape(shape), bound, norm).ravel(), x, bound, tolerance
        )
    return minimize(
        loss,
        x,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-bound, bound)] * x.size,
        options={"gtol": tolerance, "ftol": 1e-15, "maxfun": np.inf, "maxiter": np.inf},
    ).x


def _descend(
    loss: Callable[[Floats], tuple[float, Floats]],
    project: Callable[[Floats], Floats],
    x: Floats,
    bound: float,
    tolerance: float,
) -> Floats:
    """Follow the spectral projected gradient of `loss` until no entry would move any more."""
    x = project(x)
    value, slope = loss(x)
    recent = deque([value], maxlen=MEMORY)
    length = bound / max(float(np.abs(slope).max()), tolerance)
    while np.abs(project(x - slope) - x).max() > tolerance:
        step = project(x - min(length, FARTHEST * bound / np.abs(slope).max()) * slope) - x
        gain = float(slope @ step)
        part = 1.0
        while True:
            moved = x + part * step
            new_value, new_slope = loss(moved)
            if new_value <= max(recent) + SUFFICIENT * part * gain:
                break
            # the minimum of the parabola through both values and the slope, kept within reason
            curved = -0.5 * part**2 * gain / (new_value - value - part * gain)
            part = min(max(curved, 0.1 * part), 0.5 * part)
            if part < SHORTEST:  # rounding hides what gain is left
                return x
        if length == np.inf and np.array_equal(moved, x):  # or even the whole step
            return x
        turn = float((moved - x) @ (new_slope - slope))
        length = float((moved - x) @ (moved - x)) / turn if turn > 0 else np.inf
        x, value, slope = moved, new_value, new_slope
        recent.append(value)
    return x


def _norms(W: Floats, norm: Norm) -> Floats:
    """Return the norms that are bounded: of all rows, or one of the whole matrix."""
    if norm == "entry":
        return np.abs(W).max(keepdims=True)
    if norm == "l1":
        return np.abs(W).sum(1, keepdims=True)
    whole = None if norm == "frobenius" else 1
    return np.sqrt(np.square(W).sum(whole, keepdims=True))


def _project(W: Floats, bound: float, norm: Norm) -> Floats:
    """Return the matrix within the bound that is nearest to W."""
    if norm != "l1":
        sizes = _norms(W, norm)
        return W * np.divide(bound, sizes, out=np.ones_like(sizes), where=sizes > bound)
    # all magnitudes of a row fall by the same amount, none below 0 (Duchi et al. 2008)
    size = np.abs(W)
    ordered = -np.sort(-size, 1)
    excess = (ordered.cumsum(1) - bound) / np.arange(1, W.shape[1] + 1)
    last = (ordered > excess).sum(1, keepdims=True) - 1
    cut = np.maximum(np.take_along_axis(excess, last, 1), 0.0)
    return np.sign(W) * np.maximum(size - cut, 0.0)


def _random_starts(
    n: int, bound: float, norm: Norm, count: int, rng: np.random.Generator
) -> list[Floats]:
    points = []
    for _ in range(count):
        W = rng.standard_normal((n, n))
        sizes = _norms(W, norm)
        points.append(W / sizes * bound * rng.random(sizes.shape))
    return points
