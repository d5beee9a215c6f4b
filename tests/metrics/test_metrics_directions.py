"""Which way a metric is better."""

import numpy as np
import pytest

from projectkit.metrics import (
    anomaly_metrics,
    classification_metrics,
    less_is_better,
    mean_average_precision,
    regression_metrics,
)


@pytest.mark.parametrize(
    "name",
    ["loss", "val/loss", "ece", "test/ece", "mae", "rmse", "time_to_detect", "reconstruction_error", "focal_loss"],
)
def test_less_is_better_of_losses_errors_and_times(name):
    assert less_is_better(name)


@pytest.mark.parametrize(
    "name", ["val/accuracy", "auroc", "mcc", "r2", "spearman", "map_50", "elbo", "gloss", "my_score"]
)
def test_more_is_better_of_everything_else(name):
    assert not less_is_better(name)


def test_of_two_models_the_one_that_is_right_is_better_in_every_metric():
    target = np.array([0, 1, 0, 1, 1, 0])
    right, wrong = np.where(target, 0.9, 0.1), np.where(target, 0.4, 0.6)
    time = np.arange(6)
    for good, bad in [
        [classification_metrics(target, np.stack([1 - score, score], axis=1)) for score in (right, wrong)],
        [anomaly_metrics(target, score, threshold=0.4, time=time) for score in (right, 0.5 - 0.2 * target)],
        [regression_metrics(target, score) for score in (right, wrong)],
    ]:
        for name in set(good) & set(bad):
            better = good[name] < bad[name] if less_is_better(name) else good[name] > bad[name]
            assert better or good[name] == bad[name], name
    assert not any(less_is_better(name) for name in _names_of_detection())


def _names_of_detection():
    from projectkit.metrics import Boxes

    sizes = [[0, 0, 10, 10], [0, 0, 50, 50], [0, 0, 150, 150]]
    return mean_average_precision([Boxes(sizes, [0, 0, 0])], [Boxes(sizes, [0, 0, 0], [0.5, 0.5, 0.5])])
