"""The shared store: raw files checked by content, parsed samples mapped from the disk, one writer a set.

| file | holds |
|---|---|
| `store.py` | raw files of all users: which origin has them, SHA-256, published by a rename |
| `download.py` | one download, continued where an earlier one stopped |
| `rebuild.py`, `archives.py` | derived files made again, zip and tar read in memory |
| `cache.py` | parsed samples, mapped from the disk |
| `locks.py`, `disk.py` | one writer a set; hashing, rights and errors of the disk |
| `upkeep.py` | verify, prune, export |
"""
