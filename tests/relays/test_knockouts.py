"""Networks of any library: the same knockouts as trained ones, patches, and bad functions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fake_tensors import Tensor

import flux
from flux import run_steps, run_with_knockout, run_with_patch

MIX = np.array([[0.5, -1.0, 0.25], [0.75, 0.5, 0.0], [-0.5, 0.25, 1.0]])
SEE = np.array([[1.0, 0.0, -1.0], [0.5, 1.0, 0.0]])
READ = np.array([[1.0, -1.0], [0.5, 0.5], [0.0, 2.0]])


def make_rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def step(h: Any, x: Any) -> Any:
    return np.tanh(h @ MIX + x @ SEE)


def read(h: Any) -> Any:
    return h @ READ


X, DONOR = make_rng().normal(size=(2, 6, 5, 2))
H0 = make_rng(2).normal(size=(6, 3))


def by_hand(change: Callable[[Any, int], Any]) -> tuple[Any, Any]:
    """Return states and answers of the network above, changed after each step's input."""
    h, states = H0, []
    for t in range(5):
        h = change(np.tanh(h @ MIX + X[:, t] @ SEE), t)
        states.append(h)
    h = np.stack(states, 1)
    return h, h @ READ


def test_run_by_hand() -> None:
    found = run_steps(step, read, H0, X)
    h, logits = by_hand(lambda h, t: h)
    np.testing.assert_allclose(found.h, h, atol=1e-14)
    np.testing.assert_allclose(found.logits, logits, atol=1e-14)
    assert found.others == ()


@pytest.mark.parametrize("mode", ["shuffle", "zero", "mean"])
def test_knockout_by_hand(mode: Any) -> None:
    others = make_rng(7).permutation(6)
    put = {
        "shuffle": lambda h: h[others],
        "zero": lambda h: 0 * h,
        "mean": lambda h: h.mean(0) + 0 * h,
    }

    def change(h: Any, t: int) -> Any:
        if t == 2:
            h = h.copy()
            h[:, [0, 2]] = put[mode](h)[:, [0, 2]]
        return h

    found = run_with_knockout(step, read, H0, X, [2, 0], 2, rng=make_rng(7), mode=mode)
    h, logits = by_hand(change)
    np.testing.assert_allclose(found.h, h, atol=1e-14)
    np.testing.assert_allclose(found.logits, logits, atol=1e-14)
    assert not np.allclose(found.h, run_steps(step, read, H0, X).h)


def test_patch_by_hand() -> None:
    given = run_steps(step, read, H0, DONOR).h[:, 2]

    def change(h: Any, t: int) -> Any:
        return np.column_stack([h[:, 0], given[:, 1], h[:, 2]]) if t == 2 else h

    runs = run_with_patch(step, read, H0, X, DONOR, [1], 2)
    h, logits = by_hand(change)
    np.testing.assert_allclose(runs.patched.h, h, atol=1e-14)
    np.testing.assert_allclose(runs.patched.logits, logits, atol=1e-14)
    for run, x in ((runs.clean, X), (runs.donor, DONOR)):
        assert np.array_equal(run.h, run_steps(step, read, H0, x).h)
    assert np.array_equal(runs.patched.h[:, :2], runs.clean.h[:, :2])


def test_no_node_changes_nothing_and_all_nodes_hand_over_the_state() -> None:
    """After the step the patched run sees its own inputs, so that these must be the donor's."""
    x = np.concatenate([X[:, :3], DONOR[:, 3:]], 1)
    runs = run_with_patch(step, read, H0, x, DONOR, [], 2)
    assert np.array_equal(runs.patched.h, runs.clean.h)
    runs = run_with_patch(step, read, H0, x, DONOR, [0, 1, 2], 2)
    assert np.array_equal(runs.patched.h[:, 2:], runs.donor.h[:, 2:])
    assert np.array_equal(runs.patched.logits[:, 2:], runs.donor.logits[:, 2:])
    for mode in ("shuffle", "zero", "mean"):
        hit = run_with_knockout(step, read, H0, X, [], 2, rng=make_rng(), mode=mode)
        assert np.array_equal(hit.h, run_steps(step, read, H0, X).h)


