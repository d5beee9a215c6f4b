"""What makes a comparison unfair: other data, another split, other code or versions, runs that were changed or did not finish."""

from __future__ import annotations

from collections.abc import Sequence

from projectkit.runs.reader import Run
from projectkit.runs.replicates import Result

_SAMPLES = ("name", "class_path", "target", "card_digest", "files_digest", "samples_digest")
_SPLIT = ("split", "split_seed", "folds", "fold", "split_digest")


def unfair_reasons(runs: Sequence[Run], results: Sequence[Result]) -> list[str]:
    """Each reason why a difference of numbers need not be one of settings, a clause that names what differs.

    Args:
        runs: all of them.
        results: what they come to.
    """
    reasons = []
    names, split = _between(results, _SAMPLES), _between(results, _SPLIT)
    if split:
        names -= {"samples_digest"}  # of the training subset, which another split makes another one
    if names:
        what = "other data" if names & {"name", "class_path"} else "other samples of the same data set"
        reasons.append(f"{what} ({_told(runs, 'data', names)})")
    elif split:
        reasons.append(f"another split ({_told(runs, 'data', split)})")
    reasons += _other_code(runs)
    if names := _differ(runs, "versions", ("torch", "dl-projectkit")):
        reasons.append(f"other versions ({_told(runs, 'versions', names)})")
    for run in runs:
        # to train longer is no other training: `settings` shows how long
        if forced := [line for line in run.forced_changes() if not line.startswith("trainer.max_")]:
            reasons.append(f"{run.id} was changed on its way ({'; '.join(forced)})")
    states = {run.status for run in runs}
    if states != {"finished"}:
        unfinished = [f"{run.id} is {run.status}" for run in runs if run.status != "finished"]
        reasons.append(f"not all of them finished ({', '.join(unfinished)})")
    return reasons


def _differ(runs: Sequence[Run], part: str, keys: Sequence[str]) -> set[str]:
    """Keys of a part of the record that differ; what one of the runs did not record yet is no difference."""
    found = {key: {str(run.part(part)[key]) for run in runs if run.part(part).get(key) is not None} for key in keys}
    return {key for key, values in found.items() if len(values) > 1}


def _between(results: Sequence[Result], keys: Sequence[str]) -> set[str]:
    """Keys of the data that differ between results: the folds within one are no difference, other folds of another one are."""
    different = set()
    for key in keys:
        of_results = [
            {str(run.part("data")[key]) for run in result.runs if run.part("data").get(key) is not None}
            for result in results
        ]
        if len({frozenset(values) for values in of_results if values}) > 1:
            different.add(key)
    return different


def _told(runs: Sequence[Run], part: str, names: set[str]) -> str:
    return "; ".join(
        f"{name}: {', '.join(dict.fromkeys(str(run.part(part).get(name))[:12] for run in runs))}"
        for name in sorted(names)
    )


def _other_code(runs: Sequence[Run]) -> list[str]:
    """The team's code by its digest; older runs know the commit and what was changed since, other files than code included."""
    # a baseline of the catalogue's data runs no line of the team's
    runs = [run for run in runs if run.kind != "baseline" or "name" not in run.part("data")]
    if len(runs) < 2:
        return []
    digests = {run.record.get("code_digest") for run in runs}
    if None not in digests:
        return ["other code of the team"] if len(digests) > 1 else []
    states = {(run.part("git").get("commit"), run.part("git").get("diff_sha256")) for run in runs}
    if any(commit is None for commit, _ in states):
        return ["the code of a run is not known"]
    return ["another commit, or other uncommitted changes"] if len(states) > 1 else []
