"""Lightning's own callbacks, and some of a user's: they are called when they have something to do, and leave what they leave there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from harness import Seen, fit, frozen, look, make, same, train
from parts import Net, fp16, plain, validation
from pytorch_lightning.callbacks import (
    BackboneFinetuning,
    Callback,
    EarlyStopping,
    EMAWeightAveraging,
    GradientAccumulationScheduler,
    LearningRateMonitor,
    ModelCheckpoint,
    OnExceptionCheckpoint,
    RichProgressBar,
    StochasticWeightAveraging,
    Timer,
    TQDMProgressBar,
)
from pytorch_lightning.tuner import Tuner

from projectkit.training.ema import EMA

Callbacks = Callable[[Path], list[Callback]]

CALLBACKS: dict[str, tuple[str | None, Callbacks]] = {  # the mode that is expected (None: nothing is trained), and what makes them
    "early_stopping": ("segments", lambda folder: [EarlyStopping("val/loss", patience=0, min_delta=10.0)]),
    "early_stopping_on_train_loss": (
        "segments",
        lambda folder: [EarlyStopping("loss_epoch", patience=0, min_delta=10.0, check_on_train_epoch_end=True)],
    ),
    "checkpoint_best": ("segments", lambda folder: [ModelCheckpoint(folder, "{epoch}-{step}", "val/loss", save_top_k=2)]),
    "checkpoint_last": ("segments", lambda folder: [ModelCheckpoint(folder, save_last=True, save_on_train_epoch_end=True)]),
    "checkpoint_every_3_steps": (
        "segments",
        lambda folder: [ModelCheckpoint(folder, "{step}", every_n_train_steps=3, save_top_k=-1)],
    ),
    "checkpoint_every_4_steps_by_loss": (
        "segments",
        lambda folder: [ModelCheckpoint(folder, "{step}-{loss:.9f}", "loss", every_n_train_steps=4, save_top_k=2)],
    ),
    "checkpoint_by_time": (
        "segments",
        lambda folder: [ModelCheckpoint(folder, "{step}", train_time_interval=timedelta(microseconds=1), save_top_k=-1)],
    ),
    "two_checkpoints": (
        "segments",
        lambda folder: [
            ModelCheckpoint(folder / "a", "{step}", every_n_train_steps=3, save_top_k=-1),
            ModelCheckpoint(folder / "b", "{step}", every_n_train_steps=7, save_top_k=-1, save_weights_only=True),
        ],
    ),
    "learning_rate_monitor": ("segments", lambda folder: [LearningRateMonitor(log_momentum=True, log_weight_decay=True)]),
    "learning_rate_monitor_by_step": ("segments", lambda folder: [LearningRateMonitor("step")]),
    "learning_rate_monitor_by_epoch": ("segments", lambda folder: [LearningRateMonitor("epoch")]),
    # its last epoch, for the statistics of batch norm, skips the backward pass and is Lightning's
    "swa": ("lightning", lambda folder: [StochasticWeightAveraging(0.02, swa_epoch_start=1, annealing_epochs=1)]),
    "ema": ("batches", lambda folder: [EMAWeightAveraging(decay=0.9)]),
    "ema_later": ("batches", lambda folder: [EMAWeightAveraging(decay=0.9, update_every_n_steps=2, update_starting_at_step=5)]),
    "our_ema": ("segments", lambda folder: [EMA(decay=0.9, every_n_steps=2, start_step=3)]),
    "accumulation_scheduler": ("segments", lambda folder: [GradientAccumulationScheduler({0: 1, 1: 3, 2: 2})]),
    "timer_of_an_hour": ("segments", lambda folder: [Timer({"hours": 1})]),
    "timer_that_is_over": (None, lambda folder: [Timer({"seconds": 0})]),
    "timer_by_epoch": (None, lambda folder: [Timer({"seconds": 0}, interval="epoch")]),
    "all_together": (
        "segments",
        lambda folder: [
            EarlyStopping("val/loss", patience=1),
            LearningRateMonitor(),
            ModelCheckpoint(folder, "{step}", every_n_train_steps=4, save_top_k=-1),
            Timer({"hours": 1}),
        ],
    ),
}  # fmt: skip

SETTINGS: dict[str, dict[str, Any]] = {
    "each": {"log_every_n_steps": 4},
    "accumulating": {"log_every_n_steps": 2, "accumulate_grad_batches": 3, "val_check_interval": 5},
}


@pytest.mark.parametrize("settings", ["each", pytest.param("accumulating", marks=pytest.mark.nightly)])
@pytest.mark.parametrize("name", CALLBACKS)
def test_a_callback_of_lightning_does_what_it_does_with_lightning(name: str, settings: str, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    mode, made = CALLBACKS[name]
    if name == "accumulation_scheduler" and settings == "accumulating":
        pytest.skip("Lightning wants one of the two")

    def scenario(trainer_class: type[pl.Trainer]) -> Seen:
        net = Net("both", "adamw", "step_lr" if name == "swa" else "one_cycle")
        options = {"max_epochs": 3, "enable_checkpointing": True, "default_root_dir": folder, **SETTINGS[settings]}
        if not any(isinstance(each, ModelCheckpoint) for each in made(folder)):
            options["enable_checkpointing"] = False
        return train(trainer_class, net, plain(), validation(), callbacks=made(folder), **options)

    same(scenario, mode=mode, folder=folder)


@pytest.mark.parametrize("bar_class", [TQDMProgressBar, RichProgressBar])
@pytest.mark.parametrize("refresh_rate", [0, 3])
def test_a_progress_bar_ends_where_it_ends_with_lightning(
    bar_class: type[Callback], refresh_rate: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def scenario(trainer_class: type[pl.Trainer]) -> Seen:
        bar = bar_class(refresh_rate=refresh_rate)
        seen = train(
            trainer_class,
            Net("both"),
            plain(),
            validation(),
            callbacks=[bar],
            enable_progress_bar=True,
            log_every_n_steps=3,
        )
        shown = getattr(bar, "train_progress_bar", None) if refresh_rate else None
        if isinstance(bar, TQDMProgressBar) and shown is not None:
            seen.tree["bar"] = frozen([shown.n, shown.total, shown.desc, str(shown.postfix)])
            assert shown.n == shown.total == 10
        return seen

    same(scenario)


def test_the_checkpoint_on_an_exception_is_lightnings(tmp_path: Path) -> None:
    class Fails(Net):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            if self.current_epoch == 1 and batch_idx == 6:
                raise RuntimeError("the seventh batch")
            return super().training_step(batch, batch_idx)

    folder = tmp_path / "files"
    same(
        lambda trainer_class: train(
            trainer_class,
            Fails("both", scheduler="one_cycle"),
            plain(),
            validation(),
            callbacks=[OnExceptionCheckpoint(folder), ModelCheckpoint(folder / "last", save_on_exception=True)],
            log_every_n_steps=4,
            enable_checkpointing=True,
        ),
        folder=folder,
        raises="RuntimeError",
    )


def test_finetuning_that_thaws_a_part_is_lightnings() -> None:
    class WithBackbone(Net):
        def __init__(self) -> None:
            super().__init__("both")
            self.backbone = self.net[:2]

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD([each for each in self.parameters() if each.requires_grad], lr=0.05)

    same(
        lambda trainer_class: train(
            trainer_class, WithBackbone(), plain(), callbacks=[BackboneFinetuning(1, lambda epoch: 1.5)], max_epochs=3
        )
    )


class Changes(Callback):
    """Changes the training at a validation in the middle of an epoch."""

    def __init__(self, change: Callable[[pl.Trainer, pl.LightningModule], None]) -> None:
        self.change = change

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.fit_loop.total_batch_idx == 4:
            self.change(trainer, pl_module)


def other_optimizer(trainer: pl.Trainer, module: pl.LightningModule) -> None:
    trainer.strategy.optimizers = [torch.optim.AdamW(module.parameters(), lr=0.02)]


def another_group(trainer: pl.Trainer, module: pl.LightningModule) -> None:
    trainer.optimizers[0].add_param_group({"params": [module.register_free()], "lr": 0.5})


def other_scheduler(trainer: pl.Trainer, module: pl.LightningModule) -> None:
    trainer.lr_scheduler_configs[0].scheduler = torch.optim.lr_scheduler.ConstantLR(trainer.optimizers[0], 0.1)


def other_frequency(trainer: pl.Trainer, module: pl.LightningModule) -> None:
    trainer.lr_scheduler_configs[0].frequency = 3


def accumulation(trainer: pl.Trainer, module: pl.LightningModule) -> None:
    trainer.accumulate_grad_batches = 2


def clipping(trainer: pl.Trainer, module: pl.LightningModule) -> None:
    trainer.gradient_clip_val = 0.01


def logging_interval(trainer: pl.Trainer, module: pl.LightningModule) -> None:
    trainer.log_every_n_steps = 2


def step_limit(trainer: pl.Trainer, module: pl.LightningModule) -> None:
    trainer.fit_loop.epoch_loop.max_steps = 8


def frozen_layer(trainer: pl.Trainer, module: pl.LightningModule) -> None:
    module.net[0].requires_grad_(False)


def eval_mode(trainer: pl.Trainer, module: pl.LightningModule) -> None:
    module.net[1].eval()


def other_step(trainer: pl.Trainer, module: pl.LightningModule) -> None:
    theirs = module.training_step
    object.__setattr__(module, "training_step", lambda batch, batch_idx: 2 * theirs(batch, batch_idx))


def loaded_weights(trainer: pl.Trainer, module: pl.LightningModule) -> None:
    module.load_state_dict({name: value * 0.5 for name, value in module.state_dict().items()})
    trainer.optimizers[0].load_state_dict(trainer.optimizers[0].state_dict())


def a_late_hook(trainer: pl.Trainer, module: pl.LightningModule) -> None:
    object.__setattr__(module, "on_after_backward", lambda: module.heard.append(module.global_step))


CHANGES = [
    other_optimizer, another_group, other_scheduler, other_frequency, accumulation, clipping, logging_interval, step_limit,
    frozen_layer, eval_mode, other_step, loaded_weights, a_late_hook,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_a_callback_changes_within_an_epoch_holds_from_the_next_batch_on(
    change: Callable[[pl.Trainer, pl.LightningModule], None],
) -> None:
    class Growing(Net):
        def register_free(self) -> torch.nn.Parameter:
            self.free = torch.nn.Parameter(torch.ones(3))
            return self.free

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            logits = super().forward(x)
            return logits * self.free if hasattr(self, "free") else logits  # type: ignore[no-any-return]

    same(
        lambda trainer_class: train(
            trainer_class,
            Growing("both", scheduler="every_2"),
            plain(),
            validation(),
            callbacks=[Changes(change)],
            val_check_interval=5,
            log_every_n_steps=50,
        ),
        mode=None,
    )


def test_the_learning_rate_finder_finds_what_it_finds_with_lightning(tmp_path: Path) -> None:
    folder = tmp_path / "files"

    def scenario(trainer_class: type[pl.Trainer]) -> Seen:
        net = Net("on_epoch")
        net.lr = 0.01
        trainer = make(trainer_class, default_root_dir=folder, enable_checkpointing=True, log_every_n_steps=4)
        found = Tuner(trainer).lr_find(net, plain(), num_training=9, attr_name="lr")
        raised = fit(trainer, net, plain())
        return look(trainer, net, raised, found=frozen([found.results, found.suggestion(skip_begin=1, skip_end=1)]))

    same(scenario, folder=folder)


def test_a_scaler_goes_on_where_it_was_beside_a_checkpoint_at_each_third_step(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    same(
        lambda trainer_class: train(
            trainer_class,
            Net("both", "adamw", "one_cycle"),
            plain(),
            callbacks=[ModelCheckpoint(folder, "{step}", every_n_train_steps=3, save_top_k=-1)],
            enable_checkpointing=True,
            **fp16(),
        ),
        folder=folder,
    )


def test_callbacks_that_count_steps_count_them_while_gradients_accumulate(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    _, made = CALLBACKS["all_together"]
    same(
        lambda trainer_class: train(
            trainer_class,
            Net("both", "adamw", "one_cycle"),
            plain(),
            validation(),
            callbacks=made(folder),
            enable_checkpointing=True,
            **SETTINGS["accumulating"],
        ),
        folder=folder,
    )


class TeamCallback(Callback):
    """As somebody writes it for Lightning: counts, watches a gradient and logs."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if (batch_idx + 1) % 4 == 0:
            pl_module.log("team/loss", outputs["loss"], prog_bar=True)
            self.heard.append([trainer.global_step, batch_idx, float(outputs["loss"])])

    def on_before_optimizer_step(self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Any) -> None:
        norm = torch.nn.utils.get_total_norm([p.grad for p in pl_module.parameters() if p.grad is not None])
        if trainer.global_step % 5 == 0:
            pl_module.log("team/norm", norm, on_step=True, on_epoch=False)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.heard.append(["epoch", {name: float(value) for name, value in trainer.callback_metrics.items()}])

    def state_dict(self) -> dict[str, Any]:
        return {"heard": len(self.heard)}


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_callback_of_a_team_is_called_as_by_lightning(accumulate: int, tmp_path: Path) -> None:
    same(
        lambda trainer_class: train(
            trainer_class,
            Net("metric", "adamw", "one_cycle"),
            plain(),
            validation(),
            callbacks=[TeamCallback(), LearningRateMonitor()],
            accumulate_grad_batches=accumulate,
            log_every_n_steps=2,
            gradient_clip_val=0.5,
        ),
        mode="batches",
        reason="TeamCallback",
    )
