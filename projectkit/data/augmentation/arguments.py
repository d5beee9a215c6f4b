"""The arguments of augmentations: one line for each that is out of range."""

from __future__ import annotations

import math
from collections.abc import Sequence

from projectkit.errors import UserError


def refused(owner: str, name: str, value: object, allowed: str) -> UserError:
    """The error for an argument: what it is, and what is allowed."""
    return UserError(f"{name} is {value}", where=owner, remedy=f"give {name} as {allowed}")


def share(owner: str, name: str, value: float) -> float:
    """A number in [0, 1]."""
    if not 0.0 <= value <= 1.0:
        raise refused(owner, name, value, "a number from 0 to 1")
    return float(value)


def above_zero(owner: str, name: str, value: float) -> float:
    """A finite number above 0."""
    if not (math.isfinite(value) and value > 0):
        raise refused(owner, name, value, "a number above 0")
    return float(value)


def interval(
    owner: str, name: str, value: Sequence[float], low: float = -math.inf, high: float = math.inf
) -> tuple[float, float]:
    """Two finite numbers in order, both in [low, high]."""
    if len(value) != 2 or not all(math.isfinite(each) for each in value) or not low <= value[0] <= value[1] <= high:
        limits = [f"from {low:g}" if math.isfinite(low) else "", f"up to {high:g}" if math.isfinite(high) else ""]
        raise refused(owner, name, list(value), " ".join(filter(None, ["two numbers in order", *limits])))
    return float(value[0]), float(value[1])


def sizes(owner: str, name: str, value: int | Sequence[int], counts: tuple[int, ...], least: int) -> tuple[int, ...]:
    """One whole number, or as many as one of `counts` says, none below `least`."""
    given = (value,) if isinstance(value, int) else tuple(value)
    if len(given) not in (1, *counts) or any(
        isinstance(each, bool) or int(each) != each or each < least for each in given
    ):
        many = " or ".join(map(str, counts))
        raise refused(owner, name, value, f"a whole number of {least} or more, or {many} of them")
    return given
