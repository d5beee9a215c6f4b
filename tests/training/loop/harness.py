"""Trains once with Lightning's Trainer and once with ours, from the same seed, and lists everything that differs.

| name | what it does |
|---|---|
| `train` | one fit; gives back all that can be seen of it afterwards (`Seen`) |
| `same` | runs a scenario with both Trainers and asserts that nothing differs, bit for bit |
| `differences` | the paths at which two observations differ |
| `frozen` | a value as plain strings, numbers and containers that compare exactly |

What is seen: weights, buffers, gradients, optimisers, schedulers, scaler, all progress counters, learning rates, what loggers were
given, the three dictionaries of metrics, the arguments of each training step, the state at each event of an epoch, generators, the
checkpoint's content, and the files that were written, checkpoints opened.
"""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import Logger
from torch import Tensor

from projectkit.training import Trainer

QUIET = {"enable_progress_bar": False, "enable_model_summary": False, "num_sanity_val_steps": 0, "accelerator": "cpu"}
FUNCTIONS = ("function", "method", "partial", "builtin_function_or_method", "Closure")
SKIPPED = ("time_elapsed",)  # of Timer: a clock's reading, in its state and in checkpoints


@dataclass(frozen=True)
class Seen:
    """All that could be seen of a training, as `frozen` gives it, and how the loop says that it ran (None: Lightning's Trainer)."""

    tree: dict[str, Any]
    mode: str | None
    reason: str


def frozen(value: Any) -> Any:
    """A value in a form that is equal only to the same value: floats by their bits, tensors by type, shape and bytes."""
    if isinstance(value, Tensor):
        bits = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        shown = str(value.detach().tolist()) if value.numel() <= 3 else ""
        return (
            f"{value.dtype}{list(value.shape)} grad={value.requires_grad} {hashlib.sha1(bits).hexdigest()[:16]} {shown}"
        )
    if isinstance(value, np.ndarray):
        return frozen(torch.from_numpy(value.astype(np.int64) if value.dtype == np.uint32 else value))
    if isinstance(value, bool | int | str | None):
        return value
    if isinstance(value, float):
        return f"float {value.hex()} ({value!r})"
    if isinstance(value, Mapping):
        return {str(key): frozen(each) for key, each in value.items() if key not in SKIPPED}
    if isinstance(value, list | tuple):
        return [type(value).__name__, *(frozen(each) for each in value)]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, BaseException):
        return [type(value).__name__, str(value)]
    if isinstance(value, Path):
        return str(value)
    # trainers, modules, optimisers: which class, not which object; what is called may be of any class
    return "<function>" if type(value).__name__ in FUNCTIONS else f"<{type(value).__name__}>"


def differences(left: Any, right: Any, path: str = "") -> list[str]:
    """Where two frozen values differ, each as `path: left | right`; the order of keys counts too."""
    if isinstance(left, dict) and isinstance(right, dict):
        found = [] if list(left) == list(right) else [f"{path} keys: {list(left)} | {list(right)}"]
        return found + [
            line for key in left if key in right for line in differences(left[key], right[key], f"{path}/{key}")
        ]
    if isinstance(left, list) and isinstance(right, list):
        found = [] if len(left) == len(right) else [f"{path} length: {len(left)} | {len(right)}"]
        pairs = enumerate(zip(left, right, strict=False))
        return found + [line for at, (one, other) in pairs for line in differences(one, other, f"{path}[{at}]")]
    return [] if type(left) is type(right) and left == right else [f"{path}: {left} | {right}"]


