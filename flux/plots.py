"""Pictures that several chapters share. Colours are told apart with any colour vision."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import ArrayLike

from flux.states import check_spins, check_weights

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
        If W is no finite square matrix.
    """
    weights = check_weights(W)
    ax = ax or plt.gca()
    top = limit or max(float(np.abs(weights).max()), 1e-12)
    image = ax.imshow(weights, cmap="RdBu_r", vmin=-top, vmax=top)
    ax.set(xlabel="sending neuron $j$", ylabel="receiving neuron $i$")
    _count_axis(ax, len(weights))
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
    """
    spins = check_spins("x", x)
    ax = ax or plt.gca()
    image = ax.imshow(spins.T, cmap="Blues", vmin=-1.3, vmax=1.2, aspect="auto")
    ax.set(xlabel="time step $t$", ylabel="neuron $i$")
    return image


def _count_axis(ax: Axes, n: int) -> None:
    if n <= 8:
        ax.set_xticks(range(n))
        ax.set_yticks(range(n))
    ax.spines[["top", "right"]].set_visible(True)
