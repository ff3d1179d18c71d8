"""Entropy from counts: the formulas term by term, on paper, by other libraries, and invariances."""

import itertools
import math
from collections import Counter
from functools import cache

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_recordings import network

from flux.recordings.counting import (
    multiplicities,
    state_codes,
)
from flux.recordings.entropies import (
    ENTROPY_METHODS,
    entropy_from_counts,
    shuffled_pair_bits,
)
from flux.recordings.estimators import sample_flux

LN2 = math.log(2)
EULER = float(mp.euler)
SMALL_COUNTS = [[1], [7], [1, 1], [2, 1, 1], [3, 2], [5, 3, 2, 2, 1, 1, 1], [40, 1], [4, 4, 4, 4]]


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def grassberger_G(m):
    """The recursion of Grassberger (2003): G(2k + 1) = G(2k), G(2k + 2) = G(2k) + 2 / (2k + 1)."""
    G = -EULER - LN2
    for k in range(m // 2):
        G += 2 / (2 * k + 1)
    return G


def chao_wang_jost(counts):
    """Chao, Wang & Jost (2013), eq. 8, with digits enough for its cancellation."""
    with mp.workdps(200):
        T, f1, f2 = sum(counts), counts.count(1), counts.count(2)
        H = mp.fsum(mp.mpf(m) / T * mp.fsum(mp.mpf(1) / k for k in range(m, T)) for m in counts)
        if f1 == 0:
            return float(H / mp.log(2))
        last = mp.mpf(2) / ((T - 1) * (f1 - 1) + 2)
        A = mp.mpf(2 * f2) / ((T - 1) * f1 + 2 * f2) if f2 else last
        if A < 1:
            head = mp.fsum((1 - A) ** r / r for r in range(1, T))
            H += mp.mpf(f1) / T * (1 - A) ** (1 - T) * (-mp.log(A) - head)
        return float(H / mp.log(2))


def nsb(counts, K):
    """The integrals of Nemenman, Shafee & Bialek (2002), over log kappa, to about 20 digits."""
    with mp.workdps(60):
        K, T, seen = mp.mpf(K), sum(counts), len(counts)

        @cache
        def posterior(t):
            kappa = mp.e**t
            beta = kappa / K
            evidence = mp.loggamma(kappa) - mp.loggamma(T + kappa)
            evidence += mp.fsum(mp.loggamma(m + beta) - mp.loggamma(beta) for m in counts)
            flat = mp.psi(1, kappa + 1) - mp.psi(1, beta + 1) / K
            return mp.e ** (evidence + T * mp.log(K) + t) * flat

        def mean(t):
            kappa = mp.e**t
            beta = kappa / K
            terms = mp.fsum((m + beta) * mp.psi(0, m + beta + 1) for m in counts)
            terms += (K - seen) * beta * mp.psi(0, beta + 1)
            return mp.psi(0, T + kappa + 1) - terms / (T + kappa)

        pieces = [mp.mpf(t) for t in range(-36, int(mp.log(K)) + 36, 2)]
        rule = {"method": "gauss-legendre", "maxdegree": 4}
        whole = mp.quad(posterior, pieces, **rule)
        return float(mp.quad(lambda t: posterior(t) * mean(t), pieces, **rule) / whole / mp.log(2))


def by_hand(counts, method):
    T, K, f1 = sum(counts), len(counts), counts.count(1)
    plugin = -sum(m / T * math.log2(m / T) for m in counts)
    if method == "plugin":
        return plugin
    if method == "miller-madow":
        return plugin + (K - 1) / (2 * T * LN2)
    if method == "grassberger":
        return (math.log(T) - sum(m * grassberger_G(m) for m in counts) / T) / LN2
    if method == "chao-wang-jost":
        return chao_wang_jost(counts)
    C = 1 - f1 / T if f1 < T else 1 / T
    shares = [C * m / T for m in counts]
    return 0.0 if T == 1 else -sum(p * math.log2(p) / (1 - (1 - p) ** T) for p in shares)


@pytest.mark.parametrize("method", ENTROPY_METHODS[:-1])
@pytest.mark.parametrize("counts", SMALL_COUNTS, ids=str)
def test_entropy_from_small_counts(counts, method):
    assert entropy_from_counts(counts, method) == pytest.approx(
        by_hand(counts, method), abs=1e-12, rel=1e-12
    )


@pytest.mark.parametrize(
    ("counts", "method", "bits"),
    [
        ([2, 1, 1], "plugin", 1.5),
        ([2, 1, 1], "miller-madow", 1.5 + 1 / (4 * LN2)),
        # G(1) = -gamma - ln 2 and G(2) = G(1) + 2
        ([2, 1, 1], "grassberger", (math.log(4) + EULER + LN2 - 1) / LN2),
        # coverage 1/2: shares 1/4, 1/8, 1/8
        (
            [2, 1, 1],
            "chao-shen",
            0.5 / (1 - (3 / 4) ** 4) + 2 * 0.375 / (1 - (7 / 8) ** 4),
        ),
        # 2/4 (1/2 + 1/3) + 2 1/4 (1 + 1/2 + 1/3), and A = 1/4
        (
            [2, 1, 1],
            "chao-wang-jost",
            (5 / 12 + 11 / 12 + 0.5 * (4 / 3) ** 3 * (math.log(4) - 3 / 4 - 9 / 32 - 27 / 192))
            / LN2,
        ),
    ],
)
def test_entropy_worked_out_on_paper(counts, method, bits):
    assert entropy_from_counts(counts, method) == pytest.approx(bits, abs=1e-13)


@pytest.mark.parametrize(
    "counts",
    [[1] * 3 + [2] * 300 + [9] * 100, [1] * 400, [1] * 30 + [2] + [50] * 7, [1, 1, 2], [1, 900]],
    ids=["many twice", "all once", "few twice", "A half", "A one"],
)
def test_chao_wang_jost_has_no_cancellation(counts):
    assert entropy_from_counts(counts, "chao-wang-jost") == pytest.approx(
        chao_wang_jost(counts), rel=1e-11
    )


@pytest.mark.parametrize(
    ("counts", "K"),
    [
        ([1], 2),
        ([2, 1, 1], 4),
        ([5, 3, 1, 1], 16),
        ([30, 20, 3, 1], 4),
        ([1] * 8, 256),
        ([3, 2, 1, 1, 1], 4**10),
        ([4, 4, 2, 1], 10**30),
    ],
    ids=str,
)
def test_nsb_is_its_integral(counts, K):
    assert entropy_from_counts(counts, "nsb", K) == pytest.approx(nsb(counts, K), rel=1e-10)


def test_nsb_of_one_sample_in_two_symbols():
    # one flip of a coin of unknown bias under a flat prior of H leaves H at its mean, 1/2
    assert entropy_from_counts([1], "nsb", 2) == pytest.approx(0.5, abs=1e-12)
    assert entropy_from_counts([9], "nsb", 1) == 0.0


@pytest.mark.parametrize("n", [62, 500, 1000])
def test_nsb_of_any_alphabet(n):
    # few coincidences fix H whatever the alphabet; without one, H grows with it
    some = [entropy_from_counts([2] + [1] * 50, "nsb", 4**k) for k in (n, n + 1)]
    none = [entropy_from_counts([1] * 50, "nsb", 4**k) for k in (n, n + 1)]
    assert some[0] == pytest.approx(some[1], abs=1e-9)
    assert none[1] - none[0] == pytest.approx(1.0, abs=0.01)
    assert entropy_from_counts([1] * 10**6, "nsb", 4**n) < 2 * n


def test_nsb_with_many_samples_is_the_entropy(rng):
    p = rng.dirichlet(np.ones(64))
    H = entropy_from_counts(rng.multinomial(10**9, p), "nsb", 64)
    assert H == pytest.approx(float(-(p * np.log2(p)).sum()), abs=2e-4)


@pytest.mark.parametrize("method", ENTROPY_METHODS)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=12).filter(any), st.randoms())
def test_entropy_does_not_know_the_symbols(method, counts, random):
    mixed = [*counts, 0, 0]
    random.shuffle(mixed)
    H = entropy_from_counts(counts, method, 20)
    assert entropy_from_counts(mixed, method, 20) == pytest.approx(H, abs=1e-12)
    # Grassberger's is a little below 0 for an even count of a single symbol
    assert H > -0.06


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("plugin", "discrete"),
        ("miller-madow", "miller_madow"),
        ("chao-shen", "chao_shen"),
        ("chao-wang-jost", "chao_wang_jost"),
    ],
)
def test_entropy_agrees_with_infomeasure(ours, theirs):
    im = pytest.importorskip("infomeasure", reason="infomeasure is AGPL: a test tool, if there")
    for counts in SMALL_COUNTS[3:]:
        data = np.repeat(np.arange(len(counts)), counts)
        expected = im.entropy(data, approach=theirs, base=2)
        assert entropy_from_counts(counts, ours) == pytest.approx(expected, abs=1e-10)


