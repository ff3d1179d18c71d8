"""Progress bars: of work that takes more than two seconds, and only where someone watches."""

from __future__ import annotations

import os
import sys
from typing import Any

from tqdm import tqdm

DELAY = 2.0
"""Seconds of work before a bar is shown."""


def progress_bar(
    what: str, total: int | None = None, *, unit: str = "it", show: bool = True, initial: int = 0
) -> Any:
    """Return a bar to be used in a `with` statement and moved on by its `update`."""
    return tqdm(
        desc=what,
        total=total,
        unit=unit,
        initial=initial,
        delay=DELAY,
        leave=False,
        disable=not (show and _is_watched()),
    )


def _is_watched() -> bool:
    """Whether output goes to a terminal or into a notebook, and TQDM_DISABLE is not set."""
    if "TQDM_DISABLE" in os.environ:
        return False
    # a notebook's kernel brings ipykernel along; its stderr is no terminal
    return "ipykernel" in sys.modules or bool(getattr(sys.stderr, "isatty", bool)())
