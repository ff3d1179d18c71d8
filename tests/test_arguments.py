"""What every function makes of strong, sparse, read-only and differently stored arguments."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher
from numpy.typing import NDArray
from scipy import sparse

import flux
from flux import plots

Call = Callable[..., Any]

N = 5
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*samples are:UserWarning"),
    pytest.mark.filterwarnings("ignore:the chains disagree:UserWarning"),
    pytest.mark.filterwarnings("error::RuntimeWarning"),
]


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


WEIGHTS = flux.gaussian_weights(N, rng=rng()).round(2)
BIAS = rng().normal(size=N).round(2)
STATES = flux.simulate(WEIGHTS, 200, rng=rng(), b=BIAS)
WRITTEN = [[1, 0, 0, 0, 0], [-1, 0, 0, 0, 0]]
LABELS = rng().integers(0, 3, (2, 200))
NETWORK = (lambda h, x: 0.5 * h + x, lambda h: h @ WEIGHTS)
STATES_SHOWN = (rng().normal(size=(4, N)), *rng().normal(size=(2, 4, 3, N)))
SENDERS = np.roll(np.arange(N), 1)

# all public functions that take weights W and a bias b, but no sparse weights
DENSE: dict[str, Call] = {
    "transition_matrix": flux.transition_matrix,
    "recall": lambda W, b: flux.recall(W, WRITTEN, [0, 2], b),
    "successor_map": flux.successor_map,
    "find_attractors": flux.find_attractors,
    "state_graph": flux.state_graph,
    "plots.show_state_graph": plots.show_state_graph,
}
# ... that take both
SPARSE: dict[str, Call] = {
    "on_probability": lambda W, b: flux.on_probability(W, STATES, b),
    "simulate": lambda W, b: flux.simulate(W, 20, rng=rng(), b=b),
    "simulate_chains": lambda W, b: flux.simulate_chains(W, 20, 20, rng=rng(), b=b),
    "stationary_distribution": flux.stationary_distribution,
    "solve": flux.solve,
    "exact_flux": flux.exact_flux,
    "exact_flux, lag": lambda W, b: flux.exact_flux(W, b, 3),
    "exact_correlation": flux.exact_correlation,
    "flux_gradient": flux.flux_gradient,
    "flux_interval": lambda W, b: flux.flux_interval(W, b, rng=rng(), samples=1000),
    "approximate_flux": lambda W, b: flux.approximate_flux(W, b, rng=rng(), samples=1000),
    "model_flux": lambda W, b: flux.model_flux(W, STATES, b),
    "memory_curve": lambda W, b: flux.memory_curve(W, [1, 2], b),
    "sample_attractors": lambda W, b: flux.sample_attractors(W, b, starts=4, rng=rng()),
}
# ... that take dense weights alone
ALONE: dict[str, Call] = {
    "ascend": lambda W: flux.ascend(W, bound=5.0, max_evaluations=3),
    "rookness": flux.rookness,
    "row_overlap": flux.row_overlap,
    "plots.show_weights": plots.show_weights,
    "plots.show_couplings": lambda W: plots.show_couplings(W, np.ones((N, N))),
}
NETWORKS: dict[str, Call] = {**DENSE, **SPARSE}

# functions of arrays, each with arguments that suit it
ARRAYS: dict[str, tuple[Call, tuple[Any, ...]]] = {
    **{name: (call, (WEIGHTS, BIAS)) for name, call in NETWORKS.items()},
    **{name: (call, (WEIGHTS,)) for name, call in ALONE.items()},
    "simulate from x0": (lambda x: flux.simulate(WEIGHTS, 9, rng=rng(), x0=x), (STATES[0],)),
    "on_probability of x": (lambda x: flux.on_probability(WEIGHTS, x), (STATES,)),
    "model_flux of x": (lambda x: flux.model_flux(WEIGHTS, x), (STATES,)),
    "lines": (flux.exact_flux, (np.diag(BIAS), BIAS)),
    "gradient of lines": (flux.flux_gradient, (np.diag(BIAS), BIAS)),
    "extended range": (flux.exact_flux, (WEIGHTS + 800 * np.eye(N), BIAS)),
    "sample_flux": (flux.sample_flux, (STATES,)),
    "sample_flux of many": (flux.sample_flux, (np.tile(STATES, 14),)),
    "sample_flux_interval": (
        lambda x: flux.sample_flux_interval(x, rng=rng(), resamples=20),
        (STATES,),
    ),
    "fit_network": (lambda x: flux.fit_network(x, penalty=1.0), (STATES,)),
    "fitted_flux": (lambda x: flux.fitted_flux(x, rng=rng(), simulations=20), (STATES,)),
    "check_fit": (
        lambda x: flux.check_fit(flux.fit_network(x, penalty=1.0), x, rng=rng(), simulations=20),
        (STATES,),
    ),
    "compare_flux": (
        lambda a, c: flux.compare_flux(a, c, rng=rng(), resamples=20),
        (STATES, STATES[::-1]),
    ),
    "shift_neurons": (lambda x: flux.shift_neurons(x, rng=rng()), (STATES,)),
    "shuffle_trials": (
        lambda x: flux.shuffle_trials(x, rng=rng()),
        (np.stack([STATES, STATES[::-1]]),),
    ),
    "jitter_spikes": (lambda x: flux.jitter_spikes(x, 8, rng=rng()), (STATES,)),
    "lagged_correlation": (flux.lagged_correlation, (STATES,)),
    "lagged_correlation of bits": (
        lambda *packed: flux.lagged_correlation(flux.PackedSpins(*packed)),
        tuple(flux.pack(STATES)),
    ),
    "lagged_correlation, streamed": (
        lambda x: flux.lagged_correlation(iter([x, x])),
        (STATES,),
    ),
    "pack": (flux.pack, (STATES,)),
    "canonical_flux": (flux.canonical_flux, (STATES,)),
    "rms_correlation": (flux.rms_correlation, (np.eye(N),)),
    "encode": (flux.encode, (STATES,)),
    "decode": (lambda codes: flux.decode(codes, N), (flux.encode(STATES),)),
    "entropy": (flux.entropy, (np.full(4, 0.25),)),
    "binary_entropy": (flux.binary_entropy, (np.full(4, 0.25),)),
    "mutual_information": (flux.mutual_information, (np.full((2, 2), 0.25),)),
    "entropy_from_counts": (flux.entropy_from_counts, (np.array([3, 2, 1]),)),
    "coarse_grain": (flux.coarse_grain, (rng().normal(size=(20, N)),)),
    "run_with_knockout": (
        lambda h0, x: flux.run_with_knockout(*NETWORK, h0, x, [0], 1, rng=rng()),
        STATES_SHOWN[:2],
    ),
    "run_with_patch": (
        lambda h0, x, donor_x: flux.run_with_patch(*NETWORK, h0, x, donor_x, [0], 1),
        STATES_SHOWN,
    ),
    "score_significance": (
        lambda a, c, Y: flux.score_significance(a, c, Y, rng=rng(), resamples=20),
        (*LABELS, STATES),
    ),
    "order_significance": (
        lambda a, c, Y: flux.order_significance(a, c, Y, rng=rng(), resamples=20),
        (*LABELS, STATES),
    ),
    "drift_significance": (
        lambda scores: flux.drift_significance(scores, rng=rng(), resamples=20),
        (rng().random((3, 5)),),
    ),
    "all_relay_information": (flux.all_relay_information, (*LABELS, STATES)),
    "knockout_accuracy": (
        flux.knockout_accuracy,
        (WEIGHTS, BIAS, WEIGHTS, BIAS, SENDERS, np.eye(N, dtype=bool)),
    ),
    "relay_information": (
        lambda a, c, Y: flux.relay_information(a, c, Y, [0, 1]),
        (*LABELS, STATES),
    ),
    "relay_order": (lambda a, c, Y: flux.relay_order(a, c, Y, rng=rng()), (*LABELS, STATES)),
    "relay_scores": (
        lambda a, c, Y: flux.relay_scores(a, c, Y, kind="shapley", rng=rng(), orders=9),
        (*LABELS, STATES),
    ),
    "relay_over_time": (
        lambda a, c, Y: flux.relay_over_time(a, c, Y, rng=rng()),
        (*LABELS, np.stack([STATES, STATES], 1)),
    ),
    "rook_periods": (flux.rook_periods, (SENDERS, np.ones(N))),
    "rooks_matrix": (lambda s, v: flux.rooks_matrix(s, v, strength=2.0), (SENDERS, np.ones(N))),
    "nrooks": (lambda s: flux.nrooks(N, rng=rng(), strength=2.0, signs=s), (np.ones(N),)),
    "drift": (flux.drift, (rng().normal(size=(4, N)),)),
    "smearedness": (flux.smearedness, (rng().random((4, N)),)),
    "spike_trains": (
        lambda t: flux.spike_trains([t, t + 0.001], bin_width=0.01, start=0, stop=2),
        (np.sort(rng().random(20)),),
    ),
    "evolve": (
        lambda W: flux.evolve(np.sum, W, rng=rng(), steps=3, mutation=0.1),
        (WEIGHTS,),
    ),
}


def test_every_function_of_weights_is_here() -> None:
    taken = {name.split(",")[0] for name in {**NETWORKS, **ALONE}}
    public = {name: getattr(flux, name) for name in flux.__all__}
    public |= {f"plots.{k}": v for k, v in vars(plots).items() if k.startswith("show")}
    wanted = {
        name
        for name, value in public.items()
        if inspect.isfunction(value) and {"W", "W0"} & set(inspect.signature(value).parameters)
    }
    assert wanted - {"evolve", "evolve_cma"} == taken  # these take any array, and any fitness


# --- weights too strong for doubles --------------------------------------------------------------


@pytest.mark.parametrize("W", [np.full((N, N), 1.7e308), 4.1e307 * np.eye(N)])
@pytest.mark.parametrize("name", {**NETWORKS, **ALONE})
def test_weights_whose_fields_may_overflow_are_refused(name: str, W: NDArray[Any]) -> None:
    call = {**NETWORKS, **ALONE}[name]
    arguments = () if name in ALONE else (None,)
    # ascend takes no weights beyond its bound
    rule = r"^W0 must stay within" if name == "ascend" else r"^W must have row sums .* 4e\+307"
    with pytest.raises(ValueError, match=rule):
        call(W, *arguments)
    if name in SPARSE:
        with pytest.raises(ValueError, match=r"^W must have row sums of magnitudes"):
            call(sparse.csr_array(W), *arguments)


@pytest.mark.parametrize("name", NETWORKS)
def test_biases_whose_fields_may_overflow_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^b must lie from -4e\+307 to 4e\+307"):
        NETWORKS[name](WEIGHTS, np.full(N, -1.7e308))


def numbers(found: Any) -> Iterator[NDArray[Any]]:
    if isinstance(found, tuple):
        for field in found:
            yield from numbers(field)
    elif isinstance(found, (float, np.ndarray)):
        yield np.asarray(found)


@pytest.mark.parametrize("scale", [1e3, 1e17, 1e160, 7e306])
@pytest.mark.parametrize("W", [WEIGHTS / 2, np.diag(np.diag(WEIGHTS))], ids=["full", "lines"])
@pytest.mark.parametrize("name", NETWORKS)
def test_strong_weights_give_numbers_or_are_refused(
    name: str, W: NDArray[Any], scale: float
) -> None:
    for b in (None, BIAS / 2 * scale):
        refusal, found = "", None
        try:
            found = NETWORKS[name](W * scale, b)
        except flux.ConvergenceError as error:
            refusal = str(error)
        assert (found is None) == bool(re.search("(too|this) strong", refusal))
        assert not any(np.isnan(values).any() for values in numbers(found))


@pytest.mark.parametrize("scale", [1e17, 1e40, 7e306])
def test_bounds_of_strong_weights_are_numbers(scale: float) -> None:
    W = flux.gaussian_weights(15, rng=rng(), width=0.3)
    found = SPARSE["flux_interval"](W * scale, None)
    assert not any(np.isnan(values).any() for values in numbers(found))
    assert 0 <= found.lower <= found.upper + 1e-9 <= 15


def test_a_bound_whose_squares_overflow_is_refused() -> None:
    for norm in ("entry", "l1", "l2", "frobenius"):
        with pytest.raises(ValueError, match=r"^bound must be a finite number from 0 to 1e\+100"):
            flux.ascend(np.eye(2), bound=1e160, norm=norm)
        with pytest.raises(ValueError, match="W0 must stay within the bound"):
            flux.ascend(1e200 * np.eye(2), bound=1.0, norm=norm)


# --- sparse weights ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.uint8, np.int16, np.float32])
@pytest.mark.parametrize("kind", ["coo_array", "coo_matrix", "csr_array", "csc_array", "bsr_array"])
def test_sparse_duplicates_add_up_as_doubles(kind: str, dtype: type) -> None:
    """4999 ones at one place add up to -121 as int8; scipy knows no sparse float16."""
    count = 4999
    ones, zeros = np.ones(count, dtype), np.zeros(count, np.int64)
    W: Any
    if kind.startswith("coo"):
        W = getattr(sparse, kind)((ones, (zeros, zeros + 1)), shape=(2, 2))
    else:
        starts, places = [0, count, count], zeros + 1
        if kind == "csc_array":
            starts, places = [0, 0, count], zeros
        data = ones.reshape(-1, 1, 1) if kind == "bsr_array" else ones
        W = getattr(sparse, kind)((data, places, starts), shape=(2, 2))
    dense, b = np.array([[0.0, count], [0.0, 0.0]]), np.array([0.5 - count, 0.3])
    states = flux.all_states(2)
    expected = flux.on_probability(dense, states, b)
    np.testing.assert_array_equal(flux.on_probability(W, states, b), expected)
    for name in ("exact_flux", "flux_gradient", "simulate", "sample_attractors", "memory_curve"):
        for found, plain in zip(
            numbers(SPARSE[name](W, b)), numbers(SPARSE[name](dense, b)), strict=True
        ):
            np.testing.assert_array_equal(found, plain)
    assert flux.model_flux(W, np.tile(states, (9, 1)), b) == flux.model_flux(
        dense, np.tile(states, (9, 1)), b
    )
    interval = flux.flux_interval(W, b, rng=rng())
    assert interval == flux.flux_interval(dense, b, rng=rng())


# --- however arguments are stored ----------------------------------------------------------------

KERNELS = [
    value
    for module in pkgutil.iter_modules(flux.__path__)
    for value in vars(importlib.import_module(f"flux.{module.name}")).values()
    if isinstance(value, Dispatcher)
]


def n_compiled() -> int:
    return sum(len(kernel.signatures) for kernel in KERNELS)


def stored(how: str, values: Any) -> Any:
    array = np.array(values)
    if how == "read-only":
        array.flags.writeable = False
    elif how == "by columns":
        array = np.asfortranarray(array)
    elif how == "every second":
        array = np.repeat(array, 2, -1)[..., ::2]
    elif how == "other byte order":
        array = array.astype(array.dtype.newbyteorder())
    return array


@pytest.mark.parametrize("name", ARRAYS)
def test_no_kernel_is_compiled_anew_for_arrays_stored_otherwise(name: str) -> None:
    call, arguments = ARRAYS[name]
    expected = list(numbers(call(*(stored("plainly", a) for a in arguments))))
    compiled = n_compiled()
    for how in ("read-only", "by columns", "every second", "other byte order"):
        if how == "other byte order" and "bits" in name:
            continue  # bits must be uint64
        given = [stored(how, a) for a in arguments]
        for found, plain in zip(numbers(call(*given)), expected, strict=True):
            np.testing.assert_array_equal(found, plain)
        assert n_compiled() == compiled, how
        for before, after in zip(arguments, given, strict=True):
            np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", SPARSE)
def test_no_kernel_is_compiled_anew_for_sparse_weights_stored_otherwise(name: str) -> None:
    call, plain = SPARSE[name], sparse.csr_array(WEIGHTS)
    call(plain, BIAS)
    compiled = n_compiled()
    wide = plain.copy()
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    frozen = plain.copy()
    for values in (frozen.data, frozen.indices, frozen.indptr):
        values.flags.writeable = False
    for W in (wide, frozen, plain.tocsc(), plain.tocoo(), plain.astype(np.float32)):
        call(W, BIAS)
        assert n_compiled() == compiled


# --- results -------------------------------------------------------------------------------------


def numpy_scalars(found: Any, name: str) -> Iterator[str]:
    if isinstance(found, np.generic):
        yield name
    elif isinstance(found, tuple):
        names = getattr(found, "_fields", range(len(found)))
        for field, value in zip(names, found, strict=True):
            yield from numpy_scalars(value, f"{name}.{field}")


@pytest.mark.parametrize("name", ARRAYS)
def test_single_numbers_are_those_of_python(name: str) -> None:
    call, arguments = ARRAYS[name]
    assert list(numpy_scalars(call(*arguments), name)) == []
