"""A training that goes wrong by itself: numbers that are none, and memory that runs out."""

from __future__ import annotations

import errno
import multiprocessing
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from faultcommands import Typed
from pytorch_lightning.callbacks import Callback
from table import fault
from torch.utils.data import DataLoader

from projectkit.runs import Run
from projectkit.training import load_checkpoint
from projectkit.training.endings import reason_of

pytestmark = pytest.mark.slow  # each row trains

STEPS = 14  # of an epoch: 1,400 samples in batches of 100
Beside = Callable[[object], None]


class At(Callback):
    """Does something to the module before one of the steps."""

    def __init__(self, step: int, does: Callable[[torch.nn.Module], object]) -> None:
        self.step = step
        self.does = does

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
        if trainer.global_step == self.step:
            self.step = -1
            self.does(pl_module)


def spoil(value: float) -> Callable[[torch.nn.Module], object]:
    def does(module: torch.nn.Module) -> None:
        with torch.no_grad():
            module.model.layers[3].weight[0, 0] = value

    return does


def raising(error: BaseException) -> Callable[[torch.nn.Module], object]:
    def does(module: torch.nn.Module) -> None:
        raise error

    return does


def kept(run: Run) -> int:
    """The step of the last checkpoint, whose weights are numbers."""
    checkpoint = load_checkpoint(run.checkpoint("last"))
    assert all(torch.isfinite(tensor).all() for tensor in checkpoint["state_dict"].values())
    return int(checkpoint["global_step"])


