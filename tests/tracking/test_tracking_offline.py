"""What a team logs itself is read from W&B's offline files, as far as they are whole."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stub_server import StubServer
from trackedruns import STEPS, log_steps

from projectkit.runs import RunWriter
from projectkit.runs.sync import SESSION, Target, Uploading
from projectkit.runs.sync.offline import records, team_data, wait_for_end


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """A function that writes an offline file as a session of a training does; returns its folder."""
    import wandb

    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path))

    def log(writer: RunWriter, rows: dict[int, dict[str, Any]], *, goes_on_from: float | None = None) -> Path:
        settings = wandb.Settings(silent=True, console="off", x_disable_stats=True)
        run = wandb.init(id=writer.id, dir=writer.path, mode="offline", reinit="create_new", settings=settings)
        folder = Path(run.settings.sync_dir)
        (folder / SESSION).write_text(json.dumps({"goes_on_from": goes_on_from or time.time()}), encoding="utf-8")
        for step, values in rows.items():
            run.log(values, step=step)
        run.finish()
        wait_for_end(writer.path)
        return folder

    yield log
    wandb.teardown()


def test_a_torn_file_is_read_up_to_where_it_is_torn(
    recorded: Callable[..., RunWriter], logged: Callable[..., Path]
) -> None:
    writer = recorded()
    # longer than a block of 32 KiB, so records are cut in parts
    folder = logged(writer, {step: {"team/x": step, "text": "long " * 3000} for step in range(20)})
    (path,) = folder.glob("*.wandb")
    whole = path.read_bytes()
    assert list(team_data(writer.path, set()).rows) == list(range(20))
    for end in (0, 5, 7, 20, len(whole) // 2, len(whole) - 3):
        path.write_bytes(whole[:end])
        steps = list(team_data(writer.path, set()).rows)
        assert steps == list(range(len(steps)))
        assert len(steps) < 20 or end > len(whole) // 2
    path.write_bytes(b"something else entirely" * 100)
    assert list(records(path)) == []


def test_what_a_resumed_session_did_again_is_taken_once(
    recorded: Callable[..., RunWriter], logged: Callable[..., Path]
) -> None:
    writer = recorded(end="running")
    killed = logged(writer, {40: {"team/x": 1}, 50: {"team/x": 2}, 60: {"team/x": 3}})
    (path,) = killed.glob("*.wandb")
    stamps = {
        row.history.step.num: json.loads(item.value_json)
        for row in records(path)
        if row.WhichOneof("record_type") == "history"
        for item in row.history.item
        if "_timestamp" in (item.key, *item.nested_key)
    }
    # the checkpoint was written between the last two, and the next session starts from it
    again = writer.path / "wandb" / "offline-run-99991231_000000-x"
    again.mkdir()
    checkpoint = (stamps[50] + stamps[60]) / 2
    (again / SESSION).write_text(json.dumps({"goes_on_from": checkpoint}), encoding="utf-8")
    assert team_data(writer.path, set()).rows == {40: {"team/x": 1}, 50: {"team/x": 2}}


def test_what_the_team_logged_lies_at_its_steps_beside_ours(
    server: StubServer, recorded: Callable[..., RunWriter], logged: Callable[..., Path]
) -> None:
    writer = recorded(end="running")
    logged(writer, {15: {"team/x": 1.5}, 20: {"team/x": 2.5, "train/loss": 77.0}, 100: {"team/x": 3.5}})
    log_steps(writer, [110])
    writer.finish("finished")
    assert Uploading(writer.path, Target("course"), deadline_s=30).wait().problem is None
    assert server.run.steps == sorted([*STEPS, 15, 110])
    assert {row["_step"]: row["team/x"] for row in server.run.history if "team/x" in row} == {
        15: 1.5,
        20: 2.5,
        100: 3.5,
    }
    # our own record is the truth about our own metrics
    assert [row["train/loss"] for row in server.run.history if row["_step"] == 20] == [1 / 20]
