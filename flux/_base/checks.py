"""Argument checks that every public function uses."""

from __future__ import annotations

import math
import reprlib
import sys
from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from flux._base.errors import ArgumentError
from flux._base.types import Array, Floats

NO_NUMBERS = (bool, np.timedelta64)
"""Types that Python or numpy count among the numbers."""


LARGEST_SUM = 4e307
"""Largest sum of |W_ij| over a row, and largest |b_i|: all fields, and twice them, are finite."""


def check_count(name: str, value: object, minimum: int, maximum: float | None = None) -> int:
    """Return `value` as an int from `minimum` to `maximum`, or raise a ValueError naming it.

    Without a maximum it is the longest array; of a number that is no size, infinity.
    """
    most = sys.maxsize if maximum is None else maximum
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, NO_NUMBERS)
    if not is_integer or not minimum <= value <= most:  # type: ignore[operator]
        is_open = most == np.inf or (maximum is None and not (is_integer and value > most))  # type: ignore[operator]
        allowed = f"at least {minimum}" if is_open else f"from {minimum} to {most}"
        raise ArgumentError(f"{name} must be an integer {allowed}, but was {short(value)}")
    return int(value)  # type: ignore[call-overload]


def check_real(name: str, value: object, minimum: float, maximum: float = np.inf) -> float:
    """Return `value` as a finite float from `minimum` to `maximum`, or raise a ValueError."""
    try:
        is_real = isinstance(value, Real) and not isinstance(value, NO_NUMBERS)
        number = float(value) if is_real else np.nan  # type: ignore[arg-type]
    except OverflowError:
        number = np.inf
    if not (np.isfinite(number) and minimum <= number <= maximum):
        span = (
            f"of at least {minimum:g}" if maximum == np.inf else f"from {minimum:g} to {maximum:g}"
        )
        raise ArgumentError(f"{name} must be a finite number {span}, but was {short(value)}")
    return number


def check_resamples(level: object, resamples: object) -> tuple[float, int]:
    """Return a confidence level and a number of resamples that allows for it, or raise."""
    share = check_real("level", level, 1e-6, 1 - 1e-6)
    # fewer could never reject
    least = max(20, math.ceil(1 / (1 - share) - 1e-6) - 1)
    return share, check_count("resamples", resamples, least)


def check_rng(rng: object) -> np.random.Generator:
    """Return `rng` if it is a numpy Generator, or raise a ValueError that shows how to make one."""
    if not isinstance(rng, np.random.Generator):
        raise ArgumentError(
            "rng must be a numpy Generator such as numpy.random.default_rng(1), but was"
            f" {short(rng)}"
        )
    return rng


def check_choice(name: str, value: object, allowed: Iterable[str]) -> str:
    """Return `value` if it is one of the words allowed, or raise a ValueError naming it."""
    words = tuple(allowed)
    if not isinstance(value, str) or value not in words:
        raise ArgumentError(f"{name} must be one of {', '.join(words)}, but was {short(value)}")
    return value


def check_type(name: str, value: object, wanted: type | tuple[type, ...], origin: str) -> None:
    """Raise a ValueError unless `value` is of a type; `origin` says what makes one."""
    if not isinstance(value, wanted):
        raise ArgumentError(f"{name} must be {origin}, but was {short(value)}")


def check_floats(name: str, value: object) -> Floats:
    """Return `value` as a contiguous float64 array, or raise a ValueError naming it."""
    array = as_array(name, value, "biuf")
    return np.ascontiguousarray(array, np.float64).reshape(array.shape)


def check_weights(W: object) -> Floats:
    """Return W as a dense, square, finite float64 array, or raise a ValueError."""
    if sparse.issparse(W):
        raise ArgumentError("W must be a dense array here, but was sparse: pass W.toarray()")
    dense = check_floats("W", W)
    if dense.ndim != 2 or dense.shape[0] != dense.shape[1] or dense.shape[0] == 0:
        raise ArgumentError(f"W must have shape (n, n) with n >= 1, but had shape {dense.shape}")
    # min and max carry NaN and infinity through without a second n x n array
    if not max(-dense.min(), dense.max()) <= LARGEST_SUM / len(dense):
        _reject_infinite("W", dense)
        _reject_overflow(dense)
    # one type of array for the kernels, which are compiled anew for those that are read-only
    return np.require(dense, requirements="W")


def check_any_weights(W: Any) -> Floats | sparse.csr_array:
    """Return W as `check_weights` does, or a scipy.sparse W as CSR in canonical form."""
    if not sparse.issparse(W):
        return check_weights(W)
    if W.ndim != 2 or W.shape[0] != W.shape[1] or W.shape[0] == 0:
        raise ArgumentError(f"W must have shape (n, n) with n >= 1, but had shape {W.shape}")
    if W.dtype.kind not in "biuf":
        raise ArgumentError(f"W must be an array of real numbers, but was of type {W.dtype}")
    # duplicates add up here, so that small types must be left before
    rows = sparse.csr_array(W.astype(np.float64, copy=False), copy=True)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    _reject_infinite("W", rows.data)
    _reject_overflow(rows)
    return rows


def check_bias(b: object, n: int) -> Floats:
    """Return b as a finite float64 vector of length n (zeros for None), or raise a ValueError."""
    if b is None:
        return np.zeros(n)
    bias = check_floats("b", b)
    if bias.shape != (n,):
        raise ArgumentError(f"b must have shape ({n},) to match W, but had shape {bias.shape}")
    _reject_infinite("b", bias)
    if np.abs(bias).max(initial=0.0) > LARGEST_SUM:
        raise ArgumentError(
            f"b must lie from -{LARGEST_SUM:g} to {LARGEST_SUM:g}, lest fields overflow, but"
            f" reached {np.abs(bias).max():g}: scale W and b down"
        )
    return np.require(bias, requirements="W")


