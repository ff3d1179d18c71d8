"""Attractors of large networks: cycles met from random states, each identified exactly.

States are bits, 64 neurons to a word, and a step adds to the fields what the flipped neurons
change. The rounding of all these sums is bounded; a field that is smaller than its bound is summed
once more without any rounding, so that a long cycle closes at exactly the state where it began.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from flux._base.checks import check_any_weights, check_bias, check_choice, check_count, check_rng
from flux._base.jit import jit
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.threads import share, thread_pool
from flux._base.types import Codes, Floats, Spins, Weights
from flux.attractors.zero_noise_map import REMEDY, TIE_RULES, TieError, TieRule

ROUNDING = 1.2e-16
"""Rounding error of one addition, relative to the largest possible sum; a little above 2**-53."""
SPARSE = 0.1
"""Share of non-zero weights up to which lists of them are faster than columns."""
TIRED = 1_000_000
"""Additions to the fields after which they are summed afresh, lest the bounds grow too wide."""

RAISE, KEEP, UP, _ = range(len(TIE_RULES))

Words = NDArray[np.uint64]


class SampledAttractors(NamedTuple):
    """The distinct attractors that random starts fell into, one entry each.

    Attributes
    ----------
    period : (k,) int64
        Number of states on the cycle.
    hits : (k,) int64
        How many starts ended there.
    state : (k, n) int8
        The state on the cycle that is smallest as a code; the entries are sorted by it.
    n_open : int
        Starts that had not closed a cycle when their steps were used up: of their attractors
        nothing is known.
    has_tie : (n,) bool
        Of which neurons the field was zero in a state that was met.

    Examples
    --------
    >>> found = sample_attractors(2 * np.eye(2), starts=99, rng=np.random.default_rng(1))
    >>> found.period, int(found.hits.sum()), found.n_open
    (array([1, 1, 1, 1]), 99, 0)
    """

    period: Codes
    hits: Codes
    state: Spins
    n_open: int
    has_tie: NDArray[np.bool_]


class _Links(NamedTuple):
    """Weights by sender (columns) and by receiver (rows); no starts and indices if dense."""

    columns: Floats
    column_starts: Codes
    receivers: Codes
    rows: Floats
    row_starts: Codes
    senders: Codes
    b: Floats
    error: Floats


def sample_attractors(
    W: Weights,
    b: ArrayLike | None = None,
    *,
    starts: int,
    rng: np.random.Generator,
    max_steps: int = 100_000,
    ties: TieRule = "raise",
    progress: bool = True,
) -> SampledAttractors:
    """Find the attractors of the zero-noise map in which random states end; any number of neurons.

    The map is equation :eq:`eq-att-map` of the book. Each start is a fair draw among all states, so
    ``hits / starts`` estimates the share of states in a basin. Cycles are found by Brent's method,
    which stores two states at a time. Signs are those of the exact sums of the given doubles, as in
    `successor_map`.

    Parameters
    ----------
    W : (n, n) array or scipy.sparse array
        Weights, W[i, j] from neuron j to neuron i.
    b : (n,) array, optional
        Biases; zero by default.
    starts : int
        Number of random initial states.
    rng : numpy.random.Generator
        Draws the initial states.
    max_steps : int
        Steps after which a start is given up: a cycle closes after less than three times the
        longer of transient and period.
    ties : {"raise", "keep", "up", "down"}
        What a neuron with u_i = 0 does: stop with an error, keep its spin, or take +1 or -1.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    SampledAttractors
        period, hits and state of each distinct attractor, the number of starts that
        did not close, and the neurons with ties.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    TieError
        If a field is zero in a state that is met and `ties` is "raise"; a ValueError.
    TooLargeError
        If the states of all starts would not fit into memory.

    References
    ----------
    R. P. Brent (1980), An improved Monte Carlo factorization algorithm, BIT 20, 176-184.

    Examples
    --------
    >>> ring = np.roll(np.eye(101), 1, axis=0)
    >>> sample_attractors(ring, starts=5, rng=np.random.default_rng(1)).period
    array([101, 101, 101, 101, 101])
    """
    weights = check_any_weights(W)
    n = weights.shape[0]
    bias = check_bias(b, n)
    starts = check_count("starts", starts, 1)
    check_rng(rng)
    max_steps = check_count("max_steps", max_steps, 1)
    check_choice("ties", ties, TIE_RULES)
    n_words = -(-n // 64)
    check_memory(48.0 * starts * n_words + n * starts, f"{starts} states", "take fewer starts")
    links = _link(weights, bias)
    states = rng.integers(0, 1 << 64, (starts, n_words), np.uint64)
    states[:, -1] >>= np.uint64(64 * n_words - n)
    period = np.zeros(starts, np.int64)
    has_tie = np.zeros(n, np.bool_)
    options = has_tie, max_steps, TIE_RULES.index(ties)
    batch = 8 * numba.get_num_threads()
    _close(0, 0, links, states, period, *options)  # compiled before the bar's time begins
    bar = progress_bar("attractors", starts, unit="start", show=progress)
    with thread_pool() as pool, bar:
        for first in range(0, starts, batch):
            some = slice(first, min(first + batch, starts))
            share(pool, _close, some.stop - first, 1, links, states[some], period[some], *options)
            if ties == "raise" and has_tie.any():
                raise TieError(
                    "W x + b is zero in a state that was met, at neuron"
                    f" {has_tie.argmax()}: {REMEDY}"
                )
            bar.update(some.stop - first)
    is_closed = period > 0
    # words from high to low, so that rows sort as codes do
    words, index, count = np.unique(
        states[is_closed, ::-1], axis=0, return_index=True, return_counts=True
    )
    bits = np.unpackbits(words[:, ::-1].copy().view(np.uint8), axis=1, bitorder="little")[:, :n]
    spins = 2 * bits.astype(np.int8) - 1
    n_open = starts - int(is_closed.sum())
    return SampledAttractors(period[is_closed][index], count, spins, n_open, has_tie)


def _link(W: Floats | sparse.csr_array, b: Floats) -> _Links:
    none = np.zeros(0, np.int64)
    top = np.asarray(abs(W).sum(1)).ravel() + np.abs(b)
    if isinstance(W, np.ndarray) and np.count_nonzero(W) > SPARSE * W.size:
        is_exact = _are_multiples(W, _unit(top)[:, None]).all(1)
        columns = W.T.ravel(), none, none
        rows = W.ravel(), none, none
    else:
        W = sparse.csr_array(W)
        receiver = np.repeat(np.arange(len(b)), np.diff(W.indptr))
        is_exact = np.ones(len(b), bool)
        is_exact[receiver[~_are_multiples(W.data, _unit(top)[receiver])]] = False
        by_sender = sparse.csc_array(W)
        columns, rows = (
            (form.data, form.indptr.astype(np.int64), form.indices.astype(np.int64))
            for form in (by_sender, W)
        )
    is_exact &= _are_multiples(b, _unit(top))
    return _Links(*columns, *rows, b, np.where(is_exact, 0.0, ROUNDING * top))


def _unit(top: Floats) -> Floats:
    """Return the spacing of doubles near sums of this size; sums of its multiples are exact."""
    return np.ldexp(1.0, np.maximum(np.frexp(top)[1] - 52, -1022))


def _are_multiples(values: Floats, unit: Floats) -> NDArray[np.bool_]:
    return np.fmod(values, unit) == 0


@jit
def _close(
    first: int,
    last: int,
    links: _Links,
    states: Words,
    period: Codes,
    has_tie: NDArray[np.bool_],
    max_steps: int,
    choice: int,
) -> None:
    """Replace each state by the smallest one of its cycle, and enter the cycle's period."""
    u = np.empty(len(links.b))
    for k in range(first, last):
        state = states[k].copy()
        age = _fields(links, state, u)
        mark, power, since, is_open = state.copy(), 1, 0, True
        for _ in range(max_steps):
            age = _step(links, state, u, age, has_tie, choice)
            if choice == RAISE and has_tie.any():
                return
            since += 1
            if (state == mark).all():
                is_open = False
                break
            if since == power:
                mark[:] = state
                power, since = 2 * power, 0
        if is_open:
            continue
        smallest = states[k]
        smallest[:] = state
        for _ in range(since):
            age = _step(links, state, u, age, has_tie, choice)
            if _is_less(state, smallest):
                smallest[:] = state
        period[k] = since


