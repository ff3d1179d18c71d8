"""A function of many parameters, over a grid, in parallel, and resumable."""

from __future__ import annotations

import inspect
import json
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from math import prod
from os import PathLike
from time import perf_counter
from traceback import format_exc
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from flux._base.checks import as_array, check_choice, check_count, check_floats, short
from flux._base.errors import ArgumentError, FluxError
from flux._base.installed import __version__
from flux._base.memory import check_memory
from flux._base.types import Floats
from flux.sweeps._fingerprint import fingerprint
from flux.sweeps._store import (
    Failure,
    Record,
    forget_failures,
    open_store,
    read_records,
    started,
    write_failure,
    write_record,
)

if TYPE_CHECKING:
    from xarray import Dataset

BATCH_SECONDS = 0.2
"""Duration of the batches in which short tasks travel; longer tasks travel alone."""
LARGEST_BATCH = 1000
"""Tasks of a batch at most, so that memory stays flat."""
ON_ERROR = ("raise", "nan")
"""What a sweep can do at its end if calls failed."""
PYTHON = f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"
"""Whose bytecode fingerprints are made of."""


class SweepError(FluxError, RuntimeError):
    """Some calls of a sweep failed; the results of all others are kept.

    Attributes
    ----------
    dataset : xarray.Dataset
        Result of the sweep, nan where a call failed.
    failures : sequence
        What went wrong.

    Examples
    --------
    >>> def inverse(*, rng, x):
    ...     return 1 / x
    >>> try:
    ...     sweep(inverse, {"x": [0, 1]}, repeats=1, seed=1)
    ... except SweepError as error:
    ...     print(error.dataset.result.values.ravel(), len(error.failures))
    [nan  1.] 1
    """

    def __init__(self, message: str, dataset: Dataset, failures: Sequence[Failure]) -> None:
        super().__init__(message)
        self.dataset = dataset
        self.failures = failures


class Plan(NamedTuple):
    """The tasks of a sweep: all indices of `shape`, which is the axes' sizes, then the repeats."""

    function: Callable[..., Any]
    axes: dict[str, NDArray[Any]]
    shape: tuple[int, ...]
    seed: int


class Results(NamedTuple):
    """What is known: a row of numbers for each task, as `layout` describes it."""

    layout: str
    rows: Floats
    done: NDArray[np.bool_]


def sweep(
    function: Callable[..., Any],
    grid: Mapping[str, ArrayLike],
    *,
    repeats: int,
    seed: int,
    store: str | PathLike[str] | None = None,
    progress: bool = True,
    on_error: str = "raise",
) -> Dataset:
    """Return what a function gives at each point of a grid, `repeats` times, in parallel.

    Each call ``function(rng=rng, **point)`` has a generator of its own, spawned from `seed` at the
    point's place in the grid. So results depend neither on the order of the calls nor on where
    they run. They run in as many processes as the machine has cores, or wherever joblib is told
    to: inside ``with joblib.parallel_config("dask")`` the same call runs on a cluster.

    With a `store`, each result is on disk as soon as it arrives here. A sweep that was killed or
    interrupted goes on from there when it is called again, with the same result as if nothing had
    happened. Results are checked for damage when they are read, and computed again where needed.
    Where a process of joblib's own dies (Dask replaces its workers), joblib's error ends the sweep,
    and the store goes on from there, too.

    Parameters
    ----------
    function : callable
        Returns a number, an array or a NamedTuple of these, real and of the same shape at every
        point. The fields of a NamedTuple become variables; otherwise the variable is "result".
    grid : dict of str to (values,) array
        Values of each parameter: different numbers or strings; every combination is a point.
    repeats : int
        Calls at each point, at least 1.
    seed : int
        Seed of all random numbers, from 0 to 2**128 - 1.
    store : path, optional
        SQLite file for results, made if there is none. It belongs to one sweep: function, grid,
        repeats, seed, versions of flux and Python. The function counts with all that it captures:
        code, default and bound arguments, closures, and the globals, helpers and modules of one's
        own that its code names. Only what it reads from files and the versions of installed
        packages do not count.
    progress : bool
        Whether to show a progress bar if it takes more than two seconds.
    on_error : str
        What to do at the end if calls raised errors: "raise" a `SweepError` that holds the results
        of all others, or warn and leave nan in their place. A later call with the same store
        tries them again.

    Returns
    -------
    xarray.Dataset
        Variables of float64 over the grid's names, then "repeat", then the axes of the result.
        Its attributes tell how it was made.

    Raises
    ------
    ValueError
        If an argument is out of its range, if results differ in shape, or if the store holds
        another sweep, is damaged as a whole, is open in another process, or cannot be written;
        and if the function captures what cannot be compared, such as an open file, with a store.
    TooLargeError
        If the results would not fit into memory.
    SweepError
        If calls raised errors (or SystemExit), and `on_error` is "raise".

    Examples
    --------
    >>> def noise(*, rng, width):
    ...     return width * rng.normal()
    >>> found = sweep(noise, {"width": [1.0, 2.0]}, repeats=500, seed=6)
    >>> found.result.sizes
    Frozen({'width': 2, 'repeat': 500})
    >>> found.result.std("repeat").values.round(1)
    array([1., 2.])
    """
    axes = _check_grid(grid)
    repeats = check_count("repeats", repeats, 1)
    seed = check_count("seed", seed, 0, 2**128 - 1)
    check_choice("on_error", on_error, ON_ERROR)
    plan = Plan(function, axes, (*map(len, axes.values()), repeats), seed)
    _check_function(plan)
    n_tasks = prod(plan.shape)
    check_memory(24.0 * n_tasks, f"a sweep of {n_tasks} tasks", "split the grid, or lower repeats")

    about = _describe(plan)
    date = datetime.now(UTC).isoformat(timespec="seconds")
    results = Results("", np.empty((n_tasks, 0)), np.zeros(n_tasks, bool))
    failures = []
    with ExitStack() as stack:
        records = None
        if store is not None:
            identity = about | {"python": PYTHON, "fingerprint": fingerprint(function)}
            records = stack.enter_context(open_store(store, identity, date))
            date = started(records)
            forget_failures(records)
            damaged = []
            for found in read_records(records, n_tasks):
                if isinstance(found, Record):
                    results = _keep(results, found, plan)
                else:
                    damaged.append(found)
            _warn_of_damage(damaged, store)
        todo = np.flatnonzero(~results.done).astype(np.int64)
        bar = tqdm(
            desc="sweep",
            unit="task",
            total=n_tasks,
            initial=n_tasks - len(todo),
            delay=2,
            leave=False,
            disable=not progress,
        )
        stack.enter_context(bar)
        for outcome in stack.enter_context(closing(_run(plan, todo))):
            bar.update()
            if isinstance(outcome, Failure):
                failures.append(outcome)
                if records is not None:
                    write_failure(records, outcome)
            else:
                results = _keep(results, outcome, plan)
                if records is not None:
                    write_record(records, outcome)
    dataset = _make_dataset(results, plan, about | {"date": date, "failed": str(len(failures))})
    if failures:
        failures.sort(key=lambda failure: failure.task)
        _report(failures, n_tasks, dataset, on_error)
    return dataset