def test_plugin_agrees_with_dit():
    import dit

    _, x = network(3, 2000)
    words = ["".join("01"[int(s > 0)] for s in row) for row in x]
    pairs = Counter(itertools.pairwise(words))
    joint = dit.Distribution(list(pairs), [m / 1999 for m in pairs.values()])
    I, H, D = sample_flux(x)
    assert dit.shannon.mutual_information(joint, [0], [1]) == pytest.approx(I, abs=1e-10)
    assert dit.shannon.entropy(joint, [1]) == pytest.approx(H, abs=1e-10)
    assert dit.shannon.conditional_entropy(joint, [1], [0]) == pytest.approx(D, abs=1e-10)


@pytest.mark.parametrize("cells", [[3, 2, 1, 1], [2, 2, 2, 1], [6, 0, 0, 1]])
def test_shuffled_entropy_is_the_mean_over_all_permutations(cells):
    x = np.repeat([0, 0, 1, 1], cells)
    y = np.repeat([0, 1, 0, 1], cells)
    entropies = []
    for order in itertools.permutations(range(7)):
        counts = Counter(zip(x.tolist(), y[list(order)].tolist(), strict=True))
        entropies.append(-sum(m / 7 * math.log2(m / 7) for m in counts.values()))
    exact = shuffled_pair_bits(multiplicities(np.bincount(x)), multiplicities(np.bincount(y)))
    assert exact == pytest.approx(np.mean(entropies), abs=1e-12)


