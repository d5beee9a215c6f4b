"""The schema against what it stands for: Lightning's Trainer, and its own tables."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
import typing

import pytorch_lightning as pl

from projectkit.config import Config, DataConfig, TrainerConfig, load_config
from projectkit.config.places import Places
from projectkit.config.ranges import ALLOWED, PRECISIONS, STRATEGIES, check_ranges
from projectkit.config.structure import known_keys, schema_of
from projectkit.config.values import choices, fits

GIVEN_BY_PROJECTKIT = {"self", "logger", "callbacks", "default_root_dir"}


def trainer_parameters() -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(pl.Trainer.__init__).parameters
    return {name: parameter for name, parameter in parameters.items() if name not in GIVEN_BY_PROJECTKIT}


def test_there_is_one_field_for_each_argument_of_lightnings_trainer():
    assert [field.name for field in dataclasses.fields(TrainerConfig)] == list(trainer_parameters())


def test_every_field_of_the_trainer_has_a_type_and_may_be_null():
    for name, hint in typing.get_type_hints(TrainerConfig).items():
        assert hint is not typing.Any, name
        assert fits(None, hint), name


def test_lightnings_own_defaults_are_in_range_and_of_the_right_type(tmp_path):
    for name, parameter in trainer_parameters().items():
        hint, _ = schema_of(f"trainer.{name}")
        if parameter.default is not inspect.Parameter.empty:
            assert fits(parameter.default, hint), name
        trainer = dataclasses.replace(TrainerConfig(), **{name: parameter.default})
        check_ranges(dataclasses.replace(Config(data=DataConfig(name="a")), trainer=trainer), Places("c.yaml"))


def test_a_trainer_can_be_made_from_a_full_config(tmp_path):
    (tmp_path / "c.yaml").write_text(
        "data: {name: a}\ntrainer: {accelerator: cpu, precision: bf16-mixed, max_time: {minutes: 1}, val_check_interval: 0.5}\n",
        encoding="utf-8",
    )
    trainer = load_config(tmp_path / "c.yaml").config.trainer
    given = {name: value for name, value in dataclasses.asdict(trainer).items() if value is not None}
    assert pl.Trainer(**given, logger=False, enable_checkpointing=False, default_root_dir=tmp_path).max_epochs == 10


def test_the_strategies_are_the_ones_that_lightning_knows():
    assert set(STRATEGIES) == {"auto", *pl.strategies.StrategyRegistry.available_strategies()}


def test_the_precisions_are_the_ones_that_lightning_knows():
    hint = typing.get_type_hints(pl.Trainer.__init__)["precision"]
    assert set(PRECISIONS) == {"auto", *choices(hint)}


def test_the_defaults_are_in_range():
    check_ranges(Config(data=DataConfig(name="a")), Places("c.yaml"))


def test_every_range_belongs_to_a_key_of_the_schema():
    assert set(ALLOWED) <= set(known_keys())


def test_the_room_imports_no_torch_and_nothing_heavy():
    code = "import projectkit.config, sys; print({'torch', 'numpy', 'omegaconf', 'ruamel.yaml'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        == "set()"
    )


def test_loading_a_config_imports_no_torch(tmp_path):
    (tmp_path / "c.yaml").write_text("data: {name: a}\n", encoding="utf-8")
    code = "import sys, projectkit.config as c; c.config_to_yaml(c.load_config(sys.argv[1]).config); print('torch' in sys.modules)"
    command = [sys.executable, "-c", code, str(tmp_path / "c.yaml")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "False"
