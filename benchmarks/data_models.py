"""The plain models whose scores are the bars of the catalogue: scikit-learn, default settings as far as they go, nothing tuned on test.

Each function takes training inputs, their labels and the inputs that it is asked about, and gives probabilities, (n, classes).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.columns import Inputs, Table, Texts, Tokens

Scores = NDArray[np.float64]


def text_linear(unit: str = "char", longest: int = 4, *, solver: str = "margin") -> Any:
    """Weighted n-grams, in two texts at least, and a linear model.

    Args:
        unit: `char`, or `token`: words and single punctuation marks.
        longest: n-grams of 1 to so many.
        solver: `margin`, a support vector machine; `logistic` regression; `balanced`, the same with equal weight for each
            class; `steps`, the same by ten rounds of single steps, for many
            texts or classes.
    """

    def fit(train: Inputs, labels: NDArray[np.int64], asked: Inputs, num_classes: int) -> Scores:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression, SGDClassifier
        from sklearn.svm import LinearSVC

        analysed = {"analyzer": "char"} if unit == "char" else {"token_pattern": r"\w+|[^\w\s]"}
        vectors = TfidfVectorizer(
            **analysed, ngram_range=(1, longest), min_df=2, lowercase=False, sublinear_tf=True, dtype=np.float32
        )
        known = vectors.fit_transform(_strings(train))
        models = {
            "margin": LinearSVC(C=1.0, random_state=0),
            "logistic": LogisticRegression(max_iter=300),
            "balanced": LogisticRegression(max_iter=300, class_weight="balanced"),
            "steps": SGDClassifier(loss="log_loss", alpha=1e-6, max_iter=10, tol=None, random_state=0),
        }
        model = models[solver]
        model.fit(known, labels)
        return _softmax(model.decision_function(vectors.transform(_strings(asked))), model.classes_, num_classes)

    return fit


def calls_linear(train: Inputs, labels: NDArray[np.int64], asked: Inputs, num_classes: int) -> Scores:
    """Counts of tokens and of pairs of neighbours as logarithms, rows of length 1, and a linear support vector machine."""
    from sklearn.preprocessing import normalize
    from sklearn.svm import LinearSVC

    known, new = (normalize(_counts(x).log1p()) for x in (train, asked))
    model = LinearSVC(C=1.0, random_state=0).fit(known, labels)
    return _softmax(model.decision_function(new), model.classes_, num_classes)


def forest(train: Inputs, labels: NDArray[np.int64], asked: Inputs, num_classes: int) -> Scores:
    """A random forest of 100 trees over numbers and numbered categories."""
    from sklearn.ensemble import RandomForestClassifier

    known, new = _numbered(train, asked)
    model = RandomForestClassifier(100, random_state=0, n_jobs=2).fit(known, labels)
    found = np.zeros((len(new), num_classes))
    found[:, model.classes_] = model.predict_proba(new)
    return found


def table_linear(train: Inputs, labels: NDArray[np.int64], asked: Inputs, num_classes: int) -> Scores:
    """Logistic regression over standardised numbers and one-hot categories."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    assert isinstance(train, Table)
    assert isinstance(asked, Table)
    scale, code = StandardScaler().fit(train.numeric), OneHotEncoder(handle_unknown="ignore").fit(train.categorical)

    def features(x: Table) -> Any:
        return hstack([csr_matrix(scale.transform(x.numeric)), code.transform(x.categorical)]).tocsr()

    model = LogisticRegression(max_iter=300).fit(features(train), labels)
    return _softmax(model.decision_function(features(asked)), model.classes_, num_classes)


def pixels_ridge(train: Inputs, labels: NDArray[np.int64], asked: Inputs, num_classes: int) -> Scores:
    """Ridge regression of the pixels on the classes."""
    from sklearn.linear_model import RidgeClassifier

    model = RidgeClassifier().fit(_flat(train), labels)
    return _softmax(model.decision_function(_flat(asked)), model.classes_, num_classes)


