"""A small call of every public function, made by forked and spawned processes and by threads.

python tests/concurrent_calls.py   prints the stages as they end; an assertion says what differs.
"""

import faulthandler
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import cache
from multiprocessing import get_context
from typing import Any

import joblib
import networkx
import numpy as np
import xarray
from scipy import sparse
from threadpoolctl import threadpool_info

import flux

SECONDS = 120
"""After which a stage is taken to hang."""
SECONDS_FOR_COMPILING = 400
STAGES = ["once more", "fork", "four threads", "threads of a sweep", "fork after threads", "spawn"]


def draw() -> np.random.Generator:
    return np.random.default_rng(1)


def weights(n: int, diagonal: float = 0.0) -> np.ndarray:
    return draw().normal(size=(n, n)) + diagonal * np.eye(n)


@cache
def spins() -> np.ndarray:
    return flux.simulate(weights(3), 2000, rng=draw())


def relay_data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    bit, noise = np.tile([[0, 0, 1, 1], [0, 1, 0, 1]], 32)
    return bit, bit, np.stack([bit, noise, bit ^ noise], 1)


def relays_in_time() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    bit, _, Y = relay_data()
    return bit, bit, np.stack([Y, Y[:, ::-1]], 1)


def sweep_here() -> xarray.Dataset:
    with joblib.parallel_config(backend="threading", n_jobs=2):
        return flux.sweep(one_flux, {"width": [0.5, 1.0]}, repeats=2, seed=1, progress=False)


def one_flux(*, rng: np.random.Generator, width: float) -> float:
    return flux.exact_flux(flux.gaussian_weights(7, rng=rng, width=width)).I


def small_network():
    """How a network of three nodes steps and reads, where it starts, and what it is shown."""
    start, shown = draw().random((5, 3)), draw().random((5, 4, 3))
    return (lambda h, x: np.tanh(h + x)), (lambda h: h.sum(1, keepdims=True)), start, shown


