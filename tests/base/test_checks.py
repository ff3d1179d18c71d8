"""Argument checks: what they accept, make of it, and refuse."""

from typing import Any

import numpy as np
import pytest
from fake_tensors import SparseTensor, Tensor
from scipy import sparse

import flux
from flux import ArgumentError
from flux._base.checks import (
    LARGEST_SUM,
    as_array,
    check_any_weights,
    check_bias,
    check_choice,
    check_count,
    check_real,
    check_rng,
    check_spins,
    check_type,
    check_unmasked,
    check_weights,
    read_only,
    short,
)

RAGGED = [[1, 1], [1]]


@pytest.mark.parametrize(
    "W",
    [
        [],
        [[]],
        [1.0],
        1.0,
        None,
        "ab",
        np.ones((2, 3)),
        np.ones((2, 2, 2)),
        [[np.nan]],
        [[1, np.inf], [-np.inf, 0]],
        [[1j]],
        RAGGED,
        np.array([[None]]),
    ],
)
def test_check_weights_refuses(W: Any) -> None:
    for check in (check_weights, check_any_weights):
        with pytest.raises(ValueError, match=r"^W must"):
            check(W)


def test_check_weights_accepts_all_whose_fields_are_finite() -> None:
    largest = np.array([[LARGEST_SUM / 2, -LARGEST_SUM / 2], [0, LARGEST_SUM]])
    for check in (check_weights, check_any_weights):
        assert np.array_equal(check(largest), largest)
        with pytest.raises(ValueError, match=r"^W must have row sums .* but one was 4.4e\+307"):
            check(largest * 1.1)
    assert check_any_weights(sparse.csr_array(largest)).nnz == 3
    with pytest.raises(ValueError, match=r"^W must have row sums"):
        check_any_weights(sparse.csr_array(largest * 1.1))
    assert check_bias([LARGEST_SUM, -LARGEST_SUM], 2).tolist() == [LARGEST_SUM, -LARGEST_SUM]
    with pytest.raises(ValueError, match=r"^b must lie from -4e\+307 to 4e\+307"):
        check_bias([1.1 * LARGEST_SUM, 0], 2)
    assert check_weights([[1, 2], [3, 4]]).dtype == np.float64
    assert check_weights(np.asfortranarray(largest)).flags.c_contiguous


@pytest.mark.parametrize(
    "W",
    [
        sparse.csr_array(np.ones((2, 3))),
        sparse.csr_array(np.array([[np.nan]])),
        sparse.csr_array(np.array([[1j]])),
    ],
)
def test_check_any_weights_refuses_sparse(W: Any) -> None:
    with pytest.raises(ValueError, match=r"^W must"):
        check_any_weights(W)


