"""What a training says beside its progress, and what others are kept from saying."""

from __future__ import annotations

import logging
import os
import stat
import warnings
from typing import IO, Any

from rich.console import Console

from projectkit.training.loop.compiler import quiet_compiler


def show(console: Console | None, line: str) -> None:
    """One line for the user, where there is a screen."""
    if console is not None:
        console.print(line, highlight=False, soft_wrap=True)


def steady(console: Console | None) -> None:
    """Have a console go on without a word where its terminal is closed or its pipe is no longer read: that ends no training."""
    if console is not None and not isinstance(console.file, Steady):
        console.file = Steady(console.file)  # type: ignore[assignment] # it has what rich asks for


class Steady:
    """A file that swallows what can no longer be written.

    Args:
        file: standard error, or another one.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write, or not."""
        try:
            return self._file.write(text)
        except OSError:
            leave_terminal(pipes=True)
            return len(text)

    def flush(self) -> None:
        """Flush, or not."""
        try:
            self._file.flush()
        except OSError:
            leave_terminal(pipes=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def leave_terminal(*, pipes: bool = False) -> None:
    """What is written to a terminal that was closed, or to a pipe that is no longer read, goes nowhere; it would be an error there."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        try:
            kind = os.fstat(descriptor).st_mode
        except OSError:
            continue
        if stat.S_ISCHR(kind) or (pipes and not stat.S_ISREG(kind)):
            os.dup2(nowhere, descriptor)
    os.close(nowhere)


def quiet() -> None:
    """Keep Lightning's and torch's advice that does not apply here off the screen; their errors still come."""
    quiet_compiler()
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    for message in (
        ".*ended before the epoch ended and your dataloader is not resumable.*",  # ours starts where the run stopped
        ".*does not have many workers.*",  # sets in memory are fastest without
        ".*number of training batches.*smaller than the logging interval.*",  # epochs log as well
        ".*Checkpoint directory.*exists and is not empty.*",
        ".*Total length of .* across ranks is zero.*",  # an error of ours, as is the next
        ".*have no `val_dataloader`.*",
        ".*GPU available but not used.*",  # a choice of the config
        ".*The `srun` command is available.*",  # on a cluster's login node; the batch script uses it
        ".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*",  # inside Lightning
    ):
        warnings.filterwarnings("ignore", message=message)
