"""A network as an adversary sees it: fixed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal

from torch import nn

from projectkit.attacks.folding import folded

Mode = Literal["eval", "train"]


@contextmanager
def frozen(model: nn.Module, mode: Mode = "eval") -> Iterator[None]:
    """No weight of `model` asks for a gradient inside, so that each step of an attack costs no more than the input's gradient.

    Afterwards every module and every weight is as it was.

    Args:
        model: whose weights stay still.
        mode: `eval`: batch normalisation uses its running statistics and dropout is off, as when the network is evaluated. In training mode
            each step of an attack would move those statistics towards perturbed batches (eight times a batch for PGD-7), would couple the
            samples of a batch, and dropout would hide gradients behind noise. What is fixed can be folded as well, see `folded`. `train`:
            modules keep the mode that they are in, as the first published codes had it.
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    training = [module for module in model.modules() if module.training] if mode == "eval" else []
    with ExitStack() as stack:
        try:
            for weight in weights:
                weight.requires_grad_(False)
            for module in training:
                module.training = False
            if mode == "eval":
                stack.enter_context(folded(model))
            yield
        finally:
            stack.close()  # first: the convolutions' own weights come back
            for weight in weights:
                weight.requires_grad_(True)
            for module in training:
                module.training = True
