"""The two moments at which the state of a training is whole: between two batches of an epoch, and between two epochs.

Lightning's hooks come too early for that. In `on_train_batch_end` counters are one behind, and the validation, the plateau and the line of
the log that belong to the batch are still to come; in `on_train_epoch_end` the epoch's line and its plateau are. Here everything that
belongs to a batch or an epoch has been done, and nothing of the next one. It holds for Lightning's own loop as for ours.

A training that goes on from such a moment is made one that was never stopped: Lightning's own ways for a restart, which repair what its
hooks leave half done, would count a batch or an epoch twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytorch_lightning as pl

if TYPE_CHECKING:  # on a version of Lightning without these names a training still runs, in Lightning's own loop
    from projectkit.training.loop.lightning_names import Fetcher


class Listener(Protocol):
    """What is told of the moments; see `Checkpoints`."""

    def before_loaders(self) -> None:
        """The training loaders are about to be made, for the first time or again."""

    def before_epoch(self) -> None:
        """Nothing of the epoch has been done."""

    def before_iterator(self, fetcher: Fetcher) -> None:
        """The epoch's first batch is about to be looked for."""

    def before_batches(self, fetcher: Fetcher) -> None:
        """The next thing is to take the epoch's first batch, or the next one where the epoch was begun before."""

    def after_batch(self) -> None:
        """Everything that belongs to a batch has been done; the epoch goes on, or ends with this batch."""

    def after_epoch(self) -> None:
        """Everything that belongs to an epoch has been done."""

    def batches_until_due(self) -> int:
        """How many batches may run before `after_batch` has something to do."""


def install(trainer: pl.Trainer, listener: Listener) -> None:
    """Tell a listener of each such moment of a training.

    The methods are replaced in the loops themselves and not in a class of ours, so that it works in Lightning's own loop as well.
    """
    epochs, batches = trainer.fit_loop, trainer.fit_loop.epoch_loop
    setup_data, on_advance_start, on_epoch_end = epochs.setup_data, epochs.on_advance_start, epochs.on_advance_end
    on_run_start, on_batch_end = batches.on_run_start, batches.on_advance_end

    def before_loaders() -> None:
        listener.before_loaders()
        setup_data()

    def before_epoch() -> None:
        listener.before_epoch()
        on_advance_start()

    def after_epoch() -> None:
        on_epoch_end()
        listener.after_epoch()

    def before_batches(fetcher: Fetcher) -> None:
        listener.before_iterator(fetcher)
        on_run_start(fetcher)
        listener.before_batches(fetcher)

    def after_batch(fetcher: Fetcher) -> None:
        on_batch_end(fetcher)
        listener.after_batch()

    epochs.__dict__.update(setup_data=before_loaders, on_advance_start=before_epoch, on_advance_end=after_epoch)
    batches.__dict__.update(
        on_run_start=before_batches, on_advance_end=after_batch, until_due=listener.batches_until_due
    )


def is_whole(trainer: pl.Trainer) -> bool:
    """Whether the state after a batch is whole: no gradient is being gathered for a step, and the epoch goes on."""
    batches = trainer.fit_loop.epoch_loop
    module: Any = trainer.lightning_module
    accumulating = module.automatic_optimization and batches._should_accumulate()
    return not accumulating and not batches.done


def go_on(trainer: pl.Trainer) -> None:
    """Make the loops those of a training that was never stopped; its counters have been restored by now."""
    epochs = trainer.fit_loop
    for loop in (epochs, epochs.epoch_loop, epochs.epoch_loop.val_loop):
        loop._restarting = loop._resuming_from_checkpoint = loop._loaded_from_state_dict = False
        loop.reset_restart_stage()
