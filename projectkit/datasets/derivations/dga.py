"""Rebuild dga_families.csv: domains of 24 malware families and benign names, one `domain,family` a line.

`build` streams the two upstream trees, `family_domains` and `benign_domains` collect what can be in the file, and one random
generator, used from family to family, draws the rows. The set of candidates decides every later draw, so each odd rule below matters
to the last row of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from projectkit.datasets.card import Derivation, Members
from projectkit.datasets.derivations.github import archive_of

FAMILIES = "baderj/domain_generation_algorithms"
BENIGN = "andrewaeva/DGA"

FEWEST, MOST = 250, 1_000  # distinct domains of a family: fewer are left out, more are sampled
BENIGN_ROWS = 10_000
BENIGN_LISTS = ("dga_wordlists/opendns-top-domains.txt", "dga_wordlists/opendns-random-domains.txt")

_EXAMPLES = re.compile(r"([^/]+)/(?:.*/)?[^/]*domain[^/]*\.txt")
# The derived file was drawn without this list: with its domains every draw after murofet would be another one.
_NOT_USED = frozenset({"murofet/v3/example_domains.txt"})
# Some lists hold table rules, dates, or names with bytes that no host name has (bazarbackdoor's buggy version).
_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")


def build(archives: Mapping[str, Members]) -> bytes:
    """Make the uncompressed CSV from the two upstream trees.

    Args:
        archives: for FAMILIES and BENIGN, a function that iterates over (path below the repository's root, content), in any order.
    """
    families = family_domains(archives[FAMILIES]())
    generator = np.random.RandomState(0)  # legacy on purpose: its stream is frozen, default_rng's is not
    lines = ["domain,family"]
    for family in sorted(families):
        lines += [f"{domain},{family}" for domain in _draw(families[family], MOST, generator)]
    lines += [f"{domain},benign" for domain in _draw(benign_domains(archives[BENIGN]()), BENIGN_ROWS, generator)]
    return ("\n".join(lines) + "\n").encode("utf-8")


def family_domains(members: Iterator[tuple[str, bytes]]) -> dict[str, set[str]]:
    """Distinct domains of each family (its top folder) that has at least FEWEST of them in its example lists."""
    found: dict[str, set[str]] = {}
    for path, content in members:
        match = _EXAMPLES.fullmatch(path)
        if match and path not in _NOT_USED:
            found.setdefault(match[1], set()).update(_first_words(content))
    return {family: domains for family, domains in found.items() if len(domains) >= FEWEST}


def benign_domains(members: Iterator[tuple[str, bytes]]) -> set[str]:
    """Distinct lines of both OpenDNS lists, unfiltered: one name in them has an underscore."""
    found: set[str] = set()
    for path, content in members:
        if path in BENIGN_LISTS:
            found.update(line for line in _lines(content) if line)
    return found


def _first_words(content: bytes) -> Iterator[str]:
    """Domains that start a line; pitou's list is a table with more columns."""
    for line in _lines(content):
        word = line.split(maxsplit=1)[0] if line else ""
        if _DOMAIN.fullmatch(word):
            yield word


def _lines(content: bytes) -> list[str]:
    return [line.strip().lower() for line in content.decode("utf-8", errors="replace").split("\n")]


def _draw(candidates: set[str], most: int, generator: np.random.RandomState) -> Sequence[str]:
    """A random order of the sorted candidates, cut off: sets too small to be cut are shuffled too."""
    ordered = sorted(candidates)
    return [ordered[row] for row in generator.permutation(len(ordered))[:most]]


DERIVATION = Derivation(
    upstreams=(
        archive_of(FAMILIES, "09961a14f4ab72837b9139470271a4fbf767f565", limit=300_000_000),
        archive_of(BENIGN, "00b49f0606792a64f45f120ac84fbab414272cc9", limit=300_000_000),
    ),
    build=build,
)
