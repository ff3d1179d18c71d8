"""Exact laws, flux and correlations of networks, from the stationary law of all their states.

Time and memory of a weakly connected part with n neurons grow as 4**n and 2**n; delay lines
(see `flux.lines`) cost next to nothing at any size.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike
from tqdm import tqdm

from flux.accelerated import check_device, device_step
from flux.chain import (
    Chain,
    dense_transitions,
    extended_transitions,
    make_chain,
    make_step,
    matrix_power,
    transitions,
)
from flux.information import Flux, field_entropy, row_entropies
from flux.lines import line_correlation, line_flux, line_marginals
from flux.network import Part, read_network
from flux.states import (
    MAX_CODED,
    Floats,
    all_states,
    check_bias,
    check_count,
    check_memory,
    check_weights,
    memory_limit,
)
from flux.stationary import (
    SMALLEST_EXIT,
    ConvergenceError,
    Krylov,
    eliminate,
    solve_direct,
    solve_extended,
    solve_krylov,
)
from flux.threads import thread_pool

TINY = 64
"""States up to which one plain elimination is the fastest way."""
SMALL = 512
"""States up to which elimination is the faster way, whatever the weights."""
LARGEST_DIRECT = 1 << 14
"""States up to which elimination ends within a minute or two."""
LARGEST_EXTENDED = 1 << 11
"""States up to which elimination in extended range does."""
MAX_STEPS = 100
"""Steps after which the iteration gives up."""
TOLERANCE = 1e-10
"""Allowed error sum |p - pi| of a law found by iteration: the flux is right to 1e-9 bits then."""
TARGET = 0.05 * TOLERANCE
"""Error at which the iteration stops; it measures a little less than the bound on the way."""
INSTEAD = "bound the flux with flux_interval, or simulate_chains and estimate it with model_flux"


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


def stationary_distribution(W: Any, b: ArrayLike | None = None) -> Floats:
    """Return the stationary law pi = pi P over all states.

    It is unique, since every transition has a positive probability; its precision is that of
    `exact_flux`.

    Parameters
    ----------
    W : (n, n) array or scipy.sparse array
        Weights, W[i, j] from neuron j to neuron i.
    b : (n,) array, optional
        Biases; zero by default.

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

    Examples
    --------
    >>> stationary_distribution([[0.0, 3.0], [3.0, 0.0]])
    array([0.25, 0.25, 0.25, 0.25])
    """
    network = read_network(W, b)
    check_memory(32 * 2.0**network.n, f"the law of n = {network.n} neurons", INSTEAD)
    codes = np.arange(1 << check_count("n", network.n, 1, MAX_CODED))
    pi = np.ones(1 << network.n)
    for i, on, off in zip(network.line_neurons, *line_marginals(network.lines), strict=True):
        pi *= np.where((codes >> i) & 1, on, off)
    for part in network.parts:
        chain, law = _solve(part)
        if chain.folded:
            law = np.concatenate([law, law[::-1]]) / 2
        own = np.zeros_like(codes)
        for place, i in enumerate(part.neurons):
            own |= ((codes >> i) & 1) << place
        pi *= law[own]
    return pi


def exact_flux(W: Any, b: ArrayLike | None = None, lag: int = 1, *, device: str = "cpu") -> Flux:
    """Return the information flux I[x(t); x(t+lag)] = H - D of a free-running network.

    With u = W x + b each neuron is +1 next with probability sigma(u_i). H is the entropy of
    the stationary law pi, and D = sum_x pi(x) H(x(t+lag) | x(t) = x), which for one step is
    sum_x pi(x) sum_i h2(sigma(u_i(x))).

    Parameters
    ----------
    W : (n, n) array or scipy.sparse array
        Weights, W[i, j] from neuron j to neuron i; finite, of any size and structure.
    b : (n,) array, optional
        Biases; zero by default.
    lag : int
        Number of time steps, at least 1.
    device : {"cpu", "gpu", "jax-cpu"}
        Where to take the steps of parts of more than seven neurons, in double precision: here,
        on a GPU through JAX, or through JAX without one (to test it). Only for lag 1.

    Returns
    -------
    Flux
        I, H and D in bits, right to 1e-9 (to rounding for parts of up to 9 neurons).

    Raises
    ------
    ValueError
        If W, b, lag or device are out of their range, or the device is not there.
    TooLargeError
        If the largest part would not fit into memory.
    ConvergenceError
        If a part is too large for elimination and mixes too slowly for iteration.

    References
    ----------
    Metzner et al. (2024), Neural Computation 36(3), 351-384.

    Examples
    --------
    >>> flux = exact_flux([[0.0, 2.0], [2.0, 0.0]])
    >>> print(f"{flux.I:.4f} = {flux.H:.4f} - {flux.D:.4f}")
    0.9459 = 2.0000 - 1.0541
    """
    lag = check_count("lag", lag, 1)
    check_device(device)
    if lag > 1:
        if device != "cpu":
            raise ValueError(f"device must be 'cpu' for a lag above 1, but was {device!r}")
        return lagged_fluxes(W, b, [lag])[0]
    network = read_network(W, b)
    for part in network.parts:
        check_part(part, network.n)
    H, D = line_flux(network.lines, 1)
    for part in network.parts:
        chain, law = _solve(part, device)
        own_H, own_D = law_entropies(law, chain.u, chain.folded)
        H += own_H
        D += own_D
    return Flux(H - D, H, D)


def exact_correlation(W: Any, b: ArrayLike | None = None) -> Floats:
    """Return the Pearson correlation of each neuron's next spin with each present one.

    C[i, j] correlates x_i(t+1) with x_j(t) under the stationary law, the direction of W. A
    neuron that never changes has correlation 0.

    Parameters
    ----------
    W : (n, n) array or scipy.sparse array
        Weights, W[i, j] from neuron j to neuron i.
    b : (n,) array, optional
        Biases; zero by default.

    Returns
    -------
    (n, n) float64
        Correlations from -1 to 1.

    Raises
    ------
    ValueError
        If W or b are not finite or do not fit together.
    TooLargeError
        If the computation would not fit into memory.
    ConvergenceError
        If a part is too large for elimination and mixes too slowly for iteration.

    References
    ----------
    Metzner et al. (2024), Neural Computation 36(3), 351-384.

    Examples
    --------
    >>> exact_correlation([[0.0, 2.0], [2.0, 0.0]]).round(4)
    array([[0.    , 0.7616],
           [0.7616, 0.    ]])
    """
    network = read_network(W, b)
    n = network.n
    check_memory(8.0 * n * n, f"the correlation matrix of n = {n} neurons", "take its parts")
    for part in network.parts:
        check_part(part, n)
    C = np.zeros((n, n))
    C[network.line_neurons, network.line_neurons[network.lines.sender]] = line_correlation(
        network.lines
    )
    for part in network.parts:
        C[np.ix_(part.neurons, part.neurons)] = _correlation(*_solve(part))
    return C


def lagged_fluxes(W: Any, b: ArrayLike | None, lags: list[int]) -> list[Flux]:
    """Return `exact_flux` for each of ascending lags; the stationary law is found once."""
    network = read_network(W, b)
    for part in network.parts:
        check_part(part, network.n, lags[-1])
    H, D = np.transpose([line_flux(network.lines, lag) for lag in lags])
    for part in network.parts:
        chain, law = _solve(part)
        own_H, own_D = law_entropies(law, chain.u, chain.folded)
        H += own_H
        D += _divergences(part, law, own_D, lags)
    return [Flux(float(h - d), float(h), float(d)) for h, d in zip(H, D, strict=True)]


def check_part(part: Part, n: int, lag: int = 1) -> None:
    """Raise a TooLargeError, before anything is allocated, if a part does not fit."""
    m = len(part.neurons)
    size = 2.0 ** (m if part.b.any() else m - 1)
    needed = 8 * size * min(size, SMALL) + 8 * size * (3 * m + 2 * MAX_STEPS + 8)
    if lag > 1:
        needed += 5 * 8 * 4.0**m
    what = f"the exact flux of the part of {m} connected neurons (of n = {n})"
    check_memory(needed, what, INSTEAD)


def part_chain(part: Part) -> Chain:
    """Return the chain of a part, folded where that is possible."""
    return make_chain(part.W, part.b, folded=not part.b.any())


def _solve(part: Part, device: str = "cpu") -> tuple[Chain, Floats]:
    """Return the chain of a part and its stationary law."""
    chain = part_chain(part)
    size, n = chain.on.shape
    if size <= TINY:
        law, smallest_exit = _eliminate_tiny(chain.on, chain.off, chain.folded)
        if smallest_exit >= SMALLEST_EXIT:
            return chain, law
    with thread_pool() as pool:
        if size <= TINY:
            return chain, _extend(chain, pool)
        if size <= SMALL and device == "cpu":
            return chain, _eliminate(chain, pool)
        advance = make_step(chain, pool) if device == "cpu" else device_step(chain, device)
        found = iterate(chain, advance)
        if found.error <= TOLERANCE:
            return chain, found.p
        if size <= LARGEST_DIRECT and 8.5 * size * size < memory_limit():
            return chain, _eliminate(chain, pool)
    raise ConvergenceError(
        f"the part of {n} connected neurons mixes too slowly: with a spectral gap of about"
        f" {1 / found.condition:.1e} the error of its stationary law after {found.steps} steps"
        f" is bounded by {found.error:.1e} only, not by {TOLERANCE:.0e}, and elimination would"
        f" need {size} states (at most {LARGEST_DIRECT}): {INSTEAD}"
    )


@njit(cache=True, nogil=True)
def _eliminate_tiny(on: Floats, off: Floats, folded: bool) -> tuple[Floats, float]:
    return eliminate(transitions(on, off, folded))


def iterate(chain: Chain, advance: Callable[[Floats], Floats]) -> Krylov:
    """Return the law of a chain, of which `advance` is one step, by iteration."""
    size, n = chain.on.shape
    with tqdm(desc=f"stationary law, {n} neurons", unit="step", delay=2, leave=False) as bar:

        def step(p: Floats) -> Floats:
            bar.update()
            return advance(p)

        return solve_krylov(step, size, target=TARGET, max_steps=MAX_STEPS)


def _eliminate(chain: Chain, pool: Executor) -> Floats:
    law, smallest_exit = solve_direct(dense_transitions(chain), pool)
    return law if smallest_exit >= SMALLEST_EXIT else _extend(chain, pool)


def _extend(chain: Chain, pool: Executor) -> Floats:
    size = len(chain.on)
    if size <= LARGEST_EXTENDED:
        return solve_extended(*extended_transitions(chain, pool), pool)
    raise ConvergenceError(
        f"weights this strong make transitions as rare as 1e-250, which needs extended range: at"
        f" most {LARGEST_EXTENDED} states, but the part has {size}. {INSTEAD.capitalize()}"
    )


@njit(cache=True, nogil=True)
def law_entropies(law: Floats, u: Floats, folded: bool) -> tuple[float, float]:
    """Return the entropy H of a chain's stationary law, and the divergence D of one step."""
    H, D = 1.0 if folded else 0.0, 0.0
    for k in range(len(law)):
        if law[k] > 0:
            H -= law[k] * np.log2(law[k])
            entropy = 0.0
            for i in range(u.shape[1]):
                entropy += field_entropy(u[k, i])
            D += law[k] * entropy
    return H, D


