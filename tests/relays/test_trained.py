"""Trained networks: the cells' equations, knockouts by hand, seeds, and tasks that are learnt."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("jax", reason="trained networks need jax, equinox and optax")

import equinox as eqx
import jax
import oracles

from flux.relays import tasks, trained

KINDS = ("rnn", "gru", "lstm")
kinds = pytest.mark.parametrize("kind", KINDS)


def make_rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def make_task(samples: int = 12, delay: int = 6) -> tasks.Sequences:
    return tasks.memory_task(samples, rng=make_rng(), delay=delay)


def small(kind: str, seed: int = 1, hidden: int = 5) -> trained.TrainedNetwork:
    return trained.make_network(kind, make_task(), rng=make_rng(seed), hidden=hidden)


def weights_of(network: trained.TrainedNetwork) -> dict[str, Any]:
    names = ("weight_ih", "weight_hh", "bias", "bias_n")
    return {
        name: np.asarray(getattr(network.cell, name), float)
        for name in names
        if getattr(network.cell, name, None) is not None
    }


def resumed(kind: str, network: trained.TrainedNetwork, h: Any, c: Any, x: Any) -> tuple[Any, Any]:
    """Return the states that follow h and c, sample by sample, from the cells' equations."""
    runs = [
        oracles.recurrent_states(kind, weights_of(network), sequence, state, cell)
        for state, cell, sequence in zip(h, c, x, strict=True)
    ]
    return tuple(np.array(part) for part in zip(*runs, strict=True))


def at_rest(samples: int, hidden: int = 5) -> Any:
    return np.zeros((samples, hidden))


def started(kind: str, start: str, seed: int = 1) -> trained.TrainedNetwork:
    rng = make_rng(seed)
    return trained.make_network(kind, make_task(), rng=rng, hidden=5, start=start)


@kinds
def test_starts_replace_the_recurrent_weights_alone(kind: str) -> None:
    usual = weights_of(started(kind, "uniform"))
    parts = {"rnn": 1, "gru": 3, "lstm": 4}[kind]
    limit = 5**-0.5
    assert all(np.abs(weights).max() <= limit for weights in usual.values())

    same = weights_of(started(kind, "identity"))
    assert np.array_equal(same["weight_hh"], np.tile(np.eye(5), (parts, 1)))
    assert not same["bias"].any()
    assert np.array_equal(same["weight_ih"], usual["weight_ih"])

    turned = weights_of(started(kind, "orthogonal"))
    blocks = turned.pop("weight_hh").reshape(parts, 5, 5)
    for block in blocks:
        np.testing.assert_allclose(block @ block.T, np.eye(5), atol=1e-6)
    assert len({block[0, 0] for block in blocks}) == parts
    assert all(np.array_equal(weights, usual[name]) for name, weights in turned.items())
    other = weights_of(started(kind, "orthogonal", seed=2))
    assert not np.array_equal(other["weight_hh"].reshape(parts, 5, 5)[0], blocks[0])


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_forget_opens_the_gate_that_keeps(kind: str) -> None:
    usual, open_gate = (weights_of(started(kind, start)) for start in ("uniform", "forget"))
    changed = usual["bias"] != open_gate["bias"]
    assert np.flatnonzero(changed).tolist() == [5, 6, 7, 8, 9]
    assert np.all(open_gate["bias"][changed] == 1)
    assert np.array_equal(usual["weight_hh"], open_gate["weight_hh"])

    # without inputs and with a larger bias still, the old state stays
    network = started(kind, "forget")
    wide = network.cell.bias.at[5:10].set(20.0)
    network = eqx.tree_at(lambda net: net.cell.bias, network, wide)
    kept = trained.record(network, make_task().x)
    kept_state = kept.c if kind == "lstm" else kept.h
    if kind == "gru":
        assert np.abs(kept_state).max() < 1e-6
    else:  # the cell adds what comes in and loses nothing
        shut = network.cell.bias.at[:5].set(-20.0)
        network = eqx.tree_at(lambda net: net.cell.bias, network, shut)
        assert np.abs(trained.record(network, make_task().x).c).max() < 1e-6


