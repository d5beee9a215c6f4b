"""Which way the batches of a training run, with the reason: `trainer.loop_report`. Whatever the way, the training is Lightning's."""

from __future__ import annotations

import multiprocessing
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from harness import Seen, frozen, make, same, train
from parts import CLASSES, DATA, FEATURES, Net, batch_of, plain, rows, validation
from pytorch_lightning.callbacks import Callback, EMAWeightAveraging, StochasticWeightAveraging
from pytorch_lightning.plugins import MixedPrecision
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader

import projectkit.training.trainer as trainer_file
from projectkit.training import Trainer


class ByHand(Net):
    """Manual optimisation with two optimisers."""

    def __init__(self) -> None:
        super().__init__("both")
        self.automatic_optimization = False

    def training_step(self, batch: Any, batch_idx: int) -> None:
        first, second = self.optimizers()
        loss = super().training_step(batch, batch_idx)
        for optimizer in (first, second):
            optimizer.zero_grad()
        self.manual_backward(loss)
        (first if batch_idx % 2 else second).step()
        self.lr_schedulers().step()

    def configure_optimizers(self) -> Any:
        first = torch.optim.SGD(self.net[0].parameters(), lr=0.05)
        second = torch.optim.AdamW(self.net[4].parameters(), lr=0.01)
        return [first, second], [torch.optim.lr_scheduler.StepLR(first, 3, 0.5)]


class NoOptimizer(Net):
    def configure_optimizers(self) -> None:
        return None


class StepwisePlateau(Net):
    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.05)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2, threshold=10.0, factor=0.9)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "monitor": "loss", "interval": "step"}}


class SeveralSchedulers(Net):
    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.05)
        schedule = torch.optim.lr_scheduler
        return [optimizer], [
            {"scheduler": schedule.LambdaLR(optimizer, lambda step: 0.99**step), "interval": "step", "frequency": 3},
            {"scheduler": schedule.ReduceLROnPlateau(optimizer, patience=0, threshold=10.0), "monitor": "loss_epoch"},
            {"scheduler": schedule.CosineAnnealingLR(optimizer, 5), "interval": "epoch", "frequency": 2},
        ]


class Checkpointed(Net):
    """Activations are made again in the backward pass, dropout and all."""

    def forward(self, x: Tensor) -> Tensor:
        return checkpoint(self.net, x.requires_grad_(), use_reentrant=self.reentrant)  # type: ignore[no-any-return]

    reentrant = False


class CheckpointedReentrant(Checkpointed):
    reentrant = True


class Embedded(Net):
    """Sparse gradients, weights that are shared, and weights without a gradient."""

    def __init__(self) -> None:
        super().__init__("both")
        self.table = nn.Embedding(CLASSES, FEATURES, sparse=True)
        self.unused = nn.Parameter(torch.ones(2))
        self.fixed = nn.Parameter(torch.ones(2), requires_grad=False)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        x, y = batch_of(batch)
        return self.step_on(x + self.table(y.flip(0)), y, batch_idx)  # type: ignore[no-any-return]

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.05)


