"""torch.compile as the programs use it: whether there is a compiler, where its work is kept between runs, how a step is compiled once.

A compile of a small model takes seconds, and a second or two where its code is still in the cache; see `keep_compiled`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from types import FunctionType
from typing import Any

import platformdirs
import torch

from projectkit.machine import lacking_for_compilation


def missing_compiler(device: torch.device) -> str | None:
    """Why nothing can be compiled for this device, in words; None where it can, as far as is seen without trying."""
    if device.type not in {"cpu", "cuda"}:
        return f"nothing is compiled for {device.type}"
    return lacking_for_compilation()


def keep_compiled() -> None:
    """Keep compiled code in the user's cache folder, unless the user named a folder; torch's own choice is the temporary folder."""
    # beside the store of the data sets, not in it
    folder = platformdirs.user_cache_dir("projectkit-compiled", appauthor=False)
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", folder)


def quiet_compiler() -> None:
    """Keep torch's word about a CUDA toolkit on a machine without a GPU off the screen; it comes when the compiler is first loaded."""
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)


def compile_step(function: FunctionType, *, guarded: bool) -> Callable[..., Any]:
    """Compile a function as one graph, in its first call.

    Args:
        function: of tensors; what else it reads is taken for constant.
        guarded: whether torch looks before each call if a constant has changed, which costs an MLP 23 us of a step of 100. Without it the
            caller sees to that, and to the shapes.
    """
    quiet_compiler()
    # torch keeps what it compiled with the code object, so that a second program of the same source would run the first one's graph
    own = FunctionType(function.__code__.replace(), function.__globals__, function.__name__, None, function.__closure__)
    unguarded = getattr(torch.compiler, "skip_all_guards_unsafe", None)  # since torch 2.8
    options = {} if guarded or unguarded is None else {"guard_filter_fn": unguarded}
    compiled: Callable[..., Any] = torch.compile(own, fullgraph=True, dynamic=False, options=options)
    return compiled


def words_of(error: BaseException) -> str:
    """What lies at the bottom of a compiler's exception, in one line, which is all that a record has room for."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
