"""Bad arguments of all public functions: refused, by a ValueError that names the argument."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray
from scipy import sparse
from swept_functions import noise

import flux
from flux import plots
from flux._base import memory
from flux.relays import attribution, tasks, trained

W = [[0.0, 1.0], [-2.0, 0.5]]
B = [0.5, -0.25]
SPINS = [[1, -1], [-1, -1], [1, 1], [-1, 1], [1, -1], [1, 1]] * 4
COINS = (2 * np.random.default_rng(1).integers(0, 2, (60, 2)) - 1).tolist()
LABELS = [0, 1, 0, 1] * 16
STATES = [[0, 1], [1, 1], [0, 0], [1, 0]] * 16
TASK = tasks.memory_task(6, rng=np.random.default_rng(1), bits=2, delay=2)


def generator() -> np.random.Generator:
    return np.random.default_rng(1)


SCAN = flux.flux_by_bin_width(
    [np.arange(20.0), np.arange(20.0)], [1.5, 2.0], rng=generator(), method="plugin"
)
ORDER = flux.relay_order(
    *np.tile([0, 1], (2, 32)), np.tile([[0, 1], [1, 1]], (32, 1)), rng=generator()
)

SHOWN = [[[0.5, 1.0], [2.0, -1.0], [0.25, 0.0]], [[-1.0, 3.0], [1.0, 4.0], [0.0, -2.0]]]
NETWORK = {
    "step": lambda h, x: 0.5 * h + x, "read": lambda h: h.sum(1), "h0": [[0.5, 0.0], [1.0, 2.0]],
}  # fmt: skip


def small_network() -> Any:
    return trained.make_network("gru", TASK, rng=generator(), hidden=2)


# one good call of each public function; arguments named rng and progress are added
GOOD: dict[Callable[..., Any], Callable[[], dict[str, Any]]] = {
    flux.all_relay_information: lambda: {"xin": LABELS, "xout": LABELS, "Y": STATES},
    flux.all_states: lambda: {"n": 2},
    flux.ascend: lambda: {
        "W0": W, "bound": 3.0, "norm": "entry", "starts": 1, "jobs": 1, "target": 9.0,
        "tolerance": 0.1, "max_evaluations": 2, "moderate": 1.0,
    },
    flux.best_rooks: lambda: {"n": 3, "objective": "attractor"},
    flux.binary_entropy: lambda: {"p": [0.25, 0.5]},
    flux.check_fit: lambda: {
        "fit": flux.fit_network(COINS, penalty=1.0), "x": COINS, "lag": 1, "simulations": 20,
    },
    flux.coarse_grain: lambda: {"H": [[0.5, 1.0], [1.0, 4.0], [3.0, 5.0]], "method": "kmeans2"},
    flux.compare_flux: lambda: {
        "x1": SPINS * 4, "x2": SPINS * 3, "method": "plugin", "lag": 1, "level": 0.9,
        "resamples": 20, "block": 8,
    },
    flux.decode: lambda: {"codes": [0, 3], "n": 2},
    flux.design_flux: lambda: {"n": 8, "flux": 3.0, "k": 2},
    flux.drift_significance: lambda: {
        "scores": [[0.5, 1.0, 0.0], [0.0, 0.25, 1.0]], "lag": 1, "again": None, "level": 0.9,
        "resamples": 20,
    },
    flux.order_significance: lambda: {
        "xin": LABELS, "xout": LABELS, "Y": STATES, "level": 0.9, "resamples": 20,
    },
    flux.score_significance: lambda: {
        "xin": LABELS, "xout": LABELS, "Y": STATES, "kind": "single", "orders": 2, "level": 0.9,
        "resamples": 20,
    },
    flux.drift: lambda: {"scores": [[1.0, 0.0], [0.5, 1.0]], "lag": 1, "again": [[1.0, 0.0]] * 2},
    flux.encode: lambda: {"x": SPINS},
    flux.entropy: lambda: {"p": [0.25, 0.75]},
    flux.entropy_from_counts: lambda: {"counts": [3, 1], "method": "nsb", "n_symbols": 4},
    flux.evolve: lambda: {
        "fitness": np.sum, "W0": W, "steps": 2, "mutation": 0.5, "share": 1.0, "bound": 4.0,
        "population": 2, "offspring": 2,
    },
    flux.evolve_cma: lambda: {
        "fitness": np.sum, "W0": W, "steps": 2, "mutation": 0.5, "bound": 4.0, "offspring": 2,
    },
    flux.exact_correlation: lambda: {"W": W, "b": B},
    flux.exact_flux: lambda: {"W": W, "b": B, "lag": 1, "device": "cpu"},
    flux.fewest_rooks: lambda: {"period": 6},
    flux.solve: lambda: {"W": W, "b": B, "device": "cpu"},
    flux.find_attractors: lambda: {"W": W, "b": B, "ties": "keep"},
    flux.fit_network: lambda: {"x": COINS, "lag": 1, "penalty": 1.0, "norm": "l2"},
    flux.fitted_flux: lambda: {"x": COINS, "lag": 1, "level": 0.9, "simulations": 20},
    flux.flux_by_bin_width: lambda: {
        "data": [1, 3, 2, 3] * 9, "widths": [0.01, 0.02], "start": 0.0, "stop": 0.4,
        "row_width": 1.0, "ids": [0, 0, 1, 1] * 9, "sampling_rate": 100.0, "method": "plugin",
        "level": 0.9, "resamples": 20,
    },
    flux.flux_gradient: lambda: {"W": W, "b": B},
    flux.approximate_flux: lambda: {"W": W, "b": B, "method": "gaussian", "samples": 1000},
    flux.canonical_flux: lambda: {"x": SPINS * 8, "lag": 1},
    flux.flux_interval: lambda: {"W": W, "b": B, "samples": 1000},
    flux.gaussian_weights: lambda: {"n": 2, "width": 1.0, "density": 0.5, "balance": 0.0},
    flux.knockout_accuracy: lambda: {
        "h": W, "instead": 0.0, "weight": W, "bias": B, "y": [0, 1],
        "out": [[True, False], [True, True]],
    },
    flux.lagged_correlation: lambda: {"x": SPINS, "lag": 1},
    flux.mean_period: lambda: {"attractors": flux.find_attractors(W, B), "weight": "state"},
    flux.memory_curve: lambda: {"W": W, "lags": [1, 2], "b": B},
    flux.model_flux: lambda: {"W": W, "x": SPINS * 4, "b": B, "method": "plugin"},
    flux.mutual_information: lambda: {"joint": [[0.25, 0.25], [0.5, 0.0]]},
    flux.nrooks: lambda: {"n": 2, "strength": 2.0, "signs": [1, -1]},
    flux.on_probability: lambda: {"W": W, "x": SPINS, "b": B},
    flux.pack: lambda: {"x": SPINS},
    flux.pattern_generator: lambda: {"period": 6, "strength": 2.0, "n": 4},
    flux.recall: lambda: {"W": W, "written": [[1, 0], [-1, 0]], "lags": [0, 1], "b": B},
    flux.relay_information: lambda: {"xin": LABELS, "xout": LABELS, "Y": STATES, "relay": [0]},
    flux.relay_order: lambda: {"xin": LABELS, "xout": LABELS, "Y": STATES},
    flux.relay_over_time: lambda: {
        "xin": LABELS, "xout": LABELS, "Y": [[row, row] for row in STATES], "kind": "shapley",
        "orders": 2,
    },
    flux.relay_scores: lambda: {
        "xin": LABELS, "xout": LABELS, "Y": STATES, "kind": "shapley", "orders": 2,
    },
    flux.replay: lambda: {
        "history": flux.evolve(np.sum, W, rng=generator(), steps=2).history, "step": 1,
    },
    flux.rms_correlation: lambda: {"C": [[0.5, 0.0], [0.25, -1.0]]},
    flux.rook_periods: lambda: {"permutation": [1, 0], "signs": [1, -1]},
    flux.rookness: lambda: {"W": W},
    flux.rooks_matrix: lambda: {"permutation": [1, 0], "signs": [1, -1], "strength": 2.0},
    flux.row_overlap: lambda: {"W": W},
    flux.run_steps: lambda: {**NETWORK, "x": SHOWN},
    flux.run_with_knockout: lambda: {
        **NETWORK, "x": SHOWN, "nodes": [1], "time": 1, "mode": "mean",
    },
    flux.run_with_patch: lambda: {
        **NETWORK, "x": SHOWN, "donor_x": SHOWN[::-1], "nodes": [0], "time": 0,
    },
    flux.sample_attractors: lambda: {
        "W": W, "b": B, "starts": 3, "max_steps": 9, "ties": "keep",
    },
    flux.sample_flux: lambda: {"x": SPINS * 4, "method": "plugin", "lag": 1},
    flux.sample_flux_interval: lambda: {
        "x": SPINS * 4, "method": "plugin", "lag": 1, "level": 0.9, "resamples": 20, "block": 2,
    },
    flux.shift_neurons: lambda: {"x": SPINS},
    flux.shuffle_trials: lambda: {"x": [SPINS, SPINS[::-1]]},
    flux.jitter_spikes: lambda: {"x": SPINS, "window": 4},
    flux.simulate: lambda: {"W": W, "steps": 3, "b": B, "x0": [1, -1], "burn_in": 1},
    flux.simulate_chains: lambda: {
        "W": W, "steps": 3, "chains": 2, "b": B, "x0": [1, -1], "burn_in": 1, "thin": 1,
    },
    flux.slip_time: lambda: {"n": 2, "strength": 2.0},
    flux.smearedness: lambda: {"scores": [[1.0, 0.0], [0.5, 1.0]]},
    flux.spike_trains: lambda: {
        "data": [1, 3, 2, 3], "bin_width": 0.1, "start": 0.0, "stop": 0.4,
        "row_width": 1.0, "ids": [0, 0, 1, 1], "sampling_rate": 10.0,
    },
    flux.state_graph: lambda: {"W": W, "b": B, "ties": "keep"},
    flux.stationary_distribution: lambda: {"W": W, "b": B},
    flux.successor_map: lambda: {"W": W, "b": B, "ties": "keep"},
    flux.sweep: lambda: {
        "function": noise, "grid": {"x": [1.0]}, "repeats": 1, "seed": 1, "store": None,
        "on_error": "raise",
    },
    flux.transition_matrix: lambda: {"W": W, "b": B},
    flux.weighing_matrix: lambda: {"n": 4, "k": 3, "strength": 2.0},
    plots.show_raster: lambda: {"x": SPINS},
    plots.show_weights: lambda: {"W": W, "limit": 2.0},
    plots.show_couplings: lambda: {"W": W, "W_se": [[0.5, 1.0], [0.0, 2.0]], "limit": 2.0},
    plots.show_correlations: lambda: {
        "observed": [0.5, 0.25], "predicted": [0.5, 0.0], "label": "lag 1",
    },
    plots.show_bin_widths: lambda: {"found": SCAN},
    plots.show_estimates: lambda: {
        "names": ["a", "b", "c"], "estimates": [0.5, 1.0, 2.0], "lower": [0.25, 0.0, 1.0],
        "upper": [1.0, 2.0, 3.0], "truth": 0.5,
    },
    plots.show_state_graph: lambda: {"W": W, "b": B, "ties": "keep"},
    plots.show_relay_curve: lambda: {"found": ORDER},
    plots.show_relay_scores: lambda: {"scores": [[0.5, 1.0], [0.0, 0.25]]},
    plots.show_map: lambda: {
        "values": xarray.DataArray([[0.5, 1.0]], {"up": [0], "right": [1, 2]}),
        "label": "flux", "cmap": "viridis", "limits": [0.0, 1.0],
    },
    plots.show_memory: lambda: {
        "bits": [[0.5, 1.0], [0.25, 2.0]], "lags": [1, 2], "label": "rooks",
    },
    plots.show_doses: lambda: {
        "lost": [[0.5, 1.0], [0.25, 2.0]], "doses": [1, 2], "label": "top",
    },
    plots.show_concepts: lambda: {"lost": [[0.5, 0.0], [0.25, 0.4]], "top": 0.5},
    plots.show_runs: lambda: {
        "values": [[0.5, 1.0], [0.0, 2.0]], "steps": [1.0, 2.0], "label": "runs",
    },
    attribution.attributions: lambda: {
        "network": small_network(), "x": TASK.x, "time": 1, "question": 0, "answer": 1, "points": 9,
    },
    tasks.block_task: lambda: {
        "samples": 2, "ring": 6, "sensors": 2, "sizes": (1, 2), "delay": 1, "shortest": 0,
        "noise": 0.1,
    },
    tasks.concepts: lambda: {"y": [[2, 0], [1, 1]], "classes": 3},
    tasks.digit_rows: lambda: {"delay": 0},
    tasks.memory_task: lambda: {
        "samples": 2, "bits": 2, "delay": 2, "shortest": 1, "noise": 0.1,
    },
    tasks.take: lambda: {"task": TASK, "samples": [0, 1]},
    trained.balanced_accuracy: lambda: {"y": [0, 1, 1], "decided": [0, 1, 0]},
    trained.decisions: lambda: {
        "recording": trained.record(small_network(), TASK.x), "lengths": TASK.lengths,
    },
    trained.knockout: lambda: {
        "network": small_network(), "x": TASK.x, "nodes": [0], "time": 1, "mode": "zero",
        "state": "hc",
    },
    trained.make_network: lambda: {"kind": "gru", "task": TASK, "hidden": 2, "start": "uniform"},
    trained.record: lambda: {"network": small_network(), "x": TASK.x},
    trained.train: lambda: {
        "network": small_network(), "task": TASK, "updates": 1, "batch": 2, "rate": 0.1,
    },
}  # fmt: skip

PUBLIC = [
    function
    for module in (flux, plots, attribution, tasks, trained)
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if not name.startswith("_")
    and (
        name in module.__all__
        if hasattr(module, "__all__")
        else function.__module__ == module.__name__
    )
]
# they take nothing, or files
READERS = {tasks.basic_motions, tasks.italy_power_demand, tasks.japanese_vowels}
WITHOUT_A_CALL = {plots.use_style, *READERS}
TESTED_ELSEWHERE = {"rng", "progress", "ax", "axes"}

MASKED = np.ma.masked_array([[1.0, 2.0], [3.0, 4.0]], [[0, 1], [0, 0]])
# no argument means any of these, but for those listed below
BAD: dict[str, Any] = {
    "None": None,
    "nan": np.nan,
    "infinity": np.inf,
    "minus one": -1,
    "huge": 10**5000,
    "bool": True,
    "complex": 1j,
    "complex array": np.full((2, 2), 1j),
    "word": "word",
    "words": ["a", "b"],
    "bytes": b"ab",
    "object": object(),
    "objects": np.array([[None, object()], [1, 2]]),
    "type": set,
    "function": len,
    "dict": {"a": 1},
    "set": {1, 2},
    "generator": (one for one in range(3)),
    "five axes": np.full((1, 1, 1, 1, 1), 0.3),
    "empty axes": np.empty((0, 2, 0)),
    "nan inside": [[0.5, np.nan], [1.0, 1.0]],
    "ragged": [[1.0, 2.0], [3.0]],
    "long and ragged": [[1.0, 2.0], [3.0]] * 20_000,
    "sparse": sparse.csr_array([[0.5, 1.0], [1.0, 0.5]]),
    "masked": MASKED,
    "masked inside": list(MASKED),
    "all masked": np.ma.masked,
    "matrix of words": np.matrix([["a", "b"]]),
    "date": np.datetime64("2026-11-27"),
    "dates": np.array(["2026-11-27"] * 2, "M8[D]"),
    "duration": np.timedelta64(1, "s"),
    "durations": np.array([1, 2], "m8[s]"),
    "records": np.zeros(2, [("a", "i4")]),
    "frame": pd.DataFrame({"a": ["x", "y"]}),
    "missing": pd.Series([1, None], dtype="Int64"),
}
# what is meant: "function argument" or "argument" of any function
MEANT = {
    "b": {"None"},
    "again": {"None"},
    "bound of evolve": {"None"},
    "bound of evolve_cma": {"None"},
    "shortest": {"None"},
    "lengths": {"None"},
    "limit": {"None"},
    "limits": {"None"},
    "offspring": {"None"},
    "samples of approximate_flux": {"None"},
    "penalty": {"None"},
    "samples of flux_interval": {"None"},
    "signs of nrooks": {"None"},
    "block": {"None"},
    "ids": {"None"},
    "sampling_rate": {"None"},
    "n of pattern_generator": {"None"},
    "x0": {"None"},
    "start of spike_trains": {"None", "minus one"},
    "stop of spike_trains": {"None"},
    "rate": {"None"},
    "start of flux_by_bin_width": {"None", "minus one"},
    "stop of flux_by_bin_width": {"None"},
    "label": {"word"},
    "steps of show_runs": {"None"},
    "truth": {"None", "minus one"},
    "store": {"None", "word"},
    "target": {"None", "infinity", "minus one"},
    "balance": {"minus one"},
    "n_symbols": {"huge"},
    "fitness": {"function"},
    # whatever can be called may be a network: it fails in its own words
    "step of run_steps": {"function", "type"},
    "step of run_with_knockout": {"function", "type"},
    "step of run_with_patch": {"function", "type"},
    "read": {"function", "type"},
    "mutation of evolve": {"function"},
    "W0 of evolve": {"minus one", "bool", "five axes"},
    "W0 of evolve_cma": {"minus one", "bool", "five axes"},
    # axes in any number
    "H": {"five axes"},
    "p of binary_entropy": {"bool", "five axes", "empty axes"},
    "p of entropy": {"bool"},
    "codes": {"empty axes"},
    "scores of smearedness": {"five axes"},
    "relay": {"empty axes"},
    "nodes": {"empty axes"},
    "instead": {"bool", "minus one"},
    "data": {"ragged", "long and ragged"},
}
TAKE_SPARSE = {
    flux.exact_correlation,
    flux.exact_flux,
    flux.flux_gradient,
    flux.approximate_flux,
    flux.flux_interval,
    flux.memory_curve,
    flux.model_flux,
    flux.on_probability,
    flux.sample_attractors,
    flux.simulate,
    flux.simulate_chains,
    flux.solve,
    flux.stationary_distribution,
}


def call(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    extra = {"rng": generator(), "progress": False}
    known = inspect.signature(function).parameters
    return function(**{name: value for name, value in extra.items() if name in known}, **arguments)


def refusal(function: Callable[..., Any], arguments: dict[str, Any]) -> str:
    """Return the message of the ValueError that a call raises, or what happened instead."""
    try:
        returned = call(function, arguments)
    except ValueError as error:
        return str(error)
    except Exception as error:
        return f"({type(error).__name__}: {error})"
    return f"(returned {str(returned)[:60]})"


functions = pytest.mark.parametrize("function", GOOD, ids=lambda function: function.__name__)


def test_every_public_function_has_a_good_call_with_all_arguments() -> None:
    assert set(PUBLIC) - WITHOUT_A_CALL == set(GOOD)
    for function, arguments in GOOD.items():
        expected = set(inspect.signature(function).parameters) - TESTED_ELSEWHERE
        assert set(arguments()) == expected, function.__name__


@functions
def test_bad_arguments_are_refused_by_name(function: Callable[..., Any]) -> None:
    good, wrong = GOOD[function](), []
    call(function, good)
    for argument in good:
        meant = MEANT.get(argument, set()) | MEANT.get(f"{argument} of {function.__name__}", set())
        if argument == "W" and function in TAKE_SPARSE:
            meant = meant | {"sparse"}
        for kind in BAD.keys() - meant:
            message = refusal(function, {**good, argument: BAD[kind]})
            named = re.search(rf"\b{argument}\b", message) and not message.startswith("(")
            if not named or len(message) > 500:
                wrong.append(f"{argument}, {kind}: {message[:200]}")
    assert wrong == []


@pytest.mark.parametrize(
    "function", [one for one in GOOD if "rng" in inspect.signature(one).parameters]
)
def test_what_is_no_generator_is_refused(function: Callable[..., Any]) -> None:
    drawn = {"starts": 2} if function is flux.ascend else {}
    for rng in (None, 1, np.random, np.random.RandomState(1), "rng"):
        with pytest.raises(ValueError, match=r"^rng must be a numpy Generator"):
            function(**{**GOOD[function](), **drawn, "rng": rng})


# sizes that fit no machine, in numbers that overflow and in those that do not
SIZES = [
    (flux.all_states, "n"),
    (flux.ascend, "starts"),
    (flux.best_rooks, "n"),
    (flux.decode, "n"),
    (flux.design_flux, "n"),
    (flux.evolve, "offspring"),
    (flux.evolve, "population"),
    (flux.evolve, "steps"),
    (flux.gaussian_weights, "n"),
    (flux.nrooks, "n"),
    (flux.pattern_generator, "n"),
    (flux.simulate, "steps"),
    (flux.simulate_chains, "chains"),
    (flux.simulate_chains, "steps"),
    (flux.sweep, "repeats"),
    (flux.weighing_matrix, "n"),
    (tasks.block_task, "delay"),
    (tasks.block_task, "ring"),
    (tasks.block_task, "samples"),
    (tasks.concepts, "classes"),
    (tasks.digit_rows, "delay"),
    (tasks.memory_task, "bits"),
    (tasks.memory_task, "delay"),
    (tasks.memory_task, "samples"),
    (trained.make_network, "hidden"),
    (trained.train, "batch"),
]


@pytest.mark.parametrize("size", [10**11, 10**18, 10**400])
@pytest.mark.parametrize(
    ("function", "argument"), SIZES, ids=lambda value: getattr(value, "__name__", value)
)
def test_sizes_beyond_any_memory_are_refused_at_once(
    function: Callable[..., Any], argument: str, size: int
) -> None:
    with pytest.raises(ValueError, match=rf"\b{argument}\b") as caught:
        call(function, {**GOOD[function](), argument: size})
    assert len(str(caught.value)) < 500


def test_designs_of_many_neurons_are_refused_where_memory_is_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "memory_limit", lambda: 1e10)
    for k in range(1, 9):
        with pytest.raises(flux.TooLargeError, match=r"a network of n = 1000000000 neurons"):
            flux.design_flux(10**9, 5e8, rng=generator(), k=k)


def dressed(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield an array as other packages hold it."""
    plain = np.array(value)
    frozen = plain.copy()
    frozen.flags.writeable = False
    yield "array", plain
    yield "frozen", frozen
    yield "column by column", np.asfortranarray(plain)
    yield "every other", np.repeat(plain, 2, axis=0)[::2]
    yield "other byte order", plain.astype(plain.dtype.newbyteorder())
    yield "nothing masked", np.ma.masked_array(plain)
    yield "xarray", xarray.DataArray(plain)
    if plain.ndim == 1:
        yield "series", pd.Series(plain)
        yield "nullable", pd.Series(plain).convert_dtypes()
        yield "tuple", tuple(plain.tolist())
    if plain.ndim == 2:
        yield "frame", pd.DataFrame(plain)
        yield "matrix", np.matrix(plain)


