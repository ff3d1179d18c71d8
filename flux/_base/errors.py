"""Errors of flux: one base class, and each kind also what Python calls such a thing."""

from __future__ import annotations


class FluxError(Exception):
    """Base of all errors that flux raises on purpose.

    Examples
    --------
    >>> from flux import exact_flux
    >>> try:
    ...     exact_flux([[0.0, 1.0]])
    ... except FluxError as error:
    ...     print(error)
    W must have shape (n, n) with n >= 1, but had shape (1, 2)
    """


class ArgumentError(FluxError, ValueError):
    """An argument is not what it must be; the message names it and says what to do.

    Examples
    --------
    >>> from flux import all_states
    >>> try:
    ...     all_states(0)
    ... except ArgumentError as error:
    ...     print(error)
    n must be an integer from 1 to 62, but was 0
    """


class TooLargeError(FluxError, MemoryError, ValueError):
    """The exact computation would need more memory than this machine has to give.

    Examples
    --------
    >>> from flux import all_states
    >>> try:
    ...     all_states(60)
    ... except TooLargeError:
    ...     print("too large to list")
    too large to list
    """


class ConvergenceError(FluxError, ArithmeticError):
    """The stationary law cannot be had to the promised accuracy.

    Examples
    --------
    Fields that rise and fall by more than doubles can tell:

    >>> from flux import exact_flux
    >>> import numpy as np
    >>> W = 2.0**60 * (np.ones((3, 3)) - np.eye(3))
    >>> try:
    ...     exact_flux(W, [0.5, 0.0, 0.0])
    ... except ConvergenceError as error:
    ...     print("too strong" in str(error))
    True
    """
