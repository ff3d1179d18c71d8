"""What recordings are handed over as: other libraries, tables, rasters, and bad input."""

import neo
import numpy as np
import pandas as pd
import pynapple as nap
import pytest
import quantities as pq
import xarray as xr
from scipy import sparse

from flux.recordings.estimators import sample_flux
from flux.recordings.spike_trains import spike_trains

RASTER = np.array([[0, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 1], [1, 1, 0], [0, 0, 0]])
TIMES_IDS = [np.array([0.25, 0.5, 1.75, 2.5]), np.array([3, 1, 3, 1])]


def on(x):
    """Where the spins are +1, as (bin, neuron) pairs."""
    assert x.dtype == np.int8
    assert set(np.unique(x)) <= {-1, 1}
    return [tuple(place) for place in np.argwhere(x > 0).tolist()]


def neo_train(milliseconds, start, stop, dtype=float):
    return neo.SpikeTrain(np.array(milliseconds, dtype), stop, "ms", t_start=start)


def neo_segment(*trains):
    segment = neo.Segment()
    segment.spiketrains.extend(trains)
    return segment


def neo_block(*segments):
    block = neo.Block()
    block.segments.extend(segments)
    return block


def test_mapping_and_arrays():
    trains = [np.array([0.1]), np.array([1.5])]
    x = spike_trains(trains, bin_width=1, start=0, stop=2)
    assert np.array_equal(
        spike_trains({"a": trains[0], "b": trains[1]}, bin_width=1, start=0, stop=2), x
    )
    ragged = np.empty(2, object)
    ragged[:] = trains
    assert np.array_equal(spike_trains(ragged, bin_width=1, start=0, stop=2), x)
    assert np.array_equal(spike_trains(iter(trains), bin_width=1, start=0, stop=2), x)


def test_neo_trains_keep_their_unit_and_their_time():
    trains = [neo_train([100, 350], 0, 500), neo_train([], 0, 500), neo_train([200], 0, 500)]
    x = spike_trains(trains, bin_width=0.1)
    assert len(x) == 5
    assert on(x) == [(1, 0), (2, 2), (3, 0)]
    segment = neo_segment(*trains)
    assert np.array_equal(spike_trains(segment, bin_width=0.1), x)
    assert np.array_equal(spike_trains(neo_block(segment), bin_width=0.1), x)
    assert len(spike_trains(trains, bin_width=0.1, stop=0.3)) == 3
    whole = [neo_train(train.magnitude, 0, 500, int) for train in trains]
    assert np.array_equal(spike_trains(whole, bin_width=0.1), x)
    ids, times = segment.spiketrains.multiplexed
    assert on(spike_trains(times, ids=ids, bin_width=0.1, start=0)) == [(1, 0), (2, 1), (3, 0)]


def test_neo_trains_with_different_windows_are_cut_to_the_common_one():
    trains = [neo_train([100, 350], 0, 500), neo_train([250, 650], 200, 700)]
    x = spike_trains(trains, bin_width=0.1)
    assert len(x) == 3
    assert on(x) == [(0, 1), (1, 0)]
    # what only one of them recorded may not be asked for, from either side
    for limits in ({"start": 0.0}, {"stop": 0.7}, {"start": 0.6}, {"start": 0.1, "stop": 0.5}):
        with pytest.raises(ValueError, match=r"start and stop must lie inside .*0.2 to 0.5 s"):
            spike_trains(trains, bin_width=0.1, **limits)
    apart = [neo_train([100], 0, 200), neo_train([400], 300, 500)]
    with pytest.raises(ValueError, match="data must hold trains recorded at the same time"):
        spike_trains(apart, bin_width=0.1)


def test_segments_are_not_laid_over_one_another():
    block = neo_block(neo_segment(neo_train([100], 0, 500)), neo_segment(neo_train([300], 0, 500)))
    with pytest.raises(ValueError, match=r"data must be one .* Block of 2 segments: call once"):
        spike_trains(block, bin_width=0.1)
    trains = [train for segment in block.segments for train in segment.spiketrains]
    with pytest.raises(ValueError, match=r"data must be one .* several segments: call once"):
        spike_trains(trains, bin_width=0.1)
    x = np.stack([spike_trains(segment, bin_width=0.1) for segment in block.segments])
    assert x.shape == (2, 5, 1)
    assert on(x[0]) + on(x[1]) == [(1, 0), (3, 0)]


