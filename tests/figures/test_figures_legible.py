"""What every figure owes to print: type that can be read, nothing cut off or on top of each other, the same bytes each time."""

import hashlib
import itertools
import os
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest
from figure_gallery import GALLERY

from projectkit import figures
from projectkit.figures.style import DASHES, MARKERS, PALETTE

SIZES = [(60, 60), (95, 80), (180, 110)]


def _drawn_texts(figure, monkeypatch):
    """(text, its box in pixels) of all that is really drawn; ticks outside of the axes are not."""
    found = []
    draw = mpl.text.Text.draw

    def record(text, renderer, *args, **kwargs):
        if text.get_visible() and text.get_text().strip():
            found.append((text, text.get_window_extent(renderer)))
        draw(text, renderer, *args, **kwargs)

    with monkeypatch.context() as patch, figures.style():
        patch.setattr(mpl.text.Text, "draw", record)
        figure.canvas.draw()
    return found


# name -> its least height on a poster, in widths
LEAST = {
    **dict.fromkeys(("roc of 2", "roc of 4", "roc of 43", "precision-recall", "det of 4", "det of 43"), 0.6),
    **dict.fromkeys(("confusion of 2", "confusion of 8", "confusion of 43"), 0.6),
    **dict.fromkeys(("images", "one image", "text", "mean table", "scores", "slices", "diagram", "large diagram"), 0.5),
    **dict.fromkeys(("classes", "many classes", "timeline"), 0.4),
    **dict.fromkeys(("learning curves", "curves of seeds"), 0.52),
    "reliability": 0.65,
}


@pytest.mark.parametrize("size_mm", SIZES)
@pytest.mark.parametrize("name", GALLERY)
def test_type_can_be_read_and_is_neither_cut_off_nor_covered(name, size_mm, monkeypatch):
    _check(GALLERY[name](size_mm), size_mm, monkeypatch, least_pt=6)


@pytest.mark.parametrize("name", LEAST)
def test_a_figure_of_a_poster_is_whole_at_its_least_height_with_26_em_of_its_type_side_by_side(name, monkeypatch):
    font_pt = 9.0
    width = 26 * font_pt / 72 * 25.4
    _check(GALLERY[name]((width, LEAST[name] * width)), (width, LEAST[name] * width), monkeypatch, least_pt=6)


def _check(figure, size_mm, monkeypatch, *, least_pt):
    assert tuple(figure.get_size_inches() * 25.4) == pytest.approx(size_mm)
    texts = _drawn_texts(figure, monkeypatch)
    assert texts
    small = [text.get_text() for text, _ in texts if text.get_fontsize() < least_pt]
    assert not small
    width, height = figure.get_size_inches() * figure.dpi
    cut = [t.get_text() for t, box in texts if min(box.x0, box.y0, width - box.x1, height - box.y1) < -0.5]
    assert not cut
    pairs = itertools.combinations([(text.get_text(), box.padded(-1)) for text, box in texts], 2)
    covered = [(one, other) for (one, box), (other, second) in pairs if box.overlaps(second)]
    assert not covered


def digests():
    svgs = {name: figures.svg_bytes(draw((95, 80))) for name, draw in GALLERY.items()}
    return {
        name: (hashlib.sha256(svg).hexdigest(), b"<text" in svg or b"<dc:date>" in svg) for name, svg in svgs.items()
    }


@pytest.fixture(scope="module")
def drawn():
    """The digest of each figure, and matplotlib's settings before and after."""
    before = dict(mpl.rcParams)
    return digests(), before, dict(mpl.rcParams)


def test_drawing_leaves_no_setting_and_no_window_behind(drawn):
    _, before, after = drawn
    assert after == before
    if "matplotlib.pyplot" in sys.modules:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


def test_each_figure_is_the_same_svg_in_each_process_with_its_text_as_outlines(drawn):
    here = drawn[0]
    assert not any(letters for _, letters in here.values())
    script = "import sys; sys.path.insert(0, sys.argv[1]); import test_figures_legible as t; print(t.digests())"
    kept = {"PYTHONHASHSEED": "7", "MPLCONFIGDIR": mpl.get_configdir()}  # with the fonts that are cut already
    command = [sys.executable, "-c", script, str(Path(__file__).parent)]
    other = subprocess.run(command, env={**os.environ, **kept}, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == str(here)


def test_what_has_a_colour_of_its_own_has_a_dash_or_a_marker_of_its_own_too():
    assert len(set(PALETTE)) == len(set(zip(DASHES, MARKERS, strict=True))) == len(PALETTE)
    lines = GALLERY["roc of 4"]((95, 95)).axes[0].lines[1:5]
    assert len({str(line._dash_pattern) for line in lines}) == 4
    markers = {line.get_marker() for line in GALLERY["learning curves"]((170, 75)).axes[1].lines}
    assert len(markers) == 3
