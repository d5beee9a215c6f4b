"""A server of Weights & Biases on 127.0.0.1, as far as `wandb` 0.31 asks one: it keeps what it is given and fails on demand.

Which calls there are was found by logging them: GraphQL for the run, its files and artifacts; `file_stream` for history, summary and
the end; PUT for files. A history line lies at the offset that it was sent with, as on the real server.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "5eed" * 10  # 40 hexadecimal digits, as keys have


@dataclass
class StoredRun:
    """What the server holds of one run."""

    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    group: str | None = None
    display_name: str | None = None
    exit_code: int | None = None

    @property
    def steps(self) -> list[int]:
        """The steps of the rows, in the order in which they lie there."""
        return [row["_step"] for row in self.history]


@dataclass
class StoredArtifact:
    """An artifact that was committed, with its files."""

    name: str
    type: str
    aliases: list[str]
    files: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    committed: bool = False


class StubServer:
    """The server; `fault` is how it fails from now on, `die_after` after how many further requests it is gone."""

    def __init__(self) -> None:
        self.runs: dict[tuple[str, str, str], StoredRun] = {}
        self.artifacts: dict[str, StoredArtifact] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.blobs: dict[str, bytes] = {}
        self.entities = {"me", "team"}
        self.requests: list[str] = []
        self.fault: str | int | None = None  # hang, slow, or a status such as 500
        self.die_after: int | None = None
        self.fails_for: re.Pattern[str] | None = None  # the fault is for these requests only
        self.lock = threading.RLock()
        self._http: ThreadingHTTPServer | None = None
        self._stop = threading.Event()
        self.port = 0

    def start(self) -> None:
        """Listen, on the port of the time before if there was one."""
        server = self

        class Handler(_Handler):
            stub = server

        self._stop.clear()
        self._http = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._http.daemon_threads = True
        self._http.handle_error = lambda request, address: None  # type: ignore[method-assign] # clients hang up
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Be gone: nothing listens any more."""
        http, self._http = self._http, None
        self._stop.set()
        if http is not None:
            http.shutdown()
            http.server_close()

    @property
    def url(self) -> str:
        """What `WANDB_BASE_URL` has to be."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def run(self) -> StoredRun:
        """The only run."""
        ((_, run),) = self.runs.items()
        return run

    def key_of(self, name: str) -> tuple[str, str]:
        """Entity and project under which a run is found."""
        ((entity, project, _),) = [key for key in self.runs if key[2] == name]
        return entity, project

    # -- what it does with a request --

    def graphql(self, query: str, v: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name = (re.search(r"(?:query|mutation)\s+(\w+)", query) or [""])[1]  # type: ignore[index]
        entity = v.get("entity") or v.get("entityName") or "me"
        if entity not in self.entities:
            error = {"message": "permission denied", "extensions": {"code": "PERMISSION_ERROR"}}
            return 403, {"errors": [error], "data": None}
        with self.lock:
            answer = getattr(self, f"_{name}", None)
            return 200, {"data": answer(v, entity) if answer else {}}

    def _Viewer(self, v: dict[str, Any], entity: str) -> dict[str, Any]:
        viewer = {"id": "1", "entity": "me", "username": "me", "email": "", "flags": "{}", "teams": {"edges": []}}
        return {"viewer": viewer}

    def _RunResumeStatus(self, v: dict[str, Any], entity: str) -> dict[str, Any]:
        run = self.runs.get((entity, v["project"], v["name"]))
        if run is None:
            return {"model": {"id": "p", "name": v["project"], "entity": {"id": "e", "name": entity}, "bucket": None}}
        tail = json.dumps([json.dumps(row) for row in run.history[-1:]])
        bucket = {
            "id": v["name"],
            "name": v["name"],
            "displayName": run.display_name,
            "summaryMetrics": json.dumps(run.summary),
            "logLineCount": 0,
            "historyLineCount": len(run.history),
            "eventsLineCount": 0,
            "historyTail": tail,
            "eventsTail": "[]",
            "config": json.dumps(run.config),
            "tags": run.tags,
            "notes": None,
            "wandbConfig": json.dumps({"t": 1}),
        }
        return {"model": {"id": "p", "name": v["project"], "entity": {"id": "e", "name": entity}, "bucket": bucket}}

    def _UpsertBucket(self, v: dict[str, Any], entity: str) -> dict[str, Any]:
        key = (entity, v["project"], v["name"])
        inserted = key not in self.runs
        run = self.runs.setdefault(key, StoredRun())
        if v.get("config"):
            run.config = json.loads(v["config"])
        if v.get("tags") is not None:
            run.tags = v["tags"]
        run.group = v.get("groupName") or run.group
        run.display_name = v.get("displayName") or run.display_name
        project = {"id": "p", "name": v["project"], "entity": {"id": "e", "name": entity}}
        bucket = {
            "id": v["name"],
            "name": v["name"],
            "displayName": run.display_name,
            "description": "",
            "config": json.dumps(run.config),
            "sweepName": None,
            "project": project,
            "historyLineCount": len(run.history),
        }
        return {"upsertBucket": {"bucket": bucket, "inserted": inserted}}

    def _CreateRunFiles(self, v: dict[str, Any], entity: str) -> dict[str, Any]:
        where = f"{self.url}/upload/{entity}/{v['project']}/{v['run']}"
        files = [{"name": name, "uploadUrl": f"{where}/{name}"} for name in v["files"]]
        return {"createRunFiles": {"runID": v["run"], "uploadHeaders": [], "files": files}}

    def _ArtifactType(self, v: dict[str, Any], entity: str) -> dict[str, Any]:
        return {"project": {"artifact": None}}

    def _RunFiles(self, v: dict[str, Any], entity: str) -> dict[str, Any]:
        run = self.runs[(entity, v["project"], v["name"])]
        names = [name for name in v["names"] if name in run.files]
        edges = [{"node": {"name": name, "sizeBytes": len(run.files[name])}} for name in names]
        return {"project": {"run": {"files": {"edges": edges}}}}

    def _CreateArtifact(self, v: dict[str, Any], entity: str) -> dict[str, Any]:
        given = v.get("input", v)
        name = given.get("artifactCollectionName") or (given.get("artifactCollectionNames") or ["?"])[0]
        aliases = [each["alias"] for each in given.get("aliases") or []]
        metadata = json.loads(given.get("metadata") or "{}")
        id = f"A{len(self.artifacts)}"
        kind = given.get("artifactTypeName", "?")
        self.artifacts[id] = StoredArtifact(name, kind, aliases, metadata=metadata)
        sequence = {"id": f"S{id}", "latestArtifact": None, "name": name}
        artifact = {"id": id, "state": "PENDING", "artifactSequence": sequence, "versionIndex": 0}
        return {"createArtifact": {"artifact": artifact}}

    def _CreateArtifactManifest(self, v: dict[str, Any], entity: str) -> dict[str, Any]:
        id = f"M{len(self.manifests)}"
        self.manifests[id] = (v["artifactID"], b"")
        file = {"uploadUrl": f"{self.url}/manifest/{id}", "uploadHeaders": [], "id": id, "name": v["name"]}
        return {"createArtifactManifest": {"artifactManifest": {"id": id, "file": file}}}

    _UpdateArtifactManifest = _CreateArtifactManifest

    def _CreateArtifactFiles(self, v: dict[str, Any], entity: str) -> dict[str, Any]:
        nodes = []
        for spec in v["input"]["artifactFiles"]:
            path = f"{spec['artifactID']}/{spec['name']}"
            node = {"id": path, "name": spec["name"], "displayName": spec["name"], "uploadHeaders": []}
            node |= {"uploadUrl": f"{self.url}/artifact/{path}", "storagePath": path, "uploadMultipartUrls": None}
            nodes.append({"node": {**node, "artifact": {"id": spec["artifactID"]}}})
        return {"createArtifactFiles": {"files": {"edges": nodes}}}

    def _CommitArtifact(self, v: dict[str, Any], entity: str) -> dict[str, Any]:
        self.artifacts[v["artifactID"]].committed = True
        return {"commitArtifact": {"artifact": {"id": v["artifactID"], "digest": "d"}}}

    def _ArtifactByID(self, v: dict[str, Any], entity: str) -> dict[str, Any]:
        stored = self.artifacts[v["id"]]
        project = {"id": "p", "internalId": "p", "name": "p", "entity": {"name": "me"}}
        sequence = {"__typename": "ArtifactSequence", "id": "s", "name": stored.name, "project": project}
        artifact: dict[str, Any] = {
            "__typename": "Artifact",
            "id": v["id"],
            "artifactSequence": sequence,
            "versionIndex": 0,
        }
        artifact |= {
            "artifactType": {"name": stored.type},
            "description": None,
            "metadata": None,
            "tags": [],
            "aliases": [],
        }
        artifact |= {
            "ttlDurationSeconds": -2,
            "ttlIsInherited": True,
            "historyStep": 0,
            "state": "COMMITTED",
            "size": 1,
        }
        artifact |= {"digest": "d", "commitHash": "c", "fileCount": 1, "createdAt": "2026-01-01", "updatedAt": None}
        return {"artifact": artifact}

    def file_stream(self, key: tuple[str, str, str], document: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            run = self.runs[key]
            for name, chunk in (document.get("files") or {}).items():
                if name == "wandb-history.jsonl":
                    lines = [json.loads(line) for line in chunk["content"]]
                    assert chunk["offset"] <= len(run.history), "a gap in the history"
                    run.history[chunk["offset"] : chunk["offset"] + len(lines)] = lines
                elif name == "wandb-summary.json":
                    run.summary = json.loads(chunk["content"][-1])
            if document.get("complete"):
                run.exit_code = document.get("exitcode")
        return {"exitcode": None, "limits": {}}

    def put(self, path: str, data: bytes) -> None:
        kind, _, rest = path.lstrip("/").partition("/")
        with self.lock:
            if kind == "upload":
                entity, project, run, name = rest.split("/", 3)
                self.runs[(entity, project, run)].files[name] = data
            elif kind == "artifact":
                id, _, name = rest.partition("/")
                self.artifacts[id].files[name] = data


class _Handler(BaseHTTPRequestHandler):
    stub: StubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the screen."""

    def _any(self) -> None:
        stub, body = self.stub, self.rfile.read(int(self.headers.get("Content-Length") or 0))
        document = json.loads(body) if self.headers.get("Content-Type", "").startswith("application/json") else {}
        name = (
            re.search(r"(?:query|mutation)\s+(\w+)", document.get("query") or "") if self.path == "/graphql" else None
        )
        what = name[1] if name else self.path
        with stub.lock:
            stub.requests.append(what)
            if stub.die_after is not None:
                stub.die_after -= 1
                if stub.die_after < 0:
                    threading.Thread(target=stub.stop, daemon=True).start()
                    self.close_connection = True
                    return
        if stub._stop.is_set():
            self.close_connection = True
            return
        faulty = stub.fault is not None and (stub.fails_for is None or stub.fails_for.search(what))
        if faulty and stub.fault == "hang":
            stub._stop.wait(120)
            self.close_connection = True
            return
        if faulty and isinstance(stub.fault, int):
            return self._reply(stub.fault, {"errors": [{"message": "as the test wants it"}]})
        key = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        if self.path == "/graphql":
            if key != f"api:{KEY}":
                return self._reply(401, {"errors": [{"message": "user is not logged in"}]})
            return self._reply(*stub.graphql(document["query"], document.get("variables") or {}), slow=bool(faulty))
        if self.path.endswith("/file_stream"):
            entity, project, run = self.path.split("/")[2:5]
            return self._reply(200, stub.file_stream((entity, project, run), document), slow=bool(faulty))
        if self.command == "PUT":
            stub.put(self.path, body)
        return self._reply(200, {}, slow=bool(faulty))

    do_GET = do_POST = do_PUT = do_HEAD = _any  # noqa: N815 - the names that http.server calls

    def _reply(self, status: int, document: dict[str, Any], slow: bool = False) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        for start in range(0, len(data), 1 if slow else max(1, len(data))):
            self.wfile.write(data[start : start + (1 if slow else len(data))])
            if slow:
                time.sleep(0.2)


@contextmanager
def serving() -> Iterator[StubServer]:
    """A server that listens until the end of `with`."""
    server = StubServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
