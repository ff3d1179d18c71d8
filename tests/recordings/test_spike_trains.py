"""Spikes to spins: bins by hand, rasters, recorded time, and rounded times."""

import warnings

import numpy as np
import pynapple as nap
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flux.recordings.estimators import sample_flux
from flux.recordings.spike_trains import spike_trains

SECOND = 30_000


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


def test_spins_go_straight_into_the_estimators():
    # neuron 1 fires half a second after neuron 0
    first = np.arange(0, 1000, 1.0) + 0.1
    x = spike_trains([first, first + 0.5], bin_width=0.5, start=0, stop=1000)
    assert sample_flux(x) == pytest.approx((1.0, 1.0, 0.0), abs=1e-3)


# ------------------------------------------------------- what was recorded, and when


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


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64, float])
def test_zeros_and_ones_are_shown_the_way_to_spins(dtype):
    x = (np.arange(600).reshape(200, 3) % 5 < 2).astype(dtype)
    with pytest.raises(ValueError, match=r"x must hold only spins .* with 2 \* x.* - 1$") as caught:
        sample_flux(x)
    spins = eval(str(caught.value).split(" with ")[-1])
    assert sample_flux(spins) == sample_flux(spike_trains(x, bin_width=1))


# ------------------------------------------------------------------------ bad input


def test_too_many_bins():
    with pytest.raises(MemoryError, match="bin_width"):
        spike_trains([[0.0, 1e7]], bin_width=1e-5)


def test_errors_are_short():
    with pytest.raises(ValueError, match="data must hold") as caught:
        spike_trains([["a"] * 10**5], bin_width=1)
    assert len(str(caught.value)) < 500
