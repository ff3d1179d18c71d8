"""Pictures: what is drawn is what was given, in the colours and ranges that the text names."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from xarray import DataArray

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


def test_couplings_are_small_where_unsure(ax: Axes) -> None:
    W = np.array([[2.0, -0.5], [0.0, 3.0]])
    squares = plots.show_couplings(W, [[0.5, 0.5], [1.0, 6.0]], ax)
    corners = np.array([path.vertices[:4] for path in squares.get_paths()])
    side = np.ptp(corners, axis=1)
    np.testing.assert_allclose(side, np.array([[1, 1], [0.5, 0.5], [0, 0], [0.25, 0.25]]))
    # entry (i, j) stands in column j and row i, row 0 on top
    np.testing.assert_allclose(corners.mean(1), [[0, 0], [1, 0], [0, 1], [1, 1]])
    assert ax.yaxis_inverted()
    np.testing.assert_array_equal(squares.get_array(), W.ravel())
    # the weight of 3 is not sure: it does not set the scale
    assert squares.get_clim() == (-2.0, 2.0)
    assert plots.show_couplings(W, np.ones((2, 2)), ax, limit=5.0).get_clim() == (-5.0, 5.0)


def test_correlations_lie_on_the_line_where_they_agree(ax: Axes) -> None:
    plots.show_correlations([[0.1, 0.2]], [[0.1, 0.3]], ax, label="lag 0")
    plots.show_correlations([0.5], [0.5], ax, label="lag 1")
    first, second = ax.collections
    assert first.get_offsets().tolist() == [[0.1, 0.1], [0.2, 0.3]]
    assert ax.get_legend_handles_labels()[1] == ["lag 0", "lag 1"]
    # told apart by shape as well as by colour, and one line for both
    assert not np.array_equal(first.get_paths()[0].vertices, second.get_paths()[0].vertices)
    assert len(ax.lines) == 1
    assert ax.lines[0].get_slope() == 1


def test_bin_widths_per_step_and_per_second() -> None:
    times = np.sort(np.random.default_rng(1).random(400)) * 40
    found = flux.flux_by_bin_width(
        [times, times + 0.1], [0.05, 0.1], rng=np.random.default_rng(1), method="plugin"
    )._replace(warnings=("", "few"))
    left, right = plots.show_bin_widths(found, plt.subplots(1, 2)[1])
    np.testing.assert_array_equal(left.lines[0].get_ydata(), found.flux)
    np.testing.assert_allclose(right.lines[0].get_ydata(), found.flux_per_second)
    ends = [bar[:, 1].tolist() for bar in left.collections[0].get_segments()]
    assert ends == np.stack([found.lower, found.upper], 1).tolist()
    full, hollow = right.collections[1:]
    assert hollow.get_offsets()[:, 0].tolist() == [0.1]
    assert hollow.get_facecolor().min() == 1
    assert full.get_facecolor().min() < 1
    assert left.get_xscale() == "log"
    plt.close()


def test_estimates_stand_below_one_another(ax: Axes) -> None:
    plots.show_estimates(["a", "b"], [2.0, 1.0], [1.5, 0.5], [3.0, 1.5], ax, truth=1.25)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b"]
    assert ax.yaxis_inverted()
    truth, middle = ax.lines
    assert truth.get_xdata() == [1.25, 1.25]
    assert middle.get_xdata().tolist() == [2.0, 1.0]
    bars = [bar.tolist() for bar in ax.collections[0].get_segments()]
    assert bars == [[[1.5, 0.0], [3.0, 0.0]], [[0.5, 1.0], [1.5, 1.0]]]


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
    with pytest.raises(ValueError, match=r"^W_se must have the shape of W, \(2, 2\)"):
        plots.show_couplings(np.eye(2), [1.0, 1.0])
    with pytest.raises(ValueError, match=r"^W_se must be at least 0"):
        plots.show_couplings(np.eye(2), -np.eye(2))
    with pytest.raises(ValueError, match=r"^predicted must have the shape of observed, \(2,\)"):
        plots.show_correlations([0.1, 0.2], [0.1])
    with pytest.raises(ValueError, match=r"^observed must be finite"):
        plots.show_correlations([np.nan], [0.1])
    with pytest.raises(ValueError, match=r"^found must be what flux_by_bin_width returns"):
        plots.show_bin_widths((1.0,))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^names must be a list of words"):
        plots.show_estimates("ab", [1.0], [1.0], [1.0])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^upper must have the shape of names, \(1,\)"):
        plots.show_estimates(["a"], [1.0], [1.0], [1.0, 2.0])
    with pytest.raises(flux.TieError):
        plots.show_state_graph(np.zeros((2, 2)))


def test_a_relay_curve_with_its_null_and_where_it_ends(ax: Axes) -> None:
    rng = np.random.default_rng(1)
    nodes = rng.integers(0, 2, (60, 8))
    with pytest.warns(UserWarning, match="60 samples are too few"):
        found = flux.relay_order(nodes[:, 0], nodes[:, 0], nodes, rng=rng, progress=False)
    assert plots.show_relay_curve(found, ax) is ax
    known, null = (line.get_ydata() for line in ax.lines)
    np.testing.assert_array_equal(known, found.curve + found.leak)
    np.testing.assert_array_equal(null, found.null)
    assert not found.reliable.all()
    (grey,) = ax.patches
    assert grey.get_x() == np.flatnonzero(~found.reliable)[0] - 0.5
    with pytest.raises(ValueError, match="found must be what relay_order returns"):
        plots.show_relay_curve(found.curve)  # type: ignore[arg-type]


def test_relay_scores_over_time(ax: Axes) -> None:
    image = plots.show_relay_scores([[0.5, -0.1, 0.0], [0.0, 0.0, 2.0]], ax)
    assert image.get_array().shape == (3, 2)
    assert image.get_clim() == (0.0, 2.0)
    with pytest.raises(ValueError, match=r"scores must have shape \(steps, nodes\)"):
        plots.show_relay_scores([1.0])


def test_runs_with_their_quartiles(ax: Axes) -> None:
    runs = np.arange(5.0)[:, None] * [1.0, 10.0]
    plots.show_runs(runs, [1.0, 2.0], ax, label="five")
    (line,), (band,) = ax.lines, ax.collections
    np.testing.assert_array_equal(line.get_xydata(), [[1, 2], [2, 20]])
    corners = band.get_paths()[0].get_extents()
    assert (corners.ymin, corners.ymax) == (1.0, 30.0)
    for values, steps in ((np.zeros(3), None), (runs, [1.0]), (runs * np.nan, None)):
        with pytest.raises(ValueError, match="must"):
            plots.show_runs(values, steps, ax)


def test_a_map_puts_each_value_at_its_coordinates(ax: Axes) -> None:
    axes = {"balance": [-1.0, 1.0], "width": [0.1, 1.0, 2.0]}
    values = DataArray([[0.0, 1.0, 2.0], [3.0, 4.0, np.nan]], axes)
    image = plots.show_map(values, ax, label="flux", limits=[0, 8])
    np.testing.assert_array_equal(image.get_array().filled(-1), [[0, 1, 2], [3, 4, -1]])
    assert image.origin == "lower"
    assert image.get_clim() == (0, 8)
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0.1", "1.0", "2.0"]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("width", "balance", "flux")
    assert ax.figure.axes[1].get_ylim() == (0, 8)
    for wrong in (np.eye(2), values[0], values.astype(str)):
        with pytest.raises(ValueError, match="values must"):
            plots.show_map(wrong, ax)  # type: ignore[arg-type]


def test_memory_with_two_standard_errors(ax: Axes) -> None:
    plots.show_memory([[1.0, 4.0], [3.0, 4.0]], [1, 2], ax, label="two")
    plots.show_memory([[1.0, 2.0]], [1, 2], ax)
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[1, 2], [2, 4]])
    (band,) = ax.collections
    corners = band.get_paths()[0].get_extents()
    np.testing.assert_allclose((corners.ymin, corners.ymax), (0.0, 4.0), atol=1e-12)
    assert ax.get_xscale() == ax.get_yscale() == "log"
    for bits, lags in ((np.ones(2), [1, 2]), ([[1.0, 2.0]], [1]), ([[1.0, np.nan]], [1, 2])):
        with pytest.raises(ValueError, match="must"):
            plots.show_memory(bits, lags, ax)


def test_doses_with_two_standard_errors(ax: Axes) -> None:
    plots.show_doses([[0.0, 0.5], [0.2, 0.5]], [1, 8], ax, label="top")
    np.testing.assert_allclose(ax.lines[0].get_xydata(), [[1, 0.1], [8, 0.5]])
    corners = ax.collections[0].get_paths()[0].get_extents()
    np.testing.assert_allclose((corners.ymin, corners.ymax), (-0.1, 0.5), atol=1e-12)
    for lost, doses in ((np.ones(2), [1, 2]), ([[1.0, 2.0]], [1]), ([[1.0, np.nan]], [1, 2])):
        with pytest.raises(ValueError, match="must"):
            plots.show_doses(lost, doses, ax)


def test_concepts_row_by_row(ax: Axes) -> None:
    lost = [[0.4, 0.1], [-0.1, 0.3]]
    image = plots.show_concepts(lost, ax, top=0.4)
    np.testing.assert_array_equal(image.get_array(), lost)
    assert image.get_clim() == (0, 0.4)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("concept asked for", "top nodes knocked out of")
    for wrong in ([[0.1, 0.2]], [0.1], [[np.nan]]):
        with pytest.raises(ValueError, match="lost must"):
            plots.show_concepts(wrong, ax)
