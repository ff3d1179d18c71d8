"""Counting: how often each state, and each pair of successive states, occurs in a recording."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flux._base.checks import as_array, check_count, check_spins, read_only
from flux._base.errors import ArgumentError
from flux._base.jit import jit
from flux._base.types import Codes, Spins
from flux._base.warn import warn
from flux.model.states import MAX_CODED, decode

Counts = NDArray[np.integer]
Words = NDArray[np.uint64]
Octets = NDArray[np.uint8]


class Multiplicities(NamedTuple):
    """How many symbols (`times`) were counted exactly `value` times; both (m,) int64."""

    value: Codes
    times: Codes


class PairCounts(NamedTuple):
    """Counts of the states x, of their successors y, and of the pairs (x, y); zeros may occur."""

    x: Counts
    y: Counts
    xy: Counts


def as_recording(x: object, name: str = "x") -> NDArray[Any]:
    """Return `x` as an array of the shape (steps, n) or (chains, steps, n), of any type."""
    spins = as_array(name, x)
    if spins.ndim not in (2, 3) or 0 in spins.shape:
        raise ArgumentError(
            f"{name} must have shape (steps, n) or (chains, steps, n), each at least 1, but had"
            f" shape {spins.shape}"
        )
    return spins


def check_recording(x: object, name: str = "x", *, least: int = 1) -> Spins:
    """Return `x` as (chains, steps, n) int8 with at least `least` steps; spins are not checked."""
    spins = as_recording(x, name)
    if spins.shape[-2] < least:
        raise ArgumentError(f"{name} must have at least {least} steps, but had shape {spins.shape}")
    if spins.dtype != np.int8:
        spins = check_spins(name, spins).astype(np.int8)
    if spins.size < spins.shape[-1] ** 2:
        turned = f"{name}.T" if spins.ndim == 2 else f"{name}.transpose(0, 2, 1)"
        warn(
            f"{name} of shape {spins.shape} is read as {spins.shape[-2]} steps of {spins.shape[-1]}"
            f" neurons: if it is the other way round, pass {turned}"
        )
    return np.ascontiguousarray(spins.reshape(-1, *spins.shape[-2:]))


def check_lag(x: Spins, lag: object) -> int:
    """Return `lag` if each chain of the recording (chains, steps, n) holds a pair so far apart."""
    steps = x.shape[1]
    if steps < 2:
        raise ArgumentError(f"x must have at least 2 steps, but had {steps}")
    return check_count("lag", lag, 1, steps - 1)


def state_codes(x: Spins) -> tuple[Codes, int]:
    """Return (chains, steps) codes, equal where states are equal, and a bound above all codes.

    Up to 62 neurons the codes are those of `encode`. Beyond, 62 neurons at a time refine
    the grouping: two different states never share a code.

    Raises
    ------
    ValueError
        If `x` holds anything but -1 and +1.
    """
    n = x.shape[-1]
    bits = _pack(x)
    codes = np.empty(x.shape[:-1], np.int64)
    size = 1 << min(n, MAX_CODED)
    _cut(bits, n, 0, min(n, MAX_CODED), codes.reshape(-1))
    for start in range(MAX_CODED, n, MAX_CODED):
        more = np.empty_like(codes)
        _cut(bits, n, start, min(MAX_CODED, n - start), more.reshape(-1))
        codes, size = relabel(codes)
        more, n_more = relabel(more)
        codes, size = relabel(codes * n_more + more)
    return codes, size


def count_successors(x: Spins, lag: int) -> PairCounts:
    """Return the counts of the states x(t), of y = x(t + lag) in the same chain, and of (x, y)."""
    chains, steps, n = x.shape
    samples = chains * (steps - lag)
    if n <= 31 and 4**n <= _dense_limit(samples) and samples < 2**31:
        table = np.zeros((1 << n, 1 << n), np.int32)
        _tally_bits(_pack(x), n, chains, steps, lag, table)
        return _with_margins(table)
    codes, size = state_codes(x)
    return count_pairs(codes[:, :-lag].reshape(-1), codes[:, lag:].reshape(-1), size)


def distinct_states(x: Spins) -> tuple[Spins, Counts]:
    """Return the states (m, n) that occur in a recording, and how often each does."""
    codes, size = state_codes(x)
    n = x.shape[-1]
    if n <= MAX_CODED and size <= _dense_limit(codes.size):
        counts = np.bincount(codes.reshape(-1), minlength=size)
        seen = np.flatnonzero(counts)
        return decode(seen, n), counts[seen]
    _, first, counts = np.unique(codes, return_index=True, return_counts=True)
    return x.reshape(-1, n)[first], counts


def relabel(codes: Codes) -> tuple[Codes, int]:
    """Return codes 0, 1, 2, ... in the order of the old codes, and how many there are."""
    seen, labels = np.unique(codes, return_inverse=True)
    return labels.reshape(codes.shape), seen.size


def count_codes(codes: Codes, size: int) -> Counts:
    """Return how often each code from 0 to `size` - 1 occurs; zeros left out if `size` is large."""
    if size <= _dense_limit(codes.size):
        return np.bincount(codes, minlength=size)
    ordered = np.sort(codes)
    ends = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return np.diff(ends, prepend=0, append=ordered.size)


def count_pairs(x: Codes, y: Codes, size: int) -> PairCounts:
    """Return the counts of x, y and (x, y) for two equally long lists of codes below `size`."""
    if size * size <= _dense_limit(x.size):
        table = np.zeros((size, size), np.int32 if x.size < 2**31 else np.int64)
        _tally(x, y, table)
        return _with_margins(table)
    if size > 2**31:
        both, size = relabel(np.stack([x, y]))
        x, y = both
    return PairCounts(
        count_codes(x, size), count_codes(y, size), count_codes(x * size + y, size * size)
    )


def multiplicities(counts: Counts) -> Multiplicities:
    """Return how many symbols share each count; symbols never counted are left out."""
    top = int(counts.max())
    if top <= counts.size:
        times = _histogram(counts, top)
        value = np.flatnonzero(times[1:]) + 1
        return Multiplicities(value, times[value])
    value, times = np.unique(counts[counts > 0], return_counts=True)
    return Multiplicities(value.astype(np.int64), times)


def _with_margins(table: Counts) -> PairCounts:
    x, y = (table.sum(axis, dtype=table.dtype) for axis in (1, 0))
    return PairCounts(x, y, table.reshape(-1))


def _dense_limit(samples: int) -> int:
    # a table of four entries a sample is filled and read faster than the samples are sorted
    return max(1 << 16, 4 * samples)


def _pack(x: Spins) -> Words:
    """Return all spins in memory order as bits, 64 to a word, and a word of zeros to read past."""
    flat = read_only(x.reshape(-1))
    whole = flat.size // 8
    octets = np.zeros(8 * (whole // 8 + 3), np.uint8)
    last = np.ones(8, np.int8)
    last[: flat.size - 8 * whole] = flat[8 * whole :]
    right = _pack_octets(flat[: 8 * whole].view(np.uint64), octets[:whole])
    rest = read_only(last).view(np.uint64)
    if not (_pack_octets(rest, octets[whole : whole + 1]) and right):
        check_spins("x", x)
    return octets.view(np.uint64)


@jit
def _pack_octets(spins: Words, octets: Octets) -> bool:
    """Pack 8 spins, read as one word, into the 8 bits of an octet; False if one is no spin."""
    wrong = np.uint64(0)
    for k in range(spins.size):
        # +1 becomes 00 and -1 becomes FE: the lowest bit 0, and the seven others equal
        w = spins[k] ^ np.uint64(0x0101010101010101)
        wrong |= w & np.uint64(0x0101010101010101)
        wrong |= (w ^ (w << np.uint64(1))) & np.uint64(0xFCFCFCFCFCFCFCFC)
        on = (~w & np.uint64(0x0202020202020202)) >> np.uint64(1)
        # the product gathers the eight lowest bits in the highest byte, first spin lowest
        octets[k] = (on * np.uint64(0x0102040810204080)) >> np.uint64(56)
    return bool(wrong == 0)


@jit
def _cut(bits: Words, n: int, first: int, width: int, codes: Codes) -> None:
    """Read codes[t] from the `width` bits that start at bit t n + first; width at most 62."""
    mask = (np.uint64(1) << np.uint64(width)) - np.uint64(1)
    for t in range(codes.size):
        place = t * n + first
        word, shift = place >> 6, np.uint64(place & 63)
        # in two steps, since a shift by 64 is not defined
        high = (bits[word + 1] << np.uint64(1)) << (np.uint64(63) - shift)
        codes[t] = np.int64(((bits[word] >> shift) | high) & mask)


@jit
def _tally_bits(bits: Words, n: int, chains: int, steps: int, lag: int, table: Counts) -> None:
    """Count pairs of codes in blocks that stay in the cache."""
    block = max(4096, lag)
    codes = np.empty(block + lag, np.int64)
    for chain in range(chains):
        for start in range(0, steps - lag, block):
            pairs = min(block, steps - lag - start)
            _cut(bits, n, (chain * steps + start) * n, n, codes[: pairs + lag])
            _tally(codes[:pairs], codes[lag : lag + pairs], table)


@jit
def _tally(x: Codes, y: Codes, table: Counts) -> None:
    for t in range(x.size):
        table[x[t], y[t]] += 1


@jit
def _histogram(counts: Counts, top: int) -> Codes:
    # four histograms in turn: a bin need not wait for its last increment
    times = np.zeros((4, top + 1), np.int64)
    whole = counts.size // 4 * 4
    for k in range(0, whole, 4):
        times[0, counts[k]] += 1
        times[1, counts[k + 1]] += 1
        times[2, counts[k + 2]] += 1
        times[3, counts[k + 3]] += 1
    for k in range(whole, counts.size):
        times[0, counts[k]] += 1
    return times.sum(0)
