"""Captions of directives: a line of Markdown with numbers in it."""

from __future__ import annotations

import pytest

from projectkit.errors import UserError
from projectkit.poster.directives.drawings import Drawn
from projectkit.poster.markup.nodes import inline_text
from projectkit.poster.render import rendered


@pytest.mark.parametrize("name", ["results", "numbers", "curves", "figure"])
def test_a_number_in_a_caption_is_the_runs(directive, make_run, name):
    run = make_run(f1=0.834)
    keys = {
        "results": f"runs: [{run}]",
        "numbers": f"run: {run}",
        "curves": f"runs: [{run}]",
        "figure": f"run: {run}\nname: confusion",
    }
    metrics = "\nmetrics: [f1_macro]" if name in ("results", "numbers") else ""
    drawn = Drawn()
    node = directive(name, f"{keys[name]}{metrics}\ncaption: Ours *reaches* {{value}}`{run} f1_macro %` of all.", drawn)
    assert inline_text(node["caption"]) == "Ours reaches 83.4% of all."
    assert [one["kind"] for one in node["caption"]] == ["text", "emph", "text", "number", "text"]
    assert (drawn.shown[-1].run, drawn.shown[-1].what, drawn.shown[-1].text) == (run, "f1_macro", "83.4%")


@pytest.mark.parametrize("text", ["1990. A year", "- a dash", "# 5 of 10", "![a](b.png)"])
def test_what_is_no_line_of_markdown_is_its_words(directive, make_run, text):
    node = directive("numbers", f'run: {make_run()}\nmetrics: [f1_macro]\ncaption: "{text}"')
    assert node["caption"] == [{"kind": "text", "text": text}]


def test_a_citation_in_a_caption_is_refused_with_its_place(directive, make_run):
    with pytest.raises(UserError, match=r"^s\.md:6.*a citation in the caption"):
        directive("numbers", f'run: {make_run()}\nmetrics: [f1_macro]\ncaption: "As [@turing]."')


def test_an_unknown_role_in_a_caption_is_named(directive, make_run):
    with pytest.raises(UserError, match=r"^s\.md:.*no role 'valeu'"):
        directive("numbers", f'run: {make_run()}\nmetrics: [f1_macro]\ncaption: "As {{valeu}}`latest f1_macro`."')


def test_a_caption_with_a_formula_is_drawn(make_run, team, write_poster):
    run = make_run()
    folder = write_poster(
        f"# What we found\n\n:::{{results}}\nruns: [{run}]\nmetrics: [f1_macro]\n"
        f"caption: With $x^2$ and {{value}}`{run} f1_macro`.\n:::\n"
    )
    with rendered(folder, team) as found:
        assert found.layout is not None
        assert [one.where for one in found.composed.shown][-1] == "poster/sections/10-found.md:6"


def test_a_caption_with_a_number_in_it_is_no_alternative_text_as_the_number_is_drawn_later(directive, make_run):
    run = make_run("ours")
    node = directive("curves", f'runs: [{run}]\ncaption: "It reaches {{value}}`{run} f1_macro`."')
    assert node["alt"] == "Curves of train/loss, val/loss over the steps of training, for ours"
