"""Recurrent cells with a readout, in JAX: how they advance, are overwritten, learn, and credit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux._base.checks import as_array, check_count, check_type, short
from flux._base.errors import ArgumentError
from flux._base.installed import needs
from flux._base.memory import check_memory
from flux.relays.tasks import Sequences

with needs("trained"):
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import optax
    from jax import Array
    from jax.typing import ArrayLike

State = tuple[Array, Array]
"""Hidden states (samples, hidden) and cell states, which have no nodes without an LSTM."""


class RNNCell(eqx.Module):
    """The plain recurrent cell: h(t) = tanh(W x(t) + U h(t-1) + b)."""

    weight_ih: Array
    weight_hh: Array
    bias: Array

    def __call__(self, x: Array, h: Array) -> Array:
        """Return the next hidden state."""
        return jnp.tanh(self.weight_ih @ x + self.weight_hh @ h + self.bias)


class TrainedNetwork(eqx.Module):
    """A recurrent cell and a linear readout of its hidden state.

    cell : an `RNNCell`, or Equinox's GRUCell or LSTMCell.
    readout : Equinox's Linear, with questions x classes outputs.
    """

    cell: RNNCell | eqx.nn.GRUCell | eqx.nn.LSTMCell
    readout: eqx.nn.Linear
    kind: str = eqx.field(static=True)
    inputs: int = eqx.field(static=True)
    hidden: int = eqx.field(static=True)
    questions: int = eqx.field(static=True)
    classes: int = eqx.field(static=True)


def make_layers(
    kind: str, task: Sequences, hidden: int, start: str, rng: np.random.Generator
) -> TrainedNetwork:
    """Return an untrained network for a task."""
    check_type("task", task, Sequences, "Sequences, as flux.relays.tasks makes them")
    inputs, questions = task.x.shape[-1], task.y.shape[-1]
    needed = 64.0 * hidden * (hidden + inputs + questions * task.classes)
    check_memory(needed, f"a network of {hidden} nodes", "use fewer hidden nodes")
    key = jax.random.key(int(rng.integers(2**32)))
    cell_key, readout_key, start_key = jax.random.split(key, 3)
    readout = eqx.nn.Linear(hidden, questions * task.classes, key=readout_key)
    cell: RNNCell | eqx.nn.GRUCell | eqx.nn.LSTMCell
    if kind == "rnn":
        cell = _plain_cell(inputs, hidden, cell_key)
    else:
        gated = eqx.nn.GRUCell if kind == "gru" else eqx.nn.LSTMCell
        cell = gated(inputs, hidden, key=cell_key)
    cell = _started(cell, start, hidden, start_key)
    return TrainedNetwork(cell, readout, kind, inputs, hidden, questions, task.classes)


def optimizer(rate: ArrayLike) -> Any:
    """Return Adam behind a clip of the gradient's norm."""
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate))


@eqx.filter_jit
def run(
    network: TrainedNetwork,
    x: Array,
    time: ArrayLike,
    hit_h: ArrayLike,
    hit_c: ArrayLike,
    others: ArrayLike,
    mode: str,
) -> tuple[Array, Array, Array]:
    """Return h, c and the logits, time first, with the nodes hit overwritten at one time."""

    def overwrite(values: Array, hit: ArrayLike) -> Array:
        if mode == "shuffle":
            return jnp.where(hit, values[others], values)
        return jnp.where(hit, values.mean(0) if mode == "mean" else 0.0, values)

    def step(state: State, shown: tuple[Array, Array]) -> tuple[State, State]:
        now, inputs = shown
        h, c = _advance(network, inputs, state)
        h = overwrite(h, hit_h & (now == time))
        c = overwrite(c, (hit_c & (now == time))[: c.shape[1]])
        return (h, c), (h, c)

    shown = (jnp.arange(x.shape[1]), x.swapaxes(0, 1))
    _, (h, c) = jax.lax.scan(step, _at_rest(network, len(x)), shown)
    return h, c, jax.vmap(jax.vmap(network.readout))(h)


