"""Gradient ascent: known optima under every bound, what no run may violate, and its ends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flux
from flux.search import gradient_ascent as ascent

NORMS = ascent.NORMS


def make_rng(seed=1):
    return np.random.default_rng(seed)


def rooks_flux(n, w):
    return n * (1 - float(flux.binary_entropy(1 / (1 + np.exp(-w)))))


# best known flux under a bound on every weight: the larger one for w below about 3 is a rank-one or
# full matrix, and N-rooks are best for two neurons from w = 3 on
ENTRY = {
    (2, 0.5): 0.169,
    (2, 1.0): 0.542,
    (2, 2.0): 0.976,
    (2, 3.0): 1.449,
    (2, 5.0): 1.884,
    (3, 1.0): 0.956,
    (3, 2.0): 1.768,
    (3, 3.0): 2.373,
    (4, 1.0): 1.455,
    (4, 2.0): 2.711,
    (4, 3.0): 3.172,
}


@pytest.mark.parametrize(("n", "w"), ENTRY)
def test_entry_bound_reaches_the_best_known_flux(n, w):
    start = 0.3 * make_rng(3).standard_normal((n, n)).clip(-1, 1)
    found = flux.ascend(start, bound=w, starts=30, rng=make_rng(4), progress=False)
    assert found.I == pytest.approx(ENTRY[n, w], abs=6e-4)
    assert np.abs(found.W).max() <= w


@pytest.mark.parametrize(("n", "w"), [(2, 1.0), (3, 0.5), (3, 5.0), (4, 2.0), (5, 3.0)])
def test_l1_bound_reaches_the_rooks_and_never_more(n, w):
    start = np.zeros((n, n))
    found = flux.ascend(start, bound=w, norm="l1", starts=12, rng=make_rng(5), progress=False)
    limit = rooks_flux(n, w)
    assert np.all(found.runs.I <= limit + 1e-12)
    assert found.I == pytest.approx(limit, abs=1e-7)
    assert flux.rookness(found.W) > 0.999


@pytest.mark.parametrize("norm", NORMS)
def test_maximum_is_stationary_under_its_bound(norm):
    """No small allowed change does better, by more than its square."""
    found = flux.ascend(0.1 * np.eye(3), bound=2.0, norm=norm, starts=6, rng=make_rng(6))
    rng, h = make_rng(7), 1e-4
    for _ in range(60):
        moved = found.W + h * rng.standard_normal((3, 3))
        if norm == "entry":
            moved = np.clip(moved, -2.0, 2.0)
        else:
            sizes = ascent._norms(moved, norm)
            moved *= np.minimum(1, 2.0 / sizes)
        assert flux.exact_flux(moved).I <= found.I + 1e-7


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("moderate", [0.5, 1.0, 4.0, 50.0])
def test_every_run_ends_stationary_under_the_full_bound(norm, moderate):
    """Neither where the moderate bound ended nor on a way that led down again."""
    found = flux.ascend(
        0.1 * np.eye(3), bound=5.0, norm=norm, starts=6, rng=make_rng(6), moderate=moderate
    )
    rng, h = make_rng(7), 1e-4
    for W, I in zip(found.runs.W, found.runs.I, strict=True):
        for _ in range(20):
            near = W + h * rng.standard_normal((3, 3))
            moved = ascent._project(near, 5.0, norm) if norm != "entry" else np.clip(near, -5, 5)
            assert flux.exact_flux(moved).I <= I + 1e-7


@pytest.mark.parametrize("norm", NORMS)
def test_moderate_bound_is_used_by_starts_within_it_alone(norm):
    n, low = 3, 1.0 if norm != "frobenius" else np.sqrt(3)
    start = ascent._random_starts(n, low, norm, 1, make_rng(2))[0]
    start *= low / ascent._norms(start, norm).max()

    def climb(factor, moderate):
        return flux.ascend(factor * start, bound=8.0, norm=norm, moderate=moderate).W

    assert not np.array_equal(climb(1.0, 1.0), climb(1.0, 20.0))
    assert np.array_equal(climb(1.01, 1.0), climb(1.01, 20.0))


@pytest.mark.parametrize(("norm", "bound"), [("l2", 10.0), ("frobenius", 10.0 * np.sqrt(5))])
def test_strong_bound_is_reached_by_way_of_a_moderate_one(norm, bound):
    """Of the same starts more end as N-rooks, after far fewer evaluations."""
    starts = ascent._random_starts(5, 4.0, norm, 20, make_rng(3))
    arrived, evaluations = {}, {}
    for moderate in (4.0, 1e6):
        found = [flux.ascend(W, bound=bound, norm=norm, moderate=moderate) for W in starts]
        arrived[moderate] = sum(one.I > rooks_flux(5, 10.0) - 1e-3 for one in found)
        evaluations[moderate] = sum(one.evaluations for one in found)
    assert arrived[4.0] >= 1.5 * arrived[1e6]
    assert evaluations[4.0] < 0.7 * evaluations[1e6]


@given(
    norm=st.sampled_from(NORMS),
    n=st.integers(1, 4),
    bound=st.floats(0.05, 10),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=40, deadline=None)
def test_runs_keep_to_their_bound_and_only_climb(norm, n, bound, seed):
    rng = make_rng(seed)
    start = ascent._random_starts(n, bound, norm, 1, rng)[0]
    found = flux.ascend(
        start, bound=bound, norm=norm, starts=2, rng=rng, max_evaluations=40, progress=False
    )
    assert found.I >= flux.exact_flux(start).I - 1e-12
    assert found.I == found.runs.I.max() == flux.exact_flux(found.W).I
    assert found.evaluations == found.runs.evaluations.sum() <= 80
    for W, I in zip(found.runs.W, found.runs.I, strict=True):
        assert ascent._norms(W, norm).max() <= bound * (1 + 1e-12)
        assert flux.exact_flux(W).I == pytest.approx(I, abs=1e-12)


@given(st.integers(1, 5), st.floats(0.1, 5), st.sampled_from(NORMS[1:]), st.integers(0, 10**6))
@settings(max_examples=50, deadline=None)
def test_projection_is_the_nearest_point(n, bound, norm, seed):
    """The nearest point p of a convex set to W is the one with (W - p)(q - p) <= 0 for all q."""
    rng = make_rng(seed)
    W = 3 * rng.standard_normal((n, n))
    nearest = ascent._project(W, bound, norm)
    assert ascent._norms(nearest, norm).max() <= bound * (1 + 1e-12)
    for other in ascent._random_starts(n, bound, norm, 10, rng):
        assert ((W - nearest) * (other - nearest)).sum() <= 1e-9
    inside = nearest * 0.5
    np.testing.assert_allclose(ascent._project(inside, bound, norm), inside, rtol=1e-12)


@pytest.mark.parametrize("norm", ["entry", "frobenius"])
def test_any_number_of_jobs_gives_the_same(norm):
    one, two = (
        flux.ascend(0.1 * np.eye(3), bound=2.0, norm=norm, starts=5, rng=make_rng(8), jobs=jobs)
        for jobs in (1, 2)
    )
    assert one.I == two.I
    for ours, theirs in zip(one.runs, two.runs, strict=True):
        assert np.array_equal(ours, theirs)


def test_target_and_evaluations_end_a_run():
    start = 0.1 * make_rng(9).standard_normal((4, 4))
    whole = flux.ascend(start, bound=3.0)
    part = flux.ascend(start, bound=3.0, target=0.5 * whole.I)
    assert 0.5 * whole.I <= part.I < whole.I
    assert part.evaluations < whole.evaluations
    assert flux.ascend(start, bound=3.0, max_evaluations=3).evaluations == 3


def test_no_gradient_no_ascent():
    found = flux.ascend(np.zeros((3, 3)), bound=1.0)
    assert found.I == 0
    assert not found.W.any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"W0": np.zeros((2, 3))}, "W0 must have shape"),
        ({"W0": np.eye(2) * 3}, "W0 must stay within the bound"),
        ({"W0": np.ones((2, 2)), "norm": "l1"}, "W0 must stay within the bound"),
        ({"bound": 0.0}, "bound must be above 0"),
        ({"bound": np.nan}, "bound must be a finite number"),
        ({"norm": "l3"}, "norm must be one of"),
        ({"starts": 0}, "starts must be an integer at least 1"),
        ({"starts": 2}, "rng must be a numpy Generator"),
        ({"jobs": 0}, "jobs must be"),
        ({"target": "high"}, "target must be"),
        ({"tolerance": -1.0}, "tolerance must be"),
        ({"max_evaluations": 0}, "max_evaluations must be"),
        ({"moderate": 0.0}, "moderate must be above 0"),
        ({"moderate": np.nan}, "moderate must be a finite number"),
    ],
)
def test_bad_arguments_are_named(options, message):
    arguments = {"W0": np.eye(2), "bound": 1.0, **options}
    with pytest.raises(ValueError, match=message):
        flux.ascend(**arguments)


@pytest.mark.parametrize("norm", NORMS)
def test_no_tolerance_ends_where_rounding_does(norm):
    """Where no step moves a double any more, and no evaluation is spent, a run ends as well."""
    start = 0.1 * make_rng(3).standard_normal((3, 3))
    options = {"bound": 2.0, "norm": norm, "starts": 5}
    found = flux.ascend(start, **options, rng=make_rng(4), tolerance=0.0, max_evaluations=300)
    usual = flux.ascend(start, **options, rng=make_rng(4))
    assert found.I == pytest.approx(usual.I, abs=1e-9)


@pytest.mark.parametrize(("starts", "unit"), [(1, "evaluation"), (3, "start")])
@pytest.mark.parametrize("progress", [True, False])
def test_bar_counts_starts_or_evaluations(starts, unit, progress, monkeypatch, capsys):
    monkeypatch.setattr("flux._base.progress._is_watched", lambda: True)
    monkeypatch.setattr("flux._base.progress.DELAY", 0.0)
    flux.ascend(0.1 * np.eye(2), bound=1.0, starts=starts, rng=make_rng(), progress=progress)
    assert (unit in capsys.readouterr().err) == progress
