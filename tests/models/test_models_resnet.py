"""The residual network: the published shape, any small image, and the same gradients with less memory."""

from __future__ import annotations

import copy

import pytest
import pytorch_lightning as pl
import torch
from torch.nn import functional

from projectkit.attacks.folding import foldable
from projectkit.data import DataModule
from projectkit.errors import UserError
from projectkit.models import ResNet
from projectkit.tasks import Classification, OptimizerPlan


def small(**arguments: object) -> ResNet:
    torch.manual_seed(0)
    return ResNet(3, 5, **{"depth": 8, "width": 4, **arguments})


@pytest.mark.parametrize(("depth", "parameters"), [(20, 269_722), (32, 464_154), (56, 853_018)])
def test_the_network_has_the_published_size(depth: int, parameters: int) -> None:
    """0.27, 0.46 and 0.85 million, the paper's table 6."""
    model = ResNet(3, 10, depth)
    assert sum(each.numel() for each in model.parameters()) == parameters
    assert sum(each.ndim > 1 for each in model.parameters()) == depth


@pytest.mark.parametrize("size", [(8, 8), (28, 28), (31, 33), (64, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_it_gives_logits_for_any_size(size: tuple[int, int], channels: int) -> None:
    assert ResNet(channels, 10, 8, width=4)(torch.randn(2, channels, *size)).shape == (2, 10)


def test_strides_say_how_far_the_image_shrinks() -> None:
    x, seen = torch.randn(1, 3, 64, 64), []
    for strides in ((1, 2, 2), (2, 2, 2), (1, 1, 1)):
        model = small(strides=strides)
        model.blocks[-1].register_forward_hook(lambda module, inputs, output: seen.append(output.shape[2]))
        model(x)
    assert seen == [16, 8, 64]


def test_a_gradient_reaches_every_parameter() -> None:
    model = small()
    functional.cross_entropy(model(torch.randn(16, 3, 12, 12)), torch.arange(16) % 5).backward()
    assert [name for name, each in model.named_parameters() if each.grad is None or not each.grad.abs().sum() > 0] == []


def test_the_logits_of_a_sample_do_not_depend_on_its_batch_mates() -> None:
    model, x = small().eval(), torch.randn(5, 3, 12, 12)
    torch.testing.assert_close(model(x), torch.cat([model(each[None]) for each in x]), atol=1e-5, rtol=1e-4)


def test_the_order_in_memory_changes_nothing() -> None:
    model, x = small().double().eval(), torch.randn(4, 3, 16, 16, dtype=torch.float64)
    wanted = model(x)
    last = copy.deepcopy(model).to(memory_format=torch.channels_last)
    torch.testing.assert_close(last(x.contiguous(memory_format=torch.channels_last)), wanted)


@pytest.mark.parametrize("frozen_input", [True, False])
def test_checkpointed_blocks_give_the_same_gradients_and_statistics(frozen_input: bool) -> None:
    x = torch.randn(6, 3, 12, 12, requires_grad=not frozen_input)
    found = []
    for checkpoint_blocks in (False, True):
        model = small(checkpoint_blocks=checkpoint_blocks)
        for _ in range(2):
            functional.cross_entropy(model(x), torch.arange(6) % 5).backward()
        found.append([*(each.grad for each in model.parameters()), *model.buffers()])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_checkpointed_blocks_keep_less() -> None:
    def kept(checkpoint_blocks: bool) -> int:
        model, sizes = small(depth=20, checkpoint_blocks=checkpoint_blocks), [0]

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            sizes[0] += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            model(torch.randn(4, 3, 16, 16))
        return sizes[0]

    assert kept(True) < 0.3 * kept(False)


def test_it_is_captured_as_one_graph() -> None:
    model, x = small(), torch.randn(4, 3, 12, 12)
    whole = torch.compile(copy.deepcopy(model), backend="eager", fullgraph=True)
    torch.testing.assert_close(whole(x), model(x))


def test_its_batch_normalisation_can_be_folded() -> None:
    assert len(foldable(small().eval())) == 7  # the stem's, and two in each of three blocks


@pytest.mark.parametrize("depth", [2, 7, 18, 21])
def test_a_depth_that_is_no_such_network_is_named_with_the_nearest(depth: int) -> None:
    with pytest.raises(UserError, match=f"a depth of {depth} is not 6 n") as caught:
        ResNet(3, 10, depth)
    assert caught.value.remedy is not None
    ResNet(3, 10, int(caught.value.remedy.split()[-1]), width=2)


@pytest.mark.parametrize("strides", [(1, 2), (1, 2, 0), (1, 2, 2, 2)])
def test_other_strides_than_three_are_refused(strides: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="write three numbers"):
        small(strides=strides)


def test_a_series_is_told_to_take_another_model() -> None:
    with pytest.raises(UserError, match=r"ResNet reads images.*SeriesCNN"):
        small()(torch.randn(2, 3, 40))


@pytest.mark.slow
def test_it_learns_digits() -> None:
    torch.manual_seed(0)
    data = DataModule("digits", batch_size=64)
    module = Classification(
        ResNet(1, 10, 8, width=8), OptimizerPlan(lambda parameters: torch.optim.AdamW(parameters, lr=0.01))
    )
    quiet = {
        "logger": False,
        "enable_progress_bar": False,
        "enable_checkpointing": False,
        "enable_model_summary": False,
    }
    trainer = pl.Trainer(accelerator="cpu", max_epochs=4, **quiet)
    trainer.fit(module, datamodule=data)
    assert float(trainer.callback_metrics["val/accuracy"]) > 0.93
