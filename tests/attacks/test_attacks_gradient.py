"""Attacks: what they find is what theory and a loop written by hand find, and they never leave what they are allowed."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from projectkit.attacks import Attack, InputSpace, perturb
from projectkit.attacks.gradient import Norm
from projectkit.errors import UserError
from projectkit.models import CNN

MEAN, SCALE = [0.3, 0.5], [0.2, 0.4]
PIXELS = InputSpace.of(MEAN, SCALE, low=0.0, high=1.0)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small_net() -> nn.Module:
    torch.manual_seed(1)
    return CNN(2, 3, width=4).eval()


def images(dtype: torch.dtype = torch.float32, n: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Grey levels with many black and white pixels, standardised, and labels."""
    levels = torch.randint(-60, 316, (n, 2, 8, 8), generator=seeded(seed)).clamp(0, 255).double() / 255
    mean, scale = (torch.tensor(values, dtype=torch.float64).view(1, 2, 1, 1) for values in (MEAN, SCALE))
    x = (levels - mean) / scale
    return x.to(dtype), torch.arange(n) % 3


def textbook(model: nn.Module, x: Tensor, y: Tensor, attack: Attack, generator: torch.Generator) -> Tensor:
    """PGD as it is widely written: the backward pass goes through the weights as well."""
    length = lambda values: values.flatten(1).norm(dim=1).view(-1, 1, 1, 1)  # noqa: E731
    if attack.norm == "linf":
        delta = torch.empty_like(x).uniform_(-attack.epsilon, attack.epsilon, generator=generator)
    else:
        delta = torch.empty_like(x).normal_(generator=generator)
        uniform = torch.rand(len(x), generator=generator).view(-1, 1, 1, 1)
        delta = delta * (attack.epsilon * uniform ** (1 / x[0].numel()) / length(delta))
    for _ in range(attack.steps):
        delta = delta.detach().requires_grad_(True)
        functional.cross_entropy(model(x + delta), y, reduction="sum").backward()
        assert delta.grad is not None
        with torch.no_grad():
            if attack.norm == "linf":
                delta = (delta + attack.stride * delta.grad.sign()).clamp(-attack.epsilon, attack.epsilon)
            else:
                delta = delta + attack.stride * (delta.grad / length(delta.grad))
                delta = delta * (attack.epsilon / length(delta)).clamp(max=1)
    return x + delta.detach()


@pytest.mark.parametrize("attack", [Attack(0.05), Attack(0.05, 3, 0.01), Attack(0.9, 4, norm="l2")], ids=str)
def test_pgd_gives_what_the_textbook_loop_gives(attack: Attack) -> None:
    model, (x, y) = small_net(), images()
    ours = perturb(model, x, y, attack, seeded(5))
    theirs = textbook(model, x, y, attack, seeded(5))
    assert not torch.equal(ours, x)
    if attack.norm == "linf":
        assert torch.equal(ours, theirs)
    else:
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)  # norms are summed in another order


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("seed", range(8))
def test_a_perturbation_stays_in_the_ball_and_in_the_valid_range(norm: Norm, dtype: torch.dtype, seed: int) -> None:
    torch.manual_seed(seed)
    draw = lambda low, high: float(torch.empty(()).uniform_(low, high))  # noqa: E731
    attack = Attack(draw(0.01, 0.7), seed % 4 + 1, draw(0.01, 1.5), norm, random_start=seed % 3 > 0)
    model = small_net().to(dtype)
    x, y = images(dtype, seed=seed)
    moved = perturb(model, x, y, attack, seeded(seed), PIXELS)
    assert (moved.dtype, moved.shape, moved.requires_grad) == (dtype, x.shape, False)
    space = PIXELS.to(x.double())
    before, after = space.enter(x.double()), space.enter(moved.double())
    # what is asked of the arithmetic is the rounding of x itself, which is up to 4 in size
    rounding = 4 * torch.finfo(dtype).eps
    assert after.min() > -rounding
    assert after.max() < 1 + rounding
    change = (after - before).flatten(1)
    reached = change.abs().amax(dim=1) if norm == "linf" else change.norm(dim=1)
    assert reached.max() <= attack.epsilon + (rounding if norm == "linf" else rounding * math.sqrt(change.shape[1]))
    assert reached.min() > 0


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_what_an_adversary_cannot_change_stays_to_the_bit(norm: Norm) -> None:
    torch.manual_seed(0)
    model, x, y = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2)), torch.randn(40, 5), torch.arange(40) % 2
    space = InputSpace.of(low=-10.0, high=10.0, mask=[True, False, True, False, True])
    moved = perturb(model, x, y, Attack(0.5, norm=norm), seeded(), space)
    assert torch.equal(moved[:, [1, 3]], x[:, [1, 3]])
    assert (moved != x)[:, [0, 2, 4]].float().mean() > 0.9
    if norm == "l2":  # the whole length is spent on what can be changed
        torch.testing.assert_close((moved - x).norm(dim=1), torch.full((40,), 0.5), rtol=0.01, atol=0)


