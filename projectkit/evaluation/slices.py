"""Slices of a subset on which a model does worse than on the rest: by class, length, source, time, any column.

Each column cuts the samples into slices: numbers at their quartiles, names one by one. Each slice is compared with all other samples.
Whoever looks at a hundred slices finds five that differ by chance at p < .05, so the p of all of them are corrected together. Samples
of one group (frames of one video, texts of one template) count for less than as many independent ones.

| | a share (right or wrong) | a mean (absolute errors) |
|---|---|---|
| interval | Clopper-Pearson on the effective number of samples | Student's t, with the variance between groups |
| test against the rest | Fisher's exact test on the effective counts | Mann-Whitney on the groups' means |
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.evaluation.grouped import effective
from projectkit.metrics import Interval, clopper_pearson, holm

LEAST = 20
"""Samples of the smallest slice that is tested: below, even none right of all may be chance once p is corrected."""
LEVEL = 0.05  # of p after the correction
_MOST_NAMES = 30  # slices of one column of names: the most frequent ones; of classes all
_DISTINCT = 6  # a column of numbers with so few different ones is cut into them, and not at its quartiles
_QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, eq=False)
class Column:
    """One thing by which samples are told apart.

    Args:
        name: for a reader: `length (characters)`.
        values: (n,) numbers, NaN where missing, or strings.
        grouping: whether these are the groups themselves; samples of one slice are then of one group, and count singly.
        classes: whether these are the classes: they explain nothing by the classes.
    """

    name: str
    values: NDArray[Any]
    grouping: bool = False
    classes: bool = False


@dataclass(frozen=True)
class Slice:
    """Some samples and how the model does on them.

    Args:
        column: the column's name.
        label: which of its values: `12 to 19`, `spam`.
        n: samples.
        value: share that is right, or mean absolute error.
        low, high: its 95% interval.
        rest: the same number on all other samples.
        expected: the share that its mix of classes alone would lead one to expect; None where there are no classes.
        p: of the test against the rest.
        p_holm: corrected for all slices that were looked at.
        worse: whether the slice is worse than the rest, at `p_holm` < .05.
    """

    column: str
    label: str
    n: int
    value: float
    low: float
    high: float
    rest: float
    expected: float | None
    p: float
    p_holm: float
    worse: bool

    @property
    def explained(self) -> bool:
        """Whether the slice may be as good as its mix of classes leads one to expect."""
        return self.expected is not None and self.expected <= self.high

    def as_dict(self) -> dict[str, Any]:
        """As it stands in `evaluation/<subset>.json`."""
        return asdict(self)


@dataclass(frozen=True)
class Slices:
    """All that was looked at.

    Args:
        metric: `accuracy` or `mean absolute error`.
        overall: of all samples.
        rows: worse ones first, then those below the rest within chance, then those above it; each by p.
        tests: how many different tests the correction is over.
        small: column -> how many of its values were left out for having fewer than `LEAST` samples.
        empty: what was declared but has no sample, such as a class.
        constant: columns that do not cut: all samples have one value, or each its own.
    """

    metric: str
    overall: float
    rows: tuple[Slice, ...]
    tests: int
    small: Mapping[str, int]
    empty: tuple[str, ...]
    constant: tuple[str, ...]


def find_slices(
    quality: ArrayLike,
    columns: Sequence[Column],
    *,
    expected: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    errors: bool = False,
    empty: Sequence[str] = (),
) -> Slices:
    """Compare each slice of each column with the rest.

    Args:
        quality: of each sample, (n,): 1 where the model is right and 0 where it is wrong; with `errors` its absolute error.
        columns: what to cut by, each (n,).
        expected: (n,) share of a sample's class that is right.
        groups: (n,) samples that are not independent of each other; None: all are.
        errors: whether less is better, and the mean is no share.
        empty: named in the result.

    Raises:
        ValueError: columns of another length, or no samples.

    Source: effective number of samples: Korn & Graubard 1998, "Confidence intervals for proportions with small expected number of
    positive counts estimated from survey data"; correction: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    values = np.asarray(quality, dtype=np.float64)
    if not len(values) or any(len(column.values) != len(values) for column in columns):
        lengths = {column.name: len(column.values) for column in columns}
        raise ValueError(f"{len(values)} samples and columns of {lengths}")
    codes = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
    if codes is not None and codes.max() + 1 == len(values):
        codes = None  # each its own group
    mix = None if expected is None else np.asarray(expected, dtype=np.float64)
    found: list[tuple[Slice, int]] = []  # with the number of its test
    small, constant, tests = {}, [], 0
    seen: set[bytes] = set()  # a slice of two names is shown once: a class that is a group as well
    for column in columns:
        parts, left_out = cut(column.values, None if column.classes else _MOST_NAMES)
        if left_out:
            small[column.name] = left_out
        parts = {label: rows for label, rows in parts.items() if rows.sum() < len(values)}
        if not parts:
            constant.append(column.name)
        parts = {label: rows for label, rows in parts.items() if rows.tobytes() not in seen}
        seen |= {rows.tobytes() for rows in parts.values()}
        mirrored = len(parts) == 2 and sum(int(rows.sum()) for rows in parts.values()) == len(values)
        within = None if column.grouping or _is_grouped(parts, codes) else codes
        for number, (label, rows) in enumerate(parts.items()):
            looked = _look(values, rows, within, errors=errors)
            share = None if mix is None or column.classes else float(mix[rows].mean())
            found.append((Slice(column.name, label, int(rows.sum()), *looked[0], share, looked[1], 1.0, False), tests))
            tests += not (mirrored and number == 0)  # two slices that make up the whole are one comparison
    adjusted = holm([next(each.p for each, test in found if test == number) for number in range(tests)])
    sliced = [_judged(each, adjusted[test], errors=errors) for each, test in found]
    sliced.sort(key=lambda each: (not each.worse, (each.value < each.rest) == errors, each.p_holm, each.p, -each.n))
    name = "mean absolute error" if errors else "accuracy"
    return Slices(name, float(values.mean()), tuple(sliced), tests, small, tuple(empty), tuple(constant))


