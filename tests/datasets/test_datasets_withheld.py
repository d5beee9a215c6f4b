"""Labels that only the staff have: they cannot be guessed from what is published, and they are checked before they are used."""

from __future__ import annotations

import csv
import hashlib
import os
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import projectkit as pk
from projectkit.datasets.own.guess import propose
from projectkit.datasets.own.newcard import NewCard, write_new
from projectkit.datasets.own.survey import survey
from projectkit.errors import UserError, WorkError


def rows(count: int = 300) -> str:
    draw = random.Random(3)
    lines = ["secret,seconds,bytes,host,label"]
    for n in range(count):  # sorted by class, as collected files often are
        label = "benign" if n < 200 else "scan"
        lines.append(
            f"{label[:1]}{draw.randrange(9**9):09d},{draw.gauss(label == 'scan', 1):.4f},{draw.randrange(999)},h{n // 5},{label}"
        )
    return "\n".join(lines) + "\n"


@pytest.fixture
def staff(tmp_path: Path) -> Path:
    folder = tmp_path / "staff"
    folder.mkdir()
    (folder / "full.csv").write_text(rows(), encoding="utf-8")
    return folder


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "course"
    monkeypatch.setenv("PROJECTKIT_CARDS", str(folder))
    return folder


def withhold(staff: Path, course: Path, *, force: bool = False) -> NewCard:
    path = staff / "full.csv"
    seen = survey([path])
    return write_new(
        [path], seen, *propose(seen, label="label"), name="flows", folder=course, withhold=0.2, force=force
    )


def published(course: Path) -> list[dict[str, str]]:
    with (course / "flows.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_public_file_has_no_label_in_its_test_rows(staff: Path, course: Path) -> None:
    made = withhold(staff, course)
    public = published(course)
    assert len(public) == made.samples == 300
    assert {row["subset"]: row["label"] == "" for row in public} == {"train": False, "test": True}
    assert sum(row["subset"] == "test" for row in public) == made.test_samples == 60
    assert sorted(path.name for path in course.iterdir()) == ["flows.csv", "flows.yaml"]


def test_a_column_that_is_no_input_is_not_published(staff: Path, course: Path) -> None:
    withhold(staff, course)
    assert list(published(course)[0]) == ["seconds", "bytes", "host", "label", "subset"]


def test_the_order_of_the_public_rows_tells_nothing(staff: Path, course: Path) -> None:
    withhold(staff, course)
    labels = [row["label"] for row in published(course) if row["label"]]
    changes = sum(first != second for first, second in pairwise(labels))
    assert changes > 50  # in the staff's file one


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="file modes are those of POSIX")
def test_nobody_but_their_owner_can_read_the_labels(staff: Path, course: Path) -> None:
    made = withhold(staff, course)
    assert made.labels is not None
    assert made.labels.stat().st_mode & 0o777 == 0o600


def test_the_digest_of_the_labels_is_another_one_each_time(staff: Path, course: Path) -> None:
    digests, salts = [], []
    for _ in range(2):
        made = withhold(staff, course, force=True)
        assert made.labels is not None
        content = made.labels.read_bytes()
        withheld = pk.datasets.card("flows").withheld
        assert withheld is not None
        assert withheld.sha256 == hashlib.sha256(content).hexdigest()
        digests.append(withheld.sha256)
        salts.append(content.splitlines()[0])
    assert digests[0] != digests[1]
    assert [len(salt.removeprefix(b"# salt ")) for salt in salts] == [32, 32]  # 128 bits


def test_the_split_is_the_same_with_and_without_the_labels(
    staff: Path, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    withhold(staff, course)
    without = pk.datasets.load("flows")
    split = pk.datasets.split("flows", samples=without)
    hidden = np.flatnonzero(without.y["label"] == pk.datasets.WITHHELD)
    np.testing.assert_array_equal(split.subsets["test"], hidden)
    assert without.group is not None
    assert not set(without.group[split.subsets["val"]]) & set(without.group[split.subsets["train"]])
    assert not set(without.group[hidden]) & set(without.group[split.subsets["train"]])
    monkeypatch.setenv("PROJECTKIT_LABELS", str(staff))
    filled = pk.datasets.load("flows")
    assert pk.datasets.split("flows", samples=filled).digest == split.digest
    truth = {
        row["seconds"] + row["bytes"]: row["label"]
        for row in csv.DictReader((staff / "full.csv").open(encoding="utf-8"))
    }
    public = published(course)
    classes = pk.datasets.card("flows").targets["label"].class_names
    for number, row in enumerate(public):
        assert classes[filled.y["label"][number]] == truth[row["seconds"] + row["bytes"]]


def test_other_labels_are_refused(staff: Path, course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = withhold(staff, course)
    assert made.labels is not None
    made.labels.write_text(
        made.labels.read_text(encoding="utf-8").replace("scan", "benign", 1), encoding="utf-8", newline="\n"
    )
    monkeypatch.setenv("PROJECTKIT_LABELS", str(staff))
    with pytest.raises(
        WorkError, match=r"flows\.labels\.csv: not the labels that the card withholds: expected SHA-256"
    ):
        pk.datasets.load("flows")


def test_a_file_of_labels_that_lacks_one_is_refused(staff: Path, course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = withhold(staff, course)
    assert made.labels is not None
    before = hashlib.sha256(made.labels.read_bytes()).hexdigest()
    lines = made.labels.read_text(encoding="utf-8").splitlines(keepends=True)
    made.labels.write_text("".join(lines[:-1]), encoding="utf-8", newline="\n")
    after = hashlib.sha256(made.labels.read_bytes()).hexdigest()
    made.path.write_text(made.path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    monkeypatch.setenv("PROJECTKIT_LABELS", str(staff))
    with pytest.raises(WorkError, match=f"no label for {lines[-1].partition(',')[0]}"):
        pk.datasets.load("flows")


def test_labels_of_another_set_change_nothing(
    staff: Path, course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    withhold(staff, course)
    (tmp_path / "others").mkdir()
    monkeypatch.setenv("PROJECTKIT_LABELS", str(tmp_path / "others"))
    assert (pk.datasets.load("flows").y["label"] == pk.datasets.WITHHELD).sum() == 60
    monkeypatch.setenv("PROJECTKIT_LABELS", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"PROJECTKIT_LABELS=.*nowhere: no such folder"):
        pk.datasets.load("flows")


def test_a_full_file_beside_the_card_is_not_withheld(staff: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"full\.csv: the file with all labels lies where the card is to be; move it"):
        withhold(staff, staff)
    assert [path.name for path in staff.iterdir()] == ["full.csv"]


def test_a_label_that_is_empty_in_a_training_row_is_refused(staff: Path, course: Path) -> None:
    made = withhold(staff, course)
    content = (course / "flows.csv").read_text(encoding="utf-8")
    line = next(number for number, row in enumerate(published(course), start=2) if row["subset"] == "train")
    lines = content.splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace("benign,train", ",train").replace("scan,train", ",train")
    (course / "flows.csv").write_text("".join(lines), encoding="utf-8", newline="\n")
    with pytest.raises(WorkError, match=rf"flows\.csv:{line}: no label in 'label'"):
        pk.datasets.card("flows").read({"flows.csv": made.files[0]})
