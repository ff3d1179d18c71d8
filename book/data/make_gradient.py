"""Make the stored race of the chapter *Following the gradient*; about 3 minutes on one core.

python book/data/make_gradient.py   writes gradient_race.json
"""

import json
import time
from itertools import product
from pathlib import Path

import numpy as np

import flux

FILE = Path(__file__).parent / "gradient_race.json"
SIZES = (3, 4, 5, 6, 7)
BOUNDS = (5, 10)
SEEDS = 15
SHARE = 0.99
"""Share of the flux of N-rooks at which a run has arrived."""
PATIENCE = 40
"""Evaluations after which a start of the ascent is given up for another."""
STEPS = 20_000
"""Steps after which evolution is stopped."""


def rooks_flux(n: int, w: float) -> float:
    """Return the flux of N-rooks of strength w."""
    return n * (1 - float(flux.binary_entropy(1 / (1 + np.exp(-w)))))


def climb_to(goal: float, n: int, w: float, seed: int, norm: str) -> int:
    """Return the evaluations of gradient ascent, from one random start after the other."""
    rng = np.random.default_rng(seed)
    evaluations = 0
    while True:
        W0 = rng.standard_normal((n, n))
        size = np.abs(W0).max() if norm == "entry" else np.abs(W0).sum(1, keepdims=True)
        W0 *= np.minimum(1, w / size)
        found = flux.ascend(W0, bound=w, norm=norm, target=goal, max_evaluations=PATIENCE)
        evaluations += found.evaluations
        if found.I >= goal:
            return evaluations


def evolve_to(goal: float, n: int, w: float, seed: int) -> int:
    """Return the evaluations of mutate-and-keep from W = 0, or STEPS + 1 if they were too few."""
    best = []

    def fitness(W: np.ndarray) -> float:
        best.append(flux.exact_flux(W).I)
        if best[-1] >= goal:
            raise StopIteration
        return best[-1]

    rng = np.random.default_rng(seed)
    try:
        flux.evolve(
            fitness, np.zeros((n, n)), rng=rng, steps=STEPS, mutation=0.3, bound=w, progress=False
        )
    except flux.SearchError:
        if best[-1] < goal:
            raise
    return len(best)


def race(n: int, w: float, seeds: range) -> dict[str, list[float]]:
    """Return the evaluations of each run, and the seconds of all runs of a way together."""
    goal = SHARE * rooks_flux(n, w)
    ways = {
        "entry": lambda seed: climb_to(goal, n, w, seed, "entry"),
        "l1": lambda seed: climb_to(goal, n, w, seed, "l1"),
        "evolve": lambda seed: evolve_to(goal, n, w, seed),
    }
    found = {}
    for name, way in ways.items():
        start = time.perf_counter()
        found[name] = [way(seed) for seed in seeds]
        found[f"{name} seconds"] = round(time.perf_counter() - start, 4)
    return found


def main() -> None:
    """Run the race for all sizes and bounds."""
    runs = {f"{n},{w}": race(n, w, range(SEEDS)) for w, n in product(BOUNDS, SIZES)}
    head = {"sizes": SIZES, "bounds": BOUNDS, "steps": STEPS, "share": SHARE}
    FILE.write_text(json.dumps(head | {"runs": runs}, indent=1) + "\n")


if __name__ == "__main__":
    main()
