"""How batches come to the device.

| file | subject |
|---|---|
| resident.py | `ResidentLoader`: a set that is held in memory |
"""

from projectkit.data.loading.resident import ResidentIterator, ResidentLoader

__all__ = ["ResidentIterator", "ResidentLoader"]
