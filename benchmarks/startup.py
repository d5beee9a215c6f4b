"""`make bench`: how fast the commands answer, as a section of RESULTS.md."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pairs import compare, table
from results import measured_on, write_section

from projectkit.runs import RunWriter

ROUNDS = 25
RUNS = 1000


def command_time(*words: str, folder: Path | None = None) -> Callable[[], float]:
    """A contender: seconds of wall clock from start to exit of a command of this Python."""

    def once() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        return time.perf_counter() - began

    return once


def project_with_runs(root: Path) -> Path:
    """A project with `RUNS` recorded runs, each with a config, metrics and the best and last numbers of a training."""
    (root / "pyproject.toml").write_text("[tool.projectkit]\n", encoding="utf-8")
    data = {"name": "dga", "target": "family", "split": "stratified", "split_digest": "d" * 64, "card_digest": "c" * 64}
    monitor = {"metric": "val/f1_macro", "mode": "max"}
    numbers = {
        f"val/{name}": 0.5 for name in ("f1_macro", "accuracy", "balanced_accuracy", "auroc", "mcc", "ece", "loss")
    }
    writer = RunWriter.create(
        root / "runs", "lstm", config_yaml="name: lstm\n", source=root, data=data, monitor=monitor
    )
    for step in range(20):
        writer.log(step, 0, {"train/loss": 0.5, **numbers})
    writer.update(best={"step": 19, "epoch": 0, **numbers}, last={"step": 19, "epoch": 0, **numbers})
    writer.finish("finished")
    record = json.loads((writer.path / "run.json").read_text(encoding="utf-8"))
    for number in range(1, RUNS):
        created = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=37 * number)
        folder = root / "runs" / f"{created:%Y%m%d-%H%M%S}-lstm-{number * 7919:06x}"
        shutil.copytree(writer.path, folder)
        again = record | {"id": folder.name, "created": created.isoformat()}
        (folder / "run.json").write_text(json.dumps(again, indent=1), encoding="utf-8")
    return root


def main() -> int:
    """Measure and write; 1 where the machine was too noisy for the result to mean anything."""
    with tempfile.TemporaryDirectory() as folder:
        return measure(project_with_runs(Path(folder).resolve()))


def measure(project: Path) -> int:
    """`main`, with a project to list the runs of."""
    measured = compare(
        {
            "`projectkit --help`": command_time("-m", "projectkit", "--help"),
            f"`projectkit runs list`, {RUNS} runs": command_time("-m", "projectkit", "runs", "list", folder=project),
            "`python -c 'import click'`": command_time("-c", "import click"),
            "`python -c pass`": command_time("-c", "pass"),
        },
        ROUNDS,
    )
    section = write_section(
        "Start-up",
        "The aim is 150 ms for `projectkit --help`: nothing heavy is imported before a command needs it; and 500 ms for a list of a "
        "thousand runs, each of whose `run.json` is read. Medians over rounds in which all "
        "contenders took turns; ratios are to the first row, within a round.\n\n"
        f"{measured_on()}, {ROUNDS} rounds.\n\n{table(measured)}",
    )
    print(section)
    if measured.void:
        print(
            f"void: the same command twice gave a ratio of {measured.rows[1].ratio:.2f}; measure again on a quieter machine"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
