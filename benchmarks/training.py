"""`make bench`: what training costs by each way of writing it, as the section "Training" of RESULTS.md.

Contenders take turns in one process; see `pairs.py`. Each comparison stands in a function that gives its table and which of the
figures that we want it holds; the section begins with all of those.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import busy
import contenders as by
import contenders_images as images
import growth
import pytorch_lightning as pl
import torch
import workloads
from pairs import VOID, Comparison, Row, compare, table
from results import markdown_table, measured_on, write_section

import projectkit as pk
from projectkit.training.loop.whole import WholeStep

ROUNDS = 9
BUSY = (
    "Seconds of an epoch of ours beside a process that computes without a pause, against the same without it. `patient` is "
    "`OMP_WAIT_POLICY=PASSIVE`; the tuner measures how many threads a model wants under it."
)
GROWTH = (
    f"A linear model on mapped 32x32 colour images, batches of {growth.BATCH}, one thread; with a limit on the private memory, "
    f"{growth.LIMIT_MIB} MiB beyond what imports take, the largest set (293 MiB) can be streamed and cannot be held."
)

WHY = """
- **GRU.** A batch that is cut to its longest and packed computes no padding; where the rest of its time goes was not
  profiled. Buckets help a little more, and hurt what is learnt on these data (docs/data.md); windows of 4 and of 8
  batches were tried and hurt as well.
- **Augmented images.** The usual pipeline is seven times as fast on this machine as where the figure was set (1,500
  images a second there). Compiling the chain was tried and is slower on a CPU (the row "ours, compiled").
- **CNN from end to end.** For the same reason: input is a twentieth of the usual loop's step here, the rest is
  convolution, where the memory format is what can be gained. Its whole step compiled was measured once, at .65 of the
  contiguous eager one: no better than channels last.
- **JAX.** Its epoch is one program that calls nothing a step; ours is called from Python each time. How much of the
  difference that is was not profiled.
- **Lightning as people run it.** The step itself is most of what is left: the tuned loop by hand, without logs, is
  not five times as fast as Lightning either.
- **Validation.** On the cheapest network, 26 us a batch in the trainer and 31 in `evaluate`. About 10 are the gather of
  rows, where the bare loop takes views (a view would let a `validation_step` write into the set); the rest was not
  taken apart.
- **Images beside a busy process.** One thread is not slowed down, and takes twice as long when it is quiet; two patient
  threads are what lies between.
