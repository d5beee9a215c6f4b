"""Anomaly detection against scikit-learn, and times to detect by hand."""

import numpy as np
import pytest
from sklearn import metrics as reference

from projectkit.errors import UserError
from projectkit.metrics import anomaly_intervals, anomaly_metrics, best_threshold, detection_delays

ALL = ["auroc", "average_precision", "precision", "recall", "f1", "events_detected", "time_to_detect"]


def _draw(seed, n, *, share=0.1, decimals=None):
    rng = np.random.default_rng(seed)
    target = (rng.random(n) < share).astype(int)
    target[:2] = [0, 1]
    score = 100 * rng.gamma(1 + target)  # an error of a reconstruction: any unit, no upper end
    return target, score if decimals is None else np.round(score, decimals)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("n", "options"), [(100, {}), (400, {"share": 0.01}), (300, {"decimals": -2, "share": 0.5})])
def test_every_number_is_that_of_scikit_learn(seed, n, options):
    target, score = _draw(seed, n, **options)
    threshold = best_threshold(*_draw(seed + 10, n, **options))
    values = anomaly_metrics(target, score, threshold=threshold)
    raised = score >= threshold
    assert values["auroc"] == pytest.approx(reference.roc_auc_score(target, score))
    assert values["average_precision"] == pytest.approx(reference.average_precision_score(target, score))
    assert values["recall"] == pytest.approx(reference.recall_score(target, raised))
    assert values["f1"] == pytest.approx(reference.f1_score(target, raised))
    if raised.any():
        assert values["precision"] == pytest.approx(reference.precision_score(target, raised))
    else:
        assert "precision" not in values


#         one event, found late     one that is missed   two that touch the ends of a series
TARGET = [0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 0, 1]
RAISED = [1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]
HOURS_ = [0, 1, 2, 4, 5, 6, 7, 8, 9, 9.5, 10, 11, 0, 1, 2, 3]


def test_the_time_to_detect_is_counted_by_hand():
    # Events begin at hours 1, 9, 11, and, in a second series that begins at hour 0, at 0 and 3: found after 3, never, 0, never, 0.
    delays = detection_delays(TARGET, RAISED, 0.5, HOURS_)
    assert delays.tolist() == [3, np.inf, 0, np.inf, 0]
    values = anomaly_metrics(TARGET, RAISED, threshold=0.5, time=HOURS_)
    assert list(values) == ALL
    assert (values["events_detected"], values["time_to_detect"]) == (0.6, 1.0)


def test_an_alarm_before_an_event_does_not_detect_it():
    assert detection_delays([0, 1, 1], [9, 0, 0], 5, [0, 1, 2]).tolist() == [np.inf]


def test_times_of_any_type_tell_one_series_from_the_next():
    for time in (np.array([7, 0], dtype=np.uint8), np.array([7, 0.0])):
        assert detection_delays([1, 1], [1, 1], 0.5, time).tolist() == [0, 0]


def test_a_lower_threshold_never_detects_later():
    rng = np.random.default_rng(0)
    target = np.repeat(rng.integers(0, 2, 40), 5)
    score = rng.normal(size=200) + target
    late, soon = (detection_delays(target, score, threshold, np.arange(200)) for threshold in (1.5, 0.5))
    assert (soon <= late).all()
    assert (soon < late).any()


def test_without_threshold_or_time_their_numbers_are_left_out():
    target, score = _draw(0, 50)
    assert list(anomaly_metrics(target, score)) == ALL[:2]
    assert list(anomaly_metrics(target, score, time=np.arange(50))) == ALL[:2]
    assert list(anomaly_metrics(target, score, threshold=100)) == ALL[:5]


@pytest.mark.parametrize(
    ("target", "threshold", "names"),
    [
        ([0, 0, 0], 2, ["precision", "f1"]),
        ([0, 0, 0], 9, []),
        ([1, 1, 1], 9, ["recall", "f1", "events_detected"]),
        ([1, 1, 1], 2, ["precision", "recall", "f1", "events_detected", "time_to_detect"]),
    ],
)
def test_samples_of_one_kind_leave_out_what_is_not_defined(target, threshold, names):
    given = {"threshold": threshold, "time": [0, 1, 2]}
    assert list(anomaly_metrics(target, [1.0, 2.0, 3.0], **given)) == names
    # A single event tells nothing about how much the times of others vary.
    assert list(anomaly_intervals(target, [1.0, 2.0, 3.0], **given)) == [
        name for name in names if name != "time_to_detect"
    ]


@pytest.mark.parametrize("decimals", [None, -2])
@pytest.mark.parametrize("grouped", [False, True])
def test_the_values_are_those_of_the_metrics_and_lie_inside(decimals, grouped):
    target, score = _draw(1, 400, share=0.2, decimals=decimals)
    given = {"threshold": 150, "time": np.arange(400)}
    values = anomaly_metrics(target, score, **given)
    intervals = anomaly_intervals(target, score, **given, groups=np.arange(400) // 10 if grouped else None)
    assert list(intervals) == list(values) == ALL
    for name, interval in intervals.items():
        assert interval.value == pytest.approx(values[name], abs=1e-12)
        assert interval.low < interval.value < interval.high
    assert all(intervals[name].method.endswith("by group") == grouped for name in ALL[:5])


def test_the_unit_of_the_scores_does_not_matter():
    target, score = _draw(2, 200)
    first, other = anomaly_intervals(target, score), anomaly_intervals(target, np.log(score) * 1e-9)
    assert first == other


@pytest.mark.parametrize(
    ("target", "score", "time", "message"),
    [
        ([], [], [], "no samples"),
        ([0, 1], [0.1, np.nan], [0, 1], "score of sample 1 is NaN"),
        ([0, 1], [0.1], [0, 1], "one score a sample"),
        ([0, 2], [0.1, 0.2], [0, 1], "target of sample 1 is 2"),
        ([0, 1], ["a", "b"], [0, 1], "each score is of type"),
        ([0, 1], [0.1, 0.2], [0], "2 targets but times"),
        ([0, 1], [0.1, 0.2], [0, np.nan], "time of sample 1 is NaN"),
    ],
)
def test_wrong_input_is_one_line_that_names_it(target, score, time, message):
    for function in (anomaly_metrics, anomaly_intervals):
        with pytest.raises(UserError, match=message) as caught:
            function(target, score, threshold=0.5, time=time)
        assert "\n" not in str(caught.value)
