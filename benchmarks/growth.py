"""How cost grows with a set: ten times and a hundred times the rows, and more of them than the memory that is allowed.

Each line is a process of its own, so that its memory is its own. The images are mapped from a file, as every set of the catalogue is.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from results import markdown_table

ROWS = (1_000, 10_000, 100_000)
BATCH = 250
LIMIT_MIB = 160  # of private memory beyond what imports take; the largest set is 293 MiB
_PAGE = resource.getpagesize()


def write_images(path: Path, rows: int) -> None:
    """A file of so many 32x32 colour images of four kinds."""
    written = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(rows, 3, 32, 32))
    for part in range(0, rows, 10_000):
        written[part : part + 10_000, 0, 0, 0] = np.arange(part, min(rows, part + 10_000)) % 4


def lines() -> Iterator[tuple[str, ...]]:
    """Rows, way of input and limit of each measurement, with what it took."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        for rows in ROWS:
            write_images(path, rows)
            for way, limited in (("resident", False), ("stream", False), ("stream", True), ("resident", True)):
                if limited and rows != ROWS[-1]:
                    continue
                command = [sys.executable, __file__, str(path), way, "limited" if limited else "free"]
                done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
                what = f"{way}, at most {LIMIT_MIB} MiB" if limited else way
                yield (f"{rows:,}", what, *_cells(done.stdout))


def _cells(output: str) -> tuple[str, str, str]:
    if not output.strip():
        return "", "", "out of memory"
    took = json.loads(output)
    return f"{took['first_s'] * 1e3:,.0f} ms", f"{took['step_s'] * 1e6:,.0f} us", f"{took['private_mib']:,.0f} MiB"


def section() -> str:
    """The lines as Markdown."""
    head = ("rows", "input", "until the first batch", "a step", "private memory beyond imports")
    return markdown_table(head, lines())


def main(path: Path, way: str, *, limited: bool) -> None:
    """Train two epochs of a linear model on the images of a file; print what it took as JSON."""
    import contenders
    import pytorch_lightning as pl
    import torch

    import projectkit as pk
    from projectkit.data import DataModule
    from projectkit.datasets import Samples

    class Clock(pl.Callback):
        def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            self.began = time.perf_counter()

        def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            self.step_s = (time.perf_counter() - self.began) / trainer.global_step

    torch.set_num_threads(1)
    data = DataModule("synthetic_images", batch_size=BATCH, input=way)
    split = data.split
    before = _private_mib()
    if limited:
        taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5]) * _PAGE
        resource.setrlimit(resource.RLIMIT_DATA, (taken + (LIMIT_MIB << 20),) * 2)
    began = time.perf_counter()
    x = np.load(path, mmap_mode="r")
    rows = np.arange(len(x))
    data.samples = Samples(rows.astype(str), np.asarray(x), {data.target: rows % 4})
    data.split = replace(split, subsets={"train": rows[:-BATCH], "val": rows[-BATCH:]})
    task = pk.tasks.Classification(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 4)))
    next(iter(data.train_dataloader()))
    first_s = time.perf_counter() - began
    clock = Clock()
    with contenders.silent():
        trainer = pk.Trainer(
            max_epochs=2, accelerator="cpu", limit_val_batches=0, callbacks=[clock], **contenders.QUIET
        )
        trainer.fit(task, datamodule=data)
    print(json.dumps({"first_s": first_s, "step_s": clock.step_s, "private_mib": _private_mib() - before}))


def _private_mib() -> float:
    """Private memory of this process; pages of mapped files are the system's and not counted."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields["RssAnon"].split()[0]) / 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], limited=sys.argv[3] == "limited")
