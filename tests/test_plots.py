"""Pictures: what is drawn is what was given, in the colours and ranges that the text names."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes

import flux
from flux import plots


@pytest.fixture
def ax() -> Iterator[Axes]:
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def test_weights_are_drawn_as_they_are(ax: Axes) -> None:
    W = [[0.0, 2.0, -3.0], [1.0, 0.5, 0.0], [-1.0, 0.0, 0.0]]
    image = plots.show_weights(W, ax)
    assert image.get_array().tolist() == W
    # no weight is white, and equal magnitudes are equally dark
    assert image.get_clim() == (-3.0, 3.0)
    blue, white, red = (image.to_rgba(np.array([w]))[0] for w in (-3.0, 0.0, 3.0))
    assert blue[2] > blue[0]
    assert red[0] > red[2]
    assert white[:3].min() > 0.95


def test_limit_sets_the_darkest_weight(ax: Axes) -> None:
    assert plots.show_weights(np.eye(2), ax, limit=5.0).get_clim() == (-5.0, 5.0)
    assert plots.show_weights(np.zeros((2, 2)), ax).get_clim() == (-1e-12, 1e-12)


@pytest.mark.parametrize("n", [8, 9])
def test_neurons_are_counted_where_they_are_few(ax: Axes, n: int) -> None:
    plots.show_weights(np.eye(n), ax)
    assert (ax.get_xticks().tolist() == list(range(n))) == (n <= 8)


def test_raster_has_time_to_the_right(ax: Axes) -> None:
    x = np.array([[1, -1], [1, 1], [-1, 1]])
    image = plots.show_raster(x, ax)
    assert np.array_equal(image.get_array(), x.T)
    low, high = image.to_rgba(np.array([-1, 1]))
    assert high[:3].sum() < low[:3].sum()  # dark is +1


def test_picture_has_every_state_once(ax: Axes) -> None:
    assert plots.show_state_graph(np.roll(np.eye(5), 1, axis=0), ax=ax) is ax
    assert sum(len(dots.get_offsets()) for dots in ax.collections[2:]) == 32


def test_lines_lead_to_successors_and_attractors_have_colours(ax: Axes) -> None:
    W = flux.gaussian_weights(6, rng=np.random.default_rng(3))
    plots.show_state_graph(W, ax=ax)
    transient, cyclic, *dots = ax.collections
    following = flux.successor_map(W)
    found = flux.find_attractors(W)
    assert len(cyclic.get_segments()) == found.period.sum()
    assert len(transient.get_segments()) == 64 - found.period.sum()
    # each line ends where another begins: at the dot of the successor
    ends = {tuple(line[1]) for line in (*transient.get_segments(), *cyclic.get_segments())}
    assert len(ends) == len(np.unique(following))
    colours = np.concatenate([some.get_facecolors() for some in dots])
    counts = sorted(np.unique(colours, axis=0, return_counts=True)[1].tolist())
    assert len(found.period) <= 6
    assert counts == sorted(found.basin.tolist())


def test_style_is_that_of_the_book() -> None:
    with plt.rc_context():
        plots.use_style()
        assert plt.rcParams["axes.prop_cycle"].by_key()["color"] == plots.COLOURS
        assert not plt.rcParams["axes.spines.top"]


def test_refuses() -> None:
    with pytest.raises(ValueError, match=r"^W must have shape \(n, n\)"):
        plots.show_weights([[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"^limit must be a finite number"):
        plots.show_weights([[1.0]], limit=0.0)
    with pytest.raises(ValueError, match=r"^x must have shape \(steps, n\)"):
        plots.show_raster([1, -1])
    with pytest.raises(ValueError, match=r"^x must hold only spins"):
        plots.show_raster([[0, 2]])
    with pytest.raises(ValueError, match=r"^len\(W\) must be an integer from 1 to 12"):
        plots.show_state_graph(np.eye(13))
    with pytest.raises(ValueError, match=r"^ties must be one of"):
        plots.show_state_graph(np.eye(2), ties="x")  # type: ignore[arg-type]
    with pytest.raises(flux.TieError):
        plots.show_state_graph(np.zeros((2, 2)))
