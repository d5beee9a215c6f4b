"""Samples: columns that fit together, or one line that says which does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from projectkit.datasets.columns import Table, Texts, Tokens
from projectkit.datasets.samples import Samples, content_key, encode_labels
from projectkit.errors import WorkError


def samples(**changes: Any) -> Samples:
    columns: dict[str, Any] = {
        "id": np.array(["a", "b", "c"]),
        "x": Texts.of(["one", "two two", "three"]),
        "y": {"label": np.array([0, 1, 0])},
        "group": np.array(["g", "g", "h"]),
        "source": np.array(["s", "t", "t"]),
        "time": np.array([3.0, 1.0, 2.0]),
    }
    return Samples(**(columns | changes))


def table() -> Table:
    return Table(np.zeros((3, 2), np.float32), ("p", "q"), np.full((3, 1), "tcp"), ("protocol",))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"x": Texts.of(["one"])}, "3 ids, but 1 rows in x"),
        ({"group": np.array(["g"])}, "3 ids, but 1 rows in group"),
        ({"y": {"label": np.array([0, 1])}}, r"3 ids, but 2 rows in y\['label'\]"),
        ({"id": np.array(["a", "b", "a"])}, "the id 'a' occurs 2 times"),
        ({"y": {"label": np.array([0.0, 1.0, 0.0])}}, r"y\['label'\] is float64"),
        ({"y": {"label": np.array([0, -2, 0])}}, r"y\['label'\] of b is -2, not a class index"),
    ],
)
def test_columns_that_do_not_fit_are_refused_in_one_line(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(WorkError, match=says):
        samples(**changes)


def test_take_takes_the_same_rows_of_every_column() -> None:
    taken = samples(x=table()).take([2, 0])
    assert len(taken) == len(taken.x) == 2
    assert taken.id.tolist() == ["c", "a"]
    assert taken.y["label"].tolist() == [0, 0]
    assert taken.group is not None
    assert taken.group.tolist() == ["h", "g"]
    assert taken.time is not None
    assert taken.time.tolist() == [2.0, 3.0]


def test_a_table_whose_names_or_rows_do_not_fit_is_refused() -> None:
    with pytest.raises(WorkError, match=r"1 numeric names for an array of shape \(3, 2\)"):
        Table(np.zeros((3, 2), np.float32), ("p",), table().categorical, ("protocol",))
    with pytest.raises(WorkError, match="3 numeric rows, 2 categorical ones"):
        Table(np.zeros((3, 2), np.float32), ("p", "q"), table().categorical[:2], ("protocol",))


def test_a_label_outside_the_classes_is_named_with_its_row_and_the_nearest_class() -> None:
    assert encode_labels(["spam", "ham"], ("ham", "spam"), where="x.csv").tolist() == [1, 0]
    with pytest.raises(WorkError, match=r"x\.csv, sample 2: the label 'smap' is not a class; did you mean 'spam'\?"):
        encode_labels(["spam", "smap"], ("ham", "spam"), where="x.csv")


def test_a_content_key_is_the_same_everywhere() -> None:
    assert content_key("call 0 0 now") == "10f6f066ab129d0d"


def test_texts_keep_every_string_also_damaged_and_empty_ones() -> None:
    strings = ["plain", "", "Zoë 漢字", "\ud800 lone", "a\0b"]
    texts = Texts.of(strings)
    assert list(texts) == strings
    assert [texts[row] for row in range(-5, 5)] == strings * 2
    assert list(texts.take([4, 1, 1, 3])) == [strings[4], "", "", strings[3]]
    assert len(texts.take([])) == 0
    with pytest.raises(IndexError):
        texts[5]


def test_ragged_columns_whose_offsets_do_not_fit_are_refused() -> None:
    values = np.arange(4, dtype=np.uint8)
    for offsets in ([0, 5], [1, 4], [0, 3, 2, 4], []):
        with pytest.raises(WorkError, match="offsets"):
            Texts(values, np.array(offsets, dtype=np.int64))
    with pytest.raises(WorkError, match="token 3 of 3 named ones"):
        Tokens(values, np.array([0, 4]), ("a", "b", "c"))


def test_taking_token_sequences_keeps_their_order_and_names() -> None:
    tokens = Tokens(np.array([2, 0, 1, 1], dtype=np.uint16), np.array([0, 1, 1, 4]), ("a", "b", "c"))
    taken = tokens.take([2, 0, 1])
    assert [taken[row].tolist() for row in range(3)] == [[0, 1, 1], [2], []]
    assert taken.names == tokens.names
    assert taken.values.dtype == np.uint16


def test_what_was_learnt_is_known_by_labels_and_by_how_the_inputs_were_read() -> None:
    rows = np.array([0, 1])
    numbers = np.arange(6, dtype=np.float32).reshape(3, 2)
    pictures = np.zeros((3, 1, 2, 2), np.uint8)
    read: list[Any] = [
        Texts.of(["one", "two two", "three"]),
        Texts.of(["one", "two", " twothree"]),
        Table(numbers, ("p", "q"), np.full((3, 1), "tcp"), ("protocol",)),
        Table(numbers, ("q", "p"), np.full((3, 1), "tcp"), ("protocol",)),
        Table(numbers, ("p", "q"), np.full((3, 1), "udp"), ("protocol",)),
        Table(numbers, ("p", "q"), np.empty((3, 0), np.str_), ()),
        Tokens(np.array([2, 0, 1]), np.arange(4), ("a", "b", "c")),
        Tokens(np.array([2, 0, 1]), np.arange(4), ("a", "c", "b")),
        pictures,
        pictures.astype(np.float32),
    ]
    assert len({samples(x=x).learnt_digest("label", rows) for x in read}) == len(read)
    first = samples().learnt_digest("label", rows)
    assert first != samples(y={"label": np.array([1, 0, 0])}).learnt_digest("label", rows)
    assert first == samples(y={"label": np.array([0, 1, -1])}).learnt_digest("label", rows)  # the label of another row
    wide = Table(numbers.astype(">f4"), ("p", "q"), np.full((3, 1), "tcp", dtype="<U9"), ("protocol",))
    assert samples(x=wide).learnt_digest("label", rows) == samples(x=read[2]).learnt_digest("label", rows)
    assert samples(x=pictures + np.uint8(1)).learnt_digest("label", rows) == samples(x=pictures).learnt_digest(
        "label", rows
    )
