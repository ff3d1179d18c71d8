"""Pictures of what depends on parameters: maps of sweeps, and memory against the lag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import check_type, short
from flux._base.errors import ArgumentError
from flux._base.installed import needs
from flux.plots.style import check_rows, check_shape, draw_mean

with needs("plots"):
    import matplotlib as mpl
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

if TYPE_CHECKING:
    from xarray import DataArray


def show_map(
    values: DataArray,
    ax: Axes | None = None,
    *,
    label: str = "",
    cmap: str = "viridis",
    limits: ArrayLike | None = None,
) -> AxesImage:
    """Draw a map of two parameters, such as the mean of a sweep over its repeats.

    Parameters
    ----------
    values : xarray.DataArray with two axes
        The first goes up, the second to the right, with the values of their coordinates. Where a
        value is nan the map is grey.
    ax : matplotlib Axes, optional
        Where to draw; the current axes by default.
    label : str
        What the values are, written above the map.
    cmap : str
        One of matplotlib's colour maps.
    limits : (2,) array, optional
        Values of the first and the last colour; by default the least and the largest value.

    Returns
    -------
    matplotlib AxesImage
        The picture, which has a colour bar.

    Raises
    ------
    ValueError
        If `values` is no DataArray with two axes, or holds no numbers, or `label` is no word.

    Examples
    --------
    >>> from xarray import DataArray
    >>> axes = {"balance": [0.0, 1.0], "width": [0.1, 1.0, 2.0]}
    >>> values = DataArray([[0.0, 1.0, 2.0], [3.0, 4.0, np.nan]], axes)
    >>> image = show_map(values, label="flux")
    >>> image.get_clim(), image.axes.get_xlabel(), image.axes.get_ylabel()
    ((0.0, 4.0), 'width', 'balance')
    """
    from xarray import DataArray

    check_type("values", values, DataArray, "an xarray.DataArray, as in the result of sweep")
    check_type("label", label, str, "a word")
    if values.ndim != 2 or not values.size:
        raise ArgumentError(f"values must have two axes, none empty, but had {values.shape}")
    if values.dtype.kind not in "biuf":
        raise ArgumentError(f"values must hold numbers, but were of type {values.dtype}")
    ends = [None, None] if limits is None else check_shape("limits", limits, (2,), "a pair")
    if not (isinstance(cmap, str) and cmap in mpl.colormaps):
        raise ArgumentError(f"cmap must name a colour map of matplotlib, but was {short(cmap)}")
    ax = ax or plt.gca()
    image = ax.imshow(
        values.to_numpy().astype(float),
        cmap=cmap,
        vmin=ends[0],
        vmax=ends[1],
        origin="lower",
        aspect="auto",
    )
    up, right = values.dims
    _name_ticks(ax.xaxis, values[right].to_numpy())
    _name_ticks(ax.yaxis, values[up].to_numpy())
    ax.set(xlabel=right, ylabel=up)
    ax.set_title(label, fontsize=10)
    ax.spines[["top", "right"]].set_visible(True)
    ax.set_facecolor("0.7")
    ax.figure.colorbar(image, ax=ax)
    return image


def show_memory(
    bits: ArrayLike,
    lags: ArrayLike,
    ax: Axes | None = None,
    *,
    label: str = "",
) -> Axes:
    """Draw the mean memory of some networks against the lag, and two standard errors about it.

    Both axes are logarithmic. Several calls on the same axes take one colour after the other.

    Parameters
    ----------
    bits : (networks, lags) array
        A `flux.memory_curve` in each row, in bits. One row has no band.
    lags : (lags,) array of int
        Lags in steps.
    ax : matplotlib Axes, optional
        Where to draw; the current axes by default.
    label : str
        What a legend calls the networks.

    Returns
    -------
    matplotlib Axes
        The axes.

    Raises
    ------
    ValueError
        If `bits` is no table of finite numbers, `lags` does not fit to it, or `label` is no word.

    Examples
    --------
    >>> show_memory([[1.0, 0.2], [1.0, 0.4]], [1, 2]).lines[-1].get_ydata().round(2)
    array([1. , 0.3])
    """
    each = check_rows("bits", bits, "networks, lags", label)
    steps = check_shape("lags", lags, each.shape[1:], "a curve")
    ax = ax or plt.gca()
    draw_mean(ax, steps, each, label)
    ax.set(xscale="log", yscale="log")
    ax.set(xlabel="lag $k$ (steps)", ylabel="memory $I_k$ (bits)")
    return ax


def _name_ticks(axis: Any, values: Any) -> None:
    """Write the values of a coordinate at its pixels, every second one if they are many."""
    places = np.arange(0, len(values), 1 + (len(values) > 10))
    axis.set_ticks(places, [f"{value}" for value in values[places]], fontsize=8)
