"""How a search came to its best matrix: every change of it, so that each stage can be rebuilt."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from flux._base.checks import check_count, check_type
from flux._base.types import Codes, Floats

NOWHERE = np.empty(0, np.int64)


class History(NamedTuple):
    """How a search came to its best matrix; `replay` rebuilds the best after any step.

    `fitness[t]` is that of the best after step t, where step 0 is `W0`. In step `step[k]` a new
    matrix became the best one: it differs from the former in the flat entries
    `entry[start[k]:start[k + 1]]`, which then held `value[start[k]:start[k + 1]]`.
    """

    fitness: Floats
    W0: Floats
    step: Codes
    start: Codes
    entry: Codes
    value: Floats


class Step(NamedTuple):
    """Fitness of the best matrix after a step, and where it differs from the one before."""

    fitness: float
    entry: Codes
    value: Floats


def replay(history: History, step: int) -> Floats:
    """Return the best matrix that a search had after a step, exactly as it was.

    Parameters
    ----------
    history : History
        That of an Evolution.
    step : int
        From 0, which gives W0, to the last step.

    Returns
    -------
    array
        Of the shape of W0.

    Raises
    ------
    ValueError
        If `history` is none, or the search had no such step.

    Examples
    --------
    >>> from flux import evolve
    >>> found = evolve(np.sum, [1.0, 2.0], rng=np.random.default_rng(1), steps=9, mutation=1)
    >>> replay(found.history, 9).sum() == found.fitness
    np.True_
    """
    check_type("history", history, History, "the history of a result of evolve")
    step = check_count("step", step, 0, len(history.fitness) - 1)
    stop = history.start[np.searchsorted(history.step, step, side="right")]
    # of repeated entries numpy promises no order: keep the last of each
    entry, last = np.unique(history.entry[:stop][::-1], return_index=True)
    W = history.W0.copy()
    W.flat[entry] = history.value[:stop][::-1][last]
    return W


def find_step(fitness: float, W: Floats, former: Floats) -> Step:
    """Return the step that led from the former best matrix to W, which may be the same object."""
    entry = NOWHERE if W is former else np.flatnonzero(W.ravel() != former.ravel())
    return Step(fitness, entry, W.flat[entry])


def join_steps(steps: list[Step], start: Floats) -> History:
    """Return the history of a search that began at `start`."""
    sizes = np.array([step.entry.size for step in steps])
    changed = np.flatnonzero(sizes)
    return History(
        np.array([step.fitness for step in steps]),
        start.copy(),
        changed,
        np.concatenate([[0], np.cumsum(sizes[changed])]),
        np.concatenate([step.entry for step in steps]),
        np.concatenate([step.value for step in steps]),
    )
