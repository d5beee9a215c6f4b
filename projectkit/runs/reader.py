"""Reading a run: a frozen view of a run folder, in `runs/` or kept in `results/`, finished, running or dead.

`run.json` is read once, when the view is made; the other files are read when they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from projectkit.errors import UserError, did_you_mean
from projectkit.runs import ids
from projectkit.runs.files import as_float, read_json, read_lines
from projectkit.runs.process import is_alive
from projectkit.runs.restoring import metric_rows, restored
from projectkit.runs.schema import EVALUATION_SCHEMA, FIGURE_SCHEMA, MODEL_SCHEMA, SCHEMA, refuse_newer, upgraded
from projectkit.runs.sessions import is_owned, newest_session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Predictions:
    """What a model said: `id` (n,), `target` (n,), `score` float32, (n, classes) probabilities or (n,).

    `group` (n,) numbers what samples share that makes them depend on one another; None where they are independent, or it was not written.
    """

    id: NDArray[np.str_]
    target: NDArray[Any]
    score: NDArray[np.float32]
    group: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Run:
    """A read-only view of a run folder.

    Args:
        path: the folder.
        record: what `run.json` held when the view was made, as today's schema has it; empty where it could not be read.
        problem: why it could not be read; the status is then `unreadable`.
        kept: the run's copy in `results/`, None where it was not kept.
        alive: whether a process was writing it when the view was made.
        damage: what is wrong with a `run.json` whose content could be told from the run's other files.
    """

    path: Path
    record: Mapping[str, Any] = field(repr=False)
    problem: str | None = None
    kept: Path | None = None
    alive: bool = False
    damage: str | None = None

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def name(self) -> str:
        """The name that the config gave."""
        match = ids.PATTERN.fullmatch(self.id)
        return str(self.record.get("name") or (match[2] if match else self.id))

    @property
    def kind(self) -> str:
        """`train`, `smoke` or `baseline`; `unknown` where the record cannot be read."""
        return str(self.record.get("kind", "unknown"))

    @property
    def status(self) -> str:
        """`running`, `finished`, `failed`, `interrupted` (also where the process that wrote it is gone), or `unreadable`."""
        if self.problem:
            return "unreadable"
        return "interrupted" if self._was_killed else str(self.record.get("status", "unknown"))

    @property
    def reason(self) -> str | None:
        """One word for why it did not finish: oom, nan, disk, signal, killed ...; None where it did, or still may."""
        return "killed" if self._was_killed else self.record.get("reason")

    @property
    def created(self) -> datetime | None:
        """When the run was created, UTC."""
        return _time(self.record.get("created")) or ids.created(self.id)

    @property
    def ended(self) -> datetime | None:
        """When the run ended, UTC; None while it runs."""
        return _time(self.record.get("ended"))

    @property
    def best(self) -> dict[str, float]:
        """`step`, `epoch` and the metrics of the best checkpoint; empty where nothing was monitored."""
        return _numbers(self.record.get("best"))

    @property
    def last(self) -> dict[str, float]:
        """`step`, `epoch` and the last value of each metric."""
        return _numbers(self.record.get("last"))

    @property
    def seconds(self) -> dict[str, float]:
        """How the time was spent: seconds by phase, all sessions of the run together; empty where nothing was recorded."""
        return _numbers(self.part("durations").get("seconds"))

    @property
    def monitor(self) -> Mapping[str, str]:
        """`metric` and `mode`; empty where nothing was monitored."""
        return {key: value for key, value in self.part("monitor").items() if isinstance(value, str)}

    def part(self, name: str) -> Mapping[str, Any]:
        """A mapping in the record, such as `data`, `resolved` or `durations`; empty where it is absent."""
        value = self.record.get(name)
        return value if isinstance(value, dict) else {}

    def config(self) -> dict[str, Any]:
        """The config in full, as plain containers."""
        from projectkit.config import read_yaml

        data, _places = read_yaml(
            self._existing("config.yaml", remedy="restore it from git or from your partner's copy")
        )
        return dict(data)

    def metrics(self) -> list[dict[str, Any]]:
        """One row a step: `step`, `epoch`, `time` in seconds, and the metrics that were logged at it, as floats."""
        return [
            {key: value if key in ("step", "epoch") else as_float(value) for key, value in row.items()}
            for row in metric_rows(read_lines(self.path / "metrics.jsonl"))
        ]

    def history(self, metric: str) -> tuple[list[int], list[float]]:
        """The steps at which a metric was logged, and its values.

        Raises:
            UserError: it was never logged; the message names the nearest one.
        """
        lines = self.metrics()
        points = [(line["step"], line[metric]) for line in lines if line.get(metric) is not None and "step" in line]
        if not points:
            known = {name for line in lines for name in line} - {"step", "epoch", "time"}
            remedy = did_you_mean(metric, known) if known else "nothing was logged in this run"
            raise UserError(f"no metric '{metric}' in this run", where=self.id, remedy=remedy)
        return [step for step, _ in points], [value for _, value in points]

    def events(self) -> list[dict[str, Any]]:
        """The run's history: `time` (ISO, UTC), `event`, and what belongs to it."""
        lines = read_lines(self.path / "events.jsonl")
        return [{key: value for key, value in line.items() if key != "record"} for line in lines]  # see restoring.py

    def forced_changes(self) -> list[str]:
        """What was not as before when it went on by `--force`, in the words of that moment: a part of it was trained otherwise."""
        lines: dict[str, None] = {}
        resumed = False
        for event in self.events():
            resumed = resumed or event.get("event") == "resumed"
            changes = event.get("changes") if resumed and event.get("event") == "changed" else None
            for change in changes if isinstance(changes, list) else []:
                if isinstance(change, dict) and change.get("forced"):
                    lines[str(change.get("line"))] = None
        return list(lines)

    def evaluation(self, subset: str) -> dict[str, Any] | None:
        """The evaluation of a subset, None where it was not evaluated."""
        path = self._member("evaluation", subset, ".json")
        return None if path is None else self._evaluation(path)

    def evaluations(self) -> dict[str, dict[str, Any]]:
        """Every evaluation, by subset."""
        return {path.stem: self._evaluation(path) for path in self._members("evaluation", ".json")}

    def outdated(self, evaluation: Mapping[str, Any]) -> bool:
        """Whether an evaluation is of weights that were replaced since, as where a run was evaluated and then went on."""
        evaluated = evaluation.get("checkpoint")
        if not isinstance(evaluated, dict):
            return False
        logs = (read_lines(self.path / "checkpoints" / "digests.jsonl"), self.events())
        written = ([line for line in log if line.get("name") == evaluated.get("name")] for log in logs)
        newest = {lines[-1].get("sha256") for lines in written if lines}  # a death may come between the two
        return bool(newest) and evaluated.get("sha256") not in newest

    def predictions(self, subset: str) -> Predictions:
        """What the model said about a subset.

        Raises:
            UserError: there are no predictions for it, or the file is damaged; the message says what to type.
        """
        import zipfile

        import numpy as np

        again = f"type `projectkit evaluate {self.id} --subset {subset}` where the run was trained"
        path = self._member("predictions", subset, ".npz")
        if path is None:
            raise UserError(f"no predictions for '{subset}' (a kept run has none)", where=self.id, remedy=again)
        try:
            with np.load(path, allow_pickle=False) as file:
                group = file.get("group")  # files of older runs have none
                return Predictions(id=file["id"], target=file["target"], score=file["score"], group=group)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(f"damaged predictions: {error}", where=str(path), remedy=again) from error

    def checkpoint(self, name: str = "best") -> Path:
        """The path of a checkpoint: `best`, `last` or `step-<n>`.

        Raises:
            UserError: there is none of that name; the message says which there are.
        """
        path = self._member("checkpoints", name, ".ckpt")
        if path is None:
            there = [path.stem for path in self._members("checkpoints", ".ckpt")]
            remedy = (
                f"there is: {', '.join(there)}" if there else "a kept run has none: use the machine that trained it"
            )
            raise UserError(f"no checkpoint '{name}'", where=str(self.path), remedy=remedy)
        return path

    def figure(self, name: str) -> Path:
        """The path of a figure that the evaluation drew, an SVG.

        Raises:
            UserError: there is none of that name; the message names the nearest.
        """
        path = self._member("evaluation/figures", name.removesuffix(".svg"), ".svg")
        if path is None:
            held_back = self._member("errors/figures", name.removesuffix(".svg"), ".svg")
            if held_back is not None:
                raise UserError(
                    f"the figure '{name}' shows samples that may not be passed on by the data's card",
                    where=self.id,
                    remedy=f"if you may show them, copy errors/figures/{held_back.name} of the run into poster/figures/",
                )
            known = [path.stem for path in self._members("evaluation/figures", ".svg")]
            remedy = did_you_mean(name, known) if known else f"type `projectkit evaluate {self.id}` first"
            raise UserError(f"no figure '{name}'", where=self.id, remedy=remedy)
        return path

    def figure_data(self, name: str) -> dict[str, Any] | None:
        """The numbers that a figure of the evaluation was drawn from, where they were left beside it.

        Raises:
            UserError: the file is damaged, or of a newer version.
        """
        path = self._member("evaluation/figures", name, ".json")
        return None if path is None else self._document(path, FIGURE_SCHEMA, f"type `projectkit evaluate {self.id}`")

    def model(self) -> dict[str, Any]:
        """What the network is made of, as the training left it in `model.json`: `type`, `parameters`, `input`, `output`, `layers`.

        Raises:
            UserError: the run has none: it is older, did not finish, or no network was trained.
        """
        path = self.path / "model.json"
        if not path.is_file():
            remedy = (
                "train it once more with `projectkit train`; a kept run is brought up to date by `projectkit runs keep`"
            )
            raise UserError(f"the run {self.id} does not say what its network is made of", where=self.id, remedy=remedy)
        return self._document(path, MODEL_SCHEMA, "train it once more with `projectkit train`")

    @property
    def _was_killed(self) -> bool:
        return self.record.get("status") == "running" and not self.alive

    def _members(self, folder: str, suffix: str) -> list[Path]:
        paths = (self.path / folder).glob(f"*{suffix}")
        return sorted(path for path in paths if not path.name.startswith("."))

    def _member(self, folder: str, name: str, suffix: str) -> Path | None:
        # Looked up among what is there, never joined: a name cannot lead out of the run folder.
        return next((path for path in self._members(folder, suffix) if path.stem == name), None)

    def _existing(self, name: str, *, remedy: str) -> Path:
        path = self.path / name
        if not path.is_file():
            raise UserError(f"the run has no {name}", where=str(self.path), remedy=remedy)
        return path

    def _evaluation(self, path: Path) -> dict[str, Any]:
        remedy = f"type `projectkit evaluate {self.id} --subset {path.stem}`"
        return self._document(path, EVALUATION_SCHEMA, remedy, what="evaluation")

    @staticmethod
    def _document(path: Path, known: int, remedy: str, *, what: str = "file") -> dict[str, Any]:
        try:
            document = read_json(path)
        except (OSError, ValueError) as error:
            raise UserError(f"damaged {what}: {error}", where=str(path), remedy=remedy) from error
        refuse_newer(document, path, known=known)
        return document


