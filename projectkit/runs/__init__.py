"""What a run leaves behind, and the only room that opens those files by name.

Training and evaluation write through `RunWriter`; everything else reads through `Run`, found by `find_run`.

| file | subject |
|---|---|
| record.py | `RunWriter`: creating a run folder and writing into it |
| reader.py | `Run`: a frozen view of one |
| durations.py | how the time was spent, in words |
| find.py | ids, parts of ids, `latest`, `best`; the list of runs |
| values.py, select.py | any value of a run by its name; filters and order of a list |
| compare.py, advice.py | runs side by side; how one ended and what to do next |
| replicates.py, fairness.py | runs that are one result (seeds, folds); what makes a comparison unfair |
| evidence.py, difference.py | samples matched by id; differences of intervals, of one run and several seeds, of regressions |
| versus.py, pairs.py | a difference of two results, tested; all of them, corrected for how many there are |
| verdict.py | what a comparison comes to, in words |
| ledger.py, audit.py | every look at a test subset; what an audit found |
| notes.py, archive.py | tags and notes; runs out of sight and in the trash |
| page/ | curves and all the rest in the browser: `projectkit runs open` |
| sync/ | runs handed to Weights & Biases, in a process of their own |
| keep.py, export.py, source.py | the copy in `results/` that is committed; a run in a zip, with the code as it was |
| schema.py, restoring.py | records of older versions, and damaged ones |
| git.py, code.py, provenance.py | the team's commit and changes, digests of its code; versions, machine |
| memory.py | the process's peak |
| sessions.py, process.py | which process owns a run, and whether it is still there |
| jobs.py | which runs a batch job may go on with |
| backup.py, copies.py | runs copied to a folder that stays, and brought back |
| masking.py | secrets taken out |
| files.py, ids.py | atomic files and JSON lines; the folder's name |
"""

from __future__ import annotations

from projectkit.runs.backup import Backup as Backup
from projectkit.runs.backup import backup_folder as backup_folder
from projectkit.runs.backup import restore_runs as restore_runs
from projectkit.runs.durations import describe_time as describe_time
from projectkit.runs.files import atomic_write as atomic_write
from projectkit.runs.find import find_run as find_run
from projectkit.runs.find import list_runs as list_runs
from projectkit.runs.find import load_run as load_run
from projectkit.runs.find import project_of as project_of
from projectkit.runs.find import summary as summary
from projectkit.runs.git import git_state as git_state
from projectkit.runs.jobs import free_for_this_job as free_for_this_job
from projectkit.runs.keep import keep_run as keep_run
from projectkit.runs.masking import refuse_masked as refuse_masked
from projectkit.runs.masking import same_value as same_value
from projectkit.runs.reader import Predictions as Predictions
from projectkit.runs.reader import Run as Run
from projectkit.runs.reader import read_run as read_run
from projectkit.runs.record import RunWriter as RunWriter
from projectkit.runs.sessions import OwnedError as OwnedError
from projectkit.runs.sessions import TakenOverError as TakenOverError
from projectkit.runs.sessions import newest_session as newest_session

__all__ = [
    "Backup",
    "OwnedError",
    "Predictions",
    "Run",
    "RunWriter",
    "TakenOverError",
    "atomic_write",
    "backup_folder",
    "describe_time",
    "find_run",
    "free_for_this_job",
    "git_state",
    "keep_run",
    "list_runs",
    "load_run",
    "newest_session",
    "project_of",
    "read_run",
    "refuse_masked",
    "restore_runs",
    "same_value",
    "summary",
]
