"""One of each figure, on data that is hard to draw: long names, many classes, scripts beyond Latin, values over many decades."""

from __future__ import annotations

import re

import numpy as np

from projectkit import figures, metrics

LONG = [f"a rather long class name, number {index}" for index in range(43)]
SCRIPTS = ["Straße", "ключ", "λόγος", "a $x_1$ b", "100% \\alpha", "<&>", "snake_case_name_without_spaces", "ễ"]
MAIL = re.split(
    " ",
    "Dear customer , your account has been suspended . Please verify your password within 24 hours at "
    "http://secure-login.example.com/verify?id=9f8a7b6c5d4e3f2a1b0c&next=/account/settings/profile or it will be closed .",
)


def classifier(classes, n=600, seed=0):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), target] += 2.0
    return target, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def rates(classes, names=LONG):
    target, score = classifier(classes)
    chosen = [1] if classes == 2 else range(classes)
    return {names[index]: metrics.roc_curve(target == index, score[:, index])[:2] for index in chosen}


def errors(classes):
    return {name: (fpr, 1 - tpr) for name, (fpr, tpr) in rates(classes).items()}


def recalls(classes):
    """Recall and a precision that falls with it."""
    return {name: (tpr, 1 - 0.6 * tpr**3) for name, (_, tpr) in rates(classes).items()}


def matrix(classes, n=600):
    target, score = classifier(classes, n)
    return metrics.confusion_matrix(target, score.argmax(axis=1), classes)


def runs(count=1):
    steps = list(range(10, 210, 10))
    run = {
        "train/loss": (steps, [1 / step for step in steps]),
        "val/loss": ([100, 200], [0.3, 0.2]),
        "val/f1_macro": ([100, 200], [0.5, 0.8]),
    }
    return {f"run {index}": run for index in range(count)}


def rows(names):
    values = np.linspace(0.35, 0.99, len(names))
    return {"names": names, "values": values, "low": values - 0.08, "high": np.minimum(1, values + 0.03)}


def bins(offset):
    confidence = np.linspace(0.1, 0.97, 15)
    accuracy = np.clip(confidence - offset, 0, 1)
    count = [0, *range(400, 2200, 130)][:15]
    return {
        "confidence": confidence,
        "accuracy": accuracy,
        "count": count,
        "low": np.clip(accuracy - 0.1, 0, 1),
        "high": np.clip(accuracy + 0.05, 0, 1),
    }


def range_test():
    rate = np.geomspace(1e-6, 10, 100)
    loss = 2.3 - 1.6 / (1 + np.exp(-2 * (np.log10(rate) + 2.5))) + 0.05 * np.sin(np.arange(100) * 7.0)
    loss[85:] = np.geomspace(1, 1e6, 15)
    loss[95:] = np.inf
    return rate, loss


def histogram(centre, n):
    return np.histogram(np.random.default_rng(n).normal(centre, 0.7, n), bins=40, range=(-2, 7))


def watched(n=3000):
    score = np.abs(np.sin(np.arange(n) * 12.9898) * 2)
    score[700:760] += 5
    return np.arange(n) / 60, score, [(700 / 60, 770 / 60), (2000 / 60, 2050 / 60)], 4.0


def pictures(k, channels=3, side=24):
    rng = np.random.default_rng(k)
    y, x = np.mgrid[:side, :side]
    blob = np.exp(-((x - 8) ** 2 + (y - 9) ** 2) / 30) - 0.8 * np.exp(-((x - 17) ** 2 + (y - 17) ** 2) / 20)
    return (
        rng.integers(0, 256, (k, channels, side, side), dtype=np.uint8),
        np.stack([blob * (index + 1) for index in range(k)]),
        [f"true: speed limit {index}0, said: no overtaking ({index / 10:.2f})" for index in range(k)],
    )


def texts():
    request = list("GET /index.php?id=1%27%20OR%201=1--\nHost: a\t<script>ключ</script>")
    mails = [(MAIL * (index + 1), np.sin(np.arange(len(MAIL) * (index + 1)) + index) ** 5) for index in range(3)]
    titles = [f"mail {index}: true ham, said spam (0.9{index})" for index in range(3)]
    return [*mails, (request, np.sin(np.arange(len(request)) / 3))], [*titles, "request: true attack, said attack"]


def table(k):
    values = np.sin(np.arange(20 * k, dtype=float) * 1.7).reshape(k, 20)
    names = [f"mean packet length, number {index}" for index in range(20)]
    return names, values, [f"row {index}: true benign, said attack" for index in range(k)]


def traces(k):
    steps = np.arange(400)
    maps = np.where((steps > 100) & (steps < 150), 1.0, np.where((steps > 200) & (steps < 230), -0.6, 0.0))
    lines = np.stack([np.stack([np.sin(steps / (9 + index)), np.cos(steps / 30)]) for index in range(k)])
    return lines, np.tile(maps, (k, 1)), [f"trace {index}: true 4, said 2" for index in range(k)]


