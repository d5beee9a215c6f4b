"""What the two sets of power traces of AES-128 share: their files, the S-box, and how a trace becomes sixteen samples.

The device works byte by byte: it looks the S-box up for byte 0, 4, 8, 12, then 1, 5, 9, 13 and so on, and what it draws while it does so
depends on how many bits of the result are one. So each of the sixteen bytes has a place in the trace, and a window there is a sample.

Source: FIPS 197 for the S-box; Brier, Clavier & Olivier 2004, Correlation Power Analysis with a Leakage Model, CHES, for the leakage.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.card import RemoteFile
from projectkit.datasets.samples import Samples
from projectkit.errors import WorkError

TRACES = 50  # the files have a 51st row of zeros, which the capture never filled
BYTES = 16
FIRST = 1009  # where the window of byte 0 begins in a trace without delay
WEIGHTS = ("0 to 2", "3", "4", "5", "6 to 8")
"""Classes of the Hamming weight: weights 0 and 8 occur one to three times in 800, too few for a class of their own."""

_AT = (
    "https://raw.githubusercontent.com/newaetech/chipwhisperer/a9527b5d2ede18ef9d889a4ff7bd4bbb05551c27/tests/projects"
)
_SIZES = {"traces": 2_040_128, "textin": 928, "textout": 928, "keylist": 928}
_TO_CLASS = np.array([0, 0, 0, 1, 2, 3, 4, 4, 4])


def trace_files(prefix: str, capture: str, digests: Mapping[str, str]) -> tuple[RemoteFile, ...]:
    """The files of one capture: traces, what went in and out, and the key.

    Args:
        prefix: of their names here.
        capture: of their names in the repository, below `tests/projects`.
        digests: `traces`, `textin`, `textout`, `keylist` -> SHA-256.
    """
    return tuple(
        RemoteFile(f"{prefix}_{part}.npy", size, digests[part], (f"{_AT}/{capture}{part}.npy",))
        for part, size in _SIZES.items()
    )


def read_windows(files: Mapping[str, Path], prefix: str, *, delay: int, width: int) -> Samples:
    """One sample a trace and key byte: the part of the trace in which the byte's S-box is looked up.

    Args:
        files: those of `trace_files`.
        prefix: of their names.
        delay: points between `FIRST` and the beginning of the window of byte 0.
        width: points of a window.

    Returns:
        800 series of one channel; the group is the trace, the source the key byte.
    """
    traces, text, key = read_capture(files, prefix)
    starts = delay + place_of_byte(np.arange(BYTES))
    windows = traces.astype(np.float32)[:, starts[:, None] + np.arange(width)]  # (traces, bytes, width)
    weights = np.bitwise_count(sbox()[text ^ key]).reshape(-1)
    names = [(trace, byte) for trace in range(TRACES) for byte in range(BYTES)]
    return Samples(
        id=np.array([f"trace-{trace:02d}-byte-{byte:02d}" for trace, byte in names]),
        x=windows.reshape(-1, 1, width),
        y={"hamming_weight": _TO_CLASS[weights].astype(np.int64)},
        group=np.array([f"trace-{trace:02d}" for trace, _ in names]),
        source=np.array([f"byte-{byte:02d}" for _, byte in names]),
    )


def read_capture(
    files: Mapping[str, Path], prefix: str
) -> tuple[NDArray[np.float64], NDArray[np.uint8], NDArray[np.uint8]]:
    """Traces (50, 5000), plain texts (50, 16) and keys (50, 16), as they were captured.

    Raises:
        WorkError: arrays of other shapes.
    """
    arrays = {part: np.load(files[f"{prefix}_{part}.npy"], allow_pickle=False) for part in _SIZES}
    traces, text, key = arrays["traces"], arrays["textin"], arrays["keylist"]
    if traces.shape != (TRACES + 1, 5000) or text.shape != (TRACES, BYTES) or key.shape != (TRACES, BYTES):
        raise WorkError(
            f"traces, texts and keys of shapes {traces.shape}, {text.shape}, {key.shape}",
            where=str(files[f"{prefix}_traces.npy"]),
            remedy="use the files that the card names",
        )
    return traces[:TRACES], text, key


def place_of_byte(byte: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the window of a key byte, 0 to 15, begins in a trace without delay."""
    return FIRST + 176 * (byte % 4) + 40 * (byte // 4)


def sbox() -> NDArray[np.uint8]:
    """The 256 values of the AES S-box: the inverse in GF(2^8), then an affine map.

    Source: FIPS 197, section 5.1.1.
    """
    powers = [1]  # of 3, which generates all elements but zero; its 255th is 1 again
    while len(powers) < 255:
        doubled = powers[-1] << 1
        powers.append((doubled ^ (0x11B if doubled & 0x100 else 0)) ^ powers[-1])
    inverse = np.zeros(256, dtype=np.uint8)
    inverse[powers] = powers[:1] + powers[:0:-1]  # 3^-k is 3^(255 - k); zero stays zero
    turned = [(inverse << turn) | (inverse >> (8 - turn)) for turn in range(1, 5)]
    return (inverse ^ turned[0] ^ turned[1] ^ turned[2] ^ turned[3] ^ 0x63).astype(np.uint8)