def check_spins(name: str, x: object, n: int | None = None) -> NDArray[Any]:
    """Return x as an array of -1 and +1 with n neurons on its last axis, or raise a ValueError."""
    spins = as_array(name, x)
    wanted = "n >= 1" if n is None else f"n = {n}"
    if spins.ndim == 0 or spins.shape[-1] == 0 or (n is not None and spins.shape[-1] != n):
        raise ArgumentError(f"{name} must have shape (..., n) with {wanted}, but had {spins.shape}")
    if spins.dtype.kind not in "if" or not np.all(np.abs(spins) == 1):
        hint = ""
        if spins.dtype.kind in "biuf" and np.all((spins == 0) | (spins == 1)):
            signed = f"{name}.astype(int)" if spins.dtype.kind == "u" else name
            hint = f": turn 0 and 1 into spins with 2 * {signed} - 1"
        raise ArgumentError(
            f"{name} must hold only spins -1 and +1, but held {_example(spins)}{hint}"
        )
    return spins


def read_only(values: Array) -> Array:
    """Return a view that cannot be written: kernels are compiled anew where some can and some not.

    For what is too large to be copied only to make it writable.
    """
    view = values.view()
    view.flags.writeable = False
    return view


def as_array(name: str, value: object, kinds: str = "") -> NDArray[Any]:
    """Return `value` as a plain array, or raise a ValueError: the door of all array arguments.

    `kinds` are the letters of the types allowed, such as "biuf"; without them any type is.
    Tensors may require gradients, lie on a GPU, or be of a type that numpy lacks, bfloat16 first
    of all, which float32 holds without a loss.
    """
    if sparse.issparse(value):
        raise ArgumentError(
            f"{name} must be a dense array here, but was sparse: pass .toarray() of it"
        )
    check_unmasked(name, value)
    try:
        array = _read_foreign(name, value)
    except ArgumentError:
        raise
    except Exception as error:  # ragged lists, and whatever foreign arrays raise
        hint = ""
        if hasattr(value, "__array__"):
            words = " ".join(str(error).split())[:120]
            hint = (
                f" ({words}): pass numpy's, as .detach().cpu().numpy() of a tensor gives, outside"
                " of compiled functions"
            )
        raise ArgumentError(
            f"{name} must be an array, all rows alike, but was {short(value)}{hint}"
        ) from None
    if kinds and array.dtype.kind not in kinds:
        wanted = "real numbers" if "f" in kinds else "integers"
        raise ArgumentError(f"{name} must be an array of {wanted}, but was {short(value)}")
    return array


def _read_foreign(name: str, value: Any) -> NDArray[Any]:
    """Return an array as numpy's, whatever library made it; none of them is imported."""
    if isinstance(value, (list, tuple)) and value and _is_tensor(value[0]):
        return np.asarray([_read_foreign(name, one) for one in value])
    if hasattr(value, "todense") or str(getattr(value, "layout", "")).startswith("torch.sparse"):
        way = "to_dense" if hasattr(value, "to_dense") else "todense"
        raise ArgumentError(
            f"{name} must be a dense array here, but was sparse: pass .{way}() of it"
        )
    if _is_tensor(value):
        value = value.detach().cpu()
        try:
            return np.asarray(value)
        except TypeError:
            # torch's floats of one and two bytes; what is no float would lose something
            if not value.is_floating_point():
                raise
            return np.asarray(value.float())
    array = np.asarray(value)
    if array.dtype.isbuiltin == 2:  # types that other packages add, as JAX does
        for known in (np.int8, np.float32, np.float64):
            if np.can_cast(array.dtype, known):
                return array.astype(known)
    return array


def _is_tensor(value: object) -> bool:
    return callable(getattr(value, "detach", None)) and callable(getattr(value, "cpu", None))


def check_unmasked(name: str, value: object) -> None:
    """Raise a ValueError if an array, or one in a list or a mapping, has masked entries."""
    if _is_masked(value):
        raise ArgumentError(
            f"{name} must have no masked entries, but had some: fill them in, or leave out what"
            " was not measured"
        )


def _is_masked(value: object) -> bool:
    if isinstance(value, np.ma.MaskedArray):
        return bool(np.ma.is_masked(value))
    if isinstance(value, dict):
        return any(map(_is_masked, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_is_masked, value))


class _Short(reprlib.Repr):
    """Values in one line, without the whole of an array or a list."""

    maxlevel, maxother, maxstring = 3, 200, 100

    def repr_int(self, x: int, level: int) -> str:
        return repr(x) if x.bit_length() < 100 else f"an integer of {x.bit_length()} bits"


def short(value: object) -> str:
    """Return what an error message shows of a value: a line at most."""
    text = " ".join(_Short().repr(value).split())
    return text if len(text) <= 200 else f"{text[:150]} ... {text[-40:]}"


def _reject_infinite(name: str, values: Floats) -> None:
    bad = values[~np.isfinite(values)]
    if bad.size:
        raise ArgumentError(
            f"{name} must be finite, but held {bad.flat[0]} ({bad.size} such entries)"
        )


def _reject_overflow(W: Any) -> None:
    with np.errstate(over="ignore"):
        top = abs(W).sum(1).max()
    if top > LARGEST_SUM:
        raise ArgumentError(
            f"W must have row sums of magnitudes of at most {LARGEST_SUM:g}, lest fields overflow,"
            f" but one was {top:g}: scale W and b down"
        )


def _example(values: NDArray[Any]) -> str:
    if values.dtype.kind not in "if":
        return f"values of type {values.dtype}"
    return repr(values[np.abs(values) != 1].flat[0].item())
