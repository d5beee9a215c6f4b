"""The documentation is true: its commands parse, its keys and directives are the real ones, its examples load, build and run."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

import projectkit as pk
from projectkit import datasets
from projectkit.cli import commands, main
from projectkit.config import Config, config_to_dict, load_config
from projectkit.config.structure import known_keys, schema_of
from projectkit.config.values import described
from projectkit.errors import UserError
from projectkit.poster import build_poster
from projectkit.poster.directives.table import DIRECTIVES
from projectkit.poster.source import reading, sheets
from projectkit.project import Project
from projectkit.runs import RunWriter
from projectkit.scaffold import questions

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
README = REPOSITORY / "README.md"
TEMPLATE_README = REPOSITORY / "template" / "{{checked_folder(cookiecutter)}}" / "README.md"

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`(projectkit [^`]+)`(?!`)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATTERN = re.compile(r" / |\[|\\\||NAME\b.*/")  # an inline code that shows a form, not a command to type
_BASE = "data: {name: digits}\nmodel: {class_path: projectkit.models.CNN}\n"
_PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100"><rect width="200" height="100"/></svg>'


@dataclass(frozen=True)
class Fence:
    """A fenced block: the word behind its first backticks, and its text."""

    language: str
    text: str


def fences(path: Path, language: str | None = None) -> list[Fence]:
    found = [Fence(*match) for match in _FENCE.findall(path.read_text(encoding="utf-8"))]
    return found if language is None else [fence for fence in found if fence.language == language]


def fenced_commands(path: Path) -> list[list[str]]:
    """The words of each line that is typed: `projectkit`, `cookiecutter` or `cd`, in the order of the page."""
    lines = [line for fence in fences(path) if fence.language in ("", "sh") for line in fence.text.splitlines()]
    typed = [re.sub(r"^\.venv[/\\](bin|Scripts)[/\\]", "", line) for line in lines]
    return [
        shlex.split(line, comments=True) for line in typed if line.startswith(("projectkit ", "cookiecutter ", "cd "))
    ]


def inline_commands(path: Path) -> list[list[str]]:
    text = re.sub(r"\{\{.*?\}\}", "X", _FENCE.sub("", path.read_text(encoding="utf-8")))
    return [shlex.split(code) for code in _INLINE.findall(text) if not _PATTERN.search(code)]


def every_command() -> Iterator[tuple[str, list[str]]]:
    for path in [*PAGES, README, TEMPLATE_README]:
        typed = [words for words in fenced_commands(path) if words[0] != "cd"]
        for words in [*typed, *inline_commands(path)]:
            yield f"{path.name}: {shlex.join(words)}", words


def rows(path: Path, first_cell: str) -> list[list[str]]:
    """The cells of every table whose header starts with this cell; backticks stay."""
    found, inside = [], False
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]] if line.startswith("|") else []
        if not cells:
            inside = False
        elif inside and not set(cells[0]) <= set("-: "):
            found.append(cells)
        else:
            inside = inside or cells[0] == first_cell
    return found


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def parsed(words: list[str]) -> click.Context:
    """Let click read a command line as it would be typed, and run nothing."""
    if words[0] == "cookiecutter":
        from cookiecutter.cli import main as cookiecutter

        return cookiecutter.make_context("cookiecutter", words[1:])
    command: click.Command = commands
    rest = words[1:]
    # with its settings: click makes a command's help option once, and keeps it
    context = click.Context(commands, info_name="projectkit", **commands.context_settings)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name, *rest = rest
        assert name in command.commands, f"there is no command {name}"
        command = command.commands[name]
    return command.make_context(words[-1], [*rest], parent=context) if "--help" not in rest else context


COMMANDS = list(every_command())


@pytest.mark.parametrize("words", [words for _, words in COMMANDS], ids=[name for name, _ in COMMANDS])
def test_every_command_of_the_documentation_is_understood(words: list[str]) -> None:
    if words[-1].isupper():  # FOLDER...: one or more
        words = [*words[:-1], words[-1].removesuffix("...")]
    elif words[-1].rstrip("/").endswith("..."):
        words = words[:-1]
    context = parsed(words)
    known = {question.key for question in questions()}
    for setting in [word.partition("=")[0] for word in context.params.get("arguments", ()) if "=" in word]:
        owner = re.sub(r"(init_args|callbacks)\..*", r"\1", setting)
        assert owner in known_keys(), f"{setting} is no key of the config"
    for answer in context.params.get("answers", ()):
        assert answer.partition("=")[0] in known


def test_commands_were_found_on_each_page_that_has_some() -> None:
    pages = {name.partition(":")[0] for name, _ in COMMANDS}
    assert {"first-hour.md", "config.md", "data.md", "poster.md", "index.md", "README.md"} <= pages
    assert len(fenced_commands(TEMPLATE_README)) >= 4


def test_the_table_of_commands_in_the_readme_is_complete() -> None:
    shown = set()
    for row in rows(README, "command"):
        words = re.split(r"[ /]+", named(row[0])[0])[1:]
        group = commands.commands.get(words[0])
        assert group is not None, f"there is no command {words[0]}"
        shown |= (
            {(words[0], name) for name in words[1:] if name.islower()}
            if isinstance(group, click.Group)
            else {(words[0],)}
        )
    real = set()
    for name, command in commands.commands.items():
        real |= {(name, each) for each in command.commands} if isinstance(command, click.Group) else {(name,)}
    assert shown == real


@pytest.mark.parametrize("path", [*PAGES, README, REPOSITORY / "CONTRIBUTING.md"], ids=lambda path: path.name)
def test_every_relative_link_leads_to_a_file(path: Path) -> None:
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    links = [link.partition("#")[0] for link in _LINK.findall(text) if "://" not in link and not link.startswith("#")]
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_index_names_every_page() -> None:
    linked = _LINK.findall((DOCS / "index.md").read_text(encoding="utf-8"))
    assert {page.name for page in DOCS.glob("*.md")} - {"index.md"} <= set(linked)


def leaf_keys() -> list[str]:
    keys = known_keys()
    return [key for key in keys if not any(other.startswith(f"{key}.") for other in keys)]


def default_of(key: str) -> str:
    """As the page writes it: the value in backticks, or `required` for a key that its section must have."""
    value: Any = config_to_dict(Config())
    for part in key.split("."):
        if not isinstance(value, dict):  # in a section that is null unless it is written
            value = {} if part == "init_args" else schema_of(key)[1]
            if value is None:
                return "required"
            break
        value = value[part]
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def test_the_config_page_has_every_key_with_its_type_and_default() -> None:
    shown = {named(row[0])[0]: tuple(row[1:3]) for row in rows(DOCS / "config.md", "key")}
    assert shown == {key: (described(schema_of(key)[0]), default_of(key)) for key in leaf_keys()}


@pytest.mark.parametrize("fence", fences(DOCS / "config.md", "yaml"), ids=lambda fence: fence.text.splitlines()[1][:30])
def test_every_config_of_the_config_page_loads(fence: Fence, tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text(fence.text, encoding="utf-8")
    assert load_config(path).config.data != Config().data


@pytest.mark.parametrize("row", rows(DOCS / "config.md", "setting"), ids=lambda row: row[0])
def test_what_the_config_page_calls_refused_is_refused_in_these_words(row: list[str], tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text(_BASE, encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(row[1])) as caught:
        load_config(path, named(row[0]))
    assert "command line" in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lit", "points"])
def test_the_classes_of_the_config_page_are_trained(
    name: str, project: Path, team_file: Callable[[str, str], None]
) -> None:
    blocks = fences(DOCS / "config.md")
    at = next(number for number, block in enumerate(blocks) if f"team.{name}." in block.text)
    assert blocks[at - 1].language == "python"
    team_file(name, blocks[at - 1].text)
    path = project / "configs" / "own.yaml"
    path.write_text(blocks[at].text, encoding="utf-8")
    run = pk.train(path, ["tracking.wandb=disabled", "trainer.accelerator=cpu"])
    assert run.status == "finished"
    assert pk.evaluate(run).document["metrics"]["accuracy"]["value"] > 0.4


@pytest.mark.parametrize("name", datasets.names())
def test_the_data_page_says_of_each_set_what_its_card_says(name: str) -> None:
    card = datasets.card(name)
    (row,) = [row for row in rows(DOCS / "data.md", "name") if named(row[0]) == [name]]
    assert row[1] in card.description
    assert set(card.targets) <= set(named(row[3]))
    assert named(row[3])[0] == card.default_target
    splits = {
        (target, named(row[2])[0])
        for row in rows(DOCS / "data.md", "data set")
        if named(row[0]) == [name]
        for target in named(row[1])
    }
    assert splits == {(target, value.split) for target, value in card.targets.items()}
    assert all(
        f"{card.mirror_folder}/{file.name}\n" in (DOCS / "data.md").read_text(encoding="utf-8") for file in card.files
    )


@pytest.mark.parametrize("name", [name for name in datasets.names() if not datasets.card(name).files])
def test_the_counts_of_the_data_page_are_those_of_the_samples(name: str) -> None:
    (row,) = [row for row in rows(DOCS / "data.md", "name") if named(row[0]) == [name]]
    assert row[1] == f"{len(datasets.load(name)):,}"


def test_the_readme_lists_every_data_set_with_its_count() -> None:
    table = rows(README, "name")
    assert [name for row in table for name in named(row[0])] == datasets.names()
    for row in table:
        count = re.match(r"[\d,]+", row[1])
        if count is not None:
            (name,) = named(row[0])
            assert count[0] in datasets.card(name).description
            if not datasets.card(name).files:
                assert count[0] == f"{len(datasets.load(name)):,}"


@pytest.mark.parametrize("fence", fences(DOCS / "data.md", "python"), ids=["example"])
def test_the_python_of_the_data_page_runs(fence: Fence, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(fence.text, "data.md", "exec"), {})
    assert "stratified" in capsys.readouterr().out


@pytest.fixture
def team(project: Path) -> Project:
    """A project with two evaluated runs, `linear` and the later `ours`, and a picture in the poster's folder."""
    found = Project(root=project)
    for number, name in enumerate(["linear", "ours"]):
        writer = RunWriter.create(found.runs, name, config_yaml=f"name: {name}\n", command=["projectkit", "train"])
        for step in range(0, 100, 10):
            writer.log(step, step // 50, {"train/loss": 2.0 / (1 + step), "val/loss": 2.2 / (1 + step)})
        value = {"value": 0.8 + 0.1 * number, "low": 0.75, "high": 0.95, "method": "bca"}
        counts = [[90, 5, 5], [10, 80, 10], [0, 20, 80]]
        metrics = dict.fromkeys(("f1_macro", "accuracy", "auroc"), value)
        document = {"n": 300, "class_names": ["ham", "smishing", "spam"], "metrics": metrics, "confusion": counts}
        writer.write_evaluation("val", document)
        layer = {
            "name": "head",
            "type": "Linear",
            "about": "8 → 3",
            "input": [8],
            "output": [3],
            "parameters": 27,
            "source": 0,
        }
        writer.write_model({"type": "Net", "parameters": 27, "input": [8], "output": [3], "layers": [layer]})
        writer.finish("finished")
    (project / "poster" / "sections").mkdir(parents=True)
    (project / "poster" / "figures").mkdir()
    (project / "poster" / "figures" / "pipeline.svg").write_text(_PICTURE, encoding="utf-8")
    return found


@pytest.mark.parametrize("fence", fences(DOCS / "poster.md", "markdown"), ids=lambda fence: fence.text.splitlines()[0])
def test_every_example_of_the_poster_page_builds(fence: Fence, team: Project) -> None:
    (head,) = fences(DOCS / "poster.md", "yaml")
    text = fence.text if fence.text.startswith("# ") else f"# What we found\n\n{fence.text}"
    (team.root / "poster" / "poster.yaml").write_text(head.text, encoding="utf-8")
    (bibliography,) = fences(DOCS / "poster.md", "bibtex")
    (team.root / "poster" / "references.bib").write_text(bibliography.text, encoding="utf-8")
    (team.root / "poster" / "sections" / "10.md").write_text(text, encoding="utf-8")
    built = build_poster(team.root / "poster", team)
    assert built.pdf.read_bytes().startswith(b"%PDF")
    assert not [warning for warning in built.warnings if "empty" not in warning]


def test_the_poster_page_has_every_directive_and_every_key() -> None:
    shown = {named(row[0])[0]: tuple(named(row[1])) for row in rows(DOCS / "poster.md", "directive")}
    assert shown == {name: keys for name, (keys, _) in DIRECTIVES.items()}
    text = "".join(fence.text for fence in fences(DOCS / "poster.md", "markdown"))
    assert all(f":::{{{name}}}" in text for name in DIRECTIVES)
    assert {named(row[0])[0] for row in rows(DOCS / "poster.md", "key")} == set(reading._KEYS)
    sizes = next(row for row in rows(DOCS / "poster.md", "key") if named(row[0]) == ["size"])
    assert set(sheets.SHEETS) <= set(named(sizes[2]))


def on_generated_data(words: list[str]) -> list[str]:
    """The page trains on real messages; generated ones need no network and fewer seconds."""
    if words[0] in ("check", "baseline"):
        return [*words, "data.name=synthetic_text"]
    if words[0] != "train" or "configs/smoke.yaml" in words:
        return words
    epochs = [] if any(word.startswith("trainer.max_epochs=") for word in words) else ["trainer.max_epochs=2"]
    return [*words, "data.name=synthetic_text", "tracking.wandb=disabled", *epochs]


@pytest.mark.slow
def test_the_first_hour_can_be_lived_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (DOCS / "first-hour.md").read_text(encoding="utf-8").partition("## When it goes wrong")[0]
    hour = tmp_path / "hour.md"
    hour.write_text(page, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROJECTKIT_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("PROJECTKIT_MIRROR", raising=False)
    lived = []
    for words in fenced_commands(hour):
        if words[0] == "cd":
            monkeypatch.chdir(words[1])
            continue
        lived.append(words[1])
        monkeypatch.setattr(sys, "stdin", io.StringIO("\n" * 20))  # Enter at every question of `new`
        with pytest.raises(SystemExit) as ended:
            main(on_generated_data(words[1:]))
        assert ended.value.code == 0, f"{shlex.join(words)}: {capsys.readouterr().err}"
    looked = ["runs", "runs", "evaluate", "baseline"]
    assert lived == ["new", "doctor", "train", "check", "train", "train", *looked, "runs", "poster"]
    assert (Path.cwd() / "poster" / "build" / "poster.pdf").is_file()
    assert len(list((Path.cwd() / "results").glob("2*/evaluation/val.json"))) == 1
    assert os.fspath(Path.cwd()).endswith("phishing-by-sms")
