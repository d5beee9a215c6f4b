"""Words that could be wider than a narrow column: the template measures them, and does not set them in it at that size."""

from __future__ import annotations

from collections.abc import Iterator

from projectkit.poster.markup.nodes import Node, inline_text
from projectkit.poster.markup.words import widest_word

_HEADINGS = {1: 1.4, 2: 1.37, 3: 1.0}  # sizes of page.typ, in sizes of the text
_SHORT = 8  # letters that have room in every column


def widest(blocks: list[Node], *, less: float = 0.0, scale: float = 1.0) -> Iterator[Node]:
    """The widest word of each block, where it is long: `word`, `scale` of its size, and by how much `less` than a column it has.

    Args:
        blocks: prepared, of one atom or of a block.
        less: width that indents take, in sizes of the text.
        scale: of the text around.
    """
    for block in blocks:
        kind = block["kind"]
        if kind in ("heading", "paragraph"):
            word = widest_word(block["children"])
            if len(inline_text([word])) > _SHORT:
                yield {
                    "word": word,
                    "scale": scale * _HEADINGS[block["level"]] if kind == "heading" else scale,
                    "less": less,
                }
        elif kind == "list":
            for item in block["items"]:
                yield from widest(item, less=less + 1.6, scale=scale)
        elif kind in ("quote", "callout"):
            large = kind == "callout" and block["tone"] == "important"
            yield from widest(block["children"], less=less + 2.0, scale=1.1 * scale if large else scale)
