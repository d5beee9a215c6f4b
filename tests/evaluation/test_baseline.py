"""Baselines of a config: fitted on its own split, kept as runs, measured as any run is, and never taken for a training."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from baselinesets import CONFIG, publish, samples, table
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from projectkit.config import load_config
from projectkit.data import DataModule
from projectkit.datasets.card import Withheld
from projectkit.errors import UserError, WorkError
from projectkit.evaluation import evaluate
from projectkit.evaluation.baseline import Baselines, baselines, fitting, models, rows
from projectkit.evaluation.baseline.fitting import Bench
from projectkit.metrics import classification_metrics, paired_difference
from projectkit.project import Project
from projectkit.runs import Run, RunWriter, find_run, keep_run, list_runs
from projectkit.runs.ledger import looks
from projectkit.training import train
from projectkit.training.resume import find_resumable


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which every baseline of a small table has been fitted."""
    root = tmp_path_factory.mktemp("small")
    (root / "configs").mkdir()
    (root / "pyproject.toml").write_text("[tool.projectkit]\n", encoding="utf-8")
    (root / "configs" / "train.yaml").write_text(CONFIG.format("synthetic_tabular"), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def fitted(small: Path) -> Baselines:
    return baselines(small / "configs" / "train.yaml")


def config_of(project: Path, name: str) -> Path:
    path = project / "configs" / "baseline.yaml"
    path.write_text(CONFIG.format(name), encoding="utf-8")
    return path


def bench_of(config: Path, project: Path) -> Bench:
    return Bench(load_config(config), Project(project, package="team"))


def runs_of(found: Baselines) -> dict[str, Run]:
    return {each.run.name: each.run for each in found.kept}


def test_each_baseline_is_a_finished_run_with_predictions_and_numbers(fitted: Baselines) -> None:
    runs = runs_of(fitted)
    assert list(runs) == ["majority", "nearest", "linear", "forest", "boosting"]
    for name, run in runs.items():
        assert (run.kind, run.status, run.part("baseline")["name"]) == ("baseline", "finished", name)
        document = run.evaluation("val") or {}
        assert document["n"] == len(run.predictions("val").id) == 200
        assert run.best["val/f1_macro"] == document["metrics"]["f1_macro"]["value"]
        assert "low" in document["metrics"]["f1_macro"]
        assert run.figure("confusion-val").is_file()
        assert run.part("data")["split_digest"]
        assert run.config()["data"]["name"] == "synthetic_tabular"


def test_they_are_measured_on_the_rows_of_the_configs_own_split(fitted: Baselines) -> None:
    data = DataModule("synthetic_tabular")
    for run in runs_of(fitted).values():
        assert run.predictions("val").id.tolist() == data.ids("val").tolist()
        assert run.predictions("val").target.tolist() == data.labels("val").tolist()


def test_the_majority_gives_every_sample_the_shares_of_the_training_classes(fitted: Baselines) -> None:
    counts = np.array(DataModule("synthetic_tabular").class_counts)
    score = runs_of(fitted)["majority"].predictions("val").score
    np.testing.assert_allclose(score, np.tile(counts / counts.sum(), (200, 1)), atol=1e-6)


def test_the_linear_one_is_a_logistic_regression_on_the_encoders_numbers(fitted: Baselines) -> None:
    data = DataModule("synthetic_tabular", batch_size=10_000)
    parts = {subset: next(iter(data.subset_dataloader(subset))) for subset in ("train", "val")}
    model = make_pipeline(StandardScaler(), LogisticRegression(C=10.0, max_iter=200))
    model.fit(parts["train"][0].numpy(), parts["train"][1].numpy())
    expected = model.predict_proba(parts["val"][0].numpy())
    np.testing.assert_allclose(runs_of(fitted)["linear"].predictions("val").score, expected, atol=1e-4)


def test_what_was_chosen_for_the_neighbours_is_in_the_record(fitted: Baselines) -> None:
    part = runs_of(fitted)["nearest"].part("baseline")
    assert part["k"] in (1, 3, 5, 9, 15, 25)
    assert part["distance"] in ("L1", "L2")
    assert part["chosen_on"] == part["train_rows"] == part["of"] == 1400


def test_baselines_that_are_there_are_not_fitted_again(fitted: Baselines, small: Path) -> None:
    config = small / "configs" / "train.yaml"
    again = baselines(config, only=["linear", "majority"])
    known = runs_of(fitted)
    assert {name: run.id for name, run in runs_of(again).items()} == {
        name: known[name].id for name in ("majority", "linear")
    }
    (other,) = baselines(config, ["seed=6"], only=["majority"]).kept
    assert other.run.id != known["majority"].id


def test_another_subset_is_measured_with_the_same_model_and_the_look_is_recorded(
    fitted: Baselines, small: Path
) -> None:
    run = runs_of(fitted)["forest"]
    document = evaluate(run, "test").document
    assert document["n"] == 400
    assert [(look.run, look.subset) for look in looks(Project(small).ledger)] == [(run.id, "test")]
    assert document["checkpoint"] == (run.evaluation("val") or {})["checkpoint"]


def test_a_baseline_that_comes_out_otherwise_is_not_measured(fitted: Baselines) -> None:
    run = runs_of(fitted)["linear"]
    kept = run.predictions("val")
    writer = RunWriter.open(run.path)
    try:
        writer.write_predictions("val", kept.id, kept.target, kept.score[::-1])
        with pytest.raises(WorkError, match=r"says something else about val than it did.*baseline --only linear"):
            evaluate(run, "test")
    finally:
        writer.write_predictions("val", kept.id, kept.target, kept.score)


def test_no_baseline_is_latest_or_best_or_gone_on_with(fitted: Baselines, small: Path) -> None:
    project = Project(small)
    assert {run.kind for run in list_runs(project)} == {"baseline"}
    for word in ("latest", "best"):
        with pytest.raises(UserError, match="no finished training run"):
            find_run(word, project)
    run = runs_of(fitted)["majority"]
    for option in ({"resume": run.id}, {"resume": run.id, "force": True}):
        with pytest.raises(UserError, match="a baseline is fitted and not trained"):
            train(small / "configs" / "train.yaml", ["model.class_path=projectkit.models.MLP"], **option)


def test_a_kept_baseline_has_its_numbers_and_not_its_predictions(fitted: Baselines, small: Path) -> None:
    folder = keep_run(runs_of(fitted)["nearest"], Project(small))
    assert (folder / "evaluation" / "val.json").is_file()
    assert not (folder / "predictions").exists()


def test_the_difference_to_the_best_training_is_that_of_the_paired_test(config: Path, project: Path) -> None:
    trained = train(config, ["trainer.max_epochs=1"])
    nothing = baselines(config, only=["majority"])
    assert nothing.trained is None
    assert f"projectkit evaluate {trained.id}" in nothing.notes[-1]
    evaluate(trained)
    found = baselines(config, only=["majority"])
    (kept,) = found.kept
    assert found.trained is not None
    assert found.trained.id == trained.id
    mine, theirs = kept.run.predictions("val"), trained.predictions("val")
    expected = paired_difference(mine.target, mine.score, theirs.score, "f1_macro")
    assert kept.beside is not None
    assert (kept.beside.value, kept.beside.low, kept.beside.p) == (expected.value, expected.low, expected.p)


def test_a_baseline_that_fails_is_recorded_and_not_taken_up_by_a_training(
    config: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setitem(models.BASELINES, "linear", ("classification", "weighted", fail))  # type: ignore[arg-type]
    with pytest.raises(MemoryError):
        baselines(config, only=["linear"])
    (run,) = list_runs(Project(project))
    assert (run.kind, run.status, run.reason) == ("baseline", "failed", "oom")
    assert find_resumable(load_config(config).config, Project(project)) is None


def test_a_large_set_is_drawn_from_and_the_record_says_so(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "MOST_TRAIN", 300)
    found = baselines(config, only=["linear"])
    part = found.kept[0].run.part("baseline")
    assert (part["train_rows"], part["of"]) == (300, 1400)
    assert "fitted on 300 of 1,400 training rows, drawn at random with seed 3" in found.notes


@pytest.mark.slow
@pytest.mark.parametrize("name", ["synthetic_text", "synthetic_images"])
def test_every_baseline_learns_from_text_and_images(project: Path, name: str) -> None:
    bench = bench_of(config_of(project, name), project)
    value = {}
    for each in bench.names([]):
        found = bench.ask(bench.fitted(each), "val")
        value[each] = classification_metrics(found.target, found.score)["f1_macro"]
    assert min(value[each] for each in value if each != "majority") > value["majority"] + 0.2


def test_a_fold_of_cross_validation_has_its_own_rows(project: Path) -> None:
    config = config_of(project, "digits")
    folds = [baselines(config, ["data.folds=3", f"data.fold={fold}"], only=["linear"]).kept[0].run for fold in (0, 1)]
    assert [run.part("data")["fold"] for run in folds] == [0, 1]
    assert folds[0].part("data")["split_digest"] != folds[1].part("data")["split_digest"]
    expected = DataModule("digits", folds=3, fold=1).ids("val")
    assert folds[1].predictions("val").id.tolist() == expected.tolist()


def anomalies(monkeypatch: pytest.MonkeyPatch, *, normal_training: bool) -> str:
    """Normal rows on a line, anomalous ones off it; anomalous ones are early where a model may learn from them."""
    rng = np.random.default_rng(0)
    y = (rng.random(600) < 0.2).astype(np.int64)
    if normal_training:
        y[:400] = 0
    along = rng.normal(size=600)
    x = np.stack([along, along + 0.1 * rng.normal(size=600) + 2 * y], axis=1)
    return publish(monkeypatch, samples(table(x), y), kind="anomaly", split="official")


def test_anomalies_are_found_by_what_is_learnt_from_normal_rows_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = anomalies(monkeypatch, normal_training=True)
    found = baselines(config_of(project, name), subset="test")
    assert list(runs_of(found)) == ["pca", "isolation"]
    run = runs_of(found)["pca"]
    assert run.predictions("test").score.ndim == 1
    assert (run.evaluation("test") or {})["metrics"]["auroc"]["value"] > 0.95
    assert looks(Project(project).ledger)


def test_where_anomalies_may_be_learnt_from_both_kinds_of_baseline_are_fitted(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = anomalies(monkeypatch, normal_training=False)
    found = runs_of(baselines(config_of(project, name), only=["linear", "pca"]))
    assert found["linear"].predictions("val").score.shape[1:] == (2,)
    assert found["pca"].predictions("val").score.ndim == 1


def test_the_distance_from_the_normal_hours_finds_the_attacks_of_batadal(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not os.environ.get("PROJECTKIT_MIRROR"):
        pytest.skip("real data: set PROJECTKIT_MIRROR to a folder that holds it")
    monkeypatch.setenv("PROJECTKIT_STORE", str(tmp_path / "store"))
    found = runs_of(baselines(config_of(project, "batadal")))
    assert list(found) == ["pca", "isolation"]
    kept = found["pca"].predictions("val")
    assert len(kept.id) == 4177
    data = DataModule("batadal", batch_size=10_000)
    normal, hours = (next(iter(data.subset_dataloader(subset)))[0].numpy() for subset in ("train", "val"))
    centred = normal - normal.mean(axis=0)
    _, strength, directions = np.linalg.svd(centred, full_matrices=False)
    count = int(np.searchsorted(np.cumsum(strength**2) / (strength**2).sum(), 0.95)) + 1
    rest = (hours - normal.mean(axis=0)) @ (np.eye(normal.shape[1]) - directions[:count].T @ directions[:count])
    np.testing.assert_allclose(kept.score, (rest**2).sum(axis=1), rtol=0.01, atol=1e-2)


def test_withheld_labels_are_refused_before_anything_is_written(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    y = np.arange(300, dtype=np.int64) % 2
    y[200:] = -1
    x = table(np.random.default_rng(0).normal(size=(300, 3)))
    withheld = Withheld(subset="test", file="labels.csv", sha256="0" * 64)
    name = publish(monkeypatch, samples(x, y), split="official", withheld=withheld)
    with pytest.raises(UserError, match=r"labels of 'test' are withheld by the course.*PROJECTKIT_LABELS"):
        baselines(config_of(project, name), subset="test")
    assert not list_runs(Project(project))
    assert not looks(Project(project).ledger)


@pytest.mark.parametrize(
    ("only", "says"),
    [
        ("linaer", "did you mean 'linear'"),
        ("pca", "needs a target of kind anomaly; these fit: majority, nearest"),
    ],
)
def test_a_baseline_that_does_not_fit_is_one_line(config: Path, only: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        baselines(config, only=[only])


def test_a_subset_that_is_not_there_is_one_line(config: Path) -> None:
    with pytest.raises(UserError, match="no subset 'tset'; did you mean 'test'"):
        baselines(config, subset="tset")


OWN = """
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Own(pl.LightningDataModule):
    def __init__(self, form="table", flipped=False):
        super().__init__()
        self.form, self.flipped = form, flipped

    def loader(self, seed, shuffle):
        generator = torch.Generator().manual_seed(seed)
        y = torch.randint(0, 2, (200,), generator=generator)
        x = torch.randn(200, 4, generator=generator) + 2 * y[:, None]
        if self.form == "tokens":
            x = torch.randint(1, 9, (200, 12), generator=generator) + 9 * y[:, None]
            x[:, 8:] = 0
        if self.form == "image":
            x = (40 * torch.rand(200, 1, 8, 8, generator=generator) + 100 * y[:, None, None, None]).to(torch.uint8)
        if self.form == "numbers":
            y = y.float()
        if seed and self.flipped:
            y = 1 - y
        return DataLoader(TensorDataset(x, y), batch_size=32, shuffle=shuffle)

    def train_dataloader(self):
        return self.loader(0, True)

    def val_dataloader(self):
        if self.form == "mapping":
            return [{"x": torch.zeros(4, 4), "y": torch.zeros(4)}]
        return self.loader(1, False)
"""


def own(project: Path, write: Callable[[str, str], None], form: str, **arguments: object) -> Path:
    write("own", OWN)
    path = project / "configs" / "own.yaml"
    given = ", ".join(f"{key}: {value}" for key, value in {"form": form, **arguments}.items())
    path.write_text(f"name: own\ndata: {{class_path: team.own.Own, init_args: {{{given}}}}}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("form", ["tokens", "image"])
def test_batches_of_a_teams_own_data_are_learnt_from(
    project: Path, team_file: Callable[[str, str], None], form: str
) -> None:
    (kept,) = baselines(own(project, team_file, form), only=["linear"]).kept
    assert kept.metrics["accuracy"]["value"] > 0.9
    assert kept.run.part("data")["class_path"] == "team.own.Own"
    assert evaluate(kept.run).document["n"] == 200


def test_labels_of_val_change_no_prediction(project: Path, team_file: Callable[[str, str], None]) -> None:
    benches = [bench_of(own(project, team_file, "table", flipped=flag), project) for flag in ("false", "true")]
    for name in ("nearest", "linear", "forest", "boosting"):
        one, other = (bench.ask(bench.fitted(name), "val") for bench in benches)
        assert (one.target == 1 - other.target).all()
        np.testing.assert_array_equal(one.score, other.score)


@pytest.mark.parametrize(
    ("form", "says"), [("numbers", "a row of numbers and a class index a sample"), ("mapping", r"batches \(x, y\)")]
)
def test_batches_that_no_baseline_reads_are_one_line(
    project: Path, team_file: Callable[[str, str], None], form: str, says: str
) -> None:
    with pytest.raises(UserError, match=says):
        baselines(own(project, team_file, form))


def test_the_rows_of_a_teams_own_data_are_drawn_from_all_of_its_batches(
    project: Path, team_file: Callable[[str, str], None]
) -> None:
    bench = bench_of(own(project, team_file, "table"), project)
    whole, part = bench.rows.training(1000), bench.rows.training(20)
    assert (len(whole.y), len(part.y), part.of) == (200, 20, 200)
    assert isinstance(whole.x, np.ndarray)
    assert isinstance(part.x, np.ndarray)
    assert {tuple(row) for row in part.x.tolist()} <= {tuple(row) for row in whole.x.tolist()}
    assert rows.MOST_TRAIN > 1000
