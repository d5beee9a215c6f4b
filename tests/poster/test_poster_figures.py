"""`figure`, `curves` and `diagram` on a poster: what is drawn anew, in which colours, and what is remembered of it."""

import json

import numpy as np
import pytest

from projectkit import figures
from projectkit.errors import UserError
from projectkit.poster.directives.drawings import Drawn
from projectkit.runs import RunWriter, find_run, keep_run


@pytest.fixture
def left(make_run, team):
    """A function that leaves a run with what training and evaluation leave for figures, and returns its id."""

    def leave(**numbers):
        run_id = make_run()
        if numbers:
            writer = RunWriter.open(team.runs / run_id)
            writer.write_figure("attributions-val", b"<svg/>", numbers=numbers)
        return run_id

    return leave


def drawn_by(directive, name, body, size_mm=(250.0, 180.0), **options):
    drawn = Drawn(**options)
    node = directive(name, body, drawn)
    return node, drawn, drawn.drawings[0].svg(size_mm, 24.0)


def test_a_diagram_names_its_layers_and_its_run_and_has_type_of_print_size(directive, left):
    run_id = left()
    node, drawn, svg = drawn_by(directive, "diagram", f"run: {run_id}\ncaption: Two layers.")
    assert node["redrawn"]
    assert node["source"]["runs"] == [run_id]
    assert [(shown.run, shown.subset, shown.what) for shown in drawn.shown] == [(run_id, None, "model")]
    words = svg.decode()
    assert all(
        f"<!-- {word} -->" in words for word in ("TextNet", "4.42 k parameters", "Embedding", "Linear", "192 → 3")
    )
    assert figures.smallest_type_pt(svg, 250) == pytest.approx(0.9 * 24, rel=0.01)
    assert figures.colour_blind(figures.picture_colours(svg)) == []


def test_a_diagram_of_a_large_network_is_given_more_room_than_one_of_a_small_network(directive, make_run, team):
    heights = []
    for count in (2, 12):
        run_id = make_run()
        model = find_run(run_id, team).model()
        layers = [{**model["layers"][1], "about": f"{k} → {k + 1}", "source": k} for k in range(count)]
        RunWriter.open(team.runs / run_id).write_model({**model, "layers": layers})
        heights.append(directive("diagram", f"run: {run_id}")["most"])
    assert heights[0] < heights[1] <= 1.5


def test_a_run_that_does_not_say_what_its_network_is_made_of_is_one_line(directive, make_run, team):
    run_id = make_run()
    (team.runs / run_id / "model.json").unlink()
    with pytest.raises(UserError, match="does not say what its network is made of") as caught:
        directive("diagram", f"run: {run_id}")
    assert caught.value.where == "s.md:4:1"
    assert "projectkit train" in caught.value.remedy


def test_a_kept_run_keeps_its_network_and_the_numbers_of_its_figures(left, team):
    run_id = left(form="columns", names=["a"], values=[0.5], titles=["mean absolute attribution"])
    keep_run(find_run(run_id, team), team)
    (team.runs / run_id).rename(team.root / "gone")
    kept = find_run(run_id, team)
    assert kept.model()["type"] == "TextNet"
    assert kept.figure_data("attributions-val")["names"] == ["a"]


def test_a_damaged_model_names_the_file_and_what_to_do(left, team):
    run_id = left()
    (team.runs / run_id / "model.json").write_text('{"schema": 1, "lay', encoding="utf-8")
    with pytest.raises(UserError, match="damaged file") as caught:
        find_run(run_id, team).model()
    assert "projectkit train" in caught.value.remedy


FORMS = {
    "columns": {"names": ["a", "b"], "values": [0.5, 0.2], "titles": ["mean absolute attribution"]},
    "table": {"names": ["a", "b"], "values": [[0.5, -0.2], [0.1, 0.3]], "titles": ["spam", "ham"]},
    "images": {
        "images": figures.packed(np.zeros((2, 1, 8, 8), dtype=np.uint8)),
        "maps": figures.packed_maps(np.linspace(-1, 1, 128).reshape(2, 8, 8)),
        "titles": ["3 taken for 8", "8"],
    },
    "series": {
        "series": figures.packed(np.zeros((2, 1, 50))),
        "maps": figures.packed_maps(np.linspace(-1, 1, 100).reshape(2, 50)),
        "titles": ["3 taken for 8", "8"],
    },
    "text": {"rows": [{"tokens": ["free", "money"], "values": [0.5, 0.9]}], "titles": ["ham taken for spam"]},
}


@pytest.mark.parametrize("form", FORMS)
def test_attributions_are_drawn_anew_from_what_the_evaluation_left(directive, left, form):
    run_id = left(form=form, **FORMS[form])
    node, drawn, svg = drawn_by(directive, "figure", f"run: {run_id}\nname: attributions")
    assert node["redrawn"]
    assert node["alt"].startswith("Attributions of inputs of the run")
    assert [shown.what for shown in drawn.shown] == ["attributions"]
    assert figures.smallest_type_pt(svg, 250) > 20


