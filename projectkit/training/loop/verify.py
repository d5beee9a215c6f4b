"""Whether a program does what the eager step does: compared on the batches that are trained on, before their step counts.

A compiled step rounds differently, so it is held to a tolerance and not to bits. Where a step draws random numbers (dropout), compiled
and eager draw different ones: then a sample of each is compared, mean against mean, by the spread within them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from projectkit.training.loop.bound import Bound
from projectkit.training.loop.plain import PlainStep, gradient_of

SAMPLES = 8  # of each side, where a step is random
TOLERANCE = 1e-3  # of a tensor's norm; TF32 and the order of sums stay below, a wrong factor does not
TOLERANCE_MIXED = 5e-2  # bfloat16 has 8 bits
# How far the means of two samples may be apart, in the squared distance that chance alone is expected to give; how much their spreads
# may differ. Eager steps compared with eager steps stay within both.
_APART = 16.0
_SPREAD = 16.0

Values = Mapping[str, Tensor]
"""What a step computed: `loss`, notes, gradients and changed buffers, by name."""

Outcome = tuple[Tensor, Mapping[str, Tensor], Sequence[Tensor]]
"""Loss, notes and the gradients of the bound parameters, as a graph gives them."""


class Check:
    """One step run both ways. Made before the step; whatever is run for comparison leaves no trace.

    Args:
        plain: the eager step.
        bound: the parameters and the state that the program changes.
    """

    def __init__(self, plain: PlainStep, bound: Bound) -> None:
        self._plain = plain
        self._bound = bound
        self._buffers = dict(plain.task.named_buffers())
        state = [tensor for tensors in bound.state for tensor in tensors]
        self._before = Snapshot([*bound.tensors, *self._buffers.values(), *state])
        self._expected: list[Values] = []
        self.written: frozenset[str] = frozenset()  # buffers that a step changes; known after `expect`

    @property
    def is_random(self) -> bool:
        """Whether the eager step gave different values at different random states."""
        return len(self._expected) > 1

    def restore(self) -> None:
        """As before the step."""
        self._before.restore()

    def trained(self, batch: Any) -> frozenset[str]:
        """Names of the bound parameters that the eager step gives a gradient."""
        with self._before.undone():
            self._plain.gradients(batch)
            owners = zip(self._bound.names, self._bound.owners, strict=True)
            names = frozenset(name for name, parameter in owners if parameter.grad is not None)
            self._plain.optimizer.zero_grad()
        return names

    def expect(self, batch: Any) -> None:
        """Run the eager step, without the optimiser's part: twice, and more often where it is random."""
        versions = {name: buffer._version for name, buffer in self._buffers.items()}
        twice = self._sample(lambda: self._eager(batch), 2)
        # moved on by every change in place, also by that of putting it back
        restored = len(twice)
        self.written = frozenset(n for n, b in self._buffers.items() if b._version - versions[n] > restored)
        same = all(torch.equal(twice[0][name], twice[1][name]) for name in twice[0])
        self._expected = twice[:1] if same else self._sample(lambda: self._eager(batch), SAMPLES)

    def run(self, program: Callable[[], Outcome]) -> tuple[Outcome, str | None]:
        """Run the program's step, and say what is wrong with it: None where it may stand; else `restore`.

        Args:
            program: makes a step, all but its note.
        """
        tolerance = TOLERANCE_MIXED if self._plain.mixed else TOLERANCE
        problem = None
        if self.is_random:
            seen = self._sample(lambda: self._values(program()), SAMPLES)
            problem = difference_in_the_mean(self._expected, seen, tolerance)
        outcome = program()
        if not self.is_random:
            problem = difference(self._expected[0], self._values(outcome), tolerance)
        return outcome, problem or self._difference_of_the_update(outcome[2])

    def _eager(self, batch: Any) -> Values:
        loss, noted = self._plain.gradients(batch)
        gradients = [gradient_of(parameter).clone() for parameter in self._bound.owners]
        self._plain.optimizer.zero_grad()
        return self._values((loss, noted, gradients))

    def _values(self, outcome: Outcome) -> Values:
        loss, noted, gradients = outcome
        return {
            "loss": loss,
            **{f"note {name}": value for name, value in noted.items()},
            **{f"gradient of {name}": value for name, value in zip(self._bound.names, gradients, strict=True)},
            **{f"buffer {name}": buffer.clone() for name, buffer in self._buffers.items()},
        }

    def _sample(self, values: Callable[[], Values], count: int) -> list[Values]:
        """What a step gives from different random states; nothing of it remains."""
        samples = []
        for seed in range(count):
            with self._before.undone(seed):
                samples.append(values())
        return samples

    @torch.no_grad()
    def _difference_of_the_update(self, gradients: Sequence[Tensor]) -> str | None:
        """Whether parameters and state went where torch's optimiser leads copies of them with the same gradients."""
        bound = self._bound
        if bound.arithmetic is None:  # torch's optimiser itself will make the step
            return None
        count = len(bound.tensors)
        kept = self._before.kept
        start, state = kept[:count], kept[len(kept) - sum(map(len, bound.state)) :]
        moved, states = updated(bound, start, state, gradients)
        if not _moved_alike(start, bound.tensors, moved):
            return f"the parameters are not where {type(bound.optimizer).__name__} leads them"
        if not _moved_alike(state, [tensor for tensors in bound.state for tensor in tensors], states):
            return f"the state of {type(bound.optimizer).__name__} is not what the optimiser itself would have"
        return None


