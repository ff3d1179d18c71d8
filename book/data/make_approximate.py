"""How far approximate_flux is from the exact flux, and whether its bound holds.

Writes approximate.json, a row for each network, and goes on where it was stopped; to compute all
anew, remove the file first. Run from anywhere: python book/data/make_approximate.py (hours on two
cores; each row takes seconds, at N = 16 and 18 a minute or more).
"""

import json
import warnings
from pathlib import Path
from time import process_time

import numpy as np

import flux
from flux.large import approximation, bounds

WIDTHS = [0.1, 0.3, 0.6, 1.0, 1.5]
NETWORKS = {10: 20, 14: 10, 16: 4, 18: 2}
"""Networks of each size and width; every fourth has biases."""
EXACT = {(20, 1.0): 9.8304941278, (20, 1.5): 11.2438883997}
"""Fluxes of networks of 20 neurons, default_rng(20).normal(size=(20, 20)) times the width."""
LARGE = [(100, 0.1), (100, 0.2), (1000, 0.02), (1000, 0.05)]


def network(n, width, repeat):
    """Return weights and biases."""
    rng = np.random.default_rng([n, round(100 * width), repeat])
    W = flux.gaussian_weights(n, rng=rng, width=width)
    return W, rng.standard_normal(n) if repeat % 4 == 3 else np.zeros(n)


def measure(n, width, repeat):
    """Return the exact flux, both approximations, and the interval of small networks."""
    if repeat < 0:
        W, b = np.random.default_rng(20).normal(size=(n, n)) * width, np.zeros(n)
        truth = EXACT.get((n, width))
    elif n <= 18:
        W, b = network(n, width, repeat)
        truth = flux.exact_flux(W, b, progress=False).I
    else:
        W, b = network(n, width, 0)
        truth = None
    row = {"n": n, "width": width, "repeat": repeat, "biased": bool(b.any()), "exact": truth}
    # parts are approximated whatever their size, so that there is a truth to compare with
    approximation.EXACT = bounds.EXACT = 1
    for method in ("gaussian", "autoregressive"):
        start = process_time()
        found = flux.approximate_flux(
            W, b, rng=np.random.default_rng(repeat + 2), method=method, progress=False
        )
        row[method] = {**found._asdict(), "seconds": round(process_time() - start, 2)}
    if n == 16:
        found = flux.flux_interval(W, b, rng=np.random.default_rng(repeat + 2), progress=False)
        row["interval"] = found._asdict()
    return row


def main():
    """Compute and store one row after the other, small networks first."""
    store = Path(__file__).with_name("approximate.json")
    rows = json.loads(store.read_text()) if store.exists() else []
    done = {(row["n"], row["width"], row["repeat"]) for row in rows}
    todo = [(n, w, -1) for n, w in EXACT]
    todo += [(n, w, r) for n, count in NETWORKS.items() for r in range(count) for w in WIDTHS]
    todo += [(n, w, 0) for n, w in LARGE]
    for point in todo:
        if point not in done:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                rows.append(measure(*point))
            store.write_text(json.dumps(rows) + "\n")


if __name__ == "__main__":
    main()