@pytest.mark.parametrize(("norm", "dual"), [("linf", 1), ("l2", 2)])
@pytest.mark.parametrize("steps", [1, 7])
def test_the_worst_case_of_a_linear_model_is_found_exactly(norm: Norm, dual: int, steps: int) -> None:
    """Its loss is log(1 + exp(m)) with m = (w1 - w0) x + b1 - b0 for a sample of class 0; the ball adds epsilon times the dual norm."""
    torch.manual_seed(0)
    model, epsilon = nn.Linear(20, 2).double(), 0.3
    x, y = torch.randn(50, 20, dtype=torch.float64), torch.arange(50) % 2
    attack = Attack.fgsm(epsilon, norm) if steps == 1 else Attack(epsilon, steps, norm=norm)
    found = functional.cross_entropy(model(perturb(model, x, y, attack, seeded())), y, reduction="none")
    weight, bias = model.weight[1] - model.weight[0], model.bias[1] - model.bias[0]
    margin = (x @ weight + bias) * (1 - 2 * y) + epsilon * weight.norm(dual)
    worst = functional.softplus(margin)
    # from a random start the steps end near the point of the sphere, and exactly in the corner of the box
    near = 0.02 if norm == "l2" and steps > 1 else 1e-12
    torch.testing.assert_close(found, worst, rtol=near, atol=0)
    assert (found <= worst * (1 + 1e-12)).all()


def test_grey_levels_are_the_same_threat_whatever_the_data_were_standardised_by() -> None:
    """A network that reads pixels and one that reads standardised values are moved by the same pixels."""
    reads_pixels, (x, y) = small_net(), images(torch.float64)
    reads_pixels = reads_pixels.double()
    mean, scale = (torch.tensor(values, dtype=torch.float64).view(1, 2, 1, 1) for values in (MEAN, SCALE))
    pixels = x * scale + mean
    attack = Attack(8 / 255)
    direct = perturb(reads_pixels, pixels, y, attack, seeded(2), InputSpace.of(low=0.0, high=1.0))
    through = perturb(lambda values: reads_pixels(values * scale + mean), x, y, attack, seeded(2), PIXELS)
    torch.testing.assert_close(through * scale + mean, direct, rtol=0, atol=1e-6)


def test_without_room_nothing_moves() -> None:
    model, (x, y) = small_net(), images()
    for attack in (Attack(0.0), Attack.fgsm(0.0), Attack.fast(0.0), Attack(0.0, norm="l2")):
        assert torch.equal(perturb(model, x, y, attack, seeded(), PIXELS), x)


