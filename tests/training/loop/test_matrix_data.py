"""Loaders and batches of every kind that Lightning takes, and data that end early, fail, or wait on processes."""

from __future__ import annotations

import sys
from collections import namedtuple
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from harness import Seen, fit, frozen, look, make, same, train
from parts import BATCH, DATA, Net, NoisyRows, plain, rows, validation
from pytorch_lightning.utilities import CombinedLoader
from torch.utils.data import DataLoader, TensorDataset

Pair = namedtuple("Pair", "x y")


def batches(count: int = 9) -> list[Any]:
    x, y = rows()
    return [[x[at : at + BATCH], y[at : at + BATCH]] for at in range(0, count * BATCH, BATCH)]


class Claims:
    """A loader that may say another length than it has, and of which some batches are None."""

    def __init__(self, says: int, has: int, none: Collection[int] = ()) -> None:
        self.says, self.none, self.batches = says, none, batches(has)

    def __len__(self) -> int:
        return self.says

    def __iter__(self) -> Iterator[Any]:
        for at, batch in enumerate(self.batches):  # the same objects in each epoch
            yield None if at in self.none else batch


class Endless:
    """A loader without a length, of another number of batches each epoch."""

    def __init__(self) -> None:
        self.epoch = 0

    def __iter__(self) -> Iterator[Any]:
        self.epoch += 1
        return iter(batches(9 - self.epoch))


class Fails:
    """A loader that fails at its sixth batch of the second epoch."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error, self.epoch = error, 0

    def __len__(self) -> int:
        return 9

    def __iter__(self) -> Iterator[Any]:
        self.epoch += 1
        for at, batch in enumerate(batches()):
            if at == 5 and self.epoch == 2:
                raise self.error("the loader")
            yield batch


class Stateful:
    """A loader whose place goes into checkpoints."""

    def __init__(self) -> None:
        self.given = 0

    def __len__(self) -> int:
        return 9

    def __iter__(self) -> Iterator[Any]:
        for batch in batches():
            self.given += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        return {"given": self.given}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.given = state["given"]


class Nothing(Net):
    """Some batches are None."""

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.heard.append([batch_idx, frozen(outputs), batch is None])


def pairs_of(kind: Callable[[Any, Any], Any]) -> Callable[[], DataLoader]:
    def collate(samples: list[Any]) -> Any:
        return kind(torch.stack([x for x, _ in samples]), torch.stack([y for _, y in samples]))

    return lambda: DataLoader(TensorDataset(*rows()), BATCH, shuffle=True, collate_fn=collate)


LOADERS: dict[str, Callable[[], Any]] = {
    **DATA,
    "own_iterable": lambda: Claims(9, 9),
    "tuples_of_tensors": pairs_of(lambda x, y: (x, y)),
    "named_tuples": pairs_of(Pair),
    "list_with_text": pairs_of(lambda x, y: [x, y]),
    "shorter_than_it_says": lambda: Claims(9, 6),
    "longer_than_it_says": lambda: Claims(6, 9),
    "without_a_length": Endless,
    "stateful": Stateful,
    "one_batch": lambda: Claims(1, 1),
    "two_batches": lambda: Claims(2, 2),
    "three_batches": lambda: Claims(3, 3),
    "no_batch": lambda: Claims(0, 0),
    "min_size": lambda: CombinedLoader({"a": plain(), "b": plain(20, batch_size=3)}, "min_size"),
    "max_size": lambda: CombinedLoader({"a": plain(), "b": plain(20, batch_size=3)}, "max_size"),
    "dictionary_of_loaders": lambda: {"a": plain(), "b": plain(20, batch_size=3)},
    "combined_of_one": lambda: CombinedLoader({"a": plain()}, "min_size"),
}


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="each"),
        pytest.param({"accumulate_grad_batches": 4}, id="accumulating", marks=pytest.mark.nightly),
    ],
)
@pytest.mark.parametrize("name", LOADERS)
def test_batches_of_a_loader_come_as_with_lightning(name: str, settings: dict[str, Any]) -> None:
    same(
        lambda trainer_class: train(
            trainer_class,
            Net("both", scheduler="one_cycle"),
            LOADERS[name](),
            validation(),
            log_every_n_steps=4,
            **settings,
        ),
        mode=None,
    )


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, StopIteration], ids=lambda error: error.__name__)
def test_a_loader_that_fails_leaves_what_it_leaves_with_lightning(error: type[BaseException]) -> None:
    raises = {"RuntimeError": "RuntimeError", "KeyboardInterrupt": "SystemExit", "StopIteration": "RuntimeError"}
    same(
        lambda trainer_class: train(trainer_class, Net("both"), Fails(error), validation(), log_every_n_steps=4),
        raises=raises[error.__name__],
    )


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_batch_that_is_none_is_left_out_as_with_lightning(accumulate: int) -> None:
    for module in (Net, Nothing):
        same(
            lambda trainer_class, module=module: train(
                trainer_class,
                module("both"),
                Claims(9, 9, none=(2, 3, 7)),
                accumulate_grad_batches=accumulate,
                log_every_n_steps=50,
            ),
            mode="segments" if module is Net else "batches",
        )


def test_the_same_dataset_objects_are_not_changed_by_training() -> None:
    """Lightning gives the step a new list, so that a step which empties it does not empty the data."""

    class Pops(Net):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            y = batch.pop()
            return self.step_on(batch.pop(), y, batch_idx)

    same(lambda trainer_class: train(trainer_class, Pops("no_log"), Claims(9, 9), limit_val_batches=0))


@dataclass
class Rows:
    x: torch.Tensor
    y: torch.Tensor


def test_batches_that_are_dataclasses_come_as_with_lightning() -> None:
    class OfRows(Net):
        def training_step(self, batch: Rows, batch_idx: int) -> Any:
            return self.step_on(batch.x, batch.y, batch_idx)

    same(lambda trainer_class: train(trainer_class, OfRows("both"), pairs_of(Rows)(), limit_val_batches=0))


class Datas(pl.LightningDataModule):
    """Hooks around the transfer, in the data module; loaders anew each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Any] = []

    def train_dataloader(self) -> DataLoader:
        self.heard.append("train_dataloader")
        return plain()

    def val_dataloader(self) -> list[DataLoader]:
        return [validation(), validation()]

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        self.heard.append([dataloader_idx, self.trainer.global_step])
        return [batch[0] * 2, batch[1]]

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        return [batch[0] + torch.rand(()), batch[1]]

    def on_exception(self, exception: BaseException) -> None:
        self.heard.append(str(exception))


