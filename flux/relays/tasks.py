"""Sequences to classify: two made up for memory and motion, four read from real recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import as_array, check_count, check_real, check_rng
from flux._base.errors import ArgumentError
from flux._base.installed import needs
from flux._base.memory import check_memory
from flux._base.types import Codes
from flux.relays._sequences import Sequences, as_sequences, check_size, take
from flux.relays._series_files import basic_motions, italy_power_demand, japanese_vowels

__all__ = [
    "Sequences",
    "basic_motions",
    "block_task",
    "concepts",
    "digit_rows",
    "italy_power_demand",
    "japanese_vowels",
    "memory_task",
    "take",
]


def memory_task(
    samples: int,
    *,
    rng: np.random.Generator,
    bits: int = 2,
    delay: int = 20,
    shortest: int | None = None,
    noise: float = 0.2,
) -> Sequences:
    """Draw cues to remember: `bits` coins are shown once and asked for after a delay.

    Step 0 shows each coin as -1 or +1 on an input of its own. All inputs carry normal noise, at
    every step. Each coin is a question with the answers 0 and 1.

    Parameters
    ----------
    samples : int
        Number of sequences.
    rng : numpy.random.Generator
        Source of randomness.
    bits : int
        Number of coins, which is that of inputs and of questions.
    delay : int
        Steps between the cue and the answer.
    shortest : int, optional
        Draw the delay of each sequence anew, uniform from `shortest` to `delay`; by default all
        have the same.
    noise : float
        Standard deviation of the noise.

    Returns
    -------
    Sequences
        (x, y, lengths, classes) with 1 + `delay` steps.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Examples
    --------
    >>> task = memory_task(4, rng=np.random.default_rng(1), delay=3, noise=0.0)
    >>> task.x.shape, task.y.shape
    ((4, 4, 2), (4, 2))
    >>> bool(np.all((task.x[:, 0] > 0) == task.y)), float(np.abs(task.x[:, 1:]).max())
    (True, 0.0)
    """
    samples = check_count("samples", samples, 1)
    check_rng(rng)
    bits = check_count("bits", bits, 1)
    delay = check_count("delay", delay, 0)
    least = delay if shortest is None else check_count("shortest", shortest, 0, delay)
    noise = check_real("noise", noise, 0.0)
    check_size(samples, 1 + delay, bits, "lower samples, delay or bits")
    y = rng.integers(0, 2, (samples, bits))
    x = noise * rng.standard_normal((samples, 1 + delay, bits))
    x[:, 0] += 2 * y - 1
    lengths = 1 + rng.integers(least, delay, samples, endpoint=True)
    return as_sequences(x, y, lengths, 2)


def block_task(
    samples: int,
    *,
    rng: np.random.Generator,
    ring: int = 16,
    sensors: int = 4,
    sizes: tuple[int, ...] = (2, 4),
    delay: int = 10,
    shortest: int | None = None,
    noise: float = 0.2,
) -> Sequences:
    """Draw blocks that move round a ring of cells, of which a few neighbours are watched.

    A block of one of the `sizes` starts anywhere and moves by one cell a step, to the left or to
    the right, through one full revolution. A sensor gives 1 while the block covers it, else 0.
    Then the block is gone for `delay` steps. All sensors carry normal noise, at every step.
    Question 0 is the size (its place in `sizes`), question 1 the direction (1: right).

    Parameters
    ----------
    samples : int
        Number of sequences.
    rng : numpy.random.Generator
        Source of randomness.
    ring : int
        Cells on the ring, and steps of the revolution.
    sensors : int
        Cells that are watched, next to one another: the inputs.
    sizes : tuple of int
        Sizes of blocks, two or more of them.
    delay : int
        Steps between the revolution and the answer.
    shortest : int, optional
        Draw the delay of each sequence anew, uniform from `shortest` to `delay`; by default all
        have the same.
    noise : float
        Standard deviation of the noise.

    Returns
    -------
    Sequences
        (x, y, lengths, classes) with `ring` + `delay` steps.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    Hintze, Najam & Schossau (2025), arXiv:2510.01271, for a task of this kind.

    Examples
    --------
    >>> task = block_task(1, rng=np.random.default_rng(1), ring=6, delay=0, noise=0.0)
    >>> task.y
    array([[0, 1]])
    >>> task.x[0].T.astype(int)
    array([[0, 1, 1, 0, 0, 0],
           [0, 0, 1, 1, 0, 0],
           [0, 0, 0, 1, 1, 0],
           [0, 0, 0, 0, 1, 1]])
    """
    samples = check_count("samples", samples, 1)
    check_rng(rng)
    ring = check_count("ring", ring, 2)
    sensors = check_count("sensors", sensors, 1, ring)
    block_sizes = as_array("sizes", sizes, "iu")
    if block_sizes.ndim != 1 or len(block_sizes) < 2:
        raise ArgumentError(f"sizes must hold two sizes or more, but had shape {block_sizes.shape}")
    for size in block_sizes:
        check_count("sizes", size, 1, ring - 1)
    delay = check_count("delay", delay, 0)
    least = delay if shortest is None else check_count("shortest", shortest, 0, delay)
    noise = check_real("noise", noise, 0.0)
    check_size(samples, ring + delay, sensors, "lower samples, ring, delay or sensors")
    y = np.stack([rng.integers(0, len(sizes), samples), rng.integers(0, 2, samples)], 1)
    start = rng.integers(0, ring, samples)
    position = start[:, None] + np.arange(ring) * (2 * y[:, 1:] - 1)
    distance = (np.arange(sensors) - position[..., None]) % ring
    covered = distance < block_sizes[y[:, 0], None, None]
    x = noise * rng.standard_normal((samples, ring + delay, sensors))
    x[:, :ring] += covered
    lengths = ring + rng.integers(least, delay, samples, endpoint=True)
    return as_sequences(x, y, lengths, len(sizes))


def digit_rows(*, delay: int = 0) -> Sequences:
    """Read scikit-learn's handwritten digits row by row, from the top.

    1797 pictures of 8 x 8 pixels; a step shows one row of pixels, scaled to lie from 0 to 1.

    Parameters
    ----------
    delay : int
        Empty steps after the last row.

    Returns
    -------
    Sequences
        (x, y, lengths, classes) with 8 + `delay` steps, 8 inputs and one question, which digit.

    Raises
    ------
    ValueError
        If `delay` is negative or too large.
    ImportError
        If scikit-learn is not installed.

    References
    ----------
    Alpaydin & Kaynak (1998), Optical recognition of handwritten digits, UCI Machine Learning
    Repository, doi 10.24432/C50P49.

    Examples
    --------
    >>> task = digit_rows()
    >>> task.x.shape, task.classes
    ((1797, 8, 8), 10)
    """
    with needs("trained"):
        from sklearn.datasets import load_digits

    delay = check_count("delay", delay, 0)
    pictures, labels = load_digits(return_X_y=True)
    check_size(len(labels), 8 + delay, 8, "lower delay")
    x = np.zeros((len(labels), 8 + delay, 8))
    x[:, :8] = pictures.reshape(-1, 8, 8) / 16
    return as_sequences(x, labels[:, None], np.full(len(labels), 8 + delay), 10)


def concepts(y: ArrayLike, classes: int) -> Codes:
    """Turn answers into yes-or-no concepts, for true labels and for decisions alike.

    With two classes each question is a concept already. With more, each answer to each question
    becomes one: is it this answer or another?

    Parameters
    ----------
    y : (samples, questions) array of int
        Labels or decisions, from 0 to `classes` - 1.
    classes : int
        Answers to choose from.

    Returns
    -------
    (samples, concepts) int64
        0 or 1; concepts = questions for two classes, else questions x classes.

    Raises
    ------
    ValueError
        If `y` has another number of axes, or holds other values.

    Examples
    --------
    >>> concepts([[2], [0]], 3)
    array([[0, 0, 1],
           [1, 0, 0]])
    """
    classes = check_count("classes", classes, 2)
    answers = as_array("y", y, "iu")
    if answers.ndim != 2:
        raise ArgumentError(f"y must have shape (samples, questions), but had {answers.shape}")
    if answers.size and not (answers.min() >= 0 and answers.max() < classes):
        raise ArgumentError(
            f"y must lie from 0 to {classes - 1}, but ranged from {answers.min()}"
            f" to {answers.max()}"
        )
    if classes == 2:
        return answers.astype(np.int64)
    check_memory(9.0 * answers.size * classes, "a concept for each class", "use fewer classes")
    one_hot = answers[..., None] == np.arange(classes)
    return one_hot.reshape(len(answers), -1).astype(np.int64)
