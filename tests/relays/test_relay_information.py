"""Relays: exact cases, the formula of eight entropies, exhaustive search, and few samples."""

import itertools

import numba
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flux
from flux.relays._samples import MAX_VALUES

pytestmark = pytest.mark.filterwarnings("ignore:.*samples are too few")

TOLERANCE = 1e-12
h2 = flux.binary_entropy


def rng(seed=1):
    return np.random.default_rng(seed)


def enumerate_bits(n):
    """All states of n fair coins, each 32 times over, one array a coin."""
    return np.tile(np.array(list(itertools.product((0, 1), repeat=n))).T, 32)


def check(xin, xout, nodes, *, curve, single=None, shapley=None, leak=0.0):
    """Compare with what was derived, by every function that gives it."""
    Y = np.stack(nodes, 1)
    found = flux.relay_order(xin, xout, Y, rng=rng())
    np.testing.assert_allclose(found.curve, curve, rtol=0, atol=TOLERANCE)
    assert found.leak == pytest.approx(leak, abs=TOLERANCE)
    assert found.reliable.all()
    kept = [flux.relay_information(xin, xout, Y, found.order[k:]) for k in range(len(curve))]
    np.testing.assert_allclose([one.I for one in kept], curve, rtol=0, atol=TOLERANCE)
    assert [one.states for one in kept] == found.states.tolist()
    assert {one.states_all for one in kept} == {found.states[-1]}
    np.testing.assert_allclose([one.null for one in kept], found.null, rtol=0, atol=TOLERANCE)
    for kind, wanted in (("single", single), ("shapley", shapley)):
        scores = flux.relay_scores(xin, xout, Y, kind=kind, rng=rng())
        if wanted is not None:
            np.testing.assert_allclose(scores, wanted, rtol=0, atol=TOLERANCE)
        if kind == "shapley":
            assert scores.sum() == pytest.approx(curve[0], abs=TOLERANCE)


def test_copy_and_noise():
    """Y = (x, n, m), out = in = x.

    I(in;out|Y0) = H(x|Y0) is 1 as long as x is not in Y0, and 0 from then on. So only node 0
    loses anything, whenever it goes, and the greedy search keeps it to the end.
    """
    x, n, m = enumerate_bits(3)
    check(x, x, [x, n, m], curve=[1, 1, 1, 0], single=[1, 0, 0], shapley=[1, 0, 0])


def test_redundant_pair_and_noise():
    """Y = (x, x, n), out = in = x.

    H(x|Y0) is 0 as soon as Y0 has one of the copies: the first copy that goes loses the bit.
    Going alone, each loses it; in half of the orders each is the first of the two.
    """
    x, n = enumerate_bits(2)
    check(x, x, [x, x, n], curve=[1, 1, 0, 0], single=[1, 1, 0], shapley=[0.5, 0.5, 0])


def test_xor_pair_and_noise():
    """Y = (a, b, n), out = in = a xor b.

    H(a xor b|Y0) is 1 unless both are in Y0: the second that goes loses the bit, and either is
    second in half of the orders. Going alone none loses any.
    """
    a, b, n = enumerate_bits(3)
    check(a ^ b, a ^ b, [a, b, n], curve=[1, 1, 1, 0], single=[0, 0, 0], shapley=[0.5, 0.5, 0])


def test_three_shares():
    """Y = (a, b, c), out = in = a xor b xor c: the last of three loses the bit."""
    a, b, c = enumerate_bits(3)
    check(
        a ^ b ^ c, a ^ b ^ c, [a, b, c], curve=[1, 1, 1, 0], single=[0, 0, 0], shapley=[1 / 3] * 3
    )


def test_bypass():
    """Y = (n, m), out = in = x: I(in;out|Y0) = 1 for every Y0, so the leak is 1, I_R = 0."""
    x, n, m = enumerate_bits(3)
    check(x, x, [n, m], curve=[0, 0, 0], single=[0, 0], shapley=[0, 0], leak=1)


