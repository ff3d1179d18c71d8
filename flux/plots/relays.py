"""Pictures of information relays: greedy curves, scores over time, and what knockouts cost."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import check_real, check_type
from flux._base.errors import ArgumentError
from flux._base.installed import needs
from flux.plots.style import COLOURS, check_rows, check_shape, draw_mean
from flux.relays.relay_information import RelayOrder

with needs("plots"):
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage


def show_relay_curve(found: RelayOrder, ax: Axes | None = None) -> Axes:
    """Draw what input and output share given the nodes Y0 taken away so far, and its null.

    The curve, I(in;out|Y0), falls where a relay loses its nodes. The null is what it would be if
    they were noise; grey are the steps from which on Y0 has so many states that noise alone would
    make it fall.

    Parameters
    ----------
    found : RelayOrder
        What `flux.relay_order` returns.
    ax : matplotlib Axes, optional
        Where to draw; the current axes by default.

    Returns
    -------
    matplotlib Axes
        With the number of nodes taken away to the right.

    Raises
    ------
    ValueError
        If `found` is no RelayOrder.

    Examples
    --------
    >>> from flux import relay_order
    >>> bit = np.tile([0, 1], 32)
    >>> found = relay_order(bit, bit, np.stack([bit, bit], 1), rng=np.random.default_rng(1))
    >>> show_relay_curve(found).lines[-2].get_ydata()
    array([1., 0., 0.])
    """
    check_type("found", found, RelayOrder, "what relay_order returns")
    ax = ax or plt.gca()
    steps = np.arange(len(found.curve))
    ax.plot(
        steps,
        found.curve + found.leak,
        color=COLOURS[0],
        label=r"$I(X_\mathrm{in}; X_\mathrm{out} | Y_0)$",
    )
    ax.plot(steps, found.null, "--", color=COLOURS[1], label="if $Y_0$ were noise")
    if not found.reliable.all():
        ax.axvspan(np.argmin(found.reliable) - 0.5, len(steps) - 0.5, color="0.9", zorder=0)
    ax.set(xlabel="nodes taken away", ylabel="bits", xlim=(-0.5, len(steps) - 0.5))
    ax.set_ylim(0)
    return ax


def show_relay_scores(scores: ArrayLike, ax: Axes | None = None) -> AxesImage:
    """Draw the relay scores of nodes over time: time runs to the right, dark is many bits.

    Parameters
    ----------
    scores : (steps, nodes) array
        Scores in bits; those below zero are drawn as zero.
    ax : matplotlib Axes, optional
        Where to draw; the current axes by default.

    Returns
    -------
    matplotlib AxesImage
        The picture, from 0 bits to the largest score.

    Raises
    ------
    ValueError
        If `scores` is no table of finite numbers.

    Examples
    --------
    >>> show_relay_scores([[1.0, 0.0], [0.0, 0.5]]).get_clim()
    (0.0, 1.0)
    """
    values = check_shape("scores", scores)
    if values.ndim != 2:
        raise ArgumentError(f"scores must have shape (steps, nodes), but had shape {values.shape}")
    ax = ax or plt.gca()
    top = float(values.max(initial=1e-12))
    image = ax.imshow(values.T, cmap="Blues", vmin=0, vmax=top, aspect="auto")
    ax.set(xlabel="time step $t$", ylabel="node")
    return image


def show_doses(
    lost: ArrayLike, doses: ArrayLike, ax: Axes | None = None, *, label: str = ""
) -> Axes:
    """Draw what some networks lose, on average, the more nodes are knocked out.

    Two standard errors about the mean are shaded. Several calls on the same axes take one colour
    after the other.

    Parameters
    ----------
    lost : (networks, doses) array
        Loss of each network, as of its accuracy. One row has no band.
    doses : (doses,) array of int
        Numbers of nodes knocked out.
    ax : matplotlib Axes, optional
        Where to draw; the current axes by default.
    label : str
        What a legend calls the way in which nodes were chosen.

    Returns
    -------
    matplotlib Axes
        The axes.

    Raises
    ------
    ValueError
        If `lost` is no table of finite numbers, `doses` does not fit to it, or `label` is no word.

    Examples
    --------
    >>> show_doses([[0.1, 0.2], [0.3, 0.4]], [1, 2]).lines[-1].get_ydata().round(2)
    array([0.2, 0.3])
    """
    each = check_rows("lost", lost, "networks, doses", label)
    nodes = check_shape("doses", doses, each.shape[1:], "a row of lost")
    ax = ax or plt.gca()
    draw_mean(ax, nodes, each, label)
    ax.lines[-1].set_marker(".")
    ax.set(xlabel="top nodes knocked out", ylabel="accuracy lost")
    return ax


def show_concepts(lost: ArrayLike, ax: Axes | None = None, *, top: float = 0.5) -> AxesImage:
    """Draw what a concept loses when the top nodes of the same, or of another, are knocked out.

    Parameters
    ----------
    lost : (concepts, concepts) array
        Balanced accuracy lost: a row for the concept whose nodes are knocked out, a column for the
        one that is asked for. Gains are drawn as no loss.
    ax : matplotlib Axes, optional
        Where to draw; the current axes by default.
    top : float
        Loss that is drawn darkest; a guess loses 0.5.

    Returns
    -------
    matplotlib AxesImage
        The picture, from 0 to `top`.

    Raises
    ------
    ValueError
        If `lost` is no square table of finite numbers, or `top` is not positive.

    Examples
    --------
    >>> show_concepts([[0.4, 0.0], [0.1, 0.3]], top=0.4).get_clim()
    (0.0, 0.4)
    """
    values = check_shape("lost", lost)
    if values.ndim != 2 or not values.size or values.shape[0] != values.shape[1]:
        raise ArgumentError(
            f"lost must have shape (concepts, concepts), but had shape {values.shape}"
        )
    top = check_real("top", top, 1e-12)
    ax = ax or plt.gca()
    image = ax.imshow(values, cmap="Blues", vmin=0, vmax=top)
    ticks = range(0, len(values), 1 + len(values) // 16)
    ax.set(
        xlabel="concept asked for", ylabel="top nodes knocked out of", xticks=ticks, yticks=ticks
    )
    return image
