"""The functions of the benchmark of the catalogue, on small data; the figures themselves are in benchmarks/RESULTS.md."""

from pathlib import Path

import numpy as np
import pytest

from projectkit import datasets
from projectkit.datasets.columns import Table, Texts, Tokens
from projectkit.metrics import Interval

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def scripts_beside_each_other(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_every_case_names_a_data_set_its_target_and_known_metrics():
    from data_baselines import _NAMES
    from data_cases import CASES

    metrics = {"accuracy", *_NAMES}
    for case in CASES:
        assert set(case.bars) <= metrics, case
        assert case.data in datasets.names()


def test_every_set_of_the_catalogue_with_a_bar_is_measured():
    from data_cases import CASES

    ours = [
        name for name in datasets.names() if not name.startswith("synthetic") and name not in ("digits", "sca_jitter")
    ]
    assert set(ours) == {case.data for case in CASES}


def test_a_bar_is_inside_to_three_digits_and_a_span_where_they_meet():
    from data_baselines import is_inside
    from data_cases import Bar

    found = Interval(0.95, 0.9404, 0.9596, "wilson")
    assert is_inside(Bar(0.960), found)
    assert is_inside(Bar(0.940), found)
    assert not is_inside(Bar(0.961), found)
    assert is_inside(Bar((0.92, 0.945)), found)
    assert not is_inside(Bar((0.97, 0.99)), found)


def test_a_section_is_written_in_its_place_and_leaves_the_others(tmp_path):
    from results import write_section

    path = tmp_path / "RESULTS.md"
    write_section("One", "first", path)
    write_section("Two", "second", path)
    write_section("One", "again\n\n| a |\n|---|", path)
    text = path.read_text(encoding="utf-8")
    assert (
        text.index("# Results")
        < text.index("## One")
        < text.index("again")
        < text.index("## Two")
        < text.index("second")
    )
    assert "first" not in text
    again = path.read_text(encoding="utf-8")
    write_section("Two", "second", path)
    assert path.read_text(encoding="utf-8") == again


def test_a_table_has_empty_cells_for_what_is_not_known():
    from results import markdown_table

    assert markdown_table(("a", "b"), [("x", None)]) == "| a | b |\n|---|---|\n| x |  |"


def test_correlation_finds_the_key_in_traces_that_leak_it_and_not_in_noise():
    from data_models import key_ranks

    from projectkit.datasets.readers.aes_traces import sbox

    rng = np.random.default_rng(0)
    text, key = rng.integers(0, 256, (60, 4), dtype=np.uint8), rng.integers(0, 256, 4, dtype=np.uint8)
    traces = rng.normal(size=(60, 20))
    noise = key_ranks(traces, text, key)
    traces[:, 3:7] += 2.0 * np.bitwise_count(sbox()[text ^ key])
    assert key_ranks(traces, text, key) == [0, 0, 0, 0]
    assert noise != [0, 0, 0, 0]


@pytest.mark.parametrize("solver", ["margin", "logistic", "balanced", "steps"])
def test_scores_are_probabilities_also_of_a_class_without_training_rows(solver):
    from data_models import text_linear

    texts = [f"{'ab' if n % 2 else 'xy'} {n}" for n in range(40)]
    found = text_linear(solver=solver)(Texts.of(texts), np.arange(40) % 2 * 2, Texts.of(["ab ab", "xy xy"]), 3)
    assert found.shape == (2, 3)
    assert np.allclose(found.sum(axis=1), 1)
    assert (found[:, 1] == 0).all()
    assert found.argmax(axis=1).tolist() == [2, 0]


def test_calls_and_tables_are_learnt():
    from data_models import calls_linear, forest, table_linear

    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    values = np.concatenate([np.tile([0, 1] if label else [1, 1, 0, 0], 4 if label else 2) for label in labels])
    tokens = Tokens(values.astype(np.int64), np.arange(0, 481, 8, dtype=np.int64), ("open", "close"))
    assert (calls_linear(tokens, labels, tokens, 2).argmax(axis=1) == labels).all()
    numbers = (labels[:, None] + 0.1 * rng.normal(size=(60, 2))).astype(np.float32)
    table = Table(numbers, ("x", "y"), np.where(labels, "tcp", "udp")[:, None], ("protocol",))
    for model in (forest, table_linear):
        assert (model(table, labels, table, 2).argmax(axis=1) == labels).all()


def test_draws_give_their_mean_and_where_one_more_would_lie():
    from data_measures import DRAWS, over_draws

    values = iter(np.linspace(0.80, 0.84, DRAWS))
    found = over_draws(lambda _samples, _seed: {"accuracy": Interval(float(next(values)), 0, 1, "wilson")})(None)
    assert found["accuracy"].value == pytest.approx(0.82)
    assert 0.7 < found["accuracy"].low < 0.80
    assert 0.84 < found["accuracy"].high < 0.95


def test_an_interval_over_stretches_of_hours_is_wider_than_one_over_hours():
    from data_measures import _by_blocks

    from projectkit.metrics.intervals import wilson

    truth = np.repeat(np.arange(20) % 2, 100)
    right = np.repeat(np.arange(20) % 5 > 0, 100)  # right or wrong for a hundred hours at a time
    found = _by_blocks(lambda rows: float(right[rows].mean()), truth)
    alone = wilson(float(right.mean()), len(right), 0.95)
    assert found.value == alone.value
    assert found.high - found.low > 2 * (alone.high - alone.low)


def test_a_case_on_a_card_measures_both_splits():
    from data_baselines import bar_rows
    from data_cases import Bar, Case
    from data_measures import on_careless, on_split
    from data_models import text_linear

    samples, fit = datasets.load("synthetic_text"), text_linear(solver="steps")
    case = Case("synthetic_text", "t", "m", {"accuracy": Bar(0.5, 0.9)}, on_split("synthetic_text", fit))
    rows = bar_rows(case, case.measure(samples), on_careless("synthetic_text", fit)(samples))
    assert len(rows) == 1
    assert rows[0][5] == "0.500"
    assert rows[0][8] == "0.900"
    assert rows[0][7] is not None


def test_loading_is_measured_in_processes_of_its_own():
    from data_loading import array_bytes, measure

    found = measure("digits")
    assert found.array_mib == pytest.approx(array_bytes(datasets.load("digits")) / 2**20)
    assert found.first_s > 0
