"""A multilayer perceptron for tables."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class MLP(nn.Module):
    """Linear layers with ReLU and dropout between them.

    Args:
        num_features: width of the encoded table.
        num_classes: number of logits.
        hidden: widths of the hidden layers; empty makes it a linear model.
        dropout: share of the hidden units that is dropped while training, in [0, 1).
    """

    def __init__(
        self, num_features: int, num_classes: int, hidden: Sequence[int] = (128, 64), dropout: float = 0.1
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = num_features
        for units in hidden:
            layers += [nn.Linear(width, units), nn.ReLU(), nn.Dropout(dropout)]
            width = units
        self.layers = nn.Sequential(*layers, nn.Linear(width, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, num_features) or any (batch, ...) that flattens to it -> logits (batch, num_classes)."""
        logits: Tensor = self.layers(x.flatten(1))
        return logits
