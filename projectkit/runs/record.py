"""Writing a run: the folder is created before training starts and every file in it is written as things happen.

`run.json` is replaced whole at each `update`, so that it can be read while the run goes on and after any death. Who
writes what:

| fields of run.json | written by |
|---|---|
| schema, id, name, kind, status, reason, command, seed, created, ended | this file |
| git {commit, branch, dirty, diff_sha256, submodules, reason}, source {sha256, files}, code_digest, lock {file, sha256} | this file |
| versions {<package>: version}, hardware {platform, cpu, cores, memory_gib}, memory {peak_mib} | this file |
| data {class_path, name, target, split, split_seed, folds, fold, <split, card, files, samples, encoder>_digest} | training |
| resolved {device, precision, threads, ..., filled arguments}, monitor {metric, mode} | training |
| best, last {step, epoch, <metric>: value, ...} | training |
| durations {fit_s, seconds {<phase>: s}, shares {<phase>: share}} of all sessions (`total_s` is added here) | training |
"""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from projectkit.errors import UserError, WorkError
from projectkit.project import find_project
from projectkit.runs import ids, provenance
from projectkit.runs.code import code_digest, snapshot
from projectkit.runs.files import append_line, as_float, atomic_write, read_lines, to_json
from projectkit.runs.git import git_state
from projectkit.runs.masking import mask_command, mask_document, mask_text, mask_yaml
from projectkit.runs.memory import peak_memory_mib
from projectkit.runs.process import is_alive
from projectkit.runs.reader import Run, read_run
from projectkit.runs.schema import EVALUATION_SCHEMA, FIGURE_SCHEMA, MODEL_SCHEMA, SCHEMA
from projectkit.runs.sessions import OwnedError, Session, TakenOverError, is_owned, refuse_owned

Kind = Literal["train", "smoke", "baseline"]
Status = Literal["running", "finished", "failed", "interrupted"]

_KINDS = ("train", "smoke", "baseline")
_ENDS = ("finished", "failed", "interrupted")
_FIXED = frozenset({"schema", "id", "kind", "created"})  # what a run is called by never changes
_PART_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")  # of a subset or a figure: one folder entry, nothing hidden


