"""`data-card`, a box that says what the data is: from the run's own record, so that it is the data that the numbers are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from projectkit.errors import did_you_mean
from projectkit.poster.directives.cells import counted, mapping
from projectkit.poster.directives.drawings import Drawn
from projectkit.poster.directives.found import named_run, named_source
from projectkit.poster.directives.shown import Shown
from projectkit.poster.markup.nodes import Node
from projectkit.poster.source.fields import Fields
from projectkit.project import Project
from projectkit.runs import Run

_ROWS = ("samples", "classes", "split", "licence", "citation", "traps")
_LABELS = {name: name.capitalize() for name in _ROWS} | {"traps": "Known traps"}
_SUBSETS = {"train": "training", "val": "validation"}
_MOST_CLASSES = 12


def data_card(fields: Fields, project: Project, drawn: Drawn) -> Node:
    """The node of a data card.

    Args:
        fields: `run`; `show`, which of `samples, classes, split, licence, citation, traps`, all by default; `title`, the data set's own by
            default.
        project: whose run it is.
        drawn: receives the numbers of samples.

    Returns:
        `card`: `title`, `rows` (`label`, `children`: inlines), `source`. What the run did not record, as older ones, is left out.

    Raises:
        UserError: a run that is not there, a row that there is not, or a run that recorded nothing of its data; with file and line.
    """
    run = named_run(fields, project)
    show = fields.texts("show") or list(_ROWS)
    for name in show:
        if name not in _ROWS:
            raise fields.error("show", f"a data card has no {name!r}", did_you_mean(name, _ROWS))
    data, card = run.part("data"), mapping(run.part("data").get("card"))
    texts = {
        "samples": _sizes(data),
        "classes": _classes(run, card),
        "split": _split(data, card),
        "licence": [str(card.get("licence") or "")],
        "citation": [str(card.get("citation") or "")],
        "traps": _bulleted([str(trap) for trap in _list(card.get("traps"))]),
    }
    rows = [{"label": _LABELS[name], "children": _lines(texts[name])} for name in show if any(texts[name])]
    if not rows:
        remedy = "write what the data is into the section, as a list"
        raise fields.error("run", f"the run {run.id} recorded nothing of its data that a card shows", remedy)
    if "samples" in show:
        for subset, number in _samples(data).items():
            drawn.shown.append(Shown(fields.place, run.id, subset, "samples", float(number), counted(number)))
    title = fields.text("title") or str(card.get("title") or data.get("name") or data.get("class_path") or run.name)
    return {
        "kind": "card",
        "title": title,
        "rows": rows,
        "source": named_source({run.name: run}, "As recorded by the run. "),
    }


def _samples(data: Mapping[str, Any]) -> dict[str, int]:
    """Subset -> how many samples it has."""
    return {str(name): number for name, number in mapping(data.get("samples")).items() if isinstance(number, int)}


def _sizes(data: Mapping[str, Any]) -> list[str]:
    """One line, which is only broken between subsets."""
    sizes = (
        f"{counted(number)} {_SUBSETS.get(name, name.replace('_', ' '))}" for name, number in _samples(data).items()
    )
    return [", ".join(size.replace(" ", "\u00a0") for size in sizes)]


def _classes(run: Run, card: Mapping[str, Any]) -> list[str]:
    """Their names; from an evaluation where the record of an older run has none."""
    names = _list(card.get("class_names"))
    if not names:
        names = next((_list(document.get("class_names")) for document in run.evaluations().values()), [])
    told = [str(name) for name in names[:_MOST_CLASSES]]
    return [", ".join(told) + (f" and {len(names) - len(told)} more" if len(names) > len(told) else "")]


def _split(data: Mapping[str, Any], card: Mapping[str, Any]) -> list[str]:
    """The policy, its seed, and what it protects from."""
    if not data.get("split"):
        return []
    words = str(data["split"]).replace("_", " ")
    words += f", seed {data['split_seed']}" if data.get("split_seed") is not None else ""
    words += f", fold {data['fold']} of {data['folds']}" if data.get("folds") is not None else ""
    return [f"{words}: {card['split']}" if card.get("split") else words]


def _bulleted(texts: Sequence[str]) -> list[str]:
    return [f"• {text}" for text in texts] if len(texts) > 1 else list(texts)


def _lines(texts: Sequence[str]) -> list[Node]:
    """Inlines, a line for each text."""
    nodes: list[Node] = []
    for text in texts:
        nodes += [{"kind": "break"}] if nodes else []
        nodes.append({"kind": "text", "text": text})
    return nodes


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []
