"""Make the stored results of the chapter *The correlation proxy*; minutes on two cores.

python book/data/make_proxy.py ensembles [FOLDER]   writes proxy_ensembles.nc
python book/data/make_proxy.py large                writes proxy_large.json

Ensembles that were stopped go on: their store lies in FOLDER, by default the current one.
"""

import json
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy import sparse

import flux

HERE = Path(__file__).parent
GRID = {
    "kind": ["plain", "mixed"],
    "n": range(5, 13),
    "width": [0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0],
    "network": range(200),
}


def draw(kind: str, n: int, width: float, network: int) -> np.ndarray:
    """Return the network of a point: 'plain' is dense and balanced, 'mixed' of any statistics."""
    rng = np.random.default_rng([kind == "mixed", n, round(1000 * width), network])
    if kind == "plain":
        return flux.gaussian_weights(n, rng=rng, width=width)
    density, balance = rng.uniform(0.3, 1), rng.uniform(-1, 1)
    return flux.gaussian_weights(n, rng=rng, width=width, density=density, balance=balance)


def measure(*, kind: str, n: int, width: float, network: int) -> dict[str, float]:
    """Return exact flux and correlation of a point, from one stationary law."""
    law = flux.solve(draw(kind, n, width, network))
    c_rms = flux.rms_correlation(flux.exact_correlation(law))
    return {"I": flux.exact_flux(law).I, "c_rms": c_rms}


def ensembles() -> None:
    """Store exact I and c_rms of all networks."""
    store = Path(sys.argv[2] if len(sys.argv) > 2 else ".") / "proxy_ensembles.sqlite"
    found = flux.sweep(measure, GRID, repeats=1, seed=None, store=store)
    found.isel(repeat=0, drop=True).to_netcdf(HERE / "proxy_ensembles.nc", engine="scipy")


def modular(n: int, size: int, width: float, rng: np.random.Generator) -> sparse.csr_array:
    """Return n / size dense parts that are not connected with one another."""
    parts = [flux.gaussian_weights(size, rng=rng, width=width) for _ in range(n // size)]
    return sparse.csr_array(sparse.block_diag(parts))


def random_sparse(n: int, senders: int, width: float, rng: np.random.Generator) -> sparse.csr_array:
    """Return a network in which each neuron hears `senders` neurons drawn at random."""
    rows = np.repeat(np.arange(n), senders)
    columns = np.concatenate([rng.choice(n, senders, replace=False) for _ in range(n)])
    weights = rng.normal(0, width, n * senders)
    return sparse.csr_array((weights, (rows, columns)), shape=(n, n))


def stream(W: sparse.csr_array, steps: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield one recording in chunks of 1000 steps, each going on where the last ended."""
    x = flux.simulate(W, 1000, rng=rng, burn_in=500, progress=False)
    yield x
    for _ in range(steps // 1000 - 1):
        x = flux.simulate(W, 1000, rng=rng, x0=x[-1], burn_in=1, progress=False)
        yield x


def large() -> None:
    """Store the proxy of two networks of 10 000 neurons, with time and memory."""
    n, steps = 10_000, 50_000
    rng = np.random.default_rng(1)
    networks = {
        "modular": modular(n, 10, 0.4, rng),
        "random": random_sparse(n, 15, 0.3, rng),
    }
    found = {"neurons": n, "steps": steps, "cores": os.cpu_count(), "networks": {}}
    for name, W in networks.items():
        start = perf_counter()
        c_raw = flux.rms_correlation(flux.lagged_correlation(stream(W, steps, rng)))
        result = {
            "c_raw": c_raw,
            "c2": c_raw**2 - 1 / (steps - 2),
            "weights": int(W.nnz),
            "seconds": round(perf_counter() - start, 1),
            "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
        if name == "modular":
            result["I"] = flux.exact_flux(W).I
            # outside the parts all correlations are 0
            squares = (
                np.square(flux.exact_correlation(W[i : i + 10, i : i + 10]))
                for i in range(0, n, 10)
            )
            result["c2_exact"] = sum(float(part.sum()) for part in squares) / n**2
        found["networks"][name] = result
        print(name, result, flush=True)
    (HERE / "proxy_large.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    {"ensembles": ensembles, "large": large}[sys.argv[1]]()
