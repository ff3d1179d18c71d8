"""Spikes to spins: bins by hand, rasters, objects of other libraries, and bad input."""

import warnings

import neo
import numpy as np
import pandas as pd
import pynapple as nap
import pytest
import quantities as pq
import xarray as xr
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import sparse

from flux.recordings.estimators import sample_flux
from flux.recordings.spike_trains import spike_trains

SECOND = 30_000
RASTER = np.array([[0, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 1], [1, 1, 0], [0, 0, 0]])
TIMES_IDS = [np.array([0.25, 0.5, 1.75, 2.5]), np.array([3, 1, 3, 1])]


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


def on(x):
    """Where the spins are +1, as (bin, neuron) pairs."""
    assert x.dtype == np.int8
    assert set(np.unique(x)) <= {-1, 1}
    return [tuple(place) for place in np.argwhere(x > 0).tolist()]


def test_bins_by_hand():
    # bins [1, 1.5), [1.5, 2), [2, 2.5); what is before 1 or from 2.5 on is outside
    x = spike_trains([[0.9, 1.0, 1.2], [], [1.5, 2.49, 2.5]], bin_width=0.5, start=1, stop=2.5)
    assert x.shape == (3, 3)
    assert on(x) == [(0, 0), (1, 2), (2, 2)]


def test_limits_from_the_spikes():
    # first bin at the first spike, last bin around the last
    x = spike_trains([[3.2, 4.7], [3.9]], bin_width=0.5)
    assert on(x) == [(0, 0), (1, 1), (3, 0)]
    assert len(x) == 4
    assert len(spike_trains([[3.0, 4.0]], bin_width=0.5)) == 3


def test_a_last_bin_cut_short_is_left_out():
    x = spike_trains([[0.1, 0.95]], bin_width=0.3, start=0, stop=1)
    assert on(x) == [(0, 0)]
    assert len(x) == 3


@pytest.mark.parametrize("width", [0.1, 0.001, 0.003, 1 / 3])
def test_times_on_the_edges_are_not_torn_apart(width):
    times = np.arange(100_000) * width
    for start in (0.0, 17 * width):
        x = spike_trains([times[17:]], bin_width=width, start=start, stop=times[-1] + width)
        assert np.all(x[-len(times[17:]) :] == 1)
        assert len(x) == 100_000 - round(start / width)


@given(
    st.lists(st.lists(st.floats(-5, 15), max_size=8), min_size=1, max_size=4),
    st.sampled_from([0.25, 0.5, 2.0]),
)
def test_a_bin_is_on_if_a_spike_is_inside(trains, width):
    trains = [[t for t in train if abs(t / width - round(t / width)) > 1e-6] for train in trains]
    x = spike_trains(trains, bin_width=width, start=0, stop=10)
    for i, train in enumerate(trains):
        for k in range(len(x)):
            assert (x[k, i] == 1) == any(k * width <= t < (k + 1) * width for t in train)
    shuffled = [train[::-1] for train in trains]
    assert np.array_equal(spike_trains(shuffled, bin_width=width, start=0, stop=10), x)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_raster(dtype):
    rng = np.random.default_rng(1)
    raster = (rng.random((23, 4)) < 0.2).astype(dtype)
    one = spike_trains(raster, bin_width=1)
    assert np.array_equal(one, 2 * raster.astype(int) - 1)
    # five whole bins of four rows, three rows are left over
    four = spike_trains(raster, bin_width=4)
    assert np.array_equal(four > 0, raster[:20].astype(bool).reshape(5, 4, 4).any(1))
    # the same rows in milliseconds
    assert np.array_equal(spike_trains(raster, bin_width=0.004, row_width=0.001), four)
    assert np.array_equal(spike_trains(raster, bin_width=4, start=4, stop=12), four[1:3])


def test_silent_neurons_are_kept():
    assert spike_trains([[], [0.5], []], bin_width=1, start=0, stop=2).shape == (2, 3)
    assert np.all(spike_trains([[], []], bin_width=1, start=0, stop=2) == -1)
    assert np.all(spike_trains(np.zeros((4, 2)), bin_width=2) == -1)


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


def test_spins_go_straight_into_the_estimators():
    # neuron 1 fires half a second after neuron 0
    first = np.arange(0, 1000, 1.0) + 0.1
    x = spike_trains([first, first + 0.5], bin_width=0.5, start=0, stop=1000)
    assert sample_flux(x) == pytest.approx((1.0, 1.0, 0.0), abs=1e-3)


