"""Marking runs, handing them on and putting them away: `runs tag`, `note`, `keep`, `export`, `archive`, `rm`."""

from __future__ import annotations

import io
import json
import shutil
import sys
import zipfile
from pathlib import Path

import click
import pytest
from clityped import Made, Typed, first_cells


def test_tags_are_typed_with_plus_and_minus(typed: Typed, made: Made) -> None:
    run_id = made("lstm").id
    assert typed("runs tag latest +good +hard").out == f"{run_id}  good,hard\n"
    assert typed("runs tag latest -hard +json").out == f"{run_id}  good,json\n"
    assert json.loads(typed("runs tag latest --json").out) == [{"id": run_id, "tags": ["good", "json"]}]
    assert typed("runs tag latest -good -json").out == f"{run_id}  (no tag)\n"
    assert first_cells(typed("runs list").out) == [run_id]


def test_a_mistyped_tag_is_one_line(typed: Typed, made: Made) -> None:
    made("lstm")
    typed("runs tag latest +good")
    for line, said in (
        ("latest -god", "did you mean 'good'?"),
        ("latest +a,b", "a tag is one word"),
        ("+good", "which run?"),
        ("lstn +good", "did you mean"),
        ("latest --undo", "a tag is one word"),
    ):
        done = typed(f"runs tag {line}")
        assert (done.status, done.err.count("\n")) == (2, 1), done.err
        assert said in done.err
    assert "Usage" in typed("runs tag --help").out


def test_no_run_is_tagged_where_one_of_them_is_mistyped(typed: Typed, made: Made) -> None:
    made("lstm")
    assert typed("runs tag lstm nothing +good").status == 2
    assert "(no tag)" in typed("runs tag lstm").out


def test_a_note_is_written_and_read(typed: Typed, made: Made) -> None:
    run_id = made("lstm").id
    assert typed("runs note latest").out == f"no note on {run_id}\n"
    assert ": too many epochs" in typed("runs note latest", "too many epochs").out
    assert json.loads(typed("runs note latest --json").out)["notes"][0]["text"] == "too many epochs"


def test_archived_runs_are_hidden_and_come_back(typed: Typed, made: Made) -> None:
    old, new = made("old"), made("new")
    (old.checkpoints / "best.ckpt").write_bytes(b"b")
    (old.checkpoints / "last.ckpt").write_bytes(b"l")
    assert "1 of its checkpoints in the trash" in typed("runs archive old").out
    assert first_cells(typed("runs list").out) == [new.id]
    assert first_cells(typed("runs list --all").out) == [new.id, old.id]
    assert "archived" in typed("runs show old").out
    typed("runs archive --undo old")
    assert first_cells(typed("runs list").out) == [new.id, old.id]
    assert (old.checkpoints / "last.ckpt").is_file()


def test_rm_asks_and_what_it_takes_comes_back(typed: Typed, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = made("lstm").id
    done = typed("runs rm lstm")
    assert (done.status, "add --yes" in done.err) == (2, True)  # nobody is there to be asked

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    monkeypatch.setattr(click, "confirm", lambda *_, **__: (_ for _ in ()).throw(click.Abort()))
    assert typed("runs rm lstm").status == 130
    assert first_cells(typed("runs list").out) == [run_id]
    assert json.loads(typed("runs rm lstm --yes --json").out)[0]["id"] == run_id
    assert "no run yet" in typed("runs list").out
    assert first_cells(typed("runs rm --trash").out) == [run_id]
    typed("runs rm --undo lstm")
    assert first_cells(typed("runs list").out) == [run_id]
    assert typed("runs rm --trash").out == "the trash is empty\n"


def test_rm_touches_nothing_where_one_of_the_runs_may_not_go(typed: Typed, made: Made) -> None:
    made("one")
    kept = made("kept")
    typed("runs keep kept")
    going = made("going", status="running")
    for line, said in (
        ("one kept", "kept in results/"),
        ("one going", "goes on"),
        ("one nothing", "no run 'nothing'"),
        ("", "which run?"),
    ):
        done = typed(f"runs rm --yes {line}")
        assert done.status == 2
        assert said in done.err
    assert len(first_cells(typed("runs list").out)) == 3
    assert typed("runs rm --yes --force kept").status == 0
    assert not (kept.path.parents[1] / "results" / kept.id).exists()
    going.finish("finished")


def test_the_trash_is_emptied_as_a_whole_and_asks(typed: Typed, made: Made) -> None:
    made("lstm")
    typed("runs rm --yes lstm")
    assert typed("runs rm --empty-trash").status == 2
    assert typed("runs rm --empty-trash lstm --yes").status == 2
    assert "exclude each other" in typed("runs rm --trash --empty-trash --yes").err
    assert "deleted" in typed("runs rm --empty-trash --yes").out
    assert "the trash is empty" in typed("runs rm --undo lstm").err


def test_several_runs_are_kept_and_git_add_is_offered(typed: Typed, made: Made, project: Path) -> None:
    ids = [made("one").id, made("two").id]
    done = typed("runs keep one two")
    assert done.err == f"next: git add results/{ids[0]} results/{ids[1]}, then commit it\n"
    assert done.out.splitlines() == [str(project / "results" / run_id) for run_id in ids]
    assert [each["id"] for each in json.loads(typed("runs keep one --json").out)] == ids[:1]
    assert " kept" in typed("runs list").out.splitlines()[0]


def test_a_run_is_exported_to_its_own_name(typed: Typed, made: Made, project: Path) -> None:
    run_id = made("lstm").id
    done = typed("runs export")
    assert done.out == f"{run_id}.zip\n"
    with zipfile.ZipFile(project / f"{run_id}.zip") as archive:
        assert f"{run_id}/README.txt" in archive.namelist()
    assert typed("runs export").status == 2  # it is there
    described = json.loads(typed("runs export -o other.zip --json").out)
    assert described["path"] == str(project / "other.zip")
    assert "no checkpoint" in typed("runs export --checkpoint -o third.zip").err


@pytest.mark.slow
def test_an_exported_run_is_repeated_elsewhere_to_the_bit(
    typed: Typed, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its README.txt says is done: `source/` becomes the project, the zip is unpacked into its runs/."""
    zipped = tmp_path / "run.zip"
    assert typed(f"runs export {run_id} -o {zipped}").status == 0
    elsewhere = tmp_path / "another machine"
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(tmp_path / "unpacked")
    shutil.copytree(tmp_path / "unpacked" / run_id / "source", elsewhere)
    shutil.move(tmp_path / "unpacked" / run_id, elsewhere / "runs" / run_id)
    monkeypatch.chdir(elsewhere)
    assert f"projectkit train --repeat {run_id}" in (elsewhere / "runs" / run_id / "README.txt").read_text(
        encoding="utf-8"
    )
    done = typed(f"train --repeat {run_id}")
    assert done.status == 0, done.err
    assert "identical: every logged number" in done.err
    assert json.loads(typed(f"runs compare {run_id} latest --json").out)["settings"] == {}