def test_shuffle_is_a_patch_from_the_samples_in_another_order() -> None:
    others = make_rng(3).permutation(6)
    start = np.zeros((6, 3))
    hit = run_with_knockout(step, read, start, X, [0, 1], 3, rng=make_rng(3))
    runs = run_with_patch(step, read, start, X, X[others], [0, 1], 3)
    np.testing.assert_allclose(hit.h, runs.patched.h, atol=1e-14)


def test_mean_leaves_the_sample_mean_of_linear_readings_alone() -> None:
    hit = run_with_knockout(step, read, H0, X, [0, 1], 4, rng=make_rng(), mode="mean")
    clean = run_steps(step, read, H0, X)
    np.testing.assert_allclose(hit.logits[:, 4].mean(0), clean.logits[:, 4].mean(0), atol=1e-14)


def test_a_network_that_works_in_place_is_recorded_all_the_same() -> None:
    buffer = np.empty((6, 3))

    def in_place(h: Any, x: Any) -> Any:
        h += x @ SEE
        buffer[:] = h
        return buffer

    start = H0.copy()
    found = run_with_patch(in_place, lambda h: buffer, start, X, DONOR, [1], 2)
    expected = run_with_patch(lambda h, x: h + x @ SEE, lambda h: h, H0, X, DONOR, [1], 2)
    assert np.array_equal(start, H0)
    np.testing.assert_allclose(found.clean.h, expected.clean.h, atol=1e-14)
    np.testing.assert_allclose(found.donor.logits, expected.donor.logits, atol=1e-14)
    np.testing.assert_allclose(found.patched.h, expected.patched.h, atol=1e-14)