def test_and_gate():
    """Y = (a, b, n), in = (a, b), out = a and b.

    I(in;out) = h2(1/4). Once a is known, out is b for a = 1, and 0 else: I(in;out|a) = 1/2.
    Both known, nothing is left. So a alone loses h2(1/4) - 1/2, and the second of both 1/2.
    """
    a, b, n = enumerate_bits(3)
    whole = h2(0.25)
    check(
        a + 2 * b,
        a & b,
        [a, b, n],
        curve=[whole, whole, 0.5, 0],
        single=[whole - 0.5, whole - 0.5, 0],
        shapley=[whole / 2, whole / 2, 0],
    )
    assert whole == pytest.approx(0.8113, abs=5e-5)


def test_greedy_prefers_two_cheap_losses():
    """Y = (f, f, r, s), in = out = (f, r, s), f fair, r and s 1 with probability 1/8.

    Losses add up, as the three are independent, and the twins lose their bit with the first of
    them. The cheapest single losses are r and s, h2(1/8) each, and then one twin, 1. But
    taking both twins would have lost 1 < 2 h2(1/8): the best pair is r, s.
    """
    f, *coins = enumerate_bits(7)
    r, s = np.all(coins[:3], 0), np.all(coins[3:], 0)
    xin, e = f + 2 * r + 4 * s, h2(0.125)
    check(
        xin,
        xin,
        [f, f, r, s],
        curve=[1 + 2 * e, 1 + e, 1, 0, 0],
        single=[1, 1, e, e],
        shapley=[0.5, 0.5, e, e],
    )
    kept = flux.relay_information(xin, xin, np.stack([f, f, r, s], 1), [2, 3])
    assert kept.I == pytest.approx(2 * e, abs=TOLERANCE)


def test_masked_bit():
    """Y = (x, n), in = x, out = x xor n.

    I(in;out) = 0, and I(in;out|n) = 1, since who knows n reads x off the output. With x in Y0
    the input is known and I = 0. So I_R is 0 for both, 1 for {x} alone, 0 for {n} and for none:
    the greedy search moves n first. Losses: n first -1, then x 1; or x first 0, then n 0.
    """
    x, n = enumerate_bits(2)
    check(x, x ^ n, [x, n], curve=[0, 1, 0], single=[0, -1], shapley=[0.5, -0.5])


def test_node_that_ties_output_to_input():
    """Y = (x xor o, n), in = x, out = o, independent.

    I(in;out) = 0 but I(in;out|x xor o) = 1: the leak is 1 and I_R of both nodes -1. With node 0
    in Y0 both terms are 1, and I_R is 0.
    """
    x, o, n = enumerate_bits(3)
    check(x, o, [x ^ o, n], curve=[-1, 0, 0], single=[-1, 0], shapley=[-1, 0], leak=1)


def test_noisy_channel():
    """Y = (x, n), in = x, out = x flipped with probability 1/8: I(in;out) = 1 - h2(1/8).

    With x in Y0 the input is known and nothing is left.
    """
    x, n, *flips = enumerate_bits(5)
    out = x ^ np.all(flips, 0)
    capacity = 1 - h2(0.125)
    check(x, out, [x, n], curve=[capacity, capacity, 0], single=[capacity, 0])
    assert capacity == pytest.approx(0.4564, abs=5e-5)


def cases(max_nodes, max_samples=40):
    """Labels and node states with up to four values."""

    @st.composite
    def draw_case(draw):
        samples = draw(st.integers(1, max_samples))
        nodes = draw(st.integers(1, max_nodes))
        column = st.lists(st.integers(0, 3), min_size=samples, max_size=samples)
        xin, xout, *Y = draw(st.lists(column, min_size=nodes + 2, max_size=nodes + 2))
        return np.array(xin), np.array(xout), np.array(Y).T

    return draw_case()


