"""A config written out is read back as it was."""

from __future__ import annotations

import dataclasses
import random

import pytest

from projectkit.config import (
    CheckpointConfig,
    ClassConfig,
    Config,
    DataConfig,
    EarlyStoppingConfig,
    MonitorConfig,
    SchedulerConfig,
    TrackingConfig,
    TrainerConfig,
    config_to_dict,
    config_to_yaml,
    load_config,
)

TEXTS = [
    *("", " ", "off", "no", "Yes", "null", "~", "true", "1", "1e-3", "nan", ".inf", "inf", "0x1f", "12:30", "1_000", "=", "<<", "???"),
    *("a: b", "- a", "# a", "a #b", "'", '"', "@a", "%a", "&a", "*a", "!a", "{a}", "[a]", "a,b", "|", ">", "---", "...", "?", ":"),
    *("${seed}", "\\${seed}", "\\\\${seed}", "${oc.env:HOME}", "$", "${", "$ {a}", "a\\", "\\", "C:\\data\\x", "${a}\\", "\\\\\\${x}y\\\\"),
    *("é", "日本語", "🙂", "\u00a0x", "\u2028", "\x85", "a\nb", "\ta", "a\r\n", "trailing ", "\x7f", "\ufeff", "x" * 300, "a " * 200),
]  # fmt: skip


def some_text(draw: random.Random) -> str:
    if draw.random() < 0.5:
        return draw.choice([text for text in TEXTS if text != "???"])
    return "".join(draw.choice("ab1.:-+#'\"\\${}[]&*!?|>%@`, \n\té🙂") for _ in range(draw.randrange(12)))


def some_value(draw: random.Random, depth: int = 0):
    kind = draw.randrange(9 if depth < 3 else 6)
    if kind == 0:
        return draw.choice([None, True, False])
    if kind == 1:
        return draw.choice([0, -1, 7, 2**70, draw.randrange(-999, 999)])
    if kind == 2:
        return draw.choice([0.0, -0.0, 1.0, 1e-5, 1e22, 1e300, 5e-324, -2.5, draw.uniform(-1, 1)])
    if kind <= 5:
        return some_text(draw)
    if kind == 6:
        return [some_value(draw, depth + 1) for _ in range(draw.randrange(4))]
    return {
        draw.choice([some_text(draw), draw.randrange(9)]): some_value(draw, depth + 1) for _ in range(draw.randrange(4))
    }


def some_class(draw: random.Random, kind: type[ClassConfig] = ClassConfig, **more) -> ClassConfig:
    arguments = {some_text(draw): some_value(draw) for _ in range(draw.randrange(5))}
    return kind(draw.choice(["a.B", "torch.optim.AdamW", "no.Off"]), arguments, **more)


def some_config(seed: int) -> Config:
    draw = random.Random(seed)
    maybe = draw.choice([True, False])
    return Config(
        name=draw.choice(["run", "off", "12", "1e3", "${seed}", "é: b", "null", "y"]),
        seed=draw.randrange(2**32),
        kind=draw.choice(["train", "smoke"]),
        data=DataConfig(name=draw.choice(["dga", "no"]), target=draw.choice([None, "off", "1"]), batch_size=draw.randrange(1, 999)),
        model=some_class(draw) if maybe else None,
        task=some_class(draw),
        optimizer=some_class(draw) if draw.random() < 0.8 else None,
        scheduler=some_class(draw, SchedulerConfig, interval=draw.choice(["epoch", "step"])) if maybe else None,
        trainer=TrainerConfig(
            devices=draw.choice([1, -1, "auto", [0, 1], "0,1", None]),
            precision=draw.choice(["auto", "16-mixed", 16, "64", None]),
            max_epochs=draw.choice([None, 1, 50]),
            max_time=draw.choice([None, "00:12:30:00", {"hours": 1, "minutes": 30}]),
            limit_val_batches=draw.choice([None, 3, 0.5, 1.0, 1]),
            val_check_interval=draw.choice([None, 10, 0.25, "00:00:30:00", {"minutes": 5}]),
            deterministic=draw.choice([None, True, False, "warn"]),
            gradient_clip_val=draw.choice([None, 0, 1, 0.5]),
            fast_dev_run=draw.choice([None, True, 3]),
        ),
        monitor=MonitorConfig("val/f1_macro", "max"),
        early_stopping=draw.choice([None, EarlyStoppingConfig(3, draw.random())]),
        checkpoint=CheckpointConfig(draw.randrange(1, 5)),
        callbacks=[some_class(draw) for _ in range(draw.randrange(3))],
        tracking=TrackingConfig(draw.choice(["offline", "online", "disabled"])),
    )  # fmt: skip


def load_text(tmp_path, text: str) -> Config:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8", newline="\n")
    return load_config(path).config


@pytest.mark.parametrize("seed", range(60))
def test_a_random_config_reads_back_equal_with_equal_types(tmp_path, seed):
    config = some_config(seed)
    again = load_text(tmp_path, config_to_yaml(config))
    assert again == config
    assert repr(again) == repr(config)  # 1 and 1.0 and True are equal, but not the same


@pytest.mark.parametrize("text", [text for text in TEXTS if text != "???"])
def test_every_odd_text_reads_back(tmp_path, text):
    config = dataclasses.replace(
        Config(data=DataConfig(name="a")), model=ClassConfig("a.B", {"x": text, text: [text], "z": {text: {text: 1}}})
    )
    assert load_text(tmp_path, config_to_yaml(config)) == config


def test_the_written_config_is_full_and_in_the_order_of_the_schema(tmp_path):
    text = config_to_yaml(Config(data=DataConfig(name="dga")))
    top = [line.partition(":")[0] for line in text.splitlines() if not line.startswith((" ", "-"))]
    assert top == [field.name for field in dataclasses.fields(Config)]
    assert "  precision: auto\n" in text
    assert "model: null\n" in text
    assert "  max_time: null\n" in text


def test_writing_is_stable(tmp_path):
    text = config_to_yaml(some_config(3))
    assert config_to_yaml(load_text(tmp_path, text)) == text


def test_words_that_yaml_1_1_takes_for_booleans_are_quoted():
    assert 'name: "off"' in config_to_yaml(Config(name="off"))


def test_the_dictionary_is_plain_and_apart_from_the_config():
    config = Config(model=ClassConfig("a.B", {"sizes": [1, 2]}))
    config_to_dict(config)["model"]["init_args"]["sizes"].append(3)
    assert config.model is not None
    assert config.model.init_args == {"sizes": [1, 2]}
