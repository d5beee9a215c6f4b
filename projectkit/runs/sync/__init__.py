"""Runs handed over to Weights & Biases, from our own record, in a process of their own.

| file | subject |
|---|---|
| target.py | where a run goes: entity, project, group, tags |
| marker.py | what of a run has arrived, and what has not |
| process.py | `Uploading`: the child process, started, watched, ended |
| child.py | what that process does, and when |
| replay.py | the record replayed into W&B |
| evaluations.py | evaluations as they are looked for there |
| offline.py | what the team logged itself, from W&B's offline files |
| server.py | what the server is asked beside it |

wandb is imported in the child alone.
"""

from projectkit.runs.sync.marker import Pending, pending, read_marker, rows_by_step
from projectkit.runs.sync.offline import SESSION
from projectkit.runs.sync.process import DEADLINE_S, END_S, GRACE_S, Uploaded, Uploading, first_line
from projectkit.runs.sync.target import Target, target_of, tracking_of

__all__ = [
    "DEADLINE_S",
    "END_S",
    "GRACE_S",
    "SESSION",
    "Pending",
    "Target",
    "Uploaded",
    "Uploading",
    "first_line",
    "pending",
    "read_marker",
    "rows_by_step",
    "target_of",
    "tracking_of",
]
