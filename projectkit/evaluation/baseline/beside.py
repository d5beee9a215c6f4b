"""A baseline beside the best trained run of the same split: is the network worth its training?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from projectkit.config import MonitorConfig
from projectkit.errors import ProjectkitError
from projectkit.metrics import less_is_better, paired_difference
from projectkit.project import Project
from projectkit.runs import Run, list_runs
from projectkit.runs.evidence import Evidence, matched, two_columns
from projectkit.runs.notes import marks_of

_SAME = ("class_path", "name", "target", "split_digest")  # of the data: what the two must have been measured on
_HEADLINES = ("f1_macro", "average_precision", "auroc")  # the first one that there is, where the config monitors a loss


@dataclass(frozen=True)
class Beside:
    """A baseline against a trained run, on the samples of val.

    Args:
        value: of the baseline minus that of the trained run; None where the two could not be set side by side.
        low: lower end of its 95% interval.
        high: upper end.
        p: of no difference.
        test: what `p` is of, or why there is none.
    """

    value: float | None
    low: float | None
    high: float | None
    p: float | None
    test: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return asdict(self)


def headline(runs: Sequence[Run], monitor: MonitorConfig | None) -> str:
    """The number that baselines are ranked by: the monitored one where it is no loss, else macro F1 or average precision."""
    known = [set((run.evaluation("val") or {}).get("metrics", {})) for run in runs]
    common = set.intersection(*known)
    wanted = monitor.metric.rpartition("/")[2] if monitor is not None else "loss"
    if wanted in common and wanted != "loss":
        return wanted
    every = common or set.union(*known)
    return next((name for name in _HEADLINES if name in every), min(every))


def best_trained(project: Project, baseline: Run, metric: str) -> tuple[Run | None, str | None]:
    """The finished training with the best value of a metric on val, on the same split.

    Returns:
        The run, and what to say where there is none, or where one has not been evaluated.
    """
    wanted = [baseline.part("data").get(key) for key in _SAME]
    same = [
        run
        for run in list_runs(project)
        if run.kind == "train"
        and run.status == "finished"
        and [run.part("data").get(key) for key in _SAME] == wanted
        and not marks_of(run).archived
    ]
    if not same:
        return None, "no finished training on this split yet; `projectkit train` makes one"
    values = {run.id: Evidence(run).value("val", metric, evaluated=True) for run in same}
    known = [(value, run) for run in same if (value := values[run.id]) is not None and not math.isnan(value)]
    if not known:
        return (
            None,
            f"no training on this split has been evaluated: type `projectkit evaluate {same[0].id}`, then this again",
        )
    sign = -1.0 if less_is_better(metric) else 1.0
    best = max(known, key=lambda pair: sign * pair[0])[1]
    left = len(same) - len(known)
    note = f"{left} of {len(same)} trainings on this split have not been evaluated and are left out" if left else None
    return best, note


def set_beside(baseline: Run, trained: Run, metric: str) -> Beside:
    """The difference of one number on the same samples; of anomaly scores one that their order decides."""
    pair = matched([Evidence(baseline), Evidence(trained)], "val")
    if isinstance(pair, str):
        return Beside(None, None, None, None, pair)
    first, second = map(two_columns, pair.scores)
    try:
        found = paired_difference(pair.target, first, second, metric, groups=pair.group)
    except ProjectkitError as error:
        return Beside(None, None, None, None, str(error))
    return Beside(found.value, found.low, found.high, found.p, found.test)
