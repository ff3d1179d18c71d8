"""Canonical correlations: closed forms, another implementation, no bias, invariance."""

import numpy as np
import pytest

import flux


def network(n, width, seed, *, biased=False):
    rng = np.random.default_rng(seed)
    W = flux.gaussian_weights(n, rng=rng, width=width)
    return W, rng.standard_normal(n) if biased else None


def oracle(W, b=None):
    """Canonical correlations by Cholesky factors from covariances over all pairs of states."""
    n = len(W)
    pi, x = flux.stationary_distribution(W, b), flux.all_states(n).astype(float)
    joint = pi[:, None] * flux.transition_matrix(W, b)
    m = pi @ x
    lagged = (x - m).T @ joint.T @ (x - m)
    S = (x - m).T @ (pi[:, None] * (x - m))
    L = np.linalg.cholesky(S)
    return np.linalg.svd(np.linalg.solve(L, np.linalg.solve(L, lagged).T), compute_uv=False)


@pytest.mark.parametrize("biased", [False, True])
def test_exact_correlations_are_those_of_the_covariances(biased):
    W, b = network(6, 1.2, 1, biased=biased)
    found = flux.canonical_flux(flux.solve(W, b))
    rho = oracle(W, b)
    np.testing.assert_allclose(found.correlations, rho, atol=1e-10)
    assert found.gaussian == pytest.approx(-np.log2(1 - rho**2).sum() / 2, rel=1e-9)
    assert found.binary == pytest.approx((1 - flux.binary_entropy((1 + rho) / 2)).sum(), rel=1e-9)
    assert found.gaussian_se == found.binary_se == found.gaussian_bias == found.binary_bias == 0


@pytest.mark.parametrize("strength", [0.5, 2.0, 5.0])
def test_binary_form_is_exact_for_rooks(strength):
    law = flux.solve(flux.nrooks(7, rng=np.random.default_rng(1), strength=strength))
    found = flux.canonical_flux(law)
    assert found.binary == pytest.approx(flux.exact_flux(law).I, rel=1e-12)
    np.testing.assert_allclose(found.correlations, np.tanh(strength / 2), rtol=1e-12)
    # where the proxy c_rms has it that they hardly transmit
    assert flux.rms_correlation(flux.exact_correlation(law)) < 1 / np.sqrt(6)


def test_weak_networks_transmit_what_normal_variables_would():
    law = flux.solve(network(6, 0.05, 2)[0])
    found = flux.canonical_flux(law)
    assert found.gaussian == pytest.approx(flux.exact_flux(law).I, rel=2e-3)
    assert found.binary == pytest.approx(found.gaussian, rel=0.01)


def test_recorded_correlations_are_those_of_numpy():
    x = flux.simulate(network(5, 1.0, 3)[0], 3000, rng=np.random.default_rng(4))
    later, earlier, z = (part - part.mean(0) for part in (x[2:], x[:-2], x))
    C = later.T @ earlier / len(later) / np.outer(later.std(0), earlier.std(0))
    L = np.linalg.cholesky(z.T @ z / len(z) / np.outer(z.std(0), z.std(0)))
    rho = np.linalg.svd(np.linalg.solve(L, np.linalg.solve(L, C).T), compute_uv=False)
    found = flux.canonical_flux(x, lag=2)
    np.testing.assert_allclose(found.correlations, rho, atol=1e-12)
    for other in (flux.pack(x), iter([x[:1000], x[1000:]])):
        again = flux.canonical_flux(other, lag=2)
        np.testing.assert_allclose(again.correlations, rho, atol=1e-12)


@pytest.mark.parametrize(("n", "width", "steps"), [(6, 0.5, 4000), (8, 1.0, 4000)])
def test_bias_is_taken_off_and_errors_are_honest(n, width, steps):
    gone, truth, biases = [], [], []
    for seed in range(30):
        W, _ = network(n, width, seed)
        law = flux.canonical_flux(flux.solve(W))
        found = flux.canonical_flux(flux.simulate(W, steps, rng=np.random.default_rng(seed)))
        gone.append((found.gaussian, found.binary, found.gaussian_se, found.binary_se))
        truth.append((law.gaussian, law.binary))
        biases.append(found.gaussian_bias)
    # a network that is slower than a fourth of its recording looks as if it had more
    assert np.median(biases) == pytest.approx(n * n / (2 * steps * np.log(2)), rel=0.1)
    gone, truth = np.array(gone), np.array(truth)
    z = (gone[:, :2] - truth) / gone[:, 2:]
    # its standard deviation is at most 1: the errors are those of fair spins, and may be less
    assert (np.abs(z.mean(0)) < 3 / np.sqrt(30)).all()
    assert (z.std(0) < 1.4).all()


def test_silence_transmits_nothing():
    rng = np.random.default_rng(5)
    x = 2 * rng.integers(0, 2, (20_000, 30), np.int8) - np.int8(1)
    found = flux.canonical_flux(x)
    assert abs(found.gaussian) < 4 * found.gaussian_se
    assert found.gaussian_se < 0.1 * found.gaussian_bias


def test_order_signs_and_mixtures_change_nothing():
    W, b = network(6, 1.0, 6, biased=True)
    plain = flux.canonical_flux(flux.solve(W, b))
    order = np.random.default_rng(7).permutation(6)
    signs = np.array([1, -1, 1, 1, -1, -1])
    V = (signs[:, None] * W * signs)[np.ix_(order, order)]
    turned = flux.canonical_flux(flux.solve(V, (signs * b)[order]))
    assert turned.gaussian == pytest.approx(plain.gaussian, rel=1e-9)
    x = flux.simulate(W, 5000, rng=np.random.default_rng(8), b=b)
    doubled = np.concatenate([x, -x[:, :2]], 1)
    # neurons that say what others say add nothing, nor do silent ones
    np.testing.assert_allclose(
        flux.canonical_flux(doubled).correlations, flux.canonical_flux(x).correlations, atol=1e-9
    )
    mute = np.concatenate([x, np.ones((5000, 1), np.int8)], 1)
    np.testing.assert_allclose(
        flux.canonical_flux(mute).correlations, flux.canonical_flux(x).correlations, atol=1e-9
    )


@pytest.mark.filterwarnings("error")
def test_what_is_kept_for_good_has_its_limits():
    """Correlations of 1: one for each function of two coins that three nodes show."""
    a, b = np.random.default_rng(1).integers(0, 2, (2, 1000))
    held = 2 * np.stack([a, b, a & b], 1) - 1
    found = flux.canonical_flux(np.repeat(held[:, None], 20, axis=1))
    np.testing.assert_allclose(found.correlations, 1, atol=1e-9)
    assert found.binary + found.binary_bias == pytest.approx(3, abs=1e-6)
    assert np.isfinite(found.binary_se)
    assert found.gaussian > 9


@pytest.mark.parametrize(
    ("x", "lag", "message"),
    [
        (np.ones((30, 10)), 1, "x must have at least 40 pairs"),
        (np.zeros((30, 2)), 1, "x must hold only spins"),
        (np.ones((30, 2)), 0, "lag must be an integer at least 1"),
        (flux.solve(np.eye(2)), 2, "lag must be 1 where x is a Law"),
    ],
)
def test_bad_input_is_named(x, lag, message):
    with pytest.raises(ValueError, match=message):
        flux.canonical_flux(x, lag=lag)
