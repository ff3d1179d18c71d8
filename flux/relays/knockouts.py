"""Networks of any library, run step by step: recorded, with nodes knocked out, or patched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flux._base.checks import as_array, check_choice, check_count, check_rng, short
from flux._base.errors import ArgumentError
from flux._base.memory import check_memory

Mode = Literal["shuffle", "zero", "mean"]
States = tuple[NDArray[Any], ...]
Overwrite = Callable[[States], States]


class RecordedRun(NamedTuple):
    """What a network did at every step.

    Attributes
    ----------
    h : (samples, steps, nodes) array
        The state, after the step's input; the first one of a tuple.
    logits : (samples, steps, ...) array
        What was read.
    others : tuple of (samples, steps, nodes) arrays
        Further states, such as the cell states of an LSTM; empty where there is one.

    Examples
    --------
    >>> run = run_steps(lambda h, x: h + x, lambda h: 2 * h, [[0.0]], [[[1.0], [3.0]]])
    >>> run.h.tolist(), run.logits.tolist(), run.others
    ([[[1.0], [4.0]]], [[[2.0], [8.0]]], ())
    """

    h: NDArray[Any]
    logits: NDArray[Any]
    others: States


class PatchedRuns(NamedTuple):
    """Three runs: on the inputs, on the donor's, and on the inputs with the donor's nodes.

    Attributes
    ----------
    clean, donor, patched : RecordedRun
        Compare the logits of `patched` with those of the other two.

    Examples
    --------
    >>> network = (lambda h, x: h + x, lambda h: h.sum(1), [[0.0, 0.0]])
    >>> runs = run_with_patch(*network, [[[1.0, 2.0]]], [[[4.0, 8.0]]], nodes=[1], time=0)
    >>> [run.logits.item() for run in runs]
    [3.0, 12.0, 9.0]
    """

    clean: RecordedRun
    donor: RecordedRun
    patched: RecordedRun


def run_steps(
    step: Callable[..., Any], read: Callable[..., Any], h0: Any, x: ArrayLike
) -> RecordedRun:
    """Run a network of any library and return its states and answers at every step.

    Parameters
    ----------
    step : callable
        ``step(h, x_t) -> h``, all samples at once. It gets numpy arrays, and what it returns may
        be of any library; the same arguments must give the same result.
    read : callable
        ``read(h) -> logits``, with the samples on axis 0.
    h0 : (samples, nodes) array, or a tuple of them
        Initial state. Of several states, such as (h, c) of an LSTM, `step` and `read` get and
        `step` returns a tuple.
    x : (samples, steps, ...) array
        Inputs; a step gets ``x[:, t]``.

    Returns
    -------
    RecordedRun
        (h, logits, others), numpy arrays.

    Raises
    ------
    ValueError
        If an argument is of wrong shape or type, or `step` or `read` returns what does not fit
        or is not finite.
    TooLargeError
        If the states would not fit into memory.

    Notes
    -----
    Equation :eq:`eq-any-run` of the book. A network without time is cut in two at the nodes: one
    step from inputs to nodes, and the rest is what reads them.

    Examples
    --------
    >>> x = np.ones((1, 3, 1))
    >>> run_steps(lambda h, x: 0.5 * h + x, lambda h: h, np.zeros((1, 2)), x).h[0, :, 1]
    array([1.  , 1.5 , 1.75])
    """
    network, shown = _check_start(step, read, h0, x)
    return _run(network, shown)


def run_with_knockout(
    step: Callable[..., Any],
    read: Callable[..., Any],
    h0: Any,
    x: ArrayLike,
    nodes: ArrayLike,
    time: int,
    *,
    rng: np.random.Generator,
    mode: Mode = "shuffle",
) -> RecordedRun:
    """Run a network of any library with some nodes overwritten at one step.

    Does what `flux.relays.trained.knockout` does, and with the same seed the same.

    Parameters
    ----------
    step, read : callable
        As in `run_steps`.
    h0 : (samples, nodes) array, or a tuple of them
        Initial state.
    x : (samples, steps, ...) array
        Inputs.
    nodes : array of int
        Nodes to overwrite, in all states of a tuple.
    time : int
        Step after whose input they are, from 0.
    rng : numpy.random.Generator
        Draws the permutation of "shuffle".
    mode : "shuffle", "zero" or "mean"
        By what: the nodes' values in another sample, one permutation for all nodes; zero; or the
        mean over all samples.

    Returns
    -------
    RecordedRun
        (h, logits, others), numpy arrays.

    Raises
    ------
    ValueError
        If an argument is of wrong shape, type or value, or `step` or `read` returns what does
        not fit or is not finite.
    TooLargeError
        If the states would not fit into memory.

    Notes
    -----
    Equation :eq:`eq-any-overwrite` of the book.

    Examples
    --------
    >>> network, x = (lambda h, x: 0.5 * h + x, lambda h: h, np.zeros((1, 2))), np.ones((1, 3, 1))
    >>> rng = np.random.default_rng(1)
    >>> run_with_knockout(*network, x, [1], 1, rng=rng, mode="zero").h[0, :, 1]
    array([1., 0., 1.])
    """
    network, shown = _check_start(step, read, h0, x)
    hit, time = _check_place(nodes, time, network, shown)
    check_rng(rng)
    check_choice("mode", mode, get_args(Mode))
    others = rng.permutation(len(shown))

    def overwrite(values: NDArray[Any]) -> NDArray[Any]:
        if mode == "shuffle":
            return np.where(hit, values[others], values)
        if mode == "zero":
            return np.where(hit, np.zeros_like(values), values)
        # compiled networks take no other type than their own
        kind = values.dtype if values.dtype.kind == "f" else np.float64
        return np.where(hit, values.mean(0, dtype=np.float64).astype(kind), values)

    return _run(network, shown, time, lambda states: tuple(map(overwrite, states)))


def run_with_patch(
    step: Callable[..., Any],
    read: Callable[..., Any],
    h0: Any,
    x: ArrayLike,
    donor_x: ArrayLike,
    nodes: ArrayLike,
    time: int,
) -> PatchedRuns:
    """Run a network of any library with some nodes' values from a run on other inputs.

    If the answers follow the donor, these nodes carry what they depend on. With donors that are
    the samples themselves in another order, it is the knockout by "shuffle" of that order.

    Parameters
    ----------
    step, read : callable
        As in `run_steps`.
    h0 : (samples, nodes) array, or a tuple of them
        Initial state, of both runs.
    x : (samples, steps, ...) array
        Inputs.
    donor_x : array like `x`
        Inputs of the run that the nodes' values come from, one donor for each sample.
    nodes : array of int
        Nodes to patch, in all states of a tuple.
    time : int
        Step after whose input they are, from 0.

    Returns
    -------
    PatchedRuns
        (clean, donor, patched), each with h, logits and others.

    Raises
    ------
    ValueError
        If an argument is of wrong shape, type or value, or `step` or `read` returns what does
        not fit or is not finite.
    TooLargeError
        If the states would not fit into memory.

    Notes
    -----
    Equation :eq:`eq-any-overwrite` of the book.

    References
    ----------
    Vig et al. (2020), Advances in Neural Information Processing Systems 33, 12388-12401.

    Examples
    --------
    >>> network = (lambda h, x: 0.5 * h + x, lambda h: h.argmax(1), np.zeros((1, 2)))
    >>> x, donor_x = np.array([[[1.0, 0.0], [0.0, 0.0]]]), np.array([[[0.0, 2.0], [0.0, 0.0]]])
    >>> [run.logits[0, 1].item() for run in run_with_patch(*network, x, donor_x, [1], 0)]
    [0, 1, 1]
    """
    network, shown = _check_start(step, read, h0, x)
    hit, time = _check_place(nodes, time, network, shown)
    given = _check_inputs("donor_x", donor_x)
    if given.shape != shown.shape:
        raise ArgumentError(
            f"donor_x must have shape {shown.shape} like x, but had shape {given.shape}"
        )
    clean, donor = _run(network, shown), _run(network, given)
    handed = [values[:, time] for values in (donor.h, *donor.others)]

    def overwrite(states: States) -> States:
        pairs = zip(handed, states, strict=True)
        return tuple(np.where(hit, new, old) for new, old in pairs)

    return PatchedRuns(clean, donor, _run(network, shown, time, overwrite))


class _Network(NamedTuple):
    """A network of any library; `many` if it takes and returns a tuple of states."""

    step: Callable[..., Any]
    read: Callable[..., Any]
    start: States
    many: bool


def _run(
    network: _Network, x: NDArray[Any], time: int = -1, overwrite: Overwrite | None = None
) -> RecordedRun:
    """Run a network, and overwrite its states after the input of one step."""
    # copies, since a network may work in place
    states: States = tuple(values.copy() for values in network.start)
    seen: list[States] = []
    answers: list[NDArray[Any]] = []
    for t in range(x.shape[1]):
        returned = network.step(states if network.many else states[0], x[:, t])
        states = _check_states(returned, network)
        if t == time and overwrite:
            states = overwrite(states)
        seen.append(tuple(values.copy() for values in states))
        read = _check_returned("read", network.read(states if network.many else states[0]))
        if read.shape != (len(x), *(answers[0] if answers else read).shape[1:]):
            raise ArgumentError(
                f"read must return {len(x)} rows, one a sample, of one shape at all steps, but"
                f" returned an array of shape {read.shape}"
            )
        answers.append(read.copy())
    h, *others = (np.stack(values, 1) for values in zip(*seen, strict=True))
    return RecordedRun(h, np.stack(answers, 1), tuple(others))


def _check_states(returned: Any, network: _Network) -> States:
    """Return what `step` gave as numpy arrays, of the shape of the initial states."""
    n_states, shape = len(network.start), network.start[0].shape
    several = isinstance(returned, (tuple, list)) if network.many else isinstance(returned, tuple)
    if several != network.many or (network.many and len(returned) != n_states):
        wanted = f"a tuple of {n_states} states" if network.many else "one array of states"
        raise ArgumentError(f"step must return {wanted}, as h0 is, but returned {short(returned)}")
    states = tuple(_check_returned("step", one) for one in (returned if several else [returned]))
    for one in states:
        if one.shape != shape:
            raise ArgumentError(
                f"step must return states of shape {shape}, as h0 has, but returned {one.shape}"
            )
    return states


def _check_returned(name: str, returned: Any) -> NDArray[Any]:
    values = as_array(f"what {name} returned", returned, "biuf")
    if not np.isfinite(values).all():
        bad = int(np.sum(~np.isfinite(values)))
        raise ArgumentError(
            f"{name} must return finite numbers, but {bad} of {values.size} were not"
        )
    return values


def _check_start(
    step: Callable[..., Any], read: Callable[..., Any], h0: Any, x: ArrayLike
) -> tuple[_Network, NDArray[Any]]:
    """Return a network and its inputs as arrays, or raise a ValueError."""
    for name, function in (("step", step), ("read", read)):
        if not callable(function):
            raise ArgumentError(f"{name} must be a function, but was {short(function)}")
    shown, many = _check_inputs("x", x), isinstance(h0, tuple)
    states = tuple(as_array("h0", one, "biuf") for one in (h0 if many else (h0,)))
    shapes = {one.shape for one in states}
    if len(shapes) != 1 or any(len(one) != 2 or one[0] != len(shown) for one in shapes):
        raise ArgumentError(
            f"h0 must have shape ({len(shown)}, nodes), a row for each sample of x, or be a tuple"
            f" of such states, but had {', '.join(map(str, shapes)) or 'no state'}"
        )
    if states[0].size == 0 or not all(np.isfinite(one).all() for one in states):
        raise ArgumentError("h0 must hold finite numbers, of one node or more, but did not")
    check_memory(
        16.0 * shown.shape[1] * states[0].size * len(states),
        f"the states of {len(shown)} samples in {shown.shape[1]} steps",
        "run fewer at a time",
    )
    return _Network(step, read, states, many), shown


def _check_inputs(name: str, value: ArrayLike) -> NDArray[Any]:
    inputs = as_array(name, value, "biuf")
    if inputs.ndim < 2 or 0 in inputs.shape:
        raise ArgumentError(
            f"{name} must have shape (samples, steps, ...), none 0, but had shape {inputs.shape}"
        )
    if not np.isfinite(inputs).all():
        raise ArgumentError(f"{name} must hold finite numbers, but held others")
    return inputs


def _check_place(
    nodes: ArrayLike, time: int, network: _Network, x: NDArray[Any]
) -> tuple[NDArray[np.bool_], int]:
    """Return which nodes are hit, and when, or raise a ValueError."""
    hit = np.zeros(network.start[0].shape[1], bool)
    for node in np.atleast_1d(as_array("nodes", nodes)):
        hit[check_count("nodes", node, 0, hit.size - 1)] = True
    return hit, check_count("time", time, 0, x.shape[1] - 1)
