"""Detection against COCO's own program (pycocotools) and torchvision."""

import contextlib
import io

import numpy as np
import pytest

from projectkit.errors import UserError
from projectkit.metrics import Boxes, average_precision_by_class, iou, mean_average_precision

ORDER = ["map", "map_50", "map_75", "map_small", "map_medium", "map_large"]
ORDER += ["mar_1", "mar_10", "mar_100", "mar_small", "mar_medium", "mar_large"]


def _scene(rng, *, classes, largest, crowds, decimals):
    """True boxes and detections of one image: some moved, some missed, some invented, some of the wrong class."""
    true = _boxes(rng, rng.integers(0, 6), largest)
    label = rng.integers(0, classes, len(true))
    found = rng.random(len(true)) < 0.8
    moved = true[found] + rng.normal(0, 0.06, (found.sum(), 4)) * np.tile(true[found, 2:] - true[found, :2], 2)
    moved = np.concatenate([np.minimum(moved[:, :2], moved[:, 2:]), np.maximum(moved[:, :2], moved[:, 2:])], axis=1)
    twice = moved[rng.random(len(moved)) < 0.3]
    box = np.concatenate([moved, twice, _boxes(rng, rng.integers(0, 4), largest)])
    said = np.resize(np.append(label[found], rng.integers(0, classes, 1)), len(box))
    score = np.round(rng.random(len(box)), decimals)
    crowd = rng.random(len(true)) < 0.2 if crowds else None
    return Boxes(true, label, crowd=crowd), Boxes(box, said, score)


def _boxes(rng, number, largest):
    corner = rng.uniform(0, 300, (number, 2))
    return np.concatenate([corner, corner + rng.uniform(1, largest, (number, 2))], axis=1)


