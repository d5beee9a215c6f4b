"""The page on publishing a data set is true: its commands are typed in its order, its cards load, its table has every key."""

from __future__ import annotations

import io
import random
import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

import projectkit as pk
from projectkit.cli import main
from projectkit.datasets.own.description import Description

PAGE = Path(__file__).resolve().parents[1] / "docs" / "publish-data.md"
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def fences(language: str) -> list[str]:
    return [text for found, text in _FENCE.findall(PAGE.read_text(encoding="utf-8")) if found == language]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """A function that types a line of the page, with its absolute folders below a temporary one."""
    monkeypatch.setenv("PROJECTKIT_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("PROJECTKIT_MIRROR", raising=False)

    def run(line: str) -> str:
        words = shlex.split(line.replace("/srv/", f"{tmp_path.as_posix()}/srv/"), comments=True)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            monkeypatch.setenv(name, value)
            return ""
        assert words[0] == "projectkit", line
        monkeypatch.setattr(sys, "stdin", io.StringIO("\n" * 20))  # Enter at every question
        on_small_machines = ["trainer.max_epochs=1", "tracking.wandb=disabled"] if words[1] == "train" else []
        with pytest.raises(SystemExit) as ended:
            main([*words[1:], *on_small_machines])
        seen = capsys.readouterr()
        assert not ended.value.code, f"{line}: {seen.err}"
        return seen.out

    return run


@pytest.mark.slow
def test_the_commands_of_the_page_publish_a_set_that_a_team_trains_on(
    typed: Callable[[str], str], config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff, team = tmp_path / "srv" / "staff" / "labels", config.parents[1]
    (tmp_path / "srv" / "course").mkdir(parents=True)
    staff.mkdir(parents=True)
    draw = random.Random(6)
    lines = ["seconds,bytes,protocol,host,label"]
    for n in range(400):
        label = draw.choice(["benign", "scan"])
        lines.append(
            f"{draw.gauss(2 * (label == 'scan'), 1):.4f},{draw.randrange(999)},{draw.choice(['tcp', 'udp'])},h{n % 50},{label}"
        )
    (staff / "flows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    asked = [line for text in fences("sh") for line in text.splitlines()]
    done = []
    for line in asked:
        monkeypatch.chdir(staff if " new " in line else team)
        out = typed(line)
        done.append(" ".join(line.split()[1:3]))
        if " verify " in line:  # the team has the mirror alone
            assert "as the card says" in out
            assert pk.datasets.card("flows").folder == tmp_path / "srv" / "course" / "mirror" / "cards"
            assert not list((tmp_path / "srv" / "course").rglob("*labels*"))
    assert {"data new", "data list", "data info", "data report", "data export", "data verify"} <= set(done)
    assert done[-1] == "evaluate latest"
    web = (tmp_path / "srv" / "course" / "web" / "open_flows.yaml").read_text(encoding="utf-8")
    assert "https://example.org/course/flows.csv" in web


def test_the_card_in_python_reads_the_file_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROJECTKIT_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("PROJECTKIT_CARDS", str(tmp_path))
    (log,) = [text for text in fences("text") if "sshd" in text]
    (card,) = fences("python")
    (tmp_path / "auth.log").write_text(log, encoding="utf-8", newline="\n")
    (tmp_path / "auth_log.py").write_text(card, encoding="utf-8")
    samples = pk.datasets.load("auth_log")
    assert samples.x[1] == "sshd: Failed password for root"
    assert samples.y["attack"].tolist() == [0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 0]
    assert samples.group is not None
    assert sorted(set(samples.group.tolist())) == ["db1", "mail", "web1", "web2"]


def test_the_table_of_the_page_has_every_key() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| key | meaning |")[2].partition("\n\n")[0]
    shown = [key for row in table.splitlines()[2:] for key in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(shown) == sorted(each.name for each in fields(Description))


def test_the_questions_of_the_page_are_those_that_are_asked() -> None:
    source = (PAGE.parents[1] / "projectkit" / "cli" / "newdata.py").read_text(encoding="utf-8")
    (asked,) = [text for text in fences("text") if text.startswith("Name (")]
    for line in asked.splitlines():
        question = line.rpartition(" [")[0].partition(" (-")[0]
        assert f'"{question}' in source, question
