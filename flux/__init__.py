"""Exact information flux of probabilistic recurrent neural networks."""

from flux.ascent import Ascent, ascend
from flux.boltzmann import on_probability, simulate, simulate_chains
from flux.bounds import FluxInterval, flux_interval
from flux.construction import design_flux
from flux.correlation import lagged_correlation, rms_correlation
from flux.designs import weighing_matrix
from flux.entropies import entropy_from_counts
from flux.estimators import model_flux, sample_flux
from flux.evolution import Evolution, SearchError, evolve, replay
from flux.exact import (
    exact_correlation,
    exact_flux,
    stationary_distribution,
    transition_matrix,
)
from flux.gradient import FluxGradient, flux_gradient
from flux.information import Flux, binary_entropy, entropy, mutual_information
from flux.packing import PackedSpins, pack
from flux.recordings import spike_trains
from flux.resampling import SampleInterval, sample_flux_interval
from flux.shapes import rookness, row_overlap
from flux.states import TooLargeError, all_states, decode, encode
from flux.stationary import ConvergenceError
from flux.weights import gaussian_weights, nrooks

__all__ = [
    "Ascent",
    "ConvergenceError",
    "Evolution",
    "Flux",
    "FluxGradient",
    "FluxInterval",
    "PackedSpins",
    "SampleInterval",
    "SearchError",
    "TooLargeError",
    "all_states",
    "ascend",
    "binary_entropy",
    "decode",
    "design_flux",
    "encode",
    "entropy",
    "entropy_from_counts",
    "evolve",
    "exact_correlation",
    "exact_flux",
    "flux_gradient",
    "flux_interval",
    "gaussian_weights",
    "lagged_correlation",
    "model_flux",
    "mutual_information",
    "nrooks",
    "on_probability",
    "pack",
    "replay",
    "rms_correlation",
    "rookness",
    "row_overlap",
    "sample_flux",
    "sample_flux_interval",
    "simulate",
    "simulate_chains",
    "spike_trains",
    "stationary_distribution",
    "transition_matrix",
    "weighing_matrix",
]
