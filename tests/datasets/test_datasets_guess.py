"""What `data new` makes of files that it has never seen: the part of each column, and what it warns about."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from projectkit.config import read_yaml
from projectkit.datasets.own.cardtext import card_text, value_text
from projectkit.datasets.own.concerns import concerns, helpful_near_duplicates
from projectkit.datasets.own.described import read_card
from projectkit.datasets.own.guess import ordered, propose
from projectkit.datasets.own.newcard import default_name, write_new
from projectkit.datasets.own.survey import survey
from projectkit.errors import UserError, WorkError

WORDS = [
    "server",
    "timeout",
    "login",
    "failed",
    "user",
    "root",
    "closed",
    "port",
    "reset",
    "packet",
    "invalid",
    "retry",
]


def table(columns: dict[str, Sequence[Any]], delimiter: str = ",") -> str:
    lines = [columns.keys(), *zip(*columns.values(), strict=True)]
    return "".join(delimiter.join(map(str, line)) + "\n" for line in lines)


def flows(n: int = 200) -> dict[str, Sequence[Any]]:
    draw = random.Random(4)
    labels = [draw.choice(["benign", "benign", "scan"]) for _ in range(n)]
    return {
        "flow": range(n),
        "src_host": [f"host{draw.randrange(30)}" for _ in range(n)],
        "seconds": [f"{draw.gauss(label == 'scan', 1):.4f}" for label in labels],
        "bytes": [draw.randrange(10_000) for _ in range(n)],
        "protocol": [draw.choice(["tcp", "udp"]) for _ in range(n)],
        "probe": ["a"] * n,
        "payload_hash": [f"{draw.randrange(16**8):08x}z" for _ in range(n)],
        "Label": labels,
    }


@pytest.fixture
def seen(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """A function from a file's text to what is proposed for it."""

    def guess(text: str | bytes, name: str = "flows.csv", **given: str) -> dict[str, Any]:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        keys, left_out = propose(survey([path]), **given)
        return keys | {"left_out": left_out}

    return guess


def test_each_column_of_a_table_gets_its_part(seen: Callable[..., dict[str, Any]]) -> None:
    keys = seen(table(flows()))
    assert keys.pop("left_out") == {
        "probe": "it has one value only",
        "payload_hash": "200 different values, too many for a category",
    }
    assert keys == {
        "format": "csv",
        "numeric": ["seconds", "bytes"],
        "categorical": ["protocol"],
        "label": "Label",
        "classes": ["benign", "scan"],
        "id": "flow",
        "group": "src_host",
        "split": "by_group",
    }


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_delimiter_and_encoding_are_seen(seen: Callable[..., dict[str, Any]], delimiter: str, encoding: str) -> None:
    columns = {"name": ["Müller, A", "Groß, B", "Çelik, C"] * 20, "size": range(60), "class": ["p", "q", "q"] * 20}
    keys = seen(table(columns, delimiter).encode(encoding))
    assert keys["delimiter"] == delimiter
    assert keys.get("encoding", "utf-8") == encoding.removesuffix("-sig")
    assert keys["label"] == "class"


def test_what_a_person_says_goes_before_the_guess_and_the_rest_follows(seen: Callable[..., dict[str, Any]]) -> None:
    keys = seen(table(flows()), label="protocol", group="")
    assert (keys["label"], keys["classes"], keys["split"]) == ("protocol", ["tcp", "udp"], "stratified")
    assert keys["categorical"] == ["src_host", "Label"]
    assert "group" not in keys


