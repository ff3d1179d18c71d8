"""How much memory a computation may take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psutil

from flux._base.errors import TooLargeError

ALWAYS_FREE = 1 << 26
"""Bytes that any machine has; asking how much is free takes longer than small computations."""


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
