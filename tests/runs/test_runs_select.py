from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from projectkit.config import read_yaml
from projectkit.errors import UserError
from projectkit.runs import RunWriter, list_runs, load_run
from projectkit.runs.notes import mark_archived, tag_run
from projectkit.runs.select import Condition, Filters, condition, moment, select, sort
from projectkit.runs.values import Row, age, config_value, flat, newest_step, progress

CONFIG = """
name: lstm
seed: 3
data:
  name: dga
  augment:
  - class_path: a.B
    init_args:
      p: 0.5
model:
  class_path: "team.model: CharLSTM"
  init_args:
    hidden: 64
    layers:
    - 32
    - 16
    bias: true
    "odd key": 7
optimizer:
  init_args:
    lr: 1e-05
    name: 'off'
scheduler: null
"""


@pytest.fixture
def ids(project):
    """A function that gives the names of the runs that pass."""

    def names(**filters):
        return [row.run.name for row in select(list_runs(project), Filters(**filters))]

    return names


def change(writer, **fields):
    path = writer.path / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | fields), encoding="utf-8")


def test_runs_are_chosen_by_status_kind_data_and_name(make_run, ids):
    make_run("a")
    make_run("b", status="failed")
    make_run("c", kind="smoke", data={"name": "sms_spam"})
    assert ids() == ["c", "b", "a"]
    assert ids(status=("failed",)) == ["b"]
    assert ids(status=("failed", "finished")) == ["c", "b", "a"]
    assert ids(kind=("smoke",)) == ids(data=("SMS*",)) == ids(name=("C",)) == ["c"]
    assert ids(kind=("smoke",), status=("failed",)) == []
    assert ids(last=2) == ["c", "b"]


def test_a_run_that_cannot_be_read_is_chosen_by_that_status(make_run, ids):
    make_run("good")
    bad = make_run("bad")
    (bad.path / "events.jsonl").unlink()
    (bad.path / "run.json").write_bytes(b"{")
    assert ids(status=("unreadable",)) == ["bad"]
    assert ids(where=(condition("val/f1_macro>0"),)) == ["good"]


def test_archived_runs_are_hidden_unless_asked_for(make_run, ids):
    mark_archived(load_run(str(make_run("old").path)), True)
    make_run("new")
    assert ids() == ["new"]
    assert ids(archived=True) == ["new", "old"]
    assert ids(archived=True, where=(condition("archived=true"),)) == ["old"]


def test_tags_are_all_required_and_an_unknown_one_names_the_nearest(make_run, ids):
    first, second = make_run("first"), make_run("second")
    tag_run(load_run(str(first.path)), ["good", "paper"])
    tag_run(load_run(str(second.path)), ["good"])
    assert ids(tags=("good",)) == ["second", "first"]
    assert ids(tags=("good", "paper")) == ["first"]
    assert ids(tags=("paper",), name=("second",)) == []  # the tag is there, on another run
    with pytest.raises(UserError, match=r"no run has the tag 'papr'.*did you mean 'paper'"):
        ids(tags=("papr",))


def test_since_counts_from_the_creation(make_run, ids):
    old = make_run("old")
    change(old, created=(datetime.now(UTC) - timedelta(days=3)).isoformat())
    make_run("new")
    assert ids(since=moment("2d")) == ["new"]
    assert ids(since=moment("1w")) == ["new", "old"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        ("2d", timedelta(days=2)),
        ("3w", timedelta(days=21)),
        ("999999999999w", None),
    ],
)
def test_a_moment_is_a_while_ago(text, expected):
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert moment(text, now) == (now - expected if expected else datetime.min.replace(tzinfo=UTC))


