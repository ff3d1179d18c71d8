"""Flux from samples: counts by hand, other libraries' formulas, exact fluxes, and invariances."""

import itertools
import math
import runpy
import warnings
from collections import Counter
from functools import cache
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from flux.exact.flux import exact_flux
from flux.model.ensembles import gaussian_weights, nrooks
from flux.model.simulation import simulate, simulate_chains
from flux.model.states import all_states, encode
from flux.recordings.counting import (
    count_codes,
    count_pairs,
    count_successors,
    multiplicities,
    relabel,
    state_codes,
)
from flux.recordings.entropies import (
    ENTROPY_METHODS,
    FLUX_METHODS,
    entropy_from_counts,
    shuffled_pair_bits,
)
from flux.recordings.estimators import model_flux, sample_flux
from flux.recordings.intervals import _block_length, sample_flux_interval

pytestmark = pytest.mark.filterwarnings("ignore:.*samples are few:UserWarning")

EULER = float(mp.euler)
LN2 = math.log(2)
SMALL_COUNTS = [[1], [7], [1, 1], [2, 1, 1], [3, 2], [5, 3, 2, 2, 1, 1, 1], [40, 1], [4, 4, 4, 4]]


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def spins(rng, *shape, on=0.5):
    return (2 * (rng.random(shape) < on) - 1).astype(np.int8)


def network(n, steps, *, seed=1, width=1.0):
    W = gaussian_weights(n, rng=np.random.default_rng(seed), width=width)
    trace = simulate(W, steps, rng=np.random.default_rng(seed + 1), burn_in=1000, progress=False)
    return W, trace


def sparse_recording(kind, n, steps, seed):
    """Neurons on in 1 to 5 % of the bins, as the table of the chapter has them."""
    rng = np.random.default_rng([n, seed])
    W, b = maker()["network"](kind, n, rng)
    return W, b, simulate(W, steps, rng=rng, b=b, burn_in=1000, progress=False)


@cache
def maker():
    return runpy.run_path(Path(__file__).parents[2] / "book" / "data" / "make_estimators.py")


# entropy from counts: the formulas, term by term


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


# counting


@pytest.mark.parametrize("n", [1, 5, 30, 31, 32, 62, 63, 64, 124, 125, 200])
def test_codes_are_equal_where_states_are(rng, n):
    # four states that differ at the first, the last, or both ends, each seen many times
    base = spins(rng, n)
    kinds = np.stack([base] * 4)
    kinds[1, -1] *= -1
    kinds[2, 0] *= -1
    kinds[3, [0, -1]] *= -1
    kinds = np.unique(kinds, axis=0)
    which = rng.integers(0, len(kinds), 500)
    codes, size = state_codes(kinds[which].reshape(2, 250, n))
    assert codes.shape == (2, 250)
    assert 0 <= codes.min() <= codes.max() < size
    labels, count = relabel(codes)
    assert count == len(kinds)
    assert np.array_equal(np.unique(which * 4 + labels.reshape(-1)).size, len(kinds))


@pytest.mark.parametrize("n", [1, 3, 7, 8, 9, 10, 31, 61, 62])
@pytest.mark.parametrize("steps", [1, 2, 7, 64, 129])
def test_codes_are_those_of_encode(rng, n, steps):
    x = spins(rng, steps + 1, n)
    # a view that starts in the middle of a word
    assert np.array_equal(state_codes(x[None, 1:])[0][0], encode(x[1:]))


@pytest.mark.parametrize("size", [3, 400, 70_000, 2**40])
def test_counts_of_pairs(rng, size):
    x, y = rng.integers(0, size, (2, 600)) // max(1, size // 7) * max(1, size // 7)
    counts = count_pairs(x, y, size)
    for found, seen in zip(counts, (x, y, zip(x, y, strict=True)), strict=True):
        expected = Counter(tuple(s) if isinstance(s, tuple) else int(s) for s in seen)
        assert sorted(found[found > 0].tolist()) == sorted(expected.values())
    assert count_codes(x, size).sum() == 600


