"""Pictures of networks: weights, spins, and all states with what follows them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import check_count, check_real, check_spins, check_weights
from flux._base.errors import ArgumentError
from flux._base.installed import needs
from flux._base.types import Floats
from flux.attractors.state_graph import place_states, trace_states
from flux.attractors.zero_noise_map import TieRule, successor_map
from flux.plots.style import COLOURS

with needs("plots"):
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection
    from matplotlib.image import AxesImage


def show_weights(W: ArrayLike, ax: Axes | None = None, *, limit: float | None = None) -> AxesImage:
    """Draw a weight matrix: blue inhibits, red excites, white is no connection.

    Parameters
    ----------
    W : (n, n) array
        Weights, W[i, j] from neuron j to neuron i.
    ax : matplotlib Axes, optional
        Where to draw; the current axes by default.
    limit : float, optional
        Weight of the darkest colours; the largest magnitude by default.

    Returns
    -------
    matplotlib AxesImage
        For a colour bar.

    Raises
    ------
    ValueError
        If W is no finite square matrix, or `limit` is no number above 1e-12.

    Examples
    --------
    >>> image = show_weights([[0.0, 2.0], [-1.0, 0.0]])
    >>> image.get_clim()
    (-2.0, 2.0)
    """
    weights = check_weights(W)
    ax = ax or plt.gca()
    top = darkest(weights, limit)
    image = ax.imshow(weights, cmap="RdBu_r", vmin=-top, vmax=top)
    name_neurons(ax, len(weights))
    return image


def show_raster(x: ArrayLike, ax: Axes | None = None) -> AxesImage:
    """Draw a trace of spins: time runs to the right, dark is +1 and light is -1.

    Parameters
    ----------
    x : (steps, n) array
        Spins -1 and +1.
    ax : matplotlib Axes, optional
        Where to draw; the current axes by default.

    Returns
    -------
    matplotlib AxesImage
        The picture.

    Raises
    ------
    ValueError
        If x holds anything but spins.

    Examples
    --------
    >>> image = show_raster([[1, -1], [1, 1], [-1, 1]])
    >>> image.get_array().shape
    (2, 3)
    """
    spins = check_spins("x", x)
    if spins.ndim != 2:
        raise ArgumentError(f"x must have shape (steps, n), but had shape {spins.shape}")
    ax = ax or plt.gca()
    image = ax.imshow(spins.T, cmap="Blues", vmin=-1.3, vmax=1.2, aspect="auto")
    ax.set(xlabel="time step $t$", ylabel="neuron $i$")
    return image


def show_state_graph(
    W: ArrayLike, b: ArrayLike | None = None, ax: Axes | None = None, *, ties: TieRule = "raise"
) -> Axes:
    """Draw all states of a network without noise: cycles as rings, transients as trees around.

    Each dot is a state, each line leads inwards to the state that follows, and round a ring
    clockwise. Every attractor has a colour, and the states of its cycle a dark rim.

    Parameters
    ----------
    W : (n, n) array
        Weights, W[i, j] from neuron j to neuron i; n at most 12.
    b : (n,) array, optional
        Biases; zero by default.
    ax : matplotlib Axes, optional
        Where to draw; the current axes by default.
    ties : {"raise", "keep", "up", "down"}
        What a neuron with u_i = 0 does; see `flux.successor_map`.

    Returns
    -------
    matplotlib Axes
        With axes of equal scale that are not shown.

    Raises
    ------
    ValueError
        If W or b are not finite, do not fit together or are too large, or ties is unknown.
    TieError
        If a field is zero and `ties` is "raise"; a ValueError.

    Examples
    --------
    >>> axes = show_state_graph([[0.0, 1.0], [-1.0, 0.0]])
    >>> len(axes.collections[-1].get_offsets())
    4
    """
    check_count("len(W)", len(check_weights(W)), 1, 12)
    following = successor_map(W, b, ties=ties).astype(np.int64)
    attractor, transient, _ = trace_states(following)
    points = place_states(following)
    ax = ax or plt.gca()
    on_cycle = transient == 0
    _, sizes = np.unique(attractor, return_counts=True)
    rank = np.argsort(np.argsort(-sizes, kind="stable"))
    colours = np.array(COLOURS[:-1])[rank[np.unique(attractor, return_inverse=True)[1]] % 6]
    lines = np.stack([points, points[following]], axis=1)
    dot = 2.5 * ax.get_window_extent().width / np.ptp(points, axis=0).max(initial=4.0) / 10
    ax.add_collection(
        LineCollection(lines[~on_cycle], colors=colours[~on_cycle], linewidths=0.5, alpha=0.6)
    )
    ax.add_collection(LineCollection(lines[on_cycle], colors="black", linewidths=1.2))
    for some, size, rim in ((~on_cycle, dot, "none"), (on_cycle, 1.8 * dot, "black")):
        x, y = points[some].T
        ax.scatter(x, y, size**2, colours[some], edgecolors=rim, linewidths=0.8, zorder=3)
    ax.set_aspect("equal")
    ax.axis("off")
    return ax


def name_neurons(ax: Axes, n: int) -> None:
    """Label the axes of a matrix whose entry [i, j] leads from neuron j to neuron i."""
    ax.set(xlabel="sending neuron $j$", ylabel="receiving neuron $i$")
    if n <= 8:
        ax.set(xticks=range(n), yticks=range(n))
    ax.spines[["top", "right"]].set_visible(True)


def darkest(weights: Floats, limit: float | None) -> float:
    """Return the magnitude of the darkest colour: the largest there is, if none is given."""
    largest = float(np.abs(weights).max(initial=1e-12))
    return largest if limit is None else check_real("limit", limit, 1e-12)