def read_run(path: Path) -> Run:
    """The run in a folder.

    Raises:
        UserError: there is no readable run.json and the other files do not tell what it said, or it was written by a newer version.
    """
    return read_folder(path.expanduser().resolve())


def read_folder(path: Path) -> Run:
    """As `read_run`, of an absolute path without links: asking for that takes as long as reading, which a list of a thousand would feel."""
    record, damage = _record(path)
    alive = record.get("status") == "running" and _is_alive(path, record)
    if record.get("status") == "running" and not alive:
        # it may have ended between the two looks: its end is recorded before the claim on it is given up
        record, damage = _record(path)
        alive = record.get("status") == "running" and _is_alive(path, record)
    return Run(path, record, alive=alive, damage=damage)


def _record(path: Path) -> tuple[dict[str, Any], str | None]:
    """What `run.json` says, as of today's schema, and what is wrong with the file."""
    file, damage = path / "run.json", None
    try:
        record = read_json(file)
        if not isinstance(record.get("schema"), int):
            raise ValueError("no schema version, so not written by projectkit")
    except (OSError, ValueError) as error:
        found = restored(path)
        if found is None:
            raise _unreadable(path, error) from None
        record, damage = found, f"run.json cannot be read ({error}); this is what events.jsonl says"
    refuse_newer(record, file, known=SCHEMA)
    return upgraded(record), damage


def _unreadable(path: Path, error: OSError | ValueError) -> UserError:
    if isinstance(error, FileNotFoundError):
        return UserError("not a run folder (no run.json)", where=str(path), remedy="see `projectkit runs list`")
    remedy = "the other files of the run are untouched; restore run.json from results/ or a backup"
    return UserError(f"cannot be read: {error}", where=str(path / "run.json"), remedy=remedy)


def _is_alive(path: Path, record: Mapping[str, Any]) -> bool:
    process = record.get("process")  # where schema 1 had it
    return is_owned(path) if newest_session(path) else isinstance(process, dict) and is_alive(process)


def _time(value: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _numbers(values: Any) -> dict[str, float]:
    """Metric values of a record; steps and epochs stay whole numbers."""
    if not isinstance(values, dict):
        return {}
    numbers = {key: value if isinstance(value, int) else as_float(value) for key, value in values.items()}
    return {key: number for key, number in numbers.items() if number is not None}