class Averages(Net):
    """A module that keeps an average of its own weights, in a copy that it makes while it is trained."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        import copy

        if batch_idx == 4:
            self.heard.append(frozen(copy.deepcopy(self.net).state_dict()))
        return super().training_step(batch, batch_idx)


Settings = Callable[[], dict[str, Any]]

PATHS: dict[str, tuple[Callable[[], Net], Settings, str, str]] = {  # module, settings, mode, words of the reason
    "nothing_special": (Net, dict, "segments", ""),
    "manual_optimisation": (ByHand, dict, "lightning", "ByHand optimises by hand"),
    "no_optimizer": (NoOptimizer, dict, "segments", ""),
    "profiler": (Net, lambda: {"profiler": "simple"}, "lightning", "SimpleProfiler"),
    "double_precision": (Net, lambda: {"precision": "64-true"}, "lightning", "DoublePrecision"),
    "half_precision": (Net, lambda: {"precision": "bf16-true"}, "lightning", "HalfPrecision"),
    "own_precision": (
        Net,
        lambda: {"plugins": [type("OwnPrecision", (MixedPrecision,), {})("bf16-mixed", "cpu")]},
        "lightning",
        "OwnPrecision",
    ),
    "fast_dev_run": (Net, lambda: {"fast_dev_run": 3}, "lightning", "fast_dev_run"),
    "stepwise_plateau": (StepwisePlateau, dict, "batches", "plateau"),
    "several_schedulers": (SeveralSchedulers, dict, "segments", ""),
    "detect_anomaly": (Net, lambda: {"detect_anomaly": True}, "segments", ""),
    "deterministic": (Net, lambda: {"deterministic": "warn"}, "segments", ""),
    "barebones": (Net, lambda: {"barebones": True, "logger": None}, "segments", ""),
    "gradient_checkpointing": (Checkpointed, dict, "segments", ""),
    "gradient_checkpointing_reentrant": (CheckpointedReentrant, dict, "segments", ""),
    "sparse_and_unused_weights": (Embedded, dict, "segments", ""),
    "copies_of_layers": (Averages, dict, "segments", ""),
}


@pytest.mark.parametrize("name", PATHS)
def test_a_training_runs_the_way_that_its_report_says_and_is_lightnings(name: str) -> None:
    made, settings, mode, reason = PATHS[name]

    def scenario(trainer_class: type[pl.Trainer]) -> Seen:
        given = {"log_every_n_steps": 4, **settings()}
        if given.get("barebones"):
            given = {key: value for key, value in given.items() if key != "log_every_n_steps"}
            torch.use_deterministic_algorithms(False)
        return train(trainer_class, made(), plain(), validation(), **given)

    try:
        same(scenario, mode=mode, reason=reason)
    finally:
        torch.use_deterministic_algorithms(False)


def test_data_without_a_length_are_run_in_segments() -> None:
    same(lambda trainer_class: train(trainer_class, Net(), DATA["no_length"](), log_every_n_steps=4))


def test_the_loop_can_be_switched_off() -> None:
    trainer = make(Trainer, loop="lightning")
    trainer.fit(Net(), plain())
    assert type(trainer.fit_loop.epoch_loop).__module__.startswith("pytorch_lightning.")
    assert (trainer.loop_report.mode, trainer.loop_report.reason) == ("lightning", "it was asked for")


def test_before_a_training_there_is_no_report() -> None:
    trainer = make(Trainer)
    assert trainer.loop_report is None
    trainer.fit(Net(), plain())
    assert trainer.loop_report.mode == "segments"
    assert trainer.loop_report.line.startswith("loop: ")


def test_on_an_unknown_version_of_lightning_it_steps_aside_with_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer_file, "version", lambda name: "9.9.9")
    with pytest.warns(UserWarning, match="9.9.9") as caught:
        same(
            lambda trainer_class: train(trainer_class, Net("both"), plain(), validation(), log_every_n_steps=4),
            mode="lightning",
            reason="9.9.9",
        )
    assert len([each for each in caught if "9.9.9" in str(each.message)]) == 1


def test_a_trainer_that_was_never_fitted_validates_and_predicts() -> None:
    net = Net()
    trainer = make(Trainer)
    assert trainer.validate(net, validation(), verbose=False)[0]["val/loss"] > 0
    assert trainer.loop_report is None


@pytest.mark.nightly  # torch._dynamo takes seconds to import
def test_a_compiled_module_is_trained_as_by_lightning() -> None:
    def scenario(trainer_class: type[pl.Trainer]) -> Seen:
        net = Net("both")
        compiled = torch.compile(net, backend="eager")
        seen = train(trainer_class, compiled, plain(), log_every_n_steps=4)
        torch._dynamo.reset()
        return seen

    same(scenario, mode=None)


PAGE = Path(__file__).parents[3] / "docs" / "fast-loop.md"
ROW = re.compile(r"^\|.*\| `(segments|batches|lightning)` \| `([^`]+)` \|$", re.MULTILINE)


class TakesIterator(Net):
    def training_step(self, dataloader_iter: Any) -> Any:  # type: ignore[override]
        batch, batch_idx, _ = next(dataloader_iter)
        return super().training_step(batch, batch_idx)


class OwnStep(Net):
    def optimizer_step(self, *arguments: Any, **keywords: Any) -> None:
        super().optimizer_step(*arguments, **keywords)


class TeamCallback(Callback):
    def on_train_batch_end(self, *_: Any) -> None:
        """Nothing; the loop cannot know."""


@pytest.fixture
def reasons(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What trainings of each row of the page's table report: reason and mode."""
    given: list[tuple[Net, dict[str, Any]]] = [
        *[(PATHS[name][0](), PATHS[name][1]()) for name in PATHS if PATHS[name][3]],
        (TakesIterator("no_log"), {}),
        (OwnStep(), {}),
        (Net(), {"loop": "lightning"}),
        (Net(), {"callbacks": [TeamCallback()]}),
        (Net(), {"callbacks": [EMAWeightAveraging()]}),
        (Net(), {"callbacks": [StochasticWeightAveraging(0.02, swa_epoch_start=1)], "max_epochs": 3}),
        (Net(), {"unknown_version": True}),
    ]
    found = {}
    for net, settings in given:
        with monkeypatch.context() as patch:
            if settings.pop("unknown_version", False):
                patch.setattr(trainer_file, "version", lambda name: "9.9.9")
            trainer = make(Trainer, **settings)
        trainer.fit(net, plain())
        found[trainer.loop_report.reason] = trainer.loop_report.mode
    return found


