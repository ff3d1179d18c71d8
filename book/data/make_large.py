"""Bounds on the flux of networks of 100 and 1000 neurons; writes large_networks.json.

Run from anywhere: python book/data/make_large.py (some minutes). Cases already stored are kept.
"""

import json
from pathlib import Path

import numpy as np

import flux

CASES = [(100, 0.1), (1000, 0.02), (1000, 0.05), (1000, 0.1)]
SAMPLES = {100: 200_000, 1000: 20_000}
store = Path(__file__).with_name("large_networks.json")
rows = json.loads(store.read_text()) if store.exists() else []
for n, width in CASES:
    if any((row["n"], row["width"]) == (n, width) for row in rows):
        continue
    W = flux.gaussian_weights(n, rng=np.random.default_rng(1), width=width)
    rng = np.random.default_rng(2)
    found = flux.flux_interval(W, rng=rng, samples=SAMPLES[n], progress=False)
    rows.append({"n": n, "width": width, **found._asdict()})
    store.write_text(json.dumps(rows, indent=1) + "\n")
