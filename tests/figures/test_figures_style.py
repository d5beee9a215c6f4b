"""The look of all figures."""

from __future__ import annotations

from projectkit.figures import confusion_matrix, style, svg_bytes
from projectkit.figures.style import new_figure


def test_bold_and_regular_letters_are_drawn_with_glyphs_of_their_own():
    with style():
        figure = new_figure((60, 30))
        figure.text(0.1, 0.6, "l", fontweight="bold")
        figure.text(0.1, 0.2, "l")
        svg = svg_bytes(figure).decode()
    glyphs = {line.split('id="')[1].split('"')[0] for line in svg.splitlines() if '<path id="' in line}
    assert len(glyphs) == 2


def test_a_finished_figure_is_drawn_once_when_it_is_saved(monkeypatch):
    from matplotlib.figure import Figure

    drawn = []
    draw = Figure.draw
    monkeypatch.setattr(Figure, "draw", lambda figure, renderer: (drawn.append(figure), draw(figure, renderer)))
    svg_bytes(confusion_matrix([[9, 1], [2, 8]], ["ham", "spam"]))
    assert len(drawn) == 1
