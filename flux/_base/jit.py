"""The one way in which flux compiles: kept on disk, and without Python's lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def jit(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile a function, as ``@jit`` or with more of numba's options as ``@jit(...)``."""
    compiler = njit(cache=True, nogil=True, **options)
    return compiler if function is None else compiler(function)
