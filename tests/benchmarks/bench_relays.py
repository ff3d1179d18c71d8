"""Greedy order and Shapley scores; run as `python tests/benchmarks/bench_relays.py`.

The first baseline counts all of Y0 anew for each candidate, by numpy.unique over rows. On 64
nodes one candidate is timed at every eighth step, and stands for all candidates of eight steps.
The second refines labels of Y0 as we do, but with numpy.unique, and runs in full.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from common import Row, alone, median, print_table, seconds, versus

import flux

SAMPLES, NODES = 4096, 64
EVERY = 8


def recording(nodes: int = NODES, samples: int = SAMPLES) -> tuple[np.ndarray, np.ndarray]:
    """A bit that ever more nodes copy with ever more noise, and half of the nodes noise."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 2, samples)
    flip = np.linspace(0.05, 0.5, nodes // 2)
    copies = x[:, None] ^ (rng.random((samples, nodes // 2)) < flip)
    return x, np.hstack([copies, rng.integers(0, 2, (samples, nodes - nodes // 2))])


def entropy_of_rows(*columns: np.ndarray) -> float:
    _, counts = np.unique(np.column_stack(columns), axis=0, return_counts=True)
    p = counts / counts.sum()
    return float(-(p * np.log2(p)).sum())


def by_rows(x: np.ndarray, outside: np.ndarray) -> float:
    """I(in;out|Y0) from four entropies (of the eight, the other four never change)."""
    return (
        entropy_of_rows(outside, x)
        + entropy_of_rows(outside, x)
        - entropy_of_rows(outside, x, x)
        - entropy_of_rows(outside)
    )


def greedy_by_rows(x: np.ndarray, Y: np.ndarray) -> tuple[list[int], list[float]]:
    """The whole greedy order, as one writes it first."""
    outside, left, curve = [], list(range(Y.shape[1])), []
    while left:
        found = [by_rows(x, Y[:, [*outside, j]]) for j in left]
        curve.append(max(found))
        outside.append(left.pop(int(np.argmax(found))))
    return outside, curve


def greedy_by_labels(x: np.ndarray, Y: np.ndarray) -> list[int]:
    """The greedy order with one label for each state of Y0, refined node by node."""
    outside, left, label = [], list(range(Y.shape[1])), np.zeros(len(x), np.int64)
    while left:
        found = []
        for j in left:
            split = 2 * label + Y[:, j]
            given_in = entropy_of_labels(2 * split + x)
            both = entropy_of_labels(4 * split + 3 * x)
            found.append(2 * given_in - both - entropy_of_labels(split))
        outside.append(left.pop(int(np.argmax(found))))
        label = np.unique(2 * label + Y[:, outside[-1]], return_inverse=True)[1]
    return outside


def entropy_of_labels(labels: np.ndarray) -> float:
    p = np.unique(labels, return_counts=True)[1] / labels.size
    return float(-(p * np.log2(p)).sum())


def order_rows() -> Iterator[Row]:
    x, Y = recording()
    ours = median(seconds(lambda: flux.relay_order(x, x, Y, rng=_rng())) for _ in range(7))
    found = flux.relay_order(x, x, Y, rng=_rng())
    rows = 0.0
    for k in range(0, NODES, EVERY):
        each = seconds(lambda k=k: by_rows(x, Y[:, found.order[: k + 1]]))
        rows += each * sum(NODES - step for step in range(k, k + EVERY))
    labels = seconds(lambda: greedy_by_labels(x, Y))
    job = f"greedy order, {NODES} nodes x {SAMPLES}"
    scaled = "numpy.unique over rows, scaled"
    yield versus(job, ours, scaled, rows, wanted=">= 500", kind="computed")
    yield versus(job, ours, "numpy.unique over refined labels", labels)


def unscaled_row() -> Row:
    x, Y = recording(8)
    ours = median(seconds(lambda: flux.relay_order(x, x, Y, rng=_rng())) for _ in range(7))
    theirs = seconds(lambda: greedy_by_rows(x, Y))
    found = flux.relay_order(x, x, Y, rng=_rng())
    order, curve = greedy_by_rows(x, Y)
    np.testing.assert_allclose(found.curve[1:] + found.leak, curve, atol=1e-9)
    assert [j for j, tie in zip(order, found.tied, strict=True) if not tie] == list(
        found.order[~found.tied]
    )
    job = f"greedy order, 8 nodes x {SAMPLES}, same order"
    return versus(job, ours, "numpy.unique over rows", theirs)


def alone_rows() -> Iterator[Row]:
    x, Y = recording()
    score = lambda: flux.relay_scores(x, x, Y, kind="shapley", rng=_rng(), orders=100)  # noqa: E731
    score()
    yield alone(f"Shapley, 100 orders, {NODES} nodes x {SAMPLES}", seconds(score))
    x, Y = recording(256, 100_000)
    large = lambda: flux.relay_order(x, x, Y, rng=_rng(), progress=False)  # noqa: E731
    yield alone("greedy order, 256 nodes x 100000", seconds(large))


def _rng() -> np.random.Generator:
    return np.random.default_rng(1)


def rows() -> Iterator[Row]:
    yield unscaled_row()
    yield from order_rows()
    yield from alone_rows()


if __name__ == "__main__":
    # that this recording is short for so many nodes is no news here
    warnings.simplefilter("ignore")
    print_table("Relays", rows())
