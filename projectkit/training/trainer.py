"""Lightning's Trainer with a loop that costs little, and checkpoints that survive a crash and never run code.

`pk.Trainer(...)` takes Lightning's arguments and trains any LightningModule unchanged. `trainer.loop_report` says how the batches ran,
`trainer.clock.line()` where the time went.
"""

from __future__ import annotations

import warnings
from importlib.metadata import version
from typing import Any, Literal

import pytorch_lightning as pl
from lightning_fabric.plugins import CheckpointIO

from projectkit.training.checkpoint_files import PlainCheckpointIO
from projectkit.training.loader_processes import end_loaders_with
from projectkit.training.loop import TESTED_WITH
from projectkit.training.loop.clock import Clock
from projectkit.training.loop.program import StepProgram
from projectkit.training.loop.report import LoopReport


class Trainer(pl.Trainer):
    """Lightning's Trainer; see `projectkit.training.loop` for its loop, and `checkpoints.py` for its checkpoints.

    Args:
        plugins: as Lightning's; a CheckpointIO among them takes the place of ours.
        loop: `auto` runs batches without Lightning's cost where that changes nothing, `lightning` never does.
        program: runs whole steps in place of the eager one, where it can; for `auto` only.
        clock: is told where the time goes; a new one unless given.
        **arguments: Lightning's own.
    """

    def __init__(
        self,
        *,
        plugins: Any = None,
        loop: Literal["auto", "lightning"] = "auto",
        program: StepProgram | None = None,
        clock: Clock | None = None,
        **arguments: Any,
    ) -> None:
        given = [] if plugins is None else list(plugins) if isinstance(plugins, list | tuple) else [plugins]
        if not any(isinstance(plugin, CheckpointIO) for plugin in given):
            given.append(PlainCheckpointIO())
        super().__init__(plugins=given, **arguments)
        end_loaders_with(self)
        self.clock = clock or Clock()
        self._loop_is_theirs = "it was asked for" if loop == "lightning" else _unknown_version()
        if self._loop_is_theirs is None:
            self._take_our_loops(program)

    def save_checkpoint(self, *arguments: Any, **named: Any) -> None:
        """As Lightning's; the time that it takes is noted."""
        with self.clock.phase("checkpoints"):
            super().save_checkpoint(*arguments, **named)

    def _take_our_loops(self, program: StepProgram | None) -> None:
        # not above: on an unknown version the private names that they import may be gone
        from projectkit.training.loop.epoch_loop import SegmentEpochLoop
        from projectkit.training.loop.evaluation import EvaluationLoop

        theirs = self.fit_loop.epoch_loop
        ours = SegmentEpochLoop(self, theirs.min_steps, theirs.max_steps, program)
        ours.clock = self.clock
        ours.val_loop = EvaluationLoop.instead_of(theirs.val_loop, self.clock)
        self.fit_loop.epoch_loop = ours
        self.validate_loop = EvaluationLoop.instead_of(self.validate_loop, self.clock)
        self.test_loop = EvaluationLoop.instead_of(self.test_loop, self.clock)

    @property
    def loop_report(self) -> LoopReport | None:
        """Which loop runs the training and why; None before its first epoch."""
        if self._loop_is_theirs is not None:
            return LoopReport("lightning", self._loop_is_theirs)
        report: LoopReport | None = self.fit_loop.epoch_loop.report
        return report


def _unknown_version() -> str | None:
    """Why the loop steps aside on this version of Lightning; it says so once."""
    installed = version("pytorch-lightning")
    if installed in TESTED_WITH:
        return None
    reason = f"it was not tested with pytorch-lightning {installed}"
    warnings.warn(f"training runs in Lightning's own loop: {reason}, only with {', '.join(TESTED_WITH)}", stacklevel=3)
    return reason