def seeds(count):
    steps = list(range(10, 210, 10))
    runs = [(steps, [(1 + 0.2 * index) / step for step in steps]) for index in range(count)]
    return {"ours, five seeds": {"val/loss": figures.averaged(runs), "train/loss": figures.averaged(runs[:1])}}


def layer(kind, about="", given=(8,), gives=(8,), parameters=0, source=0, layers=()):
    found = {"name": kind, "type": kind, "about": about, "input": given, "output": gives, "source": source}
    return {**found, "parameters": parameters, **({"layers": list(layers)} if layers else {})}


def network(blocks):
    """Embedding, convolutions side by side, residual blocks, a linear layer."""
    wide = [layer("Conv1d", f"64 → 128, kernel {k}", (64, 60), (128, 60), 8192 * k, source=1) for k in (2, 3, 4)]
    inner = [
        layer("Conv2d", "16 → 16, 3 × 3", (16, 32, 32), (16, 32, 32), 2304, source=100),
        layer("BatchNorm2d", "", (16, 32, 32), (16, 32, 32), 32, source=101),
        layer("ReLU", "", (16, 32, 32), (16, 32, 32), 0, source=102),
        layer("Conv2d", "16 → 16, 3 × 3", (16, 32, 32), (16, 32, 32), 2304, source=103),
        layer("shortcut", "", (16, 32, 32), (16, 32, 32), 0, source=104),
    ]
    residual = [
        layer("_Block", "", (16, 32, 32), (16 * (1 + index // 4), 32, 32), 4640, 200 + index, inner)
        for index in range(blocks)
    ]
    head = layer("Linear", "512 → 43", (512,), (43,), 22_059, source=999)
    layers = [layer("Embedding", "120 × 64", (60,), (60, 64), 7680), *wide, layer("ReLU", source=8), *residual, head]
    return {
        "type": "AVeryDescriptivelyNamedNetwork",
        "parameters": 11_234_567,
        "input": (60,),
        "output": (43,),
        "layers": layers,
    }


# name -> (size_mm) -> figure
GALLERY = {
    "learning curves": lambda size: figures.learning_curves(runs(3), size_mm=size),
    "curves of seeds": lambda size: figures.learning_curves(seeds(5), size_mm=size),
    "diagram": lambda size: figures.diagram(network(1), size_mm=size),
    "large diagram": lambda size: figures.diagram(network(23), size_mm=size),
    "learning rates": lambda size: figures.lr_range(*range_test(), suggested=1e-3, fastest=3e-3, size_mm=size),
    "confusion of 2": lambda size: figures.confusion_matrix(matrix(2), LONG[:2], size_mm=size),
    "confusion of 8": lambda size: figures.confusion_matrix(matrix(8), SCRIPTS, size_mm=size),
    "confusion of 43": lambda size: figures.confusion_matrix(matrix(43), LONG, size_mm=size),
    "roc of 2": lambda size: figures.roc(rates(2), size_mm=size),
    "roc of 4": lambda size: figures.roc(rates(4), size_mm=size),
    "roc of 43": lambda size: figures.roc(rates(43), size_mm=size),
    "precision-recall": lambda size: figures.precision_recall(recalls(3), dict.fromkeys(LONG, 0.33), size_mm=size),
    "det of 4": lambda size: figures.det(errors(4), size_mm=size),
    "det of 43": lambda size: figures.det(errors(43), size_mm=size),
    "reliability": lambda size: figures.reliability(bins(0.15), bins(0.01), size_mm=size),
    "classes": lambda size: figures.per_class(**rows(SCRIPTS), support=[10**index for index in range(8)], size_mm=size),
    "many classes": lambda size: figures.per_class(**rows(LONG), support=[1234] * 43, size_mm=size),
    "slices": lambda size: figures.slices(**rows(LONG[:6]), counts=[600_000] * 6, overall=0.98, size_mm=size),
    "differences": lambda size: figures.differences(
        LONG[:3], [0.1, -0.02, 0], [0.02, -0.04, -1], [0.2, 0, 1], size_mm=size
    ),
    "scores": lambda size: figures.score_histogram(histogram(1, 5000), histogram(3, 300), 2.1, size_mm=size),
    "timeline": lambda size: figures.timeline(*watched(), size_mm=size),
    "images": lambda size: figures.attributed_images(*pictures(8), size_mm=size),
    "one image": lambda size: figures.attributed_images(*pictures(1, channels=1), size_mm=size),
    "text": lambda size: figures.attributed_text(*texts(), size_mm=size),
    "table": lambda size: figures.attributed_table(*table(4), size_mm=size),
    "mean table": lambda size: figures.attributed_table(table(1)[0], np.abs(table(1)[1][0]), size_mm=size),
    "series": lambda size: figures.attributed_series(*traces(3), size_mm=size),
}
