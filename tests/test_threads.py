"""Every public function in forked and spawned processes and in threads: see concurrent_calls.py."""

import inspect
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import concurrent_calls
import pytest

import flux

ROOT = Path(__file__).parents[1]


def test_every_public_function_is_called() -> None:
    functions = [name for name in flux.__all__ if inspect.isfunction(getattr(flux, name))]
    assert sorted(concurrent_calls.CALLS) == sorted(functions)


@pytest.mark.parametrize("layer", ["default", "workqueue"])
def test_processes_and_threads_give_the_same(layer: str, tmp_path: Path) -> None:
    """In a process of its own, as what is wrong hangs or ends it: numba's workqueue aborts."""
    environment = os.environ | {"NUMBA_THREADING_LAYER": layer, "NUMBA_NUM_THREADS": "2"}
    command = [sys.executable, concurrent_calls.__file__]
    # into a file: children that hang would keep a pipe open
    with (tmp_path / "log").open("w") as log:
        running = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
        )
        try:
            status = running.wait(600)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
    lines = (tmp_path / "log").read_text().splitlines()
    assert status == 0, "\n".join(lines)
    assert [line for line in lines if line in concurrent_calls.STAGES] == concurrent_calls.STAGES
