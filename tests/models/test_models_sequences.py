"""GRU and transformer: padding is never seen, order is, and both learn what needs it."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from projectkit.data.spec import FACTS
from projectkit.errors import UserError
from projectkit.models import GRU, ResNet, Transformer
from projectkit.tasks import Classification, OptimizerPlan

Build = Callable[..., nn.Module]


def gru(**arguments: object) -> nn.Module:
    torch.manual_seed(0)
    return GRU(30, 5, **{"embedding": 8, "hidden": 12, **arguments})


def transformer(**arguments: object) -> nn.Module:
    torch.manual_seed(0)
    return Transformer(30, 5, **{"width": 16, "heads": 4, "max_length": 96, **arguments})


KINDS = {
    "gru": gru,
    "gru mean": lambda **more: gru(pooling="mean", **more),
    "gru both ways": lambda **more: gru(bidirectional=True, num_layers=2, **more),
    "gru both ways mean": lambda **more: gru(bidirectional=True, pooling="mean", **more),
    "transformer": transformer,
    "transformer learned": lambda **more: transformer(positions="learned", **more),
}
every = pytest.mark.parametrize("build", KINDS.values(), ids=KINDS.keys())


def texts(n: int = 8, longest: int = 12, pad_index: int = 0) -> Tensor:
    """Sequences of mixed lengths, the last one as long as the batch."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(1, 29, (n, longest), generator=generator)
    lengths = torch.randint(1, longest, (n,), generator=generator)
    lengths[-1] = longest
    return torch.where(torch.arange(longest) < lengths[:, None], x, pad_index)


@every
@pytest.mark.parametrize("length", [1, 2, 77])
def test_there_are_logits_for_any_length(build: Build, length: int) -> None:
    assert build()(torch.randint(1, 30, (3, length))).shape == (3, 5)


@every
@pytest.mark.parametrize("pad_index", [0, 29])
def test_the_logits_do_not_depend_on_how_far_a_batch_was_padded(build: Build, pad_index: int) -> None:
    model, x = build(pad_index=pad_index).double().eval(), texts(pad_index=pad_index)
    with torch.no_grad():  # a padding vector that has been moved, as weight decay may do, must not matter either
        model.embedding.weight[pad_index] = 3.0
    wanted = model(x)
    for more in (1, 2, 50):
        torch.testing.assert_close(model(functional.pad(x, (0, more), value=pad_index)), wanted)
    alone = torch.cat([model(row[row != pad_index][None]) for row in x])
    torch.testing.assert_close(alone, wanted)


@every
def test_the_gradients_do_not_depend_on_it_either(build: Build) -> None:
    x, found = texts(), []
    for more in (0, 20):
        model = build().double().eval()
        functional.cross_entropy(model(functional.pad(x, (0, more))), torch.arange(8) % 5).backward()
        # learned positions behind the text have none
        found.append([each.grad for each in model.parameters()])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


@every
def test_order_matters(build: Build) -> None:
    model = build().eval()
    assert not torch.allclose(model(torch.tensor([[2, 3, 4]])), model(torch.tensor([[4, 3, 2]])))


@every
def test_an_empty_text_has_finite_logits_and_gradients_however_far_it_is_padded(build: Build) -> None:
    model = build().eval()
    x = torch.zeros(3, 4, dtype=torch.int64)
    x[2] = 7
    logits = model(x)
    logits.sum().backward()
    assert logits.isfinite().all()
    assert all(each.grad is None or each.grad.isfinite().all() for each in model.parameters())
    torch.testing.assert_close(model(torch.zeros(1, 9, dtype=torch.int64)), logits[:1])


@every
def test_a_gradient_reaches_every_parameter(build: Build) -> None:
    model = build(dropout=0.0)
    functional.cross_entropy(model(torch.randint(1, 30, (64, 96))), torch.arange(64) % 5).backward()
    assert [name for name, each in model.named_parameters() if each.grad is None or not each.grad.abs().sum() > 0] == []


def test_a_gru_is_torchs_run_over_each_sequence_by_itself() -> None:
    model, x = gru(bidirectional=True).eval(), texts()
    for row, wanted in zip(x, model(x), strict=True):
        _, last = model.recurrent(model.embedding(row[row != 0][None]))
        torch.testing.assert_close(model.head(torch.cat([last[0], last[1]], dim=1))[0], wanted)