# ------------------------------------------------------- what was recorded, and when


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


def test_time_between_trials_is_not_silence():
    # the second neuron follows the first one bin later, in trials of one second
    rng = np.random.default_rng(3)
    first = 0.01 * np.flatnonzero(rng.random(100_000) < 0.5) + 0.005
    group = nap.TsGroup(
        {0: nap.Ts(first), 1: nap.Ts(first + 0.01)}, time_support=nap.IntervalSet(0, 1001)
    )
    trials = nap.IntervalSet(np.arange(0, 1000, 5.0), np.arange(0, 1000, 5.0) + 1)
    restricted = group.restrict(trials)
    with pytest.raises(
        ValueError, match=r"data must be .* 200 epochs \(0 to 1, .* and 197 more s\)"
    ):
        spike_trains(restricted, bin_width=0.01)
    with pytest.raises(ValueError, match="start and stop must lie inside one epoch"):
        spike_trains(restricted, bin_width=0.01, start=0, stop=1000)
    with pytest.raises(ValueError, match="start and stop must lie inside one epoch"):
        spike_trains(restricted, bin_width=0.01, start=2, stop=3)
    x = np.stack(
        [
            spike_trains(restricted, bin_width=0.01, start=a, stop=b)
            for a, b in zip(trials.start, trials.end, strict=True)
        ]
    )
    assert x.shape == (200, 100, 2)
    assert sample_flux(x).I == pytest.approx(1.0, abs=0.01)
    # one end is enough to choose an epoch
    assert np.array_equal(spike_trains(restricted, bin_width=0.01, start=5.0), x[1])
    assert np.array_equal(spike_trains(restricted, bin_width=0.01, stop=6.0), x[1])


def test_epochs_of_single_trains_are_intersected():
    windows = [nap.IntervalSet([0, 4], [2, 8]), nap.IntervalSet([1, 5], [3, 6])]
    trains = [nap.Ts(np.array([1.5, 5.5]), time_support=window) for window in windows]
    with pytest.raises(ValueError, match=r"2 epochs \(1 to 2, 5 to 6 s\)"):
        spike_trains(trains, bin_width=0.5)
    assert on(spike_trains(trains, bin_width=0.5, start=5)) == [(1, 0), (1, 1)]


def test_a_raster_ends_with_its_rows():
    raster = np.zeros((10, 2))
    for limits in ({"start": -1}, {"stop": 11}, {"start": 10}):
        with pytest.raises(ValueError, match=r"start and stop must lie inside .* \(0 to 0.1 s\)"):
            spike_trains(
                raster,
                bin_width=0.01,
                row_width=0.01,
                **{name: 0.01 * rows for name, rows in limits.items()},
            )


# ------------------------------------------------------------------- rounded times


