"""Attributions add up, point at the one thing that a network looks at, and fall back or give up with a reason."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from projectkit import models
from projectkit.data.encoders import (
    ByteEncoder,
    CharacterEncoder,
    ImageEncoder,
    SeriesEncoder,
    TableEncoder,
    TokenEncoder,
    WordEncoder,
    WordPieceEncoder,
)
from projectkit.datasets import Table, Texts, Tokens
from projectkit.evaluation.attribution import Attribution, Explainer, UnexplainedError
from projectkit.tasks import Classification

TEXTS = ("call 0800 now, free prize!", "see you at six", "größer, 漢字 and ½", "a", "won a prize, call now call now")
NAMES = ("no", "yes", "maybe")
ADDS_UP = 0.05  # at most: a quarter is refused, and 2% is what is aimed at


def explainer(x: Any, encoder: Any, task: pl.LightningModule) -> Explainer:
    """Of a network over samples that are in no catalogue."""
    data = SimpleNamespace(
        spec=SimpleNamespace(class_names=NAMES),
        samples=SimpleNamespace(x=x),
        split=SimpleNamespace(subsets={"train": np.arange(len(x))}),
        encoder=encoder,
    )
    assembly: Any = SimpleNamespace(catalogued=data, task=task)
    return Explainer(assembly)


def network(model: nn.Module) -> Classification:
    """A task with weights that are far from zero, so that its outputs differ."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
        for module in model.modules():
            if isinstance(module, nn.Embedding) and module.padding_idx is not None:
                module.weight[module.padding_idx] = 0
    return Classification(model)


def table() -> Table:
    rng = np.random.default_rng(0)
    numeric = rng.normal(size=(50, 4)).astype(np.float32)
    numeric[::7, 2] = np.nan
    names = np.stack([rng.choice(["tcp", "udp"], 50), rng.choice(["http", "ftp", "dns"], 50)], axis=1)
    return Table(numeric, ("a", "b", "c", "d"), names, ("protocol", "service"))


def images() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, size=(20, 3, 16, 16), dtype=np.uint8)


def series() -> np.ndarray:
    return np.random.default_rng(2).normal(size=(20, 2, 60)).astype(np.float32)


def of_text(encoder_class: Any, model_class: Any, **arguments: Any) -> Explainer:
    x = Texts.of(TEXTS)
    encoder = encoder_class.fit(x)
    return explainer(x, encoder, network(model_class(encoder.facts["vocab_size"], 3, **arguments)))


def of_table(model: nn.Module | None = None) -> Explainer:
    encoder = TableEncoder.fit(table())
    return explainer(
        table(), encoder, network(models.MLP(encoder.facts["num_features"], 3)) if model is None else model
    )


def of_tokens() -> Explainer:
    x = Tokens(np.array([0, 1, 2, 1, 3, 0, 2], dtype=np.int16), np.array([0, 4, 7]), ("open", "read", "write", "close"))
    encoder = TokenEncoder.fit(x, max_length=4)
    return explainer(x, encoder, network(models.GRU(encoder.facts["vocab_size"], 3)))


NETWORKS = {
    "image": lambda: explainer(images(), ImageEncoder.fit(images()), network(models.CNN(3, 3, width=8))),
    "resnet": lambda: explainer(images(), ImageEncoder.fit(images()), network(models.ResNet(3, 3, depth=8, width=4))),
    "series": lambda: explainer(series(), SeriesEncoder.fit(series()), network(models.SeriesCNN(2, 3, width=8))),
    "table": of_table,
    "characters": lambda: of_text(CharacterEncoder, models.CharCNN, channels=16),
    "bytes": lambda: of_text(ByteEncoder, models.CharCNN, channels=16),
    "words": lambda: of_text(WordEncoder, models.GRU, hidden=16, bidirectional=True),
    "word pieces": lambda: of_text(WordPieceEncoder, models.GRU, hidden=16, pooling="mean"),
    "transformer": lambda: of_text(CharacterEncoder, models.Transformer, width=16, heads=2, num_layers=1),
    "learned positions": lambda: of_text(
        CharacterEncoder, models.Transformer, width=16, heads=2, num_layers=1, positions="learned"
    ),
    "tokens": of_tokens,
}


