"""Noise in tokens: the edits happen at their rate, padding stays, and only tokens of the vocabulary come in."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from projectkit.data import DataSpec
from projectkit.data.augmentation import AugmentationChain, CharacterNoise, TokenCrop, TokenDropout
from projectkit.data.augmentation.text import EDITS
from projectkit.errors import UserError

VOCABULARY = 40


def tokens(rows: int = 4_000, length: int = 24, least: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    x = torch.randint(1, VOCABULARY, (rows, length), generator=generator)
    lengths = torch.randint(least, length + 1, (rows, 1), generator=generator)
    return torch.where(torch.arange(length) < lengths, x, 0)


def lengths(x: Tensor) -> Tensor:
    return (x != 0).sum(dim=1)


def noisy(x: Tensor, rate: float, *edits: str, seed: int = 2) -> Tensor:
    made = CharacterNoise(rate, edits or EDITS, VOCABULARY)
    made.start(seed)
    return made(x, torch.zeros(len(x)))[0]


def edited(row: list[int], kinds: list[str | None], new: list[int], width: int) -> list[int]:
    """One sequence by hand: replace, then swap, then delete and insert, from left to right."""
    row = list(row)
    length = sum(token != 0 for token in row)
    row = [new[at] if at < length and kinds[at] == "replace" else token for at, token in enumerate(row)]
    for at in range(length - 1):
        if kinds[at] == "swap" and (at == 0 or kinds[at - 1] != "swap"):
            row[at], row[at + 1] = row[at + 1], row[at]
    spared = all(kinds[at] == "delete" for at in range(length))
    out: list[int] = []
    for at in range(length):
        if kinds[at] == "insert":
            out.append(new[at])
        if kinds[at] != "delete" or spared:
            out.append(row[at])
    return (out + [0] * width)[:width]


def test_sequences_are_edited_as_one_would_by_hand() -> None:
    x = tokens(300, 10)
    rate = 0.7
    drawn = torch.rand(2, 300, 10, generator=torch.Generator().manual_seed(3))
    done, _ = CharacterNoise(rate, EDITS, VOCABULARY).augment(x, torch.zeros(300), drawn)
    words = VOCABULARY - 2
    for row in range(300):
        kinds = [EDITS[int(each / rate * 4)] if each < rate else None for each in drawn[0, row].tolist()]
        new = [2 + int(each * words) for each in drawn[1, row].tolist()]
        for at, kind in enumerate(kinds):
            if kind == "replace":
                new[at] = 2 + (int(x[row, at]) - 2 + 1 + int(float(drawn[1, row, at]) * (words - 1))) % words
        assert done[row].tolist() == edited(x[row].tolist(), kinds, new, 10)


def test_padding_stays_behind_the_end_and_new_tokens_are_of_the_vocabulary() -> None:
    x = tokens()
    done = noisy(x, 0.5)
    assert (lengths(done) >= 1).all()
    assert torch.equal(done != 0, torch.arange(24) < lengths(done)[:, None])
    assert done.max() < VOCABULARY
    assert (done == 1).sum() <= (x == 1).sum()  # what is unknown is not put in


def test_each_edit_happens_at_the_rate() -> None:
    x = tokens(least=24)
    places = x.numel()
    replaced = noisy(x, 0.2, "replace")
    assert (replaced != x).float().mean().item() == pytest.approx(0.2, abs=0.01)
    deleted = noisy(x, 0.2, "delete")
    assert 1 - lengths(deleted).sum().item() / places == pytest.approx(0.2, abs=0.01)
    short = torch.cat((tokens(least=24), torch.zeros(4_000, 24, dtype=torch.int64)), dim=1)
    inserted = noisy(short, 0.2, "insert")
    assert lengths(inserted).sum().item() / places - 1 == pytest.approx(0.2, abs=0.01)
    swapped = noisy(torch.arange(2, 26).expand(4_000, -1), 0.2, "swap")
    moved = (swapped != torch.arange(2, 26)).float().mean().item()
    assert moved == pytest.approx(2 * 0.2 * 0.8 * 23 / 24, abs=0.02)  # no swap after a swap, none at the end
    assert torch.equal(swapped.sort(dim=1).values, torch.arange(2, 26).expand(4_000, -1))


def test_all_edits_together_happen_equally_often() -> None:
    drawn = torch.rand(100_000, generator=torch.Generator().manual_seed(4)) * 0.3
    counts = torch.bincount((drawn / 0.3 * 4).long(), minlength=4)
    assert (counts / 100_000).tolist() == pytest.approx([0.25] * 4, abs=0.01)


def test_new_tokens_are_uniform_and_never_the_replaced_one() -> None:
    x = torch.full((4_000, 24), 7)
    done = noisy(x, 1.0, "replace")
    counts = torch.bincount(done.flatten(), minlength=VOCABULARY)
    assert counts[[0, 1, 7]].tolist() == [0, 0, 0]
    share = counts[counts > 0] / done.numel()
    assert len(share) == VOCABULARY - 3
    assert (share - 1 / 37).abs().max() < 0.004


def test_a_rate_of_0_changes_nothing_and_a_sequence_keeps_one_token() -> None:
    x = tokens()
    assert torch.equal(noisy(x, 0.0), x)
    assert (lengths(noisy(x, 1.0, "delete")) == lengths(x)).all()  # it would have lost all of them
    assert (lengths(noisy(x, 0.9, "delete")) >= 1).all()


def test_an_empty_text_stays_empty() -> None:
    x = torch.zeros(3, 1, dtype=torch.int64)
    for made in (CharacterNoise(1.0, vocab_size=VOCABULARY), TokenCrop(), TokenDropout(1.0)):
        assert torch.equal(made(x, torch.zeros(3))[0], x)


def test_a_crop_is_a_window_of_the_sequence() -> None:
    x = tokens(2_000)
    done, _ = TokenCrop((0.3, 0.9))(x, torch.zeros(2_000))
    kept = lengths(done) / lengths(x)
    long = lengths(x) > 15
    assert 0.25 < kept[long].min() < 0.35
    assert 0.85 < kept[long].max() < 0.95
    for row in range(200):
        window = done[row][done[row] != 0].tolist()
        text = x[row].tolist()
        assert any(text[at : at + len(window)] == window for at in range(len(text))), row


def test_every_place_of_a_crop_of_fixed_size_is_equally_likely() -> None:
    x = torch.arange(2, 12).expand(20_000, -1)
    done, _ = TokenCrop((1.0, 1.0), size=6)(x, torch.zeros(20_000))
    assert done.shape == (20_000, 6)
    counts = torch.bincount(done[:, 0], minlength=7)[2:]
    assert (counts / 20_000).tolist() == pytest.approx([0.2] * 5, abs=0.015)


def test_the_draws_of_noise_behind_a_crop_fit_the_cropped_width() -> None:
    spec = DataSpec("text", (None,), 2, ("a", "b"), vocab_size=VOCABULARY, pad_index=0)
    chain = AugmentationChain([TokenCrop(size=6), CharacterNoise(0.5), TokenDropout(0.1)], spec, lambda x: x)
    assert chain(tokens(50), torch.zeros(50), 0, 0)[0].shape == (50, 6)


def test_a_share_of_the_tokens_becomes_unknown() -> None:
    x = tokens() + (tokens() == 1).long()  # none is unknown yet
    done, _ = TokenDropout(0.3)(x, torch.zeros(len(x)))
    hidden = done != x
    assert (done[hidden] == 1).all()
    assert (hidden.sum() / (x != 0).sum()).item() == pytest.approx(0.3, abs=0.01)
    assert torch.equal(done == 0, x == 0)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: CharacterNoise(1.1), "CharacterNoise: rate is 1.1; give rate as a number from 0 to 1"),
        (lambda: CharacterNoise(edits=["type"]), "give edits as a list of replace, delete, insert, swap"),
        (lambda: CharacterNoise(vocab_size=3), "give vocab_size as a whole number of 4 or more"),
        (lambda: CharacterNoise()(tokens(2), torch.zeros(2)), "the size of the vocabulary is not known"),
        (lambda: TokenCrop((0.5, 2)), "give keep as two numbers in order from 0 up to 1"),
        (lambda: TokenCrop(size=0), "give size as a whole number of 1 or more"),
        (lambda: TokenDropout(-1), "give rate as a number from 0 to 1"),
    ],
    ids=range(7),
)
def test_arguments_that_cannot_be_are_refused(made: object, message: str) -> None:
    with pytest.raises(UserError) as caught:
        made()
    assert message in str(caught.value)
