"""Whether a figure can be read on paper: type measured in files of ours and of others, colours as colour-blind people see them."""

import io
import itertools

import numpy as np
import pytest
from figure_gallery import GALLERY
from PIL import Image

from projectkit import figures
from projectkit.figures.diverging import AGAINST, FOR
from projectkit.figures.legibility import VISIONS, lab
from projectkit.figures.style import PALETTE

# matplotlib's default colours, of which the third and the fourth are the classic mistake
TAB10 = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728")


def svg(body, attributes='viewBox="0 0 200 100"'):
    return f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{body}</svg>'.encode()


def plot(fonttype="path", colours=TAB10, font_pt=10.0):
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": fonttype, "font.size": font_pt}):
        figure = Figure(figsize=(4, 2))
        axes = figure.subplots()
        for index, colour in enumerate(colours):
            axes.plot([0, 1], [index, 1], color=colour, linewidth=3)
        axes.set_xlabel("step")
        buffer = {suffix: io.BytesIO() for suffix in ("svg", "png")}
        for suffix, file in buffer.items():
            figure.savefig(file, format=suffix)
    return {suffix: file.getvalue() for suffix, file in buffer.items()}


@pytest.mark.parametrize("name", GALLERY)
def test_type_of_our_figures_is_measured_as_it_was_asked_for_and_their_colours_are_safe(name):
    content = figures.svg_bytes(GALLERY[name]((95, 80)))
    assert 5.99 < figures.smallest_type_pt(content, 95) < 9.01
    assert figures.smallest_type_pt(content, 190) == pytest.approx(2 * figures.smallest_type_pt(content, 95))
    assert figures.colour_blind(figures.picture_colours(content)) == []


@pytest.mark.parametrize("fonttype", ["path", "none"])
def test_type_is_measured_whether_it_is_text_or_outlines(fonttype):
    width_mm = 4 * 25.4
    assert figures.smallest_type_pt(plot(fonttype)["svg"], width_mm) == pytest.approx(10, rel=1e-3)
    assert figures.smallest_type_pt(plot(fonttype)["svg"], width_mm / 2) == pytest.approx(5, rel=1e-3)


@pytest.mark.parametrize(
    ("body", "units"),
    [
        ('<text font-size="8">a</text><text>b</text>', 8),
        ('<text style="font-size: 6px">a</text>', 6),
        ('<g transform="scale(.5)"><text font-size="20">a</text></g>', 10),
        ('<g font-size="10"><text><tspan font-size="50%">a</tspan></text></g>', 5),
        ("<style>.small { font: italic 700 7px/1.2 sans-serif }</style><text class='small'>a</text>", 7),
        ("<style>text, tspan { font-size: 9px }</style><text>a</text>", 9),
        ('<g transform="rotate(90) translate(3 4) matrix(2 0 0 2 0 0)"><text font-size="4">a</text></g>', 8),
        ('<defs><text font-size="1">a</text></defs><text font-size="12pt">b</text>', 16),
        ('<text font-size="2" display="none">a</text><text>b</text>', 16),
    ],
)
def test_sizes_are_found_however_an_svg_says_them(body, units):
    assert figures.smallest_type_pt(svg(body), 200.0) == pytest.approx(units / 25.4 * 72, rel=1e-3)


def test_a_figure_without_type_or_without_a_size_has_no_smallest_type():
    assert figures.smallest_type_pt(svg("<path d='M0 0'/>"), 100) is None
    assert figures.smallest_type_pt(svg("<text>a</text>", 'width="100%"'), 100) is None
    assert figures.smallest_type_pt(svg("<text>a</text>", 'width="16"'), 10) == pytest.approx(10 / 25.4 * 72)


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG",
        b"<html/>",
        b'<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>',
        b"<g>" * 300 + b"</g>" * 300,
        svg("<g>" * 300 + "</g>" * 300),
    ],
)
def test_what_is_no_figure_is_refused_not_crashed_on(content):
    with pytest.raises(ValueError, match="SVG"):
        figures.smallest_type_pt(content, 100)


def test_red_and_green_are_one_colour_to_some_and_ours_are_not():
    (worst, *_) = figures.colour_blind(["#d62728", "#2ca02c"])
    assert {worst.one, worst.other} == {"#d62728", "#2ca02c"}
    assert worst.seen_by in ("deuteranopia", "protanopia")
    assert figures.colour_blind(["#ff0000", "#008000"])
    assert figures.colour_blind(PALETTE) == []


def test_greys_and_tints_that_nobody_tells_apart_are_not_held_against_a_figure():
    assert figures.colour_blind(["#ffffff", "#e4e7eb", "#9aa5b1", "#cc79a7", "#1f2933"]) == []
    assert figures.colour_blind(["#ff0000"]) == figures.colour_blind([]) == []


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_colours_of_a_picture_are_those_that_its_lines_have(kind):
    found = figures.picture_colours(plot()[kind])
    pairs = {frozenset((each.one, each.other)) for each in figures.colour_blind(found)}
    near = [{name for name in pair if _near(name, "#2ca02c") or _near(name, "#d62728")} for pair in pairs]
    assert any(len(names) == 2 for names in near)
    assert figures.colour_blind(figures.picture_colours(plot(colours=PALETTE)[kind])) == []


def test_a_photograph_has_no_colours_that_mean_something():
    rng = np.random.default_rng(0)
    buffer = io.BytesIO()
    smooth = np.linspace(0, 255, 64 * 64 * 3).reshape(64, 64, 3)
    Image.fromarray((smooth * rng.random((64, 64, 3))).astype(np.uint8)).save(buffer, "png")
    assert figures.colour_blind(figures.picture_colours(buffer.getvalue())) == []
    with pytest.raises(ValueError, match="no picture"):
        figures.picture_colours(b"\x89PNG broken")


@pytest.mark.parametrize("vision", VISIONS)
def test_the_palette_is_told_apart_by_every_eye(vision):
    rgb = np.array([[int(name[place : place + 2], 16) for place in (1, 3, 5)] for name in [*PALETTE, FOR, AGAINST]])
    *labs, one, other = lab(rgb / 255, vision)
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(labs, 2)) > 12
    assert np.linalg.norm(one - other) > 50


def _near(one, other):
    parts = [[int(name[place : place + 2], 16) for place in (1, 3, 5)] for name in (one, other)]
    return max(abs(a - b) for a, b in zip(*parts, strict=True)) < 30
