"""Attractors: analytic, against a walk in plain Python over exact fractions, and invariances."""

import subprocess
import sys
from collections import Counter
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import exact_successors, walk_attractors
from random_weights import DECISIONS, ensembles

import flux
from flux import TooLargeError, find_attractors, gaussian_weights, mean_period
from flux.attractors.enumerated import Attractors


def rows(found: Attractors) -> list[tuple[int, int, int]]:
    return list(zip(*(field.tolist() for field in found[:3]), strict=True))


@pytest.mark.parametrize("n", range(1, 11))
def test_against_plain_python(n: int) -> None:
    rng = np.random.default_rng(n)
    for W in ensembles(n, rng).values():
        for b in (np.zeros(n), rng.normal(size=n), rng.integers(-1, 2, n).astype(float)):
            for ties in DECISIONS if n <= 6 else DECISIONS[:1]:
                expected, _ = exact_successors(W, b, ties)
                assert rows(find_attractors(W, b, ties=ties)) == walk_attractors(expected)


@pytest.mark.parametrize("n", [11, 15, 17])
def test_long_tables_against_numpy(n: int) -> None:
    rng = np.random.default_rng(n)
    W, b = gaussian_weights(n, rng=rng), rng.normal(size=n)
    for bias in (np.zeros(n), b):
        expected = flux.encode(2 * (flux.all_states(n) @ W.T + bias > 0) - 1)
        assert rows(find_attractors(W, bias)) == walk_attractors(expected.tolist())


def test_one_ring_of_eight_states() -> None:
    # a delay line of three neurons with a sign: 000 -> 001 -> 011 -> 111 -> 110 -> 100 -> 000
    W = [[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    found = find_attractors(W)
    assert rows(found) == [(6, 6, 0), (2, 2, 2)]
    assert mean_period(found) == 4
    assert mean_period(found, weight="state") == (6 * 6 + 2 * 2) / 8


@pytest.mark.parametrize("n", [1, 2, 13, 16])
def test_identity_has_all_states_for_attractors(n: int) -> None:
    found = find_attractors(np.eye(n))
    assert np.array_equal(found.representative, np.arange(2**n))
    assert set(found.period) == set(found.basin) == {1}
    assert set(find_attractors(-np.eye(n)).period) == {2}


def test_hopfield_memory() -> None:
    pattern = np.array([1, -1, 1, 1, -1, 1, -1])
    found = find_attractors(np.outer(pattern, pattern))
    code = int(flux.encode(pattern))
    assert rows(found) == sorted([(1, 64, code), (1, 64, 127 - code)], key=lambda row: row[2])


@st.composite
def networks(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    n = draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    chosen = ensembles(n, rng)
    W = chosen[draw(st.sampled_from(sorted(chosen)))]
    return W, draw(st.sampled_from([0.0, 1.0])) * rng.normal(size=n), rng


@given(networks(), st.sampled_from(DECISIONS))
def test_basins_add_up_and_hold_their_cycles(case: Any, ties: str) -> None:
    W, b, _ = case
    found = find_attractors(W, b, ties=ties)
    assert found.basin.sum() == 2 ** len(b)
    assert (found.period >= 1).all()
    assert (found.basin >= found.period).all()
    assert (np.diff(found.representative) > 0).all()


@given(networks())
def test_relabelling_gauge_and_scale_change_nothing(case: Any) -> None:
    W, b, rng = case
    n = len(b)
    order, signs, scale = rng.permutation(n), rng.choice([-1, 1], n), 2.0 ** rng.integers(-3, 4, n)
    relabelled = find_attractors(W[np.ix_(order, order)], b[order], ties="keep")
    gauged = find_attractors(W * np.outer(signs, signs), b * signs, ties="keep")
    scaled = find_attractors(W * scale[:, None], b * scale, ties="keep")
    expected = find_attractors(W, b, ties="keep")
    pairs = Counter(zip(expected.period, expected.basin, strict=True))
    assert Counter(zip(relabelled.period, relabelled.basin, strict=True)) == pairs
    assert Counter(zip(gauged.period, gauged.basin, strict=True)) == pairs
    assert rows(scaled) == rows(expected)


@given(networks())
def test_symmetric_weights_have_periods_one_and_two(case: Any) -> None:
    W, b, _ = case
    assert find_attractors(W + W.T, b, ties="up").period.max() <= 2


def test_subnormal_fields_are_no_ties() -> None:
    assert rows(find_attractors([[5e-324]])) == [(1, 1, 0), (1, 1, 1)]


def test_same_with_any_number_of_threads() -> None:
    W = gaussian_weights(19, rng=np.random.default_rng(2))
    threads = numba.get_num_threads()
    results = []
    for count in {1, threads}:
        numba.set_num_threads(count)
        results.append(rows(find_attractors(W)))
    numba.set_num_threads(threads)
    assert all(result == results[0] for result in results)


def test_too_many_attractors_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flux._base.memory.memory_limit", lambda: 1e8)
    with pytest.raises(TooLargeError, match=r"^more than 524288 attractors would need 168 MB"):
        find_attractors(np.eye(21))


def test_mean_period_refuses() -> None:
    with pytest.raises(ValueError, match=r"^weight must be one of attractor, state, but was 'x'"):
        mean_period(find_attractors(np.eye(1)), "x")


@pytest.mark.parametrize(("progress", "shown"), [(True, "attractors, 3 neurons"), (False, "")])
def test_bar_is_shown_where_asked(
    progress: bool, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("flux._base.progress._is_watched", lambda: True)
    monkeypatch.setattr("flux._base.progress.DELAY", 0.0)
    find_attractors(np.eye(3), progress=progress)
    assert capsys.readouterr().err.strip()[: len(shown) or None].lstrip("\r") == shown


@pytest.mark.parametrize(
    ("module", "kernel", "call"),
    [
        ("enumerated", "_walk", "find_attractors(W)"),
        ("sampled", "_close", "sample_attractors(W, starts=1, rng=np.random.default_rng(1))"),
    ],
)
def test_compiling_does_not_count_as_work(module: str, kernel: str, call: str) -> None:
    """The bar's time begins when the kernel is there."""
    code = f"""
import numpy as np
from flux import find_attractors, sample_attractors
from flux.attractors import {module} as module
real, ready = module.progress_bar, []
def bar(*args, **options):
    ready.append(len(module.{kernel}.signatures))
    return real(*args, **options)
module.progress_bar = bar
W = np.eye(3)
{call}
assert ready == [len(module.{kernel}.signatures)] == [1], ready
"""
    subprocess.run([sys.executable, "-c", code], check=True)
