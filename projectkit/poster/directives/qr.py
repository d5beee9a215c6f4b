"""`qr`, a code that a phone reads: the page of the poster, or any other address."""

from __future__ import annotations

from collections.abc import Sequence

from projectkit.poster.addresses import WEB
from projectkit.poster.directives.captions import caption
from projectkit.poster.directives.drawings import Drawn
from projectkit.poster.markup.nodes import Node
from projectkit.poster.markup.words import breakable
from projectkit.poster.source.fields import Fields
from projectkit.project import Project

_LONGEST = 300  # characters: beyond, the modules get too small for a phone at arm's length
_CORRECTION = "m"  # at least: 15% of the code may be covered or blurred; segno takes more where it costs no larger code


def qr(fields: Fields, project: Project, drawn: Drawn) -> Node:
    """The node of a QR code.

    Args:
        fields: `url`, by default the poster's page, else its repository; `caption`; `alt`.
        project: not read.
        drawn: knows the poster's address.

    Returns:
        `qr`: see `qr_code`.

    Raises:
        UserError: no address, or one that no phone opens.
    """
    url = fields.text("url") or drawn.address
    if not url:
        raise fields.error("url", "the QR code has no address", "write url: https://..., or page: in poster.yaml")
    if not url.startswith(WEB):
        raise fields.error("url", f"{url!r} is no address that a phone opens", "let it start with https://")
    if len(url) > _LONGEST:
        remedy = f"give an address of at most {_LONGEST} characters"
        raise fields.error("url", f"an address of {len(url)} characters makes a code too fine to be read", remedy)
    return qr_code(url, caption=caption(fields), alt=fields.text("alt"))


def qr_code(url: str, *, caption: Sequence[Node] = (), alt: str = "") -> Node:
    """A QR code as data.

    Args:
        url: what it says, as it stands.
        caption: inlines, beside it.
        alt: what can be seen; by default where it leads.

    Returns:
        `qr`: `url`; `modules`, a string of 0 and 1 for each row, 1 dark, without the quiet zone of four light modules that it must
        have on every side; `caption`: inlines; `alt`; `shown`: the address as people write it.

    Source: ISO/IEC 18004, error correction level M or higher.
    """
    import segno

    code = segno.make(url, error=_CORRECTION, micro=False)
    modules = ["".join("1" if module else "0" for module in row) for row in code.matrix]
    shown = breakable(url.partition("://")[2].rstrip("/"))
    return {
        "kind": "qr",
        "url": url,
        "modules": modules,
        "caption": list(caption),
        "alt": alt or f"QR code: {url}",
        "shown": shown,
    }
