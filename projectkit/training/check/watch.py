"""What happens inside a forward pass: which layers ran, on what, and what came out.

Every call of a torch function is seen, so that `torch.relu(x)` inside a forward counts as much as an `nn.ReLU` does. Names are those of the
innermost module that ran.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from projectkit.training.loop.shapes import tensors_of

# functions with weights; beside each, the dimension of the result along which its units lie
LAYERS = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), 1),
    **dict.fromkeys(("linear", "bilinear", "addmm", "embedding", "gru", "lstm", "rnn_tanh", "rnn_relu"), -1),
}
NORMS = {"batch_norm": 1, "instance_norm": 1, "group_norm": 1, "layer_norm": -1, "rms_norm": -1}
RECTIFIERS = {"relu", "relu_", "relu6", "threshold"}
SATURATING = {"sigmoid": (0.0, 1.0), "sigmoid_": (0.0, 1.0), "tanh": (-1.0, 1.0), "tanh_": (-1.0, 1.0)}
STUCK = 0.97  # of a unit's values: a dead one may have a few that are not 0
EDGE = 0.01  # of a sigmoid's or tanh's range: closer to its end than this, it has next to no gradient


@dataclass
class Units:
    """One activation function at one place, over all batches that were watched."""

    name: str  # of the module that it ran in
    function: str  # relu, sigmoid, tanh
    quiet: Tensor  # (units,) share of a unit's values that were 0 (relu), or at an end of the range
    batches: int = 1

    @property
    def stuck(self) -> float:
        """Share of the units that are dead or saturated: (nearly) all of their values are."""
        return float((self.quiet / self.batches > STUCK).double().mean())


@dataclass
class LayerRun:
    """One layer's last run."""

    name: str
    function: str
    scale: float  # root mean square of what came out


@dataclass
class Watch(TorchFunctionMode):
    """A context in which the forward passes of one module are watched.

    Args:
        root: the module.
    """

    root: nn.Module
    layers: dict[str, LayerRun] = field(default_factory=dict)  # in the order of their first run
    units: dict[str, Units] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)  # ids of the parameters that took part
    strangers: dict[int, tuple[str, tuple[int, ...]]] = field(
        default_factory=dict
    )  # parameters that root does not have
    ran: set[str] = field(default_factory=set)  # names of modules whose forward was called
    first_input: Tensor | None = None  # what the first layer with weights was given
    first_layer: str = ""
    normalised_first: bool = False  # a normalisation came before any other layer
    last: tuple[str, Any] | None = None  # the last function, and its result
    broken: str | None = None  # the first layer that gave numbers that are none, from numbers

    def __post_init__(self) -> None:
        super().__init__()
        self._own = {id(parameter) for parameter in self.root.parameters()}
        self._stack: list[str] = []
        self._counts: dict[str, int] = {}
        self._dimension = -1

    def __enter__(self) -> Self:
        self._handles = []
        for name, module in self.root.named_modules():
            self._handles.append(module.register_forward_pre_hook(self._entered(name or type(module).__name__)))
            self._handles.append(module.register_forward_hook(self._left, always_call=True))
        super().__enter__()  # type: ignore[no-untyped-call] # torch has no type for it, nor for the next
        return self

    def __exit__(self, *error: Any) -> None:
        for handle in self._handles:
            handle.remove()
        super().__exit__(*error)  # type: ignore[no-untyped-call]

    def again(self) -> None:
        """Before a further batch: layers are counted from the beginning."""
        self._counts.clear()
        self._stack.clear()

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Torch's hook: run it, and note what is asked for."""
        kwargs = kwargs or {}
        name = getattr(function, "__name__", "")
        if name in LAYERS or name in NORMS:
            self._note_parameters(args, kwargs)
            self._note_input(name, args)
        result = function(*args, **kwargs)
        if name in LAYERS or name in NORMS:
            self._note_layer(name, args, result)
        elif name in RECTIFIERS or name in SATURATING:
            self._note_units(name, result)
        if isinstance(result, Tensor) and name not in ("__get__", "__set__"):
            self.last = (name, result)
        return result

    def _entered(self, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any) -> None:
            self._stack.append(name)
            self.ran.add(name)

        return hook

    def _left(self, *_: Any) -> None:
        if self._stack:
            self._stack.pop()

    def _place(self, function: str) -> str:
        """The innermost module's name; with a number where it calls the function several times."""
        name = self._stack[-1] if self._stack else type(self.root).__name__
        key = f"{name}:{function}"
        self._counts[key] = self._counts.get(key, 0) + 1
        return name if self._counts[key] == 1 else f"{name} ({function} {self._counts[key]})"

    def _note_parameters(self, args: Iterable[Any], kwargs: Mapping[str, Any]) -> None:
        for each in tensors_of([*args, *kwargs.values()]):
            if isinstance(each, nn.Parameter):
                self.used.add(id(each))
                if id(each) not in self._own:
                    place = self._stack[-1] if self._stack else type(self.root).__name__
                    self.strangers.setdefault(id(each), (place, tuple(each.shape)))

    def _note_input(self, name: str, args: Sequence[Any]) -> None:
        if self.first_layer or not args:
            return
        self.first_layer = self._stack[-1] if self._stack else name
        self.normalised_first = name in NORMS
        given = next((each for each in args if isinstance(each, Tensor)), None)
        if given is not None and given.is_floating_point():
            self.first_input = given.detach()

    def _note_layer(self, name: str, args: Sequence[Any], result: Any) -> None:
        output = next((each for each in tensors_of(result) if isinstance(each, Tensor)), None)
        if output is None or not output.is_floating_point():
            return
        self._dimension = {**LAYERS, **NORMS}[name]
        place = self._place(name)
        with torch.no_grad():
            scale = float(output.detach().float().square().mean().sqrt()) if output.numel() else 0.0
        if name in LAYERS:
            self.layers[place] = LayerRun(place, name, scale)
        if self.broken is None and not bool(torch.isfinite(output).all()):
            given = [each for each in tensors_of(list(args)) if isinstance(each, Tensor) and each.is_floating_point()]
            if all(bool(torch.isfinite(each).all()) for each in given):
                self.broken = place

    def _note_units(self, name: str, result: Any) -> None:
        if not isinstance(result, Tensor) or result.ndim < 2 or not result.numel():
            return
        value = result.detach().movedim(self._dimension, 0).flatten(1)
        if name in RECTIFIERS:
            function, still = "relu", value <= 0
        else:
            function = name.rstrip("_")
            low, high = SATURATING[name]
            margin = EDGE * (high - low)
            still = (value < low + margin) | (value > high - margin)
        place = self._place(function)
        quiet = still.float().mean(dim=1).cpu()  # Apple's GPUs have no float64
        known = self.units.get(place)
        if known is None or known.quiet.shape != quiet.shape:
            self.units[place] = Units(place, function, quiet)
        else:
            known.quiet += quiet
            known.batches += 1