def test_sparse_weights_become_canonical() -> None:
    doubled = sparse.coo_array(([1.0, 2.0, 0.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    rows = check_any_weights(doubled)
    assert rows.nnz == 1
    assert rows.toarray().tolist() == [[0, 3], [0, 0]]
    assert doubled.nnz == 3
    with pytest.raises(ValueError, match=r"was sparse"):
        check_weights(doubled)


def test_sparse_float32_duplicates_keep_what_their_sum_would_round_away() -> None:
    data = np.array([2.0**24, *[1.0] * 9], np.float32)
    doubled = sparse.coo_array((data, (np.zeros(10, int), np.zeros(10, int))), shape=(2, 2))
    assert check_any_weights(doubled)[0, 0] == 2**24 + 9


def test_check_bias() -> None:
    assert check_bias(None, 3).tolist() == [0, 0, 0]
    assert check_bias([1, 2], 2).dtype == np.float64


@pytest.mark.parametrize("b", [[], [1.0], [1, 2, 3], 1.0, [[1, 2]], [1, np.nan], "ab", [1, 1j]])
def test_check_bias_refuses(b: Any) -> None:
    with pytest.raises(ValueError, match=r"^b must"):
        check_bias(b, 2)


def test_check_spins_names_what_it_refuses() -> None:
    assert check_spins("x0", [1, -1], 2).tolist() == [1, -1]
    with pytest.raises(ValueError, match=r"^x0 must have shape \(..., n\) with n = 3"):
        check_spins("x0", [1, -1], 3)
    with pytest.raises(ValueError, match=r"only spins -1 and .1, but held 7"):
        check_spins("x0", [1, 7])


@pytest.mark.parametrize(
    "value", [-0.1, 1.1, np.nan, np.inf, None, "0.5", True, 1j, [0.5], 10**400]
)
def test_check_real_refuses(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^density must be a finite number from 0 to 1"):
        check_real("density", value, 0.0, 1.0)


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.5), np.int8(1)])
def test_check_real_accepts(value: Any) -> None:
    assert check_real("density", value, 0.0, 1.0) == value


def test_check_count_says_what_is_allowed() -> None:
    assert check_count("steps", np.int32(4), 1) == 4
    with pytest.raises(ValueError, match=r"^steps must be an integer at least 1, but was 0$"):
        check_count("steps", 0, 1)


@pytest.mark.parametrize("rng", [None, 1, np.random, "rng"])
def test_check_rng_refuses(rng: Any) -> None:
    with pytest.raises(ValueError, match=r"^rng must be a numpy Generator"):
        check_rng(rng)


@pytest.mark.parametrize("value", ["C", "", None, 1, ["a"]])
def test_check_choice_names_the_choices(value: Any) -> None:
    assert check_choice("method", "b", ("a", "b")) == "b"
    with pytest.raises(ArgumentError, match=r"^method must be one of a, b, but was "):
        check_choice("method", value, ("a", "b"))


def test_check_type_says_what_makes_one() -> None:
    check_type("task", 3, int, "made by hand")
    with pytest.raises(ArgumentError, match=r"^task must be made by hand, but was 'three'"):
        check_type("task", "three", int, "made by hand")


@pytest.mark.parametrize(
    "hidden", [lambda a: a, lambda a: [1, a], lambda a: {"x": a}, lambda a: [{"x": (a,)}]]
)
def test_masked_entries_are_found_wherever_they_are(hidden: Any) -> None:
    masked = np.ma.MaskedArray([1.0, 2.0], [False, True])
    with pytest.raises(ArgumentError, match=r"^x must have no masked entries"):
        check_unmasked("x", hidden(masked))
    check_unmasked("x", hidden(np.ma.MaskedArray([1.0, 2.0], [False, False])))


def test_read_only_is_a_view() -> None:
    values = np.zeros(3)
    view = read_only(values)
    assert np.shares_memory(view, values)
    assert values.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1.0


@pytest.mark.parametrize("value", [np.zeros((1000, 1000)), [1] * 10**6, 10**400, "a" * 10**6])
def test_short_is_one_line(value: Any) -> None:
    text = short(value)
    assert len(text) <= 200
    assert "\n" not in text


VALUES = np.array([[0.5, -1.25], [3.0, 0.0]], np.float32)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (Tensor(VALUES), "f4"),
        (Tensor(VALUES, grad=True), "f4"),
        (Tensor(VALUES.astype(float), grad=True), "f8"),
        (Tensor(VALUES, device="cuda:0"), "f4"),
        (Tensor(VALUES, device="cuda:0", grad=True), "f4"),
        (Tensor(VALUES, "bfloat16"), "f4"),
        (Tensor(VALUES, "float8_e5m2", grad=True, device="cuda:0"), "f4"),
        ([Tensor(row, "bfloat16", grad=True) for row in VALUES], "f4"),
        (tuple(Tensor(row, device="mps:0") for row in VALUES), "f4"),
    ],
    ids=repr,
)
def test_tensors_become_arrays_without_a_loss(value: Any, dtype: str) -> None:
    if isinstance(value, Tensor) and value.numpy.__func__ is Tensor.numpy and value.grad:
        with pytest.raises(RuntimeError, match="requires grad"):
            np.asarray(value)
    found = as_array("x", value, "f")
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, VALUES)


