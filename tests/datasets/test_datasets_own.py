"""Cards of a team's and a course's own: where they stand, what they are called, and what a broken one does to the others."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

import projectkit as pk
from projectkit.datasets import catalogue
from projectkit.datasets.own import folders
from projectkit.errors import UserError

CARD = """
from dataclasses import replace
from projectkit.datasets.cards.digits import CARD as DIGITS
CARD = replace(DIGITS, name="{name}", title="{title}")
"""


def write(folder: Path, name: str, *, title: str = "Ours") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(CARD.format(name=name, title=title), encoding="utf-8")
    return path


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "course"
    folder.mkdir()
    monkeypatch.setenv("PROJECTKIT_CARDS", str(folder))
    return folder


def test_without_a_project_and_a_course_there_are_only_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert pk.datasets.names() == list(catalogue._NAMES)


def test_the_teams_cards_are_found_from_any_folder_of_the_repository(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project / "cards", "lab")
    monkeypatch.chdir(project / "src")
    assert pk.datasets.names()[-1] == "lab"
    assert pk.datasets.card("lab").folder == project / "cards"
    assert len(pk.datasets.load("lab")) == 1797


def test_the_folders_of_a_course_are_separated_as_in_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    write(folders[0], "lab_b")
    write(folders[1], "lab_a")
    monkeypatch.setenv("PROJECTKIT_CARDS", os.pathsep.join(map(str, folders)))
    assert pk.datasets.names()[-2:] == ["lab_a", "lab_b"]


def test_a_course_folder_that_is_not_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROJECTKIT_CARDS", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"PROJECTKIT_CARDS=.*nowhere: no such folder; correct it or unset it"):
        pk.datasets.names()


def test_listing_the_names_imports_no_card(course: Path) -> None:
    (course / "loud.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    assert pk.datasets.names()[-1] == "loud"


def test_helpers_and_subjects_are_no_cards(course: Path) -> None:
    for name in ("_common.py", ".hidden.yaml", "subjects.yaml", "README.md", "flows.csv"):
        (course / name).write_text("", encoding="utf-8")
    assert folders.found() == {}


def test_a_name_that_two_folders_have_is_refused_with_both_files(project: Path, course: Path) -> None:
    write(project / "cards", "lab")
    write(course, "lab")
    with pytest.raises(UserError, match=r"cards/lab\.py and .*course/lab\.py: two cards are called 'lab'; rename one"):
        pk.datasets.card("lab")


def test_a_name_of_ours_is_refused_with_both_files(course: Path) -> None:
    write(course, "digits")
    message = r"digits\.py: 'digits' is a data set of projectkit already \(datasets/cards/digits\.py\); rename it: our_digits\.py"
    with pytest.raises(UserError, match=message):
        pk.datasets.card("digits")


def test_a_name_that_is_not_snake_case_is_refused_with_a_better_one(course: Path) -> None:
    write(course, "Lab-2026")
    with pytest.raises(UserError, match=r"not snake_case.*call it lab_2026"):
        pk.datasets.card("Lab-2026")


def test_a_misspelt_name_of_an_own_card_has_a_nearest_one(course: Path) -> None:
    write(course, "labour")
    with pytest.raises(UserError, match="did you mean 'labour'"):
        pk.datasets.card("labuor")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = (", "cannot be imported (SyntaxError"),
        ("import no_such_module", "cannot be imported (ModuleNotFoundError: No module named 'no_such_module')"),
        ("x = 1", "it defines no CARD"),
        ("CARD = 'lab'", "it defines no CARD"),
        (CARD.format(name="other", title=""), "the card in it is called 'other'; write name=\"lab\""),
    ],
)
def test_a_broken_python_card_is_one_line_with_its_file(course: Path, text: str, message: str) -> None:
    (course / "lab.py").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        pk.datasets.card("lab")
    assert "lab.py: " in str(caught.value)


def test_a_broken_card_leaves_the_others_alone(course: Path) -> None:
    write(course, "good")
    (course / "bad.py").write_text("1 / 0", encoding="utf-8")
    (course / "worse.yaml").write_text("format: [", encoding="utf-8")
    assert [finding.id for finding in pk.datasets.broken()] == ["bad", "worse"]
    assert "good" in pk.datasets.in_store()
    assert pk.datasets.card("good").title == "Ours"


def test_a_python_card_is_read_again_when_its_source_changes(course: Path) -> None:
    path = write(course, "lab")
    before = pk.datasets.card("lab")
    assert pk.datasets.card("lab").digest == before.digest
    write(course, "lab", title="Late")  # the same size, the same second
    after = pk.datasets.card("lab")
    assert after.title == "Late"
    assert after.digest != before.digest
    assert not list(path.parent.glob("__pycache__"))


def test_the_digest_of_a_python_card_does_not_know_line_ends(course: Path) -> None:
    path = write(course, "lab")
    before = pk.datasets.card("lab").digest
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert pk.datasets.card("lab").digest == before


def test_a_python_card_hides_no_module(course: Path) -> None:
    write(course, "json")
    assert pk.datasets.card("json").title == "Ours"
    assert hasattr(sys.modules["json"], "dumps")
