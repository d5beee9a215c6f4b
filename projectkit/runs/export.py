"""A run in one zip: everything that is needed to repeat it, but the data, which its card fetches anywhere.

The zip holds one folder, `<id>/`, which is a run folder again: unpacked into `runs/` it is listed, compared and repeated as any other.
Beside the record lie `source/` (the team's code and configs as they were, see source.py), `README.txt` and `SHA256SUMS`. Entries are sorted
and have the run's time, so that the same run gives the same bytes.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from projectkit.errors import UserError, WorkError
from projectkit.project import Project
from projectkit.runs.files import to_json
from projectkit.runs.masking import mask_text, mask_yaml
from projectkit.runs.reader import Run
from projectkit.runs.source import Source, source_of

# the record's own files, named one by one as in keep.py: whatever else lies in the folder stays here
_FILES = ("run.json", "config.yaml", "metrics.jsonl", "events.jsonl", "source.diff", "audit.json", "model.json")
_PATTERNS = ("notes/*.json", "evaluation/*.json", "evaluation/figures/*.svg", "evaluation/figures/*.json")
_OLDEST = (1980, 1, 1, 0, 0, 0)  # a zip knows no earlier time
_CHUNK = 2**20


@dataclass(frozen=True)
class Exported:
    """What was written: the zip, its entries, its bytes, and what the reader should know about the code in it."""

    path: Path
    files: tuple[str, ...]
    bytes: int
    notes: tuple[str, ...]


def export_run(run: Run, project: Project, target: Path, *, checkpoint: bool = False) -> Exported:
    """Write a run, with the team's code as it was, into a zip.

    Args:
        run: one that has ended.
        project: whose run it is; its repository is asked for the code.
        target: the zip; one that is there is not replaced.
        checkpoint: with the best weights, or the last where there are no best.

    Raises:
        UserError: the run goes on or cannot be read, it has no checkpoint and one is asked for, or `target` is there.
        WorkError: the zip cannot be written; nothing is left of it.
    """
    if run.status in ("running", "unreadable"):
        remedy = "export it when it has ended" if run.status == "running" else run.problem
        raise UserError(f"the run is {run.status}, so it cannot be exported", where=run.id, remedy=remedy)
    if target.exists():
        raise UserError(
            "there is a file of that name", where=str(target), remedy="choose another with -o, or remove it"
        )
    weights = _weights(run) if checkpoint else None
    source = source_of(run, project)
    small = {name: _masked(name, (run.path / name).read_bytes()) for name in _record(run.path)}
    if run.damage is not None:  # what could be restored of it is handed on
        small["run.json"] = to_json(run.record, indent=1) + b"\n"
    code = {name: _masked(name, data) for name, data in source.files.items()}
    hidden = [name for name, data in sorted(code.items()) if data != source.files[name]]
    if hidden:
        source = Source(source.files, (*source.notes, f"a key or a password was masked in {', '.join(hidden)}"))
    small |= {f"source/{name}": data for name, data in code.items()}
    small["README.txt"] = _readme(run, source, weights).encode("utf-8")
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in small.items()}
    if weights is not None:
        digests[f"checkpoints/{weights.name}"] = _sha256(weights)
    small["SHA256SUMS"] = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())).encode("utf-8")
    temporary = target.with_name(f".{secrets.token_hex(6)}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(temporary, run, small, weights)
        temporary.replace(target)
    except OSError as error:
        raise WorkError(
            f"the zip cannot be written: {error.strerror or error}",
            where=str(target),
            remedy="free some space, or choose another place with -o",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    names = tuple(sorted([*small, *([f"checkpoints/{weights.name}"] if weights else [])]))
    return Exported(target, names, target.stat().st_size, source.notes)


def _record(folder: Path) -> Iterator[str]:
    for name in _FILES:
        if (folder / name).is_file() and not (folder / name).is_symlink():  # see keep.py
            yield name
    for pattern in _PATTERNS:
        for path in sorted(folder.glob(pattern)):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                yield path.relative_to(folder).as_posix()


def _weights(run: Run) -> Path:
    there = {path.stem for path in (run.path / "checkpoints").glob("*.ckpt")}
    return run.checkpoint("last" if "best" not in there and "last" in there else "best")


def _masked(name: str, data: bytes) -> bytes:
    """Text without keys and passwords; what is no text stays as it is."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return data
    return (mask_yaml if name.endswith((".yaml", ".yml")) else mask_text)(text).encode("utf-8")


def _write(path: Path, run: Run, small: Mapping[str, bytes], weights: Path | None) -> None:
    time = (run.created or datetime(1980, 1, 1, tzinfo=UTC)).astimezone(UTC).timetuple()[:6]
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, data in sorted(small.items()):
            archive.writestr(_entry(f"{run.id}/{name}", time), data)
        if weights is not None:
            entry = _entry(f"{run.id}/checkpoints/{weights.name}", time)
            entry.compress_type = zipfile.ZIP_STORED  # weights do not get smaller
            entry.file_size = weights.stat().st_size  # so that one of more than 2 GiB gets the larger header
            with archive.open(entry, "w") as copy, weights.open("rb") as file:
                shutil.copyfileobj(file, copy, _CHUNK)


def _entry(name: str, time: tuple[int, ...]) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, max(_OLDEST, time))  # type: ignore[arg-type] # six numbers
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3  # the same bytes on every system
    entry.external_attr = 0o100644 << 16
    return entry


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()


def _readme(run: Run, source: Source, weights: Path | None) -> str:
    data, git, lock = run.part("data"), run.part("git"), run.part("lock")
    versions = ", ".join(f"{name} {version}" for name, version in run.part("versions").items())
    name = data.get("name")
    commit = git.get("commit")
    fetch = f"projectkit data fetch {name}" if name else "bring the data that the team's data module reads"
    lines = [
        f"Run {run.id}",
        "",
        f"kind {run.kind}, {run.status}; created {run.created:%Y-%m-%d %H:%M} UTC" if run.created else run.status,
        f"data: {name or data.get('class_path')}, target {data.get('target')}, split {data.get('split')}",
        f"split digest: {data.get('split_digest')}",
        f"code: {f'commit {commit}' if commit else git.get('reason')}",
        f"lock file: {lock.get('file')} with SHA-256 {lock.get('sha256')}" if lock else "lock file: none",
        f"installed then: {versions}",
        f"weights: {f'checkpoints/{weights.name}' if weights else 'not in this zip'}; the data: not in this zip",
        "",
        "To look at it: unzip it into runs/ of a project, then `projectkit runs show " + run.id + "`.",
        "",
        "To repeat it:",
        "  1. install the lock file in source/ (`uv sync`, or `pip install -r`), or the versions above",
        f"  2. {fetch}",
        "  3. take source/ as the project, or the commit above of its repository with source.diff applied",
        f"  4. unzip this file into its runs/ and type `projectkit train --repeat {run.id}`:",
        "     what was resolved on the first machine (device, precision, threads) is applied again, and the two are compared",
        "",
        "About source/:",
        *(f"  - {note}" for note in source.notes),
        "",
        "SHA256SUMS has the digest of every file: `sha256sum -c SHA256SUMS` in this folder.",
        "",
    ]
    return mask_text("\n".join(lines))