def is_array(value: Any) -> bool:
    return isinstance(value, (list, np.ndarray)) and np.asarray(value).dtype.kind in "if"


def same(one: Any, other: Any) -> bool:
    if isinstance(one, tuple):
        return all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if sparse.issparse(one):
        return (one != other).nnz == 0
    # graphs, pictures and networks: it is enough that they were made
    return type(one) is type(other) and (not isinstance(one, (int, float, str)) or one == other)


ARRAYS = [
    (function, argument)
    for function, arguments in GOOD.items()
    for argument, value in arguments().items()
    if is_array(value)
]


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize(
    ("function", "argument"), ARRAYS, ids=lambda value: getattr(value, "__name__", value)
)
def test_arrays_of_other_packages_are_the_same_and_masks_are_refused(
    function: Callable[..., Any], argument: str
) -> None:
    good = GOOD[function]()
    expected = call(function, good)
    for kind, value in dressed(good[argument]):
        assert same(expected, call(function, {**good, argument: value})), kind
    for masked in masks(good[argument]):
        message = refusal(function, {**good, argument: masked})
        assert message.startswith(f"{argument} must have no masked entries")


def masks(value: Any) -> Iterator[Any]:
    """Yield an array with its last entry masked, whole and as a list of rows."""
    plain = np.ma.masked_array(value)
    plain[(-1,) * plain.ndim] = np.ma.masked
    yield plain
    if plain.ndim > 1:
        yield list(plain)


def test_the_table_is_as_large_as_it_says() -> None:
    """No argument, function or bad value has fallen out of it."""
    assert len(GOOD) >= 67
    assert sum(len(arguments()) for arguments in GOOD.values()) * len(BAD) > 6000
    assert len(ARRAYS) > 70
