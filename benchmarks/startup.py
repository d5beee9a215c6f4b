"""`make bench`: how fast the commands answer, as a section of RESULTS.md."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from pairs import compare, table
from results import measured_on, write_section

ROUNDS = 25


def command_time(*words: str) -> Callable[[], float]:
    """A contender: seconds of wall clock from start to exit of a command of this Python."""

    def once() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began

    return once


def main() -> int:
    """Measure and write; 1 where the machine was too noisy for the result to mean anything."""
    measured = compare(
        {
            "`projectkit --help`": command_time("-m", "projectkit", "--help"),
            "`python -c 'import click'`": command_time("-c", "import click"),
            "`python -c pass`": command_time("-c", "pass"),
        },
        ROUNDS,
    )
    section = write_section(
        "Start-up",
        "The aim is 150 ms for `projectkit --help`: nothing heavy is imported before a command needs it. Medians over rounds in which all "
        "contenders took turns; ratios are to the first row, within a round.\n\n"
        f"{measured_on()}, {ROUNDS} rounds.\n\n{table(measured)}",
    )
    print(section)
    if measured.void:
        print(
            f"void: the same command twice gave a ratio of {measured.rows[1].ratio:.2f}; measure again on a quieter machine"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
