"""Every card against its data: complete, of its modality's form, with its rows and classes (its splits: test_datasets_properties.py)."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from datasets_golden import loaded

from projectkit.datasets import Table, Texts, Tokens, catalogue
from projectkit.datasets.copies.duplicates import masked
from projectkit.errors import UserError

every_set = pytest.mark.parametrize("name", catalogue._NAMES, indirect=True)


@pytest.mark.parametrize("wanted", catalogue._NAMES)
def test_a_card_is_complete_and_consistent(wanted: str) -> None:
    card = catalogue.card(wanted)
    assert card.name == wanted
    assert card.default_target in card.targets
    for text in (card.title, card.description, card.licence, card.citation):
        assert text.strip()
        assert "\n" not in text
    assert card.traps
    for target in card.targets.values():
        assert target.split in card.splits
        assert len(set(target.class_names)) == len(target.class_names)
        assert (len(target.class_names) == 2) == (target.kind in ("binary", "anomaly"))
    for file in card.files:
        assert len(file.sha256) == 64
        assert file.size > 0
        assert all(url.startswith("https://") for url in file.urls)
        assert file.urls or card.origin
    for policy in card.splits.values():
        assert policy.about
        assert json.loads(json.dumps(policy.arguments)) == policy.arguments


def test_the_cards_digest_is_that_of_its_facts_not_of_its_prose() -> None:
    card = catalogue.card("sms")
    assert dataclasses.replace(card, description="better said").digest == card.digest
    moved = dataclasses.replace(card.files[0], urls=())
    assert dataclasses.replace(card, files=(moved,)).digest == card.digest
    other = dataclasses.replace(card.files[0], sha256="0" * 64)
    assert dataclasses.replace(card, files=(other,)).digest != card.digest


@every_set
def test_samples_have_the_form_of_their_modality(name: str) -> None:
    card, x = catalogue.card(name), loaded(name).x
    match card.modality:
        case "tabular":
            assert isinstance(x, Table)
            assert x.numeric.dtype == np.float32
            assert not np.isinf(x.numeric).any()
        case "text":
            assert isinstance(x, Texts)
            assert (np.diff(x.offsets) > 0).all()  # no text is empty
        case "tokens":
            assert isinstance(x, Tokens)
            assert (np.diff(x.offsets) > 0).all()
        case "image":
            assert isinstance(x, np.ndarray)
            assert (x.dtype, x.ndim) == (np.uint8, 4)
            assert x.shape[1] in (1, 3)
        case "series":
            assert isinstance(x, np.ndarray)
            assert (x.dtype, x.ndim) == (np.float32, 3)
            assert np.isfinite(x).all()


@pytest.mark.usefixtures("real_data")
def test_sms_has_its_rows_classes_and_templates() -> None:
    samples = catalogue.load("sms")
    assert np.bincount(samples.y["label"]).tolist() == [4844, 638, 489]
    split = catalogue.split("sms", samples=samples)
    kept = [masked(samples.x[row]) for rows in split.subsets.values() for row in rows]
    assert len(kept) == len(set(kept)) == len(set(map(masked, samples.x)))


@pytest.mark.usefixtures("real_data")
def test_dga_has_its_rows_and_its_test_families_are_never_trained_on() -> None:
    samples = catalogue.load("dga")
    assert len(samples) == 30_496
    assert samples.y["malicious"].sum() == 20_496
    assert samples.group is not None
    split = catalogue.split("dga", target="malicious", samples=samples)
    families = [{group for group in samples.group[rows] if "benign" not in group} for rows in split.subsets.values()]
    assert [len(part) for part in families] == [17, 2, 5]
    assert len(set().union(*families)) == 24


def test_leaving_families_out_is_refused_for_telling_families_apart(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("real_data")
    with pytest.raises(
        UserError,
        match=r"split 'leave_families_out' of dga: class '.*' is in train but not in test; use split 'stratified' for target 'family'",
    ):
        catalogue.split("dga", "leave_families_out", target="family")


@pytest.mark.usefixtures("real_data")
def test_nsl_kdd_has_its_rows_categories_and_no_difficulty() -> None:
    samples = catalogue.load("nsl_kdd")
    assert Counter(samples.source) == {"KDDTrain+": 25_192, "KDDTest+": 22_544 - 11_850, "KDDTest-21": 11_850}
    split = catalogue.split("nsl_kdd", samples=samples)
    assert {part: len(split.subsets[part]) for part in ("test", "test_21")} == {"test": 22_544, "test_21": 11_850}
    assert len(split.subsets["train"]) + len(split.subsets["val"]) == 25_192 - 117
    assert np.bincount(samples.y["category"][split.subsets["test"]]).tolist() == [9711, 7460, 2421, 2885, 67]
    assert isinstance(samples.x, Table)
    assert samples.x.numeric.shape == (47_736, 38)
    assert samples.x.categorical_names == ("protocol_type", "service", "flag")
    assert samples.x.numeric_names[-1] == "dst_host_srv_rerror_rate"
    assert samples.x.numeric[:, -1].max() <= 1.0  # rates; the difficulty goes to 21


def test_kdd_test_21_is_the_published_one(real_data: None, real_mirror: str) -> None:
    import csv
    import gzip

    with gzip.open(Path(real_mirror) / "nsl_kdd" / "KDDTest-21.txt.gz", "rt", encoding="ascii", newline="") as stream:
        published = Counter(
            (tuple(np.array(row[:1] + row[4:41], dtype=np.float32)), *row[1:4], row[41] != "normal")
            for row in csv.reader(stream)
        )
    samples = catalogue.load("nsl_kdd")
    ours = samples.take(catalogue.split("nsl_kdd", samples=samples).subsets["test_21"])
    assert isinstance(ours.x, Table)
    rows = zip(ours.x.numeric, ours.x.categorical, ours.y["attack"], strict=True)
    assert Counter((tuple(numbers), *words, bool(attack)) for numbers, words, attack in rows) == published


@pytest.mark.usefixtures("real_data")
def test_fashion_mnist_has_its_rows_and_its_own_test_set() -> None:
    samples = catalogue.load("fashion_mnist")
    assert isinstance(samples.x, np.ndarray)
    assert samples.x.shape == (70_000, 1, 28, 28)
    assert catalogue.split("fashion_mnist", samples=samples).subsets["test"].tolist() == list(range(60_000, 70_000))
    assert np.bincount(samples.y["article"]).tolist() == [7000] * 10


def test_digits_use_the_whole_range_of_a_byte() -> None:
    samples = catalogue.load("digits")
    assert isinstance(samples.x, np.ndarray)
    assert samples.x.shape == (1797, 1, 8, 8)
    assert (samples.x.min(), samples.x.max()) == (0, 255)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("synthetic_text", 0.8, 0.95), ("synthetic_tabular", 0.8, 0.95), ("synthetic_images", 0.8, 0.95)],
)
def test_synthetic_sets_can_be_learnt_but_not_perfectly(name: str, low: float, high: float) -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import OneHotEncoder

    samples = catalogue.load(name)
    subsets = catalogue.split(name, samples=samples).subsets
    labels = samples.y[catalogue.card(name).default_target]
    if isinstance(samples.x, Table):
        inputs = np.hstack([samples.x.numeric, OneHotEncoder(sparse_output=False).fit_transform(samples.x.categorical)])
    elif isinstance(samples.x, Texts):
        inputs = CountVectorizer(token_pattern=r"\w+", min_df=5).fit_transform(samples.x)
    else:
        inputs = samples.x.reshape(len(samples), -1) / 255.0
    model = LogisticRegression(max_iter=300).fit(inputs[subsets["train"]], labels[subsets["train"]])
    assert low < model.score(inputs[subsets["test"]], labels[subsets["test"]]) < high
