"""Batches of samples that are about equally long, so that little of a batch is padding."""

from __future__ import annotations

import torch
from torch import Tensor

WINDOW = 50  # batches that are sorted together


def bucketed(
    order: Tensor, lengths: Tensor, batch_size: int, generator: torch.Generator, window: int = WINDOW
) -> Tensor:
    """The same rows in another order: windows of the shuffled rows are sorted by length, cut into batches, and the batches shuffled.

    Rows of equal length stay in their shuffled order, so which of them share a batch changes from epoch to epoch. The rows that fill no
    batch come last, as they do without buckets; they are of any length.

    Args:
        order: (n,) rows, shuffled.
        lengths: of all rows that `order` names, (rows,).
        batch_size: rows of a batch.
        generator: of the order of the batches.
        window: batches that are sorted together.

    Returns:
        (n,) rows; each as often as in `order`.
    """
    whole = len(order) // batch_size * batch_size
    batches = []
    for rows in torch.split(order[:whole], window * batch_size):
        by_length = rows[torch.sort(lengths[rows], stable=True).indices]
        batches.append(by_length.view(-1, batch_size))
    if not batches:
        return order
    shuffled = torch.cat(batches)
    shuffled = shuffled[torch.randperm(len(shuffled), generator=generator)]
    return torch.cat([shuffled.flatten(), order[whole:]])
