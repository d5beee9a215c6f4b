"""The catalogue: sets by their names, and what is said when a name, a file or a label is wrong."""

from __future__ import annotations

import gzip
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import projectkit as pk
from projectkit.datasets import WITHHELD, Card, Samples, Texts, catalogue
from projectkit.datasets.card import Withheld
from projectkit.errors import UserError, WorkError


@pytest.fixture
def toy_mirror(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror that holds the toy set."""
    file = tmp_path / "mirror" / "toy" / "toy.tsv.gz"
    file.parent.mkdir(parents=True)
    file.write_bytes(gzip.compress(content))
    monkeypatch.setenv("PROJECTKIT_MIRROR", str(tmp_path / "mirror"))
    return file


def test_listing_the_names_imports_no_card_and_nothing_heavy() -> None:
    code = (
        "import sys, projectkit.datasets as d; d.names(); "
        "cards = [m for m in sys.modules if m.removeprefix('projectkit.datasets.') in d.names()]; "
        "heavy = sorted({'torch', 'sklearn', 'scipy', 'requests', 'rich', 'matplotlib'} & set(sys.modules)); "
        "sys.exit(f'{cards} {heavy}' if cards or heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_misspelt_name_has_the_nearest_one() -> None:
    with pytest.raises(UserError, match="no data set is called 'fashion_mist'; did you mean 'fashion_mnist'"):
        pk.datasets.card("fashion_mist")


def test_a_name_cannot_reach_a_module_that_is_no_card() -> None:
    with pytest.raises(UserError, match="no data set is called 'store'"):
        pk.datasets.card("store")


def test_the_function_card_keeps_its_name_in_the_room() -> None:
    import projectkit.datasets.card  # noqa: F401  # importing the module of that name must not replace the function

    assert callable(pk.datasets.card)


def test_loading_fetches_what_is_not_here(toy: Card, toy_mirror: Path) -> None:
    assert not pk.datasets.is_here("toy")
    samples = pk.datasets.load("toy")
    assert len(samples) == 200
    assert samples.x[3] == "message 3"
    assert pk.datasets.is_here("toy")
    toy_mirror.unlink()
    assert len(pk.datasets.load("toy")) == 200


def test_data_that_cannot_be_had_is_never_replaced_by_other_data(toy: Card) -> None:
    with pytest.raises(WorkError, match=r"toy: toy\.tsv cannot be had"):
        pk.datasets.load("toy")
    assert not pk.datasets.is_here("toy")


def test_verify_names_the_file_with_the_flipped_bit(toy: Card, toy_mirror: Path) -> None:
    (path,) = pk.datasets.fetch("toy")
    assert [finding.status for finding in pk.datasets.verify("toy")] == ["ok"]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    (finding,) = pk.datasets.verify("toy")
    assert (finding.id, finding.status, finding.where) == ("toy/toy.tsv", "error", str(path))
    assert "projectkit data fetch toy" in finding.advice
    assert finding.evidence["expected"] != finding.evidence["got"]
    with pytest.raises(WorkError, match="damaged"):
        pk.datasets.load("toy")


def test_half_a_set_is_an_error(toy: Card, toy_mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pk.datasets.fetch("toy")
    other = replace(toy.files[0], name="second.tsv")
    monkeypatch.setattr(sys.modules["projectkit.datasets.cards.toy"], "CARD", replace(toy, files=(*toy.files, other)))
    assert [finding.status for finding in pk.datasets.verify("toy")] == ["ok", "error"]


def test_a_set_without_files_needs_none() -> None:
    assert [finding.status for finding in pk.datasets.verify("digits")] == ["ok"]
    assert pk.datasets.fetch("digits") == []
    assert pk.datasets.is_here("digits")


def test_a_label_outside_the_classes_is_an_error(toy: Card, toy_mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_: object) -> Samples:
        return Samples(id=np.array(["a", "b"]), x=np.array(["x", "y"], dtype=object), y={"label": np.array([0, 2])})

    monkeypatch.setattr(sys.modules["projectkit.datasets.cards.toy"], "CARD", replace(toy, read=read))
    with pytest.raises(WorkError, match="toy: target 'label' of b is 2, but there are 2 classes"):
        pk.datasets.load("toy")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"policy": "official"}, "synthetic_text has no split 'official'; known: stratified"),
        ({"target": "activty"}, "synthetic_text has no target 'activty'; did you mean 'activity'"),
    ],
)
def test_an_unknown_split_or_target_is_named_with_the_known_ones(arguments: dict[str, str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        pk.datasets.split("synthetic_text", **arguments)  # type: ignore[arg-type]


def test_every_name_has_a_card_of_that_name() -> None:
    assert [catalogue.card(name).name for name in catalogue.names()] == catalogue.names()


@pytest.mark.parametrize(
    ("ids", "labels", "says"),
    [
        (["a", "b", "a"], [0, 1, 1], r"toy: the id 'a' occurs 2 times; mend"),
        (["a", "b", "c"], [0, 0, 0], r"toy: no sample has the class 'spam' of target 'label'; take it out of the card"),
        (["a", "b", "c"], [0, -1, 1], r"toy: target 'label' of b is withheld, but the card withholds no labels; mend"),
        (["a", "b"], [0, 1, 1], r"toy: 2 ids, but 3 rows in .*; mend"),
    ],
)
def test_samples_that_contradict_their_card_are_one_line_and_not_kept(
    toy: Card, toy_mirror: Path, monkeypatch: pytest.MonkeyPatch, ids: list[str], labels: list[int], says: str
) -> None:
    def read(_: object) -> Samples:
        return Samples(id=np.array(ids), x=Texts.of(["x", "y", "z"]), y={"label": np.array(labels)})

    monkeypatch.setattr(sys.modules["projectkit.datasets.cards.toy"], "CARD", replace(toy, read=read))
    for _ in range(2):
        with pytest.raises(WorkError, match=says) as caught:
            pk.datasets.load("toy")
        assert "\n" not in str(caught.value)


def test_labels_that_the_course_withholds_may_lack(
    toy: Card, toy_mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(_: object) -> Samples:
        return Samples(id=np.array(["a", "b"]), x=Texts.of(["x", "y"]), y={"label": np.array([0, WITHHELD])})

    withheld = Withheld("test", "toy-labels.csv", "0" * 64)
    monkeypatch.setattr(
        sys.modules["projectkit.datasets.cards.toy"], "CARD", replace(toy, read=read, withheld=withheld)
    )
    assert pk.datasets.load("toy").y["label"].tolist() == [0, WITHHELD]


def test_a_second_load_reads_the_parsed_form(toy: Card, toy_mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = pk.datasets.load("toy")

    def read(_: object) -> Samples:
        raise AssertionError("read again")

    monkeypatch.setattr(sys.modules["projectkit.datasets.cards.toy"], "CARD", replace(toy, read=read))
    again = pk.datasets.load("toy")
    assert list(again.x) == list(first.x)
    assert again.copies is not None
    assert again.copies.tolist() == list(range(200))
