"""Power traces of AES-128 behind a random delay: the windows of `sca_aligned` are in here, but at one of sixteen places.

Before it encrypts, the device waits 36 points and then 0 to 15 times 52 more; the delay is drawn once for each trace. So each sample is a
window that is wide enough for all delays. `aes_traces` holds what this set shares with `sca_aligned`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from projectkit.datasets.card import Card, SplitPolicy, Target
from projectkit.datasets.readers.aes_traces import WEIGHTS, read_windows, trace_files
from projectkit.datasets.samples import Samples

_FILES = trace_files(
    "jitter",
    "jittertime_data/traces/2020.03.10-19.15.39_0",
    {
        "traces": "bae35b92979f1e7fa9f63629cccad6f09cdcc20749742290b62bb04f1452aa2b",
        "textin": "530880053d874b0dc3c3a5de2d3729a0d70ebf4df7d447df23bde67bd5a4b050",
        "textout": "4440d9e95c04229f36678aab4a40c1d1e7282b9766f65728830259c04575d5c3",
        "keylist": "71000017a9fa675e81e5a56ad878d703b0765ed8079e9e7ce515bfc62259b591",
    },
)
_SHORTEST, _STEP, _STEPS = 36, 52, 15  # of the delay, in points
_WIDTH = _STEPS * _STEP + 60  # the window of an aligned trace at the longest delay, and 20 points more


def read(files: Mapping[str, Path]) -> Samples:
    """800 windows of 840 points, trace by trace, byte by byte; each begins where the byte's would without any extra delay."""
    return read_windows(files, "jitter", delay=_SHORTEST, width=_WIDTH)


CARD = Card(
    name="sca_jitter",
    title="ChipWhisperer AES power traces with random delays",
    description=(
        "800 windows of 840 points from 50 power traces of AES-128 that begins after a random delay, one for each trace and key byte; the "
        "target is the Hamming weight of the S-box's output, somewhere in the window."
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
        # no split by byte: the windows of a trace overlap, so training would hold the very points that it is tested on
        "by_trace": SplitPolicy(
            "stratified", {"by_group": True}, "the 16 windows of a trace never part; 70 / 10 / 20 by class"
        ),
    },
    files=_FILES,
    mirror_folder="sca",
    traps=(
        "All traces, also those of sca_aligned, were taken with one and the same key: nothing can be said about unseen keys.",
        "A window holds the look-ups of other bytes too: a model without a notion of where the encryption begins stays at chance.",
        "The delay is one of 16 (36 + 52 k points), the same for the 16 windows of a trace: matched to a mean trace it can be undone.",
        "As they are, a linear model gets .23 of the test windows right, the most frequent class .27, and correlation power analysis finds "
        "no key byte; with the delay undone .48, and all 16 bytes from 35 traces on.",
        "The test has 160 windows of ten traces: differences of five percent are noise; use k-fold (data.folds).",
    ),
    safety="A published test device with a published key. Attack devices of others only with their consent.",
    ethics="No person is in the data.",
)
