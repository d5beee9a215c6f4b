"""Texts as words, or as pieces of words that are learnt from the training subset."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from projectkit.data.batches import Ragged
from projectkit.data.encoders.sequence import FIRST, UNKNOWN, SequenceEncoder, cut, offsets_of, ragged
from projectkit.datasets import Texts

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_WORD = re.compile(r"\w+|[^\w\s]")
_BATCH = 1_000  # texts that are tokenised in one call: what it returns holds far more than the indices


class WordEncoder(SequenceEncoder):
    """Words to indices.

    A word is a run of letters, digits and underscores in lower case, or one other character that is not white space.

    Args:
        words: the vocabulary, the most frequent first, words of one frequency sorted: the indices 2, 3, ...
        max_length: texts are cut there, in words.
    """

    MIN_COUNT = 2  # what occurs once is taken for unknown: so the index of unknown is trained as well
    MOST = 20_000  # words

    def __init__(self, words: list[str], max_length: int) -> None:
        super().__init__(max_length)
        self.words = words

    @classmethod
    def fit(cls, x: Texts, max_length: int | None = None) -> Self:
        """See `SequenceEncoder.fit`."""
        found = [_WORD.findall(text.lower()) for text in x]
        counts = Counter(chain.from_iterable(found))
        ordered = sorted(
            (word for word, count in counts.items() if count >= cls.MIN_COUNT), key=lambda word: (-counts[word], word)
        )
        return cls(ordered[: cls.MOST], cls.chosen_length(np.array([len(words) for words in found]), max_length))

    def encode(self, x: Texts) -> Ragged:
        """(n,) texts -> ragged tokens."""
        index = {word: number for number, word in enumerate(self.words, FIRST)}
        found = [np.array([index.get(word, UNKNOWN) for word in self.split(text)], self.dtype) for text in x]
        return ragged(*_flat(found, self.dtype))

    def split(self, text: str) -> list[str]:
        """The words of a text, one for each of its tokens."""
        return _WORD.findall(text.lower())[: self.max_length]

    def state(self) -> dict[str, Any]:
        """See `Encoder.state`."""
        return {"unit": "words", "words": self.words, "max_length": self.max_length}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """See `Encoder.from_state`."""
        return cls(state["words"], state["max_length"])

    @property
    def vocabulary_size(self) -> int:
        """See `SequenceEncoder.vocabulary_size`."""
        return len(self.words)


class WordPieceEncoder(SequenceEncoder):
    """Pieces of words: pairs of neighbours that are frequent in the training subset are merged, beginning with single bytes.

    So nothing is ever unknown. What is no Unicode (halves of characters in scraped text) is read as a question mark.

    Args:
        merges: the pairs in the order in which they were learnt, each written as the library does, with a space between its halves.
        max_length: texts are cut there, in pieces.

    Source: Sennrich, Haddow & Birch 2016, "Neural Machine Translation of Rare Words with Subword Units"; on bytes, with words split
    before merging: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.2.
    """

    PIECES = 4_096  # with the 256 bytes; fewer where no pair is left that occurs twice
    MIN_COUNT = 2

    def __init__(self, merges: list[str], max_length: int) -> None:
        super().__init__(max_length)
        self.merges = merges

    @classmethod
    def fit(cls, x: Texts, max_length: int | None = None) -> Self:
        """See `SequenceEncoder.fit`."""
        from tokenizers import trainers

        tokenizer = _tokenizer([])
        trainer = trainers.BpeTrainer(
            vocab_size=cls.PIECES, min_frequency=cls.MIN_COUNT, initial_alphabet=_alphabet(), show_progress=False
        )
        tokenizer.train_from_iterator(_strings(x), trainer)
        merges = [" ".join(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]
        encoder = cls(merges, 1)
        encoder.max_length = cls.chosen_length(np.diff(encoder._pieces(x)[1]), max_length)
        return encoder

    def encode(self, x: Texts) -> Ragged:
        """(n,) texts -> ragged tokens."""
        return ragged(*cut(*self._pieces(x), self.max_length))

    def split(self, text: str) -> list[str]:
        """The pieces of a text, one for each of its tokens; of the tokens that share a character the first has it, the others nothing."""
        text = next(_strings(Texts.of([text])))
        spans = self._tokenizer.encode(text, add_special_tokens=False).offsets[: self.max_length]
        before = [(0, 0), *spans]
        return ["" if span == last else text[slice(*span)] for span, last in zip(spans, before, strict=False)]

    def state(self) -> dict[str, Any]:
        """See `Encoder.state`."""
        return {"unit": "word_pieces", "merges": self.merges, "max_length": self.max_length}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """See `Encoder.from_state`."""
        return cls(state["merges"], state["max_length"])

    @property
    def vocabulary_size(self) -> int:
        """See `SequenceEncoder.vocabulary_size`."""
        return int(self._tokenizer.get_vocab_size())

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return _tokenizer(self.merges)

    def _pieces(self, x: Texts) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The pieces of every text, uncut."""
        strings, found = _strings(x), []
        while batch := list(islice(strings, _BATCH)):
            encoded = self._tokenizer.encode_batch_fast(batch, add_special_tokens=False)
            found += [np.array(each.ids, dtype=self.dtype) + FIRST for each in encoded]
        return _flat(found, self.dtype)


def _tokenizer(merges: list[str]) -> Tokenizer:
    """A tokenizer with these merges; its indices are those of the bytes and then of the merges, in order."""
    # its threads would be a pool in each loader process, and it writes a warning where a process with such a pool is forked
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from tokenizers import Tokenizer, models, pre_tokenizers

    pairs: list[tuple[str, str]] = []
    for merge in merges:
        first, second = merge.split(" ")
        pairs.append((first, second))
    merged = (first + second for first, second in pairs)
    pieces = dict.fromkeys([*_alphabet(), *merged])  # two merges can give one piece
    tokenizer = Tokenizer(models.BPE(vocab={piece: number for number, piece in enumerate(pieces)}, merges=pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


def _alphabet() -> list[str]:
    """The 256 bytes, as the printable characters that stand for them."""
    from tokenizers import pre_tokenizers

    return sorted(pre_tokenizers.ByteLevel.alphabet())


def _strings(x: Texts) -> Iterator[str]:
    """The texts as valid Unicode, which is all that the tokenizer takes."""
    return (text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8") for text in x)


def _flat(found: list[NDArray[Any]], dtype: DTypeLike) -> tuple[NDArray[Any], NDArray[np.int64]]:
    tokens = np.concatenate(found) if found else np.empty(0, dtype=dtype)
    return tokens, offsets_of([len(each) for each in found])
