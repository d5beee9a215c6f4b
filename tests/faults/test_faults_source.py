"""Repositories as teams have them: the training starts in every one, and its record says what could be known of the code."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from faultcommands import Typed
from table import fault

from projectkit.runs import Run, git

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
SHORT = ("train", "trainer.max_epochs=1", "speed.tune=off")


@pytest.fixture
def repository(project: Path, config: Path) -> Callable[..., str]:
    """Type a git command in the project, which is a repository with one commit."""

    def typed(*arguments: str, folder: Path = project) -> str:
        identity = ["-c", "user.name=Team", "-c", "user.email=team@example.org", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, "-c", "protocol.file.allow=always", *arguments]
        return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()

    (project / ".gitignore").write_text("runs/\n", encoding="utf-8")
    typed("init", "-q")
    typed("add", ".")
    typed("commit", "-qm", "first")
    return typed


@pytest.fixture
def no_repository(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a folder above the project count as one."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.parent))


@fault(
    "git is not installed",
    happens="the training starts; the record says why it has no commit",
    kept="instead of a commit: digests of the team's code and configs, which `--resume` and `--repeat` look at",
)
def test_without_git_the_code_is_known_by_its_digest(
    config: Path, typed: Typed, only_run: Callable[[], Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert typed(*SHORT).status == 0
    run = only_run()
    assert (run.part("git")["commit"], run.part("git")["reason"]) == (None, "git is not installed")
    assert len(run.record["code_digest"]) == len(run.part("source")["sha256"]) == 64


@fault(
    "the project is in no git repository",
    happens="the training starts; the record says why it has no commit",
    kept="as without git",
)
@pytest.mark.usefixtures("no_repository")
def test_without_a_repository_changed_code_is_told_apart_by_its_digest(
    config: Path, project: Path, typed: Typed, only_run: Callable[[], Run]
) -> None:
    assert typed(*SHORT).status == 0
    run = only_run()
    assert run.part("git")["reason"].startswith(("not a git repository", "git is not installed"))
    assert len(run.part("source")["sha256"]) == 64
    (project / "src" / "team" / "__init__.py").write_text("x = 2\n", encoding="utf-8")
    again = typed("train", "--repeat", run.id)
    assert again.status == 2
    assert "the Python files of team have changed" in again.line


@fault(
    "the head is detached, as in a checkout by a cluster or CI",
    happens="nothing else",
    kept="the commit, and no branch",
)
@needs_git
def test_a_detached_head_is_recorded_by_its_commit(
    repository: Callable[..., str], typed: Typed, only_run: Callable[[], Run]
) -> None:
    repository("checkout", "-q", "--detach")
    assert typed(*SHORT).status == 0
    recorded = only_run().part("git")
    assert (recorded["commit"], recorded["branch"]) == (repository("rev-parse", "HEAD"), None)
    assert (recorded["dirty"], recorded["reason"]) == (False, None)


@fault(
    "a part of the code is a submodule, at another commit than the repository says",
    happens="nothing else",
    kept="the commit that is checked out there, marked with +, and the difference in source.diff",
)
@needs_git
def test_a_submodule_is_recorded_by_the_commit_that_was_run(
    repository: Callable[..., str], project: Path, tmp_path: Path, typed: Typed, only_run: Callable[[], Run]
) -> None:
    library = tmp_path / "library"
    library.mkdir()
    repository("init", "-q", folder=library)
    repository("commit", "-qm", "one", "--allow-empty", folder=library)
    repository("submodule", "add", "-q", str(library), "third party/lib")
    repository("commit", "-qm", "with a library")
    inside = project / "third party" / "lib"
    repository("commit", "-qm", "two", "--allow-empty", folder=inside)
    assert typed(*SHORT).status == 0
    run = only_run()
    assert run.part("git")["submodules"] == {"third party/lib": "+" + repository("rev-parse", "HEAD", folder=inside)}
    assert "+Subproject commit" in (run.path / "source.diff").read_text(encoding="utf-8")


@fault(
    "a huge file, a link without an end and a thousand others lie untracked in the repository",
    happens="the training starts at once: they are named, and only what is small is read",
    kept="their names, and the digests of the small ones, in source.diff",
)
@needs_git
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="links to devices are a matter of Unix")
def test_what_is_huge_or_endless_is_named_and_not_read(
    repository: Callable[..., str], project: Path, typed: Typed, only_run: Callable[[], Run]
) -> None:
    with (project / "a dump.bin").open("wb") as file:
        file.truncate(2**40)
    (project / "b").symlink_to("/dev/zero")
    for number in range(1000):
        (project / f"c{number:04d}.txt").write_text("x", encoding="utf-8")
    assert typed(*SHORT).status == 0
    lines = (only_run().path / "source.diff").read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["# untracked: a dump.bin (larger than recorded)", "# untracked: b (no file)"]
    assert lines[2].startswith("# untracked: c0000.txt (sha256 ")
    assert lines[-1] == "# untracked: 802 more"


@fault(
    "git hangs, as on a file server that is away",
    happens="it is left after ten seconds, for all that is asked of it, and ended with whatever it started",
    kept="the record says that git took too long; the digests as without git",
)
@pytest.mark.skipif(os.name == "nt", reason="the git of this test is a shell script")
def test_a_git_that_hangs_does_not_keep_a_training_from_starting(
    config: Path, typed: Typed, only_run: Callable[[], Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("wandb")  # which asks git as well, also where it is disabled
    script = tmp_path / "bin" / "git"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\nsleep 90 &\nsleep 90\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(git, "_GIT_TIMEOUT_S", 0.5)
    assert typed(*SHORT).status == 0
    run = only_run()
    assert (run.status, run.part("git")["reason"]) == ("finished", "git took too long")
    assert len(run.record["code_digest"]) == 64
