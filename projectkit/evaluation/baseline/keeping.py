"""`projectkit baseline`: each baseline fitted, measured and kept as a run, and set beside the best trained run."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from projectkit.config import config_to_dict, config_to_yaml, load_config
from projectkit.evaluation.baseline.beside import Beside, best_trained, headline, set_beside
from projectkit.evaluation.baseline.fitting import Bench
from projectkit.evaluation.baseline.models import Fitted
from projectkit.evaluation.ledger import record_look
from projectkit.evaluation.measure import columns
from projectkit.evaluation.predict import Predicted
from projectkit.evaluation.report import Measured, report
from projectkit.project import Project, find_project, require_project
from projectkit.runs import Run, RunWriter, list_runs, read_run, refuse_masked
from projectkit.runs.code import code_digest
from projectkit.runs.masking import mask_yaml
from projectkit.runs.notes import marks_of
from projectkit.runs.provenance import versions
from projectkit.training.data_record import data_record

SECTIONS = ("name", "seed", "data", "monitor")
"""Of the config, what a baseline is made from; model, task and training mean nothing to it."""


@dataclass(frozen=True)
class Kept:
    """A baseline that was fitted, measured and kept.

    Args:
        run: of kind `baseline`.
        beside: its difference to the best trained run; None where there is none.
    """

    run: Run
    beside: Beside | None

    @property
    def metrics(self) -> Mapping[str, Mapping[str, Any]]:
        """The numbers on val, with their intervals."""
        found: Mapping[str, Mapping[str, Any]] = (self.run.evaluation("val") or {}).get("metrics", {})
        return found


@dataclass(frozen=True)
class Baselines:
    """The baselines of a config.

    Args:
        kept: one each, in the order of `models.BASELINES`.
        metric: the number that they are ranked by.
        trained: the best trained run on the same split; None where there is none that was evaluated on val.
        notes: what should be known about the numbers, a sentence each.
    """

    kept: tuple[Kept, ...]
    metric: str
    trained: Run | None
    notes: tuple[str, ...]


def baselines(
    config: Path | str = "configs/train.yaml",
    overrides: Sequence[str] = (),
    *,
    only: Sequence[str] = (),
    subset: str | None = None,
    command: Sequence[str] | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> Baselines:
    """Fit, measure and keep a config's baselines; those that are there already are not fitted again.

    Args:
        config: the YAML file, of which data, seed and monitor are read.
        overrides: `key=value`, as on the command line.
        only: names of the baselines that are wanted; empty: all that fit the target.
        subset: a further subset that they are measured on; every look at anything but train and val goes into the ledger.
        command: the command line for the record.
        say: told what is being done.

    Raises:
        UserError: config, data, name or subset is wrong, or labels are withheld; nothing has been written.
        WorkError: the data cannot be had.
    """
    project = find_project(Path(config).parent) or require_project()
    loaded = load_config(config, overrides)
    refuse_masked(config_to_dict(loaded.config))
    say("reading the data")
    bench = Bench(loaded, project)
    if subset is not None:
        bench.check(subset)
    names = bench.names(only)
    subsets = ("val",) if subset in (None, "val") else ("val", str(subset))
    former = _former(bench, project)
    runs = []
    for number, name in enumerate(names, 1):
        say(f"{name} ({number} of {len(names)})")
        there = former.get(name)
        fresh = there is None or any(there.evaluation(each) is None for each in subsets)
        runs.append(_keep(name, bench, subsets, project, command) if there is None or fresh else there)
    metric = headline(runs, bench.config.monitor)
    trained, note = best_trained(project, runs[0], metric)
    kept = tuple(Kept(run, None if trained is None else set_beside(run, trained, metric)) for run in runs)
    return Baselines(kept, metric, trained, tuple(_notes(bench, note)))


def _former(bench: Bench, project: Project) -> dict[str, Run]:
    """The baselines of this config that are there already, by name: the same data, code and versions give the same ones."""
    data, code = data_record(bench.config, bench.catalogued), code_digest(project.root, project.package)
    text = mask_yaml(config_to_yaml(bench.config, SECTIONS)).encode("utf-8")
    found: dict[str, Run] = {}
    for run in list_runs(project):  # newest first
        at_home = run.path.parent == project.runs.resolve()  # a kept copy has no predictions
        if not at_home or run.kind != "baseline" or run.status != "finished" or marks_of(run).archived:
            continue
        stands_on = (dict(run.part("data")), run.record.get("code_digest"), dict(run.part("versions")))
        if stands_on != (data, code, dict(versions())):
            continue
        with contextlib.suppress(OSError):
            if (run.path / "config.yaml").read_bytes() == text:
                found.setdefault(run.name, run)
    return found


def _keep(name: str, bench: Bench, subsets: Sequence[str], project: Project, command: Sequence[str] | None) -> Run:
    config = bench.config
    writer = RunWriter.create(
        project.runs,
        name,
        kind="baseline",
        config_yaml=config_to_yaml(config, SECTIONS),
        command=command,
        seed=config.seed,
        source=project.root,
        data=data_record(config, bench.catalogued),
        resolved={"device": "cpu"},
        monitor=asdict(config.monitor) if config.monitor else None,
    )
    try:
        start = time.monotonic()
        baseline = bench.fitted(name)
        seconds = {"fitting": time.monotonic() - start}
        writer.update(baseline=_record(baseline, bench))
        last = _measure(writer, baseline, bench, subsets, project)
        seconds["measuring"] = time.monotonic() - start - seconds["fitting"]
        durations = {"seconds": {phase: round(value, 3) for phase, value in seconds.items()}}
        writer.finish("finished", best=last, last=last, durations=durations)
    except KeyboardInterrupt:
        writer.finish("interrupted", "signal")
        raise
    except BaseException as error:
        writer.finish("failed", "oom" if isinstance(error, MemoryError) else "error", message=str(error)[:500])
        raise
    return read_run(writer.path)


def _record(baseline: Fitted, bench: Bench) -> dict[str, Any]:
    training = bench.training
    return {
        "name": baseline.name,
        "features": bench.task.features.words(baseline.form),
        "train_rows": len(training.y),
        "of": training.of,
        **baseline.chosen,
    }


def _measure(
    writer: RunWriter, baseline: Fitted, bench: Bench, subsets: Sequence[str], project: Project
) -> dict[str, float]:
    """Measure a baseline on val and perhaps one subset more; the numbers of val as a training would have logged them."""
    fitted: Predicted | None = None
    logged: dict[str, float] = {"step": 0, "epoch": 0}
    digest = ""
    for subset in subsets:
        predicted = bench.ask(baseline, subset)
        if fitted is None:
            fitted, digest = predicted, sha256(predicted.score.tobytes()).hexdigest()
        else:
            record_look(project.ledger, writer.id, subset, data_record(bench.config, bench.catalogued), digest)
        measured = Measured(
            kind=baseline.kind,
            predicted=predicted,
            class_names=bench.class_names,
            checkpoint={"name": baseline.name, "sha256": digest},
            fitted=fitted,
            **(columns(bench.catalogued, subset) if bench.catalogued else {}),
        )
        document, _files = report(writer, subset, measured)
        logged |= {f"{subset}/{metric}": entry["value"] for metric, entry in document["metrics"].items()}
    return {key: value for key, value in logged.items() if key in ("step", "epoch") or key.startswith("val/")}


def _notes(bench: Bench, trained: str | None) -> list[str]:
    training = bench.training
    notes = []
    if len(training.y) < training.of:
        notes.append(
            f"fitted on {len(training.y):,} of {training.of:,} training rows, drawn at random with seed {bench.config.seed}"
        )
    return [*notes, *([trained] if trained else [])]