@kinds
def test_record_follows_the_equations(kind: str) -> None:
    task, network = make_task(), small(kind)
    found = trained.record(network, task.x)
    h, c = resumed(kind, network, at_rest(12), at_rest(12), task.x)
    np.testing.assert_allclose(found.h, h, atol=1e-6)
    assert found.h.shape == (12, 7, 5)
    assert found.c.shape == (12, 7, 5 if kind == "lstm" else 0)
    if kind == "lstm":
        np.testing.assert_allclose(found.c, c, atol=1e-6)
    readout = network.readout
    logits = h @ np.asarray(readout.weight, float).T + np.asarray(readout.bias)
    assert found.logits.shape == (12, 7, 2, 2)
    np.testing.assert_allclose(found.logits.reshape(12, 7, 4), logits, atol=1e-6)


def replaced(values: Any, mode: str, rng: np.random.Generator) -> Any:
    others = rng.permutation(len(values))
    if mode == "shuffle":
        return values[others]
    return np.broadcast_to(values.mean(0) if mode == "mean" else 0.0, values.shape)


@kinds
@pytest.mark.parametrize("mode", ["shuffle", "zero", "mean"])
@pytest.mark.parametrize("state", ["hc", "h"])
def test_knockout_by_hand(kind: str, mode: str, state: str) -> None:
    """Overwrite the recorded states, and let the equations go on from there."""
    task, network, nodes, time = make_task(), small(kind), [1, 4], 2
    plain = trained.record(network, task.x)
    found = trained.knockout(network, task.x, nodes, time, rng=make_rng(7), mode=mode, state=state)
    h = plain.h[:, time].astype(float)
    h[:, nodes] = replaced(h[:, nodes], mode, make_rng(7))
    c = plain.c[:, time].astype(float) if kind == "lstm" else at_rest(12)
    if state == "hc":
        c[:, nodes] = replaced(c[:, nodes], mode, make_rng(7))
    later_h, later_c = resumed(kind, network, h, c, task.x[:, time + 1 :])

    assert np.array_equal(found.h[:, :time], plain.h[:, :time])
    np.testing.assert_allclose(found.h[:, time], h, atol=1e-6)
    np.testing.assert_allclose(found.h[:, time + 1 :], later_h, atol=1e-6)
    if kind == "lstm":
        np.testing.assert_allclose(found.c[:, time], c, atol=1e-6)
        np.testing.assert_allclose(found.c[:, time + 1 :], later_c, atol=1e-6)
    weight, bias = np.asarray(network.readout.weight), np.asarray(network.readout.bias)
    answers = (found.h @ weight.T + bias).reshape(found.logits.shape)
    np.testing.assert_allclose(found.logits, answers, atol=1e-5)
    assert not np.allclose(found.h[:, time:], plain.h[:, time:], atol=1e-3)


@kinds
def test_knockout_of_no_node_changes_nothing(kind: str) -> None:
    task, network = make_task(), small(kind)
    plain = trained.record(network, task.x)
    for mode in ("shuffle", "zero", "mean"):
        found = trained.knockout(network, task.x, [], 3, rng=make_rng(), mode=mode)
        for before, after in zip(plain, found, strict=True):
            np.testing.assert_allclose(after, before, atol=1e-6)


@kinds
def test_shuffle_of_all_nodes_hands_over_whole_states(kind: str) -> None:
    """At the last step, every sample then gives the answer of another one."""
    task, network = make_task(), small(kind)
    plain = trained.record(network, task.x)
    found = trained.knockout(network, task.x, np.arange(5), 6, rng=make_rng(3))
    others = make_rng(3).permutation(12)
    np.testing.assert_allclose(found.logits[:, 6], plain.logits[others, 6], atol=1e-6)


@kinds
def test_tiny_task_is_learnt_and_seeds_repeat(kind: str) -> None:
    task = tasks.memory_task(1024, rng=make_rng(), bits=1, delay=4)
    test = tasks.memory_task(1024, rng=make_rng(2), bits=1, delay=4)
    runs = []
    for seed in (1, 1, 2):
        rng = make_rng(seed)
        network = trained.make_network(kind, task, rng=rng, hidden=8)
        runs.append(
            trained.train(network, task, rng=rng, updates=300, batch=64, rate=0.01, progress=False)
        )
    first, again, other = runs
    assert first.losses.shape == (300,)
    assert np.array_equal(first.losses, again.losses)
    assert not np.array_equal(first.losses, other.losses)
    same = jax.tree.map(np.array_equal, first.network, again.network)
    assert all(jax.tree.leaves(same))
    decided = trained.decisions(trained.record(first.network, test.x))
    assert trained.balanced_accuracy(test.y[:, 0], decided[:, 0]) > 0.99


