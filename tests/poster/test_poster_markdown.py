from __future__ import annotations

import pytest

from projectkit.errors import UserError
from projectkit.poster.markup.markdown import parse, plain_text


def text(words: str) -> dict:
    return {"kind": "text", "text": words}


def only(source: str) -> dict:
    (block,) = parse(source, "s.md")
    return block


def refusal(source: str) -> str:
    with pytest.raises(UserError) as error:
        parse(source, "sections/10.md")
    return str(error.value)


def test_emphasis_code_and_links_keep_their_words():
    children = only("a **b** *c* `d` ~~e~~ [f](https://example.org)")["children"]
    assert [child["kind"] for child in children if child["kind"] != "text"] == [
        "strong",
        "emph",
        "code",
        "strike",
        "link",
    ]
    assert "".join(plain_text(child) for child in children) == "a b c d e f"


def test_a_table_keeps_its_alignment():
    table = only("| a | b | c |\n|:--|:-:|--:|\n| 1 | 2 | 3 |\n")
    assert table["align"] == ["left", "center", "right"]
    assert table["rows"] == [[[text("1")], [text("2")], [text("3")]]]


def test_a_numbered_list_keeps_its_first_number():
    assert only("3. third\n4. fourth\n")["start"] == 3
    assert only("- first\n- second\n")["start"] is None


def test_a_code_block_keeps_its_lines():
    assert only("```python\nx = 1\n\ny = 2\n```")["text"] == "x = 1\n\ny = 2"


def test_a_lone_image_is_a_figure_whose_caption_is_its_alternative_text():
    figure = only("![What **we** saw](figures/a%20b.png)")
    assert figure["path"] == "figures/a b.png"
    assert figure["alt"] == "What we saw"


def test_an_alternative_text_of_its_own_is_kept_apart_from_the_caption():
    figure = only('![Caption](a.svg){alt="A rising line"}')
    assert (plain_text(figure), figure["alt"]) == ("Caption", "A rising line")


def test_an_image_without_words_is_refused_with_what_to_write():
    message = refusal("# A\n\n![](figures/a.png)\n")
    assert message.startswith("sections/10.md:3: ")
    assert "alternative text" in message


@pytest.mark.parametrize(
    "hostile",
    [
        "#import x: *",
        "$ read(/etc/passwd) $",
        "<script>alert(1)</script>",
        "<div>\n",
        "#set page(height: auto)",
        "@label <label>",
        "C:\\temp\\new",
        "&lt;",
    ],
)
def test_markup_of_other_languages_is_text(hostile):
    (block,) = parse(f"say {hostile} now", "s.md")
    kinds = {child["kind"] for child in block["children"]}
    assert (block["kind"], kinds) == ("paragraph", {"text"})
    assert plain_text(block) == f"say {hostile} now".replace("&lt;", "<").replace("\n ", " ")


def test_a_block_of_html_is_text_too():
    assert plain_text(only("<div onclick=x>hello</div>")) == "<div onclick=x>hello</div>"


def test_a_comment_leaves_no_trace_and_text_after_it_stays():
    blocks = parse("<!-- a note\n\nto ourselves -->\n\nText.\n", "s.md")
    assert [plain_text(block) for block in blocks] == ["Text."]


def test_a_comment_that_never_ends_is_text():
    assert plain_text(parse("<!-- open\n\nText.\n", "s.md")[0]) == "<!-- open"


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("# A\n\ntext\n\n---\n", 5, "horizontal rule"),
        ("#### deep\n", 1, "level 4"),
        ("a ![b](c.png) d\n", 1, "paragraph of its own"),
        ("[a](javascript:alert)\n\n[x](local.html)\n", 3, "https://"),
        ("- a\n\n  ![b](c.png)\n", 3, "figure inside a list"),
        (":::note\nx\n:::\n", 1, "directive"),
        ("> # heading in a quote\n", 1, "heading inside"),
        ("![a](b.png){width=3}\n", 1, "width"),
    ],
)
def test_what_a_poster_cannot_hold_is_named_with_its_line(source, line, words):
    message = refusal(source)
    assert message.startswith(f"sections/10.md:{line}: ")
    assert words in message


def test_a_directive_keeps_its_body_and_the_line_of_it():
    directive = only(":::{results}\nruns: [latest]\n:::\n")
    assert (directive["name"], directive["body"], directive["body_line"]) == ("results", "runs: [latest]\n", 2)