def cut(values: NDArray[Any], most: int | None = None) -> tuple[dict[str, NDArray[np.bool_]], int]:
    """A column's slices of at least `LEAST` samples, and how many of its values have fewer.

    Args:
        values: (n,) numbers, NaN where missing, or strings.
        most: slices of a column of names, the most frequent ones; the rest together is one more.

    Returns:
        label -> (n,) whether a sample belongs to it.
    """
    if values.dtype.kind in "fiub":
        parts = _numbers(values.astype(np.float64))
        large = {label: rows for label, rows in parts.items() if rows.sum() >= LEAST}
        return large, len(parts) - len(large)
    names, places, counts = np.unique(values.astype(np.str_), return_inverse=True, return_counts=True)
    places = places.reshape(-1)
    frequent = np.argsort(-counts, kind="stable")
    enough = frequent[counts[frequent] >= LEAST]
    large = {str(names[each]) or "(empty)": places == each for each in enough[:most].tolist()}
    rest = np.isin(places, frequent[len(large) :])
    if large and rest.sum() >= LEAST:
        large[f"any of {len(names) - len(large):,} others"] = rest
    return large, len(names) - len(enough)


def _numbers(values: NDArray[np.float64]) -> dict[str, NDArray[np.bool_]]:
    known = values[~np.isnan(values)]
    distinct = np.unique(known)
    if len(distinct) <= _DISTINCT:
        cuts = [values == each for each in distinct]
    else:
        # a value and not a mean of two, so that the borders are numbers that occur
        edges = np.unique(np.quantile(known, _QUARTILES, method="lower"))
        place = np.searchsorted(edges, values, side="left")  # NaN goes behind all
        cuts = [(place == number) & ~np.isnan(values) for number in range(len(edges) + 1)]
    parts: dict[str, NDArray[np.bool_]] = {}
    for rows in cuts:
        if rows.any():
            low, high = float(values[rows].min()), float(values[rows].max())
            labels = (_range(low, high, digits) for digits in (3, 6, 17))
            parts[next(label for label in labels if label not in parts)] = rows  # 17 digits tell any two numbers apart
    if len(known) < len(values):
        parts["missing"] = np.isnan(values)
    return parts


def _range(low: float, high: float, digits: int) -> str:
    ends = [
        f"{each:,.0f}" if abs(each) < 1e7 and each == round(each) else f"{each:.{digits}g}"
        for each in dict.fromkeys((low, high))
    ]
    return " to ".join(dict.fromkeys(ends))


def _look(
    values: NDArray[np.float64], rows: NDArray[np.bool_], codes: NDArray[Any] | None, *, errors: bool
) -> tuple[tuple[float, float, float, float], float]:
    """(value, low, high, rest) of a slice, and p."""
    own = None if codes is None else codes[rows]
    others = None if codes is None else codes[~rows]
    rest = float(values[~rows].mean())
    if errors:
        from scipy.stats import mannwhitneyu

        p = float(mannwhitneyu(_means(values[rows], own), _means(values[~rows], others)).pvalue)
        return (*_mean(values[rows], own), rest), p
    from scipy.stats import fisher_exact

    right, n = effective(values[rows], own)
    others_right, others_n = effective(values[~rows], others)
    p = float(fisher_exact([[right, n - right], [others_right, others_n - others_right]]).pvalue)
    bounds: Interval = clopper_pearson(right, n)
    share = float(values[rows].mean())
    return (share, min(share, bounds.low), max(share, bounds.high), rest), min(1.0, p)


def _is_grouped(parts: Mapping[str, NDArray[np.bool_]], codes: NDArray[Any] | None) -> bool:
    """Whether most slices are one group each, as a family of malware that is a class too: that group is what is asked about."""
    if codes is None or not parts:
        return False
    return bool(np.median([len(np.unique(codes[rows])) for rows in parts.values()]) <= 1)


def _means(values: NDArray[np.float64], codes: NDArray[Any] | None) -> NDArray[np.float64]:
    """The mean of each group."""
    if codes is None:
        return values
    places = np.unique(codes, return_inverse=True)[1].reshape(-1)
    means: NDArray[np.float64] = np.bincount(places, weights=values) / np.bincount(places)
    return means


def _mean(values: NDArray[np.float64], codes: NDArray[Any] | None) -> tuple[float, float, float]:
    """A mean of numbers that are not below 0, and its 95% interval; a bootstrap would take 40 ms a slice.

    Source: the variance between groups: Liang & Zeger 1986, "Longitudinal data analysis using generalized linear models".
    """
    from scipy.special import stdtrit

    places = np.arange(len(values)) if codes is None else np.unique(codes, return_inverse=True)[1].reshape(-1)
    if places.max() == 0:  # one group: its samples are what can be told of it
        places = np.arange(len(values))
    groups, mean = int(places.max()) + 1, float(values.mean())
    sums = np.bincount(places, weights=values - mean)
    error = math.sqrt(groups / (groups - 1) * float(np.square(sums).sum())) / len(values)
    half = float(stdtrit(groups - 1, 0.975)) * error
    return mean, max(0.0, mean - half), mean + half


def _judged(each: Slice, adjusted: float, *, errors: bool) -> Slice:
    below = each.value > each.rest if errors else each.value < each.rest
    return Slice(**{**each.as_dict(), "p_holm": adjusted, "worse": bool(adjusted < LEVEL and below)})
