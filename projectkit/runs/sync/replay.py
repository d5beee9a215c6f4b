"""Replays a run's record into W&B: the rows, the config, the summary, evaluations, the best checkpoint, what the team logged itself.

Our step is the W&B step and, as with Lightning's own logger, the column `trainer/global_step`, which is every chart's x axis. The
server says which step it has; only later rows are sent, so a replay that was killed, and steps that a resumed run did again, put
nothing there twice. Used by the child process alone.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from projectkit.runs.files import to_json
from projectkit.runs.reader import Run, read_run
from projectkit.runs.sync.evaluations import evaluation_media, evaluation_numbers
from projectkit.runs.sync.marker import (
    Marker,
    checkpoint_to_send,
    evaluation_digests,
    offline_sizes,
    read_marker,
    rows_by_step,
    sha256_of,
)
from projectkit.runs.sync.offline import TeamData, offline_folders, team_data
from projectkit.runs.sync.process import first_line
from projectkit.runs.sync.server import RELOGIN, Held, Server, SyncError, key_for
from projectkit.runs.sync.target import Target

X_AXIS = "trainer/global_step"
HELD_BACK_S = 20.0  # the age at which a running run's row is sent: W&B's offline file lags behind, and rows cannot be changed later
_CONFIRM_TRIES = 10
_MODEL = "the best checkpoint"


class Replay:
    """One connection to the server for one run.

    Args:
        path: the run folder.
        target: where it goes.
        note: is told what the user should know and what is no failure.
        follow: whether it stays until the training has ended, and may then say so.

    Raises:
        SyncError: wandb cannot be imported, there is no key, the server cannot be reached or takes nothing.
    """

    def __init__(self, path: Path, target: Target, note: Any, *, follow: bool) -> None:
        self.path = path
        self.target = target
        self.note = note
        self.folder = Path(tempfile.mkdtemp(prefix="projectkit-wandb-"))
        # wandb keeps copies of what it sends there; the home folder may be full or read-only
        os.environ.update(
            WANDB_CACHE_DIR=str(self.folder), WANDB_DATA_DIR=str(self.folder), WANDB_ERROR_REPORTING="false"
        )
        self.wandb = _import_wandb()
        try:
            url = str(self.wandb.setup().settings.base_url)
        except Exception as error:  # settings are checked there, the key's form among them
            raise SyncError("key", f"wandb does not take its settings: {first_line(error)}", RELOGIN) from error
        key = key_for(url)
        if not key:
            raise SyncError("no-key", f"there is no key for {url}", "type `wandb login`")
        self.server = Server(url, key)
        default = self.server.default_entity()
        self.entity, held = self._entity(default)
        self.marker = read_marker(path)
        if (self.marker.server, self.marker.entity, self.marker.project) != (url, self.entity, target.project):
            self.marker = Marker(server=url, entity=self.entity, project=target.project)
        run = read_run(path)
        # a run that goes on must not be shown as ended
        self.wb = self._init(run, says_end=follow or run.status != "running")
        self.marker.url = str(self.wb.url or "")
        self._next = max(held.next_step, int(self.wb.starting_step or 0))
        self._sent: dict[int, float] = {}  # place of each row that was sent -> our step
        self._files: list[str] = []
        self._artifacts: dict[str, Any] = {}
        self._checkpoint_sent: list[Any] = []
        self._team_read: tuple[dict[str, int], TeamData] = ({}, TeamData())

    def _entity(self, default: str) -> tuple[str, Held]:
        wanted = self.target.entity or default
        try:
            return wanted, self.server.held(wanted, self.target.project, self.path.name)
        except SyncError as error:
            if error.kind != "entity" or wanted == default:
                raise
            self.note(f"{error.what}; the run goes to '{default}'")
            return default, self.server.held(default, self.target.project, self.path.name)

    def _init(self, run: Run, *, says_end: bool) -> Any:
        git = run.part("git")
        wanted = {
            "silent": True,
            "console": "off",
            "disable_git": True,  # this folder's git is not the run's
            "disable_code": True,
            "x_disable_stats": True,  # of this process, not of the training
            "x_disable_meta": True,
            "x_disable_machine_info": True,
            "x_save_requirements": False,
            "x_skip_transaction_log": True,
            "init_timeout": 30.0,
            "git_commit": git.get("commit"),
            "x_update_finish_state": says_end,
        }
        known = self.wandb.Settings.model_fields
        settings = self.wandb.Settings(
            **{name: value for name, value in wanted.items() if name in known and value is not None}
        )
        try:
            return self.wandb.init(
                id=run.id,
                name=run.id,
                entity=self.entity or None,
                project=self.target.project,
                group=self.target.group,
                tags=list(self.target.tags) or None,
                job_type=run.kind,
                config=_config(run),
                dir=self.folder,
                mode="online",
                resume="allow",
                reinit="create_new",
                settings=settings,
            )
        except Exception as error:  # the classes of its errors change with its versions
            raise SyncError("wandb", f"wandb cannot start: {first_line(error)}") from error

    # -- the parts, in the order in which they are sent --

    def rows(self, *, whole: bool) -> int:
        """Send the rows that the server does not have; `whole` is for a run that has ended. Returns how many were sent."""
        run = read_run(self.path)
        rows = rows_by_step(run)
        names = {name for row in rows.values() for name in row}
        merged: dict[int, dict[str, Any]] = {self.marker.place(step): self._row(run, row) for step, row in rows.items()}
        for step, values in self._team(names).rows.items():
            merged.setdefault(self.marker.place(step), {X_AXIS: step}).update(values)
        last = math.inf if whole else self._settled(rows)
        count = 0
        for place in sorted(merged):
            if self._next <= place <= last:
                self.wb.log(merged[place], step=place, commit=True)
                self._sent[place] = merged[place][X_AXIS]
                self._next = place + 1
                count += 1
        return count

    def _settled(self, rows: Mapping[int, Mapping[str, Any]]) -> float:
        """The place up to which nothing can be added any more, while the run goes on."""
        times = [(step, row.get("time") or 0.0) for step, row in rows.items()]
        newest = max((seconds for _, seconds in times), default=0.0)
        old = [
            step for step, seconds in times[:-1] if seconds <= newest - HELD_BACK_S or not offline_folders(self.path)
        ]
        return self.marker.place(old[-1]) if old else -1

    def _row(self, run: Run, row: Mapping[str, Any]) -> dict[str, Any]:
        values = {name: value for name, value in row.items() if name not in ("step", "time")}
        seconds = row.get("time")
        if seconds is not None and run.created is not None:
            values["_timestamp"] = run.created.timestamp() + seconds
        return {**values, X_AXIS: row["step"]}

    def _team(self, names: set[str]) -> TeamData:
        sizes = offline_sizes(self.path)
        if sizes != self._team_read[0]:
            self._team_read = (sizes, team_data(self.path, names))
        return self._team_read[1]

    def rest(self) -> None:
        """Send everything that is no row: config, summary, evaluations, files and artifacts."""
        run = read_run(self.path)
        team = self._team({name for row in rows_by_step(run).values() for name in row})
        self.wb.config.update({**_config(run), **team.config}, allow_val_change=True)
        self._evaluations(run)
        self.wb.summary.update({**_summary(run), **team.summary})
        if offline_sizes(self.path) != self.marker.offline:
            self._team_files(team)
        checkpoint = checkpoint_to_send(run, self.target.checkpoint_mib)
        if checkpoint is not None:
            self._checkpoint(run, checkpoint)

    def _evaluations(self, run: Run) -> None:
        digests = evaluation_digests(self.path)
        new = [subset for subset, digest in digests.items() if self.marker.evaluations.get(subset) != digest]
        if not new:
            return
        place = self._next
        if place not in self.marker.evaluation_steps:
            # before it is sent: later rows of the training are moved behind it, whatever happens from here on
            self.marker.evaluation_steps.append(place)
            self.marker.save(self.path)
        values: dict[str, Any] = {X_AXIS: max(rows_by_step(run), default=0)}
        for subset in new:
            values |= evaluation_media(self.wandb, run, subset)
        self.wb.log(values, step=place, commit=True)
        self._next = place + 1
        self._sent[place] = values[X_AXIS]

    def _team_files(self, team: TeamData) -> None:
        for name, path in team.files.items():
            base = Path(str(path)[: -len(name)])
            self.wb.save(str(path), base_path=str(base), policy="now")
            self._files.append(name)
        for recorded in team.artifacts:
            try:
                artifact = self._artifact_class(recorded.type)(recorded.name, recorded.type, metadata=recorded.metadata)
                for name, path in recorded.contents:
                    artifact.add_file(str(path), name=name, policy="immutable", skip_cache=True)
                # rows name the artifacts of tables by these
                artifact._client_id, artifact._sequence_client_id = recorded.client_id, recorded.sequence_client_id
                self._artifacts[recorded.name] = self.wb.log_artifact(artifact, aliases=recorded.aliases)
            except Exception as error:  # noqa: BLE001 - one artifact of the team's does not keep the run
                self.note(f"the artifact {recorded.name} was not taken: {first_line(error)}")

    def _artifact_class(self, kind: str) -> Any:
        if kind != "run_table":
            return self.wandb.Artifact
        from wandb.sdk.artifacts._internal_artifact import InternalArtifact

        return InternalArtifact

    def _checkpoint(self, run: Run, path: Path) -> None:
        entry, digest = path.stat(), sha256_of(path)
        if self.marker.checkpoint[:1] != [digest]:
            artifact = self.wandb.Artifact(
                f"model-{run.id}", "model", metadata={**run.best, "run": run.id, "sha256": digest}
            )
            artifact.add_file(str(path), name=path.name, policy="immutable", skip_cache=True)
            self._artifacts[_MODEL] = self.wb.log_artifact(artifact, aliases=["best"])
        self._checkpoint_sent = [digest, entry.st_size, entry.st_mtime_ns]

    def finish(self) -> Marker:
        """End the connection, ask the server what it has now, and write that down.

        Raises:
            SyncError: it does not have everything; what it has is written down all the same.
        """
        run = read_run(self.path)
        sizes, digests = offline_sizes(self.path), evaluation_digests(self.path)
        refused = self._refused()
        self.wb.finish(exit_code=0 if run.status == "finished" else 1)
        for attempt in range(_CONFIRM_TRIES):
            held = self.server.held(self.entity, self.target.project, run.id)
            if held.next_step >= self._next:
                break
            time.sleep(min(0.1 * 2**attempt, 2.0))  # the real server answers before it has put rows away
        else:
            raise SyncError("other", f"the server has confirmed rows up to step {held.next_step - 1} only")
        missing = self._missing()
        self.marker.step = max([self.marker.step, *(int(step) for step in self._sent.values())])
        self.marker.status, self.marker.evaluations = run.status, digests
        if not missing and not refused.keys() - {_MODEL}:
            self.marker.offline = sizes
        if _MODEL not in refused:
            self.marker.checkpoint = self._checkpoint_sent
        self.marker.save(self.path)
        if refused:
            raise SyncError("other", "; ".join(f"{name} was not taken: {why}" for name, why in refused.items()))
        if missing:
            raise SyncError("other", f"the server does not have {missing[0]}" + (" and others" if missing[1:] else ""))
        return self.marker

    def _refused(self) -> dict[str, str]:
        """Artifact -> why it was not taken; waits until it is known."""
        refused = {}
        for name, artifact in self._artifacts.items():
            try:
                artifact.wait()
            except Exception as error:  # noqa: BLE001 - the classes of its errors change with its versions
                refused[name] = first_line(error)
        return refused

    def _missing(self) -> list[str]:
        media = Path(self.wb.dir, "media")
        files = [
            *self._files,
            *(path.relative_to(media.parent).as_posix() for path in media.rglob("*") if path.is_file()),
        ]
        if not files:
            return []
        try:
            return self.server.missing_files(self.entity, self.target.project, self.path.name, files)
        except SyncError as error:
            self.note(f"whether all files arrived could not be asked: {error.what}")
            return []


def _import_wandb() -> Any:
    try:
        import wandb
    except Exception as error:
        raise SyncError(
            "wandb", f"wandb cannot be imported: {first_line(error)}", "type `pip install -U wandb`"
        ) from error
    return wandb


def _config(run: Run) -> dict[str, Any]:
    """The config in full, and below `run` what was made of it."""
    parts = ("resolved", "data", "versions", "hardware", "monitor")
    git = {name: run.part("git").get(name) for name in ("commit", "branch", "dirty")}
    about = {"id": run.id, "kind": run.kind, "seed": run.record.get("seed"), "command": run.record.get("command")}
    about |= {"parameters": run.record.get("parameters"), "git": git, **{name: dict(run.part(name)) for name in parts}}
    return json.loads(to_json({**run.config(), "run": about}))  # type: ignore[no-any-return] # plain containers only


def _summary(run: Run) -> dict[str, Any]:
    """The best and last metrics, the evaluations' numbers, how it ended."""
    values: dict[str, Any] = {f"best/{name}": value for name, value in run.best.items()}
    values |= {name: value for name, value in run.last.items() if name not in ("step", "epoch")}
    values |= {"status": run.status, "reason": run.record.get("reason")}
    values |= {f"seconds/{name}": value for name, value in run.seconds.items()}
    for subset, document in run.evaluations().items():
        values |= evaluation_numbers(subset, document)
    return {name: value for name, value in values.items() if value is not None}
