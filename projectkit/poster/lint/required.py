"""`sections`: what the course's rubric asks for."""

from __future__ import annotations

from collections.abc import Iterator

from projectkit.findings import Finding, Status
from projectkit.poster.lint.proof import Proof, finding
from projectkit.poster.lint.wording import TOPICS, words_of


def required_sections(proof: Proof) -> Iterator[Finding]:
    """Topics without a section. A section is about what its file is called, such as `30-method.md`."""
    poster = proof.found.poster
    there = {word for section in poster.sections for word in words_of(section.topic)}
    status: Status = "error" if poster.theme.folder else "warning"  # asked for by the course; by us
    for topic in poster.theme.required:
        known = {*words_of(topic), *TOPICS.get(topic.casefold(), "").split()}
        if not known & there:
            asks = f"the theme {poster.theme.name} asks for" if poster.theme.folder else "a poster has"
            message = f"{asks} a section about '{topic}', and there is none"
            folder = poster.file.rpartition("/")[0]
            advice = f"write {f'{folder}/' if folder else ''}sections/NN-{topic}.md, or call its file so"
            yield finding("sections", status, poster.file, message, advice, topic=topic)
