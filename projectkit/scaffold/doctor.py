"""`projectkit doctor`: is this machine fit for a project, and what would make it so.

Each check looks at one thing and gives one finding. torch is looked at from outside (its installed version and version file):
importing it would cost seconds, and a broken installation would end the doctor instead of being named by it. Its folders, from the disk
to the mirror, are looked at by `places.py`.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import netrc
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from projectkit import machine
from projectkit.errors import ProjectkitError
from projectkit.findings import Finding
from projectkit.project import find_project
from projectkit.scaffold import places
from projectkit.scaffold.git import git
from projectkit.scaffold.names import DISTRIBUTION

OLDEST_PYTHON = (3, 11)
_REINSTALL = "pip install --force-reinstall torch torchvision --index-url https://download.pytorch.org/whl"
CUDA_INDEX = "cu126"  # runs on drivers since 2022, and PyTorch still builds it for every release


def examine() -> list[Finding]:
    """Look at this machine, from the working directory.

    Returns:
        One finding a subject, and one for each card that cannot be read, in a fixed order; `error` where a project cannot work until
        it is mended.
    """
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        _library,
        _torch,
        _device,
        _compiler,
        places.disk,
        places.store,
        places.backup,
        places.mirror,
        places.cards,
        places.labels,
        _tracker,
        _fonts,
        _git,
        _project,
    )
    return [finding for check in checks for finding in check()]


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    evidence = {"version": version, "executable": sys.executable, "system": platform.platform()}
    if sys.version_info[:2] < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        yield Finding(
            "python",
            "error",
            sys.executable,
            f"Python {version} is too old",
            f"install Python {wanted} or newer",
            evidence,
        )
        return
    isolated = sys.prefix != sys.base_prefix or "CONDA_PREFIX" in os.environ or "COLAB_RELEASE_TAG" in os.environ
    if isolated:
        yield Finding("python", "ok", sys.executable, f"Python {version} on {platform.system()}", evidence=evidence)
    else:
        message = f"Python {version}, outside of a virtual environment"
        yield Finding("python", "note", sys.executable, message, "make one with `python -m venv .venv`", evidence)


def _library() -> Iterator[Finding]:
    """The dependencies with a floor that is not met, by the metadata that pip wrote."""
    try:
        requirements = importlib.metadata.requires(DISTRIBUTION) or []
        version = importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        advice = 'in your project type `pip install -e ".[dev]"`'
        yield Finding("projectkit", "warning", sys.prefix, f"{DISTRIBUTION} is not installed, only importable", advice)
        return
    from packaging.requirements import Requirement

    wrong = []
    for requirement in map(Requirement, requirements):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        found = _version(requirement.name)
        if found is None:
            wrong.append(f"{requirement.name} is missing")
        elif not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement.name} is {found}, needed is {requirement.specifier}")
    if wrong:
        advice = (
            f"type `{Path(sys.executable).name} -m pip install --upgrade {DISTRIBUTION}` where you installed it from"
        )
        yield Finding("projectkit", "error", sys.prefix, "; ".join(wrong), advice, {"version": version, "wrong": wrong})
    else:
        yield Finding(
            "projectkit",
            "ok",
            sys.prefix,
            f"{DISTRIBUTION} {version}, its dependencies fit",
            evidence={"version": version},
        )


def _torch() -> Iterator[Finding]:
    version = _version("torch")
    if version is None:
        yield Finding(
            "torch", "error", sys.prefix, "torch is not installed", 'in your project type `pip install -e ".[dev]"`'
        )
        return
    build = _torch_build()
    if build is None:
        message = f"the installation of torch {version} is incomplete"
        yield Finding("torch", "error", sys.prefix, message, "type `pip install --force-reinstall torch torchvision`")
        return
    evidence = {"version": version, "build": build, "torchvision": _version("torchvision")}
    card = _nvidia_card()
    if build == "cpu" and card is not None:
        message = f"torch {version} is built for the CPU, beside an NVIDIA card ({card})"
        yield Finding("torch", "warning", sys.prefix, message, f"type `{_REINSTALL}/{CUDA_INDEX}`", evidence)
    elif build != "cpu" and card is None and sys.platform != "darwin":
        message = (
            f"torch {version} ({build}), without an NVIDIA card: it works, and takes gigabytes more than the CPU build"
        )
        yield Finding("torch", "note", sys.prefix, message, f"where disk is short, type `{_REINSTALL}/cpu`", evidence)
    else:
        yield Finding("torch", "ok", sys.prefix, f"torch {version} ({build})", evidence=evidence)


def _device() -> Iterator[Finding]:
    cores = machine.physical_cores() or os.cpu_count() or 1
    card = _nvidia_card()
    evidence = {"cores": cores, "card": card}
    if card is not None:
        yield Finding("device", "ok", "nvidia-smi", f"{card}, {cores} CPU cores", evidence=evidence)
    elif sys.platform == "darwin" and platform.machine() == "arm64":
        yield Finding("device", "ok", platform.machine(), f"Apple GPU (mps), {cores} CPU cores", evidence=evidence)
    else:
        advice = "enough for the models and data sets of the catalogue; larger ones want Colab or a cluster"
        yield Finding("device", "ok", platform.machine(), f"CPU with {cores} cores, no GPU", advice, evidence)


def _compiler() -> Iterator[Finding]:
    """Long trainings of small models take half the time with their steps compiled, and run without it all the same."""
    lacking = machine.lacking_for_compilation()
    if lacking is None:
        yield Finding("compiler", "ok", "PATH", "a C++ compiler is there: long trainings may compile their steps")
        return
    how = {
        "darwin": "type `xcode-select --install`",
        "win32": "install the Build Tools for Visual Studio, and work in their command prompt",
    }.get(sys.platform, "on Debian or Ubuntu type `sudo apt install g++ python3-dev`")
    yield Finding("compiler", "note", "PATH", f"{lacking}: steps are not compiled, which costs nothing but time", how)


def _tracker() -> Iterator[Finding]:
    version = _version("wandb")
    if version is None:
        advice = "runs are recorded all the same; type `pip install wandb` to see them there"
        yield Finding("tracker", "note", "wandb", "Weights & Biases is not installed", advice)
        return
    source = _wandb_key()
    message = (
        f"wandb {version}, a key is set ({source})" if source else f"wandb {version}, no key: runs are written offline"
    )
    advice = "" if source else "for online runs type `wandb login`"
    yield Finding("tracker", "ok", "wandb", message, advice, {"version": version, "key": source is not None})


def _fonts() -> Iterator[Finding]:
    families = ("source-sans-3", "noto-sans-arabic", "assistant", "atkinson-hyperlegible")
    needed = ("typst", *(f"fontpkg-{family}" for family in families))
    missing = [name for name in needed if _version(name) is None]
    if missing:
        message = f"the poster's typesetter or font is missing: {', '.join(missing)}"
        yield Finding("fonts", "error", sys.prefix, message, f"type `pip install {' '.join(missing)}`")
    else:
        yield Finding("fonts", "ok", sys.prefix, f"typst {_version('typst')} and the poster's fonts are installed")


def _git() -> Iterator[Finding]:
    if shutil.which("git") is None:
        advice = "install it from https://git-scm.com, then open a new terminal"
        yield Finding("git", "warning", "PATH", "git is not installed: runs will not name their commit", advice)
        return
    version = (git(Path.cwd(), "--version") or "git").removeprefix("git version ")
    if git(Path.cwd(), "config", "user.name") and git(Path.cwd(), "config", "user.email"):
        yield Finding("git", "ok", "PATH", f"git {version}", evidence={"version": version})
    else:
        advice = 'type `git config --global user.name "Your Name"` and `git config --global user.email you@example.org`'
        yield Finding("git", "note", "PATH", f"git {version}, without your name: you could not commit", advice)


def _project() -> Iterator[Finding]:
    here = Path.cwd()
    try:
        project = find_project(here)
    except ProjectkitError as error:
        yield Finding("project", "error", error.where or str(here), error.what, error.remedy or "")
        return
    if project is None:
        yield Finding(
            "project", "note", str(here), "not in a project", "make one with `projectkit new`, or go to its folder"
        )
        return
    source = project.root / "src" / (project.package or "")
    if project.package and not source.is_dir():
        advice = f"make {source}, or mend `package` in [tool.projectkit] of pyproject.toml"
        yield Finding("project", "error", str(project.root), f"its package {project.package} is not in src/", advice)
    else:
        yield Finding(
            "project", "ok", str(project.root), f"package {project.package}", evidence={"package": project.package}
        )


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _torch_build() -> str | None:
    """`cpu`, `cuda 12.6`, `rocm 6.2`, as torch's own version file says; None where it has none."""
    spec = importlib.util.find_spec("torch")  # finds without importing
    if spec is None or spec.origin is None:
        return None
    try:
        text = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    except OSError:
        return None
    for kind, name in (("cuda", "cuda"), ("rocm", "hip")):
        match = re.search(rf"^{name}\b[^=\n]*=\s*['\"]([^'\"]+)['\"]", text, re.MULTILINE)
        if match:
            return f"{kind} {match[1]}"
    return "cpu"


def _nvidia_card() -> str | None:
    """The first NVIDIA card that the driver shows, by name."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):  # a driver that hangs is no card that works
        return None
    names = done.stdout.strip().splitlines()
    return names[0].strip() if done.returncode == 0 and names else None


def _wandb_key() -> str | None:
    """Where wandb would find a key; the key itself is not read out."""
    if os.environ.get("WANDB_API_KEY"):
        return "WANDB_API_KEY"
    file = Path(os.environ.get("NETRC") or Path.home() / ("_netrc" if os.name == "nt" else ".netrc"))
    try:
        hosts = netrc.netrc(file).hosts
    except (OSError, netrc.NetrcParseError):
        return None
    return file.name if any("wandb" in host for host in hosts) else None
