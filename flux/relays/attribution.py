"""Which nodes an answer follows, by its gradient: credits that need the network itself.

Needs the packages of ``pip install 'information-flux[trained]'`` and is imported by itself:
``from flux.relays import attribution``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flux._base.checks import check_count
from flux._base.errors import ArgumentError
from flux._base.installed import needs
from flux._base.warn import warn
from flux.relays import _recurrent_network as cells
from flux.relays._recurrent_network import TrainedNetwork
from flux.relays.trained import record

with needs("trained"):
    import jax.numpy as jnp

_MOST_POINTS = 1000
_LARGEST_GAP = 0.05


class Attributions(NamedTuple):
    """How much each node adds to the log odds of an answer, in nats, for each sequence.

    Attributes
    ----------
    gradient_activation : (samples, hidden) float32
        The state times the slope of the log odds.
    integrated_gradients : (samples, hidden) float32
        What the way from the mean state to the state adds, node by node.
    gap : (samples,) float32
        What the integrated gradients leave out of the difference of the log odds between state
        and mean state: the error of the quadrature.

    Examples
    --------
    >>> from flux.relays.tasks import memory_task
    >>> from flux.relays.trained import make_network
    >>> task = memory_task(9, rng=np.random.default_rng(1), delay=4)
    >>> network = make_network("gru", task, rng=np.random.default_rng(1), hidden=16)
    >>> [part.shape for part in attributions(network, task.x, 2)]
    [(9, 16), (9, 16), (9,)]
    """

    gradient_activation: NDArray[np.float32]
    integrated_gradients: NDArray[np.float32]
    gap: NDArray[np.float32]


def attributions(
    network: TrainedNetwork,
    x: ArrayLike,
    time: int,
    *,
    question: int = 0,
    answer: int = 1,
    points: int = 128,
) -> Attributions:
    """Credit hidden nodes at one step for an answer that is read after the last step.

    With f the log odds of the answer against all others, as a function of the state h at step
    `time`, and the mean state m over the sequences ::

        gradient times activation    h_j df/dh_j at h,
        integrated gradients         (h_j - m_j) times the mean of df/dh_j from m to h.

    The latter add up to f(h) - f(m). An LSTM's nodes are credited for h and c together.

    Parameters
    ----------
    network : TrainedNetwork
        What flux.relays.trained made or trained, of two classes or more.
    x : (samples, steps, inputs) array
        Sequences; all are read after the last step.
    time : int
        Step of the states, from 0.
    question, answer : int
        Whose log odds, from 0.
    points : int
        Points of a Gauss-Legendre rule between mean state and state.

    Returns
    -------
    Attributions
        (gradient_activation, integrated_gradients, gap), numpy arrays in nats.

    Warns
    -----
    UserWarning
        If the gaps are more than a twentieth of the differences of the log odds, on average.

    Raises
    ------
    ValueError
        If an argument does not fit the network, or is out of its range.

    Notes
    -----
    Equations :eq:`eq-bas-gradient` and :eq:`eq-bas-integrated` of the book; that they add up is
    :eq:`eq-bas-complete`. A network that holds an answer falls to one side or the other of an edge;
    over many steps the slope on the way is a spike there, and takes many points.

    References
    ----------
    Sundararajan, Taly & Yan (2017), Axiomatic attribution for deep networks, ICML.

    Examples
    --------
    >>> from flux.relays.tasks import memory_task
    >>> from flux.relays.trained import make_network
    >>> task = memory_task(9, rng=np.random.default_rng(1), delay=4)
    >>> network = make_network("gru", task, rng=np.random.default_rng(1), hidden=16)
    >>> bool(np.abs(attributions(network, task.x, 2).gap).max() < 1e-5)
    True
    """
    shown = cells.check_inputs(network, x)
    time = check_count("time", time, 0, shown.shape[1] - 1)
    question = check_count("question", question, 0, network.questions - 1)
    if network.classes < 2:
        raise ArgumentError("network must have two classes or more, but had one: no odds")
    answer = check_count("answer", answer, 0, network.classes - 1)
    points = check_count("points", points, 1, _MOST_POINTS)
    recording = record(network, shown)
    now = jnp.asarray(recording.h[:, time]), jnp.asarray(recording.c[:, time])
    places, weights = np.polynomial.legendre.leggauss(points)
    rule = jnp.asarray((places + 1) / 2, jnp.float32), jnp.asarray(weights / 2, jnp.float32)
    later = shown[:, time + 1 :].swapaxes(0, 1)
    # as arrays, lest it be compiled anew for each answer
    asked = jnp.asarray(question), jnp.asarray(answer)
    found = cells.attribute(network, later, now, asked, rule)
    credits = Attributions(*(np.asarray(part) for part in found))
    whole = np.abs(credits.integrated_gradients.sum(1) + credits.gap).sum()
    missed = np.abs(credits.gap).sum()
    if missed > _LARGEST_GAP * whole:
        warn(
            f"integrated gradients with {points} points miss {missed / whole:.0%} of the"
            " differences of the log odds: take more points"
        )
    return credits
