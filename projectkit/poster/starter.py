"""The poster that a new project starts with: `init_poster` writes it, and never overwrites.

Standard library only and no import of our own, so that a generation hook can load this file by its path. The contract:

    init_poster(root, *, title="Title of your project", authors=(), course="", team="", language="en") -> list[Path]

writes `<root>/poster/poster.yaml` and `<root>/poster/sections/*.md` where they are absent, UTF-8, and returns the files it
wrote (none, where all are there). `authors` are names without mail addresses; any text is fine, it is quoted here as YAML
1.2. The poster builds at once, before the first run. The texts lie in `starter/` beside this file and nowhere else: the
template's generation (or `projectkit poster init`) calls this function, the template itself carries no copy.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

_TEXTS = Path(__file__).with_name("starter")


def init_poster(
    root: Path,
    *,
    title: str = "Title of your project",
    authors: Sequence[str] = (),
    course: str = "",
    team: str = "",
    language: str = "en",
) -> list[Path]:
    """Write the starting poster of the project at `root`, leaving every file that exists as it is.

    Args:
        root: the project's folder; the poster goes to `<root>/poster/`.
        title: the poster's title.
        authors: the names of the team's members; placeholders where empty.
        course: the course, shown below the authors; may be empty.
        team: the team's name, shown in the footer; may be empty.
        language: of the text, as a two-letter code; hyphenation and the PDF's language.

    Returns:
        The files that were written, in name order.
    """
    answers: dict[str, object] = {
        "title": title,
        "authors": list(authors) or ["First Author", "Second Author"],
        "course": course,
        "team": team,
        "language": language,
    }
    texts = {"poster.yaml": _fill((_TEXTS / "poster.yaml").read_text(encoding="utf-8"), answers)}
    for section in sorted((_TEXTS / "sections").glob("*.md")):
        texts[f"sections/{section.name}"] = section.read_text(encoding="utf-8")
    written = []
    for name, text in texts.items():
        path = root / "poster" / name
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        written.append(path)
    return written


def _fill(text: str, answers: dict[str, object]) -> str:
    """Put each answer, quoted, in the place of `<name>`: JSON is YAML 1.2, so no title can break the file.

    One pass over the file's own lines, so that an answer which looks like another placeholder stays text.
    """
    lines = []
    for line in text.splitlines():
        key, separator, rest = line.partition("<")
        name, end, tail = rest.partition(">")
        filled = separator and end and name in answers
        lines.append(f"{key}{_quoted(answers[name])}{tail}" if filled else line)
    return "\n".join(lines) + "\n"


def _quoted(value: object) -> str:
    """A value as JSON, with what YAML would not take as it is (control characters, odd line breaks) escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(character if character.isprintable() else f"\\U{ord(character):08x}" for character in text)
