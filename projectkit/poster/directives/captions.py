"""The caption of a directive: a line of Markdown, in which emphasis, code, formulas and numbers of runs have their place."""

from __future__ import annotations

from projectkit.poster.markup.markdown import parse
from projectkit.poster.markup.nodes import Node, walk
from projectkit.poster.source.fields import Fields

_NUMBERED = {
    "cite": "a citation",
    "footnote": "a footnote",
}  # in the order of the text, to which a caption does not belong


def caption(fields: Fields) -> list[Node]:
    """The inlines of `caption`; empty where there is none. What is no line of Markdown, as `1990. A year`, is its words as they stand.

    Raises:
        UserError: something that a caption cannot hold, with file and line.
    """
    text = " ".join(fields.text("caption").split())
    if not text:
        return []
    file, line, _column = fields.where("caption").rsplit(":", 2)
    blocks = parse("\n" * (int(line) - 1) + text, file)
    if len(blocks) != 1 or blocks[0]["kind"] != "paragraph":
        return [{"kind": "text", "text": text}]
    nodes: list[Node] = blocks[0]["children"]
    for node in walk(nodes):
        if node["kind"] in _NUMBERED:
            what = _NUMBERED[node["kind"]]
            raise fields.error("caption", f"{what} in the caption of a directive", "let it stand in the text beside it")
    return nodes
