"""The poster's page: HTML for a phone, from the same tree as the poster."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from projectkit.figures.colours import contrast
from projectkit.poster.outputs.page import page
from projectkit.poster.outputs.page.colours import css_variables
from projectkit.poster.outputs.page.markup import element, text
from projectkit.poster.outputs.page.nodes import _BLOCKS, _INLINES
from projectkit.poster.render import rendered
from projectkit.poster.themes.theme import COLOURS

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


class Elements(HTMLParser):
    """Every element of a page with its attributes, in order, and the page's words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag == name]


@pytest.fixture
def written(team, write_poster):
    """A function that writes a poster and returns its page."""

    def write(*args, **kwargs) -> str:
        folder = write_poster(*args, **kwargs)
        with rendered(folder, team) as found:
            return page(found).decode("utf-8")

    return write


def test_a_page_has_one_title_a_language_and_headings_that_skip_no_level(written):
    elements = Elements(written("# A claim\n\n## Below\n\ntext\n\n### Further\n\ntext\n", yaml="language: de"))
    assert elements.all("html") == [{"lang": "de", "dir": "ltr"}]
    assert [tag for tag, _ in elements.found if re.fullmatch(r"h\d", tag)] == ["h1", "h2", "h3", "h4"]
    assert len(elements.all("main")) == 1


@pytest.mark.parametrize("language", ["ar", "he", "fa", "ur"])
def test_a_right_to_left_language_turns_the_page(written, language):
    assert Elements(written(yaml=f"language: {language}")).all("html") == [{"lang": language, "dir": "rtl"}]


def test_the_ends_of_an_interval_stay_where_they_are_on_a_page_from_the_right(written, make_run):
    page = written(f"# a\n\n:::{{results}}\nruns: [{make_run()}]\nmetrics: [f1_macro]\n:::\n", yaml="language: he")
    assert '<span class="interval"><bdi dir="ltr">0.814–0.854</bdi></span>' in page


def test_hostile_words_are_text_everywhere(written):
    quoted = HOSTILE.replace("'", "''")
    keys = ("title", "subtitle", "affiliation", "course", "team", "abstract")
    yaml = "\n".join([*(f"{key}: '{quoted}'" for key in keys), f"authors: ['{quoted}']"])
    html = written(
        f"# {HOSTILE}\n\n{HOSTILE}\n\n- {HOSTILE}\n\n`{HOSTILE}`\n\n| {HOSTILE} |\n|---|\n| {HOSTILE} |\n", yaml=yaml
    )
    elements = Elements(html)
    assert not elements.all("script")
    assert not elements.all("img")
    assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]
    assert elements.words.count("alert(1)") >= 8


def test_nothing_is_loaded_from_anywhere(written, make_run):
    run = make_run()
    elements = Elements(written(f"# A\n\n:::{{curves}}\nruns: [{run}]\n:::\n"))
    (image,) = elements.all("img")
    assert (image["src"] or "").startswith("data:image/svg+xml;base64,")
    assert not elements.all("link")
    policy = next(one for one in elements.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert (policy["content"] or "").startswith("default-src 'none'; img-src data:")


def test_figures_have_their_alternative_text_and_name_their_run(written, make_run):
    run = make_run()
    html = written(f"# A\n\n:::{{curves}}\nruns: [{run}]\nalt: It falls and falls\ncaption: Falling\n:::\n")
    (image,) = Elements(html).all("img")
    assert image["alt"] == "It falls and falls"
    assert f"<code>{run}</code>" in html
    assert "<p>Falling</p>" in html
    drawing = base64.b64decode((image["src"] or "").partition(",")[2])
    assert ET.fromstring(drawing).tag.endswith("svg")


def test_results_are_a_table_with_headers_and_the_best_in_bold(written, make_run):
    good, bad = make_run("good", f1=0.9), make_run("bad", f1=0.5)
    html = written(f"# A\n\n:::{{results}}\nruns: {{Good: {good}, Bad: {bad}}}\nmetrics: [f1_macro]\n:::\n")
    assert html.count('scope="row"') == 2
    assert '<strong dir="ltr">0.900</strong>' in html
    assert "<strong>0.500</strong>" not in html


def test_the_same_poster_gives_the_same_bytes(written, make_run):
    text = f"# A\n\n:::{{curves}}\nruns: [{make_run()}]\n:::\n"
    assert written(text) == written(text)


def test_a_photograph_is_made_as_small_as_a_screen(written, team):
    from PIL import Image

    (team.root / "poster").mkdir(exist_ok=True)
    Image.effect_noise((3000, 2000), 80).convert("RGB").save(team.root / "poster" / "noise.png")
    (image,) = Elements(written("# A\n\n![Noise](noise.png)\n")).all("img")
    source = image["src"] or ""
    assert source.startswith("data:image/webp;base64,")
    assert len(source) < (team.root / "poster" / "noise.png").stat().st_size / 4


def test_every_kind_of_node_that_the_markup_names_can_be_drawn():
    from projectkit.poster.markup import markdown

    rows = [line for line in (markdown.__doc__ or "").splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    undrawn = {"directive", "role"}  # become other nodes before a page is made
    assert named - undrawn <= set(_BLOCKS) | set(_INLINES)


@pytest.mark.parametrize("accent", ["#0d4f8b", "#ffe600", "#000000", "#ffffff", "#777777"])
def test_links_can_be_read_on_light_and_on_dark_whatever_the_accent(accent):
    light, _, dark = css_variables(COLOURS | {"accent": accent}).partition("@media")
    for side in (light, dark):
        values = dict(re.findall(r"--([\w-]+): (#\w{6})", side))
        for ground in ("paper", "tint"):
            assert contrast(values["link"], values[ground]) >= 4.5
            assert contrast(values["ink"], values[ground]) >= 4.5
            assert contrast(values["muted"], values[ground]) >= 4.5


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=1e-3)


def test_spaces_that_do_not_break_and_the_joiners_of_persian_stay():
    assert text("1\u00a0194 \u202f می\u200cخواهم") == "1\u00a0194 \u202f می\u200cخواهم"
    assert text("a\u202eb\x00c\ud800") == "abc"


def test_attributes_are_escaped_and_control_characters_left_out():
    assert element("a", "x", href='"><b>', title=None, hidden=True) == '<a href="&quot;&gt;&lt;b&gt;" hidden>x</a>'
    assert text("a\x00b\x1bc") == "abc"
