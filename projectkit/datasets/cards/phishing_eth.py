"""Domains that MetaMask's eth-phishing-detect blocks, and those that it lets through.

The lists stand in one file of an npm package. Its third list, `fuzzylist`, names 15 domains whose near misspellings are blocked; it is a
rule and no sample. The group is the registered domain (`domains.py`), so all pages of a hosting platform stay together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from projectkit.datasets.card import Card, Derivation, Members, RemoteFile, SplitPolicy, Target, Upstream
from projectkit.datasets.columns import Texts
from projectkit.datasets.readers.domains import registered_domain
from projectkit.datasets.readers.rows import decoded
from projectkit.datasets.samples import Samples
from projectkit.errors import WorkError

_PACKAGE = "eth-phishing-detect"
_MEMBER = "src/config.json"


def build(upstreams: Mapping[str, Members]) -> bytes:
    """The package's configuration, as it is."""
    for path, content in upstreams[_PACKAGE]():
        if path == _MEMBER:
            return content
    raise WorkError(f"no {_MEMBER} in the archive", where=_PACKAGE, remedy="get version 1.2.0 of the npm package")


_FILE = RemoteFile(
    name="eth_config.json",
    size=377_516,
    sha256="6dd1fe4ded6d241b599d36135f65e5f8aeed2e6ce5b74f7360e37c2d08738436",
    derivation=Derivation(
        upstreams=(
            Upstream(
                name=_PACKAGE,
                urls=(f"https://registry.npmjs.org/{_PACKAGE}/-/{_PACKAGE}-1.2.0.tgz",),
                limit=10_000_000,  # 0.9 MB are in it
            ),
        ),
        build=build,
    ),
)
_LISTS = {"whitelist": "benign", "blacklist": "phishing"}


def read(files: Mapping[str, Path]) -> Samples:
    """The whitelist, then the blacklist, each in its order."""
    lists = _lists(decoded(files[_FILE.name].read_bytes(), "utf-8", _FILE.name))
    domains = [domain for each in _LISTS for domain in lists[each]]
    sizes = [len(lists[each]) for each in _LISTS]
    return Samples(
        id=np.array([f"{each}-{number:05d}" for each in _LISTS for number in range(len(lists[each]))]),
        x=Texts.of(domains),
        y={"label": np.repeat(np.arange(len(_LISTS), dtype=np.int64), sizes)},
        group=np.array([registered_domain(domain) for domain in domains]),
    )


def _lists(text: str) -> dict[str, list[str]]:
    remedy = "fetch the file again"
    try:
        config = json.loads(text)
    except ValueError as error:
        raise WorkError(f"not JSON ({error})", where=_FILE.name, remedy=remedy) from error
    for each in _LISTS:
        found = config.get(each) if isinstance(config, dict) else None
        if not isinstance(found, list) or not all(isinstance(domain, str) and domain for domain in found):
            raise WorkError(f"`{each}` is no list of domains", where=_FILE.name, remedy=remedy)
    return {each: config[each] for each in _LISTS}


CARD = Card(
    name="phishing_eth",
    title="eth-phishing-detect 1.2.0",
    description=(
        "14,890 domains from the wallet MetaMask's lists: 13,752 that it blocks, most of them fakes of crypto-currency sites, and 1,138 "
        "that it lets through. Which list a domain is on is to be told from its characters."
    ),
    modality="text",
    targets={"label": Target("binary", tuple(_LISTS.values()), split="by_domain")},
    default_target="label",
    licence="DBAD 1.1",
    redistributable=False,  # the licence bars selling it on unchanged; each user fetches it
    citation="MetaMask and contributors, eth-phishing-detect, version 1.2.0, npmjs.com/package/eth-phishing-detect",
    read=read,
    splits={
        "by_domain": SplitPolicy(
            "stratified",
            {"by_group": True},
            "70 / 10 / 20 by class; all hosts of a registered domain or a hosting platform are in one subset",
        )
    },
    files=(_FILE,),
    mirror_folder="phishing",
    origin="src/config.json of the npm package eth-phishing-detect, version 1.2.0",
    traps=(
        "92% are phishing: always saying so has accuracy .92; report AUC and average precision.",
        "The benign list is no sample of the web: its domains were let through because they look like fakes of the 15 protected ones.",
        "`xn--` (names in other scripts) is phishing, 1,158 times of 1,158; `wallet` 1,738 times of 1,743.",
        "3 domains are on both lists (spi.club, coinbased.xyz, metmask.com): no model can be right on both.",
        "Hosts of a platform repeat (180 on blogspot.com): a split by row knows the platform.",
    ),
    safety="Never open or resolve these domains: some still steal, some belong to somebody else by now.",
    ethics="A domain may be blocked by mistake or have a new, honest owner: what a model says of one domain is no verdict on who holds it.",
)
