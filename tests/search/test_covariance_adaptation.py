"""Covariance matrix adaptation: known optima, its bound, its randomness, and how it ends early."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from flux import Evolution, SearchError, evolve, evolve_cma, replay

TARGET = np.array([[1.0, -2.0], [0.5, 3.0]])


def make_rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def nearness(W: np.ndarray) -> float:
    return -float(np.sum((W - TARGET) ** 2))


def search(fitness: Any = nearness, **options: Any) -> Evolution:
    settings = {"rng": make_rng(), "steps": 300, "W0": np.zeros((2, 2)), **options}
    return evolve_cma(fitness, **settings)


def test_quadratic_optimum_is_found_and_the_search_ends() -> None:
    found = search()
    np.testing.assert_allclose(found.W, TARGET, atol=1e-5)
    assert found.fitness == nearness(found.W)
    # it has converged before its steps are used up
    assert len(found.history.fitness) < 301


def test_corner_of_the_box_is_reached_from_within() -> None:
    tried = []

    def fitness(W: np.ndarray) -> float:
        tried.append(W)
        return nearness(W)

    found = search(fitness, steps=400, bound=0.75)
    np.testing.assert_allclose(found.W, [[0.75, -0.75], [0.5, 0.75]], atol=0.05)
    assert max(np.abs(W).max() for W in tried) <= 0.75
    assert found.evaluations == len(tried)


def test_directions_are_learnt() -> None:
    """On a long narrow ridge it comes far nearer than mutations that are alike all around."""

    def ridge(W: np.ndarray) -> float:
        return -float((W[0] + W[1] - 2) ** 2 * 1e4 + (W[0] - W[1] - 4) ** 2)

    adapted = search(ridge, W0=np.zeros(2), steps=100)
    plain = evolve(ridge, np.zeros(2), rng=make_rng(), steps=adapted.evaluations)
    np.testing.assert_allclose(adapted.W, [3, -1], atol=1e-3)
    assert np.abs(plain.W - [3, -1]).max() > 0.05


def test_what_is_worse_is_never_the_best() -> None:
    found = search(steps=30, offspring=6)
    curve = found.history.fitness
    assert np.all(np.diff(curve) >= 0)
    assert found.evaluations == 1 + 30 * 6
    assert [nearness(replay(found.history, t)) for t in range(31)] == curve.tolist()


def test_same_seed_same_run() -> None:
    first, second, other = search(), search(), search(rng=make_rng(2))
    for a, b in zip(first.history, second.history, strict=True):
        assert np.array_equal(a, b)
    assert not np.array_equal(first.W, other.W)


def test_global_randomness_is_left_alone() -> None:
    code = (
        "import numpy as np, flux; before = np.random.get_state()[1].copy();"
        "flux.evolve_cma(np.sum, [0.0, 0.0], rng=np.random.default_rng(1), steps=5);"
        "assert np.array_equal(before, np.random.get_state()[1])"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def failing(after: int, error: BaseException) -> Any:
    calls = 0

    def fitness(W: np.ndarray) -> float:
        nonlocal calls
        calls += 1
        if calls > after:
            raise error
        return nearness(W)

    return fitness


def test_interrupt_returns_what_has_been_reached() -> None:
    with pytest.warns(UserWarning, match="after 40 of 300 steps") as caught:
        found = search(failing(81, KeyboardInterrupt()), offspring=2)
    assert caught[0].filename == __file__
    whole = search(offspring=2)
    assert found.history.fitness.tolist() == whole.history.fitness[:41].tolist()
    assert np.array_equal(found.W, replay(whole.history, 40))
    assert found.evaluations == 82


def test_failing_fitness_is_reported_and_nothing_is_lost() -> None:
    with pytest.raises(SearchError, match=r"^fitness raised RuntimeError: no disk") as caught:
        search(failing(81, RuntimeError("no disk")), offspring=2)
    assert caught.value.reached is not None
    assert np.array_equal(caught.value.reached.W, replay(search(offspring=2).history, 40))


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cma", None)
    with pytest.raises(ImportError, match=r"cma is not installed: pip install .*\[cma\]"):
        search()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("rng", value) for value in (None, 1, np.random)],
        *[("steps", value) for value in (-1, 1.5, None)],
        *[("mutation", value) for value in (-1, 0, np.nan, None, lambda W, rng: W)],
        *[("offspring", value) for value in (0, 1, 1.5)],
        *[("bound", value) for value in (-1, np.nan, np.inf)],
        *[("W0", value) for value in ([], [np.nan], [np.inf], "abc", [1j])],
        *[("fitness", value) for value in (None, 3)],
    ],
)
def test_evolve_cma_refuses(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name} (and bound )?must"):
        search(**{name: value})


def test_bound_must_leave_room() -> None:
    with pytest.raises(ValueError, match="mutation and bound must be above 0"):
        search(bound=0)
    with pytest.raises(ValueError, match="W0 must hold finite numbers within the bound"):
        search(bound=0.5, W0=[1.0])
