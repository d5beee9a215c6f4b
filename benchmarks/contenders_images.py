"""Images: the usual pipeline of PIL images and torchvision transforms, and ours; adversarial training by the book, and ours."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from contenders import QUIET, RATE, live, plan, resident
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from workloads import DEVIATION, MEAN, Workload

import projectkit as pk
from projectkit.data import DataSpec
from projectkit.data.augmentation import AugmentationChain, RandomCrop, RandomHorizontalFlip

Measure = Callable[[], float]


class PilImages(Dataset[tuple[Tensor, int]]):
    """Images as torchvision's data sets give them: one PIL image at a time, through the transforms of every CIFAR tutorial."""

    def __init__(self, work: Workload) -> None:
        x, y = work.tensors
        self.images, self.labels = x.permute(0, 2, 3, 1).contiguous().numpy(), y.tolist()
        channels, side = x.shape[1], x.shape[2]
        self.transform = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.RandomCrop(side, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize([MEAN / 255] * channels, [DEVIATION / 255] * channels),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.images[index]), self.labels[index]


def pil_loader(work: Workload, workers: int = 0) -> DataLoader[Any]:
    """The usual loader over them."""
    return DataLoader(PilImages(work), batch_size=work.batch_size, shuffle=True, num_workers=workers)


def pil_input(work: Workload, workers: int = 0) -> Measure:
    """The batches of an epoch, and nothing else."""
    loader = pil_loader(work, workers)
    return lambda: drained(loader)


def drained(batches: Any) -> float:
    """Seconds to go through the batches."""
    began = time.perf_counter()
    for _ in batches:
        pass
    return time.perf_counter() - began


def pil_training(work: Workload) -> Measure:
    """The usual loop over the usual loader: eager, contiguous, AdamW."""
    model, loader = work.model(), pil_loader(work)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)

    def epoch() -> float:
        began = time.perf_counter()
        for inputs, labels in loader:
            loss = cross_entropy(model(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return time.perf_counter() - began

    return epoch


def textbook_pgd(work: Workload, steps: int, epsilon: float) -> Measure:
    """Adversarial training as it is widely copied: the whole loss goes backward at each inner step, weights included."""
    model = work.model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    x, y = work.tensors
    size = epsilon / 4

    def attacked(inputs: Tensor, labels: Tensor) -> Tensor:
        adversarial = inputs + torch.empty_like(inputs).uniform_(-epsilon, epsilon)
        for _ in range(steps):
            adversarial = adversarial.detach().requires_grad_()
            cross_entropy(model(normalised(adversarial)), labels).backward()
            assert adversarial.grad is not None
            moved = adversarial.detach() + size * adversarial.grad.sign()
            adversarial = torch.clamp(inputs + torch.clamp(moved - inputs, -epsilon, epsilon), 0, 1)
        return adversarial.detach()

    def epoch() -> float:
        began = time.perf_counter()
        order = torch.randperm(len(y))
        for start in range(0, len(y), work.batch_size):
            rows = order[start : start + work.batch_size]
            inputs, labels = x[rows].float() / 255, y[rows]
            loss = cross_entropy(model(normalised(attacked(inputs, labels))), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return time.perf_counter() - began

    return epoch


def normalised(x: Tensor) -> Tensor:
    """Pixels in [0, 1] as the network wants them."""
    return (x - MEAN / 255) / (DEVIATION / 255)


def our_input(work: Workload, *, compiled: bool = False) -> Measure:
    """Our batches of an epoch: resident as uint8, augmented and standardised as a whole."""
    loader = augmenting_loader(work, compiled=compiled)
    return lambda: drained(loader)


def augmenting_loader(work: Workload, *, compiled: bool = False) -> Any:
    """The same two augmentations as of the usual pipeline."""
    assert work.finish is not None
    spec = DataSpec("image", tuple(work.tensors[0].shape[1:]), work.classes, tuple(map(str, range(work.classes))))
    chain = AugmentationChain([RandomCrop(padding=4), RandomHorizontalFlip()], spec, work.finish)
    if compiled:
        chain.augment_fn = torch.compile(chain.augment_fn)
    return resident(work, augment=chain)


def our_training(work: Workload, *, channels_last: bool = False) -> Measure:
    """Our trainer over them: fused AdamW, eager."""
    task = classification(work, channels_last=channels_last)
    loader = augmenting_loader(work)
    return live(pk.Trainer, task, loader, **QUIET)


def our_pgd(work: Workload, steps: int, epsilon: float, *, channels_last: bool = False) -> Measure:
    """Our adversarial task under our trainer."""
    model = work.model()
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    task = pk.tasks.AdversarialClassification(
        model,
        plan(),
        method="pgd",
        steps=steps,
        epsilon=epsilon,
        inputs={"mean": [MEAN / 255] * 3, "scale": [DEVIATION / 255] * 3, "low": 0, "high": 1},
    )
    loader = resident(work)
    return live(pk.Trainer, task, loader, **QUIET)


def classification(work: Workload, *, channels_last: bool = False) -> pk.tasks.Classification:
    """The task of `projectkit train`."""
    model = work.model()
    return pk.tasks.Classification(model.to(memory_format=torch.channels_last) if channels_last else model, plan())
