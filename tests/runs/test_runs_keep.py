import itertools
import shutil

import numpy as np
import pytest

from projectkit.errors import UserError, WorkError
from projectkit.runs import find_run, keep, keep_run, read_run


def _files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def full_run(make_run):
    writer = make_run()
    (writer.checkpoints / "best.ckpt").write_bytes(b"weights")
    (writer.path / "wandb").mkdir()
    (writer.path / "wandb" / "run.wandb").write_bytes(b"x")
    writer.write_predictions("val", ["a"], [0], np.ones((1, 2)))
    writer.write_evaluation("val", {"n": 1})
    writer.write_figure("roc-val", b"<svg/>")
    return writer


def test_a_kept_run_has_its_record_and_neither_weights_nor_predictions(full_run, project):
    kept = keep_run(find_run("latest", project), project)
    assert kept == project.results / full_run.id
    names = _files(kept)
    assert names == [
        "config.yaml",
        "evaluation/figures/roc-val.svg",
        "evaluation/val.json",
        "events.jsonl",
        "metrics.jsonl",
        "run.json",
    ]
    assert [path.name for path in project.results.iterdir()] == [full_run.id]


def test_a_kept_run_alone_is_found_and_read_as_before(full_run, project):
    before = find_run("latest", project)
    keep_run(before, project)
    shutil.rmtree(project.runs)
    after = find_run("latest", project)
    assert after.path == after.kept
    assert (after.record, after.metrics(), after.evaluations()) == (
        before.record,
        read_run(after.path).metrics(),
        {"val": after.evaluation("val")},
    )
    with pytest.raises(UserError, match="a kept run has none"):
        after.checkpoint()


def test_keeping_again_brings_the_copy_up_to_date(full_run, project):
    keep_run(find_run("latest", project), project)
    full_run.write_evaluation("test", {"n": 2})
    (project.results / full_run.id / "stale.txt").write_text("x", encoding="utf-8")
    kept = keep_run(find_run("latest", project), project)
    assert "evaluation/test.json" in _files(kept)
    assert "stale.txt" not in _files(kept)
    assert keep_run(read_run(kept), project) == kept


def test_a_failed_run_can_be_kept_and_a_running_one_cannot(make_run, project):
    failed, running = make_run("failed", status="failed"), make_run("running", status="running")
    assert keep_run(find_run(failed.id, project), project).is_dir()
    with pytest.raises(UserError, match="running"):
        keep_run(find_run(running.id, project), project)


@pytest.mark.parametrize("step", ["copy", "swap"])
def test_a_full_disk_leaves_the_older_copy(full_run, project, monkeypatch, step):
    kept = keep_run(find_run("latest", project), project)
    before = _files(kept)
    full_run.write_evaluation("test", {"n": 2})

    def full(*_):
        raise OSError(28, "No space left on device")

    if step == "copy":
        monkeypatch.setattr(keep.shutil, "copyfile", full)
    else:
        rename, into_place = type(kept).rename, []

        def fails_once(self, target):
            if target == kept:
                into_place.append(self)
            return full() if into_place == [self] else rename(self, target)

        monkeypatch.setattr(type(kept), "rename", fails_once)
    with pytest.raises(WorkError, match="free some space"):
        keep_run(find_run("latest", project), project)
    assert _files(kept) == before
    assert [path.name for path in project.results.iterdir()] == [full_run.id]


def test_long_metrics_are_thinned_in_the_copy_and_no_validation_is_lost(make_run, project, monkeypatch):
    writer = make_run(status="running")
    for step in range(30, 1030):
        writer.log(step, step // 100, {"train/loss": 1 / step, **({"val/f1_macro": 0.5} if step % 50 == 0 else {})})
    writer.finish("finished")
    run = find_run(writer.id, project)
    whole = run.metrics()
    monkeypatch.setattr(keep, "_METRICS_BYTES", 20_000)
    kept = read_run(keep_run(run, project))
    lines = kept.metrics()
    assert (kept.path / "metrics.jsonl").stat().st_size < 22_000
    assert [line for line in lines if "val/f1_macro" in line] == [line for line in whole if "val/f1_macro" in line]
    assert (lines[0], lines[-1]) == (whole[0], whole[-1])
    assert all(line in whole for line in lines)
    gaps = [after["step"] - before["step"] for before, after in itertools.pairwise(lines[2:])]
    assert max(gaps) < 10  # evenly
    assert kept.events()[-1]["event"] == "thinned"
    assert (kept.events()[-1]["lines"], kept.events()[-1]["of"]) == (len(lines), len(whole))
    assert len(run.metrics()) == len(whole)


def test_metrics_of_validation_alone_are_never_thinned(make_run, project, monkeypatch):
    writer = make_run(status="running")
    for step in range(100, 200):
        writer.log(step, 0, {"val/loss": 1.0})
    writer.finish("finished")
    monkeypatch.setattr(keep, "_METRICS_BYTES", 1000)
    kept = read_run(keep_run(find_run(writer.id, project), project))
    assert len([line for line in kept.metrics() if "val/loss" in line]) == 100
