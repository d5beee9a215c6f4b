"""URLs of phishing pages (PhishTank, one day) and of benign ones (ISCX-URL2016).

The group is the registered domain (`domains.py`). PhishTank's dates of submission are not used: the benign URLs have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from projectkit.datasets.card import Card, RemoteFile, SplitPolicy, Target
from projectkit.datasets.columns import Texts
from projectkit.datasets.readers.domains import host_of, registered_domain
from projectkit.datasets.readers.rows import columns_of, decoded
from projectkit.datasets.samples import Samples
from projectkit.errors import WorkError

# PhishTank serves the present list alone and ISCX-URL2016 asks for a form; these copies of both are pinned to a commit.
_AT = (
    "https://raw.githubusercontent.com/shreyagopal/Phishing-Website-Detection-by-Machine-Learning-Techniques/"
    "3cf68511e4a85988180be1d41687c7980181221c/DataFiles"
)
_BENIGN = RemoteFile(
    name="benign_urls.csv",
    size=4_139_474,
    sha256="07cd35b469ad2c1cbe8c4a56c59e76560b6253978e8e625e90286ff0f6bc18b2",
    urls=(f"{_AT}/1.Benign_list_big_final.csv",),
)
_PHISHING = RemoteFile(
    name="phishtank_2020-05-09.csv",
    size=3_230_869,
    sha256="6a9cb453f9ff880c1e070ec0cbed68ca34541641de74c491100e7df830214fc9",
    urls=(f"{_AT}/2.online-valid.csv",),
)
_CLASSES = ("benign", "phishing")


def read(files: Mapping[str, Path]) -> Samples:
    """Benign URLs, then phishing ones, each in the file's order; an id has PhishTank's number where there is one."""
    benign = (
        decoded(files[_BENIGN.name].read_bytes(), "utf-8", _BENIGN.name)
        .replace("\r\n", "\n")
        .removesuffix("\n")
        .split("\n")
    )
    numbers, phishing = columns_of(files[_PHISHING.name], ("phish_id", "url"))
    urls = benign + phishing
    hosts = [host_of(url) for url in urls]
    for row, (url, host) in enumerate(zip(urls, hosts, strict=True)):
        if not host or "://" not in url:
            where = _BENIGN.name if row < len(benign) else _PHISHING.name
            raise WorkError(f"{url[:40]!r} is no URL", where=where, remedy="fetch the file again")
    return Samples(
        id=np.array([f"benign-{n:05d}" for n in range(len(benign))] + [f"phish-{number}" for number in numbers]),
        x=Texts.of(urls),
        y={"label": np.repeat(np.array([0, 1], dtype=np.int64), [len(benign), len(phishing)])},
        group=np.array([registered_domain(host) for host in hosts]),
    )


CARD = Card(
    name="phishing_urls",
    title="Phishing URLs: PhishTank of 9 May 2020 against ISCX-URL2016",
    description=(
        "50,236 URLs: 14,858 that people reported to PhishTank, verified and online on 9 May 2020, and 35,378 benign ones of 310 hosts "
        "that were crawled for ISCX-URL2016. Whether a URL leads to a phishing page is to be told from its characters."
    ),
    modality="text",
    targets={"label": Target("binary", _CLASSES, split="by_domain")},
    default_target="label",
    licence="none stated with the copy; PhishTank's terms of use, and UNB asks for citation",
    redistributable=False,
    citation=(
        "PhishTank, phishtank.org, list of 2020-05-09; Mamun, Rathore, Lashkari, Stakhanova & Ghorbani, Detecting Malicious URLs Using "
        "Lexical Analysis, NSS 2016, doi:10.1007/978-3-319-46298-1_30"
    ),
    read=read,
    splits={
        "by_domain": SplitPolicy(
            "stratified",
            {"by_group": True},
            "70 / 10 / 20 by class; all URLs of a registered domain are in one subset: no site is known beforehand",
        )
    },
    files=(_BENIGN, _PHISHING),
    mirror_folder="phishing",
    traps=(
        "The benign URLs are of 310 hosts: a random split knows all of them beforehand (a linear model has AUC .996 there).",
        "No benign URL is shorter than 83 characters, 69% of the phishing ones are: that rule alone is right for 91%. Report the score "
        "on the longer URLs too.",
        "No benign URL is a bare host, 1,951 phishing ones are: a model flags every homepage.",
        "6% of the benign are https and 0.4% have www., of the phishing 46% and 14%: habits of the years and the crawlers.",
        "The benign hosts are few and of one taste (torrents, news of Vietnam and Poland); phishing is of 2008 to 2020, 76% of it of 2020.",
        "One large benign site more or less in the test moves the score: a linear model had accuracy .84 to .96 and AUC .97 to .997 in "
        "five draws (`data.split_seed`).",
        "Some phishing stands on honest hosts (docs.google.com 252 times): the domain alone cannot decide.",
    ),
    safety=(
        "Never open or resolve these URLs, nor fetch them by a script: some still harm, some tell their owner who asked. Print them broken "
        "(hxxp://)."
    ),
    ethics=(
        "Some URLs hold the e-mail address of a victim or the name of a hacked site's owner: show none without need. A false alarm shuts "
        "an honest site off; report the false-positive rate, and what it means for a day's traffic."
    ),
)
