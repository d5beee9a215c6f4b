"""The hall's screen: the poster laid out anew for it, where its text can be read there; else a picture of the sheet.

A sheet in portrait on a screen in landscape fills two fifths of it, in type that nobody reads from where people stand. So the same words
and figures are dealt to columns of the sheet `screen`. Figures are those of the sheet, scaled, as drawing them again would take half a
second; measuring the rest takes 0.15 s, in a process beside the one that draws the other pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from projectkit.errors import UserError
from projectkit.poster.render import Rendered
from projectkit.poster.source.sheets import sheet
from projectkit.poster.typesetting.arrangements import options
from projectkit.poster.typesetting.compose import Composed
from projectkit.poster.typesetting.layout import Layout
from projectkit.poster.typesetting.pictures import Picture
from projectkit.poster.typesetting.plan import placed
from projectkit.poster.typesetting.typesetter import Typesetter
from projectkit.poster.typesetting.warm import Warm
from projectkit.poster.typesetting.worker import TypesettingError, Worker

SCREENS = ((3840, 2160), (2560, 1440), (1280, 720))  # pixels, 16:9; conferences take up to 5120 x 2880
_MOST_BYTES = 10_000_000
_EVERY = 2  # of the sizes of text that a sheet is tried in: a screen is looked at once, and half are measured in half the time
_SMALLER = 0.8  # of a figure's proportions on the sheet, and of its type


def own_layout(found: Rendered, worker: Worker) -> bytes | None:
    """The poster laid out for a screen, as PNG; None where it does not fit one in type that can be read across a hall.

    Args:
        found: the poster, its figures drawn.
        worker: a typesetting process that does nothing else meanwhile.
    """
    if found.poster.sheet.screen:
        return pixels(found.typesetter)
    arrangement = found.composed.document["theme"]["arrangement"]
    for one in dict.fromkeys((arrangement, "columns")):  # a billboard's middle may leave too little room
        try:
            with Typesetter(_on_a_screen(found, one), found.typesetter.fonts, Warm(worker)) as typesetter:
                layout = typesetter.lay_out()
                if isinstance(layout, Layout):
                    typesetter.draw(layout)
                    return pixels(typesetter)
        except (UserError, TypesettingError):  # such as of a header that takes most of the screen
            continue
    return None


def pixels(typesetter: Typesetter) -> bytes:
    """The page in the middle of the first of `SCREENS` that is not too large a file."""
    for width, height in SCREENS:  # photographs: PNG is as large as they are detailed
        content = typesetter.screen_png(width, height)
        if len(content) <= _MOST_BYTES:
            break
    return content


def _on_a_screen(found: Rendered, arrangement: str) -> Composed:
    """The same content on a screen's page, with its columns and sizes of text; figures are pictures.

    A billboard that is set in columns has its finding as the subtitle.
    """
    composed, here, there = found.composed, found.poster.sheet, sheet("screen")
    data = composed.document
    nearer = there.distance_m / here.distance_m
    shorter = there.short_mm / here.short_mm
    page = {"width": there.width_mm, "height": there.height_mm}
    page |= {key: data["page"][key] * shorter for key in ("margin", "gutter")}
    good = composed.good * nearer
    shares = dict(_shares(found))
    atoms = [{**atom, "blocks": [_with_pictures(node, shares) for node in atom["blocks"]]} for atom in data["atoms"]]
    document = {
        **data,
        "subtitle": data["subtitle"] if arrangement == data["theme"]["arrangement"] else data["finding"],
        "theme": {**data["theme"], "arrangement": arrangement},
        "page": page,
        "options": options(page, good, billboard=arrangement == "billboard", wanted=None, atoms=len(atoms)),
        "sizes": [size * nearer for size in data["sizes"][::_EVERY]],
        "atoms": atoms,
    }
    drawn = {
        one.file: Picture(found.typesetter.staged(one.file), ".svg", one.file, found.poster.file)
        for one in composed.drawings
    }
    return replace(composed, document=document, good=good, pictures={**composed.pictures, **drawn}, drawings=())


def _shares(found: Rendered) -> Iterator[tuple[str, float]]:
    """The height of each figure that was drawn, in widths of its column."""
    assert found.layout is not None
    composed = found.composed
    drawings = {drawing.file: drawing for drawing in composed.drawings}
    for figure in placed(composed.document, found.layout):
        _, height = drawings[figure.file].size(figure.width_mm, figure.grow)
        yield figure.file, height / figure.width_mm


def _with_pictures(node: Mapping[str, Any], shares: Mapping[str, float]) -> dict[str, Any]:
    """A node whose drawn figures are pictures: a little lower than on the sheet, or as tall as they may be."""
    if node["kind"] == "row":
        return {**node, "cells": [[_with_pictures(one, shares) for one in cell] for cell in node["cells"]]}
    if node["kind"] != "figure" or not node["redrawn"]:
        return dict(node)
    share = shares[node["file"]]
    return {**node, "redrawn": False, "least": _SMALLER * share, "most": max(share, node["most"])}