@pytest.mark.parametrize("lag", [1, 3, 4096, 5000])
@pytest.mark.parametrize("n", [1, 3, 9, 20])
def test_successors_are_counted_across_blocks(rng, n, lag):
    x = spins(rng, 2, 11_000, n, on=0.8)
    codes = encode(x)
    before, after = codes[:, :-lag].reshape(-1), codes[:, lag:].reshape(-1)
    for found, seen in zip(
        count_successors(x, lag), (before, after, before << n | after), strict=True
    ):
        expected = np.unique(seen, return_counts=True)[1]
        assert np.array_equal(found[found > 0], expected)


def test_multiplicities_of_a_few_large_counts():
    value, times = multiplicities(np.array([10**12, 5, 5, 0, 1]))
    assert value.tolist() == [1, 5, 10**12]
    assert times.tolist() == [1, 2, 1]


# flux from samples


def counted_flux(x, lag, method):
    """H(x), H(y), H(x, y) from dictionaries of tuples."""
    chains = [x] if x.ndim == 2 else list(x)
    n = x.shape[-1]
    pairs = [
        (tuple(c[t].tolist()), tuple(c[t + lag].tolist()))
        for c in chains
        for t in range(len(c) - lag)
    ]
    counts = [Counter(p[0] for p in pairs), Counter(p[1] for p in pairs), Counter(pairs)]
    bits = [
        entropy_from_counts(list(c.values()), method, k)
        for c, k in zip(counts, (2**n, 2**n, 4**n), strict=True)
    ]
    return bits[0] + bits[1] - bits[2], bits[1], bits[2] - bits[0]


@pytest.mark.parametrize("method", ENTROPY_METHODS)
@pytest.mark.parametrize(("shape", "lag"), [((300, 3), 1), ((4, 50, 5), 3), ((2, 90, 70), 2)])
def test_flux_is_made_of_counted_entropies(rng, method, shape, lag):
    x = spins(rng, *shape, on=0.8)
    if shape[-1] == 70:
        x[..., 3:] = x[..., :1]
    result = sample_flux(x, method=method, lag=lag)
    assert tuple(result) == pytest.approx(counted_flux(x, lag, method), abs=1e-9)
    assert result.I == result.H - result.D


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


def test_shuffle_takes_off_the_mean_of_shuffles(rng):
    x = spins(rng, 400, 3)
    y = x[1:].copy()
    fluxes = []
    for _ in range(400):
        rng.shuffle(y)
        fluxes.append(sample_flux(np.stack([x[:-1], y], axis=1)).I)
    taken = sample_flux(x).I - sample_flux(x, method="shuffle").I
    assert abs(taken - np.mean(fluxes)) < 5 * np.std(fluxes) / math.sqrt(400)
    result = sample_flux(x, method="shuffle")
    assert result.I == result.H - result.D
    assert result.H == sample_flux(x).H


def test_shuffle_agrees_with_sklearn():
    cluster = pytest.importorskip("sklearn.metrics.cluster", reason="sklearn is a test tool")
    _, x = network(4, 3000)
    a, b = state_codes(x[None])[0][0][:-1], state_codes(x[None])[0][0][1:]
    table = cluster.contingency_matrix(a, b).astype(float)
    expected = cluster.expected_mutual_information(table, len(a)) / LN2
    taken = sample_flux(x).I - sample_flux(x, method="shuffle").I
    assert taken == pytest.approx(expected, abs=1e-10)


def test_flux_of_deterministic_cycles():
    # four states in a ring: H = 2 bits, no divergence
    ring = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]])
    x = np.tile(ring, (100, 1))[:-3]
    for lag in (1, 2, 3):
        assert sample_flux(x, lag=lag).D == pytest.approx(0.0, abs=1e-12)
    assert sample_flux(np.ones((9, 9))) == (0.0, 0.0, 0.0)


