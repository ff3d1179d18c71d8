"""Exact information flux of probabilistic recurrent neural networks."""

from flux.information import Flux, binary_entropy, entropy, mutual_information
from flux.states import TooLargeError, all_states, decode, encode
from flux.weights import gaussian_weights, nrooks

__all__ = [
    "Flux",
    "TooLargeError",
    "all_states",
    "binary_entropy",
    "decode",
    "encode",
    "entropy",
    "gaussian_weights",
    "mutual_information",
    "nrooks",
]