@jit
def _is_less(a: Words, b: Words) -> bool:
    for w in range(len(a) - 1, -1, -1):
        if a[w] != b[w]:
            return a[w] < b[w]
    return False


@jit
def _fields(links: _Links, state: Words, u: Floats) -> int:
    """Sum the fields of a state afresh, and return the number of additions."""
    u[:] = links.b
    return _shift(links, ~np.zeros_like(state), state, 1.0, u)


@jit
def _shift(links: _Links, chosen: Words, state: Words, factor: float, u: Floats) -> int:
    """Add the weights from the chosen neurons times factor and spin; return how many there are."""
    # one look into the tuple a step: each costs counters that all threads share
    columns, column_starts, receivers = links.columns, links.column_starts, links.receivers
    n, count = len(u), 0
    for j in range(n):
        bit = np.uint64(1) << np.uint64(j & 63)
        if not chosen[j >> 6] & bit:
            continue
        signed = factor if state[j >> 6] & bit else -factor
        count += 1
        if column_starts.size:
            for a in range(column_starts[j], column_starts[j + 1]):
                u[receivers[a]] += signed * columns[a]
        else:
            column = columns[j * n : (j + 1) * n]
            for i in range(n):
                u[i] += signed * column[i]
    return count


@jit
def _step(
    links: _Links, state: Words, u: Floats, age: int, has_tie: NDArray[np.bool_], choice: int
) -> int:
    """Take state and fields one step on, and return the additions behind the fields."""
    n, error = len(u), links.error
    flips = state.copy()
    following = np.zeros_like(state)
    for i in range(n):
        bit = np.uint64(1) << np.uint64(i & 63)
        field = u[i]
        if abs(field) <= error[i] * (age + 2):
            if error[i] > 0:
                field = _exact_field(links, i, state)
            if field == 0:
                has_tie[i] = True
                if choice == UP or (choice == KEEP and state[i >> 6] & bit):
                    field = 1.0
        if field > 0:
            following[i >> 6] |= bit
    for w in range(len(state)):
        flips[w] ^= following[w]
        state[w] = following[w]
    if age > TIRED + 2 * n:
        return _fields(links, state, u)
    return age + _shift(links, flips, state, 2.0, u)


@jit
def _exact_field(links: _Links, i: int, state: Words) -> float:
    """Return u_i with the sign of the exact sum (Shewchuk's expansions: no rounding is lost)."""
    n = len(links.b)
    if links.row_starts.size:
        first, last = links.row_starts[i], links.row_starts[i + 1]
    else:
        first, last = i * n, (i + 1) * n
    parts = np.zeros(last - first + 1)
    parts[0] = links.b[i]
    count = 1
    for a in range(first, last):
        j = links.senders[a] if links.row_starts.size else a - first
        is_up = state[j >> 6] >> np.uint64(j & 63) & np.uint64(1)
        value = links.rows[a] if is_up else -links.rows[a]
        kept = 0
        for k in range(count):
            part = parts[k]
            if abs(value) < abs(part):
                value, part = part, value
            total = value + part
            rest = part - (total - value)
            if rest != 0:
                parts[kept] = rest
                kept += 1
            value = total
        parts[kept] = value
        count = kept + 1
    # the parts do not overlap: the last that is not zero outweighs all others
    for k in range(count - 1, -1, -1):
        if parts[k] != 0:
            return parts[k]
    return 0.0
