"""The symmetrized Boltzmann machine: on-probabilities and simulation.

All neurons are updated at once: u = W x + b, P(y_i = +1 | x) = sigma(u_i) = 1 / (1 + exp(-u_i)).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.special import expit

from flux._base.checks import (
    as_array,
    check_any_weights,
    check_bias,
    check_count,
    check_rng,
    check_spins,
)
from flux._base.errors import ArgumentError
from flux._base.memory import check_memory
from flux._base.progress import progress_bar
from flux._base.threads import share, thread_pool
from flux._base.types import Floats, Spins, Weights
from flux.model.simulation_kernels import (
    Floats32,
    PreparedWeights,
    Words,
    advance_chains,
    draw_chains,
    prepare_weights,
)

_CHUNK_SECONDS = 0.2
# from so many chains on, one matrix product for all beats adding up what flipped in each
_PRODUCT_CHAINS = 16
# products of a weight and a spin that are worth a thread, and spins to draw
_PRODUCTS_PER_THREAD = 4_000_000
_SPINS_PER_THREAD = 20_000


class Chains(NamedTuple):
    """Chains under way: a random key and a state each, and the updates taken so far."""

    keys: Words
    x: Floats32
    updates: int


def on_probability(W: Weights, x: ArrayLike, b: ArrayLike | None = None) -> Floats:
    """Return the probability of each neuron to be on after the next update.

    P(y_i = +1 | x) = sigma(u_i) = 1 / (1 + exp(-u_i)), where u = W x + b.

    Parameters
    ----------
    W : (n, n) array or scipy.sparse array
        Weights, W[i, j] from neuron j to neuron i.
    x : (..., n) array of -1 and +1
        States.
    b : (n,) array, optional
        Biases; zero by default.

    Returns
    -------
    (..., n) float64
        On-probabilities, from 0 to 1.

    Raises
    ------
    ValueError
        If an argument is of wrong shape or value.
    TooLargeError
        If the result would not fit into memory.

    Notes
    -----
    Equations :eq:`eq-net-field` and :eq:`eq-net-on` of the book.

    Examples
    --------
    >>> W = np.array([[0.0, 2.0], [-2.0, 0.0]])
    >>> on_probability(W, [[1, 1], [-1, 1]]).round(3)
    array([[0.881, 0.119],
           [0.881, 0.881]])
    """
    weights = check_any_weights(W)
    n = weights.shape[0]
    bias = check_bias(b, n)
    spins = check_spins("x", x, n)
    check_memory(24.0 * spins.size, f"on-probabilities of shape {spins.shape}", "split x")
    states = spins.reshape(-1, n).astype(np.float64)
    u = np.empty(states.shape)

    def fields(lo: int, hi: int) -> None:
        u[lo:hi] = (weights @ states[lo:hi].T).T + bias

    with thread_pool() as pool:
        share(pool, fields, len(states), _PRODUCTS_PER_THREAD // (n * n) + 1)
    return np.asarray(expit(u, out=u)).reshape(spins.shape)


def simulate(
    W: Weights,
    steps: int,
    *,
    rng: np.random.Generator,
    b: ArrayLike | None = None,
    x0: ArrayLike | None = None,
    burn_in: int = 0,
    progress: bool = True,
) -> Spins:
    """Simulate the free-running network and return the trace of its states.

    Each update draws all neurons anew: P(y_i = +1 | x) = sigma(u_i), where u = W x + b.

    Parameters
    ----------
    W : (n, n) array or scipy.sparse array
        Weights, W[i, j] from neuron j to neuron i. A sparse W is never made dense.
    steps : int
        Number of states to return, at least 1.
    rng : numpy.random.Generator
        Source of randomness: of the key of the random words, and of `x0` if that is not given.
        The same seed draws the same words whatever `x0` is.
    b : (n,) array, optional
        Biases; zero by default.
    x0 : (n,) array of -1 and +1, optional
        First state; fair coins by default.
    burn_in : int
        Number of updates before the first returned state.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    (steps, n) int8
        Successive states of -1 and +1. The first is the state after `burn_in` updates: `x0`
        itself if `burn_in` is 0.

    Raises
    ------
    ValueError
        If an argument is of wrong shape or value.
    TooLargeError
        If the trace would not fit into memory.

    Notes
    -----
    Equation :eq:`eq-net-on` of the book, step by step.

    Neuron i in update t takes the random word number t n + i of a counter-based generator,
    the finalizer of SplitMix64. The spins are those of the plain loop in double precision with
    these words, bit for bit: how the work is divided or rounded inside changes nothing.

    References
    ----------
    Metzner et al. (2024), Neural Computation 36(3), 351-384; Steele, Lea & Flood (2014), Fast
    splittable pseudorandom number generators, OOPSLA, 453-472.

    Examples
    --------
    >>> W = np.array([[0.0, -40.0], [40.0, 0.0]])
    >>> simulate(W, 5, rng=np.random.default_rng(1), x0=[1, 1])
    array([[ 1,  1],
           [-1,  1],
           [-1, -1],
           [ 1, -1],
           [ 1,  1]], dtype=int8)
    """
    if x0 is not None and len(shape := as_array("x0", x0).shape) != 1:
        raise ArgumentError(f"x0 must have shape (n,), but had shape {shape}")
    x = simulate_chains(W, steps, 1, rng=rng, b=b, x0=x0, burn_in=burn_in, progress=progress)
    return x.reshape(x.shape[1:])


def simulate_chains(
    W: Weights,
    steps: int,
    chains: int,
    *,
    rng: np.random.Generator,
    b: ArrayLike | None = None,
    x0: ArrayLike | None = None,
    burn_in: int = 0,
    thin: int = 1,
    progress: bool = True,
) -> Spins:
    """Simulate independent chains of the same network at once.

    Each update draws all neurons anew: P(y_i = +1 | x) = sigma(u_i), where u = W x + b.

    Parameters
    ----------
    W : (n, n) array or scipy.sparse array
        Weights, W[i, j] from neuron j to neuron i. A sparse W is never made dense.
    steps : int
        Number of states to return of each chain, at least 1.
    chains : int
        Number of chains, at least 1. They share the threads that numba is set to.
    rng : numpy.random.Generator
        Source of randomness: of a key per chain, and of `x0` if that is not given.
    b : (n,) array, optional
        Biases; zero by default.
    x0 : (n,) or (chains, n) array of -1 and +1, optional
        First state, of all chains or of each; fair coins by default.
    burn_in : int
        Number of updates before the first returned state.
    thin : int
        Number of updates from one returned state to the next, at least 1.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

    Returns
    -------
    (chains, steps, n) int8
        States of -1 and +1: state t of a chain is the one after `burn_in` + t `thin` updates.

    Raises
    ------
    ValueError
        If an argument is of wrong shape or value.
    TooLargeError
        If the traces would not fit into memory.

    Notes
    -----
    Equation :eq:`eq-net-on` of the book; random words as in `simulate`. Two of m chains of T
    words each use some of the same words with a probability below m**2 T / 2**64.

    References
    ----------
    Steele, Lea & Flood (2014), Fast splittable pseudorandom number generators, OOPSLA, 453-472.

    Examples
    --------
    >>> x = simulate_chains(np.zeros((3, 3)), 5, 4, rng=np.random.default_rng(1), burn_in=10)
    >>> x.shape, np.unique(x)
    ((4, 5, 3), array([-1,  1], dtype=int8))
    """
    weights: Any = check_any_weights(W)
    n = weights.shape[0]
    bias = check_bias(b, n)
    check_rng(rng)
    steps = check_count("steps", steps, 1)
    chains = check_count("chains", chains, 1)
    burn_in = check_count("burn_in", burn_in, 0)
    thin = check_count("thin", thin, 1)
    entries = 70.0 * weights.nnz if sparse.issparse(weights) else 20.0 * n * n
    check_memory(
        float(chains) * steps * n + 16.0 * chains * n + entries,
        f"{steps} steps of {chains} chains of n = {n} neurons",
        "ask for fewer steps or chains, or raise thin",
    )
    start = start_chains(n, chains, rng=rng, x0=x0)
    prepared = prepare_weights(weights, bias)
    return advance(prepared, start, steps, burn_in=burn_in, thin=thin, progress=progress)[0]


def start_chains(
    n: int, chains: int, *, rng: np.random.Generator, x0: ArrayLike | None = None
) -> Chains:
    """Return chains that have not been updated yet, for `advance`; arguments as above."""
    # before x0, so that giving x0 leaves the random words as they are
    keys = rng.integers(0, 2**64, chains, np.uint64)
    if x0 is None:
        return Chains(keys, 2 * rng.integers(0, 2, (chains, n), np.int8) - np.float32(1), 0)
    spins = check_spins("x0", x0, n)
    if spins.shape not in ((n,), (chains, n)):
        raise ArgumentError(
            f"x0 must have shape ({n},) or ({chains}, {n}), but had shape {spins.shape}"
        )
    return Chains(keys, np.broadcast_to(spins, (chains, n)).astype(np.float32), 0)


def advance(
    weights: PreparedWeights,
    chains: Chains,
    steps: int,
    *,
    burn_in: int = 0,
    thin: int = 1,
    progress: bool = False,
) -> tuple[Spins, Chains]:
    """Return `steps` states of each chain and the chains as they are after the last of them.

    To carry on a trace call again with `burn_in` = `thin`: the parts make up the whole.
    """
    first = chains.updates + burn_in
    last = first + (steps - 1) * thin
    out = np.empty((len(chains.keys), steps, chains.x.shape[1]), np.int8)
    if burn_in == 0:
        out[:, 0] = chains.x
    run = _Run(weights, chains.keys, chains.x.copy(), first, thin, out)
    by_products = not weights.row_starts.size and len(chains.keys) >= _PRODUCT_CHAINS
    update = _update_by_products if by_products else _update_by_flips
    with thread_pool() as pool:
        # the first update compiles, which would look like a slow run
        done = min(chains.updates + 1, last)
        update(pool, run, chains.updates, done)
        with progress_bar("simulation", last - done, unit="update", show=progress) as bar:
            chunk = 1
            while done < last:
                stop, began = min(done + chunk, last), perf_counter()
                update(pool, run, done, stop)
                bar.update(stop - done)
                done = stop
                # chunks this short let an interrupt from the keyboard be heard
                chunk = max(1, int(chunk * min(2.0, _CHUNK_SECONDS / (perf_counter() - began))))
    return out, Chains(run.keys, run.x, last)


class _Run(NamedTuple):
    weights: PreparedWeights
    keys: Words
    x: Floats32
    first: int
    thin: int
    out: Spins


def _update_by_flips(pool: ThreadPoolExecutor, run: _Run, start: int, stop: int) -> None:
    def update(lo: int, hi: int) -> None:
        keys, x, out = run.keys[lo:hi], run.x[lo:hi], run.out[lo:hi]
        advance_chains(run.weights, keys, x, start, stop, run.first, run.thin, out)

    share(pool, update, len(run.keys), _chains_per_thread(run))


def _update_by_products(pool: ThreadPoolExecutor, run: _Run, start: int, stop: int) -> None:
    n = run.x.shape[1]
    columns = run.weights.q.reshape(n, n)
    grain = max(_chains_per_thread(run), _SPINS_PER_THREAD // n)

    def update(lo: int, hi: int) -> None:
        keys, x, out = run.keys[lo:hi], run.x[lo:hi], run.out[lo:hi]
        fields = np.empty_like(x)
        for step in range(start, stop):
            np.matmul(x, columns, out=fields)
            draw_chains(run.weights, fields, keys, x, step, run.first, run.thin, out)

    share(pool, update, len(run.keys), grain)


def _chains_per_thread(run: _Run) -> int:
    return -(-len(run.keys) // numba.get_num_threads())
