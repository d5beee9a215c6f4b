"""The sections of a data set's page, one function each: numbers of `examine.py` and `baseline.py` in words, tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from projectkit import figures
from projectkit.datasets import policies, preview
from projectkit.datasets.card import Card, Target
from projectkit.datasets.columns import IndexArray, Table, Texts, Tokens
from projectkit.datasets.duplicates import copies
from projectkit.datasets.report import baseline, examine
from projectkit.datasets.report.markup import Html, bullets, facts, figure, heading, paragraph, sample, table, text
from projectkit.datasets.samples import Samples
from projectkit.datasets.split import Split, make_split

_MOST_LINES = 7  # classes with a line of their own in a histogram: as many as there are colours
_MOST_PANELS = 6
_IMAGES = 10  # of a class
_MOST_CLASSES = 50  # with a row of images
_SERIES = 4
_PERCENTILES = (0, 25, 50, 75, 95, 100)
_METRICS = {"accuracy": "accuracy", "f1_macro": "macro F1", "mcc": "MCC", "auroc": "AUROC"}
_YEAR_1980, _YEAR_2100 = 315_532_800, 4_102_444_800  # seconds since 1970: numbers between them are taken for moments


@dataclass(frozen=True, eq=False)
class Subject:
    """What the page is about: a set, its default target, the split that does not leak and a careless one."""

    card: Card
    samples: Samples
    target: Target
    labels: IndexArray
    split: Split
    careless: dict[str, IndexArray]
    equal: IndexArray  # (n,) the first row with the same input
    near: IndexArray  # (n,) the first row of what the card counts as copies

    @classmethod
    def of(cls, card: Card, samples: Samples) -> Subject:
        """The default target on its default split with seed 0."""
        target = card.targets[card.default_target]
        equal = copies(samples.x)
        return cls(
            card=card,
            samples=samples,
            target=target,
            labels=samples.y[card.default_target],
            split=make_split(card, samples, card.default_target, target.split, seed=0),
            careless=policies.careless(samples.id),
            equal=equal,
            near=copies(samples.x, card.near_duplicates) if samples.copies is None else samples.copies,
        )


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
        "The samples": _samples(subject),
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
    subsets = list(subject.split.subsets)
    rows = [(name, *(each[subset] for subset in subsets)) for name, each in counts.items()]
    largest = max(counts, key=lambda name: sum(counts[name].values()))
    share = counts[largest]["test"] / max(1, sum(each["test"] for each in counts.values()))
    said = f"Always saying {largest!r} would be right for {share:.1%} of the test samples."
    drawn = figures.svg_bytes(figures.class_balance(counts))
    alt = f"Bars of each class's share of {', '.join(subsets)}; the numbers are in the table below."
    return [
        paragraph(said),
        figure(drawn, alt, "Each class's share of each subset."),
        table("Samples of each class", ("class", *subsets), rows),
    ]


def _samples(subject: Subject) -> list[Html]:
    x = subject.samples.x
    if isinstance(x, Table):
        return [*_columns(subject, x), *_examples(subject)]
    if isinstance(x, Texts | Tokens):
        return [*_lengths(subject, x), *_examples(subject)]
    return _images(subject, x) if subject.card.modality == "image" else _series(subject, x)


def _examples(subject: Subject) -> list[Html]:
    shown = [
        preview.example(subject.card, subject.samples, row)
        for row in preview.example_rows(subject.labels, subject.split.subsets["train"])
    ]
    rows = [(each.labels.get(subject.card.default_target, "withheld"), sample(each.text)) for each in shown]
    note = "Addresses are written so that nobody opens them by mistake (hxxp), hidden characters are spelt out."
    return [table("A few training samples", ("class", "sample"), rows), paragraph(note, kind="faint")]


def _by_class(subject: Subject, values: Any, rows: IndexArray | None = None) -> dict[str, Any]:
    """Values of the training rows, or of others, by class; of all classes together where there are too many for one figure."""
    chosen = subject.split.subsets["train"] if rows is None else rows
    if len(subject.target.class_names) > _MOST_LINES:
        return {"all classes": values[chosen]}
    labels = subject.labels[chosen]
    return {name: values[chosen[labels == index]] for index, name in enumerate(subject.target.class_names)}


def _lengths(subject: Subject, x: Texts | Tokens) -> list[Html]:
    unit = "characters" if isinstance(x, Texts) else "tokens"
    values = _by_class(subject, examine.lengths(x).astype(np.float64))
    rows = [
        (name, *(round(float(each)) for each in np.percentile(lengths, _PERCENTILES)))
        for name, lengths in values.items()
        if len(lengths)
    ]
    drawn = figures.svg_bytes(figures.histograms({unit: values}))
    columns = ("class", "shortest", "25%", "median", "75%", "95%", "longest")
    return [
        figure(
            drawn, f"Histogram of {unit} a sample; quantiles are in the table below.", f"Training samples by {unit}."
        ),
        table(f"{unit.capitalize()} a training sample", columns, rows),
    ]


def _columns(subject: Subject, x: Table) -> list[Html]:
    train = subject.split.subsets["train"]
    seen, said = train, "Training samples"
    if len(np.unique(subject.labels[train])) < 2:  # an anomaly's training rows are all normal
        seen, said = np.sort(np.concatenate([train, subject.split.subsets["val"]])), "Training and validation samples"
    best = examine.telling_columns(x.take(seen), subject.labels[seen], _MOST_PANELS)
    parts = []
    if best:
        panels = {
            x.numeric_names[index]: _by_class(subject, x.numeric[:, index].astype(np.float64), seen) for index in best
        }
        alt = f"Histograms by class of {', '.join(panels)}."
        caption = (
            f"{said}; of {len(x.numeric_names)} columns of numbers those whose ranks differ most between the classes."
        )
        parts.append(figure(figures.svg_bytes(figures.histograms(panels)), alt, caption))
    rows = []
    for index, name in enumerate(x.categorical_names):
        values, counts = np.unique(x.categorical[train, index], return_counts=True)
        common = [f"{values[each]} {counts[each] / len(train):.0%}" for each in np.argsort(-counts)[:5]]
        rows.append((name, len(values), sample(", ".join(common))))
    if rows:
        parts.append(table("Columns of categories, in train", ("column", "values", "most common"), rows))
    constant = examine.constant_columns(x)
    return [*parts, paragraph("The same everywhere: ", ", ".join(constant), ".")] if constant else parts


def _images(subject: Subject, x: Any) -> list[Html]:
    train = subject.split.subsets["train"]
    labels, sheet = subject.labels[train], {}
    for index, name in enumerate(subject.target.class_names[:_MOST_CLASSES]):
        rows = train[labels == index]
        if len(rows):  # evenly spread over the class: neighbours are often alike
            sheet[name] = np.asarray(x[rows[np.linspace(0, len(rows) - 1, min(_IMAGES, len(rows))).astype(np.int64)]])
    size = " x ".join(map(str, x.shape[1:]))
    drawn = figures.svg_bytes(figures.image_sheet(sheet))
    alt = f"Sheet of training images, a row for each of {len(sheet)} classes."
    return [figure(drawn, alt, f"Training images, {size} (channels, height, width).", picture=True)]


def _series(subject: Subject, x: Any) -> list[Html]:
    rows = preview.example_rows(subject.labels, subject.split.subsets["train"])[:_SERIES]
    shown = {}
    for row in rows:
        each = preview.example(subject.card, subject.samples, row)
        shown[f"{each.id} ({each.labels.get(subject.card.default_target, 'withheld')})"] = np.asarray(x[row, 0])
    size = " x ".join(map(str, x.shape[1:]))
    drawn = figures.svg_bytes(figures.series(shown))
    alt = f"Lines of {len(shown)} training series."
    return [figure(drawn, alt, f"The first channel of a few training samples, {size} (channels, length).")]


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
    found = examine.missing_values(subject.samples)
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
    parts = [
        paragraph(
            f"The same plain model ({kind}, on {_FEATURES[subject.card.modality]}) on both splits, "
            "with 95% intervals over the test samples. "
            "Where the second row is higher, the difference is what the model owes to leakage, or to a test that asks for less."
        ),
        table("A plain model's score", columns, rows),
    ]
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
