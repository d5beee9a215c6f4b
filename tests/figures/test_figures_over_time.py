"""Anomaly scores, and the loss of a range test."""

import numpy as np
import pytest
from figure_gallery import range_test, watched

from projectkit import figures


def _words(figure):
    inside = [axes.get_legend() for axes in figure.axes if axes.get_legend() is not None]
    return [text.get_text() for each in (*figure.legends, *inside) for text in each.get_texts()]


def test_both_kinds_of_scores_are_shares_of_their_own_samples():
    edges = [0, 1, 2]
    figure = figures.score_histogram(([30, 10], edges), ([0, 5], edges), threshold=1.5)
    heights = [patch.get_data().values.tolist() for patch in figure.axes[0].patches]
    assert heights == [[75, 25], [75, 25], [0, 100], [0, 100]]
    assert _words(figure) == ["normal: 40 samples", "anomalous: 5 samples", "threshold: 1.5"]


def test_a_single_bin_and_a_kind_without_samples_are_drawn():
    figure = figures.score_histogram(([5], [0, 1]), ([0], [0, 1]))
    assert _words(figure) == ["normal: 5 samples"]
    empty = figures.score_histogram(([0], [0, 1]), ([0], [0, 1]))
    assert [text.get_text() for text in empty.axes[0].texts] == ["no samples"]


def test_scores_over_many_decades_have_a_logarithmic_axis_with_plain_numbers():
    edges = np.geomspace(1e-3, 1e9, 30)
    figure = figures.score_histogram(np.histogram(np.geomspace(1e-3, 1e9, 200), edges), ([0], [0, 1]))
    assert figure.axes[0].get_xscale() == "log"
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert "1e4" in labels
    assert not any("$" in label for label in labels)


def test_counts_that_do_not_match_their_edges_are_refused():
    with pytest.raises(ValueError, match="3 counts need 4 edges, not 3"):
        figures.score_histogram(([1, 2, 3], [0, 1, 2]), ([1], [0, 1]))


def test_no_peak_is_lost_where_a_long_timeline_is_thinned():
    time, score = np.arange(100_000), np.zeros(100_000)
    score[[7, 50_003, 99_990]] = [5, 9, -3]
    line = figures.timeline(time, score, []).axes[0].lines[0]
    assert len(line.get_xdata()) < 4000
    drawn = dict(zip(line.get_xdata(), line.get_ydata(), strict=True))
    assert [drawn[place] for place in (7, 50_003, 99_990)] == [5, 9, -3]


def test_alarms_and_events_are_counted_and_stand_at_their_times():
    time, score, events, threshold = watched()
    figure = figures.timeline(time, score, events, threshold)
    alarms = next(line for line in figure.axes[0].lines if line.get_marker() == "v")
    np.testing.assert_array_equal(alarms.get_xdata(), time[score >= threshold])
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in figure.axes[0].patches]
    np.testing.assert_allclose(spans, events)
    assert f"alarms: {(score >= threshold).sum()}" in _words(figure)


def test_times_may_be_dates():
    time = np.arange("2026-01-01", "2026-01-04", dtype="datetime64[h]")
    figure = figures.timeline(time, np.arange(72.0), [(time[3], time[9])], 50)
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert labels[:2] == ["Jan", "02"]


def test_a_thinned_line_over_time_says_how_many_alarms_there_were():
    figure = figures.timeline(["2026-01-01T00:00", "2026-01-02T00:00"], [0.0, 9.0], [], 5, alarms=(731, ["2026-01-02"]))
    assert "alarms: 731" in _words(figure)
    (alarms,) = [line for line in figure.axes[0].lines if line.get_marker() == "v"]
    assert len(alarms.get_xdata()) == 1


def test_the_curve_of_several_seeds_is_their_mean_with_a_band_as_long_as_half_of_them_go_on():
    seeds = [([10, 20, 30], [1.0, 0.8, 0.6]), ([10, 20], [0.8, 0.4]), ([10, 20], [0.6, float("nan")])]
    steps, mean, low, high = figures.averaged(seeds)
    assert steps == [10, 20]
    assert mean == pytest.approx([0.8, 0.6])
    assert (low, high) == ([0.6, 0.4], [1.0, 0.8])
    assert figures.averaged(seeds[:1]) is seeds[0]
    figure = figures.learning_curves({"ours (3 seeds)": {"val/loss": figures.averaged(seeds)}})
    assert len(figure.axes[0].collections) == 1


def test_scores_that_are_nan_are_refused():
    with pytest.raises(ValueError, match="a score is NaN"):
        figures.timeline([0, 1], [0, np.nan], [])


def test_a_range_test_is_drawn_to_where_it_diverges_and_its_rates_are_named():
    rates, losses = range_test()
    figure = figures.lr_range(rates, losses, suggested=1e-3, fastest=3e-3)
    assert _words(figure) == ["mean of neighbours", "falls fastest: 0.003", "suggested: 0.001"]
    low, high = figure.axes[0].get_ylim()
    assert low < 0.7
    assert 2.3 < high < 4  # not the million of the last step
    dots, mean = figure.axes[0].lines[:2]
    assert len(dots.get_xdata()) == len(mean.get_xdata()) == 95  # the infinite ones are left out


def test_the_mean_through_the_losses_does_not_lag_behind_them():
    rates = np.geomspace(1e-5, 1, 101)
    losses = 1 / (1 + np.exp(np.log(rates / 1e-3) * 4))
    mean = figures.lr_range(rates, losses).axes[0].lines[1].get_ydata()
    assert np.argmin(np.diff(mean)) == pytest.approx(np.argmin(np.diff(losses)), abs=1)


@pytest.mark.parametrize("losses", [[], [np.nan], [np.inf, np.nan]])
def test_a_range_test_without_a_finite_loss_says_so(losses):
    figure = figures.lr_range(np.geomspace(1e-3, 1, len(losses)) if losses else [], losses)
    assert [text.get_text() for text in figure.axes[0].texts] == ["no finite loss"]


def test_a_learning_rate_of_zero_is_refused():
    with pytest.raises(ValueError, match="not above 0"):
        figures.lr_range([0, 1], [1, 1])
