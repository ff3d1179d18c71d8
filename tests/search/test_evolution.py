"""Evolution: known optima, what no run may violate, exact replay, and how it ends early."""

import builtins
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux import Evolution, SearchError, binary_entropy, evolve, exact_flux, replay

TARGET = np.array([[1.0, -2.0], [0.5, 3.0]])


def make_rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def nearness(W: np.ndarray) -> float:
    return -float(np.sum((W - TARGET) ** 2))


def search(fitness: Any = nearness, **options: Any) -> Evolution:
    settings = {"rng": make_rng(), "steps": 300, "W0": np.zeros((2, 2)), **options}
    return evolve(fitness, **settings)


@pytest.mark.parametrize(
    "options",
    [
        {"steps": 1500, "mutation": 0.1},
        {"steps": 3000, "mutation": 0.2, "share": 0.2},
        {"steps": 500, "mutation": 0.1, "population": 3, "offspring": 6},
        {"method": "cma"},
    ],
)
def test_quadratic_optimum_is_found(options: dict[str, Any]) -> None:
    found = search(**options)
    np.testing.assert_allclose(found.W, TARGET, atol=0.1)
    assert found.fitness == nearness(found.W)


@pytest.mark.parametrize("method", ["selection", "cma"])
def test_corner_of_the_box_is_reached(method: str) -> None:
    found = search(steps=400, bound=0.75, method=method)
    np.testing.assert_allclose(found.W, [[0.75, -0.75], [0.5, 0.75]], atol=0.05)
    # selection stands on the bound, the library may come to it from within
    assert method == "cma" or np.abs(found.W).max() == 0.75


def test_two_neurons_evolve_to_the_known_flux() -> None:
    # at w = 4 the rooks are the best pair of neurons within the bound
    limit = 2 * (1 - float(binary_entropy(1 / (1 + np.exp(-4)))))
    runs = [
        evolve(lambda W: exact_flux(W).I, np.zeros((2, 2)), rng=make_rng(seed), steps=1500, bound=4)
        for seed in range(3)
    ]
    assert 0.99 * limit < max(run.fitness for run in runs) <= limit + 1e-12


@given(
    seed=st.integers(0, 2**32),
    population=st.integers(1, 4),
    offspring=st.integers(1, 5),
    share=st.floats(0.01, 1),
    bound=st.floats(0.1, 5),
)
def test_no_run_violates(
    seed: int, population: int, offspring: int, share: float, bound: float
) -> None:
    tried = []

    def fitness(W: np.ndarray) -> float:
        tried.append(W)
        return nearness(W)

    found = search(
        fitness,
        rng=make_rng(seed),
        steps=20,
        population=population,
        offspring=offspring,
        share=share,
        bound=bound,
    )
    assert len(tried) == found.evaluations == 1 + 20 * offspring
    assert max(np.abs(W).max() for W in tried) <= bound
    curve = found.history.fitness
    assert curve.shape == (21,)
    assert np.all(np.diff(curve) >= 0)
    # the best of everything tried is never lost
    assert found.fitness == curve[-1] == max(nearness(W) for W in tried)
    assert [nearness(replay(found.history, step)) for step in range(21)] == curve.tolist()
    assert np.array_equal(replay(found.history, 20), found.W)


@pytest.mark.parametrize("options", [{}, {"share": 0.3}, {"population": 2}, {"method": "cma"}])
def test_same_seed_same_run(options: dict[str, Any]) -> None:
    first, second = search(**options), search(**options)
    other = search(rng=make_rng(2), **options)
    for a, b in zip(first.history, second.history, strict=True):
        assert np.array_equal(a, b)
    assert not np.array_equal(first.W, other.W)


