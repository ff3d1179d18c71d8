"""The book's colours and style, and what its pictures share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import check_floats, check_type, short
from flux._base.errors import ArgumentError
from flux._base.installed import needs
from flux._base.types import Floats

with needs("plots"):
    import matplotlib.pyplot as plt
    from cycler import cycler
    from matplotlib.axes import Axes

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


def check_shape(
    name: str, value: ArrayLike, shape: tuple[int, ...] | None = None, to: str = ""
) -> Floats:
    """Return finite numbers, if they have the shape of another argument."""
    values = check_floats(name, value)
    if shape not in (None, values.shape):
        raise ArgumentError(f"{name} must have the shape of {to}, {shape}, but had {values.shape}")
    if not np.all(np.isfinite(values)):
        raise ArgumentError(f"{name} must be finite, but was {short(value)}")
    return values


def check_rows(name: str, value: ArrayLike, axes: str, label: str) -> Floats:
    """Return a table of finite numbers, one row a line to average, or raise a ValueError."""
    rows = check_shape(name, value)
    check_type("label", label, str, "a word")
    if rows.ndim != 2 or not rows.size:
        raise ArgumentError(f"{name} must have shape ({axes}), but had shape {rows.shape}")
    return rows


def draw_mean(ax: Axes, x: Floats, rows: Floats, label: str) -> None:
    """Draw the mean of rows, and two standard errors about it where there are several rows."""
    mean = rows.mean(0)
    line = ax.plot(x, mean, label=label)[0]
    if len(rows) > 1:
        spread = 2 * rows.std(0, ddof=1) / len(rows) ** 0.5
        ax.fill_between(x, mean - spread, mean + spread, color=line.get_color(), alpha=0.25)
