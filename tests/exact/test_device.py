"""Steps through JAX, on the CPU: the same numbers as without it, and clear errors."""

import sys

import numpy as np
import pytest

from flux import TooLargeError, exact_flux, gaussian_weights
from flux._base.threads import thread_pool
from flux.exact import _device, law
from flux.exact._chain import make_chain, make_step

pytest.importorskip("jax")


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("n", [2, 7, 8, 9, 10])
@pytest.mark.parametrize("width", [0.3, 1.0, 2.0])
def test_flux_is_that_of_numpy(
    n: int, width: float, biased: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_device, "PLATFORM", "cpu")
    monkeypatch.setattr(law, "SMALL", 2)  # so that small networks are iterated
    rng = np.random.default_rng([n, biased])
    W = gaussian_weights(n, rng=rng, width=width)
    b = rng.normal(size=n) if biased else None
    found = exact_flux(W, b, device="gpu")
    np.testing.assert_allclose(found, exact_flux(W, b), atol=1e-11, rtol=0)


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("chunk", [1 << 7, 1 << 22])
def test_step_is_that_of_numpy(folded: bool, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_device, "PLATFORM", "cpu")
    monkeypatch.setattr(_device, "CHUNK", chunk)
    rng = np.random.default_rng(1)
    chain = make_chain(gaussian_weights(9, rng=rng), np.zeros(9), folded=folded)
    p = rng.random(len(chain.on))
    with thread_pool() as pool:
        expected = make_step(chain, pool)(p)
    step = _device.device_step(chain)
    np.testing.assert_allclose(step(p), expected, rtol=1e-13)


def test_unknown_device() -> None:
    with pytest.raises(ValueError, match=r"device must be one of .* but was 'tpu'"):
        exact_flux(np.eye(3), device="tpu")


def test_missing_device_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_device, "PLATFORM", "no-such-platform")
    with pytest.raises(ValueError, match="device 'gpu' is not there"):
        exact_flux(np.eye(3), device="gpu")


def test_missing_jax_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(ValueError, match="device 'gpu' needs JAX"):
        exact_flux(np.eye(3), device="gpu")


def test_lags_are_taken_here() -> None:
    with pytest.raises(ValueError, match="device must be 'cpu' for a lag above 1"):
        exact_flux(np.eye(3), lag=2, device="gpu")


def test_small_device_is_an_error() -> None:
    class Small:
        def memory_stats(self) -> dict[str, int]:
            return {"bytes_limit": 1000}

    with pytest.raises(TooLargeError, match="n = 20 neurons would need 1 GB on the device"):
        _device._check_fit(10**9, Small(), 20)
