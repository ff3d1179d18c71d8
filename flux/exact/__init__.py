"""The exact law of a network, and what follows from it."""
