"""The sections of a data set's page, one function each: numbers of `examine.py` and `baseline.py` in words, tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from projectkit import figures
from projectkit.datasets import preview
from projectkit.datasets.columns import Table, Texts, Tokens
from projectkit.datasets.report import baseline, examine
from projectkit.datasets.report.looks import samples_section
from projectkit.datasets.report.markup import Html, bullets, facts, figure, heading, paragraph, sample, table, text
from projectkit.datasets.report.subject import Subject

_METRICS = {"accuracy": "accuracy", "f1_macro": "macro F1", "mcc": "MCC", "auroc": "AUROC"}
_YEAR_1980, _YEAR_2100 = 315_532_800, 4_102_444_800  # seconds since 1970: numbers between them are taken for moments


def introduction(subject: Subject) -> list[Html]:
    """What stands above the contents."""
    card = subject.card
    warnings = [paragraph(Html("<strong>Handle with care.</strong> "), card.safety, kind="warn")] if card.safety else []
    return [paragraph(f"{card.name} · {len(subject.samples):,} samples · {card.modality}", kind="faint"), *warnings]


def sections(subject: Subject) -> dict[str, Sequence[Html]]:
    """Heading -> parts, in the order of the page."""
    return {
        "What it is": _what(subject),
        "The splits": _splits(subject),
        "Classes": _classes(subject),
        "The samples": samples_section(subject),
        "Copies and contradictions": _copies(subject),
        "What the subsets share": _overlap(subject),
        "Groups and times": _groups(subject),
        "Missing values": _missing(subject),
        "What a careless split would have scored": _scores(subject),
    }


def _what(subject: Subject) -> list[Html]:
    card = subject.card
    parts = [
        paragraph(card.description),
        facts(
            {
                "licence": card.licence,
                "may be passed on": "yes" if card.redistributable else "no",
                "citation": card.citation,
                "derived from": card.origin,
                "card's digest": card.digest[:16],
            }
        ),
    ]
    if card.traps:
        parts += [heading("Known traps"), bullets(card.traps)]
    return [*parts, heading("Who may be harmed"), paragraph(card.ethics)] if card.ethics else parts


def _splits(subject: Subject) -> list[Html]:
    card, split = subject.card, subject.split
    rows = [
        (name, ", ".join(target for target, value in card.targets.items() if value.split == name) or None, policy.about)
        for name, policy in card.splits.items()
    ]
    sizes = preview.subset_rows(split, len(subject.samples))
    return [
        table("Splits of the card", ("split", "default of target", "what it does"), rows),
        paragraph(
            f"This page looks at target {card.default_target} on split {split.policy}, seed {split.seed}: "
            + ", ".join(f"{name} {count:,}" for name, count in sizes.items())
            + f". Digest {split.digest[:16]}."
        ),
    ]


def _classes(subject: Subject) -> list[Html]:
    counts = preview.class_counts(subject.labels, subject.target.class_names, subject.split)
    largest, of_largest = max(counts.items(), key=lambda each: sum(each[1].values()))
    subsets = list(of_largest)
    rows = [(name, *(each[subset] for subset in subsets)) for name, each in counts.items()]
    asked = "test" if "test" in subsets else "val"
    share = of_largest[asked] / max(1, sum(each[asked] for each in counts.values()))
    said = f"Always saying {largest!r} would be right for {share:.1%} of the {asked} samples."
    if hidden := [subset for subset in subject.split.subsets if subset not in subsets]:
        said += f" The labels of {', '.join(hidden)} are withheld."
    drawn = figures.svg_bytes(figures.class_balance(counts))
    alt = f"Bars of each class's share of {', '.join(subsets)}; the numbers are in the table below."
    return [
        paragraph(said),
        figure(drawn, alt, "Each class's share of each subset."),
        table("Samples of each class", ("class", *subsets), rows),
    ]


def _copies(subject: Subject) -> list[Html]:
    total = len(subject.samples)
    counted = {"equal inputs": examine.count_copies(subject.equal, subject.labels)}
    if subject.card.near_duplicates is not None:
        name = f"nearly equal ({subject.card.near_duplicates.method.replace('_', ' ')})"
        counted[name] = examine.count_copies(subject.near, subject.labels)
    columns = (
        "copies",
        "rows with an earlier copy",
        "share",
        "largest cluster",
        "clusters with several labels",
        "their rows",
    )
    rows = [
        (name, each.rows, f"{each.rows / total:.1%}", each.largest, each.conflicts, each.conflicting_rows)
        for name, each in counted.items()
    ]
    parts = [table("Samples that repeat", columns, rows)]
    last = list(counted.values())[-1]
    if last.conflicts:
        said = "Copies with different labels: no model can be right about all of them, and one that is has met them in training."
        parts.append(paragraph(said))
    if last.example is not None and isinstance(subject.samples.x, Texts | Table | Tokens):
        what = "contradicts itself" if last.conflicts else "repeats"
        parts.append(paragraph(f"What {what} most: ", sample(preview.sample_text(subject.samples, last.example))))
    return parts


def _overlap(subject: Subject) -> list[Html]:
    columns = ("split", "tested on", "met in", "equal inputs", "copies", "groups in both")
    rows = []
    for name, subsets in ((subject.split.policy, subject.split.subsets), ("careless", subject.careless)):
        rows += [
            (name, f"{each.later} ({each.of:,})", each.earlier, each.equal, each.near, each.groups)
            for each in examine.overlaps(subsets, subject.equal, subject.near, subject.samples.group)
        ]
    said = (
        "Rows of one subset whose input stands in another too. A careless split draws rows one by one, 70 / 10 / 20, whatever they share. "
        "Where the makers' own test set is kept whole, a group may stand in several subsets if its rows are no copies."
    )
    return [paragraph(said), table("Overlap between subsets", columns, rows)]


def _groups(subject: Subject) -> list[Html]:
    samples, parts = subject.samples, []
    for name, column in (("groups", samples.group), ("sources", samples.source)):
        if column is not None:
            counts = examine.group_counts(subject.split.subsets, column)
            rows = [(subset, many, largest) for subset, (many, largest) in counts.items()]
            parts.append(table(f"{name.capitalize()} in each subset", ("subset", name, "rows of the largest"), rows))
    if samples.time is not None:
        ranges = examine.time_ranges(subject.split.subsets, samples.time)
        moments = [(name, _moment(first), _moment(last)) for name, (first, last) in ranges.items()]
        parts.append(table("From when to when", ("subset", "first", "last"), moments))
    return parts or [paragraph("The data names no groups, sources or times.")]


def _missing(subject: Subject) -> list[Html]:
    found = examine.missing_values(subject.samples.x)
    found |= {
        f"label of {target} (withheld)": count for target, count in examine.withheld_labels(subject.samples).items()
    }
    if not found:
        return [paragraph("Nothing is missing.")]
    total = len(subject.samples)
    rows = [(name, count, f"{count / total:.1%}") for name, count in found.items()]
    return [table("What is missing", ("what", "rows", "share"), rows)]


def _scores(subject: Subject) -> list[Html]:
    scored = {
        subject.split.policy: baseline.score(subject.samples, subject.labels, subject.split.subsets, subject.target),
        "careless": baseline.score(subject.samples, subject.labels, subject.careless, subject.target),
    }
    known = {name: each for name, each in scored.items() if each is not None}
    metrics = [name for name in _METRICS if any(name in each.intervals for each in known.values())]
    rows = []
    for name, each in known.items():
        cells = [
            f"{i.value:.3f} ({i.low:.3f}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{i.high:.3f})" if i else None
            for i in map(each.intervals.get, metrics)
        ]
        rows.append((name, each.train_rows, each.test_rows, *cells))
    if not known:
        return [paragraph("No plain model can be fitted: train has one class, or the test labels are withheld.")]
    columns = ("split", "fitted on", "tested on", *(_METRICS[name] for name in metrics))
    kind = "principal components of the normal rows" if subject.target.kind == "anomaly" else "a linear model"
    said = f"The same plain model ({kind}, on {_FEATURES[subject.card.modality]}), with 95% intervals over the test samples. "
    if len(known) == len(scored):
        said += "Where the second row is higher, the difference is what the model owes to leakage, or to a test that asks for less."
    else:
        said += "The other split has no row: its training subset has one class, or the labels of its test are withheld."
    parts = [paragraph(said), table("A plain model's score", columns, rows)]
    if any(each.cut for each in known.values()):
        most = f"Fitted on at most {baseline.MOST_TRAIN:,} training rows and tested on at most {baseline.MOST_TEST:,}, drawn at random."
        parts.append(paragraph(most + " All of them would score somewhat more.", kind="faint"))
    return parts


_FEATURES = {
    "text": "hashed character 1- to 4-grams",
    "tokens": "counts of tokens and their pairs",
    "tabular": "one-hot categories and standardised numbers",
    "image": "principal components of the pixels",
    "series": "standardised values",
}


def _moment(value: Any) -> Html:
    """A time that looks like seconds since 1970 as a date, anything else as a number."""
    if _YEAR_1980 < float(value) < _YEAR_2100:
        return text(f"{datetime.fromtimestamp(float(value), UTC):%Y-%m-%d %H:%M}")
    return text(f"{float(value):g}")
