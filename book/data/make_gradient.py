"""Make the stored race of the chapter *Following the gradient*; about half an hour on one core.

python book/data/make_gradient.py [FOLDER]   writes gradient_race.nc

A race that was stopped goes on: its store lies in FOLDER, by default the current one. The settings
of the ascent, MODERATE and PATIENCE, were chosen on seeds 1000 to 1099; its stored runs are from
other seeds. Both widths of mutations are shown, and none was chosen by its result.
"""

import sys
import time
from pathlib import Path

import numpy as np

import flux

HERE = Path(__file__).parent
SHARE = 0.99
"""Share of the flux of N-rooks at which a run has arrived."""
PATIENCE = 40
"""Evaluations after which a start of the ascent is given up for another."""
REPEATS = 500
"""Networks of each size on which a gradient is timed against a flux."""
STEPS = 20_000
"""Steps after which evolution is stopped."""
MODERATE = {"entry": 4.0, "l1": 3.0}
"""Bounds under which the ascent begins: its default, and for l1 the one best for few neurons."""
WIDTHS = {"evolve": 0.3, "evolve narrow": 0.1}
"""Widths of mutations."""
GRID = {
    "way": [*MODERATE, *WIDTHS],
    "bound": [5, 10],
    "n": [3, 4, 5, 6, 7],
    "run": range(45),
}
FIRST_CLIMB = 100
"""Seed of the first run of the ascent; that of evolution is 0."""


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


def race(*, way: str, bound: int, n: int, run: int) -> dict[str, int]:
    """Return the evaluations of one run."""
    goal = SHARE * rooks_flux(n, bound)
    if way in MODERATE:
        return {"evaluations": climb_to(goal, n, bound, FIRST_CLIMB + run, way)}
    return {"evaluations": evolve_to(goal, n, bound, run, WIDTHS[way])}


def gradient_cost(n: int) -> float:
    """Return the time of a flux with its gradient in units of that of the flux alone.

    Both are timed in turn and the quickest of each is taken, so that other work on the machine
    hardly counts.
    """
    quickest = dict.fromkeys((flux.exact_flux, flux.flux_gradient), np.inf)
    rng = np.random.default_rng(n)
    for _ in range(REPEATS):
        W = flux.gaussian_weights(n, rng=rng)
        for function in quickest:
            start = time.perf_counter()
            function(W)
            quickest[function] = min(quickest[function], time.perf_counter() - start)
    return round(quickest[flux.flux_gradient] / quickest[flux.exact_flux], 2)


def main() -> None:
    """Make the runs that are missing, time the gradients, and store both."""
    store = Path(sys.argv[1] if len(sys.argv) > 1 else ".") / "gradient_race.sqlite"
    found = flux.sweep(race, GRID, repeats=1, seed=None, store=store).isel(repeat=0, drop=True)
    found = found.assign(gradient_cost=("n", [gradient_cost(n) for n in GRID["n"]]))
    found = found.assign_attrs(steps=STEPS, share=SHARE)
    found.to_netcdf(HERE / "gradient_race.nc", engine="scipy")


if __name__ == "__main__":
    main()
