"""Figures of an evaluation on a poster: drawn anew at its size from the numbers of the document."""

import re

import numpy as np
import pytest

from projectkit import metrics
from projectkit.poster.directives.evaluated import evaluated

NAMES = ("ham", "spam")


@pytest.fixture(scope="module")
def document():
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 300)
    spam = np.clip(0.3 * target + 0.7 * rng.random(300), 0, 1)
    score = np.stack([1 - spam, spam], axis=1)
    curves = {
        "roc": metrics.roc_curve(target, spam)[:2],
        "precision_recall": metrics.precision_recall_curve(target, spam)[:2],
        "det": metrics.det_curve(target, spam)[:2],
    }
    counts, edges = np.histogram(spam, bins=20)
    row = {"column": "length", "label": "3 to 7", "n": 120, "value": 0.6, "low": 0.5, "high": 0.7}
    return {
        "confusion": metrics.confusion_matrix(target, spam > 0.5, 2).tolist(),
        "class_names": list(NAMES),
        "metrics": {"accuracy": {"value": 0.8}},
        "per_class": [each.as_dict() for each in metrics.class_table(target, score, NAMES)],
        "curves": {
            **{name: {"spam": {"x": x.tolist(), "y": y.tolist()}} for name, (x, y) in curves.items()},
            "reliability": {"before": metrics.reliability(target, score).as_dict(), "after": None},
            "timeline": {
                "time": ["2026-01-01T00:00:00", "2026-01-02T00:00:00", "2026-01-03T00:00:00"],
                "score": [0.1, 0.9, 0.2],
                "events": [["2026-01-02T00:00:00", "2026-01-02T12:00:00"]],
                "alarms": [731, ["2026-01-02T00:00:00"]],
            },
            "scores": {"edges": edges.tolist(), "normal": counts.tolist(), "anomalous": counts.tolist()},
        },
        "slices": [row] * 20,
    }


@pytest.mark.parametrize(
    "name", ["confusion", "roc", "precision_recall", "det", "reliability", "per_class", "slices", "scores", "timeline"]
)
def test_each_figure_is_drawn_at_the_size_and_with_the_type_that_the_poster_gives(name, document):
    figure = evaluated(name, document)
    height = 250.0 * figure.shape.least
    svg = figure.svg((250.0, height), 24.0).decode()
    width_pt, height_pt = map(float, re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg).groups())
    assert (width_pt, height_pt) == pytest.approx((250 / 25.4 * 72, height / 25.4 * 72), rel=0.01)


def test_the_guess_of_a_precision_curve_is_the_share_of_its_class(document, monkeypatch):
    from projectkit import figures

    given = {}
    monkeypatch.setattr(figures, "precision_recall", lambda curves, shares, **_: given.update(shares))
    monkeypatch.setattr(figures, "svg_bytes", lambda figure: b"")
    evaluated("precision_recall", document).svg((100.0, 100.0), 9.0)
    spam = document["per_class"][1]["support"]
    assert given == {"spam": pytest.approx(spam / 300)}


@pytest.mark.parametrize("name", ["roc", "reliability", "slices", "per_class", "scores", "attributions", "none"])
def test_what_an_older_document_lacks_is_taken_from_the_files_of_the_run(name):
    assert evaluated(name, {"metrics": {"accuracy": {"value": 0.8}}, "slices": [], "curves": {"roc": {}}}) is None