@given(cases(4), st.data())
def test_eight_entropies(case, data):
    xin, xout, Y = case
    relay = data.draw(st.lists(st.integers(0, Y.shape[1] - 1), unique=True))
    found = flux.relay_information(xin, xout, Y, relay)
    wanted = oracles.relay_information(xin, xout, Y, relay)
    np.testing.assert_allclose([found.I, found.leak, found.I_in_out], wanted, rtol=0, atol=1e-12)


@given(cases(4))
def test_scores_by_their_definitions(case):
    xin, xout, Y = case
    n = Y.shape[1]

    def I_R(relay):
        return oracles.relay_information(xin, xout, Y, list(relay))[0]

    found = flux.relay_order(xin, xout, Y, rng=rng())
    curve = [I_R(found.order[k:]) for k in range(n + 1)]
    np.testing.assert_allclose(found.curve, curve, rtol=0, atol=1e-12)
    for k in range(n):
        # no other choice would have left more, and a tie is one
        left = [I_R(set(found.order[k:]) - {j}) for j in found.order[k:]]
        assert curve[k + 1] > max(left) - 1e-8
        assert found.tied[k] == (sum(value > max(left) - 1e-8 for value in left) > 1)

    single = [I_R(range(n)) - I_R(set(range(n)) - {j}) for j in range(n)]
    scores = flux.relay_scores(xin, xout, Y, kind="single", rng=rng())
    np.testing.assert_allclose(scores, single, rtol=0, atol=1e-12)

    aggregated = np.zeros(n)
    for removed in range(1, n + 1):
        for j in found.order[removed:]:
            aggregated[j] += curve[1] - curve[removed]
    scores = flux.relay_scores(xin, xout, Y, kind="aggregated", rng=rng())
    np.testing.assert_allclose(scores, aggregated, rtol=0, atol=1e-11)

    shapley = np.zeros(n)
    orders = list(itertools.permutations(range(n)))
    for order in orders:
        for k, j in enumerate(order):
            shapley[j] += (I_R(order[k:]) - I_R(order[k + 1 :])) / len(orders)
    scores = flux.relay_scores(xin, xout, Y, kind="shapley", rng=rng())
    np.testing.assert_allclose(scores, shapley, rtol=0, atol=1e-12)


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


def random_case(seed, nodes, samples=128):
    """Input and output from random rules with some noise, read by no node perfectly."""
    generator = rng(seed)
    Y = generator.integers(0, 2, (samples, nodes))
    xin = (Y @ generator.normal(size=nodes) + generator.normal(size=samples) > 0).astype(int)
    xout = (Y @ generator.normal(size=nodes) + xin > 0.5).astype(int)
    return xin, xout, Y


def best_of_all(xin, xout, Y):
    """The highest I_R of any relay set, for each number of nodes moved to Y0."""
    n = Y.shape[1]
    return np.array(
        [
            max(
                flux.relay_information(xin, xout, Y, relay).I
                for relay in itertools.combinations(range(n), n - k)
            )
            for k in range(n + 1)
        ]
    )


def test_greedy_against_exhaustive_search():
    """Never above, equal where at most one node is moved or none is left, and seldom far below."""
    gaps = []
    for seed in range(60):
        nodes = 6 if seed < 55 else 8
        case = random_case(seed, nodes)
        gap = best_of_all(*case) - flux.relay_order(*case, rng=rng()).curve
        np.testing.assert_allclose(gap[[0, 1, -1]], 0, atol=1e-9)
        gaps += gap.tolist()
    assert min(gaps) > -1e-9
    below = np.array(gaps) > 1e-9
    assert 0 < below.mean() < 0.25
    assert max(gaps) < 0.15


def copy_and_noise(bits, samples=4096):
    """A node that copies a bit, and `bits` nodes of noise: I_R({0}) = 1, whatever Y0 knows."""
    generator = rng(bits)
    x = generator.integers(0, 2, samples)
    return x, np.column_stack([x, generator.integers(0, 2, (samples, bits))])


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


