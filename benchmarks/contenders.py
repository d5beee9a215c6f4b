"""One epoch of the same training by each way of writing it: by hand, by other frameworks, by Lightning as it is, and by ours.

Each function takes a workload and gives a measurement: seconds from the first step to the last of one epoch, without what comes once a
training (imports, the trainer's set-up). All of them use AdamW at the same rate and batches of the same size; what a way's own
documentation shows as its usual form is taken: a shuffling `DataLoader` for those who come with one.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import logging
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import greenlet
import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import CSVLogger
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset
from workloads import Workload

import projectkit as pk
from projectkit.data.batches import BatchSampler
from projectkit.data.loading import ResidentLoader

RATE = 1e-3
Measure = Callable[[], float]


def by_index(x: Tensor, y: Tensor, batch_size: int, *, select: bool = False) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches by index out of tensors, shuffled: what a loop that is tuned by hand uses; `select` knows the faster operation."""
    order = torch.randperm(len(y))
    for start in range(0, len(y), batch_size):
        rows = order[start : start + batch_size]
        yield (x.index_select(0, rows), y.index_select(0, rows)) if select else (x[rows], y[rows])


def shuffling_loader(work: Workload) -> DataLoader[Any]:
    """The loader of every tutorial: one sample at a time, put together to batches."""
    x, y = work.tensors
    return DataLoader(TensorDataset(x, y), batch_size=work.batch_size, shuffle=True)


