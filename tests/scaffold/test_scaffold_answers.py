from __future__ import annotations

from pathlib import Path

import pytest

from projectkit.errors import UserError
from projectkit.scaffold import create_project, questions
from projectkit.scaffold.answers import CHOICES, KEYS, check, check_answer, parse_members
from projectkit.scaffold.names import default_package, default_slug

BAD = [
    ("project_slug", "../outside", "cannot name a folder"),
    ("project_slug", "/tmp/outside", "cannot name a folder"),
    ("project_slug", "C:\\outside", "cannot name a folder"),
    ("project_slug", "a/b/c", "cannot name a folder"),
    ("project_slug", "a" * 300, "300 characters"),
    ("project_slug", "watch-\N{ROCKET}", "cannot name a folder"),
    ("project_slug", "Watch", "for example 'watch'"),
    ("project_slug", "7days", "a letter first"),
    ("project_slug", "watch-", "cannot name a folder"),
    ("project_slug", "nul", "device on Windows"),
    ("project_slug", "torch", "a distribution that projects install"),
    ("project_slug", "scikit-learn", "a distribution that projects install"),
    ("project_slug", "dl_projectkit", "a distribution that projects install"),
    ("package_name", "class", "keyword of Python"),
    ("package_name", "json", "standard module"),
    ("package_name", "torch", "package of the field"),
    ("package_name", "sklearn", "package of the field"),
    ("package_name", "projectkit", "package of the field"),
    ("package_name", "tests", "taken by a folder"),
    ("package_name", "com1", "device on Windows"),
    ("package_name", "domain-watch", "for example 'domain_watch'"),
    ("package_name", "domain.watch", "cannot name a package"),
    ("package_name", "_private", "a letter first"),
    ("package_name", "wörter", "for example 'worter'"),
    ("package_name", "a" * 300, "300 characters"),
    ("project_title", "", "is empty"),
    ("project_title", "   ", "is empty"),
    ("project_title", " Watch", "white space around"),
    ("project_title", "a" * 300, "at most 120"),
    ("project_title", "one\ntwo", "U+000A"),
    ("project_title", "bell \a", "U+0007"),
    ("project_title", "a\x7fb", "U+007F"),
    ("project_title", "turned \u202e round", "U+202E"),
    ("project_title", "line\u2028end", "U+2028"),
    ("project_title", "half \ud800", "U+D800"),
    ("project_title", "{{ 7 * 7 }}", "template expression"),
    ("team_name", "{% raw %}", "template expression"),
    ("course", "{# hidden #}", "template expression"),
    ("team_name", "\x00", "U+0000"),
    ("team_members", "Ada Lovelace", "Name <mail>"),
    ("team_members", "Ada <ada>", "'ada' is not a mail address"),
    ("team_members", "Ada <ada@example>", "not a mail address"),
    ("team_members", "Ada <ada..b@example.org>", "not a mail address"),
    ("team_members", "<ada@example.org>", "Name <mail>"),
    ("team_members", ";", "no member"),
    ("team_members", "Ada <ada@example.org>, Alan <alan@example.org>", "Name <mail>"),
    ("task", "classification", "text-classification"),
    ("compute", "cloud", "laptop, colab, slurm"),
    ("wandb", "off", "offline, online, disabled"),
    ("license", "GPL", "private-coursework, MIT, Apache-2.0"),
    ("projectkit_source", "projectkit", "neither a git source nor a wheel"),
    ("projectkit_source", "dl-projectkit", "neither a git source nor a wheel"),
    ("projectkit_source", "dl-projectkit==0.1.0", "neither a git source nor a wheel"),
    ("projectkit_source", "torch @ git+https://example.org/t.git", "'torch' is not dl-projectkit"),
    ("projectkit_source", "git+https://example.org/course/kit.git", "names no tag or commit"),
    ("projectkit_source", "git+ssh://git@example.org/course/kit.git", "names no tag or commit"),
    ("projectkit_source", "ftp://example.org/a.whl", "none of the forms"),
    ("projectkit_source", "dl_projectkit-9.9-py3-none-any.whl", "no such wheel"),
    ("__folder", "../outside", "private to the template"),
    ("_extensions", "os.system", "private to the template"),
    ("_template", "elsewhere", "private to the template"),
    ("project_titel", "Watch", "did you mean 'project_title'?"),
]


