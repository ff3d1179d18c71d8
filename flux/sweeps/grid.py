"""A function of many parameters, over a grid, in parallel, and resumable."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from math import prod
from os import PathLike
from time import perf_counter
from traceback import format_exc
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flux._base.checks import as_array, check_choice, check_count, check_floats, short
from flux._base.errors import ArgumentError, FluxError
from flux._base.installed import __version__
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.types import Floats
from flux._base.warn import warn
from flux.sweeps._fingerprint import fingerprint
from flux.sweeps._store import Failure, Place, Record, open_store, read_records, write

if TYPE_CHECKING:
    from xarray import Dataset

BATCH_SECONDS = 0.2
"""Duration of the batches in which short calls travel; longer calls travel alone."""
LARGEST_BATCH = 1000
"""Calls of a batch at most, so that memory stays flat."""
OnError = Literal["raise", "nan"]
ON_ERROR = get_args(OnError)
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
    """The calls of a sweep, one a place of `shape`: the axes' sizes, then the repeats."""

    function: Callable[..., Any]
    axes: dict[str, NDArray[Any]]
    shape: tuple[int, ...]
    seed: int | None


class Results(NamedTuple):
    """What is known: a row of numbers for each place, as `layout` describes it."""

    layout: str
    rows: Floats
    done: NDArray[np.bool_]