"""


@dataclass(frozen=True)
class Figure:
    """A ratio that is wanted, and the one that was measured.

    Args:
        what: in words.
        least, aim: what is wanted; ratios to the base, or how many times faster (then `faster`).
        row: what was measured.
        faster: whether the figure is base / contender.
    """

    what: str
    least: float
    aim: float
    row: Row
    faster: bool = False

    @property
    def cells(self) -> tuple[str, ...]:
        """A row of the table of figures."""
        sign = "x" if self.faster else ""
        got, low, high = self.row.ratio, self.row.low, self.row.high
        if self.faster:
            got, low, high = 1 / got, 1 / high, 1 / low
        reached = got >= self.least if self.faster else got <= self.least
        aimed = got >= self.aim if self.faster else got <= self.aim
        verdict = "aim reached" if aimed else "reached" if reached else "not reached"
        return (
            self.what,
            f"{self.least}{sign}",
            f"{self.aim}{sign}",
            f"{got:.2f}{sign} [{low:.2f}, {high:.2f}]",
            verdict,
        )


@dataclass
class Part:
    """One comparison: a title, what stands above its table, and the figures that it decides."""

    title: str
    text: str
    comparison: Comparison
    per: int = 1
    figures: list[Figure] = field(default_factory=list)

    def markdown(self) -> str:
        """Title, text and table."""
        void = f"\n\nVoid: the A/A ratio is off by more than {VOID:.0%}." if self.comparison.void else ""
        return f"### {self.title}\n\n{self.text}{void}\n\n{table(self.comparison, 'us' if self.per > 1 else 'ms', self.per)}"


def multilayer_perceptron() -> Part:
    """Every contender on the cheapest step."""
    work = workloads.mlp().full_batches(400)
    contenders: dict[str, by.Measure] = {
        "by hand, tuned": by.raw_tuned(work),
        "by hand, tuned, `index_select`": by.raw_tuned(work, select=True),
        "by hand, plain": by.raw_plain(work),
        "Lightning, as people run it": by.lightning_usual(work),
        "Lightning, quiet, our loader": by.lightning_quiet(work),
        "Fabric": by.fabric(work),
        **({"accelerate": by.accelerate(work)} if by.available("accelerate") else {}),
        **({"skorch": by.skorch(work)} if by.available("skorch") else {}),
        "ours": by.ours(work),
        "ours, `self.log` of loss and accuracy": by.ours_logged(work),
        "ours, task of `projectkit train`": by.ours_task(work),
        "ours, whole step compiled": by.ours_task(work, program=WholeStep()),
    }
    if by.available("jax"):
        from contender_jax import jax_scan

        contenders["JAX, one jitted `lax.scan`"] = jax_scan(work)
    rows = compare(contenders, ROUNDS)
    figures = [
        Figure("MLP step against the tuned loop, no logging", 1.02, 1.00, rows["ours"]),
        Figure("the same, loss and accuracy logged", 1.05, 1.02, rows["ours, task of `projectkit train`"]),
        Figure("the same, whole step compiled", 0.65, 0.50, rows["ours, whole step compiled"]),
        Figure(
            "eager, logged, against Lightning as people run it",
            3.8,
            5.0,
            rows.between("ours, task of `projectkit train`", "Lightning, as people run it"),
            faster=True,
        ),
    ]
    if by.available("jax"):
        scan = rows.between("ours, whole step compiled", "JAX, one jitted `lax.scan`")
        figures.append(Figure("whole step compiled against a jitted JAX epoch", 1.10, 0.95, scan))
    return Part(
        "A multilayer perceptron",
        f"{work.note}, rows repeated to 400 batches of {work.batch_size}; no dropout.",
        rows,
        work.steps,
        figures,
    )


def character_network() -> Part:
    """The whole step on a network with a convolution over characters."""
    work = workloads.char_cnn().full_batches(20)
    rows = compare(
        {
            "by hand, tuned": by.raw_tuned(work),
            "Lightning, quiet, our loader": by.lightning_quiet(work),
            "ours": by.ours_task(work),
            "ours, whole step compiled": by.ours_task(work, program=WholeStep()),
        },
        ROUNDS,
    )
    figures = [Figure("char-CNN step, whole step compiled", 0.90, 0.80, rows["ours, whole step compiled"])]
    text = f"{work.note}, all padded to {workloads.LONGEST} characters: all compute the same; 20 batches of {work.batch_size}."
    return Part("A character network", text, rows, work.steps, figures)


def recurrent_network() -> Part:
    """Padding to a fixed length against batches cut to their longest, and batches of like length."""
    work = workloads.gru()
    padded = replace(work.padded(), model=workloads.seeded(workloads.PaddedGRU))
    rows = compare(
        {
            f"by hand, padded to {workloads.LONGEST}": by.raw_tuned(padded),
            "ours: cut to the longest of a batch, packed": by.ours_task(work),
            "ours, in buckets": by.ours_task(work, buckets=True),
        },
        max(6, ROUNDS // 2),
    )
    figures = [
        Figure(
            "GRU on domain names against padding, as it is by itself",
            3.5,
            4.2,
            rows["ours: cut to the longest of a batch, packed"],
            faster=True,
        ),
        Figure("the same in buckets", 3.5, 4.2, rows["ours, in buckets"], faster=True),
    ]
    text = (
        f"{work.note}; an epoch. Buckets make batches of like length, which on these data are batches of few classes: macro F1 on the "
        "validation subset falls from .80 to .66 (docs/data.md), so `data.buckets: auto` leaves them out here."
    )
    return Part("A recurrent network", text, rows, 1, figures)


def augmented_input() -> Part:
    """Batches of augmented images, and nothing else."""
    work = workloads.images().full_batches(16)
    rows = compare(
        {
            "PIL and torchvision, 0 workers": images.pil_input(work),
            "PIL and torchvision, 2 workers": images.pil_input(work, workers=2),
            "ours": images.our_input(work),
            "ours, compiled": images.our_input(work, compiled=True),
        },
        max(6, ROUNDS // 2),
    )
    best = min((rows["ours"], rows["ours, compiled"]), key=lambda row: row.ratio)
    figures = [Figure("augmented 32x32 images a second, against PIL with 0 workers", 25, 90, best, faster=True)]
    text = f"{work.note}, {len(work.data)} images: crop out of 4 pixels of padding, horizontal flip, standardised."
    return Part("Augmented images", text, rows, 1, figures)


def convolutional_network() -> Part:
    """Training with augmentation from end to end."""
    return _from_end_to_end("A convolutional network, colour images of 32x32", workloads.images().full_batches(8))


def fashion() -> Part:
    """The same on grey images of clothes."""
    return _from_end_to_end("The same on fashion_mnist", workloads.fashion().full_batches(8), named=" of fashion_mnist")


def _from_end_to_end(title: str, work: workloads.Workload, named: str = "") -> Part:
    rows = compare(
        {
            "DataLoader, PIL, eager": images.pil_training(work),
            "ours": images.our_training(work),
            "ours, channels last": images.our_training(work, channels_last=True),
        },
        max(6, ROUNDS // 2),
    )
    figures = [
        Figure(f"CNN{named} with augmentation, from end to end", 1.8, 2.3, rows["ours, channels last"], faster=True)
    ]
    return Part(
        title,
        f"{work.note}, 8 batches of {work.batch_size}, augmented as above.",
        rows,
        work.steps,
        figures,
    )


def adversarial() -> Part:
    """PGD with seven steps by the book, and ours."""
    work = workloads.images().full_batches(2)
    rows = compare(
        {
            "by the book": images.textbook_pgd(work, steps=7, epsilon=8 / 255),
            "ours": images.our_pgd(work, steps=7, epsilon=8 / 255),
            "ours, channels last": images.our_pgd(work, steps=7, epsilon=8 / 255, channels_last=True),
        },
        max(6, ROUNDS // 2),
    )
    best = min((rows["ours"], rows["ours, channels last"]), key=lambda row: row.ratio)
    figures = [Figure("PGD-7 against the textbook loop", 1.4, 2.0, best, faster=True)]
    return Part(
        "Adversarial training, PGD-7",
        f"{work.note}, 2 batches of {work.batch_size}, epsilon 8/255.",
        rows,
        work.steps,
        figures,
    )


def validation() -> Part:
    """A trained model over a set."""
    work = workloads.mlp().full_batches(400)
    rows = compare(
        {
            "by hand, `inference_mode`": by.raw_validation(work),
            "Lightning": by.trainer_validation(work, pl.Trainer),
            "ours": by.trainer_validation(work, pk.Trainer),
            "`projectkit evaluate`": by.evaluation(work),
        },
        ROUNDS,
    )
    figures = [
        Figure("validation against a bare loop, in the trainer", 1.05, 1.00, rows["ours"]),
        Figure("validation against a bare loop, `evaluate`", 1.05, 1.00, rows["`projectkit evaluate`"]),
    ]
    return Part("Validation", f"{work.note}, 400 batches of {work.batch_size}.", rows, work.steps, figures)


PARTS: Mapping[str, Callable[[], Part]] = {
    "mlp": multilayer_perceptron,
    "char_cnn": character_network,
    "gru": recurrent_network,
    "input": augmented_input,
    "cnn": convolutional_network,
    "fashion": fashion,
    "pgd": adversarial,
    "validation": validation,
}


def busy_machine() -> tuple[str, list[tuple[str, ...]]]:
    """How much slower an epoch becomes beside a busy process, by how torch's threads wait."""
    rows, figures = [], []
    for workload in ("mlp", "images"):
        for name, environment in busy.SETTINGS.items():
            measured = busy.slowdown(workload, environment, max(6, ROUNDS // 2))
            slower = measured["busy"]
            interval = f"{slower.low:.2f} to {slower.high:.2f}"
            rows.append(
                (
                    workload,
                    name,
                    f"{measured['quiet'].seconds * 1e3:,.0f} ms",
                    f"{slower.ratio:.2f}",
                    interval,
                    f"{measured.rows[1].ratio:.2f}",
                )
            )
            if name == busy.OURS[workload]:
                figures.append(Figure(f"slowdown beside a busy process, {workload}", 1.7, 1.4, slower).cells)
    head = ("workload", "threads", "an epoch, quiet", "beside a busy process", "95% interval", "A/A")
    return markdown_table(head, rows), figures


def main(wanted: list[str]) -> int:
    """Measure and write; 1 where the machine was too noisy. Names of parts measure those alone and only print them."""
    parts = []
    for name in wanted or PARTS:
        parts.append(PARTS[name]())
        print(parts[-1].markdown(), flush=True)
    figures = [figure.cells for part in parts for figure in part.figures]
    head = markdown_table(("figure", "at least", "aim", "measured [95%]", ""), figures)
    print(head)
    if not wanted:
        beside, more = busy_machine()
        head = markdown_table(("figure", "at least", "aim", "measured [95%]", ""), [*figures, *more])
        about = (
            f"{measured_on()}, torch {torch.__version__}, {torch.get_num_threads()} threads. Each contender trains one epoch in its turn, "
            f"{ROUNDS} rounds or half of that; ratios are to the first row of a table within a round, medians with a 95% interval (order "
            "statistics). `(A/A)` is the first row once more."
        )
        further = [
            f"### A machine that does something else\n\n{BUSY}\n\n{beside}",
            f"### Larger sets\n\n{GROWTH}\n\n{growth.section()}",
        ]
        write_section(
            "Training",
            "\n\n".join(
                [
                    about,
                    head,
                    f"### What is not reached, and why\n{WHY}",
                    *(part.markdown() for part in parts),
                    *further,
                ]
            ),
        )
    return int(any(part.comparison.void for part in parts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
