"""Recurrent networks trained to classify sequences: recorded, and with nodes knocked out.

Needs the packages of ``pip install 'information-flux[trained]'`` and is imported by itself:
``from flux.relays import trained``. Runs on a GPU where JAX finds one.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flux._base.checks import as_array, check_choice, check_count, check_real, check_rng, check_type
from flux._base.errors import ArgumentError
from flux._base.installed import needs
from flux._base.progress import progress_bar
from flux._base.types import Floats
from flux.relays import _recurrent_network as cells
from flux.relays._recurrent_network import TrainedNetwork
from flux.relays.knockouts import Mode
from flux.relays.tasks import Sequences

with needs("trained"):
    import equinox as eqx
    import jax.numpy as jnp

Cell = Literal["rnn", "gru", "lstm"]
Start = Literal["uniform", "identity", "orthogonal", "forget"]
Overwritten = Literal["hc", "h"]
RATES = {"rnn": 1e-3, "gru": 3e-3, "lstm": 3e-3}
"""The kinds of networks, and the learning rate at which each is trained unless told otherwise."""

_UPDATES_A_CALL = 50


class Training(NamedTuple):
    """A trained network, and the loss at each update.

    Attributes
    ----------
    network : TrainedNetwork
        The network after the last update.
    losses : (updates,) float64
        Cross entropies in nats a question.

    Examples
    --------
    >>> from flux.relays.tasks import memory_task
    >>> task = memory_task(99, rng=np.random.default_rng(1), delay=1)
    >>> network = make_network("gru", task, rng=np.random.default_rng(1), hidden=4)
    >>> done = train(network, task, rng=np.random.default_rng(1), updates=100)
    >>> done.losses.shape, done.losses[-1] < done.losses[0]
    ((100,), np.True_)
    """

    network: TrainedNetwork
    losses: Floats


class Recording(NamedTuple):
    """What a network did at every step.

    Attributes
    ----------
    h : (samples, steps, hidden) float32
        Hidden states, after the step's input.
    c : (samples, steps, hidden) float32
        Cell states of an LSTM; (samples, steps, 0) otherwise.
    logits : (samples, steps, questions, classes) float32
        Readout of h.

    Examples
    --------
    >>> from flux.relays.tasks import memory_task
    >>> task = memory_task(9, rng=np.random.default_rng(1), delay=1)
    >>> network = make_network("lstm", task, rng=np.random.default_rng(1), hidden=4)
    >>> [part.shape for part in record(network, task.x)]
    [(9, 2, 4), (9, 2, 4), (9, 2, 2, 2)]
    """

    h: NDArray[np.float32]
    c: NDArray[np.float32]
    logits: NDArray[np.float32]


def make_network(
    kind: Cell,
    task: Sequences,
    *,
    rng: np.random.Generator,
    hidden: int = 32,
    start: Start = "uniform",
) -> TrainedNetwork:
    """Make an untrained network for a task.

    Parameters
    ----------
    kind : "rnn", "gru" or "lstm"
        The cell.
    task : Sequences
        Sequences of the task; only their shape counts.
    rng : numpy.random.Generator
        Draws the weights.
    hidden : int
        Number of hidden nodes.
    start : "uniform", "identity", "orthogonal" or "forget"
        Initial weights: uniform from -1/sqrt(hidden) to 1/sqrt(hidden), but for those named.
        "identity": weights between hidden nodes are the identity matrix, and the bias is 0;
        "orthogonal": they are a random orthogonal matrix; in gated cells one for each gate and
        for the new value. "forget", for gated cells: a bias of 1 for the gate that keeps the old
        state, which is the forget gate of an LSTM and the update gate of a GRU.

    Returns
    -------
    TrainedNetwork
        (cell, readout, ...), an Equinox module.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Notes
    -----
    The plain cell is equation :eq:`eq-trn-plain` of the book.

    References
    ----------
    Le, Jaitly & Hinton (2015), arXiv:1504.00941, for the identity; Saxe, McClelland & Ganguli
    (2014), arXiv:1312.6120, for orthogonal matrices; Jozefowicz, Zaremba & Sutskever (2015),
    Proc. ICML 37, 2342-2350, for the bias.

    Examples
    --------
    >>> from flux.relays.tasks import memory_task
    >>> task = memory_task(9, rng=np.random.default_rng(1))
    >>> network = make_network("rnn", task, rng=np.random.default_rng(1), hidden=16)
    >>> network.hidden, network.inputs, network.questions, network.classes
    (16, 2, 2, 2)
    """
    check_choice("kind", kind, RATES)
    check_choice("start", start, get_args(Start)[: -1 if kind == "rnn" else None])
    return cells.make_layers(kind, task, check_count("hidden", hidden, 1), start, check_rng(rng))


def train(
    network: TrainedNetwork,
    task: Sequences,
    *,
    rng: np.random.Generator,
    updates: int = 1000,
    batch: int = 128,
    rate: float | None = None,
    progress: bool = True,
) -> Training:
    """Train a network by Adam on the cross entropy of its answers after the last step.

    Gradients are clipped to a norm of 1. On one machine the same seed gives the same network.

    Parameters
    ----------
    network : TrainedNetwork
        Where to start.
    task : Sequences
        Sequences to learn.
    rng : numpy.random.Generator
        Draws the batches.
    updates : int
        Number of updates.
    batch : int
        Sequences in an update, drawn with replacement.
    rate : float, optional
        Learning rate; by default 0.001 for plain and 0.003 for gated cells.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    Training
        (network, losses); the losses are in nats a question.

    Raises
    ------
    ValueError
        If the task does not fit the network, or a parameter is out of its range.

    Examples
    --------
    >>> from flux.relays.tasks import memory_task
    >>> rng = np.random.default_rng(1)
    >>> task = memory_task(99, rng=rng, delay=1)
    >>> network = make_network("gru", task, rng=rng, hidden=4)
    >>> network, losses = train(network, task, rng=rng, updates=100)
    >>> losses[-1] < losses[0]
    np.True_
    """
    check_rng(rng)
    updates = check_count("updates", updates, 1)
    batch = check_count("batch", batch, 1)
    cells.check_task(network, task, batch)
    rate = check_real("rate", RATES[network.kind] if rate is None else rate, 0.0)
    data = (jnp.asarray(task.x), jnp.asarray(task.y), jnp.asarray(task.lengths - 1))
    moments = cells.optimizer(rate).init(eqx.filter(network, eqx.is_array))
    losses = []
    with progress_bar("training", updates, unit="update", show=progress) as bar:
        for left in range(updates, 0, -_UPDATES_A_CALL):
            batches = rng.integers(0, len(task.x), (min(left, _UPDATES_A_CALL), batch))
            network, moments, latest = cells.learn(
                network, moments, data, jnp.asarray(batches), jnp.asarray(rate)
            )
            losses.append(np.asarray(latest, float))
            bar.update(len(batches))
    return Training(network, np.concatenate(losses))


def record(network: TrainedNetwork, x: ArrayLike) -> Recording:
    """Run a network and return its states and readout at every step.

    Parameters
    ----------
    network : TrainedNetwork
        Any network that `make_network` or `train` returned.
    x : (samples, steps, inputs) array
        Sequences.

    Returns
    -------
    Recording
        (h, c, logits), numpy arrays.

    Raises
    ------
    ValueError
        If `x` does not fit the network.

    Examples
    --------
    >>> from flux.relays.tasks import memory_task
    >>> task = memory_task(9, rng=np.random.default_rng(1), delay=4)
    >>> network = make_network("gru", task, rng=np.random.default_rng(1), hidden=16)
    >>> h, c, logits = record(network, task.x)
    >>> h.shape, logits.shape
    ((9, 5, 16), (9, 5, 2, 2))
    """
    shown = cells.check_inputs(network, x)
    # overwritten at a time that never comes
    never, nobody = jnp.asarray(-1), jnp.zeros(network.hidden, bool)
    return _recorded(network, shown, never, nobody, nobody, jnp.arange(len(shown)), "zero")


def knockout(
    network: TrainedNetwork,
    x: ArrayLike,
    nodes: ArrayLike,
    time: int,
    *,
    rng: np.random.Generator,
    mode: Mode = "shuffle",
    state: Overwritten = "hc",
) -> Recording:
    """Run a network with some hidden nodes overwritten at one step.

    After the input of step `time`, the nodes' values are replaced; everything later follows
    from the changed state, and so does the readout at step `time` itself.

    Parameters
    ----------
    network : TrainedNetwork
        Any network that `make_network` or `train` returned.
    x : (samples, steps, inputs) array
        Sequences.
    nodes : array of int
        Hidden nodes to overwrite; none of them leaves the network as it is.
    time : int
        Step, from 0.
    rng : numpy.random.Generator
        Draws the permutation of "shuffle".
    mode : "shuffle", "zero" or "mean"
        By what: the nodes' values in another sequence, one permutation of the sequences for all
        nodes, so that the values stay possible ones, also jointly; zero; or the mean over all
        sequences.
    state : "hc" or "h"
        For an LSTM: overwrite the nodes' cell states too, or the hidden states alone. Others have
        only h.

    Returns
    -------
    Recording
        (h, c, logits), numpy arrays.

    Raises
    ------
    ValueError
        If an argument does not fit the network, or is out of its range.

    Examples
    --------
    >>> from flux.relays.tasks import memory_task
    >>> task = memory_task(9, rng=np.random.default_rng(1), delay=4)
    >>> network = make_network("gru", task, rng=np.random.default_rng(1), hidden=16)
    >>> hit = knockout(network, task.x, [3], 2, rng=np.random.default_rng(1), mode="zero")
    >>> np.abs(hit.h[:, 2, 3]).max()
    np.float32(0.0)
    >>> np.array_equal(hit.h[:, :2], record(network, task.x).h[:, :2])
    True
    """
    shown = cells.check_inputs(network, x)
    check_rng(rng)
    hit = cells.find_nodes(network, nodes)
    time = check_count("time", time, 0, shown.shape[1] - 1)
    check_choice("state", state, get_args(Overwritten))
    check_choice("mode", mode, get_args(Mode))
    hit_h, hit_c = jnp.asarray(hit), jnp.asarray(hit & (state == "hc"))
    others = jnp.asarray(rng.permutation(len(shown)))
    return _recorded(network, shown, jnp.asarray(time), hit_h, hit_c, others, mode)


def decisions(recording: Recording, lengths: ArrayLike | None = None) -> NDArray[np.int64]:
    """Return a network's answers: the class of the largest logit after a sequence's last step.

    Parameters
    ----------
    recording : Recording
        Result of `record` or `knockout`.
    lengths : (samples,) array of int, optional
        Steps of each sequence; by default all.

    Returns
    -------
    (samples, questions) int64
        Answers from 0 to classes - 1.

    Raises
    ------
    ValueError
        If `recording` is none, or `lengths` does not fit it.

    Examples
    --------
    >>> from flux.relays.tasks import memory_task
    >>> task = memory_task(9, rng=np.random.default_rng(1), delay=4)
    >>> network = make_network("gru", task, rng=np.random.default_rng(1))
    >>> decisions(record(network, task.x), task.lengths).shape
    (9, 2)
    """
    check_type("recording", recording, Recording, "a result of record or knockout")
    samples, steps = recording.logits.shape[:2]
    last = np.full(samples, steps) if lengths is None else as_array("lengths", lengths, "iu")
    if last.shape != (samples,):
        raise ArgumentError(f"lengths must have shape ({samples},), but had {last.shape}")
    if not (last.min() >= 1 and last.max() <= steps):
        raise ArgumentError(
            f"lengths must lie from 1 to {steps}, but ranged from {last.min()} to {last.max()}"
        )
    return recording.logits[np.arange(samples), last - 1].argmax(-1)


def balanced_accuracy(y: ArrayLike, decided: ArrayLike) -> float:
    """Return the fraction of right answers, averaged over the classes that occur.

    Each class counts the same, however rare: guessing gives one over the number of classes.

    Parameters
    ----------
    y : (samples,) array of int
        True labels.
    decided : (samples,) array of int
        Answers.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        If these are no integers, the shapes differ, or there is no sample.

    Examples
    --------
    >>> balanced_accuracy([0, 0, 0, 1], [0, 0, 0, 0])
    0.5
    """
    truth, answers = as_array("y", y, "biu"), as_array("decided", decided, "biu")
    if truth.ndim != 1 or truth.size == 0 or truth.shape != answers.shape:
        raise ArgumentError(
            f"y must be a (samples,) array and decided of the same shape, but had shapes"
            f" {truth.shape} and {answers.shape}"
        )
    # scikit-learn's takes ten times longer, after three seconds of import
    return float(np.mean([np.mean(answers[truth == label] == label) for label in np.unique(truth)]))


def _recorded(network: TrainedNetwork, *shown_and_hit: Any) -> Recording:
    ran = cells.run(network, *shown_and_hit)
    h, c, logits = (np.asarray(part).swapaxes(0, 1) for part in ran)
    answers = (*logits.shape[:2], network.questions, network.classes)
    return Recording(h, c, logits.reshape(answers))
