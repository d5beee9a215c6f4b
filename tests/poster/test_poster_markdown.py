from __future__ import annotations

import random

import pytest

from projectkit.errors import UserError
from projectkit.poster.markup.markdown import parse, plain_text
from projectkit.poster.markup.words import prepared


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
        ("text\n\n[a](javascript:alert)\n", 3, "https://"),
        ("text\n\n[x](local.html)\n", 3, "https://"),
        ("- a\n\n  ![b](c.png)\n", 3, "figure inside a list"),
        (":::note\nx\n:::\n", 1, "directive"),
        ("> # heading in a quote\n", 1, "heading inside"),
        ("![a](b.png){width=3}\n", 1, "width"),
        ("a\n\n> [!NOTE]\n", 3, "call-out of nothing"),
        ("> [!IMPORTENT]\n> a\n", 1, "did you mean 'IMPORTANT'?"),
        ("> -- Nobody\n", 1, "quotation of nothing"),
        ("- a\n  > ::::{row}\n", 2, "row of 0"),
        ("::::{row}\n![a](b.png)\n::::\n", 1, "2 to 4 blocks"),
        ("::::{row}\na\n\nb\n\nc\n\nd\n\ne\n::::\n", 1, "2 to 4 blocks"),
        ("::::{row}\na\n\n![b](b.png) ![c](c.png)\n::::\n", 1, "row inside a row"),
        ("::::{row}\na\n---\n#### deep\n::::\n", 4, "level 4"),
        ("# A\n\n" + "| a " * 13 + "|\n" + "|---" * 13 + "|\n", 3, "13 columns"),
        ("| a |\n|---|\n" + "| 1 |\n" * 61, 1, "61 rows"),
        ("> " * 13 + "a\n", 1, "nested too deeply"),
        ("a\n\n" + "*" * 60 + "a" + "*" * 60 + "\n", 3, "nested too deeply"),
        ("- " * 200 + "a\n", 1, "nested too deeply"),
    ],
)
def test_what_a_poster_cannot_hold_is_named_with_its_line(source, line, words):
    message = refusal(source)
    assert message.startswith(f"sections/10.md:{line}: ")
    assert words in message


def test_a_directive_keeps_its_body_and_the_line_of_it():
    directive = only(":::{results}\nruns: [latest]\n:::\n")
    assert (directive["name"], directive["body"], directive["body_line"]) == ("results", "runs: [latest]\n", 2)


def test_a_quote_with_a_mark_is_a_call_out_of_that_tone():
    callout = only("> [!IMPORTANT]\n> Remember *this*.\n>\n> - and that\n")
    assert (callout["kind"], callout["tone"], callout["title"]) == ("callout", "important", [])
    assert [(child["kind"], child["line"]) for child in callout["children"]] == [("paragraph", 1), ("list", 4)]
    assert plain_text(callout) == "Remember this. and that"


def test_a_call_out_has_the_title_behind_its_mark_or_one_in_the_posters_language():
    titled = only("> [!tip] Look at *this* $x$\n> a\n")
    assert plain_text(titled) == "Look at this x a"
    (german,) = parse("> [!WARNING]\n> a\n", "s.md", language="de")
    assert german["title"] == [text("Achtung")]
    (klingon,) = parse("> [!WARNING]\n> a\n", "s.md", language="tlh")
    assert klingon["title"] == []


def test_a_quotation_says_in_its_last_line_who_said_it():
    quote = only("> To be,\n> or not.\n> -- *Hamlet*, act 3\n")
    assert plain_text(quote["children"][0]) == "To be, or not."
    assert "".join(map(plain_text, quote["by"])) == "Hamlet, act 3"
    apart = only("> To be.\n>\n> -- Hamlet\n")
    assert (len(apart["children"]), apart["by"]) == (1, [text("Hamlet")])
    assert only("> Just words -- nobody's.\n")["by"] == []


@pytest.mark.parametrize("between", [" ", "\n"])
def test_images_in_one_paragraph_stand_side_by_side(between):
    row = only(f"![a](a.png){between}![b](b.png)\n")
    assert [[block["kind"] for block in cell] for cell in row["cells"]] == [["figure"], ["figure"]]
    assert [cell[0]["path"] for cell in row["cells"]] == ["a.png", "b.png"]


