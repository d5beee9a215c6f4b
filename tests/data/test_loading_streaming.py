"""Sets that are not held: the same batches, read from mapped columns, with less memory than the set has bytes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from projectkit.data import DataModule
from projectkit.data.encoders import ImageEncoder, SeriesEncoder
from projectkit.data.loading import EncodedByBatch, StreamLoader, TakenRows, choice
from projectkit.datasets import Samples, Table, Texts, Tokens

KINDS = [
    *[("text", unit) for unit in ("characters", "bytes", "words", "word_pieces")],
    *[(modality, None) for modality in ("tokens", "tabular", "image", "series")],
]


def same(first, second) -> bool:
    pairs = list(zip(first, second, strict=True))
    return len(pairs) > 1 and all(
        torch.equal(x, other_x) and torch.equal(y, other_y) for (x, y), (other_x, other_y) in pairs
    )


@pytest.mark.parametrize(("modality", "unit"), KINDS)
def test_streamed_batches_are_the_held_ones(small_set: Callable[..., str], modality: str, unit: str | None) -> None:
    name = small_set(modality)
    held, streamed = (DataModule(name, unit=unit, batch_size=50, input=kind) for kind in ("resident", "stream"))
    assert same(held.train_dataloader(), streamed.train_dataloader())
    assert same(held.subset_dataloader("train"), streamed.subset_dataloader("train"))
    assert not hasattr(streamed.train_dataloader().dataset.x, "values")


def test_loader_processes_give_the_same_batches_epoch_after_epoch(small_set: Callable[..., str]) -> None:
    name = small_set("text")
    alone, helped = (DataModule(name, batch_size=50, input="stream", num_workers=n) for n in (0, 2))
    first, second = alone.train_dataloader(), helped.train_dataloader()
    for epoch in range(2):
        for loader in (first, second):
            loader.sampler.set_epoch(epoch)
        assert same(first, second)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_epoch_that_is_left_in_its_middle_and_resumed_goes_on_there(
    small_set: Callable[..., str], num_workers: int
) -> None:
    data = DataModule(small_set("image"), batch_size=20, input="stream", num_workers=num_workers)
    whole = data.train_dataloader()
    whole.sampler.set_epoch(3)
    expected = list(whole)
    next(iter(whole))  # left behind: the next pass is whole all the same
    assert same(whole, expected)
    data.start = (3, 2)
    assert same(data.train_dataloader(), expected[2:])


@pytest.mark.parametrize("modality", ["text", "tokens", "tabular", "image"])
def test_a_loader_process_is_told_the_names_of_mapped_files_and_not_their_content(
    small_set: Callable[..., str], tmp_path: Path, modality: str
) -> None:
    data = DataModule(small_set(modality))
    rows, x = data.split.subsets["train"], mapped(data.samples, tmp_path).x
    here = EncodedByBatch(x, rows, data.encoder)
    sent = pickle.dumps(here)
    there = pickle.loads(sent)
    asked = torch.tensor([5, 0, 3, 3])
    assert torch.equal(there.gather(asked), here.gather(asked))
    fitted = len(pickle.dumps(data.encoder))
    assert len(sent) < rows.nbytes + fitted + 1_500  # the columns of these small sets have 2 to 16 kB
    assert len(pickle.dumps(EncodedByBatch(data.samples.x, rows, data.encoder))) > len(
        sent
    )  # what is not mapped is copied
    for array in arrays(there.columns):
        assert not array.flags.writeable


def mapped(samples: Samples, folder: Path) -> Samples:
    """The same samples with every column of x mapped from a file, as the cache gives them."""
    number = iter(range(100))

    def through_a_file(array: np.ndarray) -> np.ndarray:
        path = folder / f"{next(number)}.npy"
        np.save(path, array)
        return np.asarray(np.load(path, mmap_mode="r"))

    x = samples.x
    if isinstance(x, np.ndarray):
        return replace(samples, x=through_a_file(x))
    names = {Texts: ("values", "offsets"), Tokens: ("values", "offsets"), Table: ("numeric", "categorical")}[type(x)]
    return replace(samples, x=replace(x, **{name: through_a_file(getattr(x, name)) for name in names}))


def arrays(columns) -> list[np.ndarray]:
    if isinstance(columns, np.ndarray):
        return [columns]
    return [each for each in vars(columns).values() if isinstance(each, np.ndarray)]


def test_part_of_a_mapped_file_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(60, dtype=np.uint8).reshape(20, 1, 1, 3))
    whole = np.load(tmp_path / "x.npy", mmap_mode="r")
    encoder = ImageEncoder([0.0], [1.0], [1, 1, 3])
    for part in (whole[5:], whole[::2], np.asarray(whole)[3:9]):
        there = pickle.loads(pickle.dumps(EncodedByBatch(part, np.arange(len(part)), encoder)))
        assert np.array_equal(there.columns, part)


@pytest.mark.parametrize(("modality", "encoder"), [("image", ImageEncoder), ("series", SeriesEncoder)])
def test_what_is_fitted_on_rows_read_slice_by_slice_is_what_their_copy_gives(
    small_set: Callable[..., str], monkeypatch: pytest.MonkeyPatch, modality: str, encoder: type
) -> None:
    monkeypatch.setattr("projectkit.data.encoders.channels.BLOCK", 1_000)  # several samples, and not a divisor of them
    data = DataModule(small_set(modality))
    x, rows = data.samples.x, data.split.subsets["train"]
    sliced, copied = encoder.fit(TakenRows(x, rows)), encoder.fit(x[rows])
    assert sliced.digest == copied.digest
    inside = x[rows].astype(np.float64)
    assert np.allclose(copied.mean, inside.mean(axis=(0, *range(2, x.ndim))), rtol=1e-12)
    assert np.allclose(copied.scale, inside.std(axis=(0, *range(2, x.ndim))), rtol=1e-12)


@pytest.mark.parametrize(("modality", "unit"), KINDS)
def test_what_a_set_will_take_is_known_within_a_third_before_it_is_encoded(
    small_set: Callable[..., str], monkeypatch: pytest.MonkeyPatch, modality: str, unit: str | None
) -> None:
    monkeypatch.setattr(choice, "_PROBE", 64)
    data = DataModule(small_set(modality), unit=unit)
    told = choice.encoded_bytes(data.encoder, data.samples.x, data.split.subsets["train"])
    taken = data.subset_dataloader("train").dataset.x.values.nbytes
    assert 0.67 < told / taken < 1.5


@pytest.mark.parametrize(("free", "chosen"), [(10_000_000_000, "resident"), (30_000, "stream"), (None, "resident")])
def test_the_free_memory_decides_and_a_word_overrides_it(
    small_set: Callable[..., str], monkeypatch: pytest.MonkeyPatch, free: int | None, chosen: str
) -> None:
    monkeypatch.setattr(choice, "available_memory", lambda: free)
    name = small_set("tabular")
    assert DataModule(name).input == chosen
    for word in ("resident", "stream"):
        data = DataModule(name, input=word)
        assert data.input == word
        assert isinstance(data.train_dataloader(), StreamLoader) == (word == "stream")
    repeated = DataModule(name)
    repeated.input = "stream"  # as the record of the run that is repeated says
    assert isinstance(repeated.val_dataloader(), StreamLoader)


LARGER_THAN_ALLOWED = """
import resource, sys
import numpy as np, pytorch_lightning as pl, torch
from dataclasses import replace
from pathlib import Path
from projectkit.data import DataModule
from projectkit.datasets import Samples

