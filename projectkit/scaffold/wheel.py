"""The library as a wheel, for `vendor/` of a generated repository: a checkout is built, an installed package is packed again.

The version of that wheel carries its commit or a digest of its content (`0.1.0+g1a2b3c4`): pip takes two wheels of one version for
the same and would leave the older one installed. The bytes depend on the content alone.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import io
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from projectkit.errors import UserError, WorkError
from projectkit.scaffold.git import commit_of
from projectkit.scaffold.names import DISTRIBUTION

_STEM = DISTRIBUTION.replace("-", "_")
_NOT_PACKED = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}  # written by each installation anew


@dataclass(frozen=True)
class Wheel:
    """A wheel in memory."""

    name: str
    content: bytes


def library_wheel(template: Path) -> Wheel:
    """The wheel of the library that the template folder belongs to.

    Args:
        template: the template's folder: `<checkout>/template`, or `projectkit/scaffold/template` of an installed package.

    Raises:
        WorkError: a checkout cannot be built here, or an installed package is incomplete.
    """
    checkout = template.parent
    if (checkout / "pyproject.toml").is_file():
        files = _contents(_built(checkout))
        return _packed(files, _mark(files, checkout / "pyproject.toml"))
    files = _installed(template.parents[2])
    return _packed(files, _mark(files, None))


def given_wheel(path: Path) -> Wheel:
    """A wheel that the answers name.

    Raises:
        UserError: there is none at that place, or it is not the library's.
    """
    if not path.is_file():
        raise UserError(
            "there is no such wheel", where=f"projectkit_source={path}", remedy="give the path of a file, or 'auto'"
        )
    if not path.name.startswith(f"{_STEM}-") or not zipfile.is_zipfile(path):
        raise UserError(
            f"not a wheel of {DISTRIBUTION}", where=f"projectkit_source={path}", remedy=f"give {_STEM}-<version>.whl"
        )
    return Wheel(path.name, path.read_bytes())


def _built(checkout: Path) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        # hatchling needs no network; pip, which isolates the build, is for a cookiecutter that lives in a Python of its own
        tries = (
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(checkout)],
        )
        for command in tries:
            done = subprocess.run(command, cwd=checkout, capture_output=True, stdin=subprocess.DEVNULL, check=False)
            wheels = list(Path(folder).glob("*.whl"))
            if done.returncode == 0 and wheels:
                return wheels[0].read_bytes()
    raise WorkError(
        f"the library's wheel could not be built with {sys.executable}",
        where=str(checkout),
        remedy=f"type `{Path(sys.executable).name} -m pip install hatchling` first, or give projectkit_source=<path of a wheel>",
    )


def _contents(wheel: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if _is_packed(name)}


def _installed(site: Path) -> dict[str, bytes]:
    found = list(importlib.metadata.Distribution.discover(name=DISTRIBUTION, path=[str(site)]))
    listed = found[0].files if found else None
    if not listed:
        raise WorkError(
            f"no record of {DISTRIBUTION}'s files", where=str(site), remedy=f"install {DISTRIBUTION} again with pip"
        )
    files = {}
    for file in listed:
        name = PurePosixPath(file).as_posix()
        path = Path(str(file.locate()))
        if not name.startswith("..") and _is_packed(name):  # `../../bin/projectkit` is made by the installer
            if not path.is_file():
                raise WorkError(
                    "the installed package lacks a file",
                    where=str(path),
                    remedy=f"install {DISTRIBUTION} again with pip",
                )
            files[name] = path.read_bytes()
    return files


def _is_packed(name: str) -> bool:
    path = PurePosixPath(name)
    in_info = path.parent.suffix == ".dist-info"
    return not (name.endswith("/") or "__pycache__" in path.parts or (in_info and path.name in _NOT_PACKED))


def _mark(files: Mapping[str, bytes], tracked: Path | None) -> str:
    """The local part of the version: the commit where there is one, a digest where files differ from it."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode())
        digest.update(files[name])
    content = digest.hexdigest()[:8]
    commit = commit_of(tracked) if tracked else None
    if commit is None:
        return f"c{content}"
    return f"g{commit.sha[:7]}.d{content}" if commit.dirty else f"g{commit.sha[:7]}"


def _packed(files: Mapping[str, bytes], mark: str) -> Wheel:
    """The files as a wheel whose version has `mark` as its local part, unless it has one."""
    info = next(PurePosixPath(name).parts[0] for name in files if name.endswith(".dist-info/METADATA"))
    old = info.removeprefix(f"{_STEM}-").removesuffix(".dist-info")
    version = old if "+" in old else f"{old}+{mark}"
    new_info = f"{_STEM}-{version}.dist-info"
    entries = {}
    for name, content in files.items():
        entries[name.replace(info, new_info, 1) if name.startswith(f"{info}/") else name] = content
    metadata, package = f"{new_info}/METADATA", "projectkit/__init__.py"
    entries[metadata] = re.sub(rb"(?m)^Version: .*$", f"Version: {version}".encode(), entries[metadata], count=1)
    entries[package] = entries[package].replace(f'"{old}"'.encode(), f'"{version}"'.encode(), 1)
    rows = []
    for name in sorted(entries):
        digest = base64.urlsafe_b64encode(hashlib.sha256(entries[name]).digest()).rstrip(b"=").decode()
        rows.append(f"{_csv(name)},sha256={digest},{len(entries[name])}")
    record = f"{new_info}/RECORD"
    entries[record] = "\n".join([*rows, f"{record},,", ""]).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(entries):
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.external_attr = 0o100644 << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, entries[name])
    return Wheel(f"{_STEM}-{version}-py3-none-any.whl", buffer.getvalue())


def _csv(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if "," in name or '"' in name else name
