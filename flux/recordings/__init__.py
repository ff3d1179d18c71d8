"""From recordings to spins, correlations, entropies and fluxes."""
