"""Citations: numbered in the order of reading, and the list of what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from projectkit.errors import UserError, did_you_mean
from projectkit.poster.markup.bibliography import Reference
from projectkit.poster.markup.nodes import Node, mapped, walk

Blocks = list[Node]


def cited(sections: Sequence[tuple[str, Blocks]], references: Callable[[], Mapping[str, Reference]]) -> list[Blocks]:
    """The blocks of all sections with their citations numbered, and with the list of references.

    The list stands where `:::{references}` does, else it is the last block of the last section. Entries that nothing cites are left out.

    Args:
        sections: file and blocks of each.
        references: gives the entries; called only where something is cited.

    Raises:
        UserError: a key that has no entry, a list without citations, two lists; with file and line.
    """
    cites = [(file, node) for file, blocks in sections for node in walk(blocks) if node["kind"] == "cite"]
    places = [(file, block) for file, blocks in sections for block in blocks if block["kind"] == "references"]
    if len(places) > 1:
        file, block = places[1]
        raise UserError("a second list of references", where=f"{file}:{block['line']}", remedy="take it out")
    if not cites:
        for file, block in places:
            remedy = "write [@key] in the text, or take the list out"
            raise UserError(
                "a list of references, and nothing is cited", where=f"{file}:{block['line']}", remedy=remedy
            )
        return [blocks for _, blocks in sections]
    known = references()
    numbers: dict[str, int] = {}
    for file, node in cites:
        for key in node["keys"]:
            if key not in known:
                raise UserError(
                    f"nothing in the bibliography has the key {key!r}",
                    where=f"{file}:{node['line']}",
                    remedy=did_you_mean(key, known)
                    if known
                    else "write its entry into references.bib in the poster's folder",
                )
            numbers.setdefault(key, len(numbers) + 1)
    entries = [{"key": key, "label": f"[{number}]", "children": _entry(known[key])} for key, number in numbers.items()]

    def numbered(node: Node) -> Node:
        if node["kind"] == "cite":
            return {
                **node,
                "text": f"[{', '.join(str(number) for number in sorted(numbers[key] for key in node['keys']))}]",
            }
        return {**node, "entries": entries} if node["kind"] == "references" else node

    found: list[Blocks] = [mapped(blocks, numbered) for _, blocks in sections]
    if not places:
        line = found[-1][-1]["line"]
        found[-1] = [*found[-1], {"kind": "references", "entries": entries, "line": line}]
    return found


def _entry(reference: Reference) -> list[Node]:
    who = " ".join(part for part in (reference.authors, f"({reference.year})" if reference.year else "") if part)
    title = [_text(reference.title)]
    if reference.url:
        title = [{"kind": "link", "url": reference.url, "children": title}]
    end = "" if reference.title.endswith(("?", "!", ".")) else "."
    venue = [_text(" "), {"kind": "emph", "children": [_text(reference.venue)]}, _text(".")] if reference.venue else []
    return [*([_text(f"{who}. ")] if who else []), *title, *([_text(end)] if end else []), *venue]


def _text(words: str) -> Node:
    return {"kind": "text", "text": words}
