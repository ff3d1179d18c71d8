"""Histories of searches: every stage is rebuilt, from changes alone, and only what there was."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flux
from flux.search.history import History, find_step, join_steps


def join(matrices: list[np.ndarray]) -> History:
    """Return the history of a search whose best matrices were these."""
    steps, former = [], matrices[0]
    for k, W in enumerate(matrices):
        steps.append(find_step(float(k), W, former))
        former = W
    return join_steps(steps, matrices[0])


@given(st.integers(0, 2**32), st.integers(1, 30))
def test_every_stage_is_rebuilt(seed: int, n_steps: int) -> None:
    rng = np.random.default_rng(seed)
    matrices = [rng.normal(size=(3, 4))]
    for _ in range(n_steps):
        # some steps change nothing, some a few entries, entries also back to what they were
        W = matrices[-1].copy()
        chosen = rng.random(W.shape) < rng.choice([0.0, 0.2, 1.0])
        W[chosen] = rng.integers(-1, 2, chosen.sum())
        matrices.append(W if chosen.any() else matrices[-1])
    history = join(matrices)
    assert history.fitness.tolist() == list(range(n_steps + 1))
    for step, W in enumerate(matrices):
        assert np.array_equal(flux.replay(history, step), W)


def test_changes_are_written_by_hand() -> None:
    first = np.zeros(3)
    second = np.array([0.0, 5.0, 0.0])
    third = np.array([7.0, 6.0, 0.0])
    history = join([first, first, second, third])
    assert history.step.tolist() == [2, 3]
    assert history.start.tolist() == [0, 1, 3]
    assert history.entry.tolist() == [1, 0, 1]
    assert history.value.tolist() == [5.0, 7.0, 6.0]


def test_replay_gives_matrices_of_ones_own() -> None:
    history = join([np.zeros(2), np.ones(2)])
    flux.replay(history, 0)[:] = 9
    assert flux.replay(history, 0).tolist() == [0, 0]
    assert flux.replay(history, 1).tolist() == [1, 1]


@pytest.mark.parametrize("step", [-1, 2, 1.0, None])
def test_replay_refuses_steps(step: Any) -> None:
    with pytest.raises(ValueError, match=r"^step must"):
        flux.replay(join([np.zeros(2), np.ones(2)]), step)


def test_replay_refuses_what_is_no_history() -> None:
    with pytest.raises(ValueError, match=r"^history must be the history of a result of evolve"):
        flux.replay(np.zeros(2), 0)  # type: ignore[arg-type]
