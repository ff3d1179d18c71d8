"""The exact gradient of the flux by all weights and biases, from a Poisson equation."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from flux.chain import Chain, fold, half_laws, make_steps, product_laws
from flux.exact import MAX_STEPS, SMALL, TOLERANCE, check_part, iterate, law_entropies, part_chain
from flux.information import Flux, field_entropy
from flux.lines import line_flux, line_gradient, line_marginals
from flux.network import read_network
from flux.states import Floats, all_states, check_memory
from flux.stationary import (
    SMALLEST_EXIT,
    ConvergenceError,
    eliminate,
    solve_differences,
    solve_poisson,
)
from flux.threads import thread_pool

ALLOWED = 1e-8
"""Largest error sqrt(sum pi z^2) of a z found by iteration; derivatives are off by half of it."""
TOO_RARE = (
    "weights this strong make transitions as rare as 1e-250, which the gradient cannot resolve:"
    " scale them down"
)
ROWS = 1 << 20
"""Entries of half laws that are held at once where the scores are averaged."""


class FluxGradient(NamedTuple):
    """The flux and its derivatives by all weights and biases.

    Attributes
    ----------
    flux : Flux
        The flux I, with H and D.
    dW : (n, n) float64
        dI / dW_ij in bits.
    db : (n,) float64
        dI / db_i in bits.

    Examples
    --------
    >>> found = flux_gradient([[0.0, 2.0], [2.0, 0.0]])
    >>> round(found.flux.I, 4), found.dW[0, 1].round(4)
    (0.9459, np.float64(0.3029))
    """

    flux: Flux
    dW: Floats
    db: Floats


def flux_gradient(W: Any, b: ArrayLike | None = None) -> FluxGradient:
    """Return the flux I[x(t); x(t+1)] and its exact derivatives by all weights and biases.

    With g(x) = -log2 pi(x) - sum_i h2(sigma(u_i(x))), so that I = sum_x pi(x) g(x), let z solve
    the Poisson equation z(x) - E(z(y) | x) = g(x) - I. Then ::

        dI/du_i(x) = pi(x) sigma(u_i) sigma(-u_i)
                     [E(z(y) | x, y_i = +1) - E(z(y) | x, y_i = -1) + u_i / ln 2],

    dI/dW_ij = sum_x dI/du_i(x) x_j and dI/db_i = sum_x dI/du_i(x). Weights between parts of
    the network that are not connected have dI/dW_ij = dI/db_i E[x_j].

    Parameters
    ----------
    W : (n, n) array or scipy.sparse array
        Weights, W[i, j] from neuron j to neuron i.
    b : (n,) array, optional
        Biases; zero by default.

    Returns
    -------
    FluxGradient
        The flux; dW of shape (n, n), also where W is 0; db of shape (n,). In parts of up to 9
        neurons (10 without bias) rounding is of the order of 1e-15 bits however slowly the
        network mixes; larger ones are iterated, with errors of at most 1e-8.

    Raises
    ------
    ValueError
        If W or b are not finite or do not fit together.
    TooLargeError
        If the computation would not fit into memory.
    ConvergenceError
        If a part has more neurons and mixes too slowly for iteration, or if its transitions
        are rarer than 1e-250.

    References
    ----------
    Cao & Chen (1997), IEEE Transactions on Automatic Control 42, 1382-1393.

    Examples
    --------
    >>> flux, dW, db = flux_gradient([[0.0, 2.0], [2.0, 0.0]])
    >>> print(dW.round(4))
    [[0.     0.3029]
     [0.3029 0.    ]]
    >>> print(db)
    [0. 0.]
    """
    network = read_network(W, b)
    n = network.n
    check_memory(24.0 * n * n, f"the gradient by all weights of n = {n} neurons", "take parts")
    for part in network.parts:
        check_part(part, n)
    db, mean = np.zeros(n), np.zeros(n)
    H, D = line_flux(network.lines, 1)
    if len(network.line_neurons):
        on, off = line_marginals(network.lines)
        mean[network.line_neurons] = on - off
        by_weight, db[network.line_neurons] = line_gradient(network.lines)
        if not np.isfinite(by_weight).all():
            raise ConvergenceError(TOO_RARE)
    blocks = []
    for part in network.parts:
        chain = part_chain(part)
        law, by_field = _solve(chain)
        x = all_states(len(part.neurons))[: len(law)]
        own_H, own_D = law_entropies(law, chain.u, chain.folded)
        H += own_H
        D += own_D
        blocks.append(by_field.T @ x)
        if not chain.folded:  # otherwise both are 0, as all spins may be flipped
            db[part.neurons], mean[part.neurons] = by_field.sum(0), law @ x
    dW = np.outer(db, mean)
    if len(network.line_neurons):
        dW[network.line_neurons, network.line_neurons[network.lines.sender]] = by_weight
    for part, block in zip(network.parts, blocks, strict=True):
        dW[np.ix_(part.neurons, part.neurons)] = block
    return FluxGradient(Flux(H - D, H, D), dW, db)


def _solve(chain: Chain) -> tuple[Floats, Floats]:
    """Return the stationary law of a chain, and dI/du_i(x)."""
    if len(chain.on) <= SMALL:
        law, by_field, smallest_exit = _eliminate(chain.u, chain.on, chain.off, chain.folded)
        if smallest_exit >= SMALLEST_EXIT:
            return law, by_field
        raise ConvergenceError(TOO_RARE)
    with thread_pool() as pool:
        steps = make_steps(chain, pool)
        found = iterate(chain, steps.law)
        law = steps.law(found.p)  # one step more leaves no state at 0
        error = np.inf
        if found.error <= TOLERANCE:
            cost = _cost(law, chain.u)
            z = solve_poisson(steps.mean, law, cost, target=0.05 * ALLOWED, max_steps=MAX_STEPS)
            error = z.error
    if error <= ALLOWED:
        return law, _average_scores(chain, law, z.p)
    size, n = chain.on.shape
    raise ConvergenceError(
        f"the part of {n} connected neurons mixes too slowly for the gradient: with a spectral gap"
        f" of about {1 / found.condition:.1e} its error would not stay below {ALLOWED:.0e}, and"
        f" elimination would need {size} states (at most {SMALL}): weaken the weights"
    )


def _cost(law: Floats, u: Floats) -> Floats:
    """Return g(x) - sum pi g, where states too rare for a double count as average."""
    seen = law > 0
    cost = -np.log2(law, out=np.zeros_like(law), where=seen) - field_entropy(u).sum(1)
    cost -= law @ cost
    return np.where(seen, cost, 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _eliminate(u: Floats, on: Floats, off: Floats, folded: bool) -> tuple[Floats, Floats, float]:
    """Return the law, dI/du_i(x), and the smallest exit, by elimination."""
    size, n = on.shape
    laws = product_laws(on, off)
    P = fold(laws) if folded else laws.copy()
    law, smallest_exit = eliminate(P)
    cost = np.zeros(size)
    seen = law > 0  # states too rare for a double count as average
    for k in range(size):
        if seen[k]:
            cost[k] = -np.log2(law[k])
            for i in range(n):
                cost[k] -= field_entropy(u[k, i])
    cost -= seen * (law * cost).sum()
    d = solve_differences(P, cost)
    by_field = np.empty((size, n))
    total = np.empty(1 << n)
    for k in range(size):
        # z(y) - z(x) over all y, then summed over one neuron after another, from the last
        total[:size] = laws[k, :size] * d[k]
        if folded:
            total[size:] = laws[k, size:] * d[k, ::-1]
        for i in range(n - 1, -1, -1):
            low, high = total[: 1 << i], total[1 << i : 2 << i]
            score = high.sum() * off[k, i] - low.sum() * on[k, i]
            low += high
            by_field[k, i] = law[k] * (score + u[k, i] * on[k, i] * off[k, i] / np.log(2.0))
    return law, by_field, smallest_exit


def _average_scores(chain: Chain, law: Floats, z: Floats) -> Floats:
    """Return dI/du_i(x), for an x in rows that share the work of both halves of the neurons."""
    size, n = chain.on.shape
    low = n // 2
    Z = (np.concatenate([z, z[::-1]]) if chain.folded else z).reshape(-1, 1 << low)
    up_low = (all_states(low) > 0).astype(float)
    up_high = (all_states(n - low) > 0).astype(float)
    by_field = chain.u * chain.on * chain.off / np.log(2.0)
    step = max(1, ROWS >> (n - low))
    for top in range(0, size, step):
        rows = slice(top, top + step)
        A, B = half_laws(chain, rows)
        by_low, by_high = (A @ Z) * B, (B @ Z.T) * A
        up = np.hstack([by_low @ up_low, by_high @ up_high])
        by_field[rows] += up - chain.on[rows] * by_low.sum(1, keepdims=True)
    return law[:, None] * by_field
