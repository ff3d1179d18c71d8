"""Make the stored race of the chapter *Following the gradient*; about 7 minutes on one core.

python book/data/make_gradient.py              runs all ways and writes gradient_race.json
python book/data/make_gradient.py entry l1     runs these again and leaves the others as stored

The settings of the ascent, MODERATE and PATIENCE, were chosen on seeds 1000 to 1099; its stored
runs are from other seeds. Both widths of mutations are shown, and none was chosen by its result.
"""

import json
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np

import flux

FILE = Path(__file__).parent / "gradient_race.json"
SIZES = (3, 4, 5, 6, 7)
BOUNDS = (5, 10)
CLIMB_SEEDS = range(100, 145)
EVOLVE_SEEDS = range(15)
SHARE = 0.99
"""Share of the flux of N-rooks at which a run has arrived."""
PATIENCE = 40
"""Evaluations after which a start of the ascent is given up for another."""
STEPS = 20_000
"""Steps after which evolution is stopped."""
MODERATE = {"entry": 4.0, "l1": 3.0}
"""Bounds under which the ascent begins: its default, and for l1 the one best for few neurons."""
WIDTHS = {"evolve": 0.3, "evolve narrow": 0.1}
"""Widths of mutations."""
WAYS = (*MODERATE, *WIDTHS)


def rooks_flux(n: int, w: float) -> float:
    """Return the flux of N-rooks of strength w."""
    return n * (1 - float(flux.binary_entropy(1 / (1 + np.exp(-w)))))


def climb_to(goal: float, n: int, w: float, seed: int, norm: str) -> int:
    """Return the evaluations of gradient ascent, from one random start after the other."""
    rng = np.random.default_rng(seed)
    moderate, evaluations = MODERATE[norm], 0
    while True:
        W0 = rng.standard_normal((n, n))
        size = np.abs(W0).max() if norm == "entry" else np.abs(W0).sum(1, keepdims=True)
        W0 *= np.minimum(1, moderate / size)
        found = flux.ascend(
            W0, bound=w, norm=norm, target=goal, max_evaluations=PATIENCE, moderate=moderate
        )
        evaluations += found.evaluations
        if found.I >= goal:
            return evaluations


def evolve_to(goal: float, n: int, w: float, seed: int, width: float) -> int:
    """Return the evaluations of mutate-and-keep from W = 0, or STEPS + 1 if they were too few."""
    best = []

    def fitness(W: np.ndarray) -> float:
        best.append(flux.exact_flux(W).I)
        if best[-1] >= goal:
            raise StopIteration
        return best[-1]

    rng, W0 = np.random.default_rng(seed), np.zeros((n, n))
    try:
        flux.evolve(fitness, W0, rng=rng, steps=STEPS, mutation=width, bound=w, progress=False)
    except flux.SearchError:
        if best[-1] < goal:
            raise
    return len(best)


def run(way: str, n: int, w: float, seeds: range) -> tuple[list[int], float]:
    """Return the evaluations of each run, and the mean seconds of one."""
    goal = SHARE * rooks_flux(n, w)
    start = time.perf_counter()
    if way in MODERATE:
        found = [climb_to(goal, n, w, seed, way) for seed in seeds]
    else:
        found = [evolve_to(goal, n, w, seed, WIDTHS[way]) for seed in seeds]
    return found, (time.perf_counter() - start) / len(seeds)


def main() -> None:
    """Run the given ways, or all, for all sizes and bounds, and store them."""
    runs = json.loads(FILE.read_text())["runs"] if FILE.exists() else {}
    for way, w, n in product(sys.argv[1:] or WAYS, BOUNDS, SIZES):
        seeds = CLIMB_SEEDS if way in MODERATE else EVOLVE_SEEDS
        found, seconds = run(way, n, w, seeds)
        runs.setdefault(f"{n},{w}", {})[way] = found
        runs[f"{n},{w}"][f"{way} seconds"] = round(seconds, 4)
        print(way, n, w, np.median(found), flush=True)
    head = {"sizes": SIZES, "bounds": BOUNDS, "steps": STEPS, "share": SHARE}
    FILE.write_text(json.dumps(head | {"runs": runs}, indent=1) + "\n")


if __name__ == "__main__":
    main()
