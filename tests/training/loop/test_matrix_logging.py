"""`self.log` in every way that a training step can call it: what is logged, kept and raised is what Lightning logs, keeps and raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchmetrics
from harness import same, train
from parts import BATCH, CLASSES, FEATURES, Net, batch_of, plain, validation
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

Values = dict[str, Tensor]  # loss, logits, y


def changed_afterwards(module: Net, step: Values, at: int) -> None:
    value = step["loss"].detach().clone()
    module.log("value", value, on_step=True, on_epoch=True)
    value.mul_(100.0)


def own_running_sum(module: Net, step: Values, at: int) -> None:
    module.sums.add_(step["loss"].detach())
    module.log("sum", module.sums, on_step=True, on_epoch=True)


def view_of_a_sum(module: Net, step: Values, at: int) -> None:
    module.sums.add_(step["loss"].detach())
    module.log("sum", module.sums.view(1)[0], on_step=False, on_epoch=True)


def a_parameter(module: Net, step: Values, at: int) -> None:
    module.log("scale", module.scale, on_step=True, on_epoch=True)


def twice_in_a_step(module: Net, step: Values, at: int) -> None:
    module.log("loss", step["loss"], on_step=True, on_epoch=True)
    module.log("loss", 2 * step["loss"], on_step=True, on_epoch=True)


def no_numbers(module: Net, step: Values, at: int) -> None:
    module.log("nan", step["loss"] * (float("nan") if at == 3 else 1.0), on_step=True, on_epoch=True)
    module.log("inf", step["loss"] * (float("inf") if at == 3 else 1.0), on_step=True, on_epoch=True)
    module.log("max", step["loss"] * (float("nan") if at == 3 else 1.0), on_epoch=True, reduce_fx="max")
    module.log("min", -step["loss"] * (float("nan") if at == 3 else 1.0), on_epoch=True, reduce_fx="min")


def many_types(module: Net, step: Values, at: int) -> None:
    for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool, torch.uint8):
        name = str(dtype).removeprefix("torch.")
        module.log(name, (3 * step["loss"]).to(dtype), on_step=True, on_epoch=True)
        module.log(f"{name}/sum", (3 * step["loss"]).to(dtype), on_epoch=True, on_step=False, reduce_fx="sum")
    module.log("python_bool", at % 2 == 0, on_epoch=True)
    module.log("python_int", 2**30 + at, on_epoch=True)
    module.log("one_of_shape_1", step["loss"].view(1), on_step=True, on_epoch=True)
    module.log("one_of_shape_1_1", step["loss"].view(1, 1), on_step=False, on_epoch=True)


def changing_types(module: Net, step: Values, at: int) -> None:
    module.log("value", step["loss"].double() if at % 3 == 1 else step["loss"], on_epoch=True, on_step=True)
    module.log("number", 0.5 if at % 2 else step["loss"], on_epoch=True)


def sizes_at_times(module: Net, step: Values, at: int) -> None:
    sizes = {"batch_size": 3} if at % 2 else {}
    module.log("loss", step["loss"], on_epoch=True, on_step=False, **sizes)


def sizes_of_odd_kinds(module: Net, step: Values, at: int) -> None:
    module.log("zero", step["loss"], on_epoch=True, on_step=True, batch_size=0 if at < 2 else 1)
    module.log("float", step["loss"], on_epoch=True, on_step=False, batch_size=2.5)  # type: ignore[arg-type]
    module.log("tensor", step["loss"], on_epoch=True, on_step=False, batch_size=step["y"].new_tensor(at + 1))  # type: ignore[arg-type]
    module.log("large", step["loss"], on_epoch=True, on_step=False, batch_size=10**9)


def step_named(module: Net, step: Values, at: int) -> None:
    module.log("step", float(100 + at), on_step=True, on_epoch=False)
    module.log("loss", step["loss"])


def flags_of_all_kinds(module: Net, step: Values, at: int) -> None:
    module.log("bar", step["loss"], prog_bar=True, logger=False)
    module.log("callbacks_only", step["loss"], logger=False, on_epoch=True)
    module.log("synced", step["loss"], sync_dist=True, on_epoch=True)
    module.log("rank_zero", step["loss"], rank_zero_only=True, on_epoch=True)
    module.log("graph", step["loss"], enable_graph=True, on_step=True, on_epoch=False)
    module.log("no_suffix", step["loss"], add_dataloader_idx=False)


def with_flags_by_position(module: Net, step: Values, at: int) -> None:
    module.log("loss", step["loss"], True, True, True, True)


def dictionaries(module: Net, step: Values, at: int) -> None:
    module.log_dict({"a": step["loss"], "b": step["loss"] * 2.0, "c": float(at)}, on_step=True, on_epoch=True)
    module.log_dict({"d": step["loss"]} if at % 3 else {}, prog_bar=True)


def a_collection(module: Net, step: Values, at: int) -> None:
    module.several(step["logits"], step["y"])
    module.log_dict(module.several, on_step=False, on_epoch=True)


def a_metric_by_hand(module: Net, step: Values, at: int) -> None:
    module.log("mean", module.mean(step["loss"]), on_step=True, on_epoch=True)
    if at == 6:
        module.log("mean/so_far", module.mean.compute())
        module.mean.reset()


def names_that_come_and_go(module: Net, step: Values, at: int) -> None:
    module.log(f"loss/{at % 4}", step["loss"], on_step=at % 2 == 0, on_epoch=at % 2 == 1)


def only_in_one_epoch(module: Net, step: Values, at: int) -> None:
    if module.current_epoch == 1 and at > 5:
        module.log("late", step["loss"], on_step=True, on_epoch=True)
    if module.current_epoch == 0:
        module.log("early", step["loss"], on_step=True, on_epoch=True)


def to_the_logger_itself(module: Net, step: Values, at: int) -> None:
    module.log("loss", step["loss"], on_step=True, on_epoch=True)
    if at in (2, 5):
        module.logger.log_metrics({"own": float(at)}, step=module.global_step)


def reading_what_was_logged(module: Net, step: Values, at: int) -> None:
    module.log("loss", step["loss"], on_step=True, on_epoch=True, prog_bar=True)
    trainer = module.trainer
    module.heard.append(
        [
            sorted((name, float(value)) for name, value in each.items())
            for each in (trainer.callback_metrics, trainer.logged_metrics, trainer.progress_bar_metrics)
        ]
    )


def tiny_and_huge(module: Net, step: Values, at: int) -> None:
    """Sums whose value depends on the order and the width of each addition."""
    for name, factor in {"huge": 1e30, "tiny": 1e-40, "mixed": 10.0 ** (8 * (at % 3))}.items():
        module.log(name, step["loss"] * factor, on_step=True, on_epoch=True)
        module.log(f"{name}/sum", step["loss"] * factor, on_epoch=True, reduce_fx="sum")


def signed_zeros(module: Net, step: Values, at: int) -> None:
    for sign in (1.0, -1.0):
        zero = torch.tensor(0.0 if at % 2 else -0.0) * sign
        for reduce_fx in ("max", "min", "sum", "mean"):
            module.log(f"{reduce_fx}/{sign}", zero, on_step=True, on_epoch=True, reduce_fx=reduce_fx)


LOGGED = [
    signed_zeros,
    changed_afterwards, own_running_sum, view_of_a_sum, a_parameter, twice_in_a_step, no_numbers, many_types, changing_types,
    sizes_at_times, sizes_of_odd_kinds, step_named, flags_of_all_kinds, with_flags_by_position, dictionaries, a_collection,
    a_metric_by_hand, names_that_come_and_go, only_in_one_epoch, to_the_logger_itself, reading_what_was_logged, tiny_and_huge,
]  # fmt: skip


class Logs(Net):
    """Logs by a function of the list above."""

    def __init__(self, log: Callable[[Net, Values, int], None], **choices: str) -> None:
        super().__init__("no_log", **choices)
        self.logged = log
        self.scale = nn.Parameter(torch.ones(()))
        self.mean = torchmetrics.MeanMetric()
        self.several = torchmetrics.MetricCollection(
            {
                "recall": torchmetrics.classification.MulticlassRecall(CLASSES),
                "precision": torchmetrics.classification.MulticlassPrecision(CLASSES),
            }
        )
        self.register_buffer("sums", torch.zeros(()))

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        x, y = batch_of(batch)
        logits = self.net(x) * self.scale
        loss = nn.functional.cross_entropy(logits, y)
        self.logged(self, {"loss": loss, "logits": logits, "y": y}, batch_idx)
        return loss

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9)


@pytest.mark.parametrize("log", LOGGED, ids=lambda log: log.__name__)
def test_what_a_step_logs_is_what_lightning_logs(log: Callable[[Net, Values, int], None]) -> None:
    same(lambda trainer_class: train(trainer_class, Logs(log), plain(), validation(), log_every_n_steps=3))


@pytest.mark.parametrize(
    "log", [changed_afterwards, twice_in_a_step, dictionaries, a_metric_by_hand], ids=lambda log: log.__name__
)
def test_what_a_step_logs_while_it_accumulates_is_what_lightning_logs(log: Callable[[Net, Values, int], None]) -> None:
    same(
        lambda trainer_class: train(
            trainer_class, Logs(log), plain(), log_every_n_steps=2, accumulate_grad_batches=3, limit_val_batches=0
        )
    )


def other_arguments_later(module: Net, step: Values, at: int) -> None:
    module.log("loss", step["loss"], prog_bar=module.current_epoch == 1 and at == 5)


def two_values(module: Net, step: Values, at: int) -> None:
    module.log("logits", step["logits"] if at == 5 else step["loss"])


def no_value(module: Net, step: Values, at: int) -> None:
    module.log("text", "many" if at == 5 else step["loss"])  # type: ignore[arg-type]


def nested(module: Net, step: Values, at: int) -> None:
    module.log("nested", {"deep": {"loss": step["loss"]}} if at == 5 else step["loss"])  # type: ignore[arg-type]


def neither_step_nor_epoch(module: Net, step: Values, at: int) -> None:
    if at == 5:
        module.log("loss", step["loss"], on_step=False, on_epoch=False)


def own_reduction(module: Net, step: Values, at: int) -> None:
    if at == 5:
        module.log("loss", step["loss"], on_epoch=True, reduce_fx=torch.median)


def a_reserved_name(module: Net, step: Values, at: int) -> None:
    if at == 5:
        module.log("loss/dataloader_idx_0", step["loss"])


def a_metric_of_nobody(module: Net, step: Values, at: int) -> None:
    if at == 5:
        lost = torchmetrics.MeanMetric()
        lost(step["loss"])
        module.log("lost", lost)


def no_argument_of_log(module: Net, step: Values, at: int) -> None:
    if at == 5:
        module.log("loss", step["loss"], on_batch=True)  # type: ignore[call-arg]


def a_metric_becomes_a_value(module: Net, step: Values, at: int) -> None:
    module.mean(step["loss"])
    module.log("mean", module.mean if at < 5 else step["loss"])


WRONG = {
    other_arguments_later: "MisconfigurationException",
    two_values: "ValueError",
    no_value: "ValueError",
    nested: "ValueError",
    neither_step_nor_epoch: "MisconfigurationException",
    own_reduction: "MisconfigurationException",
    a_reserved_name: "MisconfigurationException",
    a_metric_of_nobody: "MisconfigurationException",
    no_argument_of_log: "TypeError",
    a_metric_becomes_a_value: "MisconfigurationException",
}


@pytest.mark.parametrize("log", WRONG, ids=lambda log: log.__name__)
def test_what_lightning_refuses_to_log_is_refused_at_the_same_batch_in_the_same_words(
    log: Callable[[Net, Values, int], None],
) -> None:
    same(
        lambda trainer_class: train(trainer_class, Logs(log), plain(), validation(), log_every_n_steps=3),
        raises=WRONG[log],
    )


class LogsInForward(Net):
    """Logs in a method that the step calls, and in `forward`."""

    def forward(self, x: Tensor) -> Tensor:
        self.log("largest", x.max(), on_step=True, on_epoch=True)
        return self.net(x)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        x, y = batch_of(batch)
        loss = nn.functional.cross_entropy(self(x), y)
        self.note(loss)
        return loss

    def note(self, loss: Tensor) -> None:
        self.log("noted", loss, on_epoch=True, on_step=False)


class OwnLog(Net):
    """Overrides `log` and `log_dict` themselves."""

    def log(self, name: str, value: Any, *arguments: Any, **keywords: Any) -> None:
        self.heard.append(name)
        super().log(f"own/{name}", value, *arguments, **keywords)


class LogsInClosures(Net):
    """An optimiser that calls the step several times a batch."""

    def __init__(self) -> None:
        super().__init__("both", "lbfgs")


class LogsBatchSizeOfDicts(Net):
    """Several sizes in one batch: Lightning warns and takes one of them."""

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        loss = nn.functional.cross_entropy(self.net(batch["x"]), batch["y"])
        self.log("loss", loss, on_step=True, on_epoch=True)
        return loss


class Ambiguous(Dataset):
    def __len__(self) -> int:
        return 22

    def __getitem__(self, row: int) -> dict[str, Any]:
        generator = torch.Generator().manual_seed(row)
        return {
            "name": str(row),
            "x": torch.randn(FEATURES, generator=generator),
            "y": row % CLASSES,
            "deep": {"z": [1.0]},
        }


def with_extra_rows(samples: list[dict[str, Any]]) -> dict[str, Any]:
    batch = torch.utils.data.default_collate(samples)
    batch["weights"] = torch.ones(len(samples) + 3)
    return batch


@pytest.mark.parametrize("module", [LogsInForward, OwnLog, LogsInClosures], ids=lambda each: each.__name__)
def test_logs_from_elsewhere_are_lightnings(module: type[Net]) -> None:
    same(lambda trainer_class: train(trainer_class, module(), plain(), validation(), log_every_n_steps=3))


def test_the_size_of_an_ambiguous_batch_is_lightnings() -> None:
    def loader() -> DataLoader:
        return DataLoader(Ambiguous(), BATCH, collate_fn=with_extra_rows)

    same(
        lambda trainer_class: train(
            trainer_class, LogsBatchSizeOfDicts("no_log"), loader(), log_every_n_steps=2, limit_val_batches=0
        )
    )


def test_a_batch_without_a_size_is_refused_as_lightning_refuses_it() -> None:
    class NoSize(Net):
        def training_step(self, batch: Any, batch_idx: int) -> Tensor:
            loss = self.net(torch.ones(2, FEATURES)).sum()
            self.log("loss", loss, on_epoch=True)
            return loss

    def loader() -> DataLoader:
        return DataLoader(range(8), 2, collate_fn=lambda samples: {"number": object()})

    same(
        lambda trainer_class: train(trainer_class, NoSize(), loader(), limit_val_batches=0),
        raises="MisconfigurationException",
    )


def test_two_loggers_are_given_the_same() -> None:
    from harness import RecordingLogger

    same(
        lambda trainer_class: train(
            trainer_class, Net("both"), plain(), log_every_n_steps=2, logger=[RecordingLogger(), RecordingLogger()]
        )
    )


def test_without_a_logger_the_metrics_are_lightnings() -> None:
    same(lambda trainer_class: train(trainer_class, Net("both"), plain(), validation(), logger=False))
