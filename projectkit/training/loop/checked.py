"""What every program does: it looks which batches it covers, compares its first steps with the eager one, and goes back where it must.

| file | part |
|---|---|
| plain.py | the eager step that a program must equal, and which trainings cannot be served |
| shapes.py | which batches are covered |
| bound.py | where parameters and the optimiser's state are kept |
| arithmetic.py | what the optimisers compute |
| verify.py | the comparison |

Which steps a program makes depends on the batch's shape and on nothing that a resumed run would not know: full batches, as soon as the
optimiser has its state. The smaller last batch is run eagerly.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from projectkit.training.loop.arithmetic import written
from projectkit.training.loop.bound import Bound
from projectkit.training.loop.compiler import words_of
from projectkit.training.loop.hooks import overrides
from projectkit.training.loop.onegraph import Graph
from projectkit.training.loop.plain import PlainStep, refusal
from projectkit.training.loop.shapes import Gather, Key, Shapes, samples_of
from projectkit.training.loop.verify import Check

MAX_GRAPHS = 8  # compiles of one training; a task that needs more changes all the time
CHECKED_STEPS = 3  # of each graph


class CheckedProgram(ABC):
    """A `StepProgram` whose step is made by `build` once for each shape of batch."""

    name: str
    beside = False  # whether torch's optimiser makes its step itself, beside the program
    gathers = False  # whether row numbers can be handed over
    guards = True  # whether a step can be built `guarded`

    @abstractmethod
    def missing(self, device: torch.device) -> str | None:
        """What this machine lacks for it, in words; prepares it otherwise."""

    @abstractmethod
    def build(self, plain: PlainStep, bound: Bound, gather: Gather | None, written: Collection[str]) -> Graph:
        """A function `step(batch, parameters, state, rows)` that gives loss, notes and gradients, and has moved the rest.

        Args:
            plain: the eager step.
            bound: the parameters and state that the step is given.
            gather: makes a batch of row numbers; None: batches come whole.
            written: names of the buffers that a step changes, as batch normalisation does.
        """

    def __init__(self) -> None:
        self.takes_rows = False
        self.fallback: str | None = None
        self.guarded = False  # whether `build` is to see to it that a changed setting of the task is noticed
        self._bound: Bound | None = None
        self._graphs: dict[Key, Graph] = {}
        self._checked: dict[Key, int] = {}
        self._built = 0
        self._trained: frozenset[str] | None = None
        self._hook: RemovableHandle | None = None

    def start(self, trainer: pl.Trainer) -> str | None:
        """See `StepProgram.start`."""
        reason = refusal(trainer) or self.missing(trainer.strategy.root_device)
        if reason is not None:
            return reason
        self._plain = PlainStep(trainer)
        self._task, self._optimizer = self._plain.task, self._plain.optimizer
        self._shapes = Shapes(trainer.train_dataloader)
        self.takes_rows = self.gathers and self._shapes.gather is not None
        self._strangers = _strangers_at_each_batch(trainer)
        self.guarded = self._strangers
        self._groups, self._settings = _groups_of(self._plain), self._settings_now()
        # torch's own counters of steps are told late, see `Bound.tell`
        self._hook = self._optimizer.register_state_dict_pre_hook(lambda _: self._tell())
        return None

    def step(self, batch: Any, batch_idx: int) -> Tensor | None:
        """See `StepProgram.step`."""
        if batch_idx == 0 or self._strangers:
            self._look_again()
        if self.fallback is not None:
            return self._eagerly(batch)
        given, batch = batch, self._shapes.padded(batch)
        key = self._shapes.key_of(batch)
        if key is None:
            return self._eagerly(given)
        bound = self._bound
        if bound is None or not bound.is_current():
            bound = self._bind(given)
            if not bound.ready:  # torch makes the state in its first step
                return self._eagerly(given)
        if self._checked.get(key, 0) < CHECKED_STEPS:
            return self._run_checked(key, given, batch, bound)
        try:
            loss, noted, gradients = self._graphs[key](batch, bound.tensors, bound.state, bound.rows())
        except Exception as error:  # noqa: BLE001 # of the data, or of a compiler that was called again
            self._task.loss_of(self._shapes.whole(given))  # says in words what is wrong with a label or a token
            self._give_up(words_of(error))
            return self._eagerly(given)
        bound.stepped(gradients)
        self._task.note_step(loss, noted, self._shapes.full or 0)
        return loss

    def finish(self) -> None:
        """See `StepProgram.finish`."""
        self._tell()
        if self._hook is not None:
            self._hook.remove()

    def _eagerly(self, batch: Any) -> Tensor:
        self._tell()
        self._bound = None  # the optimiser counts on by itself
        return self._plain.step(self._shapes.whole(batch))

    def _bind(self, batch: Any) -> Bound:
        self._tell()
        if self._trained is None:
            everything = frozenset(name for name, _ in self._task.named_parameters())
            bound = Bound(self._task, self._optimizer, everything, beside=True)
            self._trained = Check(self._plain, bound).trained(self._shapes.whole(batch))
        self._bound = Bound(self._task, self._optimizer, self._trained, beside=self.beside)
        return self._bound

    def _run_checked(self, key: Key, given: Any, batch: Any, bound: Bound) -> Tensor:
        """One of a graph's first steps: built if need be, and compared with the eager step before it counts."""
        bound.tell()
        whole = self._shapes.whole(given)
        check = Check(self._plain, bound)
        check.expect(whole)
        try:
            graph = self._graphs.get(key) or self._build(key, bound, check, gathers=isinstance(batch, Tensor))
            (loss, noted, gradients), problem = check.run(
                lambda: graph(batch, bound.tensors, bound.state, bound.rows())
            )
        except Exception as error:  # noqa: BLE001 # a compiler may fail in any way; the training goes on without it
            problem = f"the step cannot be run as {self.name} ({words_of(error)})"
        if problem is not None:
            check.restore()
            self._give_up(problem)
            return self._eagerly(given)
        # a random step is compared by 2 x 8 runs: once is enough
        self._checked[key] = CHECKED_STEPS if check.is_random else self._checked.get(key, 0) + 1
        bound.stepped(gradients)
        self._task.note_step(loss, noted, samples_of(whole))
        return loss

    def _build(self, key: Key, bound: Bound, check: Check, *, gathers: bool) -> Graph:
        if self._built == MAX_GRAPHS:
            raise RuntimeError(f"more than {MAX_GRAPHS} graphs: shapes or settings keep changing")
        self._built += 1
        gather = self._shapes.gather if gathers else None
        self._graphs[key] = self.build(self._plain, bound, gather, check.written)
        return self._graphs[key]

    def _give_up(self, reason: str) -> None:
        self.fallback = reason
        self.takes_rows = False
        warnings.warn(f"steps are run eagerly from here on: {reason}", stacklevel=2)

    def _look_again(self) -> None:
        """Whether somebody changed what the graphs were made with: which parameters are trained, or a setting such as a rate of dropout.

        After the first change of a setting the graphs are guarded, which is to know what they depend on.
        """
        groups, settings = _groups_of(self._plain), self._settings_now()
        if groups == self._groups and settings == self._settings:
            return
        self._tell()
        self.guarded = self.guarded or settings != self._settings
        self._groups, self._settings = groups, self._settings_now()
        self._bound, self._trained, self._graphs, self._checked = None, None, {}, {}

    def _settings_now(self) -> tuple[Any, ...]:
        return () if self.guarded and self.guards else _settings_of(self._task)

    def _tell(self) -> None:
        if self._bound is not None:
            self._bound.tell()


