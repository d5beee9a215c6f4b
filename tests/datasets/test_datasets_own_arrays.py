"""Arrays and pictures of a course's own, as their cards describe them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import projectkit as pk
from projectkit.datasets.own.pictures import pack
from projectkit.errors import WorkError

Publish = Callable[..., Path]


def archive(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("x", "modality", "shape"),
    [
        (np.zeros((4, 8, 8), dtype=np.uint8), "image", (4, 1, 8, 8)),
        (np.zeros((4, 50)), "series", (4, 1, 50)),
        (np.zeros((4, 3, 50), dtype=np.int16), "series", (4, 3, 50)),
    ],
)
def test_an_npz_is_what_its_card_says(publish: Publish, x: Any, modality: str, shape: tuple[int, ...]) -> None:
    publish(
        {"a.npz": archive(x=x, y=np.array([0, 1, 1, 0]))}, format="npz", modality=modality, classes=["left", "right"]
    )
    samples = pk.datasets.load("ours")
    assert samples.x.shape == shape
    assert samples.y["y"].tolist() == [0, 1, 1, 0]


def test_an_npz_table_and_its_groups(publish: Publish) -> None:
    content = archive(x=np.array([[1.0, np.inf], [2, 3]]), y=np.array(["q", "p"]), who=np.array([7, 8]))
    publish(
        {"a.npz": content},
        format="npz",
        modality="tabular",
        numeric=["height", "weight"],
        classes=["p", "q"],
        group="who",
    )
    samples = pk.datasets.load("ours")
    assert samples.x.numeric_names == ("height", "weight")
    assert np.isnan(samples.x.numeric[0, 1])
    assert samples.y["y"].tolist() == [1, 0]
    assert samples.group is not None
    assert samples.group.tolist() == ["7", "8"]


def test_an_npz_with_pickled_objects_is_refused(publish: Publish) -> None:
    content = archive(x=np.zeros((2, 2)), y=np.array([{}, {}], dtype=object))
    publish({"a.npz": content}, format="npz", modality="tabular", classes=["p", "q"])
    with pytest.raises(WorkError, match=r"cannot be read as npz.*allow_pickle=False"):
        pk.datasets.load("ours")


def picture(colour: Any, size: tuple[int, int] = (12, 6), mode: str = "RGB", form: str = "PNG", **more: Any) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size, colour).save(stream, form, **more)
    return stream.getvalue()


def pictures(folder: Path, contents: dict[str, bytes]) -> bytes:
    for name, content in contents.items():
        path = folder / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    pack(folder / "pictures", folder / "packed.zip")
    return (folder / "packed.zip").read_bytes()


def test_pictures_are_decoded_resized_and_named_by_their_folders(publish: Publish, tmp_path: Path) -> None:
    contents = {
        "train/red/a.png": picture((255, 0, 0)),
        "train/red/clear.png": picture((255, 0, 0, 0), mode="RGBA"),
        "train/blue/deep/b.jpg": picture((0, 0, 255), form="JPEG"),
        "test/red/c.gif": picture(1, mode="P", form="GIF"),
    }
    keys = {
        "format": "images",
        "size": [4, 8],
        "folders": ["source", "class"],
        "classes": ["blue", "red"],
        "test": ["test"],
    }
    publish({"p.zip": pictures(tmp_path, contents)}, **keys)
    samples = pk.datasets.load("ours")
    assert samples.id.tolist() == ["test/red/c.gif", "train/blue/deep/b.jpg", "train/red/a.png", "train/red/clear.png"]
    assert samples.x.shape == (4, 3, 4, 8)
    assert samples.x[2, :, 0, 0].tolist() == [255, 0, 0]
    assert samples.x[3].min() == 255
    assert samples.y["class"].tolist() == [1, 0, 1, 1]
    assert samples.source is not None
    assert samples.source.tolist() == ["test", "train", "train", "train"]


def test_a_photograph_is_turned_as_its_camera_says(publish: Publish, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    shown = Image.new("L", (8, 8))
    shown.paste(255, (0, 0, 8, 4))  # the upper half is white
    stream = io.BytesIO()
    shown.save(stream, "PNG", exif=exif)
    packed = pictures(tmp_path, {"a/1.png": stream.getvalue(), "b/2.png": picture(0, mode="L")})
    publish({"p.zip": packed}, format="images", size=[8, 8], colour="grey", classes=["a", "b"])
    x = pk.datasets.load("ours").x[0, 0]
    assert x[:, 4:].min() == 255
    assert x[:, :4].max() == 0


def test_sixteen_bits_become_eight(publish: Publish, tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.full((4, 4), 0x8000, dtype=np.uint16)).save(stream, "PNG")
    packed = pictures(tmp_path, {"a/1.png": stream.getvalue(), "b/2.png": picture(0, mode="L")})
    publish({"p.zip": packed}, format="images", size=[4, 4], colour="grey", classes=["a", "b"])
    assert pk.datasets.load("ours").x[0].max() == 0x80


def test_a_broken_picture_is_named(publish: Publish, tmp_path: Path) -> None:
    packed = pictures(tmp_path, {"a/1.png": picture(0, mode="L")[:-30], "b/2.png": picture(0, mode="L")})
    publish({"p.zip": packed}, format="images", classes=["a", "b"])
    with pytest.raises(WorkError, match=r"p\.zip, a/1\.png: the picture is broken"):
        pk.datasets.load("ours")


def test_a_picture_that_is_a_bomb_is_not_unpacked(publish: Publish, tmp_path: Path) -> None:
    bomb = picture(0, size=(10_000, 9_000), mode="1")
    assert len(bomb) < 20_000
    publish({"p.zip": pictures(tmp_path, {"a/1.png": bomb, "b/2.png": bomb})}, format="images", classes=["a", "b"])
    with pytest.raises(WorkError, match=r"a/1\.png: the picture is larger than 89 million pixels"):
        pk.datasets.load("ours")


def test_packing_gives_the_same_bytes_whatever_the_dates_of_the_files(tmp_path: Path) -> None:
    import os

    contents = {"b/x.png": picture(0, mode="L"), "a/y.png": picture(9, mode="L")}
    first = pictures(tmp_path, contents)
    os.utime(tmp_path / "pictures" / "b" / "x.png", (1e9, 1e9))
    assert pictures(tmp_path, dict(reversed(contents.items()))) == first
