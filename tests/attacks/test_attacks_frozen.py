"""A network under attack is not touched: neither weights, nor statistics, nor modes, nor gradients."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from projectkit.attacks import Attack, frozen, perturb
from projectkit.attacks.frozen import Mode


def network() -> nn.Module:
    """In training mode but for one layer, with one frozen weight."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(144, 3)
    )
    model[0].bias.requires_grad_(False)
    model[2].eval()
    return model


def data() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 3


def state(model: nn.Module) -> tuple[list[bool], list[bool]]:
    return [weight.requires_grad for weight in model.parameters()], [module.training for module in model.modules()]


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_modes_and_weights_are_as_before_also_after_an_error(mode: Mode) -> None:
    model = network()
    before = state(model)
    with frozen(model, mode):
        assert not any(state(model)[0])
        assert any(state(model)[1]) == (mode == "train")
    assert state(model) == before
    with pytest.raises(ZeroDivisionError), frozen(model, mode):
        raise ZeroDivisionError
    assert state(model) == before


def test_an_attack_in_eval_mode_leaves_weights_gradients_and_statistics_as_they_are() -> None:
    model, (x, y) = network(), data()
    model(x).sum().backward()
    gradients = [None if weight.grad is None else weight.grad.clone() for weight in model.parameters()]
    weights = copy.deepcopy(model.state_dict())
    with frozen(model):
        perturb(model, x, y, Attack(0.1))
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    for weight, gradient in zip(model.parameters(), gradients, strict=True):
        assert (weight.grad is None) if gradient is None else torch.equal(weight.grad, gradient)


def test_in_eval_mode_the_adversary_meets_the_network_that_is_evaluated() -> None:
    model, (x, y) = network(), data()
    seeds = (torch.Generator().manual_seed(3) for _ in range(2))
    with frozen(model):
        inside = perturb(model, x, y, Attack(0.1), next(seeds))
    assert torch.equal(inside, perturb(model.eval(), x, y, Attack(0.1), next(seeds)))


def test_in_train_mode_the_statistics_move_at_each_step() -> None:
    model, (x, y) = network(), data()
    with frozen(model, "train"):
        perturb(model, x, y, Attack(0.1, 5))
    assert int(model[1].num_batches_tracked) == 5


def test_the_graph_of_an_attack_does_not_keep_what_only_the_weights_would_need() -> None:
    """A linear layer keeps its input for the gradient of its weights; frozen, it keeps nothing but them."""
    model, x = nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 4)), torch.randn(3, 6, requires_grad=True)
    kept: list[tuple[int, ...]] = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: (kept.append(tuple(tensor.shape)), tensor)[1], lambda t: t
    ):
        model(x)
        usual, kept[:] = list(kept), []
        with frozen(model):
            model(x)
    assert (3, 6) in usual
    assert (3, 6) not in kept
    assert (3, 5) not in kept
