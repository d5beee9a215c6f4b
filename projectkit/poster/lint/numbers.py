"""`numbers`: results that were typed by hand, against the runs that the poster shows."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from projectkit.findings import Finding
from projectkit.poster.directives.shown import Shown
from projectkit.poster.lint.passages import Passage
from projectkit.poster.lint.proof import Proof, finding
from projectkit.poster.lint.wording import METRICS, SETTINGS
from projectkit.runs import Run

_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_NUMBER = re.compile(
    r"(?<![\w.,/–-])(?P<whole>\d{0,3})(?:[.,](?P<decimals>\d{1,4}))?(?P<percent>\s?%)?(?![\w%]|[.,]\d)"
)
_BEHIND = re.compile(
    r"\s*(?:interval|confidence|ci\b|fpr|false|of (?!the time)|[–-]?\s?konfidenz|intervall)", re.IGNORECASE
)


def numbers(proof: Proof) -> Iterator[Finding]:
    """Numbers beside the name of a metric that no run on the poster has, or that should be drawn from it."""
    known = [(one.value, one.run, _named(one)) for one in proof.found.composed.shown if one.value is not None]
    known += [entry for run, _ in proof.runs for entry in _values(run)]
    for passage in proof.passages:
        if passage.kind in ("heading", "paragraph", "table", "figure"):
            yield from _of(passage, known)
    poster = proof.found.poster
    for key, text in (("title", poster.title), ("subtitle", poster.subtitle), ("finding", poster.finding)):
        if proof.is_written(key):
            yield from _of(Passage(proof.place(key), "heading", 0, text), known)


def results_in(text: str) -> Iterator[tuple[str, float, float]]:
    """Numbers that stand in a sentence with a metric's name: as typed, the value, and half of its last digit.

    Percentages are shares. Settings (a dropout of 0.5), levels (95% intervals) and whole numbers are none.
    """
    for sentence in _SENTENCE.split(text):
        if not METRICS.search(sentence):
            continue
        for match in _NUMBER.finditer(sentence):
            decimals, percent = match["decimals"] or "", bool(match["percent"])
            before, behind = sentence[: match.start()], sentence[match.end() :]
            if SETTINGS.search(before) or _BEHIND.match(behind) or not (percent or len(decimals) > 1):
                continue
            value = float(f"{match['whole'] or 0}.{decimals or 0}") / (100 if percent else 1)
            if 0 < value < 1:
                yield match[0].strip(), value, 0.5 * 10 ** -len(decimals) / (100 if percent else 1)


def _of(passage: Passage, known: list[tuple[float, str, str]]) -> Iterator[Finding]:
    for typed, value, half in results_in(passage.text):
        same = [(run, name) for number, run, name in known if abs(number - value) <= half * 1.001]
        if same:
            run, name = same[0]
            message = f"{typed} is typed by hand; it is {name} of {run} today"
            advice = "draw it from the run, so that it stays right: {value}`" + f"{run} {name.replace(' on ', ' ')}`"
            yield finding("numbers", "note", passage.where, message, advice, value=value, run=run, metric=name)
        elif passage.cites:
            yield finding("numbers", "ok", passage.where, f"{typed} is taken from what is cited there", value=value)
        else:
            message = f"{typed} is typed by hand, and no run on the poster has it"
            advice = "draw it from its run (`projectkit runs list` names them), cite where it is from, or mend it"
            yield finding("numbers", "warning", passage.where, message, advice, value=value)


def _named(shown: Shown) -> str:
    return f"{shown.what} on {shown.subset}" if shown.subset else shown.what


def _values(run: Run) -> Iterator[tuple[float, str, str]]:
    """`(value, run, name)` of everything that was measured: best and last metrics, evaluations with intervals, classes."""
    for metrics in (run.best, run.last):
        yield from ((float(value), run.id, name) for name, value in metrics.items() if name not in ("step", "epoch"))
    for subset, document in run.evaluations().items():
        for name, entry in dict(document.get("metrics") or {}).items():
            yield from ((value, run.id, f"{name} on {subset}") for value in _numbers_in(entry))
        for row in document.get("per_class") or ():
            name = f"{row.get('name')} on {subset}"
            yield from (
                (value, run.id, name) for value in _numbers_in({key: row[key] for key in row if key != "support"})
            )


def _numbers_in(value: Any) -> Iterator[float]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _numbers_in(one)
    elif isinstance(value, float) and math.isfinite(value):
        yield value
