"""From a config to findings: what is wrong with a training before it is begun."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytorch_lightning as pl

from projectkit.config import Config, load_config
from projectkit.findings import Finding
from projectkit.project import Project, find_project, require_project
from projectkit.training.assemble import Assembly, assemble
from projectkit.training.check.budget import Budget
from projectkit.training.check.examine import Examination, Examiner
from projectkit.training.check.rates import RateRange
from projectkit.training.check.subject import subject_of
from projectkit.training.fit import placed
from projectkit.training.resolve import resolve
from projectkit.training.screen import quiet
from projectkit.training.workbench import untouched

SECONDS = 13.0  # of a check; imports come on top, and all of it is to take less than 20
FOLDER = "check"  # below the runs; it holds no run.json, so that no list takes it for a run


@dataclass(frozen=True)
class Checked:
    """What a check found, and where its picture lies."""

    findings: tuple[Finding, ...]
    rates: RateRange | None
    picture: Path | None


def check(
    config: Path | str = "configs/train.yaml", overrides: Sequence[str] = (), *, seconds: float = SECONDS
) -> Checked:
    """Look at what a config describes as if it were trained, on copies; nothing but a picture is written.

    Args:
        config: the YAML file.
        overrides: `key=value`, as on the command line.
        seconds: that it may take; what was left out for it is a note.

    Raises:
        UserError: the config, a class, an argument or the data's name is wrong.
        WorkError: the data cannot be had.
    """
    budget = Budget(seconds)
    project = find_project(Path(config).parent) or require_project()
    loaded = load_config(config, overrides)
    with placed(loaded.places):
        resolved = resolve(loaded.config)
        pl.seed_everything(loaded.config.seed, workers=True, verbose=False)
        if loaded.config.data.class_path is None and loaded.config.data.input == "auto":
            # a few batches do not need the whole set encoded
            loaded = replace(loaded, config=replace(loaded.config, data=replace(loaded.config.data, input="stream")))
        assembly = assemble(loaded, project)
        result = examine(assembly, trainer=_trainer(loaded.config, resolved), budget=budget, seed=loaded.config.seed)
    findings, picture = list(result.findings), None
    if result.rates is not None:
        try:
            picture = _drawn(result.rates, project, loaded.config)
        except OSError as error:
            findings.append(
                Finding(
                    "picture",
                    "note",
                    str(project.runs),
                    f"the picture of the rates cannot be written: {error.strerror}",
                )
            )
    return Checked(tuple(findings), result.rates, picture)


def examine(
    assembly: Assembly, *, trainer: dict[str, object] | None = None, budget: Budget | None = None, seed: int = 0
) -> Examination:
    """Check what has been built; task, data and every generator of the process are as before afterwards.

    Args:
        assembly: data and task.
        trainer: Lightning's arguments for device, precision and clipping; None: a CPU.
        budget: the time; None: `SECONDS`.
        seed: of the short trainings.
    """
    quiet()
    budget = budget or Budget(SECONDS)
    arguments = trainer or {"accelerator": "cpu", "devices": 1}
    with untouched(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        subject = subject_of(assembly, arguments, budget.share(0.15))
        if not subject.batches:
            empty = Finding(
                "inputs",
                "error",
                "data",
                "the training loader gives no batch",
                "usually an empty subset, or drop_last with fewer samples than batch_size",
            )
            return Examination([empty])
        return Examiner(subject, budget, seed).run()


def _trainer(config: Config, resolved: dict[str, object]) -> dict[str, object]:
    """What a short training shares with the long one; precision is full, so that small differences are differences."""
    given = {
        "accelerator": resolved["accelerator"],
        "devices": resolved["devices"],
        "precision": "64-true" if str(resolved["precision"]).startswith("64") else "32-true",
        "gradient_clip_val": config.trainer.gradient_clip_val,
        "gradient_clip_algorithm": config.trainer.gradient_clip_algorithm,
    }
    return {name: value for name, value in given.items() if value is not None}


def _drawn(found: RateRange, project: Project, config: Config) -> Path:
    from projectkit import figures

    folder = project.runs / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "-", config.name)
    path = folder / f"learning-rate-{name}.svg"
    figures.save_svg(
        figures.lr_range(found.rates, found.losses, suggested=found.suggested, fastest=found.fastest), path
    )
    return path
