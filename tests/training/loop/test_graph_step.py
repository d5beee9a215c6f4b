"""The step as a CUDA graph: on a GPU it gives what the eager step gives; elsewhere it is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pytorch_lightning.plugins.precision import Precision
from pytorch_lightning.strategies import SingleDeviceStrategy
from torch import nn
from torch.optim import SGD, AdamW, Optimizer, RMSprop

from projectkit.tasks import Classification
from projectkit.training.loop.graph import GraphStep
from projectkit.training.loop.plain import PlainStep

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need a GPU")

SIZE, CLASSES = 32, 3


def trainer(device: str, optimizer: Any = AdamW, dropout: float = 0.0, **settings: Any) -> Any:
    torch.manual_seed(0)
    first = nn.Linear(6, 16, bias=False)
    model = nn.Sequential(first, nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, CLASSES))
    task = Classification(model).to(device)
    made: Optimizer = optimizer(task.parameters(), lr=1e-2)
    return SimpleNamespace(
        **{
            "lightning_module": task,
            "optimizers": [made],
            "train_dataloader": SimpleNamespace(batch_size=SIZE),
            "accumulate_grad_batches": 1,
            "gradient_clip_val": None,
            "gradient_clip_algorithm": None,
            "precision_plugin": Precision(),
            "strategy": SingleDeviceStrategy(torch.device(device)),
            "callbacks": [],
            **settings,
        }
    )


def batches(device: str) -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    sizes = [SIZE] * 9 + [7]
    made = [(torch.randn(size, 6, generator=generator), torch.arange(size) % CLASSES) for size in sizes]
    return [(x.to(device), y.to(device)) for x, y in made]


def test_without_a_gpu_it_is_refused_in_words() -> None:
    assert GraphStep().start(trainer("cpu")) == "CUDA graphs are for CUDA, not for cpu"


@pytest.mark.parametrize("optimizer", [AdamW, SGD, RMSprop])
@pytest.mark.parametrize("clip", [None, 0.1])
@needs_cuda
def test_a_recorded_training_goes_where_the_eager_one_goes(optimizer: Any, clip: float | None) -> None:
    program, ours = GraphStep(), trainer("cuda", optimizer, gradient_clip_val=clip)
    theirs = trainer("cuda", optimizer, gradient_clip_val=clip)
    assert program.start(ours) is None
    plain = PlainStep(theirs)
    for number, batch in enumerate(batches("cuda")):
        torch.testing.assert_close(program.step(batch, number), plain.step(batch), rtol=1e-3, atol=1e-4)
    program.finish()
    assert program.fallback is None
    torch.testing.assert_close(
        ours.lightning_module.state_dict(), theirs.lightning_module.state_dict(), rtol=1e-2, atol=1e-4
    )
    torch.testing.assert_close(
        ours.optimizers[0].state_dict()["state"], theirs.optimizers[0].state_dict()["state"], rtol=1e-2, atol=1e-4
    )


@needs_cuda
def test_two_recorded_trainings_with_dropout_draw_the_same_numbers() -> None:
    losses: list[list[float]] = []
    for _ in range(2):
        program = GraphStep()
        assert program.start(trainer("cuda", dropout=0.3)) is None
        steps = [program.step(batch, number) for number, batch in enumerate(batches("cuda"))]
        losses.append([float(loss) for loss in steps if loss is not None])
        assert program.fallback is None
    assert losses[0] == losses[1]