def test_chains_are_not_joined():
    up, down = np.ones((5, 2), int), -np.ones((5, 2), int)
    apart = sample_flux(np.stack([up, down]))
    joined = sample_flux(np.concatenate([up, down]))
    assert apart == pytest.approx((1.0, 1.0, 0.0))
    assert joined.D > 0.3


@pytest.mark.parametrize("method", FLUX_METHODS)
def test_flux_is_invariant(rng, method):
    _, x = network(5, 3000)
    I = sample_flux(x, method=method).I
    order, sign = rng.permutation(5), rng.choice([-1, 1], 5)
    assert sample_flux(x[:, order], method=method).I == pytest.approx(I, abs=1e-10)
    assert sample_flux(x * sign, method=method).I == pytest.approx(I, abs=1e-10)
    # H(x) and H(y) swap when time runs backwards
    assert sample_flux(x[::-1], method=method).I == pytest.approx(I, abs=1e-10)


@pytest.mark.parametrize("n", [70, 130])
def test_copied_neurons_add_nothing(n):
    _, x = network(4, 2000)
    assert sample_flux(np.tile(x, (1, n // 4 + 1))[:, :n]) == sample_flux(x)


def test_flux_of_any_type_and_memory_layout():
    _, x = network(4, 1000)
    expected = sample_flux(x)
    for dtype in (np.int16, np.int64, np.float32, np.float64):
        assert sample_flux(x.astype(dtype)) == expected
    assert sample_flux(np.asfortranarray(x)) == expected
    assert sample_flux(x.tolist()) == expected
    assert sample_flux(np.repeat(x, 2, axis=0)[::2]) == expected


@pytest.mark.parametrize(
    ("x", "kwargs", "message"),
    [
        (np.ones(5), {}, "x must have shape"),
        (np.ones((2, 2, 2, 2)), {}, "x must have shape"),
        (np.ones((0, 3)), {}, "x must have shape"),
        (np.ones((3, 0)), {}, "x must have shape"),
        (np.ones((0, 5, 3)), {}, "x must have shape"),
        (np.ones((1, 1)), {}, "x must have at least 2 steps"),
        (np.zeros((20, 2), np.int8), {}, "x must hold only spins -1 and"),
        (np.full((20, 2), 3, np.int8), {}, "x must hold only spins -1 and"),
        (np.full((20, 2), -128, np.int8), {}, "x must hold only spins -1 and"),
        (np.full((5, 2), 2, np.int64), {}, "x must hold only spins -1 and"),
        (np.full((5, 2), 257, np.int64), {}, "x must hold only spins -1 and"),
        (np.full((5, 2), np.nan), {}, "x must hold only spins -1 and"),
        ([[1, -1], [1]], {}, "x must be"),
        (np.full((5, 2), "a"), {}, "x must hold only spins -1 and"),
        (np.ones((5, 2), bool), {}, "x must hold only spins -1 and"),
        (np.ones((5, 2)), {"lag": 0}, "lag must be an integer from 1 to 4"),
        (np.ones((5, 2)), {"lag": 5}, "lag must be an integer from 1 to 4"),
        (np.ones((5, 2)), {"lag": 1.5}, "lag must be an integer"),
        (np.ones((5, 2)), {"method": "magic"}, "method must be one of plugin, .*nsb, shuffle"),
    ],
)
def test_sample_flux_rejects(x, kwargs, message):
    with pytest.raises(ValueError, match=message):
        sample_flux(x, **kwargs)
    with pytest.raises(ValueError, match=message):
        sample_flux_interval(x, rng=np.random.default_rng(1), **kwargs)


def test_a_single_wrong_spin_is_found():
    for n in (3, 70):
        x = np.ones((1000, n), np.int8)
        x[700, n - 1] = 0
        with pytest.raises(ValueError, match="held 0"):
            sample_flux(x)


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


@pytest.mark.filterwarnings("default")
def test_too_few_samples_warn_with_the_number_that_would_do(rng):
    W = gaussian_weights(6, rng=rng)
    x = simulate(W, 10**5, rng=rng, progress=False)
    with pytest.warns(
        UserWarning, match="1999 samples are few for the .* distinct pairs"
    ) as caught:
        sample_flux(x[:2000])
    assert caught[0].filename == __file__
    needed = float(str(caught[0].message).split("; about ")[1].split()[0])
    assert 2000 < needed < 10**5
    with pytest.warns(UserWarning, match="40 samples are few for the .* distinct states"):
        model_flux(W, x[:40])
    with pytest.warns(UserWarning, match="samples are few"):
        sample_flux_interval(x[:300], rng=rng, resamples=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sample_flux(x)
        model_flux(W, x)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("steps", [4, 9, 1000])
def test_a_recording_of_one_state_warns(steps):
    with pytest.warns(UserWarning, match="samples are few .* nothing is known of its flux"):
        assert sample_flux(np.ones((steps, 3), np.int8)) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("method", FLUX_METHODS)
def test_nothing_is_corrected_from_pairs_seen_once(rng, method):
    for x in (np.ones((2, 1), np.int8), spins(rng, 50, 40)):
        if method in ("plugin", "shuffle"):
            assert 0 <= sample_flux(x, method=method).I < 6
        else:
            with pytest.raises(ValueError, match=r"method must be .* none of the \d+ pairs"):
                sample_flux(x, method=method)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("n", "on", "steps"), [(10, 0.5, 1000), (60, 0.03, 3000), (20, 0.03, 9999)]
)
def test_the_warning_says_how_large_the_error_is(rng, n, on, steps):
    # independent neurons: whatever counting finds is its error
    x = spins(rng, steps, n, on=on)
    with pytest.warns(UserWarning, match="samples are few") as caught:
        found = sample_flux(x).I
    said = float(str(caught[0].message).split("may be off by ")[1].split()[0])
    assert said == pytest.approx(found, rel=0.1)
    resolvable = float(str(caught[0].message).split("none above ")[1].split()[0])
    assert resolvable == pytest.approx(sample_flux(x).H - found, rel=0.1)


@pytest.mark.parametrize(
    ("n", "width"), [(4, 0.3), (6, 1.0), (8, 1.0), (8, 2.0), (5, None), (10, None), (20, None)]
)
def test_what_does_not_warn_is_within_a_tenth_of_a_bit(n, width):
    if width is None:
        W, b, x = sparse_recording("coupled", n, 10**6, 3)
    else:
        (W, x), b = network(n, 10**6, width=width), None
    I = exact_flux(W, b).I
    checked = 0
    for steps in (10**4, 10**5, 10**6):
        for method in FLUX_METHODS:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                estimate = sample_flux(x[:steps], method=method).I
            if not caught:
                checked += 1
                assert abs(estimate - I) < 0.1, (steps, method)
    assert checked > 6


def test_corrections_help():
    errors = {method: [] for method in FLUX_METHODS}
    for seed in range(5):
        W, x = network(6, 10**4, seed=seed)
        I = exact_flux(W).I
        for method in FLUX_METHODS:
            errors[method].append(sample_flux(x, method=method).I - I)
    rms = {method: math.sqrt(np.mean(np.square(e))) for method, e in errors.items()}
    assert rms["nsb"] < rms["chao-wang-jost"] < rms["miller-madow"] < rms["plugin"]
    assert rms["nsb"] < rms["plugin"] / 5


# known kernel


def test_model_flux_averages_the_divergence(rng):
    W, b = rng.normal(size=(3, 3)), rng.normal(size=3)
    x = spins(rng, 2, 50, 3)
    p = 1 / (1 + np.exp(-(x.reshape(-1, 3) @ W.T + b)))
    D = -(p * np.log2(p) + (1 - p) * np.log2(1 - p)).sum(1).mean()
    result = model_flux(W, x, b, method="plugin")
    H = entropy_from_counts(list(Counter(map(tuple, x.reshape(-1, 3).tolist())).values()), "plugin")
    assert (result.H, result.D) == pytest.approx((H, D), abs=1e-12)
    assert result.I == result.H - result.D


@pytest.mark.parametrize("n", [4, 70])
def test_model_flux_forms_agree(rng, n):
    W, b, x = rng.normal(size=(n, n)) / n, rng.normal(size=n), spins(rng, 3, 40, n)
    expected = model_flux(W, x, b)
    same = [
        model_flux(sparse.csr_array(W), x, b),
        model_flux(W, x.reshape(-1, n), b),
        model_flux(W, rng.permutation(x.reshape(-1, n)), b),
        model_flux(W.tolist(), x.astype(float), b.tolist()),
    ]
    order, sign = rng.permutation(n), rng.choice([-1, 1], n)
    same.append(model_flux(W[np.ix_(order, order)], x[..., order], b[order]))
    same.append(model_flux(W * np.outer(sign, sign), x * sign, b * sign))
    for other in same:
        assert tuple(other) == pytest.approx(tuple(expected), abs=1e-9)


def test_model_flux_of_strong_weights():
    W = 1000 * np.eye(3)
    assert model_flux(W, np.ones((5, 3))).D == 0.0
    # h2(sigma(u)) = (u + 1) exp(-u) / ln 2 for large u, far below the rounding of sigma(u)
    assert model_flux(60 * np.eye(1), np.ones((5, 1))).D == pytest.approx(
        61 * math.exp(-60) / LN2, rel=1e-12
    )


def test_model_flux_of_all_states_is_exact():
    # no bias and N-rooks: all states alike
    W = nrooks(4, rng=np.random.default_rng(1), strength=1.5)
    x = np.tile(all_states(4), (3, 1))
    assert tuple(model_flux(W, x, method="plugin")) == pytest.approx(
        tuple(exact_flux(W)), abs=1e-12
    )


def test_model_flux_ten_times_closer_than_plugin():
    for seed in range(3):
        W, x = network(10, 10**5, seed=seed)
        I = exact_flux(W).I
        known, counted = abs(model_flux(W, x).I - I), abs(sample_flux(x).I - I)
        assert known < counted / 10
        assert known < 0.03


def test_model_flux_of_16_neurons():
    W = gaussian_weights(16, rng=np.random.default_rng(3))
    x = simulate(W, 10**6, rng=np.random.default_rng(4), burn_in=1000, progress=False)
    I = exact_flux(W).I
    assert abs(model_flux(W, x).I - I) < 0.05
    assert sample_flux(x).I - I > 1.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"W": np.ones((3, 2))}, "W must"),
        ({"W": np.full((3, 3), np.nan)}, "W must"),
        ({"b": np.ones(2)}, "b must have shape"),
        ({"x": np.ones((5, 2))}, "x must have shape .* n = 3"),
        ({"x": np.ones(3)}, "x must have shape"),
        ({"x": np.zeros((5, 3))}, "x must hold only spins"),
        ({"method": "shuffle"}, "method must be one of"),
    ],
)
def test_model_flux_rejects(change, message):
    with pytest.raises(ValueError, match=message):
        model_flux(**{"W": np.eye(3), "x": np.ones((5, 3)), **change})


