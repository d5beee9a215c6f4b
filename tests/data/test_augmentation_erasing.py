"""Erasing draws torchvision's rectangles and gives its pixels; Cutout's squares may lie partly outside."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torchvision.transforms import v2

from projectkit.data.augmentation import Cutout, RandomErasing
from projectkit.errors import UserError

SHAPE = torch.Size((10_000, 3, 24, 32))
RARE = 1e-6  # what chance gives once in a million


def values(rows: int = 16, height: int = 12, width: int = 9) -> Tensor:
    return torch.randn(rows, 3, height, width, generator=torch.Generator().manual_seed(1)) + 5


@pytest.mark.parametrize("value", [0.0, [0.5, -1.0, 2.0]], ids=str)
def test_an_erased_rectangle_is_torchvisions(value: float | list[float]) -> None:
    x = values()
    made = RandomErasing(p=1.0, value=value)
    drawn = made.draw(x.shape, torch.Generator().manual_seed(2))
    done, _ = made.augment(x, torch.zeros(16), drawn)
    colour = torch.tensor(value).view(-1, 1, 1)
    expected = [
        v2.functional.erase(each, top, left, bottom - top, right - left, colour)
        for each, (top, left, bottom, right) in zip(x, drawn.tolist(), strict=True)
    ]
    assert torch.equal(done, torch.stack(expected))
    assert (done != x).any(dim=(1, 2, 3)).all()


@pytest.mark.parametrize(
    "arguments",
    [{}, {"scale": (0.4, 1.0), "ratio": (0.2, 5.0)}, {"p": 0.9, "scale": (0.02, 0.1), "ratio": (1.0, 1.0)}],
    ids=["as given", "tries that do not fit", "squares"],
)
def test_rectangles_are_distributed_as_torchvisions(arguments: dict[str, object]) -> None:
    ours = RandomErasing(**arguments).draw(SHAPE, torch.Generator().manual_seed(3)).numpy()
    empty = ours[:, 2] == ours[:, 0]
    theirs = v2.RandomErasing(**arguments)
    torch.manual_seed(4)
    image = torch.empty(SHAPE[1:])
    given = [theirs.make_params([image]) for _ in range(4_000)]
    found = np.array(
        [
            [each["i"], each["j"], each["i"] + each["h"], each["j"] + each["w"]]
            for each in given
            if each["v"] is not None
        ]
    )
    erased = theirs.p * len(found) / len(given)
    assert (~empty).mean() == pytest.approx(erased, abs=0.035)
    ours = ours[~empty]
    for mine, reference in [
        (ours[:, 0], found[:, 0]),
        (ours[:, 1], found[:, 1]),
        (ours[:, 2] - ours[:, 0], found[:, 2] - found[:, 0]),
        (ours[:, 3] - ours[:, 1], found[:, 3] - found[:, 1]),
    ]:
        assert stats.ks_2samp(mine, reference).pvalue > RARE
    areas = [(each[:, 2] - each[:, 0]) * (each[:, 3] - each[:, 1]) for each in (ours, found)]
    assert stats.ks_2samp(*areas).pvalue > RARE


def test_the_middle_of_a_cutout_is_anywhere_and_its_size_is_the_same() -> None:
    drawn = Cutout(6).draw(SHAPE, torch.Generator().manual_seed(5))
    assert set((drawn[:, 2] - drawn[:, 0]).tolist()) == set((drawn[:, 3] - drawn[:, 1]).tolist()) == {6}
    middle = drawn[:, :2] + 3
    for at, size in enumerate(SHAPE[2:]):
        counts = torch.bincount(middle[:, at], minlength=size)
        assert len(counts) == size
        assert stats.chisquare(counts.numpy()).pvalue > RARE


def test_a_cutout_is_cut_at_the_rim() -> None:
    x = values(3)
    done, _ = Cutout(4).augment(x, torch.zeros(3), torch.tensor([[-2, -1, 2, 3], [4, 4, 8, 8], [10, 7, 14, 11]]))
    changed = (done != x).all(dim=1)
    assert changed.sum(dim=(1, 2)).tolist() == [2 * 3, 16, 2 * 2]
    assert (done.movedim(1, -1)[changed] == 0).all()


def test_bytes_are_erased_too() -> None:
    done, _ = Cutout(3, value=200)(torch.zeros(5, 1, 8, 8, dtype=torch.uint8), torch.zeros(5))
    assert done.dtype == torch.uint8
    assert set(done.unique().tolist()) == {0, 200}


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: Cutout(0), "Cutout: size is 0; give size as a whole number of 1 or more"),
        (lambda: Cutout(3, value=[]), "give value as a number, or one for each channel"),
        (lambda: RandomErasing(p=2), "give p as a number from 0 to 1"),
        (lambda: RandomErasing(scale=(0.5, 0.2)), "give scale as two numbers in order from 0 up to 1"),
        (lambda: RandomErasing(ratio=(0, 1)), "give ratio as two numbers in order from 0.001"),
        (lambda: Cutout(3, value=[1, 2])(values(), torch.zeros(16)), "one number, or 3, one for each channel"),
    ],
    ids=range(6),
)
def test_arguments_that_cannot_be_are_refused(made: object, message: str) -> None:
    with pytest.raises(UserError) as caught:
        made()
    assert message in str(caught.value)
