"""MixUp and CutMix give torchvision's batch for the same share, and the share is Beta(alpha, alpha)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torchvision.transforms import v2

from projectkit.data import DataSpec
from projectkit.data.augmentation import AugmentationChain, CutMix, MixUp
from projectkit.errors import UserError

BATCH = torch.Size((6, 3, 10, 8))
DRAWS = 4_000
RARE = 1e-6  # what chance gives once in a million


def batch() -> tuple[Tensor, Tensor]:
    x = torch.randint(0, 256, BATCH, dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return x, torch.tensor([0, 2, 1, 3, 3, 0])


def many(made: MixUp | CutMix) -> np.ndarray:
    return torch.stack([made.draw(BATCH, torch.Generator().manual_seed(number)) for number in range(DRAWS)]).numpy()


def test_a_mixed_batch_is_torchvisions() -> None:
    x, y = batch()
    made, theirs = MixUp(num_classes=4), v2.MixUp(num_classes=4)
    done, labels = made.augment(x.float(), y, torch.tensor(0.3))
    parameters = {"lam": 0.3, "labels": y, "batch_size": len(y)}
    torch.testing.assert_close(done, theirs.transform(x.float(), parameters))
    torch.testing.assert_close(labels, theirs.transform(y, parameters))
    assert labels.sum(dim=1).tolist() == pytest.approx([1.0] * 6)


def test_a_batch_with_a_rectangle_of_another_is_torchvisions() -> None:
    x, y = batch()
    made, theirs = CutMix(num_classes=4), v2.CutMix(num_classes=4)
    top, left, bottom, right, stays = drawn = made.draw(BATCH, torch.Generator().manual_seed(2))
    done, labels = made.augment(x, y, drawn)
    box = [int(each) for each in (left, top, right, bottom)]
    parameters = {"box": box, "lam_adjusted": float(stays), "labels": y, "batch_size": len(y)}
    assert torch.equal(done, theirs.transform(x, parameters))
    torch.testing.assert_close(labels, theirs.transform(y, parameters))
    assert stays == pytest.approx(float((done == x).all(dim=1).float().mean()), abs=0.02)
    assert done.dtype == torch.uint8


@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
def test_the_share_of_mixup_is_beta_distributed(alpha: float) -> None:
    assert stats.kstest(many(MixUp(alpha)), stats.beta(alpha, alpha).cdf).pvalue > RARE


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_rectangles_of_cutmix_are_distributed_as_torchvisions(alpha: float) -> None:
    theirs = v2.CutMix(alpha=alpha, num_classes=4)
    torch.manual_seed(3)
    given = [theirs.make_params([torch.empty(BATCH)]) for _ in range(DRAWS)]
    found = np.array([[*(each["box"][at] for at in (1, 0, 3, 2)), each["lam_adjusted"]] for each in given])
    ours = many(CutMix(alpha))
    for at in range(
        5
    ):  # both in float32: a share that is 0.7 in one type and 0.69999999 in the other would be two values
        assert stats.ks_2samp(ours[:, at], found[:, at].astype(np.float32)).pvalue > RARE


def test_both_in_one_chain_give_probabilities_and_know_the_classes_from_the_data() -> None:
    x, y = batch()
    spec = DataSpec("image", tuple(BATCH[1:]), 4, tuple("abcd"), in_channels=3)
    done, labels = AugmentationChain([MixUp(), CutMix()], spec, lambda x: x.float(), seed=1)(x, y, 0, 0)
    assert done.dtype == torch.float32
    assert labels.shape == (6, 4)
    torch.testing.assert_close(labels.sum(dim=1), torch.ones(6))
    assert (labels > 0).sum(dim=1).max() > 1


def test_tables_are_mixed_too() -> None:
    x, y = torch.randn(5, 7), torch.arange(5) % 2
    done, labels = MixUp(num_classes=2)(x, y)
    assert done.shape == x.shape
    assert labels.shape == (5, 2)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: MixUp(0), "MixUp: alpha is 0; give alpha as a number above 0"),
        (lambda: CutMix(num_classes=1), "give num_classes as a whole number of 2 or more"),
        (lambda: MixUp()(*batch()), "MixUp: the number of classes is not known; give num_classes"),
    ],
    ids=range(3),
)
def test_arguments_that_cannot_be_are_refused(made: object, message: str) -> None:
    with pytest.raises(UserError) as caught:
        made()
    assert message in str(caught.value)