def pixels_components(train: Inputs, labels: NDArray[np.int64], asked: Inputs, num_classes: int) -> Scores:
    """Logistic regression over 100 principal components of the pixels."""
    import warnings

    from sklearn.decomposition import PCA
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    components = PCA(100, random_state=0)
    model = LogisticRegression(max_iter=200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # further rounds move no digit of the bar
        model.fit(components.fit_transform(_flat(train)), labels)
    return _softmax(model.decision_function(components.transform(_flat(asked))), model.classes_, num_classes)


def reconstruction_error(normal: NDArray[Any], asked: NDArray[Any], *, components: int = 15, hours: int = 6) -> Scores:
    """How badly principal components of normal hours describe each hour, as a mean over it and the five before it, (n,)."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    scale = StandardScaler().fit(normal)
    kept = PCA(components, random_state=0).fit(scale.transform(normal))
    new = scale.transform(asked)
    error = ((new - kept.inverse_transform(kept.transform(new))) ** 2).mean(axis=1)
    return np.convolve(error, np.ones(hours) / hours)[: len(error)]


def isolation(normal: NDArray[Any], asked: NDArray[Any]) -> Scores:
    """How easily random cuts part each hour from the others, (n,)."""
    from sklearn.ensemble import IsolationForest

    found: Scores = -IsolationForest(random_state=0).fit(normal).score_samples(asked)
    return found


def key_ranks(traces: NDArray[Any], text: NDArray[Any], key: NDArray[Any]) -> list[int]:
    """How many guesses of each key byte fit better than the right one, by the correlation of power and Hamming weight.

    Args:
        traces: (n, points), aligned.
        text: (n, 16) plain texts.
        key: (16,).

    Source: Brier, Clavier & Olivier 2004, Correlation Power Analysis with a Leakage Model, CHES.
    """
    from projectkit.datasets.readers.aes_traces import sbox

    centred = traces.astype(np.float64) - traces.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=0) + 1e-12
    ranks = []
    for byte in range(text.shape[1]):
        guesses = np.bitwise_count(sbox()[text[:, byte, None] ^ np.arange(256)]).astype(np.float64)  # (n, 256)
        guesses -= guesses.mean(axis=0)
        guesses /= np.linalg.norm(guesses, axis=0) + 1e-12
        best = np.abs(guesses.T @ centred).max(axis=1)
        ranks.append(int((best > best[key[byte]]).sum()))
    return ranks


def _strings(x: Inputs) -> Sequence[str]:
    assert isinstance(x, Texts)
    return list(x)


def _counts(x: Inputs) -> Any:
    """(n, names + names squared) sparse: how often each token, and each pair of neighbours, occurs."""
    from scipy.sparse import csr_matrix

    assert isinstance(x, Tokens)
    size = len(x.names)
    columns, counts = [], []
    for row in range(len(x)):
        tokens = np.asarray(x[row], dtype=np.int64)
        found = np.unique(np.concatenate([tokens, size + size * tokens[:-1] + tokens[1:]]), return_counts=True)
        columns.append(found[0])
        counts.append(found[1])
    bounds = np.concatenate([[0], np.cumsum([len(each) for each in columns])])
    values = np.concatenate(counts).astype(np.float64)
    return csr_matrix((values, np.concatenate(columns), bounds), shape=(len(x), size + size**2))


def _flat(x: Inputs) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.asarray(x, dtype=np.float32).reshape(len(x), -1) / np.float32(255)
    return found


def _numbered(train: Inputs, asked: Inputs) -> tuple[NDArray[Any], NDArray[Any]]:
    from sklearn.preprocessing import OrdinalEncoder

    assert isinstance(train, Table)
    assert isinstance(asked, Table)
    code = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(train.categorical)
    known, new = (np.hstack([x.numeric, code.transform(x.categorical)]) for x in (train, asked))
    return known, new


def _softmax(decision: NDArray[Any], classes: NDArray[np.int64], num_classes: int) -> Scores:
    """Decision values as numbers that add up to one, in the same order; a class without training rows has 0."""
    values = np.asarray(decision, dtype=np.float64)
    if values.ndim == 1:
        values = np.stack([-values / 2, values / 2], axis=1)
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    found = np.zeros((len(values), num_classes))
    found[:, classes] = powers / powers.sum(axis=1, keepdims=True)
    return found
