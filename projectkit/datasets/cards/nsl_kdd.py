"""NSL-KDD: network connections, normal or one of 39 attacks, with a test set of attacks that training has not seen.

Training is the published 20% sample, test is KDDTest+. Column 43 (difficulty: how many of 21 classifiers were right on the
record) is no property of the connection and is dropped; it only says which rows of KDDTest+ make KDDTest-21: those that not all 21 got
right. These are exactly the rows of the published KDDTest-21 file (compared as multisets), so the subset `test_21` needs no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from projectkit.datasets.card import Card, RemoteFile, SplitPolicy, Target
from projectkit.datasets.columns import Table
from projectkit.datasets.samples import Samples, content_key, encode_labels
from projectkit.errors import WorkError

# UNB's own page asks for a form; this copy is pinned to a commit. `%2B` is the `+` of the name.
_AT = "https://raw.githubusercontent.com/jmnwong/NSL-KDD-Dataset/9d544d0eb9b87d7e2f43ff65733bdb644631d12f"
_TRAIN = RemoteFile(
    name="KDDTrain+_20Percent.txt",
    size=3_822_033,
    sha256="7ea86479faab5ca2190b7f18b4982fb058ce5bf2b46e0e1017d0d9ef90f9c16e",
    urls=(f"{_AT}/KDDTrain%2B_20Percent.txt",),
)
_TEST = RemoteFile(
    name="KDDTest+.txt",
    size=3_441_513,
    sha256="fa46b0935342616aa83b7c2578db355b6a7aaabbc492248172c7a1e8b7ab8f84",
    urls=(f"{_AT}/KDDTest%2B.txt",),
)
_ALL_RIGHT = "21"  # the difficulty of a record that all 21 classifiers got right

_COLUMN_LIST = """
    duration protocol_type service flag src_bytes dst_bytes land wrong_fragment urgent hot num_failed_logins logged_in
    num_compromised root_shell su_attempted num_root num_file_creations num_shells num_access_files num_outbound_cmds
    is_host_login is_guest_login count srv_count serror_rate srv_serror_rate rerror_rate srv_rerror_rate same_srv_rate
    diff_srv_rate srv_diff_host_rate dst_host_count dst_host_srv_count dst_host_same_srv_rate dst_host_diff_srv_rate
    dst_host_same_src_port_rate dst_host_srv_diff_host_rate dst_host_serror_rate dst_host_srv_serror_rate
    dst_host_rerror_rate dst_host_srv_rerror_rate
"""
_COLUMNS = tuple(_COLUMN_LIST.split())
_CATEGORICAL = [1, 2, 3]
_NUMERIC = [column for column in range(len(_COLUMNS)) if column not in _CATEGORICAL]

_CATEGORIES = {
    "normal": "normal",
    "dos": "apache2 back land mailbomb neptune pod processtable smurf teardrop udpstorm worm",
    "probe": "ipsweep mscan nmap portsweep saint satan",
    "r2l": (
        "ftp_write guess_passwd httptunnel imap multihop named phf sendmail snmpgetattack snmpguess spy warezclient "
        "warezmaster xlock xsnoop"
    ),
    "u2r": "buffer_overflow loadmodule perl ps rootkit sqlattack xterm",
}
_CATEGORY_OF = {attack: category for category, attacks in _CATEGORIES.items() for attack in attacks.split()}


def read(files: Mapping[str, Path]) -> Samples:
    """Training rows, then test rows, each in the file's order; the group is the record's content, so that equal records don't part."""
    halves = [files[file.name].read_text(encoding="ascii").splitlines() for file in (_TRAIN, _TEST)]
    train = len(halves[0])
    lines = halves[0] + halves[1]
    # the attack and the difficulty stand last
    records, attacks, difficulties = zip(*(line.rsplit(",", 2) for line in lines), strict=True)
    categories = [_category(attack) for attack in attacks]
    return Samples(
        id=np.array([f"train-{n:05d}" for n in range(train)] + [f"test-{n:05d}" for n in range(len(lines) - train)]),
        x=Table(
            # by numpy's own reader: the cells as Python strings would take six times the memory of the table
            numeric=np.loadtxt(records, np.float32, delimiter=",", usecols=_NUMERIC, ndmin=2),
            numeric_names=tuple(_COLUMNS[column] for column in _NUMERIC),
            categorical=np.loadtxt(records, np.str_, delimiter=",", usecols=_CATEGORICAL, ndmin=2),
            categorical_names=tuple(_COLUMNS[column] for column in _CATEGORICAL),
        ),
        y={
            "attack": np.array([category != "normal" for category in categories], dtype=np.int64),
            "category": encode_labels(categories, tuple(_CATEGORIES), where="nsl_kdd"),
        },
        group=np.array([content_key(record) for record in records]),
        source=np.array(
            ["KDDTrain+"] * train
            + ["KDDTest+" if difficulty == _ALL_RIGHT else "KDDTest-21" for difficulty in difficulties[train:]]
        ),
    )


def _category(attack: str) -> str:
    if attack not in _CATEGORY_OF:
        raise WorkError(
            f"the attack '{attack}' belongs to no category", where="nsl_kdd", remedy="mend the card's categories"
        )
    return _CATEGORY_OF[attack]


CARD = Card(
    name="nsl_kdd",
    title="NSL-KDD",
    description=(
        "47,736 connections of a simulated network of 1998, described by 41 features: 25,192 for training (the published 20% sample) and "
        "the 22,544 of KDDTest+, where 18 of 37 attacks are new. KDDTest-21, its harder half, is the further subset test_21."
    ),
    modality="tabular",
    targets={
        "attack": Target("binary", ("normal", "attack"), split="official"),
        "category": Target("multiclass", tuple(_CATEGORIES), split="official"),
    },
    default_target="attack",
    licence="none stated; the Canadian Institute for Cybersecurity asks for citation",
    redistributable=False,
    citation=(
        "Tavallaee, Bagheri, Lu & Ghorbani, A Detailed Analysis of the KDD CUP 99 Data Set, CISDA 2009, "
        "doi:10.1109/CISDA.2009.5356528"
    ),
    read=read,
    splits={
        "official": SplitPolicy(
            "official",
            {"test_sources": {"test": ["KDDTest+", "KDDTest-21"], "test_21": ["KDDTest-21"]}},
            "KDDTest+ is the test set, whole; training records that occur in it are left out, validation is 12.5% of the rest",
        )
    },
    files=(_TRAIN, _TEST),
    mirror_folder="nsl_kdd",
    traps=(
        "Column 43 of the files is a difficulty level made from the labels; it is not among the features here.",
        "The test set has other attacks in other shares: validation accuracy near .99 is usual, test accuracy near .78 too.",
        "118 test records have the same features as a training record; those training records are in no subset.",
        "num_outbound_cmds is 0 everywhere; u2r has 11 training rows.",
        "The traffic was simulated in 1998: nothing follows for a network of today.",
    ),
    ethics=(
        "Traffic of a testbed: users, hosts and attacks were simulated, so nobody's communication is in the data. A detector that is tuned "
        "here and put to work elsewhere would watch real people with error rates that nobody has measured."
    ),
)
