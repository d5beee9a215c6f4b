from __future__ import annotations

import pytest

from projectkit.poster.markup.maths import parse_maths
from projectkit.poster.markup.words import breakable, prepared


@pytest.mark.parametrize("word", ["antidisestablish", "0.834", "state-of-the-art", "a b c"])
def test_ordinary_words_stay_whole(word):
    assert breakable(word) == word


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("Klassifikationsgenauigkeit", "Klas-sifi-kations-genauig-keit"),
        ("(Donaudampfschifffahrtsgesellschaft).", "(Donau-dampf-schiff-fahrts-gesell-schaft)."),
        ("электрофотополупроводниковый", "элект-рофо-топо-лупро-водни-ковый"),
    ],
)
def test_a_long_word_is_broken_between_syllables_with_a_hyphen(word, parts):
    assert breakable(word).replace("\u00ad", "-") == parts


@pytest.mark.parametrize("word", ["https://example.org/team/project", "f" * 80, "Transformer_small_v2_final_really"])
def test_long_words_can_be_broken_and_keep_their_characters(word):
    broken = breakable(word)
    assert broken.replace("\u200b", "") == word
    assert max(len(part) for part in broken.split("\u200b")) <= 15


def test_a_table_knows_the_widest_word_of_each_column():
    table = {
        "kind": "table",
        "header": [[text("a")], [text("much longer")]],
        "rows": [[[text("abc de")], [{"kind": "code", "text": "longe"}]]],
    }
    assert prepared(table)["longest"] == [
        {"word": text("abc"), "size": 1.0},
        {"word": {"kind": "code", "text": "longe"}, "size": 1.0},
    ]


def test_a_formula_is_left_as_it_is_and_is_one_piece_of_its_column():
    formula = {"kind": "math", "tree": parse_maths(r"\operatorname{averyveryverylongname}(x)"), "source": "..."}
    table = {"kind": "table", "header": [[text("a")]], "rows": [[[text("short "), formula]]]}
    assert prepared(table)["longest"] == [{"word": formula, "size": 1.0}]
    assert prepared(table)["rows"] == table["rows"]


def text(words: str) -> dict[str, str]:
    return {"kind": "text", "text": words}