def by_samples(samples, start, width, n_bins):
    """Bins by integer arithmetic."""
    x = np.full((n_bins, len(samples)), -1, np.int8)
    for i, train in enumerate(samples):
        bins = (train.astype(object) - start) // width
        x[bins.astype(int), i] = 1
    return x


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("width", [1, 3, 30, 60, 300, 3000])
@pytest.mark.parametrize("start", [-20, 0, 7200, 36_000, 86_400, 1_000_000, 1_700_000_000])
def test_bins_are_those_of_integer_arithmetic_or_a_warning_says_why_not(start, width, dtype):
    rng = np.random.default_rng(start % 97 + width)
    first = start * SECOND
    n_bins = 20 * SECOND // width
    samples = [first + np.sort(rng.choice(20 * SECOND, 5000, replace=False)) for _ in range(2)]
    # half of the spikes right on an edge
    samples = [np.union1d(train[::2], train[1::2] // width * width) for train in samples]
    expected = by_samples(samples, first, width, n_bins)
    limits = {"bin_width": width / SECOND, "start": start, "stop": start + 20}
    for times in (
        [(train / SECOND).astype(dtype) for train in samples],
        [dtype(start) + (train - first).astype(dtype) * dtype(1 / SECOND) for train in samples],
    ):
        precision = 3 * np.finfo(dtype).eps * max(abs(start), abs(start + 20))
        if precision > width / SECOND / 2:
            with pytest.raises(ValueError, match="bin_width must be longer than the rounding"):
                spike_trains(times, **limits)
            continue
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            x = spike_trains(times, **limits)
        assert {warning.filename for warning in caught} <= {__file__}
        if caught:
            assert "rounding may move spikes into the wrong bin" in str(caught[0].message)
        else:
            assert np.array_equal(x, expected)
        # no needless warning: doubles tell 30 kHz apart at any start, in bins of 1 ms and more
        assert dtype is np.float32 or width < 30 or not caught
        assert dtype is np.float32 or np.array_equal(x, expected)
    exact = spike_trains(samples, sampling_rate=SECOND, **limits)
    assert np.array_equal(exact, expected)


@given(
    st.integers(-(10**10), 10**10),
    st.sampled_from([1, 7, 30, 300, 2**14]),
    st.sets(st.integers(1, 10**6), min_size=1, max_size=20),
    st.sampled_from([1000, 24_414, 30_000, 32_768, 10**9]),
)
@example(1_700_000_000 * 10**9, 10**6, {1, 999_999, 10**6}, 10**9)
def test_samples_stay_integers(first, width, offsets, rate):
    samples = [np.array([first, *(first + k for k in offsets)])]
    x = spike_trains(samples, sampling_rate=rate, bin_width=width / rate)
    assert np.array_equal(x, by_samples(samples, first, width, max(offsets) // width + 1))


@pytest.mark.parametrize("start", [0.0, 7200.0, 36_000.0, 86_400.0, 1e6, 1.7e9])
def test_a_late_start_tears_no_spike_from_its_edge(start):
    k = np.sort(np.random.default_rng(0).choice(20_000, 8000, replace=False))
    trains = [start + k * 1e-3, start + (k + 1) * 1e-3]
    x = spike_trains(trains, bin_width=1e-3, start=start, stop=start + 20)
    assert np.array_equal(x[1:, 1], x[:-1, 0])
    assert sample_flux(x).I == pytest.approx(0.97, abs=0.003)


def test_times_stored_in_float32_are_not_torn_while_they_tell_bins_apart():
    k = np.sort(np.random.default_rng(0).choice(20_000, 8000, replace=False))
    times = (3600 + k * 0.02).astype(np.float32)
    with pytest.warns(UserWarning, match="in float32 are known to 0.0014 s only, 0.072 of a bin"):
        x = spike_trains([times], bin_width=0.02, start=3600, stop=4000)
    assert np.array_equal(np.flatnonzero(x[:, 0] == 1), k)
    # neo turns them into doubles, but not into precise ones
    with (
        pytest.warns(UserWarning, match="in float32"),
        pytest.warns(UserWarning, match="before an edge"),
    ):
        spike_trains([times.astype(float)], bin_width=0.02)
    with pytest.raises(ValueError, match=r"bin_width must be longer .* sampling_rate"):
        spike_trains([times], bin_width=0.002)


def test_digits_lost_before_are_noticed():
    k = np.sort(np.random.default_rng(0).choice(20_000, 8000, replace=False))
    late = (1.7e9 + k * 1e-3) - 1.7e9
    rounded = np.round(k / SECOND, 6)
    for times, width in ((late, 1e-3), (rounded, 1 / 3000)):
        with pytest.warns(UserWarning, match="of 8000 spikes lie less than .* before an edge"):
            spike_trains([times], bin_width=width, start=0)
    # an hour's worth of digits is not missed
    x = spike_trains([(36_000 + k * 1e-3) - 36_000], bin_width=1e-3, start=0, stop=20)
    assert np.array_equal(np.flatnonzero(x[:, 0] == 1), k)


# ------------------------------------------------------- times of all neurons and ids


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


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64, float])
def test_zeros_and_ones_are_shown_the_way_to_spins(dtype):
    x = (np.arange(600).reshape(200, 3) % 5 < 2).astype(dtype)
    with pytest.raises(ValueError, match=r"x must hold only spins .* with 2 \* x.* - 1$") as caught:
        sample_flux(x)
    spins = eval(str(caught.value).split(" with ")[-1])
    assert sample_flux(spins) == sample_flux(spike_trains(x, bin_width=1))


# ------------------------------------------------------------------------ bad input


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


def test_too_many_bins():
    with pytest.raises(MemoryError, match="bin_width"):
        spike_trains([[0.0, 1e7]], bin_width=1e-5)


def test_errors_are_short():
    with pytest.raises(ValueError, match="data must hold") as caught:
        spike_trains([["a"] * 10**5], bin_width=1)
    assert len(str(caught.value)) < 500
