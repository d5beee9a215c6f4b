"""Own cards that somebody made with intent or without care: nothing leaves its folder, no secret is published, each is one line."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import pickle
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import projectkit as pk
from projectkit.datasets.own.arrays import read_arrays
from projectkit.datasets.own.guess import propose
from projectkit.datasets.own.newcard import NewCard, write_new
from projectkit.datasets.own.pictures import read_pictures
from projectkit.datasets.own.survey import survey
from projectkit.errors import UserError, WorkError

CONTENT = "a,label\n" + "".join(f"{n * 7 % 41},{'xy'[n % 2]}\n" for n in range(40))
FILE: dict[str, Any] = {"name": "m.csv", "size": len(CONTENT), "sha256": hashlib.sha256(CONTENT.encode()).hexdigest()}
CARD: dict[str, Any] = {"format": "csv", "files": [FILE], "label": "label", "classes": ["x", "y"], "numeric": ["a"]}
WITHHELD = {"source": "a", "split": "official", "test": ["1"]}


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "course"
    folder.mkdir()
    monkeypatch.setenv("PROJECTKIT_CARDS", str(folder))
    (folder / "m.csv").write_text(CONTENT, encoding="utf-8", newline="\n")
    return folder


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "..", "C:x", "a\\b", "a\0b", "a\nb", "\x1b[31m", "a?", " a"]
)
@pytest.mark.parametrize("key", ["files", "mirror_folder", "withheld"])
def test_a_name_that_leads_out_of_its_folder_is_refused(course: Path, name: str, key: str) -> None:
    changes: dict[str, dict[str, Any]] = {
        "files": {"files": [{**FILE, "name": name}]},
        "mirror_folder": {"mirror_folder": name},
        "withheld": {**WITHHELD, "withheld": {"subset": "test", "file": name, "sha256": "0" * 64}},
    }
    (course / "ours.yaml").write_text(json.dumps(CARD | changes[key]), encoding="utf-8")
    with pytest.raises(UserError, match=rf"ours\.yaml:.*{key}.* is not the name of a file|the store would take '\.\.'"):
        pk.datasets.card("ours")


@pytest.mark.parametrize("name", [".cache", ".upstream", "flows.part", "flows.bad", "x.download"])
def test_a_name_that_the_store_would_prune_is_refused(course: Path, name: str) -> None:
    (course / "ours.yaml").write_text(json.dumps(CARD | {"files": [{**FILE, "name": name}]}), encoding="utf-8")
    with pytest.raises(UserError, match=f"the store would take {name!r} for its own; rename the file"):
        pk.datasets.card("ours")


def test_a_password_in_a_url_is_refused_and_not_repeated(course: Path) -> None:
    file = {**FILE, "urls": ["https://user:s3cret@example.org/m.csv"]}
    (course / "ours.yaml").write_text(json.dumps(CARD | {"files": [file]}), encoding="utf-8")
    with pytest.raises(UserError, match="a user name or a password stands in the URL") as caught:
        pk.datasets.card("ours")
    assert "s3cret" not in str(caught.value)
    file = {**FILE, "urls": ["https://example.org/m.csv?by=a@example.org"]}
    (course / "ours.yaml").write_text(json.dumps(CARD | {"files": [file]}), encoding="utf-8")
    assert pk.datasets.card("ours").files[0].urls == tuple(file["urls"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoding": "a\0"}, "there is no encoding"),
        ({"modality": "series"}, "`modality: series` does not fit: the samples are tabular; remove it"),
    ],
)
def test_a_value_that_fits_nothing_is_one_line(course: Path, change: dict[str, str], message: str) -> None:
    (course / "ours.yaml").write_text(json.dumps(CARD | change), encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(message)):
        pk.datasets.card("ours")


def test_data_new_names_no_file_that_is_gone(course: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text(CONTENT, encoding="utf-8")
    seen = survey([path])
    with pytest.raises(UserError, match=r"^ours\.yaml, files\.0\.urls: not a URL; write https"):
        write_new([path], seen, *propose(seen), name="ours", folder=course, urls=["file:///m.csv"], force=True)


@pytest.mark.parametrize("call", ["shutil.copyfile", "pathlib.Path.mkdir", "pathlib.Path.replace", "tempfile.mkdtemp"])
def test_a_disk_that_refuses_a_card_is_one_line(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "m.csv"
    path.write_text(CONTENT, encoding="utf-8")
    seen = survey([path])
    with monkeypatch.context() as full:
        full.setattr(call, refuse)
        with pytest.raises(WorkError, match="the card cannot be written: No space left on device; make room or mend"):
            write_new([path], seen, *propose(seen), name="ours", folder=course, force=True)
    assert [each.name for each in course.iterdir()] == ["m.csv"]


def withhold(path: Path, course: Path, *, mixed: bool = False, **given: str) -> NewCard:
    lines = ["id,started,bytes,host,label"]  # unless mixed, collected class by class, as honeypots and sandboxes do
    lines += [
        f"{n},{1.7e9 + n:.0f},{n * 37 % 1009},h{n % 40},{('benign', 'scan')[n % 3 == 0 if mixed else n >= 200]}"
        for n in range(300)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    seen = survey([path])
    return write_new([path], seen, *propose(seen, **given), name="flows", folder=course, withhold=0.2)


def test_ids_and_times_that_tell_a_withheld_label_are_not_published(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECTKIT_LABELS", str(tmp_path))
    withhold(tmp_path / "full.csv", course, time="started", group="host")
    with (course / "flows.csv").open(encoding="utf-8", newline="") as stream:
        assert next(csv.reader(stream)) == ["bytes", "host", "label", "subset"]
    samples = pk.datasets.load("flows")
    assert (samples.y["label"] >= 0).all()
    assert samples.id.tolist()[:2] == ["flows-000000", "flows-000001"]


def test_the_time_of_a_test_set_that_is_the_latest_part_is_published(course: Path, tmp_path: Path) -> None:
    withhold(tmp_path / "full.csv", course, mixed=True, time="started", group="")
    samples = pk.datasets.load("flows")
    assert samples.time is not None
    rows = pk.datasets.split("flows", samples=samples).subsets
    assert samples.time[rows["train"]].max() < samples.time[rows["test"]].min()


def test_labels_are_never_written_into_the_published_folder(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (course / "raw").mkdir()
    with pytest.raises(UserError, match="the file with all labels lies where the card is to be"):
        withhold(course / "raw" / "full.csv", course)
    monkeypatch.setenv("PROJECTKIT_LABELS", str(course / "raw"))
    with pytest.raises(UserError, match="the labels would lie in the folder of the card, which is published"):
        withhold(tmp_path / "full.csv", course)
    assert sorted(path.name for path in course.iterdir()) == ["m.csv", "raw"]


def pack(path: Path, content: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/x.png", content)
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EOF\n",
            "the picture is broken, or none of PNG, JPEG,",
        ),  # a program
        (b"<html>", "the picture is broken, or none of PNG, JPEG,"),
        (b"", "the picture is broken, or none of PNG, JPEG,"),
    ],
)
def test_what_is_no_picture_is_not_opened(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(WorkError, match=rf"^set\.zip, a/x\.png: {message}"):
        read_pictures(pack(tmp_path / "set.zip", content), (8, 8), grey=True)


def saved(pixels: np.ndarray[Any, Any], form: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form)
    return stream.getvalue()


def test_sixteen_bits_become_eight_whatever_their_order(tmp_path: Path) -> None:
    big = b"P5 2 1 65535\n" + bytes([255, 255, 128, 0])
    tiff = saved(np.array([[65535, 32768]], dtype=np.uint16), "TIFF")
    for content in (big, tiff, saved(np.array([[65535, 32768]], dtype=np.uint16), "PNG")):
        _, x = read_pictures(pack(tmp_path / "set.zip", content), (1, 2), grey=True)
        assert x.tolist() == [[[[255, 128]]]]


def test_pixels_that_are_fractions_are_refused_and_a_broken_exif_is_not(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match="its pixels are fractions"):
        read_pictures(pack(tmp_path / "set.zip", saved(np.zeros((2, 2), dtype=np.float32), "TIFF")), (2, 2), grey=True)
    stream = io.BytesIO()
    Image.new("RGB", (2, 2)).save(stream, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_pictures(pack(tmp_path / "set.zip", stream.getvalue()), (2, 2), grey=True)[1].shape == (1, 1, 2, 2)


def npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def header(text: str) -> bytes:
    return b"\x93NUMPY\x02\0" + len(text).to_bytes(4, "little") + text.encode()


WHOLE = npz(x=np.arange(200.0))
HUGE = header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 1000), }\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WHOLE[: len(WHOLE) // 2], "cut off, or no .npz file"),
        (pickle.dumps({"x": 1}), "cut off, or no .npz file"),
        (b"", "cut off, or no .npz file"),
        (WHOLE[:400] + bytes([WHOLE[400] ^ 1]) + WHOLE[401:], "Bad CRC-32"),
        (npz(x=np.array([{}], dtype=object)), "allow_pickle=False"),
        (zipped("x", b"abc"), "'x' in it is no array"),
        (zipped("x.npy", HUGE), "Unable to allocate"),
        (zipped("x.npy", header("(" * 100 + "\n")), "cannot be read as npz"),
    ],
)
def test_an_npz_file_that_is_none_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "set.npz"
    path.write_bytes(content)
    with pytest.raises(
        WorkError, match=rf"^set\.npz: cannot be read as npz .*{re.escape(message)}|^set\.npz: {message}"
    ):
        read_arrays(path)


def test_channels_that_come_last_are_not_taken_for_rows(course: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    path.write_bytes(npz(x=np.zeros((40, 8, 8, 3), dtype=np.uint8), y=np.arange(40) % 2))
    seen = survey([path])
    with pytest.raises(WorkError, match=r"x has its channels last: \(40, 8, 8, 3\); put the channels before"):
        write_new([path], seen, *propose(seen), name="ours", folder=course)
