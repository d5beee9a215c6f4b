"""`make bench`: trainings that are killed at random and resumed, and what their record costs, as the section "Resume" of RESULTS.md.

    python benchmarks/kill_resume.py               # 200 kills and the cost
    python benchmarks/kill_resume.py --kills 20    # only prints them
    python benchmarks/kill_resume.py --repeat gru 7

The same number draws the same deaths again; see `tests/faults/kills.py`. Processes are forked, so Windows has only the cost.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import record_cost
from results import markdown_table, measured_on, write_section

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "faults"))

from killcases import CASES
from kills import Killed, Trainings, Whole, killed_training

KILLS = 200
MOST = 3  # of one training

ABOUT = (
    "Small trainings are killed (SIGKILL) at random, up to three times each, go on with `projectkit train --resume auto` until they "
    "finish, and are compared with one that nobody disturbed by SHA-256 of all that a run has: weights, buffers, averaged weights, "
    "optimiser, scheduler, loops, callbacks and generators of `last.ckpt` and `best.ckpt`, each line of metrics but its time, the best "
    "and the last figures. `tests/faults/killcases.py` lists what each of them has. `steps`: at how many different steps they died."
)
KINDS = {
    "step": "within an optimiser step",
    "time": "at any time after the command began",
    "write": "before any change of the run folder, half of them with the file before it cut short",
    "checkpoint": "the same, of the folder of checkpoints",
    "validation": "during a validation",
    "fork": "while loader processes start",
    "resume": "while it was being resumed, before its next step",
}


def killed_trainings(kills: int, folder: Path) -> tuple[dict[str, Whole], list[Killed]]:
    """Kill trainings of all cases in turn until there were so many kills."""
    found: list[Killed] = []
    with Trainings(folder) as trainings:
        whole = {case: trainings.undisturbed(case) for case in CASES}
        while sum(len(each.deaths) for each in found) < kills:
            number = len(found) // len(CASES) + 1
            for case in CASES:
                found.append(killed_training(trainings, whole[case], number, 1 + number % MOST))
                if found[-1].problems:
                    print(found[-1].line, flush=True)
            print(f"{sum(len(each.deaths) for each in found)} kills", file=sys.stderr, flush=True)
    return whole, found


def repeated(case: str, number: int, folder: Path) -> Killed:
    """One of them again."""
    with Trainings(folder) as trainings:
        return killed_training(trainings, trainings.undisturbed(case), number, 1 + number % MOST)


def tables(whole: dict[str, Whole], found: Sequence[Killed]) -> str:
    """What came of them."""
    rows = []
    for case, undisturbed in whole.items():
        of = [each for each in found if each.case == case]
        steps = [step for each in of for step in each.steps]
        where = f"{len(set(steps))} of {undisturbed.session.steps + 1}"
        identical = sum(not each.problems for each in of)
        rows.append((case, where, len(of), len(steps), len(of) + len(steps), identical))
    rows.append(("all", "", *(sum(int(row[column]) for row in rows) for column in range(2, 6))))
    kinds = Counter(kind for each in found for kind in each.kinds)
    columns = ("training", "steps", "trainings", "kills", "sessions", "identical")
    head = markdown_table(columns, rows)
    return f"{head}\n\n{markdown_table(('killed', 'times'), [(KINDS[kind], kinds[kind]) for kind in KINDS])}"


def main() -> int:
    """Measure and write; 1 where a training did not end identically."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, help=f"how many; {KILLS} and the section is written unless given")
    parser.add_argument("--repeat", nargs=2, metavar=("CASE", "NUMBER"), help="one training again")
    arguments = parser.parse_args()
    parts, bad = [], 0
    with tempfile.TemporaryDirectory() as folder:
        if arguments.repeat:
            again = repeated(arguments.repeat[0], int(arguments.repeat[1]), Path(folder))
            print(again.line)
            return int(bool(again.problems))
        if hasattr(os, "fork"):
            whole, found = killed_trainings(arguments.kills or KILLS, Path(folder))
            bad = sum(bool(each.problems) for each in found)
            parts += [ABOUT, tables(whole, found)]
    if arguments.kills is None:
        parts += ["### What the record costs", record_cost.section()]
        write_section("Resume", "\n\n".join([f"{measured_on()}.", *parts]))
    print("\n\n".join(parts))
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
