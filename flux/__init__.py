"""Exact information flux of probabilistic recurrent neural networks."""

from flux.boltzmann import on_probability, simulate, simulate_chains
from flux.bounds import FluxInterval, flux_interval
from flux.coarse import coarse_grain
from flux.correlation import lagged_correlation, rms_correlation
from flux.entropies import entropy_from_counts
from flux.estimators import model_flux, sample_flux
from flux.exact import (
    exact_correlation,
    exact_flux,
    stationary_distribution,
    transition_matrix,
)
from flux.information import Flux, binary_entropy, entropy, mutual_information
from flux.packing import PackedSpins, pack
from flux.profiles import Drift, drift, smearedness
from flux.recordings import spike_trains
from flux.relay_scores import RelaysOverTime, relay_over_time, relay_scores
from flux.relays import RelayInformation, RelayOrder, relay_information, relay_order
from flux.resampling import SampleInterval, sample_flux_interval
from flux.states import TooLargeError, all_states, decode, encode
from flux.stationary import ConvergenceError
from flux.weights import gaussian_weights, nrooks

__all__ = [
    "ConvergenceError",
    "Drift",
    "Flux",
    "FluxInterval",
    "PackedSpins",
    "RelayInformation",
    "RelayOrder",
    "RelaysOverTime",
    "SampleInterval",
    "TooLargeError",
    "all_states",
    "binary_entropy",
    "coarse_grain",
    "decode",
    "drift",
    "encode",
    "entropy",
    "entropy_from_counts",
    "exact_correlation",
    "exact_flux",
    "flux_interval",
    "gaussian_weights",
    "lagged_correlation",
    "model_flux",
    "mutual_information",
    "nrooks",
    "on_probability",
    "pack",
    "relay_information",
    "relay_order",
    "relay_over_time",
    "relay_scores",
    "rms_correlation",
    "sample_flux",
    "sample_flux_interval",
    "simulate",
    "simulate_chains",
    "smearedness",
    "spike_trains",
    "stationary_distribution",
    "transition_matrix",
]
