import json

import pytest

from projectkit.errors import UserError
from projectkit.runs import find_run, keep_run, list_runs, load_run, project_of, summary
from projectkit.runs.notes import mark_archived
from projectkit.runs.schema import SCHEMA


def _rewrite(path, **fields):
    file = path / "run.json"
    record = json.loads(file.read_text(encoding="utf-8")) | fields
    file.write_text(json.dumps(record), encoding="utf-8")


def test_a_run_is_found_by_folder_id_and_a_part_of_its_id(make_run, project):
    writer = make_run("alpha")
    make_run("beta")
    for ref in (writer.path, str(writer.path), writer.id, "alpha", "ALPHA", writer.id[-6:], writer.id[3:-2]):
        assert find_run(ref, project).id == writer.id


def test_a_part_of_several_ids_lists_five_of_them(make_run, project):
    for _ in range(7):
        make_run("same")
    with pytest.raises(UserError, match=r"part of 7 run ids: (\S+, ){4}\S+ and 2 more") as caught:
        find_run("same", project)
    assert str(caught.value).count("-same-") == 5


def test_a_whole_id_wins_over_a_longer_one_that_holds_it(make_run, project):
    writer = make_run("x")
    writer.path.rename(project.runs / "short")
    make_run("short")
    assert find_run("short", project).id == "short"


def test_an_unknown_id_names_the_nearest(make_run, project):
    writer = make_run("charcnn")
    wrong = writer.id[:-1] + ("0" if writer.id[-1] != "0" else "1")
    with pytest.raises(UserError, match=f"did you mean '{writer.id}'"):
        find_run(wrong, project)


def test_in_an_empty_project_every_ref_says_to_train(project):
    for ref in ("latest", "best", "anything", ""):
        with pytest.raises(UserError, match="projectkit train"):
            find_run(ref, project)
    assert list_runs(project) == []


@pytest.mark.parametrize("ref", ["..", ".", "../", "/", "~", "..\\x", "runs/..", "runs/nothing"])
def test_a_path_without_a_run_is_said_to_be_none(make_run, project, ref, monkeypatch):
    make_run()
    monkeypatch.chdir(project.root)
    with pytest.raises(UserError, match=r"not a run folder|cannot be read"):
        find_run(ref, project)


def test_latest_is_the_newest_finished_training_run(make_run, project):
    make_run("old")
    wanted = make_run("wanted")
    make_run("smoke", kind="smoke")
    make_run("linear", kind="baseline")
    make_run("broken", status="failed")
    make_run("going", status="running")
    assert find_run("latest", project).id == wanted.id


def test_without_a_finished_training_run_latest_tells_what_there_is(make_run, project):
    make_run(status="failed")
    make_run(kind="smoke")
    with pytest.raises(UserError, match=r"there is: 1 finished smoke, 1 failed train"):
        find_run("latest", project)


def test_best_is_the_best_by_the_monitor_of_latest(make_run, project):
    make_run("low", value=0.3)
    high = make_run("high", value=0.9)
    make_run("diverged", value=float("nan"))
    make_run("unmonitored", value=None)
    make_run("latest", value=0.5)
    assert find_run("best", project).id == high.id


def test_best_of_a_loss_is_the_lowest(make_run, project):
    low = make_run("low", value=0.1, monitor={"metric": "val/f1_macro", "mode": "min"})
    make_run("high", value=0.9, monitor={"metric": "val/f1_macro", "mode": "min"})
    assert find_run("best", project).id == low.id


@pytest.mark.parametrize(
    "other",
    [
        {"data": {"name": "sms"}},
        {"data": {"name": "dga", "target": "family", "split": "random"}},
        {"monitor": {"metric": "val/loss", "mode": "min"}},
        {"kind": "smoke"},
        {"status": "failed"},
    ],
)
def test_best_does_not_compare_what_cannot_be_compared(make_run, project, other):
    make_run("other", value=0.99, **other)
    mine = make_run("mine", value=0.5)
    assert find_run("best", project).id == mine.id


def test_of_equally_good_runs_best_is_the_newest(make_run, project):
    make_run("first", value=0.5)
    second = make_run("second", value=0.5)
    assert find_run("best", project).id == second.id


