"""What a training and an evaluation write, without either."""

from __future__ import annotations

from projectkit.runs import RunWriter

STEPS = list(range(10, 110, 10))


def log_steps(writer: RunWriter, steps: list[int]) -> None:
    """The lines of a training: a loss at each step, a validation at each fiftieth."""
    for step in steps:
        writer.log(step, step // 50, {"train/loss": 1 / step})
        if step % 50 == 0:
            writer.log(step, step // 50, {"val/f1_macro": step / 200})


def evaluate(writer: RunWriter, subset: str = "val", f1: float = 0.5) -> None:
    """What `projectkit evaluate` writes."""
    writer.write_figure(f"confusion-{subset}", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    metrics = {"f1_macro": {"value": f1, "low": 0.4, "high": 0.6, "method": "bootstrap"}, "ece": {"value": 0.1}}
    document = {"n": 4, "class_names": ["ham", "spam"], "metrics": metrics, "confusion": [[1, 1], [0, 2]]}
    writer.write_evaluation(subset, document)
