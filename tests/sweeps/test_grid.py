"""Sweeps: the same result whatever runs them and whatever interrupts them."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import pytest
import xarray
from distributed import Client, LocalCluster
from swept_functions import die_once, draw, draw_other, fail, measure

import flux
from flux import SweepError, sweep

GRID = {"width": [0.5, 1.0, 2.0], "n": [2, 3]}
REPEATS = 4


def plain_loop(function: Callable[..., Any]) -> Iterator[Any]:
    """Yield the results in their order, without anything of sweep."""
    for i, width in enumerate(GRID["width"]):
        for j, n in enumerate(GRID["n"]):
            for repeat in range(REPEATS):
                seed = np.random.SeedSequence(7, spawn_key=(i, j, repeat))
                yield function(rng=np.random.default_rng(seed), width=width, n=n)


def run(function: Callable[..., Any] = draw, **changed: Any) -> xarray.Dataset:
    return sweep(function, **{"grid": GRID, "repeats": REPEATS, "seed": 7, **changed})


def sequential(function: Callable[..., Any] = draw, **changed: Any) -> xarray.Dataset:
    with joblib.parallel_config(n_jobs=1):
        return run(function, **changed)


DRAWN = np.array(list(plain_loop(draw))).reshape(3, 2, REPEATS)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Client]:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as machines,
        Client(machines) as client,
    ):
        yield client


def test_results_are_those_of_a_plain_loop() -> None:
    found = sequential(measure)
    expected = list(plain_loop(measure))
    assert found.I.dims == ("width", "n", "repeat")
    assert found.rows.dims == ("width", "n", "repeat", "rows_0", "rows_1")
    np.testing.assert_array_equal(found.I.values.ravel(), [one.I for one in expected])
    np.testing.assert_array_equal(found.rows.values.reshape(-1, 2, 2), [o.rows for o in expected])
    np.testing.assert_array_equal(found.width, GRID["width"])
    np.testing.assert_array_equal(found.n, GRID["n"])
    assert len(np.unique(found.I)) == 3 * 2 * REPEATS


@pytest.mark.parametrize("settings", [{"n_jobs": 2}, {"backend": "threading", "n_jobs": 3}, {}])
def test_engines_agree(settings: dict[str, Any]) -> None:
    expected = sequential(measure)
    with joblib.parallel_config(**settings):
        assert run(measure).equals(expected)


def test_dask_agrees(cluster: Client) -> None:
    expected = sequential(measure)
    with joblib.parallel_config("dask"):
        assert run(measure).equals(expected)


def test_killed_dask_worker_loses_nothing(cluster: Client, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    before = set(cluster.scheduler_info()["workers"])
    with joblib.parallel_config("dask"):
        found = run(partial(die_once, mark=str(mark)), store=tmp_path / "store")
    assert mark.exists()
    np.testing.assert_array_equal(found.result, DRAWN)
    cluster.wait_for_workers(2, timeout=PATIENCE)
    assert set(cluster.scheduler_info()["workers"]) != before
    assert stored(tmp_path / "store") == places(*DRAWN.shape)


def test_killed_process_ends_the_sweep_and_the_store_goes_on(tmp_path: Path) -> None:
    function = partial(die_once, mark=str(tmp_path / "mark"))
    with joblib.parallel_config(n_jobs=2), pytest.raises(BrokenProcessPool):
        run(function, store=tmp_path / "store")
    assert run(function, store=tmp_path / "store").equals(sequential())


def query(path: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as database, database:
        return database.execute(sql).fetchall()


def stored(path: Path) -> list[tuple[int, ...]]:
    """Return the places in a store, sorted."""
    texts = query(path, "SELECT place FROM record")
    return sorted(tuple(map(int, text.split(","))) for (text,) in texts)


def places(*sizes: int) -> list[tuple[int, ...]]:
    return list(np.ndindex(sizes))


SCRIPT = """
import signal
import sys
import time
from contextlib import ExitStack

import joblib

import flux

CALLS = sys.argv[1] + ".calls"


def slow(*, rng, width, n):
    with open(CALLS, "a") as calls:
        calls.write("x")
    time.sleep(0.05)
    return width * rng.normal() + n


if __name__ == "__main__":
    # as in a terminal: what a shell starts in the background ignores SIGINT, and so do its children
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with ExitStack() as stack:
        if sys.argv[2] == "dask":
            from distributed import Client, LocalCluster

            cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
            stack.enter_context(Client(stack.enter_context(cluster)))
        stack.enter_context(joblib.parallel_config(sys.argv[2], n_jobs=2))
        found = flux.sweep(
            slow, {"width": [0.5, 1.0, 2.0], "n": [2, 3]}, repeats=20, seed=7, store=sys.argv[1]
        )
        print(found.result.values.tobytes().hex())