# intervals and tests


def test_interval_holds_the_exact_flux():
    inside, widths = 0, []
    for seed in range(40):
        W, x = network(4, 4000, seed=seed)
        result = sample_flux_interval(x, rng=np.random.default_rng(seed), resamples=60)
        inside += result.lower <= exact_flux(W).I <= result.upper
        widths.append(result.upper - result.lower)
        assert result.estimate == pytest.approx(sample_flux(x, method="nsb").I, abs=0.01)
        assert result.lower < result.estimate < result.upper
    # 38 are expected of an exact 95 % interval, and less than 31 by chance once in 1000
    assert inside >= 31
    assert np.mean(widths) < 0.15


def test_interval_shrinks_with_the_sample_and_grows_with_the_level():
    _, x = network(4, 40_000)
    widths = {}
    for steps, level in ((2500, 0.95), (40_000, 0.95), (2500, 0.5)):
        r = sample_flux_interval(x[:steps], rng=np.random.default_rng(1), level=level, block=20)
        widths[steps, level] = r.upper - r.lower
        assert r.block == 20
    assert widths[40_000, 0.95] < widths[2500, 0.95] / 2.5
    assert widths[2500, 0.5] < widths[2500, 0.95]


def test_interval_is_reproducible_and_takes_chains():
    W = gaussian_weights(3, rng=np.random.default_rng(2))
    x = simulate_chains(W, 300, 5, rng=np.random.default_rng(3), progress=False)
    first = sample_flux_interval(x, rng=np.random.default_rng(4), resamples=30)
    assert sample_flux_interval(x, rng=np.random.default_rng(4), resamples=30) == first
    assert first.estimate == pytest.approx(sample_flux(x, method="nsb").I, abs=0.01)
    # chains in any order
    again = sample_flux_interval(x[::-1], rng=np.random.default_rng(4), resamples=30)
    assert again[:3] == pytest.approx(first[:3], abs=0.03)


