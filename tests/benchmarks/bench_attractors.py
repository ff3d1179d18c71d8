"""All attractors against numpy, networkx and CANA.

Run as `python tests/benchmarks/bench_attractors.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from common import (
    Row,
    alone,
    available,
    compare,
    median,
    peak_megabytes,
    print_table,
    seconds,
    versus,
    weighable,
)

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


def library_rows() -> Iterator[Row]:
    W = weights(16)
    ours = median(seconds(lambda: flux.find_attractors(W)) for _ in range(7))
    ways = [("networkx", "networkx", networkx_cycles, "")]
    ways += [("cana", "CANA, truth tables included", cana_attractors, ">= 500")]
    for package, name, theirs, wanted in ways:
        if available(package, name):
            assert theirs(W) == len(flux.find_attractors(W).period)
            taken = seconds(lambda theirs=theirs: theirs(W))
            yield versus("all attractors, N = 16", ours, name, taken, wanted=wanted)


def growth_rows() -> Iterator[Row]:
    for n in (8, 10, 12, 14, 16, 18, 20):
        W = weights(n)
        for one, other in zip(flux.find_attractors(W), numpy_doubling(W), strict=False):
            assert np.array_equal(one, other)
        yield compare(
            f"all attractors with basins, N = {n}",
            lambda W=W: flux.find_attractors(W),
            "numpy: path doubling",
            lambda W=W: numpy_doubling(W),
            wanted=">= 5" if n == 20 else "",
        )
    for n in (22, 24):
        W = weights(n)
        taken = median(seconds(lambda W=W: flux.find_attractors(W)) for _ in range(3))
        theirs = seconds(lambda W=W: numpy_doubling(W))
        job, wanted = f"all attractors with basins, N = {n}", "ours about 1 s" if n == 24 else ""
        yield versus(job, taken, "numpy: path doubling, once", theirs, wanted=wanted)
    # the arrays of path doubling take gigabytes here
    for n in (26, 28):
        taken = seconds(lambda n=n: flux.find_attractors(weights(n)))
        yield alone(f"all attractors with basins, N = {n}", taken)
    taken = seconds(lambda: flux.find_attractors(weights(24), np.full(24, 0.1)))
    yield alone("all attractors with bias, N = 24", taken, wanted="ours about 1 s")


def memory_rows() -> Iterator[Row]:
    """Peak memory against that of the successors of all states as int32."""
    for n in (24, 28):
        ours = peak_megabytes(SETUP, f"flux.find_attractors(W({n}))")
        wanted = "ours < 8192 MB" if n == 28 else ""
        job, baseline = f"its peak memory, N = {n}", "successors alone, int32"
        table = 4 * 2.0**n / 2**20
        yield versus(job, ours, baseline, table, wanted=wanted, unit="MB", kind="computed")


def sampled_rows() -> Iterator[Row]:
    W = weights(200)
    W = W + W.T
    find = lambda: flux.sample_attractors(W, starts=64, rng=np.random.default_rng(1))  # noqa: E731
    job = "attractors of 64 starts, N = 200, symmetric"
    yield compare(job, find, "numpy: all starts at once", lambda: numpy_starts(W))


def numpy_starts(W: np.ndarray) -> int:
    """Run 64 starts side by side until each repeats its last state but one: symmetric W only."""
    x = np.random.default_rng(1).choice([-1.0, 1.0], (64, len(W)))
    before = np.zeros_like(x)
    while True:
        following = np.where(x @ W > 0, 1.0, -1.0)
        if np.array_equal(following, before):
            return len(np.unique(x, axis=0))
        before, x = x, following


def main() -> None:
    print_table("All attractors against libraries", library_rows())
    print_table("All attractors with their basins", growth_rows())
    if weighable("memory of all attractors"):
        print_table("Memory of all attractors", memory_rows())
    print_table("Attractors from random starts", sampled_rows())


if __name__ == "__main__":
    main()
