"""Delay lines: networks whose neurons each hear, and are heard by, at most one neuron.

N-rooks matrices are of this kind. No two neurons share a sender, so if the spins of x are
independent, those of y are too: the stationary law is a product of marginals, which are
followed around each ring and down each line. Any size is exact.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from flux._base.jit import jit
from flux._base.types import Codes, Floats
from flux.model.information import binary_entropy, field_entropy

# (m, e) is the probability m 2**e: strong weights make rarer ones than doubles hold, and their
# logarithms would lose as many digits as they have before the point
Wide = tuple[float, float]
RAREST = 1e-290
"""Loss of memory around a ring under which a double, and with it a slope, would lose digits."""
ALWAYS: Wide = (0.5, 1.0)
NEVER: Wide = (0.0, -np.inf)


class DelayLines(NamedTuple):
    """Neuron i hears neuron `sender[i]` with weight `w[i]` and has bias `b[i]`.

    A neuron that hears none is its own sender with weight 0.
    """

    sender: Codes
    w: Floats
    b: Floats


def line_marginals(lines: DelayLines) -> tuple[Floats, Floats]:
    """Return the stationary Pr(x_i = +1) and Pr(x_i = -1), each to relative precision."""
    mantissa, exponent = _marginals(lines.sender, lines.w, lines.b)
    on, off = np.ldexp(mantissa, np.maximum(exponent, -1100).astype(np.int64))
    return on, off


def line_flux(lines: DelayLines, lag: int) -> tuple[float, float]:
    """Return the state entropy H and the divergence D over `lag` steps, in bits.

    k steps are one channel from the k-th sender up the line, composed by repeated squaring. Only
    sums of positive numbers are taken, and of each row the larger entry from the smaller: rare
    flips keep their relative precision, and the sums of rows their 1, at any lag.
    """
    if not len(lines.sender):
        return 0.0, 0.0
    on, off = line_marginals(lines)
    sender = lines.sender
    origin = np.arange(len(on))
    up, down = lines.b + lines.w, lines.b - lines.w
    hop = expit(np.array([[up, down], [-up, -down]]))
    reached = np.repeat(np.eye(2)[..., None], len(on), 2)
    while lag:
        if lag & 1:
            reached = _compose(reached, hop[..., origin])
            origin = sender[origin]
        hop = _compose(hop, hop[..., sender])
        sender = sender[sender]
        lag >>= 1
    after_on, after_off = binary_entropy(reached.min(0))
    divergence = on[origin] * after_on + off[origin] * after_off
    return float(binary_entropy(np.minimum(on, off)).sum()), float(divergence.sum())


def line_correlation(lines: DelayLines) -> Floats:
    """Return the correlation of y_i with its sender; with all others it is 0."""
    on, off = line_marginals(lines)
    spread = np.sqrt(on) * np.sqrt(off)
    covariance = _rise(lines) * spread[lines.sender]
    return np.divide(covariance, spread, out=np.zeros_like(spread), where=spread > 0)


def line_gradient(lines: DelayLines) -> tuple[Floats, Floats]:
    """Return the derivatives of the flux by the weights from the senders and by the biases.

    They are not finite where a ring with bias forgets too rarely for doubles.

    The g of `flux_gradient` is a sum of functions of one spin each, and so is z, since the
    expectation of a function of y_i depends on the sender of i alone. Their slopes
    s_j = z(x_j = +1) - z(x_j = -1) obey s_j = g(+1) - g(-1) + rise_i s_i, where i hears j.
    """
    mantissa, exponent = _marginals(lines.sender, lines.w, lines.b)
    up, down = lines.b + lines.w, lines.b - lines.w
    step = np.log2(mantissa[1] / mantissa[0]) + (exponent[1] - exponent[0])
    np.subtract.at(step, lines.sender, field_entropy(up) - field_entropy(down))
    size = np.abs(lines.w)
    lost = expit(-size - lines.b) + expit(-size + lines.b)
    slope = _slopes(lines.sender, lines.w, _rise(lines), lost, step)
    on, off = (chance[lines.sender] for chance in line_marginals(lines))
    with np.errstate(invalid="ignore"):
        by_up, by_down = (expit(u) * expit(-u) * (slope + u / np.log(2.0)) for u in (up, down))
    return on * by_up - off * by_down, on * by_up + off * by_down


def _rise(lines: DelayLines) -> Floats:
    """Return sigma(b + w) - sigma(b - w), written so that nothing cancels."""
    size = np.abs(lines.w)
    rise: Floats = expit(size + lines.b) * expit(size - lines.b) * -np.expm1(-2 * size)
    return np.sign(lines.w) * rise


@jit
def _slopes(sender: Codes, w: Floats, rise: Floats, lost: Floats, step: Floats) -> Floats:
    """Solve slope_j = step_j + rise_i slope_i for all j and the neuron i that hears j.

    `lost` is 1 - |rise|, which a ring of strong weights needs to full precision.
    """
    n = len(sender)
    hears = np.full(n, -1)
    for i in range(n):
        if w[i] != 0:
            hears[sender[i]] = i
    slope = step.copy()
    done = np.zeros(n, np.bool_)
    for first in range(n):  # lines, from their ends up
        j = first
        while hears[first] < 0 and not done[j]:
            done[j] = True
            if w[j] == 0:
                break
            slope[sender[j]] += rise[j] * slope[j]
            j = sender[j]
    for first in range(n):  # rings: once around from 0 gives the slope of `first` up to a factor
        if done[first]:
            continue
        once, log_turn, sign = 0.0, 0.0, 1.0
        j = first
        while True:
            log_turn += np.log1p(-min(lost[j], 1.0))
            sign *= np.sign(w[j])
            once = slope[sender[j]] + rise[j] * once
            j = sender[j]
            if j == first:
                break
        if once != 0:
            left = -np.expm1(log_turn) if sign > 0 else 1.0 + np.exp(log_turn)
            slope[first] = once / left if left > RAREST else np.inf
        j = first
        while sender[j] != first:
            done[j] = True
            slope[sender[j]] += rise[j] * slope[j]
            j = sender[j]
        done[j] = True
    return slope


def _compose(later: Floats, earlier: Floats) -> Floats:
    """Return Pr(y | x), of shape (y, x, n), of the channel `earlier`, followed by `later`."""
    composed = later[:, :1] * earlier[0] + later[:, 1:] * earlier[1]
    rare, often = composed.min(0), composed[0] > composed[1]
    return np.array([np.where(often, 1 - rare, rare), np.where(often, rare, 1 - rare)])


@jit
def _marginals(sender: Codes, w: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return the stationary laws (on and off, n) of all spins, as mantissas and exponents."""
    n = len(sender)
    mantissa, exponent = np.zeros((2, n)), np.zeros((2, n))
    state = np.zeros(n, np.int8)  # 0 new, 1 on the present path, 2 done
    path = np.empty(n, np.int64)
    for first in range(n):
        length = 0
        i = first
        while state[i] == 0:
            state[i] = 1
            path[length] = i
            length += 1
            i = sender[i]
        on, off = NEVER, NEVER
        if state[i] == 1:
            on, off = _ring_marginal(path[:length], i, w, b)
        elif length > 0:
            on, off = (mantissa[0, i], exponent[0, i]), (mantissa[1, i], exponent[1, i])
        for step in range(length - 1, -1, -1):
            k = path[step]
            on, off = _through(on, off, w[k], b[k])
            mantissa[0, k], exponent[0, k] = on
            mantissa[1, k], exponent[1, k] = off
            state[k] = 2
    return mantissa, exponent