@fault(
    "the loss becomes NaN or infinite",
    happens="exit 1; the line names the step, the first weight that is not finite, and what to try",
    kept="`last.ckpt` of before: loss and weights are looked at before each checkpoint; the run is `failed (nan)`",
)
@pytest.mark.parametrize("overrides", [[], ["checkpoint.every_n_steps=21"]], ids=["end of epoch", "checkpoint"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number(
    typed: Typed, config: Path, beside: Beside, only_run: Callable[[], Run], value: float, overrides: list[str]
) -> None:
    beside(At(STEPS + 4, spoil(value)))
    ended = typed("train", *overrides)
    assert ended.status == 1
    assert "the loss is nan at step" in ended.line or "the loss is inf at step" in ended.line
    assert "the inputs are finite, the parameter model.layers.0.weight is not" in ended.line or overrides
    assert "lower optimizer.init_args.lr tenfold" in ended.line
    assert "last.ckpt is of before" in ended.line
    assert (only_run().status, only_run().record["reason"]) == ("failed", "nan")
    assert kept(only_run()) == STEPS


OWN = """
import torch
from torch.utils.data import DataLoader, TensorDataset
import pytorch_lightning as pl

class Data(pl.LightningDataModule):
    def train_dataloader(self):
        x = torch.randn(20, 4)
        x[8, 1] = float("nan")
        return DataLoader(TensorDataset(x, torch.arange(20) % 3), batch_size=5)

class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 3)
    def training_step(self, batch, batch_idx):
        return torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)
"""
OWN_CONFIG = """
name: own
task: {class_path: team.numbers.Module}
data: {class_path: team.numbers.Data}
trainer: {max_epochs: 1, accelerator: cpu, log_every_n_steps: 1}
tracking: {wandb: disabled}
"""


@fault(
    "a sample of a team's own data is NaN",
    happens="exit 1; the line names the step, and the sample in the batch",
    kept="`last.ckpt` of before, if there was one; the run is `failed (nan)`",
)
def test_an_input_that_is_no_number(
    typed: Typed, config: Path, team_file: Callable[[str, str], None], only_run: Callable[[], Run]
) -> None:
    team_file("numbers", OWN)
    config.write_text(OWN_CONFIG, encoding="utf-8")
    ended = typed("train")
    assert ended.status == 1
    assert "the loss is nan at step 2: sample 3 of the batch is not finite in part 0 of it" in ended.line
    assert (only_run().status, only_run().record["reason"]) == ("failed", "nan")


@fault(
    "out of memory, of the processor or the GPU",
    happens="exit 1; the line says which batch size to halve",
    kept="the last checkpoint; the run is `failed (oom)`",
)
@pytest.mark.parametrize(
    "exhaust",
    [
        lambda module: torch.empty(10**15),
        lambda module: bytearray(10**18),
        raising(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has")),
    ],
    ids=["torch", "python", "cuda"],
)
def test_out_of_memory(
    typed: Typed, config: Path, beside: Beside, only_run: Callable[[], Run], exhaust: Callable[..., object]
) -> None:
    beside(At(STEPS + 4, exhaust))
    ended = typed("train")
    assert ended.status == 1
    assert f"{only_run().id}: out of memory" in ended.line
    assert "halve data.batch_size (now 100)" in ended.line
    assert (only_run().status, only_run().record["reason"]) == ("failed", "oom")
    assert kept(only_run()) == STEPS


@fault(
    "a worker of the data loader is killed, as the system does when memory runs out",
    happens="exit 1; the line says so, and to use fewer workers",
    kept="the last checkpoint; the run is `failed (oom)`",
    only="Linux",
)
def test_a_worker_that_is_killed(typed: Typed, config: Path, beside: Beside, only_run: Callable[[], Run]) -> None:
    def kill(module: torch.nn.Module) -> None:
        worker = multiprocessing.active_children()[0]
        subprocess.run(["kill", "-9", str(worker.pid)], check=True)

    beside(At(STEPS + 2, kill))
    ended = typed("train", "data.input=stream", "data.num_workers=1")
    assert ended.status == 1
    assert re.search("a worker of the data loader .*was killed by the system", ended.line)
    assert "set data.num_workers=0 (now 1)" in ended.line
    assert f"type `projectkit train --resume {only_run().id}`" in ended.line
    assert (only_run().status, only_run().record["reason"]) == ("failed", "oom")
    assert kept(only_run()) == STEPS


def test_a_worker_that_is_gone_while_it_hands_a_batch_over_is_told_by_where_the_error_came_from() -> None:
    class Torn:
        """What torch's queue does when the other end is gone."""

        def __getitem__(self, row: int) -> int:
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")

        def __len__(self) -> int:
            return 1

    with pytest.raises(ConnectionResetError) as torn:
        next(iter(DataLoader(Torn())))
    assert reason_of(torn.value) == "oom"
    assert reason_of(ConnectionResetError(errno.ECONNRESET, "a team's own server")) == "error"


@fault(
    "the GPU is lost: it fell off the bus, its driver was restarted, an earlier operation broke it",
    happens="exit 1; the line says what CUDA said, and to look at `nvidia-smi`",
    kept="the last checkpoint, nothing is read from the GPU any more; the run is `failed (gpu)`",
)
@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("CUDA error: unspecified launch failure\nCUDA kernel errors might be", "look at `nvidia-smi`, then type"),
        ("CUDA error: device-side assert triggered\nCUDA kernel errors might be", "with trainer.accelerator=cpu"),
    ],
    ids=["lost", "assert"],
)
def test_a_lost_gpu(
    typed: Typed, config: Path, beside: Beside, only_run: Callable[[], Run], text: str, advice: str
) -> None:
    beside(At(STEPS + 4, raising(getattr(torch, "AcceleratorError", RuntimeError)(text))))
    ended = typed("train")
    assert ended.status == 1
    assert advice in ended.line
    assert (only_run().status, only_run().record["reason"]) == ("failed", "gpu")
    assert kept(only_run()) == STEPS


@fault(
    "the config asks for a GPU, and there is none",
    happens="exit 2: it is not silently trained on the processor",
    kept="no run is made",
)
@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has what the test wants to be missing")
def test_a_gpu_that_is_absent(typed: Typed, config: Path) -> None:
    ended = typed("train", "trainer.accelerator=cuda")
    assert ended.status == 2
    assert "torch sees none" in ended.line
    assert not (config.parents[1] / "runs").exists()
