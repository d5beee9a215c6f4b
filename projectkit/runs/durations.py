"""How a run's time was spent, in words: what `projectkit train` says at its end and `projectkit runs show` later."""

from __future__ import annotations

from collections.abc import Mapping

# phases that are told under another name, or together
SHOWN = {
    "forward": "forward and backward",
    "backward": "forward and backward",
    "optimizer": "optimiser",
    "step": "steps",
    "waiting": "waiting for loaders",
}
SHOWN_FROM = 0.005  # a smaller share would be printed as 0%


def describe_time(seconds: Mapping[str, float]) -> str:
    """One line of where the time went, the largest share first, such as `12.4 s: 70% forward and backward, 30% validation`.

    Args:
        seconds: by phase, as a run's record has them under `durations.seconds`; see `Run.seconds`.
    """
    whole = sum(seconds.values()) or 1e-9  # a run that was stopped at once
    merged: dict[str, float] = {}
    for name, value in seconds.items():
        shown = SHOWN.get(name, name)
        merged[shown] = merged.get(shown, 0.0) + value / whole
    parts = sorted(((share, name) for name, share in merged.items() if share >= SHOWN_FROM), reverse=True)
    return f"{whole:.1f} s" + (": " if parts else "") + ", ".join(f"{share:.0%} {name}" for share, name in parts)
