"""SMS phishing (Mishra & Soni): text messages that are ham, smishing or spam.

The published file has the columns label, TEXT, URL, EMAIL, PHONE. Only the text is an input: the three flags were derived from it.
Labels are spelt in two ways (`Smishing`, `smishing`), which is mended here; the text is left as it is, damage included.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from projectkit.datasets.card import Card, NearDuplicates, RemoteFile, SplitPolicy, Target
from projectkit.datasets.columns import Texts
from projectkit.datasets.copies.duplicates import masked
from projectkit.datasets.readers.rows import columns_of
from projectkit.datasets.samples import Samples, content_key, encode_labels

# The authors' archive (Mendeley) has no stable file URL; this copy of it is pinned to a commit.
_URL = (
    "https://raw.githubusercontent.com/armando013005/ML-SPAM/924d196532b4e9d70e52399d63569ec66a5e3988/Dataset_5971.csv"
)
_FILE = RemoteFile(
    name="Dataset_5971.csv",
    size=590_015,
    sha256="920b51a6913ead1097ecab91f97a902df532e2cb33f83cbe23a89635135c2926",
    urls=(_URL,),
)
_CLASSES = ("ham", "smishing", "spam")


def read(files: Mapping[str, Path]) -> Samples:
    """The messages in the file's order; the group is the message's template."""
    texts, labels = columns_of(files[_FILE.name], ("TEXT", "label"))
    return Samples(
        id=np.array([f"sms-{number:04d}" for number in range(len(texts))]),
        x=Texts.of(texts),
        y={"label": encode_labels([label.lower() for label in labels], _CLASSES, where=_FILE.name)},
        group=np.array([content_key(masked(text)) for text in texts]),
    )


CARD = Card(
    name="sms",
    title="SMS Phishing Dataset for Machine Learning and Pattern Recognition",
    description=(
        "5,971 text messages in English: 4,844 ham, 638 smishing (they want a call, a click or an answer to steal with) and 489 spam "
        "(they only advertise). Most of the ham and spam comes from the UCI SMS Spam Collection."
    ),
    modality="text",
    targets={"label": Target("multiclass", _CLASSES, split="stratified")},
    default_target="label",
    licence="CC BY 4.0",
    redistributable=False,  # the licence would allow it; the copy we name does not state it
    citation=(
        "Mishra & Soni, SMS Phishing Dataset for Machine Learning and Pattern Recognition, Mendeley Data, 2022, "
        "doi:10.17632/f45bkkt8pr.1"
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
        "Templates repeat with other numbers and names: a random split puts copies of one message on both sides.",
        "37 templates are labelled smishing in one copy and spam in another; the first copy counts, so no model can be perfect.",
        "A pound sign is smishing or spam (278 of 283), a u with diaeresis always ham: where a message is from, not what it is.",
        "185 characters were lost before publication (U+FFFD), most of them in ham.",
        "81% of the messages are ham: report macro F1 beside accuracy.",
    ),
    safety="Never call, text or open the numbers and links in these messages.",
    ethics=(
        "People wrote the ham; some messages name friends, illnesses and addresses. Show none without need, try to find nobody behind "
        "them, and send them to no service that keeps what it is sent. A filter that is wrong hides a message that somebody waits for."
    ),
)
