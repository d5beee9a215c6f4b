"""The three layers: defaults, file, command line."""

from __future__ import annotations

import dataclasses

import pytest

from projectkit.config import ClassConfig, Config, config_to_dict, load_config
from projectkit.errors import UserError

TEXT = """\
name: lstm
seed: 3
data: {name: dga, batch_size: 64}
model: {class_path: team.model.Net, init_args: {hidden: 128}}
optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 2e-3, weight_decay: 0.1}}
scheduler: {class_path: torch.optim.lr_scheduler.OneCycleLR, init_args: {max_lr: 2e-3}, interval: step}
trainer: {max_epochs: 8}
monitor: {metric: val/f1_macro, mode: max}
early_stopping: {patience: 3}
callbacks:
  - class_path: pytorch_lightning.callbacks.LearningRateMonitor
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def load(*overrides: str, text: str = TEXT):
        (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
        return load_config("c.yaml", overrides)

    return load


def test_what_is_not_written_has_its_default(load):
    config = load(text="data: {name: digits}").config
    assert config == dataclasses.replace(Config(), data=dataclasses.replace(Config().data, name="digits"))
    assert config.task == ClassConfig("projectkit.tasks.Classification")
    assert (config.trainer.max_epochs, config.trainer.devices, config.trainer.precision) == (10, 1, "auto")
    assert config.tracking.wandb == "offline"


def test_the_file_is_read_into_plain_dataclasses_and_containers(load):
    config = load().config
    assert config.optimizer == ClassConfig("torch.optim.AdamW", {"lr": 2e-3, "weight_decay": 0.1})

    def kinds(value):
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return {type(value)}.union(*(kinds(item) for item in inner))

    assert kinds(config_to_dict(config)) <= {dict, list, str, int, float, bool, type(None)}


def test_a_part_of_a_section_keeps_the_default_of_the_rest(load):
    assert load("task.init_args.label_smoothing=0.05").config.task == ClassConfig(
        "projectkit.tasks.Classification", {"label_smoothing": 0.05}
    )


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("seed=7", "seed", 7),
        ("name=off", "name", "off"),
        ("name=12", "name", "12"),
        ("name='a: b'", "name", "a: b"),
        ("name=a=b", "name", "a=b"),
        ("trainer.gradient_clip_val=1e-3", "trainer.gradient_clip_val", 1e-3),
        ("trainer.devices=[0, 1]", "trainer.devices", [0, 1]),
        ("trainer.devices=auto", "trainer.devices", "auto"),
        ("trainer.precision=16", "trainer.precision", 16),
        ("trainer.max_time={hours: 1}", "trainer.max_time", {"hours": 1}),
        ("trainer.max_time=00:12:30:00", "trainer.max_time", "00:12:30:00"),
        ("trainer.deterministic=warn", "trainer.deterministic", "warn"),
        ("trainer.enable_progress_bar=off", "trainer.enable_progress_bar", False),
        ("trainer.max_epochs=", "trainer.max_epochs", None),
        ("early_stopping=null", "early_stopping", None),
        ("early_stopping=", "early_stopping", None),
        ("data.num_workers=2", "data.num_workers", 2),
        ("callbacks=[]", "callbacks", []),
        ("model=null", "model", None),
        ("data.name='${name}'", "data.name", "lstm"),
        ("name=seed${seed}", "name", "seed3"),
        ("name=\\${seed}", "name", "${seed}"),
        ("trainer.log_every_n_steps=${data.batch_size}", "trainer.log_every_n_steps", 64),
        ("seed=${trainer.devices}", "seed", 1),
        ("optimizer={class_path: torch.optim.SGD, init_args: {lr: 1}}", "optimizer.init_args", {"lr": 1}),
        ("optimizer.init_args={lr: 1}", "optimizer.init_args", {"lr": 1}),
        ("optimizer.init_args.betas=[0.8, 0.9]", "optimizer.init_args.betas", [0.8, 0.9]),
        ("model.init_args.name=no", "model.init_args.name", "no"),
        ("model.init_args.weights={0: 1.5, 1: 2}", "model.init_args.weights", {0: 1.5, 1: 2}),
        ("callbacks.0.init_args.x=3", "callbacks.0.init_args.x", 3),
        ("callbacks.1.class_path=a.B", "callbacks.1.class_path", "a.B"),
    ],
)
def test_an_override_is_read_as_yaml_1_2(load, override, key, value):
    here = config_to_dict(load(override).config)
    for part in key.split("."):
        here = here[int(part)] if isinstance(here, list) else here[part]
    assert here == value
    assert type(here) is type(value)


def test_the_last_of_two_overrides_of_a_key_counts(load):
    assert load("seed=7", "seed=8").config.seed == 8


def test_overrides_make_sections_that_are_not_there(load):
    config = load("model.class_path=team.Net", "model.init_args.hidden=3", text="data: {name: digits}").config
    assert config.model == ClassConfig("team.Net", {"hidden": 3})


def test_a_section_with_nothing_below_it_is_the_same_as_absent(load):
    text = "data: {name: digits}\ntrainer:\ncallbacks:\ntask:\ncheckpoint:\nmodel: {class_path: a.B, init_args: }\n"
    assert load(text=text).config == load("model.class_path=a.B", text="data: {name: digits}").config


def test_a_new_class_drops_the_arguments_of_the_old_one_and_says_so(load):
    loaded = load("optimizer.class_path=torch.optim.SGD")
    assert loaded.config.optimizer == ClassConfig("torch.optim.SGD", {})
    (note,) = loaded.notes
    assert "optimizer" in note
    assert "lr, weight_decay" in note


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_arguments_from_the_command_line_stay_with_the_new_class(load, order):
    overrides = ["optimizer.class_path=torch.optim.SGD", "optimizer.init_args.momentum=0.9"]
    config = load(*(overrides[position] for position in order)).config
    assert config.optimizer == ClassConfig("torch.optim.SGD", {"momentum": 0.9})


def test_the_same_class_again_keeps_its_arguments(load):
    loaded = load("optimizer.class_path=torch.optim.AdamW")
    assert loaded.config.optimizer.init_args == {"lr": 2e-3, "weight_decay": 0.1}
    assert loaded.notes == ()


def test_arguments_in_the_file_wait_for_a_class_from_the_command_line(load):
    text = "data: {name: digits}\nmodel: {init_args: {hidden: 3}}\ntask: {init_args: {label_smoothing: 0.1}}\n"
    config = load("model.class_path=a.B", text=text).config
    assert config.model == ClassConfig("a.B", {"hidden": 3})
    assert config.task.init_args == {"label_smoothing": 0.1}
    assert load("model.class_path=a.B", "task.class_path=a.Task", text=text).config.task == ClassConfig("a.Task")


def test_a_new_scheduler_class_keeps_its_interval(load):
    config = load("scheduler.class_path=torch.optim.lr_scheduler.StepLR", "scheduler.init_args={step_size: 5}").config
    assert (config.scheduler.interval, config.scheduler.init_args) == ("step", {"step_size": 5})


def test_places_tell_the_file_from_the_command_line(load):
    places = load("optimizer.init_args.lr=1").places
    column = TEXT.splitlines()[4].index("weight_decay") + 1
    assert places.of("optimizer.init_args.lr") == "command line, optimizer.init_args.lr"
    assert places.of("optimizer.init_args.weight_decay") == f"c.yaml:5:{column}, optimizer.init_args.weight_decay"
    assert places.of("optimizer.init_args.beta").startswith("c.yaml:5:")
    assert places.of("callbacks.0.class_path") == "c.yaml:11:5, callbacks.0.class_path"


def test_a_replaced_section_forgets_the_places_of_the_file(load):
    assert (
        load("optimizer={class_path: a.B}").places.of("optimizer.init_args.lr")
        == "command line, optimizer.init_args.lr"
    )


def test_a_config_in_another_folder_is_shown_by_its_path(load, tmp_path, monkeypatch):
    load()
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    places = load_config(tmp_path / "c.yaml").places
    assert places.of("seed") == f"{(tmp_path / 'c.yaml').as_posix()}:2:1, seed"


@pytest.mark.parametrize(
    "text",
    [
        "${oc.env:HOME}",
        "${oc.env:HOME,x}",
        "${oc.decode:x}",
        "a${now:%Y}",
        "${ oc.env:HOME }",
        "${oc.${seed}:x}",
        "${${name}:HOME}",
        "\\\\${oc.env:HOME}",
        "\\${seed}${oc.env:HOME}",
        "${oc.env:HOME",
        "${.name}",
        "${..name}",
        "${optimizer[class_path]}",
        "${seed",
        "${}",
        "${ seed }",
    ],
)
def test_only_the_key_of_a_value_can_be_referred_to(load, monkeypatch, text):
    monkeypatch.setenv("HOME", "/secret")
    with pytest.raises(UserError) as caught:
        load(f"model.init_args.x='{text}'")
    message = str(caught.value)
    assert message.startswith("command line, model.init_args.x: ")
    assert "secret" not in message
    assert "resolver" in message or "is not a reference" in message


def test_text_that_was_put_together_from_references_is_not_resolved_again(load, monkeypatch):
    monkeypatch.setenv("HOME", "/secret")
    config = load("name=$", "model.init_args.x='${name}{oc.env:HOME}'").config
    assert config.model.init_args["x"] == "${oc.env:HOME}"


def test_a_reference_follows_an_override_of_what_it_names(load):
    config = load("scheduler.init_args.max_lr=${optimizer.init_args.lr}", "optimizer.init_args.lr=0.5").config
    assert config.scheduler.init_args == {"max_lr": 0.5}


def test_references_do_not_multiply(load):
    chain = [f"model.init_args.a{n}='{f'${{model.init_args.a{n - 1}}}' * 9}'" for n in range(1, 12)]
    with pytest.raises(UserError, match="another reference"):
        load("model.init_args.a0=x", *chain)
    with pytest.raises(UserError, match="too often"):
        load("model.init_args.a0=x", f"name='{'${model.init_args.a0}' * 101}'")


def test_a_list_of_words_is_read_and_anything_else_in_it_is_named(load):
    assert load(text=TEXT + "tracking: {tags: [first, 'on']}\n").config.tracking.tags == ["first", "on"]
    for wrong in ("[1]", "[[a]]", "first"):
        with pytest.raises(UserError, match=r"^c.yaml:\d+:\d+, tracking.tags"):
            load(text=TEXT + f"tracking: {{tags: {wrong}}}\n")
