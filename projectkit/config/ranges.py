"""Which values are in range, and what must go together.

`ALLOWED` is the table of ranges; `check_ranges` is called when a config is loaded, `check_ownership` by training, which knows
the classes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

from projectkit.config.places import Places, join
from projectkit.config.schema import Config
from projectkit.config.structure import schema_of
from projectkit.config.values import described, fits, found
from projectkit.errors import UserError, nearest

PRECISIONS = (
    *("auto", "64", "32", "16", "bf16", "64-true", "32-true", "16-true", "bf16-true", "16-mixed", "bf16-mixed"),
    *("transformer-engine", "transformer-engine-float16"),
)
_DDP = ("ddp", "ddp_spawn", "ddp_fork", "ddp_notebook")
STRATEGIES = (  # the names that Lightning registers; a strategy with arguments is an object, and needs a script
    "auto",
    *_DDP,
    *(f"{name}_find_unused_parameters_{unused}" for name in _DDP for unused in ("false", "true")),
    *("fsdp", "fsdp_cpu_offload", "deepspeed", "deepspeed_stage_1", "deepspeed_stage_2", "deepspeed_stage_2_offload"),
    *("deepspeed_stage_3", "deepspeed_stage_3_offload", "deepspeed_stage_3_offload_nvme"),
    *("single_device", "single_xla", "single_tpu", "xla", "xla_debug"),
)
ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps", "tpu", "hpu")
_CHOICES = {"trainer.precision": PRECISIONS, "trainer.accelerator": ACCELERATORS, "trainer.strategy": STRATEGIES}
_DURATION = re.compile(r"\d+:\d\d:\d\d:\d\d")
_UNITS = ("days", "hours", "minutes", "seconds", "weeks")
_DURATION_WORDS = 'a time, "DD:HH:MM:SS" or {hours: 1}'


def _at_least(low: float) -> tuple[Callable[[Any], bool], str]:
    return lambda value: value >= low, f"{low} or more"


def _seed(value: int) -> bool:
    return 0 <= value < 2**32


def _share(value: float) -> bool:
    """A count of batches, or a share of them."""
    return value >= 0 if isinstance(value, int) else 0.0 <= value <= 1.0


def _duration(value: Any) -> bool:
    if isinstance(value, str):
        return _DURATION.fullmatch(value) is not None
    return bool(value) and all(unit in _UNITS and count >= 0 for unit, count in value.items())


def _interval(value: Any) -> bool:
    if isinstance(value, int | float):
        return value >= 1 if isinstance(value, int) else 0.0 < value <= 1.0
    return _duration(value)


def _devices(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and min(value) >= 0 and len(set(value)) == len(value)
    if isinstance(value, str):
        return value == "auto" or re.fullmatch(r"-1|[1-9]\d*|\d+(,\d+)+,?|\d+,", value.replace(" ", "")) is not None
    return bool(value == -1 or value >= 1)


_COUNT = _at_least(1)
_COUNT_OR_ENDLESS = (lambda value: value == -1 or value >= 1, "1 or more")
_SHARE = (_share, "a whole number of batches, or a share from 0.0 to 1.0")
_SEED = (_seed, "a whole number from 0 to 4294967295")

ALLOWED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (
        lambda value: 0 < len(value.strip()) <= 200 and value.isprintable(),
        "a name of 1 to 200 characters on one line",
    ),
    "seed": _SEED,
    "data.split_seed": _SEED,
    "data.folds": _at_least(2),
    "data.fold": _at_least(0),
    "data.max_length": _COUNT,
    "data.batch_size": _COUNT,
    "data.num_workers": _at_least(0),
    "speed.threads": _COUNT,
    "trainer.accelerator": (ACCELERATORS.__contains__, f"one of {', '.join(ACCELERATORS)}"),
    "trainer.strategy": (STRATEGIES.__contains__, "a strategy of Lightning, such as auto, ddp or fsdp"),
    "trainer.enable_checkpointing": (bool, "true: a run without checkpoints can be neither evaluated nor resumed"),
    "trainer.devices": (_devices, "1 or more, -1 for all, auto, or a list of device numbers"),
    "trainer.num_nodes": _COUNT,
    "trainer.precision": (
        lambda value: str(value) in PRECISIONS,
        "one of auto, 32-true, 16-mixed, bf16-mixed, 64-true, 16-true, bf16-true",
    ),
    "trainer.fast_dev_run": _at_least(0),
    "trainer.max_epochs": (
        _COUNT_OR_ENDLESS[0],
        "1 or more, or -1 together with trainer.max_steps or trainer.max_time",
    ),
    "trainer.min_epochs": _COUNT,
    "trainer.max_steps": (_COUNT_OR_ENDLESS[0], "1 or more, or -1 for no limit"),
    "trainer.min_steps": _COUNT,
    "trainer.max_time": (_duration, _DURATION_WORDS),
    "trainer.limit_train_batches": _SHARE,
    "trainer.limit_val_batches": _SHARE,
    "trainer.limit_test_batches": _SHARE,
    "trainer.limit_predict_batches": _SHARE,
    "trainer.overfit_batches": _SHARE,
    "trainer.val_check_interval": (_interval, f"1 batch or more, a share of an epoch up to 1.0, or {_DURATION_WORDS}"),
    "trainer.check_val_every_n_epoch": _COUNT,
    "trainer.num_sanity_val_steps": _at_least(-1),
    "trainer.log_every_n_steps": _at_least(0),
    "trainer.accumulate_grad_batches": _COUNT,
    "trainer.gradient_clip_val": _at_least(0),
    "trainer.barebones": (lambda value: not value, "false: a run without records could not be found again"),
    "trainer.plugins": (
        lambda value: False,
        "null: a plugin is a Python object, give it to pk.Trainer(plugins=...) in a script",
    ),
    "trainer.reload_dataloaders_every_n_epochs": _at_least(0),
    "monitor.metric": (lambda value: bool(value.strip()), "the name of a logged metric, such as val/f1_macro"),
    "early_stopping.patience": _at_least(0),
    "early_stopping.min_delta": _at_least(0),
    "checkpoint.every_n_epochs": _COUNT,
    "checkpoint.every_n_steps": _COUNT,
    "checkpoint.every_n_minutes": (lambda value: value > 0, "more than 0"),
    "checkpoint.keep_last": _COUNT,
    "tracking.checkpoint_mib": _at_least(0),
}


def check_ranges(config: Config, places: Places) -> None:
    """Refuse values out of range, and keys that cannot do their work without another one.

    Raises:
        UserError: the first such key, with its place and the allowed range or choices.
    """
    for key, value in _leaves(config, ""):
        hint, _ = schema_of(key)
        if not fits(
            value, hint
        ):  # what OmegaConf lets through: inside lists, and what a reference stands for in a union
            what = f"expected {described(hint)}, found {found(value)}"
            raise UserError(what, where=places.of(key), remedy=f"change {key}")
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"{value} is not a finite number", where=places.of(key), remedy="write a finite number")
        if value is not None and key in ALLOWED:
            allowed, words = ALLOWED[key]
            if not allowed(value):
                raise UserError(
                    f"{found(value)} is out of range", where=places.of(key), remedy=_allowed(key, value, words)
                )
    trainer = config.trainer
    if trainer.max_epochs == -1 and trainer.max_time is None and trainer.max_steps in (None, -1):
        remedy = "set trainer.max_steps or trainer.max_time too, or a number of epochs"
        raise UserError("-1 would train forever", where=places.of("trainer.max_epochs"), remedy=remedy)
    if config.early_stopping is not None and config.monitor is None:
        remedy = "add monitor: {metric: val/loss, mode: min}"
        raise UserError("early stopping needs a metric to watch", where=places.of("early_stopping"), remedy=remedy)
    _check_data(config, places)


def check_ownership(config: Config, *, own_task: bool, own_data: bool, places: Places) -> None:
    """Refuse keys that belong to somebody else: a team's own module owns its model and optimiser, own data its split.

    Args:
        config: the loaded config.
        own_task: `task.class_path` is a LightningModule that is not projectkit's.
        own_data: `data.class_path` is the team's own LightningDataModule.
        places: from the loaded config.

    Raises:
        UserError: the keys that must be absent.
    """
    if own_task:
        _refuse_given(config.task.class_path, config, "", ("model", "optimizer", "scheduler"), places)
    if own_data:
        names = ("name", "target", "split", "folds", "unit", "max_length", "balanced", "input", "buckets", "augment")
        _refuse_given(str(config.data.class_path), config.data, "data", names, places)


_OFF = {"data.balanced": "false", "data.input": "auto", "data.buckets": "auto", "data.augment": "[]"}


def _refuse_given(owner: str, section: Any, parent: str, names: tuple[str, ...], places: Places) -> None:
    given = [join(parent, name) for name in names if getattr(section, name) not in (None, False, "auto", [])]
    if given:
        what = f"{owner} is your own class and brings its own {', '.join(names)}"
        off = [f"{key}={_OFF.get(key, 'null')}" for key in given]
        remedy = f"remove {', '.join(given)}, or add {' '.join(off)}"
        raise UserError(what, where=places.of(given[0]), remedy=remedy)


def _check_data(config: Config, places: Places) -> None:
    if config.data.class_path is None and config.data.name is None:
        remedy = "write data: {name: digits}, or another name of `projectkit data list`"
        raise UserError("no data set is named", where=places.of("data.name"), remedy=remedy)
    if config.data.class_path is None and config.data.init_args:
        remedy = "add data.class_path, or remove data.init_args"
        raise UserError("arguments without a class", where=places.of("data.init_args"), remedy=remedy)
    folds, fold = config.data.folds, config.data.fold
    if folds is None and fold:
        remedy = "add data.folds, such as data.folds=5, or remove data.fold"
        raise UserError(
            f"fold {fold} of a split that is not cut into folds", where=places.of("data.fold"), remedy=remedy
        )
    if folds is not None and fold >= folds:
        remedy = f"allowed: 0 to {folds - 1}, as data.folds is {folds}"
        raise UserError(f"{fold} is out of range", where=places.of("data.fold"), remedy=remedy)


def _allowed(key: str, value: Any, words: str) -> str:
    near = nearest(str(value), _CHOICES.get(key, ()))
    return f"did you mean {near}? allowed: {words}" if near else f"allowed: {words}"


def _leaves(value: Any, key: str) -> list[tuple[str, Any]]:
    """Every dotted key of the schema with its value; init_args are left to the check against the signature."""
    if is_dataclass(value):
        return [leaf for field in fields(value) for leaf in _leaves(getattr(value, field.name), join(key, field.name))]
    if isinstance(value, list) and value and is_dataclass(value[0]):
        return [leaf for number, item in enumerate(value) for leaf in _leaves(item, join(key, number))]
    return [(key, value)]
