"""Pictures in folders: packed into one archive for a card, decoded and resized when the set is read.

The archive is the same, byte for byte, wherever it is packed: its members are sorted, not compressed, and bear one date.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.storage.archives import read_members
from projectkit.errors import UserError, WorkError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")  # others run programs: Pillow gives EPS to Ghostscript
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can hold


def picture_files(folder: Path) -> list[str]:
    """The pictures below a folder: paths from it with forward slashes, sorted; names that begin with a dot are left out.

    Raises:
        UserError: there is none.
    """
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.parts[-3:])
    )
    if not names:
        raise UserError(
            "no pictures in it", where=str(folder), remedy=f"put them into <class>/, as {', '.join(SUFFIXES[:3])}"
        )
    return names


def pack(folder: Path, path: Path) -> None:
    """Write the pictures of `folder` into the archive `path`.

    Raises:
        UserError: there is none.
    """
    names = picture_files(folder)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            member = zipfile.ZipInfo(name, date_time=_DATE)
            member.create_system = 3  # as on Unix, so that Windows writes the same bytes
            archive.writestr(member, (folder / name).read_bytes())


def read_pictures(path: Path, size: tuple[int, ...], *, grey: bool) -> tuple[list[str], NDArray[np.uint8]]:
    """The pictures of an archive, each turned as its EXIF says and resized.

    Args:
        path: a zip archive.
        size: height and width.
        grey: one channel in place of three.

    Returns:
        Their names, sorted, and (n, channels, height, width).

    Raises:
        WorkError: it is no archive, or a picture is broken or too large; the message names it.
    """
    limit = 2 * path.stat().st_size + (1 << 20)  # pictures hardly get smaller in a zip: what unpacks to more is a bomb
    members = read_members(path, limit=limit, wanted=lambda name: name.lower().endswith(SUFFIXES))
    pictures = {name: _decoded(content, size, grey=grey, where=f"{path.name}, {name}") for name, content in members}
    if not pictures:
        raise WorkError("no pictures in it", where=path.name, remedy="pack them with `projectkit data new`")
    names = sorted(pictures)
    return names, np.stack([pictures[name] for name in names])


def _decoded(content: bytes, size: tuple[int, ...], *, grey: bool, where: str) -> NDArray[np.uint8]:
    """(channels, height, width)."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    remedy = "replace it, or leave it out"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # a broken EXIF, which many cameras write
            with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
                picture = ImageOps.exif_transpose(opened)
                mode = "L" if grey else "RGB"
                if "A" in picture.getbands() or "transparency" in picture.info:  # what is transparent becomes white
                    clear = picture.convert("RGBA")
                    picture = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
                elif picture.mode == "F":
                    raise ValueError(
                        "its pixels are fractions, of which nobody says what white is; save it with 8 or 16 bits"
                    )
                elif picture.mode.startswith("I"):  # 16 bits: Pillow would cut them off at 255
                    picture = Image.fromarray(
                        (np.asarray(picture).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8)
                    )
                height, width = size
                picture = picture.convert(mode)
                if picture.size != (width, height):
                    picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise WorkError(
            "the picture is larger than 89 million pixels", where=where, remedy="scale it down, or leave it out"
        ) from error
    except UnidentifiedImageError as error:
        raise WorkError(
            f"the picture is broken, or none of {', '.join(_FORMATS)}", where=where, remedy=remedy
        ) from error
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for damage differs by format
        raise WorkError(f"the picture is broken ({error})", where=where, remedy=remedy) from error
    pixels = np.asarray(picture, dtype=np.uint8)
    return pixels[None] if grey else pixels.transpose(2, 0, 1)