def sweep(
    function: Callable[..., Any],
    grid: Mapping[str, ArrayLike],
    *,
    repeats: int,
    seed: int | None,
    store: str | PathLike[str] | None = None,
    progress: bool = True,
    on_error: OnError = "raise",
) -> Dataset:
    """Return what a function gives at each point of a grid, `repeats` times, in parallel.

    Each call ``function(rng=rng, **point)`` has a generator of its own, spawned from `seed` at the
    point's place in the grid: equation :eq:`eq-phases-seed` of the book. So results depend neither
    on the order of the calls nor on where they run. They run in as many processes as the machine
    has cores, or wherever joblib is told to: inside ``with joblib.parallel_config("dask")`` the
    same call runs on a cluster.

    With a `store`, each result is on disk as soon as it arrives here. A sweep that was killed or
    interrupted goes on from there when it is called again, with the same result as if nothing had
    happened. With more repeats, or more values behind those of an axis, the store grows: what it
    holds is kept, to the bit, and only the rest is computed. Results are checked for damage when
    they are read, and computed again where needed.
    Where a process of joblib's own dies (Dask replaces its workers), joblib's error ends the sweep,
    and the store goes on from there, too.

    Parameters
    ----------
    function : callable
        Returns a number, an array, or a NamedTuple or dict of these, real and of the same shape at
        every point. Fields and keys become variables; otherwise the variable is "result".
    grid : dict of str to (values,) array
        Values of each parameter: different numbers or strings; every combination is a point.
    repeats : int
        Calls at each point, at least 1.
    seed : int or None
        Seed of all random numbers, from 0 to 2**128 - 1. None if the function draws none, or has
        seeds of its own on an axis of the grid: it is then called without ``rng``, once a point.
    store : path, optional
        SQLite file for results, made if there is none. It belongs to one sweep: function, grid
        (which may grow), seed, versions of flux and Python. The function counts with all that it
        captures: code, default and bound arguments, closures, and the globals, helpers and modules
        of one's own that its code names. Only what it reads from files and the versions of
        installed packages do not count.
    progress : bool
        Whether work of more than two seconds shows a progress bar.
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
        If an argument is out of its range, if results differ in shape, or if the function captures
        what cannot be compared, such as an open file, with a store.
    StoreError
        If the store holds another sweep, is damaged as a whole, is open in another process, or
        cannot be written.
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
    if seed is not None:
        seed = check_count("seed", seed, 0, 2**128 - 1)
    elif repeats > 1:
        raise ArgumentError(f"repeats must be 1 without a seed, but was {repeats}: give a seed")
    check_choice("on_error", on_error, ON_ERROR)
    plan = Plan(function, axes, (*map(len, axes.values()), repeats), seed)
    _check_function(plan)
    n_calls = prod(plan.shape)
    check_memory(24.0 * n_calls, f"a sweep of {n_calls} calls", "split the grid, or lower repeats")

    about = _describe(plan)
    date = datetime.now(UTC).isoformat(timespec="seconds")
    results = Results("", np.empty((*plan.shape, 0)), np.zeros(plan.shape, bool))
    failures = []
    with ExitStack() as stack:
        records = None
        if store is not None:
            identity = about | {"python": PYTHON, "fingerprint": fingerprint(function)}
            # any number of repeats may be in it
            del identity["repeats"]
            records, date = stack.enter_context(open_store(store, identity, date))
            damaged = []
            for record in read_records(records):
                if isinstance(record, str):
                    damaged.append(record)
                elif all(i < size for i, size in zip(record.place, plan.shape, strict=True)):
                    results = _keep(results, record, plan)
            _warn_of_damage(damaged, store)
        todo = np.flatnonzero(~results.done).astype(np.int64)
        done = n_calls - len(todo)
        bar = progress_bar("sweep", n_calls, unit="call", show=progress, initial=done)
        stack.enter_context(bar)
        for outcome in stack.enter_context(closing(_run(plan, todo))):
            bar.update()
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                results = _keep(results, outcome, plan)
            if records is not None:
                write(records, outcome)
    dataset = _make_dataset(results, plan, about | {"date": date, "failed": str(len(failures))})
    if failures:
        failures.sort(key=lambda failure: failure.place)
        _report(failures, n_calls, dataset, on_error)
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
    arguments = [*plan.axes] if plan.seed is None else ["rng", *plan.axes]
    try:
        inspect.signature(plan.function).bind(**dict.fromkeys(arguments))
    except (TypeError, ValueError) as error:
        call = f"function({', '.join(f'{name}=...' for name in arguments)})"
        why = ", without rng as there is no seed" if plan.seed is None else ""
        raise ArgumentError(f"function must be callable as {call}{why}: {error}") from None


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


def _point(plan: Plan, place: Place) -> dict[str, Any]:
    """Return the parameters at a place."""
    values = zip(plan.axes.items(), place, strict=False)
    return {name: axis[i].item() for (name, axis), i in values}


def _run(plan: Plan, todo: NDArray[np.int64]) -> Generator[Record | Failure, None, None]:
    """Yield what becomes of each call, as it arrives from wherever joblib sends them."""
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
    """Return what becomes of a batch of calls, and how many seconds it took."""
    start = perf_counter()
    outcomes: list[Record | Failure] = []
    for place in np.transpose(np.unravel_index(np.frombuffer(todo, np.int64), plan.shape)).tolist():
        point = _point(plan, place)
        arguments = dict(point)
        if plan.seed is not None:
            # by place and not by number, so that growing the grid changes no seed
            own = np.random.SeedSequence(plan.seed, spawn_key=place)
            arguments["rng"] = np.random.default_rng(own)
        try:
            outcomes.append(_flatten(tuple(place), plan.function(**arguments)))
        except (Exception, SystemExit):  # an exit would end a worker, or the driver
            outcomes.append(Failure(tuple(place), {**point, "repeat": place[-1]}, format_exc()))
    return outcomes, perf_counter() - start


def _flatten(place: Place, result: Any) -> Record:
    fields = result._asdict() if hasattr(result, "_asdict") else result
    if not isinstance(fields, Mapping):
        fields = {"result": fields}
    arrays = {name: check_floats(name, value) for name, value in fields.items()}
    layout = json.dumps([[name, array.shape] for name, array in arrays.items()])
    return Record(place, layout, b"".join(array.tobytes() for array in arrays.values()))


def _keep(results: Results, record: Record, plan: Plan) -> Results:
    layout, rows, done = results
    if not layout:
        layout = record.layout
        fields = json.loads(layout)
        if not fields or not all(isinstance(name, str) and name for name, _ in fields):
            raise ArgumentError(f"function must return at least one result, by names, not {layout}")
        names = [part for name, shape in fields for part in (name, *_inner(name, shape))]
        names += [*plan.axes, "repeat"]
        if taken := {name for name in names if names.count(name) > 1}:
            raise ArgumentError(f"function must return fields with names of their own, not {taken}")
        width = len(record.data) // 8
        size = 16.0 * done.size * width  # once more as the columns of the dataset
        check_memory(size, f"{done.size} results of {width} numbers", "return fewer numbers")
        rows = np.full((*done.shape, width), np.nan)
    if record.layout != layout:
        raise ArgumentError(
            f"function must return the same fields and shapes at every point, but returned"
            f" {record.layout} at {_point(plan, record.place)}, repeat {record.place[-1]}, and"
            f" {layout} before"
        )
    rows[record.place] = np.frombuffer(record.data)
    done[record.place] = True
    return Results(layout, rows, done)


def _inner(name: str, shape: list[int]) -> list[str]:
    """Return what the axes of a result are called."""
    return [f"{name}_{axis}" for axis in range(len(shape))]


def _warn_of_damage(damaged: list[str], store: str | PathLike[str]) -> None:
    if damaged:
        some = "; ".join(damaged[:10]) + ("; ..." if len(damaged) > 10 else "")
        warn(
            f"store {str(store)!r} held {len(damaged)} damaged records, which are computed again,"
            f" at {some}",
            RuntimeWarning,
        )


def _make_dataset(results: Results, plan: Plan, attrs: dict[str, str]) -> Dataset:
    import xarray

    dims = (*plan.axes, "repeat")
    variables = {}
    column = 0
    for name, shape in json.loads(results.layout or "[]"):
        width = prod(shape)
        values = results.rows[..., column : column + width].reshape(*plan.shape, *shape)
        variables[name] = ((*dims, *_inner(name, shape)), np.ascontiguousarray(values))
        column += width
    coords = {**plan.axes, "repeat": np.arange(plan.shape[-1])}
    return xarray.Dataset(variables, coords, attrs)


def _report(failures: list[Failure], n_calls: int, dataset: Dataset, on_error: str) -> None:
    parameters = ", ".join(f"{name}={value!r}" for name, value in failures[0].parameters.items())
    message = (
        f"{len(failures)} of {n_calls} calls failed, the first of them at {parameters}:"
        f" {failures[0].traceback.splitlines()[-1]}"
    )
    if on_error == "raise":
        raise SweepError(f"{message} (see .failures, and .dataset for the rest)", dataset, failures)
    warn(message, RuntimeWarning)
