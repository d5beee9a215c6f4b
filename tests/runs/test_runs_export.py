from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import zipfile

import pytest

from projectkit.errors import UserError, WorkError
from projectkit.runs import RunWriter, export, find_run, keep_run, list_runs
from projectkit.runs.export import export_run
from projectkit.runs.notes import note_run

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder, *words):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


@pytest.fixture
def team(project):
    """A project with code, configs, a lock, and things that do not belong into a zip."""
    for name, text in {
        "src/team/__init__.py": "",
        "src/team/model.py": "HIDDEN = 64\n",
        "configs/train.yaml": "name: x\n",
        "uv.lock": "version = 1\n",
        "data/private.csv": "name,score\n",
        "src/team/__pycache__/model.pyc": "x",
        "README.md": "ours\n",
    }.items():
        path = project.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (project.root / ".gitignore").write_text("/runs/\n__pycache__/\n", encoding="utf-8")
    return project


@pytest.fixture
def exported(team, tmp_path):
    """A function that exports a run and gives the texts of the zip's files."""

    def export_it(run_id, **options):
        target = tmp_path / f"{len(list(tmp_path.glob('*.zip')))}.zip"
        done = export_run(find_run(run_id, team), team, target, **options)
        with zipfile.ZipFile(target) as archive:
            assert archive.testzip() is None
            found = {name.removeprefix(f"{run_id}/"): archive.read(name) for name in archive.namelist()}
        assert sorted(found) == list(done.files)
        return found, done

    return export_it


def test_the_zip_has_the_record_and_the_code_and_neither_data_nor_weights(team, make_run, exported):
    writer = make_run()
    writer.write_evaluation("val", {"n": 1, "metrics": {}})
    writer.write_figure("roc-val", b"<svg/>")
    (writer.checkpoints / "best.ckpt").write_bytes(b"weights")
    (writer.path / "wandb").mkdir()
    (writer.path / "wandb" / "x.wandb").write_bytes(b"x")
    note_run(find_run(writer.id, team), "the one for the poster")
    found, _ = exported(writer.id)
    assert {name for name in found if not name.startswith("notes/")} == {
        "README.txt",
        "SHA256SUMS",
        "config.yaml",
        "evaluation/figures/roc-val.svg",
        "evaluation/val.json",
        "events.jsonl",
        "metrics.jsonl",
        "run.json",
        "source/configs/train.yaml",
        "source/pyproject.toml",
        "source/src/team/__init__.py",
        "source/src/team/model.py",
        "source/uv.lock",
    }
    assert sum(name.startswith("notes/") for name in found) == 1


def test_every_file_has_its_digest(make_run, exported):
    writer = make_run()
    (writer.checkpoints / "best.ckpt").write_bytes(os.urandom(3 * 2**20))
    found, _ = exported(writer.id, checkpoint=True)
    listed = dict(reversed(line.split("  ")) for line in found["SHA256SUMS"].decode().splitlines())
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in found.items() if name != "SHA256SUMS"}
    assert found["checkpoints/best.ckpt"] == (writer.checkpoints / "best.ckpt").read_bytes()


def test_the_same_run_gives_the_same_bytes(team, make_run, tmp_path):
    run = find_run(make_run().id, team)
    paths = [export_run(run, team, tmp_path / name).path for name in ("a.zip", "b.zip")]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_unpacked_into_runs_it_is_the_run_again(team, make_run, tmp_path):
    writer = make_run(value=0.75)
    run = find_run(writer.id, team)
    zipped = export_run(run, team, tmp_path / "x.zip").path
    shutil.rmtree(writer.path)
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(team.runs)
    (again,) = list_runs(team)
    assert (again.id, again.best, again.record, again.metrics()) == (run.id, run.best, run.record, again.metrics())
    assert find_run("best", team).id == run.id


