"""How large letters and pictures are on the sheet, read back from the PDF itself: what was printed, not what was meant.

Only what Typst writes is understood: dictionaries in plain, glyphs of two bytes, forms inside
forms. Source: ISO 32000-1:2008, 8.3 (coordinates), 8.9.5 (images), 9.4 (text).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from projectkit.poster.source.sheets import POINTS_PER_INCH

_OBJECT = re.compile(rb"(?:^|[\r\n])(\d+) 0 obj\b(.*?)\bendobj", re.DOTALL)
_STREAM = re.compile(rb"(.*?)\bstream\r?\n(.*)\r?\nendstream", re.DOTALL)
_PLAIN = rb"[^()\\]|\\."
_STRING = rb"\((?:" + _PLAIN + rb")*\)"
for _ in range(6):  # balanced brackets need no escape, so glyphs 40 and 41 nest
    _STRING = rb"\((?:" + _PLAIN + rb"|" + _STRING + rb")*\)"
_TOKEN = re.compile(
    _STRING + rb"|<<|>>|<[0-9A-Fa-f\s]*>|\[|\]|/[^\s()<>\[\]/]*|[-+]?\d*\.?\d+|[A-Za-z'\"*][A-Za-z0-9'\"*]*", re.DOTALL
)
_CODES = re.compile(rb"<([0-9A-Fa-f]+)>")
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(.))", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"(": b"(", b")": b")", b"\\": b"\\"}

Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: Matrix = (1, 0, 0, 1, 0, 0)


@dataclass(frozen=True)
class Letters:
    """Text that was printed in one go: its size in points, and what it says where the font tells."""

    size: float
    text: str
    count: int  # of glyphs


@dataclass(frozen=True)
class Placed:
    """A picture of pixels on the sheet: pixels, and width and height in points."""

    pixels: tuple[int, int]
    width: float
    height: float

    @property
    def ppi(self) -> float:
        """Pixels an inch, of the coarser direction."""
        across, down = self.pixels
        return POINTS_PER_INCH * min(across / max(self.width, 0.01), down / max(self.height, 0.01))


@dataclass(frozen=True)
class Printed:
    """What stands on a sheet."""

    letters: tuple[Letters, ...]
    placed: tuple[Placed, ...]


def read_pdf(pdf: bytes) -> Printed:
    """Letters and pictures of a PDF's pages with their printed sizes."""
    objects = _Objects({int(number): body for number, body in _OBJECT.findall(pdf)})
    letters: list[Letters] = []
    placed: list[Placed] = []
    for body in objects.bodies.values():
        if re.search(rb"/Type\s*/Page\b", body.partition(b"stream")[0]):
            content = b"\n".join(objects.stream(number) for number in objects.references(body, b"Contents"))
            for one in _walk(content, objects.resources(body), objects, _IDENTITY):
                letters.append(one) if isinstance(one, Letters) else placed.append(one)
    return Printed(tuple(letters), tuple(placed))


@dataclass
class _Objects:
    """The numbered objects of a file."""

    bodies: Mapping[int, bytes]

    def references(self, body: bytes, key: bytes) -> list[int]:
        """The objects that a key names, one or an array of them."""
        match = re.search(rb"/" + key + rb"\s*(?:(\d+) 0 R|\[([^\]]*)\])", body)
        if match is None:
            return []
        return [int(match[1])] if match[1] else [int(number) for number in re.findall(rb"(\d+) 0 R", match[2])]

    def stream(self, number: int) -> bytes:
        """An object's stream, unpacked; empty where it has none."""
        match = _STREAM.match(self.bodies.get(number, b""))
        if match is None:
            return b""
        return zlib.decompress(match[2]) if b"/FlateDecode" in match[1] else match[2]

    def resources(self, body: bytes) -> bytes:
        """The dictionary of names that a page or a form uses."""
        named = self.references(body.partition(b"stream")[0], b"Resources")
        return self.bodies.get(named[0], b"") if named else body.partition(b"stream")[0]

    def named(self, resources: bytes, kind: bytes) -> dict[bytes, int]:
        """Name -> object, of fonts or pictures."""
        match = re.search(rb"/" + kind + rb"\s*<<(.*?)>>", resources, re.DOTALL)
        return {name: int(number) for name, number in re.findall(rb"/(\S+?) (\d+) 0 R", match[1])} if match else {}

    def letters(self, font: int) -> dict[int, str]:
        """Glyph -> letters, of a font."""
        maps = self.references(self.bodies.get(font, b""), b"ToUnicode")
        table = self.stream(maps[0]) if maps else b""
        found: dict[int, str] = {}
        for block in re.findall(rb"beginbfchar(.*?)endbfchar", table, re.DOTALL):
            codes = _CODES.findall(block)
            for glyph, text in zip(codes[::2], codes[1::2], strict=False):
                found[int(glyph, 16)] = bytes.fromhex(text.decode()).decode("utf-16-be", "replace")
        return found


