"""Models: one row of logits a sample, whatever its size, and every parameter learns."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import nn
from torch.nn import functional

from projectkit.data.spec import FACTS
from projectkit.models import CNN, MLP, CharCNN, SeriesCNN


@pytest.mark.parametrize("hidden", [(), (5,), (7, 3, 9)])
@pytest.mark.parametrize("num_features", [1, 13])
def test_an_mlp_gives_logits_for_any_width(hidden: tuple[int, ...], num_features: int) -> None:
    assert MLP(num_features, 3, hidden)(torch.randn(4, num_features)).shape == (4, 3)


def test_an_mlp_flattens_what_is_not_flat() -> None:
    assert MLP(12, 2)(torch.randn(5, 1, 3, 4)).shape == (5, 2)


@pytest.mark.parametrize("size", [(8, 8), (9, 17), (28, 28), (31, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_cnn_gives_logits_for_any_size(size: tuple[int, int], channels: int) -> None:
    assert CNN(channels, 10, width=4)(torch.randn(2, channels, *size)).shape == (2, 10)


@pytest.mark.parametrize("length", [1, 2, 5, 40, 840])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_series_cnn_gives_logits_for_any_length(length: int, channels: int) -> None:
    assert SeriesCNN(channels, 5, width=4)(torch.randn(2, channels, length)).shape == (2, 5)


def test_a_series_cnn_tells_where_not_apart_but_what() -> None:
    torch.manual_seed(0)
    model = SeriesCNN(1, 3, width=8).eval()
    x = torch.zeros(3, 1, 200)
    x[0, 0, 40:44] = x[1, 0, 120:124] = 5.0  # the same pulse at two places that pooling maps onto its own grid
    x[2, 0, 40:72] = 5.0
    early, late, longer = model(x)
    torch.testing.assert_close(early, late)
    assert not torch.allclose(early, longer)


@pytest.mark.parametrize("length", [1, 2, 5, 77])
def test_a_char_cnn_gives_logits_for_any_length(length: int) -> None:
    assert CharCNN(20, 4, channels=8)(torch.randint(1, 20, (3, length))).shape == (3, 4)


def char_cnn(pad_index: int = 0) -> CharCNN:
    torch.manual_seed(0)
    return CharCNN(30, 5, pad_index=pad_index, embedding=8, channels=16).eval()


@pytest.mark.parametrize("pad_index", [0, 29])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 6, 20])
def test_the_logits_of_a_text_do_not_depend_on_how_far_its_batch_was_padded(length: int, pad_index: int) -> None:
    model = char_cnn(pad_index)
    with torch.no_grad():  # a padding vector that has been moved, as weight decay may do, must not matter either
        model.embedding.weight[pad_index] = 3.0
    text = torch.randint(1, 29, (1, length), generator=torch.Generator().manual_seed(length))
    alone = model(text)
    for more in (1, 2, 7, 50):
        torch.testing.assert_close(model(functional.pad(text, (0, more), value=pad_index)), alone)


@pytest.mark.parametrize(
    ("model", "x"),
    [
        (char_cnn(), torch.randint(1, 30, (9, 12))),
        (CNN(1, 3, width=4).eval(), torch.randn(9, 1, 8, 8)),
        (SeriesCNN(1, 3, width=4).eval(), torch.randn(9, 1, 20)),
        (MLP(6, 3).eval(), torch.randn(9, 6)),
    ],
    ids=["CharCNN", "CNN", "SeriesCNN", "MLP"],
)
def test_the_logits_of_a_sample_do_not_depend_on_its_batch_mates(model: nn.Module, x: torch.Tensor) -> None:
    together = model(x)
    alone = torch.cat([model(each[None]) for each in x])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_a_char_cnn_tells_texts_apart_by_their_order() -> None:
    model = char_cnn()
    assert not torch.allclose(model(torch.tensor([[2, 3, 4]])), model(torch.tensor([[4, 3, 2]])))


def test_an_empty_text_has_finite_logits() -> None:
    assert char_cnn()(torch.zeros(2, 1, dtype=torch.int64)).isfinite().all()


@pytest.mark.parametrize(
    ("model", "x"),
    [
        (CharCNN(12, 3, embedding=4, channels=6), torch.randint(0, 12, (64, 9))),
        (CNN(2, 3, width=4), torch.randn(16, 2, 8, 8)),
        (SeriesCNN(2, 3, width=4), torch.randn(16, 2, 40)),
        (MLP(6, 3, (16, 8)), torch.randn(64, 6)),
    ],
    ids=["CharCNN", "CNN", "SeriesCNN", "MLP"],
)
def test_a_gradient_reaches_every_parameter(model: nn.Module, x: torch.Tensor) -> None:
    functional.cross_entropy(model(x), torch.arange(len(x)) % 3).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(
    ("model", "filled"),
    [
        (MLP, {"num_features", "num_classes"}),
        (CNN, {"in_channels", "num_classes"}),
        (SeriesCNN, {"in_channels", "num_classes"}),
        (CharCNN, {"vocab_size", "num_classes", "pad_index"}),
    ],
)
def test_the_sizes_of_the_data_have_the_names_that_are_filled_in(model: type, filled: set[str]) -> None:
    parameters = inspect.signature(model).parameters
    assert set(parameters) & set(FACTS) == filled
    assert {name for name, each in parameters.items() if each.default is each.empty} <= filled
