"""Exact information flux of probabilistic recurrent neural networks."""

from flux.boltzmann import on_probability, simulate, simulate_chains
from flux.correlation import lagged_correlation, rms_correlation
from flux.exact import (
    exact_correlation,
    exact_flux,
    stationary_distribution,
    transition_matrix,
)
from flux.information import Flux, binary_entropy, entropy, mutual_information
from flux.packing import PackedSpins, pack
from flux.states import TooLargeError, all_states, decode, encode
from flux.stationary import ConvergenceError
from flux.weights import gaussian_weights, nrooks

__all__ = [
    "ConvergenceError",
    "Flux",
    "PackedSpins",
    "TooLargeError",
    "all_states",
    "binary_entropy",
    "decode",
    "encode",
    "entropy",
    "exact_correlation",
    "exact_flux",
    "gaussian_weights",
    "lagged_correlation",
    "mutual_information",
    "nrooks",
    "on_probability",
    "pack",
    "rms_correlation",
    "simulate",
    "simulate_chains",
    "stationary_distribution",
    "transition_matrix",
]
