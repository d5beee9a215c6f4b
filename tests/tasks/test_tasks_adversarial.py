"""Adversarial training: what is optimised, what is logged, what is refused, and that it helps."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import projectkit as pk
from projectkit.attacks import Attack, InputSpace, frozen, perturb
from projectkit.config import load_config
from projectkit.data import DataModule
from projectkit.errors import UserError
from projectkit.models import CNN
from projectkit.project import require_project
from projectkit.tasks import AdversarialClassification, Classification, OptimizerPlan
from projectkit.tasks.adversarial import Method
from projectkit.training import Trainer, assemble, load_checkpoint, session
from projectkit.training.loop.plain import is_pure
from projectkit.training.signals import StoppedError
from projectkit.training.speed import program_of
from projectkit.training.workbench import can_be_measured

OWN = {"low": 0.0, "high": 1.0}
PLAN = OptimizerPlan(lambda parameters: torch.optim.AdamW(parameters, lr=0.01))


def images(n: int = 60) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(n) % 3
    return (torch.rand(n, 1, 6, 6, generator=generator) / 2 + y.view(-1, 1, 1, 1) / 6).clamp(0, 1), y


def network() -> nn.Module:
    torch.manual_seed(0)
    return CNN(1, 3, width=4, dropout=0.0)


def task(model: nn.Module | None = None, **arguments: Any) -> AdversarialClassification:
    return AdversarialClassification(model or network(), **{"epsilon": 0.1, "inputs": OWN, **arguments})


def loader(x: Tensor, y: Tensor, batch_size: int = 16) -> DataLoader:
    return DataLoader(TensorDataset(x, y), batch_size=batch_size)


def trainer(tmp_path: Path, **arguments: Any) -> Trainer:
    return Trainer(
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        default_root_dir=tmp_path,
        **{"max_epochs": 1, **arguments},
    )


def weights(model: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@pytest.mark.parametrize("method", ["pgd", "fgsm", "fast"])
def test_the_loss_is_that_of_the_perturbed_batch(method: Method) -> None:
    model, (x, y) = network().train(), images()  # the task's own has statistics that the step has moved
    module = task(method=method, epsilon="16/255")
    loss = module.training_step((x, y), 4)
    generator = module._generator(x.device, torch.initial_seed(), 0, 4)
    with frozen(model):
        moved = perturb(model, x, y, module.attack, generator, InputSpace.of(**OWN))
    assert 0 < float((moved - x).abs().max()) <= 16 / 255 + 1e-6
    assert torch.equal(loss, functional.cross_entropy(model(moved), y))


@pytest.mark.parametrize(
    ("arguments", "attack"),
    [
        ({}, Attack(0.1, 7)),
        ({"steps": 3, "step_size": "5/255", "norm": "l2"}, Attack(0.1, 3, 5 / 255, "l2")),
        ({"method": "fgsm"}, Attack(0.1, 1, 0.1, random_start=False)),
        ({"method": "fast"}, Attack(0.1, 1, 0.125)),
        ({"method": "fast", "step_size": 0.05}, Attack(0.1, 1, 0.05)),
    ],
)
def test_the_methods_are_the_published_ones(arguments: dict[str, Any], attack: Attack) -> None:
    found = task(**arguments).attack
    assert (found.steps, found.norm, found.random_start) == (attack.steps, attack.norm, attack.random_start)
    assert found.stride == pytest.approx(attack.stride)


@pytest.mark.parametrize("method", ["pgd", "fgsm", "fast", "free"])
def test_each_method_trains_and_logs_robust_accuracy(method: Method, tmp_path: Path) -> None:
    module, fitting = task(method=method), trainer(tmp_path, max_epochs=2)
    before = weights(module)
    fitting.fit(module, loader(*images()), loader(*images()))
    assert fitting.global_step == 8
    assert not torch.equal(weights(module), before)
    assert all(parameter.requires_grad for parameter in module.parameters())
    logged = fitting.callback_metrics
    assert {"train/loss", "train/accuracy", "val/accuracy", "val/robust_accuracy"} <= set(logged)
    assert float(logged["val/robust_accuracy"]) <= float(logged["val/accuracy"])


def test_the_fast_loop_and_lightnings_give_the_same_weights(tmp_path: Path) -> None:
    for method in ("pgd", "free"):
        found = []
        for kind in (Trainer, pl.Trainer):
            torch.manual_seed(5)
            module = task(method=method)
            settings = {
                "accelerator": "cpu",
                "logger": False,
                "enable_progress_bar": False,
                "enable_checkpointing": False,
            }
            kind(**settings, enable_model_summary=False, default_root_dir=tmp_path, max_epochs=2).fit(
                module, loader(*images())
            )
            found.append(weights(module))
        assert torch.equal(*found)


class OwnLoss(AdversarialClassification):
    """A loss under the name that a program looks for does not make the steps of a program's kind."""

    def loss_of(self, batch: Any) -> Any:
        return self.cross_entropy(batch)


