"""Samples to tensors, one encoder for each modality.

| file | encoder | for |
|---|---|---|
| base.py | `Encoder` | what all of them can do |
| sequence.py | `SequenceEncoder` | what the next five share |
| text.py | `CharacterEncoder`, `ByteEncoder` | text as characters or bytes |
| words.py | `WordEncoder`, `WordPieceEncoder` | text as words or pieces of words |
| tokens.py | `TokenEncoder` | sequences that are tokens already |
| table.py | `TableEncoder` | tables |
| channels.py | `ChannelEncoder` | what the next two share |
| image.py | `ImageEncoder` | images |
| series.py | `SeriesEncoder` | series |
| choice.py | `encoder_class`, `fit_encoder`, `restored_encoder` | which of them it is |

An encoder is fitted on the training subset and on nothing else. Its fitted state is plain containers: it goes into the checkpoint, and
its digest into the run record, so that an evaluation uses the numbers that the training saw.
"""

from projectkit.data.encoders.base import Encoder
from projectkit.data.encoders.choice import encoder_class, fit_encoder, restored_encoder
from projectkit.data.encoders.image import ImageEncoder
from projectkit.data.encoders.sequence import PAD, UNKNOWN, SequenceEncoder
from projectkit.data.encoders.series import SeriesEncoder
from projectkit.data.encoders.table import TableEncoder
from projectkit.data.encoders.text import ByteEncoder, CharacterEncoder
from projectkit.data.encoders.tokens import TokenEncoder
from projectkit.data.encoders.words import WordEncoder, WordPieceEncoder

__all__ = [
    "PAD",
    "UNKNOWN",
    "ByteEncoder",
    "CharacterEncoder",
    "Encoder",
    "ImageEncoder",
    "SequenceEncoder",
    "SeriesEncoder",
    "TableEncoder",
    "TokenEncoder",
    "WordEncoder",
    "WordPieceEncoder",
    "encoder_class",
    "fit_encoder",
    "restored_encoder",
]
