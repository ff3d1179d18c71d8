"""The store of a sweep: it grows, it is checked, and it says plainly what is wrong with it."""

import resource
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import xarray

from flux import FluxError, StoreError, sweep
from flux.sweeps import _store

GRID = {"width": [0.5, 1.0], "name": ["a", "bb"]}


def draw(*, rng: np.random.Generator, width: float, name: str) -> dict[str, Any]:
    return {"noise": width * rng.normal(size=3), "length": len(name)}


def run(store: Path | None, function: Any = draw, **changed: Any) -> xarray.Dataset:
    with joblib.parallel_config(n_jobs=1):
        return sweep(function, **{"grid": GRID, "repeats": 2, "seed": 3, "store": store, **changed})


def counted(calls: Path, *, rng: np.random.Generator, **point: Any) -> dict[str, Any]:
    with calls.open("a") as file:
        file.write("x")
    return draw(rng=rng, **point)


GROWN = [
    {"repeats": 5},
    {"grid": {"width": [0.5, 1.0, 0.25], "name": ["a", "bb"]}},
    {"grid": {"width": [0.5, 1.0], "name": ["a", "bb", "much longer"]}},
    {"grid": {"width": [0.5, 1.0, 0.25, 8.0], "name": ["a", "bb", "c"]}, "repeats": 3},
]


@pytest.mark.parametrize("grown", GROWN)
def test_a_store_grows_and_keeps_what_it_holds(grown: dict[str, Any], tmp_path: Path) -> None:
    store, calls = tmp_path / "store", tmp_path / "calls"
    function = partial(counted, calls)
    small = run(store, function)
    assert len(calls.read_text()) == 8
    large = run(store, function, **grown)
    assert len(calls.read_text()) == large.length.size
    xarray.testing.assert_equal(large.drop_attrs(), run(None, **grown).drop_attrs())
    xarray.testing.assert_equal(large.sel(width=[0.5, 1.0], name=["a", "bb"], repeat=[0, 1]), small)
    # and what was asked for first is still there
    assert run(store, function).equals(small)
    assert run(store, function, **grown).equals(large)
    assert len(calls.read_text()) == large.length.size


def test_axes_may_grow_one_after_the_other(tmp_path: Path) -> None:
    store, calls = tmp_path / "store", tmp_path / "calls"
    function = partial(counted, calls)
    run(store, function, grid={**GRID, "width": [0.5, 1.0, 2.0]})
    run(store, function, grid={**GRID, "name": ["a", "bb", "ccc"]})
    # the longer axis of the first run is not forgotten
    with pytest.raises(StoreError, match=r"grid was .* and is"):
        run(store, function, grid={**GRID, "width": [0.5, 1.0, 4.0]})
    both = {"width": [0.5, 1.0, 2.0], "name": ["a", "bb", "ccc"]}
    xarray.testing.assert_equal(run(store, function, grid=both), run(None, grid=both))
    assert len(calls.read_text()) == 3 * 3 * 2


@pytest.mark.parametrize(
    "grid",
    [
        {"width": [0.25, 0.5, 1.0], "name": ["a", "bb"]},
        {"width": [1.0, 0.5], "name": ["a", "bb"]},
        {"name": ["a", "bb"], "width": [0.5, 1.0]},
        {"width": [0.5, 1.0]},
        {"width": [0.5, 1.0], "name": ["a", "b"]},
    ],
)
def test_a_grid_that_did_not_grow_is_another(grid: dict[str, Any], tmp_path: Path) -> None:
    def any_draw(*, rng: np.random.Generator, width: float, name: str = "a") -> float:
        return width * rng.normal()

    run(tmp_path / "store", any_draw)
    with pytest.raises(StoreError, match=r"holds another sweep: grid was .*end of each axis"):
        run(tmp_path / "store", any_draw, grid=grid)


def test_whole_numbers_do_not_grow_into_others(tmp_path: Path) -> None:
    def double(*, rng: np.random.Generator, x: float) -> float:
        return 2 * x

    run(tmp_path / "store", double, grid={"x": [1, 2]})
    with pytest.raises(StoreError, match=r"grid was"):
        run(tmp_path / "store", double, grid={"x": [1, 2, 2.5]})


def test_named_results_are_variables() -> None:
    found = run(None)
    assert {name: value.dims for name, value in found.items()} == {
        "noise": ("width", "name", "repeat", "noise_0"),
        "length": ("width", "name", "repeat"),
    }
    rng = np.random.default_rng(np.random.SeedSequence(3, spawn_key=(1, 0, 1)))
    np.testing.assert_array_equal(found.noise[1, 0, 1], rng.normal(size=3))
    np.testing.assert_array_equal(found.length.sel(name="bb"), 2)


def test_without_a_seed_nothing_is_drawn(tmp_path: Path) -> None:
    def own(*, width: float, name: str) -> float:
        return width * np.random.default_rng(len(name)).normal()

    found = run(tmp_path / "store", own, seed=None, repeats=1)
    expected = [[w * np.random.default_rng(k).normal() for k in (1, 2)] for w in (0.5, 1.0)]
    np.testing.assert_array_equal(found.result[..., 0], expected)
    assert found.attrs["seed"] == "None"


def told(error: pytest.ExceptionInfo[StoreError], store: Path) -> str:
    """Return what an error says after the path, if it is one of flux and an OSError, too."""
    assert isinstance(error.value, FluxError)
    assert isinstance(error.value, OSError)
    start = f"store {str(store)!r} "
    assert str(error.value).startswith(start)
    assert len(str(error.value)) < 500
    return str(error.value).removeprefix(start)


def test_full_disk(tmp_path: Path) -> None:
    def large(*, rng: np.random.Generator, width: float, name: str) -> Any:
        return rng.normal(size=100_000)

    store = tmp_path / "store"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, limits[1]))
    try:
        with pytest.raises(StoreError) as error:
            run(store, large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "see whether the disk is full" in told(error, store)
    assert run(store, large).equals(run(None, large))


def test_read_only_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "store"
    run(store)

    # not even the permissions of a file hold back an administrator
    def connect(path: Path, **options: Any) -> sqlite3.Connection:
        return sqlite3.Connection(f"file:{path}?mode=ro", uri=True, **options)

    monkeypatch.setattr(_store.sqlite3, "connect", connect)
    with pytest.raises(StoreError) as error:
        run(store)
    assert "or the file or its folder read-only" in told(error, store)


def test_locked_store(tmp_path: Path) -> None:
    store = tmp_path / "store"
    run(store)
    other = sqlite3.connect(store, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError) as error:
        run(store)
    other.close()
    assert told(error, store).startswith("is open in another process (database is locked): wait")


def test_no_database(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.write_text("a long text that somebody wants to keep" * 100)
    with pytest.raises(StoreError) as error:
        run(store)
    assert told(error, store).startswith("is not a store of sweep")
    assert told(error, store).endswith("move it away")


def test_store_of_another_function(tmp_path: Path) -> None:
    def other(*, rng: np.random.Generator, width: float, name: str) -> float:
        return width

    store = tmp_path / "store"
    run(store)
    with pytest.raises(StoreError) as error:
        run(store, other)
    assert "holds another sweep: function was" in told(error, store)
    assert "choose another path, or move it away" in told(error, store)
