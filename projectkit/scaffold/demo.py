"""`projectkit demo`: the whole life of a project in one command.

It does nothing that a team could not type: each step is a command in a process of its own, shown before it runs. The answers and the
poster's texts are those of an example project.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from projectkit import datasets
from projectkit.errors import ProjectkitError, WorkError
from projectkit.scaffold.new import template_folder

if TYPE_CHECKING:
    from rich.console import Console

# the example that is lived through, and the one whose data comes with scikit-learn
EXAMPLE, OFFLINE_EXAMPLE = "smishing", "digits"


def run_demo(folder: Path | None, console: Console) -> Path:
    """Generate, check, train, evaluate, compare with baselines, keep, and build the poster.

    Args:
        folder: where the team's repository is made; `demo/<time>` in the working directory unless given.
        console: where the steps are shown.

    Returns:
        The team's repository.

    Raises:
        WorkError: the folder cannot be made, or a step failed; its own output says why.
    """
    began = time.monotonic()
    example = examples_folder() / _choose(console)
    folder = (folder or Path("demo") / f"{datetime.now():%Y%m%d-%H%M%S}").resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkError(
            f"this folder cannot be made: {error.strerror}",
            where=str(folder),
            remedy="name one that you may write: projectkit demo FOLDER",
        ) from error
    answers = json.loads((example / "answers.json").read_text(encoding="utf-8"))
    root = folder / str(answers["project_slug"])
    pairs = [f"{key}={value}" for key, value in answers.items()]
    template = [sys.executable, "-m", "cookiecutter", str(template_folder()), "--no-input", "-o", str(folder)]
    _step(
        console,
        "generate the team's repository",
        [*template, *pairs],
        folder,
        shown=f"cookiecutter template/ --no-input {_short(pairs)}",
    )
    shutil.copytree(example / "files", root, dirs_exist_ok=True)
    for what, arguments in (
        ("look whether the network can learn", ["check"]),
        ("train", ["train"]),
        ("evaluate on the validation set", ["evaluate", "latest"]),
        ("train plain models on the same split", ["baseline", "--only", "majority", "--only", "linear"]),
        ("compare", ["runs", "compare", "latest", "--kind", "baseline"]),
        ("evaluate once on the test set; the look is written into ledger/", ["evaluate", "latest", "--subset", "test"]),
        ("keep the run for git", ["runs", "keep", "latest"]),
        ("make the poster", ["poster", "build"]),
        ("check it as the hall will see it", ["poster", "lint"]),
    ):
        _step(
            console,
            what,
            [sys.executable, "-m", "projectkit", *arguments],
            root,
            shown="projectkit " + " ".join(arguments),
        )
    console.rule(style="dim")
    console.print(f"done in {time.monotonic() - began:.0f} s; the project: {root}", highlight=False, soft_wrap=True)
    console.print(f"the poster: {root / 'poster' / 'build' / 'poster.pdf'}", highlight=False, soft_wrap=True)
    return root


def examples_folder() -> Path:
    """The example projects that belong to this library, in an installed wheel or in a checkout."""
    here = Path(__file__).resolve().parent
    for folder in (here / "examples", here.parents[1] / "examples"):
        if (folder / EXAMPLE / "answers.json").is_file():
            return folder
    raise WorkError(
        "the installation lacks its examples", where=str(here), remedy="install dl-projectkit again with pip"
    )


def _choose(console: Console) -> str:
    """The SMS data where a mirror or the network gives it; which one is used is said, never guessed."""
    try:
        datasets.fetch("sms")
    except ProjectkitError as error:
        why = f"because sms cannot be had here ({error})"
        console.print(f"data: digits, which comes with scikit-learn, {why}", highlight=False, soft_wrap=True)
        return OFFLINE_EXAMPLE
    console.print("data: sms, 5,971 text messages, from the mirror, the store or the network", highlight=False)
    return EXAMPLE


def _step(console: Console, what: str, command: Sequence[str], folder: Path, *, shown: str) -> None:
    console.rule(what, align="left", style="dim")
    console.print(f"$ {shown}", style="bold", highlight=False, soft_wrap=True)
    sys.stdout.flush()
    environment = {**os.environ, "PYTHONUTF8": "1"}
    for name in ("PROJECTKIT_RUNS", "PROJECTKIT_BACKUP"):  # the demo's runs stay in the demo
        environment.pop(name, None)
    done = subprocess.run(command, cwd=folder, env=environment, check=False)
    if done.returncode:
        raise WorkError(
            f"this step ended with status {done.returncode}",
            where=shown,
            remedy=f"look at its output above, and into {folder}",
        )


def _short(pairs: Sequence[str]) -> str:
    return " ".join(pair for pair in pairs if pair.startswith(("task=", "project_slug=")))
