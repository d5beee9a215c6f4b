"""Gradient checkpointing of one block: its inside is computed again in the backward pass instead of being kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def checkpointed(block: nn.Module, *inputs: Any) -> Tensor:
    """`block(*inputs)` with the same result, gradients, draws and statistics, and less memory.

    Source: Chen, Xu, Zhang & Guestrin 2016, Training deep nets with sublinear memory cost.
    """

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _statistics_kept(block)

    result: Tensor = checkpoint(block, *inputs, use_reentrant=False, context_fn=contexts)
    return result


@contextmanager
def _statistics_kept(block: nn.Module) -> Iterator[None]:
    """The second time a batch goes through a batch normalisation, its running statistics have it already."""
    norms = [
        each for each in block.modules() if isinstance(each, _BatchNorm) and each.training and each.track_running_stats
    ]
    before = [
        (norm.momentum, None if norm.num_batches_tracked is None else norm.num_batches_tracked.clone())
        for norm in norms
    ]
    for norm in norms:
        norm.momentum = 0.0  # statistics * 1 + batch * 0: the same to the bit
    try:
        yield
    finally:  # recomputing ends by an exception as soon as all that is needed is there
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum = momentum
            if count is not None and norm.num_batches_tracked is not None:
                norm.num_batches_tracked.copy_(count)
