"""A whole epoch as one jitted JAX program, `lax.scan` over the batches: what the hardware can do where nothing is interpreted."""

from __future__ import annotations

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import torch
from workloads import Workload

_RATE, _DECAY, _BETAS, _EPSILON = 1e-3, 1e-2, (0.9, 0.999), 1e-8  # torch's AdamW


def jax_scan(work: Workload) -> Callable[[], float]:
    """The multilayer perceptron of the workload, AdamW written out; compiled before the clock starts."""
    x, y = (jnp.asarray(tensor.numpy()) for tensor in work.tensors)
    linear = [layer for layer in work.model().modules() if isinstance(layer, torch.nn.Linear)]
    weights = [
        (jnp.asarray(layer.weight.detach().numpy().T), jnp.asarray(layer.bias.detach().numpy())) for layer in linear
    ]
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = (weights, zeros, zeros, jnp.zeros((), jnp.float32))

    def loss_of(params: list, inputs: jax.Array, labels: jax.Array) -> jax.Array:
        for weight, bias in params[:-1]:
            inputs = jax.nn.relu(inputs @ weight + bias)
        logits = jax.nn.log_softmax(inputs @ params[-1][0] + params[-1][1])
        return -jnp.take_along_axis(logits, labels[:, None], axis=1).mean()

    def step(carried: tuple, rows: jax.Array) -> tuple:
        params, first, second, count = carried
        loss, slopes = jax.value_and_grad(loss_of)(params, x[rows], y[rows])
        count = count + 1
        first = jax.tree.map(lambda m, g: _BETAS[0] * m + (1 - _BETAS[0]) * g, first, slopes)
        second = jax.tree.map(lambda v, g: _BETAS[1] * v + (1 - _BETAS[1]) * g * g, second, slopes)
        scale_1, scale_2 = 1 - _BETAS[0] ** count, 1 - _BETAS[1] ** count
        params = jax.tree.map(
            lambda p, m, v: p * (1 - _RATE * _DECAY) - _RATE * (m / scale_1) / (jnp.sqrt(v / scale_2) + _EPSILON),
            params,
            first,
            second,
        )
        return (params, first, second, count), loss

    run = jax.jit(lambda carried, order: jax.lax.scan(step, carried, order))
    draw = np.random.default_rng(0)

    def order() -> np.ndarray:
        return draw.permutation(work.steps * work.batch_size).reshape(work.steps, work.batch_size)

    jax.block_until_ready(run(state, order()))

    def epoch() -> float:
        nonlocal state
        began = time.perf_counter()
        state, losses = run(state, order())
        jax.block_until_ready(losses)
        return time.perf_counter() - began

    return epoch
