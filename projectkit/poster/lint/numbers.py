"""`numbers`: results that were typed by hand, against the runs that the poster shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from projectkit.findings import Finding
from projectkit.poster.directives.cells import entries
from projectkit.poster.directives.shown import Shown
from projectkit.poster.lint.passages import Passage
from projectkit.poster.lint.proof import Proof, finding
from projectkit.poster.lint.wording import METRICS, SETTINGS, metrics_in
from projectkit.runs import Run

_END = "end"  # of an interval
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_NUMBER = re.compile(
    r"(?<![\w.,/–-])(?P<whole>\d{0,3})(?:[.,](?P<decimals>\d{1,4}))?(?P<percent>\s?%)?(?![\w%]|[.,]\d)"
)
_BEHIND = re.compile(r"\s*(?:interval|confidence|ci\b|fpr|false|[–-]?\s?konfidenz|intervall)", re.IGNORECASE)

_SHARE = re.compile(r"\s*(?:of|der|des|de|du|del|delle|dei|das|dos|von|van|av|af|из|من)\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Typed:
    """A result in a text.

    Args:
        text: as typed.
        value: a percentage as a share.
        half: of its last digit, as it was rounded.
        metrics: parts of the names of the metrics that its sentence speaks of; empty where that may be any.
    """

    text: str
    value: float
    half: float
    metrics: frozenset[str]

    def is_about(self, known: Shown) -> bool:
        """Whether the sentence speaks of that metric."""
        return not self.metrics or any(part in known.what for part in self.metrics)

    def nearest(self, known: Iterable[Shown]) -> Shown | None:
        """The number that comes closest; None where there is none."""
        return min(known, key=lambda one: abs((one.value or 0.0) - self.value), default=None)


def numbers(proof: Proof) -> Iterator[Finding]:
    """Numbers beside the name of a metric that no run on the poster has, or that should be drawn from it."""
    known = [one for one in proof.found.composed.shown if one.value is not None]
    known += [one for run, _ in proof.runs for one in _measured(run)]
    for passage in proof.passages:
        yield from _of(passage, known)
    poster = proof.found.poster
    for key, text in (("title", poster.title), ("subtitle", poster.subtitle), ("finding", poster.finding)):
        if proof.is_written(key):
            yield from _of(Passage(proof.place(key), "heading", 0, text), known)


def results_in(text: str) -> Iterator[Typed]:
    """Numbers that stand in a sentence with a metric's name.

    Settings (a dropout of 0.5), levels (95% intervals) and whole numbers are none.
    """
    for sentence in _SENTENCE.split(text):
        if not METRICS.search(sentence):
            continue
        for match in _NUMBER.finditer(sentence):
            decimals, percent = match["decimals"] or "", bool(match["percent"])
            before, behind = sentence[: match.start()], sentence[match.end() :]
            if SETTINGS.search(before[-40:]) or _BEHIND.match(behind) or not (percent or len(decimals) > 1):
                continue
            share = _SHARE.match(behind)
            if percent and share and not METRICS.match(behind, share.end()):
                continue  # 85% of the messages
            value = float(f"{match['whole'] or 0}.{decimals or 0}") / (100 if percent else 1)
            if 0 < value < 1:
                half = 0.5 * 10 ** -len(decimals) / (100 if percent else 1)
                yield Typed(match[0].strip(), value, half, frozenset(metrics_in(sentence)))


def _of(passage: Passage, known: list[Shown]) -> Iterator[Finding]:
    for typed in results_in(passage.headed or passage.text):
        about = [one for one in known if typed.is_about(one)]
        nearest = typed.nearest(about)
        if nearest is not None and abs((nearest.value or 0.0) - typed.value) <= typed.half * 1.001:
            message = f"{typed.text} is typed by hand; it is {_named(nearest)} today"
            role = "the table or the large numbers" if nearest.text == _END else f"{{value}}`{_role(nearest)}`"
            advice = f"draw it from the run, so that it stays right: {role}"
            evidence = {"value": typed.value, "run": nearest.run, "metric": nearest.what, "subset": nearest.subset}
            yield finding("numbers", "note", passage.where, message, advice, **evidence)
        elif passage.cites:
            yield finding("numbers", "ok", passage.where, f"{typed.text} is taken from what is cited there")
        else:
            point = typed.nearest(one for one in about if one.text != _END)
            closest = f"; closest is {_named(point)}, {point.value:.3f}" if point is not None else ""
            message = f"{typed.text} is typed by hand, and no run on the poster has it{closest}"
            advice = "draw it from its run, {value}`RUN METRIC`, cite where it is from, or mend it"
            yield finding("numbers", "warning", passage.where, message, advice, value=typed.value)


def _named(known: Shown) -> str:
    end = "an end of the interval of " if known.text == _END else ""
    return f"{end}{known.what} of {known.run}{f' on {known.subset}' if known.subset else ''}"


def _role(known: Shown) -> str:
    """What stands in a role `value` that draws this number."""
    return " ".join(part for part in (known.run, known.what, known.subset) if part)


def _measured(run: Run) -> Iterator[Shown]:
    """Everything that was measured of a run, with both ends of its interval: evaluations, best and last values of what was logged."""
    for subset, document in run.evaluations().items():
        for name, entry in entries(document).items():
            yield Shown("", run.id, subset, name, float(entry["value"]))
            ends = (entry.get(end) for end in ("low", "high"))
            yield from (
                Shown("", run.id, subset, name, float(end), _END) for end in ends if isinstance(end, int | float)
            )
    for values in (run.best, run.last):
        logged = ((name, value) for name, value in values.items() if name not in ("step", "epoch"))
        yield from (Shown("", run.id, None, name, float(value)) for name, value in logged)
