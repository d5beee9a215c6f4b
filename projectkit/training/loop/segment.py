"""Many batches at a stretch, at whose boundaries nobody looks."""

from __future__ import annotations

import time

from projectkit.training.loop.due import after_steps
from projectkit.training.loop.lightning_names import connector, received_sigterm, warn_no_batch
from projectkit.training.loop.running import Runner


def run_segment(runner: Runner, first: int, count: int) -> tuple[int, float]:
    """Run batches in a tight loop; fewer where the loader ends early, or the training is to stop.

    What Lightning does once a batch and nobody sees (counters, results, the callbacks' metrics) is done once at the end.

    Args:
        runner: of the epoch.
        first: number of the first batch in the epoch.
        count: batches.

    Returns:
        Batches that ran, and their seconds; no batch where the loader has none left but, perhaps, the last one of the epoch.
    """
    trainer, loop, tally = runner.trainer, runner.loop, runner.tally
    step, next_batch, move = runner.step, runner.source.next, runner.source.move
    rows, direct = runner.source.rows, runner.source.direct
    accumulate = trainer.accumulate_grad_batches
    schedulers, listeners = runner.step_schedulers(), after_steps(runner.hooks)
    stopped = received_sigterm(trainer)
    logs, results = connector(trainer), runner.log.results
    logs._first_loop_iter, results.dataloader_idx = False, None
    step.prepare()
    steps, ran = False, 0
    began = time.perf_counter()
    with runner.running():
        runner.log.install()
        for batch_idx in range(first, first + count):
            tally.stepped += steps  # of the batch before: that of the last is counted after `advance`
            try:
                batch = next_batch()
            except StopIteration:
                tally.stepped -= steps
                break
            tally.fetched += direct
            if not rows:
                batch = move(batch)
            tally.ready += 1
            results.batch = batch
            results.batch_size = None
            steps = accumulate == 1 or (batch_idx + 1) % accumulate == 0
            if batch is None:
                warn_no_batch(loop)
            else:
                tally.started += 1
                step(batch, batch_idx, steps)
                if steps:
                    for after_step in listeners:
                        after_step()
            tally.processed += 1
            if steps:
                for schedule, frequency in schedulers:
                    if (batch_idx + 1) % frequency == 0:
                        tally.scheduled_ready += 1
                        schedule()
                        tally.scheduled_completed += 1
            tally.completed += 1
            ran += 1
            if trainer.should_stop or stopped():
                break
    seconds = time.perf_counter() - began
    if not ran:
        return 0, 0.0
    logs.on_batch_end()
    logs.update_train_step_metrics()
    return ran, seconds
