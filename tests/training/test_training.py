"""A training from a config leaves a run that can be found, explained and repeated."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from projectkit.config import load_config
from projectkit.data import DataModule, DataSpec
from projectkit.errors import UserError, WorkError
from projectkit.project import require_project
from projectkit.runs import load_run
from projectkit.training import Trainer, assemble, load_checkpoint, train


def weights(path: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(path)["state_dict"]


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_records_what_it_was_made_from(config: Path) -> None:
    run = train(config)
    assert (run.kind, run.status) == ("train", "finished")
    record = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    assert record["seed"] == 3
    assert record["data"]["name"] == "synthetic_tabular"
    assert len(record["data"]["split_digest"]) == len(record["data"]["encoder_digest"]) == 64
    assert record["resolved"]["precision"] == "32-true"
    assert record["resolved"]["filled"]["model"]["num_classes"] == len(
        load_checkpoint(run.checkpoint("best"))["state_dict"]["model.layers.3.bias"]
    )
    assert run.best["val/f1_macro"] == max(run.history("val/f1_macro")[1])


def test_step_counts_optimiser_steps(config: Path) -> None:
    run = train(config, ["trainer.max_epochs=2"])
    batches = -(-run.part("data")["samples"]["train"] // 100)
    assert run.history("val/loss")[0] == [batches, 2 * batches]


def test_a_run_repeated_from_its_own_config_gives_the_same_weights_and_metrics(config: Path) -> None:
    first = train(config)
    second = train(first.path / "config.yaml")
    assert first.id != second.id
    assert same(weights(first.checkpoint("last")), weights(second.checkpoint("last")))
    strip = [{name: value for name, value in line.items() if name != "time"} for line in first.metrics()]
    assert strip == [{name: value for name, value in line.items() if name != "time"} for line in second.metrics()]


def test_a_repeated_run_applies_what_was_resolved(config: Path) -> None:
    run = train(config, ["trainer.max_epochs=1"])
    threads = torch.get_num_threads()
    record = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    record["resolved"]["threads"] = threads + 1
    (run.path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    try:
        assert train(run.path / "config.yaml").part("resolved")["threads"] == threads + 1
    finally:
        torch.set_num_threads(threads)


def test_early_stopping_ends_a_run_that_does_not_get_better(config: Path) -> None:
    run = train(
        config, ["optimizer.init_args.lr=1e-9", "early_stopping={patience: 1}", "trainer.max_epochs=20", "seed=1"]
    )
    assert run.status == "finished"
    assert run.last["epoch"] < 19


def test_a_loss_that_is_no_number_ends_the_run_with_its_reason(config: Path) -> None:
    with pytest.raises(WorkError, match=r"the loss is nan.*lower optimizer\.init_args\.lr"):
        train(config, ["optimizer.class_path=torch.optim.SGD", "optimizer.init_args.lr=1e30"])
    (path,) = (config.parents[1] / "runs").iterdir()
    record = json.loads((path / "run.json").read_text(encoding="utf-8"))
    assert (record["status"], record["reason"]) == ("failed", "nan")


def test_a_metric_that_is_not_logged_is_named_with_its_place_and_the_nearest_that_is(config: Path) -> None:
    config.write_text(config.read_text(encoding="utf-8").replace("val/f1_macro", "val/f1"), encoding="utf-8")
    with pytest.raises(UserError, match=r"train\.yaml:9:\d+, monitor\.metric: .*val/f1' was not.*'val/f1_macro'\?"):
        train(config)


@pytest.mark.parametrize("override", ["trainer.devices=2", "trainer.precision=16-mixed"])
def test_what_this_machine_cannot_do_is_named_with_its_place(config: Path, override: str) -> None:
    with pytest.raises(UserError, match=rf"command line, {re.escape(override.partition('=')[0])}: "):
        train(config, [override])


@pytest.mark.parametrize("task", ["synthetic_text", "synthetic_images"])
def test_the_same_config_trains_another_modality_with_another_model(config: Path, task: str) -> None:
    model = {"synthetic_text": "projectkit.models.CharCNN", "synthetic_images": "projectkit.models.CNN"}[task]
    run = train(config, [f"data.name={task}", f"model={{class_path: {model}}}", "trainer.max_epochs=1"])
    assert run.status == "finished"
    assert run.part("data")["name"] == task


def test_a_torchvision_constructor_is_given_the_number_of_classes(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    colour = DataSpec("image", (3, 32, 32), num_classes=7, class_names=tuple("abcdefg"), in_channels=3)
    monkeypatch.setattr(DataModule, "spec", colour)
    overrides = ["data.name=synthetic_images", "model={class_path: torchvision.models.resnet18}"]
    assembly = assemble(load_config(config, overrides), require_project())
    assert assembly.task.model.fc.out_features == 7
    assert assembly.filled == {"model": {"num_classes": 7}}
    with pytest.raises(UserError, match=r"num_clases.*num_classes"):
        assemble(load_config(config, [*overrides, "model.init_args.num_clases=3"]), require_project())


OWN_MODULE = """
import torch
import pytorch_lightning as pl


