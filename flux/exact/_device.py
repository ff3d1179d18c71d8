"""Steps of a chain on an accelerator, through JAX (the optional extra `gpu`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np

from flux._base.checks import check_choice
from flux._base.errors import ArgumentError, TooLargeError
from flux._base.installed import how_to_install
from flux._base.memory import format_bytes
from flux._base.types import Floats
from flux.exact._chain import CHUNK, Chain, join_parts, step_factors

Device = Literal["cpu", "gpu"]

PLATFORM = "gpu"
"""JAX's name of the device; tests take its "cpu"."""


def check_device(device: str) -> None:
    """Raise a ValueError if a device is unknown or not there."""
    if check_choice("device", device, get_args(Device)) != "cpu":
        _find()


def device_step(chain: Chain) -> Callable[[Floats], Floats]:
    """Return `flux.exact._chain.make_step` on a device, where the factors of all blocks stay.

    The law travels to the device and back with each step, which is small beside the factors.
    """
    import jax

    place = _find()
    size, n = chain.on.shape
    # twice 2**(n/2) numbers a state, as many for a folded chain in two parts of half the width
    _check_fit(8 * size * ((1 << n // 2) + (1 << (n - n // 2))), place, n)
    rows = max(1, CHUNK >> (n - n // 2))
    blocks = [slice(top, top + rows) for top in range(0, size, rows)]

    @jax.jit
    def advance(parts: Any, factors: Any, p: Any) -> Any:
        products = [A.T @ (p[:, None] * B) for A, B in factors]
        return [part + product for part, product in zip(parts, products, strict=True)]

    with jax.enable_x64(True), jax.default_matmul_precision("highest"):
        kept = [jax.device_put(step_factors(chain, block), place) for block in blocks]
        zeros = [jax.device_put(np.zeros((A.shape[1], B.shape[1])), place) for A, B in kept[0]]

    def step(p: Floats) -> Floats:
        with jax.enable_x64(True), jax.default_matmul_precision("highest"):
            parts = zeros
            for block, factors in zip(blocks, kept, strict=True):
                parts = advance(parts, factors, jax.device_put(p[block], place))
            return join_parts(chain, np.stack([np.asarray(part) for part in parts]))

    return step


def _find() -> Any:
    """Return the device that JAX has."""
    try:
        import jax
    except ImportError:
        raise ArgumentError(
            f"device 'gpu' needs JAX, which is not installed: {how_to_install('gpu')}"
        ) from None
    try:
        return jax.devices(PLATFORM)[0]
    except RuntimeError as error:
        raise ArgumentError(f"device 'gpu' is not there, says JAX: {error}") from None


def _check_fit(needed: int, place: Any, n: int) -> None:
    """Raise a TooLargeError if the factors do not fit into the memory of a device that tells."""
    known = place.memory_stats() or {}
    limit = 0.9 * known.get("bytes_limit", np.inf)
    if needed > limit:
        raise TooLargeError(
            f"a step of n = {n} neurons would need {format_bytes(needed)} on the device, which has"
            f" {format_bytes(limit)}: take device='cpu', which makes its factors anew in each step"
        )
