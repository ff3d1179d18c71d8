"""Delay lines: as accurate as the closed form at 50 digits, at any strength and any lag."""

import mpmath as mp
import numpy as np
import oracles
import pytest
from scipy import sparse

import flux
from flux.exact._delay_lines import (
    DelayLines,
    line_correlation,
    line_flux,
    line_gradient,
    line_marginals,
)

LAGS = [1, 2, 3, 10, 1000, 10**5 + 7, 2**20 - 1, 10**10, 2**53 - 1, 10**16]
TOLERANCE = 1e-12

KINDS = ("ring", "rings", "lines", "rings and lines")


def draw(kind, n, strength, bias, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    sender = np.empty(n, np.int64)
    sender[order] = np.roll(order, 1)
    w = strength * rng.uniform(0.5, 1, n) * rng.choice([-1.0, 1.0], n)
    if kind.startswith("rings"):
        sender = rng.permutation(n)
    if kind.endswith("lines"):
        ends = rng.choice(n, 1 + n // 7, replace=False)
        sender[ends], w[ends] = ends, 0.0
    return DelayLines(sender, w, bias * rng.normal(size=n))


def oracle(lines, lag=1):
    strongest = np.abs(lines.w).max() + np.abs(lines.b).max()
    with mp.workdps(50 + int(strongest)):
        return oracles.line_flux(*(field.tolist() for field in lines), lag)


@pytest.mark.parametrize("strength", [1.0, 2.5, 10.0, 15.0, 25.0, 37.0, 38.0, 40.0])
@pytest.mark.parametrize("n", [2, 6, 100, 1000])
def test_rooks_are_known_at_any_strength_and_lag(n, strength):
    """D = n h2((1 - tanh(w/2)^lag) / 2): to 1e-12 of itself, and I to 1e-12 bits."""
    W = flux.nrooks(n, rng=np.random.default_rng(n), strength=strength)
    curve = flux.memory_curve(W, LAGS)
    for lag, remembered in zip(LAGS, curve, strict=True):
        I, H, D = flux.exact_flux(W, lag=lag)
        kept = mp.tanh(mp.mpf(strength) / 2) ** lag
        expected = n * oracles.entropy([(1 - kept) / 2, (1 + kept) / 2])
        assert n == H
        assert abs(D / expected - 1) < TOLERANCE
        assert abs(I - (n - expected)) < TOLERANCE
        assert remembered == I


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("strength", [0.1, 1.0, 5.0, 20.0, 40.0])
@pytest.mark.parametrize("kind", KINDS)
def test_any_weights_and_biases_are_known_at_any_lag(kind, strength, lag):
    for n, bias in ((1, 1.0), (2, 0.0), (7, 0.3), (7, 3.0), (31, 1.0)):
        lines = draw(kind, n, strength, bias, n)
        I, H, D = oracle(lines, lag)
        found_H, found_D = line_flux(lines, lag)
        assert abs(found_H / H - 1) < TOLERANCE
        assert abs(found_D / D - 1) < TOLERANCE
        assert abs(found_H - found_D - I) < TOLERANCE


@pytest.mark.parametrize("strength", [100.0, 350.0, 800.0])
@pytest.mark.parametrize("kind", KINDS)
def test_flips_beyond_double_range_leave_the_law_known(kind, strength):
    lines = draw(kind, 7, strength, 5.0, 3)
    I, H, _ = oracle(lines)
    found_H, found_D = line_flux(lines, 1)
    assert abs(found_H / H - 1) < TOLERANCE
    assert abs(found_H - found_D - I) < TOLERANCE


def test_bias_tells_where_it_is_far_below_the_spacing_of_doubles():
    """A ring of one neuron has on : off = exp(2 b), however strong it holds its spin."""
    for strength in (1e3, 1e10, 1e15):
        on, off = line_marginals(DelayLines(np.array([0]), np.array([strength]), np.array([0.7])))
        assert on[0] == pytest.approx(1 / (1 + np.exp(-1.4)), rel=TOLERANCE)
        assert off[0] == pytest.approx(1 / (1 + np.exp(1.4)), rel=TOLERANCE)

    # beyond, also exponents are rounded, and without bias none is needed
    with pytest.raises(flux.ConvergenceError, match=r"weight of 1e\+17 is too strong"):
        flux.exact_flux([[1e17]], [0.7])
    assert flux.exact_flux([[1e300]], lag=10**6) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize("lag", [1, 2, 1000, 10**6])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("strength", [0.3, 2.0, 12.0, 30.0, 80.0])
def test_lines_are_as_dense_parts_are(strength, biased, lag):
    """A weight of 1e-30 in each empty place makes them one part, which elimination solves."""
    for kind in KINDS:
        lines = draw(kind, 5, strength, float(biased), 4)
        W = np.zeros((5, 5))
        W[np.arange(5), lines.sender] = lines.w
        dense = np.where(W == 0, 1e-30, W)
        apart, together = (flux.exact_flux(A, lines.b, lag) for A in (W, dense))
        np.testing.assert_allclose(apart, together, rtol=0, atol=TOLERANCE)
        assert apart.D == pytest.approx(together.D, rel=1e-11, abs=0)
        np.testing.assert_allclose(
            flux.stationary_distribution(W, lines.b),
            flux.stationary_distribution(dense, lines.b),
            rtol=1e-11,
        )
        np.testing.assert_allclose(
            flux.exact_correlation(W, lines.b),
            flux.exact_correlation(dense, lines.b),
            rtol=0,
            atol=TOLERANCE,
        )


@pytest.mark.parametrize("strength", [0.1, 2.0, 20.0, 40.0])
@pytest.mark.parametrize("kind", KINDS)
def test_correlation_is_that_of_two_states(kind, strength):
    lines = draw(kind, 7, strength, 2.0, 5)
    on, off = line_marginals(lines)
    C = line_correlation(lines)
    for i, j in enumerate(lines.sender):
        up, down = (mp.mpf(lines.b[i]) + s * mp.mpf(lines.w[i]) for s in (1, -1))
        rise = 1 / (1 + mp.exp(-up)) - 1 / (1 + mp.exp(-down))
        expected = rise * mp.sqrt(mp.mpf(on[j]) * mp.mpf(off[j]) / on[i] / off[i])
        assert abs(C[i] - expected) <= TOLERANCE * abs(expected)


@pytest.mark.parametrize("strength", [0.1, 2.0, 20.0, 40.0])
@pytest.mark.parametrize("bias", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("kind", KINDS)
def test_gradient_is_that_of_the_oracle(kind, bias, strength):
    """Central differences at 100 digits, of steps so small that their error is 1e-40."""
    n = 5
    lines = draw(kind, n, strength, bias, 6)
    values, h = [*map(mp.mpf, lines.w), *map(mp.mpf, lines.b)], mp.mpf(10) ** -30

    def at(k, change):
        moved = [v + change * (i == k) for i, v in enumerate(values)]
        return oracles.line_flux(lines.sender.tolist(), moved[:n], moved[n:], 1)[0]

    with mp.workdps(140):
        slopes = [(at(k, h) - at(k, -h)) / (2 * h) for k in range(2 * n)]
    by_weight, by_bias = (np.array(part, float) for part in (slopes[:n], slopes[n:]))
    heard = lines.w != 0
    dW, db = line_gradient(lines)
    np.testing.assert_allclose(dW[heard], by_weight[heard], rtol=1e-11, atol=TOLERANCE)
    np.testing.assert_allclose(db, by_bias, rtol=1e-11, atol=TOLERANCE)


def test_sparse_lines_of_a_million_neurons_are_known():
    n, strength, lag = 10**6, 40.0, 10**10 + 1
    ring = sparse.csr_array(
        (np.full(n, strength), (np.arange(n), np.roll(np.arange(n), 1))), shape=(n, n)
    )
    kept = mp.tanh(mp.mpf(strength) / 2) ** lag
    expected = n * oracles.entropy([(1 - kept) / 2, (1 + kept) / 2])
    assert flux.exact_flux(ring, lag=lag).D == pytest.approx(float(expected), rel=TOLERANCE)
