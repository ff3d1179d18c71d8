"""Labels and node states: whatever their names are, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from relay_cases import Y4, X, cases, rng

import flux

pytestmark = pytest.mark.filterwarnings("ignore:.*samples are too few")


@given(cases(4), st.permutations(range(4)), st.integers(-3, 3))
def test_names_of_states_samples_and_nodes_do_not_matter(case, names, shift):
    xin, xout, Y = case
    known = flux.relay_order(xin, xout, Y, rng=rng())
    other_in = np.array(["d", "bb", "a", "c"])[xin]
    again = flux.relay_order(other_in, xout * 10**12, np.array(names)[Y] + shift, rng=rng())
    # the lowest name comes first, whatever the value: sums may differ in the last digit
    np.testing.assert_allclose(known.curve, again.curve, rtol=0, atol=1e-12)
    assert np.array_equal(known.order, again.order)
    scattered = flux.relay_order(xin, xout, Y * 10**6 - 5, rng=rng())
    assert np.array_equal(known.curve, scattered.curve)
    back = flux.relay_scores(xin[::-1], xout[::-1], Y[::-1, ::-1], kind="single", rng=rng())[::-1]
    single = flux.relay_scores(xin, xout, Y, kind="single", rng=rng())
    np.testing.assert_allclose(single, back, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("xin", "xout", "Y", "message"),
    [
        (X[:3], X, Y4, r"xin must have shape \(4,\).*\(3,\)"),
        (X, X[None], Y4, "xout must have shape"),
        (X / 2, X, Y4, "xin must hold whole numbers or words"),
        (X, X, Y4[0], r"Y must have shape \(samples, nodes\)"),
        (X, X, Y4[:, :0], r"Y must have shape"),
        (X, X, Y4 / 2, "Y must hold small integers.*coarse_grain"),
        (
            np.arange(300),
            np.arange(300),
            np.arange(300)[:, None] ** 2,
            "at most 256.*node 0 had 300",
        ),
    ],
)
def test_bad_arguments(xin, xout, Y, message):
    with pytest.raises(ValueError, match=message):
        flux.relay_information(xin, xout, Y, [0])
    with pytest.raises(ValueError, match=message):
        flux.relay_order(xin, xout, Y, rng=rng())
    with pytest.raises(ValueError, match=message):
        flux.relay_scores(xin, xout, Y, rng=rng())
