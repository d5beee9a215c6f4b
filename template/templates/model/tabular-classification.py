"""Our model: a small network over the columns of a table.

`configs/train.yaml` names this class by its path and gives it its arguments: a new argument
here can be set there, or on the command line. `num_features` and `num_classes` come from the data,
where numbers are standardised and each value of a category has a column of its own.
`projectkit.models.MLP` is a model to compare with: set `model.class_path` to it.
"""

from torch import Tensor, nn


class TabularNet(nn.Module):
    """A linear layer, residual blocks of one width, a linear layer.

    Args:
        num_features: columns of the encoded table.
        num_classes: number of logits.
        width: units of each hidden layer.
        blocks: number of residual blocks.
        dropout: share of the units that is dropped while training.
    """

    def __init__(
        self,
        num_features: int,
        num_classes: int,
        width: int = 128,
        blocks: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.first = nn.Linear(num_features, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout)
            )
            for _ in range(blocks)
        )
        self.head = nn.Linear(width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Rows (batch, num_features) -> logits (batch, num_classes)."""
        features = self.first(x)
        for block in self.blocks:
            # each block learns what to add, so that more blocks do not make it harder to train
            features = features + block(features)
        return self.head(features)
