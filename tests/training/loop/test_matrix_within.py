"""What a training step, a torch hook and a callback that knows when it is due find in the middle of a segment: Lightning's state."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import pytorch_lightning as pl
from harness import Seen, frozen, same, train
from parts import Net, plain, validation
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from projectkit.training import Trainer


def fitted(trainer_class: type[pl.Trainer], net: Net, *callbacks: Callback, **settings: Any) -> Seen:
    settings = {"log_every_n_steps": 4, "val_check_interval": 5, "gradient_clip_val": 0.5, **settings}
    return train(trainer_class, net, plain(), validation(), callbacks=callbacks, **settings)


class Reads(Net):
    """Reads every public counter of the Trainer in the middle of a step."""

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        trainer = self.trainer
        loops = trainer.fit_loop
        self.heard.append([
            trainer.global_step, self.global_step, trainer.current_epoch, trainer.is_last_batch, loops.batch_idx,
            loops.total_batch_idx, loops.epoch_loop.batch_idx, loops.epoch_loop.total_batch_idx,
            loops.epoch_loop._batches_that_stepped, loops.epoch_loop.global_step, loops._should_accumulate(),
            trainer.training, trainer._logger_connector.should_update_logs,
        ])  # fmt: skip
        return super().training_step(batch, batch_idx)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_what_a_step_reads_of_the_trainer_is_what_it_reads_in_lightning(accumulate: int) -> None:
    stock = same(lambda trainer_class: fitted(trainer_class, Reads("both"), accumulate_grad_batches=accumulate))
    assert len(stock.tree["heard"]) == 20


class Saves(Net):
    """Takes a checkpoint in the middle of a step, as a signal's handler may."""

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        loss = super().training_step(batch, batch_idx)
        if batch_idx in (3, 7):
            self.heard.append(frozen(self.trainer._checkpoint_connector.dump_checkpoint()))
        return loss  # type: ignore[no-any-return]


def test_a_checkpoint_taken_in_a_step_is_lightnings() -> None:
    same(lambda trainer_class: fitted(trainer_class, Saves("both", scheduler="one_cycle")))


def test_hooks_of_torch_are_called_at_lightnings_counters() -> None:
    """Of modules, parameters and the optimiser: they belong to torch, and make no batch a single."""

    def scenario(trainer_class: type[pl.Trainer]) -> Seen:
        net = Net("both", scheduler="one_cycle")
        heard: list[Any] = []
        net.net[0].register_forward_hook(lambda *_: heard.append(["forward", net.global_step]))
        net.net[4].bias.register_hook(lambda grad: heard.append(["grad", net.global_step, frozen(grad)]))

        class Registers(Callback):
            def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
                optimizer = trainer.optimizers[0]
                optimizer.register_step_pre_hook(
                    lambda *given: heard.append(["before", net.global_step, *frozen(given)])
                )
                optimizer.register_step_post_hook(lambda *_: heard.append(["after", net.global_step]))

        seen = fitted(trainer_class, net, Registers())
        seen.tree["heard_of_torch"] = heard
        return seen

    same(scenario)


class Copies(Net):
    """Copies and pickles itself in the middle of a step and in a hook of the step, and logs by the copy."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        loss = super().training_step(batch, batch_idx)
        if batch_idx in (0, 5):
            copied = copy.deepcopy(self)
            copied.log("nobody", 1.0)
            self.heard.append(frozen(copied.state_dict()))
        return loss

    def on_after_backward(self) -> None:
        if self.global_step == 6:
            self.heard.append(frozen(pickle.loads(pickle.dumps(self)).state_dict()))


class CopiesInSegments(Copies):
    def on_after_backward(self) -> None:
        """Nothing."""

    def batches_until_due(self, trainer: pl.Trainer, hook: str) -> int:
        return 1000


@pytest.mark.parametrize(("module", "mode"), [(Copies, "batches"), (CopiesInSegments, "segments")])
def test_a_module_that_copies_itself_in_a_step_is_copied_as_with_lightning(module: type[Net], mode: str) -> None:
    same(lambda trainer_class: fitted(trainer_class, module("both")), mode=mode)


class Patches(Callback):
    """Puts a method of its own around one of Lightning's."""

    def __init__(self, owner: str, method: str) -> None:
        self.owner, self.method = owner, method
        self.heard: list[Any] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        strategy = trainer.strategy
        owners = {
            "strategy": strategy,
            "precision": strategy.precision_plugin,
            "optimizer": strategy._lightning_optimizers[0],
        }
        theirs = getattr(owners[self.owner], self.method)

        def around(*arguments: Any, **keywords: Any) -> Any:
            self.heard.append(trainer.global_step)
            return theirs(*arguments, **keywords)

        setattr(owners[self.owner], self.method, around)


@pytest.mark.parametrize(
    ("owner", "method"),
    [("strategy", "optimizer_step"), ("strategy", "backward"), ("precision", "pre_backward"), ("optimizer", "step")],
)
def test_a_method_of_lightnings_that_somebody_wraps_is_called(owner: str, method: str) -> None:
    stock = same(
        lambda trainer_class: fitted(trainer_class, Net("both"), Patches(owner, method)),
        mode="lightning",
        reason="somebody changed",
    )
    assert len(stock.tree["heard_by_callbacks"][0]) == 20


class Inert(Callback):
    """Overrides the hooks of a batch, and says that nothing is due for a long time."""

    def __init__(self) -> None:
        self.calls = 0
        self.heard: list[Any] = []

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self.calls += 1

    def batches_until_due(self, trainer: pl.Trainer, hook: str) -> int:
        return 1000


class EveryFifth(Callback):
    """Does something at each fifth batch of the training, and says so."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if trainer.fit_loop.total_batch_idx % 5 == 4:
            self.heard.append(frozen([trainer.global_step, outputs, batch, batch_idx]))

    def batches_until_due(self, trainer: pl.Trainer, hook: str) -> int:
        return 4 - (trainer.fit_loop.total_batch_idx + 1) % 5


def test_a_callback_that_says_when_it_is_due_leaves_segments_between_and_is_called_then() -> None:
    stock = same(lambda trainer_class: fitted(trainer_class, Net("both"), EveryFifth()))
    assert len(stock.tree["heard_by_callbacks"][0]) == 4


def test_a_callback_that_is_not_due_is_not_called_at_every_batch() -> None:
    callback = Inert()
    fitted(Trainer, Net("both"), callback)
    assert callback.calls < 20
    everyone = Inert()
    fitted(pl.Trainer, Net("both"), everyone)
    assert everyone.calls == 20
