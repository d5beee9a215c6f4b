"""Attacks along the gradient: one step (FGSM), one step from a random start (fast FGSM), many steps (PGD).

All of them are `perturb` with an `Attack`. The gradient is taken by `torch.autograd.grad` with respect to the perturbation alone; put
`frozen(model)` around the call, and the weights cost nothing either: of a textbook loop's work a third is gone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self

import torch
from torch import Tensor
from torch.nn import functional

from projectkit.attacks.space import InputSpace
from projectkit.errors import UserError

Norm = Literal["linf", "l2"]


@dataclass(frozen=True)
class Attack:
    """What an adversary does, in the units of the `InputSpace`.

    Args:
        epsilon: radius of the ball, 0 or more.
        steps: gradient steps, 1 or more.
        step_size: length of a step; None: 2.5 epsilon / steps, which reaches the edge of the ball from anywhere in it (Madry et al.).
        norm: of the ball: `linf`, each value by itself, or `l2`, all values of a sample together.
        random_start: whether the search begins at a random point of the ball, else at the sample itself.

    Raises:
        UserError: a number is out of its range.

    Source: Goodfellow, Shlens & Szegedy 2015, Explaining and harnessing adversarial examples (FGSM); Madry, Makelov, Schmidt, Tsipras &
    Vladu 2018, Towards deep learning models resistant to adversarial attacks (PGD).
    """

    epsilon: float
    steps: int = 7
    step_size: float | None = None
    norm: Norm = "linf"
    random_start: bool = True

    def __post_init__(self) -> None:
        checks = (
            ("epsilon", self.epsilon, is_number(self.epsilon) and self.epsilon >= 0, "a number, 0 or more"),
            ("steps", self.steps, type(self.steps) is int and self.steps >= 1, "a whole number, 1 or more"),
            (
                "step_size",
                self.step_size,
                self.step_size is None or (is_number(self.step_size) and self.step_size > 0),
                "a number above 0",
            ),
            ("norm", self.norm, self.norm in ("linf", "l2"), "linf or l2"),
        )
        for name, value, right, allowed in checks:
            if not right:
                raise UserError(f"{name} is {value!r}", where=name, remedy=f"write {allowed}")

    @classmethod
    def fgsm(cls, epsilon: float, norm: Norm = "linf") -> Self:
        """One step to the edge of the ball; the worst case of a linear model, a weak adversary of any other."""
        return cls(epsilon, 1, epsilon or 1.0, norm, random_start=False)

    @classmethod
    def fast(cls, epsilon: float, norm: Norm = "linf") -> Self:
        """One step of 1.25 epsilon from a random start.

        Source: Wong, Rice & Kolter 2020, Fast is better than free: revisiting adversarial training.
        """
        return cls(epsilon, 1, 1.25 * epsilon or 1.0, norm)

    @property
    def stride(self) -> float:
        """The length of a step."""
        return 2.5 * self.epsilon / self.steps if self.step_size is None else self.step_size


def perturb(
    model_fn: Callable[[Tensor], Tensor],
    x: Tensor,
    y: Tensor,
    attack: Attack,
    generator: torch.Generator | None = None,
    space: InputSpace | None = None,
) -> Tensor:
    """Inputs near `x` on which the cross-entropy is high.

    Args:
        model_fn: the network's input (batch, ...) to logits (batch, classes); a network, or a compiled one.
        x: the network's input, of a floating type.
        y: labels (batch,) int64, or probabilities (batch, classes).
        attack: what the adversary does.
        generator: of the random start, on the device of `x`; None: torch's own.
        space: the adversary's units and bounds; None: the network's own units without bounds.

    Returns:
        As `x`, detached: within the ball and, as far as `x` itself is, within the valid range.

    Raises:
        UserError: `x` holds whole numbers, such as token ids: there is nothing near a token.
    """
    if not x.is_floating_point():
        raise UserError(
            f"an input of type {str(x.dtype).removeprefix('torch.')} has no gradient",
            where="x",
            remedy="attack images, tables or series; token ids have no near neighbours",
        )
    x = x.detach()
    space = (space or InputSpace.of()).to(x)
    ball = _BALLS[attack.norm](attack, *space.room(x))
    delta = ball.start(x, generator) if attack.random_start else torch.zeros_like(x)
    delta.requires_grad_(True)
    for _ in range(attack.steps):
        with torch.enable_grad():
            # the sum and not the mean: a sample's gradient is then its own, whatever the batch, and float16 keeps it (of a batch of 32 that
            # was learnt to a loss of 4e-4, 0.03 % of the gradient was rounded to 0, of the mean's 0.8 %)
            loss = functional.cross_entropy(model_fn(space.moved(x, delta)), y, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, delta)
        with torch.no_grad():
            ball.step_(delta, gradient)
    return space.moved(x, delta.detach())


class _Box:
    """The L-infinity ball, cut to the valid range: bounds for each value, so that to stay inside is one clamp."""

    def __init__(self, attack: Attack, down: Tensor, up: Tensor) -> None:
        self.epsilon, self.stride = attack.epsilon, attack.stride
        self.down, self.up = down.clamp(min=-attack.epsilon), up.clamp(max=attack.epsilon)

    def start(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        delta = torch.empty_like(x).uniform_(-self.epsilon, self.epsilon, generator=generator)
        return torch.clamp(delta, self.down, self.up, out=delta)

    def step_(self, delta: Tensor, gradient: Tensor) -> None:
        delta.add_(gradient.sign_(), alpha=self.stride)
        torch.clamp(delta, self.down, self.up, out=delta)


class _Sphere:
    """The L2 ball of each sample; the valid range is kept last, which never leads out of the ball."""

    def __init__(self, attack: Attack, down: Tensor, up: Tensor) -> None:
        self.epsilon, self.stride = attack.epsilon, attack.stride
        self.down, self.up = down, up
        self.open = (down < 0) | (up > 0)

    def start(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Uniform in the ball: a normal direction, and a radius whose power is uniform."""
        delta = torch.empty_like(x).normal_(generator=generator).mul_(self.open)
        size = self.open.flatten(1).sum(dim=1).clamp(min=1)
        uniform = torch.rand(len(x), generator=generator, device=x.device, dtype=torch.float32)
        radius = self.epsilon * uniform ** (1.0 / size)
        return self._kept(delta.mul_(_per_sample(radius, x) / _lengths(delta)))

    def step_(self, delta: Tensor, gradient: Tensor) -> None:
        gradient = gradient.mul_(self.open)  # a fixed value takes no part of the step's length
        delta.add_(gradient / _lengths(gradient), alpha=self.stride)
        self._kept(delta)

    def _kept(self, delta: Tensor) -> Tensor:
        delta.mul_((self.epsilon / _lengths(delta)).clamp(max=1.0))
        return torch.clamp(delta, self.down, self.up, out=delta)


_BALLS: dict[str, type[_Box] | type[_Sphere]] = {"linf": _Box, "l2": _Sphere}


def is_number(value: Any) -> bool:
    """Whether this is a finite number, and not a truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _lengths(values: Tensor) -> Tensor:
    """The L2 norm of each sample, never 0, (batch, 1, ...); at least float32, since squares overflow in half precision."""
    precise = torch.promote_types(values.dtype, torch.float32)
    norms = torch.linalg.vector_norm(values.flatten(1), dim=1, dtype=precise)
    return _per_sample(norms.clamp(min=torch.finfo(precise).tiny), values)


def _per_sample(values: Tensor, like: Tensor) -> Tensor:
    return values.view(-1, *(1 for _ in like.shape[1:]))
