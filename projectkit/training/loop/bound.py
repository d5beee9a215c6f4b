"""Where torch keeps what a step changes: parameters, the optimiser's state and its settings, looked up once for a compiled step."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from projectkit.training.loop.arithmetic import Arithmetic, written


class Bound:
    """The trained parameters of an optimiser with their state; made anew where somebody exchanges one of them.

    Args:
        task: the module that the optimiser's parameters belong to.
        optimizer: torch's own.
        trained: names of the parameters that get a gradient.
        beside: whether the optimiser makes its step itself, also where its arithmetic is written.
    """

    def __init__(self, task: nn.Module, optimizer: Optimizer, trained: Collection[str], *, beside: bool) -> None:
        group_of = {id(p): number for number, group in enumerate(optimizer.param_groups) for p in group["params"]}
        found = [(n, p) for n, p in task.named_parameters() if n in trained and id(p) in group_of]
        self.optimizer = optimizer
        self.names = [name for name, _ in found]
        self.owners = [parameter for _, parameter in found]
        self.groups = [group_of[id(parameter)] for parameter in self.owners]
        self.tensors = [parameter.detach() for parameter in self.owners]  # the same memory, unknown to autograd
        self.arithmetic: Arithmetic | None = None if beside else written(optimizer)
        self.state: list[list[Tensor]] = []
        self.switches: list[tuple[bool, ...]] = []
        self.ready = True  # whether the optimiser has all its state; torch makes it in its first step
        self._on_cpu = all(tensor.device.type == "cpu" for tensor in self.tensors)
        self._state_then = optimizer.state
        self._pointers = [parameter.data_ptr() for parameter in self.owners]
        self._counters: list[Tensor] = []
        self._told: list[int] = []
        self._behind = 0
        if self.arithmetic is not None:
            self._find_state(self.arithmetic)

    def is_current(self) -> bool:
        """Whether all is where it was found: `load_state_dict` exchanges the state, an average of the weights may swap them."""
        return (
            self.ready
            and self.optimizer.state is self._state_then
            and [parameter.data_ptr() for parameter in self.owners] == self._pointers
        )

    def rows(self) -> Tensor | None:
        """The arithmetic's numbers for the next step, (groups, width) float32."""
        if self.arithmetic is None:
            return None
        numbers = self.arithmetic.numbers
        step = self._behind + 1
        rows = [numbers(g, told + step) for g, told in zip(self.optimizer.param_groups, self._told, strict=True)]
        made = torch.from_numpy(np.array(rows, np.float32))
        return made if self._on_cpu else made.to(self.tensors[0].device)

    def stepped(self, gradients: Sequence[Tensor]) -> None:
        """A graph has run: count the step, or let the optimiser make it."""
        if self.arithmetic is not None:
            self._behind += 1
            return
        for parameter, gradient in zip(self.owners, gradients, strict=True):
            parameter.grad = gradient
        self.optimizer.step()
        self.optimizer.zero_grad()

    def tell(self) -> None:
        """Bring the state's own step counters up to date: adding to each at every step would cost an MLP 4 us of 100."""
        for counter in self._counters:
            counter.add_(self._behind)
        self._told = [told + self._behind for told in self._told]
        self._behind = 0

    def _find_state(self, arithmetic: Arithmetic) -> None:
        groups, state = self.optimizer.param_groups, self.optimizer.state
        self.switches = [arithmetic.switches(group) for group in groups]
        counted: list[set[int]] = [set() for _ in groups]
        for parameter, number in zip(self.owners, self.groups, strict=True):
            kept = state.get(parameter, {})
            tensors = [kept.get(name) for name in arithmetic.state_names(groups[number])]
            if any(tensor is None for tensor in tensors):
                self.ready = False
                return
            self.state.append(tensors)
            if arithmetic.counts_steps:
                self._counters.append(kept["step"])
                counted[number].add(int(kept["step"]))
        if any(len(steps) > 1 for steps in counted):  # a group whose parameters were not always trained together
            self.arithmetic, self.state = None, []
            return
        self._told = [steps.pop() if steps else 0 for steps in counted]
