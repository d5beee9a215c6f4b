"""Colour gives torchvision's pixels for the same factors in the same order, and both are drawn as it draws them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torchvision.transforms import v2

from projectkit.data.augmentation import ColorJitter
from projectkit.errors import UserError

ADJUST = (
    v2.functional.adjust_brightness,
    v2.functional.adjust_contrast,
    v2.functional.adjust_saturation,
    v2.functional.adjust_hue,
)
SHAPE = torch.Size((9_600, 3, 8, 8))
RARE = 1e-6  # what chance gives once in a million


def images(rows: int, channels: int = 3) -> Tensor:
    """Smooth colours with all levels, pure greys and pure black among them."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randint(0, 256, (rows, channels, 12, 12), dtype=torch.uint8, generator=generator)
    x[:, :, :2] = x[:, :1, :2]
    x[:, :, 2] = 0
    return x


def in_order(x: Tensor, factors: Tensor, order: list[tuple[int, ...]]) -> Tensor:
    done = []
    for image, values, steps in zip(x, factors, order, strict=True):
        changed = image
        for step in steps:
            changed = ADJUST[step](changed, float(values[step]))
        done.append(changed)
    return torch.stack(done)


@pytest.mark.parametrize("channels", [1, 3])
def test_all_24_orders_give_torchvisions_pixels(channels: int) -> None:
    orders = list(itertools.permutations(range(4)))
    x = images(24, channels)
    generator = torch.Generator().manual_seed(2)
    factors = 0.6 + 0.8 * torch.rand(24, 4, generator=generator)
    factors[:, 3] = torch.rand(24, generator=generator) - 0.5
    keys = torch.tensor([[order.index(step) / 4 for step in range(4)] for order in orders])
    made = ColorJitter(0.4, 0.4, 0.4, 0.5)
    done, _ = made.augment(x, torch.zeros(24), torch.cat((factors, keys), dim=1))
    apart = (done.int() - in_order(x, factors, orders).int()).abs()
    # a level that rounding moves at one step can be two after the next has stretched it; half a turn of the hue can stretch it more
    assert (apart > 1).float().mean() < 2e-3
    assert done.dtype == torch.uint8


@pytest.mark.parametrize("step", range(4), ids=["brightness", "contrast", "saturation", "hue"])
def test_one_change_alone_is_torchvisions_to_one_grey_level(step: int) -> None:
    x = images(32)
    factors = torch.ones(32, 4)
    factors[:, 3] = 0
    factors[:, step] = torch.linspace(-0.5, 0.5, 32) if step == 3 else torch.linspace(0, 2.5, 32)
    made = ColorJitter(**{("brightness", "contrast", "saturation", "hue")[step]: 0.5})
    done, _ = made.augment(x, torch.zeros(32), torch.cat((factors, torch.rand(32, 4)), dim=1))
    apart = (done.int() - in_order(x, factors, [(step,)] * 32).int()).abs()
    assert apart.max() <= 1
    assert (apart == 0).float().mean() > 0.99


def test_factors_of_one_change_nothing() -> None:
    x = images(8)
    drawn = torch.cat((torch.ones(8, 3), torch.zeros(8, 1), torch.rand(8, 4)), dim=1)
    assert torch.equal(ColorJitter(0.4, 0.4, 0.4, 0.1).augment(x, torch.zeros(8), drawn)[0], x)


def test_factors_and_order_are_distributed_as_torchvisions() -> None:
    arguments = (0.4, [0.5, 2.0], 1.7, 0.1)
    theirs = v2.ColorJitter(*arguments)
    torch.manual_seed(3)
    given = [theirs.make_params([]) for _ in range(SHAPE[0])]
    ours = ColorJitter(*arguments).draw(SHAPE, torch.Generator().manual_seed(4))
    for at, name in enumerate(("brightness", "contrast", "saturation", "hue")):
        factors = np.array([each[f"{name}_factor"] for each in given])
        assert stats.ks_2samp(ours[:, at].numpy(), factors).pvalue > RARE
    orders = list(itertools.permutations(range(4)))
    counts = np.array(
        [
            [sum(tuple(row) == order for row in rows) for order in orders]
            for rows in (ours[:, 4:].argsort(dim=1).tolist(), [each["fn_idx"].tolist() for each in given])
        ]
    )
    assert stats.chi2_contingency(counts).pvalue > RARE
    assert stats.chisquare(counts[0]).pvalue > RARE


def test_factors_differ_from_image_to_image() -> None:
    x = images(1).expand(16, -1, -1, -1)
    done, _ = ColorJitter(0.5)(x, torch.zeros(16))
    assert len(done.float().mean(dim=(1, 2, 3)).unique()) == 16


def test_float_images_are_not_cut_to_whole_levels() -> None:
    x = images(6)
    made = ColorJitter(0.3, 0.3, 0.3, 0.1)
    drawn = made.draw(x.shape, torch.Generator().manual_seed(5))
    exact, _ = made.augment(x.float(), torch.zeros(6), drawn)
    assert (exact != exact.floor()).any()
    assert (exact - made.augment(x, torch.zeros(6), drawn)[0]).abs().mean() < 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"brightness": -0.1}, "ColorJitter: brightness is -0.1; give brightness as a number of 0 or more"),
        ({"contrast": [-1, 1]}, "give contrast as two numbers in order from 0"),
        ({"hue": 0.6}, "give hue as two numbers in order from -0.5 up to 0.5"),
    ],
    ids=["brightness", "contrast", "hue"],
)
def test_arguments_that_cannot_be_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UserError) as caught:
        ColorJitter(**arguments)
    assert message in str(caught.value)


def test_images_of_two_channels_are_refused() -> None:
    with pytest.raises(UserError, match="images of 2 channels have no brightness or hue"):
        ColorJitter(0.1)(torch.zeros(2, 2, 4, 4, dtype=torch.uint8), torch.zeros(2))