@pytest.mark.parametrize(("key", "value", "said"), BAD, ids=lambda value: ascii(value)[1:40])
def test_a_bad_answer_gets_one_line_and_leaves_nothing(
    key: str, value: str, said: str, answers: dict[str, str], tmp_path: Path
) -> None:
    output = tmp_path / "deep" / "output"
    with pytest.raises(UserError) as caught:
        create_project({**answers, key: value}, output)
    line = str(caught.value)
    assert said in line
    assert key in line
    assert line.isprintable()
    assert len(line) < 400
    assert not output.exists()
    assert list(tmp_path.rglob("*")) in ([], [tmp_path / "deep"])


GOOD = [
    ("project_title", 'L\'été: «DGA» #1 — "x" & <y> 100 % \\o/'),
    ("project_title", "Обнаружение доменов"),
    ("project_title", "域名检测"),
    ("project_title", "Emoji are fine in a title \N{ROCKET}"),
    ("project_slug", "a"),
    ("project_slug", "domain_watch-2"),
    ("package_name", "match"),  # a word of the grammar, but no keyword
    ("team_members", "Zoë O'Brien-Ünal <zoe.o'brien+dl@mail.example.org>"),
    ("team_members", "A <a@b.org>; B <b@b.org>; C <c@b.org>;"),
    ("team_members", "李小龙 <li@example.org>"),
    ("projectkit_source", "auto"),
    ("projectkit_source", "git+https://example.org/course/projectkit.git@v1"),
    ("projectkit_source", "git+https://example.org/course/projectkit.git@release/1.0"),
    ("projectkit_source", "dl-projectkit @ git+ssh://git@example.org/course/projectkit.git@0123abc"),
    ("projectkit_source", "DL_Projectkit @ https://example.org/dl_projectkit-0.1.0-py3-none-any.whl"),
]


@pytest.mark.parametrize(("key", "value"), GOOD)
def test_an_unusual_but_fine_answer_is_taken(key: str, value: str) -> None:
    check_answer(key, value)


def test_an_answer_that_is_not_text_is_refused(answers: dict[str, str]) -> None:
    with pytest.raises(UserError, match="not text"):
        check({**answers, "project_title": 7})  # type: ignore[dict-item]


def test_members_are_read_in_their_order() -> None:
    members = parse_members("Ada Lovelace <ada@example.org> ;  Alan <alan@example.org>;")
    assert [(member.name, member.mail) for member in members] == [
        ("Ada Lovelace", "ada@example.org"),
        ("Alan", "alan@example.org"),
    ]


TITLES = [
    "Torch",
    "class",
    "2048",
    "\N{ROCKET}",
    "JSON",
    "con",
    "x" * 120,
    "Обнаружение доменов",
    "scikit learn",
    "a-" * 60,
]


@pytest.mark.parametrize("title", TITLES)
def test_what_is_proposed_for_a_title_is_accepted(title: str) -> None:
    proposed = {question.key: question.default for question in questions({"project_title": title})}
    check(proposed)


@pytest.mark.parametrize("text", ["", "-", "9", "torch", "None", "__init__", "a" * 300, "sklearn-" * 9])
def test_default_names_keep_their_own_rules(text: str) -> None:
    check_answer("project_slug", default_slug(text))
    check_answer("package_name", default_package(text))


def test_questions_come_in_the_templates_order_with_their_choices() -> None:
    asked = questions()
    assert tuple(question.key for question in asked) == KEYS
    assert {question.key: set(question.choices) for question in asked if question.choices} == {
        key: set(choices) for key, choices in CHOICES.items()
    }
    assert all(question.prompt for question in asked)


def test_a_given_choice_becomes_the_default_and_keeps_the_others() -> None:
    task = next(question for question in questions({"task": "image-classification"}) if question.key == "task")
    assert task.default == "image-classification"
    assert set(task.choices) == set(CHOICES["task"])


def test_a_missing_answer_is_named(answers: dict[str, str]) -> None:
    del answers["course"]
    with pytest.raises(UserError, match=r"^course: this answer is missing"):
        check(answers)


def test_a_folder_that_exists_is_left_alone(answers: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "domain-watch").mkdir()
    (tmp_path / "domain-watch" / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match="exists already"):
        create_project(answers, tmp_path)
    assert (tmp_path / "domain-watch" / "thesis.txt").read_text(encoding="utf-8") == "mine"
