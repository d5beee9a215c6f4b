"""`projectkit sync` as it is typed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from stub_server import StubServer
from trackedruns import STEPS

from projectkit.runs import RunWriter


def test_sync_takes_every_run_but_those_that_are_not_to_be_tracked(
    typed: Callable[..., Any], recorded: Callable[..., RunWriter], server: StubServer
) -> None:
    runs = [recorded(), recorded("{wandb: disabled}"), recorded(end="failed")]
    shown = typed("sync --dry-run")
    assert [line.split()[0] for line in shown.out.splitlines()] == [runs[0].id, runs[2].id]
    assert "10 rows; best checkpoint, 0.0 MiB" in shown.out
    assert not server.requests
    (row,) = json.loads(typed("sync --status failed --json").out)
    assert (row["run"], row["uploaded"], row["problem"]) == (runs[2].id, True, None)
    done = typed("sync")
    assert done.out == f"{runs[0].id}  {server.url}/me/project/runs/{runs[0].id}\n"
    assert {key[2] for key in server.runs} == {runs[0].id, runs[2].id}
    assert typed("sync").err == "everything is uploaded\n"
    # named, a run that was not to be tracked goes too
    assert typed(f"sync {runs[1].id}").status == 0
    assert server.runs["me", "project", runs[1].id].steps == STEPS


def test_one_line_says_why_nothing_could_be_sent_and_the_next_run_is_not_tried(
    typed: Callable[..., Any], recorded: Callable[..., RunWriter], server: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _second = recorded(), recorded()
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    done = typed("sync")
    assert done.status == 1
    assert done.err == (f"failed: {first.id}: {server.url} does not take the key; type `wandb login --relogin`\n")


def test_a_copy_that_was_kept_is_left_to_the_machine_that_trained_it(
    typed: Callable[..., Any], recorded: Callable[..., RunWriter]
) -> None:
    writer = recorded()
    assert typed(f"runs keep {writer.id}").status == 0
    shutil.rmtree(writer.path)
    assert typed("sync").err == "everything is uploaded\n"
    done = typed(f"sync {writer.id}")
    assert done.status == 2
    assert "a copy that was kept; type `projectkit sync` on the machine that trained it" in done.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sync nosuchrun", "no run 'nosuchrun'"),
        ("sync --status done", "invalid value for '--status'"),
        ("sync --deadlin 3", "did you mean --deadline?"),
    ],
)
def test_a_mistyped_sync_is_one_line(
    typed: Callable[..., Any], recorded: Callable[..., RunWriter], line: str, message: str
) -> None:
    recorded()
    done = typed(line)
    assert done.status == 2
    assert message in done.err
    assert done.err.count("\n") == 1
