"""What stands between a tracker and a training: the first thing that goes wrong in a tracker drops it, with one warning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytorch_lightning.loggers.logger import Logger

from projectkit.runs.sync import first_line
from projectkit.training.logger import LoggerOfRun, RunLogger


class Nothing:
    """Stands in for a tracker that is gone: every attribute can be called, indexed and entered, and nothing happens."""

    def __getattr__(self, name: str) -> Nothing:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Nothing:
        """Take everything."""
        return self

    def __getitem__(self, key: Any) -> Nothing:
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __enter__(self) -> Nothing:
        return self

    def __exit__(self, *error: object) -> None:
        pass


class NoTracker(LoggerOfRun):
    """Takes the place of W&B's logger where it is disabled: what a team logs to `self.logger` goes nowhere."""

    @property
    def experiment(self) -> Nothing:
        """Takes every call."""
        return Nothing()

    def __getattr__(self, name: str) -> Any:
        """`log_image` and the rest."""
        if name.startswith("_"):
            raise AttributeError(name)
        return Nothing()

    def write(self, metrics: dict[str, float], step: int | None) -> None:
        """They are in our record."""


class Guarded:
    """An object of a tracker whose methods do not raise.

    Args:
        inner: the object.
        failed: is told the error of the first method that raised.
    """

    def __init__(self, inner: Any, failed: Callable[[BaseException], None]) -> None:
        self._inner = inner
        self._failed = failed

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if not callable(value) or isinstance(value, type):
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return value(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - whatever a tracker does, the training goes on; the warning is recorded at its end
                self._failed(error)
                return Nothing()

        return call


class GuardedLogger(LoggerOfRun):
    """A logger of Lightning's beside our own.

    Args:
        name: of the tracker, for the warning.
        logger: of the run, whose steps are those of the record.
        start: makes Lightning's logger.
    """

    def __init__(self, name: str, logger: RunLogger, start: Callable[[], Logger]) -> None:
        super().__init__(logger.writer, logger.clock)
        self.tracker = name
        self.warning: str | None = None
        self._steps = logger
        self._inner: Logger | None = None
        try:
            self._inner = start()
        except Exception as error:  # noqa: BLE001 - as above
            self.failed(error)

    @property
    def experiment(self) -> Any:
        """What a team logs to itself: `self.logger.experiment`."""
        inner = self._inner
        if inner is None:
            return Nothing()
        try:
            return Guarded(getattr(inner, "experiment", Nothing()), self.failed)
        except Exception as error:  # noqa: BLE001 - as above
            self.failed(error)
            return Nothing()

    def write(self, metrics: dict[str, float], step: int | None) -> None:
        """Pass the metrics on."""
        if self._inner is not None:
            self._guard(self._inner.log_metrics, metrics, self._steps.step(step))

    def save(self) -> None:
        """Lightning's hook."""
        if self._inner is not None:
            self._guard(self._inner.save)

    def close(self, exit_code: int) -> None:
        """End it."""
        inner = self._inner
        if inner is not None:
            self._guard(inner.finalize, "success" if exit_code == 0 else "failed")
        self._inner = None

    def failed(self, error: BaseException) -> None:
        """Drop the tracker."""
        self._inner = None
        if self.warning is None:
            self.warning = f"{self.tracker} stopped: {first_line(error)}"

    def _guard(self, action: Callable[..., Any], *arguments: Any) -> None:
        try:
            action(*arguments)
        except Exception as error:  # noqa: BLE001 - as above
            self.failed(error)
