"""Two pages to print: the plan of the session, and a sheet of QR codes to hang beside the posters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from projectkit.poster.directives.qr import qr_code
from projectkit.poster.gallery.frame import document, pages, people, words
from projectkit.poster.gallery.numbers import Hung
from projectkit.poster.outputs.page.markup import Html, element

_QUIET = 4  # modules of white around a code, as ISO/IEC 18004 asks


def plan_page(title: str, posters: Sequence[Hung]) -> bytes:
    """All posters by their number, and all authors with the numbers of theirs."""
    heads = [element("th", name, scope="col") for name in ("No.", "Poster", "Authors", "Team")]
    rows = [
        element(
            "tr",
            element("th", poster.number, scope="row"),
            element("td", words("a", poster.entry, poster.entry.title, href=f"teams/{poster.slug}/index.html")),
            element("td", people(poster.entry)),
            element("td", poster.entry.team),
        )
        for poster in posters
    ]
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *rows), class_="plan")
    numbers: defaultdict[str, list[str]] = defaultdict(list)
    for poster in posters:
        for author in poster.entry.authors:
            if poster.number not in numbers[author.name]:
                numbers[author.name].append(poster.number)
    names = sorted(numbers, key=lambda name: (name.split()[-1].casefold() if name.split() else "", name.casefold()))
    items = [element("li", name, " ", element("b", ", ".join(numbers[name]))) for name in names]
    index = [element("h2", "Authors"), element("ul", *items, class_="index")] if items else []
    return document(
        f"Session plan · {title}",
        element("header", element("div", element("h1", title), pages("plan.html"), class_="top")),
        element(
            "main",
            element("h2", "Session plan"),
            element("div", table, class_="scroll", tabindex="0", role="region", aria_label="Session plan"),
            *index,
        ),
        kind="print",
    )


def codes_page(title: str, posters: Sequence[Hung]) -> bytes:
    """A QR code a poster, which leads to its page or repository; posters without an address are named."""
    cards = [_code(poster) for poster in posters if poster.entry.address]
    without = [poster for poster in posters if not poster.entry.address]
    parts = [element("ul", *cards, class_="codes")] if cards else []
    if without:
        items = [
            element("li", element("b", poster.number), " ", words("span", poster.entry, poster.entry.title))
            for poster in without
        ]
        missing = "no address: page or repository is missing in poster.yaml"
        parts += [element("h2", "Without a code"), element("p", f"These name {missing}."), element("ul", *items)]
    return document(
        f"QR codes · {title}",
        element("header", element("div", element("h1", title), pages("codes.html"), class_="top")),
        element("main", element("h2", "QR codes"), *parts),
        kind="print",
    )


def _code(poster: Hung) -> Html:
    entry = poster.entry
    label = f"QR code: {entry.address}"
    return element(
        "li",
        element("span", _drawn(entry.address), class_="code", role="img", aria_label=label),
        element(
            "p", element("span", poster.number, class_="number"), words("span", entry, entry.title, class_="title")
        ),
        element("p", element("a", entry.address, href=entry.address), class_="address"),
    )


def _drawn(address: str) -> Html:
    """A QR code, a path along the dark modules of each line."""
    rows = qr_code(address)["modules"]
    dark = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, module in enumerate(row) if module == "1")
    path = element("path", d=dark, fill="#000")
    side = len(rows) + 2 * _QUIET
    view = f"{-_QUIET} {-_QUIET} {side} {side}"
    return element("svg", path, viewBox=view, shape_rendering="crispEdges", aria_hidden="true")
