import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from projectkit.cli import main
from projectkit.datasets import catalogue, preview
from projectkit.datasets.columns import Table, Texts, Tokens
from projectkit.datasets.samples import Samples


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code


def _samples(x, **columns):
    n = len(x)
    return Samples(
        id=np.array([f"row-{number}" for number in range(n)]), x=x, y={"label": np.zeros(n, dtype=np.int64)}, **columns
    )


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[2J\x1b]0;title\x07",
        "line\r\nline",
        "\x9b31m",
        "\u202egnp.exe",
        "a\u2028b",
        "zero\u200bwidth",
        "\ud800",
        "\x00\x7f",
        "\ue000",
    ],
)
def test_nothing_that_could_act_on_a_terminal_is_left_in_a_text(text):
    shown = preview.harmless(text)
    assert shown.isprintable()
    assert "\x1b" not in shown
    assert shown.encode("utf-8")  # no lone surrogate


@pytest.mark.parametrize(
    "text",
    ["https://evil.example/login", "HTTP://evil.example", "see http ://x and www.evil.example", "http:/evil.example"],
)
def test_an_address_cannot_be_clicked_on(text):
    shown = preview.harmless(text).lower()
    assert "http:" not in shown
    assert "https:" not in shown
    assert "www." not in shown


@pytest.mark.parametrize("text", ["plain", "Ünïcödé", "שלום עולם", "你好，世界" * 20, "👍" * 60, "é" * 90, ""])
def test_a_text_takes_no_more_than_its_width(text):
    from rich.cells import cell_len

    shown = preview.harmless(text, 30)
    assert cell_len(shown) <= 30
    assert shown == text or shown.endswith("…")


def test_an_ordinary_text_is_shown_as_it_is():
    assert preview.harmless("Grüße, 世界 👍") == "Grüße, 世界 👍"


def test_a_sparkline_goes_from_the_lowest_to_the_highest_and_leaves_a_gap_for_what_is_missing():
    assert preview.sparkline(np.arange(8.0)) == "▁▂▃▄▅▆▇█"
    assert preview.sparkline(np.array([0.0, np.nan, 1.0])) == "▁ █"
    assert len(set(preview.sparkline(np.ones(5)))) == 1
    assert preview.sparkline(np.full(3, np.nan)) == ""
    assert len(preview.sparkline(np.arange(5000.0), 40)) == 40


def test_a_picture_in_grey_characters_has_half_as_many_lines_as_rows():
    picture = np.zeros((5, 4, 3), dtype=np.uint8)
    picture[:, 2:] = 255
    assert preview.ascii_picture(picture) == ["  @@"] * 3


def test_a_large_image_is_thinned_and_a_grey_one_becomes_three_equal_channels():
    shown = preview.picture_of(np.arange(70 * 50, dtype=np.uint16).reshape(1, 70, 50).astype(np.uint8))
    assert max(shown.shape[:2]) <= 32
    assert (shown[..., 0] == shown[..., 2]).all()


def test_each_form_of_sample_is_one_line():
    text = _samples(Texts.of(["a\nb" + "x" * 1_000_000]))
    tokens = _samples(Tokens(np.arange(30, dtype=np.int64), np.array([0, 30]), tuple(f"call{n}" for n in range(30))))
    table = _samples(Table(np.array([[1.5, np.nan]], dtype=np.float32), ("size", "age"), np.array([[""]]), ("kind",)))
    series = _samples(np.zeros((1, 2, 40), dtype=np.float32))
    assert preview.sample_text(text, 0).startswith("a\\nbxxx")
    assert len(preview.sample_text(text, 0)) <= preview.LONGEST_TEXT
    assert preview.sample_text(tokens, 0).endswith("… (30 tokens)")
    assert preview.sample_text(table, 0) == "kind missing, size 1.5, age missing"
    assert preview.sample_text(series, 0) == "2 x 40"


def test_a_set_that_is_not_here_has_no_preview_and_is_not_fetched(toy, store_folder):
    assert preview.preview("toy") is None
    assert not store_folder.exists()


def test_samples_are_training_rows_of_different_classes():
    seen = preview.preview("digits")
    train = set(catalogue.load("digits").id[catalogue.split("digits").subsets["train"]].tolist())
    assert {each.id for each in seen.examples} <= train
    assert [each.labels["digit"] for each in seen.examples] == ["0", "1", "2", "3", "4"]


def test_rows_and_class_counts_add_up():
    seen = preview.preview("synthetic_text")
    samples = catalogue.load("synthetic_text")
    assert sum(seen.rows.values()) == len(samples)
    for subset in ("train", "val", "test"):
        assert sum(counts[subset] for counts in seen.classes.values()) == seen.rows[subset]


@pytest.mark.parametrize("name", ["digits", "synthetic_text", "synthetic_tabular", "synthetic_images"])
def test_info_says_what_each_split_does_and_shows_samples(name, capfd):
    assert run("data", "info", name) == 0
    shown = capfd.readouterr().out
    card = catalogue.card(name)
    for policy in card.splits.values():
        assert policy.about in shown
    assert "samples of train" in shown


def test_info_has_the_samples_as_json_too(capfd):
    assert run("data", "info", "digits", "--json") == 0
    facts = json.loads(capfd.readouterr().out)
    assert facts["look"]["rows"]["train"] > 0
    assert facts["look"]["samples"][0]["picture"]
    assert facts["splits"].keys() == catalogue.card("digits").splits.keys()


def test_info_of_a_set_that_is_not_here_says_how_to_get_it(toy, capfd):
    assert run("data", "info", "toy") == 0
    shown = capfd.readouterr().out
    assert "projectkit data fetch toy" in shown
    assert "samples of train" not in shown


def test_a_card_of_many_classes_shows_some_names_and_how_many_there_are(monkeypatch, toy, capfd):
    from dataclasses import replace

    names = tuple(f"class-{number}" for number in range(50))
    many = replace(toy, targets={"label": replace(toy.targets["label"], kind="multiclass", class_names=names)})
    monkeypatch.setitem(sys.modules, "projectkit.datasets.cards.toy", SimpleNamespace(CARD=many))
    assert run("data", "info", "toy") == 0
    shown = capfd.readouterr().out
    assert "50 classes" in shown
    assert "class-49" not in shown


def test_a_picture_on_a_colour_terminal_is_half_blocks(monkeypatch, capfd):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert run("data", "info", "digits") == 0
    assert "▀" in capfd.readouterr().out
