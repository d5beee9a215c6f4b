"""Which plain model stands for which data set, and the bar that it is to reproduce: the list that `data_baselines.py` runs.

A case measures on a leak-free split of the card and, where there is something to compare, on `policies.careless` (`data_measures.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from data_measures import Measured, on_careless, on_hours, on_source, on_split, on_traces, over_draws, over_folds
from data_models import calls_linear, forest, pixels_components, pixels_ridge, table_linear, text_linear

from projectkit.datasets.samples import Samples


@dataclass(frozen=True)
class Bar:
    """What was measured before the cards existed: one number, or the lowest and the highest of several; the same of a careless split.

    None where nothing was.
    """

    value: float | tuple[float, float] | None
    careless: float | None = None


@dataclass(frozen=True)
class Case:
    """A model on a data set.

    Args:
        data: the data set.
        what: the task and its split, for the table.
        model: in words.
        bars: metric -> bar.
        measure: samples to metric -> interval on the split that does not leak.
        careless: the same on a careless split, or None.
    """

    data: str
    what: str
    model: str
    bars: Mapping[str, Bar]
    measure: Callable[[Samples], Measured]
    careless: Callable[[Samples], Measured] | None = field(default=None)


_CHARACTERS = text_linear()
_MANY = text_linear(solver="steps")
_SHORT = text_linear(longest=3, solver="logistic")
_BALANCED = text_linear(longest=3, solver="balanced")
_ADDRESS = text_linear(longest=3, solver="steps")
_CODE = text_linear("token", 3)
_HTTP = {"xss": 0.09, "cmdi": 0.03, "sqli": 0.0, "path": 0.0}

CASES: tuple[Case, ...] = (
    Case(
        "sms",
        "3 classes, stratified",
        "character 1- to 4-grams, SVM",
        {"accuracy": Bar(0.959), "f1_macro": Bar(0.842)},
        on_split("sms", _CHARACTERS),
        on_careless("sms", _CHARACTERS),
    ),
    Case(
        "sms_uci",
        "2 classes, stratified",
        "character 1- to 4-grams, SVM",
        {"accuracy": Bar(0.990), "f1_macro": Bar(0.976)},
        on_split("sms_uci", _CHARACTERS),
        on_careless("sms_uci", _CHARACTERS),
    ),
    Case(
        "dga",
        "family, stratified",
        "character 1- to 4-grams, SVM",
        {"accuracy": Bar(0.850), "f1_macro": Bar(0.811)},
        on_split("dga", _CHARACTERS),
        on_careless("dga", _CHARACTERS),
    ),
    Case(
        "dga",
        "malicious, families left out, 5 draws",
        "character 1- to 4-grams, SVM",
        {"accuracy": Bar(0.844), "auroc": Bar(0.937, 0.981)},
        over_draws(on_split("dga", _CHARACTERS, target="malicious")),
        on_careless("dga", _CHARACTERS, "malicious"),
    ),
    Case(
        "http_params",
        "attack, shipped split",
        "character 1- to 4-grams, SVM",
        {"accuracy": Bar(0.9990)},
        on_split("http_params", _CHARACTERS, "official", "attack"),
        on_careless("http_params", _CHARACTERS),
    ),
    *(
        Case(
            "http_params",
            f"attack, {kind} left out",
            "character 1- to 3-grams, logistic",
            {"recall": Bar(recall), "auroc": Bar((0.92, 0.997))},
            on_split("http_params", _SHORT, f"leave_{kind}_out", "attack"),
        )
        for kind, recall in _HTTP.items()
    ),
    Case(
        "phishing_urls",
        "by registered domain, 5 draws",
        "character 1- to 3-grams, logistic by steps",
        {"accuracy": Bar(0.960, 0.996), "auroc": Bar(0.991)},
        over_draws(on_split("phishing_urls", _ADDRESS)),
        on_careless("phishing_urls", _ADDRESS),
    ),
    Case(
        "phishing_eth",
        "by registered domain, 5 draws",
        "character 1- to 3-grams, balanced logistic",
        {"accuracy": Bar(0.943), "auroc": Bar(0.981)},
        over_draws(on_split("phishing_eth", _BALANCED)),
        on_careless("phishing_eth", _BALANCED),
    ),
    Case(
        "malware_api",
        "8 families, 5 folds",
        "counts of calls and pairs, SVM",
        {"accuracy": Bar(0.503)},
        over_folds("malware_api", calls_linear, 5),
        on_careless("malware_api", calls_linear),
    ),
    Case(
        "code_language",
        "40 languages, by file",
        "character 1- to 4-grams, logistic by steps",
        {"accuracy": Bar(0.943, 0.963), "f1_macro": Bar(0.942)},
        on_split("code_language", _MANY),
        on_careless("code_language", _MANY),
    ),
    *(
        case
        for owner, bar in (("TheAlgorithms", 0.800), ("exercism", 0.599))
        for case in (
            Case(
                "code_language",
                f"{owner} left out, all languages",
                "character 1- to 4-grams, logistic by steps",
                {"accuracy": Bar(None)},
                on_source("code_language", _MANY, owner),
            ),
            Case(
                "code_language",
                f"{owner} left out, languages of both",
                "character 1- to 4-grams, logistic by steps",
                {"accuracy": Bar(bar)},
                on_split("code_language", _MANY, f"leave_{owner.lower()}_out"),
            ),
        )
    ),
    Case(
        "nsl_kdd",
        "attack, KDDTest+",
        "forest",
        {"accuracy": Bar(0.780, 0.997), "f1_macro": Bar(0.779), "auroc": Bar(0.965)},
        on_split("nsl_kdd", forest),
        on_careless("nsl_kdd", forest, source="KDDTrain+"),
    ),
    Case(
        "nsl_kdd",
        "attack, KDDTest-21",
        "forest",
        {"accuracy": Bar(0.581)},
        on_split("nsl_kdd", forest, subset="test_21"),
    ),
    Case(
        "nsl_kdd",
        "attack, KDDTest+",
        "linear",
        {"accuracy": Bar(0.751)},
        on_split("nsl_kdd", table_linear),
        on_careless("nsl_kdd", table_linear, source="KDDTrain+"),
    ),
    Case(
        "juliet",
        "vulnerable, CWEs left out",
        "token 1- to 3-grams, SVM",
        {"accuracy": Bar(0.909, 0.990), "auroc": Bar(0.976)},
        on_split("juliet", _CODE),
        on_careless("juliet", _CODE),
    ),
    Case(
        "juliet",
        "vulnerable, CWEs left out, twins kept",
        "token 1- to 3-grams, SVM",
        {"accuracy": Bar(0.909), "auroc": Bar(0.976)},
        on_split("juliet", _CODE, twins=True),
    ),
    Case(
        "batadal",
        "attack, official",
        "15 components, mean of 6 hours",
        {"auroc": Bar(0.930), "average_precision": Bar(0.876), "f1": Bar(0.871)},
        on_hours("components"),
    ),
    Case("batadal", "attack, official", "isolation forest", {"auroc": Bar(0.578)}, on_hours("isolation")),
    Case("sca_aligned", "key bytes from 30 traces", "correlation", {"bytes_found": Bar(1.0)}, on_traces("aligned", 30)),
    Case("sca_aligned", "key bytes from 50 traces", "correlation", {"bytes_found": Bar(1.0)}, on_traces("aligned", 50)),
    Case(
        "gtsrb",
        "43 signs, by track",
        "100 components, logistic",
        {"accuracy": Bar(0.763, 0.854), "f1_macro": Bar(0.672)},
        on_split("gtsrb", pixels_components),
        on_careless("gtsrb", pixels_components),
    ),
    Case("fashion_mnist", "official", "ridge", {"accuracy": Bar(0.812)}, on_split("fashion_mnist", pixels_ridge)),
    Case("mnist", "official", "ridge", {"accuracy": Bar(0.862)}, on_split("mnist", pixels_ridge)),
    Case("cifar10", "official", "ridge", {"accuracy": Bar(0.396)}, on_split("cifar10", pixels_ridge)),
)