def outputs(asked: Explainer, row: int) -> float:
    """Logit 1 minus logit 2 on a sample, by the network itself."""
    with torch.no_grad():
        logits = asked.task.eval()(asked._input(row))[0]
    return float(logits[1] - logits[2])


@pytest.mark.parametrize("name", NETWORKS)
def test_integrated_gradients_add_up_to_the_change_of_the_output(name: str) -> None:
    asked = NETWORKS[name]()
    for row in (0, 1):
        found = asked.contrast(row, 1, 2)
        assert found.method == "integrated gradients", found.fallback
        assert np.abs(found.values).max() > 0
        moved = max(abs(found.difference), 0.5 * np.abs(found.values).sum())
        assert abs(found.values.sum() - found.difference) <= ADDS_UP * moved
        assert found.error <= ADDS_UP


@pytest.mark.parametrize("name", ["image", "series", "table"])
def test_the_change_is_counted_from_the_plain_sample(name: str) -> None:
    asked = NETWORKS[name]()
    plain = asked._plain if name == "table" else torch.zeros_like(asked._input(0))
    with torch.no_grad():
        logits = asked.task.eval()(plain)[0]
    expected = outputs(asked, 0) - float(logits[1] - logits[2])
    assert asked.contrast(0, 1, 2).difference == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_other_way_round_everything_changes_its_sign(name: str) -> None:
    asked = NETWORKS[name]()
    there, back = asked.contrast(0, 1, 2), asked.contrast(0, 2, 1)
    assert (there.towards, there.against) == (back.against, back.towards) == ("yes", "maybe")
    np.testing.assert_allclose(there.values, -back.values, atol=1e-5)


@pytest.mark.parametrize(("encoder", "text"), [(CharacterEncoder, 0), (CharacterEncoder, 2), (ByteEncoder, 2)])
def test_the_parts_of_a_text_are_the_text(encoder: Any, text: int) -> None:
    found = of_text(encoder, models.CharCNN, channels=4).contrast(text, 1, 2)
    assert "".join(found.names) == TEXTS[text]
    assert len(found.names) == len(found.values)


def test_the_parts_of_words_and_tokens_are_they() -> None:
    assert of_text(WordEncoder, models.GRU, hidden=4).contrast(0, 1, 2).names == (
        ("call", "0800", "now", ",", "free", "prize", "!")
    )
    assert "".join(of_text(WordPieceEncoder, models.GRU, hidden=4).contrast(2, 1, 2).names) == TEXTS[2]
    assert of_tokens().contrast(0, 1, 2).names == ("open", "read", "write", "read")


class LooksAt(nn.Module):
    """A network for which one part of the input alone says yes."""

    def __init__(self, pick: Any) -> None:
        super().__init__()
        self.pick = pick
        self.scale = nn.Parameter(torch.tensor(3.0))

    def forward(self, x: Tensor) -> Tensor:
        seen = torch.tanh(self.pick(x)) * self.scale
        return torch.stack([-seen, seen, torch.zeros_like(seen)], dim=1)


def test_a_network_that_looks_at_one_column_is_attributed_to_it() -> None:
    asked = of_table(Classification(LooksAt(lambda x: x[:, 1])))
    found = asked.contrast(3, 1, 0)
    assert found.names[int(np.abs(found.values).argmax())] == "b"
    assert np.count_nonzero(found.values) == 1


def test_a_network_that_looks_at_one_category_is_attributed_to_its_column() -> None:
    # encoded: 4 numbers, 1 that is missing somewhere, 2 protocols, 3 services
    x = table()
    row = int(np.flatnonzero(x.categorical[:, 1] == "dns")[0])
    common = max(("dns", "ftp", "http"), key=x.categorical[:, 1].tolist().count)
    asked = of_table(Classification(LooksAt(lambda x: x[:, 7] + 0.5 * x[:, 8])))
    found = asked.contrast(row, 1, 0)
    moved = np.abs(found.values) > 1e-6
    assert moved.tolist() == [False, False, False, False, False, common != "dns"]


