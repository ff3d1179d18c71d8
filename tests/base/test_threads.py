"""Threads: work cut into spans that cover it once, and BLAS held to one thread meanwhile."""

from itertools import chain
from threading import Event, Thread

import pytest
from threadpoolctl import threadpool_info

from flux._base.threads import share, single_blas, thread_pool


@pytest.mark.parametrize("grain", [1, 7, 1000])
@pytest.mark.parametrize("count", [1, 5, 100, 101])
def test_spans_cover_all_once_and_in_order(count: int, grain: int) -> None:
    with thread_pool() as pool:
        spans = share(pool, lambda lo, hi, step: list(range(lo, hi, step)), count, grain, 1)
    assert list(chain.from_iterable(spans)) == list(range(count))
    assert all(len(span) >= min(grain, count) for span in spans)


def blas_threads() -> set[int]:
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}


def test_blas_is_held_within_and_let_go_after() -> None:
    before = blas_threads()
    with single_blas():
        with single_blas():
            assert blas_threads() == {1}
        assert blas_threads() == {1}
    assert blas_threads() == before


@pytest.mark.parametrize("main_is_first", [True, False])
def test_blas_is_let_go_whoever_leaves_last(main_is_first: bool) -> None:
    before, entered, leave = blas_threads(), Event(), Event()

    def hold() -> None:
        with single_blas():
            entered.set()
            leave.wait()

    other = Thread(target=hold)
    if main_is_first:
        with single_blas():
            other.start()
            entered.wait()
        leave.set()
        other.join()
    else:
        other.start()
        entered.wait()
        with single_blas():
            leave.set()
            other.join()
    assert blas_threads() == before


def test_errors_of_threads_come_through() -> None:
    def fail(lo: int, hi: int) -> None:
        raise ZeroDivisionError(f"in {lo} to {hi}")

    with thread_pool() as pool, pytest.raises(ZeroDivisionError, match="in 0 to"):
        share(pool, fail, 10, 1)
