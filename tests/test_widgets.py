"""The widgets: their JavaScript against the package, and their attributes."""

import json
import re
from itertools import product
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest
from py_mini_racer import MiniRacer

import flux
from flux import widgets
from flux.attractors.state_graph import place_states, trace_states
from flux.relays import tasks, trained

TOLERANCE = 1e-9


@pytest.fixture(scope="module")
def browser() -> MiniRacer:
    """An engine that knows the functions of the widgets, without a page."""
    engine = MiniRacer()
    engine.eval(widgets.read_sources("network", "plain_cell", "placing", "drawing"))
    return engine


def call(browser: MiniRacer, expression: str, **values: Any) -> Any:
    """Return the value of an expression, computed by the JavaScript."""
    plain = {
        name: value if isinstance(value, dict) else np.asarray(value).tolist()
        for name, value in values.items()
    }
    names = ", ".join(plain)
    result = browser.eval(
        f"JSON.stringify((({names}) => {expression})(...{json.dumps(list(plain.values()))}))"
    )
    return json.loads(result)


def networks() -> list[Any]:
    rng = np.random.default_rng(1)
    found = []
    for n in range(1, 7):
        for width in (0.1, 1.0, 4.0):
            W = flux.gaussian_weights(n, rng=rng, width=width)
            found += [(W, np.zeros(n)), (W, rng.normal(size=n))]
    found += [(flux.nrooks(8, rng=rng, strength=10.0), np.zeros(8))]
    found += [(np.full((4, 4), 10.0), np.zeros(4)), (np.full((4, 4), 10.0), np.full(4, 10.0))]
    return found


