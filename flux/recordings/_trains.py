"""What recordings are handed over as: lists, tables, rasters, and objects of other libraries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from flux._base.checks import check_unmasked, short
from flux._base.errors import ArgumentError
from flux._base.types import Codes, Floats
from flux._base.warn import warn

DOUBLE, SINGLE = (float(np.finfo(dtype).eps) for dtype in (np.float64, np.float32))
"""Relative precision of float64 and float32."""


class Trains(NamedTuple):
    """What was recorded. A tick is a second, or a sample or row; these are integers and exact."""

    times: list[NDArray[Any]]
    tick: float
    # (m, 2), from and to, in ticks; None where the data do not say
    epochs: Floats | None
    # relative precision: of the type that the times have, and of that which they seem to have had
    precision: float = 0.0
    suspected: float = 0.0


def read_trains(
    data: Any, ids: ArrayLike | None, rate: float | None, bin_width: float, row_width: float
) -> Trains:
    """Find out what `data` are and read them, or raise a ValueError that says what they may be."""
    if hasattr(data, "segments"):
        if len(data.segments) != 1:
            raise ArgumentError(
                f"data must be one recording, but was a Block of {len(data.segments)} segments:"
                " call once for each of data.segments"
            )
        data = data.segments[0]
    data = getattr(data, "spiketrains", data)
    if ids is not None:
        data = _split(data, ids)
    elif getattr(data, "ndim", 1) != 1:
        if rate is not None:
            raise ArgumentError(
                f"sampling_rate goes with spike times, but was {rate:g} with a raster: give"
                " row_width, or ids if data are the times of all neurons"
            )
        return _from_raster(data, bin_width, row_width)
    recorded = [data] if hasattr(data, "time_support") else None
    if isinstance(data, Mapping) or hasattr(data, "keys"):
        data = [data[key] for key in data.keys()]  # noqa: SIM118 (a TsGroup iterates differently)
    if isinstance(data, (str, bytes)) or not isinstance(data, Iterable):
        raise ArgumentError(
            "data must be spike times, a list with one array a neuron, or a raster (rows, n),"
            f" but was {short(data)}"
        )
    trains = list(data)
    if not trains:
        raise ArgumentError("data must hold at least one neuron, but was empty")
    if len({id(train.segment) for train in trains if getattr(train, "segment", None)}) > 1:
        raise ArgumentError(
            "data must be one recording, but held trains of several segments: call once for each"
        )
    if rate is None:
        result = _from_seconds(trains, recorded or trains, bin_width)
    else:
        result = Trains([_samples(train, i) for i, train in enumerate(trains)], 1 / rate, None)
    if ids is None:
        _refuse_tables(result.times)
    return result


def _from_raster(data: Any, width: float, row_width: float) -> Trains:
    if sparse.issparse(data) or hasattr(data, "time_support"):
        instead = "toarray()" if sparse.issparse(data) else "values, one epoch at a time"
        raise ArgumentError(f"data must be a raster in a plain array: pass data.{instead}")
    raster = _plain("data", data)
    if raster.ndim != 2 or 0 in raster.shape:
        raise ArgumentError(
            f"data must be a raster of shape (rows, n), but had shape {raster.shape}"
        )
    if raster.dtype.kind not in "biuf" or not np.all((raster == 0) | (raster == 1)):
        raise ArgumentError(
            "data must be a raster of 0 and 1, but held other values: pass counts as data > 0,"
            " and spike times with the neuron of each as spike_trains(times, ids=ids)"
        )
    rows = width / row_width
    if np.rint(rows) < 1 or abs(rows - np.rint(rows)) > 1e-9 * rows:
        raise ArgumentError(
            f"bin_width must be a whole number of rows of row_width = {row_width:g},"
            f" but was {width:g}"
        )
    if raster.shape[0] < raster.shape[1] or {"t", "time"} & set(getattr(data, "dims", ())[1:]):
        warn(
            f"data of shape {raster.shape} is read as {raster.shape[0]} rows of time and"
            f" {raster.shape[1]} neurons: if it is the other way round, pass data.T"
        )
    epochs = np.array([[0.0, raster.shape[0]]])
    return Trains([np.flatnonzero(column) for column in raster.T], row_width, epochs)


def _split(times: Any, ids: ArrayLike) -> list[Any]:
    """Return the times of each neuron from those of all, in the order of the sorted ids."""
    names = _plain("ids", ids)
    values = times if hasattr(times, "rescale") else _plain("data", times)
    # Kilosort keeps columns
    names, values = (a[:, 0] if a.ndim == 2 and a.shape[1] == 1 else a for a in (names, values))
    if values.ndim != 1 or names.shape != values.shape or not len(names):
        raise ArgumentError(
            "data and ids must be two arrays of one length, a time and a neuron for each spike,"
            f" but had shapes {values.shape} and {names.shape}"
        )
    is_whole = names.dtype.kind == "f" and np.all(names == np.rint(names))
    if names.dtype.kind not in "iuU" and not is_whole:
        raise ArgumentError(f"ids must be whole numbers or names, but was {short(ids)}")
    which = np.unique(names, return_inverse=True)[1]
    order = np.argsort(which, kind="stable")
    ends = np.cumsum(np.bincount(which)).tolist()
    return [values[order[a:b]] for a, b in pairwise([0, *ends])]


def _samples(train: Any, i: int) -> Codes:
    """Return the sample numbers of neuron i; they stay integers."""
    knows_its_unit = hasattr(train, "time_support") or hasattr(train, "rescale")
    samples = np.empty(()) if knows_its_unit else _plain(f"data[{i}]", train)
    is_number = samples.ndim == 1 and samples.dtype.kind in "iuf"
    # from there on a float has lost whole numbers
    limit = 2.0**53 if samples.dtype.kind == "f" else 2.0**62
    if not (is_number and np.all(np.abs(samples) < limit) and np.all(samples == np.rint(samples))):
        raise ArgumentError(
            "data must hold whole numbers of samples if sampling_rate is given, but for neuron"
            f" {i} held {short(train)}: times in seconds need no sampling_rate"
        )
    return samples.astype(np.int64)


def _from_seconds(trains: list[Any], recorded: list[Any], bin_width: float) -> Trains:
    """Read times in seconds, or with a unit; only time that all have recorded counts."""
    read = [_seconds(train, i) for i, train in enumerate(trains)]
    times = [seconds for seconds, _ in read]
    stored = [values for _, values in read if values.size]
    if stored and bin_width < 1 and all(values.dtype.kind in "iu" for values in stored):
        raise ArgumentError(
            "data holds integers, which without sampling_rate are whole seconds, but bin_width ="
            f" {bin_width:g} s is shorter: give sampling_rate, or seconds as floats"
        )
    kinds = [values.dtype for values in stored if values.dtype.kind == "f"]
    precision = max([DOUBLE, *(float(np.finfo(kind).eps) for kind in kinds)])
    suspected = SINGLE if stored and all(map(_was_single, stored)) else precision
    whose = times if len(recorded) == len(times) else [np.concatenate(times)]
    windows = [_epochs(one, own) for one, own in zip(recorded, whose, strict=True)]
    known = [epochs for epochs in windows if epochs is not None]
    common = reduce(_common, known) if known else None
    if common is not None and not len(common):
        raise ArgumentError(
            "data must hold trains recorded at the same time, but no time was common"
        )
    return Trains(times, 1.0, common, precision, max(precision, suspected))


def _seconds(train: Any, i: int) -> tuple[Floats, NDArray[Any]]:
    """Return the times of neuron i in seconds, and the numbers that they were stored as."""
    # pynapple keeps the times in .t
    train = train.t if hasattr(train, "time_support") and hasattr(train, "t") else train
    has_unit = hasattr(train, "rescale")
    stored = np.asarray(train.magnitude) if has_unit else _plain(f"data[{i}]", train)
    seconds = np.empty(())
    try:
        if has_unit:
            seconds, stored = np.asarray(train.rescale("s").magnitude, np.float64), stored * 1.0
        elif stored.dtype.kind == "m":
            seconds = stored = np.asarray(stored / np.timedelta64(1, "s"), np.float64)
        elif stored.dtype.kind in "iuf" or not stored.size:
            seconds = stored.astype(np.float64)
    except (TypeError, ValueError):
        # a unit that is no time; a timedelta64 of months: refused below
        pass
    if stored.dtype.kind == "M":
        raise ArgumentError(
            f"data must hold seconds, but for neuron {i} held dates: subtract the start of the"
            " recording"
        )
    if seconds.ndim != 1 or not np.all(np.isfinite(seconds)):
        raise ArgumentError(
            "data must hold a one-dimensional list of finite spike times for each neuron, but for"
            f" neuron {i} held {short(train)}: one array with the times of all neurons"
            " needs ids, and a raster is one array of shape (rows, n)"
        )
    return seconds, stored


def _plain(name: str, values: Any) -> NDArray[Any]:
    """Return an array of numbers, or of anything else but objects that hold them in their way."""
    check_unmasked(name, values)
    if hasattr(values, "units") or hasattr(values, "to_value") or hasattr(values, "rescale"):
        raise ArgumentError(
            f"{name} has a unit, but must be plain numbers here: convert to seconds"
        )
    try:
        array = np.asarray(values)
        return np.asarray(array.tolist()) if array.dtype == object else array
    except (TypeError, ValueError):
        return np.empty(())


def _was_single(times: NDArray[Any]) -> bool:
    """Tell whether all float64 times fit into float32, as they do if they came from there."""
    if times.dtype != np.float64:
        return False
    with np.errstate(over="ignore"):
        return bool(np.all(times.astype(np.float32) == times) and np.any(times != np.rint(times)))


def _refuse_tables(times: list[NDArray[Any]]) -> None:
    """Raise a ValueError if the trains are the rows of a raster, or times beside ids."""
    # of three spins two are equal, while doublets of merged neurons are few
    alike = len(times) > 1 and len({train.size for train in times}) == 1
    allowed = 0.7 if alike else 1.0 if all(np.all(np.abs(t) <= 1) for t in times) else 0.0
    for i, train in enumerate(times if allowed else []):
        # beyond, float32 has nothing but whole numbers
        is_whole = np.all(np.abs(train) < 2**23) and np.all(train == np.rint(train))
        if is_whole and np.unique(train).size < allowed * train.size:
            raise ArgumentError(
                f"data must be spike times, but neuron {i} would fire many times at one moment:"
                " pass a raster as one array, np.array(data), and times with the neuron of each"
                " as spike_trains(times, ids=ids)"
            )


def _epochs(recorded: Any, times: Floats) -> Floats | None:
    """Return from when to when an object says it was recorded, or None."""
    if hasattr(recorded, "time_support"):
        support = recorded.time_support
        epochs = np.column_stack([support.start, support.end]).astype(np.float64)
        # where none is given, pynapple takes first to last spike, which says nothing
        made_up = times.size and np.array_equal(epochs, [[times.min(), times.max()]])
        return None if made_up or not len(epochs) else epochs
    if hasattr(recorded, "t_start") and hasattr(recorded, "t_stop"):
        ends = (recorded.t_start, recorded.t_stop)
        return np.array([[float(end.rescale("s").magnitude) for end in ends]])
    return None


def _common(a: Floats, b: Floats) -> Floats:
    """Return the time that lies in epochs of both."""
    if np.array_equal(a, b):
        return a
    start = np.maximum.outer(a[:, 0], b[:, 0])
    stop = np.minimum.outer(a[:, 1], b[:, 1])
    return np.column_stack([start[start < stop], stop[start < stop]])