class Own(pl.LightningModule):
    def __init__(self, width: int = 8):
        super().__init__()
        self.net = torch.nn.Linear(4, 3)

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = torch.nn.functional.cross_entropy(self(x), y)
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val/loss", torch.nn.functional.cross_entropy(self(x), y))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Data(pl.LightningDataModule):
    def setup(self, stage):
        g = torch.Generator().manual_seed(0)
        self.x = torch.randn(120, 4, generator=g)
        self.y = self.x[:, :3].argmax(dim=1)

    def _loader(self):
        return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(self.x, self.y), batch_size=30)

    train_dataloader = val_dataloader = _loader
"""

OWN_CONFIG = """
data: {class_path: team.own.Data}
task: {class_path: team.own.Own}
trainer: {max_epochs: 3, accelerator: cpu}
monitor: {metric: val/loss, mode: min}
tracking: {wandb: disabled}
"""


def test_a_teams_own_modules_train_unchanged_and_the_record_says_whose_split_it_was(
    config: Path, team_file: Callable[[str, str], None]
) -> None:
    team_file("own", OWN_MODULE)
    config.write_text(OWN_CONFIG, encoding="utf-8")
    run = train(config)
    assert run.status == "finished"
    assert run.part("data") == {"class_path": "team.own.Data", "split": "the team's own"}
    values = run.history("val/loss")[1]
    assert values[-1] < values[0]


def test_a_model_beside_a_module_that_owns_its_model_is_refused(
    config: Path, team_file: Callable[[str, str], None]
) -> None:
    team_file("own", OWN_MODULE)
    config.write_text(OWN_CONFIG + "model: {class_path: projectkit.models.MLP}\n", encoding="utf-8")
    with pytest.raises(UserError, match="model"):
        train(config)
    assert not (config.parents[1] / "runs").exists()


def test_a_config_without_a_model_is_told_which_one_fits_the_data(config: Path) -> None:
    with pytest.raises(UserError, match=r"no model.*projectkit\.models\.MLP"):
        train(config, ["model=null"])


def test_a_wrong_argument_is_found_before_a_run_folder_is_made(config: Path) -> None:
    with pytest.raises(UserError, match=r"hiden.*hidden"):
        train(config, ["model.init_args.hiden=3"])
    with pytest.raises(UserError, match=r"learning rate: -1"):
        train(config, ["optimizer.init_args.lr=-1"])
    assert not (config.parents[1] / "runs").exists()


def test_the_count_of_a_scheduler_is_filled_and_recorded(config: Path) -> None:
    one_cycle = "scheduler={class_path: torch.optim.lr_scheduler.OneCycleLR, init_args: {max_lr: 0.01}, interval: step}"
    run = train(config, [one_cycle, "trainer.max_epochs=2"])
    assert run.part("resolved")["filled"]["scheduler"] == {"total_steps": run.last["step"]}


def test_latest_is_the_run_that_was_just_trained(config: Path) -> None:
    run = train(config, ["trainer.max_epochs=1"])
    assert load_run("latest").id == run.id
    smoke = train(config, ["trainer.max_epochs=1", "kind=smoke"])
    assert smoke.kind == "smoke"
    assert load_run("latest").id == run.id


def test_losses_are_logged_within_an_epoch_and_at_its_end_without_counting_a_step_twice(config: Path) -> None:
    run = train(config, ["trainer.log_every_n_steps=4", "trainer.max_epochs=1"])
    steps, values = run.history("train/loss")
    assert steps == sorted(set(steps))
    assert all(math.isfinite(value) for value in values)
    assert steps[:2] == [4, 8]


def test_the_device_list_of_a_machine_with_a_gpu_trains_on_a_cpu(config: Path) -> None:
    assert train(config, ["trainer.max_epochs=1", "trainer.devices=[0]"]).status == "finished"


def test_nothing_is_logged_within_an_epoch_where_the_interval_is_zero(config: Path) -> None:
    run = train(config, ["trainer.max_epochs=1", "trainer.log_every_n_steps=0"])
    assert run.history("train/loss")[0] == [run.last["step"]]


def test_accumulated_batches_are_logged_once_a_step(config: Path) -> None:
    run = train(config, ["trainer.max_epochs=1", "trainer.accumulate_grad_batches=4", "trainer.log_every_n_steps=1"])
    assert run.history("train/loss")[0] == [1, 2, 3, 4]


def test_the_trainer_takes_lightnings_arguments_and_writes_checkpoints_that_load_without_code(tmp_path: Path) -> None:
    import pytorch_lightning as pl

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)

        def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
            return self.layer(batch).pow(2).mean()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    trainer = Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(Module(), torch.utils.data.DataLoader(torch.ones(4, 2)))
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    assert torch.load(tmp_path / "a.ckpt", weights_only=True)["global_step"] == 4


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    path = tmp_path / "bad.ckpt"
    torch.save({"state_dict": Payload()}, path)
    with pytest.raises(WorkError, match="plain containers"):
        load_checkpoint(path)
    assert not (tmp_path / "ran").exists()


def test_overfitting_a_few_batches_sees_the_same_ones_each_epoch(config: Path) -> None:
    overrides = ["trainer.overfit_batches=2", "trainer.max_epochs=30", "model.init_args.dropout=0", "scheduler=null"]
    run = train(config, overrides)
    losses = run.history("train/loss")[1]
    assert run.last["step"] == 60
    assert losses[-1] < losses[0] / 3
    assert run.last["val/loss"] > 2 * losses[-1]  # the control: 200 samples are learnt by heart, others are not


@pytest.mark.parametrize(
    ("overrides", "remedy"),
    [(["trainer.limit_train_batches=0"], "limit_train_batches"), (["trainer.max_time=00:00:00:00"], "max_time")],
)
def test_a_training_without_a_step_is_no_success(config: Path, overrides: list[str], remedy: str) -> None:
    with pytest.raises(WorkError, match=f"not one step was trained; .*{remedy}"):
        train(config, overrides)
    (path,) = (config.parents[1] / "runs").iterdir()
    assert json.loads((path / "run.json").read_text(encoding="utf-8"))["status"] == "failed"


def test_training_data_without_a_batch_is_named(config: Path, team_file: Callable[[str, str], None]) -> None:
    team_file("own", OWN_MODULE.replace("batch_size=30", "batch_size=300, drop_last=True"))
    config.write_text(OWN_CONFIG, encoding="utf-8")
    with pytest.raises(WorkError, match=r"the training data has no batches; .*drop_last=True"):
        train(config, ["monitor=null"])


def test_a_training_that_ends_within_its_first_epoch_keeps_its_weights_and_says_that_none_are_best(
    config: Path,
) -> None:
    run = train(config, ["trainer.max_steps=3", "early_stopping={patience: 2}", "checkpoint.every_n_epochs=7"])
    assert run.status == "finished"
    assert [path.name for path in run.path.glob("checkpoints/*.ckpt")] == ["last.ckpt"]
    assert [event["message"] for event in run.events() if event["event"] == "warned"] == [
        "'val/f1_macro' never had a value, so there is no best.ckpt; `evaluate` takes last.ckpt"
    ]


def test_a_monitor_without_validation_is_refused_before_the_first_step(config: Path) -> None:
    with pytest.raises(UserError, match=r"nothing is validated, so 'val/f1_macro' cannot be monitored"):
        train(config, ["trainer.limit_val_batches=0"])
    assert train(config, ["trainer.limit_val_batches=0", "monitor=null"]).status == "finished"


OWN_OVER_CATALOGUE = """
import torch
import pytorch_lightning as pl


