"""GTSRB: German traffic signs of 43 kinds, 32 x 32 in colour, each sign filmed on approach; a track is one sign's frames.

The derived file holds every third frame (numbers 2, 5, ..., 29) of the tracks of the benchmark's training set, resized bilinearly;
`derivations/gtsrb.py` makes it from a repository that has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from projectkit.datasets.card import Card, RemoteFile, SplitPolicy, Target
from projectkit.datasets.derivations.gtsrb import DERIVATION
from projectkit.datasets.samples import Samples

_FILE = RemoteFile(
    name="gtsrb43_32x32.npz",
    size=27_229_264,
    sha256="049f135a5739882667a74225311f3f647c2e8bd7ae1fab6abb448fc6e3d55deb",
    content="zip",
    derivation=DERIVATION,
)
_CLASSES = (
    *("speed limit 20", "speed limit 30", "speed limit 50", "speed limit 60", "speed limit 70", "speed limit 80"),
    *("end of speed limit 80", "speed limit 100", "speed limit 120", "no overtaking", "no overtaking by lorries"),
    *("right of way at crossing", "priority road", "give way", "stop", "no vehicles", "no lorries", "no entry"),
    *("danger", "bend to the left", "bend to the right", "double bend", "uneven road", "slippery road"),
    *("road narrows", "road works", "traffic lights", "pedestrians", "children", "cyclists", "snow or ice"),
    *("wild animals", "end of all limits", "turn right", "turn left", "straight on", "straight on or right"),
    *("straight on or left", "keep right", "keep left", "roundabout", "end of no overtaking"),
    "end of no overtaking by lorries",
)


def read(files: Mapping[str, Path]) -> Samples:
    """Frames in the file's order (class numbers sort as text); the group is the track, whose number counts within its class."""
    with np.load(files[_FILE.name], allow_pickle=False) as arrays:
        pictures, labels, tracks, frames = (arrays[name] for name in ("x", "y", "track", "frame"))
    track_names = [f"{label:02d}-{track:05d}" for label, track in zip(labels.tolist(), tracks.tolist(), strict=True)]
    return Samples(
        id=np.array([f"{track}-{frame:02d}" for track, frame in zip(track_names, frames.tolist(), strict=True)]),
        x=np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)),
        y={"sign": labels.astype(np.int64)},
        group=np.array(track_names),
    )


CARD = Card(
    name="gtsrb",
    title="German Traffic Sign Recognition Benchmark, 32 x 32",
    description=(
        "8,852 colour pictures of traffic signs, 32 x 32, of 43 kinds: every third frame of 888 tracks, each a car's drive up to one "
        "sign."
    ),
    modality="image",
    targets={"sign": Target("multiclass", _CLASSES, split="by_track")},
    default_target="sign",
    licence="free for research, as its makers (INI, Ruhr-Universität Bochum) state; the copy that it is derived from states none",
    redistributable=False,
    citation=(
        "Stallkamp, Schlipsing, Salmen & Igel, Man vs. computer: Benchmarking machine learning algorithms for traffic sign recognition, "
        "Neural Networks 32, 2012, doi:10.1016/j.neunet.2012.02.016"
    ),
    read=read,
    splits={
        "by_track": SplitPolicy(
            "stratified", {"by_group": True}, "the frames of a track never part; 70 / 10 / 20 by class"
        )
    },
    files=(_FILE,),
    mirror_folder="gtsrb",
    origin="jovanzac/Traffic at 4218b162fecd7ae1b1fa5aa9c33140c8d3dd9fc0, gtsrb/<class>/<track>_<frame>.ppm",
    traps=(
        "The ten frames of a track are one sign from a little nearer each time: a random split scores .85 where tracks apart score .76.",
        "The 888 tracks are the independent samples, not the 8,852 frames; some kinds have only 5 tracks, of which one is tested.",
        "This is neither the benchmark's own test set nor all of its frames: published accuracies (.99) do not compare.",
        "Brightness runs from near black (mean 7 of 255) to near white (247), and differs by class because of the few tracks.",
        "Perceptual hashes do not find near copies here: at four differing bits more pairs of two kinds than of one kind meet.",
        "Mirroring turns kinds into each other (keep left, keep right; the turns and bends): leave it out of the augmentation.",
    ),
    safety="Nothing that is trained here belongs into a vehicle.",
    ethics="Public roads in Germany, cut to the sign; no person or number plate is the subject of a picture.",
)
