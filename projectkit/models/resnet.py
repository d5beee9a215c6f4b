"""A residual network for small images, from 28 x 28 to 64 x 64."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from projectkit.errors import UserError
from projectkit.models.checkpointing import checkpointed

_STAGES = 3


class ResNet(nn.Module):
    """A convolution, three stages of residual blocks with 1x, 2x and 4x `width` channels, global average pooling, a linear layer.

    A block is two 3x3 convolutions and a shortcut without parameters: where the shape changes, pixels are left out and channels of zeros
    added (the paper's option A). With the defaults 0.27 million parameters. For images of 64 pixels `strides: [2, 2, 2]` costs as much as
    32 pixels do with the default.

    Source: He, Zhang, Ren & Sun 2016, Deep residual learning for image recognition, section 4.2.

    Args:
        in_channels: 1 for grey, 3 for colour.
        num_classes: number of logits.
        depth: layers with weights, 6 n + 2 with n blocks a stage: 8, 14, 20, 32, 44, 56, 110.
        width: channels of the first stage.
        strides: of the three stages' first blocks; each 2 halves the image.
        checkpoint_blocks: keep the blocks' inputs alone and compute the rest again in the backward pass: the memory of one block instead of
            all, for a third more time; the gradients are the same.

    Raises:
        UserError: a depth that is not 6 n + 2, or not three strides of 1 or more.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        depth: int = 20,
        width: int = 16,
        strides: Sequence[int] = (1, 2, 2),
        checkpoint_blocks: bool = False,
    ) -> None:
        super().__init__()
        if depth < 8 or (depth - 2) % 6:
            near = max(8, 6 * round((depth - 2) / 6) + 2)
            raise UserError(
                f"a depth of {depth} is not 6 n + 2", where="model.init_args.depth", remedy=f"write depth: {near}"
            )
        if len(strides) != _STAGES or min(strides) < 1:
            raise UserError(
                f"strides are {[*strides]}",
                where="model.init_args.strides",
                remedy="write three numbers, 1 or more, such as [1, 2, 2]",
            )
        self.checkpoint_blocks = checkpoint_blocks
        self.stem = nn.Sequential(*_convolution(in_channels, width), nn.ReLU())
        blocks, channels = [], width
        for stage, stride in enumerate(strides):
            for number in range((depth - 2) // 6):
                blocks.append(_Block(channels, width * 2**stage, stride if number == 0 else 1))
                channels = width * 2**stage
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in_channels, height, width) float32 -> logits (batch, num_classes)."""
        if x.ndim != 4:
            raise UserError(
                f"ResNet reads images, (batch, channels, height, width), and is given {tuple(x.shape)}",
                where="model.class_path",
                remedy="write model.class_path=projectkit.models.SeriesCNN for series, or name images as data.name",
            )
        x = self.stem(x)
        for block in self.blocks:
            x = checkpointed(block, x) if self.checkpoint_blocks and torch.is_grad_enabled() else block(x)
        logits: Tensor = self.head(x.mean(dim=(2, 3)))
        return logits


class _Block(nn.Module):
    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.more = channels_out - channels_in
        self.body = nn.Sequential(
            *_convolution(channels_in, channels_out, stride), nn.ReLU(), *_convolution(channels_out, channels_out)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self._shortcut(x))

    def _shortcut(self, x: Tensor) -> Tensor:
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        # half of the new channels in front, half behind
        return functional.pad(x, (0, 0, 0, 0, self.more // 2, self.more - self.more // 2)) if self.more else x


def _convolution(channels_in: int, channels_out: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    # no bias: batch normalisation subtracts it again
    return (
        nn.Conv2d(channels_in, channels_out, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
    )