def test_coins_have_no_flux(rng):
    results = [
        sample_flux_interval(spins(rng, 500, 3), rng=rng, resamples=39, method="miller-madow")
        for _ in range(60)
    ]
    p = np.array([r.p_value for r in results])
    # a tenth lie below 0.1: 6 of 60, within four standard deviations
    assert (p < 0.101).sum() <= 15
    assert 0.35 < p.mean() < 0.65
    assert sum(r.lower <= 0 <= r.upper for r in results) >= 55


@pytest.mark.parametrize(
    ("kind", "n", "steps"),
    [
        ("independent", 5, 1000),
        ("independent", 20, 20_000),
        ("independent", 60, 3000),
        ("refractory", 20, 20_000),
        ("coupled", 5, 10_000),
        ("coupled", 20, 3000),
        ("coupled", 60, 3000),
        ("width 0.3", 8, 3000),
        ("width 1", 8, 20_000),
        ("width 3", 4, 1000),
    ],
)
@pytest.mark.parametrize("method", ["nsb", "chao-wang-jost", "shuffle"])
def test_intervals_hold_the_truth_where_firing_is_sparse_and_dense(kind, n, steps, method):
    held, tight, alarms = 0, 0, 0
    for seed in range(20):
        W, b, x = sparse_recording(kind, n, steps, seed)
        found = sample_flux_interval(
            x, rng=np.random.default_rng(seed), resamples=20, method=method
        )
        truth = max(0.0, round(exact_flux(W, b).I, 12))
        held += found.lower <= truth <= found.upper
        tight += found.upper - found.lower < n / 4
        alarms += found.p_value <= 0.05
        assert 0 <= found.lower <= found.estimate <= found.upper <= n
        assert found.lower <= found.resolvable <= n
        # no contradiction with the test
        assert found.p_value <= 0.05 or found.lower == 0
    # 19 are expected of an exact 95 % interval, less than 16 once in 400 times
    assert held >= 16
    if n < 60 and kind != "width 0.3":
        assert tight >= 18
    if kind == "independent":
        # one of 20 is expected, more than 5 once in 3000 times
        assert alarms <= 5


