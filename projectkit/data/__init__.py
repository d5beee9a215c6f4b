"""From samples to batches: what sits between `datasets` and `tasks`.

| file | subject |
|---|---|
| spec.py | `DataSpec`: what a model must know about its data |
| encoders/ | samples to tensors; whatever is fitted is fitted on the training subset alone |
| batches.py | an encoded subset, and the order of its batches as a function of (seed, epoch) |
| buckets.py | batches of samples that are about equally long |
| loading/ | how batches come to the device: held there, or streamed |
| augmentation/ | what training batches are put through, on the device |
| datamodule.py | `DataModule`: a catalogued data set for Lightning |

A batch is `(x, y)`. Batches of text and tokens are padded with 0 to the batch's longest; images are kept as uint8 and become
standardised float32 on the device.
"""

from projectkit.data.datamodule import DataModule
from projectkit.data.spec import DataSpec

__all__ = ["DataModule", "DataSpec"]
