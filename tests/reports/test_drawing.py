"""Names stand apart and inside of their figure, maps show what they are given; nothing is drawn."""

import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import PathPatch
from softmax_harness.ground.formats import FORMATS
from softmax_reports.explained import _bars, _errors
from softmax_reports.labels import label_ends, label_points, name_ticks, shortened, text_width
from softmax_reports.maps import Look, Map, Scale, _blocks, small_maps
from softmax_reports.sections.limits import _figure as _limits
from softmax_reports.style import (
    INK,
    PARAMETERS,
    POINTS,
    log_ticks,
    looks,
    panel,
    round_numbers,
    tick_text,
)

LONG = "examples/kernels/of_a_long_name_that_goes_on.py:softmax"
NAMES = [*(f"kernel-{place}" for place in range(17)), LONG]


@pytest.fixture(autouse=True)
def as_in_reports():
    with matplotlib.rc_context(PARAMETERS):
        yield


def boxes(figure):
    """Left, bottom, right, top of each text of a figure, in points."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    texts = figure.axes[0].texts
    scale = POINTS / figure.dpi
    return [np.array(each.get_window_extent(renderer).extents) * scale for each in texts]


def overlap(one, other):
    return min(one[2], other[2]) - max(one[0], other[0]) > 0.5 and (
        min(one[3], other[3]) - max(one[1], other[1]) > 0.5
    )


def inside(box, figure):
    width, height = figure.get_size_inches() * POINTS
    return box[0] >= -1 and box[1] >= -1 and box[2] <= width + 1 and box[3] <= height + 1


def logarithmic(height=3.4):
    figure, axis = panel(height)
    axis.set(xscale="log", yscale="log", xlim=(1, 1e4), ylim=(0.5, 1e3))
    return figure, axis


@pytest.mark.parametrize("spread", [1.0, 1e3])
def test_names_of_lines_stand_apart_and_in_the_figure(spread):
    figure, axis = logarithmic()
    heights = np.geomspace(0.6, 0.7 * spread, len(NAMES))
    label_ends(
        axis, [(name, 5e3, height, "#000000") for name, height in zip(NAMES, heights, strict=True)]
    )
    found = boxes(figure)
    assert len(found) == len(NAMES)
    assert not any(itertools.starmap(overlap, itertools.combinations(found, 2)))
    assert all(inside(each, figure) for each in found)
    assert axis.get_position().x1 > 0.4


def test_names_of_points_stand_apart_and_in_the_figure():
    figure, axis = logarithmic()
    generator = np.random.default_rng(0)
    places = np.exp(generator.uniform(0.5, 5.5, (14, 2)))
    label_points(axis, [(name, *place) for name, place in zip(NAMES, places, strict=False)])
    found = boxes(figure)
    assert not any(itertools.starmap(overlap, itertools.combinations(found, 2)))
    assert all(inside(each, figure) for each in found)


def test_a_name_of_a_point_stands_neither_on_the_title_nor_on_a_bar():
    figure, axis = logarithmic()
    axis.set_title("float16")
    points = [("from-probabilities", 3.0, 990.0), ("from-logits", 2.0, 990.0)]
    label_points(axis, points, [(2.9, 90.0), (1.9, 2.1)])
    (left, bar), (right, _), (_, top) = (
        axis.transData.transform(at) * POINTS / figure.dpi
        for at in ((2.9, 990.0), (90.0, 990.0), (1.0, 1e3))
    )
    found = boxes(figure)
    assert all(box[3] <= top + 1 for box in found)
    assert not any(overlap(box, (left, bar - 1, right, bar + 1)) for box in found)


def test_names_that_no_report_knows_have_colours_of_their_own():
    found = looks(["wide", "naive", "mine", "yours", "theirs"])
    assert len({each["color"] for each in found.values()}) == 5
    assert found["wide"] == looks(["wide", "b", "c"])["wide"]
    many = looks([f"kernel-{place}" for place in range(30)])
    assert len({(each["color"], each["marker"]) for each in many.values()}) == 30


def test_ticks_are_written_as_they_are():
    assert [tick_text(each) for each in (1.5e-4, 2e-4, 0.5, 2000.0, 1e6, 1.75e5)] == [
        *("1.5e-4", "2e-4", "0.5", "2,000", "1e6", "1.75e5")
    ]


def test_values_of_a_row_have_room_on_their_bars_and_a_sign():
    figure, axis = panel(2.4)
    _bars(axis, "logits", np.array([-np.inf, -1e-5, 2e8, -1.5e8, *np.linspace(0, 1, 30)]))
    told = [each.get_text() for each in axis.texts]
    assert told[:4] == ["−∞", "−1.000e-5", "2.000e8", "−1.500e8"] and len(told) == 12
    axis.autoscale_view()
    found = boxes(figure)
    assert not any(itertools.starmap(overlap, itertools.combinations(found, 2)))
    _, below, _, above = np.array(axis.bbox.extents) * POINTS / figure.dpi
    assert all(below - 1 < each[1] and each[3] < above + 1 for each in found)


def test_errors_of_a_row_begin_at_0_and_the_largest_is_inside():
    _, axis = panel(2.4)
    _errors(axis, {"mine": np.array([0.0, -2000.0, np.nan]), "yours": np.array([0.1, 3.0, 0.2])})
    low, high = axis.get_ylim()
    assert low == 0 and high > 2000 and min(axis.get_yticks()) == 0
    assert "the first" not in axis.get_xlabel()


def test_words_on_white_are_dark_on_dark_paper_too():
    figure = _limits([FORMATS["float16"], FORMATS["float64"]])
    boxed = [each for each in figure.axes[0].texts if each.get_bbox_patch()]
    assert len(boxed) == 6 and not any(each.get_color() == INK for each in boxed)


def test_a_width_is_that_which_is_drawn():
    figure, axis = logarithmic()
    label_points(axis, [("shifted-log-sum-exp", 10.0, 10.0)])
    ((left, _, right, _),) = boxes(figure)
    assert text_width("shifted-log-sum-exp") == pytest.approx(right - left, rel=0.05)


def test_a_long_name_loses_its_middle():
    assert shortened("naive", 100.0) == "naive"
    short = shortened(LONG, 100.0)
    assert "…" in short and text_width(short) <= 100.0
    before, after = short.split("…")
    assert LONG.startswith(before) and LONG.endswith(after)


def test_names_below_the_axes_have_room():
    figure, axis = panel(3.4)
    axis.set_xlim(-0.5, 3.5)
    name_ticks(axis, range(4), [f"2026-11-{place}-nightly-of-a-long-name" for place in range(4)])
    renderer = FigureCanvasAgg(figure).get_renderer()
    for label in axis.get_xticklabels():
        box = np.array(label.get_window_extent(renderer).extents) * POINTS / figure.dpi
        assert inside(box, figure)


def test_ticks_and_titles_have_room():
    figure, axis = logarithmic()
    axis.set(title="float16", xlabel="n", ylabel="largest error (ulp)", ylim=(1e-14, 9.9e4))
    log_ticks(axis, "y")
    log_ticks(axis, "x")
    renderer = FigureCanvasAgg(figure).get_renderer()
    ticks = [*axis.get_xticklabels(), *axis.get_yticklabels()]
    extents = [each.get_window_extent(renderer) for each in [*ticks, axis.title]]
    labels = [each.get_window_extent(renderer) for each in (axis.xaxis.label, axis.yaxis.label)]
    for extent in [*extents, *labels]:
        assert inside(np.array(extent.extents) * POINTS / figure.dpi, figure)
    assert not any(label.overlaps(extent) for label in labels for extent in extents)


LOOKS = [
    Look("#ffffff", "", "none"),
    Look("#b3401a", "O", "overflow"),
    Look("#27608f", "D", "denominator underflows"),
]


def test_rectangles_are_the_map_and_no_more():
    kinds = np.random.default_rng(1).integers(0, 3, (7, 12))
    painted = np.full(kinds.shape, -1)
    for start, stop, kind, first, last in _blocks(kinds):
        assert (painted[first:last, start:stop] == -1).all()
        painted[first:last, start:stop] = kind
    assert (painted == kinds).all()
    assert len(list(_blocks(np.zeros((7, 12), int)))) == 1


def test_a_map_is_drawn_in_its_frame():
    kinds = np.zeros((3, 5), int)
    kinds[:, 4] = 1
    x = Scale(np.array([1.0, 10.0, 100.0, 1e3, 1e4]), [(100.0, "100")], is_log=True)
    y = Scale(np.array([1.0, 2.0, 3.0]), [(1.0, "2"), (3.0, "8")])
    beyond = (np.array([50.0, 1e9]), np.array([2.0, 2.5]), "--")
    figure = small_maps("float16", ("scale", "n"), [Map(["naive"], x, y, kinds, [beyond])], LOOKS)
    (axis,) = figure.axes
    white, red = [each for each in axis.patches if isinstance(each, PathPatch)][:2]
    whole, part = (each.get_path().get_extents() for each in (white, red))
    assert part.width == pytest.approx(whole.width / 5) and part.x1 == pytest.approx(whole.x1)
    assert part.height == pytest.approx(whole.height)
    (line,) = axis.lines
    assert np.isnan(line.get_xydata()[1:]).all()  # what lies beyond the map is not drawn
    texts = {each.get_text() for each in axis.texts}
    assert {"naive", "100", "2", "8", "O  overflow", "none", "float16"} <= texts
    assert "D  denominator underflows" not in texts
    assert all(inside(each, figure) for each in boxes(figure))


@pytest.mark.parametrize("count", [1, 2, 4, 15])
def test_any_number_of_maps_has_room(count):
    kinds = np.random.default_rng(2).integers(0, 3, (4, 9))
    x = Scale(np.arange(9.0) - 4, [(-3.0, "−3"), (3.0, "3")])
    y = Scale(np.arange(4.0), [(0.0, "1")])
    maps = [Map(["naive"] * (1 + place % 3), x, y, kinds, []) for place in range(count)]
    figure = small_maps("float16", ("offset c", "n"), maps, LOOKS)
    found = boxes(figure)
    assert all(inside(each, figure) for each in found)
    assert not any(itertools.starmap(overlap, itertools.combinations(found, 2)))


@pytest.mark.parametrize("high", [1e5, 4.5e307, 1.7e308, np.inf])
def test_round_numbers_reach_as_far_as_errors_do(high):
    found = round_numbers(1e-3, high, 6)
    assert 1 < len(found) <= 6 and found == sorted(found)
    assert all(1e-3 <= each <= high and np.isfinite(each) for each in found)
