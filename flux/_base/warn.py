"""Warnings name the line of whoever called flux, from however deep inside they come."""

from __future__ import annotations

import warnings
from inspect import currentframe


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn of what the nearest caller outside of flux should know."""
    frame, level = currentframe(), 1
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "flux":
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
