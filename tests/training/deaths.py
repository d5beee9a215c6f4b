"""A training that dies and goes on, and one that was never stopped: everything in which they differ.

| name | what it does |
|---|---|
| `Death` | raised where a process would be killed: nothing is written after it but the word of how the run ended |
| `DiesAt` | a callback that raises it at a hook, by its count |
| `die` | trains with such callbacks until a death comes, and again from what is on the disk |
| `outcome` | all that a run leaves behind, as strings and numbers that compare exactly |
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from projectkit.project import require_project
from projectkit.runs import Run, list_runs
from projectkit.training import load_checkpoint, session, train

CLOCKS = ("time", "time_elapsed", "sha256")


class Death(BaseException):
    """No Exception: whoever looks after those does not see it."""


class DiesAt(Callback):
    """Dies when a hook has been called so often.

    Args:
        hook: `on_train_batch_start`, `on_train_epoch_end` ...
        count: of its calls, from 1.
    """

    def __init__(self, hook: str, count: int) -> None:
        self.left = count
        setattr(self, hook, self._called)

    def _called(self, *arguments: Any) -> None:
        self.left -= 1
        if self.left == 0:
            raise Death

    def batches_until_due(self, trainer: Any, hook: str) -> int:
        """In a segment it dies where the segment would end: at a single."""
        return max(0, self.left - 1)


@contextmanager
def with_callbacks(callbacks: Sequence[Callback]) -> Iterator[None]:
    """Trainings inside have these callbacks, before all others."""
    real = session.Session._callbacks
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session.Session, "_callbacks", lambda self: [*callbacks, *real(self)])
        yield


def die(config: Path, overrides: Sequence[str], *deaths: DiesAt, **arguments: Any) -> Run:
    """Train, die, go on, die again ..., and go on to the end.

    Returns:
        The run, which is one run all the time if anything had been kept when it died.
    """
    for number, death in enumerate(deaths):
        with with_callbacks([death]):
            try:
                run = train(config, overrides, resume="auto" if number else None, **arguments)
            except Death:
                continue
        assert number, "it ended before it died"  # a later death may be too late for a training that stops early
        return run
    return train(config, overrides, resume="auto", **arguments)


def newest() -> Run:
    """The newest run of the project."""
    return list_runs(require_project())[0]


def outcome(run: Run) -> dict[str, Any]:
    """What a run leaves behind, without what clocks say."""
    last = load_checkpoint(run.checkpoint("last"))
    found: dict[str, Any] = {
        f"last.{name}": exact(last[name])
        for name in ("epoch", "global_step", "state_dict", "optimizer_states", "lr_schedulers", "loops", "callbacks")
    }
    for name in ("current_model_state", "train_sums", "MixedPrecision", "replay"):
        found[f"last.{name}"] = exact(last.get(name))
    if (run.path / "checkpoints" / "best.ckpt").is_file():
        found["best"] = exact(load_checkpoint(run.checkpoint("best"))["state_dict"])
    found["metrics"] = [exact(line) for line in run.metrics()]
    found["record"] = exact({"best": run.best, "last": run.last, "weights": run.record.get("weights_sha256")})
    return found


def differences(first: Any, second: Any, at: str = "") -> list[str]:
    """The places at which two outcomes differ."""
    if isinstance(first, dict) and isinstance(second, dict):
        keys = [*first, *(key for key in second if key not in first)]
        return [line for key in keys for line in differences(first.get(key), second.get(key), f"{at}.{key}")]
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        pairs = enumerate(zip(first, second, strict=True))
        return [line for index, (one, two) in pairs for line in differences(one, two, f"{at}[{index}]")]
    return [] if first == second else [f"{at.removeprefix('.')}: {first!s:.200} and {second!s:.200}"]


def exact(value: Any) -> Any:
    """A value in a form that is equal only to the same bits."""
    if isinstance(value, Tensor):
        held = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        shown = f" {value.tolist()}" if value.numel() <= 2 else ""
        return f"{value.dtype}{list(value.shape)} {hashlib.sha1(held).hexdigest()[:12]}{shown}"
    if isinstance(value, dict):
        return {str(key): exact(each) for key, each in value.items() if key not in CLOCKS}
    if isinstance(value, list | tuple):
        return [exact(each) for each in value]
    return value.hex() if isinstance(value, float) else value
