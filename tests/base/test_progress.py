"""Progress bars: of long work only, where someone watches, and off on demand."""

import io
import sys

import pytest

from flux._base import progress
from flux._base.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put in place what stands in for a terminal, outside of any notebook, and return it."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr(progress, "DELAY", 0.0)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    return stream


def work(show: bool = True) -> None:
    with progress_bar("counting", 3, unit="number", show=show) as bar:
        for _ in range(3):
            bar.update()


def test_a_terminal_sees_the_bar_and_is_left_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    work()
    shown = stream.getvalue()
    assert "counting" in shown
    assert shown.split("\r")[-1].strip() == ""


def test_it_is_off_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    work(show=False)
    assert stream.getvalue() == ""


def test_the_environment_turns_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    work()
    assert stream.getvalue() == ""


def test_a_file_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    monkeypatch.setattr(stream, "isatty", lambda: False)
    work()
    assert stream.getvalue() == ""


def test_a_notebook_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    monkeypatch.setattr(stream, "isatty", lambda: False)
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    work()
    assert "counting" in stream.getvalue()


def test_short_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    monkeypatch.setattr(progress, "DELAY", 60.0)
    work()
    assert stream.getvalue() == ""


def test_an_interrupt_goes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch)
    with pytest.raises(KeyboardInterrupt), progress_bar("counting", 3):
        raise KeyboardInterrupt
