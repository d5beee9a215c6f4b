import hashlib
import shutil
import subprocess

import pytest

from projectkit.runs import RunWriter, git, git_state, provenance

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
