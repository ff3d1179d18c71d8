"""Sequences to classify: two made up for memory and motion, two read from real recordings."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flux._base.checks import as_array, check_count, check_real, check_rng, check_type
from flux._base.errors import ArgumentError
from flux._base.installed import needs
from flux._base.memory import check_memory
from flux._base.types import Codes
from flux.relays._vowel_files import read_utterances, vowel_folder

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
    _check_size(samples, 1 + delay, bits, "lower samples, delay or bits")
    y = rng.integers(0, 2, (samples, bits))
    x = noise * rng.standard_normal((samples, 1 + delay, bits))
    x[:, 0] += 2 * y - 1
    lengths = 1 + rng.integers(least, delay, samples, endpoint=True)
    return _as_sequences(x, y, lengths, 2)


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
    _check_size(samples, ring + delay, sensors, "lower samples, ring, delay or sensors")
    y = np.stack([rng.integers(0, len(sizes), samples), rng.integers(0, 2, samples)], 1)
    start = rng.integers(0, ring, samples)
    position = start[:, None] + np.arange(ring) * (2 * y[:, 1:] - 1)
    distance = (np.arange(sensors) - position[..., None]) % ring
    covered = distance < block_sizes[y[:, 0], None, None]
    x = noise * rng.standard_normal((samples, ring + delay, sensors))
    x[:, :ring] += covered
    lengths = ring + rng.integers(least, delay, samples, endpoint=True)
    return _as_sequences(x, y, lengths, len(sizes))


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
    _check_size(len(labels), 8 + delay, 8, "lower delay")
    x = np.zeros((len(labels), 8 + delay, 8))
    x[:, :8] = pictures.reshape(-1, 8, 8) / 16
    return _as_sequences(x, labels[:, None], np.full(len(labels), 8 + delay), 10)


def japanese_vowels(*, folder: str | Path | None = None, delay: int = 0) -> Sequences:
    """Read the recordings of nine speakers saying two vowels; the question is who speaks.

    640 utterances of 7 to 29 frames, 12 coefficients each: first the 270 for training, then the
    370 for testing. All end at the same step; a shorter one has zeros before its first frame.
    The data set comes with sktime, not with this package; nothing of sktime is imported, so that
    ``pip install --no-deps sktime`` is enough.

    Parameters
    ----------
    folder : path, optional
        Folder with JapaneseVowels_TRAIN.ts and JapaneseVowels_TEST.ts; by default that of the
        installed sktime.
    delay : int
        Empty steps after the last frame.

    Returns
    -------
    Sequences
        (x, y, lengths, classes) with 29 + `delay` steps, 12 inputs and one question.

    Raises
    ------
    ValueError
        If `delay` is negative or too large, or `folder` is no path.
    FileNotFoundError
        If the files are not there.

    References
    ----------
    Kudo, Toyama & Shimbo (1999), Pattern Recognition Letters 20, 1103-1111; UCI Machine Learning
    Repository, doi 10.24432/C5NS47.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name, speaker in (("TRAIN", 1), ("TEST", 9)):
    ...         file = Path(folder, f"JapaneseVowels_{name}.ts")
    ...         _ = file.write_text(f"@data\\n0.1,0.2,0.3:0.5,0.6,0.7:{speaker}\\n")
    ...     task = japanese_vowels(folder=folder)
    >>> task.x.shape, task.y.ravel()
    ((2, 3, 2), array([0, 8]))
    """
    delay = check_count("delay", delay, 0)
    place = vowel_folder(folder)
    spoken = [
        utterance
        for part in ("TRAIN", "TEST")
        for utterance in read_utterances(place / f"JapaneseVowels_{part}.ts")
    ]
    longest = max(len(frames) for frames, _ in spoken)
    _check_size(len(spoken), longest + delay, spoken[0][0].shape[1], "lower delay")
    x = np.zeros((len(spoken), longest + delay, spoken[0][0].shape[1]))
    for sample, (frames, _) in enumerate(spoken):
        x[sample, longest - len(frames) : longest] = frames
    y = np.array([speaker for _, speaker in spoken])[:, None]
    return _as_sequences(x, y, np.full(len(spoken), longest + delay), 9)


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


def _as_sequences(x: NDArray[np.float64], y: Codes, lengths: Codes, classes: int) -> Sequences:
    after = np.arange(x.shape[1]) >= lengths[:, None]
    x[after] = 0.0
    return Sequences(
        x.astype(np.float32), y.astype(np.int64), lengths.astype(np.int64), int(classes)
    )


def _check_size(samples: int, steps: int, inputs: int, instead: str) -> None:
    needed = 20.0 * samples * steps * inputs
    check_memory(needed, f"{samples} sequences of {steps} steps", instead)
