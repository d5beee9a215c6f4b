"""A card in YAML: ten lines for plain files, each mistake one line with its place."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import projectkit as pk
from projectkit.errors import ProjectkitError, UserError, WorkError

FLOWS = "host,seconds,bytes,protocol,attack\n" + "".join(
    f"h{n % 12},{n / 7:.3f},{n * 37 % 1000},{('tcp', 'udp')[n % 3 == 0]},{('benign', 'scan')[n % 5 < 2]}\n"
    for n in range(120)
)
TABLE = {
    "format": "csv",
    "label": "attack",
    "classes": ["benign", "scan"],
    "numeric": ["seconds", "bytes"],
    "categorical": ["protocol"],
}

Publish = Callable[..., Path]


def test_a_card_of_ten_lines_is_a_data_set(publish: Publish) -> None:
    path = publish({"flows.csv": FLOWS})
    size, digest = len(FLOWS), hashlib.sha256(FLOWS.encode()).hexdigest()
    path.write_text(
        f"""title: Flows of our lab
format: csv
files: [{{name: flows.csv, size: {size}, sha256: "{digest}"}}]
label: attack
classes: [benign, scan]
numeric: [seconds, bytes]
categorical: [protocol]
group: host
split: by_group
licence: CC BY 4.0
""",
        encoding="utf-8",
    )
    card = pk.datasets.card("ours")
    assert (card.title, card.modality, card.licence, card.targets["attack"].kind) == (
        "Flows of our lab",
        "tabular",
        "CC BY 4.0",
        "binary",
    )
    samples = pk.datasets.load("ours")
    assert isinstance(samples.x, pk.datasets.Table)
    np.testing.assert_array_equal(samples.x.numeric[:3], np.float32([[0, 0], [0.143, 37], [0.286, 74]]))
    assert samples.x.categorical[:4, 0].tolist() == ["udp", "tcp", "tcp", "udp"]
    assert samples.y["attack"][:6].tolist() == [1, 1, 0, 0, 0, 1]
    assert samples.id[119] == "flows-000119"
    parts = pk.datasets.split("ours", samples=samples).subsets
    assert samples.group is not None
    groups = [set(samples.group[rows].tolist()) for rows in parts.values()]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 12


def test_what_a_csv_may_hold_is_read_as_it_is_meant(publish: Publish) -> None:
    text = '\ufeffid;message;label\r\nb;"two\r\nlines; ""quoted""";no\r\n\r\na; kept ;yes\r\nc;;no\r\n'
    publish({"m.csv": text}, format="csv", delimiter=";", text="message", label="label", classes=["no", "yes"], id="id")
    samples = pk.datasets.card("ours").read({"m.csv": pk.datasets.card("ours").folder / "m.csv"})
    assert list(samples.x) == ['two\r\nlines; "quoted"', " kept ", ""]
    assert samples.id.tolist() == ["b", "a", "c"]
    assert samples.y["label"].tolist() == [0, 1, 0]


def test_missing_and_infinite_numbers_are_nan(publish: Publish) -> None:
    publish(
        {"m.csv": "a,y\n1.5,0\n,1\nNaN,0\n?,1\n-Infinity,0\n1e999,1\n"},
        format="csv",
        numeric="a",
        label="y",
        classes=[0, 1],
    )
    assert np.isnan(pk.datasets.load("ours").x.numeric[:, 0]).tolist() == [False, True, True, True, True, True]


def test_tsv_and_jsonl_give_the_same_samples(publish: Publish) -> None:
    rows = [("ham", "see you\tsoon", 3), ("spam", "win € now", None)]
    publish(
        {"m.jsonl": "".join(json.dumps({"y": y, "t": t, "n": n}) + "\n" for y, t, n in rows)},
        format="jsonl",
        text="t",
        label="y",
        classes=["ham", "spam"],
    )
    first = pk.datasets.load("ours")
    publish(
        {"m.tsv": 'y\tt\tn\nham\t"see you\tsoon"\t3\nspam\twin € now\t\n'},
        format="tsv",
        text="t",
        label="y",
        classes=["ham", "spam"],
    )
    second = pk.datasets.load("ours")
    assert list(first.x) == list(second.x) == ["see you\tsoon", "win € now"]
    assert first.id.tolist() == second.id.tolist()


