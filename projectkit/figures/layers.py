"""From the tree of layers that a training left to the blocks of a drawing: what belongs together in one box, and what is folded.

An activation, a normalisation or a pooling stands in the box of the layer that it follows. Equal boxes that follow each other are one with
a count, layers side by side are one with all of their sizes, and what has a shortcut inside stays whole, as its parts are no chain.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Layer = Mapping[str, Any]  # as in model.json: name, type, about, input, output, parameters, source, layers

_TRANSPARENT = ("Sequential", "ModuleList", "ModuleDict")
_MINOR = (
    "Norm",
    "Pool",
    "Dropout",
    "Flatten",
    "Identity",
    "ReLU",
    "ELU",
    "GELU",
    "SiLU",
    "Tanh",
    "Sigmoid",
    "Softmax",
    "Pad",
)
_MINOR_EXACTLY = ("maximum", "joined", "shortcut", "Unflatten", "Softplus", "Hardswish", "Mish", "Upsample")
_UNSAID = ("Flatten", "Identity", "Dropout")  # that say nothing about what is computed
_KINDS = {
    "embedding": ("Embedding",),
    "convolution": ("Conv",),
    "recurrent": ("GRU", "LSTM", "RNN"),
    "attention": ("Attention", "Transformer"),
    "linear": ("Linear", "Bilinear"),
}


@dataclass(frozen=True)
class Block:
    """One box.

    Args:
        title: what it is, such as `Conv2d`.
        about: its sizes, such as `32 → 64, 3 × 3`.
        then: what follows within the box, in order.
        kind: for its colour: a key of the table of kinds, or `other`.
        parameters: learnt numbers, of all repeats together.
        output: shape that it gives on, without the batch.
        count: how often it stands in a row.
        inner: the blocks that it can be opened into; none where it cannot.
    """

    title: str
    about: str
    then: tuple[str, ...]
    kind: str
    parameters: int
    output: tuple[int, ...]
    count: int = 1
    inner: tuple[Block, ...] = ()


def blocks_of(layers: Sequence[Layer], most: int) -> list[Block]:
    """At most so many boxes for a network; the largest groups are opened first, as long as there is room.

    Args:
        layers: of the network, in the order of their first use.
        most: boxes, 1 or more.
    """
    blocks = _repeated(_chain(layers))
    while True:
        opened = [
            (block.parameters, place, _repeated([*blocks[:place], *block.inner, *blocks[place + 1 :]]))
            for place, block in enumerate(blocks)
            if block.inner and block.count == 1
        ]
        fitting = [each for each in opened if len(each[2]) <= most]
        if not fitting:
            return _cut(blocks, most)
        blocks = max(fitting, key=lambda each: each[0])[2]


def _chain(layers: Sequence[Layer]) -> list[Block]:
    blocks: list[Block] = []
    for run in _side_by_side(_flat(layers)):
        first = run[0]
        if len(run) > 1:
            blocks.append(_parallel(run))
        elif _is_minor(first) and blocks:
            blocks[-1] = _followed(blocks[-1], first)
        elif first["type"] not in _UNSAID:
            blocks.append(_block(first))
    return blocks


def _flat(layers: Sequence[Layer]) -> list[Layer]:
    """Without the containers that compute nothing themselves, and without wrappers around one layer."""
    found: list[Layer] = []
    for layer in layers:
        inner = layer.get("layers") or []
        if inner and (layer["type"] in _TRANSPARENT or len(inner) == 1):
            found += _flat(inner)
        else:
            found.append(layer)
    return found


def _side_by_side(layers: Sequence[Layer]) -> list[list[Layer]]:
    """Layers, those together that are given the same tensor one after another, with what follows each of them."""
    runs: list[list[Layer]] = []
    majors: list[Layer] = []  # of the last run
    for layer in layers:
        if _is_minor(layer):
            if len(majors) > 1:
                runs[-1].append(layer)
            else:
                runs.append([layer])
        elif majors and layer["source"] == majors[-1]["source"] and layer["type"] == majors[-1]["type"]:
            begin = max(place for place, run in enumerate(runs) if run[0] is majors[0])
            runs[begin:] = [[*itertools.chain(*runs[begin:]), layer]]
            majors.append(layer)
        else:
            runs.append([layer])
            majors = [layer]
    return runs


def _parallel(run: Sequence[Layer]) -> Block:
    """One box for layers side by side: what they have in common, then what each has of its own."""
    majors = [layer for layer in run if not _is_minor(layer)]
    parts = [str(layer["about"]).split(", ") for layer in majors]
    same = [each[0] for each in itertools.takewhile(lambda each: len(set(each)) == 1, zip(*parts, strict=False))]
    own = [", ".join(each[len(same) :]) for each in parts]
    unit = own[0].partition(" ")[0] if own[0].startswith("kernel ") else ""
    sizes = [f"{unit} {' | '.join(each.removeprefix(unit).strip() for each in own)}".strip()] if all(own) else []
    about = f"side by side: {', '.join([*same, *sizes])}"
    block = replace(_block(majors[0]), title=f"{len(majors)} × {majors[0]['type']}", about=about)
    block = replace(block, parameters=sum(layer["parameters"] for layer in majors))
    begin = run.index(majors[-1])
    for layer in run[begin + 1 :]:
        block = _followed(block, layer)
    return replace(block, output=_shape(run[-1]))


def _block(layer: Layer) -> Block:
    inner = layer.get("layers") or []
    kind = next((kind for kind, names in _KINDS.items() if any(name in layer["type"] for name in names)), "other")
    if not inner:
        return Block(layer["type"], layer["about"], (), kind, layer["parameters"], _shape(layer))
    parts = _flat(inner)
    whole = any(part["type"] == "shortcut" for part in parts)
    chain = () if whole else tuple(_repeated(_chain(inner)))
    majors = [part["type"] for part in _all(parts) if not _is_minor(part) and not part.get("layers")]
    then = [f"{number} × {name}" if (number := majors.count(name)) > 1 else name for name in dict.fromkeys(majors)]
    sizes = f"{_channels(layer['input'])} → {_channels(layer['output'])}" if layer["input"] and layer["output"] else ""
    said = (*then, "shortcut") if whole else tuple(then)
    kinds = [_block({**part, "layers": None}).kind for part in _all(parts) if not part.get("layers")]
    kind = next((name for name in ("attention", "recurrent", "convolution", "linear") if name in kinds), "other")
    title = str(layer["type"]).lstrip("_")
    return Block(title, sizes, said, kind, layer["parameters"], _shape(layer), inner=chain)


def _all(layers: Sequence[Layer]) -> list[Layer]:
    return [each for layer in layers for each in (layer, *_all(layer.get("layers") or []))]


def _followed(block: Block, layer: Layer) -> Block:
    said = layer["type"].removesuffix("1d").removesuffix("2d").removesuffix("3d")
    size = f" {layer['about']}" if layer["about"] and "Pool" in said else ""
    then = block.then if said in _UNSAID else (*block.then, said + size)
    return replace(
        block, then=then, parameters=block.parameters + layer["parameters"], output=_shape(layer) or block.output
    )


def _repeated(blocks: Sequence[Block]) -> list[Block]:
    """Equal neighbours as one with a count."""
    found: list[Block] = []
    for block in blocks:
        last = found[-1] if found else None
        if last is not None and _alike(last, block):
            count, parameters = last.count + block.count, last.parameters + block.parameters
            found[-1] = replace(block, count=count, parameters=parameters)
        else:
            found.append(block)
    return found


def _alike(one: Block, other: Block) -> bool:
    """Whether they are one box; after the last of several groups there may be a normalisation or a pooling."""
    if (one.title, one.about) != (other.title, other.about):
        return False
    grouped = "shortcut" in one.then or bool(one.inner)
    return one.then == (other.then[: len(one.then)] if grouped else other.then)


def _cut(blocks: list[Block], most: int) -> list[Block]:
    """Neighbours of one title as one where there are too many; then the middle as one."""
    while len(blocks) > most:
        alike = [place for place in range(len(blocks) - 1) if blocks[place].title == blocks[place + 1].title]
        if not alike:
            break
        place = min(alike, key=lambda place: blocks[place].count + blocks[place + 1].count)
        blocks = [*blocks[:place], _joined(blocks[place], blocks[place + 1]), *blocks[place + 2 :]]
    if len(blocks) <= most:
        return blocks
    first = most // 2
    last = most - 1 - first
    middle = blocks[first : len(blocks) - last]
    count = sum(block.count for block in middle)
    rest = Block(f"{count} more layers", "", (), "other", sum(each.parameters for each in middle), middle[-1].output)
    return [*blocks[:first], rest, *blocks[len(blocks) - last :]]


def _joined(one: Block, other: Block) -> Block:
    """From the first's input to the second's output."""
    begin, end = one.about.split(" → ")[0], other.about.split(",")[0].split(" → ")[-1]
    about = f"{begin} → {end}" if "→" in one.about and "→" in other.about else ""
    then = tuple(word for word in one.then if word in other.then)
    count, parameters = one.count + other.count, one.parameters + other.parameters
    return replace(one, about=about, then=then, count=count, parameters=parameters, output=other.output, inner=())


def _is_minor(layer: Layer) -> bool:
    """What stands in another's box: it has no weights that say what is computed."""
    kind = str(layer["type"])
    return not layer.get("layers") and (kind in _MINOR_EXACTLY or any(name in kind for name in _MINOR))


def _shape(layer: Layer) -> tuple[int, ...]:
    return tuple(layer["output"] or ())


def _channels(shape: Sequence[int]) -> str:
    """Of features: channels of a picture, width of a sequence's vectors."""
    return str(shape[0] if len(shape) == 3 else shape[-1]) if shape else "1"
