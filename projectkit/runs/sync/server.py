"""What is asked of the server beside wandb: is it there, does it take the key, and what does it have of a run.

wandb tells these apart late and in many words; asked directly, each is an answer within seconds. The questions are those that wandb
asks itself when it resumes a run. Used by the child process alone.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import Any

import requests

RELOGIN = "type `wandb login --relogin`"
TIMEOUT_S = 4.0
_TRIES = 2  # of a server that is busy

_VIEWER = "query Viewer { viewer { id entity username } }"
_RESUME = """
query RunResumeStatus($project: String, $entity: String, $name: String!) {
  model(name: $project, entityName: $entity) {
    id
    entity { name }
    bucket(name: $name, missingOk: true) { id historyLineCount historyTail }
  }
}
"""
_FILES = """
query RunFiles($project: String!, $entity: String!, $name: String!, $names: [String]!) {
  project(name: $project, entityName: $entity) {
    run(name: $name) { files(names: $names, first: 1000) { edges { node { name sizeBytes } } } }
  }
}
"""


class SyncError(Exception):
    """Why a run could not be handed over.

    Args:
        kind: key, no-key, unreachable, entity, busy, deadline, taken, wandb or other.
        what: a clause.
        remedy: what to type.
    """

    def __init__(self, kind: str, what: str, remedy: str = "type `projectkit sync` to try again") -> None:
        super().__init__(f"{what}; {remedy}")
        self.kind = kind
        self.what = what
        self.remedy = remedy


@dataclass(frozen=True)
class Held:
    """What the server has of a run: the W&B step after its newest row (0: nothing) and the count of rows."""

    next_step: int = 0
    rows: int = 0


class Server:
    """The questions.

    Args:
        url: of the server.
        key: a W&B key.
    """

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self._auth = ("api", key)

    def default_entity(self) -> str:
        """The entity that the key writes to unless told otherwise; also the proof that key and server work.

        Raises:
            SyncError: it does not answer, or does not take the key.
        """
        viewer = (self._ask(_VIEWER, {}) or {}).get("viewer")
        if not viewer:  # the real server answers 200 with nobody for a key that it does not know
            raise _wrong_key(self.url)
        return str(viewer.get("entity") or "")

    def held(self, entity: str, project: str, run: str) -> Held:
        """What is there of a run.

        Raises:
            SyncError: `entity` where the entity is not known or not open to this key; see above for the rest.
        """
        data = self._ask(_RESUME, {"entity": entity, "project": project, "name": run}) or {}
        bucket = (data.get("model") or {}).get("bucket")
        if not bucket:
            return Held()
        steps = [json.loads(line).get("_step", -1) for line in json.loads(bucket.get("historyTail") or "[]") or []]
        return Held(next_step=max(steps, default=-1) + 1, rows=int(bucket.get("historyLineCount") or 0))

    def missing_files(self, entity: str, project: str, run: str, names: list[str]) -> list[str]:
        """Those of the named files that the server does not have."""
        data = self._ask(_FILES, {"entity": entity, "project": project, "name": run, "names": names}) or {}
        edges = (((data.get("project") or {}).get("run") or {}).get("files") or {}).get("edges") or []
        return sorted(set(names) - {edge["node"]["name"] for edge in edges})

    def _ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any] | None:
        for attempt in range(_TRIES):
            try:
                reply = requests.post(
                    f"{self.url}/graphql",
                    json={"query": query, "variables": variables},
                    auth=self._auth,
                    timeout=TIMEOUT_S,
                )
            except requests.RequestException as error:
                what = "does not answer" if isinstance(error, requests.Timeout) else "cannot be reached"
                raise SyncError("unreachable", f"{self.url} {what}", "type `projectkit sync` when it can") from error
            busy = reply.status_code == 429 or reply.status_code >= 500
            if not busy or attempt == _TRIES - 1:
                break
            time.sleep(min(_seconds(reply.headers.get("Retry-After")), TIMEOUT_S))
        if reply.status_code == 401:
            raise _wrong_key(self.url)
        try:
            document = reply.json()
        except ValueError:
            document = {}
        errors = document.get("errors") or []
        if errors and variables.get("entity"):
            text = "; ".join(str(each.get("message", each)) for each in errors)
            if reply.status_code in (200, 403, 404):
                raise SyncError(
                    "entity", f"the key cannot write to '{variables['entity']}': {text}", "set tracking.entity"
                )
        if reply.status_code >= 400 or errors:
            raise SyncError(
                "busy", f"{self.url} answers with status {reply.status_code}", "type `projectkit sync` later"
            )
        data = document.get("data")
        return data if isinstance(data, dict) else None


def _seconds(header: str | None) -> float:
    try:
        return float(header or 1.0)
    except ValueError:
        return 1.0


def _wrong_key(url: str) -> SyncError:
    return SyncError("key", f"{url} does not take the key", RELOGIN)


def key_for(url: str) -> str | None:
    """The key that wandb would use: of the environment, else of the file that `wandb login` writes."""
    if key := os.environ.get("WANDB_API_KEY"):
        return key
    found = requests.utils.get_netrc_auth(url)
    return found[1] if found else None
