"""The store's upkeep: every flipped bit is found, leftovers go, and an exported folder is a mirror."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest
from click.testing import CliRunner

import projectkit as pk
from projectkit.cli import commands
from projectkit.datasets.card import Card
from projectkit.datasets.storage import archives, cache, disk, store
from projectkit.errors import UserError, WorkError
from projectkit.findings import Finding


@pytest.fixture
def mirror(toy: Card, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror's packed file of the toy set."""
    file = tmp_path / "mirror" / "toy" / "toy.tsv.gz"
    file.parent.mkdir(parents=True)
    file.write_bytes(gzip.compress(content))
    monkeypatch.setenv("PROJECTKIT_MIRROR", str(tmp_path / "mirror"))
    return file


@pytest.fixture
def toy_is(monkeypatch: pytest.MonkeyPatch) -> Callable[[Card], None]:
    """Make another card the one that the catalogue knows as `toy`."""

    def change(card: Card) -> None:
        monkeypatch.setitem(sys.modules, "projectkit.datasets.cards.toy", SimpleNamespace(CARD=card))

    return change


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def states(findings: list[Finding]) -> list[str]:
    return [finding.status for finding in findings]


def test_verify_checks_what_only_the_mirror_has(mirror: Path) -> None:
    (finding,) = pk.datasets.verify("toy")
    assert (finding.status, finding.where) == ("ok", str(mirror))
    assert "in the mirror" in finding.message
    assert "toy" in pk.datasets.within_reach()
    assert "toy" not in pk.datasets.in_store()


@pytest.mark.parametrize("packed", [True, False])
def test_verify_finds_a_flipped_bit_in_the_mirror(mirror: Path, content: bytes, packed: bool) -> None:
    file = mirror
    if not packed:
        file = mirror.with_suffix("")
        file.write_bytes(content)
        mirror.unlink()
    flip(file)
    (finding,) = pk.datasets.verify("toy")
    assert (finding.status, finding.where, finding.advice) == ("error", str(file), "copy it there again")


def test_verify_finds_a_damaged_mirror_behind_a_whole_store(mirror: Path) -> None:
    pk.datasets.fetch("toy")
    flip(mirror)
    inside, outside = pk.datasets.verify("toy")
    assert (inside.status, outside.status, outside.where) == ("ok", "error", str(mirror))


@pytest.mark.parametrize("form", ["bytes", "zip"])
def test_a_file_that_goes_while_it_is_checked_is_not_there(
    toy: Card, mirror: Path, monkeypatch: pytest.MonkeyPatch, form: Literal["bytes", "zip"]
) -> None:
    (path,) = pk.datasets.fetch("toy")

    def pruned(asked: Path, **_: object) -> str:
        asked.unlink()
        if form == "zip":
            raise WorkError("the archive cannot be read")
        return "0" * 64

    monkeypatch.setattr(disk, "sha256_of", pruned)
    monkeypatch.setattr(archives, "zip_digest", pruned)
    assert store.content_of(path, replace(toy.files[0], content=form)) is None


def test_verify_says_where_it_looked_in_vain(mirror: Path) -> None:
    mirror.unlink()
    (finding,) = pk.datasets.verify("toy")
    assert finding.status == "note"
    assert "neither in the store nor in the mirror" in finding.message
    assert "toy" not in pk.datasets.within_reach()


def test_verify_names_each_damaged_file_of_the_parsed_form(toy: Card, mirror: Path) -> None:
    pk.datasets.load("toy")
    assert states(pk.datasets.verify("toy")) == ["ok", "ok"]
    folder = cache.folder_of(toy)
    for path in sorted(folder.glob("*.npy")):
        whole = path.read_bytes()
        flip(path)
        raw, parsed = pk.datasets.verify("toy")
        assert (raw.status, parsed.status, parsed.where) == ("ok", "error", str(path))
        assert "projectkit data prune toy" in parsed.advice
        path.write_bytes(whole)
    (folder / "meta.json").write_text("{", encoding="utf-8")
    assert pk.datasets.verify("toy")[1].where == str(folder / "meta.json")


def test_verify_finds_a_flipped_bit_that_the_parsed_form_hides(toy: Card, mirror: Path) -> None:
    pk.datasets.load("toy")
    path = store.folder_of(toy) / "toy.tsv"
    flip(path)
    assert len(pk.datasets.load("toy")) == 200  # from the parsed form, which is whole
    assert states(pk.datasets.verify("toy")) == ["error", "ok"]
    pk.datasets.fetch("toy")
    assert states(pk.datasets.verify("toy")) == ["ok", "ok"]


def test_prune_removes_leftovers_and_nothing_else(
    toy: Card, mirror: Path, toy_is: Callable[[Card], None], store_folder: Path
) -> None:
    pk.datasets.load("toy")
    old = cache.folder_of(toy)
    toy_is(replace(toy, revision=2))
    pk.datasets.load("toy")
    folder = store_folder / "toy"
    for name in ("toy.tsv.bad", "toy.tsv.part", "toy.tsv.download", "toy.tsv.download.json", ".upstream/archive"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"12345")
    (folder / ".cache" / "0123-1.part").mkdir()
    expected = {
        *(folder / name for name in ("toy.tsv.bad", "toy.tsv.part", "toy.tsv.download", "toy.tsv.download.json")),
        *(folder / ".upstream", folder / ".cache" / "0123-1.part", old),
    }
    size = sum(path.stat().st_size for path in old.iterdir()) + 25
    would = pk.datasets.prune(dry_run=True)
    assert {freed.path for freed in would} == expected
    assert all(freed.path.exists() for freed in would)
    assert pk.datasets.prune() == would
    assert sum(freed.bytes for freed in would) == size
    assert not any(freed.path.exists() for freed in would)
    assert states(pk.datasets.verify("toy")) == ["ok", "ok"]
    assert pk.datasets.prune() == []


