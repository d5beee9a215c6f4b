"""How batches come to the device; the order in which they come is `batches.BatchSampler`.

| file | subject |
|---|---|
| resident.py | `ResidentLoader`: a set that is held in memory, on the device |
| streaming.py | `StreamLoader`: a set that is read while it is trained on |
| mapped.py | rows of mapped columns, encoded when a batch of them is asked for |
| completion.py | what is done to a gathered batch: augmenting, and the encoder's last step |
| orphans.py | loader processes end with the training, also with one that is killed |
| choice.py | which of the two a set is given, by its size |
"""

from projectkit.data.loading.mapped import EncodedByBatch, TakenRows
from projectkit.data.loading.orphans import EndsWithParent
from projectkit.data.loading.resident import ResidentIterator, ResidentLoader, RowIterator
from projectkit.data.loading.streaming import StreamLoader

__all__ = [
    "EncodedByBatch",
    "EndsWithParent",
    "ResidentIterator",
    "ResidentLoader",
    "RowIterator",
    "StreamLoader",
    "TakenRows",
]
