"""The course's data: one catalogue, checked by content, with splits that do not leak.

`load("sms")` gives the samples and `split("sms")` the rows of train, val and test; `card("sms")` says what the set is.

| file | holds |
|---|---|
| `catalogue.py` | every set by its name: card, load, split, fetch, verify, prune, export |
| `card.py` | what a set declares about itself |
| `samples.py`, `columns.py` | samples as plain columns |
| `cards/`, `derivations/` | one file for each data set; how derived files are made again |
| `storage/` | the shared store: raw files, downloads, archives, parsed samples, locks |
| `splits/`, `copies/` | train, val and test rows; which samples are copies of one another |
| `own/` | cards of a team's or a course's own, and `data new`, which writes them |
| `readers/` | what the readers of several cards share |
| `preview.py`, `report/` | a few samples for the terminal; the page about a set |
"""

from projectkit.datasets.card import Card as Card
from projectkit.datasets.card import NearDuplicates as NearDuplicates
from projectkit.datasets.card import RemoteFile as RemoteFile
from projectkit.datasets.card import SplitPolicy as SplitPolicy
from projectkit.datasets.card import Target as Target
from projectkit.datasets.columns import Table as Table
from projectkit.datasets.columns import Texts as Texts
from projectkit.datasets.columns import Tokens as Tokens
from projectkit.datasets.samples import WITHHELD as WITHHELD
from projectkit.datasets.samples import Samples as Samples
from projectkit.datasets.splits.split import Split as Split

# The function `card` takes this name of the room over from the module that it comes from, so it is imported last.
from projectkit.datasets.catalogue import broken as broken  # isort: skip
from projectkit.datasets.catalogue import card as card  # isort: skip
from projectkit.datasets.catalogue import export as export  # isort: skip
from projectkit.datasets.catalogue import fetch as fetch  # isort: skip
from projectkit.datasets.catalogue import in_store as in_store  # isort: skip
from projectkit.datasets.catalogue import is_here as is_here  # isort: skip
from projectkit.datasets.catalogue import k_fold as k_fold  # isort: skip
from projectkit.datasets.catalogue import load as load  # isort: skip
from projectkit.datasets.catalogue import names as names  # isort: skip
from projectkit.datasets.catalogue import prune as prune  # isort: skip
from projectkit.datasets.catalogue import split as split  # isort: skip
from projectkit.datasets.catalogue import verify as verify  # isort: skip
from projectkit.datasets.catalogue import within_reach as within_reach  # isort: skip

__all__ = [
    "WITHHELD",
    "Card",
    "NearDuplicates",
    "RemoteFile",
    "Samples",
    "Split",
    "SplitPolicy",
    "Table",
    "Target",
    "Texts",
    "Tokens",
    "broken",
    "card",
    "export",
    "fetch",
    "in_store",
    "is_here",
    "k_fold",
    "load",
    "names",
    "prune",
    "split",
    "verify",
    "within_reach",
]
