"""Errors: one base for all, and each also what Python calls such a thing."""

import inspect

import pytest

import flux

ERRORS = [
    value
    for value in vars(flux).values()
    if inspect.isclass(value) and issubclass(value, BaseException)
]


@pytest.mark.parametrize("error", ERRORS)
def test_all_errors_have_one_base(error: type[BaseException]) -> None:
    assert issubclass(error, flux.FluxError)


@pytest.mark.parametrize(
    ("error", "plain"),
    [
        (flux.ArgumentError, ValueError),
        (flux.TooLargeError, MemoryError),
        (flux.TooLargeError, ValueError),
        (flux.ConvergenceError, ArithmeticError),
    ],
)
def test_errors_are_what_python_calls_them(
    error: type[BaseException], plain: type[BaseException]
) -> None:
    assert issubclass(error, plain)
