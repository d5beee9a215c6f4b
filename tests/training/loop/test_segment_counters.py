"""Counters that are moved once a segment are right whenever somebody looks, and after an exception at any place."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset
from ways import BATCHES, Small, batches, trainer_of

from projectkit.training import Trainer

AT = 13  # a batch in the middle of a segment


class BrokenError(RuntimeError):
    """Raised on purpose."""


def look(trainer: pl.Trainer) -> dict[str, Any]:
    loop, fetcher = trainer.fit_loop.epoch_loop, trainer.fit_loop._data_fetcher
    return {
        "global_step": trainer.global_step,
        "batch_idx": loop.batch_idx,
        "in_all": loop.total_batch_idx,
        "logged": loop._batches_that_stepped,
        "last": trainer.is_last_batch,
        "optimiser": loop.automatic_optimization.optim_progress.state_dict(),
        "schedulers": loop.scheduler_progress.state_dict(),
        "fetched": None if fetcher is None else (fetcher.fetched, fetcher.done),
        "state": trainer.fit_loop.state_dict(),
    }


class Looking(Small):
    """Looks at everything in the middle of its steps."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def training_step(self, batch: Tensor, batch_idx: int) -> Any:
        self.seen.append(look(self.trainer))
        return super().training_step(batch, batch_idx)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_training_step_sees_the_counters_that_it_would_see_in_lightnings_loop(accumulate: int) -> None:
    seen = []
    for kind in (pl.Trainer, Trainer):
        module = Looking()
        trainer = trainer_of(kind, max_epochs=2, accumulate_grad_batches=accumulate)
        trainer.fit(module, batches())
        seen.append([*module.seen, look(trainer)])
    assert len(seen[0]) == 2 * BATCHES + 1
    assert seen[0] == seen[1]


class AtFetch(IterableDataset):
    """A loader with a length whose batch is missing."""

    def __len__(self) -> int:
        return 4 * BATCHES

    def __iter__(self) -> Iterator[Tensor]:
        for row in range(4 * AT):
            yield torch.ones(3) * row
        raise BrokenError


class AtTransfer(Small):
    def on_after_batch_transfer(self, batch: Tensor, dataloader_idx: int) -> Tensor:
        self.moved = getattr(self, "moved", -1) + 1
        if self.moved == AT:
            raise BrokenError
        return batch


class AtStep(Small):
    def training_step(self, batch: Tensor, batch_idx: int) -> Any:
        if batch_idx == AT:
            raise BrokenError
        return super().training_step(batch, batch_idx)


class AtBackward(Small):
    def training_step(self, batch: Tensor, batch_idx: int) -> Any:
        loss = super().training_step(batch, batch_idx)
        if batch_idx == AT:
            loss.register_hook(broken)
        return loss


class AtOptimizer(Small):
    def configure_optimizers(self) -> Any:
        configured = super().configure_optimizers()
        configured[0][0].register_step_post_hook(after(AT))
        return configured


class AtScheduler(Small):
    def configure_optimizers(self) -> Any:
        (optimizer,), _ = super().configure_optimizers()
        rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: broken() if step == AT + 1 else 0.9**step)
        return [optimizer], [{"scheduler": rates, "interval": "step"}]


def broken(*arguments: Any) -> Any:
    raise BrokenError


def after(count: int) -> Callable[..., None]:
    calls = iter(range(count + 1))

    def hook(*arguments: Any) -> None:
        if next(calls) == count:
            raise BrokenError

    return hook


PLACES: dict[str, tuple[type[Small], Any]] = {
    "fetch": (Small, lambda: DataLoader(AtFetch(), batch_size=4)),
    "transfer": (AtTransfer, batches),
    "training_step": (AtStep, batches),
    "backward": (AtBackward, batches),
    "optimizer": (AtOptimizer, batches),
    "scheduler": (AtScheduler, batches),
}


@pytest.mark.parametrize("place", PLACES)
def test_an_exception_in_a_segment_leaves_the_counters_that_lightning_leaves(place: str) -> None:
    module_class, loader = PLACES[place]
    left = []
    for kind in (pl.Trainer, Trainer):
        trainer = trainer_of(kind)
        with pytest.raises(BrokenError):
            trainer.fit(module_class(), loader())
        left.append(look(trainer))
    assert left[0] == left[1]
    assert trainer.loop_report.mode == "segments"


class Interrupted(Small):
    """Sends itself a signal while a segment runs."""

    number = signal.SIGTERM

    def training_step(self, batch: Tensor, batch_idx: int) -> Any:
        if batch_idx == AT:
            os.kill(os.getpid(), self.number)
        return super().training_step(batch, batch_idx)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="os.kill ends the process at once on Windows")
def test_sigterm_in_a_segment_ends_the_training_after_that_batch() -> None:
    trainer = trainer_of()
    with pytest.raises(SIGTERMException):
        trainer.fit(Interrupted(), batches())
    assert trainer.global_step == AT + 1


def test_ctrl_c_in_a_segment_keeps_the_steps_that_were_made() -> None:
    class Stopped(Small):
        def training_step(self, batch: Tensor, batch_idx: int) -> Any:
            if batch_idx == AT:
                raise KeyboardInterrupt
            return super().training_step(batch, batch_idx)

    trainer = trainer_of()
    former = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit):
            trainer.fit(Stopped(), batches())
    finally:
        signal.signal(signal.SIGINT, former)
    assert trainer.global_step == AT
    assert trainer.fit_loop.epoch_loop.batch_progress.current.completed == AT


def test_a_loader_that_ends_before_its_length_ends_the_epoch_as_in_lightnings_loop() -> None:
    class Short(IterableDataset):
        def __len__(self) -> int:
            return 4 * BATCHES

        def __iter__(self) -> Iterator[Tensor]:
            yield from torch.ones(4 * AT, 3)

    left = []
    for kind in (pl.Trainer, Trainer):
        trainer = trainer_of(kind, max_epochs=2)
        trainer.fit(Small(), DataLoader(Short(), batch_size=4))
        left.append(look(trainer))
    assert left[0] == left[1]
    assert trainer.global_step == 2 * AT