def test_shuffle_agrees_with_sklearn():
    cluster = pytest.importorskip("sklearn.metrics.cluster", reason="sklearn is a test tool")
    _, x = network(4, 3000)
    a, b = state_codes(x[None])[0][0][:-1], state_codes(x[None])[0][0][1:]
    table = cluster.contingency_matrix(a, b).astype(float)
    expected = cluster.expected_mutual_information(table, len(a)) / LN2
    taken = sample_flux(x).I - sample_flux(x, method="shuffle").I
    assert taken == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(
    ("counts", "kwargs", "message"),
    [
        ([], {}, "counts must not"),
        ([0, 0], {}, "counts must not all be 0"),
        ([1, -1], {}, "counts must be whole numbers of at least 0"),
        ([1.5], {}, "counts must be whole"),
        ([math.nan], {}, "counts must be"),
        ([math.inf], {}, "counts must be"),
        ([[1, 2]], {}, "counts must be"),
        (["a"], {}, "counts must be"),
        ([1, 2], {"method": "shuffle"}, "method must be one of"),
        ([1, 2], {"method": "nsb"}, "n_symbols must be"),
        ([1, 2], {"method": "nsb", "n_symbols": 1}, "n_symbols must be"),
        ([1, 2], {"method": "nsb", "n_symbols": math.inf}, "n_symbols must be"),
        ([1, 2], {"method": "nsb", "n_symbols": math.nan}, "n_symbols must be"),
    ],
)
def test_entropy_from_counts_rejects(counts, kwargs, message):
    with pytest.raises(ValueError, match=message):
        entropy_from_counts(counts, **kwargs)
