from __future__ import annotations

import io
from itertools import pairwise

import pytest

from projectkit.poster.render import rendered
from projectkit.poster.typesetting.arrangements import POINTS_PER_MM
from projectkit.poster.typesetting.plan import placed


@pytest.fixture
def write_pictures(write_poster):
    """A function that writes a poster whose only block is a row of pictures of these proportions."""

    def write(*ratios: float, yaml: str = "columns: 1"):
        row = "\n".join(f"![Picture {index}](figures/{index}.png)" for index in range(len(ratios)))
        folder = write_poster(f"# Side by side\n\n{row}\n", yaml=yaml)
        (folder / "figures").mkdir(exist_ok=True)
        from PIL import Image

        for index, ratio in enumerate(ratios):
            shade = (40 * index, 90, 120)  # equal pictures would be one object of the PDF
            Image.new("RGB", (round(300 * ratio), 300), shade).save(folder / "figures" / f"{index}.png")
        return folder

    return write


def pictures(found):
    import pdfplumber

    with pdfplumber.open(io.BytesIO(found.pdf)) as document:
        images = document.pages[0].images
    return sorted(
        ((one["x0"], one["top"], one["x1"], one["bottom"]) for one in images), key=lambda box: (round(box[1]), box[0])
    )


def test_pictures_of_any_proportion_are_one_height_and_share_the_width(team, write_pictures):
    with rendered(write_pictures(0.7, 1.0, 1.6), team) as found:
        boxes, column = pictures(found), found.layout.columns[0].area
    heights = [bottom - top for _, top, _, bottom in boxes]
    assert heights == pytest.approx([heights[0]] * 3, rel=0.01)
    assert len({round(top) for _, top, _, _ in boxes}) == 1
    assert all(right < left for (_, _, right, _), (left, *_) in pairwise(boxes))
    assert boxes[0][0] >= column.x - 1
    assert boxes[-1][2] <= column.x + column.width + 1


def test_a_narrow_column_has_fewer_pictures_on_a_line(team, write_pictures):
    with rendered(write_pictures(1.0, 1.0, 1.0, 1.0, yaml="columns: 3"), team) as found:
        boxes = pictures(found)
    assert len(boxes) == 4
    assert len({round(top) for _, top, _, _ in boxes}) > 1


def test_redrawn_figures_in_a_row_are_drawn_for_their_cell_and_at_one_height(team, write_poster, make_run):
    run = make_run()
    folder = write_poster(
        f"# Side by side\n\n::::{{row}}\n:::{{figure}}\nrun: {run}\nname: confusion\n:::\n\n:::{{curves}}\nruns: [{run}]\n:::\n::::\n",
        yaml="columns: 1",
    )
    with rendered(folder, team) as found:
        figures = list(placed(found.composed.document, found.layout))
        drawings = {drawing.file: drawing for drawing in found.composed.drawings}
        column = found.layout.columns[0]
    assert len(figures) == 2
    whole = column.area.width / POINTS_PER_MM
    assert all(0.4 * whole < figure.width_mm < 0.5 * whole for figure in figures)
    heights = [drawings[figure.file].size(figure.width_mm, figure.grow)[1] for figure in figures]
    assert heights[0] == pytest.approx(heights[1])
    assert all(figure.font_pt <= 0.68 * found.layout.size for figure in figures)
