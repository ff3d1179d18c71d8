"""Memory curves and recall: the oracle, closed forms of N-rooks, data processing, refusals."""

import mpmath as mp
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flux


def weights(n, width, seed):
    return np.random.default_rng(seed).normal(0, width, (n, n))


def hop(strength, lag):
    """Probability that a spin of N-rooks is as its sender `lag` steps up the ring makes it."""
    return (1 + np.tanh(strength / 2) ** lag) / 2


def test_curve_is_exact_flux_at_each_lag():
    W, b = weights(4, 1.5, 1), np.random.default_rng(2).normal(0, 1, 4)
    lags = [7, 1, 2, 2, 12, 3]
    expected = [flux.exact_flux(W, b, lag).I for lag in lags]
    np.testing.assert_allclose(flux.memory_curve(W, lags, b), expected, rtol=0, atol=1e-12)
    oracle = [oracles.flux(W, b, lag)[0] for lag in (1, 2, 7)]
    np.testing.assert_allclose(flux.memory_curve(W, [1, 2, 7], b), oracle, rtol=0, atol=1e-12)


@pytest.mark.parametrize("n", [3, 200])
def test_curve_of_rooks_is_known(n):
    W = flux.nrooks(n, rng=np.random.default_rng(1), strength=2.5)
    lags = np.array([1, 2, 3, 10, 40])
    expected = n * (1 - flux.binary_entropy(hop(2.5, lags)))
    np.testing.assert_allclose(flux.memory_curve(W, lags), expected, rtol=1e-9, atol=1e-11)


def test_curve_of_parts_is_the_sum_of_theirs():
    A, B = weights(3, 2, 1), weights(4, 1, 2)
    both = np.zeros((7, 7))
    both[:3, :3], both[3:, 3:] = A, B
    lags = [1, 4, 2]
    apart = flux.memory_curve(A, lags) + flux.memory_curve(B, lags)
    np.testing.assert_allclose(flux.memory_curve(both, lags), apart, rtol=0, atol=1e-11)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 5),
    width=st.floats(0.1, 5),
    spread=st.floats(0, 3),
    seed=st.integers(0, 2**32),
)
def test_memory_never_rises_with_lag(n, width, spread, seed):
    W, b = weights(n, width, seed), np.random.default_rng(seed + 1).normal(0, spread, n)
    curve = flux.memory_curve(W, range(1, 9), b)
    assert np.all(np.diff(curve) <= 1e-9)
    assert curve[-1] >= -1e-9


def test_sampled_flux_agrees_at_longer_lags():
    W = weights(4, 1.5, 3)
    x = flux.simulate(W, 100_000, rng=np.random.default_rng(4), burn_in=200)
    curve = flux.memory_curve(W, [1, 2, 5])
    sampled = [flux.sample_flux(x, method="chao-wang-jost", lag=lag).I for lag in (1, 2, 5)]
    np.testing.assert_allclose(sampled, curve, rtol=0, atol=0.02)


def enumerated_recall(W, b, messages, lag):
    """Accuracy and information by plain sums over all states at 50 digits."""
    P = oracles.transitions(W.tolist(), b.tolist())
    pi = oracles.stationary(P)
    states = oracles.states(len(W))
    laws = []
    for message in messages:
        law = [mp.mpf(0)] * len(states)
        for p, x in zip(pi, states, strict=True):
            y = tuple(m if m else spin for m, spin in zip(message, x, strict=True))
            law[states.index(y)] += p
        for _ in range(lag):
            law = [mp.fsum(law[k] * P[k][m] for k in range(len(law))) for m in range(len(law))]
        laws.append(law)
    accuracy = mp.fsum(max(column) for column in zip(*laws, strict=True)) / len(laws)
    mean = [mp.fsum(column) / len(laws) for column in zip(*laws, strict=True)]
    information = oracles.entropy(mean) - mp.fsum(map(oracles.entropy, laws)) / len(laws)
    return float(accuracy), float(information)


@pytest.mark.parametrize(
    "messages",
    [[[1, 0, 0], [-1, 0, 0]], [[1, 0, -1], [-1, 1, 1], [0, 0, 0]], [[1, 1, 1], [-1, -1, -1]]],
)
def test_recall_matches_enumeration(messages):
    W, b = weights(3, 1.5, 5), np.array([0.3, -1.0, 0.0])
    lags = [3, 0, 1]
    found = flux.recall(W, messages, lags, b)
    for k, lag in enumerate(lags):
        expected = enumerated_recall(W, b, messages, lag)
        np.testing.assert_allclose(
            (found.accuracy[k], found.information[k]), expected, rtol=0, atol=1e-12
        )


def test_recall_of_a_bit_in_rooks_is_known():
    W = flux.nrooks(6, rng=np.random.default_rng(1), strength=3.0)
    bit = np.zeros((2, 6))
    bit[:, 2] = 1, -1
    lags = np.array([0, 1, 2, 5, 30])
    found = flux.recall(W, bit, lags)
    np.testing.assert_allclose(found.accuracy, hop(3.0, lags), rtol=1e-12)
    expected = 1 - flux.binary_entropy(hop(3.0, lags))
    np.testing.assert_allclose(found.information, expected, rtol=1e-9, atol=1e-13)


def test_recall_of_every_state_of_rooks_is_their_memory_curve():
    W = flux.nrooks(5, rng=np.random.default_rng(2), strength=2.0)
    lags = [1, 2, 6]
    found = flux.recall(W, flux.all_states(5), lags)
    np.testing.assert_allclose(found.information, flux.memory_curve(W, lags), rtol=1e-10)
    np.testing.assert_allclose(found.accuracy, hop(2.0, np.array(lags)) ** 5, rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 6), width=st.floats(0, 4), seed=st.integers(0, 2**32))
def test_recall_fades(n, width, seed):
    bit = np.zeros((2, n))
    bit[:, 0] = 1, -1
    found = flux.recall(weights(n, width, seed), bit, range(8))
    assert found.accuracy[0] == pytest.approx(1, abs=1e-12)
    assert found.information[0] == pytest.approx(1, abs=1e-9)
    assert np.all(np.diff(found.accuracy) <= 1e-12)
    assert np.all(np.diff(found.information) <= 1e-12)
    assert found.accuracy[-1] >= 0.5 - 1e-12
    # Fano: what is left of the bit is no less than the best guess shows
    assert np.all(1 - flux.binary_entropy(found.accuracy.clip(0.5, 1)) <= found.information + 1e-9)


@pytest.mark.parametrize("lags", [[], 3, [0], [1.5], [[1]]])
def test_memory_curve_refuses_lags(lags):
    with pytest.raises(ValueError, match="lags"):
        flux.memory_curve(np.eye(2), lags)


@pytest.mark.parametrize(
    ("written", "message"),
    [([[1, 0]], "written"), ([[1], [-1]], "written"), ([[2, 0], [0, 1]], "written")],
)
def test_recall_refuses_messages(written, message):
    with pytest.raises(ValueError, match=message):
        flux.recall(np.eye(2), written, [1])


def test_recall_refuses_large_networks():
    with pytest.raises(ValueError, match=r"^len\(W\) must be an integer from 1 to 20, but was"):
        flux.recall(np.eye(40), np.ones((2, 40)), [1])
