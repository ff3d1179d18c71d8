"""Exact information flux of probabilistic recurrent neural networks."""

from flux._base.errors import ArgumentError, ConvergenceError, FluxError, TooLargeError
from flux._base.installed import __version__ as __version__
from flux.attractors.best_rooks import BestRooks, best_rooks
from flux.attractors.enumerated import Attractors, find_attractors, mean_period
from flux.attractors.memory import Recall, memory_curve, recall
from flux.attractors.pattern_generators import (
    PatternGenerator,
    fewest_rooks,
    pattern_generator,
    slip_time,
)
from flux.attractors.rook_periods import RookPeriods, rook_periods, rooks_matrix
from flux.attractors.sampled import SampledAttractors, sample_attractors
from flux.attractors.state_graph import state_graph
from flux.attractors.zero_noise_map import TieError, Ties, successor_map
from flux.exact.correlation import exact_correlation
from flux.exact.flux import exact_flux
from flux.exact.gradient import FluxGradient, flux_gradient
from flux.exact.law import Law, solve, stationary_distribution, transition_matrix
from flux.large.approximation import ApproximateFlux, approximate_flux
from flux.large.bounds import FluxInterval, flux_interval
from flux.large.fitted import FittedFlux, fitted_flux
from flux.model.ensembles import gaussian_weights, nrooks
from flux.model.information import Flux, binary_entropy, entropy, mutual_information
from flux.model.simulation import on_probability, simulate, simulate_chains
from flux.model.states import all_states, decode, encode
from flux.recordings.bin_widths import BinWidths, flux_by_bin_width
from flux.recordings.canonical import CanonicalFlux, canonical_flux
from flux.recordings.comparison import FluxComparison, compare_flux
from flux.recordings.correlation import lagged_correlation, rms_correlation
from flux.recordings.entropies import entropy_from_counts
from flux.recordings.estimators import model_flux, sample_flux
from flux.recordings.fit import NetworkFit, fit_network
from flux.recordings.intervals import SampleInterval, sample_flux_interval
from flux.recordings.misfit import Misfit, check_fit
from flux.recordings.packed_spins import PackedSpins, pack
from flux.recordings.spike_trains import spike_trains
from flux.recordings.surrogates import jitter_spikes, shift_neurons, shuffle_trials
from flux.relays.coarse_graining import coarse_grain
from flux.relays.drift import Drift, drift, smearedness
from flux.relays.knockouts import (
    PatchedRuns,
    RecordedRun,
    run_steps,
    run_with_knockout,
    run_with_patch,
)
from flux.relays.node_scores import RelaysOverTime, relay_over_time, relay_scores
from flux.relays.relay_information import (
    RelayInformation,
    RelayOrder,
    relay_information,
    relay_order,
)
from flux.relays.relay_sets import RelaySets, all_relay_information, knockout_accuracy
from flux.relays.significance import (
    DriftSignificance,
    OrderSignificance,
    ScoreSignificance,
    drift_significance,
    order_significance,
    score_significance,
)
from flux.search.covariance_adaptation import evolve_cma
from flux.search.evolution import Evolution, SearchError, evolve
from flux.search.gradient_ascent import Ascent, ascend
from flux.search.history import replay
from flux.search.matrix_shape import rookness, row_overlap
from flux.search.wanted_flux import design_flux
from flux.search.weighing_matrices import weighing_matrix
from flux.sweeps._store import StoreError
from flux.sweeps.grid import SweepError, sweep

__all__ = [
    "ApproximateFlux",
    "ArgumentError",
    "Ascent",
    "Attractors",
    "BestRooks",
    "BinWidths",
    "CanonicalFlux",
    "ConvergenceError",
    "Drift",
    "DriftSignificance",
    "Evolution",
    "FittedFlux",
    "Flux",
    "FluxComparison",
    "FluxError",
    "FluxGradient",
    "FluxInterval",
    "Law",
    "Misfit",
    "NetworkFit",
    "OrderSignificance",
    "PackedSpins",
    "PatchedRuns",
    "PatternGenerator",
    "Recall",
    "RecordedRun",
    "RelayInformation",
    "RelayOrder",
    "RelaySets",
    "RelaysOverTime",
    "RookPeriods",
    "SampleInterval",
    "SampledAttractors",
    "ScoreSignificance",
    "SearchError",
    "StoreError",
    "SweepError",
    "TieError",
    "Ties",
    "TooLargeError",
    "all_relay_information",
    "all_states",
    "approximate_flux",
    "ascend",
    "best_rooks",
    "binary_entropy",
    "canonical_flux",
    "check_fit",
    "coarse_grain",
    "compare_flux",
    "decode",
    "design_flux",
    "drift",
    "drift_significance",
    "encode",
    "entropy",
    "entropy_from_counts",
    "evolve",
    "evolve_cma",
    "exact_correlation",
    "exact_flux",
    "fewest_rooks",
    "find_attractors",
    "fit_network",
    "fitted_flux",
    "flux_by_bin_width",
    "flux_gradient",
    "flux_interval",
    "gaussian_weights",
    "jitter_spikes",
    "knockout_accuracy",
    "lagged_correlation",
    "mean_period",
    "memory_curve",
    "model_flux",
    "mutual_information",
    "nrooks",
    "on_probability",
    "order_significance",
    "pack",
    "pattern_generator",
    "recall",
    "relay_information",
    "relay_order",
    "relay_over_time",
    "relay_scores",
    "replay",
    "rms_correlation",
    "rook_periods",
    "rookness",
    "rooks_matrix",
    "row_overlap",
    "run_steps",
    "run_with_knockout",
    "run_with_patch",
    "sample_attractors",
    "sample_flux",
    "sample_flux_interval",
    "score_significance",
    "shift_neurons",
    "shuffle_trials",
    "simulate",
    "simulate_chains",
    "slip_time",
    "smearedness",
    "solve",
    "spike_trains",
    "state_graph",
    "stationary_distribution",
    "successor_map",
    "sweep",
    "transition_matrix",
    "weighing_matrix",
]