class RecordingLogger(Logger):
    """Keeps every call, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Any] = []

    @property
    def name(self) -> str:
        return "recording"

    @property
    def version(self) -> int:
        return 0

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.calls.append(["log_metrics", step, frozen(metrics)])

    def log_hyperparams(self, *arguments: Any, **keywords: Any) -> None:
        self.calls.append(["log_hyperparams", frozen(arguments), frozen(keywords)])

    def save(self) -> None:
        self.calls.append(["save"])

    def finalize(self, status: str) -> None:
        self.calls.append(["finalize", status])


def counters(trainer: pl.Trainer) -> dict[str, Any]:
    """Where a training stands: every counter that a checkpoint keeps and those that it does not."""
    loop = trainer.fit_loop.epoch_loop
    fetcher = trainer.fit_loop._data_fetcher
    combined = trainer.fit_loop._combined_loader
    return frozen(
        {
            "global_step": trainer.global_step,
            "current_epoch": trainer.current_epoch,
            "batch_idx": loop.batch_idx,
            "total_batch_idx": loop.total_batch_idx,
            "batches_that_stepped": loop._batches_that_stepped,
            "is_last_batch": trainer.is_last_batch,
            "should_stop": trainer.should_stop,
            "fetched": None if fetcher is None else [fetcher.fetched, fetcher.done, fetcher.length],
            "numbered": None if combined is None else getattr(combined._iterator, "_idx", None),
            "loops": trainer.fit_loop.state_dict(),
        }
    )


def results(trainer: pl.Trainer) -> dict[str, Any]:
    """What lies behind `self.log`: the accumulated values, sizes and last values of each logged name."""
    names = ("value", "cumulated_batch_size", "_forward_cache", "_computed", "has_reset", "_update_count")
    return {
        key: frozen({name: getattr(metric, name, None) for name in names})
        for key, metric in trainer.fit_loop.epoch_loop._results.items()
    }


def learning_rates(trainer: pl.Trainer) -> list[Any]:
    return [frozen(group["lr"]) for optimizer in trainer.optimizers for group in optimizer.param_groups]


def weights_of(module: pl.LightningModule) -> dict[str, Any]:
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return frozen({name: tensor.detach() for name, tensor in tensors.items()})


class Snapshots(Callback):
    """The whole state at each event of an epoch. None of these hooks belongs to a batch, so segments may run between them."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def _note(self, hook: str, trainer: pl.Trainer, module: pl.LightningModule, **more: Any) -> None:
        state = {
            "counters": counters(trainer),
            "lr": learning_rates(trainer),
            "weights": weights_of(module),
            "random": frozen(torch.get_rng_state()),
            "metrics": frozen([trainer.callback_metrics, trainer.logged_metrics, trainer.progress_bar_metrics]),
            "results": results(trainer),
        }
        self.events.append([hook, {**state, **more}])

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._note("on_train_epoch_start", trainer, pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._note("on_train_epoch_end", trainer, pl_module)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._note("on_validation_start", trainer, pl_module)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._note("on_validation_end", trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._note("on_train_end", trainer, pl_module)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        kept = frozen(trainer._checkpoint_connector.dump_checkpoint())
        self._note("on_exception", trainer, pl_module, exception=frozen(exception), checkpoint=kept)


def make(trainer_class: type[pl.Trainer], callbacks: Sequence[Callback] = (), **settings: Any) -> pl.Trainer:
    """A quiet Trainer on the CPU with a `RecordingLogger` and, as its last callback, `Snapshots`."""
    given = {"logger": RecordingLogger(), "enable_checkpointing": False, "max_epochs": 2, **QUIET, **settings}
    if "max_steps" in settings and "max_epochs" not in settings:
        del given["max_epochs"]
    return trainer_class(callbacks=[*callbacks, Snapshots()], **given)


def fit(trainer: pl.Trainer, module: pl.LightningModule, *loaders: Any, **keywords: Any) -> BaseException | None:
    """Train; what was raised is part of what is seen. Ctrl-C ends Lightning's fit as SystemExit."""
    try:
        trainer.fit(module, *loaders, **keywords)
    except (Exception, SystemExit) as raised:  # noqa: BLE001 # whatever it is, the other Trainer must raise the same
        return raised
    return None


def look(trainer: pl.Trainer, module: pl.LightningModule, raised: BaseException | None = None, **more: Any) -> Seen:
    """Everything that can be seen of a training that has ended, and `more` that the scenario saw itself, frozen."""
    (snapshots,) = [each for each in trainer.callbacks if isinstance(each, Snapshots)]
    kept = [attribute for attribute in vars(module) if not attribute.startswith("_abc")]
    tree = {
        "raised": frozen(raised),
        "steps": getattr(module, "steps", []),
        "heard": getattr(module, "heard", []),
        "weights": weights_of(module),
        "grads": frozen({name: parameter.grad for name, parameter in module.named_parameters()}),
        "flags": frozen([(each.training, type(each).__name__) for each in module.modules()]),
        "attributes": sorted(kept),
        "current_fx_name": None
        if raised
        else module._current_fx_name,  # after an exception, the place where it came from
        "optimizers": frozen([optimizer.state_dict() for optimizer in trainer.optimizers]),
        "schedulers": frozen([config.scheduler.state_dict() for config in trainer.lr_scheduler_configs]),
        "scaler": frozen(trainer.precision_plugin.state_dict()),
        "counters": counters(trainer),
        "lr": learning_rates(trainer),
        "status": frozen([str(trainer.state.status), str(trainer.state.stage), trainer.num_training_batches]),
        "logged": [each.calls for each in trainer.loggers if isinstance(each, RecordingLogger)],
        "metrics": frozen([trainer.callback_metrics, trainer.logged_metrics, trainer.progress_bar_metrics]),
        "results": results(trainer),
        "events": snapshots.events,
        "random": frozen([random.getstate(), np.random.get_state(legacy=True), torch.get_rng_state()]),
        "checkpoint": frozen(trainer._checkpoint_connector.dump_checkpoint()),
        **more,
    }
    report = getattr(trainer, "loop_report", None)
    return Seen(tree, None if report is None else report.mode, "" if report is None else report.reason)


def train(
    trainer_class: type[pl.Trainer],
    module: pl.LightningModule,
    *loaders: Any,
    callbacks: Sequence[Callback] = (),
    ckpt_path: Path | None = None,
    **settings: Any,
) -> Seen:
    """One fit from start to end."""
    trainer = make(trainer_class, callbacks, **settings)
    raised = fit(trainer, module, *loaders, ckpt_path=ckpt_path, weights_only=None if ckpt_path is None else False)
    return look(trainer, module, raised, heard_by_callbacks=[getattr(each, "heard", None) for each in callbacks])


def files(folder: Path) -> dict[str, Any]:
    """The files of a folder; of checkpoints their content."""
    return {
        path.relative_to(folder).as_posix(): frozen(torch.load(path, weights_only=False))
        if path.suffix == ".ckpt"
        else hashlib.sha1(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


Scenario = Callable[[type[pl.Trainer]], Seen]


def seeded(scenario: Scenario, trainer_class: type[pl.Trainer], folder: Path | None = None) -> Seen:
    """Run a scenario from the same state of all generators and an empty folder."""
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    random.seed(11)
    np.random.seed(12)
    torch.manual_seed(13)
    seen = scenario(trainer_class)
    if folder is not None:
        seen.tree["files"] = files(folder)
    return seen


def same(
    scenario: Scenario, *, mode: str | None = "segments", reason: str = "", folder: Path | None = None, raises: str = ""
) -> Seen:
    """Assert that a scenario gives the same with both Trainers; what Lightning's gave.

    Args:
        scenario: trains with the class that it is given.
        mode: how our loop should say that it ran; None where it may be any.
        reason: words of the reason that it gives.
        folder: emptied before each run; its files are compared.
        raises: the class of what Lightning raises; nothing is raised without it.
    """
    stock = seeded(scenario, pl.Trainer, folder)
    raised = stock.tree["raised"]
    assert (raised[0] if raised else "") == raises, f"the scenario itself: {raised}"
    ours = seeded(scenario, Trainer, folder)
    found = differences(stock.tree, ours.tree)
    assert not found, f"{len(found)} differences; Lightning | ours:\n" + "\n".join(found[:12])
    if mode is not None:
        assert ours.mode == mode, f"mode {ours.mode}: {ours.reason}"
    assert reason in ours.reason
    return stock
