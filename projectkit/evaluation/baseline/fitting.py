"""A config's baselines, fitted and asked; the same config gives the same ones, so nothing of them needs to be kept but their record."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pytorch_lightning as pl

from projectkit.config import LoadedConfig, load_config
from projectkit.data import DataModule
from projectkit.errors import UserError, WorkError
from projectkit.evaluation.baseline.features import Features
from projectkit.evaluation.baseline.models import BASELINES, Fitted, Task, fit, names_for
from projectkit.evaluation.baseline.rows import MOST_TRAIN, Rows, Training, rows_of
from projectkit.evaluation.predict import Predicted
from projectkit.project import Project
from projectkit.runs import Run
from projectkit.training.assemble import Assembler
from projectkit.training.resume import refuse_other_data

# Of probabilities, and of anomaly scores in units of their spread: more than other processors' rounding makes.
_SAME = 1e-3


class Bench:
    """The data of a config, with the training rows and their features, on which its baselines are fitted.

    Args:
        loaded: the config; its model and task are not looked at.
        project: whose classes it may name.

    Raises:
        UserError: the data is not known, its labels are withheld, or it is not of a form that baselines read.
    """

    def __init__(self, loaded: LoadedConfig, project: Project) -> None:
        self.config = loaded.config
        self.data: pl.LightningDataModule = Assembler(loaded, project).data()
        self.rows: Rows = rows_of(self.data, self.config.seed)

    @property
    def catalogued(self) -> DataModule | None:
        """The data module where the data set comes from the catalogue, None where it is the team's own."""
        return self.data if isinstance(self.data, DataModule) else None

    @cached_property
    def training(self) -> Training:
        """The rows that are learnt from."""
        return self.rows.training(MOST_TRAIN)

    @cached_property
    def task(self) -> Task:
        """What each baseline is fitted with."""
        rows, training, seed = self.rows, self.training, self.config.seed
        classes = len(rows.class_names) or int(training.y.max()) + 1
        return Task(Features(rows.form, training.x, training.y, seed), training, classes, seed)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of the target; numbered where the team's own data does not name them."""
        return self.rows.class_names or tuple(map(str, range(self.task.num_classes)))

    def names(self, only: Sequence[str]) -> list[str]:
        """See `names_for`; names that nobody knows are found before the data is read."""
        names_for(self.rows.kind, np.array([0, 1]), [name for name in only if name not in BASELINES])
        return names_for(self.rows.kind, self.training.y, only)

    def check(self, subset: str) -> None:
        """Refuse a subset that is not there, or whose labels are withheld, before anything is fitted."""
        next(iter(self.rows.blocks(subset)), None)

    def fitted(self, name: str) -> Fitted:
        """One baseline."""
        return fit(name, self.task)

    def ask(self, baseline: Fitted, subset: str) -> Predicted:
        """What a baseline says about a subset.

        Raises:
            UserError: there is no such subset, or its labels are withheld.
        """
        scores, targets = [], []
        for x, y in self.rows.blocks(subset):
            scores.append(baseline.score(self.task.features.of(x, baseline.form)))
            targets.append(y)
        if not targets:
            raise UserError(f"the subset '{subset}' has no rows", where="--subset", remedy="choose another subset")
        target, score = np.concatenate(targets), np.concatenate(scores).astype(np.float32)
        if target.max() >= self.task.num_classes:
            what = f"class {target.max()} is in '{subset}' and not in the training subset, which has {self.task.num_classes}"
            raise UserError(what, where=type(self.data).__name__, remedy="give every class training rows")
        return Predicted(self.rows.ids(subset, len(target)), target, score)


def predict_baseline(run: Run, subset: str, project: Project) -> Predicted:
    """What the baseline of a run says about a subset: it is fitted once more, and must say about `val` what it said then.

    Args:
        run: of kind `baseline`.
        subset: of its split.
        project: whose run it is.

    Raises:
        UserError: there is no such subset, its labels are withheld, the data is not what it was, or the predictions on val are not there.
        WorkError: the baseline comes out otherwise than it did, as with another version of scikit-learn.
    """
    before = run.predictions("val")
    bench = Bench(load_config(run.path / "config.yaml"), project)
    refuse_other_data(run, bench.catalogued)
    bench.check(subset)
    (name,) = bench.names([str(run.part("baseline").get("name"))])
    baseline = bench.fitted(name)
    now = bench.ask(baseline, "val")
    scale = 1.0 if before.score.ndim == 2 else float(before.score.std()) or 1.0
    same = np.array_equal(before.id, now.id) and before.score.shape == now.score.shape
    if not same or float(np.abs(before.score - now.score).max()) > _SAME * scale:
        then = run.part("versions").get("scikit-learn")
        raise WorkError(
            f"fitted again, this baseline says something else about val than it did (then with scikit-learn {then})",
            where=run.id,
            remedy=f"`projectkit baseline --only {name}` makes a new run of it",
        )
    return now if subset == "val" else bench.ask(baseline, subset)
