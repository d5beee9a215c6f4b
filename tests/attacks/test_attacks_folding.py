"""Folded batch normalisation is the same function, and leaves nothing behind."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

from projectkit.attacks import Attack, frozen, perturb
from projectkit.attacks.folding import foldable, folded
from projectkit.models import CNN, SeriesCNN


def trained(model: nn.Module, *shape: int) -> nn.Module:
    """With statistics and weights that are not those of the start, in evaluation mode."""
    generator = torch.Generator().manual_seed(0)
    model.train()
    for _ in range(3):
        model(2 + 3 * torch.rand(16, *shape, generator=generator))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.rand(parameter.shape, generator=generator))
    return model.eval()


def pair(*, bias: bool = True, affine: bool = True, groups: int = 1) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(4, 6, 3, bias=bias, groups=groups), nn.BatchNorm2d(6, affine=affine), nn.ReLU())


@pytest.mark.parametrize(
    ("model", "shape", "pairs"),
    [
        (pair(), (4, 6, 6), 1),
        (pair(bias=False, affine=False), (4, 6, 6), 1),
        (pair(groups=2), (4, 6, 6), 1),
        (CNN(3, 5, width=4), (3, 12, 12), 3),
        (SeriesCNN(2, 5, width=4), (2, 30), 3),
    ],
    ids=["bias", "no affine", "groups", "CNN", "SeriesCNN"],
)
def test_a_folded_network_is_the_same_function_with_the_same_gradient(
    model: nn.Module, shape: tuple[int, ...], pairs: int
) -> None:
    model = trained(model, *shape).double()
    x = torch.rand(5, *shape, dtype=torch.float64, requires_grad=True)
    assert len(foldable(model)) == pairs
    wanted = model(x)
    (gradient,) = torch.autograd.grad(wanted.square().sum(), x)
    with folded(model):
        found = model(x)
        torch.testing.assert_close(found, wanted)
        torch.testing.assert_close(torch.autograd.grad(found.square().sum(), x)[0], gradient)


def test_afterwards_the_modules_are_as_they_were_also_after_an_error() -> None:
    model = trained(CNN(3, 5, width=4), 3, 12, 12)
    before, parameters = copy.deepcopy(model.state_dict()), [*map(id, model.parameters())]
    with pytest.raises(ZeroDivisionError), folded(model):
        raise ZeroDivisionError
    assert [*map(id, model.parameters())] == parameters
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any("forward" in vars(module) for module in model.modules())
    assert all(type(parameter) is nn.Parameter for parameter in model.parameters())


class Twice(nn.Module):
    """A convolution with a batch normalisation behind it in one place, and without one in another."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = pair()
        self.again = self.pair[0]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pair(x) + self.again(x)


class Backwards(nn.Sequential):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.flip(0)) * 2


def _hooked() -> nn.Module:
    model = pair()
    model[0].register_forward_hook(lambda module, inputs, output: 2 * output)
    return model


@pytest.mark.parametrize(
    "make",
    [
        Twice,
        lambda: Backwards(*pair()),
        _hooked,
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 6, 3)), nn.BatchNorm2d(6)),
        lambda: nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6, track_running_stats=False)),
        lambda: nn.Sequential(nn.Conv2d(4, 6, 3), nn.ReLU(), nn.BatchNorm2d(6)),
    ],
    ids=["twice", "own forward", "hook", "parametrised", "batch statistics", "not behind it"],
)
def test_what_may_not_be_such_a_pair_is_left_alone(make: Callable[[], nn.Module]) -> None:
    assert foldable(make().eval()) == []


def test_a_normalisation_in_training_mode_is_left_alone() -> None:
    model = pair().eval()
    model[1].train()
    assert foldable(model) == []


def test_an_attack_on_a_folded_network_finds_what_one_on_the_network_finds() -> None:
    model, x, y = (
        trained(CNN(3, 5, width=4), 3, 12, 12).double(),
        torch.rand(6, 3, 12, 12).double(),
        torch.arange(6) % 5,
    )
    attack = Attack(0.1, 5, norm="l2", random_start=False)
    plain = perturb(model, x, y, attack)
    with frozen(model):
        torch.testing.assert_close(perturb(model, x, y, attack), plain)


def test_a_training_after_an_attack_is_the_training_without_one() -> None:
    results = []
    for attacked in (False, True):
        torch.manual_seed(0)
        model, x, y = trained(CNN(3, 5, width=4), 3, 12, 12).train(), torch.ones(6, 3, 12, 12), torch.arange(6) % 5
        model.head[1].p = 0.0  # no draw that the attack's absence would shift
        if attacked:
            with frozen(model):
                perturb(model, x, y, Attack.fgsm(0.1))
        functional.cross_entropy(model(x), y).backward()
        results.append([parameter.grad for parameter in model.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))