@needs_git
def test_the_code_is_that_of_the_recorded_commit_with_its_uncommitted_changes(team, make_run, exported):
    git(team.root, "init", "-q")
    git(team.root, "add", "-A")
    git(team.root, "commit", "-qm", "x")
    model = team.root / "src" / "team" / "model.py"
    model.write_text("HIDDEN = 128\n", encoding="utf-8")
    (team.root / "README.md").write_text("a change outside of the code\n", encoding="utf-8")
    extra = team.root / "src" / "team" / "extra.py"
    gone = team.root / "src" / "team" / "gone.py"
    extra.write_text("X = 1\n", encoding="utf-8")
    gone.write_text("Y = 1\n", encoding="utf-8")
    writer = make_run()
    git(team.root, "commit", "-qam", "later")
    model.write_text("HIDDEN = 1\n", encoding="utf-8")
    gone.unlink()
    found, done = exported(writer.id)
    assert found["source/src/team/model.py"] == b"HIDDEN = 128\n"
    assert found["source/src/team/extra.py"] == b"X = 1\n"
    assert "source/src/team/gone.py" not in found
    notes = "\n".join(done.notes)
    assert "source.diff, applied" in notes
    assert "extra.py was not under version control; it is the same" in notes
    assert "NOT ALL OF WHAT WAS TRAINED" in done.notes[-1]
    assert "gone.py was not under version control, and is gone or changed: IT IS MISSING HERE" in notes
    assert all(note in found["README.txt"].decode() for note in done.notes)


@needs_git
def test_a_project_in_a_folder_of_a_larger_repository_is_taken_alone(team, make_run, exported):
    git(team.root.parent, "init", "-q")
    git(team.root.parent, "add", "-A")
    git(team.root.parent, "commit", "-qm", "x")
    (team.root / "src" / "team" / "model.py").write_text("HIDDEN = 128\n", encoding="utf-8")
    writer = make_run()
    git(team.root.parent, "checkout", "-q", "--", ".")
    found, done = exported(writer.id)
    assert found["source/src/team/model.py"] == b"HIDDEN = 128\n"
    assert "source/uv.lock" in found
    assert "this is what was trained" in done.notes[-1]


@needs_git
def test_a_commit_that_is_not_here_is_said_and_todays_files_are_taken(team, make_run, exported):
    writer = make_run()
    path = writer.path / "run.json"
    record = json.loads(path.read_text(encoding="utf-8")) | {"git": {"commit": "a" * 40}}
    path.write_text(json.dumps(record), encoding="utf-8")
    found, done = exported(writer.id)
    assert found["source/src/team/model.py"] == b"HIDDEN = 64\n"
    assert "commit aaaaaaaaaaaa is not in this repository" in done.notes[0]


def test_without_git_the_files_are_compared_with_the_snapshot_of_the_run(team, make_run, exported):
    writer = make_run()
    assert "nothing has changed" in exported(writer.id)[1].notes[0]
    (team.root / "src" / "team" / "model.py").write_text("HIDDEN = 1\n", encoding="utf-8")
    assert "THEY HAVE CHANGED" in exported(writer.id)[1].notes[0]


def test_keys_and_passwords_do_not_get_into_the_zip(team, make_run, exported, monkeypatch):
    key = "hf_abcdefghijklmnopqrstuvwxyz0123"
    (team.root / "src" / "team" / "model.py").write_text(f"KEY = '{key}'\n", encoding="utf-8")
    (team.root / "configs" / "train.yaml").write_text("url: https://ana:pass1234@host/x\n", encoding="utf-8")
    writer = make_run()
    (writer.path / "config.yaml").write_text(f"token: {key}\n", encoding="utf-8")
    monkeypatch.setenv("COURSE_PASSWORD", "correct-horse-battery")
    (team.root / "src" / "team" / "__init__.py").write_text("# correct-horse-battery\n", encoding="utf-8")
    found, done = exported(writer.id)
    whole = b"".join(found.values())
    assert b"correct-horse" not in whole
    assert "masked in configs/train.yaml, src/team/__init__.py, src/team/model.py" in done.notes[-1]
    assert key.encode() not in whole
    assert b"pass1234" not in whole