def test_the_same_seed_gives_the_same_perturbation_and_another_one_another() -> None:
    model, (x, y) = small_net(), images()
    first, again, other = (perturb(model, x, y, Attack(0.1), seeded(seed), PIXELS) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_drawing_leaves_the_global_generator_alone() -> None:
    model, (x, y) = small_net(), images()
    before = torch.get_rng_state()
    for norm in ("linf", "l2"):
        perturb(model, x, y, Attack(0.1, norm=norm), seeded())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_what_is_done_to_a_sample_does_not_depend_on_its_batch_mates(norm: Norm) -> None:
    model, (x, y) = small_net().double(), images(torch.float64)
    attack = Attack(0.1, 3, norm=norm, random_start=False)
    together = perturb(model, x, y, attack, None, PIXELS)
    alone = torch.cat([perturb(model, x[[row]], y[[row]], attack, None, PIXELS) for row in range(len(x))])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-9)


def test_more_steps_find_a_higher_loss_than_one_and_one_than_none() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(10, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 3))
    x, y = torch.randn(300, 10), torch.arange(300) % 3

    def loss(moved: Tensor) -> float:
        return float(functional.cross_entropy(model(moved), y).detach())

    one = loss(perturb(model, x, y, Attack.fgsm(0.5)))
    many = loss(perturb(model, x, y, Attack(0.5, 20), seeded()))
    assert loss(x) < one < many


@pytest.mark.parametrize("dimensions", [1, 2, 12])
def test_a_random_start_in_the_l2_ball_is_uniform(dimensions: int) -> None:
    x = torch.zeros(4_000, dimensions)
    nowhere = lambda values: torch.zeros(len(values), 2) + 0.0 * values.sum()  # noqa: E731
    moved = perturb(nowhere, x, torch.zeros(4_000, dtype=torch.int64), Attack(2.0, 1, norm="l2"), seeded())
    volume = (moved.norm(dim=1) / 2.0) ** dimensions  # uniform on 0..1 where the points are uniform in the ball
    quantiles = torch.quantile(volume, torch.tensor([0.1, 0.5, 0.9]))
    torch.testing.assert_close(quantiles, torch.tensor([0.1, 0.5, 0.9]), rtol=0, atol=0.03)
    assert moved.mean(dim=0).abs().max() < 0.1


def test_the_format_in_memory_is_kept() -> None:
    model, (x, y) = small_net().to(memory_format=torch.channels_last), images()
    moved = perturb(model, x.contiguous(memory_format=torch.channels_last), y, Attack(0.1), seeded(), PIXELS)
    assert moved.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(moved, moved.contiguous())


def test_labels_can_be_probabilities() -> None:
    model, (x, y) = small_net(), images()
    hard = perturb(model, x, y, Attack(0.1), seeded())
    torch.testing.assert_close(perturb(model, x, functional.one_hot(y, 3).float(), Attack(0.1), seeded()), hard)


def test_an_attack_works_where_gradients_are_off() -> None:
    model, (x, y) = small_net(), images()
    with torch.no_grad():
        inside = perturb(model, x, y, Attack(0.1), seeded())
    assert torch.equal(inside, perturb(model, x, y, Attack(0.1), seeded()))


def test_token_ids_are_refused() -> None:
    with pytest.raises(UserError, match="an input of type int64 has no gradient"):
        perturb(nn.Linear(3, 2), torch.ones(2, 3, dtype=torch.int64), torch.zeros(2).long(), Attack(0.1))


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ({"epsilon": -0.1}, "epsilon"),
        ({"epsilon": math.nan}, "epsilon"),
        ({"epsilon": math.inf}, "epsilon"),
        ({"epsilon": True}, "epsilon"),
        ({"epsilon": 0.1, "steps": 0}, "steps"),
        ({"epsilon": 0.1, "steps": 2.0}, "steps"),
        ({"epsilon": 0.1, "step_size": 0.0}, "step_size"),
        ({"epsilon": 0.1, "norm": "l1"}, "norm"),
    ],
)
def test_settings_out_of_range_are_named(arguments: dict[str, Any], where: str) -> None:
    with pytest.raises(UserError) as caught:
        Attack(**arguments)
    assert caught.value.where == where
    assert caught.value.remedy