# a list where a function has several ways: the sizes at which each is taken
CALLS: dict[str, Callable[[], Any] | list[Callable[[], Any]]] = {
    "all_states": lambda: flux.all_states(5),
    "ascend": lambda: flux.ascend(weights(2) / 9, bound=2.0, max_evaluations=9, progress=False),
    "best_rooks": lambda: flux.best_rooks(9),
    "binary_entropy": lambda: flux.binary_entropy([0.1, 0.5]),
    "coarse_grain": lambda: flux.coarse_grain([[0.1, 5.0], [0.2, 5.0], [0.9, 5.0]]),
    "decode": lambda: flux.decode([1, 6], 3),
    "design_flux": lambda: flux.design_flux(6, 2.5, rng=draw()),
    "drift": lambda: flux.drift([[1, 0], [1, 1], [0, 1]]),
    "encode": lambda: flux.encode(flux.all_states(4)),
    "entropy": lambda: flux.entropy([0.25, 0.75]),
    "entropy_from_counts": [
        lambda: flux.entropy_from_counts([5, 3, 1, 1], "grassberger"),
        lambda: flux.entropy_from_counts([5, 3, 1, 1], "chao-wang-jost"),
        lambda: flux.entropy_from_counts([5, 3, 1, 1], "nsb", n_symbols=8),
    ],
    "evolve": lambda: flux.evolve(
        lambda W: flux.exact_flux(W).I, weights(3), rng=draw(), steps=5, progress=False
    )[:2],
    "evolve_cma": lambda: flux.evolve_cma(
        lambda W: flux.exact_flux(W).I, weights(3), rng=draw(), steps=5, progress=False
    )[:2],
    "exact_correlation": lambda: flux.exact_correlation(weights(4), weights(4)[0]),
    "exact_flux": [
        lambda: flux.exact_flux(weights(4), weights(4)[0]),
        lambda: flux.exact_flux(weights(8), weights(8)[0]),
        lambda: flux.exact_flux(weights(11)),
        lambda: flux.exact_flux(weights(4, 800.0), weights(4)[0]),
        lambda: flux.exact_flux(weights(8, 800.0), weights(8)[0]),
        lambda: flux.exact_flux(weights(8, 800.0)),
        lambda: flux.exact_flux(4 * np.roll(np.eye(50), 1, 0), lag=3),
        lambda: flux.exact_flux(weights(7), lag=3),
    ],
    "fewest_rooks": lambda: flux.fewest_rooks(12),
    "find_attractors": [
        lambda: flux.find_attractors(weights(9)),
        lambda: flux.find_attractors(weights(14).round(), ties="keep"),
    ],
    "flux_gradient": [
        lambda: flux.flux_gradient(weights(4), weights(4)[0]),
        lambda: flux.flux_gradient(weights(8), weights(8)[0]),
    ],
    "approximate_flux": lambda: flux.approximate_flux(
        np.diag([1.0] * 14) + weights(14) / 4, rng=draw(), samples=4000, progress=False
    ),
    "canonical_flux": lambda: flux.canonical_flux(spins()),
    "check_fit": lambda: flux.check_fit(
        flux.fit_network(spins(), penalty=1.0), spins(), rng=draw(), simulations=20, progress=False
    ),
    "compare_flux": lambda: flux.compare_flux(
        spins(), -spins(), rng=draw(), resamples=20, progress=False
    ),
    "fit_network": lambda: flux.fit_network(spins(), penalty=1.0, progress=False)[:2],
    "fitted_flux": lambda: flux.fitted_flux(spins(), rng=draw(), simulations=20, progress=False)[
        :5
    ],
    "flux_by_bin_width": lambda: flux.flux_by_bin_width(
        [[0.1, 0.35, 0.5], [0.2, 0.6]],
        [0.05, 0.1],
        rng=draw(),
        start=0.0,
        stop=1.6,
        resamples=20,
        method="plugin",
        progress=False,
    )[:5],
    "jitter_spikes": lambda: flux.jitter_spikes(spins(), 4, rng=draw()),
    "shift_neurons": lambda: flux.shift_neurons(spins(), rng=draw()),
    "shuffle_trials": lambda: flux.shuffle_trials(np.stack([spins(), -spins()]), rng=draw()),
    "flux_interval": lambda: flux.flux_interval(
        weights(6) / 2, rng=draw(), samples=4000, progress=False
    ),
    "gaussian_weights": lambda: flux.gaussian_weights(5, rng=draw()),
    "lagged_correlation": lambda: flux.lagged_correlation(spins()),
    "mean_period": lambda: flux.mean_period(flux.find_attractors(weights(5))),
    "memory_curve": lambda: flux.memory_curve(weights(5), [1, 2, 9], weights(5)[0]),
    "model_flux": lambda: flux.model_flux(weights(3), spins()),
    "mutual_information": lambda: flux.mutual_information([[0.3, 0.2], [0.1, 0.4]]),
    "nrooks": lambda: flux.nrooks(5, rng=draw(), strength=2.0),
    "on_probability": lambda: flux.on_probability(weights(3), spins()),
    "pack": lambda: flux.pack(spins()),
    "pattern_generator": lambda: flux.pattern_generator(12, strength=8.0, rng=draw()),
    "recall": lambda: flux.recall(weights(4), [[1, 0, 0, 0], [-1, 0, 0, 0]], [0, 1, 5]),
    "all_relay_information": lambda: flux.all_relay_information(*relay_data()),
    "knockout_accuracy": lambda: flux.knockout_accuracy(
        weights(8), 0.0, weights(8), weights(8)[0], np.arange(8), flux.all_states(8) > 0
    ),
    "relay_information": lambda: flux.relay_information(*relay_data(), [0]),
    "drift_significance": lambda: flux.drift_significance(
        draw().random((4, 6)), rng=draw(), resamples=20
    ),
    "order_significance": lambda: flux.order_significance(
        *relay_data(), rng=draw(), resamples=20, progress=False
    ),
    "score_significance": lambda: flux.score_significance(
        *relay_data(), rng=draw(), resamples=20, progress=False
    ),
    "run_steps": lambda: flux.run_steps(*small_network()),
    "run_with_knockout": lambda: flux.run_with_knockout(*small_network(), [0], 1, rng=draw()),
    "run_with_patch": lambda: flux.run_with_patch(
        *small_network(), small_network()[3][::-1], [0], 1
    ),
    "relay_order": lambda: flux.relay_order(*relay_data(), rng=draw(), progress=False),
    "relay_over_time": lambda: flux.relay_over_time(*relays_in_time(), rng=draw(), progress=False),
    "relay_scores": [
        lambda: flux.relay_scores(*relay_data(), kind="single", rng=draw(), progress=False),
        lambda: flux.relay_scores(*relay_data(), kind="shapley", rng=draw(), progress=False),
    ],
    "replay": lambda: flux.replay(
        flux.evolve(np.sum, [1.0, 2.0], rng=draw(), steps=9, progress=False).history, 9
    ),
    "rms_correlation": lambda: flux.rms_correlation(weights(3) / 9),
    "rook_periods": lambda: flux.rook_periods([1, 2, 0, 4, 3], [1, 1, -1, 1, 1]),
    "rookness": lambda: flux.rookness(weights(3)),
    "rooks_matrix": lambda: flux.rooks_matrix([1, 0], [1, -1], strength=3.0),
    "row_overlap": lambda: flux.row_overlap(weights(3)),
    "sample_attractors": [
        lambda: flux.sample_attractors(weights(70), starts=20, max_steps=500, rng=draw()),
        lambda: flux.sample_attractors(
            sparse.csr_array(np.roll(np.eye(70), 1, 0)), starts=20, rng=draw()
        ),
    ],
    "sample_flux": [
        lambda: flux.sample_flux(spins(), method="nsb"),
        lambda: flux.sample_flux(np.tile(spins(), 30)),
    ],
    "sample_flux_interval": lambda: flux.sample_flux_interval(
        spins()[:300], rng=draw(), method="grassberger", resamples=20
    ),
    "simulate": [
        lambda: flux.simulate(weights(20), 300, rng=draw(), progress=False),
        lambda: flux.simulate(
            sparse.random_array((300, 300), density=0.02, rng=draw()), 50, rng=draw()
        ),
    ],
    "simulate_chains": [
        lambda: flux.simulate_chains(weights(9), 20, 300, rng=draw(), progress=False),
        lambda: flux.simulate_chains(weights(200), 3, 40, rng=draw(), progress=False),
    ],
    "slip_time": lambda: flux.slip_time(10, 8.0),
    "smearedness": lambda: flux.smearedness([[1.0, 0.5], [0.0, 0.25]]),
    "solve": lambda: flux.exact_flux(flux.solve(weights(8), weights(8)[0])),
    "spike_trains": lambda: flux.spike_trains(
        [[0.1, 0.35], [0.2]], bin_width=0.1, start=0.0, stop=0.4
    ),
    "state_graph": lambda: flux.state_graph(weights(5)),
    "stationary_distribution": lambda: flux.stationary_distribution(weights(7)),
    "successor_map": lambda: flux.successor_map(weights(14)),
    "sweep": sweep_here,
    "transition_matrix": lambda: flux.transition_matrix(weights(5)),
    "weighing_matrix": lambda: flux.weighing_matrix(4, 3, strength=1.0),
}


