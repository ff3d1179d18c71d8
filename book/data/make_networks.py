"""Damage in networks of one field strength and four sizes; writes networks_damage.json.

Run from anywhere: python book/data/make_networks.py (some minutes on two cores).
"""

import json
from pathlib import Path

import numpy as np

import flux

FIELD = 0.2
STEPS = 120
REPEATS = {100: 100, 300: 100, 1000: 100, 4000: 40}


def damage(n: int, repeat: int) -> float:
    """Share of neurons that differ after 120 steps, from one, under the same random numbers."""
    rng = np.random.default_rng([n, repeat])
    W = flux.gaussian_weights(n, rng=rng, width=FIELD / np.sqrt(n))
    start = flux.simulate(W, 1, rng=rng, burn_in=20)[0]
    other = start.copy()
    other[0] *= -1
    first, second = (
        flux.simulate(W, 1, rng=np.random.default_rng(repeat), x0=x, burn_in=STEPS)
        for x in (start, other)
    )
    return float(np.mean(first != second))


if __name__ == "__main__":
    found = {n: [damage(n, repeat) for repeat in range(count)] for n, count in REPEATS.items()}
    rows = [
        {"neurons": n, "n": len(shares), "alive": int(np.count_nonzero(shares)), "shares": shares}
        for n, shares in found.items()
    ]
    store = {"field": FIELD, "steps": STEPS, "rows": rows}
    Path(__file__).with_name("networks_damage.json").write_text(json.dumps(store, indent=1) + "\n")
