"""`make bench`: how fast the commands answer, as a section of RESULTS.md.

Contenders are run in turn, round after round, so that a slow minute of the machine hits all of them; what is reported is the median of
the ratios within a round. The first contender runs twice a round: where that A/A ratio is off by more than 10%, the run is void.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

from results import markdown_table, measured_on, write_section

ROUNDS = 25
VOID = 0.10  # how far the A/A ratio may be off


def command_time(*words: str) -> Callable[[], float]:
    """A contender: seconds of wall clock from start to exit of a command of this Python."""

    def once() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began

    return once


def compare(contenders: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> list[tuple[str, float, float]]:
    """Run the contenders in turn.

    Args:
        contenders: name -> measurement in seconds; the first is the base.
        rounds: how often each is measured.

    Returns:
        For each contender, and for the base's twin: name, median seconds, median of its ratios to the base in the same round.
    """
    names = list(contenders)
    base = names[0]
    order = [*names, f"{base} (A/A)"]
    measured: dict[str, list[float]] = {name: [] for name in order}
    for measure in contenders.values():
        measure()  # warm: files in the page cache, bytecode written
    for _ in range(rounds):
        for name in order:
            measured[name].append(contenders.get(name, contenders[base])())
    return [
        (name, statistics.median(times), statistics.median(a / b for a, b in zip(times, measured[base], strict=True)))
        for name, times in measured.items()
    ]


def table(rows: list[tuple[str, float, float]]) -> str:
    """The measurements as Markdown."""
    shown = [(name, f"{seconds * 1000:.0f} ms", f"{ratio:.2f}") for name, seconds, ratio in rows]
    return markdown_table(("command", "median", "ratio"), shown)


def main() -> int:
    """Measure and write; 1 where the machine was too noisy for the result to mean anything."""
    rows = compare(
        {
            "`projectkit --help`": command_time("-m", "projectkit", "--help"),
            "`python -c 'import click'`": command_time("-c", "import click"),
            "`python -c pass`": command_time("-c", "pass"),
        }
    )
    twin = rows[-1][2]
    section = write_section(
        "Start-up",
        "The aim is 150 ms for `projectkit --help`: nothing heavy is imported before a command needs it. Medians over rounds in which all "
        "contenders took turns; ratios are to the first row, within a round.\n\n"
        f"{measured_on()}, {ROUNDS} rounds.\n\n{table(rows)}",
    )
    print(section)
    if abs(twin - 1) > VOID:
        print(f"void: the same command twice gave a ratio of {twin:.2f}; measure again on a quieter machine")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
