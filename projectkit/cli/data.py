"""The commands of the catalogue and the shared store: `projectkit data ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from projectkit import console
from projectkit.cli.newdata import data_new
from projectkit.cli.options import as_json
from projectkit.errors import UserError

_LICENCE_WIDTH = 32


@click.group()
def data() -> None:
    """The catalogue and the shared store."""


data.add_command(data_new)


@data.command("list")
@as_json
def data_list(as_json: bool) -> None:
    """Every data set: its task, size, licence, whether it is here. Of your own sets, the card too."""
    from projectkit import datasets
    from projectkit.datasets.own.folders import found
    from projectkit.datasets.preview import harmless

    own, broken = found(), datasets.broken()
    unreadable = {finding.id for finding in broken}
    rows = [
        {
            **_card_row(datasets.card(name)),
            "here": datasets.is_here(name),
            "card": str(own[name][0]) if name in own else None,
        }
        for name in datasets.names()
        if name not in unreadable
    ]
    if as_json:
        return console.print_json(
            [*rows, *({"name": each.id, "broken": each.message, "card": each.where} for each in broken)]
        )
    shown = [
        (
            row["name"],
            _task(row),
            console.size(row["bytes"]),
            "yes" if row["here"] else "no",
            harmless(row["licence"], _LICENCE_WIDTH),
            f"{row['title']} ({console.path(Path(row['card']))})" if row["card"] else row["title"],
        )
        for row in rows
    ]
    shown += [(each.id, "", "-", "broken", "", f"{each.where}: {each.message}; {each.advice}") for each in broken]
    console.print_table(("name", "task", "size", "here", "licence", "what"), shown)


@data.command("info")
@click.argument("name")
@as_json
def data_info(name: str, as_json: bool) -> None:
    """A data set's card. Where the set is here, its classes and a few samples too; nothing is fetched."""
    from projectkit import datasets
    from projectkit.cli import look
    from projectkit.datasets.preview import preview

    card = datasets.card(name)
    if as_json:
        seen = preview(name)
        return console.print_json(look.card_facts(card) | ({"look": look.preview_facts(seen)} if seen else {}))
    look.print_card(card)
    seen = preview(name)  # the card is shown also where its samples or its split are not what it says
    if seen:
        look.print_preview(seen)


@data.command("report")
@click.argument("name")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Default: reports/data-NAME.html."
)
@as_json
def data_report(name: str, output: Path | None, as_json: bool) -> None:
    """Write a page about a data set. It has classes, samples, copies, overlap of subsets, and what a careless split would have scored."""
    from projectkit.datasets.report import default_path, write_report

    written = write_report(name, output or default_path(name))
    if as_json:
        return console.print_json({"name": name, "page": str(written)})
    click.echo(written)


@data.command("fetch")
@click.argument("name")
@as_json
def data_fetch(name: str, as_json: bool) -> None:
    """Bring a data set into the store, checked by SHA-256."""
    from projectkit import datasets

    with console.Download() as progress:
        files = datasets.fetch(name, progress=progress)
    if as_json:
        return console.print_json({"name": name, "files": [str(file) for file in files]})
    click.echo("\n".join(map(str, files)) if files else f"{name} needs no download")


@data.command("verify")
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True, help="Every data set that is in the store or the mirror.")
@as_json
def data_verify(name: str | None, every: bool, as_json: bool) -> int:
    """Check data sets against their SHA-256. Looks in the store, else where the store would have them from."""
    from projectkit import datasets

    if (name is None) == (not every):
        raise UserError(
            "name one data set, or give --all", where="data verify", remedy="for example: projectkit data verify sms"
        )
    names = [name] if name else datasets.within_reach()
    findings = [finding for each in names for finding in datasets.verify(each)]
    return console.report([*findings, *(datasets.broken() if every else [])], as_json=as_json)


@data.command("prune")
@click.argument("names", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@as_json
def data_prune(names: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Remove leftovers from the store; with NAMES, whole data sets."""
    from projectkit import datasets

    freed = datasets.prune(names or None, dry_run=dry_run)
    total = sum(each.bytes for each in freed)
    if as_json:
        rows = [{"path": str(each.path), "bytes": each.bytes} for each in freed]
        return console.print_json({"dry_run": dry_run, "bytes": total, "freed": rows})
    for each in freed:
        click.echo(f"{each.bytes / 2**20:9.1f} MiB  {each.path}")
    click.echo(f"{total / 2**20:9.1f} MiB  {'would be freed' if dry_run else 'freed'}")


@data.command("export")
@click.argument("names", nargs=-1, required=True)
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="The mirror.")
@as_json
def data_export(names: tuple[str, ...], folder: Path, as_json: bool) -> int:
    """Copy data sets into a mirror for a closed network. SOURCES.md in it lists licences and checksums."""
    from projectkit import datasets

    return console.report(datasets.export(names, folder), as_json=as_json)


def _task(row: dict[str, Any]) -> str:
    """What goes in and what is to be told from it, in a few words."""
    kinds = [
        "anomalies" if target["kind"] == "anomaly" else f"{target['classes']} classes"
        for target in row["targets"].values()
    ]
    return f"{row['modality']}: {', '.join(kinds)}"


def _card_row(card: Any) -> dict[str, Any]:
    return {
        "name": card.name,
        "title": card.title,
        "modality": card.modality,
        "targets": {
            name: {"kind": target.kind, "classes": len(target.class_names)} for name, target in card.targets.items()
        },
        "licence": card.licence,
        "bytes": card.size,
    }
