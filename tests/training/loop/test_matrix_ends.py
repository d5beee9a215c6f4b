"""How a training ends: by a limit, on request, by an exception, Ctrl-C or SIGTERM at any place, and how it goes on from a checkpoint."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from harness import QUIET, RecordingLogger, Seen, fit, frozen, look, make, same, train
from parts import BATCH, Net, NoisyRows, plain, rows, validation
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from torch.utils.data import DataLoader

LIMITS: dict[str, dict[str, Any]] = {
    "max_steps_0": {"max_steps": 0},
    "max_steps_1": {"max_steps": 1},
    "max_steps_at_an_epochs_end": {"max_steps": 10},
    "max_steps_in_the_middle": {"max_steps": 16},
    "max_steps_before_max_epochs": {"max_steps": 7, "max_epochs": 5},
    "max_steps_accumulating": {"max_steps": 5, "accumulate_grad_batches": 3},
    "max_epochs_0": {"max_epochs": 0},
    "min_steps": {"max_epochs": 3, "min_steps": 17},
    "min_epochs": {"max_epochs": 4, "min_epochs": 3},
    "limit_1_batch": {"limit_train_batches": 1},
    "limit_no_batch": {"limit_train_batches": 0},
    "max_time": {"max_epochs": 3, "max_time": {"hours": 1}},
    "max_time_over": {"max_epochs": 3, "max_time": {"seconds": 0}},
    "validation_by_time": {"val_check_interval": {"seconds": 0}},
}


NOTHING_RUNS = ("max_steps_0", "max_epochs_0", "limit_no_batch", "max_time_over")


@pytest.mark.parametrize(
    "stops_at",
    [
        pytest.param(None, id="runs"),
        pytest.param(3, id="stops_at_3"),
        pytest.param(0, id="stops_at_0", marks=pytest.mark.nightly),
        pytest.param(9, id="stops_at_last", marks=pytest.mark.nightly),
    ],
)
@pytest.mark.parametrize("limit", LIMITS)
def test_a_training_ends_where_it_ends_with_lightning(limit: str, stops_at: int | None) -> None:
    def scenario(trainer_class: type[pl.Trainer]) -> Seen:
        net = Net("both", scheduler="every_2")
        net.stops_at = stops_at
        return train(trainer_class, net, plain(), validation(), log_every_n_steps=4, **LIMITS[limit])

    same(scenario, mode=None if limit in NOTHING_RUNS else "segments")


class Trouble(Net):
    """Raises once, at one place of one batch of the training."""

    def __init__(self, place: str, error: Callable[[], BaseException], batch: int, **choices: str) -> None:
        super().__init__(**choices)
        self.place, self.error, self.batch = place, error, batch
        self.count = -1  # of the batch that runs

    def fail(self, place: str) -> None:
        if self.place == place and self.count == self.batch:
            self.place = "nowhere"  # what runs because of the exception may come by here again
            raise self.error()

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        self.count += 1
        self.fail("before the step")
        loss = super().training_step(batch, batch_idx)
        self.fail("after the step")
        loss.register_hook(lambda grad: self.fail("backward"))
        return loss

    def configure_optimizers(self) -> Any:
        configured = super().configure_optimizers()
        optimizer, schedule = configured["optimizer"], configured["lr_scheduler"]["scheduler"]
        optimizer.zero_grad = self.after("zero_grad", optimizer.zero_grad)
        schedule.step = self.after("scheduler", schedule.step)
        optimizer.register_step_pre_hook(lambda *_: self.fail("optimizer"))
        optimizer.register_step_post_hook(lambda *_: self.fail("after the optimizer"))
        return configured

    def after(self, place: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **keywords: Any) -> Any:
            self.fail(place)
            return method(*arguments, **keywords)

        return called


PLACES = ["before the step", "after the step", "zero_grad", "backward", "optimizer", "after the optimizer", "scheduler"]
ERRORS: dict[str, tuple[Callable[[], BaseException], str]] = {
    "error": (lambda: RuntimeError("here"), "RuntimeError"),
    "interrupt": (KeyboardInterrupt, "SystemExit"),
}


@pytest.mark.parametrize(
    ("error", "batch"),
    [
        ("error", 0),
        ("error", 5),
        pytest.param("error", 13, marks=pytest.mark.nightly),
        pytest.param("interrupt", 0, marks=pytest.mark.nightly),
        pytest.param("interrupt", 5, marks=pytest.mark.nightly),
        ("interrupt", 13),
    ],
)
@pytest.mark.parametrize("place", PLACES)
def test_an_exception_leaves_the_counters_and_the_checkpoint_that_it_leaves_with_lightning(
    place: str, error: str, batch: int
) -> None:
    raised, seen_as = ERRORS[error]

    def scenario(trainer_class: type[pl.Trainer]) -> Seen:
        net = Trouble(place, raised, batch, scheduler="one_cycle")
        return train(trainer_class, net, plain(), validation(), log_every_n_steps=4)

    same(scenario, mode=None, raises=seen_as)


@pytest.mark.parametrize("place", PLACES)
def test_an_exception_while_gradients_accumulate_leaves_what_it_leaves_with_lightning(place: str) -> None:
    same(
        lambda trainer_class: train(
            trainer_class,
            # of two batches the first sets gradients to nothing, and the second steps, which calls the optimiser's hook first
            Trouble(
                place,
                lambda: RuntimeError("here"),
                4 if place in ("zero_grad", "optimizer") else 5,
                scheduler="one_cycle",
            ),
            plain(),
            accumulate_grad_batches=2,
            log_every_n_steps=4,
        ),
        mode=None,
        raises="RuntimeError",
    )


def test_a_step_that_raises_stopiteration_ends_the_epoch_as_with_lightning() -> None:
    class Stops(Net):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            if batch_idx == 5 and self.current_epoch == 0:
                raise StopIteration
            return super().training_step(batch, batch_idx)

    same(lambda trainer_class: train(trainer_class, Stops("on_epoch"), plain(), log_every_n_steps=50))


WRONG_STEPS: dict[str, tuple[Callable[[torch.Tensor], Any], str]] = {
    "no_loss_in_a_dict": (lambda loss: {"value": loss}, "MisconfigurationException"),
    "a_float": (lambda loss: 0.5, "MisconfigurationException"),
    "a_tuple": (lambda loss: (loss, loss), "MisconfigurationException"),
    "without_a_gradient": (lambda loss: loss.detach(), "RuntimeError"),
    "two_losses": (lambda loss: torch.stack([loss, loss]), "RuntimeError"),
}


@pytest.mark.parametrize("wrong", WRONG_STEPS)
@pytest.mark.parametrize("batch", [0, 5])
def test_what_a_step_must_not_return_is_refused_in_lightnings_words(wrong: str, batch: int) -> None:
    returned, raises = WRONG_STEPS[wrong]

    class Returns(Net):
        def training_step(self, given: Any, batch_idx: int) -> Any:
            loss = super().training_step(given, batch_idx)
            return returned(loss) if batch_idx == batch else loss

    same(lambda trainer_class: train(trainer_class, Returns("both"), plain(), log_every_n_steps=50), raises=raises)


class NeverCalls(torch.optim.SGD):
    """Ignores the closure at its sixth step."""

    count = 0

    def step(self, closure: Any = None) -> Any:
        self.count += 1
        return None if self.count == 6 else super().step(closure)


class CallsTwice(torch.optim.SGD):
    """Looks ahead: two evaluations a step."""

    def step(self, closure: Any = None) -> Any:
        with torch.enable_grad():
            closure()
        return super().step(closure)


class TakesNoClosure(torch.optim.SGD):
    def step(self) -> None:  # type: ignore[override]
        super().step()


@pytest.mark.parametrize(
    ("optimizer", "raises"),
    [(NeverCalls, "MisconfigurationException"), (CallsTwice, ""), (TakesNoClosure, "TypeError")],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_an_optimiser_with_a_mind_of_its_own_is_treated_as_by_lightning(optimizer: type, raises: str) -> None:
    class Own(Net):
        def configure_optimizers(self) -> Any:
            return optimizer(self.parameters(), lr=0.05)

    same(lambda trainer_class: train(trainer_class, Own("both"), plain(), log_every_n_steps=50), raises=raises)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM there")
@pytest.mark.parametrize("batch", [0, 5, 9])
def test_sigterm_ends_a_training_after_the_batch_as_with_lightning(batch: int) -> None:
    class Terminated(Net):
        def training_step(self, given: Any, batch_idx: int) -> Any:
            if self.global_step == batch:
                os.kill(os.getpid(), signal.SIGTERM)
            return super().training_step(given, batch_idx)

    same(
        lambda trainer_class: train(trainer_class, Terminated("both"), plain(), validation(), log_every_n_steps=4),
        raises="SIGTERMException",
    )


def noisy() -> DataLoader:
    return DataLoader(NoisyRows(*rows()), BATCH, shuffle=True)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Lightning saves along two epochs: after steps 3, 7 and 10, at a validation, and at the end of each epoch."""
    folder = tmp_path_factory.mktemp("checkpoints")

    class Kept(Callback):
        def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
            if trainer.global_step in (3, 7, 10):
                trainer.save_checkpoint(folder / f"step_{trainer.global_step}.ckpt")

        def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            if trainer.global_step == 5:
                trainer.save_checkpoint(folder / "validation.ckpt")

        def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            trainer.save_checkpoint(folder / f"epoch_{trainer.current_epoch}.ckpt")

    torch.manual_seed(0)
    trainer = pl.Trainer(
        max_epochs=2,
        logger=RecordingLogger(),
        callbacks=[Kept()],
        enable_checkpointing=False,
        val_check_interval=5,
        **QUIET,
    )
    trainer.fit(Net("both", "adamw", "every_2"), noisy(), validation())
    return folder


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="each"),
        pytest.param({"val_check_interval": 5}, id="val_5", marks=pytest.mark.nightly),
        pytest.param({"accumulate_grad_batches": 3}, id="accumulating", marks=pytest.mark.nightly),
    ],
)
@pytest.mark.parametrize("name", ["step_3", "step_7", "step_10", "validation", "epoch_0", "epoch_1"])
def test_a_training_that_goes_on_from_a_checkpoint_goes_on_as_with_lightning(
    name: str, settings: dict[str, Any], checkpoints: Path
) -> None:
    same(
        lambda trainer_class: train(
            trainer_class,
            Net("both", "adamw", "every_2"),
            noisy(),
            validation(),
            ckpt_path=checkpoints / f"{name}.ckpt",
            max_epochs=3,
            log_every_n_steps=4,
            **settings,
        )
    )


