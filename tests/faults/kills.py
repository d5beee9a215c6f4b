"""Trainings that are killed, resumed with `--resume auto` until they finish, and compared with one that nobody disturbed.

    with Trainings(folder) as trainings:
        whole = trainings.undisturbed("mlp")
        killed = killed_training(trainings, whole, number=7, deaths=3)
        print(killed.line)

`killserver.py` is the process that trains, `killcases.py` what is trained; here is where deaths are drawn, and the comparison. A killed
training is named by its case and its number: the same number draws the same deaths again.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from killcases import CASES, COMMON, TEAM

SERVER = Path(__file__).with_name("killserver.py")
DEADLINE_S = 25.0
KILLED = -9


@dataclass(frozen=True)
class Death:
    """Where a training is killed; see the table in `killserver.py`."""

    kind: str
    number: int = 1
    delay_s: float = 0.0
    path: str = ""
    torn: float | None = None


@dataclass(frozen=True)
class Session:
    """One process of a training, and how it ended.

    Args:
        status: of its exit; -9 where it was killed.
        steps: optimiser steps that it made.
        changes: of the run folder, in order.
        orphans: whether a process that it had started was left behind.
        hung: whether it was still there at the deadline.
        seconds: that it took.
    """

    status: int
    steps: int
    changes: Sequence[str]
    orphans: bool
    hung: bool
    seconds: float


@dataclass(frozen=True)
class Whole:
    """A training that nobody disturbed."""

    case: str
    session: Session
    fingerprint: Mapping[str, str]


@dataclass
class Killed:
    """A training that was killed and resumed: what came of it."""

    case: str
    number: int
    deaths: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)  # of the whole training, at each death
    problems: list[str] = field(default_factory=list)

    def note(self, session: Session, held: int, death: Death) -> None:
        """A session was killed.

        Args:
            session: what is known of it.
            held: the step that it went on from.
            death: as it was planned.
        """
        self.steps.append(held + session.steps)
        kind = "checkpoint" if death.path == "checkpoints" else death.kind
        self.kinds.append("resume" if held and not session.steps else kind)
        before = session.changes[-1] if session.changes else "anything was written"
        self.deaths.append(f"at step {held}+{session.steps} after {before} ({death})")

    @property
    def line(self) -> str:
        """What to look at: how to have it again, the deaths, and what is wrong."""
        return f"{self.case} number {self.number}: killed {'; '.join(self.deaths)}: {'; '.join(self.problems) or 'identical'}"


class Trainings:
    """The process that trains, and a folder with a project of its own for each training."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PROJECTKIT_", "SLURM_"))}
        self.environment = {**clean, "OMP_NUM_THREADS": "1", "PROJECTKIT_STORE": str(folder / "store")}

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.server = subprocess.Popen(
            [sys.executable, str(SERVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env=self.environment,
        )
        assert self.server.stdout is not None
        self.server.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.communicate()

    def project(self, name: str, config: str) -> Path:
        """A new project with this config."""
        root = self.folder / name
        shutil.rmtree(root, ignore_errors=True)
        (root / "configs").mkdir(parents=True)
        (root / "src" / "team").mkdir(parents=True)
        (root / "src" / "team" / "__init__.py").touch()
        (root / "src" / "team" / "own.py").write_text(TEAM, encoding="utf-8")
        (root / "pyproject.toml").write_text('[tool.projectkit]\npackage = "team"\n', encoding="utf-8")
        (root / "configs" / "train.yaml").write_text(COMMON + config, encoding="utf-8")
        return root

    def session(self, project: Path, death: Death | None = None) -> Session:
        """`projectkit train --resume auto`, to its end or its death."""
        words = ["train", "--resume", "auto"]
        what = asdict(death) if death else None
        request = {"folder": str(project), "words": words, "death": what, "deadline_s": DEADLINE_S}
        return Session(**self._ask("train", request))

    def undisturbed(self, case: str) -> Whole:
        """Train it, and take its fingerprint."""
        project = self.project(f"{case}-whole", CASES[case])
        session = self.session(project)
        if session.status or session.orphans or session.hung:
            raise AssertionError(f"{case}: {session}\n{log_of(project)}")
        return Whole(case, session, self.fingerprint(*runs_of(project)))

    def fingerprint(self, run: Path) -> Mapping[str, str]:
        """Of a finished run; see `killserver.fingerprint`."""
        found: dict[str, str] = self._ask("fingerprint", str(run))
        return found

    def state(self, run: Path) -> tuple[str, str | None]:
        """A run's status and the reason, as anybody reads them."""
        status, reason = self._ask("state", str(run))
        return status, reason

    def _ask(self, what: str, request: Any) -> Any:
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(json.dumps([what, request]) + "\n")
        self.server.stdin.flush()
        return json.loads(self.server.stdout.readline())


def killed_training(trainings: Trainings, whole: Whole, number: int, deaths: Sequence[Death] | int) -> Killed:
    """Kill a training, resume it until it finishes, and compare it with the undisturbed one.

    Args:
        trainings: where.
        whole: the undisturbed one.
        number: which of the case's trainings; draws the deaths.
        deaths: one for each of the first sessions; a number draws so many.
    """
    killed = Killed(whole.case, number)
    project = trainings.project(f"{whole.case}-{number}", CASES[whole.case])
    draws = random.Random(f"{whole.case} {number}")
    planned = [drawn(draws, whole, session) for session in range(deaths)] if isinstance(deaths, int) else list(deaths)
    for death in [*planned, None]:
        held = last_step(project)
        session = trainings.session(project, death)
        if session.hung:
            killed.problems.append(f"hung after {session.changes[-1:]}")
        if session.orphans:
            killed.problems.append("left a process behind")
        if session.status != KILLED or session.hung or death is None:
            break
        killed.note(session, held, death)
        states = [trainings.state(run) for run in runs_of(project)]
        if ("finished", None) in states:  # it died of nothing any more
            break
        if any(state != ("interrupted", "killed") for state in states):
            killed.problems.append(f"reads as {states}")
    finished = [run for run in runs_of(project) if trainings.state(run) == ("finished", None)]
    if len(finished) != 1:
        killed.problems.append(f"the last session ended with status {session.status}: {log_of(project)[-600:]}")
        return killed
    if len(runs_of(project)) != 1:
        killed.problems.append(f"{len(runs_of(project))} runs")
    got = trainings.fingerprint(finished[0])
    other = sorted(
        name for name in got.keys() | whole.fingerprint.keys() if got.get(name) != whole.fingerprint.get(name)
    )
    if other:
        killed.problems.append(f"{len(other)} things differ: {', '.join(other[:6])}")
    if not killed.problems:
        shutil.rmtree(project)
    return killed


def drawn(draws: random.Random, whole: Whole, session: int) -> Death:
    """A death of a session, drawn from what an undisturbed training does."""
    changes, steps = whole.session.changes, whole.session.steps
    kinds = {"step": 30, "time": 15, "write": 25, "checkpoint": 20, "validation": 10}
    if any("fork" in change for change in changes) or whole.case == "cnn":
        kinds["fork"] = 12
    if session:
        kinds["resume"] = 20
    kind = draws.choices(list(kinds), list(kinds.values()))[0]
    torn = draws.choice([None, draws.random()])
    if kind == "step":
        return Death("step", draws.randint(1, steps if not session else max(1, steps // 2)))
    if kind == "time":
        return Death("time", delay_s=draws.uniform(0.0, whole.session.seconds))
    if kind == "validation":
        return Death("validation", draws.randint(1, 3), delay_s=draws.uniform(0.0, 0.005))
    if kind == "fork":
        return Death("fork", draws.randint(1, 2), delay_s=draws.uniform(0.0, 0.03))
    if kind == "resume":  # before its first step
        early = Death("write", draws.randint(1, 12), torn=torn)
        return draws.choice([early, Death("time", delay_s=draws.uniform(0.0, 0.2))])
    path = "checkpoints" if kind == "checkpoint" else ""
    count = sum(path in change for change in changes)
    return Death("write", draws.randint(1, max(1, count if not session else count // 2)), path=path, torn=torn)


def runs_of(project: Path) -> list[Path]:
    """The runs of a project, the oldest first; ids of the same second say nothing of the order."""
    records = {
        path.parent: json.loads(path.read_text(encoding="utf-8")) for path in (project / "runs").glob("*/run.json")
    }
    return sorted(records, key=lambda path: str(records[path]["created"]))


def last_step(project: Path) -> int:
    """Of the newest checkpoint, as the events tell it; 0 where there is none."""
    found = 0
    for run in runs_of(project)[-1:]:
        for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines():
            if '"checkpointed"' in line and line.endswith("}"):
                event = json.loads(line)
                found = max(found, int(event["step"])) if event["name"] != "best" else found
    return found


def log_of(project: Path) -> str:
    """What the project's trainings have printed."""
    return (project / "train.log").read_text(encoding="utf-8", errors="replace")
