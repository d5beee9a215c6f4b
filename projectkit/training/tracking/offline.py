"""W&B's offline files, written by a thread of their own: `self.logger.experiment` and `wandb.log` work, and no step waits for them.

What a team logs itself is nowhere else. Our metrics are written there too, so that W&B's step, which `wandb.log` counts, goes along with
ours; what the server is shown of them comes from our own record.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import WandbLogger

from projectkit.runs.files import read_lines
from projectkit.runs.sync import SESSION, Target, first_line
from projectkit.training.logger import LoggerOfRun, RunLogger
from projectkit.training.tracking.guarded import Guarded, Nothing

START_S = (
    8.0  # that a training waits for wandb to start, which takes about one; after that it may go on starting beside it
)
CLOSE_S = 2.0  # and to end
_DISABLE_S = 5.0  # to do nothing takes it milliseconds
_FLUSH_S = 1.0  # what a kill can cost of what the team logged itself
_ROOM = 2**18  # bytes; with less, what was written last may not be there
_QUEUED = 10_000  # lines; further ones are in our record alone


class OfflineWandb(LoggerOfRun):
    """Lightning's W&B logger, offline, behind a queue.

    Args:
        logger: of the run.
        target: project, entity, group and tags.
        config: the run's config, plain containers.
    """

    def __init__(self, logger: RunLogger, target: Target, config: Mapping[str, Any]) -> None:
        super().__init__(logger.writer, logger.clock)
        self.warning: str | None = None
        self._steps = logger
        self._run: Any = None
        self._inner: WandbLogger | None = None
        self._queue: queue.Queue[tuple[dict[str, float], int] | int] = queue.Queue(_QUEUED)
        self._ready, self._done = threading.Event(), threading.Event()
        self._may_start_until = time.monotonic() + START_S
        self._environment: list[str] = []
        arguments = (target, dict(config))
        self._thread = threading.Thread(target=self._work, args=arguments, name="wandb-offline", daemon=True)
        self._thread.start()

    @property
    def experiment(self) -> Any:
        """The W&B run; where there is none, something that takes every call and does nothing."""
        self._wait()
        run = self._run
        return Nothing() if run is None else Guarded(run, self._failed)

    def __getattr__(self, name: str) -> Any:
        """`log_image`, `log_table`, `watch` and the rest of Lightning's W&B logger."""
        if name.startswith("_"):
            raise AttributeError(name)
        self._wait()
        return getattr(Nothing() if self._inner is None else Guarded(self._inner, self._failed), name)

    def log_graph(self, model: Any, input_array: Any = None) -> None:
        """Lightning's hook before the first step: from here on a team may call `wandb.log`, so wandb must have started."""
        self._wait()

    def write(self, metrics: dict[str, float], step: int | None) -> None:
        """Put the metrics into the queue."""
        if self.warning is None:
            try:
                self._queue.put_nowait((metrics, self._steps.step(step)))
            except queue.Full:
                return  # they are in our record

    def close(self, exit_code: int) -> None:
        """End the offline files; waits a bounded time."""
        until = time.monotonic() + CLOSE_S
        if not self._ready.wait(CLOSE_S):
            self._failed(TimeoutError("wandb did not start"))
        if self.warning is None:
            with contextlib.suppress(queue.Full):
                self._queue.put(exit_code, timeout=max(0.0, until - time.monotonic()))
            if not self._done.wait(max(0.0, until - time.monotonic())):
                self._failed(TimeoutError(f"its files were not closed within {CLOSE_S:g} s"))
        # wandb reports success all the same
        if self.warning is None and shutil.disk_usage(self.writer.path).free < _ROOM:
            self.warning = "the disk is full: what was logged with wandb itself may be cut"
        elif self.warning is not None:
            _abandon()
        for name in self._environment:
            os.environ.pop(name, None)

    def _wait(self) -> None:
        self._ready.wait(max(0.0, self._may_start_until - time.monotonic()))

    def _work(self, target: Target, config: dict[str, Any]) -> None:
        try:
            self._start(target, config)
        except Exception as error:  # noqa: BLE001 - whatever the tracker does, the training goes on; the warning is recorded at its end
            self._failed(error)
            disable()
        finally:
            self._ready.set()
        run = self._run
        while run is not None and self.warning is None:
            item = self._queue.get()
            try:
                if isinstance(item, int):
                    run.finish(exit_code=item)
                    break
                metrics, step = item
                if step >= run.step:  # else the team's own calls have moved W&B's step past ours
                    run.log(metrics, step=step)
            except Exception as error:  # noqa: BLE001 - as above
                self._failed(error)
        self._done.set()

    def _start(self, target: Target, config: dict[str, Any]) -> None:
        folder = self.writer.path / "wandb"
        folder.mkdir(exist_ok=True)
        for name in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR"):
            # wandb keeps the files of tables and artifacts there; the home folder may be full, read-only or another machine's
            if name not in os.environ:
                os.environ[name] = str(folder)
                self._environment.append(name)
        start = max((line.get("step", 0) for line in read_lines(self.writer.path / "metrics.jsonl")), default=0)
        import wandb

        wandb.log = self._too_early
        wanted: dict[str, Any] = {"silent": True, "console": "off", "disable_git": True, "x_disable_stats": True}
        wanted |= {"x_save_requirements": False, "x_disable_meta": True, "x_disable_machine_info": True}
        wanted |= {"x_transaction_log_flush_interval": _FLUSH_S}
        known = wandb.Settings.model_fields
        settings = wandb.Settings(**{name: value for name, value in wanted.items() if name in known})
        # started here and not by Lightning's logger, which passes a setting that wandb warns about
        run = wandb.init(
            id=self.writer.id,
            name=self.writer.id,
            dir=self.writer.path,
            project=target.project,
            entity=target.entity,
            group=target.group,
            tags=list(target.tags),
            config=config,
            mode="offline",
            reinit="finish_previous",
            settings=settings,
        )
        with contextlib.suppress(ImportError):
            # wandb counts imports of other packages, and such an import fails in the team's code when wandb's process is gone
            from wandb.sdk.lib.import_hooks import unregister_all_post_import_hooks

            unregister_all_post_import_hooks()
        self._note_start(run)
        if start:
            run.log({"trainer/global_step": start}, step=start)
        # a team's own call must not end the training either
        wandb.log = Guarded(run, self._failed).log
        self._run, self._inner = run, WandbLogger(experiment=run)

    def _too_early(self, *args: Any, **kwargs: Any) -> None:
        """Stands for `wandb.log`, which raises until wandb has started, where the training did not wait any longer."""
        self._wait()
        run = self._run
        if run is not None:
            run.log(*args, **kwargs)
        elif self.warning is None:
            self.warning = "what was logged with wandb before it had started is lost"

    def _note_start(self, run: Any) -> None:
        """When the checkpoint was written that the training goes on from: what was logged after it is done again."""
        times = [path.stat().st_mtime for path in self.writer.checkpoints.glob("*.ckpt") if path.stem != "best"]
        until = max(times, default=time.time())
        path = Path(run.settings.sync_dir) / SESSION
        path.write_text(json.dumps({"goes_on_from": until}), encoding="utf-8")

    def _failed(self, error: BaseException) -> None:
        self._run = self._inner = None
        if self.warning is None:
            self.warning = f"its offline files ended: {first_line(error)}"


def disable() -> None:
    """A run that takes everything and keeps nothing, so that `wandb.log` does not raise in a team's code that uses wandb."""
    wandb: Any = sys.modules.get("wandb")
    if wandb is None:
        return

    def start() -> None:
        # a wandb that cannot even do this fails in the team's code, with its own message
        with contextlib.suppress(Exception):
            wandb.init(mode="disabled", settings={"disable_git": True})

    # in a thread: it asks git all the same, and would wait for one that hangs
    thread = threading.Thread(target=start, daemon=True)
    thread.start()
    thread.join(_DISABLE_S)


def _abandon() -> None:
    """Keep wandb from waiting, when Python ends, for a process of its own that hangs or is dead.

    Only these private names lead there; where a version of wandb has others, nothing is done.
    """
    wandb: Any = sys.modules.get("wandb")
    try:
        singleton = wandb.setup()
        connection, singleton._connection = singleton._connection, None
        singleton._active_runs.clear()  # the next run in this process would wait for them
        os.environ.pop("WANDB_SERVICE", None)
        connection._cleanup()
        connection._proc._process.kill()
    except Exception:  # noqa: BLE001 - as above
        return
