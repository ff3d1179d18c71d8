"""What all widgets are made of: their JavaScript, and attributes that are checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from flux._base.checks import check_count, check_real
from flux._base.errors import ArgumentError
from flux._base.installed import needs

with needs("widgets"):
    import anywidget
    import traitlets

FOLDER = Path(__file__).parent / "javascript"


def read_sources(*names: str) -> str:
    """Return files of flux/widgets/javascript, one after another, as the text of one module."""
    return "\n".join((FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in names)


class Checked(traitlets.TraitType[Any, Any]):
    """A number or a read-only array, checked when it is assigned; the browser has nested lists."""

    def __init__(self, default: Any, check: Callable[[Any], Any]) -> None:
        super().__init__(default_value=default)
        self.check = check
        self.tag(sync=True, to_json=lambda value, _: np.asarray(value).tolist())

    def validate(self, obj: Any, value: Any) -> Any:
        """Return the checked value, or raise a ValueError."""
        checked = self.check(value)
        if isinstance(checked, np.ndarray):
            checked = checked.copy()
            checked.setflags(write=False)
        return checked


def check_limit(name: str, values: Any, limit: float) -> Any:
    largest = float(np.abs(values).max())
    if not largest <= limit:
        raise ArgumentError(
            f"{name} must lie from {-limit:g} to {limit:g}, but reached {largest:g}"
        )
    return values


def real(name: str, default: float, minimum: float, maximum: float) -> Checked:
    return Checked(default, lambda value: check_real(name, value, minimum, maximum))


def count(name: str, default: int, minimum: int, maximum: int | None = None) -> Checked:
    return Checked(default, lambda value: check_count(name, value, minimum, maximum))


class Widget(anywidget.AnyWidget):
    _css = (FOLDER / "widgets.css").read_text(encoding="utf-8")

    def __repr__(self) -> str:
        # no address: the text is kept in notebooks, and compared when they are tested
        return f"{type(self).__name__}()"
