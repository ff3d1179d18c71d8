"""Fits of networks: closed forms, scikit-learn, conditions of the maximum, and invariances."""

import tracemalloc
import warnings
from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit

from flux import ArgumentError, ConvergenceError, fit_network, gaussian_weights, simulate
from flux._base.threads import thread_pool
from flux.recordings import bias_reduced, logistic
from flux.recordings import fit as fit_module
from flux.recordings.bias_reduced import fit_bias_reduced
from flux.recordings.transitions import gather, held_out, transitions

Spins = NDArray[Any]


def recording(n: int = 5, steps: int = 1500, seed: int = 1) -> Spins:
    rng = np.random.default_rng(seed)
    W, b = gaussian_weights(n, rng=rng), rng.normal(0, 0.5, n)
    return simulate(W, steps, rng=rng, b=b, burn_in=100)


def by_sklearn(X: Spins, Y: Spins, penalty: float) -> tuple[Spins, Spins]:
    """Return W and b by one logistic regression a neuron."""
    linear = pytest.importorskip("sklearn.linear_model")
    found = [
        linear.LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=1000, solver="newton-cg").fit(
            X, Y[:, i] > 0
        )
        for i in range(Y.shape[1])
    ]
    return np.array([one.coef_[0] for one in found]), np.array([one.intercept_[0] for one in found])


def cells(x: Spins) -> list[list[int]]:
    """Return how often a single neuron went from off, on to off, on."""
    return [[int(np.sum((x[:-1] == a) & (x[1:] == c))) for c in (-1, 1)] for a in (-1, 1)]


def test_one_neuron_has_a_closed_form() -> None:
    """u(+-1) = log odds of two rows of a table, and Var u = 1 / on + 1 / off (Woolf 1955)."""
    x = recording(1)
    table = cells(x)
    low, high = (np.log(on / off) for off, on in table)
    se = np.sqrt(sum(1 / count for row in table for count in row)) / 2
    fit = fit_network(x, penalty=0)
    assert fit.W[0, 0] == pytest.approx((high - low) / 2, abs=1e-7)
    assert fit.b[0] == pytest.approx((high + low) / 2, abs=1e-7)
    assert (fit.W_se[0, 0], fit.b_se[0]) == pytest.approx((se, se), rel=1e-6)
    total = sum(map(sum, table))
    best = sum(c * np.log2(c / sum(row)) for row in table for c in row) / total
    assert fit.log_likelihood == pytest.approx(best, abs=1e-9)


def test_firths_fit_of_one_neuron_adds_half_a_count_to_each_cell() -> None:
    x = recording(1, 60)
    fit = fit_bias_reduced(gather(*transitions([x])))
    low, high = (np.log((on + 0.5) / (off + 0.5)) for off, on in cells(x))
    assert fit.W[0, 0] == pytest.approx((high - low) / 2, abs=1e-6)
    assert fit.b[0] == pytest.approx((high + low) / 2, abs=1e-6)


