"""Keys and passwords, taken out of whatever a run records: a kept run is committed and shared.

Three things are recognised: the value of an argument whose name says that it is secret, the user and password of a
URL, and the known shapes of access keys wherever they stand. Numbers stay (`max_tokens=512` is a setting).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MASK = "***"

_SECRET_NAME = re.compile(r"key|token|secret|passw|pwd|credential", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?\d{0,8}(\.\d*)?(e[-+]?\d{1,2})?", re.IGNORECASE)
_URL_USER = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/@'\"]+@", re.IGNORECASE)
_KEY_SHAPES = re.compile(
    r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_\w{20,}|sk-[\w-]{20,}|wandb_v\d_\w{20,}"
    r"|AKIA[A-Z0-9]{16}|AIza[\w-]{30,}|xox[abpr]-[\w-]{10,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+)"
)
_ASSIGNMENT = re.compile(
    r"(?P<name>\b\w*(?:api_?key|access_?key|token|secret|passwd|password)\w*['\"]?\s*[:=]\s*)(?P<quote>['\"])[^'\"\s]{8,}(?P=quote)",
    re.IGNORECASE,
)
_WANDB_KEY = re.compile(r"[0-9a-f]{40}")  # also the shape of a commit, so it counts on a command line only


def mask_text(text: str) -> str:
    """A text without URL passwords, known keys and quoted values assigned to a secret name."""
    text = _URL_USER.sub(rf"\g<scheme>{MASK}@", text)
    text = _KEY_SHAPES.sub(MASK, text)
    return _ASSIGNMENT.sub(rf"\g<name>\g<quote>{MASK}\g<quote>", text)


def mask_command(command: Sequence[str]) -> list[str]:
    """A command line without `--api-key X`, `tracking.token=X`, a bare W&B key, and all that `mask_text` knows."""
    masked: list[str] = []
    value_is_secret = False  # the argument before was an option such as --api-key
    for argument in command:
        name, equals, value = argument.partition("=")
        if value_is_secret and not argument.startswith("-"):
            masked.append(MASK)
        elif equals and _is_secret(name) and not _NUMBER.fullmatch(value):
            masked.append(f"{name}={MASK}")
        elif _WANDB_KEY.fullmatch(value if equals else argument):
            masked.append(f"{name}={MASK}" if equals else MASK)
        else:
            masked.append(mask_text(argument))
        value_is_secret = argument.startswith("-") and not equals and _is_secret(argument)
    return masked


def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name.rpartition(".")[2]) is not None
