"""Every number, in one place: numpy arrays in, plain numbers out.

What a task logs while it trains and what `projectkit evaluate` reports come from the same functions. Wrong input is
an error of one line; a number that is not defined is left out, never made up.

| file | subject |
|---|---|
| classification.py | `classification_metrics`: all numbers of a classifier |
| intervals.py | `classification_intervals`: how far they may be trusted; `clopper_pearson` for shares |
| bootstrap.py | `bootstrap`: the interval of any function of the samples |
| classes.py | `class_table`: precision, recall, F1 and AUROC of each class |
| calibration.py | calibration error, reliability diagram, temperature scaling |
| operating.py | thresholds, TPR at FPR, false alarms a day |
| anomaly.py | `anomaly_metrics`: all numbers of an anomaly detector, with intervals |
| regression.py | `regression_metrics`: all numbers of a regression, with intervals |
| generation.py | reconstruction error, evidence lower bound |
| confusion.py | confusion matrix and what depends on it alone |
| ranking.py | AUROC, average precision |
| curves.py | ROC, precision-recall and DET curve as points |
| directions.py | which way a metric is better |
| checks.py | what goes in |
"""

from __future__ import annotations

from projectkit.metrics.anomaly import anomaly_intervals as anomaly_intervals
from projectkit.metrics.anomaly import anomaly_metrics as anomaly_metrics
from projectkit.metrics.anomaly import detection_delays as detection_delays
from projectkit.metrics.bootstrap import bootstrap as bootstrap
from projectkit.metrics.calibration import Reliability as Reliability
from projectkit.metrics.calibration import fit_temperature as fit_temperature
from projectkit.metrics.calibration import reliability as reliability
from projectkit.metrics.calibration import tempered as tempered
from projectkit.metrics.classes import ClassRow as ClassRow
from projectkit.metrics.classes import class_table as class_table
from projectkit.metrics.classification import classification_metrics as classification_metrics
from projectkit.metrics.confusion import confusion_matrix as confusion_matrix
from projectkit.metrics.curves import det_curve as det_curve
from projectkit.metrics.curves import precision_recall_curve as precision_recall_curve
from projectkit.metrics.curves import roc_curve as roc_curve
from projectkit.metrics.curves import thinned as thinned
from projectkit.metrics.directions import less_is_better as less_is_better
from projectkit.metrics.generation import elbo as elbo
from projectkit.metrics.generation import gaussian_kl as gaussian_kl
from projectkit.metrics.generation import reconstruction_error as reconstruction_error
from projectkit.metrics.intervals import Interval as Interval
from projectkit.metrics.intervals import classification_intervals as classification_intervals
from projectkit.metrics.intervals import clopper_pearson as clopper_pearson
from projectkit.metrics.operating import Alarms as Alarms
from projectkit.metrics.operating import Refused as Refused
from projectkit.metrics.operating import alarms as alarms
from projectkit.metrics.operating import at_threshold as at_threshold
from projectkit.metrics.operating import best_threshold as best_threshold
from projectkit.metrics.operating import least_negatives as least_negatives
from projectkit.metrics.operating import threshold_at_fpr as threshold_at_fpr
from projectkit.metrics.operating import tpr_at_fpr as tpr_at_fpr
from projectkit.metrics.regression import regression_intervals as regression_intervals
from projectkit.metrics.regression import regression_metrics as regression_metrics

__all__ = [
    "Alarms",
    "ClassRow",
    "Interval",
    "Refused",
    "Reliability",
    "alarms",
    "anomaly_intervals",
    "anomaly_metrics",
    "at_threshold",
    "best_threshold",
    "bootstrap",
    "class_table",
    "classification_intervals",
    "classification_metrics",
    "clopper_pearson",
    "confusion_matrix",
    "det_curve",
    "detection_delays",
    "elbo",
    "fit_temperature",
    "gaussian_kl",
    "least_negatives",
    "less_is_better",
    "precision_recall_curve",
    "reconstruction_error",
    "regression_intervals",
    "regression_metrics",
    "reliability",
    "roc_curve",
    "tempered",
    "thinned",
    "threshold_at_fpr",
    "tpr_at_fpr",
]
