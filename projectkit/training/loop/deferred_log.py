"""`self.log` in `training_step` and `validation_step`, put off to the end of the segment.

Lightning's `log` costs a third of a millisecond a call: it checks, copies and reduces one number. Here the first call for a name goes that
way, which checks the arguments and makes the metric; from then on a call with the same arguments appends a number, and all of them
are reduced at once when somebody looks at the results, at the latest at the segment's end. The order of additions stays the same: in
float32, one after the other, so that the metrics hold bit for bit what Lightning's would (on other devices than the CPU the sum is
taken by the device, in its order). Whatever is unusual goes Lightning's way each time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torchmetrics import Metric

from projectkit.training.loop.lightning_names import (
    FX,
    ResultMetric,
    Results,
    connector,
    extract_batch_size,
    names_of,
)

EXACT = (torch.float32, torch.float16, torch.bfloat16)  # fit into float32, in which values are summed
REDUCED = (torch.mean, torch.sum, torch.max, torch.min)


class DeferredLog:
    """Stands in for `log` of a module while its batches run.

    Args:
        trainer: whose results are written.
        results: the loop's own.
        step: the method whose calls are put off.
    """

    def __init__(self, trainer: pl.Trainer, results: Results, step: str = "training_step") -> None:
        self.trainer = trainer
        self.module = trainer.lightning_module
        self.results = results
        self.step = step
        self._names = names_of(self.module)
        self._entries: dict[str, _Entry] = {}
        self._waiting: list[_Entry] = []
        self._own = self.log
        # a `log` of one's own, or one that a compiler looks through, stays what it is
        self.possible = (
            type(self.module).log is pl.LightningModule.log
            and getattr(self.module, "_compiler_ctx", None) is None
            and not trainer.barebones
        )

    def install(self) -> None:
        """Take the place of the module's `log`."""
        if self.possible and "log" not in self._names:
            self._names["log"] = self._own

    def remove(self) -> None:
        """Give it back."""
        if self._names.get("log") is self._own:
            del self._names["log"]

    def __getstate__(self) -> dict[str, Any]:
        """For a copy of the module that somebody makes in the middle of a step: nothing of the training goes with it."""
        return {"module": self.module}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """In such a copy: each call goes Lightning's way."""
        self.module = state["module"]
        self.step = ""
        self._names, self._entries, self._waiting = names_of(self.module), {}, []

    def log(
        self,
        name: str,
        value: Any,
        prog_bar: bool = False,
        logger: bool | None = None,
        on_step: bool | None = None,
        on_epoch: bool | None = None,
        reduce_fx: Any = "mean",
        enable_graph: bool = False,
        sync_dist: bool = False,
        sync_dist_group: Any = None,
        add_dataloader_idx: bool = True,
        batch_size: int | None = None,
        metric_attribute: str | None = None,
        rank_zero_only: bool = False,
    ) -> None:
        """As `LightningModule.log`."""
        settings = (
            prog_bar,
            logger,
            on_step,
            on_epoch,
            reduce_fx,
            enable_graph,
            sync_dist,
            sync_dist_group,
            add_dataloader_idx,
            metric_attribute,
            rank_zero_only,
        )
        entry = self._entries.get(name)
        in_step = self._names[FX] == self.step
        if in_step and entry is not None and entry.settings == settings and self.results.get(entry.key) is entry.metric:
            fresh = not entry.count
            if entry.take(value, batch_size, self.results):
                if fresh:
                    self._waiting.append(entry)
                return
        self.flush()
        pl.LightningModule.log(
            self.module,
            name,
            value,
            prog_bar=prog_bar,
            logger=logger,
            on_step=on_step,
            on_epoch=on_epoch,
            reduce_fx=reduce_fx,
            enable_graph=enable_graph,
            sync_dist=sync_dist,
            sync_dist_group=sync_dist_group,
            add_dataloader_idx=add_dataloader_idx,
            batch_size=batch_size,
            metric_attribute=metric_attribute,
            rank_zero_only=rank_zero_only,
        )
        if in_step:
            self._remember(name, settings, add_dataloader_idx)

    def flush(self) -> None:
        """Reduce what waits, so that the results are as if each value had been logged at once."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for entry in waiting:
                entry.flush()
            connector(self.trainer)._current_fx = self.step

    def _remember(self, name: str, settings: tuple[Any, ...], by_loader: bool) -> None:
        """Append from now on, where the metric that Lightning made is one that can be filled later."""
        key = f"{self.step}.{name}"
        if by_loader and self.results.dataloader_idx is not None:
            key += f".{self.results.dataloader_idx}"
        metric = self.results.get(key)
        if metric is not None and _Entry.possible(metric):
            self._entries[name] = _Entry(key, metric, settings)


# whoever passes an argument that `log` does not have is told so in Lightning's words
DeferredLog.log.__qualname__ = pl.LightningModule.log.__qualname__


class _Entry:
    """One logged name: the metric that holds it, and the values that it has not seen yet."""

    def __init__(self, key: str, metric: ResultMetric, settings: tuple[Any, ...]) -> None:
        self.key = key
        self.metric = metric
        self.settings = settings
        meta = metric.meta
        self.device: torch.device | None = metric.value.device if metric.is_tensor else None
        self.on_cpu = self.device is not None and self.device.type == "cpu"
        self.weighted = metric.is_tensor and meta.on_epoch and meta.is_mean_reduction
        self.count = 0
        self.values: list[Any] = []
        self.sizes: list[int] = []
        self.cache: Any = None  # of a torchmetrics metric: what its last call gave

    @staticmethod
    def possible(metric: ResultMetric) -> bool:
        meta = metric.meta
        if not metric.is_tensor:
            return not meta.enable_graph
        return not meta.enable_graph and meta.reduce_fx in REDUCED and metric.value.dtype is torch.float32

    def take(self, value: Any, batch_size: int | None, results: Results) -> bool:
        """Append a value, unless it is an unusual one."""
        metric = self.metric
        if not metric.is_tensor:
            if value is not metric.value or not isinstance(value, Metric):
                return False
            self.cache = value._forward_cache
            self.count += 1
            return True
        kind = type(value)
        if kind is Tensor:
            if value.dtype not in EXACT or value.numel() != 1 or value.device != self.device:
                return False
            # a copy either way: the module may go on with the tensor in place
            value = value.item() if self.on_cpu else value.detach().to(torch.float32, copy=True).squeeze()
        elif (kind is not float and kind is not int) or not self.on_cpu:
            return False
        if self.weighted:
            if batch_size is None:
                batch_size = results.batch_size
                if batch_size is None:
                    batch_size = results.batch_size = _size_of(results.batch)
            elif type(batch_size) is not int:
                return False
            self.sizes.append(batch_size)
        self.values.append(value)
        self.count += 1
        return True

    def flush(self) -> None:
        """What as many calls of the metric's `update` would have done."""
        metric, count = self.metric, self.count
        values, self.values = self.values, []
        sizes, self.sizes = self.sizes, []
        self.count = 0
        metric._computed = None
        metric._update_count += count
        metric.has_reset = False
        if not metric.is_tensor:
            metric._forward_cache, self.cache = self.cache, None
            return
        series = np.array(values, dtype=np.float32) if self.on_cpu else torch.stack(values)
        if metric.meta.on_step:
            metric._forward_cache = _last(series)
            if not metric.meta.on_epoch:
                metric.value = metric._forward_cache
                return
        if self.weighted:
            series = _times(series, sizes)
            metric.cumulated_batch_size = metric.cumulated_batch_size + sum(sizes)
        metric.value = _reduced(metric.meta.reduce_fx, metric.value, series)


