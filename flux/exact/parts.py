"""Networks taken apart: weakly connected parts have independent dynamics, and fluxes add."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flux._base.checks import check_any_weights, check_bias
from flux._base.errors import ConvergenceError
from flux._base.jit import jit
from flux._base.types import Codes, Floats, Weights
from flux.exact._delay_lines import DelayLines
from flux.exact._elimination import LARGEST_FIELD

Flags = NDArray[np.bool_]


class Part(NamedTuple):
    """A weakly connected part: its neurons in the whole network, their weights and biases."""

    neurons: Codes
    W: Floats
    b: Floats


class Network(NamedTuple):
    """A network of n neurons: all its delay lines together, and the other parts."""

    n: int
    line_neurons: Codes
    lines: DelayLines
    parts: list[Part]

    @property
    def line_entries(self) -> tuple[Codes, Codes]:
        """Where the weights of the delay lines stand in W."""
        return self.line_neurons, self.line_neurons[self.lines.sender]


NOBODY = np.empty(0, np.int64)
NO_LINES = DelayLines(NOBODY, np.empty(0), np.empty(0))


def take_apart(W: Weights, b: ArrayLike | None) -> Network:
    """Check W (dense or scipy.sparse) and b, and take the network apart, largest part first."""
    weights = check_any_weights(W)
    n = weights.shape[0]
    bias = check_bias(b, n)
    if isinstance(weights, np.ndarray):
        # a neuron that hears itself alone is a delay line
        if n > 1 and weights.all():
            return Network(n, NOBODY, NO_LINES, [Part(np.arange(n), weights, bias)])
        receiver, sender = np.nonzero(weights)
        w = weights[receiver, sender]
    else:
        entries = weights.tocoo()
        receiver, sender, w = (
            entries.row.astype(np.int64),
            entries.col.astype(np.int64),
            entries.data,
        )
    labels, in_part, whole = _find_parts(n, receiver, sender)
    if whole and isinstance(weights, np.ndarray):
        return Network(n, NOBODY, NO_LINES, [Part(np.arange(n), weights, bias)])

    line_neurons = np.flatnonzero(~in_part)
    line_sender, line_w = np.arange(n), np.zeros(n)
    line_sender[receiver], line_w[receiver] = sender, w
    place = np.searchsorted(line_neurons, line_sender[line_neurons])
    lines = DelayLines(place, line_w[line_neurons], bias[line_neurons])
    strongest = np.abs(lines.w).max(initial=0.0)
    if strongest > LARGEST_FIELD and lines.b.any():
        raise ConvergenceError(
            f"a weight of {strongest:.3g} is too strong beside a bias: at most {LARGEST_FIELD:.3g}"
        )
    parts = _parts(receiver, sender, w, bias, np.where(in_part, labels, n))
    return Network(n, line_neurons, lines, parts)


def _parts(receiver: Codes, sender: Codes, w: Floats, b: Floats, labels: Codes) -> list[Part]:
    """Return the parts whose label is below n, largest first."""
    n = len(labels)
    by_label = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[by_label], prepend=-1, append=n + 1))
    rank = np.empty(n, np.int64)  # a neuron's place in its part
    edge_order = np.argsort(labels[receiver], kind="stable")
    edge_labels = labels[receiver][edge_order]
    parts = []
    for start, stop in itertools.pairwise(starts):
        neurons = by_label[start:stop]
        label = labels[neurons[0]]
        if label == n:
            continue
        rank[neurons] = np.arange(len(neurons))
        edges = edge_order[slice(*np.searchsorted(edge_labels, [label, label + 1]))]
        dense = np.zeros((len(neurons), len(neurons)))
        dense[rank[receiver[edges]], rank[sender[edges]]] = w[edges]
        parts.append(Part(neurons, dense, b[neurons]))
    return sorted(parts, key=lambda part: -len(part.neurons))


@jit
def _find_parts(n: int, receiver: Codes, sender: Codes) -> tuple[Codes, Flags, bool]:
    """Return the label of each neuron's part, and whether that is more than a delay line.

    The last value tells whether one such part is the whole network.
    """
    labels = part_labels(n, receiver, sender)
    heard, hears = np.zeros(n, np.int64), np.zeros(n, np.int64)
    crowded = np.zeros(n, np.bool_)
    for i, j in zip(receiver, sender):  # noqa: B905 (numba has no strict)
        hears[i] += 1
        heard[j] += 1
        if hears[i] > 1 or heard[j] > 1:
            crowded[labels[i]] = True
    in_part = crowded[labels]
    return labels, in_part, bool(in_part.all() and not labels.any())


@jit
def part_labels(n: int, receiver: Codes, sender: Codes) -> Codes:
    """Return for each neuron the lowest neuron of its weakly connected part (union-find)."""
    parent = np.arange(n)
    for e in range(len(receiver)):
        i, j = receiver[e], sender[e]
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        while parent[j] != j:
            parent[j] = parent[parent[j]]
            j = parent[j]
        parent[max(i, j)] = min(i, j)
    for i in range(n):
        parent[i] = parent[parent[i]]  # parents are lower than i, and done
    return parent
