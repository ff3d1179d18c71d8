"""The stationary law of a network: the one place that chooses how it is found.

`read` takes the network apart (`parts`): neurons that hear and are heard by one neuron at most
are delay lines, solved in closed form (`_delay_lines`); every other connected part is a chain on
its states (`_chain`). `solve_parts` eliminates small chains, in extended range where doubles do
not reach (`_elimination`), and iterates large ones with an error bound (`_krylov`), on an
accelerator if that is asked for (`_device`). What follows from the law adds up over the parts.
Time and memory of a part of n neurons grow as 4**n and 2**n.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import check_bias, check_count, check_weights
from flux._base.errors import ArgumentError, ConvergenceError
from flux._base.jit import jit
from flux._base.memory import check_memory, memory_limit
from flux._base.progress import progress_bar
from flux._base.threads import thread_pool
from flux._base.types import Floats, Weights
from flux.exact._chain import (
    Chain,
    dense_transitions,
    extended_transitions,
    make_chain,
    make_step,
    transitions,
)
from flux.exact._delay_lines import line_marginals
from flux.exact._device import Device, check_device, device_step
from flux.exact._elimination import SMALLEST_EXIT, eliminate, solve_direct, solve_extended
from flux.exact._krylov import SAFETY, Krylov, solve_krylov
from flux.exact.parts import Network, Part, take_apart
from flux.model.states import MAX_CODED

SMALL = 512
"""States up to which plain elimination is as fast as any way, whatever the weights."""
LARGEST_DIRECT = 1 << 14
"""States up to which elimination ends within a minute or two."""
LARGEST_EXTENDED = 1 << 11
"""States up to which elimination in extended range does."""
MAX_STEPS = 100
"""Steps after which the iteration gives up."""
TOLERANCE = 1e-10
"""Allowed error sum |p - pi| of a law found by iteration: the flux is right to 1e-9 bits then."""
TARGET = TOLERANCE / (2 * SAFETY)
"""Error at which the iteration stops; the bound is SAFETY times that, and rounding comes on top."""
INSTEAD = "bound the flux with flux_interval, or simulate_chains and estimate it with model_flux"


class PartLaw(NamedTuple):
    """A connected part, its chain, and the chain's stationary law pi.

    `factors` is what elimination left of the transitions, from which the gradient starts; None
    where the law was found in another way.
    """

    part: Part
    chain: Chain
    pi: Floats
    factors: Floats | None


class Law(NamedTuple):
    """The stationary law of a network, found once for all that follows from it.

    `exact_flux`, `exact_correlation`, `flux_gradient`, `memory_curve` and
    `stationary_distribution` take it in place of the network.

    Attributes
    ----------
    network : Network
        Number of neurons n, delay lines, and connected parts.
    parts : tuple of PartLaw
        The law of each connected part; parts are independent, and delay lines are closed forms.

    Examples
    --------
    >>> law = solve([[0.0, 2.0, 0.0], [2.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
    >>> law.n, len(law.parts), law.parts[0].pi.sum().round(12)
    (3, 1, np.float64(1.0))
    """

    network: Network
    parts: tuple[PartLaw, ...]

    @property
    def n(self) -> int:
        """Number of neurons."""
        return self.network.n


def solve(
    W: Weights, b: ArrayLike | None = None, *, device: Device = "cpu", progress: bool = True
) -> Law:
    """Return the stationary law pi = pi P of a network, for all that follows from it.

    The flux, its gradient, correlations and fluxes at any lag all start from this law. Hand it
    to them in place of W, and nothing is solved twice.

    Parameters
    ----------
    W : (n, n) array or scipy.sparse array
        Weights, W[i, j] from neuron j to neuron i.
    b : (n,) array, optional
        Biases; zero by default.
    device : {"cpu", "gpu"}
        Where to iterate parts of more than nine neurons, in double precision: here, or on a GPU
        through JAX.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    Law
        The law of each connected part; no table of all 2**n states is made.

    Raises
    ------
    ValueError
        If W, b or device are out of their range, or the device is not there.
    TooLargeError
        If the largest part would not fit into memory.
    ConvergenceError
        If a part is too large for elimination and mixes too slowly for iteration.

    Notes
    -----
    Equation :eq:`eq-stationary` of the book, for each part of :eq:`eq-flux-parts`.

    Examples
    --------
    >>> from flux import exact_correlation, exact_flux
    >>> law = solve([[0.0, 2.0], [2.0, 0.0]])
    >>> round(exact_flux(law).I, 4), exact_correlation(law)[0, 1].round(4)
    (0.9459, np.float64(0.7616))
    """
    check_device(device)
    return solve_parts(take_apart(W, b), device=device, progress=progress)


def read(W: Weights | Law, b: ArrayLike | None) -> Network | Law:
    """Return the network of W and b, taken apart, or the law that was given in its place."""
    if not isinstance(W, Law):
        return take_apart(W, b)
    if b is not None:
        raise ArgumentError("b must be left out where W is a Law, which has its own")
    return W


def solve_parts(
    given: Network | Law, *, lag: int = 1, device: Device = "cpu", progress: bool = True
) -> Law:
    """Return the law of a network; a law that is given stays as it is.

    Before any work it is made sure that all up to `lag` fits into memory.
    """
    if isinstance(given, Law):
        for solved in given.parts:
            _check_part(solved.part, given.n, lag)
        return given
    for part in given.parts:
        _check_part(part, given.n, lag)
    if len(given.parts) > 1:
        what = f"the laws of {len(given.parts)} parts of the network"
        check_memory(sum(map(_bytes_kept, given.parts)), what, INSTEAD)
    return Law(given, tuple(_solve_part(part, device, progress) for part in given.parts))


def solve_small(
    W: Weights, b: ArrayLike | None, largest: int, *, progress: bool = True
) -> tuple[Law, list[Part]]:
    """Return the law of all parts of up to `largest` neurons that can be solved, and the others."""
    network = take_apart(W, b)
    others = [part for part in network.parts if len(part.neurons) > largest]
    solved = []
    for part in network.parts[len(others) :]:  # the largest come first
        try:
            solved.append(_solve_part(part, "cpu", progress))
        except ConvergenceError:
            others.append(part)
    return Law(network, tuple(solved)), others


def transition_matrix(W: ArrayLike, b: ArrayLike | None = None) -> Floats:
    """Return P[k, l] = Pr(x(t+1) = l | x(t) = k) = prod_i sigma(l_i u_i(k)), u = W x + b.

    Parameters
    ----------
    W : (n, n) array
        Weights, W[i, j] from neuron j to neuron i.
    b : (n,) array, optional
        Biases; zero by default.

    Returns
    -------
    (2**n, 2**n) float64
        Transition probabilities between state codes; each row adds up to 1.

    Raises
    ------
    ValueError
        If W or b are not finite or do not fit together.
    TooLargeError
        If the matrix would not fit into memory (`exact_flux` does not need it).

    Notes
    -----
    Equation :eq:`eq-transition` of the book.

    Examples
    --------
    >>> transition_matrix([[0.0, 0.0], [0.0, 0.0]])[0]
    array([0.25, 0.25, 0.25, 0.25])
    """
    weights = check_weights(W)
    n = len(weights)
    bias = check_bias(b, n)
    check_memory(8 * 4.0**n, f"the transition matrix of n = {n} neurons", "call exact_flux")
    return dense_transitions(make_chain(weights, bias, folded=False))


def stationary_distribution(
    W: Weights | Law, b: ArrayLike | None = None, *, progress: bool = True
) -> Floats:
    """Return the stationary law pi = pi P over all states.

    It is unique, since every transition has a positive probability; its precision is that of
    `exact_flux`.

    Parameters
    ----------
    W : (n, n) array, scipy.sparse array or Law
        Weights, W[i, j] from neuron j to neuron i; or a network that is solved already.
    b : (n,) array, optional
        Biases; zero by default.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    (2**n,) float64
        Probability of each state code.

    Raises
    ------
    ValueError
        If W or b are not finite or do not fit together.
    TooLargeError
        If the computation would not fit into memory.
    ConvergenceError
        If a part is too large for elimination and mixes too slowly for iteration.

    Notes
    -----
    Equation :eq:`eq-stationary` of the book.

    Examples
    --------
    >>> stationary_distribution([[0.0, 3.0], [3.0, 0.0]])
    array([0.25, 0.25, 0.25, 0.25])
    """
    given = read(W, b)
    n = given.n
    check_memory(32 * 2.0**n, f"the law of n = {n} neurons", INSTEAD)
    codes = np.arange(1 << check_count("n", n, 1, MAX_CODED))
    law = solve_parts(given, progress=progress)
    network = law.network
    pi = np.ones(1 << n)
    for i, on, off in zip(network.line_neurons, *line_marginals(network.lines), strict=True):
        pi *= np.where((codes >> i) & 1, on, off)
    for solved in law.parts:
        own = np.zeros_like(codes)
        for place, i in enumerate(solved.part.neurons):
            own |= ((codes >> i) & 1) << place
        pi *= unfolded(solved)[own]
    return pi


def unfolded(solved: PartLaw) -> Floats:
    """Return the law of a part over all its states."""
    if not solved.chain.folded:
        return solved.pi
    return np.concatenate([solved.pi, solved.pi[::-1]]) / 2


def law_step(W: Floats, b: Floats, pool: Executor) -> Callable[[Floats], Floats]:
    """Return the map p -> p P of a network on all its states."""
    return make_step(make_chain(W, b, folded=False), pool)


def _check_part(part: Part, n: int, lag: int) -> None:
    """Raise a TooLargeError, before anything is allocated, if a part does not fit."""
    m = len(part.neurons)
    size = 2.0 ** (m if part.b.any() else m - 1)
    needed = 8 * size * min(size, SMALL) + 8 * size * (3 * m + 2 * MAX_STEPS + 8)
    if lag > 1:
        needed += 5 * 8 * 4.0**m
    what = f"the exact flux of the part of {m} connected neurons (of n = {n})"
    check_memory(needed, what, INSTEAD)


def _bytes_kept(part: Part) -> float:
    """Return how much memory the law of a part holds at most."""
    size = 2.0 ** len(part.neurons)
    return 8 * size * (3 * len(part.neurons) + 1 + (size if size <= SMALL else 0))


def _solve_part(part: Part, device: Device, progress: bool) -> PartLaw:
    """Return the chain of a part, folded where that is possible, and its stationary law."""
    chain = make_chain(part.W, part.b, folded=not part.b.any())
    size, n = chain.on.shape
    if size <= SMALL:
        pi, smallest_exit, factors = _eliminate_small(chain.on, chain.off, chain.folded)
        if smallest_exit >= SMALLEST_EXIT:
            return PartLaw(part, chain, pi, factors)
        with thread_pool() as pool:
            return PartLaw(part, chain, _extend(chain, pool), None)
    with thread_pool() as pool:
        step = make_step(chain, pool) if device == "cpu" else device_step(chain)
        iterated = _iterate(step, size, n, progress)
        if iterated.error <= TOLERANCE:
            return PartLaw(part, chain, iterated.p, None)
        if size <= LARGEST_DIRECT and 8.5 * size * size < memory_limit():
            return PartLaw(part, chain, _eliminate(chain, pool, progress), None)
    raise ConvergenceError(
        f"the part of {n} connected neurons mixes too slowly: with a spectral gap of about"
        f" {1 / iterated.condition:.1e} the error of its stationary law after"
        f" {iterated.steps} steps is bounded by {iterated.error:.1e} only, not by"
        f" {TOLERANCE:.0e}, and elimination would need {size} states (at most"
        f" {LARGEST_DIRECT}): {INSTEAD}"
    )


@jit
def _eliminate_small(on: Floats, off: Floats, folded: bool) -> tuple[Floats, float, Floats]:
    factors = transitions(on, off, folded)
    pi, smallest_exit = eliminate(factors)
    return pi, smallest_exit, factors


def _iterate(advance: Callable[[Floats], Floats], size: int, n: int, progress: bool) -> Krylov:
    with progress_bar(f"stationary law, {n} neurons", unit="step", show=progress) as bar:

        def step(p: Floats) -> Floats:
            bar.update()
            return advance(p)

        return solve_krylov(step, size, target=TARGET, max_steps=MAX_STEPS)


def _eliminate(chain: Chain, pool: Executor, progress: bool) -> Floats:
    size = len(chain.on)
    with progress_bar("elimination", size, unit="state", show=progress) as bar:
        pi, smallest_exit = solve_direct(dense_transitions(chain), pool, bar.update)
    return pi if smallest_exit >= SMALLEST_EXIT else _extend(chain, pool)


def _extend(chain: Chain, pool: Executor) -> Floats:
    size = len(chain.on)
    if size <= LARGEST_EXTENDED:
        return solve_extended(*extended_transitions(chain, pool), pool)
    raise ConvergenceError(
        f"weights this strong make transitions as rare as 1e-250, which needs extended range: at"
        f" most {LARGEST_EXTENDED} states, but the part has {size}. {INSTEAD.capitalize()}"
    )
