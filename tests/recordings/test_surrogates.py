"""Surrogates: what each keeps, to the last spin, and what it destroys."""

import numpy as np
import pytest
from sample_recordings import coupled, network, spins

from flux.recordings.correlation import lagged_correlation
from flux.recordings.estimators import sample_flux
from flux.recordings.surrogates import jitter_spikes, shift_neurons, shuffle_trials

MAKERS = {
    "shift": shift_neurons,
    "trials": shuffle_trials,
    "jitter": lambda x, rng: jitter_spikes(x, 5, rng=rng),
}


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def off_diagonal(x):
    """Return the largest correlation between two neurons, at lag 0 or 1."""
    n = x.shape[-1]
    together = np.corrcoef(x.reshape(-1, n).T)[~np.eye(n, dtype=bool)]
    return max(np.abs(together).max(), np.abs(lagged_correlation(x)[~np.eye(n, dtype=bool)]).max())


@pytest.mark.parametrize("name", MAKERS)
def test_shape_rates_and_seed(name, rng):
    x = coupled(rng, 6, 42, 4)
    made = MAKERS[name](x, rng=np.random.default_rng(1))
    assert made.shape == x.shape
    assert made.dtype == np.int8
    assert np.array_equal(made.sum((0, 1)), x.sum((0, 1)))
    assert not np.array_equal(made, x)
    assert np.array_equal(made, MAKERS[name](x.astype(float), rng=np.random.default_rng(1)))
    if name != "trials":
        assert MAKERS[name](x[0], rng=rng).shape == x[0].shape


def test_shift_turns_each_trace_in_a_circle(rng):
    x = coupled(rng, 3, 50, 4)
    made = shift_neurons(x, rng=rng)
    shifts = []
    for k in range(3):
        for i in range(4):
            turned = [
                s for s in range(50) if np.array_equal(np.roll(x[k, :, i], -s), made[k, :, i])
            ]
            assert len(turned) == 1
            shifts += turned
    assert len(set(shifts)) > 6  # each has its own


def test_shifts_are_drawn_evenly_from_all(rng):
    x = np.array([[1], [-1], [-1], [-1]])
    places = [int(np.argmax(shift_neurons(x, rng=rng))) for _ in range(4000)]
    # 1000 each, within four standard deviations
    assert np.abs(np.bincount(places, minlength=4) - 1000).max() < 4 * 27.4


def test_flux_of_shifted_neurons_is_what_each_keeps_of_itself(rng):
    _, x = network(4, 200_000, width=1.5)
    own = sum(sample_flux(x[:, [i]]).I for i in range(4))
    shifted = sample_flux(shift_neurons(x, rng=rng)).I
    assert shifted == pytest.approx(own, abs=0.003)
    assert sample_flux(x).I > own + 0.2


def test_trials_are_dealt_out_whole(rng):
    x = coupled(rng, 30, 20, 3)
    made = shuffle_trials(x, rng=rng)
    places = []
    for i in range(3):
        before = [trial.tobytes() for trial in x[:, :, i]]
        after = [trial.tobytes() for trial in made[:, :, i]]
        assert sorted(before) == sorted(after)
        places.append([before.index(trial) for trial in after])
    # every neuron's own order; and the response to the stimulus stays
    assert places[0] != places[1] != places[2]
    assert np.array_equal(made.sum(0), x.sum(0))


def test_jitter_keeps_every_window_and_all_places_are_alike(rng):
    x = coupled(rng, 2, 23, 3)
    made = jitter_spikes(x, 5, rng=rng)
    edges = range(0, 23, 5)
    assert np.array_equal(np.add.reduceat(made, edges, axis=1), np.add.reduceat(x, edges, axis=1))
    one = np.array([[1], [-1], [-1], [-1]])
    places = [int(np.argmax(jitter_spikes(one, 4, rng=rng))) for _ in range(4000)]
    assert np.abs(np.bincount(places, minlength=4) - 1000).max() < 4 * 27.4
    # the last window is shorter, and is jittered as well
    last = [int(np.argmax(jitter_spikes(one[::-1], 3, rng=rng))) for _ in range(20)]
    assert set(last) == {3}
    pairs = [tuple(jitter_spikes(x[0], 12, rng=rng)[12:, 0]) for _ in range(20)]
    assert len(set(pairs)) > 1


def test_what_is_destroyed(rng):
    # a stimulus in common drives all from trial to trial alike; coupling comes on top
    drive = rng.random((1, 50, 3)) < np.linspace(0.1, 0.9, 50)[:, None]
    x = np.where(rng.random((400, 50, 3)) < 0.5, 2 * drive - 1, spins(rng, 400, 50, 3, on=0.3))
    x[..., 1:, 1] = x[..., :-1, 0]
    x = x.astype(np.int8)
    assert off_diagonal(x) > 0.9
    # shifts within trials: nothing is shared any more
    assert off_diagonal(shift_neurons(x, rng=rng)) < 0.03
    # other trials: what the stimulus makes common stays, to the last digit of its rates
    dealt = shuffle_trials(x, rng=rng)
    assert 0.1 < off_diagonal(dealt) < 0.5
    noise = dealt - dealt.mean(0)
    # 1/sqrt(20 000) is chance
    assert abs(np.corrcoef(noise[:, 1:, 1].ravel(), noise[:, :-1, 0].ravel())[0, 1]) < 0.03
    # jitter in windows of 10: what is slow stays, the step from neuron 0 to 1 is gone
    moved = jitter_spikes(x, 10, rng=rng)
    assert off_diagonal(moved) < 0.5
    rates = [part.reshape(400, 5, 10, 3).sum((0, 2)) for part in (x, moved)]
    assert np.array_equal(*rates)


def test_jitter_destroys_refractoriness_and_shift_keeps_it(rng):
    x = np.tile([[1], [-1], [-1], [-1], [-1]], (4000, 1))
    both = {"jitter": jitter_spikes(x, 10, rng=rng), "shift": shift_neurons(x, rng=rng)}
    together = {name: ((made[1:] == 1) & (made[:-1] == 1)).sum() for name, made in both.items()}
    assert together["shift"] == 0
    # two spikes in a window are neighbours with chance 1/5, two windows meet with chance 1/25
    assert abs(together["jitter"] - 2000 * (1 / 5 + 1 / 25)) < 80


def test_refuses(rng):
    with pytest.raises(ValueError, match=r"^x must have shape .* at least 2 chains"):
        shuffle_trials(spins(rng, 9, 2), rng=rng)
    with pytest.raises(ValueError, match=r"^x must have shape .* at least 2 chains"):
        shuffle_trials(spins(rng, 1, 9, 2), rng=rng)
    with pytest.raises(ValueError, match=r"^window must be an integer from 2 to 9"):
        jitter_spikes(spins(rng, 9, 2), 10, rng=rng)
    for maker in MAKERS.values():
        with pytest.raises(ValueError, match=r"^x must hold only spins"):
            maker(np.zeros((3, 9, 2), np.int8), rng=rng)