@pytest.mark.parametrize(("W", "b"), networks())
def test_flux_in_javascript_is_that_of_the_package(browser: MiniRacer, W: Any, b: Any) -> None:
    found = call(browser, "exactFlux(W, b)", W=W, b=b)
    exact = flux.exact_flux(W, b)
    np.testing.assert_allclose([found[name] for name in "IHD"], exact, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(("W", "b"), [net for net in networks() if len(net[0]) <= 4])
def test_probabilities_in_javascript_are_those_of_the_package(
    browser: MiniRacer, W: Any, b: Any
) -> None:
    P = call(browser, "transitionMatrix(W, b).map((row) => [...row])", W=W, b=b)
    np.testing.assert_allclose(P, flux.transition_matrix(W, b), rtol=0, atol=TOLERANCE)
    pi = call(browser, "[...stationaryLaw(transitionMatrix(W, b))]", W=W, b=b)
    np.testing.assert_allclose(pi, flux.stationary_distribution(W, b), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(("W", "b"), [net for net in networks() if len(net[0]) <= 6])
def test_attractors_in_javascript_are_those_of_the_package(
    browser: MiniRacer, W: Any, b: Any
) -> None:
    following = flux.successor_map(W, b, ties="keep")
    assert call(browser, "successors(W, b)", W=W, b=b) == following.tolist()
    traced = call(browser, "traceStates(following)", following=following)
    for name, expected in zip(
        ("attractor", "transient", "period"), trace_states(following), strict=True
    ):
        assert [state[name] for state in traced] == expected.tolist()


def test_exact_ties_are_kept(browser: MiniRacer) -> None:
    terms = [[0.5, 0.25, -0.75], [0.1, 0.2, -0.3], [1e16, 1.0, -1e16], [1e-300, 1e300, -1e300]]
    assert [call(browser, "exactSign(t)", t=t) for t in terms] == [0, 1, 1, 1]
    W = [[0.5, 0.25, -0.75], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    expected = flux.successor_map(W, ties="keep").tolist()
    assert call(browser, "successors(W, [0, 0, 0])", W=W) == expected


def test_states_do_not_cover_each_other(browser: MiniRacer) -> None:
    rng = np.random.default_rng(2)
    for n in (3, 5, 6):
        for W in (flux.gaussian_weights(n, rng=rng), flux.nrooks(n, rng=rng, strength=1.0)):
            following = flux.successor_map(W)
            points = np.array(call(browser, "placeStates(f)", f=following))
            apart = np.linalg.norm(points[:, None] - points, axis=2)
            assert apart[~np.eye(2**n, dtype=bool)].min() > 0.15
            # and the picture is not much wider than the one in the figures
            assert (
                np.ptp(points, axis=0).max()
                < 1.3 * np.ptp(place_states(following.astype(np.int64)), axis=0).max()
            )


def test_spins_in_javascript_follow_the_same_law(browser: MiniRacer) -> None:
    rng = np.random.default_rng(3)
    W, b = flux.gaussian_weights(20, rng=rng), rng.normal(size=20)
    x, uniforms = rng.choice([-1, 1], 20), rng.random(20)
    y = call(browser, "[...nextState(W, b, x, () => u.shift())]", W=W, b=b, x=x, u=uniforms)
    assert y == np.where(uniforms < flux.on_probability(W, x, b), 1, -1).tolist()


def test_correlation_in_javascript_is_that_of_the_package(browser: MiniRacer) -> None:
    rng = np.random.default_rng(4)
    x = flux.simulate(flux.gaussian_weights(12, rng=rng), 300, rng=rng)
    x[:, 3] = 1  # a neuron that never changes
    found = call(browser, "rmsCorrelation(x)", x=x)
    assert found == pytest.approx(
        flux.rms_correlation(flux.lagged_correlation(x)), rel=0, abs=TOLERANCE
    )


def test_random_weights_have_the_law_of_gaussian_weights(browser: MiniRacer) -> None:
    weights = [
        call(browser, "gaussianWeights(100, {width: 2, density: 0.3, balance: 0.5, seed: s})", s=s)
        for s in range(20)
    ]
    W = np.array(weights).ravel()
    rng = np.random.default_rng(5)
    drawn = flux.gaussian_weights(447, rng=rng, width=2.0, density=0.3, balance=0.5).ravel()
    for moment in (lambda v: v != 0, lambda v: v > 0, lambda v: v, lambda v: v**2, abs):
        ours, theirs = moment(W).astype(float), moment(drawn).astype(float)
        error = np.hypot(ours.std(), theirs.std()) / np.sqrt(len(W))
        assert abs(ours.mean() - theirs.mean()) < 5 * error
    uniforms = call(
        browser, "(() => {const r = randomNumbers(7); return Array.from({length: 40000}, r)})()"
    )
    assert 0 <= min(uniforms) < max(uniforms) < 1
    counts = np.histogram(uniforms, 20, (0, 1))[0]
    assert ((counts - 2000) ** 2 / 2000).sum() < 19 + 5 * np.sqrt(38)


@pytest.mark.parametrize("n", [1, 2, 6])
def test_rooks_have_one_weight_in_each_row_and_column(browser: MiniRacer, n: int) -> None:
    drawn = np.array([call(browser, "nrooks(n, 3, s)", n=n, s=s) for s in range(20)])
    assert set(np.unique(drawn)) <= {-3.0, 0.0, 3.0}
    for axis in (1, 2):
        assert np.all(np.abs(drawn).sum(axis) == 3)
    assert len(np.unique(drawn, axis=0)) > n  # places and signs change with the seed


def test_seeds_and_sliders_bend_one_network(browser: MiniRacer) -> None:
    def draw(**options: Any) -> Any:
        values = {"width": 1.0, "density": 1.0, "balance": 0.0, "seed": 1, **options}
        return np.array(call(browser, f"gaussianWeights(9, {json.dumps(values)})"))

    np.testing.assert_allclose(draw(width=3.0), 3 * draw(), rtol=1e-15)
    sparse = draw(density=0.4)
    np.testing.assert_array_equal(sparse[sparse != 0], draw()[sparse != 0])
    assert not np.any(draw(seed=2) == draw())


ALL = [
    lambda: widgets.StateGraph([[0.0, 2.0], [-2.0, 0.0]]),
    lambda: widgets.RunningNetwork(n=10),
    lambda: widgets.OptimalMatrices(n=3),
    lambda: widgets.AttractorExplorer(np.eye(3)),
    lambda: relay_map(),
]


def relay_map(**changed: Any) -> widgets.RelayMap:
    """Return the map of a network of 5 nodes that runs for 3 steps, its arrays drawn at random."""
    rng = np.random.default_rng(6)
    given = {
        "scores": rng.random((3, 5)),
        "cell": (rng.normal(size=(5, 2)), rng.normal(size=(5, 5)), rng.normal(size=5)),
        "readout": (rng.normal(size=(2, 5)), rng.normal(size=2)),
        "x": rng.normal(size=(9, 3, 2)),
        "y": rng.integers(0, 2, 9),
    }
    return widgets.RelayMap(**{**given, **changed})


@pytest.mark.parametrize("make", ALL)
def test_module_of_a_widget_is_whole(make: Any) -> None:
    widget = make()
    source = widget._esm
    assert source.count("export default { render };") == 1
    MiniRacer().eval(source.replace("export default { render };", ""))
    assert "import " not in source
    declared = re.findall(r"^(?:const|function) (\w+)", source, re.MULTILINE)
    assert len(declared) == len(set(declared)), "the files of a module share their names"
    assert repr(widget) == f"{type(widget).__name__}()"


@pytest.mark.parametrize("make", ALL)
def test_state_is_what_a_page_can_hold(make: Any) -> None:
    state = make().get_state()
    for name in ("W", "b", "shapes", "arrays"):
        if name in state:
            assert json.loads(json.dumps(state[name])) == state[name]
    json.dumps({name: value for name, value in state.items() if name != "layout"})


def test_weights_go_both_ways() -> None:
    shown = widgets.StateGraph([[0.0, 2.0], [-2.0, 0.0]], [0.5, 0.0])
    shown.W = np.eye(2)
    assert shown.get_state("W") == {"W": [[1.0, 0.0], [0.0, 1.0]]}
    assert shown.b.tolist() == [0.5, 0.0]
    # what the browser sends when neurons are added
    shown.set_state({"W": np.eye(3).tolist(), "b": [0.0, 1.0, 0.0]})
    assert shown.W.shape == (3, 3)
    assert shown.b.tolist() == [0.0, 1.0, 0.0]
    assert flux.exact_flux(shown.W, shown.b).I > 0
    with pytest.raises(ValueError, match="read-only"):
        shown.W[0, 0] = 1.0


def test_bias_follows_the_size_of_weights() -> None:
    shown = widgets.AttractorExplorer(np.eye(2), [1.0, 2.0])
    shown.W = np.eye(4)
    assert shown.b.tolist() == [0.0, 0.0, 0.0, 0.0]


def test_running_network_takes_weights_from_outside() -> None:
    shown = widgets.RunningNetwork(n=10)
    assert shown.W.shape == (0, 0)
    shown.W = np.eye(5)
    assert shown.n == 5


class NextSequence(np.random.Generator):
    """Instead of shuffling, gives each sequence the values of the next one, as the page does."""

    def permutation(self, n: Any, axis: int = 0) -> Any:
        return np.roll(np.arange(n), -1)


def test_knockouts_in_javascript_are_those_of_trained_networks(browser: MiniRacer) -> None:
    rng = np.random.default_rng(7)
    task = tasks.memory_task(40, rng=rng, delay=3)
    network = trained.make_network("rnn", task, rng=rng, hidden=6)
    parts = [np.asarray(part) for part in jax.tree.leaves(eqx.filter(network, eqx.is_array))]
    W, U, b, R, c = [np.round(10 * part, 1) for part in parts]
    kept = eqx.tree_at(jax.tree.leaves, network, [W, U, b, R, c])
    x = np.round(task.x, 3)
    # the second coin's
    shown = widgets.RelayMap(np.zeros((4, 6)), (W, U, b), (R[2:], c[2:]), x, task.y[:, 1])
    states = call(browser, "recordStates(network)", network=shown.arrays)
    h = trained.record(kept, x).h
    np.testing.assert_allclose(states, h.swapaxes(0, 1), rtol=0, atol=1e-4)
    given = {"network": shown.arrays, "states": states}
    names = "network, states, nodes, step"
    answers = set()
    for nodes, step in product([[], [0], [2, 3], [0, 1, 2, 3, 4, 5]], range(4)):
        hit = {**given, "nodes": nodes, "step": step}
        rng = NextSequence(np.random.PCG64(1))
        said = trained.decisions(trained.knockout(kept, x, nodes, step, rng=rng))[:, 1]
        assert call(browser, f"answersWithout({names})", **hit) == said.tolist()
        share = call(browser, f"accuracyWithout({names})", **hit)
        assert share == np.mean(said == task.y[:, 1])
        answers.add(tuple(said))
    assert len(answers) > 4


def test_random_nodes_are_a_permutation_of_all(browser: MiniRacer) -> None:
    drawn = [call(browser, "shuffledNodes(9, k)", k=k) for k in range(200)]
    assert {tuple(sorted(one)) for one in drawn} == {tuple(range(9))}
    first = np.bincount([one[0] for one in drawn], minlength=9)
    assert ((first - 200 / 9) ** 2 / (200 / 9)).sum() < 8 + 5 * np.sqrt(16)


def test_relay_map_keeps_four_decimals_and_no_negative_zero() -> None:
    shown = relay_map(scores=np.full((3, 5), -0.00001), x=np.full((9, 3, 2), 1 / 3))
    assert shown.arrays["x"][0][0] == [0.3333, 0.3333]
    assert "-0.0" not in json.dumps(shown.arrays["scores"])


def test_nodes_and_step_go_both_ways() -> None:
    shown = relay_map(nodes=[3, 1, 3], step=2)
    assert shown.get_state("nodes") == {"nodes": [1, 3]}
    # what the browser sends
    shown.set_state({"nodes": [0, 4], "step": 1})
    assert (shown.nodes, shown.step) == ((0, 4), 1)
    for name, value in (("nodes", [5]), ("nodes", [0.5]), ("step", 3)):
        with pytest.raises(ValueError, match=name):
            setattr(shown, name, value)
    assert (shown.nodes, shown.step) == ((0, 4), 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: relay_map(scores=np.ones(3)), "scores must be an array of 2 axes"),
        (lambda: relay_map(scores=np.ones((33, 5))), "steps of scores must be an integer from 1"),
        (lambda: relay_map(scores=np.ones((3, 33))), "nodes of scores must be an integer from 1"),
        (lambda: relay_map(scores=np.full((3, 5), np.nan)), "scores must lie from .* reached nan"),
        (lambda: relay_map(scores=np.ones((4, 5))), r"x must have shape \(9, 4, 2\)"),
        (lambda: relay_map(cell=np.eye(5)), "cell must be a tuple of three arrays: W, U and b"),
        (lambda: relay_map(cell=(np.eye(5), np.eye(5), [0])), r"cell\[0\] must have shape"),
        (lambda: relay_map(readout=(np.ones((2, 4)), [0, 0])), r"readout\[0\] must have shape"),
        (lambda: relay_map(readout=(np.ones((1, 5)), [0])), r"len\(readout\[0\]\) must be"),
        (lambda: relay_map(x=np.ones((501, 3, 2))), r"len\(x\) must be an integer from 2 to 500"),
        (lambda: relay_map(x=np.ones((9, 3, 33))), "inputs of x must be an integer from 1 to 32"),
        (lambda: relay_map(y=np.full(9, 2)), "y must hold 9 labels from 0 to 1"),
        (lambda: relay_map(nodes=[5]), "nodes must be an integer from 0 to 4, but was 5"),
        (lambda: relay_map(step=3), "step must be an integer from 0 to 2"),
        (lambda: widgets.StateGraph(np.eye(5)), r"len\(W\) must be an integer from 1 to 4"),
        (lambda: widgets.StateGraph([[11.0]]), "W must lie from -10 to 10, but reached 11"),
        (lambda: widgets.StateGraph([[1.0]], [1.0, 2.0]), r"b must have shape \(1,\)"),
        (lambda: widgets.StateGraph([[1.0, 2.0]]), r"W must have shape \(n, n\)"),
        (lambda: widgets.AttractorExplorer(np.eye(7)), r"len\(W\) must be an integer from 1 to 6"),
        (lambda: widgets.AttractorExplorer([[np.nan]]), "W must be finite"),
        (lambda: widgets.RunningNetwork(n=101), "n must be an integer from 2 to 100"),
        (lambda: widgets.RunningNetwork(noise=0.0), "noise must be a finite number from 0.1 to 5"),
        (lambda: widgets.OptimalMatrices(n=9), "n must be the size of a shape"),
        (lambda: widgets.OptimalMatrices({"x": [[2.0]]}, n=1), r"shapes\['x'\] must lie from"),
        (lambda: widgets.OptimalMatrices({"x": np.eye(9)}, n=9), r"shapes\['x'\] must have shape"),
        (lambda: widgets.OptimalMatrices(strength=11.0), "strength must be a finite number"),
    ],
)
def test_bad_input(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_state_stays_one_of_the_network() -> None:
    shown = widgets.AttractorExplorer(np.eye(3))
    shown.state = 7
    shown.W = np.eye(2)
    assert shown.state == 0


def test_only_sizes_that_there_are_can_be_shown() -> None:
    shown = widgets.OptimalMatrices({"a": np.eye(2), "b": np.eye(3)}, n=2)
    shown.n = 3
    with pytest.raises(ValueError, match=r"n must be the size of a shape, one of \[2, 3\]"):
        shown.n = 4
    assert shown.n == 3


def test_bad_assignment_leaves_what_was_there() -> None:
    shown = widgets.AttractorExplorer(np.eye(2))
    for name, value in (("W", [[np.inf]]), ("state", 4), ("b", [1.0, 2.0, 3.0])):
        with pytest.raises(ValueError, match=name):
            setattr(shown, name, value)
    assert shown.W.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert shown.state == 0
