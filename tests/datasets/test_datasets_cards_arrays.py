"""Cards of arrays (sensor readings, power traces, signs, digits) and Juliet; real data where PROJECTKIT_MIRROR gives it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from projectkit.datasets import Samples, Table, Texts, catalogue
from projectkit.datasets.readers import aes_traces, idx
from projectkit.datasets.storage import store
from projectkit.errors import WorkError


@pytest.fixture
def samples(request: pytest.FixtureRequest, real_data: None) -> Samples:
    """The samples of the set that the test is about."""
    return catalogue.load(request.param)


def about(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("samples", names, indirect=True)


def split_of(samples: Samples, name: str, policy: str | None = None, seed: int = 0) -> Mapping[str, np.ndarray]:
    return catalogue.split(name, policy, seed, samples=samples).subsets


def inputs_of(samples: Samples) -> np.ndarray:
    """The inputs as (n, features)."""
    x = samples.x.numeric if isinstance(samples.x, Table) else samples.x
    assert isinstance(x, np.ndarray)
    return x.reshape(len(x), -1).astype(np.float32)


# --- BATADAL


@about("batadal")
def test_batadal_has_its_hours_readings_and_fourteen_attacks(samples: Samples) -> None:
    assert isinstance(samples.x, Table)
    assert samples.x.numeric.shape == (15_027, 43)
    assert samples.x.categorical.shape == (15_027, 0)
    assert (samples.x.numeric_names[0], samples.x.numeric_names[-1]) == ("L_T1", "P_J422")
    assert np.isfinite(samples.x.numeric).all()
    assert samples.time is not None
    assert samples.source is not None
    assert samples.time[0] == 5 * 24  # 6 January 2014
    for part, rows, attacks in (("dataset03", 8761, 0), ("dataset04", 4177, 7), ("test_dataset", 2089, 7)):
        of_part = samples.source == part
        assert of_part.sum() == rows
        assert (np.diff(samples.time[of_part]) == 1).all()
        assert (np.diff(samples.y["attack"][of_part]) == 1).sum() == attacks


@about("batadal")
def test_batadal_trains_on_normal_hours_alone_and_time_runs_forward(samples: Samples) -> None:
    assert samples.time is not None
    for policy in ("official", "supervised"):
        split = split_of(samples, "batadal", policy)
        spans = [samples.time[split[part]] for part in ("train", "val", "test")]
        assert spans[0].max() < spans[1].min() <= spans[1].max() < spans[2].min()
    official, supervised = (split_of(samples, "batadal", policy) for policy in ("official", "supervised"))
    labels = samples.y["attack"]
    assert [int(labels[official[part]].sum()) for part in official] == [0, 492, 407]
    assert [int((np.diff(labels[rows]) == 1).sum()) for rows in supervised.values()] == [4, 3, 7]
    assert labels[supervised["val"][0]] == labels[supervised["train"][-1]] == 0  # no attack is cut in two


@about("batadal")
def test_the_error_of_pca_over_six_hours_finds_the_attacks_of_batadal(samples: Samples) -> None:
    from sklearn.decomposition import PCA
    from sklearn.metrics import average_precision_score, roc_auc_score
    from sklearn.preprocessing import StandardScaler

    split, x, labels = split_of(samples, "batadal"), inputs_of(samples), samples.y["attack"]
    scaler = StandardScaler().fit(x[split["train"]])
    pca = PCA(15, svd_solver="full").fit(scaler.transform(x[split["train"]]))
    scaled = scaler.transform(x[split["test"]])
    error = np.square(scaled - pca.inverse_transform(pca.transform(scaled))).mean(axis=1)
    smooth = np.convolve(error, np.ones(6) / 6)[: len(error)]
    truth = labels[split["test"]]
    assert roc_auc_score(truth, error) == pytest.approx(0.844, abs=0.01)
    assert roc_auc_score(truth, smooth) == pytest.approx(0.930, abs=0.01)
    assert average_precision_score(truth, smooth) == pytest.approx(0.876, abs=0.015)


def test_batadal_refuses_hours_that_are_not_labelled_and_reads_names_with_a_space(tmp_path: Path) -> None:
    read = catalogue.card("batadal").read
    files = {f"{part}.csv": tmp_path / f"{part}.csv" for part in ("dataset03", "dataset04", "test_dataset")}
    for number, path in enumerate(files.values()):
        path.write_text(
            f"DATETIME, A, B, ATT_FLAG\n06/01/1{number} 23,1.5,2,0\n07/01/1{number} 00,1,2,1\n", encoding="ascii"
        )
    samples = read(files)
    assert isinstance(samples.x, Table)
    assert samples.x.numeric_names == ("A", "B")
    assert samples.y["attack"].tolist() == [0, 1] * 3
    files["dataset04.csv"].write_text("DATETIME,A,B,ATT_FLAG\n06/01/16 23,1,2,-999\n", encoding="ascii")
    with pytest.raises(WorkError, match=r"dataset04.csv: the labels are \[-999.0\], not 0 and 1; use the files"):
        read(files)


# --- power traces


def test_the_s_box_is_that_of_the_standard() -> None:
    found = aes_traces.sbox()
    assert found[[0x00, 0x01, 0x53, 0xFF]].tolist() == [0x63, 0x7C, 0xED, 0x16]  # FIPS 197, figure 7
    assert sorted(found.tolist()) == list(range(256))


def ranks_of_true_bytes(traces: np.ndarray, text: np.ndarray, key: np.ndarray) -> list[int]:
    """For each key byte: how many guesses explain the traces better than the true one (correlation power analysis)."""
    centred = traces - traces.mean(axis=0)
    centred /= np.sqrt(np.square(centred).sum(axis=0)) + 1e-12
    ranks = []
    for byte in range(16):
        guessed = np.bitwise_count(aes_traces.sbox()[text[:, byte, None] ^ np.arange(256)]).astype(float)
        guessed -= guessed.mean(axis=0)
        guessed /= np.sqrt(np.square(guessed).sum(axis=0)) + 1e-12
        best = np.abs(guessed.T @ centred).max(axis=1)
        ranks.append(int((best > best[key[0, byte]]).sum()))
    return ranks


def capture(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    card = catalogue.card(name)
    catalogue.load(name)
    traces, text, key = aes_traces.read_capture(store.checked_files(card), name.removeprefix("sca_"))
    return traces.astype(np.float32), text, key


@pytest.mark.usefixtures("real_data")
def test_correlation_finds_every_key_byte_of_the_aligned_traces_from_thirty_on() -> None:
    traces, text, key = capture("sca_aligned")
    assert ranks_of_true_bytes(traces[:30], text[:30], key) == [0] * 16
    assert sum(ranks_of_true_bytes(traces[:15], text[:15], key)) > 16
    assert (key == capture("sca_jitter")[2]).all()
    assert len(np.unique(key, axis=0)) == 1  # the trap that both cards name


@pytest.mark.usefixtures("real_data")
def test_correlation_finds_nothing_behind_the_random_delay_and_all_of_it_without() -> None:
    traces, text, key = capture("sca_jitter")
    assert sum(rank == 0 for rank in ranks_of_true_bytes(traces, text, key)) == 0
    delays = 36 + 52 * steps_of_delay()
    straight = np.stack([trace[delay : delay + 2500] for trace, delay in zip(traces, delays, strict=True)])
    assert ranks_of_true_bytes(straight[:35], text[:35], key) == [0] * 16


def steps_of_delay() -> np.ndarray:
    """Which of the 16 delays each trace has, from the samples of the cards alone: where its windows look like aligned ones."""
    aligned, delayed = (inputs_of(catalogue.load(name)).reshape(50, 16, -1) for name in ("sca_aligned", "sca_jitter"))
    template = aligned.mean(axis=0).ravel()
    likeness = [
        [np.corrcoef(template, windows[:, 52 * step : 52 * step + 40].ravel())[0, 1] for step in range(16)]
        for windows in delayed
    ]
    return np.argmax(likeness, axis=1)


@pytest.mark.usefixtures("real_data")
def test_a_linear_model_reads_aligned_weights_and_delayed_ones_only_when_the_delay_is_undone() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def accuracy(name: str, x: np.ndarray) -> float:
        samples = catalogue.load(name)
        labels, scores = samples.y["hamming_weight"], []
        for seed in range(3):
            split = split_of(samples, name, seed=seed)
            model = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=300))
            model.fit(x[split["train"]], labels[split["train"]])
            scores.append(model.score(x[split["test"]], labels[split["test"]]))
        return float(np.mean(scores))

    delayed = inputs_of(catalogue.load("sca_jitter"))
    steps = np.repeat(steps_of_delay(), 16)
    straight = np.stack([row[52 * step : 52 * step + 40] for row, step in zip(delayed, steps, strict=True)])
    assert accuracy("sca_aligned", inputs_of(catalogue.load("sca_aligned"))) > 0.5
    assert accuracy("sca_jitter", straight) > 0.4
    assert len(split_of(catalogue.load("sca_aligned"), "sca_aligned")["test"]) == 144  # nine traces
    assert len(split_of(catalogue.load("sca_jitter"), "sca_jitter")["test"]) == 160
    assert accuracy("sca_jitter", delayed[:, ::7]) < 0.32  # every seventh point: no slower than the others


@about("sca_aligned")
def test_a_window_begins_where_its_byte_is_looked_up(samples: Samples) -> None:
    traces, text, key = capture("sca_aligned")
    assert isinstance(samples.x, np.ndarray)
    assert samples.x.shape == (800, 1, 40)
    assert samples.x.dtype == np.float32
    row = samples.id.tolist().index("trace-07-byte-06")
    assert np.array_equal(samples.x[row, 0], traces[7, 1009 + 176 * 2 + 40 : 1009 + 176 * 2 + 80])
    weight = int(aes_traces.sbox()[text[7, 6] ^ key[7, 6]]).bit_count()
    named = aes_traces.WEIGHTS[samples.y["hamming_weight"][row]]
    assert weight in range(int(named[0]), int(named[-1]) + 1)


@about("sca_aligned")
def test_held_out_key_bytes_are_in_no_other_subset(samples: Samples) -> None:
    assert samples.source is not None
    split = split_of(samples, "sca_aligned", "by_byte")
    found = [set(samples.source[rows].tolist()) for rows in split.values()]
    assert [len(part) for part in found] == [11, 2, 3]
    assert len(set().union(*found)) == 16


# --- pictures


@about("gtsrb")
def test_gtsrb_has_its_tracks_and_a_linear_model_reaches_its_bar(samples: Samples) -> None:
    from sklearn.decomposition import PCA
    from sklearn.linear_model import RidgeClassifier
    from sklearn.pipeline import make_pipeline

    assert isinstance(samples.x, np.ndarray)
    assert samples.x.shape == (8852, 3, 32, 32)
    assert samples.group is not None
    assert len(set(samples.group.tolist())) == 888
    assert all(group.startswith(f"{label:02d}-") for group, label in zip(samples.group, samples.y["sign"], strict=True))
    split, x, labels = split_of(samples, "gtsrb"), inputs_of(samples) / 255, samples.y["sign"]
    model = make_pipeline(PCA(100, random_state=0), RidgeClassifier(10)).fit(x[split["train"]], labels[split["train"]])
    assert 0.6 < model.score(x[split["test"]], labels[split["test"]]) < 0.9


@about("gtsrb")
def test_a_stop_sign_is_red_and_a_keep_right_sign_is_blue(samples: Samples) -> None:
    names = catalogue.card("gtsrb").targets["sign"].class_names
    assert len(set(names)) == 43
    assert isinstance(samples.x, np.ndarray)
    for name, colour in (("stop", 0), ("no entry", 0), ("keep right", 2), ("roundabout", 2)):
        mean = samples.x[samples.y["sign"] == names.index(name), :, 8:24, 8:24].mean(axis=(0, 2, 3))
        assert mean.argmax() == colour


@about("mnist")
def test_mnist_has_its_own_test_set_whose_halves_differ(samples: Samples) -> None:
    assert isinstance(samples.x, np.ndarray)
    assert samples.x.shape == (70_000, 1, 28, 28)
    assert np.bincount(samples.y["digit"]).tolist() == [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958]
    split = split_of(samples, "mnist")
    assert split["test"].tolist() == list(range(60_000, 70_000))
    x, labels = inputs_of(samples) / 255, samples.y["digit"]
    one_hot = np.eye(10, dtype=np.float32)[labels[split["train"]]] - 0.1
    a = x[split["train"]]
    weights = np.linalg.solve(a.T @ a + 100 * np.eye(784, dtype=np.float32), a.T @ one_hot)  # ridge regression
    right = (x[split["test"]] @ weights).argmax(axis=1) == labels[split["test"]]
    assert right.mean() == pytest.approx(0.86, abs=0.02)
    assert right[5000:].mean() - right[:5000].mean() > 0.05


def test_an_idx_file_says_its_own_shape_and_one_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(bytes([0, 0, 8, 3]) + np.array([2, 3, 4], ">u4").tobytes() + bytes(range(24)))
    assert idx.read_idx(path).tolist() == np.arange(24).reshape(2, 3, 4).tolist()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WorkError, match="23 values where the header says 2 x 3 x 4; remove it"):
        idx.read_idx(path)
    path.write_bytes(b"<html>")
    with pytest.raises(WorkError, match="not an IDX file"):
        idx.read_idx(path)


# --- Juliet


@about("juliet")
def test_juliet_tests_eight_named_weaknesses_that_no_other_subset_has(samples: Samples) -> None:
    assert np.bincount(samples.y["vulnerable"]).tolist() == [5912, 6835]
    assert samples.group is not None
    assert samples.source is not None
    assert len(set(samples.group.tolist())) == 30
    for seed in range(3):
        split = split_of(samples, "juliet", seed=seed)
        held = {f"CWE-{number}" for number in (195, 681, 400, 369, 665, 124, 253, 127)}
        assert set(samples.group[split["test"]].tolist()) == held
        assert not held & set(samples.group[split["val"]].tolist())
        assert len(split["test"]) == 2328
    by_variant = split_of(samples, "juliet", "by_variant")
    found = [set(samples.source[rows].tolist()) for rows in by_variant.values()]
    assert sum(map(len, found)) == len(set().union(*found)) == 927


@about("juliet")
def test_the_scaffolding_of_juliet_betrays_the_label_as_the_card_warns(samples: Samples) -> None:
    assert isinstance(samples.x, Texts)
    code, labels = list(samples.x), samples.y["vulnerable"]

    def with_and_bad(*parts: str) -> tuple[int, int]:
        found = np.array([any(part in text for part in parts) for text in code])
        return int(found.sum()), int(labels[found].sum())

    assert with_and_bad("Benign, fixed string") == (3677, 10)
    assert with_and_bad("globalReturnsTrueOrFalse") == (839, 836)
    assert with_and_bad("i < 1;", "j < 1;") == (899, 899)
    assert (with_and_bad("VaSinkB"), with_and_bad("VaSinkG")) == ((90, 80), (80, 10))
    assert not any(word in text.lower() for text in code for word in ("good", "cwe"))


@about("juliet")
def test_functions_that_differ_in_numbers_alone_are_on_one_side(samples: Samples) -> None:
    assert isinstance(samples.x, Texts)
    assert samples.group is not None
    plain = np.array([re.sub(r"\W+", " ", re.sub(r"\d+", "0", text)).lower().strip() for text in samples.x])
    tested = np.isin(samples.group, [f"CWE-{number}" for number in (195, 681, 400, 369, 665, 124, 253, 127)])
    assert np.isin(plain[tested], plain[~tested]).sum() == 120  # which the card says
    for policy in ("leave_cwes_out", "by_variant"):
        parts = [set(plain[rows]) for rows in split_of(samples, "juliet", policy).values()]
        assert sum(map(len, parts)) == len(set().union(*parts)), policy


@about("juliet")
def test_words_alone_find_the_flaws_of_unseen_weaknesses(samples: Samples) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    assert isinstance(samples.x, Texts)
    split, labels = split_of(samples, "juliet"), samples.y["vulnerable"]
    words = TfidfVectorizer(
        token_pattern=r"\w+|[^\w\s]", ngram_range=(1, 2), lowercase=False, min_df=2, sublinear_tf=True
    )
    train = words.fit_transform(samples.x.take(split["train"]))
    model = LinearSVC().fit(train, labels[split["train"]])
    score = model.score(words.transform(samples.x.take(split["test"])), labels[split["test"]])
    assert score == pytest.approx(0.87, abs=0.02)  # .89 with the twins, of which it then knows nine in ten by heart
