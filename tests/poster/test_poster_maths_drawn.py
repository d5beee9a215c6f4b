"""What markup makes of a text is drawn: one poster with every kind of node, read back from its PDF and its page."""

from __future__ import annotations

import pytest
from posterpdf import pages, pdf_text

from projectkit.errors import ProjectkitError
from projectkit.poster.build import build_poster

TEXT = r"""# What $\mathcal{L}(\theta)$ says

Ours[^a] is **better** than [@ada], by $\frac{1}{2}$ of *it*[^b].

$$
\hat\theta = \argmin_{\theta} \sum_{i=1}^{N} \ell\left(f_\theta(x_i) \,\middle|\, y_i\right)
$$

> [!IMPORTANT]
> Remember $x$.

> [!CAUTION] Not **yet**
> Careful.

> [!TIP]
> - one

> Said.
> -- Somebody

| $\alpha$ | share |
|:--|--:|
| $10^{-3}$ | 8% |

: The caption.

- an item

  $$\begin{aligned} a &= \begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix} \\ b &= \sqrt[3]{\binom{n}{k}} \end{aligned}$$

  | a | bbbbbbbbbbbbbbbbbbbbbbbb | cccccccccccccccccccccccccc |
  |---|---|---|
  | 1 | 2 | 3 |

::::{row}
Left.
---
Right, $\cancel{y} \overbrace{a}^{b} \Bigl( \bar{z} \not= \mathbb{R} \sum_{\substack{a\\b}} \Bigr)$.
::::

[^a]: A *note* with $n$.
[^b]: Another.
"""
BIB = "@misc{ada, author={Ada Lovelace}, title={Notes}, year=1843, url={https://example.org}}"


def test_every_kind_of_text_is_drawn_and_formulas_are_read_out_as_latex(write_poster, team):
    folder = write_poster(TEXT)
    (folder / "references.bib").write_text(BIB, encoding="utf-8")
    built = build_poster(folder, team)
    assert pages(built.pdf) == 1
    content = pdf_text(built.pdf)
    for source in (r"\mathcal{L}(\theta)", r"\frac{1}{2}", "10^{-3}"):
        assert f"/Alt({source})".replace("\\", "\\\\").encode("ascii") in content, source
    page = (built.pdf.parent / "poster.html").read_text(encoding="utf-8")
    for words in ("<math", "Not <strong>yet</strong>", "The caption.", "Somebody", "[1]", "Lovelace (1843)"):
        assert words in page, words


def test_words_of_text_and_formulas_can_be_found_in_the_pdf(write_poster, team):
    pdfplumber = pytest.importorskip("pdfplumber")
    folder = write_poster(TEXT)
    (folder / "references.bib").write_text(BIB, encoding="utf-8")
    with pdfplumber.open(build_poster(folder, team).pdf) as pdf:
        words = pdf.pages[0].extract_text()
    for wanted in ("Remember", "Somebody", "The caption.", "Another.", "Lovelace (1843).", "[1]", "Tip"):
        assert wanted in words, wanted


def test_a_formula_wider_than_a_column_is_an_error_with_its_line(write_poster, team):
    wide = "+".join(f"x_{{{number}}}" for number in range(60))
    folder = write_poster(f"# A\n\ntext\n\n$$\n{wide}\n$$\n")
    with pytest.raises(ProjectkitError) as error:
        build_poster(folder, team)
    assert error.value.where == "poster/sections/10-found.md:5"
    assert "this formula is wider than a column" in str(error.value)


def test_a_long_formula_in_a_line_is_broken(write_poster, team):
    long = "+".join(f"x_{{{number}}}" for number in range(60))
    built = build_poster(write_poster(f"# A\n\ntext ${long}$ end\n"), team)
    assert pages(built.pdf) == 1


def test_a_formula_in_a_line_that_cannot_be_broken_is_an_error_with_its_line(write_poster, team):
    long = "+".join(f"x_{{{number}}}" for number in range(60))
    folder = write_poster(f"# A\n\ntext\n\n- so *$\\left({long}\\right)$* is\n")
    with pytest.raises(ProjectkitError) as error:
        build_poster(folder, team)
    assert error.value.where == "poster/sections/10-found.md:5"
    assert "a formula here is wider than a column" in str(error.value)
