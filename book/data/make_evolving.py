"""Make the stored results of the chapter *Evolving for flux*; about 6 minutes on one core.

python book/data/make_evolving.py   writes evolving.npz, and goes on where it was stopped
"""

from itertools import product
from pathlib import Path

import numpy as np

import flux

FILE = Path(__file__).parent / "evolving.npz"
SIZES = (3, 4, 5, 6)
BOUNDS = {"5": 5.0, "10": 10.0, "none": None}
SEEDS = 50
STEPS = 5000
KEPT = np.unique(np.geomspace(1, STEPS, 40).astype(int))


def run(n: int, bound: float | None, seed: int) -> flux.Evolution:
    """Return one evolution from W = 0."""
    rng = np.random.default_rng([n, int(bound or 0), seed])

    def fitness(W: np.ndarray) -> float:
        return flux.exact_flux(W).I

    return flux.evolve(
        fitness, np.zeros((n, n)), rng=rng, steps=STEPS, mutation=0.1, bound=bound, progress=False
    )


def condense(runs: list[flux.Evolution]) -> tuple[np.ndarray, ...]:
    """Return the last matrices, and entropy and divergence after the kept steps."""
    matrices = [[flux.replay(run.history, step) for step in KEPT] for run in runs]
    flows = np.array([[flux.exact_flux(W) for W in way] for way in matrices])
    return np.array([run.W for run in runs]), flows[:, :, 1], flows[:, :, 2]


def main() -> None:
    """Add the results that are missing."""
    stored = dict(np.load(FILE)) if FILE.is_file() else {"steps": KEPT}
    for n, (name, bound) in product(SIZES, BOUNDS.items()):
        if (key := f"{n}_{name}") + "_W" not in stored:
            W, H, D = condense([run(n, bound, seed) for seed in range(SEEDS)])
            stored |= {f"{key}_W": W, f"{key}_H": H.astype("f4"), f"{key}_D": D.astype("f4")}
            np.savez_compressed(FILE, **stored)
            print(key, "done", flush=True)


if __name__ == "__main__":
    main()
