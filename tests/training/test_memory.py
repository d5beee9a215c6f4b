"""A training that cannot fit is refused with a figure; a batch that does not fit into a GPU is run in parts, with the same gradient."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from projectkit.errors import UserError, WorkError
from projectkit.models import CNN
from projectkit.runs import load_run
from projectkit.tasks import Classification, OptimizerPlan
from projectkit.training import Trainer, decide, memory, train
from projectkit.training.memory import BatchParts, Need, need_of, refuse_too_large

GB = 10**9


def samples(count: int = 96) -> TensorDataset:
    generator = torch.Generator().manual_seed(0)
    return TensorDataset(torch.randn(count, 6, generator=generator), torch.randint(3, (count,), generator=generator))


class Tight(nn.Module):
    """A network on a card that has room for so many samples."""

    def __init__(self, room: int) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.layers = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
        self.room = room
        self.seen: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(len(x))
        if len(x) > self.room:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return self.layers(x)


class TightBackward(torch.autograd.Function):
    """Fails on the way back, when the first half of a network's gradients are there already."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        if len(gradient) > 12:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return gradient


class Backward(Tight):
    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(len(x))
        return self.layers[2](TightBackward.apply(self.layers[1](self.layers[0](x))))


class Own(pl.LightningModule):
    """A team's module: its loss is its training step's, and nothing else is known of it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return nn.functional.cross_entropy(self.model(batch[0]), batch[1])

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)


def fitted(task: pl.LightningModule, parts: BatchParts | None = None, **arguments: Any) -> Trainer:
    off = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    trainer = Trainer(max_epochs=2, accelerator="cpu", **{**off, **arguments})
    if parts is not None:
        parts.install(trainer)
    trainer.fit(task, DataLoader(samples(), batch_size=24))
    return trainer


def make(kind: type[pl.LightningModule], model: nn.Module) -> pl.LightningModule:
    if kind is Own:
        return Own(model)
    return Classification(model, OptimizerPlan(lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9)))


@pytest.mark.parametrize("kind", [Own, Classification])
@pytest.mark.parametrize("model", [Tight, Backward])
@pytest.mark.parametrize("arguments", [{}, {"gradient_clip_val": 0.05}, {"accumulate_grad_batches": 2}], ids=str)
def test_a_batch_in_parts_gives_the_weights_of_the_whole_batch(
    kind: type[pl.LightningModule], model: type[Tight], arguments: dict[str, Any]
) -> None:
    whole, cut = Tight(1000), model(10)
    told: list[int] = []
    one = fitted(make(kind, whole), **arguments)
    two = fitted(make(kind, cut), BatchParts(tell=told.append), **arguments)
    assert told == ([2, 4] if model is Tight else [2])
    assert cut.seen[-1] in (6, 12)
    for mine, theirs in zip(cut.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)
    assert one.global_step == two.global_step
    assert one.fit_loop.state_dict() == two.fit_loop.state_dict()


def test_later_batches_and_a_resumed_training_begin_with_the_parts_that_fit() -> None:
    cut = Tight(10)
    fitted(make(Classification, cut), BatchParts(4))
    assert set(cut.seen) == {6}


def test_what_is_noted_of_a_batch_is_noted_once() -> None:
    class Noting(Classification):
        def note_step(self, loss: Tensor, noted: Any, samples: int) -> None:
            counted.append(samples)
            super().note_step(loss, noted, samples)

    counted: list[int] = []
    fitted(Noting(Tight(10)), BatchParts())
    assert sum(counted) == 2 * 96


def test_one_sample_that_does_not_fit_is_the_usual_error() -> None:
    with pytest.raises(torch.cuda.OutOfMemoryError):
        fitted(make(Classification, Tight(0)), BatchParts())


TIGHT = (
    "import torch\n"
    "class Net(torch.nn.Module):\n"
    "    def __init__(self, num_features: int, num_classes: int, room: int = 30):\n"
    "        super().__init__()\n"
    "        self.net, self.room = torch.nn.Linear(num_features, num_classes), room\n"
    "    def forward(self, x):\n"
    "        if self.training and len(x) > self.room:\n"
    "            raise torch.cuda.OutOfMemoryError('CUDA out of memory.')\n"
    "        return self.net(x)\n"
)


def test_a_run_in_parts_says_so_and_records_it(config: Path, team_file: Callable[[str, str], None]) -> None:
    team_file("tight", TIGHT)
    net = ["model={class_path: team.tight.Net}", "trainer.max_epochs=1", "speed.tune=off"]
    run = train(config, net)
    assert run.part("resolved")["micro_batches"] == 4
    warned = [event["message"] for event in run.events() if event["event"] == "warned"]
    assert [message for message in warned if "in 2 parts" in message or "in 4 parts" in message] == warned
    with pytest.raises(WorkError, match=r"out of memory; halve data\.batch_size"):
        train(config, [*net, "model.init_args={room: 0}"])
    assert load_run("latest").id == run.id


def test_the_estimate_follows_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Classification(CNN(num_classes=4, in_channels=1))
    batch = (torch.randn(64, 1, 16, 16), torch.randint(4, (64,)))
    need = need_of(task, batch, task.plan.build, 8 * GB)
    weights = sum(parameter.nbytes for parameter in task.parameters())
    assert need.fixed == 3 * weights  # the gradient, and AdamW's two moments
    kept, largest = memory._kept(task, batch)
    assert need.of(64) - need.fixed == pytest.approx(kept + largest, rel=0.1)


def test_the_task_that_is_estimated_stays_as_it_is() -> None:
    task = Classification(nn.Sequential(nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 3)))
    before = {name: value.clone() for name, value in task.state_dict().items()}
    random = torch.get_rng_state()
    need_of(task, (torch.randn(8, 6, generator=torch.Generator()), torch.zeros(8).long()), task.plan.build, 8 * GB)
    assert all(torch.equal(before[name], value) for name, value in task.state_dict().items())
    assert torch.equal(random, torch.get_rng_state())


def test_what_cannot_fit_is_refused_with_the_batch_that_would() -> None:
    need = Need(fixed=GB, each_sample=10_000_000.0)
    refuse_too_large(need, 100, 2 * GB)
    with pytest.raises(UserError, match=r"takes about 6\.0 GB .* 2\.0 GB are free; write data\.batch_size=64, which"):
        refuse_too_large(need, 500, 2 * GB)
    with pytest.raises(UserError, match=r"^model: training takes about 1\.1 GB .* take a smaller model"):
        refuse_too_large(need, 10, GB // 2)


def test_a_run_that_cannot_fit_leaves_no_folder(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "available_memory", lambda: 15_000)
    with pytest.raises(
        UserError, match=r"data\.batch_size: training takes about .* write data\.batch_size=\d+, which fits"
    ):
        train(config)
    assert not (config.parents[1] / "runs").exists()


def test_a_batch_that_is_replayed_is_not_cut_and_the_error_says_so(
    config: Path, team_file: Callable[[str, str], None]
) -> None:
    team_file("tight", TIGHT)
    free = "task={class_path: projectkit.tasks.AdversarialClassification, init_args: {method: free, epsilon: 0.1}}"
    with pytest.raises(WorkError, match=r"out of memory, and free .* replays whole batches; halve data\.batch_size"):
        train(config, ["model={class_path: team.tight.Net}", free, "speed.tune=off"])
