"""Pictures of searches: how their best grew."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from flux._base.installed import needs
from flux._base.types import Floats
from flux.plots.style import check_rows, check_shape

with needs("plots"):
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes


def show_runs(
    values: ArrayLike, steps: ArrayLike | None = None, ax: Axes | None = None, *, label: str = ""
) -> Axes:
    """Draw the median of many runs over their steps, and a band from quartile to quartile.

    Several calls on the same axes take one colour after the other.

    Parameters
    ----------
    values : (runs, steps) array
        As the ``history.fitness`` of many evolutions, one a row.
    steps : (steps,) array, optional
        Where on the axis; 0, 1, ... by default.
    ax : matplotlib Axes, optional
        Where to draw; the current axes by default.
    label : str
        What a legend calls the runs.

    Returns
    -------
    matplotlib Axes
        The axes.

    Raises
    ------
    ValueError
        If `values` is no table of finite numbers, `steps` does not fit to it, or `label` is no
        word.

    Examples
    --------
    >>> show_runs([[0.0, 1.0], [0.0, 3.0], [0.0, 2.0]]).lines[-1].get_ydata()
    array([0., 2.])
    """
    each = check_rows("values", values, "runs, steps", label)
    x: Floats = np.arange(each.shape[1], dtype=float)
    if steps is not None:
        x = check_shape("steps", steps, each.shape[1:], "a run")
    ax = ax or plt.gca()
    low, middle, high = np.quantile(each, [0.25, 0.5, 0.75], axis=0)
    line = ax.plot(x, middle, label=label)[0]
    ax.fill_between(x, low, high, color=line.get_color(), alpha=0.2)
    ax.set_xlabel("step")
    return ax
