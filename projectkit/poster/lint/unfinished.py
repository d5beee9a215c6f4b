"""`unfinished`: what is still the starter's, and what waits for a run."""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from projectkit.findings import Finding
from projectkit.poster.lint.passages import nodes, passages
from projectkit.poster.lint.proof import Proof, finding
from projectkit.poster.lint.wording import LEFTOVERS, words_of
from projectkit.poster.markup.markdown import parse
from projectkit.poster.source.fields import read_fields
from projectkit.poster.source.values import Section

_STARTER = Path(__file__).parents[1] / "starter"


def unfinished(proof: Proof) -> Iterator[Finding]:
    """Sentences of the starter and places that wait for a run, which a fresh poster has by right; notes such as TODO."""
    poster, ours = proof.found.poster, _starter()
    for key, text in (("subtitle", poster.subtitle), ("finding", poster.finding), ("abstract", poster.abstract)):
        if _key(text) in ours and proof.is_written(key):
            yield finding("unfinished", "warning", proof.place(key), f"{key} is still the starter's", "write your own")
    left: defaultdict[str, list[str]] = defaultdict(list)
    for passage in proof.passages:
        file = passage.where.rpartition(":")[0]
        if passage.kind != "heading" and _key(passage.text) in ours:
            left[file].append(passage.where)
        if note := LEFTOVERS.search(passage.text):
            message = f"'{note[0]}' was left in the text"
            yield finding("unfinished", "error", passage.where, message, "write what belongs there, or take it out")
    for places in left.values():
        what = "a text is" if len(places) == 1 else f"{len(places)} texts are"
        lines = ", ".join(place.rpartition(":")[2] for place in places)
        message = f"{what} still the starter's (line{'s' if len(places) > 1 else ''} {lines})"
        advice = f"write your own in {'its' if len(places) == 1 else 'their'} place"
        yield finding("unfinished", "warning", places[0], message, advice, places=places)
    for where, title in missing_places(proof).items():
        advice = "type `projectkit train`, then `projectkit evaluate latest`"
        yield finding("unfinished", "warning", where, f"an empty place is printed: {title}", advice)


def missing_places(proof: Proof) -> dict[str, str]:
    """Where a directive has no run yet -> what its placeholder says."""
    found = {}
    for section in proof.found.composed.sections:
        for where, node in nodes(section):
            if node["kind"] == "missing":
                found[where] = str(node["title"])
            elif node["kind"] == "number" and not node["run"]:
                found.setdefault(where, "No run yet: a number")
    return found


@functools.cache
def _starter() -> frozenset[str]:
    """What the starter's files say, text by text, captions of directives among them."""
    texts = []
    for file in sorted((_STARTER / "sections").glob("*.md")):
        blocks = parse(file.read_text(encoding="utf-8"), file.name)
        texts += [
            passage.text for passage in passages([Section(file.name, tuple(blocks))]) if passage.kind != "heading"
        ]
        texts += [
            read_fields(block["body"], file.name).text("caption") for block in blocks if block["kind"] == "directive"
        ]
    for line in (_STARTER / "poster.yaml").read_text(encoding="utf-8").splitlines():
        _, quote, text = line.partition(': "')
        if quote and text.endswith('"'):
            texts.append(json.loads(f'"{text}'))
    return frozenset(_key(text) for text in texts) - {""}


def _key(text: str) -> str:
    return " ".join(words_of(text))