def test_a_transformer_is_torchs_encoder_with_the_same_weights() -> None:
    model, x = transformer().double().eval(), texts()
    layers = []
    for block in model.blocks:
        layer = nn.TransformerEncoderLayer(16, 4, 64, 0.1, "gelu", batch_first=True, norm_first=True).double().eval()
        attention = layer.self_attn
        pairs = (
            (layer.norm1, block.first_norm),
            (layer.norm2, block.second_norm),
            (layer.linear1, block.feedforward[0]),
            (layer.linear2, block.feedforward[2]),
            (attention.out_proj, block.from_attention),
        )
        for theirs, ours in pairs:
            theirs.load_state_dict(ours.state_dict())
        attention.load_state_dict(
            {
                **attention.state_dict(),
                "in_proj_weight": block.to_attention.weight,
                "in_proj_bias": block.to_attention.bias,
            }
        )
        layers.append(layer)
    states = model.embedding(x) + model._places(x.shape[1], model.embedding.weight)
    for layer in layers:
        states = layer(states, src_key_padding_mask=x == 0)
    states = model.norm(states)
    pooled = torch.stack([row[tokens != 0].mean(dim=0) for row, tokens in zip(states, x, strict=True)])
    torch.testing.assert_close(model(x), model.head(pooled))


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_checkpointed_blocks_give_the_same_gradients(dropout: float) -> None:
    found = []
    for checkpoint_blocks in (False, True):
        model = transformer(checkpoint_blocks=checkpoint_blocks, dropout=dropout)
        torch.manual_seed(1)
        functional.cross_entropy(model(texts()), torch.arange(8) % 5).backward()
        found.append([each.grad for each in model.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


@pytest.mark.parametrize("positions", ["sinusoidal", "learned"])
def test_a_transformer_is_captured_as_one_graph(positions: str) -> None:
    model, x = transformer(positions=positions).eval(), texts()
    whole = torch.compile(copy.deepcopy(model), backend="eager", fullgraph=True)
    torch.testing.assert_close(whole(x), model(x))


@pytest.mark.parametrize(
    ("build", "remedy"),
    [
        (lambda: transformer(width=18), "write width: 16"),
        (lambda: transformer(width=15, heads=3), "write width: 12"),
        (lambda: transformer(positions="sinusoid"), "did you mean 'sinusoidal'?"),
        (lambda: gru(pooling="men"), "did you mean 'mean'?"),
        (lambda: transformer(positions="learned")(torch.ones(1, 97, dtype=torch.int64)), "write max_length: 97"),
    ],
)
def test_what_cannot_be_is_named_with_a_remedy(build: Callable[[], object], remedy: str) -> None:
    with pytest.raises(UserError) as caught:
        build()
    assert str(caught.value.remedy).startswith(remedy)


@pytest.mark.parametrize(
    ("model", "filled"),
    [
        (ResNet, {"in_channels", "num_classes"}),
        (GRU, {"vocab_size", "num_classes", "pad_index"}),
        (Transformer, {"vocab_size", "num_classes", "pad_index"}),
    ],
)
def test_the_sizes_of_the_data_have_the_names_that_are_filled_in(model: type, filled: set[str]) -> None:
    parameters = inspect.signature(model).parameters
    assert set(parameters) & set(FACTS) == filled
    assert {name for name, each in parameters.items() if each.default is each.empty} <= filled


@pytest.mark.slow
@pytest.mark.parametrize("build", [KINDS["gru"], KINDS["gru both ways mean"], KINDS["transformer"]])
def test_it_learns_which_of_two_tokens_came_first(build: Build) -> None:
    """Counting cannot tell: both tokens are in every sequence, somewhere among others."""
    generator = torch.Generator().manual_seed(0)
    x, y = texts(2_000, 16), torch.randint(0, 2, (2_000,), generator=generator)
    x = torch.where((x == 1) | (x == 2), 3, x)
    x[:, 0] = 3
    places = torch.rand(2_000, 8, generator=generator).topk(2, dim=1).indices.sort(dim=1).values + 1
    x[:, :9] = torch.where(x[:, :9] == 0, 4, x[:, :9])  # room for both in each
    x.scatter_(1, places, torch.stack([1 + y, 2 - y], dim=1))
    model = build(dropout=0.0)
    module = Classification(model, OptimizerPlan(lambda parameters: torch.optim.AdamW(parameters, lr=0.005)))
    quiet = {
        "logger": False,
        "enable_progress_bar": False,
        "enable_checkpointing": False,
        "enable_model_summary": False,
    }
    trainer = pl.Trainer(accelerator="cpu", max_epochs=14, limit_val_batches=0, **quiet)
    trainer.fit(module, DataLoader(TensorDataset(x[:1_600], y[:1_600]), batch_size=64))
    hits = model.eval()(x[1_600:]).argmax(dim=1) == y[1_600:]
    assert float(hits.float().mean()) > 0.9
