"""The page on comparisons is true: its commands are typed in its order, and what it says of their output is there."""

from __future__ import annotations

import io
import re
import shlex
import sys
from pathlib import Path

import pytest

from projectkit.cli import main

PAGE = Path(__file__).resolve().parents[1] / "docs" / "comparison.md"
_FENCE = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_MADE_UP = ["data.name=synthetic_text", "tracking.wandb=disabled", "trainer.max_epochs=1"]


def commands() -> list[list[str]]:
    """The words of each line of the page that is typed, in its order."""
    lines = "".join(_FENCE.findall(PAGE.read_text(encoding="utf-8"))).splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines]


def on_made_up_data(words: list[str]) -> list[str]:
    """The page trains on real messages for three epochs; made-up ones need no network and one."""
    kept = [word for word in words if not word.startswith("trainer.max_epochs=")]
    return [*kept, *_MADE_UP] if words[0] in ("train", "baseline") else kept


@pytest.mark.slow
def test_the_commands_of_the_page_lead_from_a_baseline_to_a_comparison_over_seeds_and_folds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROJECTKIT_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("PROJECTKIT_MIRROR", raising=False)

    def type_in(words: list[str]) -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO("\n" * 20))  # Enter at every question of `new`
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(words)
        seen = capsys.readouterr()
        assert not ended.value.code, f"{shlex.join(words)}: {seen.err}"
        return seen.out

    type_in(["new", "project_title=Phishing by SMS"])
    monkeypatch.chdir(tmp_path / "phishing-by-sms")
    said = [type_in(on_made_up_data(words)) for words in commands()]
    compared = [
        " ".join(out.split()) for words, out in zip(commands(), said, strict=True) if words[:2] == ["runs", "compare"]
    ]
    assert len(compared) == 4
    assert "linear" in compared[0]
    assert "was trained once" in compared[0]
    assert "narrow (3 seeds)" in compared[1]
    assert "wide (3 seeds)" in compared[1]
    assert "cannot go under p = .25 by sign flips" in compared[1]
    assert "corrected for 3 pairs (Holm)" in compared[2]
    assert "wide-folds (3 folds) has a mean macro F1 of" in compared[3]
    assert len(list(Path("ledger").glob("*.json"))) == 1
