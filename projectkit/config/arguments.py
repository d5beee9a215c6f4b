"""The arguments of a class: checked against its signature before anything is built, then built.

What the signature cannot say is not checked: a class that takes `**kwargs`, an annotation that cannot be resolved, an annotation of a
type that no plain value is.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Collection, Mapping
from typing import Any

from projectkit.config.classes import line_of, short
from projectkit.config.places import Places, join
from projectkit.config.reading import plain
from projectkit.config.values import described, fits, found
from projectkit.errors import ProjectkitError, UserError, did_you_mean, nearest

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_OTHER_WORDS = {
    "learning_rate": "lr",
    "wd": "weight_decay",
    "hidden_size": "hidden",
    "n_classes": "num_classes",
    "p": "dropout",
}


def check_arguments(
    target: Any, init_args: Mapping[str, Any], key: str, *, filled: Collection[str] = (), places: Places
) -> None:
    """Check `init_args` against the signature of a class or function: names, missing ones, simple types.

    Args:
        target: what will be called.
        init_args: the arguments of the config.
        key: the dotted key of the class's section, such as `model`.
        filled: names of arguments that are given by the caller unless the config gives them.
        places: from the loaded config.

    Raises:
        UserError: the first argument that does not fit, with its place and what fits.
    """
    signature = _signature(target)
    if signature is None:
        return
    parameters = signature.parameters
    known, open_ended = _names(target, signature)
    hints = _hints(target)
    for name, value in init_args.items():
        at = join(join(key, "init_args"), name)
        if name in parameters and parameters[name].kind is inspect.Parameter.POSITIONAL_ONLY:
            raise UserError(
                f"{_named(target)} takes {name} by position only", where=places.of(at), remedy=f"remove {name}"
            )
        if name not in known:
            if open_ended:
                continue
            raise UserError(
                f"{_named(target)} has no argument '{name}'", where=places.of(at), remedy=_instead(name, known)
            )
        _check_value(target, name, value, hints.get(name, inspect.Parameter.empty), parameters.get(name), places.of(at))
    missing = [
        name
        for name, parameter in parameters.items()
        if parameter.kind in (*_BY_NAME, inspect.Parameter.POSITIONAL_ONLY)
        and parameter.default is inspect.Parameter.empty
        and name not in init_args
        and name not in filled
    ]
    if missing:
        what = f"{_named(target)} needs {', '.join(missing)}"
        remedy = f"write {key}.init_args: {{{', '.join(f'{name}: ...' for name in missing)}}}"
        raise UserError(what, where=places.of(join(key, "init_args")), remedy=remedy)


def construct(target: Any, key: str, /, *args: Any, places: Places, **kwargs: Any) -> Any:
    """Call a class or function of the config with these arguments.

    Raises:
        UserError: it raised; the message has what it said, the key with its place, and the line that raised.
    """
    try:
        return target(*args, **kwargs)
    except ProjectkitError:
        raise
    except Exception as error:
        what = (
            f"{_named(target)} cannot be built: {type(error).__name__}: {short(error)}{line_of(error, _module(target))}"
        )
        raise UserError(what, where=places.of(key), remedy=f"change {key}.init_args") from error


def _check_value(
    target: Any, name: str, value: Any, hint: Any, parameter: inspect.Parameter | None, where: str
) -> None:
    typed = hint is not inspect.Parameter.empty
    if isinstance(value, dict) and "class_path" in value and not (typed and "a mapping" in described(hint)):
        remedy = f"take plain values as arguments, and build {name} inside your own class"
        raise UserError("a class inside init_args is not built", where=where, remedy=remedy)
    is_default = parameter is not None and type(value) is type(parameter.default) and value == parameter.default
    if typed and not is_default and not fits(value, hint):
        what = f"{_named(target)} expects {described(hint)} for {name}, found {found(value)}"
        remedy = (
            "remove the quotes"
            if isinstance(value, str) and fits(plain(value), hint)
            else f"write {name}: {described(hint)}"
        )
        raise UserError(what, where=where, remedy=remedy)


def _instead(name: str, known: Collection[str]) -> str:
    other = _OTHER_WORDS.get(name)
    if other in known:
        return f"did you mean '{other}'?"
    near = nearest(name, known)
    if near is not None:
        return did_you_mean(name, known)
    names = sorted(known)
    return f"known: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}" if names else "it takes no arguments"


def _names(target: Any, signature: inspect.Signature) -> tuple[list[str], bool]:
    """The names that may be given, and whether others may be too.

    torchvision's builders hand `**kwargs` to the class that they return: there its names are known.
    """
    names = [name for name, parameter in signature.parameters.items() if parameter.kind in _BY_NAME]
    if not any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in signature.parameters.values()):
        return names, False
    returned = None if isinstance(target, type) else _hints(target).get("return")
    inner = _signature(returned) if isinstance(returned, type) else None
    if inner is None:
        return names, True
    more, open_ended = _names(returned, inner)
    return [*names, *more], open_ended


def _signature(target: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(target)
    except (TypeError, ValueError):  # written in C without a signature
        return None


def _hints(target: Any) -> dict[str, Any]:
    """The resolved annotations of what is called; none where one of them cannot be resolved."""
    called = getattr(target, "__init__") if isinstance(target, type) else inspect.unwrap(target)  # noqa: B009 of a class
    try:
        return typing.get_type_hints(called)
    except Exception:  # noqa: BLE001 an annotation is the team's code; names under TYPE_CHECKING are the usual reason
        return {}


def _named(target: Any) -> str:
    return str(getattr(target, "__qualname__", target))


def _module(target: Any) -> str:
    return str(getattr(target, "__module__", None) or "builtins")