def test_what_is_held_back_by_the_card_is_not_drawn_from_its_numbers_either(directive, make_run, team):
    run_id = make_run()
    writer = RunWriter.open(team.runs / run_id)
    writer.write_held_back_figure("attributions-val", b"<svg/>", numbers={"form": "text", **FORMS["text"]})
    with pytest.raises(UserError, match="may not be passed on"):
        directive("figure", f"run: {run_id}\nname: attributions")
    keep_run(find_run(run_id, team), team)
    assert not list((team.results / run_id).rglob("attributions*"))


def test_a_new_evaluation_forgets_the_attributions_of_the_former_one(left, team):
    run_id = left(form="columns", **FORMS["columns"])
    RunWriter.open(team.runs / run_id).forget_analysis("val")
    assert find_run(run_id, team).figure_data("attributions-val") is None


def test_a_figure_without_numbers_is_the_file_that_the_run_has_and_is_remembered_too(directive, make_run):
    run_id, drawn = make_run(), Drawn()
    node = directive("figure", f"run: {run_id}\nname: roc", drawn)
    assert node["path"].name == "roc-val.svg"
    assert [(shown.run, shown.what, shown.where) for shown in drawn.shown] == [(run_id, "roc", "s.md:4")]


def test_runs_that_differ_in_the_seed_alone_are_one_curve_with_a_band(directive, make_run):
    ids = [make_run("gru", seed=seed) for seed in (1, 2, 3)] + [make_run("cnn", seed=1, settings="model: {a: 1}")]
    node, drawn, svg = drawn_by(directive, "curves", f"runs: {json.dumps(ids)}\nmetrics: [val/loss]")
    assert "<!-- gru (3 seeds) -->" in svg.decode()
    assert "<!-- cnn -->" in svg.decode()
    assert "band" in node["source"]["words"]
    assert {shown.run for shown in drawn.shown} == set(ids)


def test_differences_are_of_the_first_result_from_each_of_the_others_with_what_they_rest_on(directive, make_run):
    ids = [
        make_run(name, f1=f1, settings=f"model: {{a: {name}}}")
        for name, f1 in (("ours", 0.9), ("cnn", 0.8), ("gru", 0.7))
    ]
    body = f"runs: {json.dumps(ids)}\nmetrics: [f1_macro]"
    node, drawn, svg = drawn_by(directive, "differences", body)
    assert node["alt"].endswith("− cnn: +0.100; − gru: +0.200")
    assert "from the two intervals, as predictions are missing" in node["source"]["words"]
    assert {shown.what for shown in drawn.shown} == {"difference of f1_macro"}
    assert b"<!-- ours \xe2\x88\x92 each -->" in svg


def test_one_result_has_no_difference(directive, make_run):
    ids = [make_run("gru", seed=seed) for seed in (1, 2)]
    with pytest.raises(UserError, match="one result has no difference") as caught:
        directive("differences", f"runs: {json.dumps(ids)}")
    assert caught.value.where.startswith("s.md:4")


def test_figures_take_paper_ink_and_axes_from_the_theme_and_keep_the_colours_that_mean_something(directive, make_run):
    body = f"run: {make_run()}\nname: confusion"
    colours = {"paper": "#fff8e7", "ink": "#000000", "muted": "#262626"}
    ours, themed = drawn_by(directive, "figure", body)[2], drawn_by(directive, "figure", body, colours=colours)[2]
    assert b"#fff8e7" in themed
    assert b"#ffffff" not in themed
    assert b"#1f2933" in ours
    assert b"#1f2933" not in themed


def test_on_dark_paper_a_figure_keeps_its_white_ground():
    svg = b'<svg><path style="fill: #ffffff"/><path style="fill: #1f2933"/></svg>'
    assert figures.recoloured(svg, paper="#101010", ink="#ffffff", muted="#cccccc") == svg


def test_numbers_that_were_edited_by_hand_are_one_line_not_a_traceback(directive, left, team):
    run_id = left(form="table", **{**FORMS["table"], "values": [[1.0]]})
    with pytest.raises(UserError, match=r"numbers of attributions in .* are damaged") as caught:
        drawn_by(directive, "figure", f"run: {run_id}\nname: attributions")
    assert caught.value.where.startswith("s.md:5")
    (team.runs / run_id / "model.json").write_text('{"schema": 1, "layers": [3]}', encoding="utf-8")
    with pytest.raises(UserError, match="says of its network is damaged"):
        directive("diagram", f"run: {run_id}")


@pytest.mark.parametrize(
    "damage", [{"shape": [2, 2]}, {"shape": [10**9]}, {"dtype": "object"}, {"zlib": "AAAA"}, {"shape": [-1, 3]}]
)
def test_packed_numbers_that_are_not_what_they_say_are_refused(damage):
    from projectkit.figures.attributed import unpacked

    whole = figures.packed(np.arange(3, dtype=np.uint8))
    np.testing.assert_array_equal(unpacked(whole), [0, 1, 2])
    with pytest.raises(ValueError, match="array"):
        unpacked({**whole, **damage})
