"""A one-dimensional convolutional network for series: power traces, sensor readings, sound."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SeriesCNN(nn.Module):
    """Three convolution blocks, each halves the series, then the mean and the maximum over what is left, and a linear layer.

    The mean says how strong a pattern is in all, the maximum that it occurred at all, wherever: a delay of the series changes neither much.
    The order of convolution, normalisation, ReLU and pooling is that of VGG networks, which side-channel work took over.

    Source: Benadjila, Prouff, Strullu, Cagli & Dumas 2020, Deep learning for side-channel analysis and introduction to ASCAD database,
    Journal of Cryptographic Engineering 10(2).

    Args:
        in_channels: series that are recorded side by side.
        num_classes: number of logits.
        width: channels of the first block; the next two have 2x and 4x.
        kernel_size: points that a filter sees, odd.
        dropout: share of the pooled features that is dropped while training, in [0, 1).
    """

    def __init__(
        self, in_channels: int, num_classes: int, width: int = 32, kernel_size: int = 9, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            _block(in_channels, width, kernel_size),
            _block(width, 2 * width, kernel_size),
            _block(2 * width, 4 * width, kernel_size),
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(8 * width, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in_channels, length) float32 -> logits (batch, num_classes)."""
        features = self.blocks(x)
        pooled = nn.functional.adaptive_avg_pool1d(features, 1), nn.functional.adaptive_max_pool1d(features, 1)
        logits: Tensor = self.head(torch.cat(pooled, dim=1).flatten(1))
        return logits


def _block(channels_in: int, channels_out: int, kernel_size: int) -> nn.Sequential:
    return nn.Sequential(
        # no bias: batch normalisation subtracts it again
        nn.Conv1d(channels_in, channels_out, kernel_size, padding=kernel_size // 2, bias=False),
        nn.BatchNorm1d(channels_out),
        nn.ReLU(),
        nn.MaxPool1d(2, ceil_mode=True),  # up: a series of one point stays one
    )
