"""Lightning's epoch loop, run without what Lightning spends on itself in each step.

A batch can run in three ways. In a **segment**: a tight loop over batches at whose boundaries nobody looks. As a **single**: with every
hook that somebody has, logs and counters, in Lightning's order. Or in **Lightning's own** `advance`, where something is not covered
(`coverage.py`). Before each batch, `due.py` says how many may run before somebody looks; the first and the last batch of an epoch are
always singles. What comes after a batch (validation, the end on SIGTERM) stays Lightning's `on_advance_end`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl

from projectkit.training.loop.batches import BatchSource
from projectkit.training.loop.clock import Clock
from projectkit.training.loop.counters import Settled, Tally
from projectkit.training.loop.coverage import not_covered
from projectkit.training.loop.deferred_log import DeferredLog
from projectkit.training.loop.due import always_due, batches_until_event, position
from projectkit.training.loop.eager import EagerStep
from projectkit.training.loop.hooks import LiveHooks
from projectkit.training.loop.lightning_names import EpochLoop, Fetcher, connector
from projectkit.training.loop.program import StepProgram
from projectkit.training.loop.programmed import ProgrammedStep
from projectkit.training.loop.report import LoopReport
from projectkit.training.loop.running import Runner
from projectkit.training.loop.segment import run_segment
from projectkit.training.loop.single import run_single
from projectkit.training.loop.watch import Watch

SEGMENT_S = 0.25  # a segment's length in time: how long a signal or a bar waits at most


class SegmentEpochLoop(EpochLoop):
    """Takes the place of Lightning's epoch loop in a Trainer.

    Args:
        trainer: whose batches it runs.
        min_steps: as Lightning's.
        max_steps: as Lightning's.
        program: that runs whole steps in place of the eager one, where it can.
    """

    # behind while a segment runs, brought up to date when they are read
    batch_progress = Settled("settle")
    scheduler_progress = Settled("settle")
    automatic_optimization = Settled("settle")
    _batches_that_stepped = Settled("settle")
    _results = Settled("flush")

    def __init__(
        self, trainer: pl.Trainer, min_steps: int | None = None, max_steps: int = -1, program: StepProgram | None = None
    ) -> None:
        super().__init__(trainer, min_steps=min_steps, max_steps=max_steps)
        self.running: Runner | None = None
        self.pace_s = 0.0  # seconds a batch, lately
        self.program = program
        self.report: LoopReport | None = None
        self.clock: Clock | None = None
        self.eager_step: Callable[..., EagerStep] = EagerStep
        self.until_due: Callable[[], int] | None = None  # batches that may run before `between.py` tells somebody
        self._runner: Runner | None = None
        self._log: DeferredLog | None = None
        self._program_state: tuple[bool, str] | None = None  # whether it runs, and why not

    def on_run_start(self, data_fetcher: Fetcher) -> None:
        """Lightning's, then a look at who listens in this epoch."""
        super().on_run_start(data_fetcher)
        self._plan(data_fetcher)

    def advance(self, data_fetcher: Fetcher) -> None:
        """Run a segment, a single, or Lightning's own batch."""
        if self._runner is not None and not self._runner.hooks.are_current():
            self._plan(data_fetcher)
        runner = self._runner
        if runner is None:
            super().advance(data_fetcher)
            return
        if self.restarting and self._validates_first(data_fetcher):
            return
        self.val_loop.restarting = False
        count = self._segment_length(runner)
        ran, seconds = run_segment(runner, self.batch_idx + 1, count) if count else (0, 0.0)
        if ran:
            self.pace_s = seconds / ran
            if self.clock is not None:
                self.clock.steps(seconds, ran)
            return
        began = time.perf_counter()
        logs = connector(self.trainer)
        # the last batch of an epoch too: a short training may have no step of the log
        seldom = logs.should_update_logs or self.batch_progress.current.ready + 1 >= self.trainer.num_training_batches
        timed = self.clock is not None and logs._first_loop_iter is False and seldom
        watch = Watch(self.trainer.strategy.root_device) if timed else None
        run_single(runner, watch)
        seconds = time.perf_counter() - began
        self.pace_s = self.pace_s or seconds
        if self.clock is not None and watch is not None:
            self.clock.sample(watch.seconds)
        elif self.clock is not None:
            self.clock.steps(seconds, 1)

    def teardown(self) -> None:
        """Lightning's; the program hands back what it holds."""
        if self.program is not None and self._program_state is not None:
            self.program.finish()
        self._runner = self._log = self._program_state = None
        super().teardown()

    def state_dict(self, destination: dict[str, Any] | None = None, prefix: str = "") -> dict[str, Any]:
        """Lightning's, which reads the counters past their names."""
        if self.running is not None:
            self.running.settle()
        state: dict[str, Any] = super().state_dict(destination, prefix)
        return state

    def _plan(self, fetcher: Fetcher) -> None:
        """Look who listens, and decide how batches run until somebody else does."""
        trainer = self.trainer
        self._runner = None
        reason = not_covered(trainer, self, fetcher)
        if reason is not None:
            self.report = LoopReport("lightning", reason)
            return
        tally = Tally()
        hooks = LiveHooks(trainer, self._settle)
        program, why_eager = self._started(hooks)
        step = ProgrammedStep(trainer, program, tally) if program else self.eager_step(trainer, hooks, tally)
        reason = self._why_singles(hooks)
        source = BatchSource(trainer, fetcher, rows=program is not None and program.takes_rows and not reason)
        if self._log is None or self._log.module is not trainer.lightning_module:
            self._log = DeferredLog(trainer, vars(self)["_results"])
        self._runner = Runner(trainer, self, hooks=hooks, source=source, step=step, tally=tally, log=self._log)
        mode = "batches" if reason else "segments"
        self.report = LoopReport(mode, reason or "", program.name if program else "eager", why_eager)  # type: ignore[arg-type]

    def _started(self, hooks: LiveHooks) -> tuple[StepProgram | None, str]:
        """The program if it runs this training; else why not."""
        if self.program is None:
            return None, ""
        if hooks.in_step:
            return None, "a hook between forward and step is used"
        if self._program_state is None:
            refused = self.program.start(self.trainer)
            self._program_state = (refused is None, refused or "")
        runs, reason = self._program_state
        return (self.program if runs else None), reason

    def _why_singles(self, hooks: LiveHooks) -> str | None:
        due = always_due(hooks)
        if due is not None:
            hook, owner = due
            return f"{type(owner).__name__} has {hook}"
        configs = self.trainer.lr_scheduler_configs
        if any(config.reduce_on_plateau and config.interval == "step" for config in configs):
            return "a plateau is looked for at each step"
        return None

    def _segment_length(self, runner: Runner) -> int:
        """Batches that may run at a stretch; 0 where the next one is a single."""
        trainer = self.trainer
        report = self.report
        if (
            report is None
            or report.mode != "segments"
            or connector(trainer)._first_loop_iter is None
            or not self.pace_s
        ):
            return 0
        last = runner.source.before_last(self.batch_progress.current.ready, trainer.num_training_batches)
        if last <= 0:
            return 0
        if self.until_due is not None:
            last = min(last, self.until_due())
        here = position(trainer, self.pace_s)
        return min(batches_until_event(trainer, runner.hooks, here, last), max(1, here.within(SEGMENT_S)))

    def _validates_first(self, fetcher: Fetcher) -> bool:
        """Whether a training that was resumed has a validation to finish, or one to leave out, before it trains."""
        if not self._should_check_val_fx(fetcher):
            return False
        if self.val_loop.restarted_mid_evaluation:
            return True
        if self.restarted_on_last:
            self._skip_next_val = True
            return True
        self.val_loop.increment_progress_to_evaluation_end()
        return False

    def _settle(self) -> None:
        if self.running is not None:
            self.running.settle()
