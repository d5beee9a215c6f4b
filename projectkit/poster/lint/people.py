"""`people`: title and authors that were never filled in."""

from __future__ import annotations

from collections.abc import Iterator

from projectkit.findings import Finding
from projectkit.poster.lint.proof import Proof, finding
from projectkit.poster.lint.wording import STARTER_NAMES, STARTER_TITLE


def people(proof: Proof) -> Iterator[Finding]:
    """A title or an author that is a placeholder, or stands there twice."""
    poster = proof.found.poster
    if poster.title.casefold() == STARTER_TITLE.casefold():
        yield finding(
            "people", "warning", proof.place("title"), f"the title is still '{poster.title}'", "say what you found"
        )
    names = [" ".join(author.name.split()).casefold() for author in poster.authors]
    for author, name in zip(poster.authors, names, strict=True):
        if name in STARTER_NAMES:
            yield finding(
                "people", "warning", proof.place("authors"), f"an author is '{author.name}'", "write your names"
            )
        elif "@" in name:
            message = f"the author {author.name!r} is a mail address"
            yield finding(
                "people", "warning", proof.place("authors"), message, "write the name; an address goes to links"
            )
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield finding(
            "people", "warning", proof.place("authors"), f"'{name}' stands among the authors twice", "take one out"
        )
