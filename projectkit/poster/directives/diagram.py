"""`diagram`: the network of a run, its layers as boxes, from what the training left of it."""

from __future__ import annotations

from projectkit.errors import UserError
from projectkit.poster.directives.drawings import Drawn, Shape, drawing, refused
from projectkit.poster.directives.found import named_run
from projectkit.poster.markup.nodes import Node
from projectkit.poster.source.fields import Fields
from projectkit.project import Project

_EMS = 26.0  # of its type side by side in a column, as figures have it
_LEAST, _MOST = 0.45, 1.5  # heights in widths of a column between which a diagram keeps


def diagram(fields: Fields, project: Project, drawn: Drawn) -> Node:
    """The node of a `diagram` directive.

    Raises:
        UserError: the run does not say what its network is made of; the message says what to do.
    """
    run = named_run(fields, project)
    try:
        model = run.model()
    except UserError as error:
        raise UserError(error.what, where=fields.where("run"), remedy=error.remedy) from error

    def svg(size_mm: tuple[float, float], font_pt: float) -> bytes:
        from projectkit.figures import diagram as draw
        from projectkit.figures import svg_bytes

        return svg_bytes(draw(model, size_mm=size_mm, font_pt=font_pt))

    from projectkit.figures import diagram_height

    damaged = fields.error(
        "run", f"what {run.id} says of its network is damaged", "train it once more with `projectkit train`"
    )
    try:
        whole = min(_MOST, max(_LEAST, diagram_height(model, _EMS)))
        alt = f"The layers of {model['type']}, a network with {model['parameters']:,} parameters, from its input to its output"
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise damaged from error
    shape = Shape(max(_LEAST, 0.75 * whole), whole, ratio=10.0)  # a little lower, equal layers are joined
    return drawing(refused(svg, damaged), shape, fields, drawn, what=["model"], runs=[run], alt=alt)
