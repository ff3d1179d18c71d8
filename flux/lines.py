"""Delay lines: networks whose neurons each hear, and are heard by, at most one neuron.

N-rooks matrices are of this kind. No two neurons share a sender, so if the spins of x are
independent, those of y are too: the stationary law is a product of marginals, which are
followed around each ring and down each line. Any size is exact.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.special import expit, xlogy

from flux.information import field_entropy
from flux.states import Codes, Floats


class Lines(NamedTuple):
    """Neuron i hears neuron `sender[i]` with weight `w[i]` and has bias `b[i]`.

    A neuron that hears none is its own sender with weight 0.
    """

    sender: Codes
    w: Floats
    b: Floats


def line_marginals(lines: Lines) -> tuple[Floats, Floats]:
    """Return the stationary Pr(x_i = +1) and Pr(x_i = -1), each to relative precision."""
    log_on, log_off = _log_marginals(lines.sender, lines.w, lines.b)
    return np.exp(log_on), np.exp(log_off)


def line_flux(lines: Lines, lag: int) -> tuple[float, float]:
    """Return the state entropy H and the divergence D over `lag` steps, in bits."""
    if not len(lines.sender):
        return 0.0, 0.0
    on, off = line_marginals(lines)
    # k steps are one channel from the k-th sender up the line, composed by repeated squaring
    origin = np.arange(len(on))
    reached = np.array([np.ones_like(on), np.zeros_like(on)])
    sender = lines.sender
    hop = np.array([expit(lines.b + lines.w), expit(lines.b - lines.w)])
    while lag:
        if lag & 1:
            reached = _compose(reached, hop[:, origin])
            origin = sender[origin]
        hop = _compose(hop, hop[:, sender])
        sender = sender[sender]
        lag >>= 1
    after_on, after_off = _spin_entropy(reached)
    divergence = on[origin] * after_on + off[origin] * after_off
    return float(_spin_entropy(on).sum()), float(divergence.sum())


def line_correlation(lines: Lines) -> Floats:
    """Return the correlation of y_i with its sender; with all others it is 0."""
    on, off = line_marginals(lines)
    spread = np.sqrt(on) * np.sqrt(off)
    covariance = _rise(lines) * spread[lines.sender]
    return np.divide(covariance, spread, out=np.zeros_like(spread), where=spread > 0)


def line_gradient(lines: Lines) -> tuple[Floats, Floats]:
    """Return the derivatives of the flux by the weights from the senders and by the biases.

    The g of `flux_gradient` is a sum of functions of one spin each, and so is z, since the
    expectation of a function of y_i depends on the sender of i alone. Their slopes
    s_j = z(x_j = +1) - z(x_j = -1) obey s_j = g(+1) - g(-1) + rise_i s_i, where i hears j.
    """
    log_on, log_off = _log_marginals(lines.sender, lines.w, lines.b)
    up, down = lines.b + lines.w, lines.b - lines.w
    step = (log_off - log_on) / np.log(2.0)
    np.subtract.at(step, lines.sender, field_entropy(up) - field_entropy(down))
    size = np.abs(lines.w)
    lost = expit(-size - lines.b) + expit(-size + lines.b)
    slope = _slopes(lines.sender, lines.w, _rise(lines), lost, step)
    on, off = np.exp(log_on)[lines.sender], np.exp(log_off)[lines.sender]
    by_up, by_down = (expit(u) * expit(-u) * (slope + u / np.log(2.0)) for u in (up, down))
    return on * by_up - off * by_down, on * by_up + off * by_down


def _rise(lines: Lines) -> Floats:
    """Return sigma(b + w) - sigma(b - w), written so that nothing cancels."""
    size = np.abs(lines.w)
    rise: Floats = expit(size + lines.b) * expit(size - lines.b) * -np.expm1(-2 * size)
    return np.sign(lines.w) * rise


@njit(cache=True, nogil=True)
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
        slope[first] = once / (-np.expm1(log_turn) if sign > 0 else 1.0 + np.exp(log_turn))
        j = first
        while sender[j] != first:
            done[j] = True
            slope[sender[j]] += rise[j] * slope[j]
            j = sender[j]
        done[j] = True
    return slope


def _compose(later: Floats, earlier: Floats) -> Floats:
    """Return Pr(+1 | origin = +1, -1) of the channel `earlier`, followed by `later`."""
    composed: Floats = earlier * later[0] + (1 - earlier) * later[1]
    return composed


def _spin_entropy(on: Floats) -> Floats:
    entropies: Floats = -(xlogy(on, on) + xlogy(1 - on, 1 - on)) / np.log(2.0)
    return entropies


@njit(cache=True, nogil=True)
def _log_marginals(sender: Codes, w: Floats, b: Floats) -> tuple[Floats, Floats]:
    n = len(sender)
    log_on, log_off = np.zeros(n), np.zeros(n)
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
        if state[i] == 1:
            log_on[i], log_off[i] = _ring_marginal(path[:length], i, w, b)
        for step in range(length - 1, -1, -1):
            k = path[step]
            j = sender[k]
            log_on[k], log_off[k] = _through(log_on[j], log_off[j], w[k], b[k])
            state[k] = 2
    return log_on, log_off


@njit(cache=True, nogil=True)
def _ring_marginal(path: Codes, start: int, w: Floats, b: Floats) -> tuple[float, float]:
    """Solve the two-state chain that the spin of neuron `start` makes once around its ring."""
    on_on, on_off = 0.0, -np.inf
    off_on, off_off = -np.inf, 0.0
    step = len(path) - 1
    while True:
        k = path[step]
        on_on, on_off = _through(on_on, on_off, w[k], b[k])
        off_on, off_off = _through(off_on, off_off, w[k], b[k])
        if k == start:
            break
        step -= 1
    total = np.logaddexp(off_on, on_off)
    return off_on - total, on_off - total


@njit(cache=True, nogil=True)
def _through(log_on: float, log_off: float, w: float, b: float) -> tuple[float, float]:
    """Return the log law of a spin that hears one of log law (log_on, log_off)."""
    return (
        np.logaddexp(log_on - np.logaddexp(0.0, -b - w), log_off - np.logaddexp(0.0, w - b)),
        np.logaddexp(log_on - np.logaddexp(0.0, b + w), log_off - np.logaddexp(0.0, b - w)),
    )
