"""Flux against bin width: each entry is what the single functions give, and echoes are found."""

import warnings

import numpy as np
import pytest

from flux.recordings.bin_widths import flux_by_bin_width
from flux.recordings.intervals import sample_flux_interval
from flux.recordings.spike_trains import spike_trains


@pytest.fixture
def times():
    return np.sort(np.random.default_rng(1).random(600)) * 60


def test_each_entry_is_an_interval(times):
    trains = [times, times + 0.02]
    widths = [0.01, 0.02, 0.05]
    found = flux_by_bin_width(
        trains, widths, rng=np.random.default_rng(2), start=0.0, stop=60.0, resamples=40, level=0.9
    )
    rng = np.random.default_rng(2)
    for k, w in enumerate(widths):
        x = spike_trains(trains, bin_width=w, start=0.0, stop=60.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            one = sample_flux_interval(x, rng=rng, resamples=40, level=0.9)
        assert (found.lower[k], found.upper[k], found.flux[k]) == (*one[:2], one.estimate)
        assert (found.p_value[k], found.resolvable[k]) == (one.p_value, one.resolvable)
        assert found.steps[k] == len(x) == round(60 / w)
        assert found.firing[k] == (x > 0).mean()
        assert found.flux_per_second[k] == one.estimate / w
        assert found.lower_per_second[k] == one.lower / w
        assert found.upper_per_second[k] == one.upper / w


def test_most_is_found_at_the_delay_of_an_echo(times):
    widths = 0.02 * 2.0 ** np.arange(-3, 4)
    found = flux_by_bin_width(
        [times, times + 0.02],
        widths,
        rng=np.random.default_rng(1),
        method="chao-wang-jost",
        resamples=40,
    )
    assert widths[found.flux_per_second.argmax()] == 0.02
    # an echo of h2(p) bits is the most there could be
    p = 10 * 0.02
    assert found.lower[3] < -p * np.log2(p) - (1 - p) * np.log2(1 - p) < 1.3 * found.upper[3]
    # bins shorter than the delay miss it
    assert found.p_value[3] < 0.05 < found.p_value[0]


def test_warnings_are_kept_and_none_is_sent(times):
    found = flux_by_bin_width(
        [times + 0.1 * k for k in range(12)], [0.2], rng=np.random.default_rng(1), resamples=20
    )
    assert "samples are few for" in found.warnings[0]
    quiet = flux_by_bin_width([times], [0.05], rng=np.random.default_rng(1), resamples=20)
    assert quiet.warnings == ("",)


def test_rasters_and_samples(times):
    raster = spike_trains([times, times + 0.02], bin_width=0.01) > 0
    one, other = (
        flux_by_bin_width(data, [0.02], rng=np.random.default_rng(1), resamples=20, **more)
        for data, more in (
            (raster, {"row_width": 0.01}),
            (
                np.nonzero(raster)[0],
                {"ids": np.nonzero(raster)[1], "sampling_rate": 100.0, "start": 0.0},
            ),
        )
    )
    assert one.flux == pytest.approx(other.flux, abs=0.01)


def test_refuses(times):
    rng = np.random.default_rng(1)
    for widths in ([], [0.1, 0.0], [[0.1]], [np.nan]):
        with pytest.raises(ValueError, match=r"^widths must be a list of finite numbers above 0"):
            flux_by_bin_width([times], widths, rng=rng)
    with pytest.raises(ValueError, match=r"^widths must leave at least 9 bins, but 10 s left"):
        flux_by_bin_width([times], [0.1, 10.0], rng=rng, resamples=20)