def test_balanced_accuracy_counts_classes_alike() -> None:
    y = np.array([0, 0, 0, 0, 1, 1, 2])
    decided = np.array([0, 0, 0, 1, 1, 0, 2])
    assert trained.balanced_accuracy(y, decided) == pytest.approx((3 / 4 + 1 / 2 + 1) / 3)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_balanced_accuracy_is_that_of_scikit_learn(classes: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    for seed in range(20):
        y, decided = make_rng(seed).integers(0, classes, (2, 30))
        wanted = metrics.balanced_accuracy_score(y, decided)
        assert trained.balanced_accuracy(y, decided) == wanted


def test_decisions_take_the_largest_logit() -> None:
    logits = np.zeros((2, 3, 1, 4), np.float32)
    logits[0, 1, 0, 2] = logits[1, 2, 0, 3] = logits[0, 2, 0, 1] = 1
    recording = trained.Recording(np.zeros((2, 3, 5)), np.zeros((2, 3, 0)), logits)
    assert trained.decisions(recording).tolist() == [[1], [3]]
    assert trained.decisions(recording, [2, 3]).tolist() == [[2], [3]]
    for bad in ([0, 1], [1, 4], [1], [1.0, 2.0]):
        with pytest.raises(ValueError, match=r"^lengths must"):
            trained.decisions(recording, bad)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("kind", value) for value in ("RNN", None, "transformer")],
        *[("hidden", value) for value in (0, 1.0)],
        *[("start", value) for value in ("zero", None)],
        *[("rng", value) for value in (1, None)],
    ],
)
def test_make_network_refuses(name: str, value: Any) -> None:
    arguments: dict[str, Any] = {"kind": "gru", "task": make_task(), "rng": make_rng(), name: value}
    with pytest.raises(ValueError, match=f"^{name} must"):
        trained.make_network(**arguments)


def test_plain_cells_have_no_gate_to_open() -> None:
    with pytest.raises(ValueError, match=r"^start must"):
        started("rnn", "forget")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task", make_task()._replace(classes=3)),
        ("task", make_task()._replace(y=make_task().y[:, :1])),
        ("task", make_task()._replace(y=make_task().y + 1)),
        ("task", make_task()._replace(lengths=make_task().lengths + 1)),
        ("task", make_task()._replace(lengths=make_task().lengths[1:])),
        ("task", make_task()._replace(lengths=0 * make_task().lengths)),
        ("x", make_task()._replace(x=make_task().x[..., :1])),
        *[("updates", value) for value in (0, None)],
        *[("batch", value) for value in (0, 1.5)],
        *[("rate", value) for value in (-1, np.nan)],
        ("rng", 1),
    ],
)
def test_train_refuses(name: str, value: Any) -> None:
    arguments: dict[str, Any] = {"network": small("gru"), "task": make_task(), "rng": make_rng()}
    arguments["task" if name == "x" else name] = value
    with pytest.raises(ValueError, match=f"^{name} must"):
        trained.train(**arguments)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("x", value) for value in (np.zeros((3, 4)), np.zeros((3, 4, 1)), np.zeros((0, 4, 2)))],
        ("x", np.full((3, 4, 2), np.nan)),
        ("x", np.full((3, 4, 2), "a")),
        *[("nodes", value) for value in (5, -1, [0.5], [True])],
        *[("time", value) for value in (-1, 7, 1.0)],
        *[("mode", value) for value in ("swap", None)],
        *[("state", value) for value in ("c", None)],
        ("rng", 1),
    ],
)
def test_knockout_refuses(name: str, value: Any) -> None:
    arguments: dict[str, Any] = {
        "network": small("lstm"),
        "x": make_task().x,
        "nodes": [0],
        "time": 1,
        "rng": make_rng(),
        name: value,
    }
    with pytest.raises(ValueError, match=f"^{name} must"):
        trained.knockout(**arguments)


@pytest.mark.parametrize(("y", "decided"), [([], []), ([0, 1], [0]), ([[0]], [[0]])])
def test_balanced_accuracy_refuses(y: Any, decided: Any) -> None:
    with pytest.raises(ValueError, match=r"^y must"):
        trained.balanced_accuracy(y, decided)
