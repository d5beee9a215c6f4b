"""What a training says beside its progress, and what others are kept from saying."""

from __future__ import annotations

import logging
import warnings

from rich.console import Console

from projectkit.training.loop.compiler import quiet_compiler


def show(console: Console | None, line: str) -> None:
    """One line for the user, where there is a screen."""
    if console is not None:
        console.print(line, highlight=False, soft_wrap=True)


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
