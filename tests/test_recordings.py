"""Spikes to spins: bins by hand, rasters, objects of other libraries, and bad input."""

from collections import UserDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux.estimators import sample_flux
from flux.recordings import spike_trains


class Seconds:
    """Stands for a quantity with a unit, as neo and quantities have it; kept in milliseconds."""

    def __init__(self, milliseconds):
        self.milliseconds = np.asarray(milliseconds, float)

    def rescale(self, unit):
        assert unit == "s"
        return type("Rescaled", (), {"magnitude": self.milliseconds / 1000})()

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("the unit was ignored")


class NeoTrain(Seconds):
    """A neo.SpikeTrain."""

    def __init__(self, milliseconds, t_start, t_stop):
        super().__init__(milliseconds)
        self.t_start, self.t_stop = Seconds(t_start), Seconds(t_stop)


class Ts:
    """A pynapple.Ts."""

    def __init__(self, t):
        self.t = np.asarray(t)


class TsGroup(UserDict):
    """A pynapple.TsGroup; iterating over one gives its keys."""

    def __init__(self, trains, start, end):
        super().__init__(trains)
        epochs = {"start": np.asarray(start), "end": np.asarray(end)}
        self.time_support = type("IntervalSet", (), epochs)()


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


def test_neo_trains_keep_their_unit_and_their_time():
    trains = [NeoTrain([100, 350], 0, 500), NeoTrain([], 0, 500), NeoTrain([200], 0, 500)]
    x = spike_trains(trains, bin_width=0.1)
    assert len(x) == 5
    assert on(x) == [(1, 0), (2, 2), (3, 0)]
    segment = type("Segment", (), {"spiketrains": trains})()
    assert np.array_equal(spike_trains(segment, bin_width=0.1), x)
    assert len(spike_trains(trains, bin_width=0.1, stop=0.3)) == 3


def test_pynapple_group_gives_its_neurons_and_its_time():
    group = TsGroup({7: Ts([0.1, 0.35]), 3: Ts([])}, start=[0.0, 0.5], end=[0.4, 1.0])
    x = spike_trains(group, bin_width=0.1)
    assert x.shape == (10, 2)
    assert on(x) == [(1, 0), (3, 0)]


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
    ],
)
def test_spike_trains_rejects(data, change, message):
    with pytest.raises(ValueError, match=message):
        spike_trains(data, **{"bin_width": 1.0, **change})


def test_too_many_bins():
    with pytest.raises(MemoryError, match="bin_width"):
        spike_trains([[0.0, 1e6]], bin_width=1e-12)