class RunWriter:
    """The writing side of a run folder; made by `create` (a new run), `resume` (one that ended) or `open` (to add an evaluation).

    A writer of the first two owns the run, see sessions.py, until it finishes or nobody holds it any more.
    """

    def __init__(self, path: Path, record: dict[str, Any], session: Session | None, *, elapsed_s: float = 0.0) -> None:
        self.path = path
        self._record = record
        self._session = session
        self._lines: int | None = None
        self._start = time.monotonic() - elapsed_s  # so that a resumed run's times go on where they ended
        if session is not None:
            session.ends_with(self)

    @classmethod
    def create(
        cls,
        root: Path,
        name: str,
        *,
        config_yaml: str,
        kind: Kind = "train",
        command: Sequence[str] | None = None,
        seed: int | None = None,
        source: Path | None = None,
        **fields: Any,
    ) -> Self:
        """Create the folder of a new run, with `run.json`, `config.yaml`, `source.diff` and the event `started`.

        Args:
            root: the folder that runs are written to, `Project.runs`.
            name: any text; a slug of it becomes part of the id.
            config_yaml: the config in full, as `config_to_yaml` gives it.
            kind: what the run is for; `latest` and `best` look at `train` alone.
            command: the command line; default `sys.argv`. Secrets are masked.
            seed: the run's seed.
            source: the folder whose git state is recorded; default the working directory.
            fields: further fields of `run.json`, see the table at the top of this file.

        Raises:
            WorkError: the folder cannot be created.
        """
        if kind not in _KINDS:
            raise ValueError(f"kind is {kind!r}, not one of {', '.join(_KINDS)}")
        source, name = source or Path.cwd(), mask_text(name)  # the folder is called by it
        project = find_project(source)
        git = git_state(source)
        path = ids.make_folder(root, name)
        record = {
            "schema": SCHEMA,
            "id": path.name,
            "name": name,
            "kind": kind,
            "status": "running",
            "reason": None,
            "command": mask_command(sys.argv if command is None else command),
            "seed": seed,
            "created": datetime.now(UTC).isoformat(),
            "ended": None,
            "git": git.as_dict(),
            "source": snapshot(source),
            "code_digest": code_digest(source, project.package if project else None),
            "lock": provenance.lock_file(source),
            "versions": provenance.versions(),
            "hardware": provenance.hardware(),
        }
        try:
            writer = cls(path, record, Session.claim(path, 1))
            # run.json comes last: a folder that has one has the rest as well.
            atomic_write(path / "config.yaml", mask_yaml(config_yaml).encode("utf-8"))
            if git.diff:
                atomic_write(path / "source.diff", git.diff.encode("utf-8", "backslashreplace"))
            writer.checkpoints.mkdir()
            writer._record.update(fields)
            writer.event("started", record=record)
            writer.update(status="running")
        except OSError as error:
            shutil.rmtree(path, ignore_errors=True)  # nothing was trained in it
            raise _unwritable(path, error) from error
        return writer

    @classmethod
    def resume(cls, path: Path, *, command: Sequence[str] | None = None, after: int | None = None) -> Self:
        """Go on with a run that ended or was killed: it is this process's from now on, and recorded as running.

        Args:
            path: the run folder.
            after: the `newest_session` of the run when its checkpoint was read; one that came and ended since then has written others.
            command: the command line; default `sys.argv`. Secrets are masked.

        Raises:
            UserError: the folder holds no readable run, or another process goes on with it, or did so (`OwnedError`).
            WorkError: the folder cannot be written.
        """
        run = read_run(path)
        process = run.part("process")  # where schema 1 had it
        if is_alive(process) and run.alive:
            raise UserError("the run is still going on", where=run.id, remedy=f"end process {process.get('pid')} first")
        former = refuse_owned(run.path)
        if after is not None and former != after:
            raise OwnedError(
                "another process has gone on with the run in the meantime", where=run.id, remedy="type the same again"
            )
        try:
            session = Session.claim(run.path, former + 1)
            try:
                run = read_run(path)  # again: until now it was somebody else's
                writer = cls(run.path, dict(run.record), session, elapsed_s=_elapsed(run))
                writer._record.pop("process", None)
                writer.update(status="running", reason=None, ended=None)
                typed = mask_command(sys.argv if command is None else command)
                writer.event("resumed", session=session.number, command=typed, record=writer._record)
            except BaseException:
                session.close()
                raise
        except OSError as error:
            raise _unwritable(run.path, error) from error
        return writer

    @classmethod
    def open(cls, path: Path) -> Self:
        """Add to a run that is there what an evaluation leaves; a run that is going on belongs to the process that writes it.

        Raises:
            UserError: the folder holds no readable run.
        """
        run = read_run(path)
        return cls(run.path, dict(run.record), None, elapsed_s=_elapsed(run))

    @property
    def id(self) -> str:
        """The run's id, its folder's name."""
        return str(self._record["id"])

    @property
    def checkpoints(self) -> Path:
        """The folder for checkpoints."""
        return self.path / "checkpoints"

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run was created; in a resumed run, those before its death count, the pause does not."""
        return time.monotonic() - self._start

    def replace_config(self, config_yaml: str) -> None:
        """The config of a run that goes on with another one; the event `changed` says what it was."""
        self._write("config.yaml", mask_yaml(config_yaml).encode("utf-8"))

    def refuse_if_taken_over(self) -> None:
        """Before a checkpoint: a process that was silent for minutes (a laptop that slept) may have lost its run.

        Raises:
            TakenOverError: another process has gone on with the run.
        """
        if self._session is not None and self._session.taken_over:
            raise TakenOverError(
                "another process has gone on with this run while this one was silent",
                where=self.id,
                remedy="nothing to do: what this process did since its last checkpoint is done there as well",
            )

    def log(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """Append one line of metrics.

        Args:
            step: optimiser steps done.
            epoch: epochs begun, from 0.
            values: metric name -> number; NaN and infinity are kept.

        Raises:
            TakenOverError: another process has gone on with the run.
        """
        if clash := {"step", "epoch", "time"} & values.keys():
            raise ValueError(f"metrics may not be called {', '.join(sorted(clash))}")
        self.refuse_if_taken_over()
        numbers = {name: float(value) for name, value in values.items()}
        line = {"step": int(step), "epoch": int(epoch), "time": round(self.elapsed_s, 3), **numbers}
        lines = self.lines  # counted before this one is there
        append_line(self.path / "metrics.jsonl", line)
        self._lines = lines + 1

    @property
    def lines(self) -> int:
        """How many lines of metrics there are; a checkpoint keeps the number for `rewind`."""
        if self._lines is None:
            self._lines = len(read_lines(self.path / "metrics.jsonl"))
        return self._lines

    def rewind(self, step: int, lines: int | None = None) -> None:
        """Drop the metrics that a checkpoint knows nothing of: a killed run goes on from there and does those steps again.

        Args:
            step: of the checkpoint; what was logged after it goes.
            lines: how many there were when it was written; None where it does not say.
        """
        path = self.path / "metrics.jsonl"
        kept = [line for line in read_lines(path) if line.get("step", 0) <= step][:lines]
        if kept or path.exists():
            atomic_write(path, b"".join(to_json(line) + b"\n" for line in kept))
        self._lines = len(kept)
        if lines is not None and len(kept) < lines:  # a checkpoint waits for the disk, a line of metrics does not
            lost = f"{lines - len(kept)} lines of metrics before step {step} are missing: they had not reached the disk"
            self.event("warned", message=lost)

    def event(self, kind: str, **fields: Any) -> None:
        """Append one line to the history: `resumed`, `checkpointed`, `warned` ...; start and end are there already."""
        line = {"time": datetime.now(UTC).isoformat(), "event": kind, **fields}
        append_line(self.path / "events.jsonl", mask_document(line))

    def update(self, **fields: Any) -> None:
        """Replace fields of `run.json`; the file is rewritten at once.

        Raises:
            TakenOverError: another process has gone on with the run, or goes on with one that was opened for an evaluation.
        """
        if fixed := _FIXED & fields.keys():
            raise ValueError(f"a run's {', '.join(sorted(fixed))} cannot be changed")
        self.refuse_if_taken_over()
        if self._session is None and is_owned(self.path):
            raise TakenOverError("the run is going on", where=self.id, remedy="wait for its end")
        self._record.update(fields)
        # an epoch may be over in milliseconds, so only the states of a run are worth waiting for the disk; see restoring.py for a power cut
        durable = "status" in fields
        data = to_json(mask_document(self._record), indent=1) + b"\n"
        atomic_write(self.path / "run.json", data, durable=durable)

    def finish(self, status: Status, reason: str | None = None, **fields: Any) -> None:
        """Record how the run ended, also on a full disk; where another process has gone on with it, that one does.

        Args:
            status: finished, failed or interrupted.
            reason: one word where it did not finish: oom, nan, disk, signal, error ...
            fields: of `run.json`, known at the end only.
        """
        if status not in _ENDS:
            raise ValueError(f"a run ends as {', '.join(_ENDS)}, not {status!r}")
        try:
            if self._session is not None:
                if self._session.taken_over:
                    return
                self._session.give_back_reserve()
            durations = {**self._record.get("durations", {}), **fields.pop("durations", {})}
            durations["total_s"] = round(self.elapsed_s, 3)
            memory = _highest(
                self._record.get("memory", {}), {"peak_mib": peak_memory_mib(), **fields.pop("memory", {})}
            )
            # a clock may have been set back in the meantime; how long it took is not told by clocks but by `durations`
            ended = max(datetime.now(UTC).isoformat(), str(self._record["created"]))
            self.update(**fields, status=status, reason=reason, ended=ended, durations=durations, memory=memory)
            self.event(status, **({"reason": reason} if reason else {}), record=self._record)
        finally:
            if self._session is not None:
                self._session.close()

    def write_evaluation(self, subset: str, document: Mapping[str, Any]) -> Path:
        """Write `evaluation/<subset>.json`; schema, run and subset are filled in."""
        head = {"schema": EVALUATION_SCHEMA, "run": self.id, "subset": subset}
        return self._write(f"evaluation/{_part(subset)}.json", to_json({**head, **document}, indent=1) + b"\n")

    def write_model(self, document: Mapping[str, Any]) -> Path:
        """Write `model.json`: what the network is made of; schema and run are filled in."""
        return self._write("model.json", to_json({"schema": MODEL_SCHEMA, "run": self.id, **document}) + b"\n")

    def write_figure(self, name: str, data: bytes, numbers: Mapping[str, Any] | None = None) -> Path:
        """Write `evaluation/figures/<name>.svg`, and beside it the numbers that it shows, from which it can be drawn anew."""
        return self._write_figure("evaluation/figures", name, data, numbers)

    def write_error_page(self, subset: str, page: bytes) -> Path:
        """Write `errors/<subset>/index.html`, which holds inputs of the data set and is never kept in git."""
        return self._write(f"errors/{_part(subset)}/index.html", page)

    def write_held_back_figure(self, name: str, data: bytes, numbers: Mapping[str, Any] | None = None) -> Path:
        """As `write_figure`, to `errors/figures/`: it shows inputs that may not be passed on, so it is never kept, exported or synced."""
        return self._write_figure("errors/figures", name, data, numbers)

    def forget_analysis(self, subset: str) -> None:
        """Remove a subset's error page and the figures of its slices and attributions, so that none of former weights stays."""
        name = _part(subset)
        drawn = [
            f"{folder}/figures/{figure}-{name}.{suffix}"
            for folder in ("evaluation", "errors")
            for figure in ("slices", "attributions")
            for suffix in ("svg", "json")
        ]
        for path in (f"errors/{name}/index.html", *drawn):
            (self.path / path).unlink(missing_ok=True)

    def write_predictions(self, subset: str, id: Any, target: Any, score: Any, group: Any = None) -> Path:
        """Write `predictions/<subset>.npz`.

        Args:
            subset: val, test ...
            id: the samples' ids, (n,).
            target: the true class indices or values, (n,).
            score: probabilities (n, classes), or one score a sample (n,).
            group: numbers of what samples share that makes them depend on one another, (n,); None where they are independent.
        """
        import io

        import numpy as np

        arrays = {
            "id": np.asarray(id).astype(np.str_),
            "target": np.asarray(target),
            "score": np.asarray(score, dtype=np.float32),
            **({} if group is None else {"group": np.asarray(group, dtype=np.int64)}),
        }
        if arrays["target"].dtype == object or len({len(array) for array in arrays.values()}) != 1:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
            raise ValueError(f"predictions need numbers of equal length: {shapes}")
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        return self._write(f"predictions/{_part(subset)}.npz", buffer.getvalue())

    def _write_figure(self, folder: str, name: str, data: bytes, numbers: Mapping[str, Any] | None) -> Path:
        if numbers is not None:
            self._write(f"{folder}/{_part(name)}.json", to_json({"schema": FIGURE_SCHEMA, **numbers}) + b"\n")
        return self._write(f"{folder}/{_part(name)}.svg", data)

    def _write(self, relative: str, data: bytes) -> Path:
        path = self.path / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, data)
        return path


def _highest(former: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, float]:
    """Peaks of all sessions together."""
    both = {name: [peaks[name] for peaks in (former, now) if peaks.get(name) is not None] for name in {**former, **now}}
    return {name: max(peaks) for name, peaks in both.items() if peaks}


def _unwritable(path: Path, error: OSError) -> WorkError:
    what = f"the run cannot be written: {error.strerror or error}"
    return WorkError(what, where=str(path), remedy="free some space, and look at who may write the folder")


def _elapsed(run: Run) -> float:
    """Seconds that the run has taken so far: by how it ended, or where it was killed by its metrics."""
    times = [as_float(line.get("time")) for line in read_lines(run.path / "metrics.jsonl")]
    return max(
        (time for time in (*times, as_float(run.part("durations").get("total_s"))) if time is not None), default=0.0
    )


def _part(name: str) -> str:
    if not _PART_NAME.fullmatch(name):
        raise UserError(f"{name!r} cannot name a file of a run", remedy="use letters, digits, '_', '-' and '.'")
    return name
