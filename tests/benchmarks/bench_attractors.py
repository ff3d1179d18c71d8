"""All attractors against numpy and CANA; run as `python tests/benchmarks/bench_attractors.py`.

CANA (pip install cana) is timed if it is installed, networkx otherwise.
"""

from __future__ import annotations

import importlib.util

import numpy as np
from common import Row, compare, median, peak_megabytes, print_table, seconds

import flux

SETUP = """
import numpy as np
import flux
W = lambda n: flux.gaussian_weights(n, rng=np.random.default_rng(1))
flux.find_attractors(W(10))
"""


def weights(n: int, seed: int = 1) -> np.ndarray:
    return flux.gaussian_weights(n, rng=np.random.default_rng(seed))


def numpy_successors(W: np.ndarray) -> np.ndarray:
    """Half tables and one comparison per neuron for all states at once."""
    n = len(W)
    lo = n // 2
    low, high = (flux.all_states(m).astype(float) for m in (lo, n - lo))
    codes = np.zeros((1 << (n - lo), 1 << lo), np.int32)
    for i in range(n):
        codes |= ((low @ W[i, :lo]) > -(high @ W[i, lo:])[:, None]).astype(np.int32) << i
    return codes.ravel()


def numpy_doubling(W: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All attractors by path doubling on the successor array."""
    n = len(W)
    one = numpy_successors(W)
    after = one
    for _ in range(n):  # after 2**n steps every state is on its cycle
        moved = after[after]
        if np.array_equal(moved, after):
            break
        after = moved
    cyclic = np.zeros(1 << n, bool)
    cyclic[after] = True
    states = np.flatnonzero(cyclic)
    # among the few states on cycles: the smallest on each, by doubling again
    step = np.searchsorted(states, one[states])
    lowest, reach = np.minimum(np.arange(len(states)), step), 1
    while reach < len(states):
        lowest, step, reach = np.minimum(lowest, lowest[step]), step[step], 2 * reach
    home = np.zeros(1 << n, np.int32)
    home[states] = lowest
    representative = np.unique(lowest)
    period = np.bincount(lowest, minlength=len(states))[representative]
    basin = np.bincount(home[after], minlength=len(states))[representative]
    return period, basin, states[representative]


def networkx_cycles(W: np.ndarray) -> int:
    import networkx as nx

    graph = nx.DiGraph(enumerate(numpy_successors(W).tolist()))
    return sum(1 for _ in nx.attracting_components(graph))


def cana_attractors(W: np.ndarray) -> int:
    from cana.boolean_network import BooleanNetwork

    n = len(W)
    # CANA lists the inputs of a truth table with the first as the highest bit
    outputs = flux.all_states(n)[:, ::-1] @ W.T > 0
    logic = {
        i: {"name": str(i), "in": list(range(n)), "out": outputs[:, i].astype(int).tolist()}
        for i in range(n)
    }
    network = BooleanNetwork.from_dict(logic)
    return len(network.attractors(mode="stg"))


def small_rows() -> list[Row]:
    W = weights(16)
    if importlib.util.find_spec("cana"):
        name, theirs = "CANA, truth tables included", cana_attractors
    else:
        name, theirs = "networkx", networkx_cycles
    assert theirs(W) == len(flux.find_attractors(W).period)
    ours = median(seconds(lambda: flux.find_attractors(W)) for _ in range(7))
    taken = seconds(lambda: theirs(W))
    return [Row("all attractors, N = 16", ours, name, taken, taken / ours, ">= 500")]


def doubling_rows() -> list[Row]:
    rows = []
    for n in (16, 20):
        W = weights(n)
        for one, other in zip(flux.find_attractors(W), numpy_doubling(W), strict=False):
            assert np.array_equal(one, other)
        rows.append(
            compare(
                f"all attractors with basins, N = {n}",
                lambda W=W: flux.find_attractors(W),
                "numpy: path doubling",
                lambda W=W: numpy_doubling(W),
                wanted=">= 5" if n == 20 else "",
            )
        )
    return rows


def growth_rows() -> list[Row]:
    """Time, and peak memory against that of int32 codes of all states."""
    rows = []
    for n in (8, 12, 18, 22, 24, 26, 28):
        W = weights(n)
        taken = median(
            seconds(lambda W=W: flux.find_attractors(W)) for _ in range(3 if n < 26 else 1)
        )
        wanted = {24: "about 1 s", 28: "8 GB"}.get(n, "")
        # beyond 24 neurons its arrays take gigabytes
        theirs = seconds(lambda W=W: numpy_doubling(W)) if n <= 24 else np.nan
        baseline = "numpy: path doubling, once" if n <= 24 else "(not run)"
        rows.append(Row(f"time, N = {n}", taken, baseline, theirs, theirs / taken, wanted))
    b = np.full(24, 0.1)
    taken = seconds(lambda: flux.find_attractors(weights(24), b))
    rows.append(Row("time with bias, N = 24", taken, "(not run)", np.nan, np.nan, "about 1 s"))
    for n in (24, 28):
        ours = peak_megabytes(SETUP, f"flux.find_attractors(W({n}))")
        table = 4 * 2.0**n / 2**20
        wanted = "< 8 GB" if n == 28 else ""
        rows.append(
            Row(
                f"peak memory, N = {n}",
                ours,
                "int32 map (computed)",
                table,
                table / ours,
                wanted,
                "MB",
            )
        )
    return rows


def sampled_rows() -> list[Row]:
    W = weights(200)
    W = W + W.T
    find = lambda: flux.sample_attractors(W, starts=64, rng=np.random.default_rng(1))  # noqa: E731
    return [
        compare(
            "64 starts, N = 200, symmetric",
            find,
            "numpy: all starts at once",
            lambda: numpy_starts(W),
        )
    ]


def numpy_starts(W: np.ndarray) -> int:
    """Run 64 starts side by side until each repeats its last state but one: symmetric W only."""
    x = np.random.default_rng(1).choice([-1.0, 1.0], (64, len(W)))
    before = np.zeros_like(x)
    while True:
        following = np.where(x @ W > 0, 1.0, -1.0)
        if np.array_equal(following, before):
            return len(np.unique(x, axis=0))
        before, x = x, following


if __name__ == "__main__":
    print_table("Attractors", [*small_rows(), *doubling_rows(), *growth_rows(), *sampled_rows()])
