"""A look at a data set that is here: how many rows each class has in each subset, and a few samples made fit for a terminal.

Scraped texts are hostile data: an escape sequence in a message could rewrite the reader's terminal, a bidirectional override could
show another name than it holds, and a phishing address must not turn into something to click on. `harmless` takes care of all three.
Samples are taken from the training rows: a look at the test rows would be a look at the test.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets import catalogue
from projectkit.datasets.card import Card
from projectkit.datasets.columns import Table, Texts, Tokens
from projectkit.datasets.samples import WITHHELD, Samples
from projectkit.datasets.splits.split import Split

LONGEST_TEXT = 200  # characters of a sample's text; the terminal cuts further
_EXAMPLES = 5  # one a class, as far as there are so many
_COLUMNS = 6  # of a table
_SEQUENCE = 20  # tokens of a sequence
_CHANNELS = 3  # of a series
_PICTURE = 32  # pixels of a picture's longer side
_SERIES = 60  # characters of a sparkline
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, format, lone surrogate, private, unassigned, line ends
_LINK = re.compile(r"\b(h)tt(ps?:)(?=\s*/)|\b(www)\.", re.IGNORECASE)
_BARS = "▁▂▃▄▅▆▇█"
_GREYS = " .:-=+*#%@"


@dataclass(frozen=True, eq=False)
class Example:
    """One sample, fit to be shown: `text` has no control character and no address that could be clicked on."""

    id: str
    labels: Mapping[str, str]  # target -> class name
    text: str  # one line; of an image or a series its size
    picture: NDArray[np.uint8] | None = None  # (height, width, 3), of an image
    series: NDArray[np.float32] | None = None  # (channels, length), of a series


@dataclass(frozen=True, eq=False)
class Preview:
    """What `projectkit data info` shows of a set that is here.

    Args:
        target: whose classes are counted.
        split: the name of that target's default split.
        rows: subset -> rows; rows in no subset are under `unused`.
        classes: class name -> subset -> rows; without the subsets whose labels are withheld.
        examples: a few training samples of different classes.
    """

    target: str
    split: str
    rows: Mapping[str, int]
    classes: Mapping[str, Mapping[str, int]]
    examples: tuple[Example, ...]


def preview(name: str) -> Preview | None:
    """A look at a data set; None where it is not here, since nothing is fetched for a look.

    Raises:
        UserError: no data set has this name.
        WorkError: its files are damaged.
    """
    if not catalogue.is_here(name):
        return None
    card, samples = catalogue.card(name), catalogue.load(name)
    split = catalogue.split(name, samples=samples)
    target = card.default_target
    labels, train = samples.y[target], split.subsets["train"]
    return Preview(
        target=target,
        split=split.policy,
        rows=subset_rows(split, len(samples)),
        classes=class_counts(labels, card.targets[target].class_names, split),
        examples=tuple(example(card, samples, row) for row in example_rows(labels, train)),
    )


def example_rows(labels: NDArray[np.int64], train: NDArray[np.int64]) -> list[int]:
    """The first training row of each of the first classes; where there are few classes, further rows."""
    known = np.unique(labels[train])
    first = [int(train[np.argmax(labels[train] == label)]) for label in known[known != WITHHELD][:_EXAMPLES]]
    others = [int(row) for row in train[: 2 * _EXAMPLES] if row not in first]
    return first + others[: _EXAMPLES - len(first)]


def subset_rows(split: Split, total: int) -> dict[str, int]:
    """Rows of each subset; `unused` counts those in none."""
    used = np.unique(np.concatenate(list(split.subsets.values())))
    unused = {"unused": total - len(used)} if len(used) < total else {}
    return {name: len(rows) for name, rows in split.subsets.items()} | unused


def class_counts(labels: NDArray[np.int64], class_names: tuple[str, ...], split: Split) -> dict[str, dict[str, int]]:
    """Class name -> subset -> rows; a subset whose labels are all withheld is left out."""
    counts = {
        name: np.bincount(labels[rows][labels[rows] != WITHHELD], minlength=len(class_names))
        for name, rows in split.subsets.items()
        if not len(rows) or (labels[rows] != WITHHELD).any()
    }
    return {
        class_name: {name: int(counted[index]) for name, counted in counts.items()}
        for index, class_name in enumerate(class_names)
    }


def harmless(text: str, width: int | None = None) -> str:
    r"""A text on one line that does nothing: what cannot be seen is written out, addresses are defanged, what is too long is cut.

    Args:
        text: anything.
        width: columns of a terminal that it may take; None: as many as it needs.

    Example:
        >>> harmless("\x1b[2J http://example.org\n")
        '\\x1b[2J hxxp://example.org\\n'
    """
    shown = "".join(_visible(character) for character in text)
    shown = _LINK.sub(lambda found: f"{found[3]}[.]" if found[3] else f"{found[1]}xx{found[2]}", shown)
    return shown if width is None else _cut(shown, width)


def ascii_picture(picture: NDArray[np.uint8]) -> list[str]:
    """A picture as lines of grey characters, two rows of pixels a line.

    Args:
        picture: (height, width, 3).
    """
    grey = picture.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601 luma
    if len(grey) % 2:
        grey = np.vstack([grey, grey[-1:]])
    levels = ((grey[0::2] + grey[1::2]) / 2 * (len(_GREYS) / 256)).astype(np.int64)
    return ["".join(_GREYS[level] for level in line).rstrip() for line in levels]


def sparkline(values: NDArray[Any], width: int = _SERIES) -> str:
    """A series as a line of bars, each the mean of its stretch; a gap where every value is missing."""
    known = np.asarray(values, dtype=np.float64)
    stretches = np.array_split(known, min(width, len(known))) if len(known) else []
    means = np.array([part[np.isfinite(part)].mean() if np.isfinite(part).any() else np.nan for part in stretches])
    if not np.isfinite(means).any():
        return ""
    low, high = np.nanmin(means), np.nanmax(means)
    scaled = (means - low) / (high - low) if high > low else np.where(np.isfinite(means), 0.5, np.nan)
    return "".join(" " if np.isnan(each) else _BARS[round(each * (len(_BARS) - 1))] for each in scaled)


def sample_text(samples: Samples, row: int) -> str:
    """One sample on one line: its text, its columns, its tokens, or its size. Harmless."""
    x = samples.x
    if isinstance(x, Texts):
        text = x[row]
        return harmless(text[: 2 * LONGEST_TEXT], LONGEST_TEXT)  # cut first: a text may have a million characters
    if isinstance(x, Tokens):
        names = [x.names[token] for token in x[row][:_SEQUENCE]]
        rest = f" … ({len(x[row])} tokens)" if len(x[row]) > _SEQUENCE else ""
        return harmless(" ".join(names)) + rest
    if isinstance(x, Table):
        cells = [(name, x.categorical[row, column] or "missing") for column, name in enumerate(x.categorical_names)]
        cells += [(name, _number(x.numeric[row, column])) for column, name in enumerate(x.numeric_names)]
        rest = f", … ({len(cells)} columns)" if len(cells) > _COLUMNS else ""
        return harmless(", ".join(f"{name} {value}" for name, value in cells[:_COLUMNS])) + rest
    return " x ".join(map(str, x.shape[1:]))


def picture_of(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image (channels, height, width) as (height, width, 3), thinned to what a terminal can show."""
    step = max(1, -(-max(image.shape[1:]) // _PICTURE))
    shown = np.moveaxis(image[:, ::step, ::step], 0, -1)
    return np.ascontiguousarray(shown if shown.shape[-1] == 3 else np.repeat(shown[..., :1], 3, axis=-1))


def example(card: Card, samples: Samples, row: int) -> Example:
    """One sample, fit to be shown."""
    values: Any = samples.x
    return Example(
        id=harmless(str(samples.id[row]), LONGEST_TEXT),
        labels={
            target: card.targets[target].class_names[labels[row]]
            for target, labels in samples.y.items()
            if labels[row] != WITHHELD
        },
        text=sample_text(samples, row),
        picture=picture_of(np.asarray(values[row], dtype=np.uint8)) if card.modality == "image" else None,
        series=np.asarray(values[row], dtype=np.float32)[:_CHANNELS] if card.modality == "series" else None,
    )


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode("ascii")


def _cut(text: str, width: int) -> str:
    """At most `width` columns; a wide character takes two, a combining one none."""
    taken, most = 0, 0
    for place, character in enumerate(text):
        wide = unicodedata.east_asian_width(character) in "WF"
        taken += 0 if unicodedata.combining(character) else 2 if wide else 1
        if taken > width:
            return text[:most] + "…"
        if taken < width:
            most = place + 1  # one column is kept for the ellipsis
    return text


def _number(value: Any) -> str:
    return "missing" if np.isnan(value) else f"{value:g}"