def test_unreliable_steps_are_marked_and_the_remedy_named():
    x, Y = copy_and_noise(12)
    with pytest.warns(UserWarning, match="at least 16 samples a state") as caught:
        found = flux.relay_order(x, x, Y, rng=rng())
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert found.order[-1] == 0 or found.tied[-1]
    assert found.reliable[:9].all()
    assert not found.reliable[10:].any()
    needed = int(str(caught[0].message).split("a state, here ")[1].split(",")[0])
    assert needed == 16 * found.states[~found.reliable].min()
    for kind in ("aggregated", "shapley"):
        with pytest.warns(UserWarning, match="too few"):
            flux.relay_scores(x, x, Y, kind=kind, rng=rng(), orders=2)


@pytest.mark.filterwarnings("error")
def test_no_warning_where_there_are_enough_samples():
    x, Y = copy_and_noise(12, samples=1 << 16)
    assert flux.relay_order(x, x, Y, rng=rng()).reliable.all()
    # the score of single nodes does not look at the others
    flux.relay_scores(*copy_and_noise(40)[:1] * 2, copy_and_noise(40)[1], kind="single", rng=rng())


@pytest.mark.parametrize("values", [2, 3, MAX_VALUES])
def test_threads_and_seeds(values):
    generator = rng(5)
    Y = generator.integers(0, values, (20_000, 30)).astype(np.uint8)
    xin = Y[:, 3] % 2
    before = numba.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 2):
            numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
            order = flux.relay_order(xin, xin, Y, rng=rng(7))
            shapley = flux.relay_scores(xin, xin, Y, kind="shapley", rng=rng(7), orders=50)
            results.append([*order, shapley])
    finally:
        numba.set_num_threads(before)
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))
    assert np.argmax(flux.relay_scores(xin, xin, Y, kind="single", rng=rng())) == 3


def test_ties_are_broken_by_the_seed():
    x, n, m, k = enumerate_bits(4)
    Y = np.stack([n, x, m, k], 1)
    firsts = {flux.relay_order(x, x, Y, rng=rng(seed)).order[0] for seed in range(40)}
    assert firsts == {0, 2, 3}
    found = flux.relay_order(x, x, Y, rng=rng())
    assert found.tied.tolist() == [True, True, False, False]


@given(cases(4), st.permutations(range(4)), st.integers(-3, 3))
def test_names_of_states_samples_and_nodes_do_not_matter(case, names, shift):
    xin, xout, Y = case
    known = flux.relay_order(xin, xout, Y, rng=rng())
    other_in = np.array(["d", "bb", "a", "c"])[xin]
    again = flux.relay_order(other_in, xout * 10**12, np.array(names)[Y] + shift, rng=rng())
    # the lowest name comes first, whatever the value: sums may differ in the last digit
    np.testing.assert_allclose(known.curve, again.curve, rtol=0, atol=1e-12)
    assert np.array_equal(known.order, again.order)
    scattered = flux.relay_order(xin, xout, Y * 10**6 - 5, rng=rng())
    assert np.array_equal(known.curve, scattered.curve)
    back = flux.relay_scores(xin[::-1], xout[::-1], Y[::-1, ::-1], kind="single", rng=rng())[::-1]
    single = flux.relay_scores(xin, xout, Y, kind="single", rng=rng())
    np.testing.assert_allclose(single, back, rtol=0, atol=1e-12)


def test_shapley_by_drawn_orders():
    """Eleven bits of which the output is the parity of a pair: half a bit each, by symmetry.

    Each order is gone both ways, and in one of the two ways each is the last of the pair.
    """
    *bits, xin = rng(2).integers(0, 2, (12, 1 << 15))
    xin = bits[4] ^ bits[9]
    Y = np.stack(bits, 1)
    scores = flux.relay_scores(xin, xin, Y, kind="shapley", rng=rng(), orders=99)
    found = flux.relay_information(xin, xin, Y, range(11))
    assert scores.sum() == pytest.approx(found.I, abs=1e-12)
    assert scores[[4, 9]] == pytest.approx(0.5, abs=0.05)
    assert np.delete(scores, [4, 9]) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("orders", [1, 2])
