"""An autoencoder for tables: it gives back its input through a narrow middle."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn


class Autoencoder(nn.Module):
    """Linear layers with tanh between them, down to `bottleneck` values and up again.

    The middle must be narrower than what normal samples need all of their columns for: a wide one learns to copy, anomalies too.

    Args:
        num_features: width of the encoded table.
        hidden: widths of the layers on the way down; the way up mirrors them.
        bottleneck: values in the middle; 0 is a third of the features, at least 1.

    Source: Hinton & Salakhutdinov 2006, "Reducing the dimensionality of data with neural networks".
    """

    def __init__(self, num_features: int, hidden: Sequence[int] = (), bottleneck: int = 0) -> None:
        super().__init__()
        middle = bottleneck or max(1, num_features // 3)
        down = [num_features, *hidden, middle]
        layers: list[nn.Module] = []
        for width, narrower in pairwise([*down, *reversed(down[:-1])]):
            layers += [nn.Linear(width, narrower), nn.Tanh()]
        self.layers = nn.Sequential(*layers[:-1])  # the last values are any numbers

    def forward(self, x: Tensor) -> Tensor:
        """(batch, num_features) -> its reconstruction, (batch, num_features)."""
        reconstruction: Tensor = self.layers(x)
        return reconstruction
