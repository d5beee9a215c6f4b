"""What was logged so far, as plain containers: Lightning's checkpoints leave it out, and an epoch that goes on needs it.

The mean of an epoch is a sum so far; callbacks, a plateau and early stopping read figures of validations that are over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torchmetrics import Metric

from projectkit.training.loop.naming import connector

if TYPE_CHECKING:  # on a version of Lightning without these names a training still runs, in Lightning's own loop
    from projectkit.training.loop.lightning_names import ResultMetric, Results

KINDS = ("_callback_metrics", "_logged_metrics", "_progress_bar_metrics")
META = (
    "fx",
    "name",
    "prog_bar",
    "logger",
    "on_step",
    "on_epoch",
    "enable_graph",
    "add_dataloader_idx",
    "dataloader_idx",
    "metric_attribute",
)


def figures(trainer: pl.Trainer) -> dict[str, dict[str, Any]]:
    """The last value of everything that was logged: what callbacks, loggers and a progress bar read."""
    logs = connector(trainer)
    return {
        kind: {name: value for name, value in getattr(logs, kind).items() if isinstance(value, Tensor | int | float)}
        for kind in KINDS
    }


def set_figures(trainer: pl.Trainer, state: Mapping[str, Mapping[str, Any]]) -> None:
    """What `figures` gave."""
    device = trainer.strategy.root_device
    for kind in KINDS:
        setattr(connector(trainer), kind, {name: _on(value, device) for name, value in state[kind].items()})


def sums(trainer: pl.Trainer) -> list[dict[str, Any]]:
    """What the epoch's logged numbers come to so far, one entry for each name and hook."""
    results: Results = trainer.fit_loop.epoch_loop._results
    return [_entry(key, metric) for key, metric in results.items() if not metric.has_reset]


def set_sums(trainer: pl.Trainer, state: list[dict[str, Any]]) -> None:
    """What `sums` gave, for the next `log` to go on with; metrics of torchmetrics have their own state back by now."""
    from projectkit.training.loop.lightning_names import LogMeta, LogSync, ResultMetric

    results: Results = trainer.fit_loop.epoch_loop._results
    device = trainer.strategy.root_device
    modules = dict(trainer.lightning_module.named_modules())
    for entry in state:
        known = entry["meta"]
        meta = LogMeta(**{name: known[name] for name in META}, reduce_fx=known["reduce_fx"])
        meta.sync = LogSync(_should=known["should"], fn=trainer.strategy.reduce, rank_zero_only=known["rank_zero_only"])
        metric = ResultMetric(meta, entry["is_tensor"])
        if entry["is_tensor"]:
            metric.value = _on(entry["value"], device)
            if "samples" in entry:
                metric.cumulated_batch_size = _on(entry["samples"], device)
        elif isinstance(modules.get(known["metric_attribute"]), Metric):
            metric.value = modules[known["metric_attribute"]]
        else:  # a metric that the module does not hold: logged anew from here on
            continue
        metric._forward_cache = _on(entry["last"], device)
        metric._update_count = entry["updates"]
        results[entry["key"]] = metric.to(device)


def set_loop_iteration(trainer: pl.Trainer) -> None:
    """Whether the epoch's first batch is the last that ran, by which Lightning knows when to begin its sums anew."""
    connector(trainer)._first_loop_iter = trainer.fit_loop.epoch_loop.batch_progress.current.ready == 1


def _entry(key: str, metric: ResultMetric) -> dict[str, Any]:
    meta = metric.meta
    known = {name: getattr(meta, name) for name in META}
    known |= {"reduce_fx": meta.reduce_fx.__name__, "should": meta.sync.should}
    known["rank_zero_only"] = meta.sync.rank_zero_only
    entry = {"key": key, "meta": known, "is_tensor": metric.is_tensor, "updates": metric._update_count}
    entry["last"] = metric._forward_cache if isinstance(metric._forward_cache, Tensor) else None
    if metric.is_tensor:
        entry["value"] = metric.value
        if meta.is_mean_reduction:
            entry["samples"] = metric.cumulated_batch_size
    return entry


def _on(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, Tensor) else value
