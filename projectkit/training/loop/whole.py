"""The whole step as one compiled graph: gather, forward, backward, clipping, and the optimiser's arithmetic.

On small models most of an eager step is the price of calling some eighty operations; one graph calls a few kernels. Parameters, buffers
and the optimiser's state stay where torch keeps them and are changed in place, so checkpoints, schedulers and callbacks see what they
always see.

| file | part |
|---|---|
| plain.py | the eager step that this one must equal, and who cannot be served |
| bound.py | where parameters and state are kept |
| arithmetic.py | what the optimisers compute |
| onegraph.py | the step as a function that can be compiled |
| verify.py | the comparison on the first steps |
| compiler.py | torch.compile |

Which steps are compiled depends on the batch's shape and on nothing that a resumed run would not know: full batches are, as soon as the
optimiser has its state; the smaller last one is run eagerly.
"""

from __future__ import annotations

import warnings
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from projectkit.data.batches import EncodedArray
from projectkit.training.loop.arithmetic import written
from projectkit.training.loop.bound import Bound
from projectkit.training.loop.compiler import keep_compiled, missing_compiler, words_of
from projectkit.training.loop.hooks import overrides
from projectkit.training.loop.onegraph import Gather, Graph, one_graph
from projectkit.training.loop.plain import PlainStep, refusal, samples_of, tensors_of
from projectkit.training.loop.verify import Check

MAX_GRAPHS = 8  # compiles of one training; a task that needs more changes all the time
CHECKED_STEPS = 3  # of each graph

Key = tuple[Any, ...]