def test_best_without_a_monitor_says_what_to_add(make_run, project):
    make_run(monitor=None)
    with pytest.raises(UserError, match="add `monitor"):
        find_run("best", project)


def test_runs_are_listed_newest_first_also_when_the_ids_do_not_say_so(make_run, project):
    first, second = make_run("a"), make_run("b")
    _rewrite(first.path, created="2030-01-01T00:00:00+00:00")
    _rewrite(second.path, created="2030-01-01T00:00:00")  # without a time zone, as an editor might leave it
    third = make_run("c")
    assert [run.id for run in list_runs(project)][2] == third.id


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"schema": 99}', b'{"schema": "x"}', b"\xff\xfe", None],
    ids=["empty", "torn", "list", "newer", "odd", "bytes", "none"],
)
def test_one_unreadable_run_does_not_hide_the_others(make_run, project, content):
    good, bad = make_run("good"), make_run("bad")
    (bad.path / "events.jsonl").unlink()  # which would tell what run.json said
    if content is None:
        (bad.path / "run.json").unlink()
    else:
        (bad.path / "run.json").write_bytes(content)
    listed = {run.id: run for run in list_runs(project)}
    assert listed[bad.id].status == "unreadable"
    assert listed[bad.id].problem
    assert summary(listed[bad.id])["name"] == "bad"
    assert find_run("latest", project).id == good.id
    with pytest.raises(UserError):
        find_run(bad.id, project)


def test_a_run_of_a_newer_version_says_to_upgrade(make_run, project):
    writer = make_run()
    _rewrite(writer.path, schema=SCHEMA + 1)
    with pytest.raises(UserError, match=r"newer projectkit .*upgrade"):
        find_run(writer.id, project)


def test_fields_of_a_wrong_kind_do_not_break_the_list(make_run, project):
    writer = make_run()
    _rewrite(writer.path, data=[1], monitor="x", best=3, durations=None, created=7)
    assert summary(list_runs(project)[0])["id"] == writer.id


def test_other_things_in_the_runs_folder_are_no_runs(make_run, project):
    writer = make_run()
    (project.runs / "notes").mkdir()
    (project.runs / ".tmp").mkdir()
    (project.runs / "a.txt").write_text("x", encoding="utf-8")
    assert [run.id for run in list_runs(project)] == [writer.id]


def test_a_kept_run_is_the_same_run_and_the_copy_with_checkpoints_is_preferred(make_run, project):
    writer = make_run()
    assert find_run(writer.id, project).kept is None
    kept = keep_run(find_run(writer.id, project), project)
    found = find_run(writer.id, project)
    assert (found.path, found.kept) == (writer.path, kept)
    assert len(list_runs(project)) == 1
    assert summary(list_runs(project)[0])["kept"] is True


def test_a_summary_is_one_row_of_plain_values(make_run, project):
    make_run("lstm", value=0.75)
    row = summary(find_run("latest", project))
    assert json.loads(json.dumps(row)) == row
    assert (row["data"], row["target"], row["monitor"], row["value"]) == ("dga", "family", "val/f1_macro", 0.75)
    assert row["duration_s"] >= 0


def test_from_python_a_run_is_found_from_the_working_directory(make_run, project, monkeypatch):
    writer = make_run()
    monkeypatch.chdir(project.root)
    assert load_run().id == load_run(writer.id).id == writer.id


def test_a_run_named_by_its_folder_belongs_to_the_project_around_it(make_run, project, tmp_path, monkeypatch):
    writer = make_run()
    other = tmp_path / "another project"
    other.mkdir()
    monkeypatch.chdir(other)  # in no project
    assert load_run(str(writer.path)).id == writer.id
    (other / "pyproject.toml").write_text("[tool.projectkit]\n", encoding="utf-8")
    # a look at the test labels is written into the ledger of the team whose run it is
    assert project_of(writer.path).ledger == project.ledger
    assert project_of("latest").root == other.resolve()


def test_what_was_archived_is_neither_latest_nor_best(make_run, project):
    best, latest = make_run("leaky", value=0.99), make_run("sound", value=0.5)
    mark_archived(find_run("best", project), True)
    assert find_run("best", project).id == latest.id
    mark_archived(find_run("latest", project), True)
    with pytest.raises(UserError, match="no finished training run that is not archived"):
        find_run("latest", project)
    assert find_run("leaky", project).id == best.id
