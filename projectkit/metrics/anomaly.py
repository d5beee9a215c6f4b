"""Every number of an anomaly detector, from targets and scores, while it trains and when it is evaluated.

| metric | definition | left out |
|---|---|---|
| auroc, average_precision | of the anomalous samples against the normal ones, see ranking.py | samples of one kind |
| precision, recall, f1 | sample by sample, at a threshold that was fitted on validation | as in `at_threshold` |
| events_detected | the share of events with an alarm in them | without threshold and time, or without events |
| time_to_detect | from the first sample of an event to its first alarm, the mean over detected events | where none is detected |

An event is a stretch of anomalous samples without a gap, in the order of the samples; where time goes back, another series begins, and
another event. No sample counts as found because another one of its event was: such point adjustment gives random scores an F1 near 1
(Kim et al. 2022, "Towards a rigorous evaluation of time-series anomaly detection"). Read `time_to_detect` beside `events_detected`: who
detects the easy events alone detects them soon.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.errors import UserError
from projectkit.metrics.checks import check_finite, checked_binary
from projectkit.metrics.classifier_intervals import classification_intervals
from projectkit.metrics.intervals import Interval, clopper_pearson
from projectkit.metrics.means import mean_interval
from projectkit.metrics.operating import at_threshold
from projectkit.metrics.ranking import area_and_precision

Array = NDArray[np.float64]

_AT_THRESHOLD = ("precision", "recall", "f1")


def anomaly_metrics(
    target: ArrayLike, score: ArrayLike, *, threshold: float | None = None, time: ArrayLike | None = None
) -> dict[str, float]:
    """All metrics of an anomaly detector.

    Args:
        target: 1 or True where a sample is anomalous, (n,).
        score: any finite numbers, higher where more anomalous, (n,).
        threshold: a sample raises an alarm where its score is at or above it; `best_threshold` of the validation set.
        time: of each sample, in hours or steps, (n,), ascending within a series.

    Returns:
        metric name -> value, in the order of the table above; `time_to_detect` in the unit of `time`.

    Raises:
        UserError: no samples, lengths that differ, targets other than 0 and 1, scores or times that are NaN or infinite.
    """
    positive, scores = checked_binary(target, score, where="anomaly metrics", both=False)
    values: dict[str, float] = {}
    if positive.any() and not positive.all():
        values["auroc"], values["average_precision"] = area_and_precision(positive, scores)
    if threshold is None:
        return values
    measured = at_threshold(positive, scores, threshold)
    values |= {name: measured[name].value for name in _AT_THRESHOLD if name in measured}
    if time is not None:
        delays = detection_delays(positive, scores, threshold, time)
        detected = np.isfinite(delays)
        if len(delays):
            values["events_detected"] = float(detected.mean())
        if detected.any():
            values["time_to_detect"] = float(delays[detected].mean())
    return values


def anomaly_intervals(
    target: ArrayLike,
    score: ArrayLike,
    *,
    threshold: float | None = None,
    time: ArrayLike | None = None,
    level: float = 0.95,
    seed: int = 0,
    groups: ArrayLike | None = None,
) -> dict[str, Interval]:
    """Intervals around the numbers of `anomaly_metrics`.

    Args:
        target: see `anomaly_metrics`.
        score: see `anomaly_metrics`.
        threshold: see `anomaly_metrics`.
        time: see `anomaly_metrics`.
        level: share of draws in which an interval holds the true value, in (0, 1).
        seed: of the bootstrap.
        groups: (n,) of any type; samples of one group, such as one day or one machine, are drawn together. Hours that
            follow each other are not independent: without groups the intervals are too narrow.

    Returns:
        metric name -> interval: of `auroc` and `average_precision` as `classification_intervals`, at the threshold as `at_threshold`,
        exact for `events_detected`, `mean_interval` over events for `time_to_detect`, if there are two that differ.

    Raises:
        UserError: as `anomaly_metrics`.
    """
    positive, scores = checked_binary(target, score, where="anomaly metrics", both=False)
    intervals: dict[str, Interval] = {}
    if positive.any() and not positive.all():
        # Both numbers depend on the order alone; ranks are probabilities with the order of the scores.
        ranks = np.unique(scores, return_inverse=True)[1] / len(scores)
        ranked = classification_intervals(
            positive, np.stack([1 - ranks, ranks], axis=1), level=level, seed=seed, groups=groups
        )
        intervals |= {name: ranked[name] for name in ("auroc", "average_precision")}
    if threshold is None:
        return intervals
    measured = at_threshold(positive, scores, threshold, level, groups)
    intervals |= {name: measured[name] for name in _AT_THRESHOLD if name in measured}
    if time is not None:
        delays = detection_delays(positive, scores, threshold, time)
        detected = np.isfinite(delays)
        if len(delays):
            intervals["events_detected"] = clopper_pearson(int(detected.sum()), len(delays), level)
        soon = mean_interval(delays[detected], level=level) if detected.any() else None
        if soon is not None:
            intervals["time_to_detect"] = soon
    return intervals


def detection_delays(target: ArrayLike, score: ArrayLike, threshold: float, time: ArrayLike) -> Array:
    """The time from the first sample of each event to its first alarm, (events,), infinite where there is none.

    Args:
        target: see `anomaly_metrics`.
        score: see `anomaly_metrics`.
        threshold: see `anomaly_metrics`.
        time: see `anomaly_metrics`.

    Raises:
        UserError: as `anomaly_metrics`.
    """
    positive, scores = checked_binary(target, score, where="time to detect", both=False)
    times = np.asarray(time)
    if times.shape != positive.shape:
        raise UserError(
            f"{len(positive)} targets but times {times.shape}", where="time to detect", remedy="give one time a sample"
        )
    check_finite(times, "time", "time to detect")
    times = times.astype(np.float64)  # unsigned hours do not go back
    before = np.append(False, positive[:-1] & (np.diff(times) >= 0))
    begins = np.flatnonzero(positive & ~before)
    event = np.cumsum(positive & ~before) - 1
    found = np.flatnonzero(positive & (scores >= threshold))
    delays = np.full(len(begins), np.inf)
    # The first alarm of an event comes last here and so is the one that stays.
    delays[event[found[::-1]]] = times[found[::-1]]
    return np.asarray(delays - times[begins])
