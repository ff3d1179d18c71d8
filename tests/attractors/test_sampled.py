"""Sampled attractors: against all attractors, closed forms, and what does not close."""

import math
from typing import Any

import numpy as np
import pytest
from random_weights import DECISIONS, ensembles
from scipy import sparse

import flux
from flux import TieError, TooLargeError, find_attractors, gaussian_weights, sample_attractors
from flux.attractors.sampled import _exact_field, _link


@pytest.mark.parametrize("n", [1, 2, 5, 9, 12])
def test_against_all_attractors(n: int) -> None:
    rng = np.random.default_rng(n)
    for W in ensembles(n, rng).values():
        for b in (None, rng.normal(size=n)):
            for ties in DECISIONS:
                whole = find_attractors(W, b, ties=ties)
                periods = dict(zip(whole.representative.tolist(), whole.period, strict=True))
                for form in (W, sparse.csr_array(W)):
                    found = sample_attractors(form, b, starts=20, rng=rng, ties=ties)
                    codes = flux.encode(found.state)
                    assert (np.diff(codes) > 0).all()
                    assert found.period.tolist() == [periods[code] for code in codes.tolist()]
                    assert found.hits.sum() == 20
                    assert found.n_open == 0
                    assert not (found.has_tie & (whole.ties.per_neuron == 0)).any()


def test_counts_estimate_basins() -> None:
    W = gaussian_weights(12, rng=np.random.default_rng(4))
    whole = find_attractors(W)
    found = sample_attractors(W, starts=20_000, rng=np.random.default_rng(1))
    assert np.array_equal(flux.encode(found.state), whole.representative)
    share = whole.basin / 2**12
    assert (np.abs(found.hits / 20_000 - share) < 5 * np.sqrt(share / 20_000)).all()


@pytest.mark.parametrize("n", [64, 65, 127, 1000])
@pytest.mark.parametrize("sign", [1, -1])
def test_ring_of_any_length(n: int, sign: int) -> None:
    """A delay line in a ring: the period is that of the initial pattern, n or 2n as a rule."""
    ring = sparse.csr_array(np.roll(np.eye(n), 1, axis=0))
    ring.data[0] *= sign
    found = sample_attractors(ring, starts=3, rng=np.random.default_rng(n))
    assert found.period.tolist() == [n if sign > 0 else 2 * n] * 3
    assert found.state.shape == (3, n)


def test_large_symmetric_networks_end_in_periods_one_and_two() -> None:
    W = gaussian_weights(300, rng=np.random.default_rng(1))
    found = sample_attractors(W + W.T, starts=8, rng=np.random.default_rng(2))
    assert found.n_open == 0
    assert set(found.period) <= {1, 2}
    following = np.where(found.state @ (W + W.T) > 0, 1, -1)
    again = np.where(following @ (W + W.T) > 0, 1, -1)
    assert np.array_equal(again, found.state)


def test_open_starts_are_counted() -> None:
    W = gaussian_weights(200, rng=np.random.default_rng(1))
    found = sample_attractors(W, starts=5, rng=np.random.default_rng(1), max_steps=200)
    assert found.n_open == 5
    assert found.period.shape == found.hits.shape == (0,)
    assert found.state.shape == (0, 200)


def test_same_with_sparse_and_dense_weights() -> None:
    W = gaussian_weights(90, rng=np.random.default_rng(1), density=0.15)
    W[0] = 0
    W[0, 0] = 1
    dense, listed = (
        sample_attractors(form, starts=8, rng=np.random.default_rng(3), max_steps=3000, ties="keep")
        for form in (W, sparse.csr_array(W))
    )
    for one, other in zip(dense, listed, strict=True):
        assert np.array_equal(one, other)


def test_fields_below_rounding_are_summed_exactly() -> None:
    rng = np.random.default_rng(5)
    W = rng.normal(size=(4, 4)) * 10.0 ** rng.integers(-20, 20, (4, 4))
    W[0] = 0.1, 0.2, -0.3, 1e-40
    W[1] = 0.1, 0.2, -0.3, -(2.0**-55)
    links = _link(W, np.zeros(4))
    assert _exact_field(links, 0, np.array([15], np.uint64)) > 0
    assert _exact_field(links, 1, np.array([15], np.uint64)) == 0
    assert _exact_field(links, 0, np.array([8], np.uint64)) < 0


@pytest.mark.parametrize("seed", range(4))
def test_rounding_of_many_steps_is_bounded(seed: int) -> None:
    """Fields of tenths are zero, or nearly so, in many states: each start closes, at true states.

    Rounding adds up over the steps. A bound on that of one sum only takes it for a sign, and most
    starts then never come back to a state.
    """
    W = 0.1 * np.random.default_rng(seed).integers(-3, 4, (30, 30))
    found = sample_attractors(
        W, starts=40, rng=np.random.default_rng(1), max_steps=3000, ties="keep"
    )
    assert found.n_open == 0
    for first, period in zip(found.state.tolist(), found.period.tolist(), strict=True):
        state = first
        for _ in range(period):
            fields = [
                math.fsum(w * x for w, x in zip(row, state, strict=True)) for row in W.tolist()
            ]
            state = [
                x if u == 0 else int(math.copysign(1, u))
                for u, x in zip(fields, state, strict=True)
            ]
        assert state == first


def test_ties_stop_by_default() -> None:
    W = np.eye(100)
    W[7] = 0
    with pytest.raises(TieError, match=r"at neuron 7: a sign of zero must be chosen"):
        sample_attractors(W, starts=1, rng=np.random.default_rng(1))
    found = sample_attractors(W, starts=4, rng=np.random.default_rng(1), ties="up")
    assert np.flatnonzero(found.has_tie).tolist() == [7]
    assert (found.state[:, 7] == 1).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"W": np.eye(2)[:1]}, r"^W must have shape"),
        ({"W": np.full((3, 3), 1e308)}, r"^W must have row sums"),
        ({"b": [1.0]}, r"^b must have shape \(2,\)"),
        ({"starts": 0}, r"^starts must be an integer at least 1"),
        ({"rng": 1}, r"^rng must be a numpy Generator"),
        ({"max_steps": 0}, r"^max_steps must be an integer at least 1"),
        ({"ties": "x"}, r"^ties must be one of raise"),
    ],
)
def test_refuses(change: dict[str, Any], message: str) -> None:
    arguments = {"W": np.eye(2), "starts": 1, "rng": np.random.default_rng(1)}
    with pytest.raises(ValueError, match=message):
        sample_attractors(**(arguments | change))


def test_too_many_starts() -> None:
    with pytest.raises(TooLargeError, match="take fewer starts"):
        sample_attractors(np.eye(2), starts=10**13, rng=np.random.default_rng(1))
