"""What baselines read: n-grams against scikit-learn's, forms that are fitted on train alone, neighbours chosen without a leak."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import f1_score
from sklearn.neighbors import KNeighborsClassifier

from projectkit.evaluation.baseline import features, neighbours
from projectkit.evaluation.baseline.features import Features
from projectkit.evaluation.baseline.neighbours import DISTANCES, choose
from projectkit.evaluation.baseline.sequences import Sequences, count_ngrams

WORDS = ["alpha beta gamma beta", "", "beta", "gamma gamma gamma gamma", "alpha beta gamma delta epsilon", "beta beta"]


def characters(texts: list[str]) -> Sequences:
    values = np.array([ord(letter) for text in texts for letter in text], dtype=np.int16)
    return Sequences(values, np.cumsum([0, *map(len, texts)]).astype(np.int64))


@pytest.mark.parametrize("longest", [1, 2, 4])
def test_ngrams_are_those_that_scikit_learn_counts(longest: int) -> None:
    counts = count_ngrams(characters(WORDS), longest)
    known = CountVectorizer(analyzer="char", ngram_range=(1, longest), lowercase=False).fit_transform(WORDS)
    assert (counts @ counts.T).toarray().tolist() == (known @ known.T).toarray().tolist()
    assert np.asarray(counts.sum(axis=1)).ravel().tolist() == np.asarray(known.sum(axis=1)).ravel().tolist()


def test_counts_are_the_same_however_many_rows_are_counted_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = characters(WORDS * 3), np.arange(18) % 2
    whole = Features("characters", x, y, 0).train("weighted")
    monkeypatch.setattr(features, "_AT_ONCE", 7)
    parts = Features("characters", x, y, 0).train("weighted")
    assert (whole != parts).nnz == 0


@pytest.mark.parametrize("form", ["none", "weighted", "components", "chosen", "values"])
@pytest.mark.parametrize("sequences", [False, True])
def test_a_row_is_read_alike_in_training_and_later(form: str, sequences: bool) -> None:
    rng = np.random.default_rng(0)
    x = (
        characters(["".join(rng.choice(list("abc"), 9)) for _ in range(30)])
        if sequences
        else rng.normal(size=(30, 400))
    )
    known = Features("characters" if sequences else "image", x, np.arange(30) % 3, 0)
    first, later = known.train(form), known.of(x, form)
    dense = [part.toarray() if hasattr(part, "toarray") else part for part in (first, later)]
    np.testing.assert_allclose(*dense, atol=1e-6)


def test_the_components_are_those_of_the_training_rows_alone() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 300)).astype(np.float32)
    known = Features("image", x, np.arange(50) % 2, 0)
    before = known.train("components").copy()
    known.of(rng.normal(size=(500, 300)).astype(np.float32) * 100, "components")
    assert known.train("components") is not None
    np.testing.assert_array_equal(before, known.of(x, "components"))
    assert known.words("components") == "50 principal components of 300 values"
    assert known.words("values") == "300 encoded values"


def test_neighbours_are_chosen_by_the_scores_that_scikit_learn_gives_each_number() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(120, 3)).astype(np.float32), rng.integers(0, 3, 120)
    x[:, 0] += y
    train, held = np.arange(80), np.arange(80, 120)
    for metric in DISTANCES.values():
        for k, score in neighbours._scores(x, y, train, held, metric).items():
            model = KNeighborsClassifier(k, metric=metric).fit(x[train], y[train])
            assert score == pytest.approx(f1_score(y[held], model.predict(x[held]), average="macro"))


def test_copies_of_a_row_do_not_choose_the_number_of_neighbours() -> None:
    rng = np.random.default_rng(2)
    drawn, labels = rng.normal(size=(150, 4)), rng.integers(0, 2, 150)  # nothing can be learnt
    x, y, copy_of = np.repeat(drawn, 4, axis=0), np.repeat(labels, 4), np.repeat(np.arange(150), 4)
    careless, fair = choose(x, y, None, 0), choose(x, y, copy_of, 0)
    assert careless.k == 1
    assert careless.f1_macro is not None
    assert careless.f1_macro > 0.95
    assert fair.f1_macro is not None
    assert fair.f1_macro < 0.65


def test_where_too_few_groups_are_there_to_choose_by_the_usual_number_is_taken() -> None:
    x, y = np.zeros((40, 2)), np.arange(40) % 2
    assert choose(x, y, np.arange(40) % 4, 0) == neighbours.Choice(5, "L2", None, 0)
