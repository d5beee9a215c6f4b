"""Which boxes a network is drawn as, and how many."""

import pytest
from figure_gallery import layer, network

from projectkit import figures
from projectkit.figures.diagram import numbered
from projectkit.figures.layers import blocks_of


def words(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def linear(given, gives, source, then=()):
    return [layer("Linear", f"{given} → {gives}", (given,), (gives,), given * gives, source), *then]


def test_what_follows_a_layer_stands_in_its_box_and_dropout_is_not_said():
    first = layer("Flatten", "", (2, 2), (4,))
    tail = [layer("BatchNorm1d", source=1, parameters=16), layer("ReLU", source=2), layer("Dropout", "0.2", source=3)]
    (block,) = blocks_of([first, *linear(4, 8, 0, tail)], most=9)
    assert (block.title, block.about, block.then, block.parameters) == ("Linear", "4 → 8", ("BatchNorm", "ReLU"), 48)


def test_layers_side_by_side_are_one_box_with_what_is_common_first():
    block = blocks_of(network(1)["layers"], most=9)[1]
    assert (block.title, block.about) == ("3 × Conv1d", "side by side: 64 → 128, kernel 2 | 3 | 4")
    assert block.parameters == 8192 * 9


def test_equal_boxes_in_a_row_are_one_with_a_count_and_their_parameters_together():
    (block,) = blocks_of([each for k in range(5) for each in linear(8, 8, k)], most=9)
    assert (block.count, block.parameters) == (5, 5 * 64)


def test_what_has_a_shortcut_inside_stays_whole_as_its_parts_are_no_chain():
    (block,) = blocks_of(network(1)["layers"][5:-1], most=50)
    assert (block.title, block.then) == ("Block", ("2 × Conv2d", "shortcut"))


def test_groups_are_opened_as_long_as_there_is_room():
    group = layer("Encoder", "", (4,), (2,), 100, 0, [*linear(4, 8, 0), *linear(8, 6, 1), *linear(6, 2, 2)])
    layers = [group, *linear(2, 3, 9)]
    assert [block.title for block in blocks_of(layers, most=4)] == ["Linear"] * 4
    assert [block.title for block in blocks_of(layers, most=3)] == ["Encoder", "Linear"]


@pytest.mark.parametrize("most", [1, 2, 3, 5, 8])
def test_no_parameter_is_lost_however_few_boxes_there_are(most):
    layers = network(23)["layers"]
    blocks = blocks_of(layers, most)
    assert 1 <= len(blocks) <= most
    assert sum(block.parameters for block in blocks) == sum(each["parameters"] for each in layers)


def test_a_diagram_says_name_parameters_input_and_output():
    shown = words(figures.diagram(network(1)))
    assert shown[:2] == ["AVeryDescriptivelyNamedNetwork", "11.2 M parameters"]
    assert "input: 60 tokens" in shown
    assert "output 43" in shown


def test_a_network_without_layers_is_drawn_as_its_name():
    empty = {"type": "Nothing", "parameters": 0, "input": None, "output": None, "layers": []}
    assert words(figures.diagram(empty, size_mm=(100, 60)))[0] == "Nothing"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1 k"),
        (41_475, "41.5 k"),
        (123_456, "123 k"),
        (999_999, "1 M"),
        (11_689_512, "11.7 M"),
    ],
)
def test_counts_are_said_with_three_digits(count, text):
    assert numbered(count) == text
