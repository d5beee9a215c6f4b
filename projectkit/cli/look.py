"""How `projectkit data info` shows a card and the samples of a set that is here: counts, pictures in half blocks, lines, texts."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from projectkit import console

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from projectkit.datasets.card import Card
    from projectkit.datasets.preview import Example, Preview

_MANY_CLASSES = 40  # from here on their names are cut
_SHOWN_CLASSES = 12
_MARGIN = 2


def card_facts(card: Card) -> dict[str, Any]:
    """All that a card says, for JSON."""
    from projectkit import datasets
    from projectkit.datasets.storage import store

    return {
        "name": card.name,
        "title": card.title,
        "modality": card.modality,
        "licence": card.licence,
        "bytes": card.size,
        "here": datasets.is_here(card.name),
        "description": card.description,
        "targets": {target: list(value.class_names) for target, value in card.targets.items()},
        "default_target": card.default_target,
        "default_splits": {target: value.split for target, value in card.targets.items()},
        "splits": {name: policy.about for name, policy in card.splits.items()},
        "near_duplicates": card.near_duplicates.method if card.near_duplicates else None,
        "withheld": card.withheld.subset if card.withheld else None,
        "traps": list(card.traps),
        "safety": card.safety,
        "ethics": card.ethics,
        "redistributable": card.redistributable,
        "citation": card.citation,
        "origin": card.origin,
        "folder": str(store.folder_of(card)) if card.files else None,
        "files": [
            {"name": file.name, "bytes": file.size, "sha256": file.sha256, "urls": list(file.urls)}
            for file in card.files
        ],
    }


def preview_facts(preview: Preview) -> dict[str, Any]:
    """Counts and samples, for JSON."""
    return {
        "target": preview.target,
        "split": preview.split,
        "rows": dict(preview.rows),
        "classes": {name: dict(counts) for name, counts in preview.classes.items()},
        "samples": [
            {"id": each.id, "labels": dict(each.labels), "shown": each.text, **_drawn(each)}
            for each in preview.examples
        ],
    }


def print_card(card: Card) -> None:
    """A card for the eye: what it is, its classes, its splits, what to beware of, its files."""
    facts = card_facts(card)
    shown = {name: facts[name] for name in ("name", "title", "modality", "licence")}
    shown["may be passed on"] = "yes" if card.redistributable else "no"
    shown["size"] = console.size(card.size)
    shown["here"] = "yes" if facts["here"] else f"no (`projectkit data fetch {card.name}`)" if card.files else "no"
    shown["description"] = card.description
    shown["targets"] = {
        name + (" (default)" if name == card.default_target else ""): _classes(target.class_names)
        for name, target in card.targets.items()
    }
    shown["splits"] = {
        name + "".join(f" (default of {target})" for target, value in card.targets.items() if value.split == name): text
        for name, text in facts["splits"].items()
    }
    for name in ("traps", "safety", "ethics", "origin", "citation"):
        if facts[name]:
            shown[name] = facts[name]
    if card.withheld:
        shown["withheld"] = f"the labels of {card.withheld.subset}"
    if card.files:
        shown["files"] = [f"{file.name} ({console.size(file.size)})" for file in card.files]
        shown["lie in"] = facts["folder"]
    console.print_facts(shown)


def print_preview(preview: Preview) -> None:
    """Rows and classes of each subset, then a few training samples."""
    subsets = [name for name in preview.rows if name != "unused"]
    click.echo(f"\nrows of split '{preview.split}', target '{preview.target}'")
    total = ["all", *(preview.rows[name] for name in subsets), preview.rows.get("unused")]
    lines = [[name, *(counts.get(subset) for subset in subsets)] for name, counts in preview.classes.items()]
    unused = ["in none"] if "unused" in preview.rows else []
    if unused:
        lines = [[*line, ""] for line in lines]
    console.print_table(["class", *subsets, *unused], [total[: 1 + len(subsets) + len(unused)], *lines])
    click.echo("\nsamples of train")
    pictures = [each for each in preview.examples if each.picture is not None]
    if pictures:
        _print_pictures(pictures)
    for each in preview.examples:
        if each.picture is None:
            _print_example(each)


def _classes(names: Sequence[str]) -> str:
    if len(names) < _MANY_CLASSES:
        return ", ".join(names)
    return f"{', '.join(names[:_SHOWN_CLASSES])}, ... ({len(names)} classes, all of them with --json)"


def _drawn(example: Example) -> dict[str, Any]:
    from projectkit.datasets import preview

    if example.picture is not None:
        return {"picture": preview.ascii_picture(example.picture)}
    if example.series is not None:
        return {"series": [preview.sparkline(channel) for channel in example.series]}
    return {}


def _width() -> int:
    return shutil.get_terminal_size((100, 24)).columns


def _print_example(example: Example) -> None:
    from projectkit.datasets import preview

    labels = ", ".join(f"{target} {name}" for target, name in example.labels.items()) or "label withheld"
    click.echo(preview.harmless(f"  {example.id}  [{labels}]", _width()))
    click.echo(preview.harmless(f"    {example.text}", _width()))
    for channel in example.series if example.series is not None else ():
        click.echo(f"    {preview.sparkline(channel, _width() - 2 * _MARGIN)}")


def _print_pictures(examples: Sequence[Example]) -> None:
    """As many pictures beside one another as the width has room for."""
    from rich.console import Console
    from rich.text import Text

    from projectkit.datasets import preview

    screen = Console(highlight=False)
    colour = screen.is_terminal and not screen.no_color and screen.color_system in ("256", "truecolor", "windows")
    row: list[tuple[list[Text], int]] = []
    used = 0
    for example in examples:
        assert example.picture is not None
        name = preview.harmless(" ".join(example.labels.values()) or "withheld", max(12, example.picture.shape[1]))
        width = max(example.picture.shape[1], len(name)) + _MARGIN
        if row and used + width > _width():
            break
        lines = (
            _half_blocks(example.picture) if colour else [Text(line) for line in preview.ascii_picture(example.picture)]
        )
        row.append(([*lines, Text(name)], width))
        used += width
    for number in range(max(len(lines) for lines, _ in row)):
        joined = Text("  ", no_wrap=True, overflow="crop")
        for lines, width in row:
            part = lines[number] if number < len(lines) else Text()
            part.pad_right(max(0, width - part.cell_len))
            joined.append_text(part)
        joined.rstrip()
        screen.print(joined, markup=False)


def _half_blocks(picture: NDArray[np.uint8]) -> list[Any]:
    """Two rows of pixels a line: the upper one colours the block, the lower one what is behind it."""
    from rich.color import Color
    from rich.style import Style
    from rich.text import Text

    lines = []
    for top in range(0, len(picture), 2):
        line = Text()
        for column in range(picture.shape[1]):
            upper = Color.from_rgb(*map(int, picture[top, column]))
            lower = Color.from_rgb(*map(int, picture[top + 1, column])) if top + 1 < len(picture) else None
            line.append("▀", Style(color=upper, bgcolor=lower))
        lines.append(line)
    return lines
