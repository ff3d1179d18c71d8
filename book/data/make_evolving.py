"""Make the stored results of the chapter *Evolving for flux*; about 6 minutes on one core.

python book/data/make_evolving.py [FOLDER]   writes evolving.nc

A run that was stopped goes on: its store lies in FOLDER, by default the current one.
"""

import sys
from pathlib import Path

import numpy as np

import flux

HERE = Path(__file__).parent
GRID = {"n": [3, 4, 5, 6], "bound": ["5", "10", "none"], "seed": range(50)}
LARGEST = max(GRID["n"])
STEPS = 5000
KEPT = np.unique(np.geomspace(1, STEPS, 40).astype(int))


def run(*, n: int, bound: str, seed: int) -> dict[str, np.ndarray]:
    """Evolve from W = 0; return the last W, nan beyond n, and H and D after the kept steps."""
    limit = None if bound == "none" else float(bound)
    rng = np.random.default_rng([n, int(limit or 0), seed])

    def fitness(W: np.ndarray) -> float:
        return flux.exact_flux(W).I

    found = flux.evolve(
        fitness, np.zeros((n, n)), rng=rng, steps=STEPS, mutation=0.1, bound=limit, progress=False
    )
    flows = np.array([flux.exact_flux(flux.replay(found.history, step)) for step in KEPT])
    W = np.pad(found.W, (0, LARGEST - n), constant_values=np.nan)
    return {"W": W, "H": flows[:, 1], "D": flows[:, 2]}


def main() -> None:
    store = Path(sys.argv[1] if len(sys.argv) > 1 else ".") / "evolving.sqlite"
    found = flux.sweep(run, GRID, repeats=1, seed=None, store=store).isel(repeat=0, drop=True)
    # seven digits are enough to draw
    single = {name: {"dtype": "float32"} for name in "HD"}
    found = found.assign({name: found[name].rename({f"{name}_0": "step"}) for name in "HD"})
    found = found.assign_coords(step=KEPT)
    found.to_netcdf(HERE / "evolving.nc", encoding=single, engine="scipy")


if __name__ == "__main__":
    main()