def _by_pycocotools(target, predicted, classes):
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    truth, found = coco.COCO(), []
    annotations = []
    for image, (true, said) in enumerate(zip(target, predicted, strict=True)):
        crowd = np.zeros(len(true.box)) if true.crowd is None else true.crowd
        for box, label, many in zip(true.box, true.label, crowd, strict=True):
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image, "category_id": int(label), "iscrowd": int(many)}
                | {"bbox": [*box[:2], *(box[2:] - box[:2])], "area": float(np.prod(box[2:] - box[:2]))}
            )
        for box, label, score in zip(said.box, said.label, said.score, strict=True):
            found.append(
                {"image_id": image, "category_id": int(label), "score": float(score)}
                | {"bbox": [*box[:2], *(box[2:] - box[:2])]}
            )
    truth.dataset = {
        "images": [{"id": image} for image in range(len(target))],
        "annotations": annotations,
        "categories": [{"id": label} for label in range(classes)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        run = evaluation.COCOeval(truth, truth.loadRes(found), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    precision = run.eval["precision"][:, :, :, 0, 2]
    by_class = {
        label: float(precision[:, :, label].mean()) for label in range(classes) if (precision[:, :, label] > -1).all()
    }
    return {name: value for name, value in zip(ORDER, run.stats, strict=True) if value > -1}, by_class


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "options",
    [
        {"classes": 1, "largest": 150, "crowds": False, "decimals": 6},
        {"classes": 5, "largest": 150, "crowds": False, "decimals": 6},
        {"classes": 3, "largest": 150, "crowds": False, "decimals": 1},
        {"classes": 3, "largest": 60, "crowds": True, "decimals": 1},
    ],
)
def test_every_number_is_that_of_cocos_own_program(seed, options):
    rng = np.random.default_rng(seed)
    target, predicted = zip(*(_scene(rng, **options) for _ in range(25)), strict=True)
    expected, by_class = _by_pycocotools(target, predicted, options["classes"])
    values = mean_average_precision(target, predicted)
    assert values == pytest.approx(expected, abs=1e-12)
    assert list(values) == [name for name in ORDER if name in expected]
    assert average_precision_by_class(target, predicted) == pytest.approx(by_class, abs=1e-12)


def test_more_than_a_hundred_detections_of_a_class_count_as_in_cocos_own_program():
    rng = np.random.default_rng(0)
    true = _boxes(rng, 150, 40)
    target = [Boxes(true, np.zeros(150, dtype=int))]
    predicted = [Boxes(np.tile(true, (2, 1)), np.zeros(300, dtype=int), rng.random(300))]
    assert mean_average_precision(target, predicted) == pytest.approx(_by_pycocotools(target, predicted, 1)[0])


def test_boxes_that_are_overlapped_alike_are_taken_as_in_cocos_own_program():
    true = np.array([[0, 0, 10, 10], [0, 0, 10, 10], [5, 0, 15, 10]], dtype=float)
    target = [Boxes(true, np.zeros(3, dtype=int), crowd=[False, True, False])]
    box = np.array([[0, 0, 10, 10], [0, 0, 10, 10], [2.5, 0, 12.5, 10]])
    predicted = [Boxes(box, np.zeros(3, dtype=int), np.array([0.5, 0.5, 0.9]))]
    assert mean_average_precision(target, predicted) == pytest.approx(_by_pycocotools(target, predicted, 1)[0])


@pytest.mark.parametrize("seed", range(3))
def test_intersection_over_union_is_torchvisions(seed):
    torch = pytest.importorskip("torch")
    operations = pytest.importorskip("torchvision.ops")
    rng = np.random.default_rng(seed)
    a, b = np.round(_boxes(rng, 20, 200)), np.round(_boxes(rng, 30, 200))
    expected = operations.box_iou(torch.from_numpy(a), torch.from_numpy(b)).numpy()
    np.testing.assert_allclose(iou(a, b), expected, atol=1e-12)


def test_boxes_that_touch_share_nothing_and_an_empty_box_divides_nothing():
    assert iou([[0, 0, 1, 1]], [[1, 0, 2, 1], [0, 0, 1, 1], [0, 0, 1, 0.5]]).tolist() == [[0, 1, 0.5]]
    assert iou([[3, 3, 3, 3]], [[3, 3, 3, 3]]).tolist() == [[0]]
    assert iou([], [[0, 0, 1, 1]]).shape == (0, 1)


NOTHING = Boxes([], [], [])
ONE = Boxes([[0, 0, 50, 50]], [2], [0.5])


def test_without_detections_everything_is_0_and_without_boxes_nothing_is_defined():
    values = mean_average_precision([Boxes(ONE.box, ONE.label)], [NOTHING])
    assert set(values.values()) == {0.0}
    assert "map_small" not in values
    assert mean_average_precision([NOTHING], [ONE]) == {}
    assert average_precision_by_class([NOTHING], [ONE]) == {}


@pytest.mark.parametrize(
    ("target", "predicted", "message"),
    [
        ([], [], "no images"),
        ([NOTHING], [], "1 images with boxes but 0 with detections"),
        ([ONE], [Boxes([[0, 0, 1, 1]], [0])], "without scores"),
        ([ONE], [Boxes([[0, 0, 1, 1]], [0, 1], [0.5])], "1 detections with 2 labels"),
        ([ONE], [Boxes([[0, 0, 1, 1]], [0], [np.nan])], "score is NaN"),
        ([ONE], [Boxes([[5, 0, 1, 1]], [0], [0.5])], "box 0 is"),
        ([ONE], [Boxes([[0, 0, np.nan, 1]], [0], [0.5])], "box 0 is"),
        ([ONE], [Boxes([0, 0, 1, 1], [0], [0.5])], "left, top, right, bottom"),
    ],
)
def test_wrong_boxes_are_one_line_that_names_them(target, predicted, message):
    with pytest.raises(UserError, match=message) as caught:
        mean_average_precision(target, predicted)
    assert "\n" not in str(caught.value)