def _check_grid(grid: Mapping[str, ArrayLike]) -> dict[str, NDArray[Any]]:
    if not isinstance(grid, Mapping) or not grid:
        raise ArgumentError(f"grid must be a dict of names and their values, but was {short(grid)}")
    axes = {}
    for name, values in grid.items():
        if not isinstance(name, str) or not name.isidentifier() or name in ("rng", "repeat"):
            raise ArgumentError(
                "grid must have names of parameters other than rng and repeat, but had"
                f" {short(name)}"
            )
        axis = as_array(f"grid[{name!r}]", values)
        if axis.ndim != 1 or axis.size == 0 or axis.dtype.kind not in "biufU":
            raise ArgumentError(
                f"grid[{name!r}] must be numbers or strings, but was {short(values)}"
            )
        if len(np.unique(axis)) < len(axis) or (axis.dtype.kind == "f" and np.isnan(axis).any()):
            raise ArgumentError(f"grid[{name!r}] must be different values, but was {short(values)}")
        axes[name] = axis
    return axes


def _check_function(plan: Plan) -> None:
    if not callable(plan.function):
        raise ArgumentError(f"function must be callable, but was {short(plan.function)}")
    try:
        inspect.signature(plan.function).bind(rng=None, **_locate(plan, 0)[1])
    except (TypeError, ValueError) as error:
        call = ", ".join(f"{name}=..." for name in ("rng", *plan.axes))
        raise ArgumentError(f"function must be callable as function({call}): {error}") from None


def _describe(plan: Plan) -> dict[str, str]:
    """Return who made a result, as texts that a NetCDF file can hold."""
    function = _unwrap(plan.function)
    return {
        "function": f"{function.__module__}.{function.__qualname__}",
        "grid": json.dumps({name: axis.tolist() for name, axis in plan.axes.items()}),
        "repeats": str(plan.shape[-1]),
        "seed": str(plan.seed),
        "flux": __version__,
    }


def _unwrap(function: Callable[..., Any]) -> Any:
    while isinstance(function, partial):
        function = function.func
    return function if hasattr(function, "__qualname__") else type(function)


def _locate(plan: Plan, task: int) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Return a task's place in the plan, which is the key of its seed, and its parameters."""
    place = tuple(map(int, np.unravel_index(task, plan.shape)))
    values = zip(plan.axes.items(), place, strict=False)
    return place, {name: axis[i].item() for (name, axis), i in values}