def test_pynapple_group_gives_its_neurons_and_its_time():
    support = nap.IntervalSet(0.0, 1.0)
    group = nap.TsGroup(
        {7: nap.Ts(np.array([0.2, 0.35])), 3: nap.Ts(np.array([0.1, 0.12]))}, time_support=support
    )
    x = spike_trains(group, bin_width=0.1)
    assert x.shape == (10, 2)
    assert on(x) == [(1, 0), (2, 1), (3, 1)]
    trains = [nap.Ts(train.t, time_support=support) for train in group.values()]
    assert np.array_equal(spike_trains(trains, bin_width=0.1), x)
    assert np.array_equal(spike_trains(group, bin_width=0.1, start=0.3, stop=0.7), x[3:7])
    with pytest.raises(ValueError, match="start and stop must lie inside"):
        spike_trains(group, bin_width=0.1, stop=2.0)


def test_a_support_that_pynapple_made_up_says_nothing():
    trains = {0: nap.Ts(np.array([0.1, 0.35])), 1: nap.Ts(np.array([0.2, 0.25, 0.3]))}
    for data in (nap.TsGroup(trains), trains, [*trains.values(), nap.Ts(np.array([]))]):
        x = spike_trains(data, bin_width=0.1, start=0.0, stop=0.6)
        assert len(x) == 6
        assert on(x) == [(1, 0), (2, 1), (3, 0), (3, 1)]
        assert len(spike_trains(data, bin_width=0.1)) == 3


def test_epochs_of_single_trains_are_intersected():
    windows = [nap.IntervalSet([0, 4], [2, 8]), nap.IntervalSet([1, 5], [3, 6])]
    trains = [nap.Ts(np.array([1.5, 5.5]), time_support=window) for window in windows]
    with pytest.raises(ValueError, match=r"2 epochs \(1 to 2, 5 to 6 s\)"):
        spike_trains(trains, bin_width=0.5)
    assert on(spike_trains(trains, bin_width=0.5, start=5)) == [(1, 0), (1, 1)]


def test_times_with_ids():
    times, ids = np.array([0.35, 0.1, 0.2, 0.3]), np.array([9, 4, 4, 9])
    x = spike_trains(times, ids=ids, bin_width=0.1, start=0)
    assert on(x) == [(1, 0), (2, 0), (3, 1)]
    column = times[:, None], ids[:, None].astype(float)
    for t, i in (
        column,
        (times.tolist(), ["b", "a", "a", "b"]),
        (pd.Series(times), pd.Series(ids)),
    ):
        assert np.array_equal(spike_trains(t, ids=i, bin_width=0.1, start=0), x)
    milliseconds = pq.Quantity(1000 * times, "ms")
    assert np.array_equal(spike_trains(milliseconds, ids=ids, bin_width=0.1, start=0), x)
    samples = (1000 * times).astype(np.uint64)
    y = spike_trains(samples, ids=ids, sampling_rate=1000, bin_width=0.1, start=0)
    assert np.array_equal(y, x)
    # merged units may fire twice in one sample, which is no sign of a mistake here
    assert len(spike_trains([1.0, 1.0, 2.0, 3.0], ids=[0, 0, 1, 1], bin_width=1)) == 3


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_time_differences_are_seconds(unit):
    times = np.array([0, 2, 3]) * np.timedelta64(1, "s").astype(f"m8[{unit}]")
    assert on(spike_trains([times], bin_width=1)) == [(0, 0), (2, 0), (3, 0)]
    assert on(spike_trains(times, ids=[1, 2, 1], bin_width=1)) == [(0, 0), (2, 1), (3, 0)]
    assert len(spike_trains([pd.Series(times)], bin_width=1)) == 4


def test_arrays_of_pandas_and_xarray_are_read_by_their_values():
    trains = [np.array([0.1, 0.7]), np.array([1.5])]
    expected = spike_trains(trains, bin_width=1, start=0, stop=2)
    with_coordinate = [xr.DataArray(t, dims="t", coords={"t": t + 100}) for t in trains]
    masked = [np.ma.masked_array(t, np.zeros(t.shape)) for t in trains]
    for data in (with_coordinate, masked, [pd.Series(t) for t in trains], pd.Series(trains)):
        assert np.array_equal(spike_trains(data, bin_width=1, start=0, stop=2), expected)
    raster = np.array([[0, 1], [1, 0], [0, 0]])
    for data in (pd.DataFrame(raster), xr.DataArray(raster), np.ma.masked_array(raster)):
        assert np.array_equal(spike_trains(data, bin_width=1), 2 * raster - 1)


