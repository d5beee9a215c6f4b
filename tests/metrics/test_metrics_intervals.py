import numpy as np
import pytest
from scipy import stats

from projectkit.metrics import classification_intervals, classification_metrics

NAMES = ["accuracy", "balanced_accuracy", "f1_macro", "mcc", "auroc"]


def _draw(rng, n, classes, *, strength=1.5):
    target = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), target] += strength * np.linspace(0.6, 1.2, classes)[target]
    return target, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_the_values_are_those_of_the_metrics_and_lie_inside(classes):
    target, score = _draw(np.random.default_rng(0), 200, classes)
    values, intervals = classification_metrics(target, score), classification_intervals(target, score)
    assert list(intervals) == NAMES
    for name, interval in intervals.items():
        assert interval.value == values[name]
        assert -1 <= interval.low < interval.value < interval.high <= 1
        assert interval.as_dict() == {
            "value": interval.value,
            "low": interval.low,
            "high": interval.high,
            "method": interval.method,
        }


def test_the_same_seed_gives_the_same_interval_and_the_order_of_samples_does_not_matter():
    target, score = _draw(np.random.default_rng(1), 150, 4)
    order = np.random.default_rng(0).permutation(150)
    first, again = classification_intervals(target, score), classification_intervals(target[order], score[order])
    for name in NAMES:
        assert (again[name].low, again[name].high) == pytest.approx((first[name].low, first[name].high), abs=1e-9)
    assert classification_intervals(target, score, seed=1)["mcc"] != first["mcc"]


def test_a_higher_level_is_wider_and_more_samples_are_narrower():
    target, score = _draw(np.random.default_rng(2), 200, 3)
    narrow, wide = (
        classification_intervals(target, score, level=0.8),
        classification_intervals(target, score, level=0.99),
    )
    many = classification_intervals(np.tile(target, 9), np.tile(score, (9, 1)))
    for name in NAMES:
        assert wide[name].low < narrow[name].low < narrow[name].high < wide[name].high
        usual = classification_intervals(target, score)[name]
        assert (many[name].high - many[name].low) == pytest.approx((usual.high - usual.low) / 3, rel=0.15)


@pytest.mark.parametrize(("right", "n"), [(0, 10), (7, 10), (81, 263), (10, 10)])
def test_accuracy_has_wilsons_interval(right, n):
    target = np.zeros(n, dtype=int)
    score = np.where(np.arange(n)[:, None] < right, [0.9, 0.1], [0.1, 0.9])
    interval = classification_intervals(target, score)["accuracy"]
    expected = stats.binomtest(right, n).proportion_ci(method="wilson")
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("name", ["balanced_accuracy", "f1_macro", "mcc"])
def test_the_bootstrap_of_cells_is_scipys_bootstrap_of_samples(name):
    target, score = _draw(np.random.default_rng(3), 120, 3)
    predicted = score.argmax(axis=1)

    def metric(true, said):
        return classification_metrics(true, np.eye(3)[said])[name]

    expected = stats.bootstrap(
        (target, predicted),
        metric,
        paired=True,
        vectorized=False,
        n_resamples=2000,
        method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval
    ours = classification_intervals(target, score)[name]
    assert (ours.low, ours.high) == pytest.approx((expected.low, expected.high), abs=0.012)
    assert ours.method == "bca"


def test_the_variance_of_auroc_is_delongs():
    # By the definition: covariances of the structural components, every pair compared.
    target, score = _draw(np.random.default_rng(4), 80, 2)
    high, low = score[target == 1, 1], score[target == 0, 1]
    wins = (high[:, None] > low[None, :]) + 0.5 * (high[:, None] == low[None, :])
    variance = wins.mean(axis=1).var(ddof=1) / len(high) + wins.mean(axis=0).var(ddof=1) / len(low)
    area = wins.mean()
    half = stats.norm.ppf(0.975) * np.sqrt(variance) / (area * (1 - area))
    interval = classification_intervals(target, score)["auroc"]
    assert interval.value == pytest.approx(area)
    assert (interval.low, interval.high) == pytest.approx(
        tuple(1 / (1 + np.exp(-(np.log(area / (1 - area)) + np.array([-half, half])))))
    )


def test_the_width_of_a_macro_auroc_is_that_of_the_bootstrap():
    rng = np.random.default_rng(5)
    target, score = _draw(rng, 400, 4)
    rows = rng.integers(0, 400, size=(300, 400))
    drawn = [classification_metrics(target[row], score[row])["auroc"] for row in rows]
    interval = classification_intervals(target, score)["auroc"]
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * np.std(drawn), rel=0.15)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_perfect_classifier_is_not_certain(classes):
    # 60 samples without a mistake support an error rate of up to 5% (rule of three): no interval may be a point.
    target = np.arange(60) % classes
    for name, interval in classification_intervals(target, np.eye(classes)[target]).items():
        assert interval.high == interval.value == 1
        assert 0.5 < interval.low < 0.97, name


def test_a_constant_prediction_has_an_interval_around_its_numbers():
    target = np.arange(60) % 3
    for interval in classification_intervals(target, np.tile([0.5, 0.3, 0.2], (60, 1))).values():
        assert interval.low < interval.value < interval.high


def test_a_class_with_one_sample_makes_the_interval_wider_not_narrower():
    target, score = _draw(np.random.default_rng(6), 100, 2)
    usual = classification_intervals(target, score)["auroc"]
    lonely = classification_intervals(
        [1] + [0] * 99, np.vstack([score[target == 1][:1], np.resize(score[target == 0], (99, 2))])
    )["auroc"]
    assert lonely.high - lonely.low > 2 * (usual.high - usual.low)


@pytest.mark.parametrize("classes", [2, 3])
def test_targets_of_one_class_leave_auroc_out(classes):
    intervals = classification_intervals([1, 1, 1, 1], np.full((4, classes), 1 / classes))
    assert list(intervals) == NAMES[:-1]
    assert all(np.isfinite([interval.low, interval.high]).all() for interval in intervals.values())


def test_a_single_sample_has_intervals_that_say_next_to_nothing():
    interval = classification_intervals([0], np.array([[0.9, 0.1]]))["accuracy"]
    assert interval.low < 0.3


def test_absent_classes_do_not_widen_what_they_cannot_tell_about():
    # Ten classes, two of which occur; the other eight must not pull the posterior of a perfect classifier down.
    target = np.arange(60) % 2
    few, many = (
        classification_intervals(target, np.eye(2)[target]),
        classification_intervals(target, np.eye(10)[target]),
    )
    assert many["balanced_accuracy"].low == pytest.approx(few["balanced_accuracy"].low, abs=0.02)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_that_is_no_share_is_refused(level):
    with pytest.raises(ValueError, match="level"):
        classification_intervals([0, 1], np.eye(2), level=level)


@pytest.mark.parametrize(("classes", "n"), [(2, 150), (4, 200)])
def test_intervals_hold_the_true_value_about_as_often_as_they_say(classes, n):
    truth = classification_metrics(*_draw(np.random.default_rng(0), 200_000, classes))
    rng, draws = np.random.default_rng(1), 300
    held = dict.fromkeys(NAMES, 0)
    for _ in range(draws):
        for name, interval in classification_intervals(*_draw(rng, n, classes)).items():
            held[name] += interval.low <= truth[name] <= interval.high
    for name, count in held.items():
        # 300 draws of 95%: three standard errors are 3.8 points.
        assert 0.91 <= count / draws <= 0.99, name
