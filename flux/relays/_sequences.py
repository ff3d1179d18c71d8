"""Sequences with labels, as every task hands them over."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flux._base.checks import as_array, check_type
from flux._base.errors import ArgumentError
from flux._base.memory import check_memory
from flux._base.types import Codes

Singles = NDArray[np.float32]


class Sequences(NamedTuple):
    """Sequences with their labels.

    Attributes
    ----------
    x : (samples, steps, inputs) float32
        What is shown; zeros after a sequence's end.
    y : (samples, questions) int64
        Labels from 0 to classes - 1; each question has one answer.
    lengths : (samples,) int64
        Steps of each sequence; the answer is read after the last of them.
    classes : int
        Answers to choose from.

    Examples
    --------
    >>> x, lengths = np.zeros((3, 5, 2), np.float32), np.array([5, 5, 4])
    >>> take(Sequences(x, np.array([[0], [1], [1]]), lengths, 2), [2]).lengths
    array([4])
    """

    x: Singles
    y: Codes
    lengths: Codes
    classes: int


def take(task: Sequences, samples: ArrayLike) -> Sequences:
    """Return some of the sequences, such as a part for training.

    Parameters
    ----------
    task : Sequences
        Sequences with labels.
    samples : array of int or bool
        Which ones, as numpy indexes an axis.

    Returns
    -------
    Sequences
        Those sequences.

    Raises
    ------
    ValueError
        If `task` has no sequences, or none of that number.

    Examples
    --------
    >>> from flux.relays.tasks import memory_task
    >>> task = memory_task(10, rng=np.random.default_rng(1))
    >>> take(task, [0, 3]).y.shape
    (2, 2)
    """
    check_type("task", task, Sequences, "Sequences")
    chosen = as_array("samples", samples, "biu")
    if chosen.ndim != 1:
        raise ArgumentError(f"samples must be a list, but had shape {chosen.shape}")
    try:
        chosen = np.arange(len(task.x))[chosen]
    except IndexError as error:
        raise ArgumentError(f"samples must be of the {len(task.x)} sequences: {error}") from None
    return Sequences(task.x[chosen], task.y[chosen], task.lengths[chosen], task.classes)


def as_sequences(x: NDArray[np.float64], y: Codes, lengths: Codes, classes: int) -> Sequences:
    """Return sequences with zeros after the end of each."""
    after = np.arange(x.shape[1]) >= lengths[:, None]
    x[after] = 0.0
    return Sequences(
        x.astype(np.float32), y.astype(np.int64), lengths.astype(np.int64), int(classes)
    )


def check_size(samples: int, steps: int, inputs: int, instead: str) -> None:
    """Raise a ValueError unless sequences fit into the memory."""
    needed = 20.0 * samples * steps * inputs
    check_memory(needed, f"{samples} sequences of {steps} steps", instead)
