"""Spins, state codes, and the argument checks that every public function uses."""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Iterable
from numbers import Real
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import psutil
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

MAX_CODED = 62
"""Largest number of neurons whose state fits a signed 64-bit code."""

NO_NUMBERS = (bool, np.timedelta64)
"""Types that Python or numpy count among the numbers."""

ALWAYS_FREE = 1 << 26
"""Bytes that any machine has; asking how much is free takes longer than small computations."""

LARGEST_SUM = 4e307
"""Largest sum of |W_ij| over a row, and largest |b_i|: all fields, and twice them, are finite."""

Floats = NDArray[np.float64]
Spins = NDArray[np.int8]
Codes = NDArray[np.int64]
Array = TypeVar("Array", bound=NDArray[Any])


class TooLargeError(MemoryError, ValueError):
    """The exact computation would need more memory than this machine has to give.

    Examples
    --------
    >>> try:
    ...     all_states(60)
    ... except TooLargeError:
    ...     print("too large to list")
    too large to list
    """


def all_states(n: int) -> Spins:
    """Return every state of `n` neurons, in the order of their codes.

    Parameters
    ----------
    n : int
        Number of neurons, at least 1.

    Returns
    -------
    (2**n, n) int8
        Row k is the state with code k: neuron i is +1 where bit i of k is 1, else -1.

    Raises
    ------
    ValueError
        If `n` is not a positive integer.
    TooLargeError
        If the table would not fit into memory.

    Examples
    --------
    >>> all_states(2)
    array([[-1, -1],
           [ 1, -1],
           [-1,  1],
           [ 1,  1]], dtype=int8)
    """
    n = check_count("n", n, 1, MAX_CODED)
    # 16 bytes more for each state: its code and the bit at hand
    check_memory(
        (n + 16) * 2.0**n, f"the table of all states of n = {n} neurons", "sample with simulate"
    )
    return decode(np.arange(1 << n), n)


def encode(x: ArrayLike) -> Codes:
    """Return the code of each state: bit i is neuron i, and bit 1 means +1.

    Parameters
    ----------
    x : (..., n) array of -1 and +1
        States; n at most 62.

    Returns
    -------
    (...) int64
        Codes k = sum_i 2**i [x_i = +1].

    Raises
    ------
    ValueError
        If `x` holds anything but -1 and +1, or more than 62 neurons.

    Examples
    --------
    >>> encode([[-1, -1, -1], [1, -1, 1]])
    array([0, 5])
    """
    spins = check_spins("x", x)
    n = spins.shape[-1]
    check_count("x.shape[-1]", n, 1, MAX_CODED)
    codes = np.zeros(spins.shape[:-1], np.int64)
    for i in range(n):
        codes |= (spins[..., i] > 0).astype(np.int64) << i
    return codes


def decode(codes: ArrayLike, n: int) -> Spins:
    """Return the states that belong to codes; the inverse of `encode`.

    Parameters
    ----------
    codes : (...) array of int
        State codes, from 0 to 2**n - 1.
    n : int
        Number of neurons, 1 to 62.

    Returns
    -------
    (..., n) int8
        States of -1 and +1.

    Raises
    ------
    ValueError
        If a code is not an integer from 0 to 2**n - 1, or `n` is out of range.

    Examples
    --------
    >>> decode([0, 5], 3)
    array([[-1, -1, -1],
           [ 1, -1,  1]], dtype=int8)
    """
    n = check_count("n", n, 1, MAX_CODED)
    k = as_array("codes", codes, "iu")
    if k.size and (k.min() < 0 or k.max() >= 1 << n):
        raise ValueError(
            f"codes must lie from 0 to 2**{n} - 1, but ranged from {k.min()} to {k.max()}"
        )
    k = k.astype(np.int64, copy=False)
    x = np.empty((*k.shape, n), np.int8)
    for i in range(n):
        x[..., i] = 2 * ((k >> i) & 1) - 1
    return x


def check_count(name: str, value: object, minimum: int, maximum: float | None = None) -> int:
    """Return `value` as an int from `minimum` to `maximum`, or raise a ValueError naming it.

    Without a maximum it is the longest array; of a number that is no size, infinity.
    """
    most = sys.maxsize if maximum is None else maximum
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, NO_NUMBERS)
    if not is_integer or not minimum <= value <= most:  # type: ignore[operator]
        is_open = most == np.inf or (maximum is None and not (is_integer and value > most))  # type: ignore[operator]
        allowed = f"at least {minimum}" if is_open else f"from {minimum} to {most}"
        raise ValueError(f"{name} must be an integer {allowed}, but was {short(value)}")
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
        raise ValueError(f"{name} must be a finite number {span}, but was {short(value)}")
    return number


