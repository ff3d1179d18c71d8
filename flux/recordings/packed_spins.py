"""Recordings of spins as neuron-major bits, 64 time steps to a word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flux._base.checks import as_array, read_only, short
from flux._base.errors import ArgumentError
from flux._base.jit import jit
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.threads import share, thread_pool
from flux._base.types import Integers
from flux.recordings.counting import Words, as_recording

_LINE = 8
"""Words in one cache line: the unit of time in which bits are written."""

_WIDE = 256
"""Neurons packed side by side: wide enough for vectors, small enough for the L1 cache."""

_BLOCK = 1 << 24
"""Spins turned to bits in one go, where the input must be copied first."""

_GATHER = 1 << 26
"""Spins of which small pieces from an iterator are gathered at most."""

_COMPILED = tuple(np.dtype(f"={kind}") for kind in ("i1", "i2", "i4", "i8", "f4", "f8"))


class PackedSpins(NamedTuple):
    """A recording of n neurons as bits, neuron by neuron, in one or several chains.

    Bits that belong to no chain mean nothing and may have any value, so a simulator can hand
    over whole words, as in the second example.

    Attributes
    ----------
    bits : (n, words) uint64
        Neuron i is +1 at position t where ``(bits[i, t // 64] >> (t % 64)) & 1`` is 1, and -1
        where it is 0.
    starts, lengths : (chains,) int64
        Chain c takes the positions ``starts[c]`` up to, but without, ``starts[c] + lengths[c]``,
        in the order of time. Chains are sorted and do not overlap.

    Examples
    --------
    >>> packed = pack([[-1, 1], [1, 1], [1, -1]])
    >>> [f"{word:03b}" for word in packed.bits[:, 0]]
    ['110', '011']

    Chains of 100 steps, each in two words of its own:

    >>> chains, steps, words = 5, 100, 2
    >>> bits = np.zeros((3, chains, words), np.uint64)
    >>> silent = PackedSpins(
    ...     bits.reshape(3, -1), 64 * words * np.arange(chains), np.full(chains, steps)
    ... )
    >>> silent.starts
    array([  0, 128, 256, 384, 512])
    """

    bits: Words
    starts: Integers
    lengths: Integers


def pack(x: ArrayLike | Iterator[ArrayLike], *, progress: bool = True) -> PackedSpins:
    """Pack a recording into bits, once for many uses: 1/8 of the memory of int8.

    Parameters
    ----------
    x : (steps, n) or (chains, steps, n) array of -1 and +1, or an iterator of such arrays
        Spins, of any signed integer or floating type; a memory-mapped array is read piece by
        piece. An iterator yields successive pieces in time, each going on where the last
        ended; they may differ in steps, but not in chains and n.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    PackedSpins
        bits (n, words), starts and lengths (chains,).

    Raises
    ------
    ValueError
        If `x` holds anything but -1 and +1, is empty, or has another shape.
    TooLargeError
        If the bits would not fit into memory.

    Examples
    --------
    >>> pack([[-1, 1], [1, 1], [1, -1]])
    PackedSpins(bits=array([[6],
           [3]], dtype=uint64), starts=array([0]), lengths=array([3]))
    """
    with thread_pool() as pool:
        if isinstance(x, Iterator):
            with progress_bar("pack", unit="piece", show=progress) as bar:
                return _pack_stream(x, pool, bar)
        (chunk,) = chunks(x)
        return pack_chunk(chunk, pool)


def pack_chunk(chunk: NDArray[Any], pool: ThreadPoolExecutor) -> PackedSpins:
    """Pack chains of shape (chains, steps, n) without a gap between them."""
    chains, steps, n = chunk.shape
    words = -(-chains * steps // 64)
    check_memory(8.0 * n * words, f"packing {chains * steps} steps", "correlate x unpacked")
    bits = np.zeros((n, 1, words), np.uint64)
    position = 0
    for piece in _pieces(chunk, max(1, _BLOCK // n), 0):
        rows = _rows(piece.reshape(-1, n))
        _pack_rows(rows, bits, 0, position, pool)
        position += len(rows)
    return PackedSpins(
        bits.reshape(n, words), steps * np.arange(chains), np.full(chains, steps, np.int64)
    )


def chunks(x: object) -> Iterator[NDArray[Any]]:
    """Yield x, or what the iterator x yields, as arrays (chains, steps, n), or raise."""
    shape: tuple[int, int] | None = None
    for part in x if isinstance(x, Iterator) else (x,):
        chunk = _as_chunk(part)
        sizes = chunk.shape[0], chunk.shape[2]
        if shape not in (None, sizes):
            raise ArgumentError(
                f"x must yield pieces of the same (chains, n), but had {shape} and then {sizes}"
            )
        shape = sizes
        yield chunk
    if shape is None:
        raise ArgumentError("x must hold at least one step, but yielded nothing")


def separate_pieces(
    x: object, lag: int, block_steps: Callable[[int], int]
) -> Iterator[NDArray[Any]]:
    """Yield (chains, steps, n) pieces of x such that each pair (t, t + lag) lies in exactly one.

    Pieces have about `block_steps(n)` steps, whatever the size of what the iterator x yields.
    """
    tail: NDArray[Any] | None = None
    for chunk in _gathered(x, block_steps):
        if tail is not None:
            # tail and head are at most lag steps long, so all their pairs lie across the cut
            yield np.concatenate((tail, chunk[:, :lag]), axis=1)
        yield from _pieces(chunk, max(lag, block_steps(chunk.shape[2])), lag)
        if isinstance(x, Iterator):
            joint = chunk if tail is None else np.concatenate((tail, chunk[:, -lag:]), axis=1)
            # a copy, because the iterator may fill the same array again
            tail = joint[:, -lag:].copy()


def check_packed(name: str, packed: PackedSpins) -> PackedSpins:
    """Return `packed` if it keeps to the format, or raise a ValueError that says where not."""
    bits, starts, lengths = (
        as_array(f"{name}.{field}", getattr(packed, field)) for field in packed._fields
    )
    if bits.dtype != np.uint64 or bits.ndim != 2 or bits.size == 0:
        raise ArgumentError(
            f"{name}.bits must have shape (n, words) and type uint64, but had shape {bits.shape}"
            f" and type {bits.dtype}"
        )
    if starts.ndim != 1 or starts.shape != lengths.shape or starts.size == 0:
        raise ArgumentError(
            f"{name}.starts and {name}.lengths must have the same shape (chains,), but had"
            f" {starts.shape} and {lengths.shape}"
        )
    for field, values in (("starts", starts), ("lengths", lengths)):
        if values.dtype.kind != "i" or values.min() < 0:
            raise ArgumentError(
                f"{name}.{field} must be integers of at least 0, but was {short(values)}"
            )
    ends = starts + lengths
    if np.any(ends[:-1] > starts[1:]) or ends[-1] > 64 * bits.shape[1]:
        raise ArgumentError(
            f"{name}.starts and {name}.lengths must give chains in order, apart, and within the"
            f" {64 * bits.shape[1]} bits of a row, but gave ends {short(ends)} for starts"
            f" {short(starts)}"
        )
    return PackedSpins(
        np.ascontiguousarray(bits), starts.astype(np.int64), lengths.astype(np.int64)
    )


def _pack_stream(x: Iterator[ArrayLike], pool: ThreadPoolExecutor, bar: Any) -> PackedSpins:
    parts: list[Words] = []
    total = chains = n = room = 0
    for chunk in _gathered(x, lambda n: _BLOCK // n):
        chains, _, n = chunk.shape
        if not parts:
            room = 64 * max(_LINE, _BLOCK // (64 * chains * n))
        done = 0
        while done < chunk.shape[1]:
            position = total % room
            if position == 0:
                check_memory(
                    room / 4.0 * n * chains, "packing the next steps", "correlate x unpacked"
                )
                parts.append(np.zeros((n, chains, room // 64), np.uint64))
            piece = chunk[:, done : done + room - position]
            for c in range(chains):
                _pack_rows(_rows(piece[c]), parts[-1], c, position, pool)
            done += piece.shape[1]
            total += piece.shape[1]
        bar.update()
    words = -(-total // 64)
    parts[-1] = parts[-1][:, :, : words - (len(parts) - 1) * room // 64]
    bits = np.concatenate(parts, axis=2).reshape(n, chains * words)
    return PackedSpins(bits, 64 * words * np.arange(chains), np.full(chains, total, np.int64))


def _gathered(x: object, block_steps: Callable[[int], int]) -> Iterator[NDArray[Any]]:
    held: list[NDArray[Any]] = []
    spins = 0
    for chunk in chunks(x):
        n = chunk.shape[2]
        enough = min(n * block_steps(n), _GATHER)
        if not held and (chunk.size >= enough or not isinstance(x, Iterator)):
            yield chunk
            continue
        held.append(chunk.copy())
        spins += chunk.size
        if spins >= enough:
            yield np.concatenate(held, axis=1)
            held, spins = [], 0
    if held:
        yield np.concatenate(held, axis=1)


def _pieces(chunk: NDArray[Any], steps: int, overlap: int) -> Iterator[NDArray[Any]]:
    """Cut (chains, total, n) into pieces of about `steps` steps that overlap within a chain."""
    chains, total, _ = chunk.shape
    if total <= steps + overlap:
        together = max(1, steps // total)
        for c in range(0, chains, together):
            yield chunk[c : c + together]
        return
    for c in range(chains):
        for t in range(0, total - overlap, steps):
            yield chunk[c : c + 1, t : t + steps + overlap]


def _as_chunk(x: object) -> NDArray[Any]:
    chunk = as_recording(x)
    if chunk.dtype.kind not in "if":
        raise ArgumentError(_not_spins(f"values of type {chunk.dtype}"))
    return chunk if chunk.ndim == 3 else chunk[None]


def _rows(piece: NDArray[Any]) -> NDArray[Any]:
    compiled = piece if piece.dtype in _COMPILED else piece.astype(np.float64)
    return read_only(np.ascontiguousarray(compiled))


def _pack_rows(
    rows: NDArray[Any], bits: Words, chain: int, position: int, pool: ThreadPoolExecutor
) -> None:
    first = position // (64 * _LINE)
    lines = -(-(position + len(rows)) // (64 * _LINE)) - first
    grain = max(1, (1 << 17) // (64 * _LINE * rows.shape[1]))
    if not all(share(pool, _set_bits, lines, grain, first, rows, bits, chain, position)):
        bad = rows[np.abs(rows) != 1].flat[0].item()
        raise ArgumentError(_not_spins(repr(bad)))


def _not_spins(held: str) -> str:
    return (
        f"x must hold only spins -1 and +1, but held {held}: 0/1 data become spins as"
        " 2 * x.astype(np.int8) - 1"
    )


@jit
def _set_bits(
    lo: int, hi: int, first: int, rows: NDArray[Any], bits: Words, chain: int, position: int
) -> bool:
    """Set bit position + t of each neuron where rows[t] is +1; False if any is not a spin."""
    steps, n = rows.shape
    words = bits.shape[2]
    gathered = np.zeros((_LINE, _WIDE), np.uint64)
    wrong = np.zeros(_WIDE, np.uint8)
    for line in range(first + lo, first + hi):
        held = min(_LINE, words - line * _LINE)
        for j in range(0, n, _WIDE):
            wide = min(_WIDE, n - j)
            gathered[:] = 0
            for s in range(held):
                word = gathered[s]
                origin = 64 * (line * _LINE + s) - position
                for t in range(max(0, origin), min(steps, origin + 64)):
                    row = rows[t, j : j + wide]
                    bit = np.uint64(t - origin)
                    # two plain loops, each of which vectorizes over the neurons
                    for k in range(wide):
                        word[k] |= np.uint64(row[k] == 1) << bit
                    for k in range(wide):
                        wrong[k] |= np.uint8((row[k] != 1) & (row[k] != -1))
            for k in range(wide):
                for s in range(held):
                    bits[j + k, chain, line * _LINE + s] |= gathered[s, k]
    return not np.any(wrong)
