"""Flips and crops give torchvision's pixels for the same parameters, and draw their parameters as it does."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision.transforms import v2

from projectkit.data.augmentation import RandomCrop, RandomHorizontalFlip, RandomVerticalFlip
from projectkit.errors import UserError

ROWS = 20_000  # a share of one half is then off by 0.018 in one of a million draws


def images(rows: int = 12, height: int = 9, width: int = 7) -> Tensor:
    return torch.randint(
        0, 256, (rows, 3, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )


def labels(x: Tensor) -> Tensor:
    return torch.zeros(len(x), dtype=torch.int64)


@pytest.mark.parametrize(
    ("made", "reference"),
    [
        (RandomHorizontalFlip(), v2.functional.horizontal_flip),
        (RandomVerticalFlip(), v2.functional.vertical_flip),
    ],
    ids=["horizontal", "vertical"],
)
def test_a_flip_is_torchvisions(made: RandomHorizontalFlip | RandomVerticalFlip, reference: object) -> None:
    x = images()
    flipped = torch.arange(len(x)) % 3 == 0
    done, _ = made.augment(x, labels(x), flipped)
    expected = torch.stack([reference(each) if chosen else each for each, chosen in zip(x, flipped, strict=True)])
    assert torch.equal(done, expected)


@pytest.mark.parametrize("p", [0.0, 0.5, 0.8, 1.0])
def test_a_share_of_p_is_flipped(p: float) -> None:
    drawn = RandomHorizontalFlip(p).draw(torch.Size((ROWS, 3, 9, 7)), torch.Generator().manual_seed(2))
    assert drawn.float().mean().item() == pytest.approx(p, abs=0.018 if 0 < p < 1 else 0)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
@pytest.mark.parametrize("padding", [0, 3, [1, 4], [4, 3, 1, 0]], ids=str)
@pytest.mark.parametrize("size", [None, 5, [6, 4]], ids=str)
def test_a_crop_is_torchvisions(size: int | list[int] | None, padding: int | list[int], mode: str) -> None:
    x = images()
    made = RandomCrop(size, padding, fill=77, padding_mode=mode)
    drawn = made.draw(x.shape, torch.Generator().manual_seed(3))
    done, _ = made.augment(x, labels(x), drawn)
    bordered = v2.functional.pad(x, padding, fill=77, padding_mode=mode)
    height, width = made.size or x.shape[2:]
    expected = [
        v2.functional.crop(each, int(top), int(left), height, width)
        for each, (top, left) in zip(bordered, drawn, strict=True)
    ]
    assert torch.equal(done, torch.stack(expected))


def test_every_place_of_a_crop_is_equally_likely_and_rows_do_not_depend_on_columns() -> None:
    drawn = RandomCrop(padding=[1, 2]).draw(torch.Size((ROWS, 3, 9, 7)), torch.Generator().manual_seed(4))
    counts = torch.bincount(drawn[:, 0] * 3 + drawn[:, 1], minlength=15)
    assert len(counts) == 15  # five rows by three columns
    expected = ROWS / 15
    # 42.6: the chi-squared value with 14 degrees of freedom that one of ten thousand exceeds
    assert ((counts - expected) ** 2 / expected).sum() < 42.6


def test_the_place_of_a_crop_is_drawn_as_torchvision_draws_it() -> None:
    theirs = v2.RandomCrop((5, 4), padding=(1, 2))
    torch.manual_seed(0)
    parameters = [theirs.make_params([torch.empty(3, 9, 7)]) for _ in range(2_000)]
    ours = RandomCrop((5, 4), (1, 2)).draw(torch.Size((2_000, 3, 9, 7)), torch.Generator().manual_seed(5))
    for at, name in enumerate(("top", "left")):
        places = torch.tensor([each[name] for each in parameters])
        assert set(places.tolist()) == set(ours[:, at].tolist())
        assert places.float().mean().item() == pytest.approx(ours[:, at].float().mean().item(), abs=0.35)


def test_a_crop_keeps_float_images_and_images_in_channels_last() -> None:
    x = images()
    made = RandomCrop(padding=2)
    drawn = made.draw(x.shape, torch.Generator().manual_seed(6))
    expected, _ = made.augment(x, labels(x), drawn)
    assert torch.equal(made.augment(x.float(), labels(x), drawn)[0], expected.float())
    assert torch.equal(made.augment(x.contiguous(memory_format=torch.channels_last), labels(x), drawn)[0], expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, "RandomCrop: size is 0; give size as a whole number of 1 or more, or 2 of them"),
        ({"padding": [1, 2, 3]}, "give padding as a whole number of 0 or more, or 2 or 4 of them"),
        ({"fill": 300}, "give fill as a grey level from 0 to 255"),
        ({"padding_mode": "wrap"}, "give padding_mode as constant, edge, reflect or symmetric"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_arguments_of_a_crop_that_cannot_be_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UserError) as caught:
        RandomCrop(**arguments)
    assert message in str(caught.value)


def test_a_flip_refuses_what_is_no_share() -> None:
    with pytest.raises(UserError, match=r"RandomVerticalFlip: p is 1\.5; give p as a number from 0 to 1"):
        RandomVerticalFlip(1.5)


def test_a_window_or_a_mirror_that_does_not_fit_is_refused() -> None:
    shape = torch.Size((2, 3, 9, 7))
    with pytest.raises(UserError, match="a window of 12 x 12 does not fit into images of 9 x 7"):
        RandomCrop(12, padding=1).draw(shape, torch.Generator())
    made = RandomCrop(padding=7, padding_mode="reflect")
    with pytest.raises(UserError, match="nothing to mirror in images of 7; give padding up to 6"):
        made(torch.zeros(shape, dtype=torch.uint8), torch.zeros(2))
