"""Credits of nodes: finite differences of the cells' equations, and that they add up."""

import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("jax", reason="trained networks need jax, equinox and optax")

import equinox as eqx
import oracles

from flux.relays import tasks, trained
from flux.relays.attribution import attributions

TASK = tasks.memory_task(8, rng=np.random.default_rng(1), delay=5)
TIME, QUESTION = 2, 1

kinds = pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])


def small(kind: str, task: tasks.Sequences = TASK) -> trained.TrainedNetwork:
    """Return an untrained network, its weights doubled so that its slopes are not all alike."""
    network = trained.make_network(kind, task, rng=np.random.default_rng(1), hidden=5)
    return stronger(network, 2)


def stronger(network: trained.TrainedNetwork, factor: float) -> trained.TrainedNetwork:
    def weights(one: Any) -> tuple[Any, Any]:
        return one.cell.weight_ih, one.cell.weight_hh

    return eqx.tree_at(weights, network, tuple(factor * w for w in weights(network)))


def log_odds(network: Any, x: Any, h: Any, c: Any, question: int, answer: int) -> Any:
    """Return the log odds of an answer from states at TIME, in float64, by the cells' equations."""
    names = ("weight_ih", "weight_hh", "bias", "bias_n")
    cell = {
        name: np.asarray(value, float)
        for name in names
        if (value := getattr(network.cell, name, None)) is not None
    }
    last = np.array(
        [
            oracles.recurrent_states(network.kind, cell, sequence[TIME + 1 :], *state)[0][-1]
            for sequence, *state in zip(x, h, c, strict=True)
        ]
    )
    readout = network.readout
    logits = last @ np.asarray(readout.weight, float).T + np.asarray(readout.bias, float)
    logits = logits.reshape(-1, network.questions, network.classes)[:, question]
    others = np.delete(logits, answer, axis=1)
    return logits[:, answer] - np.log(np.exp(others).sum(1))


def states(network: Any, x: Any) -> tuple[Any, Any]:
    found = trained.record(network, x)
    c = found.c if network.kind == "lstm" else 0 * found.h
    return found.h[:, TIME].astype(float), c[:, TIME].astype(float)


def slopes(network: Any, x: Any, h: Any, c: Any, question: int, answer: int) -> tuple[Any, Any]:
    """Return the slopes by h and by c, by central differences."""
    found = []
    for part in range(2):
        slope = np.empty_like(h)
        for node in range(h.shape[1]):
            step = np.zeros((2, *h.shape))
            step[part, :, node] = 1e-5
            ends = [
                log_odds(network, x, h + sign * step[0], c + sign * step[1], question, answer)
                for sign in (1, -1)
            ]
            slope[:, node] = (ends[0] - ends[1]) / 2e-5
        found.append(slope)
    return found[0], found[1]


@kinds
@pytest.mark.parametrize("answer", [0, 1])
def test_gradient_is_that_of_finite_differences(kind: str, answer: int) -> None:
    network = small(kind)
    h, c = states(network, TASK.x)
    by_h, by_c = slopes(network, TASK.x, h, c, QUESTION, answer)
    found = attributions(network, TASK.x, TIME, question=QUESTION, answer=answer)
    np.testing.assert_allclose(found.gradient_activation, h * by_h + c * by_c, atol=2e-6)


@kinds
def test_integrated_gradients_are_the_mean_slope_on_the_way(kind: str) -> None:
    network = small(kind)
    h, c = states(network, TASK.x)
    way = h - h.mean(0), c - c.mean(0)
    wanted = np.zeros_like(h)
    shares = (np.arange(60) + 0.5) / 60
    for share in shares:
        at = (h.mean(0) + share * way[0], c.mean(0) + share * way[1])
        by_h, by_c = slopes(network, TASK.x, *at, QUESTION, 1)
        wanted += (way[0] * by_h + way[1] * by_c) / len(shares)
    found = attributions(network, TASK.x, TIME, question=QUESTION)
    np.testing.assert_allclose(found.integrated_gradients, wanted, atol=1e-4)


@kinds
def test_integrated_gradients_add_up(kind: str) -> None:
    """To what all nodes at their means take from the log odds, which a knockout knows too."""
    network = small(kind)
    found = attributions(network, TASK.x, TIME, question=QUESTION)
    every = np.arange(5)
    plain = trained.record(network, TASK.x)
    struck = trained.knockout(
        network, TASK.x, every, TIME, rng=np.random.default_rng(1), mode="mean"
    )
    odds = [run.logits[:, -1, QUESTION, 1] - run.logits[:, -1, QUESTION, 0]
            for run in (plain, struck)]  # fmt: skip
    np.testing.assert_allclose(found.integrated_gradients.sum(1), odds[0] - odds[1], atol=1e-5)
    np.testing.assert_allclose(found.gap, 0, atol=1e-5)
    assert np.abs(odds[0] - odds[1]).max() > 0.01


@kinds
def test_answer_of_many_is_against_all_others(kind: str) -> None:
    rng = np.random.default_rng(2)
    task = tasks.Sequences(TASK.x, rng.integers(0, 4, (8, 1)), TASK.lengths, 4)
    network = small(kind, task)
    h, c = states(network, task.x)
    found = attributions(network, task.x, TIME, answer=3)
    by_h, by_c = slopes(network, task.x, h, c, 0, 3)
    np.testing.assert_allclose(found.gradient_activation, h * by_h + c * by_c, atol=2e-6)
    rest = np.broadcast_to(h.mean(0), h.shape), np.broadcast_to(c.mean(0), c.shape)
    lost = log_odds(network, task.x, h, c, 0, 3) - log_odds(network, task.x, *rest, 0, 3)
    np.testing.assert_allclose(found.integrated_gradients.sum(1), lost, atol=1e-5)


@kinds
def test_two_answers_are_opposite(kind: str) -> None:
    network = small(kind)
    yes, no = (attributions(network, TASK.x, TIME, answer=answer) for answer in (1, 0))
    for one, other in zip(yes, no, strict=True):
        np.testing.assert_allclose(one, -other, atol=1e-5)


@kinds
def test_last_step_is_the_readout(kind: str) -> None:
    """There the log odds of two classes are linear in h, and nothing depends on c."""
    network = small(kind)
    found = attributions(network, TASK.x, 5, question=QUESTION)
    weight = np.asarray(network.readout.weight).reshape(2, 2, 5)[QUESTION]
    h = trained.record(network, TASK.x).h[:, 5]
    slope = weight[1] - weight[0]
    np.testing.assert_allclose(found.gradient_activation, h * slope, atol=1e-6)
    np.testing.assert_allclose(found.integrated_gradients, (h - h.mean(0)) * slope, atol=1e-6)


def test_too_few_points_are_told() -> None:
    network = stronger(small("gru"), 4)
    with pytest.warns(UserWarning, match=r"^integrated gradients with 1 points miss"):
        attributions(network, TASK.x, TIME, points=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        attributions(network, TASK.x, TIME, points=1000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("x", value) for value in (np.zeros((3, 4)), np.full((3, 4, 2), np.nan))],
        *[("time", value) for value in (-1, 6, 1.0)],
        *[("question", value) for value in (-1, 2)],
        *[("answer", value) for value in (-1, 2, None)],
        *[("points", value) for value in (0, 1001)],
        ("network", small("gru", TASK._replace(y=0 * TASK.y, classes=1))),
    ],
)
def test_attributions_refuse(name: str, value: Any) -> None:
    arguments: dict[str, Any] = {"network": small("gru"), "x": TASK.x, "time": 1, name: value}
    with pytest.raises(ValueError, match=f"^{name} must"):
        attributions(**arguments)