def test_a_network_cut_in_two_at_its_nodes() -> None:
    """No time and words instead of numbers: one step, whose inputs have axes of their own."""
    words = make_rng().integers(0, 4, (6, 1, 8))
    embedded = make_rng(2).normal(size=(4, 3))
    found = run_with_knockout(
        lambda h, x: embedded[x].mean(1), read, np.zeros((6, 3)), words, [1], 0,
        rng=make_rng(), mode="zero",
    )  # fmt: skip
    h = embedded[words[:, 0]].mean(1)
    h[:, 1] = 0
    np.testing.assert_allclose(found.logits[:, 0], h @ READ, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_tensors_that_require_gradients_on_a_gpu(dtype: str) -> None:
    def on_gpu(values: Any) -> Tensor:
        return Tensor(np.float32(values), dtype, grad=True, device="cuda:0")

    def tensor_step(h: Any, x: Any) -> Tensor:
        assert type(h) is type(x) is np.ndarray
        return on_gpu(step(h, x))

    network = (tensor_step, lambda h: on_gpu(read(h)), Tensor(H0, device="cuda:0"))
    found = run_with_patch(*network, Tensor(X, grad=True), Tensor(DONOR), [1], 2)
    expected = run_with_patch(step, read, H0, X, DONOR, [1], 2)
    np.testing.assert_allclose(found.patched.logits, expected.patched.logits, atol=1e-5)
    assert found.patched.h.dtype == np.float32


# --- the same as networks trained in JAX ---------------------------------------------------------


def as_functions(network: Any) -> tuple[Any, Any]:
    """Return a trained network's step and reading, compiled."""
    jax = pytest.importorskip("jax", reason="trained networks need jax, equinox and optax")

    @jax.jit
    def step(h: Any, x: Any) -> Any:
        return jax.vmap(network.cell)(x, h)

    return step, jax.jit(jax.vmap(network.readout))


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("mode", ["shuffle", "zero", "mean"])
def test_knockout_of_a_trained_network_is_the_same(kind: Any, mode: Any) -> None:
    trained = pytest.importorskip("flux.relays.trained", reason="needs jax, equinox and optax")
    from flux.relays import tasks

    task = tasks.memory_task(64, rng=make_rng(), delay=6)
    network = trained.make_network(kind, task, rng=make_rng(), hidden=8)
    network = trained.train(network, task, rng=make_rng(), updates=50, progress=False).network
    wanted = trained.knockout(network, task.x, [1, 4, 5], 3, rng=make_rng(9), mode=mode)
    step, readout = as_functions(network)
    rest = np.zeros((64, 8), np.float32)
    h0 = (rest, rest) if kind == "lstm" else rest
    read = (lambda states: readout(states[0])) if kind == "lstm" else readout
    found = run_with_knockout(step, read, h0, task.x, [1, 4, 5], 3, rng=make_rng(9), mode=mode)
    np.testing.assert_allclose(found.h, wanted.h, atol=1e-6)
    np.testing.assert_allclose(found.logits, wanted.logits.reshape(64, 7, 4), atol=1e-5)
    assert found.h.dtype == found.logits.dtype == np.float32
    assert len(found.others) == (kind == "lstm")
    if kind == "lstm":
        np.testing.assert_allclose(found.others[0], wanted.c, atol=1e-6)
    plain = run_steps(step, read, h0, task.x)
    np.testing.assert_allclose(plain.h, trained.record(network, task.x).h, atol=1e-6)
    assert np.abs(found.h - plain.h).max() > 0.1


def test_functions_of_jax_that_know_float32_alone() -> None:
    jax = pytest.importorskip("jax", reason="jax is no requirement")
    jnp = jax.numpy
    kinds = set()

    def half(h: Any, x: Any) -> Any:
        kinds.add(h.dtype)
        return (0.5 * h + x).astype(jnp.bfloat16)

    for mode in ("shuffle", "zero", "mean"):
        found = run_with_knockout(
            jax.jit(half), lambda h: h, np.zeros((6, 2), np.float32), X, [0], 2,
            rng=make_rng(), mode=mode,
        )  # fmt: skip
        assert found.h.dtype == np.float32
    assert kinds == {np.dtype("float32")}


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_cells_of_torch(kind: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is no requirement")
    cell, readout = getattr(torch.nn, f"{kind.upper()}Cell")(2, 3), torch.nn.Linear(3, 2)
    x, donor_x = X.astype(np.float32), DONOR.astype(np.float32)
    rest = np.zeros((6, 3), np.float32)

    def in_torch(h: Any) -> Any:
        return tuple(map(torch.tensor, h)) if kind == "lstm" else torch.tensor(h)

    runs = run_with_patch(
        lambda h, x: cell(torch.tensor(x), in_torch(h)),
        lambda h: readout(torch.tensor(h[0] if kind == "lstm" else h)),
        (rest, rest) if kind == "lstm" else rest, x, donor_x, [0, 1, 2], 4,
    )  # fmt: skip
    layer = getattr(torch.nn, kind.upper())(2, 3, batch_first=True)
    layer.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
    with torch.no_grad():
        np.testing.assert_allclose(runs.clean.h, layer(torch.tensor(x))[0], atol=1e-6)
    np.testing.assert_allclose(runs.patched.logits[:, 4], runs.donor.logits[:, 4], atol=1e-6)


# --- what is refused -----------------------------------------------------------------------------

COUNTED: list[int] = []


def later(bad: Any, good: Any) -> Any:
    """Return a function that is good at first and bad from its third call on."""
    COUNTED.clear()

    def function(*given: Any) -> Any:
        COUNTED.append(1)
        return bad(*given) if len(COUNTED) > 2 else good(*given)

    return function


BAD_STEPS = {
    "columns": (lambda h, x: h[:, :2], r"states of shape \(6, 3\), as h0 has, .* \(6, 2\)"),
    "rows": (lambda h, x: h[:4], r"shape \(6, 3\), as h0 has, but returned \(4, 3\)"),
    "turned": (lambda h, x: h.T, r"shape \(6, 3\), as h0 has, but returned \(3, 6\)"),
    "one sample": (lambda h, x: h[0], r"shape \(6, 3\), as h0 has, but returned \(3,\)"),
    "nan": (lambda h, x: h * np.nan, "finite numbers, but 18 of 18 were not"),
    "infinity": (lambda h, x: h + np.inf, "finite numbers, but 18 of 18 were not"),
    "words": (lambda h, x: np.full(h.shape, "a"), "real numbers"),
    "complex": (lambda h, x: 1j * h, "real numbers"),
    "nothing": (lambda h, x: None, "real numbers"),
    "as a layer of torch": (lambda h, x: (h, h), "one array of states, as h0 is"),
}


@pytest.mark.parametrize("when", ["at once", "later"])
@pytest.mark.parametrize("bad", BAD_STEPS)
def test_bad_steps_are_refused_by_name(bad: str, when: str) -> None:
    function, message = BAD_STEPS[bad]
    function = function if when == "at once" else later(function, step)
    with pytest.raises(flux.ArgumentError, match=rf"\bstep\b.*{message}"):
        run_steps(function, read, H0, X)


@pytest.mark.parametrize("returned", [(H0,), (H0, H0, H0), H0, None, {0: H0, 1: H0}])
def test_bad_tuples_of_states_are_refused_by_name(returned: Any) -> None:
    with pytest.raises(flux.ArgumentError, match=r"^step must return a tuple of 2 states, as h0"):
        run_steps(lambda h, x: returned, lambda h: h[0], (H0, H0), X)


BAD_READS = {
    "rows": (lambda h: h[:4], r"6 rows, one a sample.*shape \(4, 3\)"),
    "turned": (lambda h: h.T, r"6 rows, one a sample.*shape \(3, 6\)"),
    "a number": (lambda h: 1.0, r"6 rows, one a sample.*shape \(\)"),
    "nan": (lambda h: np.where(h > h.min(), h, np.nan), "finite numbers, but 1 of 18 were not"),
    "words": (lambda h: ["a"] * 6, "real numbers"),
    "nothing": (lambda h: None, "real numbers"),
}


@pytest.mark.parametrize("when", ["at once", "later"])
@pytest.mark.parametrize("bad", BAD_READS)
def test_bad_readings_are_refused_by_name(bad: str, when: str) -> None:
    function, message = BAD_READS[bad]
    function = function if when == "at once" else later(function, read)
    with pytest.raises(flux.ArgumentError, match=rf"\bread\b.*{message}"):
        run_steps(step, function, H0, X)


def test_readings_of_changing_shape_are_refused() -> None:
    with pytest.raises(flux.ArgumentError, match=r"^read must return .* of one shape at all steps"):
        run_steps(step, later(lambda h: h[:, :1], read), H0, X)


def test_an_error_inside_a_function_is_its_own() -> None:
    with pytest.raises(ZeroDivisionError):
        run_steps(lambda h, x: h / (1 // 0), read, H0, X)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("step", value) for value in (None, "step", H0)],
        *[("read", value) for value in (None, 3)],
        *[("h0", value) for value in (H0[:4], H0[0], 0.0, (), (H0, H0[:, :2]), (H0, None))],
        *[("h0", value) for value in (H0 * np.nan, 1j * H0, np.zeros((6, 0)))],
        *[("x", value) for value in (X[:4], X[:, :0], X[0, 0], X * np.nan, "abc")],
        *[("donor_x", value) for value in (X[:4], X[:, :3], X[..., :1], X * np.inf, None)],
        *[("nodes", value) for value in (3, -1, [0.5], [True])],
        *[("time", value) for value in (5, -1, 1.0, None)],
    ],
)
def test_bad_arguments_are_refused(name: str, value: Any) -> None:
    arguments: dict[str, Any] = {
        "step": step, "read": read, "h0": H0, "x": X, "donor_x": DONOR, "nodes": [0], "time": 1,
    }  # fmt: skip
    named = "h0" if name == "x" and np.shape(value) == (4, 5, 2) else name
    with pytest.raises(flux.ArgumentError, match=f"^{named} must"):
        run_with_patch(**{**arguments, name: value})


@pytest.mark.parametrize(("name", "value"), [("rng", 1), ("mode", "swap"), ("mode", None)])
def test_bad_ways_to_knock_out_are_refused(name: str, value: Any) -> None:
    with pytest.raises(flux.ArgumentError, match=f"^{name} must"):
        run_with_knockout(step, read, H0, X, [0], 1, **{"rng": make_rng(), name: value})
