"""QR codes: what they say, and that a phone reads them from the drawn poster."""

from __future__ import annotations

import io

import pytest

from projectkit.errors import UserError
from projectkit.poster.directives.drawings import Drawn
from projectkit.poster.directives.qr import qr_code
from projectkit.poster.render import rendered

ADDRESS = "https://example.org/our-team/project"


def decoded(picture) -> list[str]:
    zxingcpp = pytest.importorskip("zxingcpp", reason="zxing-cpp reads QR codes")
    return [code.text for code in zxingcpp.read_barcodes(picture)]


def from_modules(modules: list[str], scale: int = 4):
    """The picture of a code, with its quiet zone."""
    from PIL import Image

    side = len(modules) + 8
    picture = Image.new("L", (side, side), 255)
    for y, row in enumerate(modules):
        for x, module in enumerate(row):
            picture.putpixel((x + 4, y + 4), 0 if module == "1" else 255)
    return picture.resize((side * scale, side * scale), Image.Resampling.NEAREST)


@pytest.mark.parametrize("url", [ADDRESS, "https://example.org/" + "a" * 200, "https://example.org/ü?a=1&b=2#c"])
def test_the_modules_of_a_code_say_its_address(url):
    node = qr_code(url)
    assert {len(row) for row in node["modules"]} == {len(node["modules"])}
    assert decoded(from_modules(node["modules"])) == [url]


def test_a_code_without_an_address_takes_the_posters(directive):
    node = directive("qr", "", Drawn(ADDRESS))
    assert (node["url"], node["alt"], node["shown"]) == (
        ADDRESS,
        f"QR code: {ADDRESS}",
        "example.\u200borg/\u200bour-\u200bteam/\u200bproject",
    )


def test_a_codes_own_address_goes_before_the_posters(directive):
    node = directive("qr", "url: https://example.org/data\ncaption: The data\nalt: a code", Drawn(ADDRESS))
    assert (node["url"], node["alt"]) == ("https://example.org/data", "a code")
    assert node["caption"] == [{"kind": "text", "text": "The data"}]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("caption: Here", "has no address"),
        ("url: example.org", "let it start with https://"),
        ("url: javascript:alert(1)", "let it start with https://"),
        (f"url: https://example.org/{'a' * 300}", "at most 300 characters"),
    ],
)
def test_an_address_that_no_phone_opens_is_refused(directive, body, words):
    with pytest.raises(UserError) as error:
        directive("qr", body)
    assert str(error.value).startswith("s.md:4")
    assert words in str(error.value)


@pytest.mark.parametrize("size", ["A0", "A2"])
def test_a_drawn_code_is_read_at_36_dots_an_inch(team, write_poster, size):
    from PIL import Image

    folder = write_poster(
        "# Where to find it\n\n:::{qr}\nurl: https://example.org/the-data\n:::\n",
        yaml=f'size: {size}\nrepository: "{ADDRESS}"',
    )
    with rendered(folder, team) as found:
        pixels = found.typesetter.png(36)
    assert "https://example.org/the-data" in decoded(Image.open(io.BytesIO(pixels)).convert("RGB"))
