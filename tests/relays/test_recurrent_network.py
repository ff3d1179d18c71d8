"""Cells: where they start, what they learn from, and torch's, which do and relay the same."""

from typing import Any

import numpy as np
import pytest

import flux
from flux.relays import tasks

trained = pytest.importorskip("flux.relays.trained", reason="needs jax, equinox and optax")


def make_rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_training_reads_the_answer_at_each_sequence_s_own_end() -> None:
    """The label is what is shown at the last step, which differs, so no fixed step tells it."""
    rng = make_rng()
    x = rng.choice(np.float32([-1, 1]), (1024, 6, 1))
    lengths = rng.integers(1, 7, 1024)
    y = (x[np.arange(1024), lengths - 1] > 0).astype(int)
    task = tasks.Sequences(x, y, lengths, 2)
    network = trained.make_network("rnn", task, rng=rng, hidden=8)
    done = trained.train(network, task, rng=rng, updates=300, rate=0.01, progress=False)
    recording = trained.record(done.network, x)
    assert (trained.decisions(recording, lengths) == y).mean() > 0.99
    assert (trained.decisions(recording) == y).mean() < 0.8


def test_identity_start() -> None:
    network = trained.make_network(
        "rnn", tasks.memory_task(12, rng=make_rng()), rng=make_rng(), hidden=6, start="identity"
    )
    assert np.array_equal(network.cell.weight_hh, np.eye(6))
    assert not np.asarray(network.cell.bias).any()
    uniform = trained.make_network(
        "rnn", tasks.memory_task(12, rng=make_rng()), rng=make_rng(), hidden=400
    )
    weights = np.asarray(uniform.cell.weight_hh)
    assert np.abs(weights).max() <= 1 / 20
    assert abs(weights.std() * np.sqrt(3) * 20 - 1) < 0.01


def in_torch(network: Any, torch: Any) -> Any:
    """Return the torch layer with a network's weights; both order the gates alike."""
    cell = network.cell
    layer = getattr(torch.nn, network.kind.upper())(
        network.inputs, network.hidden, batch_first=True
    )
    recurrent_bias = np.zeros(cell.bias.shape)
    if network.kind == "gru":
        # torch has two biases in each gate, of which only this one makes a difference
        recurrent_bias[2 * network.hidden :] = cell.bias_n
    weights = (cell.weight_ih, cell.weight_hh, cell.bias, recurrent_bias)
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    layer.load_state_dict(
        {name: torch.tensor(np.array(v)) for name, v in zip(names, weights, strict=True)}
    )
    return layer


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_torch_gives_the_same_relays(kind: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is no requirement")
    rng = make_rng()
    task = tasks.memory_task(1024, rng=rng, bits=1, delay=4)
    network = trained.make_network(kind, task, rng=rng, hidden=8)
    done = trained.train(network, task, rng=rng, updates=300, rate=0.01, progress=False)
    recording = trained.record(done.network, task.x)
    answers = trained.decisions(recording)[:, 0]
    assert np.mean(answers == task.y[:, 0]) > 0.99

    with torch.no_grad():
        states, _ = in_torch(done.network, torch)(torch.tensor(task.x))
    np.testing.assert_allclose(states.numpy(), recording.h, atol=1e-5)
    found = [
        flux.relay_over_time(task.y[:, 0], answers, flux.coarse_grain(h), rng=make_rng(2))
        for h in (recording.h, states.numpy())
    ]
    # a state at the edge between low and high may fall to either side
    np.testing.assert_allclose(found[1].scores, found[0].scores, atol=0.02)
    assert found[0].scores.max() > 0.5
