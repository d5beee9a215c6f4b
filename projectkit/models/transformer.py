"""A small transformer encoder for sequences: texts, log lines, calls of an API."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from projectkit.errors import UserError, did_you_mean
from projectkit.models.checkpointing import checkpointed

_POSITIONS = ("sinusoidal", "learned")


class Transformer(nn.Module):
    """Embedded tokens and positions, layers of self-attention and feed-forward with normalisation before each, the mean, a linear layer.

    Real tokens attend to real tokens alone, and the mean is over them, so padding is never seen.

    Source: Vaswani et al. 2017, Attention is all you need; normalisation first, which trains without a warm-up: Xiong et al. 2020, On layer
    normalization in the transformer architecture.

    Args:
        vocab_size: number of token indices, `pad_index` included.
        num_classes: number of logits.
        pad_index: the token that fills up a batch.
        width: of a token's vector, a multiple of `heads` and of 2.
        heads: of the attention, each sees width / heads.
        num_layers: layers, one on top of the other.
        feedforward: width inside the feed-forward part; None: 4 width.
        positions: `sinusoidal`, for any length, or `learned`, for at most `max_length` tokens.
        max_length: of learned positions.
        dropout: share of the attention and of each part's result that is dropped while training, in [0, 1).
        checkpoint_blocks: keep the layers' inputs alone and compute the rest again in the backward pass: the memory of one layer instead of
            all, for a third more time; the gradients are the same.

    Raises:
        UserError: a width that cannot be divided, or other positions.
    """

    def __init__(
        self,
        vocab_size: int,
        num_classes: int,
        pad_index: int = 0,
        width: int = 128,
        heads: int = 4,
        num_layers: int = 2,
        feedforward: int | None = None,
        positions: Literal["sinusoidal", "learned"] = "sinusoidal",
        max_length: int = 1024,
        dropout: float = 0.1,
        checkpoint_blocks: bool = False,
    ) -> None:
        super().__init__()
        if width % heads or width % 2:
            remedy = f"write width: {max(1, round(width / (2 * heads))) * 2 * heads}"
            raise UserError(
                f"a width of {width} is no multiple of {heads} heads and of 2",
                where="model.init_args.width",
                remedy=remedy,
            )
        if positions not in _POSITIONS:
            remedy = did_you_mean(positions, _POSITIONS)
            raise UserError(f"positions are {positions!r}", where="model.init_args.positions", remedy=remedy)
        self.pad_index = pad_index
        self.checkpoint_blocks = checkpoint_blocks
        self.embedding = nn.Embedding(vocab_size, width, padding_idx=pad_index)
        self.positions = nn.Embedding(max_length, width) if positions == "learned" else None
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(_Block(width, heads, feedforward or 4 * width, dropout) for _ in range(num_layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, length) int64 -> logits (batch, num_classes). The result does not depend on how far the batch was padded."""
        embedded = self.embedding(x)
        real = x != self.pad_index
        # an empty sequence is one token of padding: attention to nothing is not a number
        real = torch.cat([real[:, :1] | ~real.any(dim=1, keepdim=True), real[:, 1:]], dim=1)
        states = self.dropout(embedded + self._places(x.shape[1], embedded))
        mask = real[:, None, None, :]  # (batch, heads, queries, keys)
        for block in self.blocks:
            again = self.checkpoint_blocks and torch.is_grad_enabled()
            states = checkpointed(block, states, mask) if again else block(states, mask)
        weight = real[:, :, None]
        pooled = (self.norm(states) * weight).sum(dim=1) / weight.sum(dim=1)
        logits: Tensor = self.head(pooled)
        return logits

    def _places(self, length: int, like: Tensor) -> Tensor:
        """What says where a token stands, (length, width)."""
        if self.positions is None:
            return _sinusoids(length, like)
        if length > self.positions.num_embeddings:
            raise UserError(
                f"a sequence has {length} tokens, and positions are learned for {self.positions.num_embeddings}",
                where="model.init_args.max_length",
                remedy=f"write max_length: {length}, or positions: sinusoidal, or cut with data.max_length",
            )
        places: Tensor = self.positions.weight[:length]
        return places


class _Block(nn.Module):
    def __init__(self, width: int, heads: int, feedforward: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.first_norm = nn.LayerNorm(width)
        self.to_attention = nn.Linear(width, 3 * width)
        self.from_attention = nn.Linear(width, width)
        self.second_norm = nn.LayerNorm(width)
        self.feedforward = nn.Sequential(nn.Linear(width, feedforward), nn.GELU(), nn.Linear(feedforward, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Both (batch, length, width); mask (batch, 1, 1, length), True where a key is real."""
        batch, length, width = x.shape
        parts = self.to_attention(self.first_norm(x)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # (batch, heads, length, width / heads) each
        share = self.dropout.p if self.training else 0.0
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=share)
        x = x + self.dropout(self.from_attention(seen.transpose(1, 2).reshape(batch, length, width)))
        result: Tensor = x + self.dropout(self.feedforward(self.second_norm(x)))
        return result


def _sinusoids(length: int, like: Tensor) -> Tensor:
    """Sines, then cosines, of wavelengths from 2 pi to 20,000 pi tokens, (length, width)."""
    half = like.shape[-1] // 2
    rates = torch.exp(torch.arange(half, device=like.device) * (-math.log(10_000.0) / half))
    angles = torch.arange(length, device=like.device)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1).to(like.dtype)
