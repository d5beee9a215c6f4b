"""A character-level convolutional network for short texts: domain names, messages, log lines."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class CharCNN(nn.Module):
    """Embedded characters, convolutions of several widths side by side, the maximum over the positions, a linear layer.

    Source: Kim 2014, "Convolutional Neural Networks for Sentence Classification", with characters in place of words.

    Args:
        vocab_size: number of token indices, `pad_index` included.
        num_classes: number of logits.
        pad_index: the token that fills up a batch; it never reaches the maximum.
        embedding: width of a character's vector.
        channels: filters of each width.
        kernel_sizes: widths of the filters, in characters: they act as learned n-grams.
        dropout: share of the pooled features that is dropped while training, in [0, 1).
    """

    def __init__(
        self,
        vocab_size: int,
        num_classes: int,
        pad_index: int = 0,
        embedding: int = 64,
        channels: int = 128,
        kernel_sizes: Sequence[int] = (2, 3, 4, 5),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.pad_index = pad_index
        self.embedding = nn.Embedding(vocab_size, embedding, padding_idx=pad_index)
        self.convolutions = nn.ModuleList(nn.Conv1d(embedding, channels, width) for width in kernel_sizes)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(channels * len(kernel_sizes), num_classes))
        self._widest = max(kernel_sizes)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, length) int64 -> logits (batch, num_classes). The result does not depend on how far the batch was padded."""
        # one filter width of padding behind each text: every n-gram of a short text is seen, and length can be 1
        x = functional.pad(x, (0, self._widest - 1), value=self.pad_index)
        real = x != self.pad_index
        embedded = self.embedding(x).transpose(1, 2)
        pooled = []
        for convolution in self.convolutions:
            features = convolution(embedded)  # (batch, channels, length + widest - width)
            starts_in_text = real[:, None, : features.shape[2]]
            # zero is the least value that a ReLU gives, so filling with it masks positions that start in the padding
            pooled.append(torch.relu(features).masked_fill(~starts_in_text, 0.0).amax(dim=2))
        logits: Tensor = self.head(torch.cat(pooled, dim=1))
        return logits
