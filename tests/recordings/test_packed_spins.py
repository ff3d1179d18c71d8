"""Packed spins: nothing is lost, whatever the pieces, and what is no recording is refused."""

import numpy as np
import pytest
from sample_recordings import coupled, spins

from flux.recordings.correlation import lagged_correlation
from flux.recordings.packed_spins import PackedSpins, pack


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def unpack(packed, chain):
    t = packed.starts[chain] + np.arange(packed.lengths[chain])
    bits = packed.bits[:, t // 64] >> (t % 64).astype(np.uint64) & np.uint64(1)
    return (2 * bits.T.astype(np.int8) - 1).astype(np.int8)


@pytest.mark.parametrize("shape", [(1, 1), (64, 3), (65, 300), (1000, 257), (3, 100, 5)])
def test_packing_loses_nothing(rng, shape):
    x = spins(rng, *shape)
    packed = pack(x)
    assert packed.bits.dtype == np.uint64
    assert packed.bits.shape == (shape[-1], -(-x.size // shape[-1] // 64))
    for c, chain in enumerate(x.reshape(-1, *shape[-2:])):
        assert np.array_equal(unpack(packed, c), chain)


def test_packing_larger_than_a_block(rng):
    x = spins(rng, 90_001, 200)
    assert np.array_equal(unpack(pack(x), 0), x)
    assert np.array_equal(unpack(pack(np.asfortranarray(x)), 0), x)
    assert np.array_equal(unpack(pack(iter(np.array_split(x, 5))), 0), x)


def test_simulator_hands_over_words(rng):
    chains, steps, n, words = 5, 150, 7, 3
    x = coupled(rng, chains, steps, n)
    # unused bits hold noise
    bits = rng.integers(0, 1 << 63, (n, chains, words)).astype(np.uint64)
    for c in range(chains):
        for t in range(steps):
            bit = np.uint64(1) << np.uint64(t % 64)
            bits[:, c, t // 64] &= ~bit
            bits[x[c, t] > 0, c, t // 64] |= bit
    starts, lengths = 64 * words * np.arange(chains), np.full(chains, steps)
    packed = PackedSpins(bits.reshape(n, -1), starts, lengths)
    before = packed.bits.copy()
    for lag in (1, 70):
        assert np.array_equal(lagged_correlation(packed, lag), lagged_correlation(x, lag))
    assert np.array_equal(packed.bits, before)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.full((5, 2), np.nan), "nan: 0/1"),
        (np.array([[1, -1], [1, np.inf], [1, 1]]), "held inf"),
        (np.array([[1, -1], [0, 1], [1, 1]]), r"held 0: .*2 \* x\.astype\(np\.int8\) - 1"),
        (np.array([[1, 0], [0, 1]], bool), "type bool"),
        (np.array([[1, 0], [0, 1]], np.uint8), "type uint8"),
        (np.array([[3, 1], [1, 1]], np.int8), "held 3"),
        (np.array([[-128, 1], [1, 1]], np.int8), "held -128"),
        (np.array([[1 << 62, 1], [1, 1]]), "held 46"),
        (np.array([[1 + 1e-9, 1], [1, 1]]), "held 1.0000"),
        (np.ones(5), "shape"),
        (np.ones((2, 2, 2, 2)), "shape"),
        (np.ones((0, 3)), "shape"),
        (np.ones((3, 0)), "shape"),
        ([], "shape"),
        ([[1, 1], [1]], "array"),
        ([["a", "b"], ["c", "d"]], "type <U1"),
    ],
)
@pytest.mark.parametrize("function", [lagged_correlation, pack])
def test_rejects_what_is_no_recording(x, message, function):
    with pytest.raises(ValueError, match=r"^x must.*" + message):
        function(x)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "at least one step"),
        ([np.ones((5, 2)), np.ones((5, 3))], "pieces of the same"),
        ([np.ones((5, 2)), np.ones((2, 5, 2))], "pieces of the same"),
        ([np.ones((5, 2)), np.zeros((5, 2))], "held 0.0"),
        ([np.ones((5, 2)), np.ones((0, 2))], "shape"),
    ],
)
@pytest.mark.parametrize("function", [lagged_correlation, pack])
def test_rejects_bad_streams(parts, message, function):
    with pytest.raises(ValueError, match=r"^x must.*" + message):
        function(iter(parts))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bits": np.zeros((2, 2), np.int64)}, r"x\.bits must"),
        ({"bits": np.zeros(2, np.uint64)}, r"x\.bits must"),
        ({"starts": np.array([0, 1])}, r"x\.starts and x\.lengths must have"),
        ({"starts": np.array([-1])}, r"x\.starts must"),
        ({"lengths": np.array([1.5])}, r"x\.lengths must"),
        ({"lengths": np.array([129])}, r"x\.starts and x\.lengths must give"),
        ({"starts": np.array([0, 9]), "lengths": np.array([10, 9])}, "chains in order, apart"),
    ],
)
def test_rejects_bad_packing(change, message):
    packed = pack(np.ones((128, 2)))._replace(**change)
    with pytest.raises(ValueError, match=message):
        lagged_correlation(packed)
