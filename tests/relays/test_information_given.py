"""What few samples do to relay information, and the null that tells."""

import itertools

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from relay_cases import cases, copy_and_noise, rng

import flux

pytestmark = pytest.mark.filterwarnings("ignore:.*samples are too few")

h2 = flux.binary_entropy


@given(cases(3, max_samples=5))
@settings(max_examples=30)
def test_null_is_the_mean_over_all_shuffles(case):
    xin, xout, Y = case
    shuffles = list(itertools.permutations(range(len(Y))))
    for relay in ([], [0]):
        found = flux.relay_information(xin, xout, Y, relay)
        outside = [j for j in range(Y.shape[1]) if j not in relay]
        mean = [
            np.mean(
                [
                    oracles.relay_information(xin, xout, Y[list(s)][:, nodes], [])[1]
                    for s in shuffles
                ]
            )
            if nodes
            else found.I_in_out
            for nodes in (outside, list(range(Y.shape[1])))
        ]
        np.testing.assert_allclose([found.null, found.null_all], mean, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("bits", "seen"), [(8, 0.95), (10, 0.78), (12, 0.38)])
def test_few_samples_pull_relay_information_down(bits, seen):
    """H(x|Y0) is 1 bit, but within a state of Y0 that was met m times, x takes few values.

    With m Poisson of mean r = samples / 2^bits, a state that was met m times shows the plug-in
    entropy of m coin throws, E[h2(k / m)]. The mean over samples is the null.
    """
    x, Y = copy_and_noise(bits)
    found = flux.relay_information(x, x, Y, [0])
    assert found.I == pytest.approx(seen, abs=0.03)
    assert found.null == pytest.approx(seen, abs=0.03)
    assert found.I == pytest.approx(found.null, abs=0.03)
    r, m = 4096 / 2**bits, np.arange(1, 400)
    log_met = m * np.log(r) - r - np.cumsum(np.log(m))
    shown = [
        sum(h2(k / n) * np.exp(_log_binomial(n, k)) for k in range(n + 1)) if n > 1 else 0.0
        for n in m[:80]
    ]
    wanted = (m * np.exp(log_met))[:80] @ shown / r
    assert found.null == pytest.approx(wanted, abs=0.015)
    assert found.reliable == (bits == 8)


def _log_binomial(n, k):
    logs = np.log(np.arange(1, n + 1))
    return logs.sum() - logs[:k].sum() - logs[: n - k].sum() - n * np.log(2)


def test_few_samples_hide_a_bypass():
    """All nodes are noise and the output reads the input elsewhere, yet I_R(all) goes to 1."""
    x, Y = copy_and_noise(14)
    found = flux.relay_information(x, x, Y[:, 1:], range(14))
    assert found.I > 0.85
    assert found.leak < 0.15
    assert not found.reliable
    assert found.null_all == pytest.approx(found.leak, abs=0.02)


def test_few_samples_make_synergy():
    """Input and output are independent, but noise nodes seem to tie them to each other."""
    x, Y = copy_and_noise(10)
    other = rng().integers(0, 2, len(x))
    with pytest.warns(UserWarning, match="too few"):
        found = flux.relay_information(x, other, Y[:, 1:], [])
    assert found.leak == pytest.approx(0.2, abs=0.03)
    assert found.null == pytest.approx(found.leak, abs=0.03)
    assert not found.reliable


def test_many_labels_make_synergy_before_they_collapse():
    """Ten labels each: plug-in information of independent labels is 81 / (2 r ln 2) too high.

    At r = 156 samples a state that is 0.37 bits (to first order), more than log2(10) / 10, while
    H(in,out|Y0) = 2 log2(10) has only lost 99 / (2 r ln 2), less than a tenth.
    """
    xin, xout, state = rng(1).integers(0, [[10], [10], [128]], (3, 20_000))
    found = flux.relay_information(xin, xout, state[:, None], [])
    assert found.null == pytest.approx(81 / (2 * 20_000 / 128 * np.log(2)), rel=0.25)
    assert not found.reliable
    assert flux.relay_information(xin, xout, state[:, None] % 16, []).reliable


@pytest.mark.filterwarnings("error")
def test_no_warning_where_there_are_enough_samples():
    x, Y = copy_and_noise(12, samples=1 << 16)
    assert flux.relay_order(x, x, Y, rng=rng()).reliable.all()
    # the score of single nodes does not look at the others
    flux.relay_scores(*copy_and_noise(40)[:1] * 2, copy_and_noise(40)[1], kind="single", rng=rng())
