import hashlib
import os
import re
import shutil
import subprocess
import time

import pytest

from projectkit.runs import RunWriter, git, git_state, provenance, read_run
from projectkit.runs.code import code_digest, snapshot
from projectkit.runs.memory import peak_memory_mib
from projectkit.runs.process import _started

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def _git(folder, *arguments):
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "dépôt"
    folder.mkdir()
    _git(folder, "init", "-q")
    (folder / "model.py").write_text("hidden = 64\n", encoding="utf-8")
    (folder / ".gitignore").write_text("runs/\n", encoding="utf-8")
    _git(folder, "add", ".")
    _git(folder, "commit", "-qm", "first")
    return folder


@needs_git
def test_a_clean_repository_is_its_commit(repository):
    state = git_state(repository)
    assert (len(state.commit), state.dirty, state.diff, state.reason) == (40, False, "", None)
    assert state.as_dict()["diff_sha256"] is None


@needs_git
def test_the_recorded_diff_repeats_the_change(repository, tmp_path):
    (repository / "model.py").write_text("hidden = 128\n", encoding="utf-8")
    (repository / "neu é.py").write_text("x = 1\n", encoding="utf-8")
    writer = RunWriter.create(repository / "runs", "x", config_yaml="", source=repository)
    patch = (writer.path / "source.diff").read_bytes()
    assert "neu é.py" in patch.decode("utf-8")
    clone = tmp_path / "clone"
    _git(tmp_path, "clone", "-q", str(repository), str(clone))
    _git(clone, "apply", str(writer.path / "source.diff"))
    assert (clone / "model.py").read_text(encoding="utf-8") == "hidden = 128\n"
    assert git_state(repository).as_dict()["diff_sha256"] == hashlib.sha256(patch).hexdigest()


@needs_git
def test_a_key_in_the_changed_code_is_not_recorded(repository):
    (repository / "model.py").write_text('WANDB_API_KEY = "abcdef0123456789"\n', encoding="utf-8")
    assert "abcdef0123456789" not in git_state(repository).diff


@needs_git
def test_a_repository_without_a_commit_says_so(tmp_path):
    _git(tmp_path, "init", "-q")
    state = git_state(tmp_path)
    assert state.commit is None
    assert state.reason == "the repository has no commit yet"


@needs_git
def test_a_change_that_is_too_large_is_named_and_not_copied(repository, monkeypatch):
    monkeypatch.setattr(git, "_DIFF_BYTES", 1000)
    (repository / "model.py").write_text("x = 1\n" * 1000, encoding="utf-8")
    state = git_state(repository)
    assert (state.dirty, state.diff) == (True, None)
    assert "too large" in state.reason


def test_a_folder_that_is_no_repository_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    state = git_state(tmp_path)
    assert state.commit is None
    assert state.reason.startswith(("not a git repository", "git is not installed"))


def test_a_machine_without_git_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(git.shutil, "which", lambda _: None)
    assert git_state(tmp_path).as_dict() == {
        "commit": None,
        "branch": None,
        "dirty": None,
        "diff_sha256": None,
        "submodules": {},
        "reason": "git is not installed",
    }


def test_the_lock_file_is_named_with_its_digest(tmp_path):
    assert provenance.lock_file(tmp_path) is None
    (tmp_path / "uv.lock").write_bytes(b"version = 1\n")
    assert provenance.lock_file(tmp_path) == {"file": "uv.lock", "sha256": hashlib.sha256(b"version = 1\n").hexdigest()}


def test_the_machine_and_the_versions_are_told():
    assert provenance.hardware()["cores"] >= 1
    assert {"python", "numpy", "torch"} <= provenance.versions().keys()


@needs_git
def test_a_detached_head_is_its_commit_and_no_branch(repository):
    assert git_state(repository).branch is not None
    _git(repository, "checkout", "-q", "--detach")
    state = git_state(repository)
    assert (state.branch, len(state.commit), state.dirty, state.reason) == (None, 40, False, None)


@needs_git
def test_a_submodule_is_recorded_with_the_commit_that_is_checked_out(repository, tmp_path):
    _git(tmp_path, "init", "-q", "library")
    library = tmp_path / "library"
    (library / "x.py").write_text("x = 1\n", encoding="utf-8")
    _git(library, "add", ".")
    _git(library, "commit", "-qm", "one")
    _git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "third party/lib")
    _git(repository, "commit", "-qm", "with a library")
    first = git_state(library).commit
    state = git_state(repository)
    assert (state.submodules, state.dirty) == ({"third party/lib": first}, False)
    inside = repository / "third party" / "lib"
    (inside / "x.py").write_text("x = 2\n", encoding="utf-8")
    _git(inside, "commit", "-qam", "two")
    state = git_state(repository)
    assert state.submodules == {"third party/lib": f"+{git_state(inside).commit}"}
    assert f"-Subproject commit {first}" in state.diff


@needs_git
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="files without an end are a matter of Unix")
def test_what_is_huge_or_has_no_end_is_named_and_not_read(repository):
    with (repository / "dump.bin").open("wb") as file:
        file.truncate(2**40)
    (repository / "endless").symlink_to("/dev/zero")
    os.mkfifo(repository / "pipe")
    (repository / "small.py").write_text("x = 1\n", encoding="utf-8")
    state = git_state(repository)
    assert state.dirty
    lines = dict(re.findall(r"# untracked: (.+) \((.+)\)\n", state.diff))
    assert lines.pop("small.py").startswith("sha256 ")
    assert lines == {"dump.bin": "larger than recorded", "endless": "no file"}


