"""Make the stored results of the chapter *Beyond N-rooks*; about 25 minutes on one core.

python book/data/make_beyond_rooks.py shapes    how much flux known shapes have, on a fine grid
python book/data/make_beyond_rooks.py search    the best matrices found under a bound on entries
python book/data/make_beyond_rooks.py hops      the same, improved by random moves from the best
python book/data/make_beyond_rooks.py norms     the same under bounds on norms

They write beyond_shapes.npz, beyond_search.npz (hops too) and beyond_norms.npz. What was stopped
goes on with what it has stored. The stored search is the better, point by point, of this one and a
first run with 20 starts and 40 hops.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

import flux
from flux.search.weighing_matrices import find_design

HERE = Path(__file__).parent
SIZES = range(2, 9)
GRID = np.geomspace(0.25, 10.0, 60)
BOUNDS = np.array([0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.5, 8.0, 10.0])
NORM_BOUNDS = np.array([0.25, 0.5, 0.75, 1.0, 1.125, 1.25, 1.5, 2.0, 3.0, 5.0])
ARRANGEMENTS = 150
STARTS = 80
NORM_STARTS = 20
HOPS = 150
PRECISION = {"tolerance": 1e-5, "max_evaluations": 300}


def core(n: int) -> np.ndarray:
    """Return the Hadamard matrix of order n + 1 less its first row and column, made of ones."""
    H = find_design(n + 1, n + 1)()
    H = H * H[0] * (H * H[0])[:, :1]
    return H[1:, 1:]


def shapes_of(n: int) -> dict[str, np.ndarray]:
    """Return one matrix of each connected shape that is looked at."""
    found = {"rank one": np.ones((n, n))}
    found |= {f"W({n},{k})": find_design(n, k)() for k in range(2, n + 1) if find_design(n, k)}
    if n in (3, 7):
        found["core"] = core(n)
    return {name: W.astype(float) for name, W in found.items()}


def arranged(W: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return W with its rows in random order, each with a random sign."""
    n = len(W)
    return rng.choice([-1.0, 1.0], n)[:, None] * W[rng.permutation(n)]


