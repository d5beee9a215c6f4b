"""Free adversarial training: one backward pass gives the gradient of the weights and of the perturbation.

A batch is replayed m times. Each replay is a step of the optimiser on `x + delta`, and the same backward pass leaves the gradient of
`delta`, which the next replay goes along: an adversary at the price of none. The perturbation is carried on from batch to batch.

Source: Shafahi, Najibi, Ghiasi, Xu, Dickerson, Studer, Davis, Taylor & Goldstein 2019, Adversarial training for free!
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from projectkit.attacks.space import InputSpace


class Replay:
    """The batch that is replayed and the perturbation that is carried on.

    Args:
        epsilon: radius of the L-infinity ball, in the units of `space`; each step is as long, as published.
        replays: steps on each batch, 1 or more.
    """

    def __init__(self, epsilon: float, replays: int) -> None:
        self.epsilon = epsilon
        self.replays = replays
        self._batch: tuple[Tensor, Tensor] | None = None
        self._left = 0
        self._delta: Tensor | None = None

    def next(self, x: Tensor, y: Tensor, space: InputSpace) -> tuple[Tensor, Tensor]:
        """The batch of this step, perturbed: the one that is being replayed, or `(x, y)` where that has had its turns.

        The loss's backward pass must reach the result; the next call takes the gradient from there.

        Args:
            x: the network's input, (batch, ...), of a floating type.
            y: its labels.
            space: the adversary's units and bounds.

        Returns:
            The perturbed input, with the perturbation in its graph, and its labels.
        """
        self._climb()
        if self._batch is None or not self._left:
            self._batch, self._left = (x.detach(), y), self.replays
        self._left -= 1
        x, y = self._batch = self._batch[0].to(x.device), self._batch[1].to(x.device)  # a checkpoint's are on the CPU
        if self._delta is not None:
            self._delta = self._delta.to(x.device)
        if self._delta is None or self._delta.shape[1:] != x.shape[1:]:
            self._delta = torch.zeros_like(x)
        elif len(self._delta) < len(x):  # a training that began with a short batch
            self._delta = torch.cat([self._delta.detach(), torch.zeros_like(x[len(self._delta) :])])
        self._delta.requires_grad_(True)
        space = space.to(x)
        down, up = space.room(x)
        # a short batch uses the first rows, the others wait; clamped to the room of this batch, which the last one did not have
        return space.moved(x, torch.clamp(self._delta[: len(x)], down, up)), y

    def _climb(self) -> None:
        if self._delta is not None and self._delta.grad is not None:
            gradient, self._delta.grad = self._delta.grad, None
            with torch.no_grad():
                self._delta.add_(gradient.sign_(), alpha=self.epsilon).clamp_(-self.epsilon, self.epsilon)

    def state(self) -> dict[str, Any]:
        """What a training that goes on in the middle of a batch's replays needs."""
        self._climb()
        x, y = self._batch if self._batch is not None else (None, None)
        return {"x": x, "y": y, "left": self._left, "delta": None if self._delta is None else self._delta.detach()}

    def restore(self, state: dict[str, Any]) -> None:
        """The state of a checkpoint."""
        self._batch = None if state["x"] is None else (state["x"], state["y"])
        self._left, self._delta = state["left"], state["delta"]