def test_a_training_goes_on_with_the_same_trainer_as_with_lightning() -> None:
    def scenario(trainer_class: type[pl.Trainer]) -> Seen:
        net = Net("both", scheduler="every_2")
        trainer = make(trainer_class, log_every_n_steps=4)
        raised = fit(trainer, net, plain(), validation())
        trainer.fit_loop.max_epochs = 4
        raised = raised or fit(trainer, net, plain(), validation())
        before = frozen(trainer.validate(net, validation(), verbose=False))
        trainer.fit_loop.max_epochs = 6
        other = Net("both", "adamw")
        raised = raised or fit(trainer, other, plain())
        return look(trainer, other, raised, before=before, first=frozen(net.state_dict()), steps_of_first=net.steps)

    same(scenario)


def test_a_training_that_failed_can_be_repeated_with_the_same_module() -> None:
    def scenario(trainer_class: type[pl.Trainer]) -> Seen:
        net = Trouble("after the step", lambda: RuntimeError("here"), 5, scheduler="one_cycle")
        first = fit(make(trainer_class), net, plain())
        trainer = make(trainer_class, log_every_n_steps=4)
        return look(trainer, net, fit(trainer, net, plain()), first=frozen(first))

    same(scenario)


def test_a_checkpoint_of_one_trainer_is_read_by_the_other(tmp_path: Path) -> None:
    """Ours goes on from Lightning's in the tests above; here Lightning's from ours."""
    from projectkit.training import Trainer

    kept = {}
    for trainer_class in (pl.Trainer, Trainer):
        torch.manual_seed(0)
        saving = ModelCheckpoint(tmp_path / trainer_class.__module__, "{step}", every_n_train_steps=7)
        trainer = make(trainer_class, [saving], enable_checkpointing=True, max_epochs=1)
        trainer.fit(Net("both", "adamw", "every_2"), plain(), validation())
        kept[trainer_class] = Path(saving.best_model_path)
    seen = []
    for path in kept.values():
        torch.manual_seed(1)
        net = Net("both", "adamw", "every_2")
        trainer = pl.Trainer(max_epochs=2, logger=RecordingLogger(), enable_checkpointing=False, **QUIET)
        trainer.fit(net, plain(), validation(), ckpt_path=path, weights_only=False)
        seen.append([frozen(dict(net.state_dict())), trainer.logger.calls, trainer.global_step])
    assert seen[0] == seen[1]


class Counting:
    """Rows that remember whom they were given to: nothing is fetched that is not trained on."""

    def __init__(self) -> None:
        self.taken: list[int] = []

    def __len__(self) -> int:
        return 10

    def __iter__(self) -> Iterator[Any]:
        x, y = rows(4)
        for at in range(10):
            self.taken.append(at)
            yield [x, y]


@pytest.mark.parametrize("settings", [{"max_steps": 6}, {"limit_train_batches": 4}, {"max_epochs": 2}], ids=str)
def test_as_many_batches_are_taken_from_a_loader_as_lightning_takes(settings: dict[str, Any]) -> None:
    def scenario(trainer_class: type[pl.Trainer]) -> Seen:
        loader = Counting()
        seen = train(trainer_class, Net("both"), loader, log_every_n_steps=4, **settings)
        seen.tree["taken"] = loader.taken
        return seen

    same(scenario)
