"""Flux from samples: bias-corrected, or with a known kernel."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from flux._base.checks import check_any_weights, check_bias, check_choice, check_spins
from flux._base.errors import ArgumentError
from flux._base.types import Weights
from flux.model.information import Flux, field_entropy
from flux.recordings.adequacy import warn_if_few_pairs, warn_if_few_states
from flux.recordings.counting import (
    check_lag,
    check_recording,
    count_successors,
    distinct_states,
    multiplicities,
)
from flux.recordings.entropies import (
    ENTROPY_METHODS,
    FLUX_METHODS,
    EntropyMethod,
    FluxMethod,
    entropy_bits,
    flux_from_counts,
    n_samples,
)

# states whose fields are held in memory at a time, times the number of neurons
_BLOCK = 1 << 20


def sample_flux(x: ArrayLike, *, method: FluxMethod = "plugin", lag: int = 1) -> Flux:
    """Estimate the information flux I[x(t); x(t + lag)] from recorded states.

    Equation :eq:`eq-est-plugin` of the book, for any method: the states x_t, their successors
    y_t = x_{t+lag} within the same chain, and the pairs are counted exactly, for any number of
    neurons, and ::

        H = H(y),  D = H(x, y) - H(x),  I = H - D = H(x) + H(y) - H(x, y),

    each entropy estimated by `method`. H differs from the entropy of all states only by the
    first `lag` states of each chain, which are no successors.

    Parameters
    ----------
    x : (steps, n) or (chains, steps, n) array of -1 and +1
        Recorded states, any n; every chain needs more than `lag` steps.
    method : str
        One of ``plugin``, ``miller-madow``, ``grassberger``, ``chao-shen``, ``chao-wang-jost``
        and ``nsb``, all defined at `entropy_from_counts`, where ``nsb`` takes alphabets of
        2^n states and 4^n pairs; or ``shuffle``: the plug-in I less its mean over all ways to
        shuffle the successors, which is computed exactly and draws nothing [1]_. With ``shuffle``
        H is the plug-in entropy, and the correction goes to D.
    lag : int
        Number of steps from a state to its successor, from 1 to steps - 1.

    Returns
    -------
    Flux
        (I, H, D) in bits; I = H - D holds to the last digit. A corrected I may be negative.

    Warns
    -----
    UserWarning
        If the samples are too few for the pairs seen, with the size of the error, the largest
        flux that they could tell apart, and a number of samples that would do; or if a single
        state was seen.

    Raises
    ------
    ValueError
        If `x` is of wrong shape, too short, or holds anything but -1 and +1, `lag` is out of
        range, `method` is unknown, or it corrects from pairs seen again where there are none.

    See Also
    --------
    model_flux : far more accurate where the weights are known.

    Notes
    -----
    The plug-in I is too high by about (number of pairs) / (2 T ln 2) bits, T the number of samples:
    equation :eq:`eq-est-bias` of the book. Where firing is dense, ``nsb`` leaves the
    least, then ``chao-wang-jost``; where it is sparse, ``shuffle`` does. That is right for weak
    flux, and takes too much off where states foretell their successors, since shuffled pairs are
    then more diverse than real ones. `sample_flux_interval` brackets the flux in both. No method
    knows of states that a slow network has not visited yet.

    References
    ----------
    .. [1] Vinh, Epps & Bailey (2010), Information theoretic measures for clusterings
       comparison, J. Mach. Learn. Res. 11, 2837-2854, gives the mean over all shuffles.
       Panzeri et al. (2007), J. Neurophysiol. 98, 1064-1072, review corrections for bias.

    Examples
    --------
    Two neurons that pass a +1 back and forth:

    >>> import numpy as np
    >>> sample_flux(np.tile([[1, -1], [-1, 1]], (50, 1))[:-1])
    Flux(I=1.0, H=1.0, D=0.0)
    """
    spins = check_recording(x)
    lag = check_lag(spins, lag)
    check_choice("method", method, FLUX_METHODS)
    x_seen, y_seen, xy_seen = (multiplicities(part) for part in count_successors(spins, lag))
    if method not in ("plugin", "shuffle") and xy_seen.value[-1] == 1:
        raise ArgumentError(
            "method must be plugin or shuffle where none of the"
            f" {n_samples(xy_seen)} pairs of states in x was seen twice, but was {method!r}:"
            " nothing tells how many there are; record for longer, or choose fewer neurons"
        )
    warn_if_few_pairs(x_seen, y_seen, xy_seen, method, spins)
    return flux_from_counts(x_seen, y_seen, xy_seen, method, spins.shape[-1])


def model_flux(
    W: Weights,
    x: ArrayLike,
    b: ArrayLike | None = None,
    *,
    method: EntropyMethod = "chao-wang-jost",
) -> Flux:
    """Estimate the flux of a network of known weights from a recording of its states.

    Equation :eq:`eq-est-model` of the book. D is the average over all recorded states of sum_i
    h2(sigma(u_i)), u = W x + b: the exact entropy of the next state given this one, nothing is
    counted. Only H, the entropy of the states, is estimated by `method`, and I = H - D.

    Parameters
    ----------
    W : (n, n) array or scipy.sparse matrix
        Weights, W[i, j] from neuron j to neuron i. A sparse W is never made dense.
    x : (steps, n) or (chains, steps, n) array of -1 and +1
        Stationary states of this very network, in any order.
    b : (n,) array, optional
        Biases; zero by default.
    method : str
        ``plugin``, ``miller-madow``, ``grassberger``, ``chao-shen``, ``chao-wang-jost`` or
        ``nsb``; see `entropy_from_counts`.

    Returns
    -------
    Flux
        (I, H, D) in bits.

    Warns
    -----
    UserWarning
        If the samples are too few for the states seen, with a number that would do.

    Raises
    ------
    ValueError
        If an argument is of wrong shape or value, or `method` is unknown.

    Notes
    -----
    Averaging the conditional entropy instead of counting is the Rao-Blackwell step: D has no
    bias, and I inherits that of H alone, where 2^n states are to be seen instead of 4^n pairs.

    References
    ----------
    Metzner et al. (2024), Neural Computation 36(3), 351-384, for the model; Casella & Robert
    (1996), Rao-Blackwellisation of sampling schemes, Biometrika 83, 81-94.

    Examples
    --------
    >>> import numpy as np
    >>> from flux import all_states
    >>> x = np.tile(all_states(2), (10, 1))
    >>> I, H, D = model_flux(np.zeros((2, 2)), x, method="plugin")
    >>> I, H, D
    (0.0, 2.0, 2.0)
    """
    weights = check_any_weights(W)
    n = weights.shape[0]
    bias = check_bias(b, n)
    check_choice("method", method, ENTROPY_METHODS)
    spins = check_recording(x)
    if spins.shape[-1] != n:
        check_spins("x", x, n)
    states, counts = distinct_states(spins)
    seen = multiplicities(counts)
    warn_if_few_states(seen, method)
    H = entropy_bits(seen, method, n)
    total = 0.0
    rows = max(1, _BLOCK // n)
    for start in range(0, counts.size, rows):
        block = slice(start, start + rows)
        u = (weights @ states[block].T.astype(np.float64)).T + bias
        total += float(counts[block] @ field_entropy(u).sum(1))
    D = total / int(counts.sum())
    return Flux(H - D, H, D)
