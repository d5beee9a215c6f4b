"""A team starts from a subject that the course proposes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from projectkit.cli import main
from projectkit.config import load_config
from projectkit.errors import UserError
from projectkit.scaffold import create_project, find_subject, list_subjects, recorded_answers, subjects

SUBJECTS = """
course: Deep Learning, autumn
subjects:
  - id: families
    title: Which malware made this name?
    question: Can a network tell *which* family made a name?  {{ not Jinja }}
    data: dga
    target: malicious
    baseline: linear, AUC .93
    reading: ["Bader, github.com/baderj", Woodbridge 2016]
    difficulty: medium
    teams: 3
  - {id: connections, title: New attacks, question: Does it find new ones?, data: synthetic_tabular}
"""


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "course"
    folder.mkdir()
    (folder / "subjects.yaml").write_text(SUBJECTS, encoding="utf-8")
    monkeypatch.setenv("PROJECTKIT_CARDS", str(folder))
    return folder


def test_a_project_from_a_subject_starts_with_its_title_its_data_and_its_question(
    course: Path, answers: dict[str, str], tmp_path: Path
) -> None:
    given = {key: value for key, value in answers.items() if key not in {"project_title", "task", "course"}}
    project = create_project(given, tmp_path / "place", subject=find_subject("families"))
    config = load_config(project / "configs" / "train.yaml").config
    assert (config.data.name, config.data.target) == ("dga", "malicious")
    proposal = (project / "docs" / "proposal.md").read_text(encoding="utf-8")
    assert "Can a network tell \\*which\\* family made a name? {{ not Jinja }}" in proposal
    assert "data set: `dga`, target `malicious`" in proposal
    assert "Woodbridge 2016" in proposal
    assert "linear, AUC .93" in proposal
    recorded = recorded_answers(project)
    assert recorded["project_title"] == "Which malware made this name?"
    assert recorded["course"] == "Deep Learning, autumn"
    assert recorded["_data"] == "dga"
    assert "projectkit data info dga" in (project / "docs" / "data_card.md").read_text(encoding="utf-8")


def test_an_answer_that_is_given_goes_before_the_subjects(
    course: Path, answers: dict[str, str], tmp_path: Path
) -> None:
    project = create_project(answers, tmp_path / "place", subject=find_subject("connections"))
    assert recorded_answers(project)["project_title"] == answers["project_title"]
    assert load_config(project / "configs" / "train.yaml").config.data.name == "synthetic_tabular"


def test_without_a_subject_a_project_starts_as_before(answers: dict[str, str], tmp_path: Path) -> None:
    project = create_project(answers, tmp_path / "place")
    config = load_config(project / "configs" / "train.yaml").config
    assert (config.data.name, config.data.target) == ("sms", None)
    assert "Text classification" in (project / "docs" / "proposal.md").read_text(encoding="utf-8")


def test_the_task_follows_from_the_data(course: Path) -> None:
    assert [subject.task for subject in list_subjects()] == ["text-classification", "tabular-classification"]


def test_a_subject_about_series_starts_with_the_librarys_model_for_them(
    course: Path, answers: dict[str, str], tmp_path: Path
) -> None:
    entry = "subjects: [{id: power, title: Power traces, question: Which weight?, data: sca_aligned}]"
    (course / "subjects.yaml").rename(course / "subjects.yml")
    (course / "subjects.yml").write_text(entry, encoding="utf-8")
    given = {key: value for key, value in answers.items() if key != "task"}
    project = create_project(given, tmp_path / "place", subject=find_subject("power"))
    config = load_config(project / "configs" / "train.yaml").config
    assert config.model is not None
    assert (config.data.name, config.model.class_path) == ("sca_aligned", "projectkit.models.SeriesCNN")


def test_the_command_lists_what_the_course_proposes(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["subjects", "--json"])
    assert ended.value.code == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(each["id"], each["teams"]) for each in listed] == [("families", 3), ("connections", None)]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("id: families", "id: Fam ilies", "subjects.yaml:4:5, subjects.0.id: 'Fam ilies' is no id"),
        ("data: dga", "data: dgaa", "subjects.0.data: no data set is called 'dgaa'; did you mean 'dga'?"),
        ("target: malicious", "target: maliciouss", "dga has no target 'maliciouss'; did you mean 'malicious'?"),
        ("difficulty: medium", "difficulty: mediun", "'mediun' is no difficulty; did you mean 'medium'?"),
        ("teams: 3", "teams: 0", "teams is 0; give a whole number from 1 on"),
        ("baseline:", "base_line:", "unknown key 'base_line'; did you mean 'baseline'?"),
        ("    question: Can", "    # question: Can", "this subject has no question"),
        ("Which malware made this name?", "A" * 130, "subjects.0.title: 130 characters are too many"),
        ("reading: [", "reading: [[a], ", "reading is no list of texts"),
        ("id: connections", "id: families", "this id stands in"),
        ("subjects:\n", "subject:\n", "there is no list `subjects:`"),
    ],
)
def test_a_mistake_in_the_file_is_one_line_with_its_place(course: Path, old: str, new: str, words: str) -> None:
    text = SUBJECTS.replace(old, new)
    assert text != SUBJECTS
    (course / "subjects.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        list_subjects()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_file_of_the_documentation_reads_and_its_table_has_every_key(course: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "subjects.md").read_text(encoding="utf-8")
    (course / "subjects.yaml").write_text(page.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    assert [(each.id, each.data, each.target) for each in list_subjects()] == [
        ("smishing", "sms", None),
        ("new_malware", "dga", "malicious"),
    ]
    told = {key for line in page.splitlines() if line.startswith("| `") for key in line.split("|")[1].split("`")[1::2]}
    assert told == {"course", *subjects.KEYS}


def test_an_unknown_subject_is_one_line_with_the_nearest(course: Path) -> None:
    with pytest.raises(UserError, match="no subject has the id 'family'; did you mean 'families'"):
        find_subject("family")


def test_without_a_course_the_line_says_how_one_proposes_subjects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROJECTKIT_CARDS", raising=False)
    with pytest.raises(UserError, match=r"set PROJECTKIT_CARDS=<the course's folder>, which holds a subjects\.yaml"):
        find_subject("families")
