"""Files of time series: read from a folder, from a wheel, or asked for; and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flux.relays.tasks import basic_motions, italy_power_demand, japanese_vowels

FILES: dict[Callable[..., Any], str] = {
    basic_motions: "BasicMotions",
    italy_power_demand: "ItalyPowerDemand",
    japanese_vowels: "JapaneseVowels",
}
readers = pytest.mark.parametrize("read", FILES, ids=FILES.get)


def write_series(folder: Path, name: str) -> None:
    """Write series of 2, 3 and 3 frames with two channels, the last for testing."""
    head = f"#comment\n@problemName {name}\n@classLabel true one two\n@data\n"
    train = "1.5,2.5:-1,-2:one\n0.5,1,0.5:-1,0,0:two\n"
    (folder / f"{name}_TRAIN.ts").write_text(head + train)
    (folder / f"{name}_TEST.ts").write_text(head + "3,4,5:0.5,0,-0.5:two\n")


@readers
def test_series_are_read_from_a_folder(read: Any, tmp_path: Path) -> None:
    write_series(tmp_path, FILES[read])
    task = read(folder=tmp_path, delay=1)
    shown = np.array(
        [
            [[0, 0], [1.5, -1], [2.5, -2], [0, 0]],
            [[0.5, -1], [1, 0], [0.5, 0], [0, 0]],
            [[3, 0.5], [4, 0], [5, -0.5], [0, 0]],
        ]
    )
    if read is basic_motions:
        # of the frames for training alone
        shown /= np.std([[1.5, -1], [2.5, -2], [0.5, -1], [1, 0], [0.5, 0]], axis=0)
    np.testing.assert_allclose(task.x, shown, rtol=1e-6)
    assert task.y.tolist() == [[0], [1], [1]]
    assert task.lengths.tolist() == [4, 4, 4]
    assert task.classes == 2


@readers
def test_series_say_where_to_get_them(
    read: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flux.relays._series_files.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=f"^{FILES[read]} .*pip install --no-deps sktime"):
        read()
    with pytest.raises(FileNotFoundError):
        read(folder=tmp_path)


@readers
def test_series_refuse(read: Any, tmp_path: Path) -> None:
    write_series(tmp_path, FILES[read])
    for delay in (-1, 0.5, None, 10**9):
        with pytest.raises(ValueError, match=r"delay"):
            read(folder=tmp_path, delay=delay)
    for folder in (1, ["."]):
        with pytest.raises(ValueError, match=r"^folder must"):
            read(folder=folder)


@readers
@pytest.mark.parametrize("text", ["@data\n1,2:one\n", "@classLabel true one two\n@data\n", ""])
def test_files_without_classes_or_data_are_refused(read: Any, text: str, tmp_path: Path) -> None:
    write_series(tmp_path, FILES[read])
    (tmp_path / f"{FILES[read]}_TRAIN.ts").write_text(text)
    with pytest.raises(ValueError, match=r"^folder must .*_TRAIN\.ts"):
        read(folder=tmp_path)


def test_vowels_of_the_wheel() -> None:
    task = japanese_vowels()
    assert task.x.shape == (640, 29, 12)
    assert np.bincount(task.y[:270, 0]).tolist() == [30] * 9
    frames = np.any(task.x != 0, axis=2).sum(1)
    assert (frames.min(), frames.max(), frames.sum()) == (7, 29, 9961)


def test_motions_of_the_wheel() -> None:
    task = basic_motions()
    assert task.x.shape == (80, 100, 6)
    assert np.bincount(task.y[:40, 0]).tolist() == np.bincount(task.y[40:, 0]).tolist() == [10] * 4
    np.testing.assert_allclose(task.x[:40].reshape(-1, 6).std(0), 1, rtol=1e-5)
    standing, running, _, badminton = (task.x[task.y[:, 0] == k].std() for k in range(4))
    assert min(running, badminton) > 5 * standing


def test_power_of_the_wheel() -> None:
    task = italy_power_demand()
    assert task.x.shape == (1096, 24, 1)
    np.testing.assert_allclose(task.x.mean((1, 2)), 0, atol=1e-3)
    assert np.bincount(task.y[:67, 0]).tolist() == [34, 33]
    # lamps are switched on earlier in winter: the demand of the evening peaks sooner
    winter, summer = (task.x[task.y[:, 0] == k].mean(0)[15:, 0].argmax() for k in range(2))
    assert winter < summer