def test_integer_tensors_stay_integers() -> None:
    found = as_array("nodes", Tensor([3, 2**62 + 1], device="cuda:0"), "iu")
    assert found.dtype == np.int64
    assert found.tolist() == [3, 2**62 + 1]


def test_a_tensor_s_memory_is_shared_where_it_can_be() -> None:
    values = VALUES.copy()
    assert np.shares_memory(as_array("x", Tensor(values, grad=True)), values)


@pytest.mark.parametrize("layout", ["torch.sparse_coo", "torch.sparse_csr"])
def test_sparse_tensors_are_refused_with_the_remedy(layout: str) -> None:
    tensor = SparseTensor(VALUES)
    tensor.layout = layout
    with pytest.raises(ArgumentError, match=r"^x must be a dense array .* pass \.to_dense\(\)"):
        as_array("x", tensor)
    assert np.array_equal(as_array("x", tensor.to_dense()), VALUES)
    with pytest.raises(ArgumentError, match=r"^W must be a dense array here"):
        flux.exact_flux(tensor)


def test_what_numpy_cannot_hold_is_refused_in_its_library_s_words() -> None:
    remedy = r"^x must be an array.*unsupported ScalarType.*\.detach\(\)\.cpu\(\)\.numpy\(\)"
    with pytest.raises(ArgumentError, match=remedy) as caught:
        as_array("x", Tensor(np.arange(3), "quint8"))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "int4", "uint4"])
def test_types_of_jax_become_numpy_s_without_a_loss(name: str) -> None:
    jnp = pytest.importorskip("jax.numpy", reason="jax is no requirement")
    small = jnp.asarray([1, 0, 3], getattr(jnp, name))
    found = as_array("x", small, "biuf")
    assert found.dtype == ("int8" if "int" in name else "float32")
    assert found.tolist() == [1, 0, 3]
    assert as_array("x", np.asarray(small), "biuf").dtype == found.dtype


def test_all_bfloat16_are_exact() -> None:
    jnp = pytest.importorskip("jax.numpy", reason="jax is no requirement")
    every = np.arange(2**16, dtype=np.uint16).view(jnp.bfloat16)
    np.testing.assert_array_equal(
        as_array("x", every), (np.arange(2**16, dtype=np.uint32) << 16).view(np.float32)
    )


def test_arrays_of_jax() -> None:
    jax = pytest.importorskip("jax", reason="jax is no requirement")
    sparse_ones = pytest.importorskip("jax.experimental.sparse").BCOO.fromdense(jax.numpy.eye(2))
    with pytest.raises(ArgumentError, match=r"^x must be a dense array .* pass \.todense\(\)"):
        as_array("x", sparse_ones)
    with pytest.raises(
        ArgumentError, match=r"^W must be an array.*traced array.*outside of compiled"
    ):
        jax.jit(flux.exact_flux)(np.eye(2))
    np.testing.assert_array_equal(as_array("x", jax.numpy.asarray(VALUES)), VALUES)


def test_torch_itself() -> None:
    torch = pytest.importorskip("torch", reason="torch is no requirement")
    tensor = torch.tensor(VALUES, requires_grad=True)
    for one in (
        tensor,
        tensor.detach(),
        tensor.bfloat16(),
        list(tensor),
        torch.nn.Parameter(tensor),
    ):
        np.testing.assert_array_equal(as_array("x", one, "f"), VALUES)
    for one in (tensor.to_sparse(), tensor.to_sparse_csr()):
        with pytest.raises(ArgumentError, match=r"pass \.to_dense\(\)"):
            as_array("x", one)


def test_relays_of_tensors_are_those_of_arrays() -> None:
    h = np.random.default_rng(1).normal(size=(60, 3)).astype(np.float32)
    found = flux.coarse_grain(Tensor(h, grad=True, device="cuda:0"))
    assert np.array_equal(found, flux.coarse_grain(h))
