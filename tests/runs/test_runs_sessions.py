"""A run has one owner at a time, and who is gone does not keep it."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from projectkit.errors import UserError, WorkError
from projectkit.runs import RunWriter, TakenOverError, list_runs, read_run, record, sessions

DEADLINE_S = 30.0
SUSPENDED_S = 600  # longer than an owner on another machine may be silent


def session_of(path: Path, number: int = 1) -> Path:
    return path / "sessions" / f"{number:04d}"


def on_another_machine(path: Path, number: int = 1) -> None:
    """As if the newest session were that of another machine."""
    file = session_of(path, number) / "process.json"
    process = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**process, "host": "elsewhere", "boot": "another"}), encoding="utf-8")


def silent_for(path: Path, seconds: float) -> None:
    """As if a file or folder had been touched that long ago, by the clock of the file system."""
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def in_another_process(program: str, path: Path) -> subprocess.CompletedProcess[str]:
    start = "import sys, pathlib; from projectkit.runs import RunWriter; path = pathlib.Path(sys.argv[1]); "
    command = [sys.executable, "-c", start + program, str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def test_a_run_that_is_written_is_running_until_it_ends(make_run):
    writer = make_run(status="running")
    run = read_run(writer.path)
    assert (run.status, run.reason, run.alive) == ("running", None, True)
    assert sorted(path.name for path in session_of(writer.path).iterdir()) == ["heartbeat", "process.json", "reserve"]
    writer.finish("failed", "nan")
    run = read_run(writer.path)
    assert (run.status, run.reason, run.alive) == ("failed", "nan", False)
    assert [path.name for path in session_of(writer.path).iterdir()] == ["process.json"]


def test_a_run_whose_process_is_gone_was_killed(project):
    program = "writer = RunWriter.create(path, 'x', config_yaml='', command=[]); import os; os._exit(9)"
    done = in_another_process(program, project.runs)
    assert done.returncode == 9, done.stderr
    (run,) = list_runs(project)
    assert run.record["status"] == "running"
    assert (run.status, run.reason, run.alive) == ("interrupted", "killed", False)
    RunWriter.resume(run.path).finish("finished")
    assert not list(run.path.glob("sessions/*/reserve"))  # however often it is killed, it does not grow


def test_a_writer_that_nobody_holds_gives_its_run_back(make_run):
    writer = make_run(status="running")
    path = writer.path
    assert read_run(path).alive
    del writer
    gc.collect()
    assert (read_run(path).status, read_run(path).reason) == ("interrupted", "killed")
    RunWriter.resume(path)


def test_to_go_on_is_a_new_session_and_the_record_says_so(make_run):
    path = make_run(status="interrupted").path
    writer = RunWriter.resume(path, command=["projectkit", "train", "--resume", "auto", "api_key=hunter2"])
    run = read_run(path)
    assert (run.status, run.reason, run.ended, run.alive) == ("running", None, None, True)
    assert sessions.newest_session(path) == 2
    resumed = run.events()[-1]
    assert (resumed["event"], resumed["session"]) == ("resumed", 2)
    assert resumed["command"][-1] == "api_key=***"
    writer.finish("finished")
    assert read_run(path).status == "finished"


def test_a_run_that_goes_on_is_not_taken_from_its_process(make_run):
    writer = make_run(status="running")
    before = (writer.path / "run.json").read_bytes()
    with pytest.raises(UserError, match=rf"still going on in process {os.getpid()} on "):
        RunWriter.resume(writer.path)
    other = in_another_process("RunWriter.resume(path)", writer.path)
    assert "still going on" in other.stderr
    assert (writer.path / "run.json").read_bytes() == before


def test_of_many_that_go_on_with_one_run_at_once_one_does(make_run):
    path = make_run(status="interrupted").path
    program = (
        "import sys, pathlib; from projectkit.errors import UserError; from projectkit.runs import RunWriter\n"
        "print('ready', flush=True); input()\n"
        "try: writer = RunWriter.resume(pathlib.Path(sys.argv[1]), command=[])\n"
        "except UserError: print('refused', flush=True)\n"
        "else: print('owner', flush=True)\n"
        "input()\n"  # an owner stays until all have tried
    )
    command = [sys.executable, "-c", program, str(path)]
    others = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) for _ in range(5)
    ]
    try:
        assert [other.stdout.readline() for other in others] == ["ready\n"] * 5
        for other in others:
            other.stdin.write("\n")
        said = sorted(other.stdout.readline() for other in others)
        assert said == ["owner\n", *["refused\n"] * 4]
        assert sessions.newest_session(path) == 2
    finally:
        for other in others:
            other.communicate("\n", timeout=DEADLINE_S)


def test_a_machine_that_was_silent_for_two_minutes_can_lose_its_run_and_changes_it_no_more(make_run):
    first = make_run(status="running")
    on_another_machine(first.path)
    with pytest.raises(UserError, match=r"still going on in process \d+ on elsewhere"):
        RunWriter.resume(first.path)
    silent_for(session_of(first.path) / "heartbeat", sessions.SILENT_S + 1)
    assert (read_run(first.path).status, read_run(first.path).reason) == ("interrupted", "killed")
    second = RunWriter.resume(first.path)
    second.log(30, 0, {"train/loss": 0.1})
    before = {path.name: path.read_bytes() for path in first.path.iterdir() if path.is_file()}
    with pytest.raises(TakenOverError, match="another process has gone on") as caught:
        first.refuse_if_taken_over()
    assert isinstance(caught.value, WorkError)
    assert caught.value.reason == "taken_over"
    for change in (lambda: first.log(30, 0, {"train/loss": 0.2}), lambda: first.update(best={})):
        with pytest.raises(TakenOverError):
            change()
    first.finish("failed", "taken_over")
    assert {path.name: path.read_bytes() for path in first.path.iterdir() if path.is_file()} == before
    assert read_run(first.path).alive
    second.refuse_if_taken_over()


def test_a_laptop_that_slept_does_not_lose_its_run_to_itself(make_run):
    writer = make_run(status="running")
    silent_for(session_of(writer.path) / "heartbeat", SUSPENDED_S)
    assert read_run(writer.path).alive
    with pytest.raises(UserError, match="still going on"):
        RunWriter.resume(writer.path)
    writer.refuse_if_taken_over()


@pytest.mark.parametrize("hours", [-48, 48])
def test_clocks_of_two_machines_need_not_agree(make_run, monkeypatch, hours):
    writer = make_run(status="running")
    on_another_machine(writer.path)
    monkeypatch.setattr(sessions, "_clocks", {})  # nobody has asked yet
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + hours * 3600)
    assert read_run(writer.path).alive
    silent_for(session_of(writer.path) / "heartbeat", sessions.SILENT_S + 1)
    assert not read_run(writer.path).alive


def test_in_a_folder_that_cannot_be_written_the_silence_is_not_known_and_the_record_stands(make_run, monkeypatch):
    writer = make_run(status="running")
    on_another_machine(writer.path)
    silent_for(session_of(writer.path) / "heartbeat", SUSPENDED_S)
    monkeypatch.setattr(sessions, "_clocks", {})

    def refused(*_, **__):
        raise PermissionError(13, "Read-only file system")

    monkeypatch.setattr(Path, "touch", refused)
    assert read_run(writer.path).status == "running"


@pytest.mark.parametrize(("age", "alive"), [(0, True), (sessions.SILENT_S + 1, False)])
def test_a_process_that_died_while_it_took_a_run_does_not_keep_it(make_run, age, alive):
    path = make_run(status="running").path
    session_of(path, 2).mkdir()
    silent_for(session_of(path, 2), age)
    assert read_run(path).alive is alive


def test_the_heart_beats_while_a_run_is_written_and_stops_with_it(make_run, monkeypatch):
    monkeypatch.setattr(sessions, "HEARTBEAT_S", 0.01)
    writer = make_run(status="running")
    heartbeat = session_of(writer.path) / "heartbeat"
    silent_for(heartbeat, SUSPENDED_S)
    then, deadline = heartbeat.stat().st_mtime, time.monotonic() + DEADLINE_S
    while heartbeat.stat().st_mtime == then:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    writer.finish("finished")
    time.sleep(0.05)
    assert not heartbeat.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked there")
@pytest.mark.filterwarnings("ignore:.*use of fork")
def test_a_forked_loader_process_neither_ends_a_session_nor_owns_it(make_run):
    writer = make_run(status="running")
    path = writer.path
    child = os.fork()
    if child == 0:
        del writer
        gc.collect()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert read_run(path).alive
    writer.finish("finished")


def test_an_evaluation_adds_to_a_run_that_goes_on_and_does_not_touch_its_record(make_run):
    writer = make_run(status="running")
    other = RunWriter.open(writer.path)
    other.write_evaluation("val", {"n": 1})
    with pytest.raises(TakenOverError, match="the run is going on"):
        other.update(best={})
    writer.finish("finished")
    assert read_run(writer.path).evaluation("val") is not None


def test_a_run_of_the_first_schema_that_was_killed_can_be_gone_on_with(make_run):
    path = make_run(status="interrupted").path
    record = json.loads((path / "run.json").read_text(encoding="utf-8"))
    process = {"host": "elsewhere", "pid": 1, "started": "x"}
    (path / "run.json").write_text(
        json.dumps({**record, "schema": 1, "status": "running", "process": process}), encoding="utf-8"
    )
    for file in session_of(path).iterdir():
        file.unlink()
    session_of(path).rmdir()
    assert (read_run(path).status, read_run(path).reason) == ("interrupted", "killed")
    RunWriter.resume(path).finish("finished")
    assert "process" not in read_run(path).record


def test_a_claim_whose_answer_the_file_server_lost_is_a_claim(make_run, monkeypatch):
    path = make_run(status="interrupted").path
    rename = Path.rename

    def done_and_lost(self, target):
        rename(self, target)
        if target.parent.name == "sessions":
            raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(Path, "rename", done_and_lost)
    writer = RunWriter.resume(path)
    assert read_run(path).alive
    writer.finish("finished")
    assert not (session_of(path, 2) / "heartbeat").exists()


def test_a_claim_that_another_was_faster_with_leaves_nothing_behind(make_run, monkeypatch):
    path = make_run(status="interrupted").path
    monkeypatch.setattr(record, "refuse_owned", lambda _: 0)  # as it looked before the other one came
    with pytest.raises(UserError, match="still going on"):
        RunWriter.resume(path)
    assert [entry.name for entry in (path / "sessions").iterdir()] == ["0001"]
    assert read_run(path).status == "interrupted"


def test_what_the_former_owner_wrote_last_is_gone_on_with(make_run, monkeypatch):
    former = make_run(status="running")

    def ends_now(path: Path) -> int:
        former.finish("interrupted", best={"step": 30, "epoch": 1, "val/f1_macro": 0.75})
        return 1

    monkeypatch.setattr(record, "refuse_owned", ends_now)
    RunWriter.resume(former.path).finish("finished")
    assert read_run(former.path).best["step"] == 30


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_trained(make_run, monkeypatch):
    path = make_run(status="interrupted").path
    before = (path / "run.json").read_bytes()

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(sessions, "atomic_write", refused)
    with pytest.raises(WorkError, match="cannot be written: Permission denied"):
        RunWriter.resume(path)
    assert (path / "run.json").read_bytes() == before
    monkeypatch.undo()
    RunWriter.resume(path).finish("finished")
