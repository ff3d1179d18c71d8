"""What all tests share: a fixed search for hypothesis, and a warm font cache for the chapters."""

import os
from collections.abc import Iterator

import matplotlib.font_manager  # noqa: F401  (its first import may write to a notebook's stderr)
import matplotlib.pyplot as plt
import pytest
import tqdm  # noqa: F401  (reads its settings now, before the next line turns kernels' bars off)
from hypothesis import settings

# progress bars are for people: on a slow machine they would write to a chapter's stderr
os.environ["TQDM_DISABLE"] = "1"

# no deadline: the first call of a function compiles it; derandomized: a gate must not flicker
settings.register_profile("gate", deadline=None, derandomize=True)
settings.load_profile("gate")


@pytest.fixture(autouse=True)
def no_figure_is_left() -> Iterator[None]:
    """What a test draws into the current axes, the next one does not find."""
    yield
    plt.close("all")
