"""Hidden states recorded from torch go through the same functions, with the same results."""

from typing import Any

import numpy as np
import pytest

import flux
from flux.relays import tasks

torch = pytest.importorskip(
    "torch", reason="torch is no requirement: pip install torch to run this"
)
trained = pytest.importorskip("flux.relays.trained", reason="needs jax, equinox and optax")

LAYERS = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}


def in_torch(network: Any) -> Any:
    """Return the torch layer with a network's weights; both order the gates alike."""
    cell = network.cell
    layer = LAYERS[network.kind](network.inputs, network.hidden, batch_first=True)
    recurrent_bias = np.zeros(cell.bias.shape)
    if network.kind == "gru":
        # torch has two biases in each gate, of which only this one makes a difference
        recurrent_bias[2 * network.hidden :] = cell.bias_n
    found = (cell.weight_ih, cell.weight_hh, cell.bias, recurrent_bias)
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    layer.load_state_dict(
        {name: torch.tensor(np.array(v)) for name, v in zip(names, found, strict=True)}
    )
    return layer


@pytest.mark.parametrize("kind", LAYERS)
def test_torch_gives_the_same_relays(kind: str) -> None:
    rng = np.random.default_rng(1)
    task = tasks.memory_task(1024, rng=rng, bits=1, delay=4)
    network = trained.make_network(kind, task, rng=rng, hidden=8)
    done = trained.train(network, task, rng=rng, updates=300, rate=0.01, progress=False)
    recording = trained.record(done.network, task.x)
    answers = trained.decisions(recording)[:, 0]
    assert np.mean(answers == task.y[:, 0]) > 0.99

    with torch.no_grad():
        states, _ = in_torch(done.network)(torch.tensor(task.x))
    np.testing.assert_allclose(states.numpy(), recording.h, atol=1e-5)
    found = [
        flux.relay_over_time(
            task.y[:, 0], answers, flux.coarse_grain(h), rng=np.random.default_rng(2)
        )
        for h in (recording.h, states.numpy())
    ]
    # a state at the edge between low and high may fall to either side
    np.testing.assert_allclose(found[1].scores, found[0].scores, atol=0.02)
    assert found[0].scores.max() > 0.5