def raw_tuned(work: Workload, *, select: bool = False) -> Measure:
    """By hand, tuned: batches by index, fused AdamW."""
    model = work.model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, fused=True)
    x, y = work.tensors

    def epoch() -> float:
        began = time.perf_counter()
        for inputs, labels in by_index(x, y, work.batch_size, select=select):
            loss = cross_entropy(model(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return time.perf_counter() - began

    return epoch


def raw_plain(work: Workload) -> Measure:
    """By hand, as tutorials have it: DataLoader, AdamW, the loss added up with `.item()`."""
    model = work.model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    loader = shuffling_loader(work)

    def epoch() -> float:
        began, total = time.perf_counter(), 0.0
        for inputs, labels in loader:
            loss = cross_entropy(model(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        return time.perf_counter() - began

    return epoch


class Plain(pl.LightningModule):
    """A LightningModule as its documentation writes one.

    Args:
        model: gives logits.
        logged: whether loss and accuracy are logged at each step.
        fused: whether AdamW is.
    """

    def __init__(self, model: nn.Module, *, logged: bool, fused: bool) -> None:
        super().__init__()
        self.model = model
        self.logged = logged
        self.fused = fused

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Lightning's hook."""
        x, y = batch
        logits = self.model(x)
        loss = cross_entropy(logits, y)
        if self.logged:
            self.log("loss", loss)
            self.log("accuracy", (logits.argmax(dim=1) == y).float().mean())
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Lightning's hook."""
        return torch.optim.AdamW(self.parameters(), lr=RATE, fused=self.fused)


class EpochByEpoch(pl.Callback):
    """Lets a trainer run one epoch at a time: at the start of each it hands over to whoever asked for the one before.

    So a contender is set up, and its steps compiled, once for all rounds; its one hook is none of a batch. The trainers take turns in one
    thread: torch keeps a pool of threads for each thread that computes, and several pools slow each other down.
    """

    def __init__(self) -> None:
        self.began: float | None = None
        self.asking = greenlet.getcurrent()
        self.fit = greenlet.getcurrent()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: everything of the epoch before has been done."""
        if self.began is not None:
            self.asking.switch(time.perf_counter() - self.began)
        self.began = time.perf_counter()

    def epoch(self) -> float:
        """Seconds of the next epoch."""
        self.asking = greenlet.getcurrent()
        with silent():
            return float(self.fit.switch())


QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


def live(trainer: Callable[..., pl.Trainer], module: pl.LightningModule, loader: Any, **arguments: Any) -> Measure:
    """A Lightning trainer; each measurement is its next epoch."""
    steps = EpochByEpoch()

    def fit() -> None:
        made = trainer(max_epochs=-1, accelerator="cpu", devices=1, callbacks=[steps], **arguments)
        made.fit(module, loader)

    steps.fit = greenlet.greenlet(fit)
    return steps.epoch


def new_folder() -> str:
    """For logs and checkpoints, until this process ends."""
    folder = tempfile.mkdtemp(prefix="projectkit-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def lightning_usual(work: Workload) -> Measure:
    """Lightning as people run it: DataLoader, progress bar, checkpoints, CSV logger, loss and accuracy logged at each step."""
    module, folder = Plain(work.model(), logged=True, fused=False), new_folder()
    usual = {"logger": CSVLogger(folder), "default_root_dir": folder, "enable_model_summary": False}
    return live(pl.Trainer, module, shuffling_loader(work), **usual)


def lightning_quiet(work: Workload) -> Measure:
    """Lightning with all of it off, fused AdamW and our loader: its loop alone."""
    return live(pl.Trainer, Plain(work.model(), logged=False, fused=True), resident(work), **QUIET)


def ours(work: Workload) -> Measure:
    """The same module under our trainer, quiet: the segment loop alone."""
    return live(pk.Trainer, Plain(work.model(), logged=False, fused=True), resident(work), **QUIET)


def ours_logged(work: Workload) -> Measure:
    """The same with loss and accuracy logged at each step, and a CSV logger."""
    module = Plain(work.model(), logged=True, fused=True)
    return live(pk.Trainer, module, resident(work), **{**QUIET, "logger": CSVLogger(new_folder())})


def ours_task(work: Workload, program: Any = None, *, buckets: bool = False) -> Measure:
    """What `projectkit train` runs: the classification task with its own loss and accuracy, and a CSV logger."""
    task = pk.tasks.Classification(work.model(), plan())
    arguments = {**QUIET, "logger": CSVLogger(new_folder()), **({} if program is None else {"program": program})}
    return live(pk.Trainer, task, resident(work, buckets=buckets), **arguments)


def plan() -> pk.tasks.OptimizerPlan:
    """Fused AdamW at the rate of all contenders."""
    return pk.tasks.OptimizerPlan(optimizer=lambda given: torch.optim.AdamW(given, lr=RATE, fused=True))


def resident(work: Workload, *, buckets: bool = False, augment: Any = None) -> Any:
    """Our loader over the workload's samples."""
    lengths = work.data.x.lengths if buckets else None
    sampler = BatchSampler(len(work.data), work.batch_size, seed=0, lengths=lengths)
    return ResidentLoader(work.data, sampler, finish=work.finish, augment=augment)


def fabric(work: Workload) -> Measure:
    """Lightning's Fabric."""
    from lightning_fabric import Fabric

    with silent():
        made = Fabric(accelerator="cpu", devices=1)
    model = work.model()
    model, optimizer = made.setup(model, torch.optim.AdamW(model.parameters(), lr=RATE))
    loader = made.setup_dataloaders(shuffling_loader(work))

    def epoch() -> float:
        began = time.perf_counter()
        for inputs, labels in loader:
            loss = cross_entropy(model(inputs), labels)
            optimizer.zero_grad()
            made.backward(loss)
            optimizer.step()
        return time.perf_counter() - began

    return epoch


def accelerate(work: Workload) -> Measure:
    """Hugging Face accelerate."""
    from accelerate import Accelerator

    made = Accelerator(cpu=True)
    model = work.model()
    model, optimizer, loader = made.prepare(
        model, torch.optim.AdamW(model.parameters(), lr=RATE), shuffling_loader(work)
    )

    def epoch() -> float:
        began = time.perf_counter()
        for inputs, labels in loader:
            loss = cross_entropy(model(inputs), labels)
            optimizer.zero_grad()
            made.backward(loss)
            optimizer.step()
        return time.perf_counter() - began

    return epoch


def skorch(work: Workload) -> Measure:
    """Skorch, quiet."""
    from skorch import NeuralNetClassifier

    x, y = work.tensors
    net = NeuralNetClassifier(
        work.model(),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        lr=RATE,
        batch_size=work.batch_size,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
    net.initialize()

    def epoch() -> float:
        began = time.perf_counter()
        net.partial_fit(x, y, epochs=1)
        return time.perf_counter() - began

    return epoch


def available(name: str) -> bool:
    """Whether an optional contender's package is installed: `pip install -e '.[bench]'`."""
    import importlib.util

    return importlib.util.find_spec(name) is not None


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Lightning's advice and bars go nowhere, at their full cost."""
    for name in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


def raw_validation(work: Workload) -> Measure:
    """By hand: a trained network over all samples in order, scores and labels gathered as ours are."""
    model = work.model().eval()
    x, y = work.tensors

    def epoch() -> float:
        began = time.perf_counter()
        scores, labels = [], []
        with torch.inference_mode():
            for start in range(0, len(y), work.batch_size):
                scores.append(model(x[start : start + work.batch_size]))
                labels.append(y[start : start + work.batch_size])
        torch.softmax(torch.cat(scores), dim=1)
        torch.cat(labels)
        return time.perf_counter() - began

    return epoch


class Gathering(pl.LightningModule):
    """Validation that gathers scores and labels, and nothing else.

    Args:
        model: gives logits.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.scores: list[Tensor] = []
        self.labels: list[Tensor] = []

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Lightning's hook."""
        self.scores.append(self.model(batch[0]))
        self.labels.append(batch[1])

    def on_validation_epoch_end(self) -> None:
        """Lightning's hook."""
        torch.softmax(torch.cat(self.scores), dim=1)
        torch.cat(self.labels)
        self.scores, self.labels = [], []


class TimedValidation(pl.Callback):
    """Seconds between the start and the end of the validation."""

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook."""
        self.began = time.perf_counter()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning's hook: after the module's own end of the epoch."""
        self.seconds = time.perf_counter() - self.began


def trainer_validation(work: Workload, trainer: Callable[..., pl.Trainer]) -> Measure:
    """The same by a trainer's `validate`."""
    module, loader = Gathering(work.model()), in_order(work)

    def epoch() -> float:
        timed = TimedValidation()
        with silent():
            trainer(accelerator="cpu", devices=1, callbacks=[timed], **QUIET).validate(module, loader, verbose=False)
        return timed.seconds

    return epoch


def evaluation(work: Workload) -> Measure:
    """The same by what `projectkit evaluate` predicts with."""
    from projectkit.evaluation.predict import predict
    from projectkit.training import Assembly

    task, loader = pk.tasks.Classification(work.model()), in_order(work)
    ids = np.arange(len(work.data)).astype(str)  # which a catalogued set has; making them takes a tenth of the whole

    def epoch() -> float:
        began = time.perf_counter()
        predict(Assembly(pl.LightningDataModule(), task, []), loader, torch.device("cpu"), ids)
        return time.perf_counter() - began

    return epoch


def in_order(work: Workload) -> Any:
    """Our loader for evaluation."""
    return ResidentLoader(work.data, BatchSampler(len(work.data), work.batch_size))
