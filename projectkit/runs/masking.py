"""Keys and passwords, taken out of whatever a run records: a kept run is committed and shared.

Seven things are recognised: the value of an argument or of a config's key whose name says that it is secret, a line of a `.env` file, the
user and password of a URL, a key in its query (`?api_key=`), the known shapes of access keys wherever they stand, 40 hex digits behind such
a word, and, wherever it stands, the value of an environment variable whose name says that it is secret. Numbers stay (`max_tokens=512` is a
setting).

A config with a masked value is still the config of its run: `same_value` takes what was masked for what the user's own config says, and
`refuse_masked` asks for it where there is nothing but the record.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from projectkit.errors import UserError

MASK = "***"

_SECRET_NAME = re.compile(r"key|token|secret|passw|pwd|credential", re.IGNORECASE)
_SECRET_VARIABLE = re.compile(
    r"(^|_)(\w*API_?KEY|\w*KEY|TOKEN|SECRET|PASS|PASSWD|PASSWORD|CREDENTIALS?|PAT|AUTH)(_|$)", re.IGNORECASE
)
_NUMBER = re.compile(r"[-+]?\d{0,8}(\.\d*)?(e[-+]?\d{1,2})?", re.IGNORECASE)
_URL_USER = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/@'\"]+@", re.IGNORECASE)
_URL_QUERY = re.compile(
    r"(?P<name>[?&;](?:[\w-]*[_-])?(?:api_?key|key|token|secret|password|passwd|pwd|sig|signature|credential|auth)=)[^\s&;#'\"]+",
    re.IGNORECASE,
)
_KEY_SHAPES = re.compile(
    r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_\w{20,}|sk-[\w-]{20,}|wandb_v\d_\w{20,}"
    r"|AKIA[A-Z0-9]{16}|AIza[\w-]{30,}|xox[abpr]-[\w-]{10,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+"
    r"|(?<=Bearer )[\w.~+/-]{16,}=*|(?<=hooks\.slack\.com/services/)[\w/-]{20,})"
)
_PRIVATE_KEY = re.compile(r"(-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----).{1,8000}?(-----END)", re.DOTALL)
_ASSIGNMENT = re.compile(
    r"(?P<name>\b\w*(?:api_?key|access_?key|token|secret|passwd|password)\w*['\"]?\s*[:=]\s*)(?P<quote>['\"])[^'\"\s]{8,}(?P=quote)",
    re.IGNORECASE,
)
# a line of a `.env` file, also in a diff; code has blanks around its `=`, or brackets behind it
_DOTENV = re.compile(
    r"^(?P<name>[-+ ]?[ \t]*(?:export[ \t]+|set[ \t]+)?[A-Z0-9_]*(?:KEY|TOKEN|SECRET|PASS|PASSWD|PASSWORD|PWD|CREDENTIALS?|PAT)=)"
    r"(?![-+\d.]+\s*$)['\"]?[^\s'\"()\[\]{}#]{4,}['\"]?(?=\s*(?:#.*)?$)",
    re.MULTILINE,
)
# also the shape of a commit, so it counts on a command line, or behind a word, only
_WANDB_KEY = re.compile(r"[0-9a-f]{40}")
_WANDB_KEY_NAMED = re.compile(
    r"(?P<name>(?:key|token|secret|passw(?:or)?d|login)\b[^\n]{0,20}?)(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])",
    re.IGNORECASE,
)
# of a config; `pad_token` and `monitor_key` are settings
_SECRET_KEYS = (
    r"(?:(?:\w*_)?(?:api_?key|access_?key(?:_id)?|private_?key|secret(?:_?key)?|passw(?:or)?d|passphrase|pwd|credentials?"
    r"|(?:api|auth|access|hub|hf|bot|bearer|refresh)_token)|token)"
)
_SECRET_KEY = re.compile(_SECRET_KEYS, re.IGNORECASE)
# in a text that may be code: a line of its own, or in the brackets of one line
_YAML_SECRET = re.compile(
    rf"(?P<name>(?:^[-+ ]?[ \t]*(?:- )*|\{{[^{{}}\n]*?\b){_SECRET_KEYS}:[ ]+)(?![-+\d.]+\s*(?:[,}}]|$))[^\s,=(){{}}\[\]'\"#*$]{{8,}}"
    r"(?=\s*(?:[,}]|#.*$|$))",
    re.IGNORECASE | re.MULTILINE,
)
_YAML_LINE = re.compile(
    r"^(?P<name>[ \t]*(?:- )*(?P<quote>[\"']?)(?P<key>\w+)(?P=quote):[ \t]+)(?P<value>[^\s{\[|>&#].*?)(?P<rest>[ \t]+#.*)?$",
    re.MULTILINE,
)
_NOTHING = frozenset({"null", "~", "true", "false"})
_SHORTEST = 8  # characters of a secret in the environment: a shorter one would be found in the middle of words
# a value that YAML would read as the name of an anchor; what was quoted stays in its quotes
_BARE_MASK = re.compile(r"^([ \t]*(?:- )*(?:[^\s\"'][^\"'\n]*?: )?)(\*\*\*[^\"'\n]*)$", re.MULTILINE)


def mask_text(text: str) -> str:
    """A text without URL passwords and keys, known keys, values of the environment, and quoted values assigned to a secret name."""
    return _masked(text, _of_environment())


def mask_yaml(text: str) -> str:
    """A config as `config_to_yaml` gives it, one value a line, without secrets; it is YAML still."""
    secrets = _of_environment()
    for secret in secrets:
        text = text.replace(json.dumps(secret, ensure_ascii=False)[1:-1], MASK)  # as it stands in quotes
    return _BARE_MASK.sub(r'\1"\2"', _YAML_LINE.sub(_masked_line, _masked(text, secrets)))


def mask_document(document: Any) -> Any:
    """Plain containers with `mask_text` in every text, and without the texts under keys that are called `password` or alike."""
    secrets = _of_environment()  # once: to look through it takes longer than to mask a text

    def masked(value: Any) -> Any:
        if isinstance(value, str):
            return _masked(value, secrets)
        if isinstance(value, Mapping):
            return {masked(key): MASK if _is_secret_text(key, item) else masked(item) for key, item in value.items()}
        return [masked(item) for item in value] if isinstance(value, list | tuple) else value

    return masked(document)


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


def same_value(recorded: Any, now: Any) -> bool:
    """Whether a value of a recorded config is that of a config of today, as far as the record may know it."""
    if isinstance(recorded, str) and MASK in recorded and isinstance(now, str):
        parts = (re.escape(part) for part in recorded.split(MASK))
        return re.fullmatch(".+".join(parts), now, re.DOTALL) is not None
    return bool(recorded == now)


def refuse_masked(config: Any, where: str = "") -> None:
    """A run cannot be repeated with the mask of a secret in the secret's place.

    Args:
        config: plain containers.
        where: the key that they stand under.

    Raises:
        UserError: a value was masked; the message says what to type.
    """
    if isinstance(config, Mapping):
        for key, value in config.items():
            refuse_masked(value, f"{where}.{key}" if where else str(key))
    elif isinstance(config, list):
        for number, value in enumerate(config):
            refuse_masked(value, f"{where}.{number}")
    elif isinstance(config, str) and MASK in config:
        raise UserError(
            "the record holds *** in the place of a secret",
            where=where,
            remedy=f"give the secret again: {where}=..., or name the config that the run was started with",
        )


def _masked(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK)
    text = _PRIVATE_KEY.sub(rf"\1{MASK}\2", text)
    text = _URL_USER.sub(rf"\g<scheme>{MASK}@", text)
    text = _URL_QUERY.sub(rf"\g<name>{MASK}", text)
    text = _KEY_SHAPES.sub(MASK, text)
    text = _WANDB_KEY_NAMED.sub(rf"\g<name>{MASK}", _DOTENV.sub(rf"\g<name>{MASK}", text))
    found = 1
    while found:  # several in the same brackets
        text, found = _YAML_SECRET.subn(rf'\g<name>"{MASK}"', text)
    return _ASSIGNMENT.sub(rf"\g<name>\g<quote>{MASK}\g<quote>", text)


def _masked_line(line: re.Match[str]) -> str:
    if not _is_secret_text(line["key"], line["value"].strip("\"'")) or line["value"] in _NOTHING:
        return line[0]
    return f'{line["name"]}"{MASK}"{line["rest"] or ""}'


def _is_secret_text(key: Any, value: Any) -> bool:
    if not isinstance(value, str) or not isinstance(key, str) or not value or value == MASK:
        return False
    return _SECRET_KEY.fullmatch(key) is not None and not _NUMBER.fullmatch(value) and not value.startswith("${")


def _of_environment() -> list[str]:
    """Secret values, the longest first, so that one that begins another is not taken out of it."""
    values = [value.strip() for name, value in os.environ.items() if _SECRET_VARIABLE.search(name)]
    found = {
        *values,
        *(line for value in values for line in value.splitlines()),
    }  # a diff has a private key line by line
    secrets = (value for value in found if len(value) >= _SHORTEST and not _is_setting(value))
    return sorted(secrets, key=len, reverse=True)


def _is_setting(value: str) -> bool:
    """A path or a number: `GOOGLE_APPLICATION_CREDENTIALS=/home/...`, `SSH_AUTH_SOCK=...`."""
    return Path(value).is_absolute() or value.startswith("~") or bool(_NUMBER.fullmatch(value))


def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name.rpartition(".")[2]) is not None
