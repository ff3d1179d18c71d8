"""How well proxies rank networks by their flux: canonical correlations against c_rms.

Writes canonical.json: for each size and width Spearman's rank correlation with the exact flux, its
95 % interval by resampling networks, and the range of the ratio to it. Minutes; what is stored
is kept. Run from anywhere: python book/data/make_canonical.py
"""

import json
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

import flux

SIZES = [8, 10]
WIDTHS = [0.1, 0.3, 0.6, 1.0, 1.5]
NETWORKS = 200
STEPS = 20_000
"""Steps of the recording of each network."""
PROXIES = ["c_rms", "gaussian", "binary", "c_rms, recorded", "gaussian, recorded",
           "binary, recorded"]  # fmt: skip


def measure(n, width, repeat):
    """Return the exact flux of a network without bias, and its proxies from law and recording."""
    rng = np.random.default_rng([n, round(100 * width), repeat])
    W = flux.gaussian_weights(n, rng=rng, width=width)
    law = flux.solve(W)
    x = flux.simulate(W, STEPS, rng=rng, burn_in=1000, progress=False)
    proxies = []
    for C, source in ((flux.exact_correlation(law), law), (flux.lagged_correlation(x), x)):
        found = flux.canonical_flux(source)
        proxies += [flux.rms_correlation(C), found.gaussian, found.binary]
    return [flux.exact_flux(law).I, *proxies]


def summary(n, width):
    """Return rank correlations, their intervals, and ratios to the flux."""
    table = np.array([measure(n, width, repeat) for repeat in range(NETWORKS)])
    I, proxies = table[:, 0], table[:, 1:].T
    rng = np.random.default_rng(1)
    resampled = [rng.integers(0, NETWORKS, NETWORKS) for _ in range(1000)]
    row = {"n": n, "width": width, "networks": NETWORKS, "steps": STEPS, "I": I.mean()}
    for name, values in zip(PROXIES, proxies, strict=True):
        draws = [spearmanr(I[k], values[k])[0] for k in resampled]
        entry = {
            "spearman": float(spearmanr(I, values)[0]),
            "interval": np.quantile(draws, [0.025, 0.975]).tolist(),
        }
        if "c_rms" not in name:
            ratio = values / I
            entry |= {"median": float(np.median(ratio)), "range": [ratio.min(), ratio.max()]}
        row[name] = entry
    return row


if __name__ == "__main__":
    store = Path(__file__).with_name("canonical.json")
    rows = json.loads(store.read_text()) if store.exists() else []
    for n, width in [(n, width) for n in SIZES for width in WIDTHS][len(rows) :]:
        rows.append(summary(n, width))
        store.write_text(json.dumps(rows, indent=1) + "\n")
