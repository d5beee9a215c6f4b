"""Rotations and affine maps give torchvision's pixels for the same parameters, and draw their parameters as it does."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torchvision.transforms import v2

from projectkit.data.augmentation import RandomAffine, RandomRotation
from projectkit.errors import UserError

BORDER = 24
SHAPE = torch.Size((10_000, 3, 20, 30))
RARE = 1e-6  # a fault of 4% of the distribution is seen at this many draws; chance gives it once in a million


def images(rows: int = 10, height: int = 17, width: int = 22) -> Tensor:
    return torch.randint(
        0, 256, (rows, 3, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )


def close(done: Tensor, expected: Tensor, interpolation: str) -> None:
    """Within one grey level; a point that lies between two pixels to the last bit may fall to either of them."""
    apart = (done.int() - expected.int()).abs()
    if interpolation == "bilinear":
        assert apart.max() <= 1
    assert (apart > 1).float().mean() < 2e-3
    assert done.float().std() > 20


def inside_a_border(x: Tensor, fill: float, function: object) -> Tensor:
    """What torchvision makes of images that go on in the colour of the fill: its own rim takes the share of the fill twice."""
    bordered = v2.functional.pad(x, [BORDER], fill=fill)
    moved = torch.stack([function(each, number) for number, each in enumerate(bordered)])
    return moved[:, :, BORDER:-BORDER, BORDER:-BORDER]


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("fill", [0, 120])
def test_a_rotation_is_torchvisions(interpolation: str, fill: float) -> None:
    x = images()
    angles = torch.linspace(-170, 175, len(x))
    made = RandomRotation(180, interpolation, fill)
    radians = angles * math.pi / 180
    nothing = torch.zeros(len(x))
    drawn = torch.stack((radians.cos(), -radians.sin(), nothing, radians.sin(), radians.cos(), nothing), dim=1).view(
        -1, 2, 3
    )
    done, _ = made.augment(x, nothing, drawn)
    mode = v2.InterpolationMode(interpolation)
    expected = inside_a_border(
        x, fill, lambda each, at: v2.functional.rotate(each, float(angles[at]), mode, fill=[fill] * 3)
    )
    close(done, expected, interpolation)
    if interpolation == "nearest":  # no pixel is a mixture with the fill, so nothing differs at the rim
        same = [
            v2.functional.rotate(each, float(angle), mode, fill=[fill] * 3)
            for each, angle in zip(x, angles, strict=True)
        ]
        close(done, torch.stack(same), interpolation)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_an_affine_map_is_torchvisions(interpolation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = images()
    made = RandomAffine(40, (0.2, 0.1), (0.7, 1.4), [-20, 20, -15, 15], interpolation, fill=50)
    seen: list[Tensor] = []
    from projectkit.data.augmentation import affine

    def kept(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        seen.append(torch.rand(shape, generator=generator))
        return seen[0]

    monkeypatch.setattr(affine, "uniform", kept)
    drawn = made.draw(x.shape, torch.Generator().manual_seed(2))
    done, _ = made.augment(x, torch.zeros(len(x)), drawn)
    numbers = seen[0].double()
    angle, right, down = numbers[0] * 80 - 40, (numbers[1] * 2 - 1) * 0.2 * 22, (numbers[2] * 2 - 1) * 0.1 * 17
    scale, shear_x, shear_y = 0.7 + numbers[3] * 0.7, numbers[4] * 40 - 20, numbers[5] * 30 - 15

    def theirs(each: Tensor, at: int) -> Tensor:
        shift = [round(float(right[at])), round(float(down[at]))]
        shear = [float(shear_x[at]), float(shear_y[at])]
        mode = v2.InterpolationMode(interpolation)
        return v2.functional.affine(each, float(angle[at]), shift, float(scale[at]), shear, mode, fill=[50] * 3)

    close(done, inside_a_border(x, 50, theirs), interpolation)


def test_the_angles_of_a_rotation_are_uniform() -> None:
    drawn = RandomRotation([-20, 50]).draw(SHAPE, torch.Generator().manual_seed(3))
    angles = torch.rad2deg(torch.atan2(drawn[:, 1, 0], drawn[:, 0, 0]))
    assert stats.kstest(angles.numpy(), "uniform", args=(-20, 70)).pvalue > RARE


def test_the_parameters_of_an_affine_map_are_distributed_as_torchvisions() -> None:
    arguments = (30, (0.3, 0.2), (0.5, 1.5), (-10, 25))
    theirs = v2.RandomAffine(*arguments)
    torch.manual_seed(4)
    given = [theirs.make_params([torch.empty(SHAPE[1:])]) for _ in range(SHAPE[0])]
    expected = np.array([_matrix(each) for each in given])
    ours = RandomAffine(*arguments).draw(SHAPE, torch.Generator().manual_seed(5)).numpy().reshape(-1, 6)
    for number in range(6):
        assert stats.ks_2samp(ours[:, number], expected[:, number]).pvalue > RARE


def _matrix(given: dict[str, object]) -> list[float]:
    from torchvision.transforms.v2.functional._geometry import _get_inverse_affine_matrix

    return _get_inverse_affine_matrix([0.0, 0.0], given["angle"], given["translate"], given["scale"], given["shear"])


def test_float_images_are_not_rounded() -> None:
    x = images(4).float() / 3
    done, _ = RandomRotation(30, "bilinear")(x, torch.zeros(4))
    assert done.dtype == torch.float32
    assert (done != done.round()).any()


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: RandomRotation(-3), "degrees is -3; give degrees as a number of 0 or more, or two numbers in order"),
        (lambda: RandomRotation([5, 3]), "give degrees as two numbers in order"),
        (lambda: RandomRotation(3, "bicubic"), "give interpolation as nearest or bilinear"),
        (lambda: RandomAffine(3, translate=[2, 0]), "give translate as two numbers from 0 to 1"),
        (lambda: RandomAffine(3, scale=[0, 1]), "give scale as two numbers in order from 0.001"),
        (lambda: RandomAffine(3, shear=[1, 2, 3]), "give shear as two numbers in order from -89 up to 89"),
        (lambda: RandomAffine(3, fill=-1), "RandomAffine: fill is -1; give fill as a grey level from 0 to 255"),
    ],
    ids=range(7),
)
def test_arguments_that_cannot_be_are_refused(made: object, message: str) -> None:
    with pytest.raises(UserError) as caught:
        made()
    assert message in str(caught.value)
