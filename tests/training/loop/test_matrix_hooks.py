"""Each hook of a LightningModule and of a Callback, overridden one by one: called as often, in the same order, with the same arguments
and at the same counters as by Lightning."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from harness import Seen, counters, frozen, same, train
from parts import CLIPPING, Net, fp16, plain, validation
from pytorch_lightning.callbacks import Callback, LambdaCallback
from pytorch_lightning.core.hooks import CheckpointHooks, DataHooks, ModelHooks

OF_A_BATCH = {
    "on_train_batch_start",
    "on_train_batch_end",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
}
TRANSFER = {"on_before_batch_transfer", "on_after_batch_transfer"}
LIGHTNINGS_OWN = {  # the path of a batch that is Lightning's when the module overrides it
    "optimizer_step",
    "optimizer_zero_grad",
    "backward",
    "lr_scheduler_step",
    "configure_gradient_clipping",
}
LOADERS = {name for name in vars(DataHooks) if name.endswith("_dataloader")}


def public(*classes: type) -> list[str]:
    return sorted(
        {
            name
            for each in classes
            for name, value in vars(each).items()
            if inspect.isfunction(value) and not name.startswith("_")
        }
    )


MODULE_HOOKS = [
    *[name for name in public(ModelHooks, DataHooks, CheckpointHooks) if name not in LOADERS],
    *sorted(LIGHTNINGS_OWN),
    "clip_gradients",
    "forward",
    "training_step",
    "configure_callbacks",
    "zero_grad",
    "train",
    "eval",
]
CALLBACK_HOOKS = [name for name in public(Callback) if name != "state_dict"]


def often(hooks: list[str]) -> list[Any]:
    """Hooks of a batch, and those that send it another way, in each `make test`; the others are called together there."""
    each = OF_A_BATCH | TRANSFER | LIGHTNINGS_OWN | {"clip_gradients", "training_step", "on_train_epoch_end"}
    return [hook if hook in each else pytest.param(hook, marks=pytest.mark.nightly) for hook in hooks]


def expected(hook: str) -> str:
    if hook in LIGHTNINGS_OWN:
        return "lightning"
    return "batches" if hook in OF_A_BATCH else "segments"


def note(heard: list[Any], hook: str, trainer: pl.Trainer | None, module: pl.LightningModule, *given: Any) -> None:
    """The hook, its arguments, and where the training stands."""
    if trainer is None or trainer.state.fn is None:
        heard.append([hook, *frozen(given)])
        return
    gradients = [parameter.grad for parameter in module.parameters()]
    heard.append(
        [hook, *frozen(given), counters(trainer), module._current_fx_name, frozen(gradients), torch.is_grad_enabled()]
    )


def overriding(hook: str) -> type[Net]:
    """A module that notes each call of one hook."""

    def noted(self: Net, *arguments: Any, **keywords: Any) -> Any:
        note(self.heard, hook, self._trainer, self, arguments, keywords)
        return getattr(super(made, self), hook)(*arguments, **keywords)

    def step(self: Net, batch: Any, batch_idx: int) -> Any:  # Lightning looks at the names of its arguments
        note(self.heard, hook, self._trainer, self, batch, batch_idx)
        return super(made, self).training_step(batch, batch_idx)

    made: type[Net] = type("Overriding", (Net,), {hook: step if hook == "training_step" else noted})
    return made


def listening(*hooks: str) -> Callback:
    """A callback that notes each call of some hooks."""

    def noting(hook: str) -> Any:
        def noted(self: Any, trainer: pl.Trainer, module: pl.LightningModule, *arguments: Any, **keywords: Any) -> None:
            note(self.heard, hook, trainer, module, arguments, keywords)

        def loaded(self: Any, state: dict[str, Any]) -> None:
            self.heard.append([hook, frozen(state)])

        return loaded if hook == "load_state_dict" else noted

    made = type("Listening", (Callback,), {hook: noting(hook) for hook in hooks})
    callback: Callback = made()
    callback.heard = []  # type: ignore[attr-defined]
    return callback


def fitted(trainer_class: type[pl.Trainer], net: Net, *callbacks: Callback, **settings: Any) -> Seen:
    settings = {"log_every_n_steps": 4, "val_check_interval": 5, "gradient_clip_val": 0.5, **settings}
    return train(trainer_class, net, plain(), validation(), callbacks=callbacks, **settings)


@pytest.mark.parametrize("hook", often(MODULE_HOOKS))
def test_a_module_that_overrides_a_hook_is_called_as_by_lightning(hook: str) -> None:
    stock = same(
        lambda trainer_class: fitted(trainer_class, overriding(hook)("both", scheduler="one_cycle")),
        mode=expected(hook),
    )
    elsewhere = hook.startswith(("on_test", "on_predict")) or hook in ("on_load_checkpoint", "prepare_data_per_node")
    assert bool(stock.tree["heard"]) != elsewhere


@pytest.mark.parametrize("hook", often(CALLBACK_HOOKS))
def test_a_callback_that_overrides_a_hook_is_called_as_by_lightning(hook: str) -> None:
    stock = same(
        lambda trainer_class: fitted(trainer_class, Net("both", scheduler="one_cycle"), listening(hook)),
        mode=expected(hook),
    )
    elsewhere = hook.startswith(("on_test", "on_predict", "on_sanity")) or "load" in hook or hook == "on_exception"
    assert bool(stock.tree["heard_by_callbacks"][0]) != elsewhere


FEATURES: dict[str, Any] = {
    "plain": dict,
    "accumulating": lambda: {"accumulate_grad_batches": 3},
    "clipped": lambda: CLIPPING["value"],
    "fp16": fp16,
    "bf16": lambda: {"precision": "bf16-mixed"},
    "sanity_check": lambda: {"num_sanity_val_steps": 2},
    "max_steps": lambda: {"max_steps": 13},
}


TOGETHER = [
    *[pytest.param(feature, "sgd", False, id=feature) for feature in FEATURES],
    *[pytest.param(feature, "sgd", True, id=f"{feature}-between-batches") for feature in ("plain", "accumulating")],
    *[
        pytest.param(feature, "lbfgs", False, id=f"{feature}-lbfgs", marks=pytest.mark.nightly)
        for feature in FEATURES
        if feature != "fp16"  # Lightning refuses LBFGS with a scaler
    ],
]


@pytest.mark.parametrize(("feature", "optimizer", "between"), TOGETHER)
def test_every_hook_of_module_and_callback_together_is_called_in_lightnings_order(
    feature: str, optimizer: str, between: bool
) -> None:
    """Either all of them, or all but those of a batch, so that segments run between the others."""
    left_out = LIGHTNINGS_OWN | {"training_step", "configure_sharded_model"}  # the last is refused beside its successor
    left_out = left_out | {"load_state_dict"} | (OF_A_BATCH if between else set())
    of_module = [name for name in MODULE_HOOKS if name not in left_out]
    of_callback = [name for name in CALLBACK_HOOKS if name not in left_out]

    def scenario(trainer_class: type[pl.Trainer]) -> Seen:
        heard: list[Any] = []  # of module and callback, in one order
        bodies: dict[str, Any] = {}
        for name in of_module:

            def noted(self: Net, *arguments: Any, hook: str = name, **keywords: Any) -> Any:
                note(heard, f"module.{hook}", self._trainer, self, arguments, keywords)
                return getattr(super(made, self), hook)(*arguments, **keywords)

            bodies[name] = noted
        made: type[Net] = type("All", (Net,), bodies)
        callback = listening(*of_callback)
        callback.heard = heard  # type: ignore[attr-defined]
        return fitted(trainer_class, made("both", optimizer, "one_cycle"), callback, **FEATURES[feature]())

    same(scenario, mode="segments" if between else "batches")


@pytest.mark.parametrize("hook", sorted(OF_A_BATCH | {"on_train_epoch_end", "on_validation_model_zero_grad"}))
def test_logging_in_a_hook_of_the_module_is_lightnings(hook: str) -> None:
    def noted(self: Net, *arguments: Any) -> Any:
        self.log(f"in_{hook}", float(self.global_step), on_step=hook != "on_train_epoch_end", on_epoch=True)
        return getattr(super(made, self), hook)(*arguments)

    made: type[Net] = type("LogsThere", (Net,), {hook: noted})
    same(
        lambda trainer_class: fitted(trainer_class, made("both")),
        mode=expected(hook),
        raises="MisconfigurationException" if hook == "on_validation_model_zero_grad" else "",
    )


@pytest.mark.parametrize("hook", sorted(OF_A_BATCH | {"on_train_epoch_end", "on_train_epoch_start"}))
def test_logging_in_a_hook_of_a_callback_is_lightnings(hook: str) -> None:
    def noted(self: Callback, trainer: pl.Trainer, module: pl.LightningModule, *arguments: Any) -> None:
        module.log(f"in_{hook}", float(trainer.global_step), on_step="epoch" not in hook, on_epoch=True)

    made: type[Callback] = type("LogsThere", (Callback,), {hook: noted})
    same(lambda trainer_class: fitted(trainer_class, Net("both"), made()), mode=expected(hook))


@pytest.mark.parametrize("hook", sorted(OF_A_BATCH))
def test_a_hook_that_is_set_on_the_object_is_called(hook: str) -> None:
    """LambdaCallback sets attributes of the object; so do people who patch a module."""

    def scenario(trainer_class: type[pl.Trainer]) -> Seen:
        net = Net("both")
        heard: list[Any] = []
        object.__setattr__(net, hook, lambda *given: heard.append(["module", *frozen(given)]))
        callback = LambdaCallback(**{hook: lambda trainer, module, *given: heard.append(["callback", *frozen(given)])})
        seen = fitted(trainer_class, net, callback)
        seen.tree["heard_there"] = heard
        assert heard
        return seen

    same(scenario, mode="batches")


def test_a_hook_that_is_set_while_training_is_called_from_then_on() -> None:
    class Late(Callback):
        def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            if trainer.current_epoch == 1:
                object.__setattr__(
                    pl_module, "on_after_backward", lambda: pl_module.heard.append(pl_module.global_step)
                )
                trainer.callbacks.append(listening("on_train_batch_end"))

    stock = same(lambda trainer_class: fitted(trainer_class, Net("both"), Late()), mode=None)
    assert len(stock.tree["heard"]) == 10


class Skips(Net):
    """Ends the second epoch early."""

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        return -1 if batch_idx == 6 and self.current_epoch == 0 else None


def test_an_epoch_that_the_module_ends_early_ends_as_with_lightning() -> None:
    same(lambda trainer_class: fitted(trainer_class, Skips("both")), mode="batches")


class Changes(Net):
    """Hooks that change what they are given."""

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        return [2 * batch[0], batch[1]]

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        return super().transfer_batch_to_device([batch[0] + 1, batch[1]], device, dataloader_idx)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        return batch[0] - 0.5, batch[1]


def test_batches_that_transfer_hooks_change_arrive_changed() -> None:
    same(lambda trainer_class: fitted(trainer_class, Changes("both")), mode=None)


class ChangesGradients(Net):
    """What a step computes with depends on each hook having been called at its moment."""

    def on_after_backward(self) -> None:
        for parameter in self.net.parameters():
            parameter.grad.mul_(0.5)  # type: ignore[union-attr]

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        for parameter in self.net.parameters():
            parameter.grad.add_(0.01)  # type: ignore[union-attr]

    def on_before_zero_grad(self, optimizer: Any) -> None:
        for group in optimizer.param_groups:
            group["lr"] *= 0.99

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        with torch.no_grad():
            self.net[0].bias.add_(outputs["loss"], alpha=1e-3)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_hooks_that_change_gradients_weights_and_rates_change_them_as_with_lightning(accumulate: int) -> None:
    same(
        lambda trainer_class: fitted(trainer_class, ChangesGradients("both"), accumulate_grad_batches=accumulate),
        mode="batches",
    )
