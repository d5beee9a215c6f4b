"""A `.bib` file: its entries in the short form that a poster has room for: who, when, what, where."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from projectkit.errors import UserError
from projectkit.poster.addresses import WEB

if TYPE_CHECKING:
    from bibtexparser.model import Entry

_VENUES = ("booktitle", "journal", "journaltitle", "school", "institution", "publisher", "howpublished", "organization")
_KEPT = "\u2063"  # stands for white space in braces
_FEW = 2  # authors that are all named


@dataclass(frozen=True)
class Reference:
    """An entry in short.

    Args:
        authors: family names: one, two, or the first "et al."; empty where there are none.
        year: as it is written.
        title: without braces.
        venue: journal, proceedings, publisher or archive.
        url: https address, or that of the DOI; may be empty.
    """

    authors: str
    year: str
    title: str
    venue: str
    url: str


def read_bibliography(text: str, file: str) -> Mapping[str, Reference]:
    """Key -> entry.

    Args:
        text: BibTeX or BibLaTeX.
        file: its name, for errors.

    Raises:
        UserError: an entry that cannot be read, or without a title; a key that is there twice; with file and line.
    """
    from bibtexparser.entrypoint import parse_string
    from bibtexparser.middlewares import LatexDecodingMiddleware
    from bibtexparser.model import DuplicateBlockKeyBlock, DuplicateFieldKeyBlock

    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # what it would warn of is an error below
    logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)
    text = re.sub(r"(?<!\\)&", r"\\&", text)  # in a title it is meant as a sign, whatever LaTeX makes of it
    decoding = LatexDecodingMiddleware(keep_math_mode=False, keep_braced_groups=True)  # braces: a name of one piece
    library = parse_string(text, append_middleware=[decoding])
    for block in library.failed_blocks:
        where = f"{file}:{(block.start_line or 0) + 1}"
        if isinstance(block, DuplicateBlockKeyBlock):
            raise UserError(
                f"the key {block.key!r} is there twice", where=where, remedy="rename or remove one of the two"
            )
        if isinstance(block, DuplicateFieldKeyBlock):
            keys = ", ".join(sorted(block.duplicate_keys))
            raise UserError(f"an entry with two fields {keys}", where=where, remedy="remove one of the two")
        raise UserError(
            "an entry that cannot be read",
            where=where,
            remedy="look for a brace, a comma or a quotation mark that is missing",
        )
    return {entry.key: _reference(entry, file) for entry in library.entries}


def _reference(entry: Entry, file: str) -> Reference:
    written = {name.lower(): str(field.value) for name, field in entry.fields_dict.items()}
    fields = {name: _plain(value) for name, value in written.items()}
    title = fields.get("title", "")
    if not title:
        where = f"{file}:{(entry.start_line or 0) + 1}"
        raise UserError(f"the entry {entry.key!r} has no title", where=where, remedy="write title = {...}")
    year = fields.get("year") or fields.get("date", "")[:4]
    venue = next((fields[name] for name in _VENUES if fields.get(name)), "")
    if not venue and fields.get("eprint"):
        venue = f"arXiv:{fields['eprint']}"
    return Reference(_authors(written.get("author") or written.get("editor", "")), year, title, venue, _url(fields))


def _plain(value: str) -> str:
    return " ".join(value.replace("{", "").replace("}", "").split())


def _authors(written: str) -> str:
    single = " ".join(written.split())
    whole = re.sub(r"\{[^{}]*\}", lambda braces: braces[0].replace(" ", _KEPT), single)  # no "and" in braces divides
    names = [family for family in (_family(name.replace(_KEPT, " ")) for name in whole.split(" and ")) if family]
    others = "others" in names[1:]
    names = [name for name in names if name != "others"]
    if len(names) > _FEW or (others and names):
        return f"{names[0]} et al."
    return " & ".join(names)


def _family(name: str) -> str:
    """The family name of `Family, Given` or of `Given von Family`; all of a `{Name in Braces}`."""
    if name.startswith("{") and name.endswith("}"):
        return _plain(name)
    if "," in name:
        return _plain(name.partition(",")[0])
    words = _plain(name).split()
    if not words:
        return ""
    small = next((index for index, word in enumerate(words[:-1]) if index and word[0].islower()), len(words) - 1)
    return " ".join(words[small:])


def _url(fields: Mapping[str, str]) -> str:
    url = fields.get("url", "")
    doi = re.sub(r"^(https?://(dx\.)?doi\.org/|doi:\s*)", "", fields.get("doi", ""), flags=re.IGNORECASE)
    if url.startswith(WEB) and not re.search(r"\s", url):
        return url
    return f"https://doi.org/{doi}" if doi and not re.search(r"\s", doi) else ""