@pytest.mark.parametrize("step", ["compiled", "whole", "graph"])
@pytest.mark.parametrize("kind", [AdversarialClassification, OwnLoss])
def test_no_program_trains_on_the_clean_batch(step: str, kind: type[AdversarialClassification], tmp_path: Path) -> None:
    found = []
    for program in (None, program_of(step)):
        torch.manual_seed(5)
        module = kind(network(), epsilon=0.1, inputs=OWN)
        fitting = trainer(tmp_path, program=program)
        fitting.fit(module, loader(*images()))
        found.append(weights(module))
    assert torch.equal(*found)
    assert not is_pure(module)
    assert not can_be_measured(module)  # the tuner would time clean steps
    assert program is not None
    assert (
        program.start(fitting)
        == f"{kind.__name__} has no loss_of and note_step, which make a loss that can be compiled with its step"
    )


@pytest.mark.parametrize("method", ["pgd", "free"])
def test_probabilities_as_labels_can_be_learnt_and_not_validated(method: Method, tmp_path: Path) -> None:
    x, y = images()
    soft = functional.one_hot(y, 3) * 0.9 + 0.1 / 3
    fitting = trainer(tmp_path)
    fitting.fit(task(method=method), loader(x, soft), loader(x, y))
    assert 0 <= float(fitting.callback_metrics["val/robust_accuracy"]) <= 1
    with pytest.raises(UserError, match=r"labels of a validation batch are float32 of shape \(16, 3\)"):
        trainer(tmp_path).fit(task(method=method), loader(x, soft), loader(x, soft))


@pytest.mark.parametrize("inference_mode", [True, False])
def test_robust_accuracy_is_that_of_pgd_and_the_same_each_time(inference_mode: bool, tmp_path: Path) -> None:
    module, (x, y) = task(robust_steps=4, robust_samples=60, epsilon=0.2), images()
    measure = trainer(tmp_path, inference_mode=inference_mode)
    found = [measure.validate(module, loader(x, y), verbose=False)[0] for _ in range(2)]
    assert found[0] == found[1]
    generator = module._generator(x.device, 0, 0, 0)
    with frozen(module):
        moved = perturb(module, x, y, Attack(0.2, 4), generator, InputSpace.of(**OWN))
    hits = (module.eval()(moved).argmax(dim=1) == y).float().mean()
    assert found[0]["val/robust_accuracy"] == pytest.approx(float(hits))
    plain = measure.validate(Classification(module.model), loader(x, y), verbose=False)[0]
    assert {name: value for name, value in found[0].items() if name in plain} == plain
    assert set(found[0]) - set(plain) == {"val/robust_accuracy"}


def test_the_attacked_samples_are_spread_over_the_validation_set(tmp_path: Path) -> None:
    x, y = torch.linspace(0, 1, 90).view(90, 1, 1, 1).expand(90, 1, 6, 6), torch.zeros(90, dtype=torch.int64)
    seen: list[Tensor] = []
    module = task(robust_samples=20)
    module._robust_accuracy = lambda kept: seen.extend(x for x, _ in kept) or 0.0  # type: ignore[method-assign]
    trainer(tmp_path).validate(module, loader(x, y, 16), verbose=False)
    chosen = torch.cat(seen)[:, 0, 0, 0]
    assert len(chosen) == 20
    assert float(chosen.diff().max()) < 0.15
    assert float(chosen.min()) < 0.05
    assert float(chosen.max()) > 0.85


def test_no_sample_is_attacked_where_none_is_asked_for(tmp_path: Path) -> None:
    found = trainer(tmp_path).validate(task(robust_samples=0), loader(*images()), verbose=False)[0]
    assert "val/robust_accuracy" not in found


