"""`qr`: the codes of the page, read as a phone would read them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from projectkit.findings import Finding
from projectkit.poster.lint.passages import nodes
from projectkit.poster.lint.proof import Proof, finding

if TYPE_CHECKING:
    from PIL.Image import Image

_GIT_TIMEOUT_S = 5
_SCP_LIKE = re.compile(r"(?:[\w.-]+@)?([\w.-]+):(?!//)(.+)")  # git@host:team/project.git


def qr(proof: Proof) -> Iterator[Finding]:
    """Codes that cannot be read or lead elsewhere, and a repository that is not the one of this folder."""
    poster, origin = proof.found.poster, origin_of(proof.project.root)
    codes = {poster.code_target: proof.place("page" if poster.page else "repository")} if poster.code_target else {}
    for section in proof.found.composed.sections:
        for where, node in nodes(section):
            if node["kind"] == "qr":
                codes.setdefault(node["url"], where)
    if not codes:
        advice = f"write repository: {origin or 'https://...'}, and the footer shows its code"
        yield finding("qr", "warning", poster.file, "no QR code leads from the poster to your work", advice)
    if codes and proof.picture is not None:
        read = _read(proof.picture)
        for url, where in codes.items():
            if url in read:
                yield finding("qr", "ok", where, f"the QR code is read at {proof.ppi:.0f} ppi: {url}", url=url)
            else:
                message = f"the QR code of {url} cannot be read in the page's picture at {proof.ppi:.0f} ppi"
                advice = "take a shorter address, or a larger sheet"
                yield finding("qr", "error", where, message, advice, url=url, read=sorted(read))
    if poster.repository and origin and not _is_within(poster.repository, origin):
        message = f"the poster names {poster.repository}, but git's origin is {origin}"
        yield finding("qr", "error", proof.place("repository"), message, f"write repository: {origin}", origin=origin)


def origin_of(root: Path) -> str:
    """The address of git's `origin` as a browser opens it; empty where there is none, or where it is a folder."""
    if shutil.which("git") is None:
        return ""
    command = ["git", "-C", str(root), "config", "--get", "remote.origin.url"]
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_GIT_TIMEOUT_S,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return web_address(done.stdout.strip())


def web_address(remote: str) -> str:
    """`git@host:team/project.git` and its like as `https://host/team/project`; empty for what is no address.

    Name, password and port are left out: they are for git, and a password belongs on no poster.
    """
    match = _SCP_LIKE.fullmatch(remote)
    if match and "://" not in remote and len(match[1]) > 1:  # one letter is a drive of Windows
        host, path = match[1], match[2]
    else:
        parts = urlsplit(remote)
        if parts.scheme not in ("https", "http", "ssh", "git"):
            return ""
        host, path = parts.hostname or "", parts.path
    path = path.strip("/").removesuffix(".git")
    return f"https://{host.lower()}/{path}" if host and path else ""


def _is_within(url: str, repository: str) -> bool:
    """Whether an address is a repository's, or of something in it; hosts of code ignore letters' case."""
    whole, part = web_address(repository).casefold(), web_address(url).casefold()
    return part == whole or part.startswith(f"{whole}/")


def _read(picture: Image) -> set[str]:
    """What the codes of a picture say. Enlarged as well: where a module is two pixels, where its edge falls decides."""
    import zxingcpp

    larger = picture.resize((2 * picture.width, 2 * picture.height))
    return {code.text for one in (picture, larger) for code in zxingcpp.read_barcodes(one)}