Learner = tuple[TrainedNetwork, Any]
"""A network, and the moments of its gradients that Adam keeps."""


@eqx.filter_jit
def learn(
    network: TrainedNetwork,
    moments: Any,
    task: tuple[Array, Array, Array],
    batches: Array,
    rate: Array,
) -> tuple[TrainedNetwork, Any, Array]:
    """Make one update for each row of batches; return network, Adam's moments and the losses."""
    x, y, last = task
    weights, fixed = eqx.partition(network, eqx.is_array)

    def loss(weights: TrainedNetwork, chosen: Array) -> Array:
        model = eqx.combine(weights, fixed)

        def step(state: State, inputs: Array) -> tuple[State, Array]:
            state = _advance(model, inputs, state)
            return state, state[0]

        _, h = jax.lax.scan(step, _at_rest(model, len(chosen)), x[chosen].swapaxes(0, 1))
        logits = jax.vmap(model.readout)(h[last[chosen], jnp.arange(len(chosen))])
        logits = logits.reshape(len(chosen), model.questions, model.classes)
        return optax.softmax_cross_entropy_with_integer_labels(logits, y[chosen]).mean()

    def update(carry: Learner, chosen: Array) -> tuple[Learner, Array]:
        weights, moments = carry
        value, gradient = jax.value_and_grad(loss)(weights, chosen)
        change, moments = optimizer(rate).update(gradient, moments, weights)
        return (eqx.apply_updates(weights, change), moments), value

    (weights, moments), losses = jax.lax.scan(update, (weights, moments), batches)
    return eqx.combine(weights, fixed), moments, losses


@eqx.filter_jit
def attribute(
    network: TrainedNetwork,
    later: Array,
    now: State,
    asked: tuple[Array, Array],
    rule: tuple[Array, Array],
) -> tuple[Array, Array, Array]:
    """Return gradient times activation, integrated gradients (samples, hidden), and their gap.

    `later` are the inputs after the states `now`, time first; `asked` is a question and one of
    its answers; `rule` are points from 0 to 1 and their weights. Paths start at the mean state.
    """
    question, answer = asked

    def log_odds(state: State) -> Array:
        (h, _), _ = jax.lax.scan(lambda s, x: (_advance(network, x, s), None), state, later)
        logits = jax.vmap(network.readout)(h).reshape(-1, network.questions, network.classes)
        is_answer = jnp.arange(network.classes) == answer
        others = jnp.where(is_answer, -jnp.inf, logits[:, question])
        return logits[:, question, answer] - jax.nn.logsumexp(others, axis=-1)

    def slopes(state: State) -> State:
        return jax.grad(lambda s: log_odds(s).sum())(state)

    def credit(values: State, slope: State) -> Array:
        h, c = (value * part for value, part in zip(values, slope, strict=True))
        return h + c if network.kind == "lstm" else h

    rest = jax.tree.map(lambda part: jnp.broadcast_to(part.mean(0), part.shape), now)
    way = jax.tree.map(jnp.subtract, now, rest)

    def add(total: State, at: tuple[Array, Array]) -> tuple[State, None]:
        point, weight = at
        slope = slopes(jax.tree.map(lambda r, w: r + point * w, rest, way))
        return jax.tree.map(lambda t, s: t + weight * s, total, slope), None

    mean_slope, _ = jax.lax.scan(add, jax.tree.map(jnp.zeros_like, now), rule)
    integrated = credit(way, mean_slope)
    gap = log_odds(now) - log_odds(rest) - integrated.sum(1)
    return credit(now, slopes(now)), integrated, gap