class Snapshot:
    """Tensors and the random state as they are now.

    Args:
        tensors: what a step may change.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._tensors = list(tensors)
        self.kept = [tensor.detach().clone() for tensor in tensors]
        self._cuda = [torch.device(name) for name in {str(tensor.device) for tensor in tensors if tensor.is_cuda}]
        self._random = torch.get_rng_state()
        self._cuda_random = [torch.cuda.get_rng_state(device) for device in self._cuda]

    @torch.no_grad()
    def restore(self) -> None:
        """Put everything back."""
        for tensor, kept in zip(self._tensors, self.kept, strict=True):
            tensor.copy_(kept)
        torch.set_rng_state(self._random)
        for device, state in zip(self._cuda, self._cuda_random, strict=True):
            torch.cuda.set_rng_state(state, device)

    @contextmanager
    def undone(self, seed: int | None = None) -> Iterator[None]:
        """Run something and put everything back; with a seed, from other random numbers than the step's own."""
        if seed is not None:
            torch.manual_seed(seed)
        try:
            yield
        finally:
            self.restore()


def difference(eager: Values, program: Values, tolerance: float) -> str | None:
    """The first value that differs by more than the tolerance, in words; None where none does."""
    # a gradient that is zero but for rounding (a bias before batch normalisation) is measured against all of them
    gradients = [value.double().norm() for name, value in eager.items() if name.startswith("gradient")]
    floor = 1e-2 * float(torch.stack(gradients).norm())
    for name, value in eager.items():
        seen, expected = program[name].double(), value.double()
        if not torch.isfinite(expected).all() and not torch.isfinite(seen).all():
            continue  # a training that diverges does so eagerly as well
        scale = max(float(expected.norm()), floor if name.startswith("gradient") else 1e-6)
        counted = 0.0 if value.is_floating_point() else 1.0  # two logits that are equal but for rounding
        apart = float((seen - expected).norm())
        if not apart <= tolerance * scale + counted:
            return f"{name} is {apart / scale:.1e} of its size away from the eager step's"
    return None


def difference_in_the_mean(eager: Sequence[Values], program: Sequence[Values], tolerance: float) -> str | None:
    """The same for samples of a random step: all gradients together, then the loss."""
    for prefix in ("gradient", "loss"):
        ours, theirs = _stacked(program, prefix), _stacked(eager, prefix)
        if not torch.isfinite(theirs).all():
            continue
        apart = float((ours.mean(0) - theirs.mean(0)).square().sum())
        spread, expected = float(ours.var(0).sum()), float(theirs.var(0).sum())
        by_chance = (spread + expected) / len(eager)
        near = (tolerance * float(theirs.mean(0).norm())) ** 2
        if not apart <= _APART * by_chance + near:
            return f"the mean {prefix} of {len(eager)} random steps is away from the eager one's"
        if prefix == "gradient" and not expected / _SPREAD <= spread <= _SPREAD * expected:
            return f"{len(eager)} random steps spread {spread / max(expected, 1e-30):.1e} times as much as eager ones"
    return None


def updated(
    bound: Bound, start: Sequence[Tensor], state: Sequence[Tensor], gradients: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Where torch's own optimiser leads copies of the parameters, and the state that it then has.

    Args:
        bound: whose optimiser is left as it is.
        start: the parameters before the step.
        state: all their state before the step, parameter after parameter.
        gradients: one a parameter.
    """
    copies = [parameter.clone() for parameter in start]
    of_group: list[list[Tensor]] = [[] for _ in bound.optimizer.param_groups]
    for copy, gradient, group in zip(copies, gradients, bound.groups, strict=True):
        copy.grad = gradient.clone()
        of_group[group].append(copy)
    groups = [{**g, "params": p} for g, p in zip(bound.optimizer.param_groups, of_group, strict=True) if p]
    kind: Any = type(bound.optimizer)  # Adam, AdamW or SGD: their groups hold all their settings
    twin: Optimizer = kind(groups)
    tensors = iter(state)
    for copy, owner, used in zip(copies, bound.owners, bound.state, strict=True):
        kept = bound.optimizer.state.get(owner, {})  # reading by key would make an entry
        names = [name for name, value in kept.items() if any(value is each for each in used)]
        twin.state[copy] = {name: next(tensors).clone() for name in names}
        if "step" in kept:
            twin.state[copy]["step"] = kept["step"].clone()
    ordered = [[*twin.state[copy]][: len(kept)] for copy, kept in zip(copies, bound.state, strict=True)]
    twin.step()
    return copies, [twin.state[copy][name] for copy, names in zip(copies, ordered, strict=True) for name in names]


def _moved_alike(start: Sequence[Tensor], ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> bool:
    """Whether tensors went to the same place: within a thousandth of the way, or the last digits of their values."""
    for before, mine, other in zip(start, ours, theirs, strict=True):
        if not torch.isfinite(other).all():
            continue
        way = float((other - before).double().norm())
        digits = 8 * torch.finfo(before.dtype).eps * float(before.double().norm())
        if not float((mine - other).double().norm()) <= TOLERANCE * way + digits:
            return False
    return True


def _stacked(outcomes: Sequence[Values], prefix: str) -> Tensor:
    """(samples, values) of everything whose name begins so."""
    rows = [[v.double().flatten() for name, v in one.items() if name.startswith(prefix)] for one in outcomes]
    return torch.stack([torch.cat(row) for row in rows])
