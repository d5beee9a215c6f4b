"""A small convolutional network for images from 8 x 8 to 64 x 64."""

from __future__ import annotations

from torch import Tensor, nn


class CNN(nn.Module):
    """Three convolution blocks, the last two halve the image, then global average pooling and a linear layer.

    Pooling globally makes the model independent of the image's size; batch normalisation lets it train at high rates.

    Args:
        in_channels: 1 for grey, 3 for colour.
        num_classes: number of logits.
        width: channels of the first block; the next two have 2x and 4x.
        dropout: share of the pooled features that is dropped while training, in [0, 1).
    """

    def __init__(self, in_channels: int, num_classes: int, width: int = 32, dropout: float = 0.1) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            _block(in_channels, width, pool=False),
            _block(width, 2 * width, pool=True),
            _block(2 * width, 4 * width, pool=True),
            nn.AdaptiveAvgPool2d(1),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(dropout), nn.Linear(4 * width, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in_channels, height, width) float32 -> logits (batch, num_classes)."""
        logits: Tensor = self.head(self.blocks(x))
        return logits


def _block(channels_in: int, channels_out: int, *, pool: bool) -> nn.Sequential:
    # no bias: batch normalisation subtracts it again
    layers: list[nn.Module] = [
        nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    ]
    if pool:
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)
