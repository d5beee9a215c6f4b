"""Every number, in one place: numpy arrays in, plain numbers out.

What a task logs while it trains and what `projectkit evaluate` reports come from the same functions. Wrong input is
an error of one line; a number that is not defined is left out, never made up.

| file | subject |
|---|---|
| classification.py | `classification_metrics`: all numbers of a classifier |
| classifier_intervals.py | `classification_intervals`: how far they may be trusted |
| confusion_intervals.py, probability_intervals.py, influence.py | its parts |
| intervals.py | `Interval`, and the intervals of shares |
| means.py | `mean_interval`: of one number a sample, however skewed |
| bootstrap.py | `bootstrap`: the interval of any function of the samples |
| paired.py, permutation.py | `paired_difference`: two classifiers on the same samples |
| replicates.py | several seeds or folds as one result, and the difference of two |
| multiple.py | `holm`: p of several tests at once |
| needed.py | how many seeds or samples would tell two results apart |
| classes.py | `class_table`: precision, recall, F1 and AUROC of each class |
| calibration.py | calibration error, reliability diagram, temperature scaling |
| shares.py | intervals of precision, recall and F1, also by group |
| operating.py | thresholds, TPR at FPR, false alarms a day |
| anomaly.py | `anomaly_metrics`: all numbers of an anomaly detector, with intervals |
| detection.py | boxes: intersection over union, mean average precision as COCO defines it |
| regression.py | `regression_metrics`: all numbers of a regression, with intervals |
| generation.py | reconstruction error, evidence lower bound |
| confusion.py | confusion matrix and what depends on it alone |
| ranking.py | AUROC, average precision |
| curves.py | ROC, precision-recall and DET curve as points |
| crossed.py | what the draw of the samples adds to a difference over seeds |
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
from projectkit.metrics.classifier_intervals import classification_intervals as classification_intervals
from projectkit.metrics.confusion import confusion_matrix as confusion_matrix
from projectkit.metrics.crossed import spread_over_samples as spread_over_samples
from projectkit.metrics.curves import det_curve as det_curve
from projectkit.metrics.curves import precision_recall_curve as precision_recall_curve
from projectkit.metrics.curves import roc_curve as roc_curve
from projectkit.metrics.curves import thinned as thinned
from projectkit.metrics.detection import Boxes as Boxes
from projectkit.metrics.detection import average_precision_by_class as average_precision_by_class
from projectkit.metrics.detection import iou as iou
from projectkit.metrics.detection import mean_average_precision as mean_average_precision
from projectkit.metrics.directions import less_is_better as less_is_better
from projectkit.metrics.generation import elbo as elbo
from projectkit.metrics.generation import gaussian_kl as gaussian_kl
from projectkit.metrics.generation import reconstruction_error as reconstruction_error
from projectkit.metrics.intervals import Interval as Interval
from projectkit.metrics.intervals import clopper_pearson as clopper_pearson
from projectkit.metrics.means import mean_interval as mean_interval
from projectkit.metrics.multiple import holm as holm
from projectkit.metrics.needed import samples_needed as samples_needed
from projectkit.metrics.needed import seeds_needed as seeds_needed
from projectkit.metrics.operating import Alarms as Alarms
from projectkit.metrics.operating import Refused as Refused
from projectkit.metrics.operating import alarms as alarms
from projectkit.metrics.operating import at_threshold as at_threshold
from projectkit.metrics.operating import best_threshold as best_threshold
from projectkit.metrics.operating import least_negatives as least_negatives
from projectkit.metrics.operating import threshold_at_fpr as threshold_at_fpr
from projectkit.metrics.operating import tpr_at_fpr as tpr_at_fpr
from projectkit.metrics.paired import Difference as Difference
from projectkit.metrics.paired import paired_difference as paired_difference
from projectkit.metrics.regression import regression_intervals as regression_intervals
from projectkit.metrics.regression import regression_metrics as regression_metrics
from projectkit.metrics.replicates import folds_difference as folds_difference
from projectkit.metrics.replicates import mean_of_seeds as mean_of_seeds
from projectkit.metrics.replicates import seeds_difference as seeds_difference

__all__ = [
    "Alarms",
    "Boxes",
    "ClassRow",
    "Difference",
    "Interval",
    "Refused",
    "Reliability",
    "alarms",
    "anomaly_intervals",
    "anomaly_metrics",
    "at_threshold",
    "average_precision_by_class",
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
    "folds_difference",
    "gaussian_kl",
    "holm",
    "iou",
    "least_negatives",
    "less_is_better",
    "mean_average_precision",
    "mean_interval",
    "mean_of_seeds",
    "paired_difference",
    "precision_recall_curve",
    "reconstruction_error",
    "regression_intervals",
    "regression_metrics",
    "reliability",
    "roc_curve",
    "samples_needed",
    "seeds_difference",
    "seeds_needed",
    "spread_over_samples",
    "tempered",
    "thinned",
    "threshold_at_fpr",
    "tpr_at_fpr",
]
