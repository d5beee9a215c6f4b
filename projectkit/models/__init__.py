"""Plain torch.nn modules, one file for each family; nothing here knows Lightning, runs or data sets.

| file | model | input |
|---|---|---|
| mlp.py | `MLP` | tables, (batch, num_features) float32 |
| autoencoder.py | `Autoencoder`, which gives its input back | the same |
| cnn.py | `CNN` | images, (batch, in_channels, height, width) float32 |
| resnet.py | `ResNet` | the same |
| series_cnn.py | `SeriesCNN` | series, (batch, in_channels, length) float32 |
| char_cnn.py | `CharCNN` | text and tokens, (batch, length) int64, padded with `pad_index` |
| gru.py | `GRU` | the same |
| transformer.py | `Transformer` | the same |
| checkpointing.py | | a block that is computed again in the backward pass |

`num_features, in_channels, vocab_size, num_classes, pad_index` are filled from the data unless the config gives them.
"""

from projectkit.models.autoencoder import Autoencoder
from projectkit.models.char_cnn import CharCNN
from projectkit.models.cnn import CNN
from projectkit.models.gru import GRU
from projectkit.models.mlp import MLP
from projectkit.models.resnet import ResNet
from projectkit.models.series_cnn import SeriesCNN
from projectkit.models.transformer import Transformer

__all__ = ["CNN", "GRU", "MLP", "Autoencoder", "CharCNN", "ResNet", "SeriesCNN", "Transformer"]