"""
TASKS = 3 * 2 * 20
PATIENCE = 200  # seconds; a busy machine may take many


def start(script: Path, store: Path, engine: str) -> subprocess.Popen[str]:
    store.with_name("store.calls").write_text("")
    command = [sys.executable, str(script), str(store), engine]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # a session of its own, so that workers without a driver can be ended, too
    return subprocess.Popen(command, start_new_session=True, **pipes)


def interrupt(process: subprocess.Popen[str], store: Path, sign: signal.Signals) -> None:
    """Send a signal to a driver, and to no other process, when some results have arrived."""
    journal = store.with_name("store-wal")
    deadline = time.monotonic() + PATIENCE
    while not (journal.exists() and journal.stat().st_size > 60 * 4096):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(sign)
    process.wait(PATIENCE)


def end_group(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize(
    ("engine", "sign"),
    [("loky", signal.SIGKILL), ("dask", signal.SIGKILL), ("loky", signal.SIGINT)],
)
def test_interrupted_driver_goes_on(engine: str, sign: signal.Signals, tmp_path: Path) -> None:
    script, store = tmp_path / "script.py", tmp_path / "store"
    script.write_text(SCRIPT)
    process = start(script, store, engine)
    try:
        interrupt(process, store, sign)
    finally:
        end_group(process)
    finished = len(stored(store))
    assert 10 < finished < TASKS

    process = start(script, store, engine)
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    finally:
        end_group(process)
    assert process.returncode == 0, errors
    assert len(store.with_name("store.calls").read_text()) == TASKS - finished
    assert stored(store) == places(3, 2, 20)
    expected = [
        width * np.random.default_rng(np.random.SeedSequence(7, spawn_key=(i, j, r))).normal() + n
        for i, width in enumerate([0.5, 1.0, 2.0])
        for j, n in enumerate([2, 3])
        for r in range(20)
    ]
    assert output.strip() == np.array(expected).tobytes().hex()


def test_finished_store_needs_no_call(tmp_path: Path) -> None:
    first = sequential(store=tmp_path / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joblib, "Parallel", None)
        again = run(store=tmp_path / "store")
    xarray.testing.assert_identical(first, again)


def test_damaged_record_is_computed_again(tmp_path: Path) -> None:
    store = tmp_path / "store"
    sequential(store=store)
    content = bytearray(store.read_bytes())
    for task in (3, 17):
        place = content.index(DRAWN.ravel()[task].tobytes())
        content[place + 5] ^= 1
    store.write_bytes(content)
    with pytest.warns(RuntimeWarning, match=r"held 2 damaged records.*at 0,0,3; 2,0,1"):
        found = sequential(store=store)
    np.testing.assert_array_equal(found.result, DRAWN)
    np.testing.assert_array_equal(sequential(store=store).result, DRAWN)


def test_exchanged_records_are_found(tmp_path: Path) -> None:
    sequential(store=tmp_path / "store")
    for old, new in (("0,0,2", "away"), ("0,1,1", "0,0,2"), ("away", "0,1,1")):
        query(tmp_path / "store", f"UPDATE record SET place = '{new}' WHERE place = '{old}'")
    with pytest.warns(RuntimeWarning, match="at 0,1,1; 0,0,2"):
        assert np.array_equal(sequential(store=tmp_path / "store").result, DRAWN)


@pytest.mark.filterwarnings("ignore:store .* damaged records:RuntimeWarning")
def test_no_damage_changes_a_result(tmp_path: Path) -> None:
    store = tmp_path / "store"
    sequential(store=store)
    whole = store.read_bytes()
    rng = np.random.default_rng(1)
    right = 0
    for place in rng.integers(0, len(whole), 150):
        content = bytearray(whole)
        content[place] ^= 1 << rng.integers(8)
        store.write_bytes(content)
        with suppress(ValueError):
            assert np.array_equal(sequential(store=store).result, DRAWN)
            right += 1
    assert right > 100


def add(*, rng: np.random.Generator, width: float, n: int, shift: float) -> float:
    return draw(rng=rng, width=width, n=n) + shift


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"function": draw_other}, "function was '.*draw' and is '.*draw_other'.*fingerprint was"),
        ({"grid": {**GRID, "n": [2, 4]}}, "grid was"),
        ({"grid": dict(reversed(GRID.items()))}, "grid was"),
        ({"seed": 8}, "seed was '7' and is '8'"),
    ],
)
def test_store_of_another_sweep_is_refused(
    changed: dict[str, Any], named: str, tmp_path: Path
) -> None:
    sequential(store=tmp_path / "store")
    before = (tmp_path / "store").read_bytes()
    with pytest.raises(ValueError, match=f"holds another sweep: {named}"):
        run(store=tmp_path / "store", **changed)
    assert (tmp_path / "store").read_bytes() == before


def test_bound_arguments_belong_to_the_function(tmp_path: Path) -> None:
    sequential(partial(add, shift=1.0), store=tmp_path / "store")
    sequential(partial(add, shift=1.0), store=tmp_path / "store")
    with pytest.raises(ValueError, match="holds another sweep: fingerprint was"):
        run(partial(add, shift=2.0), store=tmp_path / "store")


def test_store_in_use_is_refused(tmp_path: Path) -> None:
    store = tmp_path / "store"

    def nested(*, rng: np.random.Generator, width: float, n: int) -> float:
        return float(run(store=store).result.sum())

    with pytest.raises(SweepError, match="is open in another process"):
        sequential(nested, store=store)


def test_foreign_files_are_refused_and_kept(tmp_path: Path) -> None:
    text, database = tmp_path / "text", tmp_path / "database"
    text.write_text("no database, only a long text that somebody wants to keep" * 100)
    query(database, "CREATE TABLE precious (value INTEGER)")
    with pytest.raises(ValueError, match="is not a store of sweep"):
        run(store=text)
    with pytest.raises(ValueError, match="is another database"):
        run(store=database)
    with pytest.raises(ValueError, match="must lie in a folder that exists"):
        run(store=tmp_path / "missing" / "store")
    assert text.read_text().startswith("no database")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc takes no files, not even of root")
@pytest.mark.parametrize("folder", [True, False])
def test_store_that_cannot_be_written_is_refused_at_once(folder: bool, tmp_path: Path) -> None:
    def call(*, rng: np.random.Generator, width: float, n: int) -> float:
        raise AssertionError("no call before the store is open")

    store = tmp_path if folder else Path("/proc/store")
    with pytest.raises(
        ValueError,
        match=r"^store '.*' cannot be read or written .unable to open.*choose a folder and",
    ):
        sequential(call, store=store)


def test_old_store_is_refused_with_words(tmp_path: Path) -> None:
    sequential(store=tmp_path / "store")
    query(tmp_path / "store", "UPDATE about SET name = 'source' WHERE name = 'fingerprint'")
    with pytest.raises(ValueError, match=r"fingerprint was None and is .* an older flux made"):
        sequential(store=tmp_path / "store")


@pytest.mark.parametrize("settings", [{"n_jobs": 1}, {"n_jobs": 2}])
def test_an_exit_is_a_failure_like_any_other(settings: dict[str, int]) -> None:
    def leave(*, rng: np.random.Generator, width: float, n: int) -> float:
        if n == 3:
            sys.exit("no more")
        return draw(rng=rng, width=width, n=n)

    with (
        joblib.parallel_config(**settings),
        pytest.raises(
            SweepError, match=r"12 of 24 calls failed.*n=3.*SystemExit: no more"
        ) as caught,
    ):
        run(leave)
    np.testing.assert_array_equal(caught.value.dataset.result.sel(n=2), DRAWN[:, 0])


def test_an_interrupt_stops_the_sweep() -> None:
    def interrupted(*, rng: np.random.Generator, width: float, n: int) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sequential(interrupted)


def test_failures_do_not_lose_the_others(tmp_path: Path) -> None:
    switch, store = tmp_path / "switch", tmp_path / "store"
    switch.touch()
    function = partial(fail, switch=str(switch))
    message = r"8 of 24 calls failed, the first of them at width=1\.0, n=2, repeat=0: ZeroDiv"
    with joblib.parallel_config(n_jobs=2), pytest.raises(SweepError, match=message) as caught:
        run(function, store=store)
    failures, dataset = caught.value.failures, caught.value.dataset
    assert [failure.parameters for failure in failures[:5]] == [
        *({"width": 1.0, "n": 2, "repeat": repeat} for repeat in range(REPEATS)),
        {"width": 1.0, "n": 3, "repeat": 0},
    ]
    assert 'raise ZeroDivisionError(f"cannot do n = {n}")' in failures[0].traceback
    assert dataset.attrs["failed"] == "8"
    others = dataset.result.sel(width=[0.5, 2.0])
    np.testing.assert_array_equal(others, DRAWN[[0, 2]])
    assert dataset.result.sel(width=1.0).isnull().all()
    recorded = query(store, "SELECT parameters, traceback FROM failure ORDER BY place")
    assert len(recorded) == 8
    assert json.loads(recorded[0][0]) == failures[0].parameters
    assert "ZeroDivisionError: cannot do n = 2" in recorded[0][1]

    with pytest.warns(RuntimeWarning, match="8 of 24 calls failed"):
        assert sequential(function, store=store, on_error="nan").equals(dataset)

    switch.unlink()
    np.testing.assert_array_equal(sequential(function, store=store).result, DRAWN)
    assert query(store, "SELECT * FROM failure") == []


def test_all_failed() -> None:
    with pytest.raises(SweepError, match="24 of 24 calls failed") as caught:
        sequential(lambda rng, width, n: 1 / 0)
    assert list(caught.value.dataset) == []


def test_netcdf_keeps_values_and_provenance(tmp_path: Path) -> None:
    found = sequential(measure, seed=2**100)
    found.to_netcdf(tmp_path / "found.nc")
    again = xarray.load_dataset(tmp_path / "found.nc")
    xarray.testing.assert_identical(found, again)
    assert again.attrs["seed"] == str(2**100)
    assert again.attrs["function"] == "swept_functions.measure"
    assert json.loads(again.attrs["grid"]) == GRID
    assert again.attrs["flux"]
    assert again.attrs["date"] > "2026"


def test_strings_and_booleans_are_parameters() -> None:
    def length(*, rng: np.random.Generator, word: str, twice: bool) -> int:
        assert type(word) is str
        assert type(twice) is bool
        return len(word) * (1 + twice)

    found = sequential(length, grid={"word": ["a", "abc"], "twice": [False, True]}, repeats=1)
    np.testing.assert_array_equal(found.result[..., 0], [[1, 2], [3, 6]])


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"grid": {}}, "grid"),
        ({"grid": {"rng": [1]}}, "grid"),
        ({"grid": {"width": []}}, "grid"),
        ({"grid": {"width": [[1.0]]}}, "grid"),
        ({"grid": {"width": [1.0, 1.0]}}, "grid"),
        ({"grid": {"width": [np.nan]}}, "grid"),
        ({"grid": {"width": [1.0, None]}}, "grid"),
        ({"grid": {"width": [1.0]}}, "function must be callable"),
        ({"repeats": 0}, "repeats"),
        ({"seed": -1}, "seed"),
        ({"on_error": "ignore"}, "on_error"),
        ({"function": lambda rng, width, n: np.zeros(n)}, "same fields and shapes"),
        ({"function": lambda rng, width, n: Clash(1.0)}, "names of their own"),
        ({"function": list(range(10**5))}, "function must be callable, but was"),
        ({"grid": {"width": list(range(10**5)) * 2}}, "grid.*must be different values, but was"),
        ({"grid": {"width": [[1.0], [1.0, 2.0]]}}, "grid.*all rows alike"),
        ({"grid": {"width": np.ma.masked_array([1.0, 2.0], [0, 1])}}, "grid.*masked"),
        ({"seed": 10**5000 * -1}, "seed"),
        ({"store": ""}, "store must be the path of a file"),
        ({"store": ":memory:"}, "store must be the path of a file"),
        ({"store": 5}, "store must be the path of a file"),
        ({"store": "\0"}, "store .* cannot be read or written .*null"),
        ({"seed": None}, "repeats must be 1 without a seed"),
        ({"seed": None, "repeats": 1}, r"function\(width=..., n=...\), .* no seed: missing"),
        ({"function": lambda rng, width, n: {"a": [1.0], "a_0": 2.0}}, "names of their own"),
        ({"function": lambda rng, width, n: {}}, "function must return"),
        ({"function": lambda rng, width, n: {1: 2.0}}, "function must return"),
    ],
)
def test_wrong_arguments_are_named(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named) as caught:
        sequential(**changed)
    assert len(str(caught.value)) < 500


class Clash(NamedTuple):
    width: float


def test_too_many_tasks_are_refused() -> None:
    with pytest.raises(flux.TooLargeError, match="a sweep of"):
        run(repeats=10**12)


def test_complex_results_are_failures() -> None:
    with pytest.raises(SweepError, match="result must be an array of real numbers"):
        sequential(lambda rng, width, n: 1j)
