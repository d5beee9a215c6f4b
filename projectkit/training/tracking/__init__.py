"""Trackers beside our own record, and never in its way.

| file | subject |
|---|---|
| trackers.py | `Trackers`: those that a config asks for, opened and closed |
| offline.py | W&B's offline files, written in a thread of their own |
| guarded.py | what stands between a tracker and a training; TensorBoard |
| table.py | `metrics.csv` |

What reaches the server of W&B is replayed from our own record, by a process that training never waits for: see `projectkit.runs.sync`.
"""

from projectkit.training.tracking.trackers import Trackers, refuse_missing_packages

__all__ = ["Trackers", "refuse_missing_packages"]
