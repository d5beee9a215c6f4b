"""Sequences: where a network embeds them, the output as a function of the embeddings, and what each token looks like."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from projectkit.data.encoders import (
    PAD,
    ByteEncoder,
    CharacterEncoder,
    SequenceEncoder,
    TokenEncoder,
    WordEncoder,
    WordPieceEncoder,
)
from projectkit.evaluation.attribution.methods import GradientsFailedError
from projectkit.evaluation.attribution.outputs import Score


def embedded(task: pl.LightningModule, score: Score, x: Tensor) -> tuple[Callable[..., Tensor], Tensor, Tensor]:
    """The score as a function of what the network embeds.

    The embedding that reads the tokens is found by running the network once. While the function runs, it gives what it is handed in
    place of its own result; so lengths and masks, which follow from the tokens, stay those of the sample.

    Args:
        task: in evaluation mode.
        score: of tokens.
        x: (1, length) int64.

    Returns:
        The function of (embeddings, tokens), the sample's embeddings (1, places, width), and those of padding in each place.

    Raises:
        GradientsFailedError: no embedding reads the tokens in their order.
    """
    seen: list[tuple[nn.Embedding, Tensor, Tensor]] = []

    def note(module: nn.Module, given: tuple[Any, ...], result: Tensor) -> None:
        if isinstance(module, nn.Embedding) and given and given[0].shape[:1] == x.shape[:1]:
            seen.append((module, given[0].detach(), result.detach()))

    hooks = [module.register_forward_hook(note) for module in task.modules() if isinstance(module, nn.Embedding)]
    try:
        with torch.no_grad():
            score(x)
    finally:
        for hook in hooks:
            hook.remove()
    for module, tokens, result in seen:
        shared = min(tokens.shape[-1], x.shape[-1])
        # a network may add padding behind, or leave some out; tokens in another order could not be told apart
        if tokens.ndim == 2 and shared and torch.equal(tokens[:, :shared], x[:, :shared]):
            with torch.no_grad():
                plain = module(torch.full_like(tokens, PAD))
            return _through(module, score), result.clone(), plain
    raise GradientsFailedError("no nn.Embedding of the network reads the tokens")


def _through(module: nn.Embedding, score: Score) -> Callable[..., Tensor]:
    def of_embeddings(vectors: Tensor, tokens: Tensor) -> Tensor:
        handed = [vectors]  # once: a second call of the same embedding is left alone

        def hand(_module: nn.Module, _given: Any, result: Tensor) -> Tensor:
            return handed.pop() if handed and result.shape == vectors.shape else result

        hook = module.register_forward_hook(hand)
        try:
            return score(tokens)
        finally:
            hook.remove()

    return of_embeddings


def units(encoder: SequenceEncoder, x: Any, row: int) -> tuple[list[str], NDArray[np.int64]]:
    """What stands behind each token of a sample.

    Args:
        encoder: that made the tokens.
        x: the inputs of a data set.
        row: of the sample.

    Returns:
        Texts to be shown one behind the other, and for each token the number of its text, (length,). Several bytes make a character.
    """
    if isinstance(encoder, TokenEncoder):
        shown = [x.names[token] for token in x[row][: encoder.max_length]]
    elif isinstance(encoder, WordEncoder | WordPieceEncoder):
        shown = encoder.split(x[row])
    elif isinstance(encoder, ByteEncoder):
        values = x.values[x.offsets[row] : x.offsets[row + 1]][: encoder.max_length]
        begins = (values & 0xC0) != 0x80
        places = np.cumsum(begins, dtype=np.int64) - 1
        bounds = [*np.flatnonzero(begins).tolist(), len(values)]
        parts = (values[start:stop].tobytes() for start, stop in pairwise(bounds))
        return [_decoded(part) for part in parts], places
    else:
        assert isinstance(encoder, CharacterEncoder)
        shown = list(x[row][: encoder.max_length])
    return shown, np.arange(len(shown))


def _decoded(part: bytes) -> str:
    try:
        return part.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:  # a character that the encoder's cut went through
        return "\N{REPLACEMENT CHARACTER}"
