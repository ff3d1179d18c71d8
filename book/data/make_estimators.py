"""Errors of every estimator of the flux, and how often its interval holds the truth.

Writes estimators.json, cell by cell, and goes on where it was stopped. To compute all anew,
remove the file first. Run from anywhere: python book/data/make_estimators.py (half an hour).
"""

import json
import warnings
from pathlib import Path

import numpy as np

import flux
from flux.recordings.entropies import FLUX_METHODS

METHODS = [*FLUX_METHODS, "model"]
SIZES = [4, 6, 8, 10]
WIDTHS = [0.3, 1.0, 3.0]
STEPS = [1_000, 10_000, 100_000, 1_000_000]
NETWORKS = 20

RECORDINGS = 100
# kind, neurons, steps: firing probability 1/2 first, then 1 to 5 %
CELLS = [
    (kind, n, steps)
    for steps in STEPS[:3]
    for kind, sizes in {
        "coins": [4, 8],
        "width 0.3": [4, 8],
        "width 1": [4, 8],
        "width 3": [4, 8],
        "independent": [5, 20, 60],
        "refractory": [5, 20, 60],
        "coupled": [5, 20, 60],
    }.items()
    for n in sizes
    if n * steps < 6_000_000
]
SPARSE = ["independent", "refractory", "coupled"]
COMPARED = ["plugin", "chao-wang-jost", "nsb", "shuffle"]


def count(x, methods):
    """Return the flux by some methods, NaN where one refuses as no pair was seen twice."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for method in methods:
            try:
                found.append(flux.sample_flux(x, method=method).I)
            except ValueError:
                found.append(np.nan)
    return found


def estimate(W, x):
    """Return the flux by every method, with the weights known (`model`) last."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return [*count(x, METHODS[:-1]), flux.model_flux(W, x).I]


def by_name(names, values):
    """Return rounded values by name, None for NaN, which JSON does not know."""
    return {
        name: None if np.isnan(v) else round(float(v), 5)
        for name, v in zip(names, values, strict=True)
    }


def errors(n, width, steps):
    """Return estimate less exact flux: (networks, methods), one recording a network."""
    differences = []
    for network in range(NETWORKS):
        rng = np.random.default_rng([n, round(10 * width), network])
        W = flux.gaussian_weights(n, rng=rng, width=width)
        x = flux.simulate(W, steps, rng=rng, burn_in=1_000, progress=False)
        differences.append(np.array(estimate(W, x)) - flux.exact_flux(W).I)
    return np.array(differences)


def network(kind, n, rng):
    """Return weights and biases: dense ones without bias, or neurons on in 1 to 5 % of the bins.

    Refractory neurons never fire twice in a row; coupled ones rarely do, and stand in groups of
    five with weights of width 1 between them, so that the exact flux is known at any n.
    """
    if kind == "coins":
        return np.zeros((n, n)), np.zeros(n)
    if kind not in SPARSE:
        return flux.gaussian_weights(n, rng=rng, width=float(kind.split()[1])), np.zeros(n)
    rate = np.exp(rng.uniform(np.log(0.01), np.log(0.05), n))
    silent = np.log(rate / (1 - rate))
    W = np.zeros((n, n))
    if kind == "refractory":
        # fires with odds rate / (1 - 2 rate) if it did not, so that `rate` is its share of bins
        np.fill_diagonal(W, -20.0)
        return W, np.log(rate / (1 - 2 * rate)) - 20.0
    if kind == "coupled":
        for start in range(0, n, 5):
            group = slice(start, start + 5)
            W[group, group] = flux.gaussian_weights(5, rng=rng)
        np.fill_diagonal(W, -2.0)
    # b + W (-1, ..., -1) is the field of a silent network
    return W, silent + W.sum(1)


def interval(kind, n, steps, recording):
    """Return the truth, the interval with its test, and estimates, from one network each."""
    rng = np.random.default_rng([*kind.encode(), n, recording])
    W, b = network(kind, n, rng)
    x = flux.simulate(W, steps, rng=rng, b=b, burn_in=1_000, progress=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        found = flux.sample_flux_interval(x, rng=rng, resamples=20)
    others = count(x, COMPARED)
    # rounding leaves the flux of independent neurons a little beside 0
    truth = max(0.0, round(float(flux.exact_flux(W, b).I), 12))
    return [truth, found.lower, found.upper, found.p_value, found.resolvable, bool(caught),
            found.estimate, *others]  # fmt: skip


def coverage(kind, n, steps):
    """Return how often the interval holds the truth, and how wide it is, over all recordings."""
    rows = np.array([interval(kind, n, steps, r) for r in range(RECORDINGS)], dtype=float)
    truth, lower, upper, p, resolvable, warned = rows[:, :6].T
    error = rows[:, 6:] - truth[:, None]
    rms = np.sqrt((error**2).mean(0))
    return {
        "kind": kind,
        "n": n,
        "steps": steps,
        "truth": round(truth.mean(), 5),
        "held": int(((lower <= truth) & (truth <= upper)).sum()),
        "rejected": int((p <= 0.05).sum()),
        "warned": int(warned.sum()),
        "lower": round(lower.mean(), 5),
        "upper": round(upper.mean(), 5),
        "resolvable": round(resolvable.mean(), 5),
        "rms": by_name(["interval", *COMPARED], rms),
    }


def large_network():
    """Return the exact flux of 16 neurons and its estimates from 10^6 steps."""
    rng = np.random.default_rng(16)
    W = flux.gaussian_weights(16, rng=rng)
    x = flux.simulate(W, 1_000_000, rng=rng, burn_in=1_000, progress=False)
    return {"exact": round(float(flux.exact_flux(W).I), 4), **by_name(METHODS, estimate(W, x))}


def bias_and_rms(n, width, steps):
    """Return bias and root-mean-square error of every method over all networks."""
    error = errors(n, width, steps)
    bias, rms = error.mean(0), np.sqrt((error**2).mean(0))
    return {
        "n": n,
        "width": width,
        "steps": steps,
        "bias": by_name(METHODS, bias),
        "rms": by_name(METHODS, rms),
    }


def main():
    """Compute the table and store it next to this file, whenever a cell is done."""
    path = Path(__file__).with_name("estimators.json")
    table = json.loads(path.read_text()) if path.exists() else {}
    table |= {"networks": NETWORKS, "recordings": RECORDINGS}
    done = {(c["n"], c["width"], c["steps"]) for c in table.setdefault("cells", [])}
    held = {(c["kind"], c["n"], c["steps"]) for c in table.setdefault("intervals", [])}

    def store():
        path.write_text(json.dumps(table, indent=1) + "\n")

    for cell in [(n, width, steps) for n in SIZES for width in WIDTHS for steps in STEPS]:
        if cell not in done:
            table["cells"].append(bias_and_rms(*cell))
            store()
    if "n16" not in table:
        table["n16"] = large_network()
        store()
    for cell in CELLS:
        if cell not in held:
            table["intervals"].append(coverage(*cell))
            store()


if __name__ == "__main__":
    main()
