"""What must stay true of the model while we change it. No data and no network are needed."""

import torch
from torch.nn.functional import cross_entropy

from {{ cookiecutter.package_name }}.model import TextNet

VOCABULARY, CLASSES = 40, 3


def make_batch(size: int = 16, length: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(1, VOCABULARY, (size, length), generator=generator)
    y = torch.randint(0, CLASSES, (size,), generator=generator)
    return x, y


def test_each_text_gets_one_logit_a_class() -> None:
    x, _ = make_batch()
    assert TextNet(VOCABULARY, CLASSES)(x).shape == (16, CLASSES)


def test_a_text_of_one_character_is_enough() -> None:
    x, _ = make_batch(size=1, length=1)
    assert TextNet(VOCABULARY, CLASSES)(x).isfinite().all()


def test_the_logits_do_not_depend_on_the_padding() -> None:
    model = TextNet(VOCABULARY, CLASSES).eval()
    x, _ = make_batch()
    padded = torch.cat([x, torch.zeros(16, 9, dtype=x.dtype)], dim=1)
    torch.testing.assert_close(model(padded), model(x))


def test_the_loss_on_one_batch_goes_down() -> None:
    # a model that cannot learn 16 examples by heart has a mistake, not a lack of data
    torch.manual_seed(0)
    model = TextNet(VOCABULARY, CLASSES)
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
    model = TextNet(VOCABULARY, CLASSES)
    x, y = make_batch()
    cross_entropy(model(x), y).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, f"{name} is not used in forward"
