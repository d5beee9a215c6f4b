"""Runs with evaluations and predictions on the same samples, as trainings of unequal skill would leave them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from projectkit import metrics
from projectkit.project import Project
from projectkit.runs import Run, RunWriter, read_run
from projectkit.runs.compare import Comparison
from projectkit.runs.versus import Versus

SAMPLES, CLASSES = 400, 3
DATA = {
    **{"name": "dga", "target": "family", "split": "stratified", "split_digest": "d" * 64, "card_digest": "c" * 64},
    "samples": {"train": 1600, "val": SAMPLES, "test": SAMPLES},
}
_CONFIG = "name: {name}\nseed: {seed}\ndata:\n  fold: {fold}\n"


@dataclass
class Lab:
    """Makes runs of one project; the samples and how hard each of them is are the same for all."""

    project: Project
    made: int = 0
    git: dict[str, Any] = field(default_factory=lambda: {"commit": "a" * 40, "diff_sha256": None})

    def run(
        self,
        name: str,
        skill: float,
        *,
        seed: int = 0,
        fold: int | None = None,
        subsets: tuple[str, ...] = ("val",),
        predictions: bool = True,
        jitter: float = 0.05,
        **fields: Any,
    ) -> Run:
        """A finished run; `skill` is what is added to the logit of the right class, `jitter` its spread over seeds."""
        data = (
            DATA
            if fold is None
            else DATA | {"folds": 5, "fold": fold, "split_digest": str(fold) * 64, "samples_digest": f"{fold}a" * 32}
        )
        settings = {"kind": "train", "data": data, "monitor": {"metric": "val/f1_macro", "mode": "max"}, **fields}
        config = _CONFIG.format(name=name, seed=seed, fold=fold or 0)
        config += "" if settings["kind"] == "baseline" else f"model:\n  class_path: team.{name}\n"
        writer = RunWriter.create(
            self.project.runs, name, config_yaml=config, command=["projectkit", "train"], seed=seed, **settings
        )
        self.made += 1
        rng = np.random.default_rng(self.made)
        drawn = skill + jitter * rng.normal()
        best: dict[str, float] = {"step": 20, "epoch": 0}
        for number, subset in enumerate(subsets):
            ids, target, score = samples(drawn, rng, number if fold is None else 100 + fold)
            values = metrics.classification_metrics(target, score)
            if subset == "val":
                best |= {f"val/{metric}": values[metric] for metric in ("f1_macro", "loss")}
            if predictions:
                order = rng.permutation(len(ids))
                writer.write_predictions(subset, ids[order], target[order], score[order])
            intervals = metrics.classification_intervals(target, score)
            names = [str(index) for index in range(CLASSES)]
            entries = {metric: interval.as_dict() for metric, interval in intervals.items()}
            writer.write_evaluation(subset, {"n": len(ids), "class_names": names, "metrics": entries})
        writer.update(best=best, last=best, git=self.git)
        writer.finish("finished")
        return read_run(writer.path)


def samples(skill: float, rng: np.random.Generator, draw: int = 0) -> tuple[Any, Any, Any]:
    """Ids (n,), targets (n,) and a model's probabilities (n, classes); the first two and the hardness depend on `draw` alone."""
    of_samples = np.random.default_rng(1000 + draw)
    target = of_samples.integers(0, CLASSES, SAMPLES)
    logits = of_samples.normal(size=(SAMPLES, CLASSES)) + 0.6 * rng.normal(size=(SAMPLES, CLASSES))
    logits[np.arange(SAMPLES), target] += skill
    score = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return np.array([f"sample-{index}" for index in range(SAMPLES)]), target, score.astype(np.float32)


def of(result: Comparison, key: str = "val/f1_macro") -> Versus:
    """The difference in one number."""
    return next(pair for pair in result.differences if pair.key == key)
