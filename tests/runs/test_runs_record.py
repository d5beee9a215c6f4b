import json
import math
import sys

import numpy as np
import pytest

from projectkit.errors import UserError
from projectkit.runs import RunWriter, read_run
from projectkit.runs.schema import SCHEMA


def test_a_new_run_has_what_explains_it(make_run):
    writer = make_run("LSTM é", status="running", resolved={"device": "cpu"}, seed=3)
    record = json.loads((writer.path / "run.json").read_text(encoding="utf-8"))
    assert record["schema"] == SCHEMA
    assert record["id"] == writer.path.name == writer.id
    assert (record["kind"], record["status"], record["seed"], record["name"]) == ("train", "running", 3, "LSTM é")
    assert record["resolved"] == {"device": "cpu"}
    assert record["versions"]["numpy"] == np.__version__
    assert writer.checkpoints.is_dir()
    assert (writer.path / "config.yaml").read_text(encoding="utf-8").startswith("name: LSTM é")


def test_the_command_line_is_kept_without_its_secrets(project, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["projectkit", "train", "x.api_key=hunter2"])
    writer = RunWriter.create(project.runs, "x", config_yaml="url: https://me:hunter2@host/x\n", source=project.root)
    assert read_run(writer.path).record["command"] == ["projectkit", "train", "x.api_key=***"]
    assert all(b"hunter2" not in path.read_bytes() for path in writer.path.rglob("*") if path.is_file())


def test_a_run_can_be_read_while_it_goes_on_and_the_view_does_not_change(make_run):
    writer = make_run(status="running")
    view = read_run(writer.path)
    writer.finish("failed", "oom")
    assert (view.status, view.ended) == ("running", None)
    after = read_run(writer.path)
    assert (after.status, after.record["reason"]) == ("failed", "oom")
    assert after.ended >= after.created
    assert [event["event"] for event in after.events()] == ["started", "failed"]


def test_a_history_is_the_steps_and_values_of_one_metric(make_run):
    run = read_run(make_run().path)
    assert run.history("train/loss") == ([10, 20], [1.0, 0.5])
    assert run.history("val/f1_macro") == ([20], [0.4])
    assert [line["step"] for line in run.metrics()] == [10, 20]


def test_what_is_logged_at_one_step_is_one_row_and_the_later_value_counts(make_run):
    writer = make_run(status="running")
    writer.log(30, 1, {"train/loss": 0.25})
    writer.log(30, 1, {"val/f1_macro": 0.5})
    writer.log(30, 1, {"val/f1_macro": 0.75})
    rows = read_run(writer.path).metrics()
    assert [row["step"] for row in rows] == [10, 20, 30]
    assert {name: rows[-1][name] for name in ("epoch", "train/loss", "val/f1_macro")} == {
        "epoch": 1,
        "train/loss": 0.25,
        "val/f1_macro": 0.75,
    }
    assert read_run(writer.path).history("val/f1_macro") == ([20, 30], [0.4, 0.75])