def test_a_raster_that_may_be_transposed():
    raster = np.zeros((3, 20), int)
    with pytest.warns(UserWarning, match="3 rows of time and 20 neurons: .* pass data.T"):
        spike_trains(raster, bin_width=1)
    with pytest.warns(UserWarning, match="pass data.T"):
        spike_trains(xr.DataArray(raster.T, dims=("unit", "time")), bin_width=1)
    with pytest.warns(UserWarning, match="3 steps of 20 neurons: .* pass x.T"):
        sample_flux(2 * raster - 1)
    with pytest.warns(UserWarning, match=r"pass x.transpose\(0, 2, 1\)"):
        sample_flux(2 * raster[None] - 1)


@pytest.mark.parametrize(
    ("data", "change", "message"),
    [
        ([[0.1]], {"bin_width": 0}, "bin_width must be"),
        ([[0.1]], {"bin_width": -1}, "bin_width must be"),
        ([[0.1]], {"bin_width": np.nan}, "bin_width must be"),
        ([[0.1]], {"start": np.inf}, "start must be"),
        ([[0.1]], {"stop": "late"}, "stop must be"),
        ([[0.1]], {"start": 1.0, "stop": 1.5}, "stop must lie at least one bin_width"),
        ([[0.1]], {"start": 5.0}, "stop must lie at least one bin_width"),
        ([[0.1, np.nan]], {}, "data must hold .* for neuron 0"),
        ([[], [np.inf]], {}, "data must hold .* for neuron 1"),
        ([["a"]], {}, "data must hold"),
        ([0.1, 0.2], {}, "data must hold a one-dimensional list .* for neuron 0 held 0.1"),
        (np.array([0.1, 0.2]), {}, "data must hold a one-dimensional list"),
        ([], {}, "data must hold at least one neuron"),
        ([[], []], {}, "data holds no spike"),
        ([[], []], {"start": 0}, "data holds no spike"),
        ("spikes", {}, "data must be spike times"),
        (3.0, {}, "data must be spike times"),
        (None, {}, "data must be spike times"),
        (np.zeros((2, 2, 2)), {}, "data must be a raster of shape"),
        (np.zeros((0, 2)), {}, "data must be a raster of shape"),
        (np.full((4, 2), 2), {}, "data must be a raster of 0 and 1"),
        (np.full((4, 2), -1), {}, "data must be a raster of 0 and 1"),
        (np.full((4, 2), np.nan), {}, "data must be a raster of 0 and 1"),
        (np.full((4, 2), "x"), {}, "data must be a raster of 0 and 1"),
        (np.zeros((4, 2)), {"bin_width": 1.5}, "bin_width must be a whole number of rows"),
        (np.zeros((4, 2)), {"bin_width": 0.4}, "bin_width must be a whole number of rows"),
        (np.zeros((4, 2)), {"row_width": 0}, "row_width must be"),
        (np.zeros((4, 2)), {"bin_width": 5}, "stop must lie"),
        # rasters and spins as lists
        (RASTER.tolist(), {}, "data must be spike times, but .* np.array"),
        (RASTER.T.tolist(), {}, "data must be spike times, but .* np.array"),
        ((2 * RASTER - 1).tolist(), {}, "data must be spike times, but .* np.array"),
        ((3 * RASTER).tolist(), {}, "data must be spike times, but .* np.array"),
        ([[0, 1, 0, 0, 1]], {}, "data must be spike times, but .* np.array"),
        (list(RASTER.astype(bool)), {}, "data must hold .* a raster is one array"),
        (RASTER.astype(bool).tolist(), {}, "data must hold .* a raster is one array"),
        (3 * RASTER, {}, "data must be a raster of 0 and 1.* data > 0"),
        (sparse.csr_array(RASTER), {}, r"data must be a raster.* data.toarray\(\)"),
        (nap.TsdFrame(t=np.arange(6.0), d=RASTER), {}, "data must be a raster.* data.values"),
        (np.ma.masked_equal(RASTER, 1), {}, "data must have no masked entries"),
        (pq.Quantity(RASTER, "mV"), {}, "data has a unit"),
        (RASTER, {"sampling_rate": 10}, "sampling_rate goes with spike times"),
        # times beside ids
        (TIMES_IDS, {}, "data must be spike times, but .* ids=ids"),
        (tuple(TIMES_IDS), {}, "data must be spike times, but .* ids=ids"),
        ({"times": TIMES_IDS[0], "ids": TIMES_IDS[1]}, {}, "data must be .* ids=ids"),
        (np.array(TIMES_IDS), {}, "data must be a raster.* ids=ids"),
        (TIMES_IDS[0], {}, "data must hold .* needs ids"),
        (TIMES_IDS[0], {"ids": [1, 2]}, r"data and ids must be .* \(4,\) and \(2,\)"),
        (TIMES_IDS, {"ids": [1, 2]}, "data and ids must be"),
        ([], {"ids": []}, "data and ids must be"),
        (TIMES_IDS[1], {"ids": TIMES_IDS[0]}, "ids must be whole numbers or names"),
        (TIMES_IDS[0], {"ids": [True, False, True, True]}, "ids must be whole"),
        (
            TIMES_IDS[0],
            {"ids": np.ma.masked_equal([1, 2, 1, 1], 2)},
            "ids must have no masked entries",
        ),
        # samples
        ([[1, 2]], {"bin_width": 0.5}, "data holds integers, .* give sampling_rate"),
        (TIMES_IDS[1], {"ids": TIMES_IDS[1], "bin_width": 0.1}, "data holds integers"),
        ([[0.25]], {"sampling_rate": 10}, "data must hold whole numbers .* neuron 0"),
        ([[2.0**54]], {"sampling_rate": 10}, "data must hold whole numbers"),
        ([[2**63]], {"sampling_rate": 10}, "data must hold whole numbers"),
        ([["a"]], {"sampling_rate": 10}, "data must hold whole numbers"),
        ([[1], [np.nan]], {"sampling_rate": 10}, "data must hold whole numbers .* neuron 1"),
        ([neo_train([100], 0, 500)], {"sampling_rate": 10}, "data must hold whole numbers"),
        ([nap.Ts(np.arange(9.0))], {"sampling_rate": 10}, "data must hold whole numbers"),
        ([np.array([1], "m8[s]")], {"sampling_rate": 10}, "data must hold whole numbers"),
        ([[1]], {"sampling_rate": 0}, "sampling_rate must be"),
        ([[1, 5]], {"sampling_rate": 30, "bin_width": 0.01}, "bin_width must be .* one sample"),
        ([[1]], {"sampling_rate": "30k"}, "sampling_rate must be"),
        # what is no number of seconds
        ([np.array([0.5 + 1j])], {}, "data must hold .* for neuron 0"),
        ([np.array(["2026-01-01"], "M8[ms]")], {}, "data must hold seconds, .* held dates"),
        ([pd.Series(pd.to_datetime(["2026-01-01"]))], {}, "data must hold seconds, .* dates"),
        ([np.array([1], "m8[M]")], {}, "data must hold .* for neuron 0"),
        ([np.array([1, "NaT"], "m8[s]")], {}, "data must hold .* for neuron 0"),
        ([np.ma.masked_equal([0.5, 1.5], 0.5)], {}, r"data\[0\] must have no masked entries"),
        ([pq.Quantity([1.0], "mV")], {}, "data must hold .* for neuron 0"),
        ([xr.DataArray([1.0], attrs={"units": "ms"})], {}, r"data\[0\] has a unit"),
        ([pd.Series([0.5, None])], {}, "data must hold .* for neuron 0"),
        ([[[0.5]]], {}, "data must hold .* for neuron 0"),
        ([[0.5, [1.0]]], {}, "data must hold .* for neuron 0"),
        (neo.Segment(), {}, "data must hold at least one neuron"),
        (neo.Block(), {}, "data must be one recording"),
    ],
)
def test_spike_trains_rejects(data, change, message):
    with pytest.raises(ValueError, match=message):
        spike_trains(data, **{"bin_width": 1.0, **change})
