"""Real time series, in files of the .ts format that come with sktime."""

from __future__ import annotations

from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flux._base.checks import check_count, check_type
from flux._base.errors import ArgumentError
from flux._base.types import Codes
from flux.relays._sequences import Sequences, as_sequences, check_size


class _Series(NamedTuple):
    """The series of a data set, first those for training, then those for testing.

    frames : a (steps, channels) array for each series.
    labels : the class of each, its place in the list of the file's head.
    training : how many are for training.
    classes : names of the classes.
    """

    frames: list[NDArray[np.float64]]
    labels: Codes
    training: int
    classes: list[str]


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
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name, speaker in (("TRAIN", 1), ("TEST", 9)):
    ...         file = Path(folder, f"JapaneseVowels_{name}.ts")
    ...         head = "@classLabel true 1 2 3 4 5 6 7 8 9\\n@data\\n"
    ...         _ = file.write_text(head + f"0.1,0.2,0.3:0.5,0.6,0.7:{speaker}\\n")
    ...     task = japanese_vowels(folder=folder)
    >>> task.x.shape, task.y.ravel()
    ((2, 3, 2), array([0, 8]))
    """
    return _aligned(_read_series("JapaneseVowels", folder), delay)


def basic_motions(*, folder: str | Path | None = None, delay: int = 0) -> Sequences:
    """Read what a smart watch felt in four activities; the question is which.

    80 recordings of 10 seconds, 100 frames of acceleration (3 axes) and rotation (3 axes): first
    the 40 for training, then the 40 for testing. Answers: 0 standing, 1 running, 2 walking,
    3 badminton. Each input is divided by its standard deviation over the training part, since
    acceleration and rotation have other units. As for `japanese_vowels`, the files come with
    sktime.

    Parameters
    ----------
    folder : path, optional
        Folder with BasicMotions_TRAIN.ts and BasicMotions_TEST.ts; by default that of the
        installed sktime.
    delay : int
        Empty steps after the last frame.

    Returns
    -------
    Sequences
        (x, y, lengths, classes) with 100 + `delay` steps, 6 inputs and one question.

    Raises
    ------
    ValueError
        If `delay` is negative or too large, or `folder` is no path.
    FileNotFoundError
        If the files are not there.

    References
    ----------
    Bagnall et al. (2018), The UEA multivariate time series classification archive,
    arXiv:1811.00075.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name, activity in (("TRAIN", "Standing"), ("TEST", "Walking")):
    ...         file = Path(folder, f"BasicMotions_{name}.ts")
    ...         head = "@classLabel true Standing Running Walking Badminton\\n@data\\n"
    ...         _ = file.write_text(head + f"-2,0,2,0:0,1,0,1:{activity}\\n")
    ...     task = basic_motions(folder=folder)
    >>> task.x.shape, task.y.ravel()
    ((2, 4, 2), array([0, 2]))
    >>> task.x.std((0, 1)).round(3)
    array([1., 1.], dtype=float32)
    """
    series = _read_series("BasicMotions", folder)
    spread = np.concatenate(series.frames[: series.training]).std(0)
    scaled = [frames / spread for frames in series.frames]
    return _aligned(series._replace(frames=scaled), delay)


def italy_power_demand(*, folder: str | Path | None = None, delay: int = 0) -> Sequences:
    """Read a country's demand of electric power over a day; the question is the season.

    1096 days of 24 hours, each scaled in the files to mean 0 and standard deviation 1: first the
    67 for training, then the 1029 for testing. Answers: 0 October to March, 1 April to September.
    As for `japanese_vowels`, the files come with sktime.

    Parameters
    ----------
    folder : path, optional
        Folder with ItalyPowerDemand_TRAIN.ts and ItalyPowerDemand_TEST.ts; by default that of
        the installed sktime.
    delay : int
        Empty steps after the last hour.

    Returns
    -------
    Sequences
        (x, y, lengths, classes) with 24 + `delay` steps, one input and one question.

    Raises
    ------
    ValueError
        If `delay` is negative or too large, or `folder` is no path.
    FileNotFoundError
        If the files are not there.

    References
    ----------
    Dau et al. (2019), The UCR time series archive, arXiv:1810.07758.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name, season in (("TRAIN", 1), ("TEST", 2)):
    ...         file = Path(folder, f"ItalyPowerDemand_{name}.ts")
    ...         _ = file.write_text(f"@classLabel true 1 2\\n@data\\n-1,0,1:{season}\\n")
    ...     task = italy_power_demand(folder=folder)
    >>> task.x.shape, task.y.ravel()
    ((2, 3, 1), array([0, 1]))
    """
    return _aligned(_read_series("ItalyPowerDemand", folder), delay)


def _aligned(series: _Series, delay: int) -> Sequences:
    """Return series that end at the same step, with empty steps after it."""
    delay = check_count("delay", delay, 0)
    longest, channels = max(map(len, series.frames)), series.frames[0].shape[1]
    samples, steps = len(series.frames), longest + delay
    check_size(samples, steps, channels, "lower delay")
    x = np.zeros((samples, steps, channels))
    for sample, frames in enumerate(series.frames):
        x[sample, longest - len(frames) : longest] = frames
    return as_sequences(x, series.labels[:, None], np.full(samples, steps), len(series.classes))


def _read_series(name: str, folder: object) -> _Series:
    """Read a data set from a folder: for None from the installed sktime, which may be missing."""
    place = _find_folder(name, folder)
    heads, lines = zip(
        *(_split(place / f"{name}_{part}.ts") for part in ("TRAIN", "TEST")), strict=True
    )
    classes = heads[0]
    rows = [line.split(":") for part in lines for line in part]
    return _Series(
        [np.array([channel.split(",") for channel in row[:-1]], float).T for row in rows],
        np.array([classes.index(row[-1]) for row in rows]),
        len(lines[0]),
        classes,
    )


def _find_folder(name: str, given: object) -> Path:
    if given is not None:
        check_type("folder", given, (str, PathLike), "a path")
        return Path(given)  # type: ignore[arg-type]
    sktime = find_spec("sktime")
    if sktime is None or not sktime.submodule_search_locations:
        raise FileNotFoundError(
            f"{name} comes with sktime: pip install --no-deps sktime, or give folder"
        )
    return Path(sktime.submodule_search_locations[0]) / "datasets" / "data" / name


def _split(path: Path) -> tuple[list[str], list[str]]:
    """Return the names of the classes and the lines of the data, one a series."""
    head, _, data = path.read_text().partition("@data\n")
    named = [line.split()[2:] for line in head.splitlines() if line.startswith("@classLabel true")]
    if not named or not data.split():
        raise ArgumentError(f"folder must have a file {path.name} with @classLabel and @data")
    return named[0], data.split()