def test_images_of_the_catalogue_are_attacked_in_grey_levels() -> None:
    data = DataModule("digits", batch_size=32)
    data.setup("fit")
    module = AdversarialClassification(CNN(1, 10, width=4), epsilon="8/255", data=data)
    x, y = next(iter(data.train_dataloader()))
    standardised = data.on_after_batch_transfer((x, y), 0)[0] if x.dtype == torch.uint8 else x
    with frozen(module):
        moved = perturb(module, standardised, y, module.attack, torch.Generator().manual_seed(0), module.inputs)
    change = (moved - standardised) * data.encoder.state()["scale"][0]
    assert float(change.abs().max()) == pytest.approx(8.0, abs=1e-3)
    levels = moved * data.encoder.state()["scale"][0] + data.encoder.state()["mean"][0]
    assert float(levels.min()) > -1e-3
    assert float(levels.max()) < 255 + 1e-3


@pytest.mark.parametrize("features", [None, ["f0", "f2"]])
def test_of_a_table_numbers_move_and_nothing_else_does(features: list[str] | None) -> None:
    data = DataModule("synthetic_tabular")
    names = list(data.samples.x.numeric_names)
    features = None if features is None else [names[0], names[2]]
    width = data.spec.num_features
    assert width is not None
    assert width > len(names)  # it has categories
    module = AdversarialClassification(nn.Linear(width, 2), epsilon=0.5, features=features, data=data)
    x, y = torch.zeros(9, width), torch.arange(9) % 2
    moved = perturb(module, x, y, module.attack, None, module.inputs)[0]
    wanted = range(len(names)) if features is None else [0, 2]
    assert torch.nonzero(moved).flatten().tolist() == list(wanted)


@pytest.mark.parametrize(
    ("arguments", "where", "message"),
    [
        ({"epsilon": 8}, "epsilon", "epsilon is 8, and valid values are at most 1 apart; write epsilon: 8/255"),
        ({"epsilon": 0}, "epsilon", "without room there is no adversary"),
        ({"epsilon": -1}, "epsilon", "without room there is no adversary"),
        ({"epsilon": "8/0"}, "epsilon", "epsilon is '8/0'; write a number, or a fraction such as 8/255"),
        ({"epsilon": "much"}, "epsilon", "write a number, or a fraction"),
        ({"method": "pdg"}, "method", "did you mean 'pgd'?"),
        ({"attack_mode": "evil"}, "attack_mode", "did you mean 'eval'?"),
        ({"steps": 0}, "steps", "write a whole number, 1 or more"),
        ({"method": "fast", "steps": 7}, "steps", "fast takes one step"),
        ({"method": "free", "step_size": 0.1}, "step_size", "the step of free is epsilon"),
        ({"method": "free", "norm": "l2"}, "norm", "the norm linf alone"),
        ({"step_size": -0.1}, "step_size", "write a number above 0"),
        ({"robust_steps": 0}, "robust_steps", "write a whole number, 1 or more"),
        ({"robust_samples": -1}, "robust_samples", "write a whole number, 0 or more"),
        ({"features": ["a"]}, "features", "features is for tables of the catalogue"),
        ({"inputs": None}, "inputs", "the units and bounds of data of your own are not known"),
        ({"inputs": {"lo": 0}}, "inputs", "did you mean 'low'?"),
        ({"inputs": {"mean": "x"}}, "inputs", "no number and no list of numbers"),
        ({"inputs": {"scale": 0}}, "inputs", "scale must be above 0"),
        ({"data": DataModule("digits")}, "inputs", "inputs is for data of your own"),
    ],
)
def test_an_argument_that_cannot_be_is_named_with_its_key(arguments: dict[str, Any], where: str, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        task(**arguments)
    assert caught.value.where == f"task.init_args.{where}"
    assert caught.value.remedy


@pytest.mark.parametrize(("name", "unit"), [("synthetic_text", None), ("synthetic_text", "words")])
def test_token_ids_are_refused_before_anything_is_trained(name: str, unit: str | None) -> None:
    with pytest.raises(UserError, match="ids have no near neighbours") as caught:
        AdversarialClassification(nn.Linear(1, 1), epsilon=0.1, data=DataModule(name, unit=unit))
    assert caught.value.where == "task.class_path"
    assert "projectkit.tasks.Classification" in str(caught.value.remedy)


def test_a_feature_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match="no numeric column 'nothing'"):
        AdversarialClassification(
            nn.Linear(1, 1), epsilon=0.1, features=["nothing"], data=DataModule("synthetic_tabular")
        )


