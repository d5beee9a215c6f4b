"""The page of an error analysis: what is on it, that content stays content, and that no evaluation fails for it."""

from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from projectkit import datasets
from projectkit.data import DataModule
from projectkit.datasets import Samples, Table, Texts
from projectkit.errors import UserError
from projectkit.evaluation import evaluate
from projectkit.evaluation.attribution import Attribution
from projectkit.evaluation.mistakes import Mistake, anomaly_mistakes, classification_mistakes, regression_mistakes
from projectkit.evaluation.page import Content, Shown, page_html
from projectkit.evaluation.report import Options
from projectkit.evaluation.slices import Column, find_slices
from projectkit.figures import attributed, svg_bytes
from projectkit.project import require_project
from projectkit.runs import Run, keep_run
from projectkit.training import train

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\u202etxet denrut\u2066",
    "half \ud83d of it",
    "zero \0 byte \x1b[2J",
    "</bdi></p></li><h1>not a heading</h1>",
    "http://phish.example/login",
    "&lt;b&gt; ' \" `",
)
MOST_BYTES = 3 * 2**20


class Reader(HTMLParser):
    """Tags with their attributes, and what is written between them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "wbr", "br", "polyline", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


def content(samples: Samples, names: tuple[str, ...], modality: str, **changes: Any) -> Content:
    """A page on which the model is wrong everywhere, and everything has an attribution."""
    n = len(samples)
    target = np.zeros(n, dtype=np.int64)
    score = np.tile([0.1, 0.9], (n, 1))
    mistakes = classification_mistakes(samples.id, target, score, names)
    columns = [Column(names[0], np.array([names[1], "b"] * 60)[:120])]
    slices = find_slices(np.arange(120) % 2, columns, empty=[f"class {names[0]}"])
    wrong = tuple(
        Shown(each, each.row, {names[0]: names[1]}, changes.pop("attribution", lambda row: None)(each.row))
        if "attribution" in changes and each.row == 0
        else Shown(each, each.row, {names[0]: names[1]}, None, names[0])
        for each in mistakes.shown
    )
    given: dict[str, Any] = {
        "run": names[0],
        "subset": "val",
        "kind": "classification",
        "mistakes": mistakes,
        "slices": slices,
        "wrong": wrong,
        "right": (),
        "samples": samples,
        "modality": modality,
        "typical": None,
        "spread": None,
        "columns": {},
        "columns_n": 0,
        "inputs_left_out": "",
        "slices_svg": None,
        "checkpoint": {"name": names[0]},
        "free": True,
        "in_time": True,
    }
    return Content(**{**given, **changes})


def of_texts(texts: tuple[str, ...], **changes: Any) -> Content:
    samples = Samples(
        id=np.array([f"{number} {text}" for number, text in enumerate(texts)]),
        x=Texts.of(texts),
        y={"target": np.zeros(len(texts), dtype=np.int64)},
    )
    return content(samples, (HOSTILE[0], HOSTILE[1]), "text", **changes)


def refuse_markup(page: bytes) -> Reader:
    read = Reader(page.decode("utf-8"))  # valid UTF-8, whatever went in
    allowed = {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "h1",
        "h2",
        "h3",
        "nav",
        "ul",
        "ol",
        "li",
        "a",
        "main",
        "section",
    }
    allowed |= {
        "p",
        "div",
        "span",
        "dl",
        "dt",
        "dd",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "bdi",
        "img",
        "figure",
    }
    allowed |= {"figcaption", "details", "summary", "svg", "polyline", "rect", "wbr"}
    assert {tag for tag, _ in read.tags} <= allowed
    for _, attributes in read.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert all(
            address.startswith(("#s", "data:image/"))
            for name in ("src", "href")
            if (address := attributes.get(name) or "#s")
        )
    assert not read.open
    assert not re.search("[\0\x1b\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page.decode("utf-8"))
    assert sum(tag == "h1" for tag, _ in read.tags) == 1
    return read


def test_hostile_texts_names_and_ids_stay_content() -> None:
    read = refuse_markup(page_html(of_texts(HOSTILE)))
    assert "<script>alert(1)</script>" in read.text
    assert "\\u202etxet denrut" in read.text
    assert "half \\ud83d of it" in read.text
    assert "zero \\x00 byte" in read.text
    assert "http://" not in read.text
    assert any(attributes.get("http-equiv") == "Content-Security-Policy" for _, attributes in read.tags)


def test_hostile_texts_stay_content_where_their_parts_are_coloured() -> None:
    def attribution(row: int) -> Attribution:
        parts = tuple("".join(HOSTILE))
        values = np.linspace(-1, 1, len(parts)).astype(np.float32)
        return Attribution(row, values, parts, HOSTILE[0], HOSTILE[1], "integrated gradients", 1.0, 0.01)

    read = refuse_markup(page_html(of_texts(("".join(HOSTILE),) * 2, attribution=attribution)))
    assert "<script>alert(1)</script>" in read.text
    kinds = [attributes.get("class") or "" for tag, attributes in read.tags if tag == "span"]
    assert any("for" in kind.split() for kind in kinds)
    assert any("against" in kind.split() for kind in kinds)


def test_hostile_columns_and_categories_of_a_table_stay_content() -> None:
    names = np.array([[text.replace("\0", "")] for text in HOSTILE])
    table = Table(np.ones((len(HOSTILE), 1), dtype=np.float32), (HOSTILE[0],), names, (HOSTILE[1],))
    samples = Samples(
        id=np.arange(len(HOSTILE)).astype(str), x=table, y={"target": np.zeros(len(HOSTILE), dtype=np.int64)}
    )
    typical = Table(
        np.zeros((1, 1), dtype=np.float32), table.numeric_names, np.array([["usual"]]), table.categorical_names
    )
    page = page_html(
        content(
            samples,
            (HOSTILE[0], HOSTILE[1]),
            "tabular",
            typical=typical,
            spread=np.ones(1),
            columns={HOSTILE[1]: 0.5},
            columns_n=3,
        )
    )
    refuse_markup(page)


def test_long_texts_do_not_make_a_large_page() -> None:
    page = page_html(of_texts(tuple("x" * 200_000 for _ in range(24))))
    assert len(page) < 200_000
    assert "more characters" in Reader(page.decode("utf-8")).text


def test_a_mistake_without_its_data_is_listed_without_an_input() -> None:
    bare = of_texts(HOSTILE)
    shown = tuple(Shown(Mistake(0, "a", "x", "y", 0.9)) for _ in range(2))
    without = Content(**{**vars(bare), "samples": None, "wrong": shown, "inputs_left_out": "the data is your own"})
    assert "Inputs are not shown: the data is your own." in Reader(page_html(without).decode("utf-8")).text


def test_the_page_of_a_regression_speaks_of_errors_and_that_of_an_anomaly_score_of_its_threshold() -> None:
    bare = of_texts(HOSTILE)
    n = len(HOSTILE)
    errors = regression_mistakes(bare.samples.id, np.arange(n), np.arange(n) + 0.5)
    shown = tuple(Shown(each, each.row) for each in errors.shown)
    slices = find_slices(np.arange(60.0), [Column("name", np.array(["a", "b"] * 30))], errors=True)
    page = Content(**{**vars(bare), "kind": "regression", "mistakes": errors, "wrong": shown, "slices": slices})
    read = refuse_markup(page_html(page))
    assert "The mean absolute error is 29.5." in read.text
    assert "Largest errors" in read.text
    assert "off by 0.5" in read.text
    alarms = anomaly_mistakes(bare.samples.id, np.zeros(n, dtype=np.int64), np.arange(n), threshold=2.5)
    shown = tuple(Shown(each, each.row) for each in alarms.shown)
    read = refuse_markup(page_html(Content(**{**vars(bare), "kind": "anomaly", "mistakes": alarms, "wrong": shown})))
    assert "A score of 2.5 and more is called an anomaly." in read.text
    assert f"{n - 3} of {n} samples are wrong" in read.text


def test_a_model_without_mistakes_has_a_page_that_says_so() -> None:
    bare = of_texts(HOSTILE)
    right = classification_mistakes(["a"], [0], [[0.9, 0.1]], ("x", "y"))
    read = refuse_markup(page_html(Content(**{**vars(bare), "mistakes": right, "wrong": ()})))
    assert "None of the 1 samples is wrong" in read.text


@pytest.fixture(scope="module")
def runs() -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """Modality -> data set, model, further settings: small ones that need no download."""
    return {
        "tabular": ("synthetic_tabular", "MLP", ("model.init_args={hidden: [8]}",)),
        "text": ("synthetic_text", "CharCNN", ("model.init_args={channels: 8}",)),
        "image": ("digits", "CNN", ("model.init_args={width: 4}",)),
    }


def trained(config: Path, runs: dict[str, Any], modality: str) -> Run:
    name, model, more = runs[modality]
    return train(
        config,
        [
            f"data.name={name}",
            "model.init_args={}",
            f"model.class_path=projectkit.models.{model}",
            *more,
            "trainer.max_epochs=1",
            "optimizer.init_args.lr=0.001",
        ],
    )


@pytest.mark.slow
@pytest.mark.parametrize("modality", ["tabular", "text", "image"])
def test_an_evaluation_leaves_a_page_with_the_mistakes_their_inputs_and_attributions(
    config: Path, runs: dict[str, Any], modality: str
) -> None:
    run = trained(config, runs, modality)
    evaluated = evaluate(run, options=Options(attribute=2, cost=False))
    page = run.path / "errors" / "val" / "index.html"
    assert page in evaluated.files
    assert page.stat().st_size < MOST_BYTES
    read = refuse_markup(page.read_bytes())
    mistakes = evaluated.document["mistakes"]
    predictions = evaluated.run.predictions("val")
    wrong = predictions.score.argmax(axis=1) != predictions.target
    assert f"{wrong.sum():,} of {len(wrong):,} samples are wrong" in read.text
    assert all(f"id: {each['id']}" in read.text for each in mistakes)
    assert "The sum is off by" in read.text
    figures = run.path / "evaluation" / "figures"
    assert (figures / "slices-val.svg").stat().st_size
    assert (figures / "attributions-val.svg").stat().st_size
    assert svg_bytes(attributed(run.figure_data("attributions-val"))) == (figures / "attributions-val.svg").read_bytes()
    # what is committed holds nothing of the samples
    document = json.dumps(evaluated.document["mistakes"])
    assert set(mistakes[0]) == {"id", "target", "predicted", "confidence", "truth"}
    assert len(document) < 24 * 300
    if modality == "tabular":  # one is enough: it takes seconds
        first = page.read_bytes()
        evaluate(run, options=Options(attribute=2, cost=False))
        assert page.read_bytes() == first


@pytest.mark.slow
def test_what_is_kept_in_git_holds_no_inputs_and_a_test_subset_is_warned_of(config: Path, runs: dict[str, Any]) -> None:
    run = trained(config, runs, "tabular")
    stale = run.path / "evaluation" / "figures" / "attributions-test.svg"
    stale.parent.mkdir(parents=True)
    stale.write_text("of former weights", encoding="utf-8")
    evaluate(run, "test", options=Options(attribute=0, cost=False))
    assert not stale.exists()
    page = (run.path / "errors" / "test" / "index.html").read_text(encoding="utf-8")
    assert "has trained on test" in page
    assert "The sum is off by" not in page
    kept = keep_run(run, require_project())
    assert not (kept / "errors").exists()
    assert (kept / "evaluation" / "test.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("modality", ["text", "image"])
def test_a_figure_of_samples_that_may_not_be_passed_on_stays_out_of_git_exports_and_trackers(
    config: Path, runs: dict[str, Any], modality: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(config, runs, modality)
    card = dataclasses.replace(datasets.card(runs[modality][0]), redistributable=False)
    monkeypatch.setattr(DataModule, "card", card)
    evaluated = evaluate(run, options=Options(attribute=2, cost=False))
    held_back = run.path / "errors" / "figures" / "attributions-val.svg"
    assert held_back in evaluated.files
    assert held_back.stat().st_size
    # kept, exported and synced are the figures of `evaluation/`
    assert held_back.with_suffix(".json").stat().st_size
    assert not list((run.path / "evaluation" / "figures").glob("attributions*"))
    with pytest.raises(UserError, match="may not be passed on") as refused:
        run.figure("attributions-val")
    assert "errors/figures/attributions-val.svg" in refused.value.remedy
    kept = keep_run(run, require_project())
    assert not [path for path in kept.rglob("*") if "attributions" in path.name]


MOODY = """
import torch
from pytorch_lightning import LightningModule
from torch import nn


