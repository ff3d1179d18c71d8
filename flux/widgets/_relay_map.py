"""A trained network's relay map, whose nodes are knocked out by a click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import as_array, check_count, check_floats, short
from flux._base.errors import ArgumentError
from flux._base.installed import needs
from flux._base.types import Floats
from flux.widgets._shared import Checked, Widget, check_limit, count, read_sources

with needs("widgets"):
    import traitlets

MAX_NODES, MAX_STEPS, MAX_INPUTS, MAX_SEQUENCES = 32, 32, 32, 500
"""What a browser runs twenty times in less than a second."""
LARGEST = 1e6
DECIMALS = 4


def _listed(nodes: object) -> tuple[Any, ...]:
    return tuple(np.atleast_1d(as_array("nodes", nodes)).tolist())


class RelayMap(Widget):
    """Relay scores of a plain recurrent network at every step, and its answers without some nodes.

    A row is a node, a column a step, dark a high score. A click, or Enter, on a node knocks it
    out: after the input of the marked step it has the value that it has in the next sequence, and
    the browser runs the network on from there. The accuracy is shown beside that without a
    knockout, and the mean of 20 knockouts of as many random nodes.

    Parameters
    ----------
    scores : (steps, nodes) array
        Relay scores of one question in bits, at most 32 steps of at most 32 nodes.
    cell : (W, U, b)
        Weights of the inputs, (nodes, inputs), those between nodes, (nodes, nodes), and the bias,
        (nodes,), of equation :eq:`eq-trn-plain` of the book. Kept to four decimals, as all is.
    readout : (weights, bias)
        Arrays (classes, nodes) and (classes,): the answer is the largest after the last step.
    x : (samples, steps, inputs) array
        At most 500 sequences of at most 32 inputs.
    y : (samples,) array of int
        Right answers, from 0 to classes - 1.
    nodes : array of int
        Nodes that are knocked out at first.
    step : int
        The step that is marked at first.

    Attributes
    ----------
    nodes : tuple of int
        Nodes that are knocked out on the screen.
    step : int
        The marked step.

    Raises
    ------
    ValueError
        If the arrays are not finite, too large or do not fit together, or there is no such node
        or step; these also when assigned.

    Examples
    --------
    >>> cell = [[[2.0], [0.0]], [[2.0, 0.0], [2.0, 0.0]], [0.0, 0.0]]
    >>> x = np.array([[[1.0], [0.0]], [[-1.0], [0.0]]])
    >>> readout = [[[0.0, -1.0], [0.0, 1.0]], [0.0, 0.0]]
    >>> shown = RelayMap([[1.0, 0.0], [1.0, 1.0]], cell, readout, x, [1, 0])
    >>> shown.nodes = [0]
    >>> shown.nodes, shown.step
    ((0,), 0)
    """

    _esm = read_sources("network", "plain_cell", "drawing", "relay_map")
    arrays: Any = traitlets.Dict().tag(sync=True)
    nodes: Any = Checked((), _listed)
    step = count("step", 0, 0)

    def __init__(
        self,
        scores: ArrayLike,
        cell: Sequence[ArrayLike],
        readout: Sequence[ArrayLike],
        x: ArrayLike,
        y: ArrayLike,
        *,
        nodes: ArrayLike = (),
        step: int = 0,
    ) -> None:
        bits, shown = _axes("scores", scores, 2), _axes("x", x, 3)
        (steps, n), (samples, _, inputs) = bits.shape, shown.shape
        check_count("steps of scores", steps, 1, MAX_STEPS)
        check_count("nodes of scores", n, 1, MAX_NODES)
        check_count("len(x)", samples, 2, MAX_SEQUENCES)
        check_count("inputs of x", inputs, 1, MAX_INPUTS)
        W, U, b = _parts("cell", cell, "three arrays: W, U and b", 3)
        R, c = _parts("readout", readout, "two arrays: weights and bias", 2)
        classes = check_count("len(readout[0])", len(_axes("readout[0]", R, 2)), 2)
        arrays = {
            "scores": _rounded("scores", bits, steps, n),
            "W": _rounded("cell[0]", W, n, inputs),
            "U": _rounded("cell[1]", U, n, n),
            "b": _rounded("cell[2]", b, n),
            "R": _rounded("readout[0]", R, classes, n),
            "c": _rounded("readout[1]", c, classes),
            "x": _rounded("x", shown, samples, steps, inputs),
        }
        labels = as_array("y", y, "iu")
        if labels.shape != (samples,) or labels.min() < 0 or labels.max() >= classes:
            raise ArgumentError(
                f"y must hold {samples} labels from 0 to {classes - 1}, one for each sequence, but"
                f" was {short(y)}"
            )
        super().__init__(arrays={**arrays, "y": labels.tolist()}, nodes=nodes, step=step)

    @traitlets.validate("nodes")
    def _check_nodes(self, proposal: Any) -> Any:
        most = len(self.arrays["b"]) - 1
        return tuple(sorted({check_count("nodes", node, 0, most) for node in proposal["value"]}))

    @traitlets.validate("step")
    def _check_step(self, proposal: Any) -> Any:
        return check_count("step", proposal["value"], 0, len(self.arrays["scores"]) - 1)


def _axes(name: str, values: ArrayLike, axes: int) -> Floats:
    floats = check_floats(name, values)
    if floats.ndim != axes or floats.size == 0:
        raise ArgumentError(
            f"{name} must be an array of {axes} axes with something on each, but had shape"
            f" {floats.shape}"
        )
    return floats


def _parts(name: str, values: object, wanted: str, number: int) -> Any:
    if not isinstance(values, (list, tuple)) or len(values) != number:
        raise ArgumentError(f"{name} must be a tuple of {wanted}, but was {short(values)}")
    return values


def _rounded(name: str, values: ArrayLike, *shape: int) -> Any:
    floats = check_floats(name, values)
    if floats.shape != shape:
        raise ArgumentError(
            f"{name} must have shape {shape} to fit the other arrays, but had {floats.shape}"
        )
    # a zero has no sign, which would only be longer
    return (np.round(check_limit(name, floats, LARGEST), DECIMALS) + 0.0).tolist()
