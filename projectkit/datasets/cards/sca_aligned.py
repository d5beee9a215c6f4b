"""Power traces of AES-128 on a microcontroller, cut where each key byte's S-box is looked up: how many bits of the result are one?

The key follows from the answers: each guess of a key byte says which weight each trace must have. `aes_traces` holds what this set shares
with `sca_jitter`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from projectkit.datasets.card import Card, SplitPolicy, Target
from projectkit.datasets.readers.aes_traces import WEIGHTS, read_windows, trace_files
from projectkit.datasets.samples import Samples

_FILES = trace_files(
    "aligned",
    "Tutorial_B5_data/traces/2020.03.10-19.30.28_0",
    {
        "traces": "6cf28ee1a772d70c1128cc8f9a99bacd561119be33398a57add4070b16da1cec",
        "textin": "2fe60ed703e19924fda8fff1b92d965ac428eced8327de599f82929f8f5e9e1a",
        "textout": "1da96c975910e1c754c167e633b7523d6306e1b63531fc2212082140d55e9c15",
        "keylist": "71000017a9fa675e81e5a56ad878d703b0765ed8079e9e7ce515bfc62259b591",
    },
)
_WIDTH = 40  # up to where the next byte's window begins; the weight shows 8 to 14 points after the beginning


def read(files: Mapping[str, Path]) -> Samples:
    """800 windows of 40 points, trace by trace, byte by byte."""
    return read_windows(files, "aligned", delay=0, width=_WIDTH)


CARD = Card(
    name="sca_aligned",
    title="ChipWhisperer AES power traces, aligned",
    description=(
        "800 windows of 40 points from 50 power traces of AES-128, one for each trace and key byte, cut where the byte's S-box is looked "
        "up; the target is the Hamming weight of the S-box's output."
    ),
    modality="series",
    targets={"hamming_weight": Target("multiclass", WEIGHTS, split="by_trace")},
    default_target="hamming_weight",
    licence="Apache-2.0",
    redistributable=True,
    citation=(
        "O'Flynn & Chen, ChipWhisperer: An Open-Source Platform for Hardware Embedded Security Research, COSADE 2014, "
        "doi:10.1007/978-3-319-10175-0_17"
    ),
    read=read,
    splits={
        "by_trace": SplitPolicy(
            "stratified", {"by_group": True}, "the 16 windows of a trace never part; 70 / 10 / 20 by class"
        ),
        "by_byte": SplitPolicy(
            "official",
            {
                "by_group": False,
                "test_sources": {"test": ["byte-03", "byte-06", "byte-13"]},
                "val_sources": ["byte-05", "byte-11"],
            },
            "key bytes of which training has seen nothing: three for test, two for validation, out of all traces",
        ),
    },
    files=_FILES,
    mirror_folder="sca",
    traps=(
        "All traces, also those of sca_jitter, were taken with one and the same key: nothing can be said about unseen keys.",
        "Weights 0 and 8 occur one to three times, so weights 0 to 2 and 6 to 8 are a class each.",
        "The most frequent class has .275; a linear model gets .62 of the test windows right.",
        "Correlation power analysis, which learns nothing, finds all 16 key bytes from 30 traces on: that is the baseline of an attack.",
        "The test has 144 windows of nine traces: differences of five percent are noise; use k-fold (data.folds).",
        "The files have a 51st trace, all zeros, without a plain text; it is left out.",
    ),
    safety="A published test device with a published key. Attack devices of others only with their consent.",
    ethics="No person is in the data.",
)
