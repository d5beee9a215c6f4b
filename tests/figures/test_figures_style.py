"""The look of all figures."""

from __future__ import annotations

from projectkit.figures import style, svg_bytes
from projectkit.figures.style import new_figure


def test_bold_and_regular_letters_are_drawn_with_glyphs_of_their_own():
    with style():
        figure = new_figure((60, 30))
        figure.text(0.1, 0.6, "l", fontweight="bold")
        figure.text(0.1, 0.2, "l")
        svg = svg_bytes(figure).decode()
    glyphs = {line.split('id="')[1].split('"')[0] for line in svg.splitlines() if '<path id="' in line}
    assert len(glyphs) == 2
