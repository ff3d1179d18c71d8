"""Information relays of trained networks."""
