"""Warnings of too few samples: when they come, and whether their numbers are right."""

import warnings

import numpy as np
import pytest
from sample_recordings import network, sparse_recording, spins

from flux.exact.flux import exact_flux
from flux.model.ensembles import gaussian_weights
from flux.model.simulation import simulate
from flux.recordings.entropies import (
    FLUX_METHODS,
)
from flux.recordings.estimators import model_flux, sample_flux
from flux.recordings.intervals import sample_flux_interval

pytestmark = pytest.mark.filterwarnings("ignore:.*samples are few:UserWarning")


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.mark.filterwarnings("default")
def test_too_few_samples_warn_with_the_number_that_would_do(rng):
    W = gaussian_weights(6, rng=rng)
    x = simulate(W, 10**5, rng=rng, progress=False)
    with pytest.warns(
        UserWarning, match="1999 samples are few for the .* distinct pairs"
    ) as caught:
        sample_flux(x[:2000])
    assert caught[0].filename == __file__
    needed = float(str(caught[0].message).split("; about ")[1].split()[0])
    assert 2000 < needed < 10**5
    with pytest.warns(UserWarning, match="40 samples are few for the .* distinct states"):
        model_flux(W, x[:40])
    with pytest.warns(UserWarning, match="samples are few"):
        sample_flux_interval(x[:300], rng=rng, resamples=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sample_flux(x)
        model_flux(W, x)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("steps", [4, 9, 1000])
def test_a_recording_of_one_state_warns(steps):
    with pytest.warns(UserWarning, match="samples are few .* nothing is known of its flux"):
        assert sample_flux(np.ones((steps, 3), np.int8)) == (0.0, 0.0, 0.0)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("n", "on", "steps"), [(10, 0.5, 1000), (60, 0.03, 3000), (20, 0.03, 9999)]
)
def test_the_warning_says_how_large_the_error_is(rng, n, on, steps):
    # independent neurons: whatever counting finds is its error
    x = spins(rng, steps, n, on=on)
    with pytest.warns(UserWarning, match="samples are few") as caught:
        found = sample_flux(x).I
    said = float(str(caught[0].message).split("may be off by ")[1].split()[0])
    assert said == pytest.approx(found, rel=0.1)
    resolvable = float(str(caught[0].message).split("none above ")[1].split()[0])
    assert resolvable == pytest.approx(sample_flux(x).H - found, rel=0.1)


@pytest.mark.parametrize(
    ("n", "width"), [(4, 0.3), (6, 1.0), (8, 1.0), (8, 2.0), (5, None), (10, None), (20, None)]
)
def test_what_does_not_warn_is_within_a_tenth_of_a_bit(n, width):
    if width is None:
        W, b, x = sparse_recording("coupled", n, 10**6, 3)
    else:
        (W, x), b = network(n, 10**6, width=width), None
    I = exact_flux(W, b).I
    checked = 0
    for steps in (10**4, 10**5, 10**6):
        for method in FLUX_METHODS:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                estimate = sample_flux(x[:steps], method=method).I
            if not caught:
                checked += 1
                assert abs(estimate - I) < 0.1, (steps, method)
    assert checked > 6
