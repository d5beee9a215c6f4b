"""The section of a report that shows the samples themselves; none of the test set, so that nobody studies it by reading a report."""

from __future__ import annotations

from typing import Any

import numpy as np

from projectkit import figures
from projectkit.datasets import preview
from projectkit.datasets.columns import IndexArray, Table, Texts, Tokens
from projectkit.datasets.report import examine
from projectkit.datasets.report.markup import Html, figure, paragraph, sample, table
from projectkit.datasets.report.subject import Subject

_MOST_LINES = 7  # classes with a line of their own in a histogram: as many as there are colours
_MOST_PANELS = 6
_IMAGES = 10  # of a class
_MOST_CLASSES = 50  # with a row of images
_SERIES = 4
_PERCENTILES = (0, 25, 50, 75, 95, 100)


def samples_section(subject: Subject) -> list[Html]:
    """Lengths, distributions, images or lines, and a few samples, by the form of the data."""
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
