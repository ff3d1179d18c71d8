"""Make the stored result of the chapter *Flux and period together*; minutes on one core.

python book/data/make_flux_and_period.py   writes flux_and_period.json
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

import flux

HERE = Path(__file__).parent
BOUND = 3.0
FITNESSES: dict[str, Callable[[float, float], float]] = {
    "flux": lambda I, period: I,
    "period": lambda I, period: period,
    "product": lambda I, period: I * period,
}
SIZES = (6, 4)
SEEDS = 5
EVALUATIONS = 3000


def measure(W: np.ndarray) -> tuple[float, float] | None:
    """Return the flux and the mean period over the attractors; None where ties leave it open."""
    try:
        period = flux.mean_period(flux.find_attractors(W))
    except flux.TieError:
        return None
    return flux.exact_flux(W).I, period


def mutate(W: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change one to three weights: a shift, a new value, zero or an extreme; or swap two rows."""
    n = len(W)
    W = W.copy()
    if rng.random() < 0.1:
        i, j = rng.choice(n, 2, replace=False)
        W[[i, j]] = W[[j, i]]
        return W
    for _ in range(rng.integers(1, 4)):
        place = tuple(rng.integers(n, size=2))
        W[place] = [
            np.clip(W[place] + rng.normal(0, BOUND / 4), -BOUND, BOUND),
            rng.uniform(-BOUND, BOUND),
            0.0,
            rng.choice([-BOUND, BOUND]),
        ][rng.integers(4)]
    return W


def evolve(n: int, fitness: Callable[[float, float], float], seed: int) -> dict[str, object]:
    """Mutate and keep what is no worse."""
    rng = np.random.default_rng([n, seed])
    W = flux.gaussian_weights(n, rng=rng).clip(-BOUND, BOUND)
    point = measure(W)
    for _ in range(EVALUATIONS):
        child = mutate(W, rng)
        reached = measure(child)
        if reached and fitness(*reached) >= fitness(*point):
            W, point = child, reached
    return {"I": point[0], "period": point[1], "W": W.round(6).tolist()}


def front(n: int, seed: int) -> list[dict[str, object]]:
    """Mutate any network of an archive of those that no other beats in both flux and period."""
    rng = np.random.default_rng([n, 100 + seed])
    W = flux.gaussian_weights(n, rng=rng).clip(-BOUND, BOUND)
    archive = [(*measure(W), W)]
    for _ in range(3 * EVALUATIONS):
        child = mutate(archive[rng.integers(len(archive))][2], rng)
        reached = measure(child)
        if reached is None:
            continue
        I, period = reached
        if any(a >= I and p >= period for a, p, _ in archive):
            continue
        archive = [(a, p, W) for a, p, W in archive if not (I >= a and period >= p)]
        archive.append((I, period, child))
    return [
        {"I": I, "period": period, "W": W.round(6).tolist()}
        for I, period, W in sorted(archive, key=lambda entry: entry[0])
    ]


def main() -> None:
    found: dict[str, object] = {"bound": BOUND, "evaluations": EVALUATIONS}
    for n in SIZES:
        runs = {
            name: [evolve(n, fitness, seed) for seed in range(SEEDS)]
            for name, fitness in FITNESSES.items()
        }
        found[str(n)] = {"runs": runs, "fronts": [front(n, seed) for seed in range(3)]}
        best = {
            name: max((fitness(r["I"], r["period"]), r["I"], r["period"]) for r in runs[name])
            for name, fitness in FITNESSES.items()
        }
        print(n, best, flush=True)
        (HERE / "flux_and_period.json").write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
