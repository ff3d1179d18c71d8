"""What is installed: the version of flux, and what to do where an optional package is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "information-flux"
"""The package's name for pip. The registry's ``flux`` is another package."""

try:
    __version__ = version(DISTRIBUTION)
except PackageNotFoundError:
    # the files are on the path, but pip did not put them there
    __version__ = "0+unknown"


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Tell what to install where an import inside fails: an optional part of flux.

    >>> with needs("plots"):
    ...     import no_such_package
    Traceback (most recent call last):
    ModuleNotFoundError: no_such_package is not installed: pip install 'information-flux[plots]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "a package").partition(".")[0]
        told = f"{package} is not installed: {how_to_install(extra)}"
        raise ModuleNotFoundError(told, name=error.name) from error


def how_to_install(extra: str) -> str:
    """Return the command that installs an optional part of flux.

    >>> how_to_install("gpu")
    "pip install 'information-flux[gpu]'"
    """
    return f"pip install '{DISTRIBUTION}[{extra}]'"
