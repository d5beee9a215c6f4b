"""What each baseline reads: the encoded rows in one of five forms, fitted on the training rows alone.

| form | of arrays (tables, images, series) | of sequences (text, tokens) |
|---|---|---|
| `none` | nothing | nothing |
| `values` | the encoder's numbers | as `chosen` |
| `components` | the same; of more than 256, the first 100 principal components | the first 100 singular directions of `weighted` |
| `weighted` | as `components` | n-gram counts: 1 + log, weighted by rarity (tf-idf), each row of length 1 |
| `chosen` | as `components` | the 300 n-grams that differ most between the classes (chi-squared), and the length, as logarithms |

Lines and neighbours need rows of comparable length, trees few columns; each has the form that suits it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.evaluation.baseline.rows import Encoded
from projectkit.evaluation.baseline.sequences import Sequences, count_ngrams

LONGEST = {"characters": 4, "bytes": 4}
"""Tokens of the longest n-gram by unit; 2 of every other."""
COMPONENTS = 100
_WIDE = 256  # values of an array from which on its components stand for it
_CHOSEN = 300
_AT_ONCE = 500_000  # tokens whose n-grams are counted at a time


class Features:
    """The forms of the rows, each fitted when it is first asked for.

    Args:
        form: of the rows, as `Rows.form`.
        x: the encoded training rows.
        y: their class indices, (n,).
        seed: of the randomised decompositions.
    """

    def __init__(self, form: str, x: Encoded, y: NDArray[np.int64], seed: int) -> None:
        self._longest = LONGEST.get(form, 2)
        self._y = y
        self._seed = seed
        self._sequences = isinstance(x, Sequences)
        self._train = self._raw(x)
        self._lengths = x.lengths if isinstance(x, Sequences) else None
        self._fitted: dict[str, Any] = {}
        self._known: dict[str, Any] = {}  # the training rows in each form

    def train(self, form: str) -> Any:
        """The training rows in a form, (n, columns)."""
        form = self._same(form)
        if form not in self._known:
            self._known[form] = self._in(form, self._train, self._lengths)
        return self._known[form]

    def of(self, x: Encoded, form: str) -> Any:
        """Other rows in a form, (m, columns)."""
        return self._in(self._same(form), self._raw(x), x.lengths if isinstance(x, Sequences) else None)

    def words(self, form: str) -> str:
        """What a form is, for the record and the table."""
        form = self._same(form)
        if form == "none":
            return "the labels alone"
        if not self._sequences:
            width = self._train.shape[1]
            return (
                f"{width} encoded values"
                if form == "values"
                else f"{self._count()} principal components of {width} values"
            )
        grams = f"1- to {self._longest}-grams"
        return {
            "weighted": f"tf-idf of {grams}",
            "components": f"{self._count()} singular directions of the tf-idf of {grams}",
            "chosen": f"{self.train('chosen').shape[1] - 1} {grams} chosen by chi-squared, and the length",
        }[form]

    def _same(self, form: str) -> str:
        """The form that this one is for these rows."""
        if form == "none":
            return form
        if self._sequences:
            return "chosen" if form == "values" else form
        return "values" if form == "values" or self._train.shape[1] <= _WIDE else "components"

    def _raw(self, x: Encoded) -> Any:
        if not isinstance(x, Sequences):
            return x
        from scipy.sparse import vstack

        counts, start = [], 0
        while start < len(x):
            stop = max(start + 1, int(np.searchsorted(x.offsets, x.offsets[start] + _AT_ONCE, side="right")) - 1)
            values = x.values[x.offsets[start] : x.offsets[stop]]
            counts.append(
                count_ngrams(Sequences(values, x.offsets[start : stop + 1] - x.offsets[start]), self._longest)
            )
            start = stop
        return vstack(counts, format="csr")

    def _in(self, form: str, raw: Any, lengths: NDArray[np.int64] | None) -> Any:
        if form == "none":
            return np.zeros((raw.shape[0], 1), dtype=np.float32)
        if form == "chosen":
            assert lengths is not None
            counts = self._step("chosen", self._chooser).transform(raw).toarray()
            return np.log1p(np.column_stack([counts, lengths])).astype(np.float32)
        if self._sequences:
            raw = self._step("weights", self._weights).transform(raw)
        if form in ("values", "weighted"):
            return raw
        return self._step("components", self._reducer).transform(raw).astype(np.float32)

    def _step(self, name: str, fit: Any) -> Any:
        if name not in self._fitted:
            self._fitted[name] = fit()
        return self._fitted[name]

    def _weights(self) -> Any:
        from sklearn.feature_extraction.text import TfidfTransformer

        return TfidfTransformer(sublinear_tf=True).fit(self._train)

    def _chooser(self) -> Any:
        from sklearn.feature_selection import SelectKBest, chi2

        occurring = int((self._train.getnnz(axis=0) > 0).sum())
        return SelectKBest(chi2, k=max(1, min(_CHOSEN, occurring))).fit(self._train, self._y)

    def _reducer(self) -> Any:
        from sklearn.decomposition import PCA, TruncatedSVD

        if not self._sequences:
            return PCA(self._count(), svd_solver="randomized", random_state=self._seed).fit(self._train)
        weighted = self._step("weights", self._weights).transform(self._train)
        return TruncatedSVD(self._count(), random_state=self._seed).fit(weighted)

    def _count(self) -> int:
        return int(min(COMPONENTS, *self._train.shape))
