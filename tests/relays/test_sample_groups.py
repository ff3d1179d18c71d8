"""The kernels of relays, against rows that are sorted and counted anew."""

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from relay_cases import cases, rng

from flux.relays._checked_samples import check_samples
from flux.relays._sample_groups import (
    group_information,
    information_along,
    one_group,
    refine,
    split_information,
)


def refined(samples, nodes, keep_all=True):
    groups = one_group(samples.pairs.pair.size)
    for j in nodes:
        groups = refine(samples.Y[j], samples.n_values, samples.pairs, groups, keep_all)
    return groups


def members(groups):
    return [part.tolist() for part in np.split(groups.sample, groups.start[1:-1])]


@given(cases(4))
def test_groups_are_the_equal_rows(case):
    """In the order of the rows, and the samples of a group in their own."""
    xin, xout, Y = case
    label = np.unique(Y, axis=0, return_inverse=True)[1].reshape(-1)
    wanted = [np.flatnonzero(label == k).tolist() for k in range(label.max() + 1)]
    samples = check_samples(xin, xout, Y)
    assert members(refined(samples, range(Y.shape[1]))) == wanted

    informative = [
        part for part in wanted if np.unique(xin[part]).size > 1 and np.unique(xout[part]).size > 1
    ]
    kept = refined(samples, range(Y.shape[1]), keep_all=False)
    assert kept.sample.tolist() == [sample for part in informative for sample in part]


@given(cases(4), st.booleans())
def test_information_is_that_of_the_rows(case, keep_all):
    xin, xout, Y = case
    samples = check_samples(xin, xout, Y)
    n = Y.shape[1]

    def wanted(nodes):
        """I(in;out|nodes): what leaks past them, if there are no others."""
        shown = Y[:, nodes] if nodes else np.zeros((len(Y), 1), int)
        return oracles.relay_information(xin, xout, shown, [])[1]

    groups = refined(samples, range(n - 1), keep_all)
    found = group_information(samples.pairs, groups) / len(Y)
    assert found == pytest.approx(wanted(list(range(n - 1))), abs=1e-12)

    args = (np.arange(n), samples.Y, samples.n_values, samples.pairs)
    found = split_information(0, n, *args, groups) / len(Y)
    each = [wanted([*range(n - 1), j]) for j in range(n)]
    np.testing.assert_allclose(found, each, rtol=0, atol=1e-12)
    assert np.array_equal(split_information(n - 1, n, *args, groups) / len(Y), found[n - 1 :])

    orders = np.array([np.arange(n), rng().permutation(n)])
    found = information_along(0, 2, orders, samples.Y, samples.n_values, samples.pairs) / len(Y)
    along = [[wanted(order[:k].tolist()) for k in range(n + 1)] for order in orders]
    np.testing.assert_allclose(found, along, rtol=0, atol=1e-12)