@pytest.mark.parametrize("period", [2, 3, 4, 16])
@pytest.mark.parametrize("steps", [100, 4000])
def test_cycles_have_flux(period, steps, rng):
    ring = all_states(4)[:period]
    x = np.tile(ring, (steps // period + 1, 1))[: steps + 1]
    result = sample_flux_interval(x, rng=rng, resamples=50)
    assert result.p_value < 0.05
    assert 0 < result.lower <= math.log2(period) + 0.02
    assert min(math.log2(period) + 0.02, 4.0) <= result.upper


def frozen(W, steps, seed=1):
    return simulate(W, steps, rng=np.random.default_rng(seed), progress=False)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "W",
    [
        12 * np.eye(3),
        7 * np.eye(3),
        14 * nrooks(4, rng=np.random.default_rng(3), strength=1.0),
        np.kron(np.eye(2), [[0.0, 9.0], [9.0, 0.0]]),
    ],
    ids=["frozen", "slow", "cycle", "swaps"],
)
def test_what_a_trapped_network_hides_widens_the_interval(W):
    truth = exact_flux(W).I
    for seed in range(5):
        with pytest.warns(UserWarning, match="samples are few .* may add .* or more would do"):
            found = sample_flux_interval(
                frozen(W, 1000, seed), rng=np.random.default_rng(seed), resamples=20
            )
        assert found.lower <= truth <= found.upper


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("kind", "n", "steps"), [("width 1", 8, 2000), ("independent", 20, 500)])
def test_as_many_samples_as_the_warning_asks_for_do(kind, n, steps):
    with pytest.warns(UserWarning, match="the interval is wide") as caught:
        sample_flux_interval(
            sparse_recording(kind, n, steps, 1)[2], rng=np.random.default_rng(1), resamples=20
        )
    needed = int(float(str(caught[0].message).split("; about ")[1].split()[0]))
    assert steps < needed < 200 * steps
    x = sparse_recording(kind, n, needed, 1)[2]
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "the interval is wide")
        sample_flux_interval(x, rng=np.random.default_rng(1), resamples=20)


