"""Damage in networks of one field strength and four sizes; writes networks_damage.nc.

python book/data/make_networks.py [FOLDER]   some minutes on two cores

A run that was stopped goes on: its stores lie in FOLDER, by default the current one.
"""

import sys
from pathlib import Path

import numpy as np
import xarray

import flux

FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
FIELD = 0.2
STEPS = 120
RUNS = {100: 100, 300: 100, 1000: 100, 4000: 40}


def damage(*, neurons: int, run: int) -> dict[str, float]:
    """Share of neurons that differ after 120 steps, from one, under the same random numbers."""
    rng = np.random.default_rng([neurons, run])
    W = flux.gaussian_weights(neurons, rng=rng, width=FIELD / np.sqrt(neurons))
    start = flux.simulate(W, 1, rng=rng, burn_in=20)[0]
    other = start.copy()
    other[0] *= -1
    first, second = (
        flux.simulate(W, 1, rng=np.random.default_rng(run), x0=x, burn_in=STEPS)
        for x in (start, other)
    )
    return {"share": float(np.mean(first != second))}


def main() -> None:
    parts = []
    for n, count in RUNS.items():
        grid = {"neurons": [n], "run": range(count)}
        store = FOLDER / f"networks_damage_{n}.sqlite"
        part = flux.sweep(damage, grid, repeats=1, seed=None, store=store)
        parts.append(part.isel(repeat=0, drop=True))
    # the largest networks have fewer runs, and nan for the others
    found = xarray.concat(parts, "neurons", join="outer", combine_attrs="drop_conflicts")
    found = found.assign_attrs(field=FIELD, steps=STEPS)
    found.to_netcdf(Path(__file__).with_name("networks_damage.nc"), engine="scipy")


if __name__ == "__main__":
    main()
