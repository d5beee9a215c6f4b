"""A node of the tree to HTML; the table of kinds is that of `projectkit.poster.markup`, and every kind has a function here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from projectkit.poster.markup.nodes import Node, inline_text
from projectkit.poster.outputs.page.markup import Html, element, join
from projectkit.poster.outputs.page.pictures import Pictures


def _from_left(number: str) -> Html:
    """A number as it is read in every language: on a page from the right, its ends would change places."""
    return element("bdi", number, dir="ltr")


class Nodes:
    """Nodes to HTML.

    Args:
        pictures: gives the data of drawings and pictures.
        section: the section's number, which its footnotes' names begin with.
    """

    def __init__(self, pictures: Pictures, section: int) -> None:
        self._pictures = pictures
        self._section = section

    def blocks(self, nodes: Iterable[Node]) -> Html:
        """Blocks one after the other."""
        return join(*(self.block(node) for node in nodes))

    def block(self, node: Node) -> Html:
        """One block."""
        return _BLOCKS[node["kind"]](self, node)

    def inlines(self, nodes: Iterable[Node]) -> Html:
        """What stands within a line."""
        return join(*(_INLINES[node["kind"]](self, node) for node in nodes))

    # -- text --

    def _heading(self, node: Node) -> Html:
        return element(f"h{node['level'] + 1}", self.inlines(node["children"]))  # the page's title is its h1

    def _paragraph(self, node: Node) -> Html:
        return element("p", self.inlines(node["children"]))

    def _list(self, node: Node) -> Html:
        items = [element("li", self._item(item)) for item in node["items"]]
        if node["start"] is None:
            return element("ul", *items)
        return element("ol", *items, start=None if node["start"] == 1 else str(node["start"]))

    def _item(self, blocks: Sequence[Node]) -> Html:
        """A paragraph that stands alone is the item itself."""
        if len(blocks) == 1 and blocks[0]["kind"] == "paragraph":
            return self.inlines(blocks[0]["children"])
        return self.blocks(blocks)

    def _quote(self, node: Node) -> Html:
        by = [element("p", "— ", self.inlines(node["by"]), class_="source")] if node["by"] else []
        return element("blockquote", self.blocks(node["children"]), *by)

    def _callout(self, node: Node) -> Html:
        title = [element("p", self.inlines(node["title"]), class_="callout-title")] if node["title"] else []
        return element("aside", *title, self.blocks(node["children"]), class_=f"callout {node['tone']}")

    def _code(self, node: Node) -> Html:
        return element("pre", element("code", node["text"]), tabindex="0")

    def _equation(self, node: Node) -> Html:
        return element("div", self._mathml(node, display=True), class_="equation", tabindex="0")

    def _table(self, node: Node) -> Html:
        def row(name: str, cells: Sequence[Sequence[Node]]) -> Html:
            pairs = zip(cells, node["align"], strict=True)
            scope = "col" if name == "th" else None
            return element("tr", *(element(name, self.inlines(cell), class_=side, scope=scope) for cell, side in pairs))

        caption = [element("caption", self.inlines(node["caption"]))] if node.get("caption") else []
        head = element("thead", row("th", node["header"]))
        label = inline_text(node["caption"]) if caption else "Table"
        return _scrolled(label, *caption, head, element("tbody", *(row("td", cells) for cells in node["rows"])))

    def _row(self, node: Node) -> Html:
        return element("div", *(element("div", self.blocks(cell)) for cell in node["cells"]), class_="row")

    def _footnotes(self, node: Node) -> Html:
        items = [
            element(
                "li",
                self._item(item["children"]) if _are_blocks(item["children"]) else self.inlines(item["children"]),
                " ",
                element(
                    "a", "↩", href=f"#ref-{self._name(item)}", aria_label=f"back to the text of note {item['number']}"
                ),
                id=f"note-{self._name(item)}",
                value=str(item["number"]),
            )
            for item in node["items"]
        ]
        return element("ol", *items, class_="notes", aria_label="Notes")

    def _references(self, node: Node) -> Html:
        items = [
            element("li", element("span", entry["label"], class_="label"), " ", self.inlines(entry["children"]))
            for entry in node["entries"]
        ]
        return element("ul", *items, class_="references", aria_label="References")

    # -- from runs --

    def _results(self, node: Node) -> Html:
        def cell(entry: Node) -> Html:
            value = element("strong" if entry["best"] else "span", entry["value"], dir="ltr")
            interval = [element("span", _from_left(entry["interval"]), class_="interval")] if entry["interval"] else []
            return element("td", value, *interval, class_="right")

        head = [
            element("th", name, scope="col", class_="right" if index else None)
            for index, name in enumerate(node["header"])
        ]
        rows = [
            element("tr", element("th", row["label"], scope="row"), *(cell(entry) for entry in row["cells"]))
            for row in node["rows"]
        ]
        caption = [element("p", self.inlines(node["caption"]), class_="caption")] if node.get("caption") else []
        table = _scrolled("Results", element("thead", element("tr", *head)), element("tbody", *rows))
        return join(table, *caption, self._source(node))

    def _numbers(self, node: Node) -> Html:
        items = [
            element(
                "div",
                element("dt", item["label"]),
                element(
                    "dd",
                    element("span", item["value"], class_="value", dir="ltr"),
                    " ",
                    element("span", _from_left(item["interval"]), class_="interval"),
                ),
            )
            for item in node["items"]
        ]
        caption = [element("p", self.inlines(node["caption"]), class_="caption")] if node.get("caption") else []
        return join(element("dl", *items, class_="numbers"), *caption, self._source(node))

    def _figure(self, node: Node) -> Html:
        picture = element(
            "img", src=self._pictures.source(node), alt=node["alt"], class_="drawn" if node["redrawn"] else None
        )
        caption = self.inlines(node["caption"])
        source = self._source(node)
        words = (
            [element("figcaption", *([element("p", caption)] if caption else []), source)] if caption or source else []
        )
        return element("figure", picture, *words)

    def _missing(self, node: Node) -> Html:
        return element("p", element("strong", node["title"]), element("br"), node["text"], class_="missing")

    def _card(self, node: Node) -> Html:
        rows = [join(element("dt", row["label"]), element("dd", self.inlines(row["children"]))) for row in node["rows"]]
        return element("section", element("h4", node["title"]), element("dl", *rows), self._source(node), class_="card")

    def _badge(self, node: Node) -> Html:
        rows = [element("li", element("strong", row["label"]), " ", row["text"]) for row in node["rows"]]
        listed = [element("ul", *rows)] if rows else []
        words = element("p", element("strong", node["verdict"]), " ", node["text"])
        return element("section", words, *listed, self._source(node), class_="card")

    def _count(self, node: Node) -> Html:
        value = element("dd", element("span", node["value"], class_="value", dir="ltr"))
        counted = element("dl", element("div", element("dt", node["label"]), value), class_="numbers")
        when = [element("p", node["text"], class_="caption")] if node["text"] else []
        return join(counted, *when, self._source(node))

    def _qr(self, node: Node) -> Html:
        """On a phone a code is of no use, its address is."""
        words = [self.inlines(node["caption"]), ": "] if node["caption"] else []
        return element("p", *words, element("a", node["url"], href=node["url"]))

    # -- within a line --

    def _marked(self, name: str) -> Callable[[Node], Html]:
        return lambda node: element(name, self.inlines(node["children"]))

    def _link(self, node: Node) -> Html:
        return element("a", self.inlines(node["children"]), href=node["url"])

    def _mathml(self, node: Node, *, display: bool = False) -> Html:
        from projectkit.poster.markup.maths import mathml

        return Html(mathml(node["tree"], display=display, alt=node["source"]))

    def _footnote(self, node: Node) -> Html:
        name, number = self._name(node), str(node["number"])
        return element("sup", element("a", number, href=f"#note-{name}", id=f"ref-{name}", aria_label=f"note {number}"))

    def _name(self, node: Node) -> str:
        return f"{self._section}-{node['number']}"

    def _source(self, node: Node) -> Html:
        source = node.get("source")
        if not source:
            return Html()
        runs = [element("code", run) for run in source["runs"]]
        named = [piece for run in runs for piece in (", ", run)][1:]
        return element("p", source["words"], *named, class_="source")


def _are_blocks(nodes: Sequence[Node]) -> bool:
    return bool(nodes) and nodes[0]["kind"] in _BLOCKS


def _scrolled(label: str, *parts: Html) -> Html:
    """A table that is wider than a phone is scrolled by itself, also by keyboard."""
    return element("div", element("table", *parts), class_="scroll", tabindex="0", role="region", aria_label=label)


_BLOCKS: dict[str, Callable[[Nodes, Node], Html]] = {
    "heading": Nodes._heading,
    "paragraph": Nodes._paragraph,
    "list": Nodes._list,
    "table": Nodes._table,
    "code": Nodes._code,
    "quote": Nodes._quote,
    "callout": Nodes._callout,
    "equation": Nodes._equation,
    "row": Nodes._row,
    "figure": Nodes._figure,
    "footnotes": Nodes._footnotes,
    "references": Nodes._references,
    "results": Nodes._results,
    "numbers": Nodes._numbers,
    "missing": Nodes._missing,
    "card": Nodes._card,
    "badge": Nodes._badge,
    "count": Nodes._count,
    "qr": Nodes._qr,
}
_INLINES: dict[str, Callable[[Nodes, Node], Html]] = {
    "text": lambda _, node: join(node["text"]),
    "strong": lambda nodes, node: nodes._marked("strong")(node),
    "emph": lambda nodes, node: nodes._marked("em")(node),
    "strike": lambda nodes, node: nodes._marked("s")(node),
    "code": lambda _, node: element("code", node["text"]),
    "break": lambda _, __: element("br"),
    "link": Nodes._link,
    "math": Nodes._mathml,
    "footnote": Nodes._footnote,
    "cite": lambda _, node: join(node["text"]),
    "number": lambda _, node: element("data", node["text"], value=node["text"], dir="ltr", title=f"run {node['run']}"),
}
