"""Memory: asked for before it is taken, and told in words."""

import pytest

from flux import TooLargeError
from flux._base.memory import ALWAYS_FREE, check_memory, format_bytes, memory_limit


def test_memory_is_asked_for_before_it_is_taken() -> None:
    check_memory(0.5 * memory_limit(), "the half", "nothing")
    with pytest.raises(TooLargeError, match=r"all of it would need .* available: take less"):
        check_memory(2 * memory_limit(), "all of it", "take less")
    # callers may catch it as either
    assert issubclass(TooLargeError, MemoryError)
    assert issubclass(TooLargeError, ValueError)


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 kB"), (2048, "2.05 kB"), (2.1e9, "2.1 GB"), (3e18, "3 EB"), (1e30, "10^30 bytes")],
)
def test_format_bytes(count: float, words: str) -> None:
    assert format_bytes(count) == words


def test_small_computations_do_not_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flux._base.memory.memory_limit", lambda: 0.0)
    check_memory(ALWAYS_FREE, "little", "nothing")
    with pytest.raises(TooLargeError, match="more would need"):
        check_memory(ALWAYS_FREE + 1, "more", "nothing")
