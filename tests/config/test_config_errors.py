"""Every wrong config has its one line: where, what, and what to write."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from projectkit.config import ClassConfig, check_ownership, load_config
from projectkit.config.structure import known_keys
from projectkit.errors import UserError

GOOD = """\
name: lstm
data: {name: dga, batch_size: 64}
model: {class_path: team.model.Net, init_args: {hidden: 128, layers: two, sizes: [1, 2]}}
optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 2e-3}}
trainer: {max_epochs: 8}
monitor: {metric: val/f1_macro, mode: max}
early_stopping: {patience: 3}
"""

OVERRIDES = {  # override -> what its line must hold
    # unknown keys: the nearest here, the same word elsewhere, what others call it
    "sed=1": ["command line, sed", "unknown key", "did you mean seed?"],
    "optimiser.class_path=a.B": ["did you mean optimizer?"],
    "trainer.max_epoch=3": ["trainer.max_epoch", "did you mean trainer.max_epochs?"],
    "trainer.epochs=3": ["did you mean trainer.max_epochs?"],
    "trainer.zzzz=3": ["trainer.zzzz: unknown key", "--print-config"],
    "zzzz=3": ["zzzz: unknown key", "known: name, seed"],
    "max_epochs=3": ["did you mean trainer.max_epochs?"],
    "batch_size=3": ["did you mean data.batch_size?"],
    "patience=3": ["did you mean early_stopping.patience?"],
    "wandb=offline": ["did you mean tracking.wandb?"],
    "precision=16": ["did you mean trainer.precision?"],
    "lr=1e-3": ["did you mean optimizer.init_args.lr?"],
    "learning_rate=1e-3": ["did you mean optimizer.init_args.lr?"],
    "epochs=3": ["did you mean trainer.max_epochs?"],
    "dataset=dga": ["did you mean data.name?"],
    "optimizer.lr=1e-3": ["did you mean optimizer.init_args.lr?"],
    "model.hidden=3": ["did you mean model.init_args.hidden?"],
    "model.init_arg.x=3": ["did you mean model.init_args?"],
    "scheduler={class_path: a.B, intervall: step}": ["scheduler.intervall", "did you mean scheduler.interval?"],
    "callbacks=[{class_path: a.B, every: 3}]": ["callbacks.0.every", "did you mean callbacks.0.init_args.every?"],
    "--trainer.max_epochs=3": ["--trainer", "did you mean trainer?"],
    # what projectkit gives the trainer itself
    "trainer.logger=false": ["trainer.logger", "projectkit sets this itself", "tracking.wandb"],
    "trainer.callbacks=[]": ["trainer.callbacks", "top-level key callbacks"],
    "trainer.default_root_dir=x": ["trainer.default_root_dir", "PROJECTKIT_RUNS"],
    # overrides that are none
    "trainer.max_epochs": ["'trainer.max_epochs' is not key=value", "trainer.max_epochs=VALUE"],
    "=3": ["'=3' has no key", "key=value"],
    "trainer..x=3": ["'trainer..x=3'", "empty part"],
    ".seed=3": ["empty part"],
    "seed.x=3": ["command line, seed: expected a whole number, found a mapping"],
    "name.x=3": ["name is the text 'lstm'", "holds no key 'x'", "name=VALUE"],
    "callbacks.first.x=3": ["command line, callbacks: expected a list"],
    "callbacks.7.class_path=a.B": ["callbacks is a list of 0", "no item '7'"],
    "model.init_args.layers.0=3": ["model.init_args.layers is the text", "holds no key '0'"],
    "model.init_args.sizes.first=3": ["model.init_args.sizes is a list of 2", "no item 'first'"],
    "name=[": ["command line, name", "not valid YAML"],
    "name=@x": ["command line, name", "not valid YAML", "quotes"],
    "model=!!python/object:os.system": ["command line, model", "tag"],
    # a value where a section must stand, and the other way round
    "model=torch.nn.Linear": [
        "command line, model",
        "found the text 'torch.nn.Linear'",
        "model: {class_path: torch.nn.Linear}",
    ],
    "monitor=val/loss": ["expected a mapping", "monitor: {metric: ...}"],
    "early_stopping=3": ["expected a mapping", "found 3", "early_stopping: {patience: ...}"],
    "trainer=[1]": ["expected a mapping", "found a list"],
    "optimizer.init_args=[0.1]": ["expected a mapping of arguments", "found a list"],
    "optimizer.init_args={1: 2}": ["optimizer.init_args.1", "name of an argument"],
    "callbacks={class_path: a.B}": ["expected a list", "found a mapping"],
    "callbacks=[a.B]": ["callbacks.0", "callbacks.0: {class_path: a.B}"],
    "name={a: 1}": ["expected text", "found a mapping"],
    # wrong types
    "seed=abc": ["command line, seed", "expected a whole number, found the text 'abc'", "write seed: 0"],
    "seed=1.5": ["expected a whole number, found 1.5"],
    "seed=": ["expected a whole number, found null", "leave it out"],
    "trainer.max_epochs=ten": ["expected a whole number or null, found the text 'ten'", "trainer.max_epochs: 10"],
    "trainer.max_epochs=true": ["expected a whole number or null, found true"],
    "trainer.enable_progress_bar=3": ["expected true or false, found 3"],
    "trainer.benchmark=maybe": ["expected true or false", "found the text 'maybe'"],
    "trainer.gradient_clip_val=big": ["expected a number or null", "found the text 'big'"],
    "trainer.devices=1.5": ["expected a list of whole numbers", "found 1.5"],
    "trainer.devices=[[1]]": ["expected a list of whole numbers", "found a list"],
    "trainer.devices=[0, a]": ["trainer.devices", "expected"],
    "trainer.limit_val_batches=${name}": ["expected a number or null, found the text '${name}'"],
    "trainer.limit_val_batches=\\${": ["expected a number or null, found the text '${'"],
    "name=true": ["expected text, found true", "quotes"],
    "name=1.10": ["expected text, found 1.1", "quotes"],
    "early_stopping.min_delta=nan": ["nan is not a finite number"],
    "early_stopping.min_delta='nan'": ["early_stopping.min_delta", "not a finite number"],
    "model.init_args.x=.inf": ["command line, model.init_args.x", "not a finite number"],
    "model.init_args.x=[1, {y: nan}]": ["model.init_args.x.1.y", "not a finite number"],
    "model.init_args.x=???": ["model.init_args.x", "missing"],
    "seed=${name}": ["command line, seed", "expected a whole number"],
    # choices
    "kind=test": ["command line, kind", "expected train or smoke", "found the text 'test'"],
    "tracking.wandb=ofline": ["expected offline, online or disabled", "did you mean offline?"],
    "tracking.wandb=off": ["did you mean disabled?"],
    "monitor.mode=maximize": ["expected min or max", "did you mean max?"],
    "scheduler={class_path: a.B, interval: batch}": [
        "scheduler.interval",
        "expected epoch or step",
        "did you mean step?",
    ],
    "trainer.precision=fp16": ["trainer.precision", "'fp16'", "16-mixed"],
    "trainer.precision=8": ["8 is out of range", "bf16-mixed"],
    "trainer.accelerator=gpuu": ["did you mean gpu?", "cuda"],
    "trainer.strategy=dpp": ["'dpp'", "did you mean ddp?", "such as auto, ddp or fsdp"],
    "trainer.enable_checkpointing=false": ["trainer.enable_checkpointing: false", "allowed: true"],
    "trainer.gradient_clip_algorithm=max": ["expected norm, value or null"],
    "trainer.profiler=fancy": ["expected simple, advanced, pytorch, xla or null"],
    # ranges
    "seed=-1": ["seed: -1 is out of range", "from 0 to 4294967295"],
    "seed=4294967296": ["out of range"],
    "data.split_seed=-1": ["data.split_seed", "out of range"],
    "data.batch_size=0": ["data.batch_size: 0 is out of range", "1 or more"],
    "data.num_workers=-1": ["0 or more"],
    "data.folds=1": ["data.folds: 1 is out of range", "2 or more"],
    "data.fold=-1": ["data.fold: -1 is out of range"],
    "data.max_length=0": ["data.max_length: 0 is out of range", "1 or more"],
    "data.unit=word": ["expected characters, bytes, words, word_pieces or null", "did you mean words?"],
    "data.balanced=often": ["data.balanced", "true or false"],
    "trainer.max_epochs=-5": ["trainer.max_epochs: -5 is out of range", "1 or more"],
    "trainer.max_epochs=0": ["trainer.max_epochs: 0 is out of range"],
    "trainer.max_epochs=-1": ["would train forever", "trainer.max_steps or trainer.max_time"],
    "trainer.max_steps=-2": ["-2 is out of range"],
    "trainer.max_time=12:30": ["'12:30' is out of range", "DD:HH:MM:SS"],
    "trainer.max_time={hour: 1}": ["trainer.max_time", "{hours: 1}"],
    "trainer.max_time={}": ["trainer.max_time", "{hours: 1}"],
    "trainer.devices=0": ["trainer.devices: 0 is out of range"],
    "trainer.devices=[]": ["trainer.devices", "out of range"],
    "trainer.devices=[0, 0]": ["trainer.devices", "out of range"],
    "trainer.devices=many": ["trainer.devices", "out of range"],
    "trainer.limit_train_batches=1.5": ["1.5 is out of range", "share"],
    "trainer.overfit_batches=-1": ["-1 is out of range"],
    "trainer.val_check_interval=0": ["trainer.val_check_interval: 0 is out of range"],
    "trainer.val_check_interval=1.5": ["trainer.val_check_interval: 1.5 is out of range"],
    "trainer.val_check_interval=often": ["trainer.val_check_interval", "DD:HH:MM:SS"],
    "trainer.check_val_every_n_epoch=0": ["1 or more"],
    "trainer.accumulate_grad_batches=0": ["1 or more"],
    "trainer.gradient_clip_val=-1": ["0 or more"],
    "trainer.plugins=x": ["trainer.plugins", "pk.Trainer"],
    "trainer.barebones=true": ["trainer.barebones", "allowed: false"],
    "early_stopping.patience=-1": ["early_stopping.patience: -1 is out of range", "0 or more"],
    "early_stopping.min_delta=-0.1": ["0 or more"],
    "checkpoint.every_n_epochs=0": ["1 or more"],
    "name=": ["expected text, found null"],
    "name=' '": ["name", "1 to 200 characters"],
    'name="a\\nb"': ["name", "on one line"],
    "monitor.metric=''": ["monitor.metric", "val/f1_macro"],
    # what must go together
    "monitor=null": ["early stopping needs a metric", "monitor: {metric: val/loss, mode: min}"],
    "monitor={metric: val/loss}": ["monitor.mode is missing", "monitor.mode: min"],
    "early_stopping={min_delta: 0.1}": ["early_stopping.patience is missing"],
    "model={init_args: {hidden: 3}}": ["model.class_path is missing"],
    "optimizer.class_path=null": ["optimizer.class_path", "expected text, found null"],
    "data.name=null": ["data.name: no data set is named", "projectkit data list"],
    "data.init_args={x: 1}": ["data.init_args", "without a class"],
    "data.fold=2": ["data.fold: fold 2 of a split that is not cut into folds", "add data.folds"],
    "data={name: dga, folds: 3, fold: 3}": ["data.fold: 3 is out of range", "0 to 2, as data.folds is 3"],
    # references
    "seed=${sead}": ["${sead} names a key that has no value", "did you mean ${seed}?"],
    "seed=${trainer.max_time}": ["names a key that has no value"],
    "name=${optimizer.init_args.momentum}": ["no value", "give optimizer.init_args.momentum a value"],
    "model.init_args.x=${trainer}": ["${trainer} names a section"],
    "model.init_args.x=${callbacks}": ["${callbacks} names a section"],
    "name=${name}": ["${name} names another reference"],
    "name=${oc.env:HOME}": ["calls a resolver"],
    "model=${optimizer}": ["expected a mapping"],
}

FILES = {  # what the file holds -> what its line must hold
    "": ["c.yaml: the config is empty", "data: {name: digits}"],
    "- name: x\n": ["c.yaml: expected a mapping of keys, found a list"],
    "just text\n": ["c.yaml: expected a mapping of keys, found the text 'just text'"],
    "data: {name: a}\nmodel:\n  class_path: a.B\n  hidden: 3\n": ["c.yaml:4:3, model.hidden", "model.init_args.hidden"],
    "data: {name: a}\ntrainer:\n  max_epochs: ten\n": ["c.yaml:3:3, trainer.max_epochs", "found the text 'ten'"],
    "data: {name: a}\n\nlr: 0.1\n": ["c.yaml:3:1, lr", "did you mean optimizer.init_args.lr?"],
    "data:\n": ["c.yaml:1:1, data.name: no data set is named"],
    "data: {target: family}\n": ["c.yaml:1:1, data.name: no data set is named"],
    "data: dga\n": ["c.yaml:1:1, data", "data: {name: ...}"],
    "data: {name: a}\ncallbacks: [{class_path: a.B}, {classpath: a.B}]\n": [
        "c.yaml:2:",
        "did you mean callbacks.1.class_path?",
    ],
    "1: x\n": ["c.yaml:1:1, 1: unknown key"],
}


def refused(tmp_path, monkeypatch, text, overrides=()):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        load_config("c.yaml", overrides)
    return str(caught.value)


def assert_one_line(message, fragments):
    assert "\n" not in message
    assert len(message) < 250
    assert "omegaconf" not in message.lower()
    for fragment in fragments:
        assert fragment in message


@pytest.mark.parametrize("override", OVERRIDES)
def test_a_wrong_override_is_told_in_one_line(tmp_path, monkeypatch, override):
    assert_one_line(refused(tmp_path, monkeypatch, GOOD, [override]), OVERRIDES[override])


@pytest.mark.parametrize("text", FILES)
def test_a_wrong_file_is_told_in_one_line_with_its_place(tmp_path, monkeypatch, text):
    assert_one_line(refused(tmp_path, monkeypatch, text), FILES[text])


def test_the_good_config_of_this_table_is_good(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(GOOD, encoding="utf-8")
    assert load_config("c.yaml").config.optimizer == ClassConfig("torch.optim.AdamW", {"lr": 2e-3})


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(GOOD, encoding="utf-8")
    return lambda *overrides: load_config("c.yaml", overrides)


def test_a_module_of_the_teams_own_must_stand_without_model_optimizer_and_scheduler(loaded):
    found = loaded("task.class_path=team.Module")
    with pytest.raises(UserError) as caught:
        check_ownership(found.config, own_task=True, own_data=False, places=found.places)
    assert_one_line(
        str(caught.value), ["c.yaml:3:1, model", "team.Module is your own class", "add model=null optimizer=null"]
    )
    found = loaded("task.class_path=team.Module", "model=null", "optimizer=null")
    check_ownership(found.config, own_task=True, own_data=False, places=found.places)


def test_data_of_the_teams_own_must_stand_without_name_target_and_split(loaded):
    found = loaded("data.class_path=team.Data", "data.split=random")
    with pytest.raises(UserError) as caught:
        check_ownership(found.config, own_task=False, own_data=True, places=found.places)
    assert_one_line(
        str(caught.value), ["c.yaml:2:8, data.name", "team.Data is your own class", "data.name=null data.split=null"]
    )
    found = loaded("data={class_path: team.Data, init_args: {folder: x}}")
    check_ownership(found.config, own_task=False, own_data=True, places=found.places)


def test_a_config_of_projectkits_own_classes_passes(loaded):
    found = loaded()
    check_ownership(found.config, own_task=False, own_data=False, places=found.places)


def test_whatever_is_typed_ends_in_a_config_or_in_one_line(loaded):
    """Keys of the schema with odd values, and the good file with characters changed: nothing but UserError comes out."""
    draw = random.Random(0)
    values = [
        "",
        "null",
        "-1",
        "1.5",
        "true",
        "x",
        "[1]",
        "[[1]]",
        "[]",
        "{}",
        "{a: 1}",
        "{1: {2: 3}}",
        "${seed}",
        "${",
        "\\${",
        "???",
    ]
    values += [
        "{class_path: 1}",
        "{class_path: a.B, init_args: 3}",
        "&a [*a]",
        "99999999999999999999",
        "'\\'",
        "a\x00",
        "\ud800",
        "- a",
        "a: b",
    ]
    refused = 0
    for _ in range(300):
        text = list(GOOD)
        for _ in range(draw.randrange(3)):
            text[draw.randrange(len(text))] = draw.choice([*values, *"{}[]'\"#&*!|>%@,\n\t -?$\\\x1b\u2028é"])
        Path("c.yaml").write_bytes("".join(text).encode("utf-8", "surrogatepass"))
        override = f"{draw.choice(known_keys())}={draw.choice(values)}"
        try:
            load_config("c.yaml", [override])
        except UserError as error:
            assert_one_line(str(error), [": "])
            refused += 1
    assert 0 < refused < 300