def test_links_do_not_lead_out_of_the_project(team, make_run, exported, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("outside", encoding="utf-8")
    try:
        (team.root / "src" / "team" / "link.py").symlink_to(secret)
    except OSError as error:
        pytest.skip(f"no links here: {error}")
    found, _ = exported(make_run().id)
    assert b"outside" not in b"".join(found.values())


@needs_git
@pytest.mark.parametrize("name", ["../outside.py", "/etc/passwd", "src/../../outside.py", "configs/.env"])
def test_names_in_a_diff_of_somebody_else_lead_nowhere(team, make_run, exported, name):
    git(team.root, "init", "-q")
    git(team.root, "add", "-A")
    git(team.root, "commit", "-qm", "x")
    writer = make_run()
    (team.root.parent / "outside.py").write_text("outside", encoding="utf-8")
    (team.root / "configs" / ".env").write_text("outside", encoding="utf-8")
    digest = hashlib.sha256(b"outside").hexdigest()
    (writer.path / "source.diff").write_text(f"# untracked: {name} (sha256 {digest})\n", encoding="utf-8")
    found, _ = exported(writer.id)
    assert b"outside" not in b"".join(data for entry, data in found.items() if entry.startswith("source/"))


def test_the_best_weights_are_taken_and_else_the_last(make_run, exported):
    writer = make_run()
    (writer.checkpoints / "last.ckpt").write_bytes(b"last")
    assert exported(writer.id, checkpoint=True)[0]["checkpoints/last.ckpt"] == b"last"
    (writer.checkpoints / "best.ckpt").write_bytes(b"best")
    found, _ = exported(writer.id, checkpoint=True)
    assert found["checkpoints/best.ckpt"] == b"best"
    assert "checkpoints/last.ckpt" not in found


def test_what_cannot_be_exported_says_why(team, make_run, tmp_path):
    run = find_run(make_run("done").id, team)
    with pytest.raises(UserError, match="no checkpoint"):
        export_run(run, team, tmp_path / "x.zip", checkpoint=True)
    (tmp_path / "there.zip").write_bytes(b"precious")
    with pytest.raises(UserError, match=r"a file of that name.*-o"):
        export_run(run, team, tmp_path / "there.zip")
    writer = make_run("going", status="running")
    with pytest.raises(UserError, match="running, so it cannot be exported"):
        export_run(find_run(writer.id, team), team, tmp_path / "x.zip")
    assert (tmp_path / "there.zip").read_bytes() == b"precious"


def test_a_full_disk_leaves_nothing_of_the_zip(team, make_run, tmp_path, monkeypatch):
    def full(path, *_):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "_write", full)
    with pytest.raises(WorkError, match="No space left"):
        export_run(find_run(make_run().id, team), team, tmp_path / "new" / "x.zip")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_run_of_a_name_with_accents_and_an_old_clock_is_exported(team, exported):
    writer = RunWriter.create(team.runs, "Réseau n° 1", config_yaml="name: x\n", source=team.root)
    writer.finish("finished")
    path = writer.path / "run.json"
    record = json.loads(path.read_text(encoding="utf-8")) | {"created": "1970-01-01T00:00:00+00:00"}
    path.write_text(json.dumps(record), encoding="utf-8")
    assert "created 1970-01-01" in exported(writer.id)[0]["README.txt"].decode()


@pytest.mark.skipif(os.name == "nt", reason="a link takes a right there")
def test_a_link_in_a_run_from_elsewhere_is_neither_exported_nor_kept(team, make_run, exported, tmp_path):
    run = find_run(make_run("lstm").id, team)
    (tmp_path / "id_rsa").write_text("private", encoding="utf-8")
    for name in ("audit.json", "notes/x.json"):
        (run.path / name).parent.mkdir(exist_ok=True)
        (run.path / name).symlink_to(tmp_path / "id_rsa")
    found, _ = exported(run.id)
    kept = {path.name for path in keep_run(run, team).rglob("*")}
    assert not {"audit.json", "notes/x.json"} & found.keys()
    assert not {"audit.json", "x.json"} & kept