def _size_of(batch: Any) -> int:
    """Samples in a batch, as Lightning counts them: the first tensor's length."""
    if batch is None:
        return 1
    first = batch[0] if type(batch) in (tuple, list) and batch else batch
    if type(first) is Tensor and type(batch) is not dict and _agree(batch, first):
        return len(first)
    return int(extract_batch_size(batch))


def _agree(batch: Any, first: Tensor) -> bool:
    """Whether every part is a tensor of the same length, so that nobody needs to be warned."""
    if first.ndim == 0:
        return False
    return batch is first or all(type(part) is Tensor and part.ndim and len(part) == len(first) for part in batch)


def _last(series: Any) -> Tensor:
    return series[-1].clone() if isinstance(series, Tensor) else torch.tensor(series[-1])


def _times(series: Any, sizes: list[int]) -> Any:
    """Each value times the samples that it is the mean of, in float32."""
    if len(set(sizes)) == 1:
        return series * sizes[0] if isinstance(series, Tensor) else series * np.float32(sizes[0])
    if isinstance(series, Tensor):
        return series * torch.tensor(sizes, dtype=torch.float32).to(series.device, non_blocking=True)
    return series * np.array(sizes, dtype=np.float32)


def _reduced(reduce: Any, state: Tensor, series: Any) -> Tensor:
    """The state after all values, one after the other."""
    if isinstance(series, Tensor):
        if reduce in (torch.max, torch.min):
            return reduce(state, reduce(series))  # type: ignore[no-any-return] # both give a tensor
        return state + series.sum()
    whole = np.concatenate([np.array([state.item()], dtype=np.float32), series])
    if reduce in (torch.max, torch.min):  # of 0.0 and -0.0 the first, as torch keeps it
        return torch.tensor(whole[np.argmax(whole) if reduce is torch.max else np.argmin(whole)])
    # `sum` would add in pairs: another rounding
    return torch.tensor(np.add.accumulate(whole)[-1])
