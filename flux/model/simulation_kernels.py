"""Compiled kernels of the simulation: random words, the spins they decide, updates of all.

A spin is defined in double precision: with r in [0, 1) the top 53 bits of its random word,
y_i = +1 where r < 1 / (1 + exp(-u_i)), and u_i = b_i + W_i0 x_0 + W_i1 x_1 + ... is added in
this order. Integer fields, whose distance from u_i is bounded, decide nearly all spins in
single precision; the few that they leave open are worked out by the definition. So neither
the order of summation nor the way in which fields are updated can change a single spin.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from flux._base.errors import ArgumentError
from flux._base.jit import jit
from flux._base.types import Floats, Spins

Floats32 = NDArray[np.float32]
Words = NDArray[np.uint64]
Indices = NDArray[np.int32]
Positions = NDArray[np.int64]

# float32 adds integers exactly and in any order while all partial sums stay below this
_EXACT_RANGE = 2.0**24

# single precision at |u| <= _CAP: scale, product and difference round to 7e-6, _exp to 5e-6
_ROUNDING = 3e-5
# beyond it sigma is closer to 0 or 1 than the 24 random bits of _spin can tell
_CAP = np.float32(40.0)
_ONE = np.float32(1.0)
_BELOW_ONE = np.float32(1 - 2.0**-22)
_ABOVE_ONE = np.float32(1 + 2.0**-22)
_UNIT_24 = np.float32(2.0**-24)
_UNIT_53 = 2.0**-53

# 2**f = E0 + E1 f + ... + E4 f**4 for 0 <= f < 1, to a relative 2.7e-6 (Chebyshev fit)
_E0, _E1, _E2, _E3, _E4 = (
    np.float32(c) for c in (1.00000252, 0.69300662, 0.24142749, 0.05203743, 0.0135206)
)
_LOG2_E = np.float32(1.4426950408889634)
_FLOAT32_BIAS, _FLOAT32_SHIFT = np.int32(127), np.int32(23)

# SplitMix64: the golden-ratio step and the finalizer's multipliers and shifts
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_11, _27, _30, _31, _40 = (np.uint64(shift) for shift in (11, 27, 30, 31, 40))

_NO_INDICES = (np.empty(0, np.int32), np.empty(0, np.int64))


class PreparedWeights(NamedTuple):
    """W and b twice: as they are, by rows, and as integers q = round(W / step), by columns.

    Row i of a sparse W takes the entries `row_starts[i]` to `row_starts[i + 1]` of `W`, from the
    neurons `senders`; column j of q those from `column_starts[j]` on, to the `receivers`. A dense
    W has none of these four. u_i lies within slack_i of scale_i (q_i . x + q_bias_i), once both
    ends of this interval and u_i are cut at -+_CAP.
    """

    W: Floats
    senders: Indices
    row_starts: Positions
    b: Floats
    q: Floats32
    receivers: Indices
    column_starts: Positions
    q_bias: Floats32
    scale: Floats32
    slack: Floats32


def prepare_weights(W: Any, b: Floats) -> PreparedWeights:
    """Round each row of [W | b] to integers small enough that float32 adds them exactly."""
    values = _values(W)
    terms = 1 + (np.diff(W.indptr) if sparse.issparse(W) else np.full(b.size, b.size))
    size = _row_sums(W, np.abs(values)) + np.abs(b)
    if terms.max() > _EXACT_RANGE / 2:
        raise ArgumentError(
            f"W must have rows of less than 2**23 weights, but had one of {terms.max() - 1}"
        )
    step = np.maximum(size, 1e-200) / (_EXACT_RANGE - terms)
    q = values * _per_entry(W, 1 / step)
    np.rint(q, out=q)
    error = _rounding_errors(W, q, step)
    q_bias = np.rint(b / step)
    error += np.abs(b - q_bias * step)
    # taking these sums rounds too, and so does the sum that defines u
    error = error * (1 + 1e-6) + terms * 2.0**-51 * size
    # a field of more than 2**60 is certain by its sign alone: keep float32 from overflowing
    scale = np.minimum(step, 2.0**60)
    slack = error / step * scale * (1 + 1e-6) + _ROUNDING
    narrow = [v.astype(np.float32) for v in (q_bias, scale, slack)]
    return PreparedWeights(*_rows(W), b, *_columns(W, q), *narrow)


def _values(W: Any) -> Floats:
    return np.asarray(W.data if sparse.issparse(W) else W)


def _per_entry(W: Any, factor: Floats) -> Floats:
    return np.repeat(factor, np.diff(W.indptr)) if sparse.issparse(W) else factor[:, None]


def _row_sums(W: Any, values: Floats) -> Floats:
    if not sparse.issparse(W):
        return np.asarray(values.sum(axis=1))
    n = W.shape[0]
    rows = np.repeat(np.arange(n), np.diff(W.indptr))
    return np.bincount(rows, values, n).astype(np.float64)


def _rounding_errors(W: Any, q: Floats, step: Floats) -> Floats:
    error = q * _per_entry(W, step)
    error -= _values(W)
    return _row_sums(W, np.abs(error, out=error))


def _rows(W: Any) -> tuple[Floats, Indices, Positions]:
    if sparse.issparse(W):
        return W.data, W.indices.astype(np.int32), W.indptr.astype(np.int64)
    return W.reshape(-1), *_NO_INDICES


def _columns(W: Any, q: Floats) -> tuple[Floats32, Indices, Positions]:
    if sparse.issparse(W):
        c = sparse.csr_array((q.astype(np.float32), W.indices, W.indptr), shape=W.shape).tocsc()
        return c.data, c.indices.astype(np.int32), c.indptr.astype(np.int64)
    return q.T.astype(np.float32, order="C").reshape(-1), *_NO_INDICES


_jit = jit(error_model="numpy")


@_jit
def advance_chains(
    prepared: PreparedWeights,
    keys: Words,
    x: Floats32,
    start: int,
    stop: int,
    burn_in: int,
    thin: int,
    out: Spins,
) -> None:
    """Take updates `start` to `stop` of each chain, adding up the columns of flipped neurons."""
    for c in range(keys.size):
        _advance_chain(prepared, keys[c], x[c], start, stop, burn_in, thin, out[c])


@_jit
def draw_chains(
    prepared: PreparedWeights,
    fields: Floats32,
    keys: Words,
    x: Floats32,
    step: int,
    burn_in: int,
    thin: int,
    out: Spins,
) -> None:
    """Draw the next state of each chain from the fields sum_j q_ij x_j."""
    first = np.uint64(step) * np.uint64(x.shape[1])
    y = np.empty(x.shape, np.int8)
    _draw_all(prepared, fields, keys, first, y)
    for c in range(keys.size):
        if _count_undecided(y, c) > 0:
            _draw_undecided(prepared, keys[c], first, x[c], y[c])
    _record_all(y, step + 1, burn_in, thin, out)
    for c in range(keys.size):
        for i in range(x.shape[1]):
            x[c, i] = y[c, i]


@_jit
def _advance_chain(
    prepared: PreparedWeights,
    key: np.uint64,
    x: Floats32,
    start: int,
    stop: int,
    burn_in: int,
    thin: int,
    out: Spins,
) -> None:
    n = x.size
    y = np.empty(n, np.int8)
    change = x.copy()
    senders = np.arange(n)
    field = np.zeros(n, np.float32)
    _add_columns(prepared, senders, change, n, field)
    for step in range(start, stop):
        first = np.uint64(step) * np.uint64(n)
        if _draw(prepared, field, key, first, y) > 0:
            _draw_undecided(prepared, key, first, x, y)
        n_flips = _flip(x, y, senders, change)
        _add_columns(prepared, senders, change, n_flips, field)
        _record(y, step + 1, burn_in, thin, out)


@_jit
def _flip(x: Floats32, y: Spins, senders: Positions, change: Floats32) -> int:
    n_flips = 0
    for i in range(x.size):
        senders[n_flips] = i
        change[n_flips] = np.float32(y[i]) - x[i]
        n_flips += np.float32(y[i]) != x[i]
        x[i] = y[i]
    return n_flips


@_jit
def _record(y: Spins, updates: int, burn_in: int, thin: int, out: Spins) -> None:
    after = updates - burn_in
    if after >= 0 and after % thin == 0:
        row = after // thin
        for i in range(y.size):
            out[row, i] = y[i]


@_jit
def _record_all(y: Spins, updates: int, burn_in: int, thin: int, out: Spins) -> None:
    after = updates - burn_in
    if after >= 0 and after % thin == 0:
        row = after // thin
        for c in range(y.shape[0]):
            for i in range(y.shape[1]):
                out[c, row, i] = y[c, i]


@jit(error_model="numpy", fastmath={"contract"})
def _add_columns(
    prepared: PreparedWeights, senders: Positions, change: Floats32, count: int, field: Floats32
) -> None:
    n = field.size
    if prepared.column_starts.size:
        for k in range(count):
            j = senders[k]
            for a in range(prepared.column_starts[j], prepared.column_starts[j + 1]):
                field[prepared.receivers[a]] += change[k] * prepared.q[a]
        return
    # four at a time, so that a field is loaded and stored once for four columns; their sum may
    # reach twice the exact range, but is even
    whole = count - count % 4
    for k in range(0, whole, 4):
        q0 = prepared.q[senders[k] * n : senders[k] * n + n]
        q1 = prepared.q[senders[k + 1] * n : senders[k + 1] * n + n]
        q2 = prepared.q[senders[k + 2] * n : senders[k + 2] * n + n]
        q3 = prepared.q[senders[k + 3] * n : senders[k + 3] * n + n]
        c0, c1, c2, c3 = change[k], change[k + 1], change[k + 2], change[k + 3]
        for i in range(n):
            field[i] += c0 * q0[i] + c1 * q1[i] + c2 * q2[i] + c3 * q3[i]
    for k in range(whole, count):
        q0 = prepared.q[senders[k] * n : senders[k] * n + n]
        for i in range(n):
            field[i] += change[k] * q0[i]


@_jit
def _draw(
    prepared: PreparedWeights, field: Floats32, key: np.uint64, first: np.uint64, y: Spins
) -> int:
    for i in range(y.size):
        y[i] = _spin(prepared, i, field[i], _word(key, first + np.uint64(i)))
    undecided = 0
    for i in range(y.size):
        undecided += y[i] == 0
    return undecided


# a second loop, not slices for _draw: they would cost small networks more than their spins
@_jit
def _draw_all(
    prepared: PreparedWeights, fields: Floats32, keys: Words, first: np.uint64, y: Spins
) -> None:
    for c in range(y.shape[0]):
        for i in range(y.shape[1]):
            y[c, i] = _spin(prepared, i, fields[c, i], _word(keys[c], first + np.uint64(i)))


@_jit
def _count_undecided(y: Spins, c: int) -> int:
    undecided = 0
    for i in range(y.shape[1]):
        undecided += y[c, i] == 0
    return undecided


# apart from _draw, which numba then compiles without reference counting: 60 ns, not 180
@_jit
def _draw_undecided(
    prepared: PreparedWeights, key: np.uint64, first: np.uint64, x: Floats32, y: Spins
) -> None:
    for i in range(y.size):
        if y[i] == 0:
            y[i] = _exact_spin(prepared, i, x, _word(key, first + np.uint64(i)))


@_jit
def _word(key: np.uint64, counter: np.uint64) -> np.uint64:
    z = key + counter * _STEP
    z = (z ^ (z >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return z ^ (z >> _31)


@_jit
def _spin(prepared: PreparedWeights, i: int, field: np.float32, word: np.uint64) -> np.int8:
    u = np.float32(field + prepared.q_bias[i]) * prepared.scale[i]
    slack = prepared.slack[i]
    # r lies from h to h + 1 in units of 2**-24; a spin that the slack leaves open is 0
    h = np.int32(word >> _40)
    up = np.float32(h + np.int32(1)) * _UNIT_24 * (_ONE + _exp(slack - u)) < _BELOW_ONE
    down = np.float32(h) * _UNIT_24 * (_ONE + _exp(-slack - u)) > _ABOVE_ONE
    return np.int8(up) - np.int8(down)


@_jit
def _exp(v: np.float32) -> np.float32:
    t = min(max(v, -_CAP), _CAP) * _LOG2_E
    whole = np.floor(t)
    f = t - whole
    mantissa = _E0 + f * (_E1 + f * (_E2 + f * (_E3 + f * _E4)))
    power = (np.int32(whole) + _FLOAT32_BIAS) << _FLOAT32_SHIFT
    return mantissa * np.int32(power).view(np.float32)


@_jit
def _exact_spin(prepared: PreparedWeights, i: int, x: Floats32, word: np.uint64) -> np.int8:
    n = x.size
    u = prepared.b[i]
    if prepared.row_starts.size:
        for a in range(prepared.row_starts[i], prepared.row_starts[i + 1]):
            u += prepared.W[a] * x[prepared.senders[a]]
    else:
        for j in range(n):
            u += prepared.W[i * n + j] * x[j]
    is_up = np.float64(word >> _11) * _UNIT_53 < 1.0 / (1.0 + np.exp(-u))
    return np.int8(1) if is_up else np.int8(-1)
