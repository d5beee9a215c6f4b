"""UCI SMS Spam Collection: text messages that are ham or spam.

One message a line, label and text with a tab between them, no header. Quotes are part of the texts, so the file is cut by hand: a CSV
reader that takes them for quoting swallows two messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from projectkit.datasets.card import Card, NearDuplicates, RemoteFile, SplitPolicy, Target
from projectkit.datasets.columns import Texts
from projectkit.datasets.copies.duplicates import masked
from projectkit.datasets.readers.rows import decoded
from projectkit.datasets.samples import Samples, content_key, encode_labels
from projectkit.errors import WorkError

# UCI's own archive has no versions; this copy of its file is pinned to a commit.
_AT = "https://raw.githubusercontent.com/justmarkham/pycon-2016-tutorial/5339710562cc46c4a32a369d63f1e8751a18a54e"
_FILE = RemoteFile(
    name="sms.tsv",
    size=477_907,
    sha256="7d039a24a6083ed9ef0f806ebad56bbb976e3aeb8de05669173bfdc4996c239d",
    urls=(f"{_AT}/data/sms.tsv",),
)
_CLASSES = ("ham", "spam")


def read(files: Mapping[str, Path]) -> Samples:
    """The messages in the file's order; the group is the message's template."""
    content = decoded(files[_FILE.name].read_bytes(), "utf-8", _FILE.name)
    rows = [line.split("\t") for line in content.removesuffix("\n").split("\n")]
    for number, row in enumerate(rows, start=1):
        if len(row) != 2:
            what = f"{len(row)} fields, not a label, a tab and a text"
            raise WorkError(what, where=f"{_FILE.name}:{number}", remedy="fetch the file again")
    texts = [text for _, text in rows]
    return Samples(
        id=np.array([f"sms_uci-{number:04d}" for number in range(len(rows))]),
        x=Texts.of(texts),
        y={"label": encode_labels([label for label, _ in rows], _CLASSES, where=_FILE.name)},
        group=np.array([content_key(masked(text) or text) for text in texts]),
    )


CARD = Card(
    name="sms_uci",
    title="SMS Spam Collection v.1",
    description=(
        "5,574 text messages in English: 4,827 ham, most of them from students in Singapore, and 747 spam, most of them from a British "
        "forum where people complain about it."
    ),
    modality="text",
    targets={"label": Target("binary", _CLASSES, split="stratified")},
    default_target="label",
    licence="CC BY 4.0",
    redistributable=False,  # UCI's licence would allow it; the copy we name does not state it
    citation=(
        "Almeida, Gómez Hidalgo & Yamakami, Contributions to the Study of SMS Spam Filtering: New Collection and Results, DocEng 2011, "
        "doi:10.1145/2034691.2034742; data: doi:10.24432/C5CC84"
    ),
    read=read,
    splits={
        "stratified": SplitPolicy(
            "stratified",
            {"by_group": True, "one_per_group": True},
            "one message of each template (digits masked), then 70 / 10 / 20 by class; the other copies are in no subset",
        )
    },
    files=(_FILE,),
    mirror_folder="sms",
    near_duplicates=NearDuplicates("masked"),
    traps=(
        "403 messages are exact copies of others and 70 more differ in numbers, case or punctuation: a random split tests on what was "
        "learnt.",
        "Ham and spam come from other people, years and countries: a pound sign is spam (253 of 258), a u with diaeresis ham (all 137).",
        "HTML that was never decoded (&lt; &gt; &amp;) is in ham alone; `&lt;#&gt;` stands where a number was taken out for privacy.",
        "Five digits or more say spam: that rule alone is right for 97% of the messages, so ask what a model adds to it.",
        "5,315 of these messages are in sms too, up to numbers and case: never train on one of the two sets and test on the other.",
        "87% of the messages are ham: report macro F1 beside accuracy.",
    ),
    safety="Never call, text or open the numbers and links in these messages.",
    ethics=(
        "People wrote the ham and gave it to research; some messages name friends, illnesses and addresses. Show none of them without "
        "need, try to find nobody behind them, and send them to no service that keeps what it is sent."
    ),
)
