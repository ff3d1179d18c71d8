"""The files of the Japanese vowels: read from a folder, from a wheel, or asked for."""

from pathlib import Path

import numpy as np
import pytest

from flux.relays.tasks import japanese_vowels


def write_vowels(folder: Path) -> None:
    """Write two utterances of 2 and 3 frames with two coefficients, as sktime's files have them."""
    head = "#comment\n@problemName JapaneseVowels\n@classLabel true 1 2\n@data\n"
    train = head + "1.5,2.5:-1,-2:1\n"
    test = head + "3,4,5:0.5,0,-0.5:2\n"
    (folder / "JapaneseVowels_TRAIN.ts").write_text(train)
    (folder / "JapaneseVowels_TEST.ts").write_text(test)


def test_vowels_are_read_from_a_folder(tmp_path: Path) -> None:
    write_vowels(tmp_path)
    task = japanese_vowels(folder=tmp_path, delay=1)
    assert task.x.tolist() == [
        [[0, 0], [1.5, -1], [2.5, -2], [0, 0]],
        [[3, 0.5], [4, 0], [5, -0.5], [0, 0]],
    ]
    assert task.y.tolist() == [[0], [1]]
    assert task.lengths.tolist() == [4, 4]
    assert task.classes == 9


def test_vowels_say_where_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flux.relays._vowel_files.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="pip install --no-deps sktime"):
        japanese_vowels()
    with pytest.raises(FileNotFoundError):
        japanese_vowels(folder=tmp_path)


def test_vowels_of_the_wheel() -> None:
    task = japanese_vowels()
    assert task.x.shape == (640, 29, 12)
    assert np.bincount(task.y[:270, 0]).tolist() == [30] * 9
    frames = np.any(task.x != 0, axis=2).sum(1)
    assert (frames.min(), frames.max(), frames.sum()) == (7, 29, 9961)
