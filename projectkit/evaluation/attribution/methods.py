"""Integrated gradients and occlusion, by captum, each with how far the parts add up to the whole."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

_STEPS = (32, 128, 512)  # along the way from baseline to sample; more only where fewer do not add up
_STEPS_LARGE = (32, 128)  # of large inputs, whose gradients take time
_LARGE = 30_000  # numbers of an input
_GOOD = 0.02  # the error of the sum, as a share: small enough not to look for a better one
_BAD = 0.25  # too much to be shown
_AT_ONCE = 64  # copies of a sample that go through the network together
_PATCHES = 8  # along a side of an image
_STRETCHES = 40  # of a series

Method = Literal["integrated gradients", "occlusion"]


@dataclass(frozen=True)
class Parts:
    """A sample's output taken apart.

    Args:
        values: of the input's shape without the batch, float32, on the CPU.
        method: by which it was taken apart.
        difference: the output on the sample minus that on the baseline.
        error: how far the values' sum is from the difference, as a share of the larger of the difference and half of all that the
            values move. Small for integrated gradients; occlusion does not promise it.
    """

    values: Tensor
    method: Method
    difference: float
    error: float


class GradientsFailedError(Exception):
    """Gradients cannot be had, or do not add up; the message says which."""


def integrated(score: Callable[..., Tensor], x: Tensor, baseline: Tensor, fixed: tuple[Any, ...] = ()) -> Parts:
    """Integrated gradients of one sample; with as many steps as it takes to add up.

    Args:
        score: (batch, ...) -> (batch,).
        x: (1, ...) floating point.
        baseline: of the same shape.
        fixed: further arguments of `score`, the same for each step.

    Raises:
        GradientsFailedError: no gradient leads to the input, it is not a number, or the sum is more than a quarter off.

    Source: Sundararajan, Taly & Yan 2017, "Axiomatic attribution for deep networks"; the error is that of its completeness axiom.
    """
    from captum.attr import IntegratedGradients

    explainer = IntegratedGradients(score, multiply_by_inputs=True)
    difference = _difference(score, x, baseline, fixed)
    best: Parts | None = None
    for steps in _STEPS if x.numel() <= _LARGE else _STEPS_LARGE:
        try:
            given = explainer.attribute(
                x,
                baselines=baseline,
                additional_forward_args=fixed or None,
                n_steps=steps,
                internal_batch_size=_AT_ONCE,
            )
        except (RuntimeError, AssertionError, TypeError, ValueError, NotImplementedError, IndexError) as error:
            raise GradientsFailedError(f"no gradient leads to the input ({_first_line(error)})") from error
        values = given.detach().float().cpu()[0]
        found = Parts(values, "integrated gradients", difference, _error(values, difference))
        best = found if best is None or not found.error >= best.error else best
        if best.error <= _GOOD:
            return best
    assert best is not None
    if not best.error <= _BAD:  # also where it is not a number
        raise GradientsFailedError(f"gradients do not add up to the output ({best.error:.0%} off)")
    return best


def occluded(
    score: Callable[..., Tensor],
    x: Tensor,
    baseline: Tensor,
    *,
    parts: Tensor | None = None,
) -> Parts:
    """How much the output changes when a part of the sample is put back to the baseline.

    Args:
        score: (batch, ...) -> (batch,).
        x: (1, ...) numbers or tokens; images (1, channels, height, width) by patches, series (1, channels, length) by stretches.
        baseline: of the same shape.
        parts: (1, ...) numbers from 0 that say which places of a table or a sequence are put back together; the change is shared
            evenly among them.

    Source: Zeiler & Fergus 2014, "Visualizing and understanding convolutional networks", section 4.2.
    """
    from captum.attr import FeatureAblation, Occlusion

    with torch.no_grad():
        if parts is not None:
            given = FeatureAblation(score).attribute(
                x, baselines=baseline, feature_mask=parts, perturbations_per_eval=_AT_ONCE
            )
            counts = torch.bincount(parts.reshape(-1)).to(given.device)
            given = given / counts[parts.to(given.device)]
        else:
            sides = x.shape[2:]
            cuts = _PATCHES if len(sides) == 2 else _STRETCHES
            window = [max(1, math.ceil(side / cuts)) for side in sides]
            given = Occlusion(score).attribute(
                x,
                sliding_window_shapes=(x.shape[1], *window),
                strides=(x.shape[1], *(max(1, each // 2) for each in window)),
                baselines=baseline,
                perturbations_per_eval=_AT_ONCE,
            )
            given = given / x.shape[1]  # the channels go together, and are added up again
    values = given.float().cpu()[0]
    difference = _difference(score, x, baseline, ())
    return Parts(values, "occlusion", difference, _error(values, difference))


def _difference(score: Callable[..., Tensor], x: Tensor, baseline: Tensor, fixed: tuple[Any, ...]) -> float:
    with torch.no_grad():
        return float(score(x, *fixed)[0] - score(baseline, *fixed)[0])


def _error(values: Tensor, difference: float) -> float:
    whole = max(abs(difference), 0.5 * float(values.abs().double().sum()))
    return abs(float(values.double().sum()) - difference) / whole if whole > 0 else 0.0


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