def test_a_column_that_is_not_there_has_a_nearest_one(seen: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(UserError, match="no column 'protocl'; did you mean 'protocol'"):
        seen(table(flows()), label="protocl")


def test_long_strings_are_the_input_of_a_text_set(seen: Callable[..., dict[str, Any]]) -> None:
    draw = random.Random(1)
    texts = [" ".join(draw.choices(WORDS, k=8)) for _ in range(80)]
    keys = seen(table({"message": texts, "length": map(len, texts), "is_attack": [0, 1] * 40}))
    assert (keys["text"], keys["label"], keys["classes"]) == ("message", "is_attack", ["0", "1"])
    assert keys["left_out"] == {"length": "the text alone is the input"}


def test_short_names_are_the_input_where_there_is_nothing_else(seen: Callable[..., dict[str, Any]]) -> None:
    keys = seen(table({"domain": [f"x{n * 7919 % 1000}.org" for n in range(300)], "family": ["a", "b", "c"] * 100}))
    assert (keys["text"], keys["label"]) == ("domain", "family")


def test_dates_make_a_split_by_time(seen: Callable[..., dict[str, Any]]) -> None:
    days = [f"2026-01-{n % 28 + 1:02d} 12:00:00" for n in range(60)]
    keys = seen(table({"when": days, "size": range(5, 65), "class": ["p", "q"] * 30}))
    assert (keys["time"], keys["split"]) == ("when", "by_time")


def test_a_duration_is_no_time(seen: Callable[..., dict[str, Any]]) -> None:
    values = [n * 7 % 60 for n in range(60)]
    assert seen(table({"connection time": values, "class": ["p", "q"] * 30}))["numeric"] == ["connection time"]
    epochs = [1_700_000_000 + value for value in values]
    assert (
        seen(table({"connection time": epochs, "size": values, "class": ["p", "q"] * 30}))["time"] == "connection time"
    )


def test_a_column_of_subsets_makes_an_official_split(seen: Callable[..., dict[str, Any]]) -> None:
    subsets = ["train"] * 40 + ["validation"] * 10 + ["test"] * 10
    keys = seen(table({"size": range(5, 65), "class": ["p", "q"] * 30, "split": subsets}))
    assert (keys["source"], keys["split"], keys["test"], keys["val"]) == ("split", "official", ["test"], ["validation"])


def test_files_called_train_and_test_make_an_official_split(tmp_path: Path) -> None:
    paths = [tmp_path / "lab_train.csv", tmp_path / "lab_test.csv"]
    for path in paths:
        path.write_text(table({"size": range(60), "class": ["p", "q"] * 30}), encoding="utf-8")
    keys, _ = propose(survey(paths))
    assert (keys["split"], keys["test"]) == ("official", ["lab_test.csv"])
    assert default_name(paths) == "lab"


def test_files_of_different_columns_are_refused(tmp_path: Path) -> None:
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    paths[0].write_text("x,y\n1,2\n", encoding="utf-8")
    paths[1].write_text("x,z\n1,2\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"b\.csv: the column 'y' is not in each of the files"):
        survey(paths)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", b"x", r"a\.xlsx: no card in YAML is for these"),
        ("a.csv", b"x,y\n1,2\n1\n", r"a\.csv:3: 1 cells, but the header has 2 columns"),
        ("a.npz", b"x", "cannot be read as npz"),
        ("a.csv", b"size\n1\n1\n", "no column looks like a label; name it: --label COLUMN"),
    ],
)
def test_what_cannot_be_guessed_is_one_line(
    seen: Callable[..., dict[str, Any]], name: str, content: bytes, message: str
) -> None:
    with pytest.raises((UserError, WorkError), match=message):
        seen(content, name)


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (["10", "9", "-1"], ["-1", "9", "10"]),
        (["scan", "benign"], ["benign", "scan"]),
        (["ham", "Anger"], ["ham", "Anger"]),
        (["b", "a"], ["b", "a"]),  # b has more rows: a is looked for
        (["c", "b", "a"], ["a", "b", "c"]),
    ],
)
def test_of_two_classes_the_one_that_is_looked_for_comes_last(classes: list[str], expected: list[str]) -> None:
    assert ordered(classes, {"b": 9, "a": 1}) == expected


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "two words",
        "",
        "yes",
        "null",
        "1",
        "1e5",
        "12:30",
        "a: b",
        "#1",
        'say "x"',
        "a\\b",
        "ä",
        "\n",
        "😀",
        "\x07",
        "- a",
        "it's",
        " x",
    ],
)
def test_any_string_is_written_so_that_it_is_read_as_itself(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"value: {value_text(text)}\nlist: [{value_text(text)}, b]\n", encoding="utf-8", newline="\n")
    assert read_yaml(path)[0] == {"value": text, "list": [text, "b"]}