@needs_git
def test_many_untracked_files_are_counted_and_the_first_are_named(repository):
    for number in range(250):
        (repository / f"{number:03d}.txt").write_text("x", encoding="utf-8")
    diff = git_state(repository).diff
    assert diff.count("sha256") == 200
    assert diff.endswith("# untracked: 50 more\n")


@pytest.mark.skipif(os.name == "nt", reason="the git of this test is a shell script")
def test_a_git_that_hangs_keeps_no_run_from_starting(project, tmp_path, monkeypatch):
    script = tmp_path / "git"
    # what it starts holds the pipe open, as a helper of git on a file server that is away would
    script.write_text('#!/bin/sh\nsleep 300 &\necho $! > "$0.pid"\nsleep 300\n', encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(git, "_GIT_TIMEOUT_S", 0.3)
    writer = RunWriter.create(project.runs, "x", config_yaml="", source=project.root)
    assert read_run(writer.path).part("git")["reason"] == "git took too long"
    left, deadline = int((tmp_path / "git.pid").read_text(encoding="ascii")), time.monotonic() + 30
    while _started(left) not in (None, "ended"):  # nothing of it is left behind, once the system has taken notice
        assert time.monotonic() < deadline
        time.sleep(0.01)


@needs_git
def test_a_git_that_is_slow_with_the_changes_has_said_the_commit(repository, monkeypatch):
    class Slow(git._Git):
        def ask(self, *arguments):
            if arguments[0] == "diff":
                self._deadline = 0.0
            return super().ask(*arguments)

    monkeypatch.setattr(git, "_Git", Slow)
    state = git_state(repository)
    assert (len(state.commit), state.dirty, state.diff, state.reason) == (40, True, None, "git took too long")


def test_without_a_repository_a_snapshot_tells_the_code_and_the_configs(project, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.root.parent))
    for name, text in {"src/team/model.py": "x = 1\n", "configs/train.yaml": "seed: 0\n"}.items():
        (project.root / name).parent.mkdir(parents=True)
        (project.root / name).write_text(text, encoding="utf-8")
    record = read_run(RunWriter.create(project.runs, "x", config_yaml="", source=project.root).path).record
    assert record["git"]["commit"] is None
    assert record["source"] == {**snapshot(project.root), "files": 2}
    assert record["code_digest"] == code_digest(project.root)
    before = snapshot(project.root), code_digest(project.root)
    (project.root / "configs" / "train.yaml").write_text("seed: 1\n", encoding="utf-8")
    assert snapshot(project.root) != before[0]
    assert code_digest(project.root) == before[1]  # what is run is the same


def test_the_digest_of_the_code_is_that_of_its_text_on_every_system(tmp_path):
    room = tmp_path / "src" / "team"
    room.mkdir(parents=True)
    (room / "a.py").write_bytes(b"x = 1\ny = 2\n")
    before = code_digest(tmp_path)
    (room / "a.py").write_bytes(b"x = 1\r\ny = 2\r\n")
    (room / "__pycache__").mkdir()
    (room / "__pycache__" / "a.py").write_bytes(b"?")
    (room / "notes.txt").write_bytes(b"not code")
    assert code_digest(tmp_path) == before
    for change in (lambda: (room / "a.py").rename(room / "b.py"), lambda: (room / "b.py").write_bytes(b"x = 3\n")):
        change()
        assert code_digest(tmp_path) != before
        before = code_digest(tmp_path)


def test_the_code_of_a_team_without_a_source_folder_is_its_package_or_what_lies_in_the_root(tmp_path):
    assert code_digest(tmp_path) is None
    (tmp_path / "train.py").write_text("x = 1\n", encoding="utf-8")
    root = code_digest(tmp_path, "team")
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "model.py").write_text("x = 1\n", encoding="utf-8")
    assert None is not code_digest(tmp_path, "team") != root == code_digest(tmp_path)


def test_far_more_than_a_team_writes_is_not_read(tmp_path, monkeypatch):
    (tmp_path / "src").mkdir()
    with (tmp_path / "src" / "data.py").open("wb") as file:
        file.truncate(2**40)
    assert code_digest(tmp_path) is None
    assert snapshot(tmp_path) == {"sha256": None, "files": 1}


def test_the_most_memory_of_all_sessions_is_recorded(make_run):
    block = bytearray(2**26)
    writer = make_run(status="running")
    writer.finish("finished", memory={"cuda_peak_mib": 5.0})
    memory = read_run(writer.path).part("memory")
    assert memory["cuda_peak_mib"] == 5.0
    assert memory["peak_mib"] >= len(block) / 2**20
    assert memory["peak_mib"] == pytest.approx(peak_memory_mib(), abs=8)  # the system counts in lumps
    writer.update(memory={**memory, "peak_mib": 1e6})
    again = RunWriter.resume(writer.path)
    again.finish("finished")
    assert read_run(writer.path).part("memory") == {"cuda_peak_mib": 5.0, "peak_mib": 1e6}
