"""Looking at runs: what is typed, and what is printed by `runs list`, `show` and `compare`."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from clityped import DATA, Made, Typed, first_cells

from projectkit.runs import RunWriter


def evaluated(writer: RunWriter, value: float) -> RunWriter:
    metric = {"value": value, "low": value - 0.05, "high": value + 0.05, "method": "bca"}
    writer.write_evaluation("val", {"n": 100, "metrics": {"f1_macro": metric}})
    return writer


def heads(output: str) -> list[str]:
    return output.splitlines()[0].split()


def test_an_empty_project_says_how_to_start(typed: Typed, project: Path) -> None:
    done = typed("runs list")
    assert (done.status, done.out) == (0, "no run yet; start one with `projectkit train`\n")
    assert json.loads(typed("runs list --json").out) == []
    assert typed("runs list --csv").out == "\n"


def test_runs_are_listed_newest_first_with_the_monitored_metric_at_the_head(typed: Typed, made: Made) -> None:
    first, second = made("lstm", value=0.25), made("cnn", value=0.75)
    done = typed("runs list")
    assert heads(done.out) == ["id", "age", "status", "kind", "data", "val/f1_macro", "time"]
    assert first_cells(done.out) == [second.id, first.id]
    assert "0.7500" in done.out


def test_columns_are_shown_that_some_run_has_something_in(typed: Typed, made: Made) -> None:
    made("lstm")
    going = made("going", status="running")
    going.update(planned_steps=80)
    made("broken", status="failed", reason="oom", monitor={"metric": "val/loss", "mode": "min"})
    typed("runs tag lstm +good +paper")
    done = typed("runs list")
    assert heads(done.out) == [
        "id",
        "age",
        "status",
        "progress",
        "reason",
        "kind",
        "data",
        "monitor",
        "value",
        "time",
        "tags",
    ]
    assert "25%" in done.out
    assert " oom " in done.out
    assert "good,paper" in done.out
    going.finish("finished")


def test_a_record_of_nonsense_from_elsewhere_hides_no_other_run_and_commands_no_terminal(
    typed: Typed, made: Made
) -> None:
    good, odd = made("good"), made("odd", status="failed", reason="disk")
    file = odd.path / "run.json"
    record = json.loads(file.read_text(encoding="utf-8"))
    nonsense = {"reason": "\x1b]0;x\x07\x1b[31m", "monitor": {"metric": ["x"], "mode": 3}, "best": [1], "git": 5}
    file.write_text(json.dumps({**record, **nonsense}), encoding="utf-8")
    for line in ("runs list", f"runs show {odd.id}", "runs list --json"):
        done = typed(line)
        assert done.status == 0
        assert "\x1b" not in done.out
    assert first_cells(typed("runs list").out) == [odd.id, good.id]


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_a_list_fits_the_terminal_and_its_ids_can_be_typed(
    typed: Typed, made: Made, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    names = ["lstm", "a-much-longer-name-for-a-run", "cnn"]
    ids = {made(name, data=DATA | {"name": "a_data_set_with_a_long_name"}).id for name in names}
    typed("runs tag lstm +good +paper +second-week")
    monkeypatch.setenv("COLUMNS", str(width))
    done = typed("runs list")
    assert max(len(line) for line in done.out.splitlines()) <= width
    assert ("no room for" in done.err) == (width < 120)
    monkeypatch.setenv("COLUMNS", "200")
    shown = first_cells(done.out)
    assert {json.loads(typed(f"runs show {each} --json").out)["id"] for each in shown} == ids


def test_a_list_in_a_pipe_has_every_id_in_full(typed: Typed, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    run_id = made("a-name").id
    monkeypatch.delenv("COLUMNS", raising=False)
    assert first_cells(typed("runs list").out) == [run_id]


def test_a_list_imports_nothing_that_a_list_does_not_need(made: Made, project: Path) -> None:
    """A thousand runs are listed in under half a second; one of these would take most of that."""
    made("lstm")
    heavy = ["torch", "numpy", "omegaconf", "ruamel.yaml", "rich", "wandb", "matplotlib", "cookiecutter"]
    program = (
        "import sys; from projectkit import cli\n"
        "try: cli.main(['runs', 'list'])\n"
        f"except SystemExit: print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "lstm" in done.stdout


def test_filters_order_and_columns_of_a_list(typed: Typed, made: Made) -> None:
    low = made("low", value=0.2, hidden=32)
    high = made("high", value=0.9, hidden=64)
    made("other", value=0.5, status="failed", reason="nan")
    assert first_cells(typed("runs list --status finished --sort val/f1_macro").out) == [low.id, high.id]
    assert first_cells(typed("runs list --where val/f1_macro>0.8 --where model.init_args.hidden=64").out) == [high.id]
    assert first_cells(typed("runs list --data sms* --since 1h --last 1 --status finished").out) == [high.id]
    done = typed("runs list --name low --columns id,model.init_args.hidden,best.val/loss,time")
    assert heads(done.out) == ["id", "model.init_args.hidden", "best.val/loss", "time"]
    assert done.out.splitlines()[1].split()[1:3] == ["32", "0.8000"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--status finnished", "no status 'finnished'; did you mean 'finished'?"),
        ("--kind trian", "did you mean 'train'?"),
        ("--where val/f1_marco>1", "no run has a 'val/f1_marco'; did you mean 'val/f1_macro'?"),
        ("--sort vale", "did you mean 'value'?"),
        ("--columns id,statsu", "did you mean 'status'?"),
        ("--where nothing", "is no condition"),
        ("--since tomorrow", "write 90m, 12h, 2d or 3w"),
        ("--last 0", "--last"),
        ("--statis finished", "did you mean --status?"),
    ],
)
def test_a_mistyped_filter_is_one_line_that_says_what_to_type(typed: Typed, made: Made, line: str, said: str) -> None:
    made("lstm")
    done = typed(f"runs list {line}")
    assert done.status == 2
    assert said in done.err
    assert done.err.count("\n") == 1


def test_filters_that_nothing_passes_say_so(typed: Typed, made: Made) -> None:
    made("lstm")
    assert "none of 1 runs fits" in typed("runs list --status failed").out


def test_a_list_for_programs_and_for_spreadsheets(typed: Typed, made: Made) -> None:
    made("lstm", value=0.25)
    typed("runs tag lstm +a +b")
    (row,) = json.loads(typed("runs list --json").out)
    assert (row["name"], row["value"], row["tags"], row["archived"]) == ("lstm", 0.25, ["a", "b"], False)
    assert json.loads(typed("runs list --json --columns name,val/loss").out) == [{"name": "lstm", "val/loss": 0.75}]
    (line,) = csv.DictReader(io.StringIO(typed("runs list --csv").out))
    assert (line["name"], line["value"], line["tags"], line["reason"]) == ("lstm", "0.25", "a b", "")


def test_a_cell_of_a_csv_is_never_a_formula(typed: Typed, made: Made) -> None:
    made("lstm", data=DATA | {"name": "=1+1"})
    assert "'=1+1" in typed("runs list --csv --columns data").out


def test_show_says_how_a_run_ended_and_what_to_type_next(typed: Typed, made: Made) -> None:
    finished = made("finished")
    assert f"type `projectkit evaluate {finished.id}`" in typed("runs show finished").out
    evaluated(finished, 0.5)
    assert f"type `projectkit runs keep {finished.id}`" in typed("runs show finished").out
    stopped = made("stopped", status="interrupted", reason="signal")
    assert "begin again with `projectkit train --resume" in typed("runs show stopped").out
    (stopped.checkpoints / "last.ckpt").write_bytes(b"x")
    shown = typed("runs show stopped").out
    assert "interrupted (signal)" in shown
    assert f"go on with `projectkit train --resume {stopped.id}`" in shown
    full = made("full", status="failed", reason="disk")
    (full.checkpoints / "last.ckpt").write_bytes(b"x")
    assert "free some space" in typed("runs show full").out
    made("nan", status="failed", reason="nan")
    assert "lower optimizer.init_args.lr tenfold" in typed("runs show nan").out


def test_show_has_numbers_notes_tags_sessions_and_the_disk(typed: Typed, made: Made) -> None:
    evaluated(made("lstm", value=0.75), 0.75)
    typed("runs tag lstm +good")
    typed("runs note lstm", "the one")
    done = typed("runs show lstm")
    for said in ("good", ": the one", "KiB", "on val, n = 100", "0.7000 to 0.8000", "ago)"):
        assert said in done.out
    facts = json.loads(typed("runs show lstm --json").out)
    assert facts["notes"][0]["text"] == "the one"
    assert facts["disk_bytes"] > 1000
    assert [each["event"] for each in facts["sessions"]] == ["started"]
    assert facts["evaluations"]["val"]["n"] == 100


def test_a_damaged_evaluation_is_one_warning_and_the_rest_is_shown(typed: Typed, made: Made) -> None:
    writer = evaluated(made("lstm"), 0.5)
    (writer.path / "evaluation" / "test.json").write_bytes(b"{")
    done = typed("runs show lstm")
    assert (done.status, done.err.count("\n")) == (0, 1)
    assert "projectkit evaluate" in done.err
    assert "on val, n = 100" in done.out


def test_compare_shows_what_differs_and_what_is_unfair(typed: Typed, made: Made) -> None:
    evaluated(made("low", value=0.2, hidden=32), 0.2)
    evaluated(made("high", value=0.9), 0.9)
    done = typed("runs compare low high")
    assert "model.init_args.hidden" in done.out
    assert "trainer.max_epochs" not in done.out
    assert "0.9000* [0.8500,0.9500]!" in done.out
    assert "not a fair comparison" not in done.out
    made("other", data=DATA | {"split_digest": "e" * 64})
    assert "not a fair comparison: another split" in typed("runs compare low other").out
    assert json.loads(typed("runs compare low high --json").out)["settings"] == {"model.init_args.hidden": [32, 64]}
    rows = list(csv.reader(io.StringIO(typed("runs compare low high --csv").out)))
    assert ["setting", "model.init_args.hidden", "32", "64"] in rows


def test_runs_that_do_not_differ_are_said_to_be_equal(typed: Typed, made: Made) -> None:
    made("first")
    made("again")
    done = typed("runs compare first again")
    assert "no setting differs" in done.out
    assert "equal in all of them: val/f1_macro, val/loss" in done.out
    assert "logged at best" not in done.out


def test_compare_takes_latest_best_and_filters(typed: Typed, made: Made) -> None:
    best, latest = made("best-one", value=0.9), made("latest-one", value=0.1)
    assert json.loads(typed("runs compare latest best --json").out)["runs"] == [latest.id, best.id]
    assert set(json.loads(typed("runs compare --since 1h --json").out)["runs"]) == {best.id, latest.id}
    done = typed("runs compare latest")
    assert done.status == 2
    assert "two runs are needed" in done.err


def seeded(made: Made, name: str, seed: int, value: float) -> RunWriter:
    """A run whose config says its seed, with an evaluation."""
    writer = evaluated(made(name, value=value, hidden=len(name)), value)
    path = writer.path / "config.yaml"
    path.write_text(path.read_text(encoding="utf-8") + f"seed: {seed}\n", encoding="utf-8")
    return writer


def test_seeds_stand_as_one_result_with_a_difference_and_a_sentence_in_eighty_columns(
    typed: Typed, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"gru": (0.81, 0.83, 0.82), "convolution": (0.71, 0.73, 0.69)}
    written = {name: [seeded(made, name, seed, value) for seed, value in enumerate(of)] for name, of in values.items()}
    monkeypatch.setenv("COLUMNS", "80")
    done = typed("runs compare --since 1h")
    assert max(len(line) for line in done.out.splitlines()) <= 80
    assert done.err == ""
    said = " ".join(done.out.split())
    assert "gru 3 0,1,2 0.8200 0.0100 0.7952 to 0.8448" in said
    assert "convolution - gru value 95% interval p better" in said
    assert "gru (3 seeds) is better than convolution (3 seeds) by .110 macro F1 on val" in said
    assert "cannot go under p = .25 by sign flips" in said
    document = json.loads(typed("runs compare --since 1h --json").out)
    assert {each["label"] for each in document["results"]} == {"gru", "convolution"}
    assert {run for each in document["results"] for run in each["runs"]} == set(document["runs"])
    rows = list(csv.reader(io.StringIO(typed("runs compare --since 1h --csv").out)))
    assert {len(row) for row in rows} == {8}
    (label,) = [row for row in rows if row[:2] == ["result", "label"]]
    assert sorted(label[2:]) == ["convolution"] * 3 + ["gru"] * 3
    (found,) = [row for row in rows if row[:2] == ["difference", "val/f1_macro convolution - gru p"]]
    assert sum(bool(cell) for cell in found[2:]) == 3
    extra = seeded(made, "gru", 2, 0.82)
    again = typed("runs compare --since 1h").out
    assert f"repeats a seed, so it is not counted: {written['gru'][2].id}" in " ".join(again.split())
    assert extra.id not in again


def test_seeds_of_one_result_alone_stand_run_by_run_with_their_mean(typed: Typed, made: Made) -> None:
    for seed, value in enumerate((0.81, 0.83, 0.82)):
        seeded(made, "gru", seed, value)
    done = typed("runs compare --since 1h")
    assert "gru (3 seeds) has a mean macro F1 of .820 on val, standard deviation .010" in done.out
    assert done.out.count("0.8300*") >= 1
    assert "gru 3 0,1,2 0.8200 0.0100" in " ".join(done.out.split())


def test_a_comparison_imports_no_torch(typed: Typed, made: Made) -> None:
    evaluated(made("low", value=0.2), 0.2)
    evaluated(made("high", value=0.9), 0.9)
    program = (
        "import sys; from projectkit.cli import main; sys.argv = ['projectkit', 'runs', 'compare', 'low', 'high']\n"
        "try: main()\nexcept SystemExit as end: print('torch' in sys.modules, end.code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines()[-1] in ("False 0", "False None"), done.stderr


def test_many_runs_are_compared_in_blocks_that_fit_the_terminal(
    typed: Typed, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        evaluated(made(f"run-number-{number}", value=0.1 * number, hidden=number), 0.1 * number)
    monkeypatch.setenv("COLUMNS", "80")
    done = typed("runs compare --since 1h")
    assert max(len(line) for line in done.out.splitlines()) <= 80
    for number in range(7):
        assert f"run-number-{number}" in done.out


def test_a_mistyped_name_among_two_hundred_runs_names_the_newest_of_the_nearest(
    typed: Typed, made: Made, project: Path
) -> None:
    for number in range(200):
        (project / "runs" / f"20260101-000000-lstm-{number:06x}").mkdir(parents=True)
    run_id = made("charcnn").id
    done = typed("runs show charcn-n")
    assert (done.status, done.err) == (2, f"projectkit: no run 'charcn-n'; did you mean '{run_id}'?\n")
    assert "did you mean '20260101-000000-lstm-0000c7'?" in typed("runs show lsmt").err


@pytest.mark.slow
def test_a_run_that_failed_in_the_teams_code_shows_the_line_later(
    typed: Typed, config: Path, team_file: Callable[[str, str], None]
) -> None:
    team_file(
        "broken",
        "import torch\n\n\nclass Net(torch.nn.Module):\n    def __init__(self) -> None:\n        super().__init__()\n"
        "        self.layer = torch.nn.Linear(13, 3)\n\n    def forward(self, x):\n        raise KeyError('attention')\n",
    )
    assert typed("train model.class_path=team.broken.Net").status == 1
    (row,) = json.loads(typed("runs list --json").out)
    facts = json.loads(typed(f"runs show {row['id']} --json").out)
    assert facts["message"] == "src/team/broken.py:10: KeyError: 'attention'"
    assert "src/team/broken.py:10" in typed(f"runs show {row['id']}").out