def arrangements(W: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Return W and, for each of six strengths, the best of many orders and signs of its rows."""
    tried = [W, *(arranged(W, rng) for _ in range(ARRANGEMENTS))]
    strengths = (0.5, 1, 2, 3, 5, 8)
    best = {
        max(range(len(tried)), key=lambda i: flux.exact_flux(w * tried[i]).I) for w in strengths
    }
    return [tried[i] for i in {0, *best}]


def shapes() -> None:
    """Store the flux of each shape, over the grid: as it is built, and of its best arrangement."""
    found = {"grid": GRID}
    for n in SIZES:
        for name, W in shapes_of(n).items():
            rng = np.random.default_rng([n, len(name), int(np.abs(W).sum())])
            kept = [W] if name == "rank one" else arrangements(W, rng)
            I = np.array([[flux.exact_flux(w * A).I for w in GRID] for A in kept])
            found |= {f"{n}|{name}|plain": I[0], f"{n}|{name}|best": I.max(0)}
            found[f"{n}|{name}|matrices"] = np.array(kept).astype(np.int8)
            print(n, name, len(kept), flush=True)
    np.savez_compressed(HERE / "beyond_shapes.npz", **found)


class Best(NamedTuple):
    """The largest flux found for each bound, and its matrix."""

    I: np.ndarray
    W: np.ndarray


def offer(best: Best, i: int, start: np.ndarray) -> float:
    """Climb from a start, keep the end if it is the best for bound i, and return its flux."""
    found = flux.ascend(start, bound=BOUNDS[i], progress=False, **PRECISION)
    if found.I > best.I[i] + 1e-9:
        best.I[i], best.W[i] = found.I, found.W
    return found.I


def paste(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return two networks side by side."""
    both = np.zeros((len(one) + len(other),) * 2)
    both[: len(one), : len(one)], both[len(one) :, len(one) :] = one, other
    return both


def resume(name: str) -> dict[str, np.ndarray]:
    path = HERE / f"beyond_{name}.npz"
    return dict(np.load(path)) if path.exists() else {}


def neighbours() -> list[tuple[int, int]]:
    """Return all pairs of a bound and the one before it, upwards, and after it, downwards."""
    last = len(BOUNDS) - 1
    return [(i, i - 1) for i in range(1, last + 1)] + [(i, i + 1) for i in range(last - 1, -1, -1)]


def search() -> None:
    """Store, for each size and bound, the best flux and matrix, and where the starts ended."""
    found = resume("search") | {"bounds": BOUNDS}
    stored = np.load(HERE / "beyond_shapes.npz")
    for n in SIZES:
        if f"{n}|W" in found:
            continue
        families = [
            A
            for key in stored.files
            if key.startswith(f"{n}|") and key.endswith("|matrices")
            for A in stored[key].astype(float)
        ]
        best = Best(np.full(len(BOUNDS), -1.0), np.zeros((len(BOUNDS), n, n)))
        random_I = np.empty((len(BOUNDS), STARTS))

        for i, w in enumerate(BOUNDS):
            rng = np.random.default_rng([n, i])
            random_I[i] = [offer(best, i, rng.uniform(-w, w, (n, n))) for _ in range(STARTS)]
            # slightly off the vertices, where a zero gradient may hold the ascent
            for A in families:
                offer(best, i, np.clip(w * A + rng.normal(0, 0.02 * w, (n, n)), -w, w))
            for m in range(1, n // 2 + 1):
                pair = [found[f"{s}|W"][i] if s > 1 else np.full((1, 1), w) for s in (m, n - m)]
                offer(best, i, paste(*pair))
            print(n, w, best.I[i].round(4), random_I[i].max().round(4), flush=True)
        for i, j in neighbours():
            offer(best, i, best.W[j] * BOUNDS[i] / BOUNDS[j])
        found |= {f"{n}|I": best.I, f"{n}|W": best.W, f"{n}|random": random_I}
        np.savez_compressed(HERE / "beyond_search.npz", **found)


def moved(W: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return W after a random change of one to three entries or rows."""
    W, n = W.copy(), len(W)
    i, j = rng.integers(n, size=(2, rng.integers(1, 4)))
    kind = rng.integers(4)
    if kind == 0:
        W[i, j] *= -1
    elif kind == 1:
        W[i, j] = 0
    elif kind == 2:
        W[i] *= -1
    else:
        W[np.append(i, j)] = W[rng.permutation(np.append(i, j))]
    return W


def hops() -> None:
    """Improve the stored matrices: move at random, climb, and keep what is better."""
    found = resume("search")
    for n in SIZES:
        if f"{n}|hops" in found:
            continue
        best = Best(found[f"{n}|I"], found[f"{n}|W"])
        for i, w in enumerate(BOUNDS):
            rng = np.random.default_rng([n, i, 1])
            for _ in range(HOPS):
                offer(best, i, moved(best.W[i], rng))
            print(n, w, best.I[i].round(4), flush=True)
        for i, j in neighbours():
            offer(best, i, best.W[j] * BOUNDS[i] / BOUNDS[j])
        found |= {f"{n}|I": best.I, f"{n}|W": best.W, f"{n}|hops": np.array(HOPS)}
        np.savez_compressed(HERE / "beyond_search.npz", **found)


def norms() -> None:
    """Store the best flux and matrix for bounds on the rows' and on the whole norm."""
    found = resume("norms") | {"bounds": NORM_BOUNDS}
    for n in range(2, 8):
        for norm in ("l2", "frobenius"):
            if f"{n}|{norm}|W" in found:
                continue
            best = Best(np.empty(len(NORM_BOUNDS)), np.empty((len(NORM_BOUNDS), n, n)))
            for i, w in enumerate(NORM_BOUNDS):
                # N-rooks of strength w, and the first start, have just this norm
                reached = flux.ascend(
                    np.full((n, n), w / np.sqrt(n)),
                    bound=w if norm == "l2" else w * np.sqrt(n),
                    norm=norm,
                    starts=NORM_STARTS,
                    rng=np.random.default_rng([n, i]),
                    progress=False,
                    **PRECISION,
                )
                best.I[i], best.W[i] = reached.I, reached.W
            found |= {f"{n}|{norm}|I": best.I, f"{n}|{norm}|W": best.W}
            np.savez_compressed(HERE / "beyond_norms.npz", **found)
            print(n, norm, best.I.round(4), flush=True)


if __name__ == "__main__":
    {"shapes": shapes, "search": search, "hops": hops, "norms": norms}[sys.argv[1]]()
