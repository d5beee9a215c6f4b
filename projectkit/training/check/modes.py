"""Training and evaluation mode, and whether a sample's output depends on that sample alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from projectkit.findings import Finding
from projectkit.training.check.subject import Subject, cloned, forward, head_of, inputs_of, mapped, rows_of
from projectkit.training.loop.shapes import samples_of, tensors_of

ROWS = 8  # samples whose outputs are compared
NEAR = 1e-3  # of the outputs' deviation: kernels round otherwise where a batch is put together otherwise
PADDING = 7  # tokens that are added behind


def check_eval_mode(subject: Subject, task: Any) -> Iterator[Finding]:
    """In evaluation mode nothing is drawn, and nothing is learnt.

    Args:
        subject: with batches.
        task: a copy.
    """
    task.eval()
    still = [name for name, module in task.named_modules() if module.training]
    if still:
        yield Finding(
            "eval-mode",
            "error",
            still[0] or "model",
            f"after eval(), {len(still)} modules are still in training mode: {', '.join(still[:3])}",
            "usually a train() or eval() of your own that does not reach all layers; remove it, or call super().train(mode)",
            {"modules": still[:20]},
        )
        return
    batch = head_of(subject.batches[0], ROWS)
    before = {name: buffer.clone() for name, buffer in task.named_buffers()}
    first, second = _outputs(task, batch), _outputs(task, batch)
    after = dict(task.named_buffers())
    changed = [name for name, buffer in before.items() if name in after and not _same(buffer, after[name])]
    modes = [name for name, module in task.named_modules() if module.training]
    if modes or changed:
        what = f"{modes[0]} puts itself into training mode" if modes else f"a forward pass changes {changed[0]}"
        yield Finding(
            "eval-mode",
            "error",
            (modes or changed)[0].rpartition(".")[0] or "model",
            f"in evaluation mode {what}",
            "usually a self.train() or a running average inside forward; what is measured would depend on what was measured "
            "before. Update it only "
            "where self.training is true",
            {"buffers": changed[:20], "modules": modes[:20]},
        )
    apart = _distance(first, second)
    if apart > NEAR:
        own = not subject.is_classification
        yield Finding(
            "eval-mode",
            "warning" if own else "error",
            "model",
            f"two forward passes of the same batch in evaluation mode differ, by {apart:.2g} of the outputs' deviation",
            "usually functional.dropout(x) without training=self.training, or noise that is added in forward; use nn.Dropout, "
            "or draw only where "
            "self.training is true",
            {"difference": apart},
        )
    elif not modes and not changed:
        yield Finding(
            "eval-mode", "ok", "model", "in evaluation mode the output is the same each time, and no buffer changes"
        )


def check_leakage(subject: Subject, task: Any) -> Iterator[Finding]:
    """A sample's output in evaluation mode, with other samples beside it, in another order, and its gradient by the others' inputs.

    Args:
        subject: with batches of two samples at least.
        task: a copy whose output is the same each time.
    """
    task.eval()
    batch = subject.batches[0]
    count = samples_of(batch)
    if count < 3:
        yield Finding(
            "batch-leakage", "note", "data", f"a batch has {count} samples: too few to see whether they see each other"
        )
        return
    size = min(ROWS, count // 2 if count >= 4 else 2)
    kept, others = torch.arange(size), torch.arange(size, count)
    here = rows_of(batch, torch.cat([kept, others[:size]]))
    alone = _by_sample(_outputs(task, here), samples_of(here))
    if alone is None:
        yield Finding(
            "batch-leakage",
            "note",
            "model",
            "the output has no row a sample, so it was not looked at whether samples see each other",
        )
        return
    order = torch.arange(samples_of(here)).flip(0)
    turned = _by_sample(_outputs(task, rows_of(here, order)), samples_of(here))
    replaced = rows_of(batch, torch.cat([kept, others[-1:].expand(len(others[:size]))]))
    beside = _by_sample(_outputs(task, replaced), samples_of(here))
    distances = {"order": _distance(alone, turned[order]) if turned is not None else 0.0}
    distances["other_samples"] = _distance(alone[:size], beside[:size]) if beside is not None else 0.0
    flow = _gradient_to_others(task, here)
    worst = max(distances, key=distances.__getitem__)
    if distances[worst] > NEAR or flow:
        how = "their order changes" if worst == "order" else "the others of the batch are replaced"
        seen = f"a sample's output changes by {distances[worst]:.2g} of the outputs' deviation when {how}"
        if distances[worst] <= NEAR:
            seen = f"the gradient of one sample's output by another sample's input is not 0 ({flow:.2g})"
        yield Finding(
            "batch-leakage",
            "error",
            "model",
            f"in evaluation mode {seen}",
            "usually a reshape or view that mixes the batch with another dimension, a mean or softmax over dim=0, batch "
            "normalisation with the batch's own "
            "statistics (track_running_stats=False), or attention with the batch where the sequence should be (batch_first=True)",
            {**distances, "gradient": flow},
        )
        return
    yield Finding(
        "batch-leakage",
        "ok",
        "model",
        "a sample's output depends on that sample alone",
        evidence={**distances, "gradient": flow},
    )


def check_padding(subject: Subject, task: Any) -> Iterator[Finding]:
    """Token sequences: padding behind a sequence changes nothing.

    Args:
        subject: whose `pad_index` is known, else nothing is said.
        task: a copy.
    """
    x = inputs_of(subject.batches[0])
    if subject.pad_index is None or not isinstance(x, Tensor) or x.ndim != 2 or x.is_floating_point():
        return
    task.eval()
    batch = head_of(subject.batches[0], ROWS)
    index, width = subject.pad_index, x.shape[1]
    longer = mapped(
        batch,
        lambda each: (
            nn.functional.pad(each, (0, PADDING), value=index) if each.ndim == 2 and each.shape[1] == width else each
        ),
    )
    apart = _distance(_outputs(task, batch), _outputs(task, longer))
    if apart > NEAR:
        yield Finding(
            "padding",
            "warning",
            "model",
            f"{PADDING} tokens of padding behind the sequences change the output by {apart:.2g} of its deviation",
            "usually a mean, a last state or an attention over the padding: what a text is taken for then depends on the "
            "longest one beside it. Mask with "
            "x != pad_index, or pack the sequences",
            {"difference": apart, "tokens": PADDING},
        )
    else:
        yield Finding(
            "padding", "ok", "model", "padding behind a sequence changes nothing", evidence={"difference": apart}
        )


def _outputs(task: Any, batch: Any) -> Any:
    # TF32 rounds at the third figure, which is where outputs are compared
    with torch.no_grad(), torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        return forward(task, cloned(batch))


def _by_sample(output: Any, count: int) -> Tensor | None:
    """The first tensor of an output that has a row a sample, as (count, values)."""
    for each in tensors_of(output):
        if isinstance(each, Tensor) and each.ndim and len(each) == count and each.is_floating_point():
            return each.detach().float().reshape(count, -1)
    return None


def _distance(one: Any, other: Any) -> float:
    """The largest difference of two outputs, in standard deviations of their values."""
    worst = 0.0
    for left, right in zip(tensors_of(one), tensors_of(other), strict=False):
        if not isinstance(left, Tensor) or not isinstance(right, Tensor) or not left.is_floating_point():
            continue
        if left.shape != right.shape:
            return 0.0  # an output as long as its input, which was made longer
        a, b = left.detach().float(), right.detach().float()
        scale = max(float(a.std()) if a.numel() > 1 else 0.0, 1e-3 * float(a.abs().max()) if a.numel() else 0.0, 1e-12)
        worst = max(worst, float((a - b).abs().max()) / scale if a.numel() else 0.0)
    return worst


def _gradient_to_others(task: Any, batch: Any) -> float:
    """The largest gradient of the first sample's output by another sample's input, over its own; 0 for whole numbers, which have none."""
    x = inputs_of(batch)
    if not isinstance(x, Tensor) or not x.is_floating_point() or not isinstance(batch, list | tuple):
        return 0.0
    x = x.clone().requires_grad_(True)
    with torch.enable_grad():
        rows = forward(task, type(batch)([x, *batch[1:]]))
        output = next(
            (each for each in tensors_of(rows) if isinstance(each, Tensor) and each.ndim and len(each) == len(x)), None
        )
        if output is None or not output.requires_grad:
            return 0.0
        gradient: Any = torch.autograd.grad(output[0].float().square().sum(), x, allow_unused=True)[0]
    if gradient is None:
        return 0.0
    own, others = float(gradient[0].abs().max()), float(gradient[1:].abs().max())
    return others / max(own, 1e-12) if others > 1e-6 * max(own, 1e-12) else 0.0


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and bool(torch.equal(one, other))