def test_shapley_goes_each_order_both_ways(orders):
    """Of a pair, each is the last in one of the two ways: exactly half a bit each."""
    a, b, *noise = enumerate_bits(7)
    Y = np.stack([*noise[:2], a, *noise[2:], b], 1)
    scores = flux.relay_scores(a ^ b, a ^ b, Y, kind="shapley", rng=rng(), orders=orders)
    np.testing.assert_allclose(scores, [0, 0, 0.5, 0, 0, 0, 0.5], rtol=0, atol=TOLERANCE)


def test_over_time_is_step_by_step():
    generator = rng(3)
    Y = generator.integers(0, 2, (600, 5, 6))
    xin = generator.integers(0, 3, 600)
    xout = (xin + Y[:, 2, 1]) % 3
    for kind in ("single", "aggregated", "shapley"):
        found = flux.relay_over_time(xin, xout, Y, rng=rng(), kind=kind, orders=6)
        assert found.scores.shape == found.order.shape == (5, 6)
        assert found.leak.shape == found.I_in_out.shape == (5,)
        same = rng()
        for t in range(5):
            one = flux.relay_order(xin, xout, Y[:, t], rng=same)
            for name, value in one._asdict().items():
                assert np.array_equal(getattr(found, name)[t], value)
            if kind != "aggregated":
                scores = flux.relay_scores(xin, xout, Y[:, t], kind=kind, rng=same, orders=6)
                assert np.array_equal(found.scores[t], scores)
            else:
                # the last to go has the largest score, and the first has none
                assert found.scores[t, one.order[0]] == 0
    with pytest.warns(UserWarning, match="too few"):
        flux.relay_over_time(
            xin, xout, np.arange(600 * 2)[:, None].reshape(600, 1, 2) % 256, rng=rng()
        )


X = np.array([0, 1, 0, 1])
Y4 = np.eye(4, dtype=int)


@pytest.mark.parametrize(
    ("xin", "xout", "Y", "message"),
    [
        (X[:3], X, Y4, r"xin must have shape \(4,\).*\(3,\)"),
        (X, X[None], Y4, "xout must have shape"),
        (X / 2, X, Y4, "xin must hold whole numbers or words"),
        (X, X, Y4[0], r"Y must have shape \(samples, nodes\)"),
        (X, X, Y4[:, :0], r"Y must have shape"),
        (X, X, Y4 / 2, "Y must hold small integers.*coarse_grain"),
        (
            np.arange(300),
            np.arange(300),
            np.arange(300)[:, None] ** 2,
            "at most 256.*node 0 had 300",
        ),
    ],
)
def test_bad_arguments(xin, xout, Y, message):
    with pytest.raises(ValueError, match=message):
        flux.relay_information(xin, xout, Y, [0])
    with pytest.raises(ValueError, match=message):
        flux.relay_order(xin, xout, Y, rng=rng())
    with pytest.raises(ValueError, match=message):
        flux.relay_scores(xin, xout, Y, rng=rng())


@pytest.mark.parametrize("relay", [[4], [-1], [0, 0], [0.5], [[0]], "a"])
def test_bad_relay(relay):
    with pytest.raises(ValueError, match="relay must"):
        flux.relay_information(X, X, Y4, relay)


def test_bad_options():
    with pytest.raises(ValueError, match="kind must be one of single, aggregated, shapley"):
        flux.relay_scores(X, X, Y4, kind="double", rng=rng())
    with pytest.raises(ValueError, match="orders must be"):
        flux.relay_scores(X, X, Y4, kind="shapley", rng=rng(), orders=0)
    with pytest.raises(ValueError, match="rng must be"):
        flux.relay_order(X, X, Y4, rng=1)
    with pytest.raises(ValueError, match=r"Y must have shape \(samples, steps, nodes\)"):
        flux.relay_over_time(X, X, Y4, rng=rng())
