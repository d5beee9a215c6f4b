"""Differences between results of several seeds, and of folds: what they rest on, and what so few of them cannot show."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from comparedruns import Lab, of

from projectkit import metrics
from projectkit.project import Project
from projectkit.runs import RunWriter
from projectkit.runs.compare import compare
from projectkit.runs.verdict import number, sentences
from projectkit.runs.versus import Versus


@pytest.fixture
def lab(project: Project) -> Lab:
    return Lab(project)


def test_several_seeds_of_each_are_compared_by_their_means_and_the_samples_are_drawn_anew_as_well(lab: Lab) -> None:
    runs = [lab.run(name, skill, seed=seed) for name, skill in (("gru", 2.4), ("cnn", 1.6)) for seed in range(5)]
    result = compare(runs)
    assert [each.described for each in result.results] == ["gru (5 seeds)", "cnn (5 seeds)"]
    pair = of(result)
    means = [np.mean([run.best["val/f1_macro"] for run in runs[start : start + 5]]) for start in (0, 5)]
    assert pair.difference.value == pytest.approx(means[0] - means[1])
    assert (pair.rests_on, pair.counts, pair.better) == ("seeds", (5, 5), 0)
    assert pair.with_samples is not None
    assert pair.with_samples[0] < pair.difference.low < pair.difference.high < pair.with_samples[1]
    (sentence,) = result.sentences
    assert sentence.startswith("gru (5 seeds) is better than cnn (5 seeds) by .")
    assert "with the samples drawn anew as well" in sentence


def test_a_number_at_a_threshold_is_compared_over_seeds_without_a_note_that_says_nothing(lab: Lab) -> None:
    runs = [lab.run(name, skill, seed=seed) for name, skill in (("gru", 2.4), ("cnn", 1.6)) for seed in range(3)]
    for index, run in enumerate(runs):
        document = run.evaluation("val") or {}
        document["metrics"]["tpr_at_fpr_1e-2"] = {"value": 0.5 + index / 100, "low": 0.4, "high": 0.7}
        RunWriter.open(run.path).write_evaluation("val", document)
    result = compare(runs)
    pair = of(result, "val/tpr_at_fpr_1e-2")
    assert (pair.rests_on, pair.with_samples) == ("seeds", None)
    assert not any("is not known" in note for note in result.notes)


def test_seeds_that_were_not_evaluated_are_compared_as_training_logged_them(lab: Lab) -> None:
    runs = [lab.run(name, skill, seed=seed) for name, skill in (("gru", 2.6), ("cnn", 1.4)) for seed in range(3)]
    for run in runs:
        shutil.rmtree(run.path / "evaluation")
        shutil.rmtree(run.path / "predictions")
    result = compare(runs)
    pair = of(result)
    assert (pair.rests_on, pair.counts, pair.with_samples) == ("seeds", (3, 3), None)
    assert any("6 of 6 runs were not evaluated on val" in note for note in result.notes)


def test_seeds_whose_predictions_are_gone_are_compared_over_seeds_alone_and_that_is_said(lab: Lab) -> None:
    runs = [lab.run(name, skill, seed=seed) for name, skill in (("gru", 2.6), ("cnn", 1.4)) for seed in range(4)]
    shutil.rmtree(runs[5].path / "predictions")
    result = compare(runs)
    assert of(result).with_samples is None
    (note,) = result.notes
    assert note.startswith("what another draw of the samples of val adds is not known")
    assert f"projectkit evaluate {runs[5].id} --subset val" in note


def test_a_difference_of_seeds_that_another_draw_of_samples_may_turn_round_is_not_called_better(lab: Lab) -> None:
    results = compare([lab.run(name, 1.6, seed=seed) for name in ("gru", "cnn") for seed in range(3)]).results
    difference = metrics.seeds_difference([0.81, 0.82, 0.83], [0.71, 0.72, 0.73], paired=False)
    sure = Versus("val", "f1_macro", 0, 1, difference, "seeds", (3, 3), less=False, with_samples=(0.02, 0.18))
    assert sure.better == 0
    unsure = Versus("val", "f1_macro", 0, 1, difference, "seeds", (3, 3), less=False, with_samples=(-0.02, 0.22))
    assert unsure.better is None
    (sentence,) = sentences(results, [unsure], ())
    assert "cannot be told apart" in sentence
    assert "more samples would tell, more seeds would not" in sentence


def test_a_test_that_the_interval_beside_it_contradicts_proves_nothing() -> None:
    difference = metrics.Difference(0.05, -0.001, 0.1, 0.045, "newcombe", "exact McNemar")
    assert Versus("val", "accuracy", 0, 1, difference, "samples", (60, 60), less=False).better is None


def test_seeds_without_a_number_are_not_counted_among_those_that_have_one(lab: Lab) -> None:
    results = compare([lab.run(name, 1.6, seed=seed) for name in ("gru", "cnn") for seed in range(3)]).results
    difference = metrics.seeds_difference([0.81, 0.82], [0.71, 0.72, 0.73], paired=False)
    pair = Versus("val", "f1_macro", 0, 1, difference, "seeds", (2, 3), less=False)
    (sentence,) = sentences(results, [pair], ())
    assert sentence.endswith("Of gru, 1 of 3 runs have no such number and are left out.")


def test_one_number_from_every_seed_is_no_proof_of_a_difference(lab: Lab) -> None:
    from projectkit.runs.difference import one_and_seeds

    for same in (
        metrics.seeds_difference([0.8, 0.8], [0.7, 0.7], paired=False),
        one_and_seeds([0.8], [0.7, 0.7], fixed=True),
    ):
        assert same.p is None
        assert Versus("val", "f1_macro", 0, 1, same, "seeds", (2, 2), less=False).better is None


def test_seeds_that_are_unequal_in_number_are_still_compared(lab: Lab) -> None:
    runs = [lab.run("gru", 2.4, seed=seed) for seed in range(3)] + [lab.run("cnn", 1.2, seed=seed) for seed in range(5)]
    pair = of(compare(runs))
    assert (pair.counts, pair.rests_on, pair.better) == ((3, 5), "seeds", 0)
    assert "Welch" in pair.difference.test


def test_three_seeds_are_told_that_a_sign_flip_test_cannot_decide(lab: Lab) -> None:
    runs = [lab.run(name, skill, seed=seed) for name, skill in (("gru", 2.4), ("cnn", 1.6)) for seed in range(3)]
    result = compare(runs)
    assert any(
        "3 seeds" in note and "cannot go under p = .25 by sign flips, .1 by permutation" in note
        for note in result.notes
    )
    more = [*runs, lab.run("gru", 2.4, seed=3), lab.run("cnn", 1.6, seed=3)]
    assert not [note for note in compare(more).notes if "sign flips" in note]


def test_one_run_against_five_seeds_asks_whether_it_could_be_a_further_seed(lab: Lab) -> None:
    runs = [lab.run("gru", 2.4, seed=seed) for seed in range(5)] + [lab.run("cnn", 1.0)]
    result = compare(runs)
    pair = of(result)
    assert (pair.rests_on, pair.counts, pair.better) == ("one and seeds", (5, 1), 0)
    assert "cnn was trained once, so its spread over seeds is taken for that of the other" in result.sentences[0]


def test_one_against_several_is_the_published_test() -> None:
    from scipy import stats

    from projectkit.runs.difference import one_and_seeds

    several = [0.81, 0.83, 0.80, 0.84, 0.82]
    found = one_and_seeds([0.90], several, fixed=False)
    spread = np.std(several, ddof=1) * np.sqrt(1 + 1 / 5)
    assert found.p == pytest.approx(2 * stats.t.sf((0.90 - np.mean(several)) / spread, 4))
    assert one_and_seeds(several, [0.90], fixed=False).value == -found.value
    fixed = one_and_seeds(several, [0.90], fixed=True)
    assert fixed.p == pytest.approx(stats.ttest_1samp(several, 0.90).pvalue)
    known = stats.ttest_1samp(several, 0.90).confidence_interval()
    assert (fixed.low, fixed.high) == pytest.approx((known.low - 0.90, known.high - 0.90))


def test_a_baseline_is_taken_as_it_is_and_the_teams_code_does_not_make_it_unfair(lab: Lab) -> None:
    runs = [lab.run("gru", 2.4, seed=seed) for seed in range(5)]
    lab.git = {"commit": "b" * 40, "diff_sha256": None}
    baseline = lab.run("linear", 1.2, kind="baseline", baseline={"name": "linear"})
    result = compare([*runs, baseline])
    assert result.unfair == ()
    assert "fixed number" in of(result).difference.test
    assert "trained once" not in result.sentences[0]


def test_baselines_of_one_config_are_results_of_their_own(lab: Lab) -> None:
    names = ("majority", "linear", "forest")
    runs = [
        lab.run("same", skill, kind="baseline", baseline={"name": name})
        for name, skill in zip(names, (0, 1, 2), strict=True)
    ]
    result = compare([*runs, lab.run("gru", 2.2)])
    assert len(result.results) == 4
    (line,) = result.settings  # that it has no model is no setting that differs
    assert (line.key, line.values) == ("baseline", (*names, None))


def test_folds_of_one_split_are_compared_fold_by_fold(lab: Lab) -> None:
    runs = [lab.run(name, skill, fold=fold) for name, skill in (("gru", 2.6), ("cnn", 1.6)) for fold in range(5)]
    result = compare(runs)
    assert [each.described for each in result.results] == ["gru (5 folds)", "cnn (5 folds)"]
    assert result.unfair == ()
    pair = of(result)
    values = [np.array([run.best["val/f1_macro"] for run in runs[start : start + 5]]) for start in (0, 5)]
    expected = metrics.folds_difference(values[0], values[1], 400 / 1600)
    assert (pair.rests_on, pair.counts) == ("folds", (5, 5))
    assert (pair.difference.value, pair.difference.p) == pytest.approx((expected.value, expected.p))


def test_folds_that_only_one_has_are_left_out_and_named(lab: Lab) -> None:
    runs = [lab.run("gru", 2.6, fold=fold) for fold in range(5)] + [
        lab.run("cnn", 1.6, fold=fold) for fold in range(1, 4)
    ]
    result = compare(runs)
    assert of(result).counts == (3, 3)
    assert "gru and cnn are compared on folds 1, 2, 3 alone" in result.notes
    assert any("another split" in reason for reason in result.unfair)


def test_folds_are_not_compared_with_a_run_on_the_whole_split(lab: Lab) -> None:
    result = compare([lab.run("gru", 2.6, fold=0), lab.run("gru", 2.6, fold=1), lab.run("cnn", 1.6)])
    assert not [pair for pair in result.differences if pair.rests_on == "folds"]
    assert "gru and cnn: folds are compared with folds alone" in result.notes


def test_seeds_of_one_result_alone_come_to_a_mean_and_a_spread(lab: Lab) -> None:
    runs = [lab.run("gru", 2.0, seed=seed) for seed in range(4)]
    result = compare(runs)
    assert result.differences == ()
    values = np.array([run.best["val/f1_macro"] for run in runs])
    mean, spread = number(float(values.mean())), number(float(values.std(ddof=1)))
    expected = f"gru (4 seeds) has a mean macro F1 of {mean} on val, standard deviation {spread}, 95% interval of the mean over seeds ["
    assert result.sentences[0].startswith(expected)
