"""The files of the Japanese vowels: where they are, and how to read them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flux._base.checks import check_type


def vowel_folder(given: object) -> Path:
    """Return the folder of the recordings: for None in sktime, which may be missing."""
    if given is not None:
        check_type("folder", given, (str, PathLike), "a path")
        return Path(given)  # type: ignore[arg-type]
    sktime = find_spec("sktime")
    if sktime is None or not sktime.submodule_search_locations:
        raise FileNotFoundError(
            "JapaneseVowels comes with sktime: pip install --no-deps sktime, or give folder"
        )
    return Path(sktime.submodule_search_locations[0]) / "datasets" / "data" / "JapaneseVowels"


def read_utterances(path: Path) -> Iterator[tuple[NDArray[np.float64], int]]:
    """Yield the (frames, 12) array and the speaker, from 0, of each line of a .ts file."""
    for line in path.read_text().split("@data\n")[1].split():
        *channels, speaker = line.split(":")
        yield np.array([channel.split(",") for channel in channels], float).T, int(speaker) - 1
