"""Relay information: which nodes pass on what the output says about the input."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import as_array, check_rng, short
from flux._base.errors import ArgumentError
from flux._base.progress import progress_bar
from flux._base.threads import share, thread_pool
from flux._base.types import Codes, Floats
from flux.relays._checked_samples import Samples, check_samples
from flux.relays._information_given import TIE, Flags, information_given, warn_if_unreliable
from flux.relays._sample_groups import one_group, refine, split_information

# samples times nodes for which a thread is started
_WORTH_A_THREAD = 1 << 18


class RelayInformation(NamedTuple):
    """Relay information of a set of nodes, in bits; Y0 are the nodes outside the set.

    Attributes
    ----------
    I : float
        Relay information I(in;out|Y0) - leak.
    leak : float
        I(in;out|Y): what passes by all nodes.
    I_in_out : float
        I(in;out): what the output says about the input.
    states, states_all : int
        Occupied states of Y0 and of Y.
    null, null_all : float
        I(in;out|Y0) and leak if the nodes were shuffled against in and out.
    reliable : bool
        Whether both nulls are near I_in_out, as they are with enough samples.

    Examples
    --------
    >>> bit, noise = np.tile([[0, 0, 1, 1], [0, 1, 0, 1]], 16)
    >>> found = relay_information(bit, bit, np.stack([bit, noise], 1), [0])
    >>> found.I, found.leak, found.I_in_out, found.states, found.states_all, found.reliable
    (1.0, 0.0, 1.0, 2, 4, True)
    """

    I: float
    leak: float
    I_in_out: float
    states: int
    states_all: int
    null: float
    null_all: float
    reliable: bool


class RelayOrder(NamedTuple):
    """Nodes in the order in which the greedy search moved them from the relay set to Y0.

    Attributes
    ----------
    order : (nodes,) int64
        First removed to last: the last ones carry the relay.
    curve : (nodes + 1,) float64
        Relay information in bits, of all nodes first and of none last.
    null : (nodes + 1,) float64
        What I(in;out|Y0) = curve + leak would be if Y0 were only noise.
    states : (nodes + 1,) int64
        Occupied states of Y0.
    reliable : (nodes + 1,) bool
        Whether the null is near I_in_out.
    tied : (nodes,) bool
        Whether another node would have done as well at this place.
    leak, I_in_out : float
        As in `RelayInformation`; the leak is reliable if ``reliable[-1]``.

    Examples
    --------
    Both nodes carry the bit, so that either may go first:

    >>> bit = np.tile([0, 1], 32)
    >>> found = relay_order(bit, bit, np.stack([bit, bit], 1), rng=np.random.default_rng(1))
    >>> found.tied, found.curve
    (array([ True, False]), array([1., 0., 0.]))
    """

    order: Codes
    curve: Floats
    null: Floats
    states: Codes
    reliable: Flags
    tied: Flags
    leak: float
    I_in_out: float


def relay_information(
    xin: ArrayLike, xout: ArrayLike, Y: ArrayLike, relay: ArrayLike, *, progress: bool = True
) -> RelayInformation:
    """Measure how much of what the output says about the input is passed on by a set of nodes.

    With Y0 the nodes that are not in `relay`, and plug-in entropies ::

        I_R = H(in;out;Y_R|Y0) = I(in;out|Y0) - I(in;out|Y):

    what in and out share when Y0 is known, and no longer share when the relay nodes are known
    too. It counts what the relay nodes carry alone or only together, not what Y0 carries as well.

    Parameters
    ----------
    xin, xout : (samples,) int, bool or str
        Labels of inputs and outputs; for the relays of a concept, whether the input is of that
        concept and whether the network says so.
    Y : (samples, nodes) int
        State of each hidden node, at most 256 different values a node; see `coarse_grain`.
    relay : list of int
        Nodes in the relay set.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    RelayInformation
        (I, leak, I_in_out, states, states_all, null, null_all, reliable). I may be negative.

    Warns
    -----
    UserWarning
        If the samples are too few for the states of Y0, or of Y.

    Raises
    ------
    ValueError
        If an argument is of wrong shape or type, or `relay` names a node twice.

    Notes
    -----
    Equation :eq:`eq-rel-two` of the book, which is the eight entropies of :eq:`eq-rel-eight`.

    With few samples for each state of Y0, in and out hardly vary within a state, and the
    plug-in I(in;out|Y0) goes to 0 whatever Y0 is. The null is its mean over all ways to shuffle
    the rows of Y against in and out, computed
    exactly by equation :eq:`eq-rel-null`: without the collapse it would be
    I(in;out), and Y0 counts as reliable if ::

        0.9 I(in;out) <= null <= I(in;out) + 0.1 min(H(in), H(out))

    and the equally shuffled H(in,out|Y0) is at least 0.9 H(in,out). (With more than two labels
    the plug-in first rises and then falls, so the null alone could be right by chance.)

    If rows enumerate a known law rather than sample it, repeat them all 16 times or more.

    References
    ----------
    Hintze & Adami (2023), Entropy 25(3), 401. Vinh, Epps & Bailey (2010), J. Mach. Learn. Res.
    11, 2837-2854, for the mean over all shuffles.

    Examples
    --------
    The output copies the input by node 0, and node 1 is noise:

    >>> bit, noise = np.tile([[0, 0, 1, 1], [0, 1, 0, 1]], 16)
    >>> Y = np.stack([bit, noise], 1)
    >>> relay_information(bit, bit, Y, [0]).I, relay_information(bit, bit, Y, [1]).I
    (1.0, 0.0)
    """
    samples = check_samples(xin, xout, Y)
    inside = _check_relay(relay, len(samples.Y))
    moves = (np.flatnonzero(~inside), np.flatnonzero(inside))
    I, null, states, reliable = information_given(samples, moves, "relay information", progress)
    warn_if_unreliable(reliable, states, samples)
    return RelayInformation(
        I=float(I[1] - I[2]),
        leak=float(I[2]),
        I_in_out=float(I[0]),
        states=int(states[1]),
        states_all=int(states[2]),
        null=float(null[1]),
        null_all=float(null[2]),
        reliable=bool(reliable.all()),
    )


def relay_order(
    xin: ArrayLike,
    xout: ArrayLike,
    Y: ArrayLike,
    *,
    rng: np.random.Generator,
    progress: bool = True,
) -> RelayOrder:
    """Rank the nodes by removing, at each step, the one that leaves the most relay information.

    All nodes start in the relay set. The node whose move to Y0 leaves the highest I_R goes
    first, and so on until none is left ("shrinking subset"). Greedy is not optimal: a set of
    k nodes with more relay information than the last k may exist. Equations :eq:`eq-rel-two` and
    :eq:`eq-rel-null` of the book.

    Parameters
    ----------
    xin, xout : (samples,) int, bool or str
        Labels of inputs and outputs.
    Y : (samples, nodes) int
        State of each hidden node, at most 256 different values a node.
    rng : numpy.random.Generator
        Chooses among nodes that do equally well (to 1e-9 bit).
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    RelayOrder
        (order, curve, null, states, reliable, tied, leak, I_in_out).

    Warns
    -----
    UserWarning
        If the samples are too few for the states of Y0 at some step.

    Raises
    ------
    ValueError
        If an argument is of wrong shape or type.
    TooLargeError
        If the tables would not fit into memory.

    See Also
    --------
    relay_information : for the equations, the null, and what counts as reliable.

    References
    ----------
    Hintze & Adami (2023), Entropy 25(3), 401.

    Examples
    --------
    >>> bit, noise = np.tile([[0, 0, 1, 1], [0, 1, 0, 1]], 32)
    >>> found = relay_order(bit, bit, np.stack([bit, noise], 1), rng=np.random.default_rng(1))
    >>> found.order, found.curve
    (array([1, 0]), array([1., 1., 0.]))
    """
    check_rng(rng)
    samples = check_samples(xin, xout, Y)
    greedy = find_order(samples, rng, progress)
    warn_if_unreliable(greedy.reliable, greedy.states, samples)
    return greedy


def find_order(samples: Samples, rng: np.random.Generator, progress: bool) -> RelayOrder:
    """Return the greedy order of checked samples, without a warning."""
    n, n_samples = samples.Y.shape
    rest = rng.permutation(n)  # among equals the first of these goes
    order, tied = np.empty(n, np.int64), np.zeros(n, bool)
    groups = one_group(n_samples)
    with thread_pool() as pool, progress_bar("relay order", n, unit="node", show=progress) as bar:
        for k in range(n):
            grain = max(1, _WORTH_A_THREAD // max(1, groups.sample.size))
            parts = share(
                pool, split_information, rest.size, grain,
                rest, samples.Y, samples.n_values, samples.pairs, groups,
            )  # fmt: skip
            bits = np.concatenate(parts) / n_samples
            equal = np.flatnonzero(bits >= bits.max() - TIE)
            order[k], tied[k] = rest[equal[0]], equal.size > 1
            rest = np.delete(rest, equal[0])
            groups = refine(samples.Y[order[k]], samples.n_values, samples.pairs, groups, False)
            bar.update()
    I, null, states, reliable = information_given(samples, order[:, None], "", False)
    return RelayOrder(order, I - I[-1], null, states, reliable, tied, float(I[-1]), float(I[0]))


def _check_relay(relay: ArrayLike, n: int) -> Flags:
    """Return which nodes are in the relay set."""
    nodes = as_array("relay", relay)
    if nodes.size and (nodes.ndim != 1 or nodes.dtype.kind not in "iu"):
        raise ArgumentError(f"relay must be a list of node numbers, but was {short(relay)}")
    if nodes.size and (nodes.min() < 0 or nodes.max() >= n or np.unique(nodes).size < nodes.size):
        raise ArgumentError(
            f"relay must name nodes from 0 to {n - 1}, each once, but was {short(relay)}"
        )
    return np.isin(np.arange(n), nodes)
