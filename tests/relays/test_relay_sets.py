"""All relay sets against one call each, and knockouts against a network that runs without nodes."""

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from relay_cases import Y4, X, cases, copy_and_noise, enumerate_bits, rng

import flux
from flux.relays.trained import balanced_accuracy

pytestmark = pytest.mark.filterwarnings("ignore:.*samples are too few")


def nodes_of(code, n):
    return [j for j in range(n) if code >> j & 1]


@given(cases(4))
def test_each_set_is_that_of_eight_entropies(case):
    xin, xout, Y = case
    found, n = flux.all_relay_information(xin, xout, Y), Y.shape[1]
    wanted = [oracles.relay_information(xin, xout, Y, nodes_of(code, n)) for code in range(2**n)]
    np.testing.assert_allclose(found.I, [one[0] for one in wanted], rtol=0, atol=1e-12)
    assert (found.leak, found.I_in_out) == pytest.approx(wanted[0][1:], abs=1e-12)


@given(cases(4))
def test_states_and_reliability_are_those_of_single_calls(case):
    xin, xout, Y = case
    found, n = flux.all_relay_information(xin, xout, Y), Y.shape[1]
    for code in range(2**n):
        one = flux.relay_information(xin, xout, Y, nodes_of(code, n))
        assert found.states[code] == one.states
        # one call also asks for the leak, which is that of the empty set
        assert (found.reliable[code] and found.reliable[0]) == one.reliable
    order = flux.relay_order(xin, xout, Y, rng=rng())
    codes = [sum(1 << j for j in order.order[k:].tolist()) for k in range(n + 1)]
    np.testing.assert_allclose(found.I[codes], order.curve, rtol=0, atol=1e-12)
    assert found.reliable[codes].tolist() == order.reliable.tolist()


def test_sets_of_an_xor_pair():
    """Y = (a, b, n), out = in = a xor b: 1 bit unless both a and b are in Y0."""
    a, b, n = enumerate_bits(3)
    found = flux.all_relay_information(a ^ b, a ^ b, np.stack([a, b, n], 1))
    np.testing.assert_allclose(found.I, [0, 1, 1, 1, 0, 1, 1, 1], rtol=0, atol=1e-12)
    assert found.reliable.all()
    assert found.states.tolist() == [8, 4, 4, 2, 4, 2, 2, 1]


def test_few_samples_are_marked():
    """The copy relays 1 bit whatever the noise, but not if each sample has a state of its own."""
    x, Y = copy_and_noise(12)
    found = flux.all_relay_information(x, x, Y)
    with_copy = np.arange(1 << 13) & 1 == 1
    wrong = with_copy & (found.I < 0.85)
    assert wrong.any()
    assert not found.reliable[wrong].any()
    assert found.reliable[found.states * 16 <= len(x)].all()


def test_threads_change_nothing(monkeypatch):
    x, Y = copy_and_noise(8, samples=300)
    found = flux.all_relay_information(x, x, Y)
    monkeypatch.setattr("flux._base.threads.numba.get_num_threads", lambda: 3)
    for one, other in zip(found, flux.all_relay_information(x, x, Y), strict=True):
        assert np.array_equal(one, other)


def test_seventeen_nodes_are_refused_with_a_remedy():
    with pytest.raises(ValueError, match=r"Y must have at most 16 nodes.*had 17.*relay_order"):
        flux.all_relay_information(X, X, np.zeros((4, 17), int))


def layer(seed, samples=40, nodes=5, classes=3):
    generator = rng(seed)
    return (
        generator.normal(size=(samples, nodes)),
        generator.normal(size=(classes, nodes)),
        generator.normal(size=classes),
        generator.permutation(np.arange(samples) % classes),
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("instead", ["zero", "mean", "shuffle"])
def test_knockouts_are_those_of_the_changed_network(seed, instead):
    h, weight, bias, y = layer(seed)
    put = {"zero": 0.0, "mean": h.mean(0), "shuffle": rng(seed).permutation(h)}[instead]
    out = flux.all_states(5) > 0
    found = flux.knockout_accuracy(h, put, weight, bias, y, out)
    for nodes, accuracies in zip(out, found, strict=True):
        said = (np.where(nodes, put, h) @ weight.T + bias).argmax(1)
        wanted = [balanced_accuracy(y == c, said == c) for c in range(3)]
        np.testing.assert_allclose(accuracies, wanted, rtol=0, atol=1e-12)


@given(st.permutations(range(5)))
def test_names_of_nodes_do_not_matter(order):
    h, weight, bias, y = layer(9)
    out = flux.all_states(5) > 0
    found = flux.knockout_accuracy(h, h.mean(0), weight, bias, y, out)
    renamed = h[:, order], h.mean(0)[order], weight[:, order], bias, y, out[:, order]
    np.testing.assert_allclose(flux.knockout_accuracy(*renamed), found, rtol=0, atol=1e-12)


def test_without_all_nodes_one_class_is_left():
    """Each answer is the class of the largest bias: right for one class, wrong for the others."""
    h, weight, _, y = layer(1)
    found = flux.knockout_accuracy(h, 0.0, weight, [0.0, 1.0, 0.5], y, np.ones((1, 5), bool))
    np.testing.assert_allclose(found, 0.5)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("h", np.zeros(4)),
        ("h", np.full((4, 4), np.nan)),
        ("instead", np.zeros(3)),
        ("instead", np.inf),
        ("weight", np.zeros((2, 3))),
        ("bias", np.zeros(3)),
        ("y", [0, 1, 0]),
        ("y", [0, 0, 0, 0]),
        ("y", [0, 1, 2, 0]),
        ("out", np.zeros((2, 3), bool)),
        ("out", np.zeros((2, 4))),
    ],
)
def test_what_does_not_fit_is_refused(name, wrong):
    good = {
        "h": Y4, "instead": 0.0, "weight": np.ones((2, 4)), "bias": [0, 1], "y": X,
        "out": np.eye(4, dtype=bool),
    }  # fmt: skip
    assert flux.knockout_accuracy(**good).shape == (4, 2)
    with pytest.raises(ValueError, match=rf"^{name} must"):
        flux.knockout_accuracy(**{**good, name: wrong})