def test_a_moment_is_a_date_in_local_time_or_with_its_zone():
    assert moment("2026-11-03") == datetime(2026, 11, 3).astimezone()
    assert moment("2026-11-03T14:00+00:00") == datetime(2026, 11, 3, 14, tzinfo=UTC)
    for wrong in ("yesterday", "2", "", "2026-13-01", "-2d"):
        with pytest.raises(UserError, match="write 90m, 12h"):
            moment(wrong)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("val/f1_macro>0.4", True),
        ("val/f1_macro>0.5", False),
        ("val/f1_macro>=0.5", True),
        ("val/f1_macro < 0.5", False),
        ("val/f1_macro==0.5", True),
        ("best.val/f1_macro=0.5", True),
        ("best.step=20", True),
        ("value<=5e-1", True),
        ("data=dga", True),
        ("data!=dga", False),
        ("data~DG", True),
        ("data.target=family", True),
        ("status!=failed", True),
        ("reason=null", True),
        ("reason!=oom", False),  # a run without a reason has none that could differ
        ("model.init_args.hidden=64", True),
        ("model.init_args.hidden=64.0", True),
        ("model.init_args.hidden>100", False),
        ("model.init_args.layers=[32, 16]", True),
        ("model.init_args.layers=32", False),
        ("model.init_args.layers~32", True),
        ("model.init_args.bias=true", True),
        ("model.init_args.bias=1", False),
        ("optimizer.init_args.lr=0.00001", True),
        ("optimizer.init_args.name=off", True),
        ("scheduler=null", True),
        ("kept=false", True),
        ("tags=null", True),
        ("test/accuracy>0.8", True),
        ("data<3", False),
    ],
)
def test_a_condition_is_met_or_not(project, make_run, text, fits):
    writer = make_run()
    (writer.path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    writer.write_evaluation("test", {"n": 3, "metrics": {"accuracy": {"value": 0.9}}})
    assert bool(select(list_runs(project), Filters(where=(condition(text),)))) is fits


@pytest.mark.parametrize("text", ["val/f1_macro", "", ">3", "a>", "val/loss>high", "x<[1]", "a={"])
def test_what_is_no_condition_says_how_one_is_written(text):
    with pytest.raises(UserError):
        condition(text)


def test_a_key_that_no_run_has_names_the_nearest_of_metrics_record_and_config(make_run, project):
    (make_run().path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    for wrong, right in (
        ("val/f1_marco", "val/f1_macro"),
        ("data.splitdigest", "data.split_digest"),
        ("model.init_args.hiden", "model.init_args.hidden"),
        ("statuss", "status"),
    ):
        with pytest.raises(UserError, match=f"no run has a '{wrong}'; did you mean '{right}'"):
            select(list_runs(project), Filters(where=(Condition(wrong, "=", 1, "1"),)))


def test_runs_without_the_value_come_last_in_both_directions(make_run, project):
    for name, value in (("low", 0.1), ("none", None), ("high", 0.9), ("nan", float("nan"))):
        make_run(name, value=value)
    rows = select(list_runs(project), Filters())
    assert [row.run.name for row in sort(rows, "val/f1_macro")] == ["low", "high", "nan", "none"]
    assert [row.run.name for row in sort(rows, "value", reverse=True)] == ["high", "low", "nan", "none"]
    assert [row.run.name for row in sort(rows, "name")] == ["high", "low", "nan", "none"]
    with pytest.raises(UserError, match="did you mean 'value'"):
        sort(rows, "vale")


def test_the_short_word_for_the_duration_is_known_before_any_run_has_one(make_run, project):
    make_run(status="running")
    rows = select(list_runs(project), Filters(where=(condition("time=null"),)))
    assert [row.run.name for row in sort(rows, "time")] == ["lstm"]


def test_the_youngest_comes_first_by_age_and_last_by_creation(make_run, project):
    old, new = make_run("old"), make_run("new")
    change(old, created="2026-01-01T00:00:00+00:00")
    change(new, created="2026-02-01T00:00:00+00:00")
    rows = select(list_runs(project), Filters())
    assert [row.run.name for row in sort(rows, "age")] == ["new", "old"]
    assert [row.run.name for row in sort(rows, "created")] == ["old", "new"]


def test_every_value_of_a_recorded_config_is_found_by_its_line(project):
    """The quick way and the whole parser agree on a config that the library wrote, with every kind of value."""
    from projectkit.config import config_to_yaml, load_config

    path = project.root / "train.yaml"
    path.write_text(
        "name: 'it''s: odd'\ndata: {name: dga}\n"
        "model: {class_path: projectkit.models.MLP, init_args: {hidden: [64, 32], dropout: 1e-7, tag: 'off', note: \"a: b # c\"}}\n"
        "callbacks: [{class_path: pytorch_lightning.callbacks.Timer, init_args: {interval: step}}]\n"
        "tracking: {tags: [a, 'b: c']}\n",
        encoding="utf-8",
    )
    text = config_to_yaml(load_config(path).config)
    written = project.root / "config.yaml"
    written.write_text(text, encoding="utf-8")
    whole = dict(flat(read_yaml(written)[0]))
    assert len(whole) > 80
    assert {key: config_value(text, key) for key in whole} == whole
    assert config_value(text, "model.init_args.none") is None


def test_a_list_reads_no_config_unless_a_filter_names_a_key_of_it(make_run, project):
    for _ in range(3):
        (make_run().path / "config.yaml").write_bytes(b"\xff: not yaml")
    rows = select(list_runs(project), Filters(where=(condition("val/f1_macro>0"),)))
    assert [row.as_dict()["status"] for row in rows] == ["finished"] * 3
    assert rows[0].value("trainer.max_epochs") is None


def test_a_running_run_tells_how_far_it_is(make_run):
    writer = make_run(status="running")
    run = load_run(str(writer.path))
    assert progress(run) is None  # no end is known
    writer.update(planned_steps=80)
    for line in (b'{"step": 40, "epoch": 1', b'{"step": 40}\n{"ste'):
        with (writer.path / "metrics.jsonl").open("ab") as file:
            file.write(line)
        assert newest_step(run) in (20, 40)
    assert progress(load_run(str(writer.path))) == "50%" or newest_step(run) == 20
    writer.finish("finished")
    assert progress(load_run(str(writer.path))) is None


@pytest.mark.parametrize(
    ("ago", "text"),
    [(5, "5s"), (119, "119s"), (120, "2m"), (90 * 60, "90m"), (86400, "24h"), (86400 * 6, "6d"), (86400 * 21, "3w")],
)
def test_an_age_has_one_unit(ago, text):
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert age(now - timedelta(seconds=ago), now) == text


def test_a_row_for_programs_is_plain_json(make_run):
    writer = make_run()
    tag_run(load_run(str(writer.path)), ["good"])
    row = Row(load_run(str(writer.path))).as_dict()
    assert json.loads(json.dumps(row)) == row
    assert (row["tags"], row["archived"], row["notes"], row["data"]) == (["good"], False, 0, "dga")


def test_a_thousand_runs_are_chosen_from_with_one_file_read_each(project, make_run, monkeypatch):
    """The figure in seconds stands in the benchmarks; what makes it is that a list opens run.json and nothing else."""
    from projectkit.runs import reader

    for number in range(20):
        make_run(f"n{number}")
    opened = []
    real = reader.read_json
    monkeypatch.setattr(reader, "read_json", lambda path: opened.append(path.name) or real(path))
    monkeypatch.setattr(RunWriter, "open", None)
    rows = select(list_runs(project), Filters(status=("finished",)))
    assert len(rows) == 20
    assert opened == ["run.json"] * 20
