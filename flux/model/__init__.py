"""The network that runs by itself."""