def _strangers_at_each_batch(trainer: pl.Trainer) -> bool:
    """Whether somebody else's code runs between two batches and may change the task: then it is looked at before each."""
    hooks = ("on_train_batch_start", "on_train_batch_end")
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined] # set by Lightning in passing
    known = ("projectkit.", "pytorch_lightning.")
    strangers = [c for c in callbacks if not type(c).__module__.startswith(known)]
    module = trainer.lightning_module
    return any(overrides(c, Callback, hook) for c in strangers for hook in hooks) or (
        not type(module).__module__.startswith(known) and any(overrides(module, pl.LightningModule, h) for h in hooks)
    )


def _settings_of(task: Any) -> tuple[Any, ...]:
    """The plain attributes of the modules, which an unguarded graph takes for constant."""
    return tuple(
        (name, attribute, value)
        for name, module in task.named_modules()
        for attribute, value in vars(module).items()
        if isinstance(value, bool | int | float | str | tuple | None)
        and (name or not attribute.startswith("_"))  # those of the task are Lightning's own
    )


def _groups_of(plain: PlainStep) -> tuple[Any, ...]:
    """What is trained, and how the optimiser's groups are set but for their numbers."""
    trained = tuple((id(parameter), parameter.requires_grad) for parameter in plain.task.parameters())
    groups = plain.optimizer.param_groups
    arithmetic = written(plain.optimizer)
    switches = tuple((len(group["params"]), arithmetic.switches(group) if arithmetic else None) for group in groups)
    return trained, switches
