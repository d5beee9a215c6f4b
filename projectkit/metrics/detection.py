"""Boxes around objects: intersection over union, and COCO's mean average precision.

A detection is right where it overlaps a box of its class, which no likelier detection has taken, by enough. Detections are ranked by
score over all images, and the precision that is reached at each recall is averaged: over recalls, classes and overlaps of .5 to .95.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.errors import UserError

Array = NDArray[np.float64]

_WHERE = "detection metrics"
_OVERLAPS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0, 1, 101)
_MOST = 100  # detections of one class on one image that count
_AREAS: Mapping[str, tuple[float, float]] = {
    "": (0, np.inf),
    "_small": (0, 32**2),
    "_medium": (32**2, 96**2),
    "_large": (96**2, np.inf),
}


@dataclass(frozen=True)
class Boxes:
    """The boxes of one image.

    Args:
        box: left, top, right, bottom in pixels, (k, 4).
        label: class indices, (k,).
        score: of detections, (k,); None for the true boxes.
        crowd: true boxes that stand for many objects, (k,) of bool: detections inside are neither right nor wrong. None where there
            are no such boxes.
    """

    box: ArrayLike
    label: ArrayLike
    score: ArrayLike | None = None
    crowd: ArrayLike | None = None


def iou(a: ArrayLike, b: ArrayLike) -> Array:
    """Intersection over union of each pair of boxes, (n, m); 0 where both are empty.

    Args:
        a: left, top, right, bottom, (n, 4).
        b: the same, (m, 4).

    Raises:
        UserError: another shape, a number that is NaN or infinite, or a right end left of the left one.

    Source: Everingham et al. 2010, "The PASCAL visual object classes (VOC) challenge", equation 4.
    """
    first, second = _checked_boxes(a), _checked_boxes(b)
    shared = _intersections(first, second)
    union = _areas(first)[:, None] + _areas(second)[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def mean_average_precision(target: Sequence[Boxes], predicted: Sequence[Boxes]) -> dict[str, float]:
    """The numbers of COCO's table.

    Args:
        target: the true boxes, image by image.
        predicted: the detections with their scores, the same images in the same order.

    Returns:
        `map`, `map_50` and `map_75` (of one overlap), `map_small`, `map_medium`, `map_large` (boxes of up to 32 x 32, of up to 96 x 96,
        and of more pixels), `mar_1`, `mar_10` and `mar_100` (recall with that many detections of a class an image), `mar_small`,
        `mar_medium`, `mar_large`. What no true box defines is left out. Classes without a true box do not count.

    Raises:
        UserError: no images, lengths that differ, boxes that are none, detections without scores.

    Source: Lin et al. 2014, "Microsoft COCO: common objects in context", and the detection evaluation of its site: 101 recalls, ten
    overlaps.
    """
    matched = _match(target, predicted)
    values: dict[str, Array] = {}
    for area in _AREAS:
        values[f"map{area}"], values[f"mar{area or '_100'}"] = _precision_and_recall(matched, area, _MOST)
    for most in (1, 10):
        values[f"mar_{most}"] = _precision_and_recall(matched, "", most)[1]
    values["map_50"], values["map_75"] = values["map"][:, [0]], values["map"][:, [5]]
    order = ["map", "map_50", "map_75", "map_small", "map_medium", "map_large"]
    order += ["mar_1", "mar_10", "mar_100", "mar_small", "mar_medium", "mar_large"]
    means = {name: values[name][~np.isnan(values[name])] for name in order}
    return {name: float(mean.mean()) for name, mean in means.items() if len(mean)}


def average_precision_by_class(target: Sequence[Boxes], predicted: Sequence[Boxes]) -> dict[int, float]:
    """The average precision of each class that has a true box, the mean over overlaps of .5 to .95; their mean is `map`.

    Args:
        target: see `mean_average_precision`.
        predicted: see `mean_average_precision`.

    Raises:
        UserError: as `mean_average_precision`.
    """
    matched = _match(target, predicted)
    precision, _ = _precision_and_recall(matched, "", _MOST)
    labels = sorted({label for label, _ in matched})
    return {label: float(row.mean()) for label, row in zip(labels, precision, strict=True) if not np.isnan(row).any()}


@dataclass(frozen=True)
class _Matches:
    """Detections of one class over all images, images in their order, in each the likeliest first.

    Args:
        score: (k,).
        rank: place within the image, from 0, (k,).
        right: whether it has taken a true box, (overlaps, k).
        ignored: whether it is neither right nor wrong, (overlaps, k).
        objects: true boxes that are to be found.
    """

    score: Array
    rank: NDArray[np.intp]
    right: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    objects: int


def _match(target: Sequence[Boxes], predicted: Sequence[Boxes]) -> dict[tuple[int, str], _Matches]:
    """(label, area) -> its detections, for each class that has a box or a detection."""
    if len(target) != len(predicted):
        what = f"{len(target)} images with boxes but {len(predicted)} with detections"
        raise UserError(what, where=_WHERE, remedy="give one entry an image, an empty one where nothing is detected")
    if not target:
        raise UserError("no images", where=_WHERE, remedy="choose a subset that has samples")
    images = [_checked_image(*pair) for pair in zip(target, predicted, strict=True)]
    labels = sorted({int(label) for image in images for label in np.append(image.true_label, image.label)})
    return {(label, area): _matches_of(images, label, limits) for label in labels for area, limits in _AREAS.items()}


@dataclass(frozen=True)
class _Image:
    true_box: Array
    true_label: NDArray[np.int64]
    crowd: NDArray[np.bool_]
    box: Array
    label: NDArray[np.int64]
    score: Array


def _matches_of(images: Sequence[_Image], label: int, limits: tuple[float, float]) -> _Matches:
    scores, ranks = [np.empty(0)], [np.empty(0, dtype=np.intp)]
    rights, ignoreds = [np.empty((len(_OVERLAPS), 0), dtype=bool)], [np.empty((len(_OVERLAPS), 0), dtype=bool)]
    objects = 0
    for image in images:
        true = image.true_label == label
        mine = np.flatnonzero(image.label == label)
        mine = mine[np.argsort(-image.score[mine], kind="stable")][:_MOST]
        if not (len(mine) or true.any()):
            continue
        right, ignored, to_find = _greedy(image.true_box[true], image.crowd[true], image.box[mine], limits)
        objects += to_find
        scores.append(image.score[mine])
        ranks.append(np.arange(len(mine)))
        rights.append(right)
        ignoreds.append(ignored)
    return _Matches(
        np.concatenate(scores),
        np.concatenate(ranks),
        np.concatenate(rights, axis=1),
        np.concatenate(ignoreds, axis=1),
        objects,
    )


def _greedy(
    true: Array, crowd: NDArray[np.bool_], box: Array, limits: tuple[float, float]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], int]:
    """Each detection, the likeliest first, takes the free box that it overlaps most.

    Returns:
        right and ignored, (overlaps, detections), and how many boxes were to be found.
    """
    aside = crowd | _outside(true, limits)
    order = np.argsort(aside, kind="stable")  # those to be found first; the others only where none of these fits
    true, crowd, aside = true[order], crowd[order], aside[order]
    to_find = int((~aside).sum())
    shared = _intersections(box, true)
    union = _areas(box)[:, None] + np.where(crowd, 0, _areas(true) - shared)
    overlap = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    taken = np.zeros((len(_OVERLAPS), len(true)), dtype=bool)
    right = np.zeros((len(_OVERLAPS), len(box)), dtype=bool)
    ignored = np.repeat(_outside(box, limits)[None, :], len(_OVERLAPS), axis=0)
    rows = np.arange(len(_OVERLAPS))
    for detection in np.flatnonzero((overlap >= _OVERLAPS[0]).any(axis=1)):
        fits = (overlap[detection] >= _OVERLAPS[:, None]) & (~taken | crowd)
        fits[:, to_find:] &= ~fits[:, :to_find].any(axis=1, keepdims=True)
        # Of boxes that it overlaps alike it takes the last, as COCO's own program does.
        choice = len(true) - 1 - np.where(fits, overlap[detection], -1.0)[:, ::-1].argmax(axis=1)
        found = fits.any(axis=1)
        taken[rows[found], choice[found]] = True
        right[found, detection] = True
        ignored[found, detection] = aside[choice[found]]
    return right, ignored, to_find


def _precision_and_recall(matched: Mapping[tuple[int, str], _Matches], area: str, most: int) -> tuple[Array, Array]:
    """The mean precision over 101 recalls, and the recall, (classes, overlaps) each; NaN where there is nothing to find."""
    classes = [of_class for (_, name), of_class in matched.items() if name == area]
    precision, recall = (np.full((len(classes), len(_OVERLAPS)), np.nan) for _ in range(2))
    for row, of_class in enumerate(classes):
        if not of_class.objects:
            continue
        counted = np.flatnonzero(of_class.rank < most)
        counted = counted[np.argsort(-of_class.score[counted], kind="stable")]
        known = ~of_class.ignored[:, counted]
        hits = np.cumsum(of_class.right[:, counted] & known, axis=1)
        seen = np.cumsum(known, axis=1)
        share = np.divide(hits, seen, out=np.zeros(hits.shape), where=seen > 0)
        # The precision at a recall is the best that any lower threshold still reaches; beyond the last recall it is 0.
        best = np.append(np.maximum.accumulate(share[:, ::-1], axis=1)[:, ::-1], np.zeros((len(share), 1)), axis=1)
        for column in range(len(_OVERLAPS)):
            reached = hits[column] / of_class.objects
            precision[row, column] = best[column, np.searchsorted(reached, _RECALLS, side="left")].mean()
            recall[row, column] = reached[-1] if len(reached) else 0.0
    return precision, recall


def _outside(box: Array, limits: tuple[float, float]) -> NDArray[np.bool_]:
    area = _areas(box)
    return np.asarray((area < limits[0]) | (area > limits[1]))


def _areas(box: Array) -> Array:
    return np.asarray((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]))


def _intersections(a: Array, b: Array) -> Array:
    """Shared pixels of each pair, (n, m)."""
    begin = np.maximum(a[:, None, :2], b[None, :, :2])
    end = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.asarray(np.maximum(end - begin, 0).prod(axis=2))


def _checked_image(target: Boxes, predicted: Boxes) -> _Image:
    true, box = _checked_boxes(target.box), _checked_boxes(predicted.box)
    if predicted.score is None:
        raise UserError("detections without scores", where=_WHERE, remedy="give Boxes(box, label, score)")
    score = np.asarray(predicted.score, dtype=np.float64)
    label, true_label = np.asarray(predicted.label, dtype=np.int64), np.asarray(target.label, dtype=np.int64)
    crowd = np.zeros(len(true), dtype=bool) if target.crowd is None else np.asarray(target.crowd, dtype=bool)
    lengths = (len(true_label), len(crowd), len(label), len(score))
    if lengths != (len(true), len(true), len(box), len(box)):
        raise UserError(
            f"an image has {len(true)} boxes with {lengths[0]} labels, {len(box)} detections with {lengths[2]} labels and "
            f"{lengths[3]} scores",
            where=_WHERE,
            remedy="give one label a box, and one score a detection",
        )
    if not np.isfinite(score).all():
        raise UserError(
            "a score is NaN or infinite", where=_WHERE, remedy="the model diverged: lower the learning rate"
        )
    return _Image(true, true_label, crowd, box, label, score)


def _checked_boxes(box: ArrayLike) -> Array:
    boxes = np.asarray(box, dtype=np.float64)
    if boxes.size == 0:
        return np.empty((0, 4))
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise UserError(f"boxes have shape {boxes.shape}", where=_WHERE, remedy="give (k, 4): left, top, right, bottom")
    wrong = np.flatnonzero(~(np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] >= boxes[:, :2]).all(axis=1)))
    if len(wrong):
        raise UserError(
            f"box {wrong[0]} is {boxes[wrong[0]].tolist()}",
            where=_WHERE,
            remedy="give left, top, right, bottom in pixels",
        )
    return boxes
