"""A class by its import path, accepted by what it is and by where it comes from.

The package is looked at before anything is imported; then the object must be a class of the right kind. This room imports no torch, so the
caller gives the kinds. A fault in the team's own module is told with the line in their file.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
import traceback
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from projectkit.config.places import Places, join, shown_file
from projectkit.config.schema import ClassConfig
from projectkit.config.values import found
from projectkit.errors import UserError, did_you_mean, nearest

_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
_INSTALLED = ("site-packages", "dist-packages")  # not the team's own code: a line in there helps nobody
_INSTALLED_AS = {
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
    "PIL": "pillow",
    "yaml": "ruamel.yaml",
    "skimage": "scikit-image",
}


def import_class(
    spec: ClassConfig,
    key: str,
    *,
    accepts: tuple[type, ...],
    what: str,
    also: Callable[[Any], bool] | None = None,
    allowed: Sequence[str],
    places: Places,
) -> Any:
    """The class that a config names.

    Args:
        spec: the class path and its arguments.
        key: the dotted key of the spec, such as `optimizer`.
        accepts: the class must be one of these or a subclass.
        what: what is wanted, for the error: `an optimizer (torch.optim.Optimizer)`.
        also: what else is accepted, such as torchvision's functions that build a model.
        allowed: the packages that a class may come from; nothing else is imported.
        places: from the loaded config.

    Raises:
        UserError: the path is not allowed, does not exist, is of another kind, or its module cannot be imported.
    """
    path, where = spec.class_path, places.of(join(key, "class_path"))
    if not _PATH.fullmatch(path):
        raise UserError(
            f"'{path[:60]}' is not the path of a class",
            where=where,
            remedy="write package.module.Class, such as torch.optim.AdamW",
        )
    if not any(path.startswith(f"{package}.") for package in allowed):
        raise _not_allowed(path, allowed, where)
    module_name, _, name = path.rpartition(".")
    module = _import(module_name, where)
    missing = object()
    chosen = getattr(module, name, missing)
    if _is_accepted(chosen, accepts, also):
        return chosen
    near = _nearest_accepted(module, name, accepts, also)
    remedy = f"did you mean {near}?" if near else f"name {what}"
    if chosen is missing:
        raise UserError(f"{module_name} has no class '{name}'", where=where, remedy=remedy)
    if not isinstance(chosen, type):
        kind = "a module" if isinstance(chosen, ModuleType) else "a function" if callable(chosen) else found(chosen)
        raise UserError(f"{path} is {kind}, not a class", where=where, remedy=remedy)
    if any(base.__module__.startswith("lightning.") for base in chosen.__mro__):
        remedy = "write `import pytorch_lightning` in its file: the classes of `lightning` are others"
        raise UserError(f"{path} is built on the package `lightning`", where=where, remedy=remedy)
    raise UserError(f"{path} is not {what}", where=where, remedy=remedy)


def _nearest_accepted(
    module: ModuleType, name: str, accepts: tuple[type, ...], also: Callable[[Any], bool] | None
) -> str | None:
    """The path of a class near `name` that would be accepted: in this module, or in the one that is called `name`."""
    inside = getattr(module, name, None)
    for place in (inside, module) if isinstance(inside, ModuleType) else (module,):
        accepted = {known.lower(): known for known in dir(place) if _is_accepted(_look(place, known), accepts, also)}
        near = nearest(name.lower(), accepted)
        if near is not None:
            return f"{place.__name__}.{accepted[near]}"
    return None


def _look(module: ModuleType, name: str) -> Any:
    try:
        return getattr(module, name, None)
    except Exception:  # noqa: BLE001 a module that imports its names lazily may fail at any of them; this is only a hint
        return None


def _is_accepted(value: Any, accepts: tuple[type, ...], also: Callable[[Any], bool] | None) -> bool:
    if isinstance(value, type):
        return issubclass(value, accepts)
    return also is not None and callable(value) and also(value)


def _not_allowed(path: str, allowed: Sequence[str], where: str) -> UserError:
    package = path.partition(".")[0]
    near = nearest(package, allowed)
    known = ", ".join(dict.fromkeys(allowed))
    other = f'name a class of {known}, or add "{package}" to allow in [tool.projectkit]'
    remedy = f"did you mean {near}?" if near else other
    return UserError(f"classes of the package '{package}' are not accepted", where=where, remedy=remedy)


def _import(name: str, where: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise _no_module(name, error.name, where) from error
        _told(error, name, where)
    except (Exception, SystemExit) as error:  # noqa: BLE001 the team's own code may raise anything
        _told(error, name, where)


def _no_module(name: str, missing: str, where: str) -> UserError:
    parent, _, last = missing.rpartition(".")
    if not parent:
        remedy = f"install the package {missing}, or mend the first word of the path"
        return UserError(f"there is no package '{missing}' here", where=where, remedy=remedy)
    parent_module = importlib.import_module(parent)
    inside = [module.name for module in pkgutil.iter_modules(getattr(parent_module, "__path__", []))]
    if isinstance(getattr(parent_module, last, None), type):
        return UserError(f"{missing} is a class, not a module", where=where, remedy=f"write {missing}")
    near = nearest(last, inside)
    remedy = (
        f"did you mean {parent}.{near}?"
        if near
        else did_you_mean(last, [known for known in inside if not known.startswith("_")][:10])
    )
    return UserError(f"{parent} has no module '{last}'", where=where, remedy=remedy)


def _told(error: BaseException, name: str, where: str) -> NoReturn:
    """The one line for a module that raises while it is imported: what, and in which line of whose file."""
    missing = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if missing and missing != name.partition(".")[0]:
        what = f"{name} needs the package '{missing}', which is not installed{line_of(error, name)}"
        remedy = f"install it: pip install {_INSTALLED_AS.get(missing, missing)}"
    elif isinstance(error, SyntaxError) and error.filename is not None:
        what = f"{name} is not valid Python: {error.msg} ({shown_file(error.filename, error.lineno)})"
        remedy = "mend that line"
    else:
        what = f"{name} cannot be imported: {type(error).__name__}: {short(error)}{line_of(error, name)}"
        remedy = "mend that line, or see all of it with --debug"
    raise UserError(what, where=where, remedy=remedy) from error


def line_of(error: BaseException, module_name: str) -> str:
    """` (file:line)` of the deepest frame inside the package of `module_name`; empty for an installed package."""
    package = module_name.partition(".")[0]
    spec = _spec(package)
    homes = [*(spec.submodule_search_locations or ()), *([spec.origin] if spec.origin else [])] if spec else []
    if any(part in _INSTALLED for home in homes for part in Path(home).parts):
        return ""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(tuple(homes))]
    return f" ({shown_file(frames[-1].filename, frames[-1].lineno)})" if frames else ""


def _spec(package: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(package)
    except (ImportError, ValueError):  # ValueError: a module without a spec, such as __main__
        return None


def short(error: BaseException) -> str:
    """The first line of what an exception says, cut to fit into one line with the rest."""
    line = next(iter(str(error).strip().splitlines()), "no message")
    return line if len(line) <= 120 else f"{line[:117]}..."