def test_a_network_that_looks_at_one_patch_is_attributed_to_it() -> None:
    task = Classification(LooksAt(lambda x: x[:, :, 4:8, 8:12].mean(dim=(1, 2, 3))))
    found = explainer(images(), ImageEncoder.fit(images()), task).contrast(0, 1, 0)
    inside = np.zeros((16, 16), dtype=bool)
    inside[4:8, 8:12] = True
    assert np.abs(found.values[~inside]).max() == 0
    assert np.abs(found.values[inside]).min() > 0


def test_a_network_that_looks_at_one_moment_is_attributed_to_it() -> None:
    task = Classification(LooksAt(lambda x: x[:, 1, 33]))
    found = explainer(series(), SeriesEncoder.fit(series()), task).contrast(0, 1, 0)
    assert np.argwhere(found.values).tolist() == [[1, 33]]


class OneToken(nn.Module):
    """Says yes where one token occurs."""

    def __init__(self, vocabulary: int, token: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 4, padding_idx=0)
        with torch.no_grad():
            self.embedding.weight.zero_()
            self.embedding.weight[token, 0] = 1.0

    def forward(self, x: Tensor) -> Tensor:
        seen = self.embedding(x)[..., 0].sum(dim=1)
        return torch.stack([-seen, seen, torch.zeros_like(seen)], dim=1)


def test_a_network_that_looks_at_one_token_is_attributed_to_it() -> None:
    x = Texts.of(TEXTS)
    encoder = CharacterEncoder.fit(x)
    token = encoder.characters.index("!") + 2
    found = explainer(x, encoder, Classification(OneToken(encoder.facts["vocab_size"], token))).contrast(0, 1, 0)
    assert [name for name, value in zip(found.names, found.values, strict=True) if value] == ["!"]
    assert found.values.sum() == pytest.approx(2.0, abs=1e-5)


class Steps(nn.Module):
    """Nothing that a gradient goes through: a threshold on one column."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        seen = (x[:, 0] > 0).float() * 2 - 1 + self.bias
        return torch.stack([-seen, seen, torch.zeros_like(seen)], dim=1)


def test_a_network_without_gradients_is_occluded() -> None:
    asked = of_table(Classification(Steps()))
    plain = float(asked._plain[0, 0])
    row = next(row for row in range(50) if (float(asked._input(row)[0, 0]) > 0) != (plain > 0))
    found = asked.contrast(row, 1, 0)
    assert found.method == "occlusion"
    assert found.fallback
    assert np.flatnonzero(found.values).tolist() == [0]
    assert abs(found.values[0]) == pytest.approx(4.0)  # both logits turn from one sign to the other


class Counting(nn.Module):
    """Reads tokens without an embedding."""

    def __init__(self, token: int) -> None:
        super().__init__()
        self.token = token
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        seen = (x == self.token).sum(dim=1) * self.weight
        return torch.stack([-seen, seen, torch.zeros_like(seen)], dim=1)


def test_a_network_without_embeddings_is_occluded_token_by_token() -> None:
    x = Texts.of(TEXTS)
    encoder = CharacterEncoder.fit(x)
    asked = explainer(x, encoder, Classification(Counting(encoder.characters.index("r") + 2)))
    found = asked.contrast(0, 1, 0)
    assert found.method == "occlusion"
    assert "Embedding" in found.fallback
    assert [name for name, value in zip(found.names, found.values, strict=True) if value] == ["r", "r"]


def test_occlusion_of_an_image_finds_the_patch() -> None:
    task = Classification(LooksAt(lambda x: (x[:, :, :4, :4].mean(dim=(1, 2, 3)) * 50).round() / 50))
    found = explainer(images(), ImageEncoder.fit(images()), task).contrast(0, 1, 0)
    assert found.method == "occlusion"
    assert found.values.shape == (16, 16)
    top, left = np.unravel_index(np.abs(found.values).argmax(), (16, 16))
    assert top < 4
    assert left < 4
    assert np.abs(found.values[8:, 8:]).max() == 0


def test_a_network_that_changes_its_input_in_place_is_explained() -> None:
    class InPlace(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.layers = nn.Sequential(
                nn.ReLU(inplace=True), nn.Linear(width, 8), nn.ReLU(inplace=True), nn.Linear(8, 3)
            )

        def forward(self, x: Tensor) -> Tensor:
            return self.layers(x)

    width = TableEncoder.fit(table()).facts["num_features"]
    found = of_table(network(InPlace(width))).contrast(0, 1, 2)
    assert np.abs(found.values).max() > 0
    assert found.error <= ADDS_UP or found.method == "occlusion"


class Own(pl.LightningModule):
    """A team's own module: probabilities from `predict_step`, nothing from `forward`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def predict_step(self, batch: Any, batch_idx: int) -> Tensor:
        return torch.softmax(self.layer(batch[0]), dim=1)


