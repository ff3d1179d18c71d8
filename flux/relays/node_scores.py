"""Relay scores of single nodes, at one time step or at all."""

from __future__ import annotations

import itertools
import math
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import as_array, check_choice, check_count, check_rng
from flux._base.errors import ArgumentError
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.threads import share, thread_pool
from flux._base.types import Codes, Floats
from flux.relays._checked_samples import Samples, check_samples
from flux.relays._information_given import Flags, information_given, warn_if_unreliable
from flux.relays._sample_groups import (
    group_information,
    information_along,
    one_group,
    split_information,
)
from flux.relays.relay_information import RelayOrder, find_order

Kind = Literal["single", "aggregated", "shapley"]
KINDS = get_args(Kind)


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
    kind: Kind = "single",
    rng: np.random.Generator | None = None,
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
    rng : numpy.random.Generator, optional
        Chooses among nodes that tie (``aggregated``), and draws the orders (``shapley``): both
        need it. ``single`` draws nothing.
    orders : int
        Number of orders of ``shapley``, rounded up to an even number, since each is also gone
        backwards; all orders, each once, where there are no more than that.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

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
    Equations :eq:`eq-rel-single`, :eq:`eq-rel-aggregated` and :eq:`eq-rel-shapley` of the book.

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
    >>> Y = np.stack([a, b], 1)
    >>> relay_scores(a ^ b, a ^ b, Y)
    array([0., 0.])
    >>> relay_scores(a ^ b, a ^ b, Y, kind="shapley", rng=np.random.default_rng(1))
    array([0.5, 0.5])
    """
    check_choice("kind", kind, KINDS)
    orders = check_count("orders", orders, 1)
    samples = check_samples(xin, xout, Y)
    if kind == "single":
        if rng is not None:  # nothing is drawn
            check_rng(rng)
        states_met = information_given(samples, [_richest(samples)], "relay scores", progress)
        warn_if_unreliable(states_met.reliable, states_met.states, samples)
        return _single(samples)
    rng = check_rng(rng)
    if kind == "aggregated":
        greedy = find_order(samples, rng, progress)
        warn_if_unreliable(greedy.reliable, greedy.states, samples)
        return _aggregated(greedy)
    states_met = information_given(samples, [np.arange(len(samples.Y))], "relay scores", progress)
    warn_if_unreliable(states_met.reliable, states_met.states, samples)
    return _shapley(samples, rng, orders, progress)


def relay_over_time(
    xin: ArrayLike,
    xout: ArrayLike,
    Y: ArrayLike,
    *,
    rng: np.random.Generator,
    kind: Kind = "single",
    orders: int = 100,
    progress: bool = True,
) -> RelaysOverTime:
    """Analyse the relays of one input and one output at every time step.

    Equation :eq:`eq-rel-two` of the book, step by step.

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
        Whether work of more than two seconds shows a progress bar.

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
    check_choice("kind", kind, KINDS)
    orders = check_count("orders", orders, 1)
    recorded = as_array("Y", Y)
    if recorded.ndim != 3 or 0 in recorded.shape:
        raise ArgumentError(
            f"Y must have shape (samples, steps, nodes), none 0, but had {recorded.shape}"
        )
    steps = recorded.shape[1]
    rows = []
    with progress_bar("relays over time", steps, unit="step", show=progress) as bar:
        for t in range(steps):
            samples = check_samples(xin, xout, recorded[:, t])
            greedy = find_order(samples, rng, False)
            if kind == "aggregated":
                scores = _aggregated(greedy)
            else:
                scores = score_nodes(samples, kind, rng, orders, False)
            rows.append((scores, *greedy))
            bar.update()
    stacked = RelaysOverTime(*(np.stack(field) for field in zip(*rows, strict=True)))
    warn_if_unreliable(stacked.reliable, stacked.states, samples)
    return stacked


def score_nodes(
    samples: Samples, kind: Kind, rng: np.random.Generator, orders: int, progress: bool
) -> Floats:
    """Return the scores of checked samples, without a warning."""
    if kind == "single":
        return _single(samples)
    if kind == "aggregated":
        return _aggregated(find_order(samples, rng, progress))
    return _shapley(samples, rng, orders, progress)


def _aggregated(greedy: RelayOrder) -> Floats:
    """Return the aggregated score of each node from a greedy order and its curve."""
    fallen = np.cumsum(greedy.curve[1] - greedy.curve)
    scores = np.empty(greedy.order.size)
    # from k = 1 on; the k = 0 term would count what the first removal gained
    scores[greedy.order] = fallen[:-1] - fallen[0]
    return scores


def _single(samples: Samples) -> Floats:
    n, n_samples = samples.Y.shape
    groups = one_group(n_samples)
    kernel_args = (np.arange(n), samples.Y, samples.n_values, samples.pairs, groups)
    bits = group_information(samples.pairs, groups) - split_information(0, n, *kernel_args)
    return bits / n_samples


def _shapley(samples: Samples, rng: np.random.Generator, orders: int, progress: bool) -> Floats:
    n, n_samples = samples.Y.shape
    if n <= 20 and math.factorial(n) <= orders:
        drawn = np.array(list(itertools.permutations(range(n))))
    else:
        check_memory(24.0 * orders * n, "the orders of all nodes", "use fewer orders")
        forth = np.array([rng.permutation(n) for _ in range((orders + 1) // 2)])
        # each order backwards too: exact for pairs of nodes, and less noise for the others
        drawn = np.concatenate([forth, forth[:, ::-1]])
    total = np.zeros(n)
    with (
        thread_pool() as pool,
        progress_bar("Shapley scores", len(drawn), unit="order", show=progress) as bar,
    ):
        for block in np.array_split(drawn, max(1, len(drawn) // 20)):
            kernel_args = (block, samples.Y, samples.n_values, samples.pairs)
            bits = np.concatenate(share(pool, information_along, len(block), 1, *kernel_args))
            # row by row, so that the sum does not depend on the threads
            for order, loss in zip(block, bits[:, :-1] - bits[:, 1:], strict=True):
                total[order] += loss
            bar.update(len(block))
    return total / (len(drawn) * n_samples)


def _richest(samples: Samples) -> Codes:
    """Return the node with the most values: no single score meets more states than it has."""
    return np.array([np.argmax([np.unique(values).size for values in samples.Y])])
