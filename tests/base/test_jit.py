"""The one way to compile: with and without options, cached, without Python's lock."""

import numpy as np

from flux._base.jit import jit


@jit
def plain(x: float) -> float:
    return 1.0 / x


@jit(error_model="numpy")
def unchecked(x: float) -> float:
    return 1.0 / x


def test_both_forms_compile() -> None:
    assert plain(4.0) == unchecked(4.0) == 0.25
    assert unchecked(0.0) == np.inf
    for kernel in (plain, unchecked):
        assert kernel.targetoptions["nogil"] is True
        assert len(kernel.signatures) == 1
