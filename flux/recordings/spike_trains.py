"""From spike recordings to spins: time bins in which a neuron fired are +1, the others -1."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flux._base.checks import check_real
from flux._base.errors import ArgumentError
from flux._base.memory import check_memory
from flux._base.types import Floats, Spins
from flux._base.warn import warn
from flux.recordings._trains import DOUBLE, SINGLE, Trains, read_trains

_SIZEABLE = 0.002
"""Part of a bin by which rounding may move a spike before the user is told."""


class _Grid(NamedTuple):
    """Bin k begins at first + k width; a spike less than `slack` before that is in it (ticks)."""

    first: float
    width: float
    slack: float

    def bins(self, times: NDArray[Any]) -> Floats:
        """Return the whole number of bins before each time."""
        places = self.places(times)
        nearest = np.rint(places)
        slack = self.slack / self.width + 4 * DOUBLE * np.abs(places)
        return np.asarray(np.where(np.abs(places - nearest) <= slack, nearest, np.floor(places)))

    def places(self, times: NDArray[Any]) -> Floats:
        """Return the time before each spike in bins."""
        # samples are subtracted as integers, since numbers above 2**53 do not fit a float
        is_exact = times.dtype.kind == "i" and abs(self.first) < 2**62
        whole = math.floor(self.first) if is_exact else self.first
        return np.asarray((times - whole - (self.first - whole)) / self.width)


def spike_trains(
    data: Any,
    *,
    bin_width: float,
    ids: ArrayLike | None = None,
    sampling_rate: float | None = None,
    start: float | None = None,
    stop: float | None = None,
    row_width: float = 1.0,
) -> Spins:
    """Turn spike times or a spike raster into spins that every estimator takes.

    Bin k reaches from start + k w up to, but without, start + (k + 1) w, w = `bin_width`, and
    x[k, i] = +1 if neuron i fired in it at least once, else -1.

    Parameters
    ----------
    data : list of 1-D arrays, mapping, 1-D array with `ids`, or (rows, n) array
        One of:

        - spike times in seconds, one list or array a neuron, sorted or not; a neuron that never
          fires is an empty list and stays a neuron. A mapping gives one array a key, in the
          mapping's order: a pynapple ``TsGroup`` is one. A neo ``Segment`` hands over its
          trains. Times with a unit (neo, quantities) and ``timedelta64`` become seconds.
        - the spike times of all neurons in one array, as Kilosort, Brian2 and NWB keep them,
          with `ids`.
        - a raster of 0 and 1 (or False and True), each row `row_width` seconds, each column a
          neuron; a bin must be a whole number of rows.
    bin_width : float
        Length of a bin in seconds (of the rows of a raster, by default).
    ids : 1-D array of int or str, optional
        The neuron of each spike. Column i is the neuron ``np.unique(ids)[i]``.
    sampling_rate : float, optional
        Samples a second, if the times are whole numbers of samples. They stay integers: nothing
        is rounded, however long ago the clock was started.
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
        and 1, `start` or `stop` lies where nothing was recorded, they do not choose one of
        several epochs, the recorded time is shorter than one bin, or the times are rounded to
        more than half a bin.
    TooLargeError
        If the spins would not fit into memory.

    Warns
    -----
    UserWarning
        If rounding may put a sizeable part of the spikes into the wrong bin, or if a raster has
        more columns than rows.

    Notes
    -----
    Times that were rounded may lie just before the edge they belong to. So a spike belongs to
    the later bin if it comes less than a nanosecond before the edge, or less than three times
    the precision of the largest time in the type in which the times are stored: 5 ps for an
    hour in float64, 1 ms for an hour in float32.

    Time that was not observed is not silence. Trains with different windows are cut to the
    time that all were recorded. Where that falls into several epochs, such as trials, `start`
    and `stop` must choose one; call once an epoch, and ``np.stack`` epochs of one length to
    get the chains that the estimators take.

    Wide bins hide repeated spikes, narrow ones leave few states with any spike: vary the width.

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

    Sample numbers of three spikes at 30 kHz, the second by neuron 7, the others by neuron 4:

    >>> spike_trains([30, 75, 119], ids=[4, 7, 4], sampling_rate=30_000, bin_width=0.001)
    array([[ 1, -1],
           [-1,  1],
           [ 1, -1]], dtype=int8)
    """
    bin_width = check_real("bin_width", bin_width, np.finfo(float).tiny)
    row_width = check_real("row_width", row_width, np.finfo(float).tiny)
    if sampling_rate is not None:
        sampling_rate = check_real("sampling_rate", sampling_rate, np.finfo(float).tiny)
    start, stop = (
        None if limit is None else check_real(name, limit, -1e300)
        for name, limit in (("start", start), ("stop", stop))
    )
    trains = read_trains(data, ids, sampling_rate, bin_width, row_width)
    width = _in_ticks(bin_width, trains)
    if not trains.precision and width < 1:
        raise ArgumentError(
            f"bin_width must be at least one sample of {trains.tick:g} s, but was {bin_width:g} s"
        )
    first, last = _observed(trains, start, stop)
    fired = [train for train in trains.times if train.size]
    if (first is None or last is None) and not fired:
        raise ArgumentError("data holds no spike, so start and stop must both be given")
    if first is None:
        first = min(train.min().item() for train in fired)
    grid = _Grid(first, width, _slack(trains, first, last, width))

    # without a stop, the bin of the last spike is the last bin
    end = max(train.max().item() for train in fired) if last is None else last
    whole = grid.bins(np.array([end]))[0] + (last is None)
    if whole < 1:
        raise ArgumentError(
            f"stop must lie at least one bin_width = {bin_width:g} after start, but the recorded"
            f" time went from {first * trains.tick:.10g} to {end * trains.tick:.10g}"
        )
    check_memory(whole * len(trains.times), f"{whole:.3g} time bins", "use a larger bin_width")
    _warn_if_torn(trains, grid)
    x = np.full((int(whole), len(trains.times)), -1, np.int8)
    for i, train in enumerate(trains.times):
        bins = grid.bins(train)
        x[bins[(bins >= 0) & (bins < whole)].astype(np.int64), i] = 1
    return x


def _in_ticks(seconds: float, trains: Trains) -> float:
    ticks = seconds / trains.tick
    nearest = float(np.rint(ticks))
    is_whole = nearest != 0 and abs(ticks - nearest) <= 1e-9 + 4 * DOUBLE * abs(ticks)
    return nearest if is_whole and not trains.precision else ticks


def _observed(
    trains: Trains, start: float | None, stop: float | None
) -> tuple[float | None, float | None]:
    """Return start and stop in ticks, where not given those of the one epoch that was meant."""
    first, last = (None if limit is None else _in_ticks(limit, trains) for limit in (start, stop))
    if trains.epochs is None:
        return first, last
    slack = 1e-9 + 4 * DOUBLE * np.abs(trains.epochs).max()
    meant = [
        (a if first is None else first, b if last is None else last)
        for a, b in trains.epochs.tolist()
        if (first is None or a - slack <= first < b) and (last is None or a < last <= b + slack)
    ]
    if len(meant) == 1:
        return meant[0]
    listed = [f"{a:.10g} to {b:.10g}" for a, b in (trains.epochs * trains.tick).tolist()]
    recorded = ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")
    if meant:
        raise ArgumentError(
            f"data must be recorded without gaps, but has {len(listed)} epochs ({recorded} s):"
            " choose one by start and stop; np.stack the spins of epochs of one length to get"
            " chains"
        )
    raise ArgumentError(
        f"start and stop must lie inside one epoch of recorded time ({recorded} s), but were"
        f" {start} and {stop}: what was not recorded is not silence"
    )


def _slack(trains: Trains, first: float, last: float | None, width: float) -> float:
    """Return how far before its bin rounding may put a spike; warn if that is far."""
    ends = [abs(first), abs(last or 0.0)]
    largest = max(*ends, *(float(np.abs(train).max()) for train in trains.times if train.size))
    # the number of the first sample is exact, a start in seconds is rounded to a sample or worse
    given = 0.0 if isinstance(first, int) else abs(first)
    slack = 3 * max(trains.precision * largest, DOUBLE * given)
    if not trains.precision and slack < 0.5:
        slack = 0.0
    known = max(slack, 3 * trains.suspected * largest)
    if known > _SIZEABLE * width:
        text = (
            f"times of up to {largest * trains.tick:.10g} s"
            f"{' in float32' if trains.suspected == SINGLE else ''} are known to"
            f" {known * trains.tick:.2g} s only, {known / width:.2g} of a bin of"
            f" {width * trains.tick:g} s: pass whole numbers of samples with sampling_rate, or"
            " subtract the start of the recording before the times are rounded"
        )
        if slack > width / 2:
            raise ArgumentError(f"bin_width must be longer than the rounding of data, but {text}")
        warn(f"rounding may move spikes into the wrong bin: {text}")
    return max(slack, min(1e-9, width / 1000)) if trains.precision else slack


def _warn_if_torn(trains: Trains, grid: _Grid) -> None:
    """Warn if many spikes lie just before an edge, as they do if their times lost digits."""
    gaps = [1.0 - np.mod(grid.places(train), 1.0) for train in trains.times if trains.precision]
    before = sum(int(np.sum((gap > grid.slack / grid.width) & (gap < 0.001))) for gap in gaps)
    spikes = sum(gap.size for gap in gaps)
    if before >= 10 and before > 0.01 * spikes:
        warn(
            f"{before} of {spikes} spikes lie less than a thousandth of a bin before an edge: if"
            " their times lost digits on the way, they are in the wrong bin; pass whole numbers"
            " of samples with sampling_rate"
        )