def test_probabilities_of_an_own_module_are_explained_as_log_odds() -> None:
    encoder = TableEncoder.fit(table())
    task = Own(encoder.facts["num_features"])
    asked = explainer(table(), encoder, task)
    found = asked.contrast(0, 1, 2)
    with torch.no_grad():
        logits = task.layer(torch.cat([asked._input(0), asked._plain]))
    expected = (logits[0, 1] - logits[0, 2]) - (logits[1, 1] - logits[1, 2])
    assert found.difference == pytest.approx(float(expected), abs=1e-5)
    assert found.error <= ADDS_UP


def test_an_anomaly_score_is_explained_by_what_raises_it() -> None:
    class Scorer(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def predict_step(self, batch: Any, batch_idx: int) -> Tensor:
            return self.weight * batch[0][:, 3] ** 2

    asked = of_table(Scorer())
    row = int(np.abs(table().numeric[:, 3]).argmax())
    found = asked.alone(row)
    assert (found.towards, found.against) == ("", "")
    assert np.flatnonzero(np.abs(found.values) > 1e-6).tolist() == [3]
    assert found.values[3] > 0


class Raises(nn.Module):
    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self.error = error
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        if self.error is not None:
            raise self.error
        return x[:, :3] * float("nan") * self.weight


@pytest.mark.parametrize("error", [RuntimeError("out\nof memory"), KeyError("x"), AssertionError(), None])
def test_a_network_that_cannot_be_asked_is_left_out_with_one_line(error: Exception | None) -> None:
    with pytest.raises(UnexplainedError) as caught:
        of_table(Classification(Raises(error))).contrast(0, 1, 2)
    assert "\n" not in str(caught.value)
    assert str(caught.value)


def test_an_empty_sequence_is_left_out() -> None:
    x = Texts.of([*TEXTS, ""])
    encoder = CharacterEncoder.fit(x)
    asked = explainer(x, encoder, network(models.CharCNN(encoder.facts["vocab_size"], 3)))
    with pytest.raises(UnexplainedError, match="empty"):
        asked.contrast(len(TEXTS), 1, 2)


def test_data_of_the_teams_own_is_left_out() -> None:
    assembly: Any = SimpleNamespace(catalogued=None, task=None)
    with pytest.raises(UnexplainedError, match="your own"):
        Explainer(assembly)


def test_broken_and_hostile_texts_are_explained() -> None:
    x = Texts.of(["<script>alert(1)</script>", "half \ud83d of it", "zero \0 byte", "\u202eturned", *TEXTS])
    for encoder_class in (CharacterEncoder, ByteEncoder):
        encoder = encoder_class.fit(x)
        asked = explainer(x, encoder, network(models.CharCNN(encoder.facts["vocab_size"], 3, channels=4)))
        assert ["".join(asked.contrast(row, 1, 2).names) for row in range(4)] == [x[row] for row in range(4)]


@pytest.mark.parametrize("name", ["characters", "table", "image"])
def test_a_network_is_left_as_it_was(name: str) -> None:
    asked = NETWORKS[name]()
    asked.task.train()
    before = {key: value.clone() for key, value in asked.task.state_dict().items()}
    first = asked.contrast(0, 1, 2)
    assert asked.task.training
    assert all(parameter.grad is None for parameter in asked.task.parameters())
    assert all(torch.equal(value, before[key]) for key, value in asked.task.state_dict().items())
    assert not any(module._forward_hooks for module in asked.task.modules())
    again: Attribution = asked.contrast(0, 1, 2)
    np.testing.assert_array_equal(first.values, again.values)
