"""Attractors, periods, memories and pattern generators."""
