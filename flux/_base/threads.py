"""Threads for matrix products.

BLAS libraries keep the threads of one product in step by spinning. Where something else runs on
the machine, each product then waits for a whole slice of the scheduler: measured, a hundred
times longer. Products that are cut into pieces, one thread each, only share the processor.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import RLock, get_ident
from typing import Any

import numba
from threadpoolctl import ThreadpoolController


@contextmanager
def thread_pool() -> Iterator[ThreadPoolExecutor]:
    """Yield a pool with as many threads as numba is set to, and hold BLAS to one thread each."""
    with (
        single_blas(),
        ThreadPoolExecutor(numba.get_num_threads()) as pool,
    ):
        yield pool


@contextmanager
def single_blas() -> Iterator[None]:
    """Hold BLAS to one thread, unless another thread does so already.

    The number of threads belongs to the whole process, and the thread that set it sets it back:
    once the main thread has spoken, OpenBLAS heeds no other. Who outlasts it is slower, no more.
    """
    with _lock:
        sets = not _limits
        if sets:
            _limits[get_ident()] = _controller().limit(limits=1, user_api="blas")
    try:
        yield
    finally:
        if sets:
            with _lock:
                _limits.pop(get_ident()).restore_original_limits()


def _after_fork() -> None:
    """In the child only the thread that forked goes on: what another one set is set back."""
    for other in _limits.keys() - {get_ident()}:
        _limits.pop(other).restore_original_limits()
    _lock.release()


_lock = RLock()
_limits: dict[int, Any] = {}
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_after_fork
    )


def share(
    pool: Executor, kernel: Callable[..., Any], count: int, grain: int, *args: Any
) -> list[Any]:
    """Return `kernel(lo, hi, *args)` for spans that cover range(count), run by the threads.

    Threads of Python around kernels without the GIL, rather than numba's own, because those
    hang or end the process when it forks or calls from two threads. `grain` is the shortest span
    worth a thread; several spans a thread keep all busy where the machine is shared.
    """
    spans = min(count // grain, 4 * numba.get_num_threads())
    if spans <= 1:
        return [kernel(0, count, *args)]
    edges = [k * count // spans for k in range(spans + 1)]
    return list(pool.map(lambda lo, hi: kernel(lo, hi, *args), edges[:-1], edges[1:]))


@cache
def _controller() -> ThreadpoolController:
    # looking for the loaded libraries takes milliseconds
    return ThreadpoolController()
