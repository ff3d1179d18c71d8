"""Live pictures for notebooks and web pages: drawing and mathematics run in the browser.

They need no kernel, so they work on a static page as well as in JupyterLab. Where there is a
kernel, the attributes follow what is done on the screen, and what is assigned to them is shown.
The JavaScript is in flux/widgets/javascript, and is tested against the functions of the package.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import check_bias, check_count, check_floats, check_weights
from flux._base.errors import ArgumentError
from flux._base.installed import needs
from flux.search.weighing_matrices import find_design, weighing_matrix
from flux.widgets._relay_map import RelayMap
from flux.widgets._shared import Checked, Widget, check_limit, count, read_sources, real

with needs("widgets"):
    import traitlets

__all__ = [
    "AttractorExplorer",
    "OptimalMatrices",
    "RelayMap",
    "RunningNetwork",
    "StateGraph",
    "known_shapes",
]

MAX_WEIGHT = 10.0
"""Largest weight, of either sign, that a cell of a matrix can be dragged to."""
MAX_SHAPE = 8
"""Neurons of the largest network whose exact flux a browser finds while a slider moves."""


def _weights(largest: int, limit: float = MAX_WEIGHT, *, allow_none_yet: bool = False) -> Checked:
    def check(W: Any) -> Any:
        if allow_none_yet and np.size(W) == 0:
            return np.zeros((0, 0))
        weights = check_weights(W)
        check_count("len(W)", len(weights), 1, largest)
        return check_limit("W", weights, limit)

    return Checked([], check)


def _bias(limit: float = MAX_WEIGHT) -> Checked:
    return Checked([], lambda b: check_limit("b", check_bias(b, np.size(b)), limit))


class _Biased(Widget):
    """What has weights W and a bias b of the same size."""

    W: Any
    b: Any

    def __init__(self, W: ArrayLike, b: ArrayLike | None = None) -> None:
        super().__init__(W=W, b=check_bias(b, len(check_weights(W))))

    @traitlets.validate("b")
    def _check_bias(self, proposal: Any) -> Any:
        return check_bias(proposal["value"], len(self.W))

    @traitlets.observe("W")
    def _fit_bias(self, change: Any) -> None:
        if len(self.b) != len(self.W):
            self.b = np.zeros(len(self.W))


class StateGraph(_Biased):
    """The states of a network of up to 4 neurons, the probabilities of each step, and H, D, I.

    Weights are dragged in the matrix, or moved by arrow keys. A dot is a state, its area the
    stationary probability; an arrow is a step, as wide as it is probable.

    Parameters
    ----------
    W : (n, n) array
        Weights, W[i, j] from neuron j to neuron i, of at most 10 either way; n at most 4.
    b : (n,) array, optional
        Biases, of at most 10 either way; zero by default.

    Attributes
    ----------
    W : (n, n) array
        The weights on the screen. Read-only: to change them, assign an array.
    b : (n,) array
        The biases on the screen.

    Raises
    ------
    ValueError
        If W or b are not finite, too large, or do not fit together; also when assigned.

    Examples
    --------
    >>> shown = StateGraph([[0.0, 2.0], [-2.0, 0.0]])
    >>> shown.W = [[0.0, 5.0], [5.0, 0.0]]
    >>> shown.W.max()
    np.float64(5.0)
    """

    _esm = read_sources("network", "drawing", "state_graph")
    W = _weights(4)
    b = _bias()
    limit = traitlets.Float(MAX_WEIGHT, read_only=True).tag(sync=True)


class AttractorExplorer(_Biased):
    """All states of a network of up to 6 neurons without noise, and the path from any of them.

    A dot is a state, a line leads to its successor: inwards along transients and clockwise
    round the rings, which are the cycles. A click lets a state fall into its cycle. A neuron
    whose field is zero keeps its spin (`flux.successor_map` with ties="keep").

    Parameters
    ----------
    W : (n, n) array
        Weights, W[i, j] from neuron j to neuron i; n at most 6.
    b : (n,) array, optional
        Biases; zero by default.

    Attributes
    ----------
    W, b : arrays
        The network on the screen. Read-only: to change it, assign arrays.
    state : int
        Code of the state from which the path starts.

    Raises
    ------
    ValueError
        If W or b are not finite or do not fit together, W is too large, or the state is no code;
        also when assigned.

    Examples
    --------
    >>> shown = AttractorExplorer([[0.0, 1.0], [-1.0, 0.0]])
    >>> shown.state = 3
    """

    _esm = read_sources("network", "placing", "drawing", "attractor_explorer")
    W = _weights(6, np.inf)
    b = _bias(np.inf)
    state = count("state", 0, 0)

    @traitlets.observe("W")
    def _fit_state(self, change: Any) -> None:
        if self.state >= 2 ** len(self.W):
            self.state = 0

    @traitlets.validate("state")
    def _check_state(self, proposal: Any) -> Any:
        return check_count("state", proposal["value"], 0, 2 ** len(self.W) - 1)


class RunningNetwork(Widget):
    """A network of up to 100 neurons as it runs, and the correlation of successive states.

    Weights are drawn as in `flux.gaussian_weights`, with the browser's random numbers; the
    fields are divided by the noise, so that only width / noise counts. The sliders bend one
    network: its random numbers stay the same until new weights are asked for.

    Parameters
    ----------
    n : int
        Number of neurons, 2 to 100.
    width : float
        Root-mean-square magnitude of the weights that are present, 0 to 5.
    density : float
        Probability from 0 to 1 that a weight is present.
    balance : float
        From -1 (all inhibitory) to 1 (all excitatory).
    noise : float
        What the fields are divided by, 0.1 to 5.
    seed : int
        Number of the network among those of these parameters.

    Attributes
    ----------
    n, width, density, balance, noise, seed : numbers
        Those on the screen.
    W : (n, n) array
        The weights that run, empty until a browser has drawn them. An array that is assigned
        runs until a slider draws others.

    Raises
    ------
    ValueError
        If a parameter is out of its range; also when assigned.

    Examples
    --------
    >>> shown = RunningNetwork(n=30, width=0.3)
    >>> shown.W = np.eye(10)
    >>> shown.n
    10
    """

    _esm = read_sources("network", "drawing", "running_network")
    n = count("n", 50, 2, 100)
    width = real("width", 1.0, 0.0, 5.0)
    density = real("density", 1.0, 0.0, 1.0)
    balance = real("balance", 0.0, -1.0, 1.0)
    noise = real("noise", 1.0, 0.1, 5.0)
    seed = count("seed", 1, 0, 2**31 - 1)
    W = _weights(100, np.inf, allow_none_yet=True)

    def __init__(
        self,
        *,
        n: int = 50,
        width: float = 1.0,
        density: float = 1.0,
        balance: float = 0.0,
        noise: float = 1.0,
        seed: int = 1,
    ) -> None:
        super().__init__(n=n, width=width, density=density, balance=balance, noise=noise, seed=seed)

    @traitlets.observe("W")
    def _fit_size(self, change: Any) -> None:
        if len(self.W):
            self.n = len(self.W)


class OptimalMatrices(Widget):
    """The exact flux of weight matrices w A against their strength w, for several shapes A.

    Parameters
    ----------
    shapes : mapping of str to (n, n) array, optional
        Names and matrices A with entries from -1 to 1, of at most 8 neurons; those of equal
        size are compared. By default N-rooks, all weights equal, and the weighing matrices of
        `flux.weighing_matrix` for 2 to 8 neurons.
    n : int
        Size that is shown first.
    strength : float
        Strength w, 0.2 to 10.

    Attributes
    ----------
    n, strength : numbers
        Those on the screen.
    shapes : list of [str, list of lists]
        What can be shown.

    Raises
    ------
    ValueError
        If a matrix is not square, too large or has other entries, if there is none of size n,
        or `strength` is out of its range; also when n or strength is assigned.

    Examples
    --------
    >>> shown = OptimalMatrices({"a pair": [[0, 1], [1, 0]], "alike": np.ones((2, 2))}, n=2)
    >>> shown.strength = 5.0
    """

    _esm = read_sources("network", "drawing", "optimal_matrices")
    shapes: Any = traitlets.List().tag(sync=True)
    n = count("n", 6, 1)
    strength = real("strength", 2.0, 0.2, 10.0)

    def __init__(
        self,
        shapes: Mapping[str, ArrayLike] | None = None,
        *,
        n: int = 6,
        strength: float = 2.0,
    ) -> None:
        named = list((known_shapes() if shapes is None else shapes).items())
        checked = [(name, _check_shape(name, A)) for name, A in named]
        super().__init__(shapes=[[name, A.tolist()] for name, A in checked], n=n, strength=strength)

    @traitlets.validate("n")
    def _check_size(self, proposal: Any) -> Any:
        sizes = sorted({len(A) for _, A in self.shapes})
        if proposal["value"] not in sizes:
            raise ArgumentError(
                f"n must be the size of a shape, one of {sizes}, but was {proposal['value']!r}"
            )
        return proposal["value"]


def known_shapes() -> dict[str, np.ndarray[Any, Any]]:
    """Return N-rooks, matrices of ones, and the weighing matrices known here, of 2 to 8 neurons.

    Returns
    -------
    dict of str to (n, n) array
        Matrices of 0 and +-1 by their names.

    Examples
    --------
    >>> [name for name, A in known_shapes().items() if len(A) == 4]
    ['N-rooks, N = 4', 'W(4, 2)', 'W(4, 3)', 'W(4, 4)', 'all equal, N = 4']
    """
    shapes = {}
    for n in range(2, MAX_SHAPE + 1):
        shapes[f"N-rooks, N = {n}"] = weighing_matrix(n, 1, strength=1.0)
        for k in range(2, n + 1):
            if find_design(n, k):
                shapes[f"W({n}, {k})"] = weighing_matrix(n, k, strength=1.0)
        shapes[f"all equal, N = {n}"] = np.ones((n, n))
    return shapes


def _check_shape(name: str, A: ArrayLike) -> Any:
    where = f"shapes[{name!r}]"
    shape = check_floats(where, A)
    if shape.shape not in [(n, n) for n in range(1, MAX_SHAPE + 1)]:
        raise ArgumentError(
            f"{where} must have shape (n, n) with n from 1 to {MAX_SHAPE}, but had {shape.shape}"
        )
    return check_limit(where, shape, 1.0)