class Own(pl.LightningModule):
    def __init__(self, num_features: int, num_classes: int):
        super().__init__()
        self.net = torch.nn.Linear(num_features, num_classes)

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        return torch.nn.functional.cross_entropy(self(x), y)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)
"""


def test_a_teams_own_module_on_catalogued_data_is_given_its_sizes(
    config: Path, team_file: Callable[[str, str], None]
) -> None:
    team_file("sized", OWN_OVER_CATALOGUE)
    config.write_text(
        "data: {name: synthetic_tabular}\ntask: {class_path: team.sized.Own}\n"
        "trainer: {max_epochs: 1, accelerator: cpu}\ntracking: {wandb: disabled}\n",
        encoding="utf-8",
    )
    filled = train(config).part("resolved")["filled"]["task"]
    assert set(filled) == {"num_features", "num_classes"}


def test_grey_images_are_refused_for_a_model_that_reads_colour(config: Path) -> None:
    overrides = ["data.name=synthetic_images", "model={class_path: torchvision.models.resnet18}"]
    with pytest.raises(UserError, match=r"3 channels, and this data has 1.*projectkit\.models\.CNN"):
        train(config, overrides)


def test_a_data_set_that_is_not_known_is_named_with_its_place(config: Path) -> None:
    text = config.read_text(encoding="utf-8").replace("synthetic_tabular", "synthetic_tabula")
    config.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"train\.yaml:4:\d+, data\.name: .*synthetic_tabula'.*synthetic_tabular"):
        train(config)


def test_a_split_that_is_not_known_is_named_with_its_place(config: Path) -> None:
    with pytest.raises(UserError, match=r"command line, data\.split: .*no split 'grouped'.*stratified"):
        train(config, ["data.split=grouped"])


def test_a_few_batches_for_debugging_are_never_the_latest_run(config: Path) -> None:
    assert train(config, ["trainer.fast_dev_run=true"]).kind == "smoke"


def test_a_schedule_without_an_end_is_refused_before_a_run_folder_is_made(config: Path) -> None:
    one_cycle = "scheduler={class_path: torch.optim.lr_scheduler.OneCycleLR, init_args: {max_lr: 0.01}, interval: step}"
    with pytest.raises(UserError, match=r"no end from which the scheduler's total_steps.*trainer\.max_epochs"):
        train(config, [one_cycle, "trainer.max_epochs=-1", "trainer.max_time='00:00:10:00'"])
    assert not (config.parents[1] / "runs").exists()


def test_a_schedule_that_watches_a_metric_needs_it_after_each_epoch(config: Path) -> None:
    plateau = "scheduler={class_path: torch.optim.lr_scheduler.ReduceLROnPlateau}"
    with pytest.raises(UserError, match=r"check_val_every_n_epoch: .*not every epoch is validated"):
        train(config, [plateau, "trainer.check_val_every_n_epoch=2"])
    assert train(config, [plateau, "trainer.max_epochs=2"]).status == "finished"
