"""Dead and saturated units, layers whose signal or gradient explodes or vanishes, and parameters that no gradient reaches."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

from torch import nn

from projectkit.findings import Finding
from projectkit.training.check.trial import Trial
from projectkit.training.check.watch import Watch

STUCK = 0.5, 0.9  # share of a layer's units: warned of, an error
FEWEST_UNITS = 4  # of a layer of which shares say something
VANISHED = 1e-6, 1e-9  # gradient norm of a layer over the largest one's
SIGNAL = 1e-4, 1e4  # root mean square of a layer's output
EXPLODED = 1e3, 1e6  # gradient norm of all parameters


def check_strangers(watch: Watch) -> Iterator[Finding]:
    """Layers that the forward uses and the module does not know."""
    if not watch.strangers:
        return
    places = sorted({place for place, _ in watch.strangers.values()})
    shapes = [shape for _, shape in watch.strangers.values()]
    yield Finding(
        "unregistered",
        "error",
        places[0],
        f"{len(shapes)} parameters that are used in {', '.join(places[:3])} do not belong to the model, for example one of "
        f"shape {shapes[0]}",
        "usually layers in a plain list or dict, which torch does not look into: they are not trained, saved or moved to the GPU. Use "
        "nn.ModuleList or nn.ModuleDict, and create layers in __init__",
        {"parameters": len(shapes), "modules": places, "shapes": [list(shape) for shape in shapes[:10]]},
    )


def check_optimizers(trial: Trial) -> Iterator[Finding]:
    """Every parameter that is to be trained is in an optimiser, and the rate is above 0."""
    if not trial.rates:
        return
    if trial.missing:
        some, count = ", ".join(trial.missing[:3]), len(trial.missing)
        also = f", and it holds {trial.foreign} that the task does not have" if trial.foreign else ""
        yield Finding(
            "optimizer",
            "error",
            "optimizer",
            f"{count} of {len(trial.gradients)} parameters are in no optimiser: {some}{' ...' if count > 3 else ''}{also}",
            "usually an optimiser over one part of the network, or one that was made before layers were added or replaced; give it "
            "self.parameters(), and freeze with requires_grad_(False) what is not to be trained",
            {"missing": trial.missing[:50], "count": count, "foreign": trial.foreign},
        )
    elif trial.foreign:
        yield Finding(
            "optimizer",
            "warning",
            "optimizer",
            f"the optimiser holds {trial.foreign} parameters that the task does not have",
            "usually a network that was replaced after the optimiser was made; make it in configure_optimizers",
            {"foreign": trial.foreign},
        )
    elif not trial.rate > 0:
        yield Finding(
            "optimizer",
            "error",
            "optimizer",
            f"the highest learning rate is {trial.rate:g}",
            "usually a schedule that starts at 0 and never rises, or a placeholder; write for example optimizer.init_args.lr=0.001",
            {"rate": trial.rate},
        )
    else:
        yield Finding(
            "optimizer",
            "ok",
            "optimizer",
            f"holds all {len(trial.gradients)} trained parameters, rate up to {trial.rate:g}",
            evidence={"rate": trial.rate},
        )


def check_reach(task: nn.Module, trial: Trial, watch: Watch) -> Iterator[Finding]:
    """Each trained parameter gets a gradient that is not 0 in the first steps.

    Args:
        task: that was watched.
        trial: of a copy.
        watch: of a forward pass in training mode.
    """
    if not trial.gradients or not any(value is not None for value in trial.gradients.values()):
        if trial.gradients and trial.rates:
            yield _cut(list(trial.gradients), "no parameter gets a gradient", len(trial.gradients))
        return
    by_name = dict(task.named_parameters())
    none = [name for name, norm in trial.gradients.items() if norm is None]
    unused = [
        name for name in none if name in by_name and id(by_name[name]) not in watch.used and not _ran(name, watch)
    ]
    cut = [name for name in none if name not in unused]
    zero = [name for name, norm in trial.gradients.items() if norm == 0.0]
    if cut:
        yield _cut(
            cut,
            f"no gradient reaches {len(cut)} of {len(trial.gradients)} parameters: {_some(cut)}",
            len(trial.gradients),
        )
    if unused:
        yield Finding(
            "unused",
            "warning",
            unused[0].rpartition(".")[0] or unused[0],
            f"{len(unused)} parameters take no part in the training step: {_some(unused)}",
            "usually a layer that is made in __init__ and not called in forward; call it, or remove it",
            {"parameters": unused[:50]},
        )
    if zero:
        yield Finding(
            "gradient",
            "warning",
            zero[0].rpartition(".")[0] or zero[0],
            f"the gradient of {len(zero)} of {len(trial.gradients)} parameters is exactly 0 in the first {len(trial.rates)} "
            f"steps: {_some(zero)}",
            "usually what comes after them is dead, constant or multiplied by 0: a ReLU that is never positive, weights that "
            "are all 0, an argmax "
            "or rounding; look at the layer after the first of them",
            {"parameters": zero[:50]},
        )
    if not none and not zero:
        yield Finding(
            "gradient",
            "ok",
            "model",
            f"a gradient reaches all {len(trial.gradients)} trained parameters",
            evidence={"parameters": len(trial.gradients)},
        )


def check_units(watch: Watch) -> Iterator[Finding]:
    """Dead ReLUs, and sigmoids and tanhs that are saturated."""
    worst: dict[str, float] = {}
    for units in watch.units.values():
        kind = "dead-units" if units.function == "relu" else "saturated-units"
        if len(units.quiet) < FEWEST_UNITS:
            continue
        stuck = units.stuck
        worst[kind] = max(worst.get(kind, 0.0), stuck)
        if stuck <= STUCK[0]:
            continue
        if kind == "dead-units":
            what = f"{stuck:.0%} of the {len(units.quiet)} ReLUs in {units.name} are 0 for (nearly) every sample"
            advice = (
                "usually a bias that starts far below 0, weights that are all 0, weights or inputs that are too large or all "
                "negative, or a rate that is too high; a dead ReLU gets no "
                "gradient. Keep torch's initialisation, standardise the inputs, or put a normalisation before it"
            )
        else:
            what = f"{stuck:.0%} of the {len(units.quiet)} units of the {units.function} in {units.name} are at an end of its range"
            advice = (
                "usually weights or inputs that are too large; a saturated unit has next to no gradient. Standardise the "
                "inputs, initialise with xavier_uniform_, or "
                "put a normalisation before it"
            )
        yield Finding(
            kind,
            "error" if stuck > STUCK[1] else "warning",
            units.name,
            what,
            advice,
            {"share": stuck, "units": len(units.quiet), "function": units.function, "batches": units.batches},
        )
    for kind, share in worst.items():
        if share <= STUCK[0]:
            name = "dead ReLUs" if kind == "dead-units" else "saturated units"
            yield Finding(
                kind, "ok", "model", f"at most {share:.0%} {name} in a layer", evidence={"largest_share": share}
            )


def check_flow(task: nn.Module, trial: Trial, watch: Watch) -> Iterator[Finding]:
    """The size of each layer's output, and of its gradient, at the start.

    Args:
        task: whose weights are matrices or filters; biases and normalisations are not compared.
        trial: with gradients of the first steps.
        watch: of a forward pass.
    """
    scales = {name: run.scale for name, run in watch.layers.items()}
    large = {name: scale for name, scale in scales.items() if scale > SIGNAL[1]}
    weights = [name for name, parameter in task.named_parameters() if parameter.ndim > 1 and parameter.requires_grad]
    norms = {name: norm for name in weights if (norm := trial.gradients.get(name)) and math.isfinite(norm)}
    total = math.sqrt(sum(norm**2 for norm in norms.values()))
    evidence = {"outputs": _rounded(scales), "gradients": _rounded(norms), "total": total}
    if large or total > EXPLODED[0]:
        place = next(iter(large)) if large else max(norms, key=norms.__getitem__).rpartition(".")[0]
        seen = (
            f"the output of {place} has a root mean square of {scales[place]:.2g}"
            if large
            else f"the gradient's norm at the start is {total:.2g}, most of it in {place}"
        )
        severe = total > EXPLODED[1] or any(scale > SIGNAL[1] ** 2 for scale in large.values())
        yield Finding(
            "exploding",
            "error" if severe else "warning",
            place,
            seen,
            "usually weights that are too large, layer upon layer, or inputs that are not standardised; use torch's "
            "initialisation or kaiming_normal_, put a "
            "normalisation between layers, clip with trainer.gradient_clip_val=1.0",
            evidence,
        )
        return
    if len(norms) < 2:
        return
    largest = max(norms.values())
    gone = {name: norm / largest for name, norm in norms.items() if norm / largest < VANISHED[0]}
    if gone:
        name = min(gone, key=gone.__getitem__)
        yield Finding(
            "vanishing",
            "error" if gone[name] < VANISHED[1] or len(gone) > len(norms) / 3 else "warning",
            name.rpartition(".")[0],
            f"the gradient of {name} is {gone[name]:.1e} of the largest layer's, in {len(gone)} of {len(norms)} layers it is "
            f"below {VANISHED[0]:g}",
            "usually many sigmoids or tanhs on top of each other, or weights that are too small; use ReLU or GELU, residual "
            "connections, a normalisation "
            "between layers, and torch's initialisation or kaiming_normal_",
            evidence,
        )
        return
    ratio = min(norms.values()) / largest
    middle = statistics.median(norms.values())
    yield Finding(
        "vanishing",
        "ok",
        "model",
        f"gradient norms of {len(norms)} layers: median {middle:.2g}, smallest over largest {ratio:.1e}",
        evidence=evidence,
    )


def _cut(names: list[str], seen: str, count: int) -> Finding:
    return Finding(
        "gradient",
        "error",
        names[0].rpartition(".")[0] or names[0],
        seen,
        "usually .detach(), .data, .item(), .numpy(), torch.no_grad() or torch.tensor(...) between them and the loss, or an "
        "argmax; remove it, and freeze with "
        "requires_grad_(False) what is not to be trained",
        {"parameters": names[:50], "of": count},
    )


def _ran(parameter: str, watch: Watch) -> bool:
    """Whether the module that has the parameter was called; a parameter of the task itself is looked up by its use alone."""
    owner = parameter.rpartition(".")[0]
    return bool(owner) and owner in watch.ran


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.4g}") for name, value in list(values.items())[:60]}