def _walk(content: bytes, resources: bytes, objects: _Objects, matrix: Matrix) -> Iterator[Letters | Placed]:
    """What a content stream draws, with its size after all scaling."""
    fonts, pictures = objects.named(resources, b"Font"), objects.named(resources, b"XObject")
    tables = {name: objects.letters(number) for name, number in fonts.items()}
    saved: list[Matrix] = []
    operands: list[bytes] = []
    font, size, text_matrix = b"", 0.0, _IDENTITY
    for match in _TOKEN.finditer(content):
        token = match[0]
        if token[:1] in b"(<[]>/+-.0123456789":
            operands.append(token)
            continue
        if token == b"q":
            saved.append(matrix)
        elif token == b"Q" and saved:
            matrix = saved.pop()
        elif token == b"cm":
            matrix = _times(_matrix(operands), matrix)
        elif token == b"BT":
            text_matrix = _IDENTITY
        elif token == b"Tm":
            text_matrix = _matrix(operands)
        elif token == b"Tf":
            font, size = operands[-2][1:], float(operands[-1])
        elif token in (b"Tj", b"TJ"):
            yield _letters(operands, tables.get(font, {}), size * _height(_times(text_matrix, matrix)))
        elif token == b"Do" and operands[-1][1:] in pictures:
            yield from _drawn(pictures[operands[-1][1:]], objects, matrix)
        operands = []


def _drawn(number: int, objects: _Objects, matrix: Matrix) -> Iterator[Letters | Placed]:
    body = objects.bodies.get(number, b"").partition(b"stream")[0]
    if re.search(rb"/Subtype\s*/Form\b", body):
        own = re.search(rb"/Matrix\s*\[([^\]]*)\]", body)
        inner = _times(_matrix(own[1].split()), matrix) if own else matrix
        yield from _walk(objects.stream(number), objects.resources(body), objects, inner)
    elif re.search(rb"/Subtype\s*/Image\b", body):
        width, height = (int(re.search(rb"/" + key + rb"\s+(\d+)", body)[1]) for key in (b"Width", b"Height"))  # type: ignore[index]
        yield Placed((width, height), (matrix[0] ** 2 + matrix[1] ** 2) ** 0.5, _height(matrix))


def _letters(operands: list[bytes], table: Mapping[int, str], size: float) -> Letters:
    text = b"".join(_string(token) for token in operands if token[:1] == b"(" or (token[:1] == b"<" and token != b"<<"))
    glyphs = [int.from_bytes(text[start : start + 2]) for start in range(0, len(text) - 1, 2)]
    return Letters(size, "".join(table.get(glyph, "") for glyph in glyphs), len(glyphs))


def _string(token: bytes) -> bytes:
    """The bytes of a string, written as letters or in hexadecimal."""
    if token[:1] == b"<":
        return bytes.fromhex(token[1:-1].decode())
    return _ESCAPE.sub(
        lambda match: bytes([int(match[1], 8)]) if match[1] else _ESCAPED.get(match[2], b""), token[1:-1]
    )


def _matrix(operands: list[bytes]) -> Matrix:
    a, b, c, d, e, f = (float(value) for value in operands[-6:])
    return a, b, c, d, e, f


def _times(one: Matrix, two: Matrix) -> Matrix:
    """First `one`, then `two`."""
    a, b, c, d, e, f = one
    g, h, i, j, k, m = two
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m


def _height(matrix: Matrix) -> float:
    return float((matrix[2] ** 2 + matrix[3] ** 2) ** 0.5)
