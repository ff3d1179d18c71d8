"""Lagged correlation of spins by counting bits, and its root mean square, the flux proxy."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic
from numpy.typing import ArrayLike

from flux._base.checks import as_array, check_count, read_only
from flux._base.errors import ArgumentError
from flux._base.jit import jit
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.threads import share, thread_pool
from flux._base.types import Floats, Integers
from flux.recordings.counting import Words
from flux.recordings.packed_spins import PackedSpins, check_packed, pack_chunk, separate_pieces

_SLACK = 1e-9

_TILE = 4
"""Neurons on each side of a register tile: 16 counters and 8 words fill the vector registers."""

_PANEL = 64
"""Neurons on each side of a cache tile, whose words stay in the L2 cache."""

_MAX_PAIRS = 1 << 32
"""Most pairs whose products of counts, at most pairs**2 / 4, fit 64 bits."""


class _Counts(NamedTuple):
    """Over the pairs of steps (t, t + lag): how many, and on how many of them ...

    `later[i]`: x_i(t + lag) is +1; `earlier[j]`: x_j(t) is +1;
    `differ[i, j]`: x_i(t + lag) and x_j(t) differ, in whole floats.
    """

    pairs: int
    later: Integers
    earlier: Integers
    differ: Floats


class _Block(NamedTuple):
    """Bits of x(t + lag), in Y, and of x(t), in X, at successive t; 0 where there is no pair."""

    first: int
    words: int
    Y: Words
    X: Words


def lagged_correlation(
    x: ArrayLike | PackedSpins | Iterator[ArrayLike], lag: int = 1, *, progress: bool = True
) -> Floats:
    """Return the Pearson correlations C[i, j] of x_i(t + lag) with x_j(t).

    Equation :eq:`eq-proxy-correlation` of the book, from a recording. With spins, P pairs of steps,
    and a_i, b_j, d_ij the numbers of pairs on which x_i(t + lag) = +1, x_j(t) = +1, and the two
    differ ::

        n_11 = (a_i + b_j - d_ij) / 2,
        C_ij = (P n_11 - a_i b_j) / sqrt(a_i (P - a_i) b_j (P - b_j)).

    Pairs lie within chains; means and variances are those of the very pairs. All counts are exact
    integers (d_ij = popcount of Y_i xor X_j on bit strings), so C is right to a few units in the
    last place and the same for any number of threads and any cut of the recording.
    A neuron that never changes has correlation 0, by definition.

    Parameters
    ----------
    x : (steps, n) or (chains, steps, n) array of -1 and +1, PackedSpins, or an iterator of arrays
        Spins, of any signed integer or floating type. Arrays are read in pieces, so a
        memory-mapped file may be larger than memory; an iterator yields successive pieces in
        time (see `pack`), of which one at a time is held. For several lags, `pack` once.
    lag : int
        Steps from x_j to x_i, at least 1 and less than the number of steps.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    (n, n) float64
        C, each entry from -1 to 1. C[i, j] points from j to i, as W[i, j] does.

    Raises
    ------
    ValueError
        If `x` holds anything but -1 and +1, is empty or has another shape; if `lag` is not
        less than the steps of the longest chain; or if there are more than 2**32 pairs.
    TooLargeError
        If (n, n) correlations would not fit into memory.

    References
    ----------
    Metzner et al. (2024), Quantifying and maximizing the information flux in recurrent neural
    networks, Neural Computation 36(3), 351-384.

    Examples
    --------
    Neuron 0 repeats, with the opposite sign, what neuron 1 did one step before.

    >>> lagged_correlation([[1, 1], [-1, -1], [1, 1], [-1, 1], [-1, -1]])[0, 1]
    np.float64(-1.0)
    """
    return correlation_at(x, check_count("lag", lag, 1, _MAX_PAIRS), progress)


def correlation_at(
    x: ArrayLike | PackedSpins | Iterator[ArrayLike], lag: int, progress: bool = True
) -> Floats:
    """Return `lagged_correlation`, or the correlations at equal times at lag 0."""
    counts: _Counts | None = None
    with thread_pool() as pool, progress_bar("correlate", unit="piece", show=progress) as bar:
        if isinstance(x, PackedSpins):
            counts = _add_pairs(counts, check_packed("x", x), lag, pool)
        else:
            for piece in separate_pieces(x, lag, lambda n: 64 * _block_words(n)):
                counts = _add_pairs(counts, pack_chunk(piece, pool), lag, pool)
                bar.update()
        if counts is None or counts.pairs == 0:
            raise ArgumentError(f"lag must be less than the steps of a chain in x, but was {lag}")
        if counts.pairs > _MAX_PAIRS:
            raise ArgumentError(
                f"x must give at most 2**32 pairs of steps, but gave {counts.pairs}"
            )
        n = len(counts.later)
        # each entry takes the memory of the count that it is made from
        C = counts.differ
        share(pool, _correlate, n, max(1, (1 << 15) // n), counts, C)
    return C


def rms_correlation(C: ArrayLike) -> float:
    """Return the root mean square c_rms = sqrt(sum_ij C_ij**2 / n**2) over all n**2 entries.

    Equation :eq:`eq-proxy-rms` of the book. The diagonal counts like every other entry: C[i, i]
    correlates a neuron with its own past.

    Parameters
    ----------
    C : (n, n) array
        Correlations, each from -1 to 1 (to 1e-9): from `lagged_correlation`, or exact.

    Returns
    -------
    float
        c_rms, from 0 to 1.

    Raises
    ------
    ValueError
        If `C` is no square matrix of finite numbers from -1 to 1.

    References
    ----------
    Metzner et al. (2024), Quantifying and maximizing the information flux in recurrent neural
    networks, Neural Computation 36(3), 351-384.

    Examples
    --------
    >>> rms_correlation([[0.0, 0.6], [0.8, 0.0]])
    0.5
    """
    matrix = as_array("C", C)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise ArgumentError(
            f"C must be a square matrix (n, n) with n >= 1, but had shape {matrix.shape}"
        )
    if matrix.dtype.kind not in "biuf":
        raise ArgumentError(f"C must hold real numbers, but was of type {matrix.dtype}")
    low, high = float(matrix.min()), float(matrix.max())
    # written so that NaN, which min and max carry through, fails as well
    if not (low >= -1.0 - _SLACK and high <= 1.0 + _SLACK):
        raise ArgumentError(
            f"C must hold correlations from -1 to 1, but ranged from {low} to {high}"
        )
    # row by row: no second n x n array, and float32 input is summed in double precision
    squares = [float(np.square(row, dtype=np.float64).sum()) for row in matrix]
    return float(np.sqrt(sum(squares) / matrix.size))


def _block_words(n: int) -> int:
    """Return the words of time in one block: 2 MB of bits, or 1/8 of C where that is more.

    Each block reads and writes all of C, so longer blocks pay for larger n. An odd number of
    cache lines keeps the rows apart in the cache.
    """
    return 8 * (max(1 << 18, n * n // 8) // (8 * n) | 1)


def _add_pairs(
    counts: _Counts | None, packed: PackedSpins, lag: int, pool: ThreadPoolExecutor
) -> _Counts:
    """Add the pairs of a recording to the counts (in place), or begin them."""
    bits, starts, lengths = packed
    bits = read_only(bits)
    n, words = bits.shape
    if counts is None:
        check_memory(8.0 * n * n, f"the correlations of n = {n} neurons", "record fewer neurons")
        counts = _Counts(0, np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros((n, n)))
    first_of_pair = np.zeros(words, np.uint64)
    _mark(starts, starts + lengths - lag, first_of_pair)
    width = min(words, _block_words(n))
    padded = -(-n // _TILE) * _TILE
    Y, X = np.zeros((padded, width), np.uint64), np.zeros((padded, width), np.uint64)
    panels = -(-n // _PANEL)
    for first in range(0, words, width):
        block = _Block(first, min(width, words - first), Y, X)
        grain = max(1, (1 << 14) // block.words)
        share(pool, _align, n, grain, bits, first_of_pair, lag, block, counts)
        grain = max(1, (1 << 8) // block.words)
        share(pool, _count, panels * panels, grain, panels, block, counts.differ)
    pairs = int(np.maximum(lengths - lag, 0).sum())
    return counts._replace(pairs=counts.pairs + pairs)


def _popcount_code(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.ctpop(values[0])

    return types.uint64(types.uint64), generate


# LLVM's own count of ones in a word, which vectorizes: to vpopcntq where the processor has it
_popcount: Any = intrinsic(_popcount_code)


@jit
def _mark(starts: Integers, ends: Integers, marked: Words) -> None:
    """Set the bits from starts[c] up to, but without, ends[c], for each c."""
    for c in range(len(starts)):
        t = starts[c]
        while t < ends[c]:
            word, bit = t // 64, t % 64
            count = min(64 - bit, ends[c] - t)
            ones = np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - count)
            marked[word] |= ones << np.uint64(bit)
            t += count


@jit
def _align(
    lo: int, hi: int, bits: Words, first_of_pair: Words, lag: int, block: _Block, counts: _Counts
) -> None:
    """Shift the later steps of each pair onto the earlier, and clear all bits without a pair."""
    first, held, Y, X = block
    later, earlier = counts.later, counts.earlier
    words = bits.shape[1]
    whole, right = lag // 64, np.uint64(lag % 64)
    left = np.uint64(63) - right
    for i in range(lo, hi):
        for w in range(held):
            source = first + w + whole
            shifted = np.uint64(0)
            if source < words:
                shifted = bits[i, source] >> right
            if source + 1 < words:
                # in two steps, because a shift by 64 is undefined
                shifted |= (bits[i, source + 1] << left) << np.uint64(1)
            Y[i, w] = shifted & first_of_pair[first + w]
            X[i, w] = bits[i, first + w] & first_of_pair[first + w]
        for w in range(held):
            later[i] += np.int64(_popcount(Y[i, w]))
            earlier[i] += np.int64(_popcount(X[i, w]))


@jit
def _count(lo: int, hi: int, panels: int, block: _Block, differ: Floats) -> None:
    """Add popcount(Y[i] xor X[j]) to differ[i, j], on the cache tiles from lo to hi."""
    _, held, Y, X = block
    padded = len(Y)
    tile = np.zeros((_TILE, _TILE), np.uint64)
    for p in range(lo, hi):
        top, left = p // panels * _PANEL, p % panels * _PANEL
        for i in range(top, min(top + _PANEL, padded), _TILE):
            for j in range(left, min(left + _PANEL, padded), _TILE):
                _count_tile(Y, X, i, j, held, tile)
                for k in range(min(_TILE, len(differ) - i)):
                    for m in range(min(_TILE, len(differ) - j)):
                        differ[i + k, j + m] += tile[k, m]


@jit
def _count_tile(Y: Words, X: Words, i: int, j: int, held: int, tile: Words) -> None:
    # sixteen named counters, because only those stay in registers
    y0, y1, y2, y3 = Y[i], Y[i + 1], Y[i + 2], Y[i + 3]
    x0, x1, x2, x3 = X[j], X[j + 1], X[j + 2], X[j + 3]
    c00 = c01 = c02 = c03 = np.uint64(0)
    c10 = c11 = c12 = c13 = np.uint64(0)
    c20 = c21 = c22 = c23 = np.uint64(0)
    c30 = c31 = c32 = c33 = np.uint64(0)
    for w in range(held):
        a, b, c, d = x0[w], x1[w], x2[w], x3[w]
        y = y0[w]
        c00 += _popcount(y ^ a)
        c01 += _popcount(y ^ b)
        c02 += _popcount(y ^ c)
        c03 += _popcount(y ^ d)
        y = y1[w]
        c10 += _popcount(y ^ a)
        c11 += _popcount(y ^ b)
        c12 += _popcount(y ^ c)
        c13 += _popcount(y ^ d)
        y = y2[w]
        c20 += _popcount(y ^ a)
        c21 += _popcount(y ^ b)
        c22 += _popcount(y ^ c)
        c23 += _popcount(y ^ d)
        y = y3[w]
        c30 += _popcount(y ^ a)
        c31 += _popcount(y ^ b)
        c32 += _popcount(y ^ c)
        c33 += _popcount(y ^ d)
    tile[0, 0], tile[0, 1], tile[0, 2], tile[0, 3] = c00, c01, c02, c03
    tile[1, 0], tile[1, 1], tile[1, 2], tile[1, 3] = c10, c11, c12, c13
    tile[2, 0], tile[2, 1], tile[2, 2], tile[2, 3] = c20, c21, c22, c23
    tile[3, 0], tile[3, 1], tile[3, 2], tile[3, 3] = c30, c31, c32, c33


@jit(error_model="numpy")
def _correlate(lo: int, hi: int, counts: _Counts, C: Floats) -> None:
    """Fill rows of C from the counts; C may lie where `counts.differ` does."""
    pairs, later, earlier, differ = counts
    for i in range(lo, hi):
        a = later[i]
        spread_a = np.float64(a * (pairs - a))
        for j in range(len(earlier)):
            b = earlier[j]
            both = (a + b - np.int64(differ[i, j])) // 2
            # P n_11 - a b in the form whose products stay below P**2 / 4
            joint = both * (pairs - a - b + both) - (a - both) * (b - both)
            spread = spread_a * np.float64(b * (pairs - b))
            C[i, j] = joint / np.sqrt(spread) if spread > 0.0 else 0.0
