"""What a print shop needs in a PDF beyond the page: Typst says where the page is cut (TrimBox), this says how far colour goes beyond it."""

from __future__ import annotations

import re

from projectkit.poster.source.sheets import POINTS_PER_MM

BLEED_MM = 3.0  # what print shops ask for
SLUG_MM = 13.0  # around the page: bleed, and crop marks that keep clear of it; `design/print.typ` says the same

_PAGE = re.compile(rb"(\d+) 0 obj\n<<(/Type/Page/.*?)>>\nendobj", re.DOTALL)
_TRIM = re.compile(rb"/TrimBox\[([^\]]*)\]")
_TRAILER = re.compile(rb"trailer\n<<(.*?)>>\nstartxref\n(\d+)\n%%EOF\s*$", re.DOTALL)


def with_bleed_box(pdf: bytes) -> bytes:
    """A PDF of one page with a BleedBox, `BLEED_MM` around its TrimBox, added as an update at its end.

    Raises:
        ValueError: a PDF of another form than Typst writes.

    Source: PDF 32000-1:2008, 7.5.6 (incremental updates) and 14.11.2 (page boundaries).
    """
    page, trailer = _PAGE.search(pdf), _TRAILER.search(pdf)
    trim = _TRIM.search(page[2]) if page else None
    if page is None or trailer is None or trim is None:
        raise ValueError("the PDF has no page with a TrimBox")
    bleed = BLEED_MM * POINTS_PER_MM
    left, bottom, right, top = (float(number) for number in trim[1].split())
    box = " ".join(f"{edge:.5f}" for edge in (left - bleed, bottom - bleed, right + bleed, top + bleed))
    head = pdf + b"\n"
    again = b"%s 0 obj\n<<%s/BleedBox[%s]>>\nendobj\n" % (page[1], page[2], box.encode())
    table = b"xref\n%s 1\n%010d 00000 n \ntrailer\n<<%s/Prev %s>>\n" % (page[1], len(head), trailer[1], trailer[2])
    return head + again + table + b"startxref\n%d\n%%%%EOF\n" % (len(head) + len(again))