class TwoSets(Net):
    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        super().validation_step(batch, batch_idx)


@pytest.mark.parametrize("every", [0, 1])
def test_a_data_module_is_asked_as_by_lightning(every: int) -> None:
    def scenario(trainer_class: type[pl.Trainer]) -> Seen:
        net, data = TwoSets("both"), Datas()
        trainer = make(trainer_class, reload_dataloaders_every_n_epochs=every, log_every_n_steps=4)
        raised = fit(trainer, net, datamodule=data)
        return look(trainer, net, raised, heard_by_data=data.heard)

    same(scenario)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="processes start slowly there")
@pytest.mark.parametrize("persistent", [False, True])
def test_batches_of_worker_processes_come_as_with_lightning(persistent: bool) -> None:
    def loader() -> DataLoader:
        return DataLoader(NoisyRows(*rows()), BATCH, shuffle=True, num_workers=2, persistent_workers=persistent)

    same(lambda trainer_class: train(trainer_class, Net("both"), loader(), validation(), log_every_n_steps=4))


def test_a_step_that_takes_the_iterator_runs_in_lightnings_loop() -> None:
    class TakesIterator(Net):
        def training_step(self, dataloader_iter: Iterator[Any]) -> Any:  # type: ignore[override]
            (x, y), batch_idx, _ = next(dataloader_iter)
            logits = self.net(x)
            self.steps.append(batch_idx)
            return torch.nn.functional.cross_entropy(logits, y)

    same(lambda trainer_class: train(trainer_class, TakesIterator(), plain()), mode="lightning", reason="iterator")