def _run(plan: Plan, todo: NDArray[np.int64]) -> Generator[Record | Failure, None, None]:
    """Yield what becomes of each task, as it arrives from wherever joblib sends them."""
    import joblib

    if not len(todo):
        return
    # within joblib.parallel_config its choice counts, without any all cores
    chosen = joblib.parallel.get_active_backend()[1] or -1
    parallel = joblib.Parallel(n_jobs=chosen, return_as="generator_unordered", batch_size=1)
    workers = joblib.effective_n_jobs(chosen)
    size = 1

    def batches() -> Iterator[Any]:
        first = 0
        while first < len(todo):
            # smaller ones towards the end, so that all workers end together
            fair = -(-(len(todo) - first) // (4 * workers))
            last = first + min(size, max(fair, size // 10))
            # as bytes, since Dask would search a list for something of its own
            yield joblib.delayed(_call)(plan, todo[first:last].tobytes())
            first = last

    with closing(parallel(batches())) as arriving:
        for outcomes, seconds in arriving:
            enough = BATCH_SECONDS * len(outcomes) / max(seconds, 1e-9)
            size = max(1, min(int(enough), 10 * len(outcomes), LARGEST_BATCH))
            yield from outcomes


def _call(plan: Plan, todo: bytes) -> tuple[list[Record | Failure], float]:
    """Return what becomes of a batch of tasks, and how many seconds it took."""
    start = perf_counter()
    outcomes: list[Record | Failure] = []
    for task in np.frombuffer(todo, np.int64).tolist():
        place, point = _locate(plan, task)
        try:
            rng = np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=place))
            outcomes.append(_flatten(task, plan.function(rng=rng, **point)))
        except (Exception, SystemExit):  # an exit would end a worker, or the driver
            outcomes.append(Failure(task, {**point, "repeat": place[-1]}, format_exc()))
    return outcomes, perf_counter() - start


def _flatten(task: int, result: Any) -> Record:
    names = getattr(result, "_fields", ("result",))
    fields = result if hasattr(result, "_fields") else (result,)
    arrays = [check_floats(name, field) for name, field in zip(names, fields, strict=True)]
    layout = [[name, array.shape] for name, array in zip(names, arrays, strict=True)]
    return Record(task, json.dumps(layout), b"".join(array.tobytes() for array in arrays))


def _keep(results: Results, record: Record, plan: Plan) -> Results:
    layout, rows, done = results
    if not layout:
        layout = record.layout
        if taken := {"repeat", *plan.axes} & {name for name, _ in json.loads(layout)}:
            raise ArgumentError(f"function must return fields with names of their own, not {taken}")
        width = len(record.data) // 8
        size = 16.0 * len(rows) * width  # once more as the columns of the dataset
        check_memory(size, f"{len(rows)} results of {width} numbers", "return fewer numbers")
        rows = np.full((len(rows), width), np.nan)
    if record.layout != layout:
        place, point = _locate(plan, record.task)
        raise ArgumentError(
            f"function must return the same fields and shapes at every point, but returned"
            f" {record.layout} at {point}, repeat {place[-1]}, and {layout} before"
        )
    rows[record.task] = np.frombuffer(record.data)
    done[record.task] = True
    return Results(layout, rows, done)


def _warn_of_damage(damaged: list[int], store: str | PathLike[str]) -> None:
    if damaged:
        some = ", ".join(map(str, damaged[:10])) + (", ..." if len(damaged) > 10 else "")
        warnings.warn(
            f"store {str(store)!r} held {len(damaged)} damaged records, which are computed again:"
            f" tasks {some}",
            RuntimeWarning,
            stacklevel=3,
        )


def _make_dataset(results: Results, plan: Plan, attrs: dict[str, str]) -> Dataset:
    import xarray

    dims = (*plan.axes, "repeat")
    variables = {}
    column = 0
    for name, shape in json.loads(results.layout or "[]"):
        width = prod(shape)
        values = results.rows[:, column : column + width].reshape(*plan.shape, *shape)
        inner = [f"{name}_{axis}" for axis in range(len(shape))]
        variables[name] = ((*dims, *inner), np.ascontiguousarray(values))
        column += width
    coords = {**plan.axes, "repeat": np.arange(plan.shape[-1])}
    return xarray.Dataset(variables, coords, attrs)


def _report(failures: list[Failure], n_tasks: int, dataset: Dataset, on_error: str) -> None:
    parameters = ", ".join(f"{name}={value!r}" for name, value in failures[0].parameters.items())
    message = (
        f"{len(failures)} of {n_tasks} calls failed, the first of them at {parameters}:"
        f" {failures[0].traceback.splitlines()[-1]}"
    )
    if on_error == "raise":
        raise SweepError(f"{message} (see .failures, and .dataset for the rest)", dataset, failures)
    warnings.warn(message, RuntimeWarning, stacklevel=3)
