"""A stop watch for the phases of one batch."""

from __future__ import annotations

import time

import torch


class Watch:
    """Seconds by phase since it was made; on CUDA each look waits for the device, so few batches are timed.

    Args:
        device: that computes.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def mark(self, phase: str) -> None:
        """What went by since the last mark was this phase."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        now = time.perf_counter()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self._last
        self._last = now