def test_global_randomness_is_left_alone() -> None:
    code = (
        "import numpy as np, flux; before = np.random.get_state()[1].copy();"
        "flux.evolve(np.sum, [0.0, 0.0], rng=np.random.default_rng(1), steps=5, method='cma');"
        "assert np.array_equal(before, np.random.get_state()[1])"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_equal_fitness_lets_matrices_drift() -> None:
    found = search(lambda W: 0, steps=50)
    assert found.history.step.tolist() == list(range(1, 51))
    assert not np.array_equal(replay(found.history, 49), found.W)


def test_what_is_worse_is_refused() -> None:
    found = search(lambda W: -np.abs(W).sum(), steps=50)
    assert found.evaluations == 51
    assert found.history.step.size == found.history.value.size == 0
    assert not found.W.any()


def test_history_stores_changes_alone() -> None:
    found = search(W0=np.zeros((30, 30)), fitness=np.sum, steps=200, share=1e-9)
    assert 50 < found.history.step.size == found.history.entry.size
    assert np.count_nonzero(found.W) <= found.history.step.size


def test_share_of_changes() -> None:
    W = search(W0=np.zeros((300, 300)), fitness=lambda W: 0, steps=1, share=0.2, mutation=2).W
    assert abs(np.mean(W != 0) - 0.2) < 0.01
    assert abs(W[W != 0].std() - 2) < 0.1


def test_mutation_may_be_a_function() -> None:
    def flip(W: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        # in place, which must not touch the parent
        W.flat[rng.integers(W.size)] *= -1
        return W

    start = -np.arange(1.0, 7.0)
    found = search(np.sum, W0=start, mutation=flip, steps=100)
    assert np.array_equal(found.W, -start)
    assert np.array_equal(replay(found.history, 0), start)


def test_fitness_may_write_into_its_matrix() -> None:
    def spoil(W: np.ndarray) -> float:
        value = nearness(W)
        W[:] = np.nan
        return value

    assert np.array_equal(search(spoil).W, search().W)


def test_forbidden_matrices_are_not_taken() -> None:
    found = search(lambda W: -np.inf if W[0, 0] > 0.5 else nearness(W), mutation=0.1, steps=2000)
    assert 0.4 < found.W[0, 0] <= 0.5
    np.testing.assert_allclose(found.W[1], TARGET[1], atol=0.15)


def failing(after: int, error: BaseException | float) -> Any:
    calls = 0

    def fitness(W: np.ndarray) -> float:
        nonlocal calls
        calls += 1
        if calls <= after:
            return nearness(W)
        if isinstance(error, BaseException):
            raise error
        return error

    return fitness


@pytest.mark.parametrize("options", [{}, {"method": "cma", "offspring": 2}])
def test_interrupt_returns_what_has_been_reached(options: dict[str, Any]) -> None:
    per_step = options.get("offspring", 1)
    with pytest.warns(UserWarning, match="after 40 of 300 steps"):
        found = search(failing(1 + 40 * per_step, KeyboardInterrupt()), **options)
    whole = search(**options)
    assert found.history.fitness.tolist() == whole.history.fitness[:41].tolist()
    assert np.array_equal(found.W, replay(whole.history, 40))
    assert found.evaluations == 2 + 40 * per_step


def test_interrupt_before_the_start_is_passed_on() -> None:
    with pytest.raises(KeyboardInterrupt):
        search(failing(0, KeyboardInterrupt()))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, RuntimeError("no disk"), "high", None, [1, 2]])
def test_failing_fitness_is_reported_and_nothing_is_lost(wrong: Any) -> None:
    with pytest.raises(SearchError, match=r"^fitness (raised|must)") as caught:
        search(failing(41, wrong))
    reached = caught.value.reached
    assert reached is not None
    assert np.array_equal(reached.W, replay(search().history, 40))
    assert caught.value.W.shape == (2, 2)
    assert isinstance(caught.value.__cause__, RuntimeError) == isinstance(wrong, RuntimeError)


def test_fitness_may_fail_at_once() -> None:
    with pytest.raises(SearchError) as caught:
        search(failing(0, np.nan))
    assert caught.value.reached is None
    assert not caught.value.W.any()


@pytest.mark.parametrize("wrong", [np.zeros(3), np.full((2, 2), np.nan), "abc", RuntimeError()])
def test_failing_mutation_is_reported_and_nothing_is_lost(wrong: Any) -> None:
    calls = 0

    def mutate(W: np.ndarray, rng: np.random.Generator) -> Any:
        nonlocal calls
        calls += 1
        if calls <= 5:
            return W + 0.1
        if isinstance(wrong, RuntimeError):
            raise wrong
        return wrong

    with pytest.raises(SearchError, match=r"^mutation (raised|must)") as caught:
        search(np.sum, mutation=mutate)
    assert caught.value.reached is not None
    np.testing.assert_allclose(caught.value.reached.W, 0.5)


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def refuse(name: str, *args: Any, **more: Any) -> Any:
        if name == "cma":
            raise ModuleNotFoundError(name)
        return load(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"cma is not installed: pip install .*\[cma\]"):
        search(method="cma")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("rng", value) for value in (None, 1, np.random)],
        *[("steps", value) for value in (-1, 1.5, None)],
        *[("mutation", value) for value in (-1, np.nan, None, "1")],
        *[("share", value) for value in (0, -0.1, 1.1, np.nan)],
        *[("bound", value) for value in (-1, np.nan, np.inf, "1")],
        *[("population", value) for value in (0, 1.5, None)],
        *[("offspring", value) for value in (0, 1.5)],
        *[("method", value) for value in ("genetic", None)],
        *[("W0", value) for value in ([], [np.nan], [np.inf], "abc", [1j])],
        *[("fitness", value) for value in (None, 3)],
    ],
)
def test_evolve_refuses(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name} must"):
        search(**{name: value})


@pytest.mark.parametrize(
    "options",
    [
        {"bound": 0.5, "W0": [1.0]},
        {"mutation": lambda W, rng: W, "share": 0.5},
        {"method": "cma", "mutation": 0},
        {"method": "cma", "mutation": lambda W, rng: W},
        {"method": "cma", "bound": 0},
        {"method": "cma", "population": 2},
        {"method": "cma", "share": 0.5},
        {"method": "cma", "offspring": 1},
    ],
)
def test_arguments_must_fit_together(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        search(**options)


@pytest.mark.parametrize("step", [-1, 301, 1.0, None])
def test_replay_refuses(step: Any) -> None:
    with pytest.raises(ValueError, match=r"^step must"):
        replay(search().history, step)
