"""A function over a grid of parameters, in parallel and kept on disk."""