def test_prune_leaves_the_sets_of_other_teams_alone(mirror: Path, store_folder: Path) -> None:
    parsed = store_folder / "theirs-12345678" / ".cache" / "0123-1"
    parsed.mkdir(parents=True)
    assert pk.datasets.prune() == []
    assert parsed.exists()


def test_prune_touches_no_folder_that_is_no_sets(mirror: Path, store_folder: Path) -> None:
    pk.datasets.load("toy")
    others = [store_folder / name for name in ("Downloads/film.part", "thesis/.upstream/notes.txt", "mail/old.bad")]
    left = store_folder / "flows-0123abcd" / "flows.csv.part"
    for path in (*others, left):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    assert [each.path for each in pk.datasets.prune()] == [left]
    assert all(path.exists() for path in others)


def test_prune_by_name_removes_the_whole_set(mirror: Path, store_folder: Path) -> None:
    pk.datasets.load("toy")
    (freed,) = pk.datasets.prune(["toy"])
    assert freed.path == store_folder / "toy"
    assert freed.bytes > 200
    assert not freed.path.exists()
    assert len(pk.datasets.load("toy")) == 200
    with pytest.raises(UserError, match="no data set is called 'tyo'"):
        pk.datasets.prune(["tyo"])


def test_an_empty_store_has_nothing_to_prune(store_folder: Path) -> None:
    assert pk.datasets.prune() == []
    assert pk.datasets.prune(["sms"]) == []
    assert not store_folder.exists()


def test_an_exported_folder_is_a_mirror(
    toy: Card, mirror: Path, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "new" / "mirror"
    (finding,) = pk.datasets.export(["toy"], folder)
    assert finding.status == "ok"
    assert (folder / "toy" / "toy.tsv").read_bytes() == content
    sources = (folder / "SOURCES.md").read_text(encoding="utf-8")
    for part in (toy.title, toy.licence, toy.citation, toy.files[0].sha256, "toy/toy.tsv"):
        assert part in sources
    monkeypatch.setenv("PROJECTKIT_STORE", str(tmp_path / "another-store"))
    monkeypatch.setenv("PROJECTKIT_MIRROR", str(folder))
    assert len(pk.datasets.load("toy")) == 200


def test_a_second_export_mends_copies_and_keeps_the_first_ones_sources(
    toy: Card, mirror: Path, content: bytes, tmp_path: Path
) -> None:
    pk.datasets.export(["toy"], tmp_path / "out")
    flip(tmp_path / "out" / "toy" / "toy.tsv")
    pk.datasets.export(["toy"], tmp_path / "out")
    assert (tmp_path / "out" / "toy" / "toy.tsv").read_bytes() == content
    (finding,) = pk.datasets.export(["digits"], tmp_path / "out")
    assert finding.message == "needs no file"
    assert toy.title in (tmp_path / "out" / "SOURCES.md").read_text(encoding="utf-8")


def test_a_set_that_may_not_be_passed_on_is_a_warning(
    toy: Card, mirror: Path, toy_is: Callable[[Card], None], tmp_path: Path
) -> None:
    toy_is(replace(toy, redistributable=False))
    (finding,) = pk.datasets.export(["toy"], tmp_path / "out")
    assert finding.status == "warning"
    assert "inside the course" in finding.advice
    assert "inside the course" in (tmp_path / "out" / "SOURCES.md").read_text(encoding="utf-8")


def test_the_card_of_an_own_set_goes_along(
    toy: Card, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = tmp_path / "course"
    cards.mkdir()
    (cards / "ours.py").write_text(
        "from dataclasses import replace\nfrom projectkit.datasets.cards.digits import CARD as digits\n"
        "CARD = replace(digits, name='ours')\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PROJECTKIT_CARDS", str(cards))
    pk.datasets.export(["ours"], tmp_path / "out")
    monkeypatch.setenv("PROJECTKIT_CARDS", str(tmp_path / "out" / "cards"))
    assert pk.datasets.card("ours").name == "ours"


def test_an_export_into_a_file_is_one_line(mirror: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("", encoding="utf-8")
    with pytest.raises(WorkError, match=r"cannot be written: .*projectkit data export NAME"):
        pk.datasets.export(["toy"], tmp_path / "out")


def test_the_commands_say_what_they_did(mirror: Path, store_folder: Path, tmp_path: Path) -> None:
    def typed(*words: str) -> str:
        done = CliRunner().invoke(commands, ["data", *words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    export = json.loads(typed("export", "toy", "--to", str(tmp_path / "out"), "--json"))
    assert [finding["status"] for finding in export["findings"]] == ["ok"]
    assert str(tmp_path / "out" / "toy") in typed("export", "toy", "--to", str(tmp_path / "out"))
    (store_folder / "toy" / "toy.tsv.bad").write_bytes(b"x" * 2**20)
    would = json.loads(typed("prune", "--dry-run", "--json"))
    bad = str(store_folder / "toy" / "toy.tsv.bad")
    assert would == {"dry_run": True, "bytes": 2**20, "freed": [{"path": bad, "bytes": 2**20}]}
    assert "1.0 MiB  freed" in typed("prune")
    assert not Path(bad).exists()
    verified = json.loads(typed("verify", "--all", "--json"))["findings"]
    assert "toy/toy.tsv" in [finding["id"] for finding in verified]
