"""Bytes, words, word pieces and tokens: every unit against a plain loop, and what it does with what it has never met."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from tokenizers.decoders import ByteLevel

from projectkit.data.encoders import (
    UNKNOWN,
    ByteEncoder,
    CharacterEncoder,
    SequenceEncoder,
    TokenEncoder,
    WordEncoder,
    WordPieceEncoder,
)
from projectkit.data.encoders.sequence import cut, offsets_of
from projectkit.datasets import Texts, Tokens

UNITS = (CharacterEncoder, ByteEncoder, WordEncoder, WordPieceEncoder)


def rows(encoder: SequenceEncoder, x: Texts | Tokens) -> list[list[int]]:
    encoded = encoder.encode(x)
    bounds = encoded.offsets.tolist()
    return [encoded.values[start:stop].tolist() for start, stop in pairwise(bounds)]


def random_texts(seed: int, count: int = 40) -> list[str]:
    rng = np.random.default_rng(seed)
    alphabet = list("ab .1_é読🙂\ud800\n")
    return ["".join(rng.choice(alphabet, rng.integers(0, 20))) for _ in range(count)]


@pytest.mark.parametrize("seed", range(20))
def test_cutting_is_what_a_loop_would_do(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sequences = [rng.integers(0, 9, rng.integers(0, 9)).tolist() for _ in range(rng.integers(0, 9))]
    values = np.array([value for sequence in sequences for value in sequence], dtype=np.int64)
    longest = int(rng.integers(1, 9))
    values, offsets = cut(values, offsets_of([len(sequence) for sequence in sequences]), longest)
    bounds = offsets.tolist()
    got = [values[start:stop].tolist() for start, stop in pairwise(bounds)]
    assert got == [sequence[:longest] for sequence in sequences]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("max_length", [1, 3, 100])
def test_characters_bytes_and_words_are_what_a_loop_would_give(seed: int, max_length: int) -> None:
    train, new = random_texts(seed), [*random_texts(seed + 100), "🦊 fox"]
    alphabet = sorted(set("".join(train)))
    expected = [[alphabet.index(c) + 2 if c in alphabet else UNKNOWN for c in text[:max_length]] for text in new]
    assert rows(CharacterEncoder.fit(Texts.of(train), max_length), Texts.of(new)) == expected

    as_bytes = [[byte + 2 for byte in text.encode("utf-8", "surrogatepass")[:max_length]] for text in new]
    assert rows(ByteEncoder.fit(Texts.of(train), max_length), Texts.of(new)) == as_bytes

    def words(text: str) -> list[str]:
        return re.findall(r"\w+|[^\w\s]", text.lower())

    counts = Counter(word for text in train for word in words(text))
    known = sorted((word for word in counts if counts[word] > 1), key=lambda word: (-counts[word], word))
    expected = [[known.index(w) + 2 if w in known else UNKNOWN for w in words(text)[:max_length]] for text in new]
    assert rows(WordEncoder.fit(Texts.of(train), max_length), Texts.of(new)) == expected


def test_texts_are_decoded_in_parts_that_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = Texts.of(random_texts(5, 200))
    encoder = CharacterEncoder.fit(texts)
    whole = rows(encoder, texts)
    for block in (1, 7, 100):
        monkeypatch.setattr("projectkit.data.encoders.text._BLOCK", block)
        assert CharacterEncoder.fit(texts).digest == encoder.digest
        assert rows(encoder, texts) == whole


def test_indices_take_two_bytes_as_long_as_they_fit() -> None:
    def alphabet(size: int) -> Texts:
        return Texts.of(["".join(map(chr, range(0x4E00, 0x4E00 + size)))])

    small, large = CharacterEncoder.fit(alphabet(30_000)), CharacterEncoder.fit(alphabet(40_000))
    assert small.encode(alphabet(30_000)).values.dtype == torch.int16
    assert large.encode(alphabet(40_000)).values.max() == 40_001


def test_words_are_lower_case_and_a_sign_is_a_word() -> None:
    encoder = WordEncoder.fit(Texts.of(["Call NOW!", "call now!", "!"]))
    assert encoder.words == ["!", "call", "now"]
    assert rows(encoder, Texts.of(["NOW, call!"])) == [[4, UNKNOWN, 3]]  # cut after three words, as in training


def test_the_vocabulary_of_words_has_a_greatest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WordEncoder, "MOST", 2)
    assert WordEncoder.fit(Texts.of(["c c c b b a a"])).words == ["c", "a"]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("train", [[""], ["", ""], ["a"], ["\ud83d"]])
def test_nothing_to_learn_from_is_no_error(unit: type[SequenceEncoder], train: list[str]) -> None:
    encoder = unit.fit(Texts.of(train))
    batch = encoder.encode(Texts.of(["", "b", "🙂"])).gather(torch.arange(3))
    assert batch[0].eq(0).all()
    assert batch.max() < encoder.facts["vocab_size"]


@pytest.mark.parametrize("unit", UNITS)
def test_a_text_is_encoded_alike_alone_and_among_others(unit: type[SequenceEncoder]) -> None:
    texts = random_texts(3)
    encoder = unit.fit(Texts.of(texts))
    assert rows(encoder, Texts.of(texts)) == [rows(encoder, Texts.of([text]))[0] for text in texts]


def test_word_pieces_merge_what_is_frequent_and_give_every_byte_back() -> None:
    train = Texts.of(["the theme of this thesis", "both", "with thick moths"] * 5)
    encoder = WordPieceEncoder.fit(train)
    assert encoder.merges[0] == "t h"
    new = ["the unseen 🙂 naïve thé", "<pad>", " "]
    names = {number + 2: piece for piece, number in encoder._tokenizer.get_vocab().items()}
    encoder.max_length = 1_000
    assert [ByteLevel().decode([names[token] for token in row]) for row in rows(encoder, Texts.of(new))] == new
    assert len(names) == encoder.vocabulary_size > 256


def test_word_pieces_have_a_greatest_number_and_their_indices_are_all_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WordPieceEncoder, "PIECES", 300)
    encoder = WordPieceEncoder.fit(Texts.of(random_texts(1, 400)))
    assert encoder.facts["vocab_size"] == 302
    assert len(encoder.merges) <= 300 - 256


def test_word_pieces_are_learnt_alike_each_time_and_with_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    # short words of five letters: many pairs are equally frequent
    letters = np.random.default_rng(0).choice(list("abcdé"), (3_000, 4))
    texts = Texts.of([" ".join("".join(word) for word in letters[start : start + 10]) for start in range(0, 3_000, 10)])
    seen = set()
    for parallel in ("false", "true", "true", "false"):
        monkeypatch.setenv("TOKENIZERS_PARALLELISM", parallel)
        seen.add(WordPieceEncoder.fit(texts).digest)
    assert len(seen) == 1


def tokens(*sequences: list[int], names: tuple[str, ...] = ("open", "read", "write", "close")) -> Tokens:
    values = np.array([number for sequence in sequences for number in sequence], dtype=np.uint16)
    return Tokens(values, offsets_of([len(sequence) for sequence in sequences]), names)


def test_tokens_that_training_has_get_indices_by_name_and_others_are_unknown() -> None:
    encoder = TokenEncoder.fit(tokens([0, 3], [3]))
    assert encoder.names == ["open", "close"]
    other_numbers = tokens([0, 1, 2], [], names=("close", "fork", "open"))
    encoder.max_length = 9
    assert rows(encoder, other_numbers) == [[3, UNKNOWN, 2], []]


def test_long_sequences_of_tokens_are_cut_at_their_cap_and_what_stands_behind_it_has_no_index() -> None:
    encoder = TokenEncoder.fit(tokens([0] * 5_000 + [1], [2] * 5_000))
    assert (encoder.max_length, encoder.names) == (1_024, ["open", "write"])
    assert TokenEncoder.fit(tokens([0] * 5_000, [2] * 5_000), 3_000).max_length == 3_000
