"""What the record of a real training holds, and what it does for one that is gone on with."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from pytorch_lightning.callbacks import Callback

from projectkit.errors import UserError
from projectkit.project import require_project
from projectkit.runs import list_runs
from projectkit.runs.code import code_digest
from projectkit.training import session, train
from projectkit.training.signals import StoppedError

SECRET = "correct-horse-battery"


class At(Callback):
    """Does something when a step is done."""

    def __init__(self, step: int, what: Callable[[], None]) -> None:
        self.step = step
        self.what = what

    def on_train_batch_start(self, trainer, *args) -> None:
        if trainer.global_step == self.step:
            self.step = -1
            self.what()


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callback], None]:
    """Put a callback before those of the training."""

    def put(callback: Callback) -> None:
        real = session.Session._callbacks
        monkeypatch.setattr(session.Session, "_callbacks", lambda self: [callback, *real(self)])

    return put


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")
def test_a_run_whose_config_holds_a_secret_is_gone_on_with_by_who_knows_it(config: Path, beside, monkeypatch) -> None:
    monkeypatch.setenv("TEAM_API_KEY", SECRET)
    overrides = [f"name=small {SECRET}", "tracking.wandb=offline", "tracking.group=a group"]
    beside(At(5, lambda: os.kill(os.getpid(), signal.SIGINT)))
    with pytest.raises(StoppedError):
        train(config, overrides)
    (run,) = list_runs(require_project())
    assert list(run.path.glob("wandb/*/*.wandb"))
    small = [path for path in run.path.rglob("*") if path.is_file() and path.suffix != ".ckpt"]
    assert [path.name for path in small if SECRET.encode() in path.read_bytes()] == []
    with pytest.raises(UserError, match=r"the record holds \*\*\* in the place of a secret"):
        train(run.path / "config.yaml", resume=run.id)
    with pytest.raises(UserError, match=r"name \(small \*\*\*, now other\)"):
        train(config, ["name=other"], resume=run.id)
    monkeypatch.delenv("TEAM_API_KEY")  # it is masked in the record still
    assert train(config, overrides, resume="auto").id == run.id


def test_a_training_records_its_code_its_memory_and_its_process(config: Path, project: Path, monkeypatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.parent))
    run = train(config, ["trainer.max_epochs=1"])
    assert run.part("git")["reason"] == "not a git repository, or one that git refuses to read"
    assert run.record["code_digest"] == code_digest(project, "team")
    assert run.part("source")["files"] >= 2
    assert re.fullmatch(r"[0-9a-f]{64}", run.part("source")["sha256"])
    assert run.part("memory")["peak_mib"] > 100
    process = json.loads((run.path / "sessions" / "0001" / "process.json").read_text(encoding="utf-8"))
    assert process["pid"] == os.getpid()
    rows = run.metrics()
    assert len({row["step"] for row in rows}) == len(rows)
