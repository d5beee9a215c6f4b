"""Which runs are one result: those that differ in the seed alone, and those that are folds of one split.

A number of one training is one draw of many that the same settings could have given. Runs with the same settings, data and code are such
draws, so they are one result with a mean and a spread, and what is compared are results. A run that repeats the seed of another one is no
further draw.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from projectkit.runs.reader import Run
from projectkit.runs.values import config_of, flat

# settings that are not the question: a name, and what is done beside the training
_NOT_COMPARED = ("name", "tracking", "checkpoint")
# what was resolved on the machine, where it decides the bits or the speed
_RESOLVED = ("device", "precision", "threads", "loop", "step", "micro_batches")
_VERSIONS = ("dl-projectkit", "torch", "pytorch-lightning", "numpy")
# what a machine makes of the same settings, which is no other result
MACHINE = (*(f"resolved.{key}" for key in _RESOLVED if key != "precision"), "versions.numpy")
_DRAWN = ("seed", "data.fold", *MACHINE)  # what may differ within one result
_SAME_DATA = ("name", "class_path", "target", "split", "split_seed", "folds", "card_digest", "files_digest")


@dataclass(frozen=True)
class Result:
    """One or more runs that answer one question: what do these settings come to?

    Args:
        label: what it is called; no other result that it was made with is called so.
        runs: one a seed and fold, by fold and seed in ascending order.
        repeats: runs with the seed and the fold of one of `runs`; they are not counted again.
    """

    label: str
    runs: tuple[Run, ...]
    repeats: tuple[Run, ...] = ()

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, each once, ascending; a run without a recorded seed has none."""
        return tuple(sorted({seed for run in self.runs if (seed := seed_of(run)) is not None}))

    @property
    def folds(self) -> tuple[int, ...]:
        """The folds of the split, each once, ascending; empty where the split has none."""
        return tuple(sorted({fold for run in self.runs if (fold := fold_of(run)) is not None}))

    @property
    def kind(self) -> Literal["run", "seeds", "folds"]:
        """What there is more than one of; folds that were trained with several seeds each are folds."""
        return "folds" if len(self.folds) > 1 else "seeds" if len(self.runs) > 1 else "run"

    @property
    def described(self) -> str:
        """The label with how many runs stand behind it: `gru (5 seeds)`, `gru (5 folds, 3 seeds)`."""
        seeds = len(self.runs) // max(1, len(self.folds))  # of each fold
        parts = [f"{len(self.folds)} folds"] if self.kind == "folds" else []
        parts += [f"{seeds} seeds"] if seeds > 1 else []
        return f"{self.label} ({', '.join(parts)})" if parts else self.label

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return {
            "label": self.label,
            "kind": self.kind,
            "runs": [run.id for run in self.runs],
            "repeats": [run.id for run in self.repeats],
            "seeds": list(self.seeds),
            "folds": list(self.folds),
        }


def results_of(runs: Iterable[Run]) -> tuple[Result, ...]:
    """The results that runs come to, in the order of their first runs.

    Runs are one result where they finished, are of one kind, and have the same settings but for `seed` and `data.fold`, the same data,
    split and code of the team, and the same versions of torch and projectkit. Names and what is logged where do not count, nor does the
    machine.
    """
    groups: dict[str, list[Run]] = {}
    settings: dict[str, Mapping[str, Any]] = {}
    for run in {run.id: run for run in runs}.values():
        found = settings_of(run)
        key = _identity(run, found)
        settings.setdefault(key, found)
        groups.setdefault(key, []).append(run)
    results = [_counted(members) for members in groups.values()]
    labels = _labels(results, list(settings.values()))
    return tuple(replace(result, label=label) for result, label in zip(results, labels, strict=True))


def settings_of(run: Run) -> dict[str, Any]:
    """Every setting of a run by its dotted key, with what was resolved and the versions; without what is no question, such as its name."""
    found = {key: value for key, value in flat(config_of(run)) if key.partition(".")[0] not in _NOT_COMPARED}
    # a config may leave target and split to the data set: what it came to is compared
    found |= {f"data.{key}": run.part("data")[key] for key in ("target", "split") if key in run.part("data")}
    resolved = {f"resolved.{key}": run.part("resolved")[key] for key in _RESOLVED if key in run.part("resolved")}
    fitted = {"baseline": run.part("baseline").get("name", run.name)} if run.kind == "baseline" else {}
    return found | fitted | resolved | {f"versions.{name}": run.part("versions").get(name) for name in _VERSIONS}


def seed_of(run: Run) -> int | None:
    """The seed that a run was trained with."""
    seed = run.record.get("seed")
    seed = config_of(run).get("seed") if seed is None else seed
    return seed if isinstance(seed, int) else None


def fold_of(run: Run) -> int | None:
    """Which fold of its split a run was tested on; None where the split is not cut into folds."""
    data = run.part("data")
    fold = data.get("fold")
    return fold if data.get("folds") is not None and isinstance(fold, int) else None


def _identity(run: Run, settings: Mapping[str, Any]) -> str:
    """A text that runs of one result share; a run that stands for itself has its id in it."""
    data = run.part("data")
    alone = run.status != "finished" or settings.get("seed") is None  # as where its config cannot be read
    asked = {key: value for key, value in settings.items() if key not in _DRAWN}
    same = {key: data.get(key) for key in _SAME_DATA}
    if fold_of(run) is None:
        same |= {key: data.get(key) for key in ("split_digest", "samples_digest")}  # the latter of the training subset
    code = run.record.get("code_digest") or [run.part("git").get(key) for key in ("commit", "diff_sha256")]
    whole = [run.kind, asked, same, code, run.forced_changes(), run.id if alone else None]
    return json.dumps(whole, sort_keys=True, default=str)


def _counted(members: Sequence[Run]) -> Result:
    """The runs of a group with one of each seed and fold: the newest that was evaluated."""
    chosen: dict[tuple[int, int], Run] = {}
    for run in sorted(members, key=lambda run: (any((run.path / "evaluation").glob("*.json")), str(run.created))):
        fold, seed = fold_of(run), seed_of(run)
        chosen[-1 if fold is None else fold, -1 if seed is None else seed] = run
    counted = [run for _, run in sorted(chosen.items(), key=lambda item: item[0])]
    ids = {run.id for run in counted}
    return Result(members[0].name, tuple(counted), tuple(run for run in members if run.id not in ids))


def _labels(results: Sequence[Result], settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """A name for each: the runs' own where it is no other result's, else with the settings that differ, else with the id's last digits."""
    named: dict[str, list[int]] = {}
    for index, result in enumerate(results):
        named.setdefault(result.label, []).append(index)
    labels = [result.label for result in results]
    for name, indices in named.items():
        if len(indices) == 1:
            continue
        of_them = [settings[index] for index in indices]
        keys = dict.fromkeys(key for each in of_them for key in each)
        differ = [key for key in keys if key not in _DRAWN and len({str(each.get(key)) for each in of_them}) > 1]
        for index in indices:
            told = " ".join(f"{key.rpartition('.')[2]}={_short(settings[index].get(key))}" for key in differ[:2])
            labels[index] = f"{name} {told}".strip()
    twice = {label for label, count in Counter(labels).items() if count > 1}
    return [
        f"{results[index].label}-{results[index].runs[0].id[-6:]}" if label in twice else label
        for index, label in enumerate(labels)
    ]


def _short(value: Any) -> str:
    text = str(value)
    return text.rpartition(".")[2] if text.count(".") > 1 else text  # the class of a path
