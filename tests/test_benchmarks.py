"""The suite of benchmarks: its runner, and the stored file that a page of the book shows."""

import importlib
import json
import os
from pathlib import Path
from typing import Any

import common
import pytest
import run_all

STORED = json.loads(run_all.FILE.read_text())
ROWS = [row for block in STORED.values() for row in block["rows"]]
FIELDS = {"table", *common.Row._fields, "met"}

FAKE = """
from common import alone, available, compare, print_table, versus

def rows():
    yield compare("a loop", lambda: sum(range(1000)), "ten", lambda: sum(range(10000)), repeats=1)
    yield versus("size", 2.0, "numpy", 8.0, wanted=">= 5", unit="MB", kind="computed")
    yield versus("found", 3.0, "a search", 2.0, unit="bits")
    yield alone("by itself", 0.5, wanted="ours < 1 s")
    {end}

available("no_such_package", "a peer")
print_table("A table", rows())
"""


@pytest.mark.parametrize("name", sorted(path.stem for path in run_all.HERE.glob("bench_*.py")))
def test_benchmarks_find_what_they_import(name: str) -> None:
    importlib.import_module(name)


def write_fakes(folder: Path) -> list[Path]:
    ends = {"bench_good.py": "", "bench_bad.py": "raise OSError('disk on fire')"}
    for name, end in ends.items():
        (folder / name).write_text(FAKE.format(end=end))
    return [folder / name for name in ends]


def test_rows_are_collected(tmp_path: Path) -> None:
    good, _ = write_fakes(tmp_path)
    block = run_all.run_file(good)
    assert block["error"] is None
    assert [row["job"] for row in block["rows"]] == ["a loop", "size", "found", "by itself"]
    loop, size, found, alone = block["rows"]
    assert all(set(row) == FIELDS and row["table"] == "A table" for row in block["rows"])
    assert loop["ratio"] > 1
    assert loop["met"] is None
    assert (size["ratio"], size["met"]) == (4.0, False)
    assert found["ratio"] == 1.5
    assert (alone["baseline"], alone["theirs"], alone["ratio"]) == ("", None, None)
    assert alone["met"] is True
    assert block["left_out"] == [{"left_out": "a peer", "reason": "not installed"}]
    assert block["versions"]["numpy"]
    assert all(block["machine"].values())


def test_failure_is_named_and_stops_nothing(tmp_path: Path) -> None:
    good, bad = write_fakes(tmp_path)
    file = tmp_path / "found.json"
    assert run_all.run_all([bad, good], file) == ["bad"]
    stored = json.loads(file.read_text())
    assert stored["bad"]["error"] == "exit status 1: OSError: disk on fire"
    assert len(stored["bad"]["rows"]) == len(stored["good"]["rows"]) == 4


def test_other_blocks_are_kept(tmp_path: Path) -> None:
    good, _ = write_fakes(tmp_path)
    file = tmp_path / "found.json"
    old = {"date": "2026-01-01", "rows": []}
    run_all.write({"old": old, "bad": old}, file)
    run_all.run_all([good], file)
    stored = json.loads(file.read_text())
    assert set(stored) == {"old", "bad", "good"}
    assert stored["old"] == stored["bad"] == old


def test_what_had_ended_survives_an_interrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, file = write_fakes(tmp_path), tmp_path / "found.json"
    real = run_all.run_file

    def interrupted(path: Path) -> dict[str, Any]:
        if path == paths[1]:
            raise KeyboardInterrupt
        return real(path)

    monkeypatch.setattr(run_all, "run_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_all.run_all(paths, file)
    assert set(json.loads(file.read_text())) == {"good"}


def test_tables_stay_on_the_screen_unless_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(common.RECORD, raising=False)
    monkeypatch.chdir(tmp_path)
    common.print_table("A table", [common.alone("by itself", 0.25)])
    assert "by itself" in (shown := capsys.readouterr().out)
    assert "250 ms" in shown
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("wanted", "ours", "met"),
    [
        ("", 1.0, None),
        (">= 5", 2.0, True),
        (">= 5", 2.1, False),
        ("ours < 1 s", 0.9, True),
        ("ours < 1 s", 1.0, False),
        ("ours about 1 s", 1.4, True),
        ("ours about 1 s", 1.6, False),
    ],
)
def test_targets(wanted: str, ours: float, met: bool | None) -> None:
    assert common.meets(common.versus("a job", ours, "a peer", 10.0, wanted=wanted)) is met


def test_every_benchmark_is_stored() -> None:
    files = {path.stem.removeprefix("bench_") for path in run_all.HERE.glob("bench_*.py")}
    assert set(STORED) == files


@pytest.mark.parametrize("name", STORED)
def test_block_is_complete(name: str) -> None:
    block = STORED[name]
    assert block["error"] is None
    assert block["rows"]
    assert set(block["machine"]) == set(run_all.describe_machine())
    assert all(block["machine"].values())
    assert set(block["versions"]) == set(run_all.find_versions())
    assert all(block["versions"][package] for package in ("python", *run_all.OURS))
    named = [(row["job"], row["baseline"]) for row in block["rows"]]
    assert len(named) == len(set(named))
    # what was left out has no rows, and the reverse
    missing = {entry["left_out"] for entry in block["left_out"]}
    assert missing.isdisjoint(row["baseline"] for row in block["rows"])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['job']}-{row['baseline']}")
def test_row_is_complete(row: dict[str, Any]) -> None:
    assert set(row) == FIELDS
    assert row["kind"] in common.KINDS
    assert row["wanted"] == "" or common.WANTED.fullmatch(row["wanted"])
    assert (row["met"] is None) == (row["wanted"] == "")
    alone = row["kind"] == "alone"
    assert (row["theirs"] is None) == (row["ratio"] is None) == (row["baseline"] == "") == alone
    if not alone:
        expected = row["theirs"] / row["ours"]
        if row["unit"] in common.MORE_IS_BETTER:
            expected = 1 / expected
        # the median of ratios is not the ratio of medians, but far from it on a busy machine only
        assert 0.5 < row["ratio"] / expected < 2
