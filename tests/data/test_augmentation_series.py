"""Noise, gains and shifts of series have the distribution that their arguments say."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from torch import Tensor

from projectkit.data.augmentation import Jitter, Scaling, Shift
from projectkit.errors import UserError

RARE = 1e-6  # what chance gives once in a million


def series(rows: int = 2_000, length: int = 20) -> Tensor:
    return torch.randn(rows, 2, length, generator=torch.Generator().manual_seed(1))


def test_jitter_is_gaussian_of_its_deviation() -> None:
    x = series()
    noise = (Jitter(0.2)(x, torch.zeros(len(x)))[0] - x).flatten()
    assert stats.kstest(noise.numpy(), stats.norm(0, 0.2).cdf).pvalue > RARE


def test_scaling_is_one_gaussian_factor_for_each_channel_of_each_series() -> None:
    x = series().abs() + 0.1
    factors = Scaling(0.3)(x, torch.zeros(len(x)))[0] / x
    assert (factors - factors[:, :, :1]).abs().max() < 1e-4
    assert stats.kstest(factors[:, :, 0].flatten().numpy(), stats.norm(1, 0.3).cdf).pvalue > RARE


@pytest.mark.parametrize("mode", ["circular", "padded"])
def test_a_series_is_shifted_as_a_whole(mode: str) -> None:
    x = series(40)
    made = Shift(25, mode)
    shifts = torch.arange(-25, 15)
    done, _ = made.augment(x, torch.zeros(40), shifts)
    for row, shift in enumerate(shifts.tolist()):
        expected = x[row].roll(shift, dims=1)
        if mode == "padded":
            expected = torch.zeros(2, 20)
            if abs(shift) < 20:
                expected[:, max(shift, 0) : 20 + min(shift, 0)] = x[row][:, max(-shift, 0) : 20 - max(shift, 0)]
        assert torch.equal(done[row], expected)


def test_every_shift_up_to_the_farthest_is_equally_likely() -> None:
    shifts = Shift(4).draw(torch.Size((20_000, 2, 20)), torch.Generator().manual_seed(2))
    counts = torch.bincount(shifts + 4, minlength=9)
    assert len(counts) == 9
    assert stats.chisquare(counts.numpy()).pvalue > RARE


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: Jitter(0), "Jitter: sigma is 0; give sigma as a number above 0"),
        (lambda: Scaling(-1), "give sigma as a number above 0"),
        (lambda: Shift(0), "give most as a whole number of 1 or more"),
        (lambda: Shift(3, "wrap"), "give mode as circular or padded"),
    ],
    ids=range(4),
)
def test_arguments_that_cannot_be_are_refused(made: object, message: str) -> None:
    with pytest.raises(UserError) as caught:
        made()
    assert message in str(caught.value)