def test_a_card_of_many_long_names_is_read_as_it_was_written(tmp_path: Path) -> None:
    names = [f"a column, number {n}" for n in range(40)], [f"c{n}" for n in range(200)]
    path = tmp_path / "a.yaml"
    path.write_text(card_text("a", {"numeric": names[0], "categorical": names[1]}, {"x": "why"}), encoding="utf-8")
    assert read_yaml(path)[0] == {"numeric": names[0], "categorical": names[1]}


@pytest.fixture
def found(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """A function from columns to the topics that are warned about, with their messages."""

    def look(columns: dict[str, Sequence[Any]], **given: str) -> dict[str, str]:
        path = tmp_path / "set.csv"
        path.write_text(table(columns), encoding="utf-8")
        seen = survey([path])
        keys, left_out = propose(seen, **given)
        made = write_new([path], seen, keys, left_out, name="ours", folder=tmp_path / "cards", force=True)
        return {finding.id.partition("/")[2]: finding.message for finding in made.findings if finding.status != "ok"}

    return look


def test_a_clean_table_gives_no_warning(found: Callable[..., dict[str, str]]) -> None:
    clean = {name: cells for name, cells in flows(2000).items() if name != "src_host"}
    assert set(found(clean)) == {"licence"}


def test_copies_and_contradictions_are_counted(found: Callable[..., dict[str, str]]) -> None:
    columns = {"size": [*range(100), 5, 5, 7], "weight": [0] + [1] * 102, "class": ["p", "q"] * 50 + ["p", "q", "q"]}
    messages = found(columns)
    assert messages["duplicates"] == "3 of 103 rows repeat an earlier input (3 times the most frequent one)"
    assert messages["conflicts"].startswith("1 inputs have more than one label (3 rows)")


def test_templates_are_found_in_texts_and_proposed_as_near_duplicates(
    found: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    draw = random.Random(2)
    texts = [" ".join(draw.choices(WORDS, k=9)) for _ in range(300)]
    texts += [f"Your code is {draw.randrange(10**6)}, do not share it" for _ in range(20)]
    messages = found({"text": [t.replace(",", "") for t in texts], "class": ["ham"] * 150 + ["spam"] * 170})
    assert messages["near_duplicates"].startswith("19 rows")
    assert "near_duplicates: masked" in (tmp_path / "cards" / "ours.yaml").read_text(encoding="utf-8")


def test_numbers_that_tell_texts_apart_are_not_masked(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(table({"text": [f"id={n}" for n in range(200)], "class": ["p", "q"] * 100}), encoding="utf-8")
    made = write_new(
        [path], survey([path]), *propose(survey([path]), text="text"), name="ours", folder=tmp_path / "cards"
    )
    assert "near_duplicates" not in made.path.read_text(encoding="utf-8")


def test_rare_classes_and_spellings_are_named(found: Callable[..., dict[str, str]]) -> None:
    messages = found({"size": range(7, 107), "class": ["a", "b"] * 45 + ["A "] * 8 + ["c"] * 2}, label="class")
    assert messages["small_classes"] == "fewer than 10 samples: A (8), c (2)"
    assert messages["spelling"] == "A and a look like one class"


def test_a_column_that_gives_the_label_away_is_named(found: Callable[..., dict[str, str]]) -> None:
    columns = flows(400)
    columns["verdict_code"] = [int(label == "scan") for label in columns["Label"]]
    assert found(columns)["given_away"] == "verdict_code alone tells the class of 100.0% of the rows"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("{}@mail.example.org", "e-mail addresses"),
        ("+49 30 1234{:04d}", "phone numbers"),
        ("10.0.{}.7", "IP addresses"),
    ],
)
def test_what_looks_personal_is_warned_about(found: Callable[..., dict[str, str]], value: str, kind: str) -> None:
    columns = flows(300) | {"whose": [value.format(n % 50) for n in range(300)]}
    assert found(columns)["personal"].startswith(f"whose hold what looks like {kind} (50 of 50)")


def test_a_cell_of_a_million_letters_is_searched_once(found: Callable[..., dict[str, str]]) -> None:
    texts = [f"message {n} of {n * 7 % 13} words" for n in range(40)]
    texts[3] += " " + "z" * 1_000_000  # if each of its letters began a search, this test would last for an hour
    assert "personal" not in found({"text": texts, "label": ["ham", "spam"] * 20})


def test_an_ordinary_number_is_not_personal(found: Callable[..., dict[str, str]]) -> None:
    columns = flows(300) | {
        "version": [f"1.{n % 9}.{n % 7}" for n in range(300)],
        "zip": [f"z{10115 + n % 50}" for n in range(300)],
    }
    assert "personal" not in found(columns)


def test_missing_values_are_counted(found: Callable[..., dict[str, str]]) -> None:
    columns = flows(300)
    columns["bytes"] = [value if n % 3 else "" for n, value in enumerate(columns["bytes"])]
    assert found(columns)["missing"] == "bytes: missing in 100 of 300 rows"


def test_a_split_that_cannot_be_made_is_an_error(found: Callable[..., dict[str, str]]) -> None:
    days = [f"2026-01-{n // 10 + 1:02d}" for n in range(100)]
    messages = found({"day": days, "size": range(3, 103), "class": ["p"] * 80 + ["q"] * 20}, time="day")
    assert messages["split"].startswith("`split: by_time` cannot be made")


def test_pictures_of_a_usual_layout_are_understood(tmp_path: Path) -> None:
    for name in ("train/cat/1.png", "train/dog/2.png", "test/cat/3.png", "test/dog/4.png"):
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pets" / name).write_bytes(b"")
    keys, _ = propose(survey([tmp_path / "pets"]))
    assert (keys["folders"], keys["classes"], keys["test"]) == (["source", "class"], ["cat", "dog"], ["test"])


def test_a_picture_without_a_class_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"")
    (tmp_path / "2.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"2\.png is in no folder of a class"):
        survey([tmp_path])


def test_arrays_are_understood_by_their_shapes(tmp_path: Path) -> None:
    path = tmp_path / "signs.npz"
    np.savez(path, x=np.zeros((40, 8, 8), dtype=np.uint8), y=np.arange(40) % 2, track=np.arange(40) // 4)
    keys, _ = propose(survey([path]))
    assert (keys["modality"], keys["label"], keys["group"], keys["split"]) == ("image", "y", "track", "by_group")


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    path.write_text(table(flows()), encoding="utf-8")
    seen = survey([path])
    keys, left_out = propose(seen)
    with pytest.raises(WorkError, match="is not a class"):
        write_new(
            [path], seen, {**keys, "classes": ["benign", "other"]}, left_out, name="ours", folder=tmp_path / "cards"
        )
    assert not list((tmp_path / "cards").iterdir())


def test_concerns_of_texts_do_not_need_near_duplicates(tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    path.write_text(table(flows()), encoding="utf-8")
    made = write_new([path], survey([path]), *propose(survey([path])), name="ours", folder=tmp_path / "cards")
    card = read_card(made.path)
    samples = card.read({"set.csv": path})
    assert helpful_near_duplicates(samples) is None
    assert [finding.status for finding in concerns(card, samples) if finding.id == "ours/split"] != ["error"]
