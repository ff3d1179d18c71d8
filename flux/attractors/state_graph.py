"""The graph of all states of a small network, for drawing and for the tools of networkx."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import check_count, check_weights
from flux._base.installed import needs
from flux._base.types import Codes, Floats
from flux.attractors.zero_noise_map import TieRule, successor_map

MAX_DRAWN = 16
"""Neurons whose states are objects of their own."""


def state_graph(W: ArrayLike, b: ArrayLike | None = None, *, ties: TieRule = "raise") -> Any:
    """Return the zero-noise map as a directed graph: each state points to the one that follows.

    The map is equation :eq:`eq-att-map` of the book.

    Parameters
    ----------
    W : (n, n) array
        Weights, W[i, j] from neuron j to neuron i; n at most 16.
    b : (n,) array, optional
        Biases; zero by default.
    ties : {"raise", "keep", "up", "down"}
        What a neuron with u_i = 0 does; see `successor_map`.

    Returns
    -------
    networkx.DiGraph
        Nodes are state codes. Their attributes: ``attractor``, the smallest code on the cycle they
        end in; ``transient``, the number of steps to that cycle, 0 on it; ``period`` of the cycle.

    Raises
    ------
    ValueError
        If W or b are not finite, do not fit together or are too large, or ties is unknown.
    TieError
        If a field is zero and `ties` is "raise"; a ValueError.
    ModuleNotFoundError
        If networkx is not installed.

    Examples
    --------
    >>> graph = state_graph([[0.0, 1.0], [1.0, 0.0]])
    >>> sorted(graph.edges)
    [(0, 0), (1, 2), (2, 1), (3, 3)]
    >>> graph.nodes[2]
    {'attractor': 1, 'transient': 0, 'period': 2}
    """
    check_count("len(W)", len(check_weights(W)), 1, MAX_DRAWN)
    with needs("graphs"):
        import networkx
    following = successor_map(W, b, ties=ties)
    attractor, transient, period = trace_states(following)
    graph = networkx.DiGraph()
    for k, (home, steps, cycle) in enumerate(
        zip(attractor.tolist(), transient.tolist(), period.tolist(), strict=True)
    ):
        graph.add_node(k, attractor=home, transient=steps, period=cycle)
    graph.add_edges_from(enumerate(following.tolist()))
    return graph


def trace_states(following: ArrayLike) -> tuple[Codes, Codes, Codes]:
    """Return for each state of a map its attractor, its steps to the cycle, and the period.

    The states after 2**k steps, by doubling; with at least as many steps as states, all are on
    cycles.
    """
    one = np.asarray(following, np.int64)
    size = len(one)
    after, lowest, steps = one, np.minimum(np.arange(size), one), 1
    while steps < size:
        lowest, after, steps = np.minimum(lowest, lowest[after]), after[after], 2 * steps
    # from a state of a cycle, at least as many steps as there are states pass through all of it
    is_cyclic = np.zeros(size, bool)
    is_cyclic[after] = True
    attractor = lowest[after]
    transient = np.zeros(size, np.int64)
    state = np.arange(size)
    while (is_outside := ~is_cyclic[state]).any():
        transient += is_outside
        state = one[state]
    return attractor, transient, np.bincount(attractor[is_cyclic], minlength=size)[attractor]


def place_states(following: Codes) -> Floats:
    """Return points (size, 2) to draw a map at: cycles are rings, with transients as trees around.

    Each state is one ring further out than its successor, within the angle that belongs to it.
    The components lie side by side, the largest in the middle.
    """
    attractor, transient, period = trace_states(following)
    angle = _angles(following, attractor, transient)
    points = np.empty((len(following), 2))
    homes, sizes = np.unique(attractor, return_counts=True)
    parts = [np.flatnonzero(attractor == home) for home in homes[np.argsort(-sizes)]]
    radii = []
    for part in parts:
        rings = _rings(np.bincount(transient[part]), int(period[part[0]]))
        radius = rings[transient[part]]
        own = np.stack([radius * np.cos(angle[part]), radius * np.sin(angle[part])], axis=1)
        own -= (own.min(0) + own.max(0)) / 2
        points[part] = own
        radii.append(np.hypot(*own.T).max() + 0.8)
    for part, centre in zip(parts, _pack_circles(np.array(radii)), strict=True):
        points[part] += centre
    return points


def _angles(following: Codes, attractor: Codes, transient: Codes) -> Floats:
    """Return each state's angle: the middle of a sector as wide as its tree has leaves."""
    size, depth = len(following), int(transient.max())
    levels = [np.flatnonzero(transient == d) for d in range(depth + 1)]
    leaves = np.zeros(size)
    for level in reversed(levels):
        leaves[level] = np.maximum(leaves[level], 1)
        if level is not levels[0]:
            np.add.at(leaves, following[level], leaves[level])
    begin, whole = np.zeros(size), np.zeros(size)
    for home in np.unique(attractor[levels[0]]):
        cycle = [home]
        while following[cycle[-1]] != home:
            cycle.append(following[cycle[-1]])
        # long cycles with a few large trees stay evenly spaced rings
        leaves[cycle] = np.maximum(leaves[cycle], leaves[cycle].mean())
        begin[cycle] = np.cumsum(leaves[cycle]) - leaves[cycle]
        whole[attractor == home] = leaves[cycle].sum()
    middle = begin + leaves / 2
    for level in levels[1:]:
        level = level[np.argsort(following[level], kind="stable")]
        parent = following[level]
        before = np.cumsum(leaves[level]) - leaves[level]
        first = np.searchsorted(parent, parent)
        own = np.bincount(parent, leaves[level], size)[parent]
        begin[level] = middle[parent] - own / 2 + before - before[first]
        middle[level] = begin[level] + leaves[level] / 2
    return np.pi / 2 - 2 * np.pi * middle / whole


def _rings(counts: Codes, period: int) -> Floats:
    """Return the radius of the cycle and of each level of transients around it."""
    radii = [0.0 if period == 1 else max(0.5, period / 7)]
    for count in counts[1:]:
        radii.append(max(radii[-1] + 1, 0.16 * float(count) / np.pi))
    return np.array(radii)


def _pack_circles(radii: Floats) -> Floats:
    """Return centres of circles that do not overlap, each as near to the origin as it can."""
    turn = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    ray = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    centres = np.zeros((len(radii), 2))
    for k in range(1, len(radii)):
        # the nearest place on each ray beyond all circles that block the places before it
        along = ray @ centres[:k].T
        apart = radii[:k] + radii[k]
        across = np.maximum((centres[:k] ** 2).sum(1) - along**2, 0)
        half = np.sqrt(np.maximum(apart**2 - across, 0))
        blocked = apart**2 > across
        distance = np.zeros(len(ray))
        while True:
            inside = blocked & (along - half < distance[:, None] - 1e-9)
            inside &= distance[:, None] < along + half - 1e-9
            if not inside.any():
                break
            distance = np.where(inside, along + half, distance[:, None]).max(1)
        best = distance.argmin()
        centres[k] = distance[best] * ray[best]
    return centres