def test_several_files_are_told_apart_by_their_names(publish: Publish) -> None:
    half = FLOWS.index("h0,", len(FLOWS) // 2)
    publish(
        {"train.csv": FLOWS[:half], "test.csv": FLOWS.partition("\n")[0] + "\n" + FLOWS[half:]},
        **TABLE,
        test=["test.csv"],
    )
    samples = pk.datasets.load("ours")
    subsets = pk.datasets.split("ours", samples=samples).subsets
    assert samples.source is not None
    assert set(samples.source[subsets["test"]].tolist()) == {"test.csv"}
    assert set(samples.source[subsets["val"]].tolist()) == {"train.csv"}


def test_a_file_of_several_targets_has_a_card_of_several(publish: Publish) -> None:
    targets = {
        "attack": {"classes": ["benign", "scan"], "kind": "anomaly"},
        "wire": {"column": "protocol", "classes": ["tcp", "udp"]},
    }
    publish({"flows.csv": FLOWS}, format="csv", numeric=["bytes"], targets=targets)
    card, samples = pk.datasets.card("ours"), pk.datasets.load("ours")
    assert (card.default_target, card.targets["attack"].kind, card.targets["wire"].kind) == (
        "attack",
        "anomaly",
        "binary",
    )
    assert samples.y["wire"][:4].tolist() == [1, 0, 0, 1]


def test_dates_and_numbers_are_times(publish: Publish) -> None:
    text = "t,a,y\n2026-01-02 00:00:00,1,p\n2026-01-01T00:00:00+00:00,2,q\n"
    publish({"m.csv": text}, format="csv", numeric=["a"], label="y", classes=["p", "q"], time="t", split="by_time")
    assert np.diff(pk.datasets.load("ours").time).tolist() == [-86400.0]
    publish(
        {"m.csv": "t,a,y\n02/01/26 00,1,p\n01/01/26 00,2,q\n"},
        **{
            "format": "csv",
            "numeric": ["a"],
            "label": "y",
            "classes": ["p", "q"],
            "time": "t",
            "time_format": "%d/%m/%y %H",
        },
    )
    assert np.diff(pk.datasets.load("ours").time).tolist() == [-86400.0]


def test_a_number_can_be_an_input_and_the_time(publish: Publish) -> None:
    publish({"flows.csv": FLOWS}, **TABLE, time="seconds", split="by_time")
    samples = pk.datasets.load("ours")
    assert samples.time is not None
    np.testing.assert_allclose(samples.time, samples.x.numeric[:, 0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labl": "attack"}, "labl: unknown key; did you mean 'label'?"),
        ({"format": "xlsx"}, "format: 'xlsx' is not possible; write one of csv, tsv, jsonl, images, npz"),
        ({"format": None}, "`format` is missing"),
        ({"classes": ["benign"]}, "classes: at least two different classes are needed"),
        ({"classes": "benign"}, "classes: at least two different classes are needed"),
        ({"label": None}, "label: it must have one of `label` and `targets`"),
        ({"label": "bytes"}, "label: the label ['bytes'] is an input as well; take it out of the inputs"),
        ({"text": "protocol"}, "text: it must say which columns are the input"),
        ({"numeric": ["bytes", "bytes"]}, "['bytes'] is an input twice"),
        ({"numeric": {"a": 1}}, "{'a': 1} is not text"),
        ({"redistributable": "yes"}, "redistributable: 'yes' is not true or false"),
        ({"delimiter": ";;"}, "';;' is not one character"),
        ({"encoding": "utf-9"}, "there is no encoding 'utf-9'"),
        ({"encoding": "zlib"}, "there is no encoding 'zlib'"),
        ({"split": "random"}, "'random' is not possible; write one of stratified"),
        ({"split": "by_group"}, "`split: by_group` needs groups; name their column"),
        ({"split": "by_time"}, "`split: by_time` needs times"),
        ({"split": "official"}, "`split: official` needs its test set"),
        ({"test": ["x"]}, "a test set of one file needs a column that says so"),
        ({"val": ["x"]}, "`val` without `test`"),
        ({"near_duplicates": "fuzzy"}, "write one of masked, minhash, perceptual_hash"),
        ({"near_duplicates": "masked"}, "near_duplicates: masked is not for tabular data; remove the line"),
        ({"withheld": {"subset": "test", "file": "x", "sha256": "y"}}, "drawn by `source`; write `split: official`"),
        ({"files": [{"name": "a/b.csv", "size": 1, "sha256": "0" * 64}]}, "'a/b.csv' is not the name of a file"),
        ({"files": [{"name": "b.csv", "size": 1, "sha256": "0"}]}, "size or SHA-256 of b.csv is malformed"),
        ({"files": [{"name": "b.csv", "size": 1, "sha256": "0" * 64, "urls": ["ftp://x"]}]}, "not a URL"),
        ({"files": []}, "it needs files of different names"),
        ({"targets": {"a": "b"}, "label": None, "classes": None}, "a target has column, classes and kind"),
    ],
)
def test_a_mistake_in_a_card_is_one_line_with_its_place(publish: Publish, change: dict[str, Any], message: str) -> None:
    publish({"flows.csv": FLOWS}, **{**TABLE, **change})
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        pk.datasets.card("ours")
    assert "ours.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "change", "message"),
    [
        ("h3,", "h3,,", {}, "flows.csv:5: 6 cells, but the header has 5 columns; mend that line"),
        (",111,", ",many,", {}, "flows.csv:5, bytes: 'many' is not a number"),
        (",111,", ",1_000,", {}, "flows.csv:5, bytes: '1_000' is not a number"),
        ("111,udp,benign", "111,udp,scna", {}, "flows.csv:5: the label 'scna' is not a class; did you mean 'scan'?"),
        ("111,udp,benign", "111,udp,", {}, "flows.csv:5: no label in 'attack'"),
        ("h3,", '"h3,', {}, "flows.csv:121: not a CSV line"),
        ("host,", "bytes,", {}, "flows.csv:1: two columns are called 'bytes'"),
        (
            "bytes,protocol",
            "octets,protocol",
            {},
            "flows.csv: no column 'bytes'; did you mean 'octets'?",
        ),
        ("h3,", "\udce4,", {}, "flows.csv:5: not utf-8"),
        ("h3,", ",", {"id": "host"}, "flows.csv:5: no host"),
        ("h3,", "h4,", {"id": "host"}, "flows.csv:6: 'h4' in 'host' has been there before"),
        ("h3,", "h3,", {"time": "host"}, "flows.csv:2: 'h0' in 'host' is no time"),
    ],
)
def test_a_mistake_in_a_file_is_one_line_with_its_number(
    publish: Publish, old: str, new: str, change: dict[str, Any], message: str
) -> None:
    content = FLOWS.replace(old, new, 1).encode("utf-8", "surrogateescape")
    publish({"flows.csv": content}, **{**TABLE, **change})
    with pytest.raises(ProjectkitError, match=re.escape(message)):
        pk.datasets.load("ours")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"t": "a", "y": "p"}\nnonsense\n', "m.jsonl:2: not JSON"),
        ('{"t": "a", "y": "p"}\n["a"]\n', "m.jsonl:2: a list, not an object"),
        ("\n", "m.jsonl: no object in it"),
    ],
)
def test_a_mistake_in_jsonl_has_its_line(publish: Publish, content: str, message: str) -> None:
    publish({"m.jsonl": content}, format="jsonl", text="t", label="y", classes=["p", "q"])
    with pytest.raises(WorkError, match=re.escape(message)):
        pk.datasets.load("ours")


def test_a_header_alone_is_no_data(publish: Publish) -> None:
    publish({"flows.csv": FLOWS.partition("\n")[0]}, **TABLE)
    with pytest.raises(WorkError, match=r"flows\.csv: no row below a header"):
        pk.datasets.load("ours")


def test_what_decides_the_samples_changes_the_digest_and_a_description_does_not(publish: Publish) -> None:
    publish({"flows.csv": FLOWS}, **TABLE)
    before = pk.datasets.card("ours").digest
    publish({"flows.csv": FLOWS}, **TABLE, description="Better.", licence="MIT")
    assert pk.datasets.card("ours").digest == before
    publish({"flows.csv": FLOWS}, **{**TABLE, "numeric": ["bytes"]})
    assert pk.datasets.card("ours").digest != before


def test_a_changed_file_beside_the_card_is_refused(publish: Publish) -> None:
    path = publish({"flows.csv": FLOWS}, **TABLE)
    (path.parent / "flows.csv").write_text(FLOWS.replace("tcp", "udp"), encoding="utf-8", newline="\n")
    with pytest.raises(WorkError, match=r"flows\.csv"):
        pk.datasets.load("ours")
