"""Augmentations in a config: accepted by what they are, given what they lack, and the same in a run that goes on in mid-epoch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from projectkit.config import load_config
from projectkit.data import DataModule
from projectkit.data.augmentation import CharacterNoise, MixUp, RandomCrop, RandomHorizontalFlip
from projectkit.errors import UserError
from projectkit.project import require_project
from projectkit.tasks import Classification
from projectkit.training.assemble import assemble

CONFIG = """
data: {name: %s, augment: [%s]}
model: {class_path: projectkit.models.%s}
"""
PACKAGE = "projectkit.data.augmentation"


def assembled(project: Path, augment: str, name: str = "digits", model: str = "CNN") -> DataModule:
    path = project / "configs" / "train.yaml"
    path.write_text(CONFIG % (name, augment, model), encoding="utf-8")
    data = assemble(load_config(path), require_project(project)).data
    assert isinstance(data, DataModule)
    return data


def test_a_config_names_augmentations_and_training_batches_alone_go_through_them(project: Path) -> None:
    data = assembled(project, f"{{class_path: {PACKAGE}.RandomCrop, init_args: {{padding: [1, 2]}}}}")
    plain = DataModule("digits")
    changed, same = (next(iter(each.train_dataloader())) for each in (data, plain))
    assert torch.equal(changed[1], same[1])
    assert not torch.equal(changed[0], same[0])
    assert torch.equal(next(iter(data.val_dataloader()))[0], next(iter(plain.val_dataloader()))[0])


def test_a_training_that_goes_on_in_mid_epoch_sees_the_same_pictures() -> None:
    whole, resumed = (
        DataModule("digits", batch_size=100, augment=[RandomHorizontalFlip(), RandomCrop(padding=1)]) for _ in range(2)
    )
    resumed.start = (0, 4)
    expected = list(whole.train_dataloader())[4:]
    found = list(resumed.train_dataloader())
    assert len(found) == len(expected) > 2
    assert all(torch.equal(one[0], two[0]) for one, two in zip(found, expected, strict=True))


def test_another_epoch_has_other_pictures_of_the_same_samples() -> None:
    data = DataModule("digits", batch_size=2_000, augment=[RandomCrop(padding=2)])
    loader = data.train_dataloader()
    epochs = []
    for epoch in range(2):
        loader.sampler.set_epoch(epoch)
        epochs.append(next(iter(loader))[0].flatten(1).sum(dim=1).sort().values)
    assert not torch.equal(*epochs)


def test_what_is_no_augmentation_or_has_other_arguments_is_refused_with_its_place(project: Path) -> None:
    with pytest.raises(UserError, match="is not an Augmentation"):
        assembled(project, "{class_path: torchvision.transforms.v2.RandomCrop, init_args: {size: 8}}")
    with pytest.raises(UserError, match="RandomCrop has no argument 'pading'; did you mean 'padding'"):
        assembled(project, f"{{class_path: {PACKAGE}.RandomCrop, init_args: {{pading: 1}}}}")
    with pytest.raises(
        UserError, match=r"train\.yaml:2.*CharacterNoise is for text and tokens data, and this is image"
    ):
        assembled(project, f"{{class_path: {PACKAGE}.CharacterNoise}}")
    with pytest.raises(
        UserError, match=r"train\.yaml:2.*augment\.0\.init_args: padding is -1; give padding as a whole"
    ):
        assembled(project, f"{{class_path: {PACKAGE}.RandomCrop, init_args: {{padding: -1}}}}")


def test_a_teams_own_augmentation_is_taken(project: Path, team_file: Callable[[str, str], None]) -> None:
    team_file("darker", OWN)
    data = assembled(project, "{class_path: team.darker.Darker, init_args: {most: 0.5}}")
    changed, same = (next(iter(each.train_dataloader()))[0] for each in (data, DataModule("digits")))
    assert (changed < same).any()
    assert (changed <= same).all()


OWN = """
import torch
from projectkit.data.augmentation import Augmentation


class Darker(Augmentation):
    for_modality = ("image",)

    def __init__(self, most: float) -> None:
        super().__init__()
        self.most = most

    def draw(self, shape, generator):
        return 1 - self.most * torch.rand(shape[0], 1, 1, 1, generator=generator, device=generator.device)

    def augment(self, x, y, drawn):
        return x * drawn, y
"""


def test_noise_in_texts_knows_the_vocabulary_from_the_data(small_set: Callable[..., str]) -> None:
    data = DataModule(small_set("text"), augment=[CharacterNoise(0.5, ["replace"])])
    x, _ = next(iter(data.train_dataloader()))
    assert data.spec.vocab_size is not None
    assert x.max() < data.spec.vocab_size


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, [0.5, 1.0, 3.0]], ids=["all the same", "weighted"])
def test_a_classification_treats_certain_probabilities_as_the_labels_that_they_are(
    weights: list[float] | None, smoothing: float
) -> None:
    task = Classification(nn.Linear(4, 3), label_smoothing=smoothing, class_weights=weights)
    x, y = torch.randn(30, 4, generator=torch.Generator().manual_seed(1)), torch.arange(30) % 3
    (loss, noted), (same, also) = (task.loss_of((x, each)) for each in (y, functional.one_hot(y, 3).float()))
    torch.testing.assert_close(loss, same)
    assert noted["hits"] == also["hits"]


def test_a_classification_learns_from_mixed_labels() -> None:
    task = Classification(nn.Linear(4, 3))
    x: Tensor = torch.randn(30, 4)
    mixed, labels = MixUp(num_classes=3)(x, torch.arange(30) % 3)
    loss, noted = task.loss_of((mixed, labels))
    loss.backward()
    assert task.model.weight.grad is not None
    assert 0 <= noted["hits"] <= 30


def test_probabilities_of_another_number_of_classes_are_refused() -> None:
    with pytest.raises(UserError, match="probabilities of 5 classes, but the model gives 3"):
        Classification(nn.Linear(4, 3)).loss_of((torch.zeros(6, 4), torch.full((6, 5), 0.2)))
