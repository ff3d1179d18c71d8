"""Exact information flux of probabilistic recurrent neural networks."""

from flux.ascent import Ascent, ascend
from flux.attractors import Attractors, find_attractors, mean_period
from flux.boltzmann import on_probability, simulate, simulate_chains
from flux.bounds import FluxInterval, flux_interval
from flux.coarse import coarse_grain
from flux.construction import design_flux
from flux.correlation import lagged_correlation, rms_correlation
from flux.cycles import SampledAttractors, sample_attractors
from flux.designs import weighing_matrix
from flux.entropies import entropy_from_counts
from flux.estimators import model_flux, sample_flux
from flux.evolution import Evolution, SearchError, evolve
from flux.exact import exact_correlation, exact_flux, stationary_distribution, transition_matrix
from flux.gradient import FluxGradient, flux_gradient
from flux.graph import state_graph
from flux.history import replay
from flux.information import Flux, binary_entropy, entropy, mutual_information
from flux.longest import BestRooks, best_rooks
from flux.memory import Recall, memory_curve, recall
from flux.packing import PackedSpins, pack
from flux.patterns import PatternGenerator, fewest_rooks, pattern_generator, slip_time
from flux.profiles import Drift, drift, smearedness
from flux.recordings import spike_trains
from flux.relay_scores import RelaysOverTime, relay_over_time, relay_scores
from flux.relays import RelayInformation, RelayOrder, relay_information, relay_order
from flux.resampling import SampleInterval, sample_flux_interval
from flux.rooks import RookPeriods, rook_periods, rooks_matrix
from flux.shapes import rookness, row_overlap
from flux.states import TooLargeError, all_states, decode, encode
from flux.stationary import ConvergenceError
from flux.successors import TieError, Ties, successor_map
from flux.sweep import SweepError, sweep
from flux.weights import gaussian_weights, nrooks

__all__ = [
    "Ascent",
    "Attractors",
    "BestRooks",
    "ConvergenceError",
    "Drift",
    "Evolution",
    "Flux",
    "FluxGradient",
    "FluxInterval",
    "PackedSpins",
    "PatternGenerator",
    "Recall",
    "RelayInformation",
    "RelayOrder",
    "RelaysOverTime",
    "RookPeriods",
    "SampleInterval",
    "SampledAttractors",
    "SearchError",
    "SweepError",
    "TieError",
    "Ties",
    "TooLargeError",
    "all_states",
    "ascend",
    "best_rooks",
    "binary_entropy",
    "coarse_grain",
    "decode",
    "design_flux",
    "drift",
    "encode",
    "entropy",
    "entropy_from_counts",
    "evolve",
    "exact_correlation",
    "exact_flux",
    "fewest_rooks",
    "find_attractors",
    "flux_gradient",
    "flux_interval",
    "gaussian_weights",
    "lagged_correlation",
    "mean_period",
    "memory_curve",
    "model_flux",
    "mutual_information",
    "nrooks",
    "on_probability",
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
    "sample_attractors",
    "sample_flux",
    "sample_flux_interval",
    "simulate",
    "simulate_chains",
    "slip_time",
    "smearedness",
    "spike_trains",
    "state_graph",
    "stationary_distribution",
    "successor_map",
    "sweep",
    "transition_matrix",
    "weighing_matrix",
]
