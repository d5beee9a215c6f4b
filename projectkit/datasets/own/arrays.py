"""The arrays of an `.npz` file that a stranger may have made: nothing is unpickled, and each kind of damage is one line."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.errors import WorkError

_DAMAGE = (
    *(OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError),
    *(MemoryError, SyntaxError, tokenize.TokenError, RecursionError),  # headers of rubbish
    RuntimeError,  # encrypted
)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Array name -> array.

    Raises:
        WorkError: it is no whole `.npz` file, or has an array of objects; the message has the file's name.
    """
    try:
        if not zipfile.is_zipfile(path):  # numpy would ask whether to unpickle it
            raise ValueError("cut off, or no .npz file")
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        other = next((name for name, array in arrays.items() if not isinstance(array, np.ndarray)), None)
        if other is not None:
            raise ValueError(f"'{other}' in it is no array")
    except _DAMAGE as error:
        remedy = "save plain arrays of numbers or strings with numpy.savez"
        raise WorkError(f"cannot be read as npz ({error})", where=path.name, remedy=remedy) from error
    return arrays
