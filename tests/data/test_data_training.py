"""From samples to a trained and measured network, for every modality, and what a training is told that cannot be."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from projectkit import datasets, models
from projectkit.data import DataModule
from projectkit.data.encoders import WordPieceEncoder
from projectkit.errors import UserError
from projectkit.evaluation import evaluate
from projectkit.training import load_checkpoint, train
from projectkit.training.assemble import READS

MODELS = {"text": "CharCNN", "tokens": "CharCNN", "tabular": "MLP", "image": "CNN", "series": "SeriesCNN"}


def settings(name: str, modality: str, *more: str) -> list[str]:
    model = f"model={{class_path: projectkit.models.{MODELS[modality]}}}"
    return [f"data.name={name}", "data.batch_size=24", model, "trainer.max_epochs=1", *more]


@pytest.mark.parametrize("modality", MODELS)
def test_a_set_of_every_modality_trains_and_is_measured(
    config: Path, small_set: Callable[..., str], modality: str
) -> None:
    run = train(config, settings(small_set(modality), modality))
    assert run.status == "finished"
    assert evaluate(run).document["metrics"]["accuracy"]["value"] > 0.6  # half of the samples are of each class


@pytest.mark.parametrize("unit", ["bytes", "words", "word_pieces"])
def test_every_unit_trains_and_stands_in_the_record(config: Path, small_set: Callable[..., str], unit: str) -> None:
    run = train(config, settings(small_set("text"), "text", f"data.unit={unit}", "data.max_length=20"))
    assert run.part("data")["unit"] == unit
    assert run.part("data")["max_length"] == 20
    assert run.status == "finished"


def test_an_evaluation_takes_the_runs_encoder_and_learns_none(
    config: Path, small_set: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(config, settings(small_set("text"), "text", "data.unit=word_pieces"))
    monkeypatch.setattr(WordPieceEncoder, "fit", None)
    assert evaluate(run).document["n"] == run.part("data")["samples"]["val"]


def test_an_evaluation_uses_the_fold_of_its_run(config: Path, small_set: Callable[..., str]) -> None:
    name = small_set("tabular")
    run = train(config, settings(name, "tabular", "data.folds=3", "data.fold=2"))
    data = run.part("data")
    assert (data["folds"], data["fold"]) == (3, 2)
    assert data["split_digest"] == datasets.split(name, folds=3, fold=2).digest
    evaluated = evaluate(run, "test").run
    assert sorted(evaluated.predictions("test").id) == sorted(DataModule(name, folds=3, fold=2).ids("test"))


BALANCED = "task={class_path: projectkit.tasks.Classification, init_args: {class_weights: balanced}}"


def test_balanced_weights_are_counted_on_the_training_subset_and_stand_in_the_record(
    config: Path, small_set: Callable[..., str]
) -> None:
    name = small_set("tabular")
    run = train(config, settings(name, "tabular", BALANCED))
    counts = list(DataModule(name).class_counts)
    assert run.part("resolved")["filled"]["task"] == {"class_counts": counts}
    assert not [key for key in load_checkpoint(run.checkpoint("last"))["state_dict"] if "weights" in key]
    assert evaluate(run).document["n"] > 0


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("[1, 2, 3]", r"task\.init_args\.class_weights: 3 weights for 2 classes; write 2 numbers"),
        ("[1, -2]", r"a weight is not above 0"),
        ("balancd", r"class_weights.*'balancd'"),
    ],
)
def test_weights_that_do_not_fit_are_refused_before_a_run_folder_is_made(
    config: Path, small_set: Callable[..., str], weights: str, message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        train(config, settings(small_set("tabular"), "tabular", BALANCED.replace("balanced", weights)))
    assert "\n" not in str(caught.value)
    assert not (config.parents[1] / "runs").exists()


def test_classes_are_evened_out_once(config: Path, small_set: Callable[..., str]) -> None:
    with pytest.raises(UserError, match=r"class_weights: data\.balanced evens the classes out already; remove one"):
        train(config, settings(small_set("tabular"), "tabular", BALANCED, "data.balanced=true"))
    assert not (config.parents[1] / "runs").exists()


OWN_DATA = """
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Points(pl.LightningDataModule):
    def train_dataloader(self):
        return DataLoader(TensorDataset(torch.zeros(8, 2), torch.zeros(8).long()), batch_size=4)

    val_dataloader = train_dataloader