def check_task(network: TrainedNetwork, task: Sequences, batch: int) -> None:
    """Raise a ValueError unless the sequences and their labels fit the network and the memory."""
    check_type("task", task, Sequences, "Sequences, as flux.relays.tasks makes them")
    samples, steps = check_inputs(network, task.x).shape[:2]
    if task.y.shape != (samples, network.questions) or task.classes != network.classes:
        raise ArgumentError(
            f"task must have {network.questions} questions of {network.classes} classes, but had"
            f" labels of shape {task.y.shape} and {task.classes} classes"
        )
    if task.y.min() < 0 or task.y.max() >= task.classes:
        raise ArgumentError(
            f"task must have labels from 0 to {task.classes - 1}, but they ranged from"
            f" {task.y.min()} to {task.y.max()}"
        )
    if task.lengths.shape != (samples,) or task.lengths.min() < 1 or task.lengths.max() > steps:
        raise ArgumentError(
            f"task must have {samples} lengths from 1 to {steps}, but had {short(task.lengths)}"
        )
    check_memory(
        16.0 * batch * steps * (4 * network.hidden + network.inputs),
        f"a batch of {batch} sequences",
        "use a smaller batch",
    )


def find_nodes(network: TrainedNetwork, nodes: object) -> NDArray[np.bool_]:
    """Return which hidden nodes are in a list, or raise a ValueError."""
    listed = np.zeros(network.hidden, bool)
    for node in np.atleast_1d(as_array("nodes", nodes)):
        listed[check_count("nodes", node, 0, network.hidden - 1)] = True
    return listed


def check_inputs(network: TrainedNetwork, x: object) -> Array:
    """Return sequences on the device, or raise a ValueError unless they fit the network."""
    check_type("network", network, TrainedNetwork, "a result of make_network or train")
    shown = as_array("x", x)
    if shown.ndim != 3 or 0 in shown.shape or shown.shape[2] != network.inputs:
        raise ArgumentError(
            f"x must have shape (samples, steps, {network.inputs}), but had shape {shown.shape}"
        )
    if shown.dtype.kind not in "biuf" or not np.isfinite(shown).all():
        raise ArgumentError(f"x must hold finite real numbers, but was {short(x)}")
    samples, steps = shown.shape[:2]
    check_memory(
        32.0 * samples * steps * (network.hidden + network.inputs),
        f"the states of {samples} sequences of {steps} steps",
        "record fewer at a time",
    )
    return jnp.asarray(shown, jnp.float32)


def _plain_cell(inputs: int, hidden: int, key: Array) -> RNNCell:
    """Return an untrained plain cell, its weights uniform."""
    limit = hidden**-0.5
    shapes = ((hidden, inputs), (hidden, hidden), (hidden,))
    draws = zip(jax.random.split(key, 3), shapes, strict=True)
    return RNNCell(
        *(jax.random.uniform(k, shape, minval=-limit, maxval=limit) for k, shape in draws)
    )


def _started(cell: Any, start: str, hidden: int, key: Array) -> Any:
    """Return the cell with those weights replaced that `start` names."""
    if start == "uniform":
        return cell
    if start == "forget":
        # GRU and LSTM alike have here the gate that keeps the old state when it is open
        return eqx.tree_at(lambda c: c.bias, cell, cell.bias.at[hidden : 2 * hidden].set(1.0))
    parts = len(cell.weight_hh) // hidden
    if start == "orthogonal":
        blocks = jax.random.orthogonal(key, hidden, (parts,)).reshape(-1, hidden)
        return eqx.tree_at(lambda c: c.weight_hh, cell, blocks)
    identities = jnp.tile(jnp.eye(hidden), (parts, 1))
    return eqx.tree_at(
        lambda c: (c.weight_hh, c.bias), cell, (identities, jnp.zeros_like(cell.bias))
    )


def _advance(network: TrainedNetwork, x: Array, state: State) -> State:
    h, c = state
    if isinstance(network.cell, eqx.nn.LSTMCell):
        return jax.vmap(network.cell)(x, (h, c))
    return jax.vmap(network.cell)(x, h), c


def _at_rest(network: TrainedNetwork, samples: int) -> State:
    cells = network.hidden if network.kind == "lstm" else 0
    return jnp.zeros((samples, network.hidden)), jnp.zeros((samples, cells))
