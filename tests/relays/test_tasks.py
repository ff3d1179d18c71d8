"""Sequences to classify: what they show, how they are cut and labelled, and what is refused."""

from typing import Any

import numpy as np
import pytest

from flux.relays.tasks import block_task, concepts, digit_rows, memory_task


def make_rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_memory_shows_the_answers_once() -> None:
    task = memory_task(2000, rng=make_rng(), bits=3, delay=7, noise=0.0)
    assert task.x.shape == (2000, 8, 3)
    assert task.x.dtype == np.float32
    assert np.array_equal(task.x[:, 0], 2 * task.y - 1)
    assert not task.x[:, 1:].any()
    assert np.all(task.lengths == 8)
    assert task.classes == 2
    # coins are fair and independent, to 5 standard errors
    spins = 2 * task.y - 1
    assert np.abs(spins.T @ spins / 2000 - np.eye(3)).max() < 5 / np.sqrt(2000)
    assert np.abs(spins.mean(0)).max() < 5 / np.sqrt(2000)


def test_memory_noise_is_normal_at_every_step() -> None:
    quiet = memory_task(2000, rng=make_rng(), delay=3, noise=0.0)
    noisy = memory_task(2000, rng=make_rng(), delay=3, noise=0.5)
    noise = noisy.x - quiet.x
    assert np.abs(noise.std((0, 2)) - 0.5).max() < 5 * 0.5 / np.sqrt(2 * 4000)


@pytest.mark.parametrize(("draw", "before"), [(memory_task, 1), (block_task, 16)])
def test_delays_are_drawn(draw: Any, before: int) -> None:
    task = draw(4000, rng=make_rng(), delay=5, shortest=2)
    values, counts = np.unique(task.lengths, return_counts=True)
    assert (values - before).tolist() == [2, 3, 4, 5]
    assert np.abs(counts / 4000 - 1 / 4).max() < 5 * np.sqrt(3 / 16 / 4000)
    for sequence, length in zip(task.x, task.lengths, strict=True):
        assert np.all(sequence[:length] != 0)
        assert not sequence[length:].any()


def test_block_is_where_it_should_be() -> None:
    """Follow each block by its own definition: cells start .. start + size - 1, shifted."""
    task = block_task(300, rng=make_rng(), ring=9, sensors=4, sizes=(2, 3), delay=2, noise=0.0)
    assert task.x.shape == (300, 11, 4)
    for x, (size, direction) in zip(task.x, task.y, strict=True):
        shift = 1 if direction == 1 else -1
        possible = [
            [
                [float((cell - start - shift * t) % 9 < (2, 3)[size]) for cell in range(4)]
                for t in range(9)
            ]
            for start in range(9)
        ]
        assert x[:9].tolist() in possible
        assert not x[9:].any()


def test_every_block_passes_every_sensor_and_takes_its_size() -> None:
    task = block_task(500, rng=make_rng(), sizes=(1, 2, 5), delay=0, noise=0.0)
    size = np.array([1, 2, 5])[task.y[:, 0]]
    assert np.array_equal(task.x.sum(1), np.repeat(size[:, None], 4, axis=1))
    assert task.classes == 3
    assert set(task.y[:, 1]) == {0, 1}


def test_one_step_does_not_tell_the_direction() -> None:
    task = block_task(40_000, rng=make_rng(), delay=0, noise=0.0)
    right = task.y[:, 1] == 1
    for t in (0, 7, 15):
        seen = task.x[:, t]
        assert np.abs(seen[right].mean(0) - seen[~right].mean(0)).max() < 5 / np.sqrt(40_000)


def test_digits_are_pictures_in_rows() -> None:
    pytest.importorskip("sklearn", reason="digit_rows reads scikit-learn's digits")
    from sklearn.datasets import load_digits

    task = digit_rows(delay=3)
    digits = load_digits()
    assert task.x.shape == (1797, 11, 8)
    assert np.array_equal(task.x[:, :8], (digits.images / 16).astype(np.float32))
    assert not task.x[:, 8:].any()
    assert np.array_equal(task.y[:, 0], digits.target)
    assert np.all(task.lengths == 11)


def test_concepts_of_two_and_of_more_classes() -> None:
    y = make_rng().integers(0, 2, (20, 3))
    assert np.array_equal(concepts(y, 2), y)
    two_questions = concepts([[0, 2], [1, 1]], 3)
    assert two_questions.tolist() == [[1, 0, 0, 0, 0, 1], [0, 1, 0, 0, 1, 0]]


def test_seeds() -> None:
    for task in (memory_task, block_task):
        first, again, other = (task(20, rng=make_rng(seed)) for seed in (1, 1, 2))
        assert np.array_equal(first.x, again.x)
        assert np.array_equal(first.y, again.y)
        assert not np.array_equal(first.x, other.x)


@pytest.mark.parametrize(
    ("task", "name", "value"),
    [
        *[(memory_task, "samples", value) for value in (0, 1.5, None)],
        *[(memory_task, "bits", value) for value in (0, "2")],
        *[(memory_task, "delay", value) for value in (-1, 2.0)],
        *[(memory_task, "shortest", value) for value in (-1, 21)],
        *[(memory_task, "noise", value) for value in (-0.1, np.nan)],
        *[(memory_task, "rng", value) for value in (1, None)],
        *[(block_task, "samples", value) for value in (0, None)],
        *[(block_task, "ring", value) for value in (1, 3, 2.5)],
        *[(block_task, "sensors", value) for value in (0, 17)],
        *[(block_task, "sizes", value) for value in ((), (2,), (0, 2), (2, 16))],
        *[(block_task, "delay", value) for value in (-1,)],
        *[(block_task, "shortest", value) for value in (-1, 11)],
        *[(block_task, "noise", value) for value in (-1, np.inf)],
        *[(block_task, "rng", value) for value in (1, None)],
    ],
)
def test_tasks_refuse(task: Any, name: str, value: Any) -> None:
    arguments = {"samples": 5, "rng": make_rng(), name: value}
    # a ring of 3 cells is too small for its 4 sensors
    with pytest.raises(ValueError, match="sensors must" if value == 3 else f"^{name} must"):
        task(**arguments)


@pytest.mark.parametrize("y", [[0, 1], [[0.5]], [[3]], [[-1]], [["a"]]])
def test_concepts_refuses(y: Any) -> None:
    with pytest.raises(ValueError, match=r"^y must"):
        concepts(y, 3)
