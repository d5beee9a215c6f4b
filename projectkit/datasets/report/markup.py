"""HTML of a report, from plain values. Everything that goes in is escaped here and nowhere else, so no content can become markup.

`Html` is text that is markup already: whatever is not of this type is taken for content, made harmless (`preview.harmless`) and
escaped. The page needs no network and no script; it refuses both by its content security policy.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from projectkit.datasets.preview import harmless


class Html(str):
    """Markup."""

    __slots__ = ()


_STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --faint: #616e7c; --paper: #ffffff; --card: #f5f7fa; --line: #cbd2d9; --accent: #0b5a8f;
  --warn: #fff3e0; --warn-line: #d55e00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --faint: #9aa5b1; --paper: #14181d; --card: #1f252c; --line: #3e4c59;
  --accent: #7cc4f2; --warn: #33261a; --warn-line: #e69f00; } .chart { filter: invert(1) hue-rotate(180deg); } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 60rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .25rem; }
p, ul { margin: .5rem 0; }
.faint, figcaption, caption { color: var(--faint); font-size: .9rem; }
.warn { background: var(--warn); border-left: 4px solid var(--warn-line); padding: .6rem .9rem; margin: 1rem 0; }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
a { color: var(--accent); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.2rem; }
dt { color: var(--faint); } dd { margin: 0; }
@media (max-width: 34rem) { dl { display: block; } dd { margin-bottom: .5rem; } }
.scroll { overflow-x: auto; max-height: 34rem; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .95rem; overflow-wrap: normal; }
caption { text-align: left; padding-bottom: .4rem; caption-side: top; }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td bdi { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .88rem; }
figure { margin: 1rem 0; } figure img { display: block; width: 100%; height: auto; border-radius: 4px; }
.picture { background: #fff; }
.frame { overflow-x: auto; }
@media (max-width: 34rem) { .frame img { width: 36rem; max-width: none; } }
"""


def text(value: Any) -> Html:
    """Content as markup: harmless, escaped; `Html` stays as it is."""
    return value if isinstance(value, Html) else Html(html.escape(harmless(str(value)), quote=True))


def sample(value: str) -> Html:
    """Content of a sample, which may be written from right to left and must not turn round what stands beside it."""
    return Html(f"<bdi>{text(value)}</bdi>")


def paragraph(*parts: Any, kind: str = "") -> Html:
    """A paragraph of parts one behind the other; of a kind: `faint` or `warn`."""
    chosen = f' class="{kind}"' if kind else ""
    return Html(f"<p{chosen}>{''.join(map(text, parts))}</p>")


def heading(value: Any) -> Html:
    """A heading inside a section."""
    return Html(f"<h3>{text(value)}</h3>")


def bullets(items: Iterable[Any]) -> Html:
    """A list."""
    return Html("<ul>" + "".join(f"<li>{text(item)}</li>" for item in items) + "</ul>")


def facts(pairs: Mapping[str, Any]) -> Html:
    """Names and values; what is empty is left out."""
    shown = ((name, value) for name, value in pairs.items() if value not in ("", None))
    return Html("<dl>" + "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in shown) + "</dl>")


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Html:
    """A table whose first column names the row; whole numbers get separators, None is a dash.

    A wide or long one scrolls in its own frame, which the keyboard reaches too.
    """
    body = [list(row) for row in rows]
    right = [all(_is_number(row[index]) for row in body) for index in range(len(columns))]
    head = "".join(
        f'<th scope="col"{_class(each)}>{text(name)}</th>' for name, each in zip(columns, right, strict=True)
    )
    lines = []
    for row in body:
        cells = [f'<th scope="row"{_class(right[0])}>{_cell(row[0])}</th>']
        cells += [f"<td{_class(each)}>{_cell(cell)}</td>" for cell, each in zip(row[1:], right[1:], strict=True)]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return Html(
        f'<div class="scroll" tabindex="0" role="region" aria-label="{text(caption)}"><table><caption>{text(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def figure(svg: bytes, alt: str, caption: str, *, picture: bool = False) -> Html:
    """A drawing inside the page; as an image it can run nothing. A `picture` keeps its colours in the dark."""
    data = base64.b64encode(svg).decode("ascii")
    kind = "picture" if picture else "chart"
    return Html(
        '<figure><div class="frame" tabindex="0" role="group" aria-label="Figure">'
        f'<img class="{kind}" alt="{text(alt)}" src="data:image/svg+xml;base64,{data}"></div>'
        f"<figcaption>{text(caption)}</figcaption></figure>"
    )


def document(title: str, introduction: Sequence[Html], sections: Mapping[str, Sequence[Html]], style: str = "") -> str:
    """The whole page: title, what comes first, contents, sections (heading -> parts); `style` is further CSS of the page's own."""
    links = "".join(f'<li><a href="#s{n}">{text(name)}</a></li>' for n, name in enumerate(sections, start=1))
    body = "".join(
        f'<section aria-labelledby="s{n}"><h2 id="s{n}">{text(name)}</h2>{"".join(parts)}</section>\n'
        for n, (name, parts) in enumerate(sections.items(), start=1)
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        '<meta name="format-detection" content="telephone=no, address=no, email=no, date=no">\n'  # no number becomes a link
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{text(title)}</title>\n<style>{_STYLE}{style}</style>\n</head>\n<body>\n"
        f'<header><h1>{text(title)}</h1>{"".join(introduction)}</header>\n<nav aria-label="Contents"><ul>{links}</ul></nav>\n'
        f"<main>\n{body}</main>\n</body>\n</html>\n"
    )


def _is_number(cell: Any) -> bool:
    return cell is None or (isinstance(cell, int | float) and not isinstance(cell, bool))


def _class(number: bool) -> str:
    return ' class="number"' if number else ""


def _cell(cell: Any) -> Html:
    if cell is None:
        return Html("–")
    if isinstance(cell, int):
        return text(f"{cell:,}")
    return text(f"{cell:g}" if isinstance(cell, float) else cell)
