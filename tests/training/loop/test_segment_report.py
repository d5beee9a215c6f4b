"""Where the loop steps aside, and the line that says so."""

from __future__ import annotations

from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import StochasticWeightAveraging
from torch import Tensor
from ways import Small, batches, trainer_of

from projectkit.training import Trainer
from projectkit.training import trainer as trainer_file
from projectkit.training.loop import TESTED_WITH
from projectkit.training.loop.epoch_loop import SegmentEpochLoop
from projectkit.training.loop.report import LoopReport


class Manual(Small):
    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: Tensor, batch_idx: int) -> Any:
        optimizer = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(super().training_step(batch, batch_idx))
        optimizer.step()


class Iterating(Small):
    def training_step(self, dataloader_iter: Any) -> Any:
        batch, _, _ = next(dataloader_iter)
        return super().training_step(batch, 0)


class OwnStep(Small):
    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, closure: Any) -> None:
        optimizer.step(closure=closure)


class OwnBackward(Small):
    def backward(self, loss: Tensor, *arguments: Any) -> None:
        loss.backward()


class OwnClipping(Small):
    def configure_gradient_clipping(self, optimizer: Any, **keywords: Any) -> None:
        """Clips nothing."""


@pytest.mark.parametrize(
    ("module_class", "settings", "words"),
    [
        (Manual, {}, "Manual optimises by hand"),
        (Iterating, {}, "takes the iterator"),
        (OwnStep, {}, "OwnStep has its own optimizer_step"),
        (OwnBackward, {}, "OwnBackward has its own backward"),
        (OwnClipping, {}, "configure_gradient_clipping"),
        (Small, {"profiler": "simple"}, "SimpleProfiler"),
        (Small, {"precision": "64-true"}, "DoublePrecision"),
        (Small, {"strategy": "ddp_find_unused_parameters_true"}, "DDPStrategy"),
        (Small, {"fast_dev_run": True}, "fast_dev_run"),
        (Small, {"loop": "lightning"}, "asked for"),
    ],
)
def test_what_is_not_covered_runs_in_lightnings_loop_with_the_reason(
    module_class: type[Small], settings: dict[str, Any], words: str
) -> None:
    trainer = trainer_of(limit_train_batches=3, **settings)
    trainer.fit(module_class(), batches())
    assert trainer.loop_report.mode == "lightning"
    assert words in trainer.loop_report.reason
    assert trainer.loop_report.line == f"loop: Lightning's own, because {trainer.loop_report.reason}"


def test_an_epoch_that_only_goes_forward_is_left_to_lightning() -> None:
    trainer = trainer_of(max_epochs=4, callbacks=[StochasticWeightAveraging(0.05, swa_epoch_start=2)])
    module = Small()
    module.norm = torch.nn.BatchNorm1d(3)  # whose averages are gathered in the last epoch
    trainer.fit(module, batches())
    assert trainer.loop_report.mode == "lightning"


def test_a_version_that_it_was_not_tested_with_keeps_lightnings_loop_and_is_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trainer_file, "version", lambda name: "2.99.0")
    with pytest.warns(UserWarning, match=r"not tested with pytorch-lightning 2\.99\.0") as told:
        trainer = trainer_of()
    assert len([each for each in told if "2.99.0" in str(each.message)]) == 1
    assert not isinstance(trainer.fit_loop.epoch_loop, SegmentEpochLoop)
    assert trainer.loop_report.mode == "lightning"


def test_the_installed_version_is_one_of_those_that_it_was_tested_with() -> None:
    assert pl.__version__ in TESTED_WITH


def test_there_is_no_report_before_the_first_epoch() -> None:
    assert Trainer(logger=False).loop_report is None


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (LoopReport("segments", ""), "loop: many steps at a time"),
        (
            LoopReport("batches", "Printer has on_train_batch_end"),
            "loop: one batch at a time, with the hooks that are used, because Printer has on_train_batch_end",
        ),
        (LoopReport("segments", "", "whole"), "loop: many steps at a time; step: whole"),
        (
            LoopReport("segments", "", "eager", "the loss is not pure"),
            "loop: many steps at a time; step: eager, because the loss is not pure",
        ),
    ],
)
def test_the_report_is_one_line(report: LoopReport, line: str) -> None:
    assert report.line == line
