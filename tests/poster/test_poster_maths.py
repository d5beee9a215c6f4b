from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from projectkit.errors import UserError
from projectkit.poster.markup.markdown import parse
from projectkit.poster.markup.maths import linear, mathml, parse_maths
from projectkit.poster.markup.maths.parser import DEEPEST, MOST_CHARACTERS
from projectkit.poster.markup.maths.symbols import ACCENTS, ALPHABETS, DELIMITERS, NAMES, SYMBOLS, in_alphabet
from projectkit.poster.markup.maths.tokens import MathsError

FORMULAS = {
    r"\frac{a+b}{2} \le x_i^2": "(a+b)/2≤x_i^2",
    r"\mathcal{L}(\theta) = -\sum_{i=1}^{N} \log p_\theta(y_i \mid \mathbf{x}_i)": "ℒ(θ)=−∑_(i=1)^Nlogp_θ(y_i∣𝐱_i)",
    r"D_{\mathrm{KL}}\left(p \,\middle\|\, q\right)": "D_KL(p‖q)",
    r"f'(x)=\begin{cases} x^2 & \text{if } x > 0,\\ 0 & \text{else}\end{cases}": "f^′(x)={x^2,if x>0,;0,else",
    r"\begin{aligned} a &= b \\[4pt] &= c \end{aligned}": "a,=b;,=c",
    r"\begin{bmatrix} 1 & 0 \\ 0 & 1 \\ \end{bmatrix}": "[1,0;0,1]",
    r"\sqrt[3]{x} + \binom{n}{k} \not= y": "3√x+(n,k)≠y",
    r"\operatorname*{argmax}_x \hat{y}, \argmin": "argmax_xŷ,arg\u2009min",
    r"\operatorname*{arg\,max}_x \xrightarrow{d} y": "arg\u2009max_x→^dy",
    r"\tfrac12 x^10": "1/2x^10",
    r"\boldsymbol{\theta} \in \mathbb{R}^{n\times d}": "𝜽∈ℝ^(n×d)",
    r"\underbrace{a+b}_{\text{two}} \overset{!}{=} \vec v \bmod 3": "a+b=^!v⃗mod3",
    r"\sum_{\substack{i<n\\j<m}} x_{i,j}\quad 95\% \;\{1, 2\}": "∑_i<n;j<mx_(i,j)95%{1,2}",
}


def refused(source: str) -> MathsError:
    with pytest.raises(MathsError) as error:
        parse_maths(source)
    return error.value


@pytest.mark.parametrize(("source", "line"), FORMULAS.items())
def test_a_formula_keeps_all_its_symbols_in_order(source, line):
    assert linear(parse_maths(source)) == line


def test_every_name_is_understood():
    every = [f"\\{name}" for name in (*SYMBOLS, *NAMES)]
    every += [f"\\{name}{{x}}" for name in (*ALPHABETS, *ACCENTS)]
    every += [rf"\left{name} x \right{name}" for name in DELIMITERS]
    for source in every:
        assert ET.fromstring(mathml(parse_maths(source))).tag.endswith("math"), source


def test_a_number_as_a_script_is_its_first_digit_as_in_latex():
    scripts, rest = parse_maths("x^10")["children"]
    assert (scripts["above"], rest) == ({"kind": "number", "text": "1"}, {"kind": "number", "text": "0"})


def test_a_number_in_a_formula_is_one_piece():
    assert parse_maths("3.14") == {"kind": "number", "text": "3.14"}


def test_letters_come_from_the_alphabet_that_is_asked_for():
    assert "".join(in_alphabet(letter, "DOUBLE-STRUCK") for letter in "RE1α") == "ℝ𝔼𝟙α"
    assert "".join(in_alphabet(letter, "FRAKTUR") for letter in "gC") == "𝔤ℭ"
    assert parse_maths(r"\mathrm{TPR}") == {"kind": "words", "text": "TPR"}
    assert parse_maths(r"\mathrm{d}")["upright"]


@pytest.mark.parametrize(
    ("source", "offset", "words"),
    [
        (r"a + \frca{1}{2}", 4, r"did you mean \frac?"),
        (r"a + \begin{aling}x\end{aling}", 11, "did you mean 'align'?"),
        ("{a", 0, "never closed"),
        ("a}", 1, "closing brace"),
        ("x_", 1, "without what it is about"),
        (r"\frac{a}", 0, "without what it is about"),
        ("a & b", 2, "aligned"),
        (r"a \\ b", 2, "aligned"),
        (r"\left( x", 0, r"without its \right"),
        (r"x \right)", 2, r"without its \left"),
        (r"\left x \right.", 0, "no delimiter"),
        (r"\begin{cases} a", 0, "without its end"),
        (r"\begin{cases} a \end{matrix}", 21, r"closed by \end{matrix}"),
        (r"\begin{array}{l|r} a \end{array}", 14, "columns"),
        ("x^a^b", 3, "two superscripts"),
        (r"\text{a \alpha}", 8, "inside"),
        (r"\not{ab}", 0, "no negation"),
        ("a % b", 2, r"\%"),
        ("a # b", 2, r"\#"),
        ("a\\", 1, "backslash"),
        ("  ", 0, "empty"),
        ("x\u0007", 1, "U+0007"),
        ("\\text{a\u202eb}", 7, "U+202E"),
    ],
)
def test_what_is_no_formula_is_named_with_its_place(source, offset, words):
    error = refused(source)
    assert error.offset == offset
    assert words in f"{error.what}; {error.remedy}"