def _divergences(part: Part, law: Floats, first: float, lags: list[int]) -> Floats:
    """Return the divergence over each of ascending lags; over one step it is `first`."""
    D = np.full(len(lags), first)
    later, at = None, 0
    for k, lag in enumerate(lags):
        if lag == 1:
            continue
        if later is None:
            P = dense_transitions(make_chain(part.W, part.b, folded=False))
            later = matrix_power(P, lag)
        elif lag > at:
            later = later @ matrix_power(P, lag - at)
            later /= later.sum(1, keepdims=True)
        at = lag
        D[k] = law @ row_entropies(later[: len(law)])
    return D


def _correlation(chain: Chain, law: Floats) -> Floats:
    x = all_states(chain.on.shape[1])[: len(law)]
    weighted = law[:, None]
    if chain.folded:  # all means are 0 and all variances 1
        return (weighted * (chain.on - chain.off)).T @ x
    up = (x > 0).astype(float)
    on, off = (weighted * chain.on).T, (weighted * chain.off).T
    # the covariance as a determinant of sums of positive numbers cancels less than E[yx] - E[y]E[x]
    covariance = (on @ up) * (off @ (1 - up)) - (on @ (1 - up)) * (off @ up)
    spread = np.sqrt(law @ up) * np.sqrt(law @ (1 - up))
    scale = spread[:, None] * spread
    return np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0)
