"""Groups of samples that agree in some nodes, refined node by node: the kernels behind relays.py.

Moving a node into Y0 splits each group of samples by the node's value. Nothing is ever
counted over all of Y0 again: only samples within one group meet.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from flux.states import Codes, Floats

Labels = NDArray[np.int32]
Values = NDArray[np.uint8]


class Task(NamedTuple):
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


@njit(cache=True, nogil=True)
def split_information(
    lo: int,
    hi: int,
    nodes: Codes,
    Y: Values,
    n_values: int,
    task: Task,
    groups: Groups,
) -> Floats:
    """Return I(in;out|groups, node) times the number of samples, for nodes[lo:hi].

    Of each part, a group's samples with one value of the node, the table of pairs is counted;
    with f(m) = m log2 m over its cells, margins and total, the part contributes
    sum f(pairs) + f(total) - sum f(inputs) - sum f(outputs).
    """
    n_pairs = task.pair_in.size
    n_in, n_out = task.pair_in.max() + 1, task.pair_out.max() + 1
    f = task.m_log_m
    pairs = np.zeros((n_values, n_pairs), np.int32)
    inputs = np.zeros((n_values, n_in), np.int32)
    outputs = np.zeros((n_values, n_out), np.int32)
    totals = np.zeros(n_values, np.int32)
    seen_value = np.empty(n_values * n_pairs, np.int32)
    seen_pair = np.empty(n_values * n_pairs, np.int32)
    found = np.zeros(hi - lo)
    for k in range(lo, hi):
        values = Y[nodes[k]]
        bits = 0.0
        for g in range(groups.start.size - 1):
            n_seen = 0
            for place in range(groups.start[g], groups.start[g + 1]):
                sample = groups.sample[place]
                y, p = values[sample], task.pair[sample]
                if pairs[y, p] == 0:
                    seen_value[n_seen] = y
                    seen_pair[n_seen] = p
                    n_seen += 1
                pairs[y, p] += 1
            for cell in range(n_seen):
                y, p = seen_value[cell], seen_pair[cell]
                m = pairs[y, p]
                bits += f[m]
                inputs[y, task.pair_in[p]] += m
                outputs[y, task.pair_out[p]] += m
                totals[y] += m
            # each margin is met once: it is set to zero where it is counted
            for cell in range(n_seen):
                y, p = seen_value[cell], seen_pair[cell]
                i, o = task.pair_in[p], task.pair_out[p]
                bits += f[totals[y]] - f[inputs[y, i]] - f[outputs[y, o]]
                pairs[y, p] = inputs[y, i] = outputs[y, o] = totals[y] = 0
        found[k - lo] = bits
    return found


@njit(cache=True, nogil=True)
def refine(values: Values, n_values: int, task: Task, groups: Groups, keep_all: bool) -> Groups:
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
            if keep_all or _varies(ordered[begin:end], task):
                start[n_parts] = n_kept
                n_parts += 1
                for place in range(begin, end):
                    ordered[n_kept] = ordered[place]
                    n_kept += 1
            begin = end
    start[n_parts] = n_kept
    return Groups(ordered[:n_kept].copy(), start[: n_parts + 1].copy())


@njit(cache=True, nogil=True)
def _varies(part: Labels, task: Task) -> bool:
    """Whether the samples have several inputs and several outputs."""
    first = task.pair[part[0]]
    other_in = other_out = False
    for sample in part:
        p = task.pair[sample]
        other_in |= task.pair_in[p] != task.pair_in[first]
        other_out |= task.pair_out[p] != task.pair_out[first]
        if other_in and other_out:
            return True
    return False


@njit(cache=True, nogil=True)
def follow(lo: int, hi: int, orders: Codes, Y: Values, n_values: int, task: Task) -> Floats:
    """Return I(in;out|first k nodes), times the samples, for k = 0 ... and orders[lo:hi]."""
    found = np.zeros((hi - lo, orders.shape[1] + 1))
    everyone = np.zeros(1, np.uint8).repeat(task.pair.size)
    for row in range(lo, hi):
        groups = whole(task.pair.size)
        found[row - lo, 0] = split_information(
            0, 1, np.zeros(1, np.int64), everyone.reshape(1, -1), 1, task, groups
        )[0]
        for k in range(orders.shape[1]):
            node = orders[row, k : k + 1]
            found[row - lo, k + 1] = split_information(0, 1, node, Y, n_values, task, groups)[0]
            groups = refine(Y[node[0]], n_values, task, groups, False)
            if groups.sample.size == 0:
                break
    return found


@njit(cache=True, nogil=True)
def whole(n_samples: int) -> Groups:
    """Return the one group of all samples."""
    return Groups(np.arange(n_samples).astype(np.int32), np.array([0, n_samples], np.int32))