def test_no_flux_beyond_the_resolvable_one_can_be_told(rng):
    # states that foretell their successors, but none comes twice
    x = spins(rng, 300, 40)
    found = sample_flux_interval(x, rng=rng, resamples=20)
    assert (found.lower, found.p_value, found.resolvable) == (0.0, 1.0, 0.0)
    assert found.upper > 39
    # a ring of 8 states, 100 times: all that there is
    ring = sample_flux_interval(np.tile(all_states(3), (100, 1)), rng=rng, resamples=20)
    assert ring.resolvable == pytest.approx(ring.lower, abs=0.1)
    assert ring.resolvable > 2.8


def test_slow_neurons_do_not_fool_the_test():
    # states that last for 40 steps say nothing about those 400 steps later
    false_alarms = {1: 0, None: 0}
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x = np.where(np.cumsum(rng.random((3000, 3)) < 1 / 40, axis=0) % 2, 1, -1)
        for block in false_alarms:
            r = sample_flux_interval(
                x, rng=rng, lag=400, resamples=39, block=block, method="plugin"
            )
            false_alarms[block] += r.p_value < 0.06
    assert false_alarms[1] > 20
    assert false_alarms[None] <= 8


@pytest.mark.parametrize("stay", [0.5, 0.75, 0.9, 0.95])
def test_block_length_follows_the_correlation(rng, stay):
    # a two-state chain has R(k) = r^k: G = 2 r / (1 - r)^2 and g = (1 + r) / (1 - r)
    x = np.where(np.cumsum(rng.random(200_000) > stay) % 2, 1.0, -1.0)
    r = 2 * stay - 1
    expected = (1.5 * 200_000 * (2 * r / (1 - r * r)) ** 2) ** (1 / 3)
    assert _block_length(x[None]) == pytest.approx(expected, rel=0.3, abs=15)


def test_block_length_of_what_never_changes():
    assert _block_length(np.ones((2, 100))) == 1
    assert 1 <= _block_length(np.tile([1.0, -1.0], 500)[None]) <= 95


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rng": None}, "rng must be"),
        ({"level": 1.0}, "level must be"),
        ({"level": math.nan}, "level must be"),
        ({"resamples": 5}, "resamples must be"),
        ({"block": 0}, "block must be"),
        ({"block": 25}, "block must be"),
        ({"level": 0.99}, "resamples must be an integer at least 99"),
        ({"lag": 45}, "x must have at least 53 steps"),
    ],
)
def test_interval_rejects(change, message):
    arguments = {"x": np.ones((50, 3)), "rng": np.random.default_rng(1), "resamples": 20, **change}
    with pytest.raises(ValueError, match=message):
        sample_flux_interval(**arguments)
