"""`self.log` in a segment: which calls are put off, and that nobody can tell."""

from __future__ import annotations

from typing import Any

import pytest
import pytorch_lightning as pl
import torch
import torchmetrics
from torch import Tensor
from ways import BATCHES, Silent, Small, batches, trainer_of

from projectkit.training import Trainer


class Logging(Small):
    """Calls `log` as a test says."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__()
        self.arguments = arguments
        self.mean = torchmetrics.MeanMetric()

    def value(self, loss: Tensor, batch_idx: int) -> Any:
        return loss

    def training_step(self, batch: Tensor, batch_idx: int) -> Any:
        loss = super().training_step(batch, batch_idx)
        self.log("value", self.value(loss, batch_idx), **self.arguments)
        return loss


class Float(Logging):
    def value(self, loss: Tensor, batch_idx: int) -> Any:
        return batch_idx / 3


class Integer(Logging):
    def value(self, loss: Tensor, batch_idx: int) -> Any:
        return torch.tensor(batch_idx)


class Double(Logging):
    def value(self, loss: Tensor, batch_idx: int) -> Any:
        return loss.double()


class Half(Logging):
    def value(self, loss: Tensor, batch_idx: int) -> Any:
        return loss.detach().bfloat16()


class OfTorchmetrics(Logging):
    def value(self, loss: Tensor, batch_idx: int) -> Any:
        self.mean(loss.detach())
        return self.mean


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names for which Lightning's own `log` was called."""
    called: list[str] = []
    log = pl.LightningModule.log

    def noted(self: pl.LightningModule, name: str, *arguments: Any, **keywords: Any) -> None:
        called.append(name)
        log(self, name, *arguments, **keywords)

    monkeypatch.setattr(pl.LightningModule, "log", noted)
    return called


@pytest.mark.parametrize("module_class", [Logging, Float, Half, OfTorchmetrics])
def test_lightnings_own_log_is_called_for_the_first_batches_only(real: list[str], module_class: type[Logging]) -> None:
    trainer_of(max_epochs=3).fit(module_class(on_step=True, on_epoch=True), batches())
    # the first batch of each epoch, and once more to learn which metric is behind the name
    assert len(real) == 4


@pytest.mark.parametrize("module_class", [Integer, Double])
def test_values_that_float32_does_not_hold_go_lightnings_way(real: list[str], module_class: type[Logging]) -> None:
    trainer_of().fit(module_class(on_step=True, on_epoch=True), batches())
    assert len(real) == BATCHES


def test_a_graph_that_is_to_be_kept_goes_lightnings_way(real: list[str]) -> None:
    trainer_of().fit(Logging(enable_graph=True), batches())
    assert len(real) == BATCHES


def state(trainer: pl.Trainer) -> dict[str, Any]:
    kept = ("value", "cumulated_batch_size", "_forward_cache", "_update_count", "has_reset")
    found = {}
    for key, metric in vars(trainer.fit_loop.epoch_loop)["_results"].items():
        values = {name: getattr(metric, name, None) for name in kept}
        found[key] = {
            name: (str(each.dtype), each.shape, each.tolist()) if isinstance(each, Tensor) else str(each)
            for name, each in values.items()
        }
    return found


class Keeping(pl.Callback):
    """Keeps what the metrics hold at the end of an epoch, before Lightning empties them."""

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.state = state(trainer)


@pytest.mark.parametrize("reduce_fx", ["mean", "sum", "max", "min"])
@pytest.mark.parametrize("module_class", [Logging, Float, Half])
@pytest.mark.parametrize("batch_size", [None, 7])
def test_the_metrics_hold_bit_for_bit_what_lightnings_hold(
    module_class: type[Logging], reduce_fx: str, batch_size: int | None
) -> None:
    kept = []
    for kind in (pl.Trainer, Trainer):
        keeping = Keeping()
        module = module_class(on_step=True, on_epoch=True, reduce_fx=reduce_fx, batch_size=batch_size)
        trainer_of(kind, callbacks=[keeping]).fit(module, batches())
        kept.append(keeping.state)
    assert kept[0] == kept[1]
    assert kept[0]["training_step.value"]["_update_count"] == str(BATCHES)


def test_a_training_step_that_reads_the_logged_values_sees_the_latest() -> None:
    class Reading(Logging):
        def training_step(self, batch: Tensor, batch_idx: int) -> Any:
            loss = super().training_step(batch, batch_idx)
            self.read.append((loss.item(), self.trainer.callback_metrics["value"].item()))
            return loss

    module = Reading()
    module.read = []
    trainer_of().fit(module, batches())
    assert len(module.read) == BATCHES
    assert all(logged == loss for loss, logged in module.read)


def test_the_module_has_its_own_log_again_after_a_training_and_after_an_exception() -> None:
    class Failing(Logging):
        def value(self, loss: Tensor, batch_idx: int) -> Any:
            if batch_idx == 11:
                assert "log" in vars(self)
                raise RuntimeError("on purpose")
            return loss

    module = Failing()
    with pytest.raises(RuntimeError, match="on purpose"):
        trainer_of().fit(module, batches())
    assert "log" not in vars(module)


def test_a_log_of_the_modules_own_is_called_each_time() -> None:
    class Own(Logging):
        calls = 0

        def log(self, *arguments: Any, **keywords: Any) -> None:
            self.calls += 1
            super().log(*arguments, **keywords)

    module = Own(on_step=False, on_epoch=True)
    trainer = trainer_of()
    trainer.fit(module, batches())
    assert module.calls == BATCHES
    assert trainer.loop_report.mode == "segments"
    kept = float(trainer.callback_metrics["value"])
    other = trainer_of(pl.Trainer)
    other.fit(Logging(on_step=False, on_epoch=True), batches())
    assert kept == float(other.callback_metrics["value"])


def test_the_same_name_with_other_arguments_is_refused_as_lightning_does() -> None:
    class Changing(Logging):
        def training_step(self, batch: Tensor, batch_idx: int) -> Any:
            self.arguments = {"on_step": True, "on_epoch": batch_idx > 9}
            return super().training_step(batch, batch_idx)

    with pytest.raises(pl.utilities.exceptions.MisconfigurationException, match="twice in `training_step`"):
        trainer_of(logger=Silent()).fit(Changing(), batches())
