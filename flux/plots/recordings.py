"""Pictures of recordings and their fits: couplings, correlations, fluxes with their intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import LARGEST_SUM, check_real, check_type, check_weights, short
from flux._base.errors import ArgumentError
from flux._base.installed import needs
from flux.plots.networks import darkest, name_neurons
from flux.plots.style import COLOURS, check_shape
from flux.recordings.bin_widths import BinWidths

with needs("plots"):
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection


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
    se = check_shape("W_se", W_se, weights.shape, "W")
    if not np.all(se >= 0):
        raise ArgumentError(f"W_se must be at least 0, but held {se.min()}")
    sure = np.abs(weights) >= 2 * se
    top = darkest(weights[sure], limit)
    side = np.where(sure, 1.0, np.abs(weights) / np.where(sure, 1.0, 2 * se))
    ax = ax or plt.gca()
    centres = np.indices(weights.shape)[::-1].reshape(2, -1).T[:, None]
    square = side.reshape(-1, 1, 1) * [[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]
    squares = PolyCollection(centres + square, array=weights.ravel(), cmap="RdBu_r", linewidths=0)
    ax.add_collection(squares).set_clim(-top, top)
    edge = len(weights) - 0.5
    ax.set(xlim=(-0.5, edge), ylim=(edge, -0.5), aspect="equal")
    name_neurons(ax, len(weights))
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
    seen = check_shape("observed", observed)
    expected = check_shape("predicted", predicted, seen.shape, "observed")
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
    >>> from matplotlib.pyplot import close
    >>> close()
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
    middle, low, high = (check_shape(*one, (len(names),), "names") for one in given.items())
    ax = ax or plt.gca()
    y = np.arange(len(names))
    if truth is not None:
        ax.axvline(check_real("truth", truth, -LARGEST_SUM), color=COLOURS[1], ls="--", zorder=0)
    ax.hlines(y, low, high, COLOURS[0])
    ax.plot(middle, y, "o", color=COLOURS[0])
    ax.set(yticks=y, yticklabels=names, ylim=(len(y) - 0.5, -0.5), xlabel="flux in bits per step")
    return ax
