"""The arithmetic of torch's optimisers, written so that it can be compiled with the step.

Adam, AdamW and SGD stand here; state and settings stay torch's own (`optimizer.state`, `optimizer.param_groups`). Whatever changes from
step to step (rates, momenta, bias corrections) comes as a row of numbers, so that a scheduler never makes a graph stale.
`written` refuses what is not written here; such an optimiser makes its step itself, beside the graph.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer

Group = Mapping[str, Any]

# settings under which torch does something else than what is written below
_ODD = ("amsgrad", "maximize", "capturable", "differentiable")


class Arithmetic(ABC):
    """One optimiser's update of one parameter."""

    width: int  # numbers of a row
    counts_steps: bool  # whether torch keeps `step` in the state

    @abstractmethod
    def state_names(self, group: Group) -> tuple[str, ...]:
        """The tensors of `optimizer.state` that a parameter of this group needs."""

    @abstractmethod
    def switches(self, group: Group) -> tuple[bool, ...]:
        """What of the settings changes the graph itself, and not only its numbers."""

    @abstractmethod
    def numbers(self, group: Group, step: int) -> tuple[float, ...]:
        """The row for a step, counted from 1."""

    @abstractmethod
    def update(
        self, parameter: Tensor, gradient: Tensor, state: Sequence[Tensor], row: Tensor, on: Sequence[bool]
    ) -> None:
        """Change parameter and state in place.

        Args:
            parameter: of any shape.
            gradient: of the same shape.
            state: in the order of `state_names`.
            row: of `numbers`, (width,).
            on: the `switches`.
        """


class AdamArithmetic(Arithmetic):
    """Adam (Kingma & Ba 2015, algorithm 1) and AdamW (Loshchilov & Hutter 2019, algorithm 2), in the order of torch's fused kernel."""

    width = 7
    counts_steps = True

    def __init__(self, decoupled: bool) -> None:
        self.decoupled = decoupled

    def state_names(self, group: Group) -> tuple[str, ...]:
        """The two averages."""
        return ("exp_avg", "exp_avg_sq")

    def switches(self, group: Group) -> tuple[bool, ...]:
        """Whether weights decay."""
        return (group["weight_decay"] != 0,)

    def numbers(self, group: Group, step: int) -> tuple[float, ...]:
        """Decay, the averages' weights, both bias corrections and epsilon."""
        beta1, beta2 = group["betas"]
        rate, decay = group["lr"], group["weight_decay"]
        shrink = 1.0 - rate * decay if self.decoupled else decay
        correction = math.sqrt(1.0 - beta2**step)
        return shrink, 1.0 - beta1, beta2, 1.0 - beta2, correction, rate / (1.0 - beta1**step), group["eps"]

    def update(
        self, parameter: Tensor, gradient: Tensor, state: Sequence[Tensor], row: Tensor, on: Sequence[bool]
    ) -> None:
        """See `Arithmetic.update`."""
        mean, square = state
        shrink, new, keep_square, new_square, correction, size, epsilon = row.unbind()
        if on[0] and self.decoupled:
            parameter.mul_(shrink)
        elif on[0]:
            gradient = gradient + parameter * shrink
        mean.add_((gradient - mean) * new)
        square.mul_(keep_square).add_(gradient * gradient * new_square)
        parameter.sub_(size * mean / (square.sqrt() / correction + epsilon))


class SGDArithmetic(Arithmetic):
    """Stochastic gradient descent with momentum as torch has it (Sutskever et al. 2013 in torch's notation)."""

    width = 4
    counts_steps = False

    def state_names(self, group: Group) -> tuple[str, ...]:
        """The buffer, where there is momentum."""
        return ("momentum_buffer",) if group["momentum"] else ()

    def switches(self, group: Group) -> tuple[bool, ...]:
        """Decay, momentum, Nesterov's form."""
        return group["weight_decay"] != 0, group["momentum"] != 0, bool(group["nesterov"])

    def numbers(self, group: Group, step: int) -> tuple[float, ...]:
        """Rate, decay, momentum, weight of the gradient in the buffer."""
        return group["lr"], group["weight_decay"], group["momentum"], 1.0 - group["dampening"]

    def update(
        self, parameter: Tensor, gradient: Tensor, state: Sequence[Tensor], row: Tensor, on: Sequence[bool]
    ) -> None:
        """See `Arithmetic.update`."""
        decays, has_momentum, nesterov = on
        rate, decay, momentum, new = row.unbind()
        if decays:
            gradient = gradient + parameter * decay
        if has_momentum:
            buffer = state[0]
            buffer.mul_(momentum).add_(gradient * new)
            gradient = gradient + buffer * momentum if nesterov else buffer
        parameter.sub_(gradient * rate)


def written(optimizer: Optimizer) -> Arithmetic | None:
    """The arithmetic of an optimiser; None where it is not written here, or where somebody listens to its steps."""
    # set by register_step_pre_hook and register_step_post_hook, which have no public way to ask for them
    if getattr(optimizer, "_optimizer_step_pre_hooks", None) or getattr(optimizer, "_optimizer_step_post_hooks", None):
        return None
    for group in optimizer.param_groups:
        settings = [group["lr"], *group.get("betas", ())]
        if any(group.get(name) for name in _ODD) or any(isinstance(value, Tensor) for value in settings):
            return None
    # exactly these classes: a subclass may do anything
    if type(optimizer) in {Adam, AdamW}:
        decoupled = {group.get("decoupled_weight_decay", type(optimizer) is AdamW) for group in optimizer.param_groups}
        return AdamArithmetic(decoupled.pop()) if len(decoupled) == 1 else None
    return SGDArithmetic() if type(optimizer) is SGD else None
