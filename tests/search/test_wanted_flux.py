"""Networks built for a flux have it, by the exact flux of the whole."""

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from flux import design_flux, exact_flux


def make_rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@settings(deadline=None, max_examples=60)
@given(n=st.integers(1, 300), share=st.floats(1e-6, 1 - 1e-9), seed=st.integers(0, 2**32))
def test_rooks_have_the_flux(n: int, share: float, seed: int) -> None:
    W = design_flux(n, share * n, rng=make_rng(seed))
    assert isinstance(W, sparse.csr_array)
    assert W.shape == (n, n)
    assert np.array_equal(np.sort(W.indices), np.arange(n))
    assert np.ptp(np.abs(W.data)) == 0
    assert exact_flux(W).I == pytest.approx(share * n, abs=1e-10 * n)


@pytest.mark.parametrize("share", [1e-12, 1e-5, 0.3, 0.5, 0.9, 1 - 1e-5, 1 - 1e-12])
def test_rook_strength_to_full_precision(share: float) -> None:
    W = design_flux(1, share, rng=make_rng())
    with mpmath.workdps(60):
        p = 1 / (1 + mpmath.exp(-mpmath.mpf(abs(W.data[0]))))
        given_by_w = 1 + p * mpmath.log(p, 2) + (1 - p) * mpmath.log(1 - p, 2)
        assert abs(given_by_w / share - 1) < 1e-11
        assert abs((1 - given_by_w) / (1 - mpmath.mpf(share)) - 1) < 1e-11


@pytest.mark.parametrize(
    ("n", "k", "share"),
    [
        (4, 3, 1e-3),
        (4, 3, 0.6),
        (40, 3, 0.999),
        (7, 4, 0.3),
        (22, 4, 0.5),
        (6, 5, 0.8),
        (8, 7, 0.9),
    ],
)
def test_blocks_have_the_flux(n: int, k: int, share: float) -> None:
    W = design_flux(n, share * n, rng=make_rng(), k=k)
    assert isinstance(W, sparse.csr_array)
    assert np.all(np.diff(W.indptr) == k)
    assert np.ptp(np.abs(W.data)) < 1e-15 * np.abs(W.data).max()
    np.testing.assert_allclose((W @ W.T).toarray(), k * W.data[0] ** 2 * np.eye(n), atol=1e-12)
    assert exact_flux(W).I == pytest.approx(share * n, abs=1e-9)


@pytest.mark.parametrize("k", [1, 3])
def test_ten_thousand_neurons(k: int) -> None:
    W = design_flux(10_000, 7_654.321, rng=make_rng(), k=k)
    assert W.nnz == k * 10_000
    assert exact_flux(W).I == pytest.approx(7_654.321, abs=1e-6)


@pytest.mark.parametrize("k", [1, 3])
def test_the_seed_decides(k: int) -> None:
    first, again, other = (
        design_flux(12, 7.0, rng=make_rng(seed), k=k).toarray() for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first != 0, other != 0)


def test_the_least_strength_is_taken() -> None:
    # W(6, 4) has ties, and less flux at strength 3 than at 2
    W = design_flux(6, 3.2, rng=make_rng(), k=4)
    assert np.abs(W.data).max() < 2
    assert exact_flux(W * (3 / np.abs(W.data).max())).I < 3.2


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        *[("n", value, "^n must") for value in (0, 2.0, None)],
        *[("flux", value, "^flux must be more than 0 and less") for value in (0.0, 12.0, 13.0)],
        *[("flux", value, "^flux must be a finite") for value in (-1.0, np.nan, "3", None)],
        *[("k", value, "^k must be an integer from 1 to 8") for value in (0, 9, 1.5, None)],
        ("k", 5, r"^k must be .* add up to n = 12 .* was 5$"),
        *[("rng", value, "^rng must") for value in (None, 1)],
    ],
)
def test_design_flux_refuses(name: str, value: Any, message: str) -> None:
    arguments: dict[str, Any] = {"n": 12, "flux": 6.0, "rng": make_rng(), name: value}
    if (name, value) == ("k", 5):
        arguments["n"] = 11
        message = message.replace("12", "11")
    with pytest.raises(ValueError, match=message):
        design_flux(**arguments)


def test_ties_limit_the_flux() -> None:
    with pytest.raises(ValueError, match=r"^flux must be at most 2.* 1 blocks W"):
        design_flux(4, 3.0, rng=make_rng(), k=2)
