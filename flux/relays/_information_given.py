"""I(in;out|Y0) along the way of nodes into Y0: what it is, and whether there are samples enough."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flux._base.progress import progress_bar
from flux._base.types import Codes, Floats
from flux._base.warn import warn
from flux.recordings.counting import multiplicities
from flux.recordings.entropies import entropy_bits, shuffled_pair_bits
from flux.relays._checked_samples import Samples
from flux.relays._sample_groups import group_information, one_group, refine

SAMPLES_PER_STATE = 16
"""Samples for each occupied state of Y0 that keep relay information from collapsing."""

TIE = 1e-9
"""Bits that count as no difference."""

Flags = NDArray[np.bool_]


class InformationGiven(NamedTuple):
    """I(in;out|Y0) in bits: first for no node in Y0, then after each move of nodes into it.

    null : its mean over all ways to shuffle the rows of Y0.
    states : occupied states of Y0.
    reliable : whether both can be relied upon.
    """

    I: Floats
    null: Floats
    states: Codes
    reliable: Flags


def information_given(
    samples: Samples, moves: Iterable[Codes], what: str, progress: bool
) -> InformationGiven:
    """Return I(in;out|Y0) after each of `moves`, the nodes that join Y0 together."""
    pairs, n_samples = samples.pairs, samples.pairs.pair.size
    labels = [
        multiplicities(np.bincount(label))
        for label in (pairs.pair_in[pairs.pair], pairs.pair_out[pairs.pair], pairs.pair)
    ]
    live = groups = one_group(n_samples)
    bits, states, given = [], [], []
    with progress_bar(what, len(samples.Y), unit="node", show=progress) as bar:
        for nodes in (np.empty(0, np.int64), *moves):
            for j in nodes:
                live = refine(samples.Y[j], samples.n_values, pairs, live, False)
                groups = refine(samples.Y[j], samples.n_values, pairs, groups, True)
                bar.update()
            bits.append(group_information(pairs, live))
            states.append(groups.start.size - 1)
            size = multiplicities(np.diff(groups.start))
            alone = entropy_bits(size, "plugin", 1)
            given.append([shuffled_pair_bits(size, label) - alone for label in labels])
    I = np.array(bits) / n_samples
    # entropies of input, output and both, given a Y0 that is shuffled against them
    H_in, H_out, H_both = np.array(given).T
    null = H_in + H_out - H_both
    reliable = are_reliable(null, H_both, I[0], min(H_in[0], H_out[0]), H_both[0])
    return InformationGiven(I, null, np.array(states), reliable)


def are_reliable(null: Floats, H_both: Floats, I: float, H_label: float, H_pair: float) -> Flags:
    """Whether nulls are near I(in;out), the smaller label's entropy being `H_label`.

    `H_both` are the equally shuffled H(in,out|Y0), and `H_pair` is H(in,out).
    """
    return np.asarray(
        (null >= 0.9 * I - TIE)
        & (null <= I + 0.1 * H_label + TIE)
        # else the null may fall back to I(in;out) on its way from too high to too low
        & (H_both >= 0.9 * H_pair - TIE)
    )


def warn_if_unreliable(reliable: Flags, states: Codes, samples: Samples) -> None:
    """Warn once, with the remedy, if the null of any step is far from I(in;out)."""
    if reliable.all():
        return
    fewest = int(states[~reliable].min())
    warn(
        f"{samples.pairs.pair.size} samples are too few where Y0 has {fewest} occupied states or"
        " more: noise nodes would change the relay information as much (compare curve + leak with"
        f" null); take at least {SAMPLES_PER_STATE} samples a state, here"
        f" {SAMPLES_PER_STATE * fewest}, or fewer nodes"
    )
