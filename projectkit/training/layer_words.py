"""What a diagram says of a layer beside its name: its sizes, in a few words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn


def about(module: nn.Module) -> str:
    """What a reader wants to know of a layer, such as `3 → 16, kernel 3`; empty of a class that is not torch's own."""
    describe = _ABOUT.get(type(module).__name__)
    return "" if describe is None or type(module).__name__ not in TORCH else describe(module)


def _convolution(module: Any) -> str:
    sizes = _sizes(module.kernel_size)
    parts = [f"{module.in_channels} → {module.out_channels}", sizes if " " in sizes else f"kernel {sizes}"]
    if set(module.stride) != {1}:
        parts.append(f"stride {_sizes(_one(module.stride))}")
    if set(module.dilation) != {1}:
        parts.append(f"dilation {_sizes(_one(module.dilation))}")
    if module.groups > 1:
        parts.append(f"{module.groups} groups")
    return ", ".join(parts)


def _recurrent(module: Any) -> str:
    parts = [f"{module.input_size} → {module.hidden_size}"]
    if module.num_layers > 1:
        parts.append(f"{module.num_layers} layers")
    return ", ".join([*parts, *(["both ways"] if module.bidirectional else [])])


def _one(value: Sequence[int]) -> int | Sequence[int]:
    return value[0] if len(set(value)) == 1 else value


def _sizes(value: int | Sequence[int]) -> str:
    """`3 × 3`; one number where it is for one direction."""
    return str(value) if isinstance(value, int) else " × ".join(map(str, value))


_ABOUT: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys((f"Conv{n}d" for n in (1, 2, 3)), _convolution),
    **dict.fromkeys((f"ConvTranspose{n}d" for n in (1, 2, 3)), _convolution),
    **dict.fromkeys(("RNN", "LSTM", "GRU"), _recurrent),
    **dict.fromkeys(
        (f"{kind}Pool{n}d" for kind in ("Max", "Avg") for n in (1, 2, 3)), lambda it: _sizes(it.kernel_size)
    ),
    "Linear": lambda it: f"{it.in_features} → {it.out_features}",
    "Embedding": lambda it: f"{it.num_embeddings} × {it.embedding_dim}",
    "EmbeddingBag": lambda it: f"{it.num_embeddings} × {it.embedding_dim}",
    "Dropout": lambda it: f"{it.p:g}",
    "MultiheadAttention": lambda it: f"{it.embed_dim}, {it.num_heads} heads",
    "TransformerEncoderLayer": lambda it: f"{it.self_attn.embed_dim}, {it.self_attn.num_heads} heads",
}
# classes of torch.nn that stand for themselves; containers are those that others are put into
TORCH = {name for name in vars(nn) if isinstance(getattr(nn, name), type)} - {
    "Module",
    "Sequential",
    "ModuleList",
    "ModuleDict",
}
