"""Make the stored result of the chapter *Flux and period together*; half an hour on one core.

python book/data/make_flux_and_period.py [FOLDER]   writes flux_and_period.nc

A run that was stopped goes on: its stores lie in FOLDER, by default the current one.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray
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
GRID = {"fitness": [*FITNESSES], "n": [6, 4], "seed": range(20)}
LARGEST = 6
EVALUATIONS = 3000
TIED = 1e-9
"""Fields below this are called zero: sums of a few weights of at most 3 round to 1e-15."""
ROOM = 16
"""Most networks of an archive; it held 8 at most."""


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


def evolve(*, fitness: str, n: int, seed: int) -> dict[str, object]:
    """Mutate and keep what is no worse; W is nan beyond n."""
    rng = np.random.default_rng([n, seed])
    W = flux.gaussian_weights(n, rng=rng).clip(-BOUND, BOUND)
    score, point = FITNESSES[fitness], measure(W)
    for _ in range(EVALUATIONS):
        child = mutate(W, rng)
        reached = measure(child)
        if reached and score(*reached) >= score(*point):
            W, point = child, reached
    W = np.pad(W.round(6), (0, LARGEST - n), constant_values=np.nan)
    return {**dict(zip(("I", "period", "seen"), point, strict=True)), "W": W}


def archive(*, seed: int) -> dict[str, np.ndarray]:
    """Mutate any network of an archive of those that no other beats in both flux and period.

    The archive is sorted by flux; nan fills the rest of its room.
    """
    n = LARGEST
    rng = np.random.default_rng([n, 100 + seed])
    W = flux.gaussian_weights(n, rng=rng).clip(-BOUND, BOUND)
    held = [(*measure(W)[:2], W)]
    for _ in range(3 * EVALUATIONS):
        child = mutate(held[rng.integers(len(held))][2], rng)
        reached = measure(child)
        if reached is None:
            continue
        I, period, _ = reached
        if any(a >= I and p >= period for a, p, _ in held):
            continue
        held = [(a, p, W) for a, p, W in held if not (I >= a and period >= p)]
        held.append((I, period, child))
    found = {name: np.full(ROOM, np.nan) for name in ("archive_I", "archive_period")}
    found["archive_W"] = np.full((ROOM, n, n), np.nan)
    for k, entry in enumerate(sorted(held, key=lambda entry: entry[0])):
        for values, value in zip(found.values(), entry, strict=True):
            values[k] = np.round(value, 6) if values.ndim > 1 else value
    return found


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    seeds = {"seed": GRID["seed"]}
    runs, archives = (
        flux.sweep(function, grid, repeats=1, seed=None, store=folder / f"{name}.sqlite")
        for name, function, grid in (("runs", evolve, GRID), ("archives", archive, seeds))
    )
    archives = archives.map(lambda part: part.rename({f"{part.name}_0": "entry"}))
    found = xarray.merge([runs, archives], combine_attrs="override").isel(repeat=0, drop=True)
    found = found.assign_attrs(bound=BOUND, evaluations=EVALUATIONS)
    found.to_netcdf(HERE / "flux_and_period.nc", engine="scipy")


if __name__ == "__main__":
    main()
