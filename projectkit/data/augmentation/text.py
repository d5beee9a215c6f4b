"""Noise in sequences of tokens: (batch, length) int64, filled up with 0 behind their ends, which stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from projectkit.data.augmentation.arguments import interval, refused, share
from projectkit.data.augmentation.base import Augmentation, uniform, whole
from projectkit.data.encoders import PAD, UNKNOWN
from projectkit.data.encoders.sequence import FIRST
from projectkit.data.spec import DataSpec
from projectkit.errors import UserError

Edit = Literal["replace", "delete", "insert", "swap"]
EDITS: tuple[Edit, ...] = get_args(Edit)


class _OfTokens(Augmentation):
    for_modality = ("text", "tokens")


class CharacterNoise(_OfTokens):
    """Typing errors: tokens are replaced, left out, put in and swapped, each place by itself.

    What is put in pushes what follows it along; what would then stand behind the batch's width is cut off. A sequence keeps one token at
    least. Two swaps do not follow each other at once, and the last token has none to be swapped with.

    Args:
        rate: how likely a token is edited, in [0, 1].
        edits: of which each edit is one, all equally likely. A `replace` gives another token, an `insert` a token before this one, a `swap`
            is with the next one.
        vocab_size: number of token indices, filled in from the data. New tokens are any of them but 0 (end) and 1 (unknown).

    Source: Belinkov & Bisk 2018, "Synthetic and natural noise both break neural machine translation", ICLR, for the idea.
    """

    def __init__(self, rate: float = 0.05, edits: Sequence[Edit] = EDITS, vocab_size: int | None = None) -> None:
        super().__init__()
        self.rate = share("CharacterNoise", "rate", rate)
        self.edits = tuple(edits)
        if not self.edits or not set(self.edits) <= set(EDITS):
            raise refused("CharacterNoise", "edits", list(edits), f"a list of {', '.join(EDITS)}")
        if vocab_size is not None:
            self._refuse_small(vocab_size)
        self.vocab_size = vocab_size

    def configure(self, spec: DataSpec) -> None:
        """The size of the vocabulary, unless it was given."""
        if self.vocab_size is None and spec.vocab_size is not None:
            self._refuse_small(spec.vocab_size)
            self.vocab_size = spec.vocab_size

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """(2, batch, length): what happens at each place, and which token comes."""
        return uniform((2, *shape), generator)

    def augment(self, x: Tensor, y: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, length) -> (batch, length)."""
        if self.vocab_size is None:
            raise UserError("the size of the vocabulary is not known", where="CharacterNoise", remedy="give vocab_size")
        inside = x != PAD
        # below the rate, the number says which of the edits it is
        kind = torch.where(
            inside & (drawn[0] < self.rate), (drawn[0] / max(self.rate, 1e-9) * len(self.edits)).long(), -1
        )
        kind = kind.clamp(max=len(self.edits) - 1)  # a quotient that is rounded up to 1
        words = self.vocab_size - FIRST
        other = FIRST + (x - FIRST + 1 + whole(drawn[1], words - 1)).remainder(words)  # any but the token itself
        tokens = torch.where(self._is(kind, "replace"), other, x)
        tokens = self._swapped(tokens, inside, kind)
        inserted = self._is(kind, "insert")
        deleted = self._is(kind, "delete")
        # a sequence that would lose all its tokens keeps them
        deleted = deleted & (~(deleted | ~inside).all(dim=1, keepdim=True))
        return self._laid_out(tokens, FIRST + whole(drawn[1], words), inside & ~deleted, inserted), y

    def _refuse_small(self, vocab_size: int) -> None:
        if vocab_size < FIRST + 2:
            raise refused("CharacterNoise", "vocab_size", vocab_size, f"a whole number of {FIRST + 2} or more")

    def _is(self, kind: Tensor, edit: Edit) -> Tensor:
        return kind == (self.edits.index(edit) if edit in self.edits else len(self.edits))

    def _swapped(self, tokens: Tensor, inside: Tensor, kind: Tensor) -> Tensor:
        """Every token at a swap changes places with the next one."""
        swap = self._is(kind, "swap")
        swap = swap & ~functional.pad(swap[:, :-1], (1, 0)) & functional.pad(inside[:, 1:], (0, 1))
        after = functional.pad(swap[:, :-1], (1, 0))
        following, previous = tokens.roll(-1, 1), tokens.roll(1, 1)
        return torch.where(swap, following, torch.where(after, previous, tokens))

    def _laid_out(self, tokens: Tensor, new: Tensor, kept: Tensor, inserted: Tensor) -> Tensor:
        """The kept tokens and the new ones before them, one after the other from the left."""
        batch, length = tokens.shape
        end = (kept.long() + inserted.long()).cumsum(dim=1)
        out = tokens.new_full((batch, length + 1), PAD)  # the last column takes what is not wanted
        for source, place, wanted in ((new, end - 1 - kept.long(), inserted), (tokens, end - 1, kept)):
            out.scatter_(1, torch.where(wanted & (place < length), place, length), source)
        return out[:, :length]


class TokenCrop(_OfTokens):
    """A window at a random place of each sequence.

    Args:
        keep: smallest and largest share of its tokens that a sequence keeps, in [0, 1]; at least one token.
        size: tokens that the window holds at most; None: no limit.

    Counterpart: `torchvision.transforms.v2.RandomCrop`, for texts.
    """

    def __init__(self, keep: Sequence[float] = (0.8, 1.0), size: int | None = None) -> None:
        super().__init__()
        self.keep = interval("TokenCrop", "keep", keep, 0.0, 1.0)
        if size is not None and size < 1:
            raise refused("TokenCrop", "size", size, "a whole number of 1 or more")
        self.size = size

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """(2, batch): the share that is kept, and where it begins."""
        drawn = uniform((2, shape[0]), generator)
        drawn[0].mul_(self.keep[1] - self.keep[0]).add_(self.keep[0])
        return drawn

    def shape_after(self, shape: torch.Size) -> torch.Size:
        """(batch, at most size)."""
        return torch.Size((shape[0], min(shape[1], self.size or shape[1])))

    def augment(self, x: Tensor, y: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, length) -> (batch, length), or (batch, size) where that is less."""
        lengths = (x != PAD).sum(dim=1)
        kept = (lengths * drawn[0]).round().long().clamp(min=1)
        if self.size is not None:
            kept = kept.clamp(max=self.size)
        kept = torch.minimum(kept, lengths)
        start = whole(drawn[1], lengths - kept + 1)
        places = torch.arange(self.shape_after(x.shape)[1], device=x.device)
        window = x.gather(1, (start[:, None] + places).clamp(max=x.shape[1] - 1))
        return torch.where(places < kept[:, None], window, PAD), y


class TokenDropout(_OfTokens):
    """Tokens become the one for what is unknown, each by itself.

    Args:
        rate: how likely a token is hidden, in [0, 1].

    Source: Iyyer et al. 2015, "Deep unordered composition rivals syntactic methods for text classification", ACL, section 4.3, which
    leaves the words out instead of hiding them.
    """

    def __init__(self, rate: float = 0.1) -> None:
        super().__init__()
        self.rate = share("TokenDropout", "rate", rate)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """(batch, length) bool: whether a place is hidden."""
        return uniform(shape, generator) < self.rate

    def augment(self, x: Tensor, y: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, length) -> (batch, length)."""
        return torch.where(drawn & (x != PAD), UNKNOWN, x), y
