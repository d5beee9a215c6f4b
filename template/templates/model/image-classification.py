"""Our model: a small convolutional network over images.

`configs/train.yaml` names this class by its path and gives it its arguments: a new argument
here can be set there, or on the command line. `in_channels` and `num_classes` come from the data,
and images arrive standardised. `projectkit.models.CNN` is a model to compare with: set
`model.class_path` to it.
"""

from torch import Tensor, nn


class VisionNet(nn.Module):
    """Three convolutions that each halve the image, the mean over what is left, a linear layer.

    Args:
        in_channels: 1 for grey images, 3 for colour.
        num_classes: number of logits.
        width: channels of the first convolution; the next two have two and four times as many.
        dropout: share of the features that is dropped while training.
    """

    def __init__(
        self, in_channels: int, num_classes: int, width: int = 24, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _halving(in_channels, width),
            _halving(width, 2 * width),
            _halving(2 * width, 4 * width),
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(4 * width, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Images (batch, in_channels, height, width) -> logits (batch, num_classes)."""
        # the mean over all positions makes the model independent of the size of the images
        return self.head(self.features(x).mean(dim=(2, 3)))


def _halving(channels_in: int, channels_out: int) -> nn.Module:
    return nn.Sequential(
        # no bias: the normalisation after it would subtract it again
        nn.Conv2d(channels_in, channels_out, kernel_size=3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )
