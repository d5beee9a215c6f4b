"""Every number, in one place: numpy arrays in, plain numbers out.

What a task logs while it trains and what `projectkit evaluate` reports come from the same functions. Wrong input is
an error of one line; a number that is not defined is left out, never made up.

| file | subject |
|---|---|
| classification.py | `classification_metrics`: all numbers of a classifier |
| intervals.py | `classification_intervals`: how far they may be trusted; `clopper_pearson` for shares |
| bootstrap.py | `bootstrap`: the interval of any function of the samples |
| confusion.py | confusion matrix and what depends on it alone |
| ranking.py | ROC curve, AUROC, average precision |
| checks.py | what goes in |
"""

from __future__ import annotations

from projectkit.metrics.bootstrap import bootstrap as bootstrap
from projectkit.metrics.classification import classification_metrics as classification_metrics
from projectkit.metrics.confusion import confusion_matrix as confusion_matrix
from projectkit.metrics.intervals import Interval as Interval
from projectkit.metrics.intervals import classification_intervals as classification_intervals
from projectkit.metrics.intervals import clopper_pearson as clopper_pearson
from projectkit.metrics.ranking import roc_curve as roc_curve

__all__ = [
    "Interval",
    "bootstrap",
    "classification_intervals",
    "classification_metrics",
    "clopper_pearson",
    "confusion_matrix",
    "roc_curve",
]
