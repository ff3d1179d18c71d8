"""Bad arguments of all public functions: refused, by a ValueError that names the argument."""

from collections.abc import Callable
from typing import Any

import numpy as np

import flux
from flux import plots, tasks, trained

W = [[0.0, 1.0], [-2.0, 0.5]]
B = [0.5, -0.25]
SPINS = [[1, -1], [-1, -1], [1, 1], [-1, 1], [1, -1], [1, 1]] * 4
LABELS = [0, 1, 0, 1] * 16
STATES = [[0, 1], [1, 1], [0, 0], [1, 0]] * 16
TASK = tasks.memory_task(6, rng=np.random.default_rng(1), bits=2, delay=2)


def generator() -> np.random.Generator:
    return np.random.default_rng(1)


def noise(*, rng: np.random.Generator, x: float) -> float:
    return x * rng.normal()


def small_network() -> Any:
    return trained.make_network("gru", TASK, rng=generator(), hidden=2)


# one good call of each public function; arguments named rng and progress are added
GOOD: dict[Callable[..., Any], Callable[[], dict[str, Any]]] = {
    flux.all_states: lambda: {"n": 2},
    flux.ascend: lambda: {
        "W0": W, "bound": 3.0, "norm": "entry", "starts": 1, "jobs": 1, "target": 9.0,
        "tolerance": 0.1, "max_evaluations": 2, "moderate": 1.0,
    },
    flux.best_rooks: lambda: {"n": 3, "objective": "mean"},
    flux.binary_entropy: lambda: {"p": [0.25, 0.5]},
    flux.coarse_grain: lambda: {"H": [[0.5, 1.0], [1.0, 4.0], [3.0, 5.0]], "method": "kmeans2"},
    flux.decode: lambda: {"codes": [0, 3], "n": 2},
    flux.design_flux: lambda: {"n": 8, "flux": 3.0, "k": 2},
    flux.drift: lambda: {"scores": [[1.0, 0.0], [0.5, 1.0]], "lag": 1, "again": [[1.0, 0.0]] * 2},
    flux.encode: lambda: {"x": SPINS},
    flux.entropy: lambda: {"p": [0.25, 0.75]},
    flux.entropy_from_counts: lambda: {"counts": [3, 1], "method": "nsb", "n_symbols": 4},
    flux.evolve: lambda: {
        "fitness": np.sum, "W0": W, "steps": 2, "mutation": 0.5, "share": 1.0, "bound": 4.0,
        "population": 2, "offspring": 2, "method": "selection",
    },
    flux.exact_correlation: lambda: {"W": W, "b": B},
    flux.exact_flux: lambda: {"W": W, "b": B, "lag": 1, "device": "cpu"},
    flux.fewest_rooks: lambda: {"period": 6},
    flux.find_attractors: lambda: {"W": W, "b": B, "ties": "keep"},
    flux.flux_gradient: lambda: {"W": W, "b": B},
    flux.flux_interval: lambda: {"W": W, "b": B, "samples": 1000},
    flux.gaussian_weights: lambda: {"n": 2, "width": 1.0, "density": 0.5, "balance": 0.0},
    flux.lagged_correlation: lambda: {"x": SPINS, "lag": 1},
    flux.mean_period: lambda: {"attractors": flux.find_attractors(W, B), "weight": "state"},
    flux.memory_curve: lambda: {"W": W, "lags": [1, 2], "b": B},
    flux.model_flux: lambda: {"W": W, "x": SPINS, "b": B, "method": "plugin"},
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
    flux.sample_attractors: lambda: {
        "W": W, "b": B, "starts": 3, "max_steps": 9, "ties": "keep",
    },
    flux.sample_flux: lambda: {"x": SPINS * 4, "method": "plugin", "lag": 1},
    flux.sample_flux_interval: lambda: {
        "x": SPINS * 4, "method": "plugin", "lag": 1, "level": 0.9, "resamples": 20, "block": 2,
    },
    flux.simulate: lambda: {"W": W, "steps": 3, "b": B, "x0": [1, -1], "burn_in": 1},
    flux.simulate_chains: lambda: {
        "W": W, "steps": 3, "chains": 2, "b": B, "x0": [1, -1], "burn_in": 1, "thin": 1,
    },
    flux.slip_time: lambda: {"n": 2, "strength": 2.0},
    flux.smearedness: lambda: {"scores": [[1.0, 0.0], [0.5, 1.0]]},
    flux.spike_trains: lambda: {
        "data": [[0.1, 0.35], [0.2, 0.3]], "bin_width": 0.1, "start": 0.0, "stop": 0.4,
        "row_width": 1.0,
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
    plots.show_state_graph: lambda: {"W": W, "b": B, "ties": "keep"},
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
