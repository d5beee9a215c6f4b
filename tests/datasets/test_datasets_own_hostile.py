"""Own cards that somebody made with intent or without care: nothing leaves its folder, no secret is published, each is one line."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

import projectkit as pk
from projectkit.datasets.own.guess import propose
from projectkit.datasets.own.newcard import NewCard, write_new
from projectkit.datasets.own.survey import survey
from projectkit.errors import UserError

CONTENT = "a,label\n" + "".join(f"{n * 7 % 41},{'xy'[n % 2]}\n" for n in range(40))
FILE = {"name": "m.csv", "size": len(CONTENT), "sha256": hashlib.sha256(CONTENT.encode()).hexdigest()}
CARD = {"format": "csv", "files": [FILE], "label": "label", "classes": ["x", "y"], "numeric": ["a"]}
WITHHELD = {"source": "a", "split": "official", "test": ["1"]}


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "course"
    folder.mkdir()
    monkeypatch.setenv("PROJECTKIT_CARDS", str(folder))
    (folder / "m.csv").write_text(CONTENT, encoding="utf-8", newline="\n")
    return folder


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "..", "C:x", "a\\b", "a\0b", "a\nb", "\x1b[31m", "a?", " a"]
)
@pytest.mark.parametrize("key", ["files", "mirror_folder", "withheld"])
def test_a_name_that_leads_out_of_its_folder_is_refused(course: Path, name: str, key: str) -> None:
    change: dict[str, Any] = {
        "files": {"files": [{**FILE, "name": name}]},
        "mirror_folder": {"mirror_folder": name},
        "withheld": {**WITHHELD, "withheld": {"subset": "test", "file": name, "sha256": "0" * 64}},
    }[key]
    (course / "ours.yaml").write_text(json.dumps(CARD | change), encoding="utf-8")
    with pytest.raises(UserError, match=rf"ours\.yaml:.*{key}.* is not the name of a file|the store would take '\.\.'"):
        pk.datasets.card("ours")


@pytest.mark.parametrize("name", [".cache", ".upstream", "flows.part", "flows.bad", "x.download"])
def test_a_name_that_the_store_would_prune_is_refused(course: Path, name: str) -> None:
    (course / "ours.yaml").write_text(json.dumps(CARD | {"files": [{**FILE, "name": name}]}), encoding="utf-8")
    with pytest.raises(UserError, match=f"the store would take {name!r} for its own; rename the file"):
        pk.datasets.card("ours")


def test_a_password_in_a_url_is_refused_and_not_repeated(course: Path) -> None:
    file = {**FILE, "urls": ["https://user:s3cret@example.org/m.csv"]}
    (course / "ours.yaml").write_text(json.dumps(CARD | {"files": [file]}), encoding="utf-8")
    with pytest.raises(UserError, match="a user name or a password stands in the URL") as caught:
        pk.datasets.card("ours")
    assert "s3cret" not in str(caught.value)
    file = {**FILE, "urls": ["https://example.org/m.csv?by=a@example.org"]}
    (course / "ours.yaml").write_text(json.dumps(CARD | {"files": [file]}), encoding="utf-8")
    assert pk.datasets.card("ours").files[0].urls == tuple(file["urls"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoding": "a\0"}, "there is no encoding"),
        ({"modality": "series"}, "`modality: series` does not fit: the samples are tabular; remove it"),
    ],
)
def test_a_value_that_fits_nothing_is_one_line(course: Path, change: dict[str, str], message: str) -> None:
    (course / "ours.yaml").write_text(json.dumps(CARD | change), encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(message)):
        pk.datasets.card("ours")


def test_data_new_names_no_file_that_is_gone(course: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text(CONTENT, encoding="utf-8")
    seen = survey([path])
    with pytest.raises(UserError, match=r"^ours\.yaml, files\.0\.urls: not a URL; write https"):
        write_new([path], seen, *propose(seen), name="ours", folder=course, urls=["file:///m.csv"], force=True)


def withhold(path: Path, course: Path, *, mixed: bool = False, **given: str) -> NewCard:
    lines = ["id,started,bytes,host,label"]  # unless mixed, collected class by class, as honeypots and sandboxes do
    lines += [
        f"{n},{1.7e9 + n:.0f},{n * 37 % 1009},h{n % 40},{('benign', 'scan')[n % 3 == 0 if mixed else n >= 200]}"
        for n in range(300)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    seen = survey([path])
    return write_new([path], seen, *propose(seen, **given), name="flows", folder=course, withhold=0.2)


def test_ids_and_times_that_tell_a_withheld_label_are_not_published(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECTKIT_LABELS", str(tmp_path))
    withhold(tmp_path / "full.csv", course, time="started", group="host")
    with (course / "flows.csv").open(encoding="utf-8", newline="") as stream:
        assert next(csv.reader(stream)) == ["bytes", "host", "label", "subset"]
    samples = pk.datasets.load("flows")
    assert (samples.y["label"] >= 0).all()
    assert samples.id.tolist()[:2] == ["flows-000000", "flows-000001"]


def test_the_time_of_a_test_set_that_is_the_latest_part_is_published(course: Path, tmp_path: Path) -> None:
    withhold(tmp_path / "full.csv", course, mixed=True, time="started", group="")
    samples = pk.datasets.load("flows")
    assert samples.time is not None
    rows = pk.datasets.split("flows", samples=samples).subsets
    assert samples.time[rows["train"]].max() < samples.time[rows["test"]].min()


def test_labels_are_never_written_into_the_published_folder(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (course / "raw").mkdir()
    with pytest.raises(UserError, match="the file with all labels lies where the card is to be"):
        withhold(course / "raw" / "full.csv", course)
    monkeypatch.setenv("PROJECTKIT_LABELS", str(course / "raw"))
    with pytest.raises(UserError, match="the labels would lie in the folder of the card, which is published"):
        withhold(tmp_path / "full.csv", course)
    assert sorted(path.name for path in course.iterdir()) == ["m.csv", "raw"]
