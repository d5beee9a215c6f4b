from __future__ import annotations

import pytest
from coordinates import faults
from generated import Generator

from projectkit.errors import UserError
from projectkit.poster.overfull import told
from projectkit.poster.render import rendered

FROM_RIGHT = ("ar", "fa", "he")


def check(seed, team, make_run):
    runs = [make_run("charcnn"), make_run("linear-baseline", f1=0.7)]
    generator = Generator(seed, team.root / "poster", runs)
    generator.write()
    try:
        with rendered(generator.folder, team) as found:
            if found.excess is not None:
                cuts = told(found)
                assert cuts.lines >= 1
                assert cuts.cuts
                assert "\n" not in str(cuts.error())
                return
            page, mirrored = found.composed.document["page"], generator.language in FROM_RIGHT
            assert faults(found.pdf, page, found.layout, mirrored=mirrored, marks=generator.marks) == []
    except UserError as error:
        if "no font here has" in str(error):
            pytest.skip(str(error))
        raise


@pytest.mark.parametrize("seed", range(20))
def test_a_generated_poster_is_one_page_with_everything_in_its_place_or_is_told_what_is_too_much(seed, team, make_run):
    check(seed, team, make_run)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(20, 200))
def test_any_generated_poster_is_one_page_with_everything_in_its_place_or_is_told_what_is_too_much(
    seed, team, make_run
):
    check(seed, team, make_run)
