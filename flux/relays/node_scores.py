"""Relay scores of single nodes, at one time step or at all."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from tqdm import tqdm

from flux._base.checks import as_array, check_choice, check_count, check_rng
from flux._base.errors import ArgumentError
from flux._base.memory import check_memory
from flux._base.threads import share, thread_pool
from flux._base.types import Codes, Floats
from flux.relays._refinement import compile_kernels, follow, whole
from flux.relays._refinement import split_information as split
from flux.relays._samples import Flags, Samples, check_samples, walk, warn_if_unreliable
from flux.relays.relay_information import RelayOrder, find_order

KINDS = ("single", "aggregated", "shapley")


class RelaysOverTime(NamedTuple):
    """Relay scores at each time step, and the fields of `RelayOrder`, one row a step.

    Attributes
    ----------
    scores : (steps, nodes) float64
        Scores in bits.
    order, curve, null, states, reliable, tied, leak, I_in_out : (steps, ...) arrays
        As in `RelayOrder`, with the steps in front.

    Examples
    --------
    >>> bit, noise = np.tile([[0, 0, 1, 1], [0, 1, 0, 1]], 32)
    >>> Y = np.stack([np.stack([bit, noise], 1), np.stack([noise, bit], 1)], 1)
    >>> found = relay_over_time(bit, bit, Y, rng=np.random.default_rng(1))
    >>> found.order, found.leak
    (array([[1, 0],
           [0, 1]]), array([0., 0.]))
    """

    scores: Floats
    order: Codes
    curve: Floats
    null: Floats
    states: Codes
    reliable: Flags
    tied: Flags
    leak: Floats
    I_in_out: Floats


def relay_scores(
    xin: ArrayLike,
    xout: ArrayLike,
    Y: ArrayLike,
    *,
    kind: str = "single",
    rng: np.random.Generator,
    orders: int = 100,
    progress: bool = True,
) -> Floats:
    """Score each node by the relay information that is lost without it.

    ``single`` is the loss when only node j leaves the relay set of all nodes ::

        I_R(all) - I_R(all but j) = I(in;out) - I(in;out|Y_j),

    which needs no other node. ``aggregated`` goes along the greedy order: with curve[k] the I_R
    after k removals ::

        V_j = sum of curve[1] - curve[k], k = 1 ... while j is in the relay set.

    ``shapley`` is the mean loss when j leaves, over random orders of leaving; scores add up to
    I_R(all).

    Parameters
    ----------
    xin, xout : (samples,) int, bool or str
        Labels of inputs and outputs.
    Y : (samples, nodes) int
        State of each hidden node, at most 256 different values a node.
    kind : "single", "aggregated" or "shapley"
        Which score.
    rng : numpy.random.Generator
        Chooses among nodes that tie (``aggregated``), and draws the orders (``shapley``).
    orders : int
        Number of orders of ``shapley``, rounded up to an even number, since each is also gone
        backwards; all orders, each once, where there are no more than that.
    progress : bool
        Show a progress bar if it takes longer than two seconds.

    Returns
    -------
    (nodes,) float64
        Scores in bits; negative for nodes without which more would be passed on.

    Warns
    -----
    UserWarning
        If the samples are too few for the states met on the way: of one node for ``single``, of
        the whole Y0 otherwise.

    Raises
    ------
    ValueError
        If an argument is of wrong shape, type or value.
    TooLargeError
        If the tables would not fit into memory.

    Notes
    -----
    A bit that two nodes both carry counts for each of them by ``single``, and a bit that they
    carry only together (its parity) for none. ``shapley`` splits either between the two.

    References
    ----------
    Hintze & Adami (2023), Entropy 25(3), 401, for the first two; Shapley (1953), A value for
    n-person games.

    Examples
    --------
    Two nodes whose parity is the bit, which the output reads:

    >>> a, b = np.tile([[0, 0, 1, 1], [0, 1, 0, 1]], 16)
    >>> Y, rng = np.stack([a, b], 1), np.random.default_rng(1)
    >>> relay_scores(a ^ b, a ^ b, Y, kind="single", rng=rng)
    array([0., 0.])
    >>> relay_scores(a ^ b, a ^ b, Y, kind="shapley", rng=rng)
    array([0.5, 0.5])
    """
    check_rng(rng)
    _check_kind(kind)
    orders = check_count("orders", orders, 1)
    data = check_samples(xin, xout, Y)
    if kind == "aggregated":
        found = find_order(data, rng, progress)
        warn_if_unreliable(found.reliable, found.states, data)
        return aggregate(found)
    # the largest number of states that the score meets
    most = np.arange(len(data.Y)) if kind == "shapley" else _richest(data)
    _, _, states, reliable = walk(data, [most])
    warn_if_unreliable(reliable, states, data)
    return _single(data) if kind == "single" else _shapley(data, rng, orders, progress)


def relay_over_time(
    xin: ArrayLike,
    xout: ArrayLike,
    Y: ArrayLike,
    *,
    rng: np.random.Generator,
    kind: str = "single",
    orders: int = 100,
    progress: bool = True,
) -> RelaysOverTime:
    """Analyse the relays of one input and one output at every time step.

    Parameters
    ----------
    xin, xout : (samples,) int, bool or str
        Labels of inputs and outputs of whole sequences.
    Y : (samples, steps, nodes) int
        State of each hidden node at each step, at most 256 different values a node; see
        `coarse_grain`.
    rng : numpy.random.Generator
        As in `relay_order` and `relay_scores`.
    kind : "single", "aggregated" or "shapley"
        Which score.
    orders : int
        Number of orders of ``shapley``.
    progress : bool
        Show a progress bar if it takes longer than two seconds.

    Returns
    -------
    RelaysOverTime
        Scores, greedy orders and what can be trusted, one row a step.

    Warns
    -----
    UserWarning
        If the samples are too few for the states of Y0 at some place.

    Raises
    ------
    ValueError
        If an argument is of wrong shape, type or value.
    TooLargeError
        If the tables would not fit into memory.

    Examples
    --------
    A bit handed from node 0 to node 1:

    >>> bit, noise = np.tile([[0, 0, 1, 1], [0, 1, 0, 1]], 32)
    >>> Y = np.stack([np.stack([bit, noise], 1), np.stack([noise, bit], 1)], 1)
    >>> relay_over_time(bit, bit, Y, rng=np.random.default_rng(1)).scores
    array([[1., 0.],
           [0., 1.]])
    """
    check_rng(rng)
    _check_kind(kind)
    orders = check_count("orders", orders, 1)
    recorded = as_array("Y", Y)
    if recorded.ndim != 3 or 0 in recorded.shape:
        raise ArgumentError(
            f"Y must have shape (samples, steps, nodes), none 0, but had {recorded.shape}"
        )
    first = check_samples(xin, xout, recorded[:, 0])
    compile_kernels(first.Y, first.n_values, first.task)
    rows = []
    steps = range(recorded.shape[1])
    for t in tqdm(steps, "relays over time", delay=2, leave=False, disable=not progress):
        data = check_samples(xin, xout, recorded[:, t])
        found = find_order(data, rng, False)
        if kind == "aggregated":
            scores = aggregate(found)
        else:
            scores = _single(data) if kind == "single" else _shapley(data, rng, orders, False)
        rows.append((scores, *found))
    stacked = RelaysOverTime(*(np.stack(field) for field in zip(*rows, strict=True)))
    warn_if_unreliable(stacked.reliable, stacked.states, data)
    return stacked


def aggregate(found: RelayOrder) -> Floats:
    """Return the aggregated score of each node from a greedy order and its curve."""
    fallen = np.cumsum(found.curve[1] - found.curve)
    scores = np.empty(found.order.size)
    # from k = 1 on; the k = 0 term would count what the first removal gained
    scores[found.order] = fallen[:-1] - fallen[0]
    return scores


def _single(data: Samples) -> Floats:
    n, n_samples = data.Y.shape
    everyone = whole(n_samples)
    args = (np.arange(n), data.Y, data.n_values, data.task, everyone)
    lost = walk(data, [])[0][0] - split(0, n, *args) / n_samples
    return np.asarray(lost)


def _shapley(data: Samples, rng: np.random.Generator, orders: int, progress: bool) -> Floats:
    n, n_samples = data.Y.shape
    if n <= 20 and math.factorial(n) <= orders:
        drawn = np.array(list(itertools.permutations(range(n))))
    else:
        check_memory(24.0 * orders * n, "the orders of all nodes", "use fewer orders")
        forth = np.array([rng.permutation(n) for _ in range((orders + 1) // 2)])
        # each order backwards too: exact for pairs of nodes, and less noise for the others
        drawn = np.concatenate([forth, forth[:, ::-1]])
    compile_kernels(data.Y, data.n_values, data.task)
    total = np.zeros(n)
    blocks = np.array_split(drawn, max(1, len(drawn) // 20))
    with thread_pool() as pool:
        for block in tqdm(blocks, "orders", delay=2, leave=False, disable=not progress):
            args = (block, data.Y, data.n_values, data.task)
            bits = np.concatenate(share(pool, follow, len(block), 1, *args))
            # row by row, so that the sum does not depend on the threads
            for order, loss in zip(block, bits[:, :-1] - bits[:, 1:], strict=True):
                total[order] += loss
    return total / (len(drawn) * n_samples)


def _richest(data: Samples) -> Codes:
    """Return the node with the most values."""
    seen = [np.count_nonzero(np.bincount(values)) for values in data.Y]
    return np.array([np.argmax(seen)])


def _check_kind(kind: object) -> None:
    check_choice("kind", kind, KINDS)
