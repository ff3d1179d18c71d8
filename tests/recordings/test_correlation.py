"""Lagged correlation: hand-made, enumerated and numpy references, streams, and invariances."""

import math
import multiprocessing
import threading
from fractions import Fraction

import numba
import numpy as np
import pytest
from sample_recordings import coupled, spins

from flux.recordings.correlation import _correlate, _Counts, lagged_correlation, rms_correlation
from flux.recordings.packed_spins import PackedSpins, pack

# a few units in the last place
EXACT = {"rtol": 4e-16, "atol": 0.0}


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def by_fractions(x, lag):
    """Pearson correlation of x_i(t + lag) and x_j(t) from sums in rational arithmetic."""
    chains = [x] if x.ndim == 2 else list(x)
    pairs = [
        ([int(s) for s in c[t + lag]], [int(s) for s in c[t]])
        for c in chains
        for t in range(len(c) - lag)
    ]
    n, P = x.shape[-1], len(pairs)
    C = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            mean_y = Fraction(sum(y[i] for y, _ in pairs), P)
            mean_x = Fraction(sum(x[j] for _, x in pairs), P)
            covariance = Fraction(sum(y[i] * x[j] for y, x in pairs), P) - mean_y * mean_x
            variances = (1 - mean_y**2) * (1 - mean_x**2)
            if variances:
                square = covariance**2 / variances
                root = Fraction(math.isqrt(square.numerator * 10**80 // square.denominator), 10**40)
                C[i, j] = float(root if covariance > 0 else -root)
    return C


def by_numpy(x, lag):
    n = x.shape[-1]
    chains = x[None] if x.ndim == 2 else x
    later = chains[:, lag:].reshape(-1, n).T.astype(float)
    earlier = chains[:, :-lag].reshape(-1, n).T.astype(float)
    return np.corrcoef(later, earlier)[:n, n:]


# ---------------------------------------------------------------- correlation of whole recordings


def test_by_hand():
    x = np.array([[1, 1], [1, -1], [-1, -1], [1, 1], [-1, 1]])
    # later: y_0 = +-+-, y_1 = --++; earlier: x_0 = ++-+ (variance 3/4), x_1 = +--+
    third = 1 / np.sqrt(3)
    expected = [[-third, 0.0], [-third, 0.0]]
    np.testing.assert_allclose(lagged_correlation(x), expected, atol=1e-15)


def test_a_copy_with_delay_is_fully_correlated(rng):
    source = spins(rng, 1000)
    x = np.stack((source[5:], source[:-5], -source[:-5]), axis=1)
    C = lagged_correlation(x, lag=5)
    assert C[1, 0] == 1.0
    assert C[2, 0] == -1.0


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_is_right_to_the_last_places(rng, lag):
    for shape in ((9, 4), (70, 3), (131, 2), (3, 20, 4)):
        x = coupled(rng, *shape)
        np.testing.assert_allclose(lagged_correlation(x, lag), by_fractions(x, lag), **EXACT)


@pytest.mark.parametrize("lag", [1, 2, 63, 64, 65, 100])
@pytest.mark.parametrize("shape", [(640, 5), (641, 5), (5000, 70), (203, 131), (3, 170, 6)])
def test_agrees_with_numpy(rng, shape, lag):
    x = coupled(rng, *shape)
    expected = by_numpy(x, lag)
    np.testing.assert_allclose(lagged_correlation(x, lag), expected, rtol=0, atol=1e-13)
    assert np.array_equal(lagged_correlation(pack(x), lag), lagged_correlation(x, lag))


def test_agrees_with_numpy_over_several_blocks(rng):
    x = coupled(rng, 40_000, 600)
    for lag in (1, 30_000, 39_000):
        expected = by_numpy(x, lag)
        np.testing.assert_allclose(lagged_correlation(x, lag), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "f2", "f4", "f8", ">f8", ">i4"])
def test_any_signed_type(rng, dtype):
    x = coupled(rng, 300, 7)
    assert np.array_equal(lagged_correlation(x.astype(dtype)), lagged_correlation(x))


def test_any_memory_order(rng):
    x = coupled(rng, 4, 150, 9)
    C = lagged_correlation(x)
    assert np.array_equal(lagged_correlation(np.asfortranarray(x)), C)
    assert np.array_equal(lagged_correlation(x[::-1]), C)
    assert np.array_equal(lagged_correlation(x[:, :, ::-1])[::-1, ::-1], C)
    assert np.array_equal(lagged_correlation(x.tolist()), C)


def test_silent_neurons_have_correlation_0(rng):
    x = coupled(rng, 200, 4)
    x[:, 1] = 1
    x[0, 2], x[1:, 2] = 1, -1
    C = lagged_correlation(x)
    assert np.all(C[1] == 0)
    assert np.all(C[:, 1] == 0)
    # neuron 2 changes at the first step only, so among the earlier steps but not the later
    assert np.all(C[2] == 0)
    assert np.any(C[:, 2] != 0)
    assert np.array_equal(lagged_correlation(np.ones((5, 3))), np.zeros((3, 3)))


def test_chains_do_not_leak(rng):
    x = coupled(rng, 7, 100, 5)
    apart = np.concatenate([c[1:] for c in x]), np.concatenate([c[:-1] for c in x])
    expected = np.corrcoef(apart[0].T, apart[1].T)[:5, 5:]
    np.testing.assert_allclose(lagged_correlation(x), expected, rtol=0, atol=1e-13)
    assert not np.allclose(lagged_correlation(x.reshape(-1, 5)), expected, atol=1e-5)


def test_many_short_chains(rng):
    x = coupled(rng, 30_000, 2, 3)
    np.testing.assert_allclose(lagged_correlation(x), by_numpy(x, 1), rtol=0, atol=1e-13)


def test_law_of_large_numbers(rng):
    steps, follow = 200_000, 0.3
    source = spins(rng, steps)
    heard = np.where(rng.random(steps - 1) < follow, source[:-1], spins(rng, steps - 1))
    x = np.stack((source[1:], heard), axis=1)
    # in this recording neuron 1 is a noisy copy, without delay, of neuron 0 one step before
    assert abs(lagged_correlation(x)[1, 0] - follow) < 5 / np.sqrt(steps)


# ---------------------------------------------------------------- invariances


def test_relabelling_and_gauge(rng):
    x = coupled(rng, 500, 10)
    C = lagged_correlation(x)
    order, sign = rng.permutation(10), spins(rng, 10)
    assert np.array_equal(lagged_correlation(x[:, order]), C[np.ix_(order, order)])
    assert np.array_equal(lagged_correlation(x * sign), sign[:, None] * C * sign + 0.0)


def test_reversed_time_transposes(rng):
    x = coupled(rng, 333, 8)
    assert np.array_equal(lagged_correlation(x[::-1], 7), lagged_correlation(x, 7).T)


def test_same_for_any_number_of_threads(rng):
    x = coupled(rng, 30_000, 300)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = lagged_correlation(x, 65), pack(x).bits
    finally:
        numba.set_num_threads(threads)
    assert np.array_equal(one[0], lagged_correlation(x, 65))
    assert np.array_equal(one[1], pack(x).bits)


def test_callers_may_use_threads_and_processes(rng):
    x = coupled(rng, 3000, 200)
    expected, found = lagged_correlation(x), []
    workers = [
        threading.Thread(target=lambda: found.append(lagged_correlation(x))) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found.append(pool.apply(lagged_correlation, (x,)))
    assert len(found) == 5
    assert all(np.array_equal(C, expected) for C in found)


# ---------------------------------------------------------------- packing and streams


@pytest.mark.parametrize("shape", [(3000, 6), (2, 1500, 6)])
@pytest.mark.parametrize("lag", [1, 64, 100])
def test_streamed_is_whole(rng, shape, lag):
    x = coupled(rng, *shape)
    C = lagged_correlation(x, lag)
    steps = shape[-2]
    for cuts in ([1, 2, 3], [64, 1000], [50, 120, 121, 200], range(1, steps), []):
        parts = np.split(x, list(cuts), axis=-2)
        assert np.array_equal(lagged_correlation(iter(parts), lag), C)
        assert np.array_equal(lagged_correlation(pack(iter(parts)), lag), C)


@pytest.mark.parametrize("shape", [(60_000, 30), (3, 20_000, 30)])
def test_stream_of_large_parts(rng, shape):
    x = coupled(rng, *shape)
    cuts = [1, 17_000, 17_003, 17_100]
    for lag in (1, 500):
        streamed = lagged_correlation(iter(np.split(x, cuts, axis=-2)), lag)
        assert np.array_equal(streamed, lagged_correlation(x, lag))


def test_stream_may_reuse_its_array(rng):
    x = coupled(rng, 1200, 4)

    def reader():
        page = np.empty((100, 4), np.int8)
        for t in range(0, 1200, 100):
            page[:] = x[t : t + 100]
            yield page

    assert np.array_equal(lagged_correlation(reader(), 3), lagged_correlation(x, 3))
    assert np.array_equal(pack(reader()).bits, pack(x).bits)


def test_memory_mapped_file(rng, tmp_path):
    x = coupled(rng, 5000, 20)
    x.tofile(tmp_path / "x.int8")
    mapped = np.memmap(tmp_path / "x.int8", np.int8, "r", shape=x.shape)
    assert np.array_equal(lagged_correlation(mapped, 2), lagged_correlation(x, 2))
    assert np.array_equal(pack(mapped).bits, pack(x).bits)


def test_chains_of_different_lengths(rng):
    x = coupled(rng, 200, 4)
    starts, lengths = np.array([3, 50, 120]), np.array([40, 2, 77])
    later = np.concatenate([x[s + 5 : s + m] for s, m in zip(starts, lengths, strict=True)])
    earlier = np.concatenate(
        [x[s : s + m - 5] for s, m in zip(starts, lengths, strict=True) if m > 5]
    )
    expected = np.corrcoef(later.T, earlier.T)[:4, 4:]
    C = lagged_correlation(PackedSpins(pack(x).bits, starts, lengths), 5)
    np.testing.assert_allclose(C, expected, rtol=0, atol=1e-13)


def test_counts_do_not_overflow():
    pairs = 1 << 32
    later, earlier = np.array([pairs // 2, pairs - 1]), np.array([pairs // 2 + 12345, 1])
    differ = np.array([[pairs / 2 + 12345, pairs / 2 - 1], [pairs / 2 - 12346, pairs - 2.0]])
    expected = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            a, b, d = int(later[i]), int(earlier[j]), int(differ[i, j])
            joint = pairs * ((a + b - d) // 2) - a * b
            square = Fraction(joint**2, a * (pairs - a) * b * (pairs - b))
            root = math.isqrt(square.numerator * 10**80 // square.denominator)
            expected[i, j] = math.copysign(root / 10**40, joint)
    _correlate(0, 2, _Counts(pairs, later, earlier, differ), differ)
    np.testing.assert_allclose(differ, expected, **EXACT)


# ---------------------------------------------------------------- root mean square


def test_rms_by_hand():
    assert rms_correlation([[0.0, 0.6], [0.8, 0.0]]) == 0.5
    assert rms_correlation(np.eye(9, dtype=int)) == pytest.approx(1 / 3, rel=1e-15)
    assert rms_correlation([[-1]]) == 1.0


def test_rms_invariances(rng):
    C = rng.uniform(-1, 1, (50, 50))
    order, sign = rng.permutation(50), spins(rng, 50)
    expected = np.sqrt(np.mean(C**2))
    for same in (C, C.T, C[np.ix_(order, order)], sign[:, None] * C * sign):
        assert rms_correlation(same) == pytest.approx(expected, rel=1e-14)
    assert rms_correlation(C.astype(np.float32)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "C",
    [
        [[np.nan]],
        [[np.inf, 0], [0, 0]],
        [[1.1]],
        [[-1 - 1e-8]],
        [0.5, 0.5],
        np.zeros((2, 3)),
        np.zeros((0, 0)),
        [["a"]],
        [[1j]],
    ],
)
def test_rms_rejects(C):
    with pytest.raises(ValueError, match=r"^C must"):
        rms_correlation(C)


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize("lag", [0, -1, 1.0, "1", None, 1 << 70, True])
def test_rejects_lag(lag):
    with pytest.raises(ValueError, match=r"^lag must"):
        lagged_correlation(np.ones((5, 2)), lag)


@pytest.mark.parametrize("lag", [5, 6, 1000])
def test_rejects_lag_beyond_the_recording(lag):
    x = np.ones((3, 5, 2))
    for recording in (x, pack(x), iter([x[:, :2], x[:, 2:]])):
        with pytest.raises(ValueError, match=f"^lag must be less than the steps.* {lag}"):
            lagged_correlation(recording, lag)