class Moody(LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(WIDTH, 3)

    def forward(self, x):
        if len(x) == 1 or torch.is_grad_enabled():
            raise KeyError("one sample alone is beneath me")
        return self.layer(x)

    def training_step(self, batch, index):
        return nn.functional.cross_entropy(self.layer(batch[0]), batch[1])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)
"""


@pytest.mark.slow
def test_an_evaluation_does_not_fail_for_a_network_that_cannot_be_attributed(
    project: Path, config: Path, team_file: Any
) -> None:
    width = DataModule("synthetic_tabular").spec.num_features
    team_file("moody", MOODY.replace("WIDTH", str(width)))
    path = project / "configs" / "own.yaml"
    path.write_text(
        "name: own\ndata: {name: synthetic_tabular}\ntask: {class_path: team.moody.Moody}\n"
        "trainer: {max_epochs: 1, accelerator: cpu}\ntracking: {wandb: disabled}\n",
        encoding="utf-8",
    )
    run = train(path)
    evaluated = evaluate(run, options=Options(attribute=2, cost=False))
    page = Reader((run.path / "errors" / "val" / "index.html").read_text(encoding="utf-8"))
    assert "No attribution: KeyError: 'one sample alone is beneath me'." in page.text
    assert evaluated.document["mistakes"]
    assert not (run.path / "evaluation" / "figures" / "attributions-val.svg").exists()
