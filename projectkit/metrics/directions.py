"""Which way a metric is better, by its name."""

from __future__ import annotations

_LESS = frozenset({"loss", "nll", "ece", "brier", "mae", "mse", "rmse", "fpr", "fnr", "perplexity", "gaussian_kl"}) | {
    *("time_to_detect", "false_alarms_per_day", "missed_per_day", "latency_ms", "memory_mib"),
}
_ENDS = ("loss", "error", "error_rate")  # focal_loss, calibration_error


def less_is_better(name: str) -> bool:
    """Whether a smaller value is the better one.

    Args:
        name: of a metric, as `ece`, or as it is logged, `val/loss`. A name that is not known counts as one of which more
            is better, unless it ends in loss, error or error_rate.
    """
    last = name.rpartition("/")[2].lower()
    return last in _LESS or last in _ENDS or last.endswith(tuple(f"_{end}" for end in _ENDS))
