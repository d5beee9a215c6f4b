"""Where a run goes on W&B: what its config's `tracking` says, with the repository's name where it names no project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from projectkit.errors import ProjectkitError
from projectkit.runs.reader import Run

CHECKPOINT_MIB = 100.0  # the size up to which the best checkpoint is sent, unless the config says otherwise


@dataclass(frozen=True)
class Target:
    """Where a run goes, and what of it.

    Args:
        project: the course or the repository.
        entity: the team; None: the key's own.
        group: runs that belong together.
        tags: of the run.
        checkpoint_mib: a larger best checkpoint stays here; 0: none is sent.
    """

    project: str
    entity: str | None = None
    group: str | None = None
    tags: tuple[str, ...] = ()
    checkpoint_mib: float = CHECKPOINT_MIB


def target_of(tracking: Mapping[str, Any], repository: str) -> Target:
    """The target of a config's `tracking` part, in a repository of that name."""
    return Target(
        project=wandb_project(str(tracking.get("project") or repository)),
        entity=tracking.get("entity") or None,
        group=tracking.get("group") or None,
        tags=tuple(map(str, tracking.get("tags") or ())),
        checkpoint_mib=float(tracking.get("checkpoint_mib", CHECKPOINT_MIB)),
    )


def tracking_of(run: Run) -> Mapping[str, Any]:
    """The `tracking` part of a run's config; empty where it cannot be read."""
    try:
        part = run.config().get("tracking")
    except ProjectkitError:
        return {}
    return part if isinstance(part, dict) else {}


def wandb_project(name: str) -> str:
    """A name that W&B accepts: letters, digits, `-`, `_`, `.`, 128 at most."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-")[:128] or "projectkit"
