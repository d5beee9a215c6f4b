"""Posters to be looked at: read and composed only, or typeset as well; one that every check is content with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from projectkit.findings import Finding
from projectkit.poster.lint import lint_poster
from projectkit.poster.lint.checks import CHECKS
from projectkit.poster.lint.proof import Proof
from projectkit.poster.render import Rendered
from projectkit.poster.source.reading import read_poster
from projectkit.poster.typesetting.compose import compose
from projectkit.project import Project
from projectkit.runs import find_run, keep_run

HEAD = """title: Half of the smishing in our inbox has a phone number in it
subtitle: A network that reads letters finds 19 of 20
repository: https://git.university.edu/team-one/smishing
"""


@pytest.fixture
def read(team: Project) -> Callable[[Path], Proof]:
    """A function that reads and composes a poster without typesetting it: what checks of wording need."""

    def proof(folder: Path) -> Proof:
        poster = read_poster(folder, team.root)
        composed = compose(poster, team)
        return Proof(Rendered(poster, composed, None, None, b"", None, composed.warnings), team)  # type: ignore[arg-type]

    return proof


@pytest.fixture
def checked(read: Callable[[Path], Proof]) -> Callable[..., list[Finding]]:
    """A function that gives what one check finds in a poster that is not typeset."""
    return lambda name, folder: list(CHECKS[name](read(folder)))


@pytest.fixture
def lint(team: Project) -> Callable[..., list[Finding]]:
    """A function that gives what lint finds in a typeset poster; of one check where it is named."""

    def look(folder: Path, name: str | None = None) -> list[Finding]:
        return [finding for finding in lint_poster(folder, team) if name in (None, finding.id)]

    return look


@pytest.fixture
def good_poster(team: Project, write_poster: Callable[..., Path], make_run: Callable[..., str]) -> Callable[..., Path]:
    """A function that writes a finished poster with a run that is kept; sections and keys may be replaced."""

    def write(yaml: str = "", **replaced: str) -> Path:
        keep_run(find_run(make_run(), team), team)
        sections = {
            "10-question": "# Can a phone tell smishing from spam?\n\nBanks lose a fortune to **short messages** that ask for a call.\n",
            "20-data": "# Near duplicates never part\n\n- one thousand messages, three classes;\n- split by sender.\n",
            "30-method": "# Letters beat words where spelling is a weapon\n\nOne convolution over letters, two linear layers.\n\n"
            ":::{curves}\nruns: [latest]\ncaption: Both fall, and neither parts.\nalt: Two curves that fall over a hundred steps\n:::\n",
            "40-results": "# Smishing is found, spam is mistaken for it\n\n:::{numbers}\nrun: latest\nmetrics: [f1_macro]\n:::\n\n"
            ":::{figure}\nrun: latest\nname: confusion\ncaption: Spam goes both ways.\nalt: A matrix of three classes\n:::\n",
            "50-takeaway": "# Warn at the phone number, not at the word\n\n- It runs on a phone.\n- Irony defeats it.\n",
        }
        given = {line.partition(":")[0] for line in yaml.splitlines()}
        head = "".join(f"{line}\n" for line in HEAD.splitlines() if line.partition(":")[0] not in given)
        return write_poster(yaml=head + yaml, **{name: replaced.get(name[3:], text) for name, text in sections.items()})

    return write
