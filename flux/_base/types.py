"""Types of arrays."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

Floats = NDArray[np.float64]


Spins = NDArray[np.int8]


Codes = NDArray[np.int64]
Weights = ArrayLike | sparse.sparray | sparse.spmatrix
"""Weights W of a network, dense or sparse."""


Array = TypeVar("Array", bound=NDArray[Any])


Integers = NDArray[np.int64]
