"""Short-time memory: what the present state tells of a later one, and of a message written."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import as_array, check_bias, check_count, check_weights, short
from flux._base.errors import ArgumentError
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.threads import thread_pool
from flux._base.types import Floats, Spins, Weights
from flux.exact.flux import lagged_fluxes
from flux.exact.law import Law, law_step, read, solve_parts, stationary_distribution
from flux.model.information import Flux, mutual_information

LARGEST_RECALL = 20
"""Neurons up to which a step of the law takes less than a minute or so."""


class Recall(NamedTuple):
    """How well a message can be read off the state, for each lag.

    Attributes
    ----------
    accuracy : (n_lags,) float64
        Probability of the best guess, sum_y max_c p(y | c) / m, with m equally likely
        messages c.
    information : (n_lags,) float64
        I[c; x(t + lag)] in bits.

    Examples
    --------
    >>> found = recall(np.zeros((2, 2)), [[1, 0], [-1, 0]], [0, 1])
    >>> found.accuracy, found.information
    (array([1. , 0.5]), array([1., 0.]))
    """

    accuracy: Floats
    information: Floats


def memory_curve(W: Weights | Law, lags: ArrayLike, b: ArrayLike | None = None) -> Floats:
    """Return I[x(t); x(t+k)] of a free-running network for each lag k: `exact_flux` at once.

    It never rises with k, as each state depends on the past through the one before it. Equation
    :eq:`eq-mem-curve` of the book.

    Parameters
    ----------
    W : (n, n) array or scipy.sparse array
        Weights, W[i, j] from neuron j to neuron i.
    lags : (n_lags,) array of int
        Numbers of steps, each at least 1, in any order.
    b : (n,) array, optional
        Biases; zero by default.

    Returns
    -------
    (n_lags,) float64
        Mutual information in bits.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    TooLargeError
        If the largest part would not fit into memory.
    ConvergenceError
        If a part is too large for elimination and mixes too slowly for iteration.

    Examples
    --------
    >>> memory_curve([[0.0, 2.0], [2.0, 0.0]], [1, 2, 3]).round(3)
    array([0.946, 0.517, 0.291])
    """
    steps = _check_lags(lags, 1)
    distinct = np.unique(steps)
    law = solve_parts(read(W, b), lag=int(distinct[-1]))
    fluxes: list[Flux] = lagged_fluxes(law, distinct.tolist())
    return np.array([flux.I for flux in fluxes])[np.searchsorted(distinct, steps)]


def recall(
    W: ArrayLike,
    written: ArrayLike,
    lags: ArrayLike,
    b: ArrayLike | None = None,
    *,
    progress: bool = True,
) -> Recall:
    """Return how well a message that was written into the network is recalled k steps later.

    The network runs freely. Then one of m messages is written, all equally likely: neurons that
    it names are set, all others stay as they are. After k more steps someone who knows W reads
    the whole state and guesses the message. Equation :eq:`eq-mem-recall` of the book.

    Parameters
    ----------
    W : (n, n) array
        Weights, W[i, j] from neuron j to neuron i.
    written : (m, n) array of -1, 0 and +1
        The messages: spins to set, and 0 for neurons to leave alone.
    lags : (n_lags,) array of int
        Numbers of steps k after writing, each at least 0, in any order.
    b : (n,) array, optional
        Biases; zero by default.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    Recall
        Accuracy of the best guess, and information in bits, for each lag.

    Raises
    ------
    ValueError
        If an argument is of wrong shape or value.
    TooLargeError
        If the laws would not fit into memory.
    ConvergenceError
        If the stationary law cannot be found.

    Examples
    --------
    >>> found = recall([[0.0, 2.0], [2.0, 0.0]], [[1, 0], [-1, 0]], [0, 1, 2])
    >>> found.accuracy.round(3)
    array([1.   , 0.881, 0.79 ])
    """
    weights = check_weights(W)
    n = check_count("len(W)", len(weights), 1, LARGEST_RECALL)
    bias = check_bias(b, n)
    messages = _check_messages(written, n)
    steps = _check_lags(lags, 0)
    check_memory(
        (16.0 * len(messages) + 24.0 * n) * 2.0**n,
        f"the laws of n = {n} neurons after {len(messages)} messages",
        "write fewer messages",
    )
    laws = _write(stationary_distribution(weights, bias), messages)
    accuracy, information = np.empty(len(steps)), np.empty(len(steps))
    bar = progress_bar("recall", max(steps), unit="step", show=progress)
    with thread_pool() as pool, bar:
        step = law_step(weights, bias, pool)
        now = 0
        for k in np.argsort(steps, kind="stable"):
            for _ in range(steps[k] - now):
                laws = np.array([step(law) for law in laws])
                bar.update()
            now = steps[k]
            accuracy[k] = laws.max(0).sum() / len(laws)
            information[k] = mutual_information(laws / len(laws))
    return Recall(accuracy, information)


def _check_lags(lags: ArrayLike, minimum: int) -> list[int]:
    given = as_array("lags", lags)
    if given.ndim != 1 or given.size == 0:
        raise ArgumentError(f"lags must be a list of whole numbers, but was {short(lags)}")
    return [check_count("lags", lag, minimum) for lag in given]


def _check_messages(written: ArrayLike, n: int) -> Spins:
    messages = as_array("written", written)
    if messages.ndim != 2 or len(messages) < 2 or messages.shape[1] != n:
        raise ArgumentError(
            f"written must have shape (m, {n}) with m >= 2 messages, but had {messages.shape}"
        )
    if not np.isin(messages, (-1, 0, 1)).all():
        raise ArgumentError("written must hold only -1, 0 and +1")
    return messages.astype(np.int8)


def _write(pi: Floats, messages: Spins) -> Floats:
    """Return for each message the law of the state after writing it."""
    codes = np.arange(len(pi))
    laws = np.zeros((len(messages), len(pi)))
    for law, message in zip(laws, messages, strict=True):
        bits = 1 << np.arange(len(message))
        kept, set_on = int(bits[message == 0].sum()), int(bits[message > 0].sum())
        np.add.at(law, codes & kept | set_on, pi)
    return laws
