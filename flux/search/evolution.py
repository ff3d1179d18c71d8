"""Evolution of weight matrices: mutate, and keep what is no worse, for any fitness."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import check_count, check_floats, check_real, check_rng, short
from flux._base.errors import ArgumentError, FluxError
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.types import Floats
from flux._base.warn import warn
from flux.search.history import History, Step, find_step, join_steps, replay

Mutation = Callable[[Floats, np.random.Generator], ArrayLike]
Scored = tuple[float, Floats]


class Evolution(NamedTuple):
    """The best matrix that a search found, and the way to it.

    Attributes
    ----------
    W : array
        The best matrix, of the shape of the first.
    fitness : float
        Its fitness.
    history : History
        The way: ``history.fitness[t]`` is that of the best after step t. `replay` rebuilds the
        best after any step from it.
    evaluations : int
        How often the fitness was called.

    Examples
    --------
    >>> found = evolve(np.sum, [1.0, 2.0], rng=np.random.default_rng(1), steps=9, mutation=1)
    >>> found.history.fitness.shape, found.history.fitness[9] == found.fitness
    ((10,), np.True_)
    """

    W: Floats
    fitness: float
    history: History
    evaluations: int


class SearchError(FluxError, ValueError):
    """A fitness or a mutation failed within a search; what was found before is kept.

    Attributes
    ----------
    W : array
        The matrix on which it failed.
    reached : Evolution or None
        What the search had reached in the step before; None if there was none.

    Examples
    --------
    >>> def fitness(W):
    ...     if W.sum() > 3:
    ...         raise OverflowError("above 3")
    ...     return W.sum()
    >>> try:
    ...     evolve(fitness, np.zeros(2), rng=np.random.default_rng(1), steps=99, mutation=1)
    ... except SearchError as error:
    ...     print(error.W.sum() > 3, error.reached.fitness <= 3)
    True True
    """

    def __init__(self, message: str, W: Floats) -> None:
        super().__init__(message)
        self.W = W
        self.reached: Evolution | None = None


def evolve(
    fitness: Callable[[Floats], Any],
    W0: ArrayLike,
    *,
    rng: np.random.Generator,
    steps: int,
    mutation: float | Mutation = 0.3,
    share: float = 1.0,
    bound: float | None = None,
    population: int = 1,
    offspring: int | None = None,
    progress: bool = True,
) -> Evolution:
    """Search for a matrix of high fitness by mutation and selection.

    With one parent and one child per step this is mutate-and-keep, equation :eq:`eq-evo-scheme` of
    the book: the child replaces its parent if its fitness is not lower. In general each step draws
    the parent of each of `offspring` children from the population, and the best `population` of
    parents and children together go on, children before parents of equal fitness. The first
    population is W0 alone.

    Parameters
    ----------
    fitness : callable
        Takes an array shaped like W0 (a copy) and returns a number, the larger the better;
        -inf for a matrix that is not allowed.
    W0 : array
        Where to start; weights of shape (n, n), or any other shape that `fitness` takes.
    rng : numpy.random.Generator
        Source of randomness.
    steps : int
        Number of steps, at least 0.
    mutation : float or callable
        Standard deviation of the normal changes, or a function (W, rng) -> mutated copy of W.
    share : float
        Probability, above 0, that an entry changes in a mutation; one entry always does.
    bound : float, optional
        Entries beyond +-bound are set to +-bound, so that a search whose optimum lies on the
        bound can reach it exactly. No bound by default.
    population : int
        Number mu of matrices that survive a step.
    offspring : int, optional
        Number lambda of children in each step; `population` by default.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    Evolution
        Best matrix, its fitness, history, and number of calls of `fitness`.

    Warns
    -----
    UserWarning
        If interrupted from the keyboard: the result is what the last whole step had reached.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    SearchError
        If `fitness` raises an error or returns anything but a number, or if a mutation function
        fails; it holds what had been reached.

    References
    ----------
    Metzner et al. (2024), Neural Computation 36(3), 351-384; Beyer & Schwefel (2002), Natural
    Computing 1, 3-52.

    Examples
    --------
    >>> found = evolve(lambda W: -np.sum((W - 1) ** 2), np.zeros((2, 2)),
    ...                rng=np.random.default_rng(1), steps=500, mutation=0.1)
    >>> np.abs(found.W - 1).max() < 0.1, found.evaluations
    (np.True_, 501)
    >>> np.array_equal(replay(found.history, 0), np.zeros((2, 2)))
    True
    """
    population = check_count("population", population, 1)
    offspring = population if offspring is None else check_count("offspring", offspring, 1)
    score, start, steps, limit = check_search(
        fitness, W0, rng, steps, bound, population + offspring
    )
    share = check_real("share", share, 0.0, 1.0)
    if share == 0:
        raise ArgumentError("share must be above 0, but was 0")
    if not callable(mutation):
        mutation = check_real("mutation", mutation, 0.0)
    elif share != 1:
        raise ArgumentError(f"share must be left out with a mutation function, but was {share}")
    mutate = _make_mutation(mutation, share, limit)
    search = _select(score, start, rng, mutate, population, offspring)
    return follow(search, score, start, steps, progress)


class Fitness:
    """A fitness that counts its calls and passes nothing on but numbers."""

    def __init__(self, function: Callable[[Floats], Any]) -> None:
        self.function = function
        self.calls = 0

    def __call__(self, W: Floats) -> float:
        """Return the fitness of a copy of W, or raise a SearchError."""
        self.calls += 1
        try:
            returned = self.function(W.copy())
        except Exception as error:
            raise SearchError(f"fitness raised {type(error).__name__}: {error}", W) from error
        try:
            value = float(returned)
        except (TypeError, ValueError):
            value = np.nan
        if np.isnan(value) or value == np.inf:
            raise SearchError(f"fitness must return a number, but returned {short(returned)}", W)
        return value


def check_search(
    fitness: Callable[[Floats], Any],
    W0: ArrayLike,
    rng: np.random.Generator,
    steps: int,
    bound: float | None,
    members: int,
) -> tuple[Fitness, Floats, int, float]:
    """Return the fitness to call, the first matrix, the number of steps and the bound."""
    check_rng(rng)
    start = check_floats("W0", W0)
    steps = check_count("steps", steps, 0)
    limit = np.inf if bound is None else check_real("bound", bound, 0.0)
    if not (start.size and np.abs(start).max() <= min(limit, np.finfo(float).max)):
        raise ArgumentError(
            f"W0 must hold finite numbers within the bound {limit}, but was {short(W0)}"
        )
    if not callable(fitness):
        raise ArgumentError(f"fitness must be a function of a matrix, but was {short(fitness)}")
    needed = 40.0 * steps + 8.0 * start.size * members
    check_memory(
        needed, f"{steps} steps of {members} matrices", "lower steps, population or offspring"
    )
    return Fitness(fitness), start, steps, limit


def follow(
    search: Iterator[Scored], score: Fitness, start: Floats, steps: int, progress: bool
) -> Evolution:
    """Take the steps of a search that yields the best matrix after each, and keep their history."""
    records: list[Step] = []
    best = start
    try:
        with progress_bar("evolution", steps, unit="step", show=progress) as bar:
            for value, W in islice(search, steps + 1):
                # one record a step, so that an interrupt cannot tear it apart
                records.append(find_step(value, W, best))
                best = W
                bar.update(len(records) > 1)
    except KeyboardInterrupt:
        if not records:
            raise
        reached = len(records) - 1
        warn(f"stopped from the keyboard after {reached} of {steps} steps")
    except SearchError as error:
        error.reached = _finish(records, start, score.calls) if records else None
        raise
    return _finish(records, start, score.calls)


def _make_mutation(
    mutation: float | Mutation, share: float, bound: float
) -> Callable[[Floats, np.random.Generator], Floats]:
    """Return the function that draws a mutated copy within the bound."""
    draw = mutation if callable(mutation) else partial(_change, width=mutation, share=share)

    def mutate(W: Floats, rng: np.random.Generator) -> Floats:
        try:
            child = check_floats("its result", draw(W.copy(), rng))
        except Exception as error:
            raise SearchError(f"mutation raised {type(error).__name__}: {error}", W) from error
        if child.shape != W.shape or not np.all(np.isfinite(child)):
            raise SearchError(
                f"mutation must return numbers shaped {W.shape}, not {short(child)}", W
            )
        return np.clip(child, -bound, bound)

    return mutate


def _change(W: Floats, rng: np.random.Generator, width: float, share: float) -> Floats:
    chosen = rng.random(W.shape) < share
    chosen.flat[rng.integers(W.size)] = True
    return W + np.where(chosen, width * rng.standard_normal(W.shape), 0.0)


def _select(
    score: Fitness,
    start: Floats,
    rng: np.random.Generator,
    mutate: Callable[[Floats, np.random.Generator], Floats],
    population: int,
    offspring: int,
) -> Iterator[Scored]:
    """Yield the best of the population and its fitness, first at the start."""
    parents = [(score(start), start)]
    while True:
        yield parents[0]
        children = []
        for _ in range(offspring):
            child = mutate(parents[rng.integers(len(parents))][1], rng)
            children.append((score(child), child))
        # the sort is stable: of equals children come first, so that neutral changes spread
        parents = sorted([*children, *parents], key=lambda member: -member[0])[:population]


def _finish(steps: list[Step], start: Floats, evaluations: int) -> Evolution:
    history = join_steps(steps, start)
    return Evolution(replay(history, len(steps) - 1), steps[-1].fitness, history, evaluations)
