"""From spike recordings to spins: time bins in which a neuron fired are +1, the others -1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flux.states import Floats, Spins, check_memory, check_real, check_unmasked, short

_FARTHEST = 1e300


class _Trains(NamedTuple):
    """Spike times of each neuron, and the recorded time where the data says so, in seconds."""

    times: list[Floats]
    start: float | None
    stop: float | None


def spike_trains(
    data: Any,
    *,
    bin_width: float,
    start: float | None = None,
    stop: float | None = None,
    row_width: float = 1.0,
) -> Spins:
    """Turn spike times or a spike raster into spins that every estimator takes.

    Bin k reaches from start + k w up to, but without, start + (k + 1) w, w = `bin_width`, and
    x[k, i] = +1 if neuron i fired in it at least once, else -1.

    Parameters
    ----------
    data : list of 1-D arrays, mapping, or (rows, n) array
        One of:

        - spike times in seconds, one list or array a neuron, sorted or not; a neuron that never
          fires is an empty list and stays a neuron. A mapping gives one array a key, in the
          mapping's order: a pynapple ``TsGroup`` is one. Objects with units such as neo's
          ``SpikeTrain`` are converted to seconds; a neo ``Segment`` hands over its trains.
        - a raster of 0 and 1 (or False and True), each row `row_width` seconds, each column a
          neuron; a bin must be a whole number of rows.
    bin_width : float
        Length of a bin in seconds (of the rows of a raster, by default).
    start, stop : float, optional
        Recorded time in seconds; spikes outside are left out. By default what the data say of
        themselves (neo, pynapple, the rows of a raster), else from the first spike to the end
        of the bin that holds the last. A last bin that `stop` cuts short is left out.
    row_width : float
        Seconds that a row of a raster stands for.

    Returns
    -------
    (steps, n) int8
        Spins of -1 and +1.

    Raises
    ------
    ValueError
        If `data` is none of these, a spike time is not finite, a raster holds anything but 0
        and 1, or the recorded time is shorter than one bin.
    TooLargeError
        If the spins would not fit into memory.

    Notes
    -----
    A spike within a billionth of a bin of an edge belongs to the later bin, so that times that
    are multiples of the bin width in decimals are not torn apart by rounding. Wide bins hide
    repeated spikes, narrow ones leave few states with any spike: vary the width.

    References
    ----------
    Schneidman, Berry, Segev & Bialek (2006), Nature 440, 1007-1012, for spins from spikes.

    Examples
    --------
    >>> spike_trains([[0.1, 0.35], [], [0.2]], bin_width=0.1, start=0.0, stop=0.4)
    array([[-1, -1, -1],
           [ 1, -1, -1],
           [-1, -1,  1],
           [ 1, -1, -1]], dtype=int8)
    >>> spike_trains(np.array([[0, 1], [0, 0], [1, 0], [0, 0]]), bin_width=2)
    array([[-1,  1],
           [ 1, -1]], dtype=int8)
    """
    check_unmasked("data", data)
    width = check_real("bin_width", bin_width, np.finfo(float).tiny)
    row_width = check_real("row_width", row_width, np.finfo(float).tiny)
    limits = [
        None if limit is None else check_real(name, limit, -_FARTHEST)
        for name, limit in (("start", start), ("stop", stop))
    ]
    if getattr(data, "ndim", 1) != 1:
        trains = _from_raster(np.asarray(data), width, row_width)
    else:
        trains = _from_times(data)
    first = trains.start if limits[0] is None else limits[0]
    last = trains.stop if limits[1] is None else limits[1]

    fired = [train for train in trains.times if train.size]
    if (first is None or last is None) and not fired:
        raise ValueError("data holds no spike, so start and stop must both be given")
    if first is None:
        first = float(min(train.min() for train in fired))
    if last is None:
        whole = _bins(np.array([max(train.max() for train in fired)]), first, width)[0] + 1
    else:
        whole = _bins(np.array([last]), first, width)[0]
    if whole < 1:
        end = "" if last is None else f" to {last:g}"
        raise ValueError(
            f"stop must lie at least one bin_width = {width:g} after start,"
            f" but the recorded time went from {first:g}{end}"
        )
    check_memory(whole * len(trains.times), f"{whole:.3g} time bins", "use a larger bin_width")
    x = np.full((int(whole), len(trains.times)), -1, np.int8)
    for i, train in enumerate(trains.times):
        bins = _bins(train, first, width)
        x[bins[(bins >= 0) & (bins < whole)].astype(np.int64), i] = 1
    return x


def _bins(times: Floats, start: float, width: float) -> Floats:
    """Return the whole number of bins before each time; what is next to an edge is on it."""
    bins = (times - start) / width
    nearest = np.rint(bins)
    rounding = np.maximum(1e-9, 1e-15 * np.abs(bins))
    return np.asarray(np.where(np.abs(bins - nearest) < rounding, nearest, np.floor(bins)))


def _from_raster(raster: NDArray[Any], width: float, row_width: float) -> _Trains:
    if raster.ndim != 2 or 0 in raster.shape:
        raise ValueError(f"data must be a raster of shape (rows, n), but had shape {raster.shape}")
    if raster.dtype.kind not in "biuf" or not np.all((raster == 0) | (raster == 1)):
        raise ValueError("data must be a raster of 0 and 1, but held other values")
    rows = width / row_width
    if np.rint(rows) < 1 or abs(rows - np.rint(rows)) > 1e-9 * rows:
        raise ValueError(
            f"bin_width must be a whole number of rows of row_width = {row_width:g},"
            f" but was {width:g}"
        )
    # a spike in the middle of its row is never next to an edge
    times = [np.asarray((np.flatnonzero(column) + 0.5) * row_width) for column in raster.T]
    return _Trains(times, 0.0, raster.shape[0] * row_width)


def _from_times(data: Any) -> _Trains:
    """Read spike times; what knows its start and end is believed, of several the widest."""
    data = getattr(data, "spiketrains", data)
    support = getattr(data, "time_support", None)
    if isinstance(data, Mapping) or hasattr(data, "keys"):
        data = [data[key] for key in data.keys()]  # noqa: SIM118 (a TsGroup iterates differently)
    if isinstance(data, (str, bytes)) or not isinstance(data, Iterable):
        raise ValueError(
            "data must be spike times, a list with one array a neuron, or a raster (rows, n),"
            f" but was {short(data)}"
        )
    trains = list(data)
    if not trains:
        raise ValueError("data must hold at least one neuron, but was empty")
    times = [_seconds(train, i) for i, train in enumerate(trains)]
    if support is not None:
        start, stop = np.min(support.start), np.max(support.end)
        return _Trains(times, float(start), float(stop))
    if all(hasattr(train, "t_start") and hasattr(train, "t_stop") for train in trains):
        start = min(_in_seconds(train.t_start) for train in trains)
        return _Trains(times, float(start), float(max(_in_seconds(t.t_stop) for t in trains)))
    return _Trains(times, None, None)


def _in_seconds(quantity: Any) -> Any:
    rescale = getattr(quantity, "rescale", None)
    return quantity if rescale is None else rescale("s").magnitude


def _seconds(train: Any, i: int) -> Floats:
    """Return the spike times of neuron i from a list, an array, a neo or a pynapple object."""
    # pynapple keeps the times in .t
    values = getattr(train, "t", _in_seconds(train))
    try:
        times = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        times = np.empty(())
    if times.ndim != 1 or not np.all(np.isfinite(times)):
        raise ValueError(
            "data must hold a one-dimensional list of finite spike times for each neuron,"
            f" but for neuron {i} held {short(train)}"
        )
    return times
