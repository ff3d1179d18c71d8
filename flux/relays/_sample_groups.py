"""Groups of samples that agree in some nodes, refined node by node: the kernels of relays.

Moving a node into Y0 splits each group of samples by the node's value. Nothing is ever
counted over all of Y0 again: only samples within one group meet.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flux._base.jit import jit
from flux._base.types import Codes, Floats

Labels = NDArray[np.int32]
Values = NDArray[np.uint8]


class Pairs(NamedTuple):
    """Inputs and outputs of all samples, as labels of their pairs.

    pair : label of (in, out) for each sample; its input is `pair_in[pair]`, its output
    `pair_out[pair]`. m_log_m[m] = m log2 m, up to the number of samples.
    """

    pair: Labels
    pair_in: Labels
    pair_out: Labels
    m_log_m: Floats


class Groups(NamedTuple):
    """Samples in the order of their groups, and where each group starts, the end last."""

    sample: Labels
    start: Labels


@jit
def split_information(
    lo: int,
    hi: int,
    nodes: Codes,
    Y: Values,
    n_values: int,
    pairs: Pairs,
    groups: Groups,
) -> Floats:
    """Return I(in;out|groups, node) times the number of samples, for nodes[lo:hi].

    Of each part, a group's samples with one value of the node, the table of pairs is counted;
    with f(m) = m log2 m over its cells, margins and total, the part contributes
    sum f(pairs) + f(total) - sum f(inputs) - sum f(outputs).
    """
    f = pairs.m_log_m
    # a cell is a pair and a value; each cell knows its places in the margins. All indices are
    # unsigned, since numba would look for negative ones at each access
    cell = np.arange(pairs.pair_in.size * n_values)
    value_of = (cell % n_values).astype(np.uint32)
    input_of = (pairs.pair_in[cell // n_values] * n_values + value_of).astype(np.uint32)
    output_of = (pairs.pair_out[cell // n_values] * n_values + value_of).astype(np.uint32)
    cells = np.zeros(cell.size, np.uint32)
    totals = np.zeros(n_values, np.uint32)
    inputs = np.zeros(input_of.max() + 1, np.uint32)
    outputs = np.zeros(output_of.max() + 1, np.uint32)
    seen = np.empty(cell.size, np.uint32)
    sample = groups.sample.astype(np.uint32)
    pair_cell = (pairs.pair[sample] * n_values).astype(np.uint32)
    start = groups.start.astype(np.uint32)

    information = np.zeros(hi - lo)
    for k in range(lo, hi):
        values = Y[nodes[k]]
        bits = 0.0
        for g in range(start.size - 1):
            n_seen = np.uint32(0)
            for place in range(start[g], start[g + 1]):
                c = pair_cell[place] + values[sample[place]]
                if cells[c] == 0:
                    seen[n_seen] = c
                    n_seen += np.uint32(1)
                cells[c] += np.uint32(1)
            for c in seen[:n_seen]:
                m = cells[c]
                bits += f[m]
                inputs[input_of[c]] += m
                outputs[output_of[c]] += m
                totals[value_of[c]] += m
            # each margin is met once: it is set to zero where it is counted
            for c in seen[:n_seen]:
                v, i, o = value_of[c], input_of[c], output_of[c]
                bits += f[totals[v]] - f[inputs[i]] - f[outputs[o]]
                cells[c] = totals[v] = inputs[i] = outputs[o] = 0
        information[k - lo] = bits
    return information


@jit
def refine(values: Values, n_values: int, pairs: Pairs, groups: Groups, keep_all: bool) -> Groups:
    """Split each group by the values of a node; samples keep their order within each part.

    Unless `keep_all`, parts with only one input or only one output are left out: no further
    node can make them informative.
    """
    n_samples, n_groups = groups.sample.size, groups.start.size - 1
    # two passes of a radix sort: by value, then by group, each stable
    by_value = np.empty(n_samples, np.int32)
    group = np.empty(n_samples, np.int32)
    free = np.zeros(n_values + 1, np.int32)
    for sample in groups.sample:
        free[values[sample] + 1] += 1
    for y in range(n_values):
        free[y + 1] += free[y]
    for g in range(n_groups):
        for place in range(groups.start[g], groups.start[g + 1]):
            sample = groups.sample[place]
            at = free[values[sample]]
            by_value[at], group[at] = sample, g
            free[values[sample]] += 1
    ordered = np.empty(n_samples, np.int32)
    free = groups.start.copy()
    for at in range(n_samples):
        ordered[free[group[at]]] = by_value[at]
        free[group[at]] += 1

    start = np.empty(n_samples + 1, np.int32)
    n_kept = n_parts = 0
    for g in range(n_groups):
        begin = groups.start[g]
        while begin < groups.start[g + 1]:
            end = begin + 1
            while end < groups.start[g + 1] and values[ordered[end]] == values[ordered[begin]]:
                end += 1
            if keep_all or _varies(ordered[begin:end], pairs):
                start[n_parts] = n_kept
                n_parts += 1
                for place in range(begin, end):
                    ordered[n_kept] = ordered[place]
                    n_kept += 1
            begin = end
    start[n_parts] = n_kept
    return Groups(ordered[:n_kept].copy(), start[: n_parts + 1].copy())


@jit
def _varies(part: Labels, pairs: Pairs) -> bool:
    """Whether the samples have several inputs and several outputs."""
    first = pairs.pair[part[0]]
    other_in = other_out = False
    for sample in part:
        p = pairs.pair[sample]
        other_in |= pairs.pair_in[p] != pairs.pair_in[first]
        other_out |= pairs.pair_out[p] != pairs.pair_out[first]
        if other_in and other_out:
            return True
    return False


@jit
def group_information(pairs: Pairs, groups: Groups) -> float:
    """Return I(in;out|groups) times the number of samples."""
    no_node = np.zeros((1, pairs.pair.size), np.uint8)
    return split_information(0, 1, np.zeros(1, np.int64), no_node, 1, pairs, groups)[0]


@jit
def information_along(
    lo: int, hi: int, orders: Codes, Y: Values, n_values: int, pairs: Pairs
) -> Floats:
    """Return I(in;out|first k nodes), times the samples, for k = 0 ... and orders[lo:hi]."""
    information = np.zeros((hi - lo, orders.shape[1] + 1))
    for row in range(lo, hi):
        groups = one_group(pairs.pair.size)
        information[row - lo, 0] = group_information(pairs, groups)
        for k in range(orders.shape[1]):
            node = orders[row, k : k + 1]
            left = split_information(0, 1, node, Y, n_values, pairs, groups)
            information[row - lo, k + 1] = left[0]
            groups = refine(Y[node[0]], n_values, pairs, groups, False)
            if groups.sample.size == 0:
                break
    return information


@jit
def one_group(n_samples: int) -> Groups:
    """Return the one group of all samples."""
    return Groups(np.arange(n_samples).astype(np.int32), np.array([0, n_samples], np.int32))
