"""Whether a set is held in memory or streamed.

| where batches are made | held where the encoded subsets take at most |
|---|---|
| CPU | 40 % of the memory that the machine, or the process's control group, has left |
| CUDA | that, and 40 % of the GPU's free memory |

Held, a batch costs an index lookup; streamed, its rows are read from the cache's files and encoded anew in each epoch. The shares leave
room for the model, its optimiser and activations, and for the moment in which a subset is there both raw and encoded.
"""

from __future__ import annotations

import numpy as np
import torch

from projectkit.data.batches import EncodedArray, Padded, Ragged
from projectkit.data.encoders.base import Encoder
from projectkit.data.loading.mapped import taken
from projectkit.datasets.columns import IndexArray, Inputs
from projectkit.machine import available_memory

SHARE = 0.4  # of the free memory
PADDED = 4.0  # times what the sequences of a set take alone: so much may their matrix take
_PROBE = 512  # samples that are encoded to see how large they become


def held(encoded: EncodedArray | Ragged) -> EncodedArray | Ragged | Padded:
    """In the form from which batches are gathered fastest."""
    return encoded.padded(PADDED) if isinstance(encoded, Ragged) else encoded


def fits(size: int, device: torch.device) -> bool:
    """Whether so many bytes are to be held for batches on a device; where its free memory is not known, they are."""
    free = [available_memory()]
    if device.type == "cuda":
        free.append(torch.cuda.mem_get_info(device)[0])
    return all(left is None or size <= SHARE * left for left in free)


def encoded_bytes(encoder: Encoder, columns: Inputs, rows: IndexArray) -> int:
    """About how many bytes these rows take when they are encoded and held: some of them, evenly spaced, are encoded."""
    probe = rows[np.unique(np.linspace(0, len(rows) - 1, _PROBE).astype(np.int64))] if len(rows) else rows
    if not len(probe):
        return 0
    return held(encoder.encode(taken(columns, probe))).values.nbytes * len(rows) // len(probe)
