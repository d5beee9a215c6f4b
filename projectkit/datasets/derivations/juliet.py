"""Rebuild juliet_functions.jsonl: C functions of the Juliet suite with and without a flaw, stripped of what names the label.

`build` streams the upstream tree; `functions` finds the functions of one file and `clean` strips them. What is left is grouped by test
case variant and label, and at most MOST functions of a group are drawn. Each group has its own generator, so groups don't depend on
one another but through the duplicates: a text that two variants share stays with the first of them.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from projectkit.datasets.card import Derivation, Members
from projectkit.datasets.derivations.github import archive_of

SOURCE = "arichardson/juliet-test-suite-c"  # Juliet 1.3

# fmt: off
CWES = frozenset({
    78, 121, 122, 124, 126, 127, 134, 190, 191, 194, 195, 197, 252, 253, 369,
    400, 401, 415, 416, 457, 476, 590, 665, 680, 681, 690, 758, 761, 789, 843,
})
# fmt: on
FLOWS = range(1, 19)  # flow variants that need one file and no class
MOST = 8  # functions for each variant and label
SHORTEST = 40  # characters after cleaning
LONGEST_STRING = 20  # longer strings are messages that tell what was checked

_CASE = re.compile(r"testcases/CWE(\d+)_[^/]+/(?:s\d+/)?(\w+)_(\d\d)\.c")
_FUNCTION = re.compile(r"^(?:static )?void (\w+)\(\)\s*^\{(.*?)^\}", re.MULTILINE | re.DOTALL)
_GOOD = re.compile(r"good(?:B2G|G2B)?\d*")  # not <case>_good, which only calls these
_LITERAL = r'"(?:\\.|[^"\\])*"' + r"|'(?:\\.|[^'\\])*'"
_LITERAL_OR_COMMENT = re.compile(rf"({_LITERAL})|/\*.*?\*/|//[^\n]*", re.DOTALL)
_LABEL_WORD = re.compile(r"good(?:B2G|G2B)?\d*|bad", re.IGNORECASE)
_STRING = re.compile(r'"((?:\\.|[^"\\])*)"')


class Origin(NamedTuple):
    """Where a function is from; the smallest one keeps the text."""

    variant: str
    flow: int
    cwe: int
    label: int  # 1: flawed


def build(archives: Mapping[str, Members]) -> bytes:
    """Make the uncompressed JSON lines from the upstream tree.

    Args:
        archives: for SOURCE, a function that iterates over (path below the repository's root, content), in any order.
    """
    groups: dict[tuple[str, int], list[tuple[int, str, int]]] = defaultdict(list)
    for code, origin in _unambiguous(archives[SOURCE]()).items():
        groups[origin.variant, origin.label].append((origin.flow, code, origin.cwe))
    lines = []
    for (variant, label), members in sorted(groups.items()):
        members.sort()
        _shuffle(members)
        for flow, code, cwe in members[:MOST]:
            row = {"code": code, "label": label, "cwe": cwe, "variant": variant, "flow": flow}
            lines.append(json.dumps(row, separators=(",", ":")) + "\n")
    return "".join(lines).encode("ascii")


def functions(source: str, case: str) -> Iterator[tuple[int, str]]:
    """Label and body of the functions of a file that hold its flaw or a mended copy; `case` is the file's name without its ending.

    Juliet's layout is strict: the braces of a function, and no others, stand in the first column.
    """
    for match in _FUNCTION.finditer(source):
        if match[1] == f"{case}_bad":
            yield 1, match[2]
        elif _GOOD.fullmatch(match[1]):
            yield 0, match[2]


def clean(body: str) -> str:
    """The body on one line, without comments, words for the label and long strings."""
    code = _LITERAL_OR_COMMENT.sub(lambda match: match[1] or " ", body)
    code = _LABEL_WORD.sub("", " ".join(code.split()))
    return _STRING.sub(lambda match: '"S"' if len(match[1]) > LONGEST_STRING else match[0], code)


def _unambiguous(members: Iterator[tuple[str, bytes]]) -> dict[str, Origin]:
    """Distinct cleaned functions that have one label only, with their first origin."""
    origins: dict[str, Origin] = {}
    ambiguous: set[str] = set()
    for path, content in members:
        match = _CASE.fullmatch(path)
        if not match or int(match[1]) not in CWES or int(match[3]) not in FLOWS:
            continue
        for label, body in functions(content.decode("utf-8").replace("\r\n", "\n"), f"{match[2]}_{match[3]}"):
            code = clean(body)
            # A mended function without any "=" was taken for one that only calls others.
            if len(code) < SHORTEST or (label == 0 and "=" not in code):
                continue
            origin = Origin(match[2], int(match[3]), int(match[1]), label)
            first = origins.get(code, origin)
            if first.label != label:
                ambiguous.add(code)
            origins[code] = min(first, origin)
    return {code: origin for code, origin in origins.items() if code not in ambiguous}


def _shuffle(members: list[tuple[int, str, int]]) -> None:
    """Fisher and Yates's shuffle, from raw bits of the Mersenne Twister: `random.shuffle` is not promised to stay what it is."""
    generator = random.Random(0)
    for last in range(len(members) - 1, 0, -1):
        bits = (last + 1).bit_length()
        place = generator.getrandbits(bits)
        while place > last:
            place = generator.getrandbits(bits)
        members[last], members[place] = members[place], members[last]


DERIVATION = Derivation(
    upstreams=(archive_of(SOURCE, "f88433e3443648a17671398797a04ea1f8e1a274", limit=1_000_000_000),),
    build=build,
)
