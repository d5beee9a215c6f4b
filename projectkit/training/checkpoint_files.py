"""A run's folder of checkpoints: written so that a whole one is always there, and read so that a damaged one never is.

| file | is |
|---|---|
| last.ckpt | the newest; it is renamed to step-<n>.ckpt before the next one takes its name |
| step-<n>.ckpt | older ones, as many as `checkpoint.keep_last` wants |
| best.ckpt | of the best value of the monitored metric |
| digests.jsonl | a line {"sha256", "name", "step", "time"} for each, written before the file gets its name |
| *.damaged | set aside: its digest is none that this run wrote |

The digest decides before torch opens a file, so a truncated one, one with a flipped bit and one from elsewhere are never read.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import pickle
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric.plugins import CheckpointIO
from torch import Tensor

from projectkit.errors import UserError, WorkError
from projectkit.runs import Run, atomic_write
from projectkit.runs.files import append_line, read_lines
from projectkit.runs.masking import mask_document

DIGESTS = "digests.jsonl"
HYPERPARAMETERS = (
    "hyper_parameters",
    "datamodule_hyper_parameters",
)  # as Lightning calls them; nothing here reads them


def load_checkpoint(path: Path, map_location: Any = "cpu") -> dict[str, Any]:
    """Read a checkpoint of this machine's disk.

    Raises:
        UserError: there is none at `path`.
        WorkError: it is damaged, or holds more than plain containers and tensors: such a file could run code when loaded.
    """
    if not path.is_file():
        raise UserError("there is no checkpoint", where=str(path), remedy="train the run to the end of an epoch first")
    try:
        content: dict[str, Any] = torch.load(path, map_location=map_location, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]  # of an empty file torch has nothing to say
        raise WorkError(
            f"the checkpoint is damaged or is not made of plain containers and tensors ({reason})",
            where=str(path),
            remedy="use another checkpoint of the run or train again; one from elsewhere could run code and is not loaded",
        ) from error
    return content


class PlainCheckpointIO(CheckpointIO):
    """Atomic writes, `weights_only` reads, local files only."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Serialise in memory, then publish by rename: a full disk or a kill leaves the previous checkpoint whole.

        Args:
            checkpoint: as Lightning makes it; hyper-parameters that are no plain values become text.
            path: where it goes.
            storage_options: what takes it in place of a write, given the checkpoint.
        """
        for name in HYPERPARAMETERS:
            if name in checkpoint:
                checkpoint[name] = mask_document(_plain(checkpoint[name]))  # the best one goes to trackers and partners
        if callable(storage_options):
            storage_options(checkpoint)
            return
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        atomic_write(Path(path), serialised(checkpoint))

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """See `load_checkpoint` of this file; URLs are refused, because Lightning would run the code in them."""
        if "://" in str(path):
            raise UserError(
                f"'{path}' is a URL",
                where="checkpoint",
                remedy="download it, check where it is from, and name the file",
            )
        return load_checkpoint(Path(path), map_location or "cpu")

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a checkpoint if it is there."""
        Path(path).unlink(missing_ok=True)


def serialised(checkpoint: Mapping[str, Any]) -> bytes:
    """What a checkpoint's file holds."""
    buffer = io.BytesIO()
    torch.save(checkpoint, buffer)
    return buffer.getvalue()


def refuse_unreadable(data: bytes) -> None:
    """A checkpoint that could not be read again is found when the first one is written, and not after the death that it is for.

    Raises:
        WorkError: it holds more than plain containers and tensors.
    """
    try:
        torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"a {found.group(1)}" if found else "something"
        raise WorkError(
            f"a checkpoint of this training holds {what} that cannot be read without running code",
            where="the state_dict of a callback, or on_save_checkpoint",
            remedy="keep numbers, text, lists, dictionaries and tensors there",
        ) from error


