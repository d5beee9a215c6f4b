"""How many batches may run before somebody looks: what ends a segment.

A callback or a module with a hook of its own is due at each batch, unless it has a method

    batches_until_due(self, trainer, hook: str) -> int

which says how many batches may run before the hook has something to do (0: it is due at the next batch, `NEVER`: not in this epoch).
It is believed only where it belongs to the class that has the hook, or to a subclass of it: a subclass that overrides the hook of a
class with such a method is due at each batch again. Lightning's own callbacks are answered for in `KNOWN`.

A callback that has little to do after each step, such as an average of weights, may have a method `after_step(self)` beside it: within
segments it is called after each step of the optimiser, in place of `on_train_batch_end`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import (
    Callback,
    DeviceStatsMonitor,
    LearningRateMonitor,
    ModelCheckpoint,
    RichProgressBar,
    Timer,
    TQDMProgressBar,
)

from projectkit.training.loop.hooks import LiveHooks
from projectkit.training.loop.lightning_names import EpochLoop, connector, val_time_interval
from projectkit.training.loop.position import NEVER, Position, position, until_logging, until_time

__all__ = [
    "NEVER",
    "Position",
    "after_steps",
    "always_due",
    "batches_until_event",
    "position",
    "until_due",
    "until_logging",
    "until_time",
]

REDRAW_S = 0.1  # a bar is moved ten times a second


def batches_until_event(trainer: pl.Trainer, hooks: LiveHooks, here: Position, last: int) -> int:
    """How many batches may run before one that must be run with everything that Lightning does around a batch.

    Args:
        trainer: whose loop asks.
        hooks: that are live.
        here: where the training stands.
        last: batches before the last one of the epoch.
    """
    if trainer.should_stop:
        return 0
    loop = trainer.fit_loop.epoch_loop
    count = min(last, _until_log(trainer, here), _until_validation(trainer, loop, here))
    if loop.max_steps != -1:
        count = min(count, here.before_step(loop.max_steps - here.steps))
    for hook, owner in hooks.owners():
        if count <= 0:
            return 0
        count = min(count, until_due(owner, hook, trainer, here))
    return max(0, count)


def until_due(owner: object, hook: str, trainer: pl.Trainer, here: Position) -> int:
    """How many batches may run before a hook of a callback or module has something to do."""
    if _answers_for(owner, hook):
        return int(owner.batches_until_due(trainer, hook))  # type: ignore[attr-defined] # looked up just now
    known = _known(owner, hook)
    return known(owner, trainer, here) if known is not None else 0


def after_steps(hooks: LiveHooks) -> list[Callable[[], None]]:
    """What is called within segments after each step of the optimiser, see above."""
    return [
        owner.after_step  # type: ignore[misc] # looked up below
        for hook, owner in hooks.owners()
        if hook == "on_train_batch_end" and hasattr(owner, "after_step") and _answers_for(owner, hook)
    ]


def always_due(hooks: LiveHooks) -> tuple[str, object] | None:
    """A hook that is due at each batch, with whom it belongs to; None where segments are possible."""
    for hook, owner in hooks.owners():
        if not _answers_for(owner, hook) and _known(owner, hook) is None:
            return hook, owner
    return None


def _answers_for(owner: object, hook: str) -> bool:
    if hook in vars(owner):
        return "batches_until_due" in vars(owner)
    for kind in type(owner).__mro__:
        if "batches_until_due" in vars(kind):
            return True
        if hook in vars(kind):
            return False
    return False


def _until_log(trainer: pl.Trainer, here: Position) -> int:
    every = trainer.log_every_n_steps  # type: ignore[attr-defined] # set by Lightning in passing
    if not trainer.loggers or not every:
        return NEVER
    return here.before_step(every - here.logged_steps % every)


def _until_validation(trainer: pl.Trainer, loop: EpochLoop, here: Position) -> int:
    if not loop._should_check_val_epoch():
        return NEVER
    timed = val_time_interval(trainer)
    if timed is not None:
        interval, since = timed
        return here.within(since + interval - time.monotonic())
    every = trainer.val_check_batch
    if every is None or every == float("inf"):  # at the end of an epoch
        return NEVER
    done = here.batches_in_all if trainer.check_val_every_n_epoch is None else here.batches
    return int(-(done + 1) % every)


def _checkpoint(callback: ModelCheckpoint, trainer: pl.Trainer, here: Position) -> int:
    count = NEVER
    if callback._every_n_train_steps >= 1:
        count = here.before_multiple(callback._every_n_train_steps)
    if callback._train_time_interval is not None:
        since = callback._last_time_checked or time.monotonic()
        count = min(count, here.within(since + callback._train_time_interval.total_seconds() - time.monotonic()))
    return count


def _timer(callback: Timer, trainer: pl.Trainer, here: Position) -> int:
    remaining = callback.time_remaining()
    return NEVER if callback._interval != "step" or remaining is None else here.within(remaining)


def _tqdm(callback: TQDMProgressBar, trainer: pl.Trainer, here: Position) -> int:
    if callback.is_disabled:
        return NEVER
    # the first batch that is a multiple of the rate, once the bar is old enough
    soonest = here.batches + 1 + here.within(REDRAW_S)
    return soonest + -soonest % callback.refresh_rate - here.batches - 1


def _rich(callback: RichProgressBar, trainer: pl.Trainer, here: Position) -> int:
    return NEVER if callback.is_disabled else here.within(REDRAW_S)


def _at_logging(callback: Callback, trainer: pl.Trainer, here: Position) -> int:
    """For hooks that look whether the step is one of the log: each batch that is accumulated for such a step is."""
    every = trainer.log_every_n_steps  # type: ignore[attr-defined] # set by Lightning in passing
    if not every:
        return NEVER
    if connector(trainer).should_update_logs:
        return 0
    return here.before_step(every - here.logged_steps % every) - here.accumulate + 1


# Lightning's callbacks with hooks that are often idle; an overridden hook of a subclass is not answered for
KNOWN: dict[type[Callback], Callable[[Any, pl.Trainer, Position], int]] = {
    ModelCheckpoint: _checkpoint,
    Timer: _timer,
    TQDMProgressBar: _tqdm,
    RichProgressBar: _rich,
    LearningRateMonitor: _at_logging,
    DeviceStatsMonitor: _at_logging,
}


def _known(owner: object, hook: str) -> Callable[[Any, pl.Trainer, Position], int] | None:
    if hook in vars(owner):
        return None
    for kind, answer in KNOWN.items():
        if isinstance(owner, kind) and getattr(type(owner), hook) is getattr(kind, hook):
            return answer
    return None