def test_a_row_has_a_cell_for_each_block_with_the_lines_of_the_file():
    row = only("::::{row}\n:::{figure}\nrun: latest\n:::\n\ntext\n::::\n")
    assert [[(block["kind"], block["line"]) for block in cell] for cell in row["cells"]] == [
        [("directive", 2)],
        [("paragraph", 6)],
    ]
    assert row["cells"][0][0]["body_line"] == 3


def test_rules_in_a_row_divide_its_cells_and_make_no_headings():
    row = only("::::{row}\n## Left\n\ntext\n---\n| a |\n|---|\n| 1 |\n\n: caption\n::::\n")
    assert [[block["kind"] for block in cell] for cell in row["cells"]] == [["heading", "paragraph"], ["table"]]
    assert row["cells"][1][0]["caption"] == [text("caption")]


def test_code_in_a_row_keeps_its_rules():
    row = only("::::{row}\n```yaml\n---\na: 1\n```\n\ntext\n::::\n")
    assert row["cells"][0][0]["text"] == "---\na: 1"


@pytest.mark.parametrize("gap", ["", "\n"])
def test_a_line_with_a_colon_below_a_table_is_its_caption(gap):
    table = only(f"| a | b |\n|---|---|\n| 1 | 2 |\n{gap}: What *it* says\n")
    assert "".join(map(plain_text, table["caption"])) == "What it says"
    assert len(table["rows"]) == 1


def test_a_line_with_a_colon_elsewhere_is_text():
    blocks = parse("a\n\n: b\n\n| a |\n|---|\n| 1 |\n", "s.md")
    assert [block["kind"] for block in blocks] == ["paragraph", "paragraph", "table"]
    assert blocks[2]["caption"] == []


def test_a_role_keeps_its_body_and_its_line():
    (paragraph,) = parse("one\ntwo {value}`latest f1 test` end", "s.md")
    (role,) = [child for child in paragraph["children"] if child["kind"] == "role"]
    assert role == {"kind": "role", "name": "value", "body": "latest f1 test", "line": 2}


def test_two_roles_of_a_paragraph_have_each_its_line():
    (paragraph,) = parse("{value}`a b`\nand {value}`c d`\n", "s.md")
    assert [child["line"] for child in paragraph["children"] if child["kind"] == "role"] == [1, 2]


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_lines_are_counted_alike_whatever_ends_them(newline):
    message = refusal("# A\n\na\u2028b\x0cc\n\nx $\\frca$\n".replace("\n", newline))
    assert message.startswith("sections/10.md:5:4: ")


def test_a_section_far_too_long_is_refused_before_it_is_parsed():
    assert "50_001 characters" in refusal("x" * 50_001)


PIECES = (
    *(
        "$",
        "$$",
        "\n",
        "\n\n",
        "\\frac",
        "{",
        "}",
        "^",
        "_",
        "a",
        "12",
        "\\left(",
        "\\right)",
        "&",
        "\\\\",
        "\\text{",
        "\\hat",
        "\\",
    ),
    *(
        "> ",
        "> [!NOTE]",
        "> -- x\n",
        "- ",
        "1. ",
        "    ",
        "|",
        "| a | b |\n|---|---|\n",
        ": c\n",
        "[^1]",
        "[^1]: ",
        "[@k]",
        "[@k; @l]",
    ),
    *(
        "{value}`x`",
        "`",
        "*",
        "**",
        "~~",
        "![a](b.png)",
        "[l](https://x.y)",
        "[",
        "]",
        "(",
        ")",
        "::::{row}\n",
        "::::\n",
        ":::{figure}\n",
    ),
    *(
        ":::\n",
        "---\n",
        "# ",
        "<!--",
        "-->",
        "<b>",
        "\t",
        "\u202e",
        "é",
        "中",
        "\x00",
        "\r\n",
        "{alt=x}",
        "'",
        "%",
        "#",
        "==\n",
    ),
)


@pytest.mark.parametrize("seed", range(5))
def test_any_text_is_parsed_or_refused_in_one_line_with_its_place(seed):
    rng = random.Random(seed)
    refusals = []
    for _ in range(300):
        source = "".join(rng.choices(PIECES, k=rng.randint(1, 30)))
        try:
            blocks = parse(source, "s.md")
        except UserError as error:
            refusals.append(str(error))
        else:
            assert all(isinstance(plain_text(block), str) for block in prepared(blocks))
    assert 10 < len(refusals) < 290
    assert not [refusal for refusal in refusals if not refusal.startswith("s.md:") or "\n" in refusal]
