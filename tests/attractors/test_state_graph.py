"""State graphs: against networkx's own algorithms, and a drawing without overlaps."""

import sys

import networkx as nx
import numpy as np
import pytest
from random_weights import ensembles

import flux
from flux import find_attractors, state_graph
from flux.attractors.state_graph import place_states


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_attributes_against_networkx(n: int) -> None:
    for W in ensembles(n, np.random.default_rng(n)).values():
        graph = state_graph(W, ties="keep")
        following = flux.successor_map(W, ties="keep").tolist()
        assert sorted(graph.edges) == list(enumerate(following))
        found = find_attractors(W, ties="keep")
        cycles = list(nx.simple_cycles(graph))
        assert sorted(map(min, cycles)) == found.representative.tolist()
        for cycle in cycles:
            basin = set(cycle).union(*(nx.ancestors(graph, state) for state in cycle))
            distance = nx.multi_source_dijkstra_path_length(graph.reverse(), set(cycle))
            for state in basin:
                expected = {"attractor": min(cycle), "transient": distance[state]}
                assert graph.nodes[state] == {**expected, "period": len(cycle)}


@pytest.mark.parametrize("n", [1, 4, 7])
def test_no_two_states_lie_on_each_other(n: int) -> None:
    for W in ensembles(n, np.random.default_rng(n)).values():
        points = place_states(flux.successor_map(W, ties="keep").astype(np.int64))
        apart = np.hypot(*(points[:, None] - points).transpose(2, 0, 1))
        assert (apart[~np.eye(2**n, dtype=bool)] > 1e-3).all()


def test_refuses() -> None:
    with pytest.raises(ValueError, match=r"^len\(W\) must be an integer from 1 to 16"):
        state_graph(np.eye(17))
    with pytest.raises(ValueError, match=r"^ties must be one of"):
        state_graph(np.eye(2), ties="x")  # type: ignore[arg-type]


def test_says_that_networkx_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(ModuleNotFoundError, match=r"networkx is not installed: .*\[graphs\]"):
        state_graph(np.eye(2))