class WholeStep:
    """See `StepProgram`; `takes_rows` where the training set is resident and its samples have one shape."""

    name = "whole"

    def __init__(self) -> None:
        self.takes_rows = False
        self.fallback: str | None = None
        self._bound: Bound | None = None
        self._graphs: dict[Key, Graph] = {}
        self._checked: dict[Key, int] = {}
        self._compiled = 0
        self._trained: frozenset[str] | None = None
        self._hook: RemovableHandle | None = None

    def start(self, trainer: pl.Trainer) -> str | None:
        """See `StepProgram.start`."""
        reason = refusal(trainer) or missing_compiler(trainer.strategy.root_device)
        if reason is not None:
            return reason
        keep_compiled()
        self._plain = PlainStep(trainer)
        self._task, self._optimizer = self._plain.task, self._plain.optimizer
        self._gather = _gather_of(trainer.train_dataloader)
        self.takes_rows = self._gather is not None
        self._full = _batch_size_of(trainer.train_dataloader)
        self._strangers = _strangers_at_each_batch(trainer)
        self._guarded = self._strangers
        self._groups, self._settings = _groups_of(self._plain), () if self._guarded else _settings_of(self._task)
        # torch's own counters of steps are told late, see `Bound.tell`
        self._hook = self._optimizer.register_state_dict_pre_hook(lambda _: self._tell())
        return None

    def step(self, batch: Any, batch_idx: int) -> Tensor | None:
        """See `StepProgram.step`."""
        if batch_idx == 0 or self._strangers:
            self._look_again()
        key = self._key_of(batch)
        if key is None or self.fallback is not None:
            return self._eagerly(batch)
        bound = self._bound
        if bound is None or not bound.is_current():
            bound = self._bind(batch)
            if not bound.ready:  # torch makes the state in its first step
                return self._eagerly(batch)
        if self._checked.get(key, 0) < CHECKED_STEPS:
            return self._run_checked(key, batch, bound)
        try:
            loss, noted, gradients = self._graphs[key](batch, bound.tensors, bound.state, bound.rows())
        except Exception as error:  # noqa: BLE001 # of the data, or of a compiler that was called again
            self._task.loss_of(self._whole(batch))  # says in words what is wrong with a label or a token
            self._give_up(words_of(error))
            return self._eagerly(batch)
        bound.stepped(gradients)
        self._task.note_step(loss, noted, self._full or 0)
        return loss

    def finish(self) -> None:
        """See `StepProgram.finish`."""
        self._tell()
        if self._hook is not None:
            self._hook.remove()

    def _key_of(self, batch: Any) -> Key | None:
        """What a graph is compiled for; None for a batch that is run eagerly."""
        parts = (batch,) if isinstance(batch, Tensor) else tuple(tensors_of(batch))
        if not parts or not all(isinstance(part, Tensor) for part in parts):
            return None
        if self._full is None:  # a loader that does not say it: its first batch does
            self._full = samples_of(batch)
        if not parts[0].ndim or len(parts[0]) != self._full:
            return None
        return tuple((part.shape, part.stride(), part.dtype) for part in parts)

    def _eagerly(self, batch: Any) -> Tensor:
        self._tell()
        self._bound = None  # the optimiser counts on by itself
        return self._plain.step(self._whole(batch))

    def _whole(self, batch: Any) -> Any:
        """The batch of row numbers; any other as it is."""
        return self._gather(batch) if self._gather is not None and isinstance(batch, Tensor) else batch

    def _bind(self, batch: Any) -> Bound:
        self._tell()
        if self._trained is None:
            everything = frozenset(name for name, _ in self._task.named_parameters())
            self._trained = Check(self._plain, Bound(self._task, self._optimizer, everything)).trained(
                self._whole(batch)
            )
        self._bound = Bound(self._task, self._optimizer, self._trained)
        return self._bound

    def _run_checked(self, key: Key, batch: Any, bound: Bound) -> Tensor:
        """One of a graph's first steps: compiled if need be, and compared with the eager step before it counts."""
        bound.tell()
        whole = self._whole(batch)
        check = Check(self._plain, bound)
        check.expect(whole)
        try:
            graph = self._graphs.get(key) or self._compile(key, bound, check, gathers=whole is not batch)
            (loss, noted, gradients), problem = check.run(
                lambda: graph(batch, bound.tensors, bound.state, bound.rows())
            )
        except Exception as error:  # noqa: BLE001 # a compiler may fail in any way; the training goes on without it
            problem = f"the step cannot be compiled whole ({words_of(error)})"
        if problem is not None:
            check.restore()
            self._give_up(problem)
            return self._eagerly(batch)
        # a random step is compared by 2 x 8 runs: once is enough
        self._checked[key] = CHECKED_STEPS if check.is_random else self._checked.get(key, 0) + 1
        bound.stepped(gradients)
        self._task.note_step(loss, noted, samples_of(whole))
        return loss

    def _compile(self, key: Key, bound: Bound, check: Check, *, gathers: bool) -> Graph:
        if self._compiled == MAX_GRAPHS:
            raise RuntimeError(f"more than {MAX_GRAPHS} graphs: shapes or settings keep changing")
        self._compiled += 1
        gather = self._gather if gathers else None
        self._graphs[key] = one_graph(self._plain, bound, gather, check.written, guarded=self._guarded)
        return self._graphs[key]

    def _give_up(self, reason: str) -> None:
        self.fallback = reason
        self.takes_rows = False
        warnings.warn(f"steps are run eagerly from here on: {reason}", stacklevel=2)

    def _look_again(self) -> None:
        """Whether somebody changed what the graphs were made with: which parameters are trained, or a setting such as a rate of dropout.

        After the first change of a setting the graphs are guarded by torch, which knows what they depend on.
        """
        groups, settings = _groups_of(self._plain), () if self._guarded else _settings_of(self._task)
        if groups == self._groups and settings == self._settings:
            return
        self._tell()
        self._guarded = self._guarded or settings != self._settings
        self._groups, self._settings = groups, () if self._guarded else settings
        self._bound, self._trained, self._graphs, self._checked = None, None, {}, {}

    def _tell(self) -> None:
        if self._bound is not None:
            self._bound.tell()


def _gather_of(loader: Any) -> Gather | None:
    """How a loader makes a batch of row numbers, where every batch has one shape; see `ResidentLoader`."""
    inputs = getattr(getattr(loader, "dataset", None), "x", None)
    return loader.batch_of if type(inputs) is EncodedArray and hasattr(loader, "batch_of") else None


def _batch_size_of(loader: Any) -> int | None:
    """Samples of a full batch, where the loader says it."""
    for owner in (loader, getattr(loader, "batch_sampler", None), getattr(loader, "sampler", None)):
        size = getattr(owner, "batch_size", None)
        if isinstance(size, int):
            return size
    return None


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
