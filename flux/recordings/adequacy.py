"""Whether samples are enough for what is counted, and how many would be."""

from __future__ import annotations

import math

import numpy as np

from flux._base.types import Spins
from flux._base.warn import warn
from flux.model.information import binary_entropy
from flux.recordings.counting import Multiplicities
from flux.recordings.entropies import entropy_bits, n_samples, n_seen_times, shuffled_pair_bits

# samples for each state there is, seen or not, from which on its entropy is right to 0.1 bit
_SAMPLES_PER_STATE = {
    "plugin": 10,
    "miller-madow": 5,
    "grassberger": 3,
    "chao-shen": 5,
    "chao-wang-jost": 2,
    "nsb": 2,
}
# how much of the flux that counting finds after shuffling a method may be off by, if not by all
_SHARE = {"grassberger": 0.8, "chao-shen": 0.8, "chao-wang-jost": 0.6, "nsb": 0.5}
_TOLERATED = 0.1


def coverage(seen: Multiplicities) -> float:
    """Return the chance that the next symbol is not new: Good (1953), Biometrika 40, 237-264."""
    return 1 - n_seen_times(seen, 1) / n_samples(seen)


def warn_if_few_states(seen: Multiplicities, method: str) -> None:
    """Warn where the samples are too few for the states, unseen ones included.

    The number of states is estimated by K + f1 (f1 - 1) / (2 (f2 + 1)), a lower bound: Chao
    (1984), Scand. J. Stat. 11, 265-270.
    """
    T, n_seen = n_samples(seen), int(seen.times.sum())
    f1, f2 = n_seen_times(seen, 1), n_seen_times(seen, 2)
    needed = math.ceil(_SAMPLES_PER_STATE[method] * (n_seen + f1 * (f1 - 1) / (2 * (f2 + 1))))
    if needed > T:
        missed = entropy_bits(seen, "chao-wang-jost", 0.0) - entropy_bits(seen, "plugin", 0.0)
        warn(
            f"{T} samples are few for the {n_seen} distinct states seen: counting misses about"
            f" {missed:.2g} bits of their entropy, and by method {method!r} the flux may be off by"
            f" more than {_TOLERATED} bit; about {needed:.2g} samples or more would do"
        )


def warn_if_few_pairs(
    x: Multiplicities, y: Multiplicities, xy: Multiplicities, method: str, spins: Spins
) -> None:
    """Warn where the samples are too few for the pairs of states, with the size of the error.

    Counting finds flux even after shuffling: the mean is at most log2(1 + E[chi^2] / T), where
    E[chi^2] = (K_x - 1) (K_y - 1) T / (T - 1).
    """
    T, K_x, K_y, K_xy = n_samples(xy), *(int(seen.times.sum()) for seen in (x, y, xy))
    text = f"{T} samples are few for the {K_xy} distinct pairs of states seen: "
    if K_x == 1:
        warn(
            f"{text}a network that is slow, or frozen, shows one state as well, so nothing is known"
            " of its flux; record until the state has changed many times"
        )
    share = _SHARE.get(method, 1.0)
    if share * math.log2(1 + (K_x - 1) * (K_y - 1) / max(1, T - 1)) <= _TOLERATED:
        return
    H = entropy_bits(x, "plugin", 0.0)
    bias = H + entropy_bits(y, "plugin", 0.0) - shuffled_pair_bits(x, y)
    if share * bias > _TOLERATED:
        needed = samples_for_pairs(spins, 1.64) * share / (2 * _TOLERATED * math.log(2.0))
        needed = max(needed, T * share * bias / _TOLERATED)
        warn(
            f"{text}counting finds {bias:.2g} bits in shuffled successors, so that by method"
            f" {method!r} the flux may be off by {share * bias:.2g} bits, and none above"
            f" {max(H - bias, 0.0):.2g} bits could be told apart; about {needed:.2g} samples or"
            " more would do"
        )


def samples_for_pairs(spins: Spins, z: float) -> float:
    """Return 1/p of a pair of states, its log at z standard deviations, for independent neurons."""
    p = (spins > 0).mean((0, 1))
    p = p[(p > 0) & (p < 1)]
    spread = math.sqrt(2 * float((p * (1 - p) * np.log2(p / (1 - p)) ** 2).sum()))
    return 2.0 ** min(2 * float(binary_entropy(p).sum()) + z * spread, 1000.0)
