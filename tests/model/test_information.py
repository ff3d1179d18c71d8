"""Entropies: analytic values, against plain sums, invariances and bounds, and what is refused."""

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from flux import Flux, binary_entropy, entropy, mutual_information
from flux.model.information import row_entropies

EXACT = 1e-12
NOT_PROBABILITIES = [
    None,
    "ab",
    ["a"],
    [1j],
    {},
    [[1], [1, 2]],
    [],
    np.nan,
    [np.nan],
    [-0.1, 1.1],
    [0.5, 0.6],
    [np.inf],
    np.array([0.5, 0.5], object),
]


@st.composite
def distributions(draw: st.DrawFn, dimensions: int = 1) -> NDArray[np.float64]:
    """Draw a distribution in which some outcomes may be impossible."""
    shape = draw(st.tuples(*[st.integers(1, 6)] * dimensions))
    weights = draw(arrays(np.float64, shape, elements=st.sampled_from([0.0, 1e-9, 0.1, 1.0, 7.0])))
    weights.flat[draw(st.integers(0, weights.size - 1))] = 1.0
    return weights / weights.sum()


def plain_entropy(p: NDArray[np.float64]) -> float:
    return -math.fsum(q * math.log2(q) for q in p.ravel().tolist() if q > 0)


@pytest.mark.parametrize("n", [1, 2, 3, 64, 1000])
def test_uniform_distribution(n: int) -> None:
    assert entropy(np.full(n, 1 / n)) == pytest.approx(math.log2(n), abs=EXACT)


def test_certainty_has_no_entropy() -> None:
    certain = entropy([0.0, 1.0, 0.0])
    assert certain == 0
    assert math.copysign(1, certain) == 1


@given(distributions(dimensions=2))
def test_entropy_against_a_plain_sum(p: NDArray[np.float64]) -> None:
    assert entropy(p) == pytest.approx(plain_entropy(p), abs=EXACT)


@given(distributions(), st.randoms(use_true_random=False))
def test_entropy_knows_no_order(p: NDArray[np.float64], random: Any) -> None:
    shuffled = p.tolist()
    random.shuffle(shuffled)
    assert entropy(shuffled) == pytest.approx(entropy(p), abs=EXACT)


@given(distributions())
def test_entropy_is_bounded(p: NDArray[np.float64]) -> None:
    assert -EXACT <= entropy(p) <= math.log2(p.size) + EXACT


@given(distributions(), distributions())
def test_entropies_of_independent_variables_add(
    p: NDArray[np.float64], q: NDArray[np.float64]
) -> None:
    assert entropy(np.outer(p, q)) == pytest.approx(entropy(p) + entropy(q), abs=1e-11)


def test_binary_entropy_values() -> None:
    values = binary_entropy([0.0, 0.11, 0.25, 0.5, 1.0])
    expected = [0, 0.499915958164528, 2 - 0.75 * math.log2(3), 1, 0]
    assert values == pytest.approx(expected, abs=EXACT)
    assert np.signbit(values).tolist() == [False] * 5


@given(st.floats(0, 1))
def test_binary_entropy_is_the_entropy_of_two_outcomes(p: float) -> None:
    assert binary_entropy(p) == pytest.approx(entropy([p, 1 - p]), abs=EXACT)
    assert binary_entropy(p) == pytest.approx(float(binary_entropy(1 - p)), abs=EXACT)


@pytest.mark.parametrize("p", [1e-300, 1e-17, 1e-12, 1e-6, 0.01, 0.49])
def test_entropies_of_rare_outcomes_keep_their_relative_precision(p: float) -> None:
    with mp.workdps(350):
        rare, often = mp.mpf(p), 1 - mp.mpf(p)
        expected = float(-(rare * mp.log(rare, 2) + often * mp.log(often, 2)))
    assert binary_entropy(p) == pytest.approx(expected, rel=EXACT, abs=0)
    rows = row_entropies(np.array([[1 - p, p], [p, 1 - p]]))
    np.testing.assert_allclose(rows, expected, rtol=EXACT)


def test_binary_entropy_keeps_the_shape() -> None:
    assert binary_entropy(0.5).shape == ()
    assert binary_entropy(np.full((2, 3), 0.5)).shape == (2, 3)
    assert binary_entropy(np.empty((0, 3))).shape == (0, 3)


def test_mutual_information_values() -> None:
    assert mutual_information(np.eye(4) / 4) == pytest.approx(2, abs=EXACT)
    assert mutual_information(np.full((3, 5), 1 / 15)) == pytest.approx(0, abs=EXACT)
    # a channel that flips one bit in ten
    assert mutual_information([[0.45, 0.05], [0.05, 0.45]]) == pytest.approx(
        1 - float(binary_entropy(0.1)), abs=EXACT
    )


@given(distributions(dimensions=2))
def test_mutual_information_is_a_difference_of_entropies(p: NDArray[np.float64]) -> None:
    difference = plain_entropy(p.sum(0)) + plain_entropy(p.sum(1)) - plain_entropy(p)
    assert mutual_information(p) == pytest.approx(difference, abs=EXACT)


@given(distributions(dimensions=2))
def test_mutual_information_is_symmetric_and_bounded(p: NDArray[np.float64]) -> None:
    information = mutual_information(p)
    assert information == pytest.approx(mutual_information(p.T), abs=EXACT)
    assert -EXACT <= information <= min(entropy(p.sum(0)), entropy(p.sum(1))) + EXACT


@given(distributions(), distributions())
def test_independent_variables_share_nothing(
    p: NDArray[np.float64], q: NDArray[np.float64]
) -> None:
    assert mutual_information(np.outer(p, q)) == pytest.approx(0, abs=EXACT)


@pytest.mark.parametrize("tiny", [1e-200, 5e-324])
def test_mutual_information_of_hardly_possible_outcomes(tiny: float) -> None:
    assert mutual_information([[1.0, 0.0], [0.0, tiny]]) == pytest.approx(0, abs=EXACT)


def test_flux_names_its_fields() -> None:
    assert Flux(I=1.0, H=3.0, D=2.0) == (1.0, 3.0, 2.0)


@pytest.mark.parametrize("p", NOT_PROBABILITIES)
def test_entropy_refuses(p: Any) -> None:
    with pytest.raises(ValueError, match=r"^p must"):
        entropy(p)


@pytest.mark.parametrize("p", [None, "a", [1j], {}, [[1], [1, 2]], np.nan, -0.1, 1.1, np.inf])
def test_binary_entropy_refuses(p: Any) -> None:
    with pytest.raises(ValueError, match=r"^p must"):
        binary_entropy(p)


@pytest.mark.parametrize("joint", [*NOT_PROBABILITIES, [0.5, 0.5], 1.0, np.ones((1, 1, 1))])
def test_mutual_information_refuses(joint: Any) -> None:
    with pytest.raises(ValueError, match=r"^joint must"):
        mutual_information(joint)
