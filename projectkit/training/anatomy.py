"""What a network is made of: its layers in the order in which samples pass them, with what they give on and what they have learnt.

Seen on two samples after the training, and left in the run as `model.json`, from which a poster draws the network. Functions
count as layers do: `torch.relu(x)` in a forward is drawn as an `nn.ReLU` is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from projectkit.data import DataModule
from projectkit.tasks import PlannedTask
from projectkit.training.layer_words import TORCH, about
from projectkit.training.loop.shapes import samples_of, tensors_of
from projectkit.training.workbench import untouched

_SAMPLES = 2
_MOST_LAYERS = 2000  # more are not drawn, and the file stays small

# functions that a drawing names, as their layers are called
_FUNCTIONS = {
    **dict.fromkeys(("relu", "relu_"), "ReLU"),
    "gelu": "GELU",
    "silu": "SiLU",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "dropout": "Dropout",
    "amax": "maximum",
    "cat": "joined",
    **dict.fromkeys(("add", "add_", "__add__", "__iadd__", "__radd__"), "shortcut"),
    **{f"max_pool{n}d": f"MaxPool{n}d" for n in (1, 2, 3)},
    **{f"avg_pool{n}d": f"AvgPool{n}d" for n in (1, 2, 3)},
    **{f"adaptive_avg_pool{n}d": f"AdaptiveAvgPool{n}d" for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": f"AdaptiveMaxPool{n}d" for n in (1, 2, 3)},
}


@dataclass
class _Layer:
    """A layer while the sample passes it."""

    name: str
    type: str
    about: str = ""
    parameters: int = 0
    given: tuple[int, ...] | None = None
    gives: tuple[int, ...] | None = None
    source: int = 0  # id of the tensor that it was given: layers given the same one stand side by side
    children: list[_Layer] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {"name": self.name, "type": self.type, "about": self.about}
        found |= {"input": self.given, "output": self.gives, "parameters": self.parameters, "source": self.source}
        return found | ({"layers": [child.as_dict() for child in self.children]} if self.children else {})


def anatomy_of(task: pl.LightningModule, data: pl.LightningDataModule, trainer: pl.Trainer) -> dict[str, Any]:
    """The document `model.json` of a task that was trained; see `anatomy`.

    Args:
        task: after its training; of one of ours the network is looked at, a team's own is taken as a whole.
        data: gives the samples; where it is a team's own, the trainer's loader does.
        trainer: that the task was trained by.
    """
    network: nn.Module = task.model if isinstance(task, PlannedTask) else task
    with untouched():
        try:
            x = _sample(task, data, trainer)
            with trainer.precision_plugin.forward_context():
                return anatomy(network, x)
        except Exception as error:  # noqa: BLE001 - whatever a team's loader raises: the training is over and has succeeded
            return _defined(network, error)


def anatomy(network: nn.Module, x: Any) -> dict[str, Any]:
    """What a network is made of.

    Args:
        network: is run once in evaluation mode, without gradients, and is left as it was.
        x: two samples as the network is given them, (2, ...): features are told from positions by their first dimension.

    Returns:
        `type`, `parameters`, `trainable`, `input` and `output` (shapes of one sample), `layers`: a tree of `name`, `type`, `about`,
        `input`, `output`, `parameters`, `source` (equal where layers are given the same tensor) and `layers`. Where the samples cannot
        be passed through, `reason` says why, and the layers are those that the network has, in the order of its definition.
    """
    modes = {module: module.training for module in network.modules()}
    try:
        with torch.no_grad():
            network.eval()
            watch = _Watch(network, samples_of(x))
            with watch:
                y = network(x)
        return {**_head(network), "input": _shape(x), "output": _shape(y), "layers": _settled(watch.top)}
    except Exception as error:  # noqa: BLE001 - whatever a team's forward raises
        return _defined(network, error)
    finally:
        for module, mode in modes.items():
            module.training = mode


def _head(network: nn.Module) -> dict[str, Any]:
    return {
        "type": type(network).__name__,
        "parameters": sum(each.numel() for each in network.parameters()),
        "trainable": sum(each.numel() for each in network.parameters() if each.requires_grad),
    }


def _sample(task: pl.LightningModule, data: pl.LightningDataModule, trainer: pl.Trainer) -> Any:
    """A few samples of the training as the network is given them, (2, ...): two, so that features are told from positions."""
    if isinstance(data, DataModule):
        usual, data.batch_size = data.batch_size, _SAMPLES
        try:
            (batch,) = islice(data.subset_dataloader("train"), 1)
        finally:
            data.batch_size = usual
    else:
        loaders: Any = trainer.train_dataloader
        (batch,) = islice(loaders, 1)
    device = next((each.device for each in task.parameters()), torch.device("cpu"))
    batch = trainer.strategy.batch_to_device(batch, device)
    x = (
        next(iter(batch.values()))
        if isinstance(batch, dict)
        else batch[0]
        if isinstance(batch, list | tuple)
        else batch
    )
    return x[:_SAMPLES] if isinstance(x, Tensor) else x


class _Watch(TorchFunctionMode):
    """A context in which one forward pass of a network is watched."""

    def __init__(self, network: nn.Module, samples: int) -> None:
        super().__init__()
        self.top = _Layer("", type(network).__name__)
        self._stack = [self.top]
        self._kept: list[Any] = []  # so that no id is given twice
        self._count = 0
        self._samples = samples
        self._names = {module: name for name, module in network.named_modules()}
        self._network = network
        self._hooks: list[Any] = []

    def __enter__(self) -> Any:
        for module in self._names:
            if module is not self._network:
                self._hooks.append(module.register_forward_pre_hook(self._enters, with_kwargs=True))
                self._hooks.append(module.register_forward_hook(self._leaves, always_call=True))
        return super().__enter__()  # type: ignore[no-untyped-call]

    def __exit__(self, *arguments: Any) -> None:
        for hook in self._hooks:
            hook.remove()
        super().__exit__(*arguments)  # type: ignore[no-untyped-call]

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, arguments: Any = (), keywords: dict[str, Any] | None = None
    ) -> Any:
        name = _FUNCTIONS.get(getattr(function, "__name__", ""))
        result = function(*arguments, **(keywords or {}))
        if name is None or (
            len(self._stack) > 1 and self._stack[-1].type in TORCH
        ):  # whose functions are its own affair
            return result
        given = [each for each in tensors_of(arguments) if isinstance(each, Tensor)]
        if self._says_something(name, given, result):
            self._kept.append(given)
            layer = _Layer("", name, given=_shape(given), gives=_shape(result), source=id(given[0]))
            self._stack[-1].children.append(layer)
        return result

    def _says_something(self, name: str, given: list[Tensor], result: Any) -> bool:
        """Whether features of the samples came out: no lengths, no masks, no positions; of a sum, whether both sides are features."""
        if not given or not isinstance(result, Tensor) or not result.is_floating_point():
            return False
        if name == "shortcut" and (len(given) != 2 or given[0].shape != given[1].shape or given[0] is given[1]):
            return False
        return given[0].shape[:1] == result.shape[:1] == (self._samples,) and self._counts()

    def _counts(self) -> bool:
        self._count += 1
        return self._count <= _MOST_LAYERS

    def _enters(self, module: nn.Module, arguments: Any, keywords: dict[str, Any]) -> None:
        given = next((each for each in tensors_of([arguments, keywords]) if isinstance(each, Tensor)), None)
        self._kept.append(given)
        layer = _Layer(
            self._names[module],
            type(module).__name__,
            about(module),
            sum(each.numel() for each in module.parameters()),
            _shape(given),
            source=id(given),
        )
        if self._counts():
            self._stack[-1].children.append(layer)
        self._stack.append(layer)

    def _leaves(self, module: nn.Module, arguments: Any, result: Any) -> None:
        self._kept.append(result)
        self._stack.pop().gives = _shape(result)


def _shape(value: Any) -> tuple[int, ...] | None:
    """Of one sample: without the batch; of several tensors that of the first."""
    tensor = next((each for each in tensors_of(value) if isinstance(each, Tensor)), None)
    return None if tensor is None else tuple(tensor.shape[1:])


def _settled(top: _Layer) -> list[dict[str, Any]]:
    """The layers as plain values, with small numbers for the tensors that they were given."""
    numbers: dict[int, int] = {}

    def number(layer: _Layer) -> None:
        layer.source = numbers.setdefault(layer.source, len(numbers))
        for child in layer.children:
            number(child)

    for layer in top.children:
        number(layer)
    return [layer.as_dict() for layer in top.children]


def _defined(network: nn.Module, error: Exception) -> dict[str, Any]:
    """What can be said without a pass: the layers with weights as the network defines them."""
    layers: list[dict[str, Any]] = []
    for name, module in islice(network.named_modules(), _MOST_LAYERS):
        own = sum(each.numel() for each in module.parameters(recurse=False))
        if module is not network and own:
            layer = _Layer(name, type(module).__name__, about(module), own)
            layers.append({**layer.as_dict(), "source": len(layers)})
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return {**_head(network), "input": None, "output": None, "reason": reason, "layers": layers}