@pytest.mark.filterwarnings("ignore")
def test_the_page_names_each_way_with_the_reason_that_is_given(reasons: dict[str, str]) -> None:
    shown = {reason: mode for mode, reason in ROW.findall(PAGE.read_text(encoding="utf-8"))}
    strategy = shown.pop("the strategy is DDPStrategy, not one device")  # of several processes, see the last test
    assert strategy == "lightning"
    own = {"OwnPrecision", "HalfPrecision"}  # in the words of DoublePrecision
    assert shown == {reason: mode for reason, mode in reasons.items() if not any(name in reason for name in own)}


def test_the_callback_of_the_page_is_called_at_each_hundredth_step() -> None:
    (code,) = re.findall(r"```python\n(from pytorch_lightning.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)

    def scenario(trainer_class: type[pl.Trainer]) -> Seen:
        keep = names["KeepLoss"]()
        seen = train(trainer_class, Net(), plain(), callbacks=[keep], max_epochs=11, limit_val_batches=0)
        assert len(keep.kept) == 1
        seen.tree["kept"] = frozen(keep.kept)
        return seen

    same(scenario)


class Spread(pl.LightningModule):
    """Small, and importable by the processes that train it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.net = nn.Linear(FEATURES, CLASSES)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        x, y = batch
        loss = nn.functional.cross_entropy(self.net(x), y)
        self.log("loss", loss, on_epoch=True, sync_dist=True)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="processes of torch.distributed are tried on Linux alone")
def test_two_processes_give_lightnings_weights(tmp_path: Path) -> None:
    """Spawned: the trainer, its loop and the module are pickled on their way."""
    weights = []
    for trainer_class in (pl.Trainer, Trainer):
        net = Spread()
        trainer = trainer_class(
            max_epochs=2,
            accelerator="cpu",
            devices=2,
            strategy="ddp_spawn",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=tmp_path,
        )
        trainer.fit(net, DataLoader(torch.utils.data.TensorDataset(*rows()), 4))
        report = getattr(trainer, "loop_report", None)
        assert report is None or report.mode == "lightning"
        weights.append(frozen({"weights": dict(net.state_dict()), "metrics": trainer.callback_metrics}))
    assert weights[0] == weights[1]
    assert multiprocessing.active_children() == []