@pytest.mark.slow
@pytest.mark.parametrize("method", ["pgd", "fast", "free"])
def test_a_network_that_met_an_adversary_withstands_one_better(method: Method, tmp_path: Path) -> None:
    data = DataModule("digits", batch_size=64)

    def robust(module: Classification, epochs: int) -> dict[str, float]:
        trainer(tmp_path, max_epochs=epochs, limit_val_batches=0).fit(module, datamodule=data)
        # all are met by the same adversary
        judge = AdversarialClassification(module.model, epsilon="40/255", robust_samples=200, data=data)
        return trainer(tmp_path).validate(judge, datamodule=data, verbose=False)[0]

    def fresh() -> CNN:
        torch.manual_seed(0)
        return CNN(1, 10, width=8)

    plain = robust(Classification(fresh(), PLAN), 4)
    # a replayed batch is one in eight of the loader's
    epochs = 16 if method == "free" else 4
    hardened = robust(AdversarialClassification(fresh(), PLAN, epsilon="40/255", method=method, data=data), epochs)
    assert hardened["val/robust_accuracy"] > plain["val/robust_accuracy"] + 0.1
    assert hardened["val/accuracy"] > 0.85


CONFIG = """
name: robust
data: {name: digits, batch_size: 128}
model: {class_path: projectkit.models.CNN, init_args: {width: 4}}
task: {class_path: projectkit.tasks.AdversarialClassification, init_args: {epsilon: 8/255, robust_samples: 40}}
trainer: {max_epochs: 2, accelerator: cpu}
monitor: {metric: val/robust_accuracy, mode: max}
tracking: {wandb: disabled}
"""


class StopAt(pl.Callback):
    """Sends this process a signal before a step."""

    def on_train_batch_start(self, trainer: pl.Trainer, *rest: Any) -> None:
        if trainer.global_step == 5:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", ["{method: pgd, steps: 2, epsilon: 8/255}", "{method: free, epsilon: 8/255}"])
def test_a_training_that_is_stopped_and_resumed_ends_with_the_same_weights(
    arguments: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project / "configs" / "train.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    overrides = [f"task.init_args={arguments}"]
    whole = pk.train(path, overrides)
    assert "val/robust_accuracy" in whole.last
    real = session.Session._callbacks
    with monkeypatch.context() as patch:
        patch.setattr(session.Session, "_callbacks", lambda self: [StopAt(), *real(self)])
        with pytest.raises(StoppedError):
            pk.train(path, overrides)
    resumed = pk.train(path, overrides, resume="auto")
    expected, found = (load_checkpoint(run.checkpoint("last"))["state_dict"] for run in (whole, resumed))
    assert resumed.id != whole.id
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_epsilon_out_of_range_is_one_line_with_its_place_and_leaves_no_run(project: Path) -> None:
    path = project / "configs" / "train.yaml"
    path.write_text(CONFIG.replace("8/255", "8"), encoding="utf-8")
    with pytest.raises(UserError, match=r"train.yaml:5.*epsilon is 8, .*; write epsilon: 8/255$"):
        pk.train(path)
    assert not list(project.glob("runs/*"))


PAGE = Path(__file__).resolve().parents[2] / "docs" / "adversarial.md"


@pytest.mark.parametrize("number", [0, 1])
def test_the_configs_of_the_page_describe_a_training(number: int, project: Path) -> None:
    path = project / "configs" / "page.yaml"
    path.write_text(
        re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[number], encoding="utf-8"
    )
    assembly = assemble(load_config(path), require_project())
    assert isinstance(assembly.task, AdversarialClassification)
    assert assembly.task.attack.steps == (7, 5)[number]


def test_the_lines_of_the_page_for_a_script_run() -> None:
    (lines,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    x, y = images()
    names: dict[str, Any] = {"model": network(), "x": x, "y": y, "generator": torch.Generator().manual_seed(0)}
    exec(compile(lines, PAGE.name, "exec"), names)
    assert 0 < float((names["moved"] - x).abs().max()) < 0.2