@jit
def _ring_marginal(path: Codes, start: int, w: Floats, b: Floats) -> tuple[Wide, Wide]:
    """Solve the two-state chain that the spin of neuron `start` makes once around its ring."""
    on_on, on_off = ALWAYS, NEVER
    off_on, off_off = NEVER, ALWAYS
    step = len(path) - 1
    while True:
        k = path[step]
        on_on, on_off = _through(on_on, on_off, w[k], b[k])
        off_on, off_off = _through(off_on, off_off, w[k], b[k])
        if k == start:
            break
        step -= 1
    total = _plus(off_on, on_off)
    return _over(off_on, total), _over(on_off, total)


@jit
def _through(on: Wide, off: Wide, w: float, b: float) -> tuple[Wide, Wide]:
    """Return the law of a spin that hears one of law (on, off)."""
    if w < 0:
        on, off = off, on
    # one exp(|w|) for both, so that its error cancels where strong weights leave the choice to b
    sway, pull = _exp(b), _exp(abs(w))
    rise, fall = _over(sway, pull), _over(ALWAYS, _times(sway, pull))
    up, down = _over(on, _plus(ALWAYS, fall)), _over(off, _plus(ALWAYS, rise))
    on, off = _plus(up, _times(down, rise)), _plus(_times(up, fall), down)
    total = _plus(on, off)
    return _over(on, total), _over(off, total)


@jit
def _exp(v: float) -> Wide:
    """Return exp(v) for any v, to a relative error of about 1e-16 max(1, |v| / 700)."""
    halvings = 0
    while abs(v) > 700:
        v, halvings = v / 2, halvings + 1
    power = _times(ALWAYS, (np.exp(v), 0.0))
    for _ in range(halvings):
        power = _times(power, power)
    return power


@jit
def _times(a: Wide, c: Wide) -> Wide:
    m, e = math.frexp(a[0] * c[0])
    return m, e + a[1] + c[1]


@jit
def _over(a: Wide, c: Wide) -> Wide:
    m, e = math.frexp(a[0] / c[0])
    return m, e + a[1] - c[1]


@jit
def _plus(a: Wide, c: Wide) -> Wide:
    if a[1] < c[1]:
        a, c = c, a
    m, e = math.frexp(a[0] + math.ldexp(c[0], int(max(c[1] - a[1], -1100.0))))
    return m, e + a[1]
