"""The exact information flux, over one step or several."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import check_count
from flux._base.errors import ArgumentError
from flux._base.jit import jit
from flux._base.types import Floats, Weights
from flux.exact._chain import dense_transitions, make_chain, matrix_power
from flux.exact._delay_lines import line_flux
from flux.exact._device import Device, check_device
from flux.exact.law import Law, PartLaw, read, solve_parts
from flux.model.information import Flux, field_entropy, row_entropies


def exact_flux(
    W: Weights | Law,
    b: ArrayLike | None = None,
    lag: int = 1,
    *,
    device: Device = "cpu",
    progress: bool = True,
) -> Flux:
    """Return the information flux I[x(t); x(t+lag)] = H - D of a free-running network.

    With u = W x + b each neuron is +1 next with probability sigma(u_i). H is the entropy of
    the stationary law pi, and D = sum_x pi(x) H(x(t+lag) | x(t) = x), which for one step is
    sum_x pi(x) sum_i h2(sigma(u_i(x))).

    Parameters
    ----------
    W : (n, n) array, scipy.sparse array or Law
        Weights, W[i, j] from neuron j to neuron i; finite, of any size and structure. Or the
        `Law` of a network that is solved already.
    b : (n,) array, optional
        Biases; zero by default.
    lag : int
        Number of time steps, at least 1.
    device : {"cpu", "gpu"}
        Where to iterate parts of more than nine neurons, in double precision: here, or on a GPU
        through JAX. Only for lag 1.
    progress : bool
        Whether work of more than two seconds shows a progress bar.

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

    Notes
    -----
    Equations :eq:`eq-flux` and :eq:`eq-flux-parts` of the book; over several steps
    :eq:`eq-mem-curve`.

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
    if lag > 1 and device != "cpu":
        raise ArgumentError(f"device must be 'cpu' for a lag above 1, but was {device!r}")
    check_device(device)
    law = solve_parts(read(W, b), lag=lag, device=device, progress=progress)
    return lagged_fluxes(law, [lag])[0]


def lagged_fluxes(law: Law, lags: list[int]) -> list[Flux]:
    """Return the flux over each of ascending lags, the sum over all parts."""
    sums = [line_flux(law.network.lines, lag) for lag in lags]
    for solved in law.parts:
        part_H, part_D = entropies(solved.pi, solved.chain.u, solved.chain.folded)
        later = [part_D] if lags == [1] else _divergences(solved, part_D, lags)
        sums = [(H + part_H, D + later_D) for (H, D), later_D in zip(sums, later, strict=True)]
    return [Flux(H - D, H, D) for H, D in sums]


@jit
def entropies(pi: Floats, u: Floats, folded: bool) -> tuple[float, float]:
    """Return the entropy H of a chain's stationary law, and the divergence D of one step."""
    H, D = 1.0 if folded else 0.0, 0.0
    for k in range(len(pi)):
        if pi[k] > 0:
            H -= pi[k] * np.log2(pi[k])
            entropy = 0.0
            for i in range(u.shape[1]):
                entropy += field_entropy(u[k, i])
            D += pi[k] * entropy
    return H, D


def _divergences(solved: PartLaw, first: float, lags: list[int]) -> Iterator[float]:
    """Yield the divergence over each of ascending lags; over one step it is `first`."""
    later, at = None, 0
    for lag in lags:
        if lag == 1:
            yield first
            continue
        if later is None:
            P = dense_transitions(make_chain(solved.part.W, solved.part.b, folded=False))
            later = matrix_power(P, lag)
        elif lag > at:
            later = later @ matrix_power(P, lag - at)
            later /= later.sum(1, keepdims=True)
        at = lag
        yield float(solved.pi @ row_entropies(later[: len(solved.pi)]))
