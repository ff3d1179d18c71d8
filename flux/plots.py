"""Pictures that several chapters share. Colours are told apart with any colour vision."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import (
    LARGEST_SUM,
    check_count,
    check_floats,
    check_real,
    check_spins,
    check_type,
    check_weights,
    short,
)
from flux._base.errors import ArgumentError
from flux._base.installed import needs
from flux._base.types import Floats
from flux.attractors.state_graph import place_states, trace_states
from flux.attractors.zero_noise_map import TieRule, successor_map
from flux.recordings.bin_widths import BinWidths

with needs("plots"):
    import matplotlib.pyplot as plt
    from cycler import cycler
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection, PolyCollection
    from matplotlib.image import AxesImage

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
"""The palette of Okabe and Ito, in the order in which lines take it."""


def use_style() -> None:
    """Set matplotlib's defaults to those of the book.

    Examples
    --------
    >>> use_style()
    """
    plt.rcParams.update(
        {
            "axes.prop_cycle": cycler(color=COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.constrained_layout.use": True,
            "figure.dpi": 110,
            "font.size": 10,
            "image.interpolation": "nearest",
            "legend.frameon": False,
            "lines.linewidth": 1.8,
        }
    )


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
    top = _darkest(weights, limit)
    image = ax.imshow(weights, cmap="RdBu_r", vmin=-top, vmax=top)
    _name_neurons(ax, len(weights))
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


def show_couplings(
    W: ArrayLike, W_se: ArrayLike, ax: Axes | None = None, *, limit: float | None = None
) -> PolyCollection:
    """Draw estimated weights: blue inhibits, red excites, and squares are small where unsure.

    The side of a square is ``|W| / (2 W_se)`` of its cell, and at most the whole.

    Parameters
    ----------
    W : (n, n) array
        Estimated weights, W[i, j] from neuron j to neuron i.
    W_se : (n, n) array
        Their standard errors, at least 0.
    ax : matplotlib Axes, optional
        Where to draw; the current axes by default.
    limit : float, optional
        Weight of the darkest colours; the largest of a full square by default.

    Returns
    -------
    matplotlib PolyCollection
        For a colour bar.

    Raises
    ------
    ValueError
        If W is not finite and square, W_se does not fit it, or `limit` is no number above 1e-12.

    Examples
    --------
    >>> squares = show_couplings([[0.0, 2.0], [-0.1, 0.5]], 0.2 * np.ones((2, 2)))
    >>> squares.get_clim()
    (-2.0, 2.0)
    """
    weights = check_weights(W)
    se = _fitting("W_se", W_se, weights.shape, "W")
    if not np.all(se >= 0):
        raise ArgumentError(f"W_se must be at least 0, but held {se.min()}")
    sure = np.abs(weights) >= 2 * se
    top = _darkest(weights[sure], limit)
    side = np.where(sure, 1.0, np.abs(weights) / np.where(sure, 1.0, 2 * se))
    ax = ax or plt.gca()
    centres = np.indices(weights.shape)[::-1].reshape(2, -1).T[:, None]
    square = side.reshape(-1, 1, 1) * [[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]
    squares = PolyCollection(centres + square, array=weights.ravel(), cmap="RdBu_r", linewidths=0)
    ax.add_collection(squares).set_clim(-top, top)
    edge = len(weights) - 0.5
    ax.set(xlim=(-0.5, edge), ylim=(edge, -0.5), aspect="equal")
    _name_neurons(ax, len(weights))
    return squares


def show_correlations(
    observed: ArrayLike, predicted: ArrayLike, ax: Axes | None = None, *, label: str = ""
) -> Axes:
    """Draw correlations that a model predicts against those observed, and the line of equality.

    Parameters
    ----------
    observed, predicted : arrays of one shape
        Correlations.
    ax : matplotlib Axes, optional
        Where to draw; the current axes by default.
    label : str
        Name in a legend.

    Returns
    -------
    matplotlib Axes
        With equal scales on both axes.

    Raises
    ------
    ValueError
        If an entry is not finite, or the shapes differ.

    Examples
    --------
    >>> axes = show_correlations([[0.1, 0.2]], [[0.1, 0.3]], label="lag 1")
    >>> axes.get_legend_handles_labels()[1]
    ['lag 1']
    """
    seen = _fitting("observed", observed)
    expected = _fitting("predicted", predicted, seen.shape, "observed")
    check_type("label", label, str, "a word")
    ax = ax or plt.gca()
    if not ax.lines:
        ax.axline((0, 0), slope=1, color="0.6", linewidth=1, zorder=0)
    marker = "os^Dv"[len(ax.collections) % 5]
    ax.scatter(seen, expected, 12, marker=marker, alpha=0.6, label=label)
    ax.set(xlabel="observed correlation", ylabel="predicted correlation", aspect="equal")
    return ax


def show_bin_widths(found: BinWidths, axes: tuple[Axes, Axes] | None = None) -> tuple[Axes, Axes]:
    """Draw the flux against the bin width: per step at left, per second at right.

    Bars are intervals, and hollow dots come with a warning.

    Parameters
    ----------
    found : BinWidths
        What `flux.flux_by_bin_width` returns.
    axes : two matplotlib Axes, optional
        Where to draw; new ones in the current figure by default.

    Returns
    -------
    two matplotlib Axes
        Left and right.

    Raises
    ------
    ValueError
        If `found` is no BinWidths.

    Examples
    --------
    >>> from flux import flux_by_bin_width
    >>> rng, times = np.random.default_rng(1), np.arange(1, 900) ** 1.1
    >>> left, right = show_bin_widths(flux_by_bin_width([times], [0.5, 1, 2], rng=rng))
    >>> right.get_ylabel()
    'bits per second'
    >>> plt.close()
    """
    check_type("found", found, BinWidths, "what flux_by_bin_width returns")
    left, right = plt.gcf().subplots(1, 2) if axes is None else axes
    warned = np.array([bool(text) for text in found.warnings])
    for ax, unit, length in ((left, "step", np.ones(1)), (right, "second", found.width)):
        flux, lower, upper = (part / length for part in (found.flux, found.lower, found.upper))
        ax.vlines(found.width, lower, upper, COLOURS[0], linewidth=1.5)
        ax.plot(found.width, flux, color=COLOURS[0], linewidth=1)
        for some, face in ((~warned, COLOURS[0]), (warned, "white")):
            ax.scatter(found.width[some], flux[some], 30, face, edgecolors=COLOURS[0], zorder=3)
        ax.set(xscale="log", xlabel="bin width in seconds", ylabel=f"bits per {unit}")
        ax.set_ylim(0)
    return left, right


def show_estimates(
    names: list[str],
    estimates: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    ax: Axes | None = None,
    *,
    truth: float | None = None,
) -> Axes:
    """Draw named estimates with their intervals, one below the other, and the truth if known.

    Parameters
    ----------
    names : list of str
        From the top.
    estimates, lower, upper : (k,) array
        Estimates and the ends of their intervals.
    ax : matplotlib Axes, optional
        Where to draw; the current axes by default.
    truth : float, optional
        Where to draw a vertical line.

    Returns
    -------
    matplotlib Axes
        With a name at each tick.

    Raises
    ------
    ValueError
        If the numbers of names, estimates and ends differ, or one of them is not finite.

    Examples
    --------
    >>> axes = show_estimates(["counted", "fitted"], [2.0, 1.1], [1.8, 1.0], [2.2, 1.2], truth=1.05)
    >>> [tick.get_text() for tick in axes.get_yticklabels()]
    ['counted', 'fitted']
    """
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ArgumentError(f"names must be a list of words, but was {short(names)}")
    given = {"estimates": estimates, "lower": lower, "upper": upper}
    middle, low, high = (_fitting(*one, (len(names),), "names") for one in given.items())
    ax = ax or plt.gca()
    y = np.arange(len(names))
    if truth is not None:
        ax.axvline(check_real("truth", truth, -LARGEST_SUM), color=COLOURS[1], ls="--", zorder=0)
    ax.hlines(y, low, high, COLOURS[0])
    ax.plot(middle, y, "o", color=COLOURS[0])
    ax.set(yticks=y, yticklabels=names, ylim=(len(y) - 0.5, -0.5), xlabel="flux in bits per step")
    return ax


def _fitting(
    name: str, value: ArrayLike, shape: tuple[int, ...] | None = None, to: str = ""
) -> Floats:
    values = check_floats(name, value)
    if shape not in (None, values.shape):
        raise ArgumentError(f"{name} must have the shape of {to}, {shape}, but had {values.shape}")
    if not np.all(np.isfinite(values)):
        raise ArgumentError(f"{name} must be finite, but was {short(value)}")
    return values


def _name_neurons(ax: Axes, n: int) -> None:
    ax.set(xlabel="sending neuron $j$", ylabel="receiving neuron $i$")
    if n <= 8:
        ax.set(xticks=range(n), yticks=range(n))
    ax.spines[["top", "right"]].set_visible(True)


def _darkest(weights: Floats, limit: float | None) -> float:
    largest = float(np.abs(weights).max(initial=1e-12))
    return largest if limit is None else check_real("limit", limit, 1e-12)
