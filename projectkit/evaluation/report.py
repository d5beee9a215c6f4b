"""From plain arrays to what an evaluation leaves in a run folder: predictions, the document of numbers, figures.

Who predicted does not matter here: a network, or a baseline of scikit-learn. Which numbers there are follows from the kind.

| kind | target | score | numbers |
|---|---|---|---|
| `classification` | class indices | (n, classes) probabilities | kinds.py; calibration; for two classes an operating point |
| `anomaly` | 0 normal, 1 anomalous | (n,), higher is more anomalous | kinds.py; an operating point |
| `regression` | numbers | (n,) | kinds.py |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from projectkit import figures
from projectkit.errors import UserError
from projectkit.evaluation import kinds
from projectkit.evaluation.calibrate import calibration
from projectkit.evaluation.clusters import Clusters, clusters_of
from projectkit.evaluation.curves import Drawn, anomaly_curves, classification_curves
from projectkit.evaluation.operate import Threshold, fitted_threshold, low_rates, operating_point
from projectkit.evaluation.predict import Kind, Predicted
from projectkit.metrics import Refused
from projectkit.runs import RunWriter

FITTED_ON = "val"  # the subset on which temperature and threshold are fitted


@dataclass(frozen=True)
class Options:
    """What an evaluation is asked for.

    Args:
        prevalence: share of positives to expect where the model is used, in (0, 1); None: not known, so nothing is said of alarms.
        per_day: samples a day there.
        attribute: of how many mistakes the inputs are attributed; 0 of none.
        cost: whether latency and memory are measured.
    """

    prevalence: float | None = None
    per_day: float = 10_000.0
    attribute: int = 8
    cost: bool = True


@dataclass(frozen=True)
class Measured:
    """One subset as a model saw it, and what is known of its samples.

    Args:
        kind: see the table at the top of this file.
        predicted: ids, targets and scores.
        class_names: in the order of the classes; of an anomaly the normal one first; empty for a regression.
        checkpoint: which weights predicted, as the document names them; empty where there are none.
        fitted: what the same weights said about `val`, on which temperature and threshold are fitted; None where there is no val.
        groups: what samples share that makes them depend on one another, (n,), or None.
        groups_of_train: of the training samples, (m,), or None; see `clusters.py`.
        time: of each sample, (n,), or None.
        source: the file or provider of each sample, (n,), or None.
        cost: latency and memory as `cost.cost_of` gives them, or None.
        options: what was asked for.
    """

    kind: Kind
    predicted: Predicted
    class_names: tuple[str, ...] = ()
    checkpoint: Mapping[str, Any] | None = None
    fitted: Predicted | None = None
    groups: NDArray[Any] | None = None
    groups_of_train: NDArray[Any] | None = None
    time: NDArray[Any] | None = None
    source: NDArray[Any] | None = None
    cost: Mapping[str, Any] | None = None
    options: Options = Options()

    @property
    def clusters(self) -> Clusters:
        """Which samples were drawn together."""
        return clusters_of(self.groups, self.groups_of_train)


def checked_options(options: Options) -> Options:
    """The options, if they can be meant.

    Raises:
        UserError: a number out of its range.
    """
    if options.prevalence is not None and not 0 < options.prevalence < 1:
        raise UserError(
            f"a prevalence of {options.prevalence:g} is no share of the samples",
            where="--prevalence",
            remedy="give a number between 0 and 1: --prevalence 0.001 is one in a thousand",
        )
    if not 0 < options.per_day < math.inf:
        raise UserError(f"{options.per_day:g} samples a day", where="--per-day", remedy="give a number above 0")
    if options.attribute < 0:
        raise UserError(f"{options.attribute} attributions", where="--attribute", remedy="give how many, or 0 for none")
    return options


def report(writer: RunWriter, subset: str, measured: Measured) -> tuple[dict[str, Any], list[Path]]:
    """Write predictions, document and figures of one subset.

    Args:
        writer: of the run; see `RunWriter.open`.
        subset: which one the predictions are of.
        measured: what is to be reported.

    Returns:
        The document without its head, and the files in the order in which they were written.

    Raises:
        UserError: predictions from which no number can be had, such as NaN.
    """
    predicted = measured.predicted
    numbers, drawn = _KINDS[measured.kind](measured)
    if subset == FITTED_ON:  # what is fitted on the samples that it is judged on flatters, and the document says so
        for part in ("calibration", "operating"):
            if part in numbers:
                numbers[part]["same_samples"] = True
    if notes := _notes(measured):
        numbers["notes"] = notes
    document = {
        "kind": measured.kind,
        "n": len(predicted.target),
        "class_names": list(measured.class_names),
        "checkpoint": dict(measured.checkpoint or {}),
        **numbers,
        **({} if measured.cost is None else {"cost": dict(measured.cost)}),
        "curves": drawn.points,
    }
    groups = measured.clusters.numbers
    files = [writer.write_predictions(subset, predicted.id, predicted.target, predicted.score, groups)]
    files += [writer.write_figure(f"{name}-{subset}", figures.svg_bytes(each)) for name, each in drawn.figures.items()]
    files.append(writer.write_evaluation(subset, document))
    return document, files


def _classification(measured: Measured) -> tuple[dict[str, Any], Drawn]:
    predicted, fitted, groups = measured.predicted, measured.fitted, measured.clusters.numbers
    numbers = kinds.classification(predicted, measured.class_names, groups)
    tempered = None
    if fitted is None:
        numbers["refused"]["temperature"] = "there is no val subset to fit it on"
    else:
        found, tempered = calibration(predicted, fitted)
        numbers["calibration"] = {"fitted_on": FITTED_ON, "same_samples": False, **found}
    if len(measured.class_names) == 2:
        _detect(numbers, measured, fitted_threshold(fitted), groups)
    elif measured.options.prevalence is not None:
        numbers["refused"]["alarms"] = f"a prevalence is for two classes, and there are {len(measured.class_names)}"
    rows, confusion = numbers["per_class"], numbers["confusion"]
    drawn = classification_curves(predicted, measured.class_names, rows=rows, confusion=confusion, tempered=tempered)
    return numbers, drawn


def _anomaly(measured: Measured) -> tuple[dict[str, Any], Drawn]:
    predicted, groups = measured.predicted, measured.clusters.numbers
    threshold = fitted_threshold(measured.fitted)
    numbers = kinds.anomaly(predicted, measured.class_names, groups, measured.time, threshold)
    _detect(numbers, measured, threshold, groups)
    drawn = anomaly_curves(
        predicted,
        measured.class_names,
        confusion=numbers.get("confusion"),
        threshold=None if isinstance(threshold, Refused) else threshold.value,
        time=measured.time,
    )
    return numbers, drawn


def _regression(measured: Measured) -> tuple[dict[str, Any], Drawn]:
    numbers = kinds.regression(measured.predicted, measured.clusters.numbers)
    if measured.options.prevalence is not None:
        numbers["refused"]["alarms"] = "a prevalence is for two classes, and this is a regression"
    return numbers, Drawn()


def _notes(measured: Measured) -> list[str]:
    """What makes the intervals less than they seem."""
    clusters = measured.clusters
    if clusters.note is not None:
        return [clusters.note]
    if measured.kind == "anomaly" and measured.time is not None and clusters.numbers is None:
        return ["samples that follow one another are taken for independent: the intervals are too narrow"]
    return []


def _detect(
    numbers: dict[str, Any], measured: Measured, threshold: Threshold | Refused, groups: NDArray[Any] | None
) -> None:
    """The operating point of a detector, and what it finds at low false positive rates."""
    predicted, options = measured.predicted, measured.options
    if isinstance(threshold, Refused):
        numbers["refused"]["operating"] = threshold.reason
    else:
        point = operating_point(
            predicted, threshold, groups=groups, prevalence=options.prevalence, per_day=options.per_day
        )
        numbers["operating"] = {
            "positive": measured.class_names[1],
            "fitted_on": FITTED_ON,
            "same_samples": False,
            **point,
        }
        if options.prevalence is not None and point["alarms"] is None:
            numbers["refused"]["alarms"] = "it takes samples of both classes to know what is found and what is not"
    known, refused = low_rates(predicted, measured.fitted, groups)
    numbers["metrics"] |= {name: found.as_dict() for name, found in known.items()}
    numbers["refused"] |= refused


_KINDS: Mapping[str, Callable[[Measured], tuple[dict[str, Any], Drawn]]] = {
    "classification": _classification,
    "anomaly": _anomaly,
    "regression": _regression,
}