@pytest.mark.parametrize("steps", [150, 800])
def test_firths_score_is_zero(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all states in one block, and with as few in a block as may be."""
    monkeypatch.setattr(bias_reduced, "BLOCK", 1)
    x = recording(4, 150) if steps == 150 else recording(8, steps)
    X, Y = transitions([x])
    fit = fit_bias_reduced(gather(X, Y))
    assert len(gather(X, Y).X) > 64 or steps == 150
    Z = np.column_stack([X, np.ones(len(X))]).astype(float)
    for i in range(x.shape[1]):
        p = expit(Z @ np.append(fit.W[i], fit.b[i]))
        w = p * (1 - p)
        F = (Z * w[:, None]).T @ Z
        leverage = w * ((Z @ np.linalg.inv(F)) * Z).sum(1)
        np.testing.assert_allclose(((Y[:, i] > 0) - p + leverage * (0.5 - p)) @ Z, 0, atol=1e-5)
        np.testing.assert_allclose(fit.covariance[i], np.linalg.inv(F), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("penalty", [1e-3, 1.0, 100.0])
@pytest.mark.parametrize("n", [5, 40])
def test_ridge_is_that_of_scikit_learn(n: int, penalty: float) -> None:
    x = recording(n, 700)
    fit = fit_network(x, penalty=penalty)
    W, b = by_sklearn(x[:-1], x[1:], penalty)
    np.testing.assert_allclose(fit.W, W, atol=1e-6)
    np.testing.assert_allclose(fit.b, b, atol=1e-6)
    Z = np.column_stack([x[:-1], np.ones(699)]).astype(float)
    p = expit(Z @ np.append(W[2], b[2]))
    F = (Z * (p * (1 - p))[:, None]).T @ Z + np.diag([penalty] * n + [0.0])
    se = np.sqrt(np.diag(np.linalg.inv(F)))
    np.testing.assert_allclose(np.append(fit.W_se[2], fit.b_se[2]), se, rtol=1e-5)


@pytest.mark.parametrize("penalty", [1.0, 20.0])
def test_l1_meets_the_conditions_of_its_maximum(penalty: float) -> None:
    x = recording(6, 800)
    fit = fit_network(x, penalty=penalty, norm="l1")
    residual = (x[1:] > 0) - expit(x[:-1] @ fit.W.T + fit.b)
    slope = residual.T @ x[:-1]
    zero = fit.W == 0
    assert zero.any() == (penalty > 1)
    assert np.abs(slope[zero]).max(initial=0) <= penalty
    np.testing.assert_allclose(slope[~zero], penalty * np.sign(fit.W[~zero]), atol=1e-3)
    np.testing.assert_allclose(residual.sum(0), 0, atol=1e-3)


def test_heldout_is_that_of_fits_to_the_other_blocks() -> None:
    x = recording(4, 1000)
    X, Y = x[:-1], x[1:]
    found, alone = 0.0, 0.0
    for fold in range(5):
        out = held_out(len(X), fold)
        W, b = by_sklearn(X[~out], Y[~out], 2.0)
        found += np.log2(expit(Y[out] * (X[out] @ W.T + b))).sum()
        on = (Y[~out] > 0).sum(0)
        odds = logit((on + 0.5) / (np.sum(~out) + 1))
        alone += np.log2(expit(Y[out] * odds)).sum()
    fit = fit_network(x, penalty=2.0)
    assert fit.heldout == pytest.approx(found / len(X), abs=1e-4)
    assert fit.independent == pytest.approx(alone / len(X), abs=1e-9)


def test_the_chosen_penalty_has_the_best_likelihood_held_out() -> None:
    x = recording(8, 400)
    chosen = fit_network(x)
    others = [fit_network(x, penalty=p).heldout for p in (1e4, 1e3, 100.0, 10.0, 1.0, 0.1)]
    assert chosen.heldout >= max(others) - 1e-4
    assert 0.1 <= chosen.penalty <= 100


def test_held_out_blocks_cover_time_once() -> None:
    out = np.array([held_out(103, fold) for fold in range(5)])
    np.testing.assert_array_equal(out.sum(0), 1)
    assert np.abs(np.diff(out[0].astype(int))).sum() == 7  # four blocks, the first at the start


def test_flips_and_relabelling_go_along() -> None:
    x = recording()
    fit = fit_network(x, penalty=1.0)
    sign, order = np.array([1, -1, -1, 1, -1]), np.array([2, 0, 4, 1, 3])
    flipped = fit_network(x * sign, penalty=1.0)
    np.testing.assert_allclose(flipped.W, fit.W * np.outer(sign, sign), atol=1e-7)
    np.testing.assert_allclose(flipped.b, fit.b * sign, atol=1e-7)
    turned = fit_network(x[:, order], penalty=1.0)
    np.testing.assert_allclose(turned.W, fit.W[np.ix_(order, order)], atol=1e-7)
    np.testing.assert_allclose(turned.W_se, fit.W_se[np.ix_(order, order)], rtol=1e-6)


def test_no_transition_leads_from_chain_to_chain() -> None:
    x = recording(4, 900)
    chains = [x[:100], x[100:101], x[101:550], x[550:]]
    fit = fit_network(chains, penalty=1.0)
    inside = np.setdiff1d(np.arange(899), [99, 100, 549])
    W, b = by_sklearn(x[inside], x[inside + 1], 1.0)
    assert fit.transitions == 896
    np.testing.assert_allclose(fit.W, W, atol=1e-6)
    np.testing.assert_allclose(fit.b, b, atol=1e-6)
    stacked = fit_network(x.reshape(9, 100, 4), penalty=1.0)
    np.testing.assert_array_equal(fit_network(list(x.reshape(9, 100, 4)), penalty=1.0).W, stacked.W)


def test_a_lag_pairs_states_so_far_apart() -> None:
    x = recording(4, 900)
    fit = fit_network(x, lag=3, penalty=1.0)
    W, _ = by_sklearn(x[:-3], x[3:], 1.0)
    np.testing.assert_allclose(fit.W, W, atol=1e-6)
    assert fit.transitions == 897


def test_single_precision_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    x = recording(20, 3000)
    double = fit_network(x, penalty=1.0)
    monkeypatch.setattr(logistic, "SINGLE", 0)
    single = fit_network(x, penalty=1.0)
    np.testing.assert_allclose(single.W, double.W, atol=2e-6)
    np.testing.assert_allclose(single.W_se, double.W_se, rtol=1e-4)


def test_errors_from_a_sample_of_states(monkeypatch: pytest.MonkeyPatch) -> None:
    x = recording(20, 6000)
    full = fit_network(x, penalty=1.0)
    monkeypatch.setattr(fit_module, "SAMPLED", 1000)
    sampled = fit_network(x, penalty=1.0)
    ratio = sampled.W_se / full.W_se
    assert abs(ratio.mean() - 1) < 0.01
    assert 0.005 < ratio.std() < 0.1


def test_any_number_of_threads_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logistic, "BLOCK", 4096)
    x, found = recording(12, 3000), []
    for threads in (1, 2):
        monkeypatch.setattr(numba, "get_num_threads", lambda threads=threads: threads)
        found.append(fit_network(x, penalty=1.0))
    np.testing.assert_array_equal(found[0].W, found[1].W)
    assert found[0].heldout == found[1].heldout


def test_a_rough_ascent_with_little_bias_ends_close_by() -> None:
    """Refits end less than a hundredth of a standard error from the maximum."""
    data = gather(*transitions([recording(8, 5000)]))
    fit, rough = fit_bias_reduced(data), fit_bias_reduced(data, logistic.ROUGH)
    se = np.sqrt(np.diagonal(fit.covariance, axis1=1, axis2=2))[:, :-1]
    assert 0 < np.abs((rough.W - fit.W) / se).max() < 0.01


def test_sums_of_blocks_do_not_pile_up() -> None:
    """Each block gives as many numbers as there are weights: only a few wait to be added."""
    x = np.random.default_rng(1).choice(np.array([-1, 1], np.int8), (12_000, 300))
    with thread_pool() as pool:
        r = logistic.regressions(gather(x[:-1], x[1:]), pool)
        A = logistic.independent(r)
        tracemalloc.start()
        kept = r.at(A).w.nbytes
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    weights, blocks = 8 * A.size, len(x) * 300 / logistic.BLOCK
    assert blocks > 24
    assert peak < kept + (8 * numba.get_num_threads() + 6) * weights


def test_standard_errors_are_those_of_many_recordings() -> None:
    """120 recordings of 9 weights: the variance of z is 1 within 4 standard errors."""
    rng = np.random.default_rng(1)
    W, b, z = gaussian_weights(3, rng=rng), np.array([0.3, -0.2, 0.1]), []
    for _ in range(120):
        fit = fit_network(simulate(W, 1000, rng=rng, b=b, burn_in=50), penalty=0)
        z.append((fit.W - W) / fit.W_se)
    assert abs(np.var(z) - 1) < 4 * np.sqrt(2 / 1080)


def test_undetermined_neurons_are_named_and_held() -> None:
    x = recording(6, 400)
    x[:, 1], x[:, 2] = -1, 1
    x[1:, 4] = -x[:-1, 0]
    with pytest.warns(UserWarning, match=r"3 of 6 neurons \(never on: 1; always on: 2; foretold"):
        fit = fit_network(x, penalty=0)
    assert fit.undetermined == (1, 2, 4)
    assert all(np.isfinite(part).all() for part in fit[:4])
    assert fit.b[1] < -4 < 4 < fit.b[2]
    assert fit.W[4, 0] < -3
    with pytest.warns(UserWarning, match=r"2 of 6 neurons \(never on: 1; always on: 2\)"):
        assert fit_network(x).undetermined == (1, 2)


def test_copies_leave_weights_open_and_neurons_determined() -> None:
    x = recording(5, 1000)
    x[:, 4] = x[:, 3]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = fit_network(x, penalty=0)
    single = fit_network(x[:, :4], penalty=0)
    np.testing.assert_allclose(fit.W[:4, 3] + fit.W[:4, 4], single.W[:, 3], atol=1e-5)
    assert fit.W_se[:, 3:].min() > 100 > fit.W_se[:, :3].max()


def test_what_has_not_converged_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logistic, "MAX_STEPS", 1)
    with pytest.raises(ConvergenceError, match="give a larger penalty"):
        fit_network(recording(), penalty=0)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([np.ones((3, 2)), np.ones((3, 3))], "x must hold chains .* with the same n"),
        ([np.ones((1, 2)), np.ones((1, 2))], "x must have a chain of at least 2 steps"),
        ([np.ones((9, 2)), np.zeros((9, 2))], "x must hold only spins"),
    ],
)
def test_chains_that_do_not_fit_together_are_refused(x: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        fit_network(x)