@pytest.mark.parametrize("opening", ["{", r"\hat", r"\frac{1}{", "x^{", r"\sqrt", r"\left(", r"\begin{matrix}"])
def test_a_formula_that_is_too_deep_is_refused_before_it_is_drawn(opening):
    assert "too deeply" in refused(opening * (DEEPEST + 1) + "x").what


def test_a_formula_that_is_too_long_or_too_wide_is_refused():
    assert "characters" in refused("x" * (MOST_CHARACTERS + 1)).what
    assert "too large" in refused(r"\begin{matrix}" + "x&" * 25 + r"x\end{matrix}").what


@pytest.mark.parametrize(
    ("source", "where"),
    [
        (r"text $x$ and $\frca{1}{2}$ here", "s.md:1:15"),
        ("one\ntwo $a +\n\\foo$ end", "s.md:3:1"),
        ("# A\n\n$$\na +\n  b \\frca\n$$\n", "s.md:5:5"),
        ("- item\n\n  $$\n  x_\n  $$\n", "s.md:4:4"),
        ("> quoted $\\frca$\n", "s.md:1:11"),
        ("| a |\n|---|\n| $\\frca$ |\n", "s.md:3:4"),
        ("::::{row}\ntext\n---\n$\\frca$\n::::\n", "s.md:4:2"),
    ],
)
def test_an_error_in_a_formula_has_the_files_line_and_column(source, where):
    with pytest.raises(UserError) as error:
        parse(source, "s.md")
    assert error.value.where == where


@pytest.mark.parametrize(
    "sentence",
    [
        "costs $5 and $10",
        "from $5-$10 a piece",
        "US$5 is not CA$6",
        "set $HOME and $PATH",
        "a prize of $$$ now",
        "win $$ now and $$ later",
        r"\$x\$",
        "3$ and 4$",
        "$ x $",
    ],
)
def test_money_is_text(sentence):
    (block,) = parse(sentence, "s.md")
    assert {child["kind"] for child in block["children"]} == {"text"}
    assert "".join(child["text"] for child in block["children"]) == sentence.replace("\\", "")


@pytest.mark.parametrize("sentence", ["$x$ is 5", "(with $x$)", "so $x$, then", "**$x$**", "*a $x$*", "a$x$b"])
def test_a_formula_may_stand_anywhere_in_a_line(sentence):
    kinds = [one["kind"] for one in _leaves(parse(sentence, "s.md"))]
    assert kinds.count("math") == 1


def test_a_formula_on_its_own_lines_is_an_equation_and_may_end_a_paragraph():
    blocks = parse("before\n$$\nx +\n y\n$$\nafter\n\n$$ z $$\n", "s.md")
    assert [block["kind"] for block in blocks] == ["paragraph", "equation", "paragraph", "equation"]
    assert (blocks[1]["source"], blocks[1]["line"]) == ("x +\ny", 2)


@pytest.mark.parametrize(("source", "words"), [("$$\nx\n\ny\n", "never closed"), ("a $$x$$ b", "double dollar")])
def test_double_dollars_that_make_no_equation_are_refused(source, words):
    with pytest.raises(UserError, match=words):
        parse(source, "s.md")


def test_mathml_escapes_what_a_team_wrote():
    hostile = r'\text{<script>"&'
    page = mathml(parse_maths(hostile.replace("&", r"\&") + "}"), alt='"><script>')
    assert "<script" not in page
    math = ET.fromstring(page)
    assert (math.get("alttext"), "".join(math.itertext())) == ('"><script>', '<script>"&')


def test_mathml_has_limits_below_large_operators_and_scripts_beside_letters():
    page = mathml(parse_maths(r"\sum_{i}^{n} x_i^2 \int_0^1 \max_a"), display=True)
    kinds = [element.tag.rpartition("}")[2] for element in ET.fromstring(page).iter()]
    assert [kind for kind in kinds if kind.startswith("m") and ("sub" in kind or "under" in kind)] == [
        "munderover",
        "msubsup",
        "msubsup",
        "munder",
    ]
    assert 'display="block"' in page


def test_mathml_tells_a_sign_from_an_operator():
    page = mathml(parse_maths("a - b = -c"))
    assert page.count("−") == 2
    assert page.count('form="prefix"') == 1


def _leaves(value):
    if isinstance(value, list):
        return [leaf for one in value for leaf in _leaves(one)]
    children = value.get("children")
    return _leaves(children) if children else [value]


def test_mathml_sets_a_function_apart_from_a_letter_but_not_from_its_brackets():
    assert 'rspace="0.167em"' in mathml(parse_maths(r"\log x"))
    assert 'rspace="0em"' in mathml(parse_maths(r"\log(x)"))
    assert 'rspace="0em"' in mathml(parse_maths(r"\log\left(x\right)"))


def test_mathml_keeps_the_spaces_of_words():
    assert "<mtext>if\u00a0</mtext>" in mathml(parse_maths(r"\text{if } x"))
