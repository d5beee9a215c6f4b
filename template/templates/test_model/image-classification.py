"""What must stay true of the model while we change it. No data and no network are needed."""

import torch
from torch.nn.functional import cross_entropy

from {{ cookiecutter.package_name }}.model import VisionNet

CHANNELS, CLASSES = 1, 3


def make_batch(size: int = 16, pixels: int = 28) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(size, CHANNELS, pixels, pixels, generator=generator)
    y = torch.randint(0, CLASSES, (size,), generator=generator)
    return x, y


def test_each_image_gets_one_logit_a_class() -> None:
    x, _ = make_batch()
    assert VisionNet(CHANNELS, CLASSES)(x).shape == (16, CLASSES)


def test_images_of_another_size_are_fine() -> None:
    x, _ = make_batch(pixels=8)
    assert VisionNet(CHANNELS, CLASSES)(x).shape == (16, CLASSES)


def test_the_loss_on_one_batch_goes_down() -> None:
    # a model that cannot learn 16 examples by heart has a mistake, not a lack of data
    torch.manual_seed(0)
    model = VisionNet(CHANNELS, CLASSES)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    x, y = make_batch()
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_every_parameter_learns() -> None:
    model = VisionNet(CHANNELS, CLASSES)
    x, y = make_batch()
    cross_entropy(model(x), y).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, f"{name} is not used in forward"
