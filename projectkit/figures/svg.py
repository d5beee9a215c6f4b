"""What stands in an SVG file: its shapes and words with the colour and the scale that they are drawn with.

Only what decides how a figure reads on paper is looked at: groups, transforms, styles given by attribute, by `style` and by the plain
selectors (`.name`, `#name`, `tag`) of a style sheet. Nothing is fetched and no entity is resolved.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

Matrix = tuple[float, float, float, float]  # the linear part of a transform: a b c d, as in matrix(a b c d e f)

_SAME: Matrix = (1, 0, 0, 1)
_INHERITED = ("fill", "stroke", "fill-opacity", "stroke-opacity", "font-size", "font", "visibility")
_HIDDEN = {"defs", "clipPath", "mask", "metadata", "title", "desc", "style", "script", "symbol", "marker", "pattern"}
_UNITS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 960 / 25.4, "in": 96.0, "Q": 24 / 25.4}
_LENGTH = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(px|pt|pc|mm|cm|in|Q|em|rem|%)?")
_TRANSFORM = re.compile(r"(matrix|translate|scale|rotate|skewX|skewY)\s*\(([^)]{0,200})\)")
_RULE = re.compile(r"([^{}]{1,200})\{([^{}]{0,2000})\}")
_MEDIUM_PX = 16.0  # the size of type that is given none
_DEEPEST = 200  # elements within each other


@dataclass(frozen=True)
class Shape:
    """An element that is drawn.

    Args:
        tag: such as `path`, `text` or `use`, without its namespace.
        style: what is in force: the names of `fill`, `stroke`, their opacities, `font-size` in units of the user, as `16.0`.
        matrix: from its units to those of the file's view box.
        opacity: of it and of all groups around it together, 0 to 1.
        words: whether it has text of its own.
        refers: the id that a `use` draws, else empty.
        named: id of the closest element around it that has one.
    """

    tag: str
    style: Mapping[str, str]
    matrix: Matrix
    opacity: float
    words: bool = False
    refers: str = ""
    named: str = ""

    @property
    def scale(self) -> float:
        """How much higher it is drawn than its own units say."""
        return math.hypot(self.matrix[2], self.matrix[3])


@dataclass(frozen=True)
class SvgFile:
    """A file: what it draws, and how wide its view box is.

    Args:
        shapes: in the order of drawing.
        width: of the view box, in its units; None where the file does not say.
        height: likewise.
    """

    shapes: tuple[Shape, ...]
    width: float | None
    height: float | None


def read_svg(content: bytes) -> SvgFile:
    """Read an SVG file.

    Args:
        content: the file's bytes.

    Raises:
        ValueError: it is no SVG, declares entities, or nests deeper than a figure does.
    """
    if b"<!ENTITY" in content:  # XML knows it in capitals alone
        raise ValueError("the SVG declares entities")
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, UnicodeDecodeError, LookupError) as error:
        raise ValueError(f"no SVG: {error}") from error
    if _tag(root) != "svg":
        raise ValueError("no SVG: its first element is another")
    sheet = _sheet(root)
    start = Shape("svg", {"font-size": str(_MEDIUM_PX)}, _SAME, 1.0)
    shapes = tuple(_shapes(root, start, sheet, depth=0))
    view = [float(number) for number in re.findall(r"[-+.\deE]+", root.get("viewBox", ""))[:4]]
    if len(view) == 4 and view[2] > 0 and view[3] > 0:
        return SvgFile(shapes, view[2], view[3])
    sizes = [
        length(root.get(name, ""), _MEDIUM_PX) if "%" not in root.get(name, "%") else None
        for name in ("width", "height")
    ]
    return SvgFile(shapes, sizes[0], sizes[1])


def length(text: str, em: float) -> float | None:
    """A length in user units; `em` of them are the size of the type around it. None where it is none."""
    found = _LENGTH.fullmatch(text.strip())
    if found is None:
        return None
    number, unit = float(found[1]), found[2] or ""
    if unit in ("em", "%"):
        return number * em / (100 if unit == "%" else 1)
    return number * (_MEDIUM_PX if unit == "rem" else _UNITS[unit])


def _shapes(
    element: ElementTree.Element, around: Shape, sheet: Mapping[str, dict[str, str]], depth: int
) -> Iterator[Shape]:
    if depth > _DEEPEST:
        raise ValueError(f"the SVG nests deeper than {_DEEPEST} elements")
    tag = _tag(element)
    if tag in _HIDDEN:
        return
    own = _own_style(element, tag, sheet)
    if own.get("display") == "none":
        return
    style = {**around.style, **{name: own[name] for name in _INHERITED if name in own and own[name] != "inherit"}}
    em = float(around.style["font-size"])
    style["font-size"] = str(_font_size(own, em))
    shape = Shape(
        tag=tag,
        style=style,
        matrix=_product(around.matrix, _matrix(element.get("transform", own.get("transform", "")))),
        opacity=around.opacity * _share(own.get("opacity", "1")),
        words=bool((element.text or "").strip()),
        refers=_reference(element),
        named=element.get("id", around.named),
    )
    yield shape
    for child in element:
        yield from _shapes(child, shape, sheet, depth + 1)


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else "comment"


def _reference(element: ElementTree.Element) -> str:
    for name, value in element.attrib.items():
        if name.rpartition("}")[2] == "href":
            return value.removeprefix("#")
    return ""


def _sheet(root: ElementTree.Element) -> dict[str, dict[str, str]]:
    """Selector -> its declarations."""
    rules: dict[str, dict[str, str]] = {}
    for element in root.iter():
        if _tag(element) == "style":
            for selectors, body in _RULE.findall(element.text or ""):
                for selector in selectors.split(","):
                    rules.setdefault(selector.strip(), {}).update(_declarations(body))
    return rules


def _own_style(element: ElementTree.Element, tag: str, sheet: Mapping[str, dict[str, str]]) -> dict[str, str]:
    selectors = ["*", tag, *(f".{name}" for name in element.get("class", "").split()), f"#{element.get('id', '')}"]
    found = {name: value.strip() for name, value in element.attrib.items() if "}" not in name}
    for selector in selectors:
        found.update(sheet.get(selector, {}))
    return {**found, **_declarations(element.get("style", ""))}


def _declarations(body: str) -> dict[str, str]:
    pairs = (declaration.partition(":") for declaration in body.split(";"))
    return {name.strip().lower(): value.replace("!important", "").strip() for name, colon, value in pairs if colon}


def _font_size(own: Mapping[str, str], em: float) -> float:
    if "font-size" in own:
        found = length(own["font-size"], em)
        return em if found is None else found
    for word in own.get("font", "").replace("/", " ").split():  # the first length of the shorthand is the size
        found = length(word, em)
        if found is not None and not word.isdigit():  # 700 is a weight
            return found
    return em


def _share(text: str) -> float:
    try:
        number = float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return 1.0
    return min(1.0, max(0.0, number))


def opacity(shape: Shape, paint: str) -> float:
    """How much of a shape's `fill` or `stroke` is seen, 0 to 1."""
    return shape.opacity * _share(shape.style.get(f"{paint}-opacity", "1"))


def _matrix(text: str) -> Matrix:
    matrix = _SAME
    for name, body in _TRANSFORM.findall(text):
        numbers = [float(number) for number, _ in _LENGTH.findall(body)]
        if name == "matrix" and len(numbers) == 6:
            matrix = _product(matrix, (numbers[0], numbers[1], numbers[2], numbers[3]))
        elif name == "scale" and numbers:
            matrix = _product(matrix, (numbers[0], 0, 0, numbers[-1] if len(numbers) > 1 else numbers[0]))
        elif name == "rotate" and numbers:
            turn = math.radians(numbers[0])
            matrix = _product(matrix, (math.cos(turn), math.sin(turn), -math.sin(turn), math.cos(turn)))
    return matrix


def _product(outer: Matrix, inner: Matrix) -> Matrix:
    a, b, c, d = outer
    e, f, g, h = inner
    return a * e + c * f, b * e + d * f, a * g + c * h, b * g + d * h
