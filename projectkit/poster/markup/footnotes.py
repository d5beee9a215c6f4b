"""Footnotes: references numbered in the order of reading, their texts in one block at the section's end."""

from __future__ import annotations

from projectkit.errors import UserError, did_you_mean
from projectkit.poster.markup.nodes import Node, mapped, walk


def footnotes(blocks: list[Node], file: str, first: int) -> list[Node]:
    """The blocks of a section with its footnotes in order.

    Args:
        blocks: with nodes `footnote` that have labels, and blocks `footnote definition`.
        file: its name, for errors.
        first: the number of the first.

    Raises:
        UserError: a footnote without its text, a text that nothing refers to, two texts for one label.
    """
    texts: dict[str, Node] = {}
    for node in walk(blocks):
        if node["kind"] == "footnote definition":
            if node["label"] in texts:
                raise UserError(
                    f"the footnote [^{node['label']}] has two texts",
                    where=_place(file, node),
                    remedy="rename one of them",
                )
            texts[node["label"]] = node
    numbers: dict[str, int] = {}
    for node in walk([block for block in blocks if block["kind"] != "footnote definition"]):
        if node["kind"] == "footnote":
            if node["label"] not in texts:
                near = did_you_mean(node["label"], texts) if texts else f"write [^{node['label']}]: and its text below"
                raise UserError(f"the footnote [^{node['label']}] has no text", where=_place(file, node), remedy=near)
            numbers.setdefault(node["label"], first + len(numbers))
    for label, node in texts.items():
        nested = next((one for one in walk(node["children"]) if one["kind"] == "footnote"), None)
        if nested is not None:
            raise UserError("a footnote inside a footnote", where=_place(file, nested), remedy="write it in brackets")
        if label not in numbers:
            raise UserError(
                f"nothing refers to the footnote [^{label}]",
                where=_place(file, node),
                remedy=f"write [^{label}] in the text",
            )
    if not numbers:
        return blocks

    def numbered(node: Node) -> Node:
        if node["kind"] != "footnote":
            return node
        return {"kind": "footnote", "number": numbers[node["label"]], "line": node["line"]}

    items = [{"number": number, "children": texts[label]["children"]} for label, number in numbers.items()]
    kept = [block for block in blocks if block["kind"] != "footnote definition"]
    line = texts[next(iter(numbers))]["line"]
    return [*mapped(kept, numbered), {"kind": "footnotes", "items": items, "line": line}]


def _place(file: str, node: Node) -> str:
    return f"{file}:{node['line']}"
