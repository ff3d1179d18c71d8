"""All relay sets of a layer at once, and what its readout loses without any set of nodes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import as_array, check_floats, short
from flux._base.errors import ArgumentError
from flux._base.jit import jit
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.threads import share, thread_pool
from flux._base.types import Codes, Floats
from flux.recordings.counting import Multiplicities, multiplicities
from flux.recordings.entropies import entropy_bits, sum_shuffled
from flux.relays._checked_samples import check_samples
from flux.relays._information_given import Flags, are_reliable
from flux.relays._sample_groups import Pairs, Values, one_group, refine

MAX_NODES = 16
"""Most nodes whose relay sets are all visited: each more doubles the time."""

# sets between two moves of the progress bar
_CHUNK = 1 << 13


class RelaySets(NamedTuple):
    """Relay information of all sets of nodes; bit j of a set's place says whether j is in it.

    Attributes
    ----------
    I : (2**nodes,) float64
        Relay information in bits; that of no node first, that of all nodes last.
    states : (2**nodes,) int64
        Occupied states of Y0, the nodes outside the set.
    reliable : (2**nodes,) bool
        Whether there are samples enough for these states.
    leak, I_in_out : float
        As in `RelayInformation`; the leak is reliable if ``reliable[0]``.

    Examples
    --------
    >>> bit, noise = np.tile([[0, 0, 1, 1], [0, 1, 0, 1]], 16)
    >>> found = all_relay_information(bit, bit, np.stack([bit, noise], 1))
    >>> found.states, found.reliable.all(), found.leak, found.I_in_out
    (array([4, 2, 2, 1]), np.True_, 0.0, 1.0)
    """

    I: Floats
    states: Codes
    reliable: Flags
    leak: float
    I_in_out: float


def all_relay_information(
    xin: ArrayLike, xout: ArrayLike, Y: ArrayLike, *, progress: bool = True
) -> RelaySets:
    """Measure the relay information of all 2**nodes relay sets.

    Each set of nodes outside, Y0, splits the groups of samples of the set with one node less, so
    that nothing is counted twice.

    Parameters
    ----------
    xin, xout : (samples,) int, bool or str
        Labels of inputs and outputs.
    Y : (samples, nodes) int
        State of each hidden node, at most 256 different values a node, and at most 16 nodes.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    RelaySets
        (I, states, reliable, leak, I_in_out), indexed by the codes of sets: bit j is node j.

    Raises
    ------
    ValueError
        If an argument is of wrong shape or type, or there are more than 16 nodes.

    Notes
    -----
    Equations :eq:`eq-tru-sets` and :eq:`eq-rel-two` of the book. A set is reliable as in
    `relay_information`, but by the states of Y0 alone: most sets have samples enough where the
    leak has not. No warning is given.

    References
    ----------
    Hintze & Adami (2023), Entropy 25(3), 401.

    Examples
    --------
    The output copies the input by node 0, and node 1 is noise; sets {}, {0}, {1}, {0, 1}:

    >>> bit, noise = np.tile([[0, 0, 1, 1], [0, 1, 0, 1]], 16)
    >>> all_relay_information(bit, bit, np.stack([bit, noise], 1)).I
    array([0., 1., 0., 1.])
    """
    samples = check_samples(xin, xout, Y)
    pairs, (n, n_samples) = samples.pairs, samples.Y.shape
    if n > MAX_NODES:
        raise ArgumentError(
            f"Y must have at most {MAX_NODES} nodes for all their sets, but had {n}: rank them by"
            " relay_order, or draw sets and call relay_information for each"
        )
    labels = [
        multiplicities(np.bincount(label))
        for label in (pairs.pair_in[pairs.pair], pairs.pair_out[pairs.pair], pairs.pair)
    ]
    met = np.full((n_samples + 1, 2), np.nan)
    table, times = np.unique(np.vstack([samples.Y, pairs.pair]), axis=1, return_counts=True)
    rows = np.ascontiguousarray(table[:-1].astype(np.uint8))
    pairs = pairs._replace(pair=np.ascontiguousarray(table[-1].astype(np.int32)))
    parts = []
    with (
        thread_pool() as pool,
        progress_bar("relay sets", 1 << n, unit="set", show=progress) as bar,
    ):
        for first in range(0, 1 << n, _CHUNK):
            count = min(_CHUNK, (1 << n) - first)
            kernel_args = (first, rows, times, samples.n_values, pairs, *labels, met)
            parts += share(pool, _visit_sets, count, 64, *kernel_args)
            bar.update(count)
    # visited by the code of Y0: backwards, it is the code of the relay set
    given, null, H_both = np.concatenate([bits for bits, _ in parts])[::-1].T / n_samples
    states = np.concatenate([counts for _, counts in parts])[::-1]
    H_label = min(entropy_bits(label, "plugin", 1) for label in labels[:2])
    reliable = are_reliable(null, H_both, given[-1], H_label, H_both[-1])
    return RelaySets(given - given[0], states, reliable, float(given[0]), float(given[-1]))


def knockout_accuracy(
    h: ArrayLike,
    instead: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike,
    y: ArrayLike,
    out: ArrayLike,
    *,
    progress: bool = True,
) -> Floats:
    """Measure how well a linear readout answers without each of many sets of hidden nodes.

    The answer is the class with the largest logit; those of a set knocked out are ::

        weight @ where(out, instead, h) + bias.

    Parameters
    ----------
    h : (samples, nodes) float
        Hidden activities.
    instead : (samples, nodes), (nodes,) or () float
        What a knockout puts in their place: 0, their means ``h.mean(0)``, or those of other
        samples ``rng.permutation(h)``.
    weight : (classes, nodes) float
        Weights of the readout.
    bias : (classes,) float
        Biases of the readout.
    y : (samples,) int
        True class of each sample, from 0; each must occur.
    out : (sets, nodes) bool
        Which nodes each set knocks out. ``all_states(nodes) > 0`` are all sets, in the order of
        `all_relay_information`.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    (sets, classes) float64
        Balanced accuracy of each concept, "is it this class?": the mean of the fractions of
        right answers among samples of the class and among the others. A guess has 1/2.

    Raises
    ------
    ValueError
        If an argument is of wrong shape or type, or a class never occurs.
    TooLargeError
        If the result would not fit into memory.

    Notes
    -----
    Equations :eq:`eq-tru-knockout` and :eq:`eq-tru-balanced` of the book.

    Examples
    --------
    Node 0 tells the two classes apart, node 1 does nothing; none, node 0, node 1, both out:

    >>> from flux import all_states
    >>> h, out = np.array([[-1.0, 0.3], [1.0, 0.2]]), all_states(2) > 0
    >>> knockout_accuracy(h, 0.0, [[-1, 0], [1, 0]], [0, 0], [0, 1], out)[:, 1]
    array([1. , 0.5, 1. , 0.5])
    """
    activities, readout, biases = (
        _check_finite(name, value, axes)
        for name, value, axes in (("h", h, 2), ("weight", weight, 2), ("bias", bias, 1))
    )
    (n_samples, n), classes = activities.shape, len(readout)
    if readout.shape[1] != n:
        raise ArgumentError(f"weight must have shape (classes, {n}), but had {readout.shape}")
    if biases.size != classes:
        raise ArgumentError(f"bias must have shape ({classes},), but had {biases.shape}")
    others = _check_finite("instead", instead, None)
    if others.shape not in ((), (n,), (n_samples, n)):
        raise ArgumentError(
            f"instead must be one number or have shape ({n},) or ({n_samples}, {n}), but had"
            f" {others.shape}"
        )
    truth = as_array("y", y, "biu")
    if truth.shape != (n_samples,):
        raise ArgumentError(f"y must have shape ({n_samples},), but had {truth.shape}")
    if not np.array_equal(np.unique(truth), np.arange(classes)):
        raise ArgumentError(
            f"y must hold each of the classes 0 to {classes - 1}, but held"
            f" {short(np.unique(truth).tolist())}"
        )
    sets = as_array("out", out)
    if sets.dtype.kind != "b" or sets.ndim != 2 or sets.shape[1] != n:
        raise ArgumentError(
            f"out must be a (sets, {n}) array of bool, but was of type {sets.dtype} and shape"
            f" {sets.shape}"
        )
    check_memory(24.0 * classes * len(sets), "the accuracies of all sets", "pass fewer sets")
    # what each node's knockout adds to the logits; sets as bytes of eight nodes
    change = (others - activities)[:, :, None] * readout.T
    packed = np.packbits(sets, axis=1, bitorder="little")
    kernel_args = (packed, activities @ readout.T + biases, change, truth.astype(np.int64))
    parts = []
    with (
        thread_pool() as pool,
        progress_bar("knockouts", len(sets), unit="set", show=progress) as bar,
    ):
        for first in range(0, len(sets), _CHUNK):
            count = min(_CHUNK, len(sets) - first)
            parts += share(pool, _balanced, count, 1 << 10, first, *kernel_args)
            bar.update(count)
    return np.concatenate(parts)


def _check_finite(name: str, value: ArrayLike, axes: int | None) -> Floats:
    array = check_floats(name, value)
    if axes not in (None, array.ndim) or 0 in array.shape or not np.isfinite(array).all():
        raise ArgumentError(
            f"{name} must hold finite numbers"
            + (f" on {axes} axes, none empty" if axes else "")
            + f", but was {short(value)}"
        )
    return array


@jit
def _visit_sets(
    lo: int,
    hi: int,
    first: int,
    rows: Values,
    times: Codes,
    n_values: int,
    pairs: Pairs,
    inputs: Multiplicities,
    outputs: Multiplicities,
    both: Multiplicities,
    met: Floats,
) -> tuple[Floats, Codes]:
    """Return I(in;out|Y0), its null and H(in,out|Y0) times the samples, and the states of Y0.

    For the sets Y0 with codes first + lo to first + hi - 1. Each different row of nodes and pair
    stands for `times` samples. Row m of `met` is what a group of m samples adds to the null and
    to the entropy, NaN where it has not yet been met.
    """
    n, n_samples, f = len(rows), pairs.m_log_m.size - 1, pairs.m_log_m
    bits, states = np.zeros((hi - lo, 3)), np.zeros(hi - lo, np.int64)
    cells = np.zeros(pairs.pair_in.size, np.int64)
    n_in, n_out, seen = np.zeros_like(cells), np.zeros_like(cells), np.zeros_like(cells)
    # groups by the nodes of a set, from its highest down: a set follows the one without its
    # lowest, with only larger sets between
    stack = [one_group(times.size)] * (n + 1)
    for place in range(hi - lo):
        code, depth = first + lo + place, 0
        for j in range(n - 1, -1, -1):
            if code >> j & 1:
                depth += 1
                if place == 0 or code & ((1 << j) - 1) == 0:
                    stack[depth] = refine(rows[j], n_values, pairs, stack[depth - 1], True)
        sample, start = stack[depth]
        states[place] = start.size - 1
        for g in range(start.size - 1):
            size = n_seen = 0
            for row in sample[start[g] : start[g + 1]]:
                c = pairs.pair[row]
                if cells[c] == 0:
                    seen[n_seen] = c
                    n_seen += 1
                cells[c] += times[row]
                n_in[pairs.pair_in[c]] += times[row]
                n_out[pairs.pair_out[c]] += times[row]
                size += times[row]
            bits[place, 0] += f[size]
            for c in seen[:n_seen]:
                i, o = pairs.pair_in[c], pairs.pair_out[c]
                bits[place, 0] += f[cells[c]] - f[n_in[i]] - f[n_out[o]]
                cells[c] = n_in[i] = n_out[o] = 0  # each margin counts once
            if np.isnan(met[size, 0]):
                one = np.full(1, size)
                H_in, H_out, H_both = [
                    f[size] - sum_shuffled(one, label.value, label.times, n_samples, f)[0]
                    for label in (inputs, outputs, both)
                ]
                met[size, 1] = H_both
                met[size, 0] = H_in + H_out - H_both
            bits[place, 1] += met[size, 0]
            bits[place, 2] += met[size, 1]
    return bits, states


@jit
def _balanced(
    lo: int, hi: int, first: int, packed: Values, whole: Floats, change: Floats, y: Codes
) -> Floats:
    """Return the balanced accuracy (sets, classes) of sets first + lo to first + hi - 1."""
    n_samples, n, classes = change.shape
    n_bytes = packed.shape[1]
    hits, said = np.zeros((hi - lo, classes)), np.zeros((hi - lo, classes))
    # what all nodes of a byte that are out add up to: one sum for eight nodes
    sums = np.zeros((n_bytes, 256, classes))
    logits = np.empty(classes)
    for i in range(n_samples):
        for k in range(n_bytes):
            for bit in range(min(8, n - 8 * k)):
                for code in range(1 << bit):
                    for c in range(classes):
                        with_bit = sums[k, code, c] + change[i, 8 * k + bit, c]
                        sums[k, code | (1 << bit), c] = with_bit
        for place in range(hi - lo):
            for c in range(classes):
                logits[c] = whole[i, c]
            for k in range(n_bytes):
                code = packed[first + lo + place, k]
                for c in range(classes):
                    logits[c] += sums[k, code, c]
            answer = 0
            for c in range(1, classes):
                if logits[c] > logits[answer]:
                    answer = c
            said[place, answer] += 1
            hits[place, answer] += answer == y[i]
    own = np.bincount(y, minlength=classes)
    return (hits / own + 1 - (said - hits) / (n_samples - own)) / 2
