"""The exact gradient of the flux by all weights and biases, from a Poisson equation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from flux._base.errors import ConvergenceError
from flux._base.jit import jit
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.threads import thread_pool
from flux._base.types import Floats, Weights
from flux.exact._chain import Chain, half_laws, make_steps
from flux.exact._delay_lines import line_flux, line_gradient, line_marginals
from flux.exact._elimination import solve_differences
from flux.exact._krylov import solve_poisson
from flux.exact.flux import entropies
from flux.exact.law import MAX_STEPS, SMALL, Law, PartLaw, read, solve_parts
from flux.model.information import Flux, field_entropy
from flux.model.states import all_states, product_laws

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
    >>> gradient = flux_gradient([[0.0, 2.0], [2.0, 0.0]])
    >>> round(gradient.flux.I, 4), gradient.dW[0, 1].round(4)
    (0.9459, np.float64(0.3029))
    """

    flux: Flux
    dW: Floats
    db: Floats


def flux_gradient(
    W: Weights | Law, b: ArrayLike | None = None, *, progress: bool = True
) -> FluxGradient:
    """Return the flux I[x(t); x(t+1)] and its exact derivatives by all weights and biases.

    With g(x) = -log2 pi(x) - sum_i h2(sigma(u_i(x))), so that I = sum_x pi(x) g(x), let z solve
    the Poisson equation z(x) - E(z(y) | x) = g(x) - I. Then ::

        dI/du_i(x) = pi(x) sigma(u_i) sigma(-u_i)
                     [E(z(y) | x, y_i = +1) - E(z(y) | x, y_i = -1) + u_i / ln 2],

    dI/dW_ij = sum_x dI/du_i(x) x_j and dI/db_i = sum_x dI/du_i(x). Weights between parts of
    the network that are not connected have dI/dW_ij = dI/db_i E[x_j].

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

    Notes
    -----
    Equations :eq:`eq-gradient-poisson`, :eq:`eq-gradient` and :eq:`eq-gradient-weights` of the
    book.

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
    given = read(W, b)
    n = given.n
    check_memory(24.0 * n * n, f"the gradient by all weights of n = {n} neurons", "take parts")
    law = solve_parts(given, progress=progress)
    network = law.network
    db, mean = np.zeros(n), np.zeros(n)
    H, D = line_flux(network.lines, 1)
    if len(network.line_neurons):
        on, off = line_marginals(network.lines)
        mean[network.line_neurons] = on - off
        by_weight, db[network.line_neurons] = line_gradient(network.lines)
        if not np.isfinite(by_weight).all():
            raise ConvergenceError(TOO_RARE)
    blocks = []
    for solved in law.parts:
        chain, neurons = solved.chain, solved.part.neurons
        pi, by_field = _by_field(solved, progress)
        x = all_states(len(neurons))[: len(pi)]
        part_H, part_D = entropies(pi, chain.u, chain.folded)
        H += part_H
        D += part_D
        blocks.append(by_field.T @ x)
        if not chain.folded:  # otherwise both are 0, as all spins may be flipped
            db[neurons], mean[neurons] = by_field.sum(0), pi @ x
    dW = np.outer(db, mean)
    if len(network.line_neurons):
        dW[network.line_entries] = by_weight
    for solved, block in zip(law.parts, blocks, strict=True):
        dW[np.ix_(solved.part.neurons, solved.part.neurons)] = block
    return FluxGradient(Flux(H - D, H, D), dW, db)


def _by_field(solved: PartLaw, progress: bool) -> tuple[Floats, Floats]:
    """Return the law of a part as it is used here, and dI/du_i(x)."""
    chain, pi = solved.chain, solved.pi
    size, n = chain.on.shape
    if solved.factors is not None:
        scores = _direct_scores(chain.u, chain.on, chain.off, chain.folded, pi, solved.factors)
        return pi, scores
    if size <= SMALL:
        raise ConvergenceError(TOO_RARE)
    what = f"gradient, {n} neurons"
    with thread_pool() as pool, progress_bar(what, unit="step", show=progress) as bar:
        steps = make_steps(chain, pool)
        pi = steps.law(pi)  # one step more leaves no state at 0

        def mean(z: Floats) -> Floats:
            bar.update()
            return steps.mean(z)

        z = solve_poisson(mean, pi, _cost(pi, chain.u), target=0.05 * ALLOWED, max_steps=MAX_STEPS)
    if z.error <= ALLOWED:
        return pi, _average_scores(chain, pi, z.p)
    raise ConvergenceError(
        f"the part of {n} connected neurons mixes too slowly for the gradient: with a spectral gap"
        f" of about {1 / z.condition:.1e} its error would not stay below {ALLOWED:.0e}, and"
        f" elimination would need {size} states (at most {SMALL}): weaken the weights"
    )


def _cost(law: Floats, u: Floats) -> Floats:
    """Return g(x) - sum pi g, where states too rare for a double count as average."""
    seen = law > 0
    cost = -np.log2(law, out=np.zeros_like(law), where=seen) - field_entropy(u).sum(1)
    cost -= law @ cost
    return np.where(seen, cost, 0.0)


@jit(error_model="numpy")
def _direct_scores(
    u: Floats, on: Floats, off: Floats, folded: bool, pi: Floats, factors: Floats
) -> Floats:
    """Return dI/du_i(x) from the factors that elimination left."""
    size, n = on.shape
    laws = product_laws(on, off)
    cost = np.zeros(size)
    seen = pi > 0  # states too rare for a double count as average
    for k in range(size):
        if seen[k]:
            cost[k] = -np.log2(pi[k])
            for i in range(n):
                cost[k] -= field_entropy(u[k, i])
    cost -= seen * (pi * cost).sum()
    d = solve_differences(factors, cost)
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
            by_field[k, i] = pi[k] * (score + u[k, i] * on[k, i] * off[k, i] / np.log(2.0))
    return by_field


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
