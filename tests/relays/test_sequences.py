"""Parts of sequences, and what is refused."""

from typing import Any

import numpy as np
import pytest

from flux.relays.tasks import memory_task, take


def test_take_keeps_samples_together() -> None:
    task = memory_task(50, rng=np.random.default_rng(1), delay=6, shortest=1)
    some = take(task, np.arange(50) % 7 == 2)
    for whole, part in zip(task[:3], some[:3], strict=True):
        assert np.array_equal(whole[2::7], part)
    assert some.classes == 2


@pytest.mark.parametrize("samples", [[50], [-51], [0.5], ["a"], [[0]], [True] * 49])
def test_take_refuses(samples: Any) -> None:
    with pytest.raises(ValueError, match=r"^samples must"):
        take(memory_task(50, rng=np.random.default_rng(1)), samples)
