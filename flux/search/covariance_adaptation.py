"""Evolution that learns along which directions to mutate, by the package cma."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import check_count, check_real, short
from flux._base.errors import ArgumentError
from flux._base.installed import needs
from flux._base.types import Floats
from flux.search.evolution import Evolution, Fitness, Scored, check_search, follow


def evolve_cma(
    fitness: Callable[[Floats], Any],
    W0: ArrayLike,
    *,
    rng: np.random.Generator,
    steps: int,
    mutation: float = 0.3,
    bound: float | None = None,
    offspring: int | None = None,
    progress: bool = True,
) -> Evolution:
    """Search for a matrix of high fitness by covariance matrix adaptation.

    Mutations are normal as in equation :eq:`eq-evo-scheme` of the book, but around a mean that
    moves, and with a covariance that learns along which directions they pay. The package cma
    does it.

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
        Number of steps, at least 0. The search ends earlier once it has converged.
    mutation : float
        Standard deviation of the changes in the first step, above 0.
    bound : float, optional
        Largest magnitude of an entry, above 0: the search comes to it from within. No bound by
        default.
    offspring : int, optional
        Number of matrices tried in each step, at least 2; what the package proposes by default.
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
        If `fitness` raises an error or returns anything but a number; it holds what had been
        reached.
    ImportError
        If the package cma is missing.

    References
    ----------
    Hansen (2016), The CMA evolution strategy: a tutorial, arXiv 1604.00772.

    Examples
    --------
    >>> found = evolve_cma(lambda W: -np.sum((W - 1) ** 2), np.zeros((2, 2)),
    ...                    rng=np.random.default_rng(1), steps=40)
    >>> np.abs(found.W - 1).max() < 0.1
    np.True_
    """
    if offspring is not None:
        offspring = check_count("offspring", offspring, 2)
    score, start, steps, limit = check_search(fitness, W0, rng, steps, bound, offspring or 2)
    mutation = check_real("mutation", mutation, 0.0)
    if mutation == 0 or limit == 0:
        raise ArgumentError(
            f"mutation and bound must be above 0, but were {mutation} and {short(bound)}"
        )
    search = _adapt(score, start, rng, mutation, limit, offspring)
    return follow(search, score, start, steps, progress)


def _adapt(
    score: Fitness,
    start: Floats,
    rng: np.random.Generator,
    width: float,
    bound: float,
    offspring: int | None,
) -> Iterator[Scored]:
    """Yield the best matrix so far and its fitness, by the package cma."""
    with needs("cma"):
        import cma
    options: dict[str, Any] = {
        # neither prints nor reads or writes files
        "verbose": -10,
        "verb_log": 0,
        # nan: the global seed of numpy stays as it is, all randomness comes from rng
        "seed": np.nan,
        "randn": lambda *shape: rng.standard_normal(shape),
    }
    if np.isfinite(bound):
        options["bounds"] = [-bound, bound]
    if offspring is not None:
        options["popsize"] = offspring
    search = cma.CMAEvolutionStrategy(start.ravel(), width, options)
    best = (score(start), start)
    while True:
        yield best
        if search.stop():
            return
        points = search.ask()
        children = [np.asarray(point).reshape(start.shape) for point in points]
        values = [score(child) for child in children]
        search.tell(points, [-value for value in values])
        top = int(np.argmax(values))
        if values[top] >= best[0]:
            best = (values[top], children[top])