"""


def test_a_teams_own_data_has_no_counts_for_balanced_weights_and_takes_numbers(
    config: Path, team_file: Callable[[str, str], None]
) -> None:
    team_file("points", OWN_DATA)
    model = "model={class_path: projectkit.models.MLP, init_args: {num_features: 2, num_classes: 2}}"
    own = ["data={class_path: team.points.Points}", model, "trainer.max_epochs=1"]
    with pytest.raises(UserError, match=r"counts are not known for data of your own; write a list of numbers"):
        train(config, [*own, BALANCED])
    assert train(config, [*own, BALANCED.replace("balanced", "[1, 2]")]).status == "finished"
    with pytest.raises(UserError, match="3 weights for 2 classes"):
        train(config, [*own, BALANCED.replace("balanced", "[1, 2, 3]")])


@pytest.mark.parametrize(
    ("given", "off"),
    [("folds: 3", "data.folds=null"), ("unit: bytes", "data.unit=null"), ("balanced: true", "data.balanced=false")],
)
def test_keys_of_the_catalogues_data_are_refused_for_a_teams_own(
    config: Path, team_file: Callable[[str, str], None], given: str, off: str
) -> None:
    team_file("points", OWN_DATA)
    model = "model={class_path: projectkit.models.MLP, init_args: {num_features: 2, num_classes: 2}}"
    with pytest.raises(UserError, match=rf"brings its own .*{off}"):
        train(config, [f"data={{class_path: team.points.Points, {given}}}", model])


def test_one_class_alone_is_refused_with_the_split_that_has_both(config: Path, one_class_set: str) -> None:
    with pytest.raises(
        UserError, match=r"data\.split: .*'official' is 'normal' alone.*write data\.split=stratified"
    ) as caught:
        train(config, settings(one_class_set, "tabular"))
    assert "\n" not in str(caught.value)
    assert train(config, settings(one_class_set, "tabular", "data.split=stratified")).status == "finished"


def test_one_class_alone_without_such_a_split_needs_a_module_of_ones_own(config: Path, one_class_set: str) -> None:
    card = datasets.card(one_class_set)
    del card.splits["stratified"]
    with pytest.raises(UserError, match=r"'normal' alone.*LightningModule of your own.*task\.class_path"):
        train(config, settings(one_class_set, "tabular"))


def test_one_class_alone_is_what_anomaly_detection_learns_from(config: Path, one_class_set: str) -> None:
    with pytest.raises(UserError) as caught:
        train(config, settings(one_class_set, "tabular"))
    typed = str(caught.value).partition("find what is not 'normal' with ")[2].split()
    # its validation subset is normal as well, so there is no order to watch
    watched = ["monitor.metric=val/loss", "monitor.mode=min"]
    run = train(config, [*settings(one_class_set, "tabular"), *typed[:-1], *watched])
    assert run.status == "finished"
    assert typed[-1] == "monitor.metric=val/average_precision"
    assert "val/loss" in run.best


def test_withheld_labels_stop_an_evaluation_on_test_before_it_is_a_look(config: Path, withheld_set: str) -> None:
    run = train(config, settings(withheld_set, "tabular"))
    with pytest.raises(UserError, match=r"labels of 'test' are withheld by the course.*PROJECTKIT_LABELS"):
        evaluate(run, "test")
    assert not list((config.parents[1] / "ledger").glob("*.json"))
    assert evaluate(run, "val").document["n"] > 0


@pytest.mark.parametrize(
    ("modality", "model", "message"),
    [
        ("series", "CNN", r"CNN reads image data, and 'small_series' is series data.*projectkit\.models\.SeriesCNN"),
        ("image", "SeriesCNN", r"SeriesCNN reads series data.*projectkit\.models\.CNN"),
        (
            "series",
            "ResNet",
            r"ResNet reads image data, and 'small_series' is series data.*projectkit\.models\.SeriesCNN",
        ),
        ("text", "ResNet", r"ResNet reads image data, and 'small_text' is text data.*projectkit\.models\.CharCNN"),
        ("tokens", "MLP", r"needs num_features, which tokens data does not have.*projectkit\.models\.CharCNN"),
    ],
)
def test_a_model_of_another_modality_is_refused_with_the_one_that_fits(
    config: Path, small_set: Callable[..., str], modality: str, model: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        train(config, [f"data.name={small_set(modality)}", f"model={{class_path: projectkit.models.{model}}}"])


def test_every_model_over_channels_says_what_it_reads() -> None:
    ours = {name: inspect.signature(getattr(models, name)).parameters for name in models.__all__}
    assert {name for name, parameters in ours.items() if "in_channels" in parameters} == set(READS)


@pytest.mark.parametrize("modality", MODELS)
def test_a_config_without_a_model_is_told_the_one_of_its_modality(
    config: Path, small_set: Callable[..., str], modality: str
) -> None:
    with pytest.raises(UserError, match=rf"projectkit\.models\.{MODELS[modality]}\}}"):
        train(config, [f"data.name={small_set(modality)}", "model=null"])


def test_a_key_that_the_data_has_no_use_for_is_named_with_its_place(config: Path) -> None:
    with pytest.raises(UserError, match=r"command line, data\.unit: unit is for text"):
        train(config, ["data.unit=bytes"])
