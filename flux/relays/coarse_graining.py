"""From activities to a few states: each node at each time is cut at one threshold."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flux._base.checks import as_array, check_choice
from flux._base.errors import ArgumentError
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.types import Floats, Spins

Method = Literal["kmeans2", "median", "sign"]
METHODS = get_args(Method)

# activities sorted at a time
_BLOCK = 1 << 22


def coarse_grain(H: ArrayLike, method: Method = "kmeans2", *, progress: bool = True) -> Spins:
    """Cut the activity of each node, at each time step by itself, into low 0 and high 1.

    ``kmeans2`` cuts where the squared distances to the means of both parts add up to the least:
    the best of all cuts, from sorted activities and their running sums, where the iterative
    algorithm may stop at another. ``median`` cuts above the median, ``sign`` above 0.

    Parameters
    ----------
    H : (samples, ..., nodes) float
        Activities; axis 0 are the samples, each other place is cut by itself.
    method : "kmeans2", "median" or "sign"
        Where to cut.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    (samples, ..., nodes) int8
        0 and 1; all 0 where a node is constant (by ``kmeans2`` and ``median``).

    Raises
    ------
    ValueError
        If `H` is not a finite array of two axes or more, or `method` is unknown.
    TooLargeError
        If the result would not fit into memory.

    References
    ----------
    Hintze & Adami (2023), Entropy 25(3), 401, cut by two-means.

    Examples
    --------
    >>> coarse_grain([[0.1, 5.0], [0.2, 5.0], [0.9, 5.0]])
    array([[0, 0],
           [0, 0],
           [1, 0]], dtype=int8)
    """
    check_choice("method", method, METHODS)
    activities = as_array("H", H)
    if activities.ndim < 2 or 0 in activities.shape:
        raise ArgumentError(
            f"H must have shape (samples, ..., nodes), none 0, but had {activities.shape}"
        )
    if activities.dtype.kind not in "biuf" or not np.isfinite(activities).all():
        raise ArgumentError("H must hold finite real numbers, but held other values")
    check_memory(2.0 * activities.size, "the coarse-grained states", "use fewer samples")
    flat = activities.reshape(len(activities), -1)
    states = np.empty(flat.shape, np.int8)
    columns = max(1, _BLOCK // len(flat))
    with progress_bar("coarse-graining", flat.shape[1], unit="column", show=progress) as bar:
        for first in range(0, flat.shape[1], columns):
            block = flat[:, first : first + columns]
            states[:, first : first + columns] = block > _threshold(block, method)
            bar.update(block.shape[1])
    return states.reshape(activities.shape)


def _threshold(values: NDArray[np.number], method: Method) -> NDArray[np.number]:
    """Return for each column the largest value that still counts as low."""
    if method == "sign":
        return np.zeros(values.shape[1], values.dtype)
    ordered = np.sort(values, axis=0)
    n = len(ordered)
    if method == "median" or n == 1:
        # with an even number the lower middle one: as many are high as low
        return np.asarray(ordered[(n - 1) // 2])
    place = _gain_of_cuts(ordered).argmax(0)
    return np.asarray(np.take_along_axis(ordered, place[None], 0)[0])


def _gain_of_cuts(ordered: NDArray[np.number]) -> Floats:
    """Return what each cut takes off the squared distances; -1 between equal values, but last."""
    n = len(ordered)
    # in units of the largest, by powers of two: no square overflows, or vanishes beside others
    exponent = np.frexp(np.abs([ordered[0], ordered[-1]]).max(0))[1]
    scaled = np.ldexp(ordered.astype(np.promote_types(ordered.dtype, np.float64)), -exponent)
    centred = scaled - scaled.mean(0)
    low = np.cumsum(centred, 0)[:-1]
    k = np.arange(1, n)[:, None]
    # the parts' sums are low and -low, since all add up to 0
    gain = low**2 * (n / (k * (n - k)))
    distinct = ordered[1:] > ordered[:-1]
    # a constant column is cut behind its last value, which is its first
    return np.asarray(np.where(distinct, gain, -1.0))