def check_rng(rng: object) -> np.random.Generator:
    """Return `rng` if it is a numpy Generator, or raise a ValueError that shows how to make one."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(
            "rng must be a numpy Generator such as numpy.random.default_rng(1), but was"
            f" {short(rng)}"
        )
    return rng


def check_choice(name: str, value: object, allowed: Iterable[str]) -> str:
    """Return `value` if it is one of the words allowed, or raise a ValueError naming it."""
    words = tuple(allowed)
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"{name} must be one of {', '.join(words)}, but was {short(value)}")
    return value


def check_type(name: str, value: object, wanted: type | tuple[type, ...], origin: str) -> None:
    """Raise a ValueError unless `value` is of a type; `origin` says what makes one."""
    if not isinstance(value, wanted):
        raise ValueError(f"{name} must be {origin}, but was {short(value)}")


def check_floats(name: str, value: object) -> Floats:
    """Return `value` as a contiguous float64 array, or raise a ValueError naming it."""
    array = as_array(name, value, "biuf")
    return np.ascontiguousarray(array, np.float64).reshape(array.shape)


def check_weights(W: object) -> Floats:
    """Return W as a dense, square, finite float64 array, or raise a ValueError."""
    if sparse.issparse(W):
        raise ValueError("W must be a dense array here, but was sparse: pass W.toarray()")
    dense = check_floats("W", W)
    if dense.ndim != 2 or dense.shape[0] != dense.shape[1] or dense.shape[0] == 0:
        raise ValueError(f"W must have shape (n, n) with n >= 1, but had shape {dense.shape}")
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
        raise ValueError(f"W must have shape (n, n) with n >= 1, but had shape {W.shape}")
    if W.dtype.kind not in "biuf":
        raise ValueError(f"W must be an array of real numbers, but was of type {W.dtype}")
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
        raise ValueError(f"b must have shape ({n},) to match W, but had shape {bias.shape}")
    _reject_infinite("b", bias)
    if np.abs(bias).max(initial=0.0) > LARGEST_SUM:
        raise ValueError(
            f"b must lie from -{LARGEST_SUM:g} to {LARGEST_SUM:g}, lest fields overflow, but"
            f" reached {np.abs(bias).max():g}: scale W and b down"
        )
    return np.require(bias, requirements="W")


def check_spins(name: str, x: object, n: int | None = None) -> NDArray[Any]:
    """Return x as an array of -1 and +1 with n neurons on its last axis, or raise a ValueError."""
    spins = as_array(name, x)
    wanted = "n >= 1" if n is None else f"n = {n}"
    if spins.ndim == 0 or spins.shape[-1] == 0 or (n is not None and spins.shape[-1] != n):
        raise ValueError(f"{name} must have shape (..., n) with {wanted}, but had {spins.shape}")
    if spins.dtype.kind not in "if" or not np.all(np.abs(spins) == 1):
        hint = ""
        if spins.dtype.kind in "biuf" and np.all((spins == 0) | (spins == 1)):
            signed = f"{name}.astype(int)" if spins.dtype.kind == "u" else name
            hint = f": turn 0 and 1 into spins with 2 * {signed} - 1"
        raise ValueError(f"{name} must hold only spins -1 and +1, but held {_example(spins)}{hint}")
    return spins


def read_only(values: Array) -> Array:
    """Return a view that cannot be written: kernels are compiled anew where some can and some not.

    For what is too large to be copied only to make it writable.
    """
    view = values.view()
    view.flags.writeable = False
    return view


def check_memory(needed: float, what: str, instead: str) -> None:
    """Raise a TooLargeError if `needed` bytes are more than this machine can give."""
    if needed <= ALWAYS_FREE:
        return
    limit = memory_limit()
    if needed > limit:
        raise TooLargeError(
            f"{what} would need {format_bytes(needed)} of memory, and {format_bytes(limit)} are"
            f" available: {instead}"
        )


def memory_limit() -> float:
    """Return the bytes that one computation may take: 80 % of what is free, containers counted."""
    free = float(psutil.virtual_memory().available)
    used_file = Path("/sys/fs/cgroup/memory.current")
    limit_file = Path("/sys/fs/cgroup/memory.max")
    if limit_file.is_file() and used_file.is_file():
        limit = limit_file.read_text().strip()
        if limit != "max":
            free = min(free, float(limit) - float(used_file.read_text()))
    return 0.8 * free


def format_bytes(count: float) -> str:
    """Return a byte count in words, such as '2.1 GB'."""
    for power, unit in ((18, "EB"), (15, "PB"), (12, "TB"), (9, "GB"), (6, "MB")):
        if count >= 10.0**power:
            scaled = count / 10.0**power
            return f"{scaled:.3g} {unit}" if scaled < 1000 else f"10^{np.log10(count):.0f} bytes"
    return f"{count / 1000:.3g} kB"


def as_array(name: str, value: object, kinds: str = "") -> NDArray[Any]:
    """Return `value` as a plain array, or raise a ValueError: the door of all array arguments.

    `kinds` are the letters of the types allowed, such as "biuf"; without them any type is.
    """
    if sparse.issparse(value):
        raise ValueError(
            f"{name} must be a dense array here, but was sparse: pass .toarray() of it"
        )
    check_unmasked(name, value)
    try:
        array = np.asarray(value)
    except Exception:  # ragged lists, and whatever foreign arrays raise
        raise ValueError(
            f"{name} must be an array, all rows alike, but was {short(value)}"
        ) from None
    if kinds and array.dtype.kind not in kinds:
        wanted = "real numbers" if "f" in kinds else "integers"
        raise ValueError(f"{name} must be an array of {wanted}, but was {short(value)}")
    return array


def check_unmasked(name: str, value: object) -> None:
    """Raise a ValueError if an array, or one in a list or a mapping, has masked entries."""
    if _is_masked(value):
        raise ValueError(
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
        raise ValueError(f"{name} must be finite, but held {bad.flat[0]} ({bad.size} such entries)")


def _reject_overflow(W: Any) -> None:
    with np.errstate(over="ignore"):
        top = abs(W).sum(1).max()
    if top > LARGEST_SUM:
        raise ValueError(
            f"W must have row sums of magnitudes of at most {LARGEST_SUM:g}, lest fields overflow,"
            f" but one was {top:g}: scale W and b down"
        )


def _example(values: NDArray[Any]) -> str:
    if values.dtype.kind not in "if":
        return f"values of type {values.dtype}"
    return repr(values[np.abs(values) != 1].flat[0].item())
