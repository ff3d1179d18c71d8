"""Pictures that several chapters share. Colours are told apart with any colour vision."""

from flux.plots.maps import show_map, show_memory
from flux.plots.networks import show_raster, show_state_graph, show_weights
from flux.plots.recordings import (
    show_bin_widths,
    show_correlations,
    show_couplings,
    show_estimates,
)
from flux.plots.relays import show_concepts, show_doses, show_relay_curve, show_relay_scores
from flux.plots.searches import show_runs
from flux.plots.style import COLOURS, use_style

__all__ = [
    "COLOURS",
    "show_bin_widths",
    "show_concepts",
    "show_correlations",
    "show_couplings",
    "show_doses",
    "show_estimates",
    "show_map",
    "show_memory",
    "show_raster",
    "show_relay_curve",
    "show_relay_scores",
    "show_runs",
    "show_state_graph",
    "show_weights",
    "use_style",
]
