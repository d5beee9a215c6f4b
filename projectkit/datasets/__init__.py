"""The course's data: one catalogue, checked by content, with splits that do not leak.

`load("sms")` gives the samples and `split("sms")` the rows of train, val and test; `card("sms")` says what the set is.

| file | holds |
|---|---|
| `catalogue.py` | every set by its name: card, load, split, fetch, verify, prune, export |
| `card.py` | what a set declares about itself |
| `store.py` | raw files of all users: which origin has them, SHA-256, published by a rename |
| `download.py`, `rebuild.py`, `archives.py` | downloads that continue, derived files made again, zip and tar in memory |
| `cache.py` | parsed samples, mapped from the disk |
| `locks.py`, `disk.py`, `upkeep.py` | one writer a set, rights and errors of the disk, verify and prune and export |
| `samples.py`, `columns.py` | samples as plain columns |
| `split.py` | train, val and test rows, with a digest: a card's policy, applied |
| `policies.py`, `dealing.py` | ways to split: official, stratified, by group, by time, in folds |
| `duplicates.py` | which samples are copies of one another: equal, or nearly (`minhash.py`, `perceptual_hash.py`, `clusters.py`) |
| `own.py`, `withheld.py` | cards of a team's or a course's own, test labels that only the course has |
| `description.py`, `described.py`, `plain.py`, `rows.py`, `pictures.py` | a card in YAML, and how its plain files become samples |
| `survey.py`, `guess.py`, `concerns.py`, `cardtext.py`, `newcard.py` | `data new`: files looked at, a card proposed, checked, written |
| `generator.py` | random numbers that are the same everywhere, for the synthetic sets |
| `idx.py`, `aes_traces.py` | what several cards share: the IDX format, power traces of AES |
| `cards/` | one file for each data set |
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
from projectkit.datasets.split import Split as Split

# The functions `card` and `split` take these names of the room over from the modules they come from, so they are imported last.
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