def weights_sha256(state: Mapping[str, Any]) -> str:
    """SHA-256 over the names, types, shapes and bytes of a state dict, by which two runs are compared."""
    digest = hashlib.sha256()
    for name in sorted(state):
        value = state[name]
        digest.update(name.encode("utf-8"))
        if isinstance(value, Tensor):
            digest.update(f"{value.dtype}{tuple(value.shape)}".encode())
            digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        else:
            digest.update(repr(value).encode("utf-8"))
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def publish(path: Path, data: bytes, *, step: int, former: int | None, keep_last: int) -> str:
    """Write a checkpoint: as `best.ckpt` in place of the former, as `last.ckpt` beside it.

    Args:
        path: in the run's folder of checkpoints.
        data: of the file.
        step: optimiser steps done.
        former: the step of the `last.ckpt` that is there, None where there is none; no matter for `best.ckpt`.
        keep_last: how many are kept under `last.ckpt` and `step-<n>.ckpt`.

    Returns:
        The data's SHA-256.
    """
    folder = path.parent
    digest = hashlib.sha256(data).hexdigest()
    line = {"sha256": digest, "name": path.stem, "step": step, "time": datetime.now(UTC).isoformat()}
    with contextlib.suppress(OSError):  # what a death left while it wrote
        for torn in folder.glob(".*.tmp"):
            torn.unlink()
    append_line(folder / DIGESTS, line)
    with (folder / DIGESTS).open("ab") as file:
        os.fsync(file.fileno())
    before = None
    if path.name == "last.ckpt" and former is not None and former < step and path.is_file():
        before = path.replace(folder / f"step-{former}.ckpt")
    try:
        atomic_write(path, data)
    except BaseException:  # a full disk, or a second Ctrl-C
        if before is not None:
            before.replace(path)
        raise
    for _, old in older(folder)[max(0, keep_last - 1) :]:
        old.unlink(missing_ok=True)
    return digest


def older(folder: Path) -> list[tuple[int, Path]]:
    """The checkpoints before the last one, newest first, with their steps."""
    found = [(int(path.stem[5:]), path) for path in folder.glob("step-*.ckpt") if path.stem[5:].isdecimal()]
    return sorted(found, reverse=True)


def newest_whole(run: Run, warn: Callable[[str], None] = lambda message: None) -> Path | None:
    """The newest checkpoint to go on from that is what this run wrote; one that is not is set aside.

    Args:
        run: that stopped.
        warn: is told of each that is set aside.

    Returns:
        Its path; None where there was none to begin with.

    Raises:
        UserError: there were some, and none is whole.
    """
    folder = run.path / "checkpoints"
    last = folder / "last.ckpt"
    candidates = [path for path in (last, *(path for _, path in older(folder))) if path.is_file()]
    known = {str(line.get("sha256")) for line in read_lines(folder / DIGESTS)}
    known |= {str(line.get("sha256")) for line in run.events() if line.get("event") == "checkpointed"}
    for path in candidates:
        if file_sha256(path) in known:
            return path
        aside = _aside(path)
        path.replace(aside)
        warn(
            f"{path.name} is damaged, or from elsewhere: it is not what this run wrote. It is set aside as {aside.name}"
        )
    if candidates:
        raise UserError(
            "every checkpoint of the run is damaged, or from elsewhere",
            where=run.id,
            remedy="start a new run without --resume; to use a checkpoint of your own, load it in your LightningModule",
        )
    return None


def has_checkpoint(run: Run) -> bool:
    """Whether there is something to go on from, whole or not."""
    folder = run.path / "checkpoints"
    return (folder / "last.ckpt").is_file() or bool(older(folder))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        return value.item()
    plain = value is None or type(value) in (bool, int, float, str, bytes) or isinstance(value, Tensor)
    return value if plain else str(value)


def _aside(path: Path) -> Path:
    aside = path.with_suffix(".damaged")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_suffix(f".{number}.damaged")
    return aside
