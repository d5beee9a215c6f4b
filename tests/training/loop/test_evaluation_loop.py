"""Our evaluation loop against Lightning's: the same values, metrics, hooks and counters, to the bit."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
import torchmetrics
from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import CombinedLoader
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from projectkit.training import Trainer
from projectkit.training.loop.evaluation import not_covered
from projectkit.training.loop.evaluation_batches import Batches

QUIET: dict[str, Any] = {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False}


class Notes(Logger):
    """A logger that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[int | None, dict[str, float]]] = []

    @property
    def name(self) -> str:
        return "notes"

    @property
    def version(self) -> str:
        return "0"

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.lines.append((step, dict(metrics)))

    def log_hyperparams(self, *arguments: Any, **named: Any) -> None: ...


class Base(pl.LightningModule):
    """A module with the steps of its subclasses."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(4, 3)
        self.accuracy = torchmetrics.MeanSquaredError()
        self.trace: list[Any] = []

    def loss(self, batch: Any) -> Tensor:
        x, y = batch
        return (self.layer(x).sum(1) - y).square().mean()

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self.loss(batch)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.01)

    def validation_step(self, batch: Any, batch_idx: int) -> Any:
        return self.evaluated(batch, batch_idx)

    def test_step(self, batch: Any, batch_idx: int) -> Any:
        return self.evaluated(batch, batch_idx)

    def evaluated(self, batch: Any, batch_idx: int) -> Any:
        raise NotImplementedError


class OnEpoch(Base):
    def evaluated(self, batch: Any, batch_idx: int) -> Tensor:
        loss = self.loss(batch)
        self.log("loss", loss)
        self.log("largest", loss, reduce_fx="max")
        self.log("sum", loss, reduce_fx="sum", prog_bar=True)
        self.log("weighed", loss, batch_size=batch_idx + 1)
        self.log_dict({"float": float(batch_idx), "half": loss.half()})
        return loss


class OnStep(Base):
    def evaluated(self, batch: Any, batch_idx: int) -> None:
        self.log("loss", self.loss(batch), on_step=True, on_epoch=True)


class OnlyOnStep(Base):
    def evaluated(self, batch: Any, batch_idx: int) -> None:
        self.log("loss", self.loss(batch), on_step=True, on_epoch=False)


class Metric(Base):
    def evaluated(self, batch: Any, batch_idx: int) -> dict[str, Tensor]:
        self.accuracy(self.layer(batch[0])[:, 0], batch[1])
        self.log("mse", self.accuracy)
        return {"loss": self.loss(batch)}


class LogsNothing(Base):
    def evaluated(self, batch: Any, batch_idx: int) -> None:
        self.trace.append((batch_idx, self.loss(batch).item(), torch.is_inference_mode_enabled()))


class Now(Base):
    """Logs now and then, some of it for each batch."""

    def evaluated(self, batch: Any, batch_idx: int) -> None:
        if batch_idx == 3:
            self.log("late", self.loss(batch))
        if batch_idx >= 5:
            self.log("later", self.loss(batch), on_step=True)


class Summed(Base):
    """Logs a tensor that it goes on with in place."""

    def on_validation_start(self) -> None:
        self.total = torch.zeros(())

    on_test_start = on_validation_start

    def evaluated(self, batch: Any, batch_idx: int) -> None:
        self.total += self.loss(batch).detach()
        self.log("total", self.total)


class Looks(Base):
    """Reads in its step what a loop may be behind with."""

    def evaluated(self, batch: Any, batch_idx: int) -> None:
        self.log("loss", self.loss(batch))
        loop = self.trainer.fit_loop.epoch_loop.val_loop if self.trainer.training else self.trainer._active_loop
        progress = loop.batch_progress
        self.trace.append((progress.state_dict(), progress.is_last_batch, self._current_fx_name))
        self.trace.append(sorted(self.trainer.callback_metrics))


class WithHooks(OnEpoch):
    """Every hook around a batch."""

    def on_validation_batch_start(self, batch: Any, batch_idx: int) -> None:
        self.trace.append(("start", batch_idx))

    def on_validation_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.trace.append(("end", batch_idx, outputs.item()))
        self.log("from hook", outputs)

    on_test_batch_start, on_test_batch_end = on_validation_batch_start, on_validation_batch_end

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        self.trace.append(("before", dataloader_idx, self._current_fx_name))
        return batch

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        return super().transfer_batch_to_device([part * 2 for part in batch], device, dataloader_idx)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        return [part + dataloader_idx for part in batch]


class AtTheEnd(OnEpoch):
    """Logs at the end of the epoch, some of it twice, and reads it there."""

    def on_validation_epoch_end(self) -> None:
        self.log_dict({"number": 0.1, "tensor": torch.tensor(0.3), "third": torch.tensor(1 / 3, dtype=torch.float64)})
        self.log("twice", 0.1)
        self.trace.append(sorted((name, value.item()) for name, value in self.trainer.callback_metrics.items()))
        self.log("twice", 0.2)

    on_test_epoch_end = on_validation_epoch_end


class BatchAlone(Base):
    def validation_step(self, batch: Any) -> None:  # type: ignore[override]
        self.log("loss", self.loss(batch))

    test_step = validation_step  # type: ignore[assignment]


class Several(Base):
    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int) -> None:  # type: ignore[override]
        self.log("loss", self.loss(batch))
        self.log(f"own/{dataloader_idx}", self.loss(batch), add_dataloader_idx=False)
        self.trace.append((batch_idx, dataloader_idx))

    test_step = validation_step  # type: ignore[assignment]


class SeveralOnStep(Several):
    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:  # type: ignore[override]
        self.log("loss", self.loss(batch), on_step=dataloader_idx == 1)

    test_step = validation_step  # type: ignore[assignment]


class Ends(Base):
    """Ends the evaluation in its fifth batch."""

    def evaluated(self, batch: Any, batch_idx: int) -> None:
        self.log("loss", self.loss(batch))
        if batch_idx == 4:
            raise StopIteration


def data(size: int = 90, batch: int = 10, seed: int = 0) -> DataLoader[Any]:
    generator = torch.Generator().manual_seed(seed)
    x, y = torch.randn(size, 4, generator=generator), torch.randn(size, generator=generator)
    return DataLoader(TensorDataset(x, y), batch_size=batch)


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        return iter(data().dataset[i] for i in range(90))  # type: ignore[index]


class Shorter:
    """A loader that ends before its length says."""

    def __len__(self) -> int:
        return 9

    def __iter__(self) -> Iterator[Any]:
        return iter(list(data(60)))


class Follows(pl.Callback):
    """Which hooks of a validation or test were called, with what, and what could be read there."""

    def __init__(self) -> None:
        self.seen: list[Any] = []


def _note(name: str) -> Any:
    def hook(self: Follows, trainer: Any, module: Any, *rest: Any) -> None:
        loop = trainer._active_loop
        plain = [part for part in rest if isinstance(part, int | float | None)]
        tensors = [part.item() for part in rest if isinstance(part, Tensor) and part.numel() == 1]
        metrics = {key: float(value) for key, value in trainer.callback_metrics.items()}
        logged = {key: float(value) for key, value in trainer.logged_metrics.items()}
        self.seen.append((name, plain, tensors, loop.batch_progress.state_dict(), metrics, logged))

    return hook


ENDS = [f"on_{stage}_{what}" for stage in ("validation", "test") for what in ("start", "epoch_end", "end")]
BATCHES = [f"on_{stage}_batch_{side}" for stage in ("validation", "test") for side in ("start", "end")]
AtEnds = type("AtEnds", (Follows,), {name: _note(name) for name in ENDS})
AtBatches = type("AtBatches", (Follows,), {name: _note(name) for name in ENDS + BATCHES})


def outcome(kind: Any, do: str, net: Base, callback: Follows, loaders: Any, folder: Path, **arguments: Any) -> Any:
    """Everything that can be seen of an evaluation."""
    notes = Notes()
    trainer = kind(**QUIET, logger=notes, callbacks=[callback], default_root_dir=folder, max_epochs=2, **arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if do == "fit":
            result = trainer.fit(net, data(70, 10, seed=1), loaders)
            loop = trainer.fit_loop.epoch_loop.val_loop
        else:
            result = getattr(trainer, do)(net, loaders, verbose=False)
            loop = getattr(trainer, f"{do}_loop")
    metrics = {name: value.item() for name, value in trainer.callback_metrics.items()}
    return {
        "result": result,
        "metrics": metrics,
        "logged": notes.lines,
        "hooks": callback.seen,
        "progress": loop.batch_progress.state_dict(),
        "state": str(trainer.fit_loop.state_dict()),
        "trace": net.trace,
        "weights": [parameter.tolist() for parameter in net.parameters()],
        "training": [module.training for module in net.modules()],
        "seen": dict(loop._seen_batches_per_dataloader),
        "has_run": loop._has_run,
        "results": {name: (metric.has_reset, metric._update_count) for name, metric in loop._results.items()},
    }


def assert_same(
    form: type[Base], folder: Path, *, do: str, callback: Any, loaders: Any = data, **arguments: Any
) -> Any:
    ours, theirs = (
        outcome(kind, do, form(), callback(), loaders(), folder / kind.__module__, **arguments)
        for kind in (Trainer, pl.Trainer)
    )
    for part in theirs:
        assert repr(ours[part]) == repr(theirs[part]), part
    return ours


FORMS = [OnEpoch, OnStep, OnlyOnStep, Metric, LogsNothing, Now, Summed, Looks, WithHooks, AtTheEnd, BatchAlone, Ends]


@pytest.mark.parametrize("callback", [AtEnds, AtBatches])
@pytest.mark.parametrize("do", ["validate", "test", "fit"])
@pytest.mark.parametrize("form", FORMS)
def test_a_form_of_step_gives_the_same(form: type[Base], do: str, callback: Any, tmp_path: Path) -> None:
    assert_same(form, tmp_path, do=do, callback=callback)


@pytest.mark.parametrize("callback", [AtEnds, AtBatches])
@pytest.mark.parametrize("do", ["validate", "fit"])
@pytest.mark.parametrize("form", [Several, SeveralOnStep])
def test_several_loaders_one_after_the_other_give_the_same(
    form: type[Base], do: str, callback: Any, tmp_path: Path
) -> None:
    assert_same(form, tmp_path, do=do, callback=callback, loaders=lambda: [data(), data(10), data(55, 10, seed=2)])


@pytest.mark.parametrize(
    ("form", "loaders"),
    [
        (Several, lambda: CombinedLoader([data(), data(40)], "sequential")),
        (OnEpoch, lambda: DataLoader(Stream(), batch_size=10)),
        (LogsNothing, lambda: DataLoader(Stream(), batch_size=10)),
        (OnEpoch, Shorter),
        (LogsNothing, Shorter),
        (OnEpoch, lambda: data(10)),
        (OnEpoch, lambda: data(20)),
        (OnEpoch, lambda: data(25, 10)),
    ],
    ids=["combined", "stream", "stream unlogged", "shorter", "shorter unlogged", "one batch", "two batches", "rest"],
)
def test_kinds_of_loaders_give_the_same(form: type[Base], loaders: Any, tmp_path: Path) -> None:
    for do in ("validate", "fit"):
        assert_same(form, tmp_path, do=do, callback=AtEnds, loaders=loaders)


class Paired(Base):
    """Batches of two loaders at a time."""

    def evaluated(self, batch: Any, batch_idx: int) -> None:
        self.log("loss", self.loss(batch[0]) + self.loss(batch[1]))


def test_batches_of_several_loaders_at_a_time_give_the_same(tmp_path: Path) -> None:
    loaders = lambda: CombinedLoader([data(), data(40)], "min_size")  # noqa: E731 - made anew for each trainer
    assert_same(Paired, tmp_path, do="validate", callback=AtEnds, loaders=loaders)


@pytest.mark.parametrize(
    "arguments",
    [
        {"num_sanity_val_steps": 3},
        {"limit_val_batches": 4},
        {"limit_val_batches": 0.5, "check_val_every_n_epoch": 2},
        {"val_check_interval": 2},
        {"inference_mode": False},
        {"precision": "bf16-mixed"},
        {"fast_dev_run": 3},
        {"log_every_n_steps": 2},
    ],
    ids=str,
)
def test_settings_of_the_trainer_give_the_same(arguments: dict[str, Any], tmp_path: Path) -> None:
    for do in ("validate", "fit"):
        assert_same(OnEpoch, tmp_path, do=do, callback=AtEnds, **arguments)
        assert_same(LogsNothing, tmp_path, do=do, callback=AtEnds, **arguments)


class Fails(Base):
    def evaluated(self, batch: Any, batch_idx: int) -> None:
        self.log("loss", self.loss(batch))
        if batch_idx == 4:
            raise RuntimeError("on purpose")


class FailsToLoad:
    """A loader whose fourth batch cannot be read."""

    def __len__(self) -> int:
        return 9

    def __iter__(self) -> Iterator[Any]:
        for number, batch in enumerate(data()):
            if number == 3:
                raise RuntimeError("on purpose")
            yield batch


@pytest.mark.parametrize(("form", "loaders"), [(Fails, data), (OnEpoch, FailsToLoad)])
def test_an_error_leaves_the_counters_where_lightnings_are(form: type[Base], loaders: Any, tmp_path: Path) -> None:
    left = []
    for kind in (Trainer, pl.Trainer):
        trainer, net = kind(**QUIET, logger=False, default_root_dir=tmp_path), form()
        with pytest.raises(RuntimeError, match="on purpose"):
            trainer.validate(net, loaders(), verbose=False)
        results = {name: metric.value.item() for name, metric in trainer.validate_loop._results.items()}
        left.append((trainer.validate_loop.batch_progress.state_dict(), results, "log" in vars(net)))
    assert left[0] == left[1]


def test_a_training_after_one_that_failed_while_validating_starts_from_nothing(tmp_path: Path) -> None:
    values = []
    for kind in (Trainer, pl.Trainer):
        trainer, net = kind(**QUIET, logger=False, default_root_dir=tmp_path, max_epochs=2), OnEpoch()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trainer.fit(net, data(), data())
            trainer.fit_loop.max_epochs = 3
            with pytest.raises(RuntimeError, match="on purpose"):
                trainer.fit(net, data(), FailsToLoad())
            trainer.fit(net, data(), data())
        values.append({name: value.item() for name, value in trainer.callback_metrics.items()})
    assert values[0] == values[1]


class Signalled(Base):
    def evaluated(self, batch: Any, batch_idx: int) -> None:
        self.trace.append(batch_idx)
        if batch_idx == 4:
            self.trainer._signal_connector.received_sigterm = True


def test_sigterm_ends_a_validation_after_the_batch_as_lightning_does(tmp_path: Path) -> None:
    left = []
    for kind in (Trainer, pl.Trainer):
        trainer, net = kind(**QUIET, logger=False, default_root_dir=tmp_path), Signalled()
        with pytest.raises(SIGTERMException):
            trainer.validate(net, data(), verbose=False)
        left.append((trainer.validate_loop.batch_progress.state_dict(), net.trace))
    assert left[0] == left[1]
    assert left[0][1] == [0, 1, 2, 3, 4]


class EveryThird(pl.Callback):
    """Says when its hook has something to do."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def batches_until_due(self, trainer: pl.Trainer, hook: str) -> int:
        done = trainer.validate_loop.batch_progress.current.ready
        return -(done + 1) % 3

    def on_validation_batch_end(
        self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        if (batch_idx + 1) % 3 == 0:
            self.seen.append(batch_idx)


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many batches each stretch ran."""
    ran: list[int] = []
    run = Batches._run

    def counted(self: Batches, count: int, known: int) -> int:
        ran.append(run(self, count, known))
        return ran[-1]

    monkeypatch.setattr(Batches, "_run", counted)
    return ran


def validate(net: Base, *callbacks: pl.Callback, loaders: Any = None, **arguments: Any) -> Trainer:
    trainer = Trainer(**{**QUIET, "logger": False, **arguments}, callbacks=list(callbacks))
    trainer.validate(net, loaders or data(), verbose=False)
    return trainer


def test_all_batches_but_the_first_and_the_last_run_tightly(tight: list[int]) -> None:
    validate(OnEpoch())
    assert tight == [7]


def test_batches_of_each_loader_run_tightly(tight: list[int]) -> None:
    validate(Several(), loaders=[data(), data()])
    assert tight == [8, 7]


def test_a_callback_that_says_when_it_is_due_is_called_then(tight: list[int]) -> None:
    callback = EveryThird()
    validate(OnEpoch(), callback)
    assert callback.seen == [2, 5, 8]
    assert tight == [1, 2, 2]


def test_what_is_logged_for_each_batch_is_handed_on_after_each(tight: list[int]) -> None:
    notes = Notes()
    validate(OnStep(), logger=notes)
    assert tight == []
    assert [step for step, line in notes.lines if "loss_step" in line] == list(range(9))


def test_a_bar_is_moved_now_and_then_and_not_at_each_batch(
    tight: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    validate(OnEpoch(), loaders=data(2000), enable_progress_bar=True)
    assert sum(tight) > 0


class TakesTheIterator(Base):
    def validation_step(self, dataloader_iter: Any) -> None:  # type: ignore[override]
        batch, _, _ = next(dataloader_iter)
        self.log("loss", self.loss(batch), batch_size=len(batch[0]))


@pytest.mark.parametrize(
    ("net", "arguments", "reason"),
    [
        (TakesTheIterator, {}, "validation_step of TakesTheIterator takes the iterator"),
        (OnEpoch, {"profiler": "simple"}, "profiler"),
        (OnEpoch, {"precision": "64-true"}, "DoublePrecision"),
    ],
)
def test_what_is_not_covered_is_run_by_lightning(
    net: type[Base], arguments: dict[str, Any], reason: str, tight: list[int], tmp_path: Path
) -> None:
    values = []
    for kind in (Trainer, pl.Trainer):
        trainer = kind(**QUIET, logger=False, default_root_dir=tmp_path, **arguments)
        values.append(trainer.validate(net(), data(), verbose=False))
        assert reason in (not_covered(trainer) or "")
    assert values[0] == values[1]
    assert tight == []


def test_the_clock_is_told_how_long_a_validation_took() -> None:
    assert validate(OnEpoch()).clock.report()["seconds"]["validation"] > 0
