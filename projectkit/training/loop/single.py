"""One batch with everything that Lightning does around it, as far as somebody has a hook for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from projectkit.training.loop.lightning_names import connector, outputs_for_hooks, warn_no_batch
from projectkit.training.loop.running import Runner
from projectkit.training.loop.watch import Watch


def run_single(runner: Runner, watch: Watch | None) -> None:
    """Run one batch with its hooks, logs and counters.

    Args:
        runner: of the epoch.
        watch: times the batch's phases, or None.

    Raises:
        StopIteration: there are no more batches, or `on_train_batch_start` returned -1.
    """
    with runner.running():
        _run(runner, watch)


def _run(runner: Runner, watch: Watch | None) -> None:
    loop, tally, hooks = runner.loop, runner.tally, runner.hooks
    logs = connector(runner.trainer)
    mark: Callable[[str], None] = _nothing if watch is None else watch.mark
    runner.step.watch = watch
    batch = runner.source.one()
    mark("waiting" if runner.source.waits else "data")
    batch_idx = loop.batch_idx + 1
    loop.batch_progress.is_last_batch = runner.source.fetcher.done
    if not runner.source.rows:
        batch = runner.source.move(batch)
    mark("data")
    tally.ready += 1
    logs.on_batch_start(batch)
    outputs: dict[str, Any] | None = None
    skip_epoch = False
    if batch is None:
        warn_no_batch(loop)
    elif hooks.call("on_train_batch_start", batch, batch_idx) == -1:
        skip_epoch = True
        loop.batch_progress.increment_by(0, is_last_batch=True)
    else:
        tally.started += 1
        mark("hooks")
        outputs = _step(runner, batch, batch_idx)
    tally.processed += 1
    _schedule(runner)
    mark("optimizer")
    if skip_epoch:
        raise StopIteration
    hooks.call("on_train_batch_end", outputs, batch, batch_idx)
    logs.on_batch_end()
    tally.completed += 1
    logs.update_train_step_metrics()
    mark("hooks")


def _step(runner: Runner, batch: Any, batch_idx: int) -> dict[str, Any]:
    """Train on the batch; what `on_train_batch_end` is given, where somebody wants it."""
    step = runner.step
    step.prepare()
    # the first batch of an epoch resets the metrics of the one before, which is left to Lightning's own `log`
    if not connector(runner.trainer)._first_loop_iter:
        runner.log.install()
    step(batch, batch_idx, not runner.loop._should_accumulate())
    runner.log.remove()
    outputs = outputs_for_hooks(step.output, step.loss) if "on_train_batch_end" in runner.hooks else {}
    step.output = step.loss = None
    return outputs


def _schedule(runner: Runner) -> None:
    if runner.trainer.lr_scheduler_configs:
        runner.loop.update_lr_schedulers("step", update_plateau_schedulers=False)
        if runner.loop._num_ready_batches_reached():
            runner.loop.update_lr_schedulers("epoch", update_plateau_schedulers=False)


def _nothing(phase: str) -> None:
    """The mark of a batch that nobody times."""
