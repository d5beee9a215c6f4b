"""Lightning's Trainer with checkpoints that survive a crash and never run code.

`pk.Trainer(...)` takes Lightning's arguments and trains any LightningModule unchanged.
"""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from lightning_fabric.plugins import CheckpointIO

from projectkit.training.checkpoints import PlainCheckpointIO


class Trainer(pl.Trainer):
    """Lightning's Trainer; checkpoints are written atomically and read with `weights_only=True`.

    Args:
        plugins: as Lightning's; a CheckpointIO among them takes the place of ours.
        **arguments: Lightning's own.
    """

    def __init__(self, *, plugins: Any = None, **arguments: Any) -> None:
        given = [] if plugins is None else list(plugins) if isinstance(plugins, list | tuple) else [plugins]
        if not any(isinstance(plugin, CheckpointIO) for plugin in given):
            given.append(PlainCheckpointIO())
        super().__init__(plugins=given, **arguments)