rows, allowed = 100_000, 240 << 20  # 307 MB of images
path = Path(sys.argv[1]) / "x.npy"
written = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(rows, 3, 32, 32))
written[:, 0, 0, 0] = np.arange(rows) % 4
del written
y = np.arange(rows) % 4

def large(**arguments):
    data = DataModule("synthetic_images", batch_size=500, **arguments)
    split = data.split
    data.samples = Samples(np.arange(rows).astype(str), np.asarray(np.load(path, mmap_mode="r")), {data.target: y})
    data.split = replace(split, subsets={"train": np.arange(rows - 1_000), "val": np.arange(rows - 1_000, rows)})
    return data

class Linear(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net, self.rows = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 4)), 0
    def training_step(self, batch, index):
        self.rows += len(batch[0])
        return torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.01)

pages = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_DATA, (pages + allowed, pages + allowed))
for arguments in ({"input": "stream"}, {"input": "stream", "num_workers": 2}, {"input": "resident"}):
    model = Linear()
    trainer = pl.Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
                         enable_progress_bar=False, enable_model_summary=False, limit_val_batches=0)
    try:
        trainer.fit(model, datamodule=large(**arguments))
        print("trained on", model.rows)
    except MemoryError:
        print("out of memory")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit on private memory is Linux's")
def test_a_set_larger_than_the_memory_that_is_allowed_is_trained_through(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(LARGER_THAN_ALLOWED, encoding="utf-8")
    command = [sys.executable, str(script), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)
    # streamed without and with loader processes; held, it does not fit: the limit is one
    assert done.stdout.splitlines() == ["trained on 99000", "trained on 99000", "out of memory"], done.stderr[-2_000:]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
@pytest.mark.parametrize("num_workers", [0, 2])
def test_batches_that_are_copied_ahead_to_a_gpu_are_the_same(small_set: Callable[..., str], num_workers: int) -> None:
    name = small_set("text")
    here, there = (DataModule(name, batch_size=20, input="stream", num_workers=num_workers) for _ in range(2))
    there.device = torch.device("cuda")
    moved = [(x.cpu(), y.cpu()) for x, y in there.train_dataloader()]
    assert same(here.train_dataloader(), moved)