def test_a_run_that_is_rewound_has_the_lines_that_its_checkpoint_knew(make_run):
    path = make_run(status="interrupted").path
    writer = RunWriter.resume(path)
    assert writer.lines == 2
    writer.log(30, 1, {"train/loss": 0.25})
    known = writer.lines  # a checkpoint is written here, before the validation of the same step
    writer.log(30, 1, {"val/f1_macro": 0.5})
    writer.log(40, 1, {"train/loss": 0.125})
    with (path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"step": 50, "tra')
    writer.finish("interrupted", "signal")
    again = RunWriter.resume(path)
    again.rewind(30, known)
    assert [(row["step"], "val/f1_macro" in row) for row in read_run(path).metrics()] == [
        (10, False),
        (20, True),
        (30, False),
    ]
    assert again.lines == known
    again.log(30, 1, {"val/f1_macro": 0.5})
    assert read_run(path).history("val/f1_macro")[0] == [20, 30]
    assert (path / "metrics.jsonl").read_bytes().count(b"\n") == 4


def test_metrics_that_a_power_cut_took_are_said_to_be_missing(make_run):
    path = make_run(status="interrupted").path
    writer = RunWriter.resume(path)
    writer.rewind(20, 5)
    warned = [event["message"] for event in read_run(path).events() if event["event"] == "warned"]
    assert warned == ["3 lines of metrics before step 20 are missing: they had not reached the disk"]


def test_a_diverged_loss_stays_in_the_history(make_run):
    writer = make_run(status="running")
    writer.log(30, 1, {"train/loss": math.nan})
    writer.log(40, 1, {"train/loss": math.inf})
    steps, values = read_run(writer.path).history("train/loss")
    assert steps == [10, 20, 30, 40]
    assert math.isnan(values[2])
    assert values[3] == math.inf


def test_an_unknown_metric_names_the_nearest(make_run):
    with pytest.raises(UserError, match="did you mean 'val/f1_macro'"):
        read_run(make_run().path).history("val/f1")


def test_times_of_a_resumed_run_go_on_where_they_ended(make_run):
    path = make_run(status="running").path
    with (path / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 30, "epoch": 1, "time": 1000.0, "train/loss": 0.1}\n{"step": 40, "ti')
    again = RunWriter.resume(path)
    again.log(40, 1, {"train/loss": 0.05})
    lines = read_run(path).metrics()
    assert [line["step"] for line in lines] == [10, 20, 30, 40]
    assert lines[-1]["time"] >= 1000.0


def test_predictions_come_back_as_they_were_and_hold_no_objects(make_run):
    writer = make_run()
    score = np.array([[0.1, 0.9], [0.7, 0.3]])
    path = writer.write_predictions("val", np.array(["é-1", "b"], dtype=object), [1, 0], score)
    read = read_run(writer.path).predictions("val")
    assert read.id.tolist() == ["é-1", "b"]
    assert read.target.tolist() == [1, 0]
    assert read.score.dtype == np.float32
    np.testing.assert_array_equal(read.score, score.astype(np.float32))
    with np.load(path, allow_pickle=False) as file:
        assert sorted(file.files) == ["id", "score", "target"]


def test_predictions_of_unequal_length_are_refused(make_run):
    with pytest.raises(ValueError, match="equal length"):
        make_run().write_predictions("val", ["a"], [1, 0], np.ones((2, 2)))


def test_missing_or_damaged_predictions_say_what_to_type(make_run):
    writer = make_run()
    with pytest.raises(UserError, match=r"projectkit evaluate .* --subset test"):
        read_run(writer.path).predictions("test")
    path = writer.write_predictions("val", ["a"], [1], np.ones((1, 2)))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match=r"damaged predictions.*projectkit evaluate"):
        read_run(writer.path).predictions("val")


def test_an_evaluation_names_its_run_and_subset(make_run):
    writer = make_run()
    writer.write_evaluation("val", {"n": 2, "metrics": {"accuracy": {"value": np.float64(0.5)}}})
    writer.write_evaluation("test_21", {"n": 3})
    run = read_run(writer.path)
    assert run.evaluation("val") == {
        "schema": 1,
        "run": run.id,
        "subset": "val",
        "n": 2,
        "metrics": {"accuracy": {"value": 0.5}},
    }
    assert list(run.evaluations()) == ["test_21", "val"]
    assert run.evaluation("train") is None


def test_a_figure_is_found_by_its_name_and_an_unknown_one_names_the_nearest(make_run):
    writer = make_run()
    path = writer.write_figure("confusion-val", b"<svg/>")
    run = read_run(writer.path)
    assert run.figure("confusion-val") == run.figure("confusion-val.svg") == path
    with pytest.raises(UserError, match="did you mean 'confusion-val'"):
        run.figure("confusion")


@pytest.mark.parametrize("name", ["../run", "a/b", "", ".hidden", "a\\b", "../../x"])
def test_names_cannot_lead_out_of_the_run_folder(make_run, name):
    writer = make_run()
    with pytest.raises(UserError):
        writer.write_evaluation(name, {})
    run = read_run(writer.path)
    assert run.evaluation(name) is None
    with pytest.raises(UserError):
        run.checkpoint(name)


def test_a_missing_checkpoint_names_those_that_are_there(make_run):
    writer = make_run()
    (writer.checkpoints / "last.ckpt").write_bytes(b"")
    run = read_run(writer.path)
    assert run.checkpoint("last").is_file()
    with pytest.raises(UserError, match="there is: last"):
        run.checkpoint("best")


def test_what_a_run_is_called_by_cannot_be_changed(make_run):
    writer = make_run(status="running")
    with pytest.raises(ValueError, match="id"):
        writer.update(id="other")
    with pytest.raises(ValueError, match="step"):
        writer.log(1, 0, {"step": 2})
    with pytest.raises(ValueError, match="ends as"):
        writer.finish("done")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="kind"):
        make_run(kind="other")


def test_the_config_is_read_as_plain_values(make_run):
    assert read_run(make_run().path).config() == {"name": "lstm", "seed": 0}


def test_best_and_last_are_numbers_and_keep_their_steps(make_run):
    writer = make_run()
    writer.update(last={"step": 40, "epoch": 1, "val/f1_macro": math.nan, "note": "x"})
    run = read_run(writer.path)
    assert run.best == {"step": 20, "epoch": 0, "val/f1_macro": 0.5}
    assert (run.last["step"], run.last.keys()) == (40, {"step", "epoch", "val/f1_macro"})
    assert math.isnan(run.last["val/f1_macro"])


def test_a_run_that_goes_on_counts_the_time_that_it_had_taken_when_it_was_stopped(make_run):
    writer = make_run(status="running")
    writer.log(1, 0, {"train/loss": 1.0})
    writer.finish("interrupted", "signal")
    record = {**read_run(writer.path).record, "durations": {"total_s": 40.0}}
    (writer.path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    assert RunWriter.resume(writer.path).elapsed_s >= 40.0
