"""`projectkit data new`: from a file to a card that is listed, looked at, trained on; questions, refusals, withheld labels."""

from __future__ import annotations

import io
import json
import random
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from clityped import Typed
from PIL import Image

TRAIN = "train data.name=flows trainer.max_epochs=1"


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    """A file of 240 rows, outside the project."""
    draw = random.Random(5)
    lines = ["seconds,bytes,protocol,host,label"]
    for _ in range(240):
        label = draw.choice(["benign", "scan"])
        values = f"{draw.gauss(3 * (label == 'scan'), 1):.4f},{draw.randrange(999)},{draw.choice(['tcp', 'udp'])}"
        lines.append(f"{values},h{draw.randrange(50)},{label}")
    path = tmp_path / "raw" / "flows.csv"
    path.parent.mkdir()
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_guesses_alone_make_a_card_that_is_listed_and_whole(typed: Typed, project: Path, flows: Path) -> None:
    done = typed("data new --no-input", str(flows))
    assert done.status == 0, done.err
    assert done.out.splitlines()[-2:] == ["cards/flows.yaml", "cards/flows.csv"]
    assert "next: projectkit data info flows, then projectkit train data.name=flows" in done.err
    (row,) = [line for line in typed("data list").out.splitlines() if line.startswith("flows ")]
    assert re.search(r"tabular: 2 classes .* KiB .* yes .* Flows \(cards/flows\.yaml\)", row)
    assert typed("data verify flows").status == 0
    assert "by_group" in typed("data info flows").out


@pytest.mark.slow
def test_what_was_written_is_trained_on(typed: Typed, config: Path, flows: Path) -> None:
    assert typed("data new --no-input", str(flows)).status == 0
    done = typed(TRAIN)
    assert done.status == 0, done.err
    assert typed("evaluate latest").status == 0


def test_answers_go_before_guesses_and_a_wrong_one_is_asked_again(
    typed: Typed, project: Path, flows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ["Our-Flows", "our_flows", "lable", "", "label", "-", "-", "-", "MIT"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(answers) + "\n"))
    done = typed("data new", str(flows), "--title", "Flows of our lab")
    assert done.status == 0, done.err
    assert "call it our_flows" in done.err
    assert "no column 'lable'; did you mean 'label'?" in done.err
    assert "'label' is the label, and cannot be the input" in done.err
    text = (project / "cards" / "our_flows.yaml").read_text(encoding="utf-8")
    assert "title: Flows of our lab\n" in text
    assert "split: stratified" in text
    assert "licence: MIT" in text


def test_json_has_the_files_and_the_findings(typed: Typed, project: Path, flows: Path) -> None:
    document = json.loads(typed("data new --no-input --json", str(flows)).out)
    assert document["name"] == "flows"
    assert [Path(file).name for file in document["files"]] == ["flows.yaml", "flows.csv"]
    assert {finding["id"] for finding in document["findings"]} >= {"flows/split", "flows/licence"}


def test_nothing_is_written_over_without_force(typed: Typed, project: Path, flows: Path) -> None:
    assert typed("data new --no-input", str(flows)).status == 0
    assert typed("data new --no-input", str(flows)).line.endswith(
        "cards/flows.yaml: there is such a file already; write over it with --force, or choose another --name"
    )
    assert typed("data new --no-input --force", str(flows)).status == 0
    (project / "cards" / "flows.yaml").rename(project / "cards" / "flows.yml")
    done = typed("data new --no-input --force", str(flows))
    assert done.status == 2
    assert "cards/flows.yml: the card stands there in another form; remove it, or choose another --name" in done.err
    (project / "cards" / "flows.yml").unlink()
    (project / "cards" / "flows.csv").write_text("mine", encoding="utf-8")
    assert "cards/flows.csv: there is such a file already" in typed("data new --no-input", str(flows)).line
    assert (project / "cards" / "flows.csv").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--name digits", "there is a data set 'digits' already; choose another: --name our_digits"),
        ("--name Flows", "'Flows' is not snake_case"),
        ("--label attack", "no column 'attack'"),
        ("--withhold 1.5", "1.5 is not in the range"),
        ("nowhere.csv", "nowhere.csv: no such file"),
    ],
)
def test_what_cannot_be_done_is_one_line(typed: Typed, project: Path, flows: Path, words: str, message: str) -> None:
    assert message in typed(f"data new --no-input {words}", str(flows)).line
    assert not list(project.glob("cards/*"))


def test_a_file_has_the_address_that_it_will_have(typed: Typed, project: Path, flows: Path) -> None:
    assert typed("data new --no-input --url https://example.org/course/", str(flows)).status == 0
    assert "https://example.org/course/flows.csv" in typed("data info flows --json").out


def test_a_folder_of_pictures_becomes_one_archive(typed: Typed, project: Path, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    for kind, low in (("bright", 150), ("dark", 0)):
        for number in range(20):
            path = tmp_path / "raw" / "Night Sky" / kind / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draw.integers(low, low + 100, (9, 7, 3), dtype=np.uint8)).save(path)
    done = typed("data new --no-input", str(tmp_path / "raw" / "Night Sky"))
    assert done.status == 0, done.err
    assert done.out.splitlines()[-2:] == ["cards/night_sky.yaml", "cards/night_sky.zip"]
    assert "bright" in typed("data info night_sky").out


@pytest.mark.slow
def test_teams_work_without_the_withheld_labels_and_the_staff_evaluate(
    typed: Typed, config: Path, flows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = typed("data new --no-input --withhold 0.2 --group -", str(flows))
    assert done.status == 0, done.err
    assert f"keep {flows.parent.as_posix()}/flows.labels.csv to yourself" in done.err
    assert typed(TRAIN.replace("max_epochs=1", "max_epochs=15")).status == 0  # some 30 steps: two leave it to chance
    assert typed("evaluate latest").status == 0
    assert "withheld" in typed("evaluate latest --subset test").line
    monkeypatch.setenv("PROJECTKIT_LABELS", str(flows.parent))
    done = typed("evaluate latest --subset test --json")
    assert done.status == 0, done.err
    document = json.loads(done.out)
    assert document["n"] == 48
    assert document["metrics"]["accuracy"]["value"] > 0.6
