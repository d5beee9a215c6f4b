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


def seen(chain: AugmentationChain, batches: list[tuple[Tensor, Tensor]], start: int = 0) -> list[Tensor]:
    return [chain(*batches[number], 4, number)[0] for number in range(start, len(batches))]


def test_a_run_that_goes_on_in_mid_epoch_sees_the_pictures_that_it_would_have_seen(
    chain: Callable[[int], AugmentationChain], batches: list[tuple[Tensor, Tensor]]
) -> None:
    expected = seen(chain(3), batches)
    assert all(map(torch.equal, seen(chain(3), batches, start=2), expected[2:]))


def test_an_augmentation_by_itself_moves_on_by_a_batch_a_call(batches: list[tuple[Tensor, Tensor]]) -> None:
    flip = RandomHorizontalFlip()
    flip.start(seed=3, epoch=4)
    expected = [flip(x, y)[0] for x, y in batches]
    flip.start(seed=3, epoch=4, batch=2)
    assert all(torch.equal(flip(x, y)[0], was) for (x, y), was in zip(batches[2:], expected[2:], strict=True))
    assert not torch.equal(flip(*batches[0])[0], flip(*batches[0])[0])


def test_another_seed_epoch_or_batch_gives_other_pictures(
    chain: Callable[[int], AugmentationChain], batches: list[tuple[Tensor, Tensor]]
) -> None:
    places = [(3, 0, 0), (4, 0, 0), (3, 1, 0), (3, 0, 1), (0, 3, 0)]
    pictures = [chain(seed)(*batches[0], epoch, batch)[0] for seed, epoch, batch in places]
    assert not any(torch.equal(one, two) for at, one in enumerate(pictures) for two in pictures[:at])


def test_two_flips_in_one_chain_are_drawn_independently(batches: list[tuple[Tensor, Tensor]]) -> None:
    chain = AugmentationChain([RandomHorizontalFlip(), RandomHorizontalFlip()], IMAGES, scaled)
    x, _ = batches[0]
    drawn = [chain.draw(x.shape, x.device, 0, batch) for batch in range(50)]
    first, second = (torch.cat(each) for each in zip(*drawn, strict=True))
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
    done, labels = AugmentationChain([], IMAGES, scaled)(x, y, 0, 0)
    assert torch.equal(done, scaled(x))
    assert labels is y


def test_an_augmentation_of_other_data_is_refused_with_those_that_fit() -> None:
    with pytest.raises(
        UserError, match="RandomVerticalFlip is for image data, and this is text data; choose of CharacterNoise, Tok"
    ) as caught:
        AugmentationChain([RandomVerticalFlip()], TEXT, scaled)
    assert "data.augment.0" in str(caught.value)
    with pytest.raises(UserError, match=r"choose of .*RandomCrop, .*RandomVerticalFlip"):
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
    x, y = batches[0]
    last = torch.cat([chain.draw(x.shape, x.device, 0, batch)[1] for batch in range(5)])
    assert set(last.flatten().tolist()) == {0, 1, 2}
    assert chain(x, y, 0, 0)[0].shape == (16, 3, 2, 2)