def run(name: str) -> list[np.ndarray]:
    """Return all numbers that the calls of a function give."""
    calls = CALLS[name]
    found: list[np.ndarray] = []
    for call in calls if isinstance(calls, list) else [calls]:
        collect(call(), found)
    return found


def collect(result: Any, found: list[np.ndarray]) -> None:
    if isinstance(result, tuple):
        for part in result:
            collect(part, found)
    elif isinstance(result, str | Fraction):
        found.append(np.frombuffer(str(result).encode(), np.uint8))
    elif isinstance(result, networkx.DiGraph):
        found.append(np.array(sorted(result.edges)))
    elif sparse.issparse(result):
        found.append(result.toarray())
    elif isinstance(result, xarray.Dataset):
        found.append(result.to_array().values)
    else:
        found.append(np.asarray(result))
        assert found[-1].dtype != object, f"{type(result)} has no numbers to compare"


def run_all(shift: int = 0) -> dict[str, list[np.ndarray]]:
    """Run all, from another one on in each thread, so that different ones meet, too."""
    names = list(CALLS)
    names = names[shift:] + names[:shift]
    return {name: run(name) for name in names}


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def check(stage: str, results: list[dict[str, list[np.ndarray]]]) -> None:
    for result in results:
        for name, expected in EXPECTED.items():
            for one, other in zip(expected, result[name], strict=True):
                np.testing.assert_array_equal(one, other, err_msg=f"{name}, {stage}")
    assert blas_threads() == BEFORE, f"{stage}: BLAS is left with {blas_threads()} threads"
    print(stage, flush=True)
    faulthandler.dump_traceback_later(SECONDS, exit=True)


def numbered(*, rng: np.random.Generator, name: str) -> float:
    """Return a number that tells the results of one function from others."""
    return sum(float(np.nansum(part)) for part in run(name))


def in_processes(method: str) -> list[dict[str, list[np.ndarray]]]:
    with get_context(method).Pool(2) as pool:
        return pool.map(run_all, [0, 20], chunksize=1)


if __name__ == "__main__":
    faulthandler.dump_traceback_later(SECONDS_FOR_COMPILING, exit=True)
    BEFORE = blas_threads()
    EXPECTED = run_all()
    check("once more", [run_all()])
    check("fork", in_processes("fork"))
    with ThreadPoolExecutor(4) as threads:
        check("four threads", list(threads.map(run_all, [0, 0, 20, 40])))
    with joblib.parallel_config(backend="threading", n_jobs=4):
        swept = flux.sweep(numbered, {"name": list(CALLS)}, repeats=1, seed=1, progress=False)
    totals = [sum(float(np.nansum(part)) for part in EXPECTED[name]) for name in CALLS]
    np.testing.assert_array_equal(swept["result"].values.ravel(), totals)
    check("threads of a sweep", [])
    check("fork after threads", in_processes("fork"))
    check("spawn", in_processes("spawn"))
