"""Make the stored result of the chapter *Flux and period together*; half an hour on one core.

python book/data/make_flux_and_period.py   writes flux_and_period.json
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.special import expit

import flux

HERE = Path(__file__).parent
BOUND = 3.0
FITNESSES: dict[str, Callable[[float, float, float], float]] = {
    "flux": lambda I, period, seen: I,
    "period": lambda I, period, seen: period,
    "product": lambda I, period, seen: I * period,
    "seen": lambda I, period, seen: seen,
}
SIZES = (6, 4)
SEEDS = 20
EVALUATIONS = 3000
TIED = 1e-9
"""Fields below this are called zero: sums of a few weights of at most 3 round to 1e-15."""


def measure(W: np.ndarray) -> tuple[float, float, float] | None:
    """Return the flux, the mean period, and the states seen; None where ties leave them open.

    Seen are, on a cycle of period p whose steps fail with mean probability eps, the first states
    that follow one another without a slip: (1 - (1 - eps)^p) / eps, a mean over the attractors.
    """
    u = flux.all_states(len(W)) @ W.T
    if np.abs(u).min() < TIED:
        return None
    eps = 1 - expit(np.abs(u)).prod(1)
    cycles = find_cycles(((u > 0) @ (1 << np.arange(len(W)))).tolist())
    seen = [-np.expm1(len(c) * np.log1p(-eps[c].mean())) / eps[c].mean() for c in cycles]
    return flux.exact_flux(W).I, float(np.mean([len(c) for c in cycles])), float(np.mean(seen))


def find_cycles(successors: list[int]) -> list[list[int]]:
    """Return the cycles of a map; for 64 states sooner done than flux.find_attractors is called."""
    cycles, start_of = [], [-1] * len(successors)
    for start in range(len(successors)):
        path, state = [], start
        while start_of[state] < 0:
            start_of[state] = start
            path.append(state)
            state = successors[state]
        if start_of[state] == start:
            cycles.append(path[path.index(state) :])
    return cycles


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


def evolve(n: int, fitness: Callable[[float, float, float], float], seed: int) -> dict[str, object]:
    """Mutate and keep what is no worse."""
    rng = np.random.default_rng([n, seed])
    W = flux.gaussian_weights(n, rng=rng).clip(-BOUND, BOUND)
    point = measure(W)
    for _ in range(EVALUATIONS):
        child = mutate(W, rng)
        reached = measure(child)
        if reached and fitness(*reached) >= fitness(*point):
            W, point = child, reached
    return {"I": point[0], "period": point[1], "seen": point[2], "W": W.round(6).tolist()}


def archive_run(n: int, seed: int) -> list[dict[str, object]]:
    """Mutate any network of an archive of those that no other beats in both flux and period."""
    rng = np.random.default_rng([n, 100 + seed])
    W = flux.gaussian_weights(n, rng=rng).clip(-BOUND, BOUND)
    archive = [(*measure(W)[:2], W)]
    for _ in range(3 * EVALUATIONS):
        child = mutate(archive[rng.integers(len(archive))][2], rng)
        reached = measure(child)
        if reached is None:
            continue
        I, period, _ = reached
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
        found[str(n)] = {"runs": runs}
        best = {
            name: max(
                (fitness(r["I"], r["period"], r["seen"]), r["I"], r["period"], r["seen"])
                for r in runs[name]
            )
            for name, fitness in FITNESSES.items()
        }
        print(n, best, flush=True)
    found[str(max(SIZES))]["archives"] = [archive_run(max(SIZES), seed) for seed in range(SEEDS)]
    (HERE / "flux_and_period.json").write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
