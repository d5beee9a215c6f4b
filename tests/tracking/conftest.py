"""Recorded runs that were never trained, a stub server, and commands typed in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from stub_server import KEY, StubServer, serving
from trackedruns import STEPS, log_steps

from projectkit import cli
from projectkit.runs import RunWriter


@pytest.fixture
def server(loopback: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubServer]:
    """The server that wandb talks to in this test, and a key that it takes."""
    with serving() as stub:
        monkeypatch.setenv("WANDB_BASE_URL", stub.url)
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        yield stub


@pytest.fixture
def recorded(project: Path) -> Callable[..., RunWriter]:
    """A function that writes a run of ten steps; `tracking` is that part of its config."""

    def record(tracking: str = "{wandb: offline}", *, steps: list[int] = STEPS, end: str = "finished") -> RunWriter:
        writer = RunWriter.create(
            project / "runs",
            "demo",
            config_yaml=f"name: demo\nseed: 7\noptimizer: {{init_args: {{lr: 0.01}}}}\ntracking: {tracking}\n",
            command=["projectkit", "train"],
            source=project,
            seed=7,
            data={"name": "dga", "split_digest": "d" * 64},
            resolved={"device": "cpu", "precision": "32-true"},
            monitor={"metric": "val/f1_macro", "mode": "max"},
        )
        log_steps(writer, steps)
        if end != "running":
            best = {"step": 100, "epoch": 2, "val/f1_macro": 0.5}
            (writer.checkpoints / "best.ckpt").write_bytes(b"weights" * 1000)
            writer.update(best=best, last=best)
            writer.finish(end)  # type: ignore[arg-type]
        return writer

    return record


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Done]:
    """Type a command line; it runs in this process."""
    monkeypatch.setenv("PROJECTKIT_STORE", str(tmp_path / "store"))

    def run(line: str, *more: str) -> Done:
        words: list[Any] = [*line.split(), *more]
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["projectkit", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        seen = capsys.readouterr()
        return Done(int(ended.value.code or 0), seen.out, seen.err)

    return run
