"""Logistic regressions of all neurons at once: they share the states, so that all is products.

The design Z = [X - m | 1] has the states of all transitions, less their mean m, in its rows. The
parameters of a neuron are a row of A = [W | c], c = b + W m, and U = Z A' are all fields. Each
log-likelihood is concave: its gradient is (on - counts sigma(U))' Z, and its Hessian
-Z' diag(w_i) Z with w = counts sigma(U) sigma(-U).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from itertools import chain
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from flux._base.errors import ConvergenceError
from flux._base.types import Floats
from flux.recordings.transitions import Transitions

BLOCK = 1 << 17
"""Entries of a block of rows: it stays in the cache, and is the same for any number of threads."""
SINGLE = 1 << 21
"""Entries of Z from which on products are taken in single precision, block by block."""
TOLERANCE = {np.float64: 1e-5, np.float32: 1e-3}
"""Distance from the maximum in standard errors, after which one more step ends an ascent."""
SLACK = {np.float64: 1e-12, np.float32: 1e-6}
"""What rounding may take from the log-likelihood of a step."""
ROUGH = 0.3
"""Distance from the maximum, in standard errors, whose last step is good enough for likelihoods."""
MAX_STEPS = 100
MAX_L1_STEPS = 10_000
FLOOR = 1e-8
"""Least ridge penalty: nothing beside data that tell, and a hold where they do not."""


class Point(NamedTuple):
    """Log-likelihood of each neuron in nats, its gradient by A, and the weights w, at one A."""

    value: Floats
    gradient: Floats
    w: NDArray[Any]


class Regressions(NamedTuple):
    """The transitions, their number, m, and the second moments of Z without its last column."""

    data: Transitions
    pool: ThreadPoolExecutor
    dtype: Any
    total: int
    mean: Floats
    covariance: Floats

    def at(self, A: Floats) -> Point:
        """Return log-likelihoods, gradients and weights at A."""
        w = np.empty((len(self.data.X), len(A)), self.dtype)
        columns = np.ascontiguousarray(A.T, self.dtype)

        def evaluate(block: slice) -> tuple[Floats, Floats]:
            z = self.design(block)
            on = self.data.on[block].astype(self.dtype)
            counts = self.data.counts[block, None].astype(self.dtype)
            u = z @ columns
            ebb = np.exp(-np.abs(u))
            likelier = 1 / (1 + ebb)
            w[block] = counts * ebb * likelier * likelier
            value = on * u - counts * (np.maximum(u, 0) - np.log(likelier))
            residual = on - counts * np.where(u >= 0, likelier, ebb * likelier)
            return value.sum(0, dtype=float), (residual.T @ z).astype(float)

        value, gradient = self.sum_blocks(evaluate)
        return Point(value, gradient, w)

    def curve(self, w: NDArray[Any], V: Floats) -> Floats:
        """Return minus the Hessian of each neuron times its row of V."""
        columns = np.ascontiguousarray(V.T, self.dtype)

        def product(block: slice) -> tuple[Floats]:
            z = self.design(block)
            return (((w[block] * (z @ columns)).T @ z).astype(float),)

        return np.asarray(self.sum_blocks(product)[0])

    def of(self, neurons: NDArray[Any]) -> Regressions:
        """Return the regressions of some neurons."""
        return self._replace(data=self.data._replace(on=self.data.on[:, neurons]))

    def constant(self) -> NDArray[np.bool_]:
        """Tell which neurons are never, or always, on."""
        on = self.data.on.sum(0, dtype=np.int64)
        return (on == 0) | (on == self.total)

    def design(self, block: slice | NDArray[np.int64]) -> NDArray[Any]:
        """Return rows of Z."""
        x = self.data.X[block]
        z = np.empty((len(x), x.shape[1] + 1), self.dtype)
        np.subtract(x, self.mean, out=z[:, :-1], casting="unsafe")
        z[:, -1] = 1
        return z

    def sum_blocks(self, kernel: Callable[[slice], tuple[Any, ...]]) -> tuple[Any, ...]:
        """Return the sums of what a kernel gives for all blocks, added in their order."""
        rows, n = self.data.X.shape
        step = max(64, BLOCK // n, n // 2)
        blocks = [slice(k, min(k + step, rows)) for k in range(0, rows, step)]
        # a thread that waits for another takes longer than a block; what some blocks give is
        # added before others start, since for many neurons it is larger than they are
        several = self.pool.map if len(blocks) > 2 else map
        ahead = 8 * numba.get_num_threads()
        batches = (several(kernel, blocks[k : k + ahead]) for k in range(0, len(blocks), ahead))
        return reduce(_add, chain.from_iterable(batches))


def _add(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    for total, part in zip(one, other, strict=True):
        total += part
    return one


def regressions(data: Transitions, pool: ThreadPoolExecutor) -> Regressions:
    """Return the regressions for given transitions."""
    n, total = data.X.shape[1], int(data.counts.sum())
    dtype = np.float32 if data.X.size > SINGLE else np.float64
    plain = Regressions(data, pool, dtype, total, np.zeros(n), np.zeros((n, n)))

    def moments(block: slice) -> tuple[Floats]:
        z = plain.design(block)
        return (((data.counts[block, None].astype(dtype) * z).T @ z).astype(float),)

    second = plain.sum_blocks(moments)[0] / total
    mean = second[-1, :-1]
    return plain._replace(mean=mean, covariance=second[:-1, :-1] - np.outer(mean, mean))


def independent(r: Regressions) -> Floats:
    """Return A of neurons without couplings, half a count added on either side."""
    on = r.data.on.sum(0, dtype=np.int64)
    A = np.zeros((len(on), len(r.mean) + 1))
    A[:, -1] = np.log((on + 0.5) / (r.total - on + 0.5))
    return A


def recentre(A: Floats, old: Floats, new: Floats) -> Floats:
    """Return [W | c] for the mean state `new` of what was [W | c] for `old`; b is c for mean 0."""
    return np.column_stack([A[:, :-1], A[:, -1] + A[:, :-1] @ (new - old)])


def maximise(
    r: Regressions,
    penalty: float,
    A: Floats,
    *,
    floor: float = FLOOR,
    accuracy: float = 0.0,
) -> Floats:
    """Return A of the largest log-likelihood - sum(penalty W^2 + floor c^2) / 2 of each neuron.

    Newton's steps, found by conjugate gradients for all neurons at once; a step that does not
    raise the function is halved. The penalty is `floor` at least. The last step starts less than
    `accuracy` standard errors from the maximum, or as close as the precision allows.
    """
    accuracy = max(accuracy, TOLERANCE[r.dtype])
    ridge = np.full(A.shape, floor)
    ridge[:, :-1] = max(penalty, floor)
    scales, Q = np.linalg.eigh(r.covariance)
    scales = np.maximum(scales, 0.0)
    point = r.at(A)
    for _ in range(MAX_STEPS):
        gradient = point.gradient - ridge * A
        value = point.value - (ridge * A**2).sum(1) / 2
        mass = point.w.sum(0, dtype=float)[:, None]

        def precondition(v: Floats, mass: Floats = mass) -> Floats:
            turned = (v[:, :-1] @ Q) / (mass * scales + ridge[:, :-1])
            return np.column_stack([turned @ Q.T, v[:, -1] / (mass[:, 0] + ridge[:, -1])])

        distance = np.sqrt((gradient * precondition(gradient)).sum(1))
        step = _conjugate_gradients(
            lambda v, w=point.w: r.curve(w, v) + ridge * v,  # type: ignore[misc]
            precondition,
            gradient,
            np.clip(distance, 1e-4, 0.1),
        )
        # Newton's decrement: sqrt(g' H^-1 g)
        distance = np.sqrt(np.maximum((gradient * step).sum(1), 0.0))
        if distance.max() <= accuracy:
            return A + step
        share = np.ones((len(A), 1))
        for _ in range(50):
            tried = A + share * step
            point = r.at(tried)
            lower = point.value - (ridge * tried**2).sum(1) / 2 < value - SLACK[r.dtype] * r.total
            if not lower.any():
                break
            share[lower] /= 2
        A = tried
    raise ConvergenceError(
        f"the fit of neuron {int(distance.argmax())} is still {distance.max():.1e} standard errors"
        f" from its maximum after {MAX_STEPS} steps: give a larger penalty"
    )


def _conjugate_gradients(
    product: Callable[[Floats], Floats],
    precondition: Callable[[Floats], Floats],
    g: Floats,
    accuracy: Floats,
) -> Floats:
    """Solve H_i s_i = g_i for all rows at once, each to a relative accuracy of its own."""
    s, residual = np.zeros_like(g), g.copy()
    z = precondition(residual)
    direction, size = z, (residual * z).sum(1)
    wanted = size * accuracy**2
    for _ in range(g.shape[1] + 1):
        if np.all(size <= wanted):
            break
        image = product(direction)
        bend = (direction * image).sum(1)
        # a row that is done, or has come down to rounding, rests
        moving = (size > wanted) & (bend > 0)
        length = np.divide(size, bend, out=np.zeros_like(size), where=moving)[:, None]
        s += length * direction
        residual -= length * image
        z = precondition(residual)
        smaller = (residual * z).sum(1)
        turn = np.divide(smaller, size, out=np.zeros_like(size), where=moving)[:, None]
        direction = np.where(moving[:, None], z + turn * direction, direction)
        size = np.where(moving, smaller, np.where(bend > 0, size, 0.0))
    return s


def maximise_l1(r: Regressions, penalty: float, A: Floats, *, accuracy: float = 0.0) -> Floats:
    """Return A of the largest log-likelihood - penalty sum |W| of each neuron.

    Accelerated proximal steps (Beck & Teboulle 2009) in units of the spread of each neuron,
    with a step length for each regression and a new start where momentum points down.
    """
    spread = np.append(np.sqrt(np.diag(r.covariance)), 1.0)
    alive = spread > 0
    metric = np.where(alive, spread, 1.0) ** 2
    scale = np.sqrt(metric[:-1])
    stretch = max(1.0, float(np.linalg.eigvalsh(r.covariance / np.outer(scale, scale))[-1]))
    threshold = np.append(np.full(len(scale), penalty), 0.0)
    accuracy = max(accuracy, TOLERANCE[r.dtype])
    bend = r.at(A).w.sum(0, dtype=float) * stretch
    momentum, ahead = np.ones(len(A)), A
    for _ in range(MAX_L1_STEPS):
        point = r.at(ahead)
        while True:
            moved = ahead + point.gradient / (bend[:, None] * metric)
            shrunk = np.abs(moved) - threshold / (bend[:, None] * metric)
            new = np.where(alive, np.sign(moved) * np.maximum(shrunk, 0.0), 0.0)
            change = new - ahead
            length = (metric * change**2).sum(1)
            expected = point.value + (point.gradient * change).sum(1) - bend * length / 2
            short = r.at(new).value < expected - SLACK[r.dtype] * r.total
            if not short.any():
                break
            bend = np.where(short, 2 * bend, bend)
        if np.sqrt(bend * length).max() <= accuracy:
            return new
        grown = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        back = (metric * (ahead - new) * (new - A)).sum(1) > 0
        pace = np.where(back, 0.0, (momentum - 1) / grown)
        momentum = np.where(back, 1.0, grown)
        A, ahead = new, new + pace[:, None] * (new - A)
    raise ConvergenceError(
        f"the l1 fit is still {np.sqrt(bend * length).max():.1e} standard errors from its maximum"
        f" after {MAX_L1_STEPS} steps: give a larger penalty"
    )
