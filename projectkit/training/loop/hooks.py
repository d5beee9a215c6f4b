"""Who listens to a batch: the hooks that a callback or the module has of its own.

Lightning calls every hook of every callback for each batch, most of which do nothing. Which ones do something is looked up once an
epoch: a hook counts as overridden where its class has another function than Lightning's base class, or where the object itself has one
(as `LambdaCallback` does).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from projectkit.training.loop.naming import FX, names_of

# in the order of a batch
STEP_HOOKS = ("on_before_zero_grad", "on_before_backward", "on_after_backward", "on_before_optimizer_step")
BATCH_HOOKS = ("on_train_batch_start", *STEP_HOOKS, "on_train_batch_end")


def overrides(owner: object, base: type, name: str) -> bool:
    """Whether an object has a method of its own in place of its base class's."""
    return name in vars(owner) or getattr(type(owner), name, None) is not getattr(base, name, None)


class LiveHooks:
    """The hooks of a batch that do something, looked up when this is made.

    Args:
        trainer: whose callbacks and module are asked.
        settle: called before a hook runs, so that it sees the counters as they are.
        names: of the hooks.
    """

    def __init__(self, trainer: pl.Trainer, settle: Callable[[], None], names: tuple[str, ...] = BATCH_HOOKS) -> None:
        self.trainer = trainer
        self.module = trainer.lightning_module
        self.settle = settle
        self.seen = list(trainer.callbacks)  # type: ignore[attr-defined] # set by Lightning in passing
        self._hooks = frozenset(names)
        self._patched = self._set_on_objects()
        self._callbacks = {
            hook: [callback for callback in self.seen if overrides(callback, Callback, hook)] for hook in names
        }
        self._module = {hook: overrides(self.module, pl.LightningModule, hook) for hook in names}
        self._live = {hook for hook in names if self._callbacks[hook] or self._module[hook]}
        self._names = names_of(self.module)
        self.in_step = any(hook in self._live for hook in STEP_HOOKS)

    def __contains__(self, hook: str) -> bool:
        return hook in self._live

    def are_current(self) -> bool:
        """Whether the callbacks are those of then, and neither they nor the module were given a hook since."""
        return self.seen == self.trainer.callbacks and self._patched == self._set_on_objects()  # type: ignore[attr-defined] # as above

    def owners(self) -> Iterator[tuple[str, Callback | pl.LightningModule]]:
        """Each live hook with each object that has it."""
        for hook in self._callbacks:
            for callback in self._callbacks[hook]:
                yield hook, callback
            if self._module[hook]:
                yield hook, self.module

    def call(self, hook: str, *arguments: Any) -> Any:
        """Call a hook of all who have it, callbacks first; what the module's returns is returned."""
        if hook not in self._live:
            return None
        self.settle()
        before, self._names[FX] = self._names[FX], hook
        for callback in self._callbacks[hook]:
            getattr(callback, hook)(self.trainer, self.module, *arguments)
        result = getattr(self.module, hook)(*arguments) if self._module[hook] else None
        self._names[FX] = before
        return result

    def _set_on_objects(self) -> list[set[str]]:
        """The hooks that objects have besides their class's."""
        return [vars(owner).keys() & self._hooks for owner in (*self.seen, self.module)]
