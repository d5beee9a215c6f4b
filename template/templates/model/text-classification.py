"""Our model: a small convolutional network over the characters of a text.

`configs/train.yaml` names this class by its path and gives it its arguments: a new argument
here can be set there, or on the command line. `vocab_size`, `num_classes` and `pad_index` come from
the data. `projectkit.models.CharCNN` is a model to compare with: set `model.class_path` to it.
"""

import torch
from torch import Tensor, nn


class TextNet(nn.Module):
    """Embedded characters, convolutions in a row, the maximum over the text, a linear layer.

    Args:
        vocab_size: number of token indices, the padding and the unknown character included.
        num_classes: number of logits.
        pad_index: the index that fills a batch up to its longest text.
        embedding: width of a character's vector.
        channels: width of each convolution.
        layers: number of convolutions; each one lets a position see two more characters.
        dropout: share of the features that is dropped while training.
    """

    def __init__(
        self,
        vocab_size: int,
        num_classes: int,
        pad_index: int = 0,
        embedding: int = 32,
        channels: int = 96,
        layers: int = 2,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.pad_index = pad_index
        self.embedding = nn.Embedding(vocab_size, embedding, padding_idx=pad_index)
        widths = [embedding] + [channels] * layers
        self.convolutions = nn.ModuleList(
            nn.Conv1d(wide, channels, kernel_size=3, padding=1) for wide in widths[:-1]
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(channels * layers, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Token indices (batch, length) -> logits (batch, num_classes)."""
        real = (x != self.pad_index).unsqueeze(1)  # (batch, 1, length)
        features = self.embedding(x).transpose(1, 2)  # (batch, embedding, length)
        maxima = []
        for convolution in self.convolutions:
            # the padding stays zero in every layer, so that a text's logits do not depend on the
            # longest text of its batch; and as zero is the least value after a ReLU, it never wins
            features = torch.relu(convolution(features)) * real
            maxima.append(features.amax(dim=2))
        # the first layer sees three characters, the next five ...: short and long clues count
        return self.head(torch.cat(maxima, dim=1))
