"""What is drawn is a function of (seed, epoch, batch), whatever else was drawn before."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from projectkit.data import DataSpec
from projectkit.data.augmentation import (
    Augmentation,
    AugmentationChain,
    RandomCrop,
    RandomHorizontalFlip,
    RandomVerticalFlip,
)
from projectkit.errors import UserError

IMAGES = DataSpec("image", (3, 8, 8), 2, ("a", "b"), in_channels=3)
TEXT = DataSpec("text", (None,), 2, ("a", "b"), vocab_size=30, pad_index=0)


def scaled(x: Tensor) -> Tensor:
    return x.float() / 64 - 2


@pytest.fixture
def batches() -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(5)
    return [
        (torch.randint(0, 256, (16, 3, 8, 8), dtype=torch.uint8, generator=generator), torch.arange(16) % 2)
        for _ in range(5)
    ]


@pytest.fixture
def chain() -> Callable[[int], AugmentationChain]:
    return lambda seed: AugmentationChain([RandomHorizontalFlip(), RandomCrop(padding=2)], IMAGES, scaled, seed)


def seen(chain: AugmentationChain, batches: list[tuple[Tensor, Tensor]]) -> list[Tensor]:
    return [chain(x, y)[0] for x, y in batches]


def test_a_run_that_goes_on_in_mid_epoch_sees_the_pictures_that_it_would_have_seen(
    chain: Callable[[int], AugmentationChain], batches: list[tuple[Tensor, Tensor]]
) -> None:
    whole = chain(3)
    whole.start(epoch=4)
    expected = seen(whole, batches)
    resumed = chain(3)
    resumed.start(epoch=4, batch=2)
    assert all(map(torch.equal, seen(resumed, batches[2:]), expected[2:]))


def test_another_seed_epoch_or_batch_gives_other_pictures(
    chain: Callable[[int], AugmentationChain], batches: list[tuple[Tensor, Tensor]]
) -> None:
    pictures = []
    for seed, epoch, batch in [(3, 0, 0), (4, 0, 0), (3, 1, 0), (3, 0, 1), (0, 3, 0)]:
        made = chain(seed)
        made.start(epoch, batch)
        pictures.append(made(*batches[0])[0])
    assert not any(torch.equal(one, two) for at, one in enumerate(pictures) for two in pictures[:at])


def test_two_flips_in_one_chain_are_drawn_independently(batches: list[tuple[Tensor, Tensor]]) -> None:
    chain = AugmentationChain([RandomHorizontalFlip(), RandomHorizontalFlip()], IMAGES, scaled)
    first, second = (torch.cat(each) for each in zip(*(chain.draw(x) for x, _ in batches * 10), strict=True))
    assert 0.4 < (first == second).float().mean() < 0.6


def test_the_global_generator_is_left_alone(
    chain: Callable[[int], AugmentationChain], batches: list[tuple[Tensor, Tensor]]
) -> None:
    before = torch.get_rng_state()
    seen(chain(3), batches)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_batch_that_came_in_is_left_as_it_was(
    chain: Callable[[int], AugmentationChain], batches: list[tuple[Tensor, Tensor]]
) -> None:
    kept = [x.clone() for x, _ in batches]
    seen(chain(3), batches)
    assert all(torch.equal(x, was) for (x, _), was in zip(batches, kept, strict=True))


def test_a_chain_without_augmentations_standardises(batches: list[tuple[Tensor, Tensor]]) -> None:
    x, y = batches[0]
    done, labels = AugmentationChain([], IMAGES, scaled)(x, y)
    assert torch.equal(done, scaled(x))
    assert labels is y


def test_an_augmentation_of_other_data_is_refused_with_those_that_fit() -> None:
    with pytest.raises(UserError, match="RandomVerticalFlip is for image data, and this is text data") as caught:
        AugmentationChain([RandomVerticalFlip()], TEXT, scaled)
    assert "data.augment.0" in str(caught.value)
    with pytest.raises(UserError, match="RandomCrop, RandomHorizontalFlip, RandomVerticalFlip"):
        AugmentationChain([OfSound()], IMAGES, scaled)


class OfSound(Augmentation):
    """A team's own."""

    for_modality = ("sound",)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        return torch.rand(shape[:1], generator=generator)

    def augment(self, x: Tensor, y: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        return x * drawn, y


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_nothing_waits_for_the_device(
    chain: Callable[[int], AugmentationChain], batches: list[tuple[Tensor, Tensor]]
) -> None:
    moved = [(x.cuda(), y.cuda()) for x, y in batches]
    made = chain(3)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        seen(made, moved)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_what_is_drawn_fits_the_shape_that_the_one_before_leaves(batches: list[tuple[Tensor, Tensor]]) -> None:
    chain = AugmentationChain([RandomCrop(4), RandomCrop(2)], IMAGES, scaled)
    last = torch.cat([chain.draw(x)[1] for x, _ in batches])
    assert set(last.flatten().tolist()) == {0, 1, 2}
    assert chain(*batches[0])[0].shape == (16, 3, 2, 2)
